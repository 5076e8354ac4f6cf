"""The preset ``rank_collapse``: residuals over depth and skip strength, relative and absolute."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from qktheory.phase.preset import PresetResult
from qktheory.plots.phase_diagram import FIGURES, sampling_caption
from qktheory.plots.style import new_figure, style
from qktheory.plots.sweep import plot_map

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw"]

#: Powers of ten between which colours differ; levels drawn as lines.
_RANGES = {"final_log10_relative_residual": (-4.0, 0.0), "final_log10_residual": (-4.0, 6.0)}
_LEVELS = {"final_log10_relative_residual": (-16.0, -1.0), "final_log10_residual": (1.36,)}


def draw(result: PresetResult) -> tuple[Figure, str]:
    """Draw two panels; see `qktheory.plots.phase_diagram.draw_preset`."""
    data = result.diagram.dataset
    with style():
        figure = new_figure(8.2, 3.6)
        axes = figure.subplots(1, 2)
        for ax, name in zip(axes, _RANGES, strict=True):
            values = data[f"{name}_mean"].transpose("network.alpha", "network.depth")
            title = values.attrs.get("long_name", name).removesuffix(", last layer")
            plot_map(ax, values, title, "cividis", limits=_RANGES[name])
            if min(values.shape) > 1:
                lines = ax.contour(
                    data["network.depth"].values,
                    data["network.alpha"].values,
                    np.maximum(values.values, -1e3),
                    levels=list(_LEVELS[name]),
                    colors=["white"],
                    linewidths=1.0,
                )
                ax.clabel(lines, fmt="%g", fontsize=7.0)
        axes[0].set_title("relative to the tokens")
        axes[1].set_title("absolute")
    caption = (
        "Attention networks of four heads at random initialisation, layers alpha X + Attention(X), "
        "no LayerNorm, no MLP: geometric means of the residual about the mean token, norm_1inf. "
        "Lines: relative residuals of 0.1 and of the precision of floats; the residual of the "
        "input. Colours end at the ends of the bar, values do not. "
        + sampling_caption(result.diagram)
    )
    return figure, caption


FIGURES.add("rank_collapse", draw)
