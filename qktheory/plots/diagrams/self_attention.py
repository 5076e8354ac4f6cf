"""The preset ``self_attention``: self-weight and entropy over trace and Frobenius norm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qktheory.phase.boundary import curves_in
from qktheory.phase.cell_phases import cell_phases
from qktheory.phase.preset import PresetResult
from qktheory.plots.phase_diagram import FIGURES, log_keys, place_legend, plane_of, sampling_caption
from qktheory.plots.style import new_figure, style
from qktheory.plots.sweep import phase_keys, plot_curves, plot_phases, plot_sweep

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw"]

_X, _Y = "spectrum.xi", "spectrum.eta"


def draw(result: PresetResult) -> tuple[Figure, str]:
    """Draw three panels; see `qktheory.plots.phase_diagram.draw_preset`."""
    sweep, data = result.diagram.sweep, result.diagram.dataset
    T, d = int(sweep.template["T"]), int(sweep.template["d"])
    curves = curves_in(plane_of(sweep, _X, _Y))
    norm = r"$\Vert W\Vert_F^2 = \eta$"
    with style():
        figure = new_figure(10.2, 4.0)
        axes = figure.subplots(1, 3, sharey=True)
        plot_sweep(
            data,
            axes[0],
            "self_weight",
            _X,
            _Y,
            label="",
            limits=(0.0, 1.0),
            titles=(None, norm),
        )
        plot_sweep(
            data,
            axes[1],
            "entropy",
            _X,
            _Y,
            divide_by=log_keys(result.diagram),
            label="",
            cmap="cividis",
            limits=(0.0, 1.0),
            titles=(None, ""),
        )
        phases = cell_phases(data, T, ["self_weight", "entropy"])
        keys = phase_keys(plot_phases(phases, axes[2], _X, _Y, curves))
        axes[2].set_ylabel("")
        lines = [line for ax in axes[:2] for line in plot_curves(ax, curves, halo=True)]
        plot_curves(axes[2], curves)
        for ax, title in zip(
            axes, (r"self-weight $E A_{ii}$", r"entropy $E H / \ln T$", "phases"), strict=True
        ):
            ax.set_title(title)
        place_legend(figure, [*lines, *keys], columns=3)
    caption = (
        f"iid tokens, T = {T}, d = {d}, semicircle spectrum. Self-localized: E A_ii >= 1/2; "
        "entropy-collapsed: E H < ln(T)/4. Solid lines: at this T; dashed: asymptotic. Hatched: "
        "the intervals leave the phase open; grey: eta < xi^2/d, no spectrum. "
        + sampling_caption(result.diagram)
    )
    return figure, caption


FIGURES.add("self_attention", draw)
