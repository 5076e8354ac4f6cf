"""The figure of a sweep or a preset, with its caption."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from qktheory.base.registry import Registry
from qktheory.observables.observable import Observable
from qktheory.phase.boundary import Plane, curves_in
from qktheory.phase.diagram import PhaseDiagram
from qktheory.phase.preset import PresetResult
from qktheory.phase.sweep import Sweep
from qktheory.plots.style import new_figure, style
from qktheory.plots.sweep import plot_curves, plot_sweep
from qktheory.plots.sweep_axes import axis_edges

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure

__all__ = ["FIGURES", "draw_preset", "draw_sweep", "obstacle", "plane_of", "sampling_caption"]

#: From the result of a preset to its figure and caption.
Draw = Callable[[PresetResult], tuple["Figure", str]]
FIGURES: Registry[Draw] = Registry("figure of a preset", "qktheory.plots.diagrams")

_MOST_PANELS = 12


def plane_of(sweep: Sweep, x: str, y: str, fixed: Mapping[str, Any] | None = None) -> Plane:
    """Return the plane of two axes of a sweep.

    Parameters
    ----------
    sweep : Sweep
        The sweep.
    x, y : str
        Names of two axes that are numbers.
    fixed : mapping, optional
        Values of the other names, by dotted name; their first ones by default.
    """
    from qktheory.phase.axis import set_dotted

    table = dict(sweep.table(0))
    for name, value in (fixed or {}).items():
        set_dotted(table, name, value)
    values = {axis.name: np.array(axis.values, float) for axis in sweep.axes if axis.numeric}
    edges = [axis_edges(values[name]) for name in (x, y)]
    ends = [(float(edge.min()), float(edge.max())) for edge in edges]
    template = {k: dict(v) if isinstance(v, Mapping) else v for k, v in table.items()}
    for name in (x, y):
        head, _, tail = name.partition(".")
        if tail:
            template[head] = {k: v for k, v in template[head].items() if k != tail}
    return Plane(x, y, ends[0], ends[1], template)


def sampling_caption(diagram: PhaseDiagram) -> str:
    """Return what a caption has to say about samples and error level."""
    sweep, data = diagram.sweep, diagram.dataset
    counts = data[f"{sweep.observables[0]}_n"].values
    drawn = counts[counts > 0]
    n = f"{drawn.min()}" if drawn.min() == drawn.max() else f"{drawn.min()} to {drawn.max()}"
    words = ", ".join(f"{k} {name}" for name, k in diagram.counts.items() if name != "done")
    rest = f" ({words})" if words else ""
    return (
        f"{' x '.join(map(str, sweep.shape))} cells{rest}, {n} samples a cell, seed {sweep.seed}; "
        f"all intervals simultaneous, error probability {sweep.delta:g}."
    )


def _drawable(sweep: Sweep) -> tuple[list[str], list[Observable]]:
    """Return the axes and the observables that a figure can show."""
    numeric = [axis.name for axis in sweep.axes if axis.numeric and len(axis) > 1]
    return numeric, [o for o in sweep.found_observables() if not o.vector]


def obstacle(result: PresetResult) -> str | None:
    """Say why a result has no figure, or return None if it has one."""
    sweep, counts = result.diagram.sweep, result.diagram.counts
    numeric, scalars = _drawable(sweep)
    if not numeric:
        return "no axis takes several numbers"
    if not scalars:
        return "all observables have a component a key"
    if not {"done", "capped"} & set(counts):
        return "no cell is finished"
    return None


def draw_sweep(diagram: PhaseDiagram) -> tuple[Figure, str]:
    """Draw a sweep: a panel for each scalar observable, at each value of a third name.

    Parameters
    ----------
    diagram : PhaseDiagram
        The result.

    Returns
    -------
    figure : matplotlib.figure.Figure
        Independent of pyplot; maps with the boundaries that exist in their plane.
    caption : str
        What it shows, with numbers of samples and error level.

    Raises
    ------
    ValueError
        If there is none, see `obstacle`.
    """
    sweep, data = diagram.sweep, diagram.dataset
    reason = obstacle(PresetResult("", diagram))
    if reason is not None:
        raise ValueError(f"no figure: {reason}")
    numeric, scalars = _drawable(sweep)
    shown = numeric[-2:]
    others = [name for name in sweep.dims if name not in shown]
    slices = list(product(*(range(data.sizes[name]) for name in others)))
    panels = [(o, index) for o in scalars for index in slices][:_MOST_PANELS]
    columns = min(len(panels), 3)
    rows = -(-len(panels) // columns)
    lines = []
    with style():
        figure = new_figure(3.6 * columns, 3.0 * rows + 0.5)
        axes = figure.subplots(rows, columns, squeeze=False)
        for ax, (observable, index) in zip(axes.ravel(), panels, strict=False):
            chosen = dict(zip(others, index, strict=True))
            part = data.isel(chosen)
            plot_sweep(part, ax, observable.name)
            ax.set_title(_title(part, others))
            if len(shown) == 2:
                cell = int(
                    np.ravel_multi_index([chosen.get(name, 0) for name in sweep.dims], sweep.shape)
                )
                fixed = {k: v for k, v in sweep.values(cell).items() if k not in shown}
                lines += plot_curves(
                    ax, curves_in(plane_of(sweep, shown[0], shown[1], fixed)), halo=True
                )
        for ax in axes.ravel()[len(panels) :]:
            ax.remove()
        place_legend(figure, lines)
    left = len(scalars) * len(slices) - len(panels)
    more = f" {left} more panels are in the data." if left else ""
    names = ", ".join(o.name for o in scalars)
    return figure, f"{names} over {' and '.join(shown)}: {sampling_caption(diagram)}{more}"


def _title(part: xarray.Dataset, names: list[str]) -> str:
    words = []
    for name in names:
        value = part[name].item() if name in part.coords else ""
        words.append(
            f"{name.rpartition('.')[2]} = {value:g}" if isinstance(value, float) else f"{value}"
        )
    return ", ".join(words)


def place_legend(figure: Figure, lines: list[Any], columns: int = 2) -> None:
    """Put one legend of all areas, then all lines, below the panels, each label once."""
    from matplotlib.patches import Patch

    areas_first = sorted(lines, key=lambda line: not isinstance(line, Patch))
    by_label = {line.get_label(): line for line in areas_first}
    if by_label:
        figure.legend(
            list(by_label.values()),
            list(by_label),
            loc="outside lower center",
            ncols=min(columns, len(by_label)),
        )


def draw_preset(result: PresetResult) -> tuple[Figure, str]:
    """Draw a preset: its own figure, or that of its main sweep.

    Parameters
    ----------
    result : PresetResult
        What was computed.

    Returns
    -------
    figure, caption
        See `draw_sweep`.
    """
    if result.name in FIGURES:
        return FIGURES[result.name](result)
    return draw_sweep(result.diagram)


def log_keys(diagram: PhaseDiagram) -> float:
    """Return ln T of a sweep of one T."""
    return math.log(int(diagram.sweep.table(0)["T"]))
