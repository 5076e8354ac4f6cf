"""Profiles of the signal propagation probability over the position of the key (LOC-3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from qktheory.base.domains import Integer
from qktheory.base.errors import bad_value
from qktheory.plots.style import COLOURS, INK, style
from qktheory.verification.compare import Comparison, ObservableComparison

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

__all__ = ["plot_rho_profiles", "rho_profiles_caption"]

_EVERY = Integer(low=1)


def _rho(name: str, comparison: Comparison) -> ObservableComparison:
    if "rho" not in comparison.observables:
        raise bad_value("profiles", name, "comparisons that measured rho")
    return comparison["rho"]


def plot_rho_profiles(
    profiles: Mapping[str, Comparison], ax: Axes, every: int = 4
) -> dict[str, list[Artist]]:
    """Draw rho over theta = key/T for several spectra: exact, Gaussian limit and Monte Carlo.

    Parameters
    ----------
    profiles : mapping of str to Comparison
        Comparisons that measured ``rho``, by the name of their spectrum.
    ax : matplotlib.axes.Axes
        Where.
    every : int, optional
        Monte Carlo is drawn at every so many keys, shifted from spectrum to spectrum so that the
        points of equal curves stay apart.

    Returns
    -------
    dict
        By name: the Monte Carlo points with their intervals, then the exact line (solid) and the
        Gaussian limit (dashed) as far as the catalogue has them.

    Raises
    ------
    ValueError
        If a comparison has not measured ``rho``, or `every` is below 1.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from qktheory import compare
    >>> spec = {"d": 4, "T": 8, "spectrum": {"law": "point", "xi": 1.0, "eta": 0.25},
    ...         "tokens": {"law": "random_walk"}}
    >>> axes = Figure().subplots()
    >>> list(plot_rho_profiles({"point": compare(spec, ["rho"], samples=500)}, axes))
    ['point']
    """
    every = _EVERY.check("every", every)
    artists: dict[str, list[Artist]] = {}
    with style():
        for row, (name, comparison) in enumerate(profiles.items()):
            artists[name] = _draw(
                _rho(name, comparison), ax, COLOURS[row % len(COLOURS)], row, every
            )
            artists[name][0].set_label(name)
        for label, look in (("exact", "-"), ("Gaussian limit", "--")):
            ax.plot([], [], look, color=INK, linewidth=1.0, label=label)
        ax.set_xlim(0.0, 1.0)
        ax.set_ylim(0.0, 1.0)
        ax.set_xlabel(r"position of the key, $\theta = i/T$")
        ax.set_ylabel(r"signal propagation probability $\rho_i$")
        # Below the axes: no corner is free of curves for every spectrum.
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)
    return artists


def _draw(
    compared: ObservableComparison, ax: Axes, colour: str, row: int, every: int
) -> list[Artist]:
    estimate = compared.estimate
    theta = np.arange(1, estimate.mean.size + 1) / estimate.mean.size
    shown = slice(row % every, None, every)
    reach = np.stack([estimate.mean - estimate.low, estimate.high - estimate.mean])
    points = ax.errorbar(
        theta[shown],
        estimate.mean[shown],
        yerr=reach[:, shown],
        fmt="o",
        color=colour,
        markersize=2.5,
        linewidth=1.0,
        capsize=1.5,
        clip_on=False,
        zorder=3,
    )
    artists: list[Artist] = [points]  # type: ignore[list-item]
    exact = [p for p in compared.predictions if p.kind == "exact"]
    limits = [p for p in compared.predictions if p.claim.id == "LOC-3a"]
    for predictions, look, width in ((exact, "-", 1.3), (limits, "--", 1.0)):
        for prediction in predictions[:1]:
            (line,) = ax.plot(
                theta, prediction.value, look, color=colour, linewidth=width, clip_on=False
            )
            artists.append(line)
    return artists


def rho_profiles_caption(profiles: Mapping[str, Comparison]) -> str:
    """Return what the figure has to say about its numbers.

    Examples
    --------
    >>> rho_profiles_caption({})
    'Signal propagation probability.'
    """
    parts = ["Signal propagation probability."]
    for name, comparison in profiles.items():
        estimate = _rho(name, comparison).estimate
        parts.append(
            f"{name}: {comparison.ensemble!r}, xi = {comparison.simulation.realization.xi:.4g}, "
            f"eta = {comparison.simulation.realization.eta:.4g}, eta_F = "
            f"{comparison.simulation.realization.eta_F:.4g}; {estimate.n} samples, seed "
            f"{comparison.seed}, {estimate.guarantee} intervals simultaneous over the keys, error "
            f"probability {comparison.delta:g}."
        )
    return " ".join(parts)
