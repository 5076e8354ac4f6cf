"""Figure of a comparison: predictions beside the Monte Carlo interval, one panel an observable."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from qktheory.plots.style import COLOURS, INK, new_figure, style
from qktheory.verification.compare import Comparison, ObservableComparison, Prediction

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot_comparison", "plot_scalar", "plot_vector"]

_MARKERS = {"exact": "D", "sharp": "^", "asymptotic": "s", "lower": ">", "upper": "<"}
_LINES = {"exact": "-", "sharp": "-.", "asymptotic": "--", "lower": ":", "upper": ":"}


def _label(prediction: Prediction) -> str:
    return f"{prediction.claim.id} ({prediction.word})"


def plot_scalar(compared: ObservableComparison, ax: Axes) -> list[Artist]:
    """Draw the interval of a scalar observable and, below it, each prediction.

    Parameters
    ----------
    compared : ObservableComparison
        One observable without components.
    ax : matplotlib.axes.Axes
        Where.

    Returns
    -------
    list of Artist
        The band, the parts of the interval, then one marker a prediction.
    """
    estimate = compared.estimate
    low, high, mean = float(estimate.low[0]), float(estimate.high[0]), float(estimate.mean[0])
    artists: list[Artist] = []
    finite = math.isfinite(low) and math.isfinite(high)
    if finite:
        artists.append(ax.axvspan(low, high, color=COLOURS[0], alpha=0.12, linewidth=0))
    reach = [[mean - low], [high - mean]] if finite else None
    bar = ax.errorbar([mean], [0.0], xerr=reach, fmt="o", color=COLOURS[0], capsize=4)
    artists.extend(bar.get_children())
    names = ["Monte Carlo"]
    for row, prediction in enumerate(compared.predictions, start=1):
        (marker,) = ax.plot(
            [float(prediction.value[0])],
            [-row],
            _MARKERS[prediction.word],
            color=COLOURS[1 + (row - 1) % (len(COLOURS) - 1)],
            clip_on=False,
        )
        artists.append(marker)
        names.append(_label(prediction))
    ax.set_yticks(range(0, -len(names), -1), names)
    ax.set_ylim(-len(names) + 0.4, 0.6)
    ax.margins(x=0.25)
    ax.set_xlabel(compared.observable.title)
    return artists


def plot_vector(compared: ObservableComparison, ax: Axes) -> list[Artist]:
    """Draw a vector observable over the relative position theta = key/T of the key, or the layer.

    Parameters
    ----------
    compared : ObservableComparison
        One observable with a component a key.
    ax : matplotlib.axes.Axes
        Where.

    Returns
    -------
    list of Artist
        The band of simultaneous intervals, the Monte Carlo mean, then one line a prediction:
        exact ones solid, sharp ones dash-dotted, asymptotic ones dashed, bounds dotted.
    """
    estimate = compared.estimate
    by_key = compared.observable.index == "key"
    first = 0.0 if compared.observable.index in ("state", "length") else 1.0
    numbers = np.arange(estimate.mean.size, dtype=np.float64) + first
    theta = numbers / estimate.mean.size if by_key else numbers
    artists: list[Artist] = [
        ax.fill_between(
            theta, estimate.low, estimate.high, color=COLOURS[0], alpha=0.18, linewidth=0
        )
    ]
    (mean,) = ax.plot(
        theta,
        estimate.mean,
        ".",
        color=COLOURS[0],
        markersize=3,
        label="Monte Carlo",
        clip_on=False,
    )
    artists.append(mean)
    for row, prediction in enumerate(compared.predictions):
        (line,) = ax.plot(
            theta,
            prediction.value,
            _LINES[prediction.word],
            color=INK if prediction.kind == "exact" else COLOURS[1 + row % (len(COLOURS) - 1)],
            linewidth=1.1,
            label=_label(prediction),
        )
        artists.append(line)
    if by_key:
        ax.set_xlim(0.0, 1.0)
        _set_scale(ax, estimate.mean)
    ax.set_xlabel(r"position of the key, $\theta = i/T$" if by_key else "layer $l$")
    ax.set_ylabel(compared.observable.title)
    ax.legend(loc="best")
    return artists


def _set_scale(ax: Axes, mean: NDArray[np.float64]) -> None:
    """Use a logarithmic axis where a few keys would flatten all the others."""
    lowest = float(mean.min())
    if lowest > 0.0 and float(mean.max()) > 20.0 * float(np.median(mean)):
        ax.set_yscale("log")
        ax.set_ylim(bottom=lowest / 3.0)
    elif lowest >= 0.0:
        ax.set_ylim(bottom=0.0)


def plot_comparison(comparison: Comparison) -> tuple[Figure, str]:
    """Draw a comparison, one panel an observable.

    Parameters
    ----------
    comparison : Comparison
        The result.

    Returns
    -------
    figure : matplotlib.figure.Figure
        Independent of pyplot.
    caption : str
        What it shows, with the number of samples and the error level.

    Examples
    --------
    >>> from qktheory import compare
    >>> spec = {"d": 4, "T": 8, "spectrum": {"law": "point", "xi": 1.0, "eta": 0.25}}
    >>> figure, caption = plot_comparison(compare(spec, ["entropy", "rho"], samples=500))
    >>> len(figure.axes), "500 samples" in caption
    (2, True)
    """
    compared = list(comparison.observables.values())
    scalars = [one for one in compared if not one.estimate.vector]
    vectors = [one for one in compared if one.estimate.vector]
    most = max((len(one.predictions) for one in scalars), default=0)
    columns = 2 if max(len(scalars), len(vectors)) > 1 else 1
    heights = [0.8 + 0.3 * (1 + most)] * -(-len(scalars) // columns)
    heights += [2.9] * -(-len(vectors) // columns)
    with style():
        figure = new_figure(4.4 * columns, sum(heights))
        axes = figure.subplots(
            len(heights), columns, squeeze=False, gridspec_kw={"height_ratios": heights}
        )
        used = -(-len(scalars) // columns) * columns
        for place, one in [*enumerate(scalars), *enumerate(vectors, start=used)]:
            ax = axes.ravel()[place]
            (plot_vector if one.estimate.vector else plot_scalar)(one, ax)
        for ax in axes.ravel():
            if not ax.has_data():
                ax.remove()
    return figure, caption_of(comparison)


def caption_of(comparison: Comparison) -> str:
    """Return what a figure of a comparison has to say about its numbers."""
    guarantees = sorted({o.estimate.guarantee for o in comparison.observables.values()})
    return (
        f"{comparison.ensemble!r}. Monte Carlo: {comparison.samples} samples, seed "
        f"{comparison.seed}; intervals simultaneous over all observables and keys, error "
        f"probability {comparison.delta:g} ({', '.join(guarantees)})."
    )
