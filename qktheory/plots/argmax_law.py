"""Profiles of saturated rows against the law of the argmax of a drifted bridge (LOC-11)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from qktheory.base.errors import unknown_name
from qktheory.numerics.argmax_law import argmax_density, argmax_density_averaged
from qktheory.plots.position_bins import PositionBins, draw_binned
from qktheory.plots.style import COLOURS, style
from qktheory.simulation.simulate import Simulation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.container import ErrorbarContainer
    from matplotlib.lines import Line2D

__all__ = ["argmax_law_caption", "plot_argmax_law"]

_LAWS: dict[str, Callable[[NDArray[np.float64], float], NDArray[np.float64]]] = {
    "beta": argmax_density,
    "b": argmax_density_averaged,
}
_NAMES = {"beta": r"\beta", "b": "b"}
#: Crowded at both ends, where the densities have square-root edges.
_THETA = np.sin(np.linspace(0.004, 0.5 * np.pi - 0.004, 400)) ** 2


def plot_argmax_law(
    simulations: Mapping[float, Simulation],
    bins: PositionBins,
    ax: Axes,
    drift: Literal["beta", "b"] = "beta",
) -> dict[float, tuple[Line2D, ErrorbarContainer]]:
    """Draw the limit of T E[A] for several drifts and the simulated profile of saturated rows.

    Parameters
    ----------
    simulations : mapping of float to Simulation
        Simulations that measured ``bins.observables`` on saturated logits, by their drift.
    bins : PositionBins
        The bins.
    ax : matplotlib.axes.Axes
        Where.
    drift : {"beta", "b"}, optional
        Whether the keys are beta = m/kappa of a fixed query (LOC-11a) or b = xi/sqrt(eta),
        averaged over queries (LOC-11b).

    Returns
    -------
    dict
        By drift: the line of the law and the simulated points.

    Raises
    ------
    ValueError
        If a simulation has not measured the bins, or for another kind of drift.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from qktheory import simulate
    >>> bins = PositionBins.crowded(16, 4)
    >>> spec = {"d": 4, "T": 16, "spectrum": {"law": "point", "xi": 1.0, "eta": 0.25},
    ...         "tokens": {"law": "random_walk"}}
    >>> found = simulate(spec, bins.observables, samples=500)
    >>> list(plot_argmax_law({2.0: found}, bins, Figure().subplots(), drift="b"))
    [2.0]
    """
    if drift not in _LAWS:
        raise unknown_name("drift", drift, sorted(_LAWS))
    artists: dict[float, tuple[Line2D, ErrorbarContainer]] = {}
    with style():
        for row, (value, simulation) in enumerate(simulations.items()):
            colour = COLOURS[row % len(COLOURS)]
            (line,) = ax.plot(
                _THETA,
                _LAWS[drift](_THETA, value),
                color=colour,
                linewidth=1.2,
                label=rf"${_NAMES[drift]} = {value:g}$",
            )
            profile = bins.profile(simulation.estimates)
            artists[value] = (line, draw_binned(bins, profile, ax, colour))
        ax.set_xlim(0.0, 1.0)
        ax.set_ylim(0.0, 4.0)
        ax.set_xlabel(r"position of the key, $\theta = i/T$")
        ax.set_ylabel(r"weight relative to uniform, $T\,E[A_i]$")
        ax.legend(loc="upper center")
    return artists


def argmax_law_caption(
    simulations: Mapping[float, Simulation], drift: Literal["beta", "b"] = "beta"
) -> str:
    """Return what the figure has to say about its numbers.

    Examples
    --------
    >>> argmax_law_caption({})
    'Law of the argmax of a bridge of drift beta (LOC-11a).'
    """
    if drift not in _LAWS:
        raise unknown_name("drift", drift, sorted(_LAWS))
    parts = [
        "Law of the argmax of a bridge of drift beta (LOC-11a)."
        if drift == "beta"
        else "The law averaged over queries, beta = b + sqrt(2) g, b = xi/sqrt(eta) (LOC-11b)."
    ]
    for value, simulation in simulations.items():
        parts.append(
            f"{drift} = {value:g}: {simulation.ensemble!r}, {simulation.samples} samples, key "
            f"{simulation.realization.key}, intervals simultaneous over the bins, error "
            f"probability {simulation.delta:g}."
        )
    return " ".join(parts)
