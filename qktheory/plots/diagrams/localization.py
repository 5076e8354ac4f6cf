"""The preset ``localization``: clipped-linear and true softmax side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qktheory.phase.boundary import curves_in
from qktheory.phase.cell_phases import cell_phases
from qktheory.phase.decided import profile_of
from qktheory.phase.preset import PresetResult
from qktheory.plots.phase_diagram import FIGURES, place_legend, plane_of, sampling_caption
from qktheory.plots.style import new_figure, style
from qktheory.plots.sweep import phase_keys, plot_curves, plot_phases

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw"]

_NORMALIZER, _X, _Y = "attention.normalizer", "spectrum.xi", "spectrum.eta"


def draw(result: PresetResult) -> tuple[Figure, str]:
    """Draw both planes; see `qktheory.plots.phase_diagram.draw_preset`."""
    sweep, data = result.diagram.sweep, result.diagram.dataset
    T, d = int(sweep.template["T"]), int(sweep.template["d"])
    rho, weights = (profile_of(sweep.observables, n) for n in ("clipped_linear", "softmax"))
    lines: list[Any] = []
    with style():
        figure = new_figure(7.4, 4.6)
        axes = figure.subplots(1, 2, sharey=True)
        for ax, normalizer, profile, title in (
            (axes[0], "clipped_linear", rho, r"clipped-linear: which keys are alive"),
            (axes[1], "softmax", weights, r"softmax: where the weight is"),
        ):
            phases = cell_phases(data.sel({_NORMALIZER: normalizer}), T, ["profile"], profile)
            curves = curves_in(plane_of(sweep, _X, _Y, {_NORMALIZER: normalizer}))
            lines += phase_keys(plot_phases(phases, ax, _X, _Y, curves))
            lines += plot_curves(ax, curves)
            ax.set_title(title)
        axes[1].set_ylabel("")
        place_legend(figure, lines)
    caption = (
        f"Localization of random-walk tokens, T = {T}, d = {d}, semicircle spectrum. Left: "
        f"aliveness at {len(rho)} positions; right: weights of the quarters. Uniform: contrast "
        "(largest less smallest) below 1/4; late, early: (last - first)/contrast at least 1/2; "
        "middle or both ends: the rest (LOC-6). Solid lines: at this T and d; dashed: asymptotic. "
        "Hatched: the intervals leave the phase open; grey: eta < xi^2/d, no spectrum. "
        + sampling_caption(result.diagram)
    )
    return figure, caption


FIGURES.add("localization", draw)
