"""Make argmax_law.png and argmax_law.svg beside this file: python docs/figures/argmax_law.py.

Where saturated softmax rows of random-walk tokens put their weight. Left: rows of a fixed query,
by the drift beta = m/kappa of their logits. Right: averaged over queries, by b = xi/sqrt(eta);
even at b = 0 both ends are favoured.
"""

from __future__ import annotations

import math
from pathlib import Path

import qktheory as qk
from qktheory.plots.argmax_law import argmax_law_caption, plot_argmax_law
from qktheory.plots.position_bins import PositionBins
from qktheory.plots.style import new_figure, save_figure, style

T, D = 2048, 1024
BINS = PositionBins.crowded(T, 24)
BETAS = (-0.5, 0.0, 1.0, 2.0)
RATIOS = (0.0, 1.0, 3.0)
SAMPLES, DELTA = 100_000, 0.01


def fixed_query(beta: float) -> dict[str, object]:
    """Return the tables of a row with drift m = beta kappa and increment variance s^2 = T.

    Query (1, 0), W = [[m, s], [0, 0]], Sigma = diag(0, 1); kappa = s sqrt(T) = T.
    """
    return {
        "d": 2,
        "T": T,
        "matrix": {"W": [[beta * T, math.sqrt(T)], [0.0, 0.0]]},
        "tokens": {"law": "random_walk", "covariance": [0.0, 1.0], "query": [1.0, 0.0]},
    }


def random_query(ratio: float) -> dict[str, object]:
    """Return the tables of rows with xi = b and eta = 1."""
    return {
        "d": D,
        "T": T,
        "spectrum": {"law": "semicircle", "xi": ratio, "eta": 1.0},
        "tokens": {"law": "random_walk"},
    }


def main() -> None:
    """Simulate and draw."""
    folder = Path(__file__).parent
    fixed, random = (
        {
            drift: qk.simulate(tables(drift), BINS.observables, samples=SAMPLES, delta=DELTA)
            for drift in drifts
        }
        for tables, drifts in ((fixed_query, BETAS), (random_query, RATIOS))
    )
    with style():
        figure = new_figure(7.2, 3.4)
        left, right = figure.subplots(1, 2, sharey=True)
        plot_argmax_law(fixed, BINS, left)
        plot_argmax_law(random, BINS, right, drift="b")
        left.set_title(rf"one query, drift $\beta = m/\kappa$ ($T = {T}$)")
        right.set_title(rf"all queries, $b = \xi/\sqrt{{\eta}}$ ($d = {D}$)")
        right.set_ylabel("")
        caption = f"{argmax_law_caption(fixed)} | {argmax_law_caption(random, 'b')}"
        for suffix in (".png", ".svg"):
            save_figure(figure, folder / f"argmax_law{suffix}", caption)
    print(caption)


if __name__ == "__main__":
    main()
