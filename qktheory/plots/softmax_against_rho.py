"""Weight of the true softmax against the profile of rho: limits of the clipped theory (LOC-12)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from qktheory.base.errors import bad_value
from qktheory.plots.position_bins import PositionBins, draw_binned
from qktheory.plots.style import COLOURS, INK, style
from qktheory.verification.compare import Comparison

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.container import ErrorbarContainer
    from matplotlib.lines import Line2D

__all__ = ["SoftmaxAgainstRho", "plot_softmax_against_rho", "softmax_against_rho_caption"]

#: Weights below are of no interest beside a uniform 1; their upper limits are drawn.
_FLOOR, _CEILING = 1e-2, 3e2


class SoftmaxAgainstRho(NamedTuple):
    """What `plot_softmax_against_rho` has drawn.

    Attributes
    ----------
    exact, gaussian : Line2D
        rho over its mean: exact (LOC-3b) and Gaussian (LOC-3a).
    weight : ErrorbarContainer
        T E[A_i] by bin, where its estimate is above the floor of the axis.
    limits : Line2D
        Upper ends of the intervals of the other bins.
    """

    exact: Line2D
    gaussian: Line2D
    weight: ErrorbarContainer
    limits: Line2D


def plot_softmax_against_rho(
    comparison: Comparison, bins: PositionBins, ax: Axes
) -> SoftmaxAgainstRho:
    """Draw T E[A_i] of the softmax and rho_i, both relative to their mean over the keys.

    Parameters
    ----------
    comparison : Comparison
        Random-walk tokens, softmax, last query; has measured ``rho`` and ``bins.observables``.
    bins : PositionBins
        Bins of the keys.
    ax : matplotlib.axes.Axes
        Where; the vertical axis becomes logarithmic.

    Returns
    -------
    SoftmaxAgainstRho

    Raises
    ------
    ValueError
        If rho or a bin has not been measured, or rho has no exact prediction (W not symmetric,
        other tokens).

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from qktheory import compare
    >>> spec = {"d": 4, "T": 16, "spectrum": {"law": "semicircle", "xi": 1.0, "eta": 0.5},
    ...         "tokens": {"law": "random_walk"}}
    >>> bins = PositionBins.crowded(16, 4)
    >>> found = compare(spec, ["rho", *bins.observables], samples=500)
    >>> drawn = plot_softmax_against_rho(found, bins, Figure().subplots())
    >>> round(float(drawn.exact.get_ydata().mean()), 12)
    1.0
    """
    T = comparison.ensemble.T
    if bins.ends[-1] != T:
        raise bad_value("bins", bins, f"bins of {T} keys")
    measured = comparison.observables.get("rho")
    rho = {p.claim.id: p.value for p in measured.predictions} if measured else {}
    if not {"LOC-3a", "LOC-3b"} <= rho.keys():
        raise bad_value("comparison", comparison, "rho with the predictions LOC-3a and LOC-3b")
    profile = bins.profile({name: one.estimate for name, one in comparison.observables.items()})
    shown = profile.mean >= _FLOOR
    theta = (np.arange(T) + 0.5) / T
    with style():
        lines = [
            ax.plot(
                theta,
                rho[claim] / rho[claim].mean(),
                look,
                color=colour,
                linewidth=width,
                label=label,
            )[0]
            for claim, look, colour, width, label in (
                ("LOC-3b", "-", COLOURS[0], 1.6, r"$\rho_i$, exact"),
                ("LOC-3a", "--", INK, 0.9, r"$\rho_i$, Gaussian"),
            )
        ]
        ax.axhline(1.0, color=INK, linewidth=0.4, alpha=0.5)
        weight = draw_binned(bins, profile, ax, COLOURS[1], shown)
        weight.set_label(r"softmax $T\,E[A_i]$, Monte Carlo")
        (limits,) = ax.plot(
            bins.centres[~shown],
            profile.high[~shown],
            "v",
            color=COLOURS[1],
            markerfacecolor="white",
            markersize=3.5,
            linewidth=0.0,
            label="upper limit",
        )
        ax.set_yscale("log")
        ax.set_xlim(0.0, 1.0)
        ax.set_ylim(_FLOOR, _CEILING)
        ax.set_xlabel(r"position of the key, $\theta = i/T$")
        ax.set_ylabel("relative to the mean over keys")
    return SoftmaxAgainstRho(lines[0], lines[1], weight, limits)


def softmax_against_rho_caption(comparisons: Sequence[Comparison]) -> str:
    """Return what the figure has to say about its numbers.

    Examples
    --------
    >>> softmax_against_rho_caption([])[:52]
    'Signal propagation probability rho_i and mean weight'
    """
    parts = [
        "Signal propagation probability rho_i and mean weight E[A_i] of the true softmax, each "
        "relative to its mean over the keys; the weight in bins of keys. Open triangles: upper "
        f"ends of the intervals of bins whose estimate is below {_FLOOR:g}. Where rho has its "
        "window in the middle (xi = 4), the keys beyond it are dead because their clipped weight "
        "is saturated at 1, and the softmax puts nearly all its weight there (LOC-12)."
    ]
    for comparison in comparisons:
        realization = comparison.simulation.realization
        # A trace of 0 is realised up to rounding.
        xi = round(realization.xi, 12) + 0.0
        parts.append(
            f"{comparison.ensemble!r}, xi = {xi:.4g}, eta = {realization.eta:.4g}: "
            f"{comparison.samples} samples, seed {comparison.seed}, intervals simultaneous over "
            f"the bins, error probability {comparison.delta:g}."
        )
    return " ".join(parts)
