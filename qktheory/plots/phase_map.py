"""Map of the phases of the aliveness profile in the (xi, eta) plane (LOC-5, LOC-6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from qktheory.base.domains import Integer, Real
from qktheory.base.errors import bad_value
from qktheory.numerics.phase_map import eta_unlocalized, lens_tip, phase, triple_point
from qktheory.phase.boundaries.aliveness import late_middle_line
from qktheory.plots.style import COLOURS, INK, style
from qktheory.theorems.catalogue import evaluate

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

__all__ = ["PHASE_NAMES", "phase_map_caption", "plot_phase_map"]

FloatArray = NDArray[np.float64]

#: By the code of `phase`.
PHASE_NAMES = ("U: unlocalized", "L: late", "M: middle")

_PHASE_COLOURS = ("#EFEFEF", "#CFE3F1", "#F8DCC8")
_POSITIVE = Real(low=1e-3, high=1e3)
_WIDTH = Integer(low=1)
_POINTS = Integer(low=8, high=2000)


def _span(argument: str, ends: tuple[float, float]) -> tuple[float, float]:
    low, high = (_POSITIVE.check(argument, end) for end in ends)
    if not low < high:
        raise bad_value(argument, ends, "a lower and a larger upper end")
    return low, high


def plot_phase_map(
    ax: Axes,
    xi: tuple[float, float] = (0.01, 4.0),
    eta: tuple[float, float] = (0.02, 60.0),
    d: int | None = 64,
    points: int = 400,
    labels: bool = True,
) -> dict[str, Artist]:
    """Draw the phases as areas, their exact boundaries, special points and limits of the theory.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where; the axis of eta becomes logarithmic.
    xi, eta : (float, float), optional
        Ends of the axes, between 1e-3 and 1e3.
    d : int or None, optional
        Width whose infeasible part eta < xi^2/d is hatched; None hatches nothing.
    points : int, optional
        Number of grid points of each axis for the areas.
    labels : bool, optional
        Whether to write names beside areas, lines and points.

    Returns
    -------
    dict
        ``phases`` (mesh), ``eta_U``, ``eta_LM`` and ``eta_1`` (lines), ``triple_point``,
        ``lens_tip`` and, with a width, ``infeasible``.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> sorted(plot_phase_map(Figure().subplots(), points=20))
    ['eta_1', 'eta_LM', 'eta_U', 'infeasible', 'lens_tip', 'phases', 'triple_point']
    """
    xi, eta = _span("xi", xi), _span("eta", eta)
    points = _POINTS.check("points", points)
    d = None if d is None else _WIDTH.check("d", d)
    across = np.linspace(*xi, points)
    up = np.geomspace(*eta, points)
    codes = phase(across[None, :], up[:, None]).phase
    coarse = np.linspace(*xi, 160)
    lines = {
        "eta_U": (coarse, np.array([eta_unlocalized(x) for x in coarse])),
        "eta_LM": late_middle_line(eta[0]),
        "eta_1": (coarse, np.array([evaluate("LOC-5a", xi=x)["eta_1"] for x in coarse.tolist()])),
    }
    looks: dict[str, dict[str, Any]] = {
        "eta_U": {"color": INK, "linestyle": "-", "linewidth": 1.4},
        "eta_LM": {"color": COLOURS[1], "linestyle": "-", "linewidth": 1.4},
        "eta_1": {"color": COLOURS[0], "linestyle": "--", "linewidth": 1.2},
    }
    artists: dict[str, Artist] = {}
    with style():
        from matplotlib.colors import ListedColormap

        artists["phases"] = ax.pcolormesh(
            across,
            up,
            codes,
            cmap=ListedColormap(_PHASE_COLOURS),
            vmin=-0.5,
            vmax=2.5,
            shading="nearest",
            rasterized=True,
        )
        if d is not None:
            floor = across**2 / d
            artists["infeasible"] = ax.fill_between(
                across,
                np.full_like(floor, eta[0]),
                np.maximum(floor, eta[0]),
                facecolor="#B8B8B8",
                edgecolor="#7A7A7A",
                hatch="////",
                linewidth=0.0,
            )
        for name, (x, y) in lines.items():
            (artists[name],) = ax.plot(x, y, label=name, **looks[name])
        for name, point in (("triple_point", triple_point()), ("lens_tip", lens_tip())):
            (artists[name],) = ax.plot(
                [point.xi], [point.eta], "o", color=INK, markersize=4.0, zorder=5
            )
        ax.set_yscale("log")
        ax.set_xlim(*xi)
        ax.set_ylim(*eta)
        ax.set_xlabel(r"trace $\xi = \mathrm{tr}\,M$")
        ax.set_ylabel(r"spread $\eta = \mathrm{tr}\,M^2$")
        if labels:
            _name_areas(ax, across, up, codes, d)
            _name_lines(ax, lines, looks)
            _name_points(ax, xi, eta)
            if d is not None:
                _name_infeasible(ax, xi, eta, d)
    return artists


def _name_areas(
    ax: Axes, xi: FloatArray, eta: FloatArray, codes: NDArray[np.int64], d: int | None
) -> None:
    """Write the name of each phase where it is farthest from every boundary."""
    from scipy.ndimage import distance_transform_edt

    free = np.ones_like(codes, dtype=bool) if d is None else eta[:, None] >= xi[None, :] ** 2 / d
    for code, name in enumerate(PHASE_NAMES):
        inside = np.pad((codes == code) & free, 1)
        depth = distance_transform_edt(inside)[1:-1, 1:-1]
        if depth.max() < 0.04 * codes.shape[0]:
            continue
        row, column = np.unravel_index(int(depth.argmax()), depth.shape)
        ax.text(xi[column], eta[row], name, ha="center", va="center", color=INK, fontsize=9.5)


def _name_lines(
    ax: Axes,
    lines: dict[str, tuple[FloatArray, FloatArray]],
    looks: dict[str, dict[str, Any]],
) -> None:
    texts = {
        "eta_U": (3.25, r"$\eta_U$: contrast $= 1/4$", (0, 5), "center", "bottom"),
        "eta_LM": (1.97, r"$\eta_{LM}$: lateness $= 1/2$", (6, 1), "left", "center"),
        "eta_1": (1.85, r"$\eta_1$: contrast decreasing in $\eta$ below", (5, -2), "left", "top"),
    }
    low, high = ax.get_xlim()
    for name, (at, text, offset, across, side) in texts.items():
        x, y = lines[name]
        if not low < at < high:
            continue
        # The part of eta_LM before the tip is a function of xi.
        rising = slice(0, int(x.argmax()) + 1)
        ax.annotate(
            text,
            (at, float(np.interp(at, x[rising], y[rising]))),
            xytext=offset,
            textcoords="offset points",
            ha=across,
            va=side,
            color=looks[name]["color"],
            fontsize=8.0,
        )


def _name_points(ax: Axes, xi: tuple[float, float], eta: tuple[float, float]) -> None:
    named = (
        ("triple point", triple_point(), (12, -26)),
        ("lens tip", lens_tip(), (7, -1)),
    )
    for text, point, offset in named:
        if xi[0] < point.xi < xi[1] and eta[0] < point.eta < eta[1]:
            ax.annotate(
                f"{text}\n({point.xi:.3f}, {point.eta:.3f})",
                (point.xi, point.eta),
                xytext=offset,
                textcoords="offset points",
                ha="left",
                va="center",
                color=INK,
                fontsize=7.5,
                arrowprops={"arrowstyle": "-", "color": INK, "linewidth": 0.6, "shrinkA": 0.0},
            )


def _name_infeasible(ax: Axes, xi: tuple[float, float], eta: tuple[float, float], d: int) -> None:
    at = xi[0] + 0.76 * (xi[1] - xi[0])
    top = at * at / d
    if top > 2.0 * eta[0]:
        ax.text(
            at,
            float(np.sqrt(top * eta[0])),
            rf"infeasible: $\eta < \xi^2/d$, $d = {d}$",
            ha="center",
            va="center",
            fontsize=7.5,
            color=INK,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5, "alpha": 0.9},
        )


def phase_map_caption(d: int | None = 64) -> str:
    """Return what the figure has to say about its numbers.

    Examples
    --------
    >>> "triple point (0.4725301, 1.0856653)" in phase_map_caption()
    True
    """
    triple, tip = triple_point(), lens_tip()
    text = (
        "Phases of the Gaussian aliveness profile rho_theta(xi, eta), T -> infinity (LOC-6): U, "
        "contrast below 1/4; L, contrast >= 1/4 and lateness >= 1/2; M, the rest. Solid lines: "
        f"exact boundaries; triple point ({triple.xi:.7f}, {triple.eta:.7f}), lens tip "
        f"({tip.xi:.7f}, {tip.eta:.7f}). Dashed: eta_1, up to which the contrast is proved to fall "
        "as eta grows (LOC-5a). Computed, nothing sampled. The map is that of aliveness, not of "
        "softmax weight (LOC-12)."
    )
    if d is not None:
        text += f" Hatched: eta < xi^2/d, which no symmetric M of width d = {d} reaches (LOC-4)."
    return text
