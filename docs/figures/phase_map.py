"""Make phase_map.png and phase_map.svg beside this file: python docs/figures/phase_map.py.

Phases of the aliveness profile over the trace xi and the spread eta of a symmetric W. Right: the
neighbourhood of xi = 2, where the late phase ends in a narrow lens.
"""

from __future__ import annotations

from pathlib import Path

from qktheory.plots.phase_map import phase_map_caption, plot_phase_map
from qktheory.plots.style import new_figure, save_figure, style

D = 64


def main() -> None:
    """Compute and draw."""
    folder = Path(__file__).parent
    with style():
        figure = new_figure(7.2, 4.0)
        left, right = figure.subplots(1, 2, width_ratios=(2.2, 1.0))
        plot_phase_map(left, d=D)
        plot_phase_map(right, xi=(1.98, 2.05), eta=(0.05, 1.0), d=None)
        left.set_title(rf"phases of the profile of $\rho$, $T \to \infty$ ($d = {D}$)")
        right.set_title(r"the lens beyond $\xi = 2$")
        right.set_ylabel("")
        caption = phase_map_caption(D)
        for suffix in (".png", ".svg"):
            save_figure(figure, folder / f"phase_map{suffix}", caption)
    print(caption)


if __name__ == "__main__":
    main()
