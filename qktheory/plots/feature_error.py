"""Error of random features against their number, for maps of one logit variance (ZOO-RF-6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from qktheory.base.errors import bad_value
from qktheory.plots.style import COLOURS, INK, style
from qktheory.verification.compare import Comparison

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.container import ErrorbarContainer
    from matplotlib.lines import Line2D

__all__ = ["feature_error_caption", "plot_feature_error"]

_OBSERVABLE = "kernel_relative_error"
_EXACT = "ZOO-RF-6b"


def _measured(comparison: Comparison) -> tuple[int, float, float, float]:
    """Return the number of features, the mean and both ends of its interval."""
    features = comparison.ensemble.attention.features
    if features is None or _OBSERVABLE not in comparison.observables:
        raise bad_value("comparisons", comparison, f"random features and observable {_OBSERVABLE}")
    estimate = comparison[_OBSERVABLE].estimate
    return features.count, float(estimate), float(estimate.low[0]), float(estimate.high[0])


def _predicted(comparison: Comparison) -> float:
    """Return the exact mean, NaN where there is none."""
    found = [
        float(p.value[0])
        for p in comparison[_OBSERVABLE].predictions
        if p.claim.id == _EXACT and np.isfinite(p.value).all()
    ]
    return found[0] if found else float("nan")


def plot_feature_error(
    comparisons: Mapping[str, Sequence[Comparison]], ax: Axes
) -> dict[str, tuple[Line2D, ErrorbarContainer]]:
    """Draw measured and predicted relative errors of the kernels against the number of features.

    Parameters
    ----------
    comparisons : mapping of str to sequence of Comparison
        By label of the spectrum, to which the legend adds its nuclear norm: experiments with
        random features that measured ``kernel_relative_error``, at one number of features each.
    ax : matplotlib.axes.Axes
        Where.

    Returns
    -------
    dict
        By label: the line of the exact mean and the measured points.

    Raises
    ------
    ValueError
        If an experiment has no random features or has not measured the error.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from qktheory import compare
    >>> spec = {"d": 2, "T": 4, "matrix": {"W": [[0.02, 0.0], [0.0, 0.01]]},
    ...         "tokens": {"law": "iid"}, "attention": {"normalizer": "random_features"}}
    >>> found = compare(spec, ["kernel_relative_error"], samples=500)
    >>> list(plot_feature_error({"rank 2": [found]}, Figure().subplots()))
    ['rank 2']
    """
    artists: dict[str, tuple[Line2D, ErrorbarContainer]] = {}
    with style():
        for row, (label, results) in enumerate(comparisons.items()):
            colour = COLOURS[row % len(COLOURS)]
            table = np.array([_measured(result) for result in results])
            count, mean, low, high = table[np.argsort(table[:, 0])].T
            exact = np.array([_predicted(r) for r in results])[np.argsort(table[:, 0])]
            demand = results[0].feature_demand
            norm = "" if demand is None else rf", $\|W\|_* = {demand.nuclear_norm:.2g}$"
            (line,) = ax.plot(count, exact, color=colour, linewidth=1.2, label=label + norm)
            bars = np.where(np.isfinite([low, high]), [mean - low, high - mean], 0.0)
            points = ax.errorbar(
                count, mean, yerr=bars, fmt="o", color=colour, markersize=3.5, capsize=2.0
            )
            if demand is not None and demand.nuclear_law is not None:
                law = demand.error * demand.nuclear_law / count
                ax.plot(count, law, color=colour, linewidth=0.9, linestyle=":")
            artists[label] = (line, points)
        ax.plot([], [], color=INK, linewidth=0.9, linestyle=":", label="law of the nuclear norm")
        ax.set_xscale("log", base=2)
        ax.set_yscale("log")
        ax.set_xlabel(r"number of features, $m$")
        ax.set_ylabel(r"mean squared relative error, $E(\hat K/K - 1)^2$")
        ax.legend(loc="upper right")
    return artists


def feature_error_caption(comparisons: Mapping[str, Sequence[Comparison]]) -> str:
    """Return what the figure has to say about its numbers.

    Examples
    --------
    >>> feature_error_caption({})[:36]
    'Relative error of the softmax kernel'
    """
    parts = [
        "Relative error of the softmax kernel by positive random features: exact means (lines, "
        f"{_EXACT}), Monte Carlo with intervals (points), and the law (e^(2 ||W||_*) - 1)/m of the "
        "nuclear norm (dotted)."
    ]
    for label, results in comparisons.items():
        first, demand = results[0], results[0].feature_demand
        norm = "" if demand is None else f", ||W||_* = {demand.nuclear_norm:.4g}"
        parts.append(
            f"{label}: {first.ensemble!r}{norm}, {first.samples} samples a point, seed "
            f"{first.seed}, error probability {first.delta:g} a point."
        )
    return " ".join(parts)
