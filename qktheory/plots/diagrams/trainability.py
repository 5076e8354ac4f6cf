"""The preset ``trainability``: cosine after L layers, entropy of the first one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from qktheory.phase.boundary import Plane, curves_in
from qktheory.phase.preset import PresetResult
from qktheory.plots.phase_diagram import FIGURES, place_legend, sampling_caption
from qktheory.plots.style import COLOURS, INK, new_figure, style
from qktheory.plots.sweep import plot_curves, plot_map, plot_sweep
from qktheory.plots.sweep_axes import axis_edges

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw"]


def draw(result: PresetResult) -> tuple[Figure, str]:
    """Draw two panels; see `qktheory.plots.phase_diagram.draw_preset`."""
    assert result.exact is not None
    exact = result.exact
    given = {name: exact.attrs[name] for name in ("T", "cosine_0", "L", "epsilon", "sigma_V")}
    given["T"], given["L"] = int(given["T"]), int(given["L"])
    edges = [axis_edges(exact[name].values) for name in ("s0", "alpha")]
    ends = [(float(max(edge.min(), 1e-3)), float(edge.max())) for edge in edges]
    curves = curves_in(Plane("s0", "alpha", ends[0], ends[1], given))
    log_T = math.log(given["T"])
    with style():
        figure = new_figure(8.2, 4.2)
        left, right = figure.subplots(1, 2, width_ratios=(1.25, 1.0))
        plot_map(
            left,
            1.0 - exact["one_minus_cosine"],
            f"cosine of two tokens after {given['L']} layers",
            "cividis",
            limits=(given["cosine_0"], 1.0),
        )
        lines = plot_curves(left, curves, halo=True)
        collapse = next(c for c in curves if c.claim == "ENT-16b")
        entry = float(collapse.x[0])
        for x, y, text in (
            (0.5 * entry, 0.78 * ends[1][1], "trainable"),
            (0.5 * (entry + ends[0][1]), 0.78 * ends[1][1], "entropy-\ncollapsed"),
            (0.5 * entry, 0.12 * ends[1][1], "rank-collapsed"),
        ):
            left.text(
                x,
                y,
                text,
                ha="center",
                va="center",
                color=INK,
                fontsize=8.0,
                bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.5},
            )
        left.set_title("rank: recursion (R), exact row averages")
        plot_sweep(
            result.diagram.dataset,
            right,
            "entropy",
            divide_by=log_T,
            label=r"entropy of the first layer, $E H / \ln T$",
        )
        (line,) = right.plot(
            exact["s0"],
            exact["entropy"] / log_T,
            color=COLOURS[2],
            zorder=1,
            label="exact (ENT-13a)",
        )
        lines.append(line)
        right.axvline(entry, color=INK, linewidth=1.5)
        right.set_ylim(0.0, 1.02)
        right.set_xlabel(left.get_xlabel())
        right.set_title("entropy: exact and Monte Carlo")
        place_legend(figure, lines)
    caption = (
        f"Attention at initialisation, T = {given['T']}, cosine {given['cosine_0']:g} before the "
        f"first of {given['L']} layers, sigma_V = {given['sigma_V']:g}. Rank has collapsed where "
        f"the cosine exceeds {1.0 - given['epsilon']:g}. Left: computed by (R), nothing sampled; "
        "right: Monte Carlo with intervals. Solid lines: at this T; dashed: asymptotic. "
        + sampling_caption(result.diagram)
    )
    return figure, caption


FIGURES.add("trainability", draw)
