"""Make softmax_against_rho.png and .svg here: python docs/figures/softmax_against_rho.py.

Mean weight of the true softmax beside the signal propagation probability rho, over the position of
the key, in six settings with random-walk tokens: the phases of rho are not phases of the weight.
"""

from __future__ import annotations

from pathlib import Path

import qktheory as qk
from qktheory.numerics.phase_map import phase
from qktheory.plots.position_bins import PositionBins
from qktheory.plots.softmax_against_rho import (
    plot_softmax_against_rho,
    softmax_against_rho_caption,
)
from qktheory.plots.style import new_figure, save_figure, style

D, BINS = 256, 20
SAMPLES, DELTA = 50_000, 0.01

#: Title, xi, eta, T: short logits (of order 1) in the first column, long ones (of order T) beside.
SETTINGS = (
    (r"$\xi = 2/T$, $\eta = 4/T^2$", 2 / 256, 4 / 256**2, 256),
    (r"$\xi = 1$, $\eta = 0.01$", 1.0, 0.01, 256),
    (r"$\xi = 4$, $\eta = 0.5$", 4.0, 0.5, 256),
    (r"$\xi = 0$, $\eta = 4/T^2$", 0.0, 4 / 256**2, 256),
    (r"$\xi = 0$, $\eta = 1$", 0.0, 1.0, 256),
    (r"$\xi = 1$, $\eta = 1$", 1.0, 1.0, 1024),
)


def random_walk(xi: float, eta: float, T: int) -> dict[str, object]:
    """Return the tables of a random walk whose W has a semicircle of eigenvalues."""
    return {
        "d": D,
        "T": T,
        "spectrum": {"law": "semicircle", "xi": xi, "eta": eta},
        "tokens": {"law": "random_walk"},
    }


def main() -> None:
    """Simulate, compare and draw."""
    folder = Path(__file__).parent
    comparisons = []
    with style():
        figure = new_figure(7.2, 5.0)
        axes = figure.subplots(2, 3, sharex=True, sharey=True)
        for ax, (title, xi, eta, T) in zip(axes.ravel(), SETTINGS, strict=True):
            bins = PositionBins.crowded(T, BINS)
            comparison = qk.compare(
                random_walk(xi, eta, T), ["rho", *bins.observables], samples=SAMPLES, delta=DELTA
            )
            comparisons.append(comparison)
            plot_softmax_against_rho(comparison, bins, ax)
            letter = "ULM"[int(phase(xi, eta).phase)]
            ax.set_title(f"{letter}: {title}, $T = {T}$", fontsize=8.5)
            ax.label_outer()
        handles, labels = axes[0, 2].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=4)
        caption = softmax_against_rho_caption(comparisons)
        for suffix in (".png", ".svg"):
            save_figure(figure, folder / f"softmax_against_rho{suffix}", caption)
    print(caption)


if __name__ == "__main__":
    main()
