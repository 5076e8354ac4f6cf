"""The preset ``freezing``: exact means of Gaussian rows over (s, T), with Monte Carlo points."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from qktheory.phase.boundary import Plane, curves_in
from qktheory.phase.preset import PresetResult
from qktheory.plots.phase_diagram import FIGURES, place_legend, sampling_caption
from qktheory.plots.style import new_figure, style
from qktheory.plots.sweep import plot_curves, plot_map
from qktheory.plots.sweep_axes import axis_edges

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw"]


#: Circles along s and along T.
_MOST_CIRCLES = (12, 12)


def draw(result: PresetResult) -> tuple[Figure, str]:
    """Draw three panels; see `qktheory.plots.phase_diagram.draw_preset`."""
    assert result.exact is not None
    exact, data = result.exact, result.diagram.dataset
    log_T = np.log(exact["T"])
    panels = (
        (exact["entropy"] / log_T, r"entropy $E H / \ln T$", "cividis", "entropy"),
        (exact["participation"], "participation $E Y_2$", "viridis", "participation"),
        (exact["heat_capacity"] / exact["s"] ** 2, r"heat capacity $C/s^2$", "cividis", None),
    )
    edges = [axis_edges(exact[name].values) for name in ("s", "T")]
    ends = [(float(edge.min()), float(edge.max())) for edge in edges]
    curves = curves_in(Plane("s", "T", ends[0], ends[1], {}))
    # As many circles as do not hide the map behind them.
    shown = tuple(
        slice(None, None, -(-data[name].size // most))
        for name, most in zip(("matrix.scale", "T"), _MOST_CIRCLES, strict=True)
    )
    points = np.meshgrid(data["matrix.scale"][shown[0]], data["T"][shown[1]], indexing="ij")
    lines = []
    with style():
        figure = new_figure(10.2, 4.2)
        axes = figure.subplots(1, 3, sharey=True)
        for ax, (values, title, cmap, observable) in zip(axes, panels, strict=True):
            plot_map(
                ax,
                values.transpose("T", "s"),
                "",
                cmap,
                limits=(0.0, 1.0),
                titles=(None, None if ax is axes[0] else ""),
            )
            ax.set_title(title)
            lines += plot_curves(ax, curves, halo=True)
            if observable is None:
                continue
            mean = data[f"{observable}_mean"].transpose("matrix.scale", "T").values[shown]
            unit = np.log(points[1]) if observable == "entropy" else 1.0
            ax.scatter(
                points[0].ravel(),
                points[1].ravel(),
                c=(mean / unit).ravel(),
                s=26.0,
                cmap=cmap,
                vmin=0.0,
                vmax=1.0,
                edgecolors="white",
                linewidths=0.8,
                zorder=4,
            )
        place_legend(figure, lines, columns=3)
    cells = f"{points[0].size} of {data['status'].size} cells, T up to {int(data['T'].max())}"
    caption = (
        "A row of T iid Gaussian logits of standard deviation s. Maps: exact means (ENT-1, ENT-3), "
        f"nothing sampled, T up to 1e12; circles ({cells}): Monte Carlo on the same colour scale. "
        "Line s*: C/s^2 = 1/2, in its band of unit width; dashed: asymptote s_c. Monte Carlo: "
        + sampling_caption(result.diagram)
    )
    return figure, caption


FIGURES.add("freezing", draw)
