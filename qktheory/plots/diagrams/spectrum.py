"""The preset ``spectrum``: entropy, rank and localization over mean and variance of eigenvalues."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qktheory.phase.boundary import curves_in
from qktheory.phase.cell_phases import cell_phases
from qktheory.phase.contour import contour_with_uncertainty
from qktheory.phase.preset import PresetResult
from qktheory.plots.phase_diagram import FIGURES, log_keys, place_legend, plane_of, sampling_caption
from qktheory.plots.style import new_figure, style
from qktheory.plots.sweep import phase_keys, plot_curves, plot_phases, plot_sweep

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw"]

_X, _Y = "spectrum.mean", "spectrum.variance"
_RANK_LEVEL = 2.0
_TITLES = (r"$E H / \ln T$", "stable rank of $A$", "localization")


def draw(result: PresetResult) -> tuple[Figure, str]:
    """Draw two rows of three panels; see `qktheory.plots.phase_diagram.draw_preset`."""
    sweep, data = result.diagram.sweep, result.diagram.dataset
    ranks = result.parts["rank"]
    T, d = int(sweep.template["T"]), int(sweep.template["d"])
    weights = [name for name in sweep.observables if name.startswith("quarter_weight_")]
    lines: list[Any] = []
    with style():
        figure = new_figure(10.2, 6.6)
        axes = figure.subplots(2, 3, sharex=True, sharey=True)
        for row, case in enumerate(sweep.cases):
            tokens = str(case["tokens.law"])
            part, rank = data.isel(case=row), ranks.dataset.isel(case=row)
            curves = curves_in(plane_of(sweep, _X, _Y, case))
            plot_sweep(
                part,
                axes[row, 0],
                "entropy",
                _X,
                _Y,
                divide_by=log_keys(result.diagram),
                label="",
                cmap="cividis",
                limits=(0.0, 1.0),
            )
            plot_sweep(
                rank,
                axes[row, 1],
                "stable_rank",
                _X,
                _Y,
                label="",
                logarithmic=tokens == "iid",
                limits=(1.0, float(T) if row else None),
            )
            level = contour_with_uncertainty(rank, "stable_rank", _RANK_LEVEL, _X, _Y)
            for piece in level.lines:
                axes[row, 1].plot(*piece.T, color="white", linewidth=1.2)
            criteria = ["profile"] if tokens == "random_walk" else ["self_weight", "entropy"]
            phases = cell_phases(part, T, criteria, weights)
            lines += phase_keys(plot_phases(phases, axes[row, 2], _X, _Y, curves))
            lines += plot_curves(axes[row, 0], curves, halo=True)
            lines += plot_curves(axes[row, 2], curves)
            name = "random walk" if tokens == "random_walk" else "iid tokens"
            for ax, what in zip(
                axes[row], (r"$E H / \ln T$", "stable rank of $A$", "localization"), strict=True
            ):
                ax.set_title(f"{name}: {what}")
        for ax in axes.ravel():
            ax.label_outer()
        place_legend(figure, lines, columns=3)
    caption = (
        f"Mean and variance of the d = {d} eigenvalues of a symmetric W, T = {T}, softmax. Top: "
        f"random-walk tokens at temperature T; bottom: iid tokens at temperature 1. Rows: "
        f"{sampling_caption(result.diagram)} Rank: whole matrices, fewer draws: "
        f"{sampling_caption(ranks)} White: stable rank {_RANK_LEVEL:g}, from the data. "
        "Localization: quarters of the sequence that differ by 1/4 (random walk), self-weight "
        "1/2 and entropy ln(T)/4 (iid). Solid lines: at this T; dashed: asymptotic. Hatched: the "
        "intervals leave the phase open."
    )
    return figure, caption


FIGURES.add("spectrum", draw)
