"""The preset ``width_collapse``: stable ranks of tokens against their number, layer by layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from qktheory.phase.preset import PresetResult
from qktheory.plots.phase_diagram import FIGURES, sampling_caption
from qktheory.plots.style import COLOURS, INK, new_figure, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw"]

#: Observable, its title, and the exponent of T that RMT-6 has for attention drawn independently.
_PANELS = (
    ("final_log10_token_stable_rank_excess", r"$\mathrm{sr}(X) - 1$", 1),
    ("final_log10_gram_stable_rank_excess", r"$\mathrm{sr}(X X^T) - 1$", 2),
)


def draw(result: PresetResult) -> tuple[Figure, str]:
    """Draw two panels; see `qktheory.plots.phase_diagram.draw_preset`."""
    data = result.diagram.dataset
    T = data["T"].values.astype(np.float64)
    with style():
        figure = new_figure(8.2, 3.7)
        axes = figure.subplots(1, 2)
        for ax, (name, title, power) in zip(axes, _PANELS, strict=True):
            for number, depth in enumerate(data["network.depth"].values):
                part = data.sel({"network.depth": depth})
                mean, low, high = (
                    part[f"{name}_{end}"].values for end in ("mean", "ci_low", "ci_high")
                )
                colour = COLOURS[number % len(COLOURS)]
                ax.plot(T, mean, "o-", markersize=3.0, color=colour, label=f"L = {depth:g}")
                ax.vlines(T, low, high, color=colour, linewidth=0.9)
                slope = 1 - power * depth
                shift = float(np.mean(mean - slope * np.log10(T)))
                ax.plot(T, slope * np.log10(T) + shift, ":", color=INK, linewidth=0.9)
            ax.set_xscale("log")
            ax.set_xlabel("number of tokens $T$")
            ax.set_ylabel(rf"$\log_{{10}}$ ({title})")
            exponent = rf"$1 - {'' if power == 1 else power}L$"
            ax.set_title(rf"dotted: slope {exponent} of independent attention (RMT-6)")
        axes[0].legend(loc="lower left")
    caption = (
        "Tokens after L layers of one softmax head without skip connections, weights drawn for "
        "every sample, logits of variance ln 2 in the first layer: geometric means of what "
        "stable ranks exceed 1 by. Dotted: the slopes of RMT-6, for attention matrices that are "
        "drawn independently in every layer, through the middle of each curve; attention on tokens "
        "that have collapsed is nearly uniform, and steeper. " + sampling_caption(result.diagram)
    )
    return figure, caption


FIGURES.add("width_collapse", draw)
