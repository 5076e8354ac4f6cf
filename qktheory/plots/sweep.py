"""Panels of a sweep: an observable over one axis or two, phases, and the lines between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from qktheory.base.errors import bad_value, unknown_name
from qktheory.phase.boundary import Curve
from qktheory.phase.classify import PHASES
from qktheory.plots.phase_names import PHASE_COLOURS, PHASE_TITLES, name_phases
from qktheory.plots.style import COLOURS, INK
from qktheory.plots.sweep_axes import axis_edges, set_axis

if TYPE_CHECKING:
    import xarray
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

__all__ = [
    "PHASE_COLOURS",
    "PHASE_TITLES",
    "phase_keys",
    "plot_curves",
    "plot_map",
    "plot_phases",
    "plot_sweep",
]

FloatArray = NDArray[np.float64]

_MISSING = "#C9C9C9"
_HATCHED: dict[str, Any] = {"facecolor": "none", "edgecolor": "#8A8A8A", "linewidth": 0.0}
#: One colour for each boundary, in all figures; others are black.
_BOUNDARY_COLOURS = {
    "late_middle": COLOURS[0],
    "saturated_softmax": COLOURS[2],
    "self_localization": COLOURS[1],
    "freezing_of_iid": COLOURS[3],
    "rank_collapse": COLOURS[1],
    "feasibility": "#6A6A6A",
}


def plot_sweep(
    dataset: xarray.Dataset,
    ax: Axes,
    observable: str,
    x: str | None = None,
    y: str | None = None,
    divide_by: float = 1.0,
    label: str | None = None,
    **map_settings: Any,
) -> dict[str, Artist]:
    """Draw an observable of a sweep: a curve with its intervals over one axis, a map over two.

    Parameters
    ----------
    dataset : xarray.Dataset
        Result of a sweep, with all but one or two dimensions selected away.
    ax : matplotlib.axes.Axes
        Where.
    observable : str
        Name of a scalar observable.
    x, y : str, optional
        Axes; the dimensions in their order by default.
    divide_by : float, optional
        Unit in which values are shown.
    label : str, optional
        Title of the values, that of the observable by default.
    **map_settings
        Passed on to `plot_map`.

    Returns
    -------
    dict
        ``line`` and ``band``, or what `plot_map` returns.

    Raises
    ------
    ValueError
        For an unknown observable or other dimensions.
    """
    known = [name.removesuffix("_mean") for name in map(str, dataset) if name.endswith("_mean")]
    if observable not in known:
        raise unknown_name("observable of the dataset", observable, known)
    mean = dataset[f"{observable}_mean"]
    title = mean.attrs.get("long_name", observable) if label is None else label
    dims = [str(name) for name in mean.dims]
    if len(dims) == 2:
        x, y = x or dims[0], y or dims[1]
        values = (mean / divide_by).transpose(y, x)
        return plot_map(ax, values, label=title, **map_settings)
    if len(dims) != 1:
        raise bad_value("dataset", dims, "one or two dimensions, the others selected away")
    at = dataset[dims[0]].values.astype(np.float64)
    low, high = (dataset[f"{observable}_ci_{end}"].values / divide_by for end in ("low", "high"))
    (line,) = ax.plot(at, mean.values / divide_by, "o", markersize=3.0, color=COLOURS[0])
    band = ax.vlines(at, low, high, color=COLOURS[0], linewidth=0.9)
    set_axis(ax, "x", dims[0], at)
    ax.set_ylabel(title)
    return {"line": line, "band": band}


def plot_map(
    ax: Axes,
    values: xarray.DataArray,
    label: str = "",
    cmap: str = "viridis",
    limits: tuple[float | None, float | None] = (None, None),
    logarithmic: bool = False,
    colour_bar: bool = True,
    titles: tuple[str | None, str | None] = (None, None),
) -> dict[str, Artist]:
    """Draw values of two axes as a map; cells without a value are grey.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where.
    values : xarray.DataArray
        Dimensions (y, x).
    label : str, optional
        Title of the colour bar, with the unit.
    cmap : {"viridis", "cividis"}
        Colours.
    limits : (float or None, float or None), optional
        Ends of the colours.
    logarithmic : bool, optional
        Whether colours are.
    colour_bar : bool, optional
        Whether there is one.
    titles : (str or None, str or None), optional
        Titles of the axes x and y instead of the usual ones.

    Returns
    -------
    dict
        ``mesh``, and ``bar`` (its axes) if there is a colour bar.
    """
    from matplotlib.colors import LogNorm, Normalize

    y, x = (str(name) for name in values.dims)
    at_x, at_y = (values[name].values.astype(np.float64) for name in (x, y))
    norm = (LogNorm if logarithmic else Normalize)(*limits)
    ax.set_facecolor(_MISSING)
    mesh = ax.pcolormesh(
        axis_edges(at_x),
        axis_edges(at_y),
        np.ma.masked_invalid(values.values),
        cmap=cmap,
        norm=norm,
        rasterized=True,
    )
    set_axis(ax, "x", x, at_x, titles[0])
    set_axis(ax, "y", y, at_y, titles[1])
    artists: dict[str, Artist] = {"mesh": mesh}
    if colour_bar:
        bar = ax.figure.colorbar(mesh, ax=ax, label=label, pad=0.02)
        bar.outline.set_visible(False)
        artists["bar"] = bar.ax
    return artists


def plot_phases(
    phases: xarray.Dataset,
    ax: Axes,
    x: str,
    y: str,
    curves: Sequence[Curve] = (),
) -> dict[str, Artist]:
    """Draw the phases of cells as areas; undecided cells are hatched, missing ones grey.

    Parameters
    ----------
    phases : xarray.Dataset
        From `qktheory.phase.cell_phases.cell_phases`, other dimensions selected away.
    ax : matplotlib.axes.Axes
        Where.
    x, y : str
        The axes.
    curves : sequence of Curve, optional
        Lines that will be drawn over the areas: names keep away from them.

    Returns
    -------
    dict
        ``mesh``, ``undecided``, the texts, and for a legend, by names that begin with ``key of``,
        patches of what is in the panel without a name.
    """
    import matplotlib
    from matplotlib.collections import PolyCollection
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Patch

    code = phases["phase"].transpose(y, x).values
    open_ = (phases["decided"].transpose(y, x).values == 0) & (code >= 0)
    at_x, at_y = (phases[name].values.astype(np.float64) for name in (x, y))
    edges = axis_edges(at_x), axis_edges(at_y)
    ax.set_facecolor(_MISSING)
    mesh = ax.pcolormesh(
        *edges,
        np.ma.masked_less(code, 0),
        cmap=ListedColormap(PHASE_COLOURS),
        vmin=-0.5,
        vmax=len(PHASES) - 0.5,
        rasterized=True,
    )
    (left, right), (low, high) = ((edge[:-1], edge[1:]) for edge in edges)
    corners = [
        [(left[j], low[i]), (right[j], low[i]), (right[j], high[i]), (left[j], high[i])]
        for i, j in np.argwhere(open_).tolist()
    ]
    with matplotlib.rc_context({"hatch.linewidth": 0.6}):
        undecided = PolyCollection(corners, hatch="//////", **_HATCHED)
        ax.add_collection(undecided, autolim=False)
    set_axis(ax, "x", x, at_x)
    set_axis(ax, "y", y, at_y)
    artists: dict[str, Artist] = {"mesh": mesh, "undecided": undecided}
    artists |= name_phases(ax, code, at_x, at_y, curves, open_)
    named = {key.rpartition(" ")[0] for key in artists}
    for number in np.unique(code[code >= 0]).tolist():
        if PHASES[number] not in named:
            colour, title = PHASE_COLOURS[number], PHASE_TITLES[number]
            artists[f"key of {title}"] = Patch(facecolor=colour, edgecolor="#9A9A9A", label=title)
    if corners:
        artists["key of undecided"] = Patch(hatch="//////", label="undecided", **_HATCHED)
    return artists


def phase_keys(artists: dict[str, Artist]) -> list[Artist]:
    """Return what a legend has to explain of the artists of `plot_phases`."""
    return [artist for name, artist in artists.items() if name.startswith("key of ")]


def plot_curves(
    ax: Axes, curves: Sequence[Curve], halo: bool = False, colour: str | None = None
) -> list[Line2D]:
    """Draw boundaries: those at finite size solid, asymptotic ones dashed, by boundary in colour.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where; its ends stay.
    curves : sequence of Curve
        What.
    halo : bool, optional
        Whether lines have a light rim, for dark maps.
    colour : str, optional
        One colour for all.

    Returns
    -------
    list of Line2D
        In the order of the curves, with their labels.
    """
    from matplotlib.patheffects import Normal, Stroke

    ends = ax.get_xlim(), ax.get_ylim()
    lines = []
    seen: dict[tuple[str, str], int] = {}
    for curve in curves:
        family = curve.boundary.removesuffix("_finite")
        nth = seen[family, curve.kind] = seen.get((family, curve.kind), -1) + 1
        finite = curve.kind == "finite size"
        style = ("-", "-.")[min(nth, 1)] if finite else ("--", ":")[min(nth, 1)]
        (line,) = ax.plot(
            curve.x,
            curve.y,
            style,
            color=colour or _BOUNDARY_COLOURS.get(family, INK),
            linewidth=1.5 if finite else 1.1,
            label=f"{curve.label} ({curve.claim})",
        )
        if halo:
            line.set_path_effects([Stroke(linewidth=3.0, foreground="white", alpha=0.75), Normal()])
        if curve.band is not None:
            low, high = curve.band
            ax.fill_betweenx(curve.y, low, high, color="white", alpha=0.25, linewidth=0.0)
        lines.append(line)
    ax.set_xlim(*ends[0])
    ax.set_ylim(*ends[1])
    return lines
