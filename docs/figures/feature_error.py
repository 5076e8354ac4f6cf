"""Make feature_error.png and .svg beside this file: python docs/figures/feature_error.py.

Four maps W_QK with logits of one variance: their singular values are 0.04, 0.0267, 0.016 and 0.01,
4, 9, 25 and 64 of them. The nuclear norm, and with it the number of random features that an error
asks for, differ by a factor of four. The largest singular value is below 1/24, so the squared error
has a finite variance, and every point an interval.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import qktheory as qk
from qktheory.plots.feature_error import feature_error_caption, plot_feature_error
from qktheory.plots.style import new_figure, save_figure, style
from qktheory.verification.compare import Comparison

D, LOGIT_VARIANCE, SEED = 64, 0.0064, 0
RANKS = (4, 9, 25, 64)
COUNTS = (2, 8, 32, 128, 512)
#: Looser than elsewhere, as heavy tails make wide intervals: one miss in a thousand points.
DELTA = 1e-3


def experiment(rank: int, count: int) -> dict[str, object]:
    """Return the spec of one point."""
    values = [math.sqrt(LOGIT_VARIANCE / rank)] * rank + [0.0] * (D - rank)
    return {
        "d": D,
        "T": 8,
        "spectrum": {"law": "list", "eigenvalues": values},
        "matrix": {"model": "singular_values"},
        "tokens": {"law": "iid"},
        "attention": {"normalizer": "random_features", "features": {"count": count}},
    }


def measured(rank: int, samples: int) -> list[Comparison]:
    """Compare every number of features with its prediction."""
    names = ["kernel_relative_error"]
    return [
        qk.compare(experiment(rank, count), names, samples=samples, seed=SEED, delta=DELTA)
        for count in COUNTS
    ]


def main() -> None:
    """Draw the figure."""
    parser = argparse.ArgumentParser(description="error of random features, four spectra")
    parser.add_argument("--samples", type=int, default=10_000, help="samples a point")
    parser.add_argument("--folder", type=Path, default=Path(__file__).parent, help="where to")
    chosen = parser.parse_args()
    # In the order in which the curves lie.
    results = {f"rank {rank}": measured(rank, chosen.samples) for rank in reversed(RANKS)}
    with style():
        figure = new_figure(4.6, 3.6)
        ax = figure.subplots()
        plot_feature_error(results, ax)
        ax.set_title(f"$d = {D}$, logits of variance {LOGIT_VARIANCE}")
        ax.set_xticks(COUNTS)
        caption = feature_error_caption(results)
        for suffix in (".png", ".svg"):
            save_figure(figure, chosen.folder / f"feature_error{suffix}", caption)
    print(caption)


if __name__ == "__main__":
    main()
