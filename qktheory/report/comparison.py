"""A comparison as text: observable by observable, predictions beside the Monte Carlo estimate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qktheory.base.numbers import interval_text, number_text
from qktheory.verification.compare import Comparison, ObservableComparison, Prediction

__all__ = ["ComparisonLine", "agreement_word", "comparison_closing", "comparison_lines"]


@dataclass(frozen=True)
class ComparisonLine:
    """One line of the comparison of an observable, all in text.

    Parameters
    ----------
    source : str
        ``"Monte Carlo"`` or the id of a claim.
    kind : str
        Kind of the prediction, what is shown of the estimate.
    values : tuple of str
        One value, or those at the first, the middle and the last key.
    deviation : str
        Largest distance from the mean in half-widths (hw) of its interval; of a vector observable,
        with its key.
    answer : str
        Agreement.
    """

    source: str
    kind: str
    values: tuple[str, ...]
    deviation: str
    answer: str


def index_word(compared: ObservableComparison) -> tuple[str, int]:
    """Return what components are numbered by, and the number of the first one."""
    index = compared.observable.index
    if index in ("state", "length"):
        return ("layer" if index == "state" else index), 0
    return index, 1


def shown_keys(compared: ObservableComparison) -> tuple[int, ...]:
    """Return the components, from 1, that text shows; none for a scalar observable."""
    size = compared.estimate.mean.size
    if not compared.estimate.vector:
        return ()
    return tuple(sorted({1, (size + 1) // 2, size}))


def agreement_word(prediction: Prediction, compared: ObservableComparison) -> str:
    """Return what an interval says about a prediction, in a word or two.

    Examples
    --------
    >>> from qktheory import compare
    >>> spec = {"d": 4, "T": 8, "spectrum": {"law": "point", "xi": 1.0, "eta": 0.25},
    ...         "tokens": {"law": "iid"}}
    >>> compared = compare(spec, ["entropy"], samples=500)["entropy"]
    >>> agreement_word(compared.predictions[-1], compared)
    'agrees'
    """
    answer = prediction.agrees(compared.estimate)
    if answer is None:
        return "not judged"
    if prediction.kind == "exact":
        return "agrees" if answer else "DISAGREES"
    return "holds" if answer else "VIOLATED"


def comparison_lines(compared: ObservableComparison) -> list[ComparisonLine]:
    """Return the lines of one observable: the estimate, then predictions, exact ones last.

    Parameters
    ----------
    compared : ObservableComparison
        One observable.

    Returns
    -------
    list of ComparisonLine

    Examples
    --------
    >>> from qktheory import compare
    >>> spec = {"d": 4, "T": 8, "spectrum": {"law": "point", "xi": 1.0, "eta": 0.25},
    ...         "tokens": {"law": "iid"}}
    >>> compared = compare(spec, ["entropy"], samples=500)["entropy"]
    >>> [line.source for line in comparison_lines(compared)]
    ['Monte Carlo', 'ENT-4', 'ENT-12a', 'LOC-15b']
    """
    estimate = compared.estimate
    keys = shown_keys(compared)
    index = np.array(keys, dtype=np.intp) - 1 if keys else np.zeros(1, dtype=np.intp)
    texts = [
        interval_text(float(estimate.mean[k]), float(estimate.low[k]), float(estimate.high[k]))
        for k in index
    ]
    if keys:
        widths = (estimate.high - estimate.low)[index] / 2.0
        lines = [
            ComparisonLine("Monte Carlo", "mean", tuple(value for value, _ in texts), "", ""),
            ComparisonLine("", "half-width", tuple(number_text(w, 2) for w in widths), "", ""),
        ]
    else:
        value, ends = texts[0]
        shown = f"{value} in {ends}" if estimate.has_interval else f"{value}, no interval"
        lines = [ComparisonLine("Monte Carlo", "mean", (shown,), "", "")]
    for prediction in compared.predictions:
        lines.append(
            ComparisonLine(
                prediction.claim.id,
                prediction.word,
                tuple(number_text(float(prediction.value[k]), 5) for k in index),
                _deviation(prediction.value, compared),
                agreement_word(prediction, compared),
            )
        )
    return lines


def _deviation(value: NDArray[np.float64], compared: ObservableComparison) -> str:
    """Return the largest (value - mean) in units of the half-width of the interval."""
    estimate = compared.estimate
    width = (estimate.high - estimate.low) / 2.0
    distance = value - estimate.mean
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = np.where(distance == 0.0, 0.0, distance / width)
    if not np.isfinite(width).all():
        return "-"
    worst = int(np.argmax(np.abs(scaled)))
    where = f"at {worst + index_word(compared)[1]}" if estimate.vector else "hw"
    return f"{scaled[worst]:+.2f} {where}"


def comparison_closing(comparison: Comparison, asked: int, seconds: float | None = None) -> str:
    """Return the summary in words.

    Parameters
    ----------
    comparison : Comparison
        The result.
    asked : int
        Number of samples asked for.
    seconds : float, optional
        Time the run took.

    Returns
    -------
    str
        One paragraph.
    """
    decided = [o.agrees for o in comparison.observables.values() if o.agrees is not None]
    if not decided:
        words = "No exact prediction or bound of the catalogue speaks about these observables."
    elif all(decided):
        words = "Every exact prediction and bound agrees with its interval."
    else:
        wrong = [name for name, o in comparison.observables.items() if o.agrees is False]
        words = f"Predictions DISAGREE with the simulation: {', '.join(wrong)}."
    if comparison.interrupted:
        words += f" Interrupted after {comparison.samples} of {asked} samples."
    words += (
        f" With probability at least 1 - {comparison.delta:g} all intervals together contain their "
        f"means (asymptotic ones as n grows). n = {comparison.samples}, seed {comparison.seed}"
    )
    return words + (f", {seconds:.1f} s." if seconds is not None else ".")
