"""Cost of the exact entropy of a Gaussian row: one point, against T, and against Monte Carlo.

Usage: python benchmarks/entropy.py [--seconds S]

Exact values are `qktheory.numerics.gaussian_row.mean_entropy` with an empty cache. Monte Carlo
draws rows of T logits with NumPy and takes their entropies with the fused kernel; its cost at the
accuracy of the exact value is extrapolated from the measured variance: it grows like 1/error^2.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable

import numpy as np

from qktheory.kernels import row_statistics
from qktheory.numerics import gaussian_row
from qktheory.numerics.gaussian_row import gaussian_row_moments, mean_entropy

#: Relative error of the exact values, see docs/reference/accuracy.md.
EXACT_ERROR = 1e-13


def best_seconds(task: Callable[[], object], seconds: float) -> float:
    """Return the best time of a task that runs for some time."""
    best, end = math.inf, time.perf_counter() + seconds
    while time.perf_counter() < end:
        gaussian_row._lattice.cache_clear()
        start = time.perf_counter()
        task()
        best = min(best, time.perf_counter() - start)
    return best


def points(seconds: float) -> None:
    print("### One point, ms\n\n| T | s | E H | all moments |\n|---|---|---|---|")
    for T, s in ((1024.0, 1.0), (1024.0, 4.0), (1e12, 1.0), (1e12, 7.0), (1e12, 12.0)):
        one = best_seconds(lambda T=T, s=s: mean_entropy(T, s), seconds)
        everything = best_seconds(lambda T=T, s=s: gaussian_row_moments(T, s), seconds)
        print(f"| {T:g} | {s:g} | {1e3 * one:.2f} | {1e3 * everything:.2f} |")


def against_size(seconds: float) -> None:
    print("\n### E H at s = 2 against T, ms\n\n| T | exact |\n|---|---|")
    for T in (1e1, 1e2, 1e3, 1e4, 1e6, 1e9, 1e12):
        print(f"| {T:g} | {1e3 * best_seconds(lambda T=T: mean_entropy(T, 2.0), seconds):.2f} |")


def against_monte_carlo(seconds: float) -> None:
    print(
        "\n### E H against Monte Carlo\n\n"
        "| T | s | exact, ms | error of as long a Monte Carlo | Monte Carlo / exact time for 1 % | "
        "the same for the accuracy of the exact value |\n|---|---|---|---|---|---|"
    )
    rng = np.random.default_rng(0)
    rows = 256
    for T, s in ((128, 1.0), (1024, 2.0), (1024, 4.0), (8192, 3.0)):
        exact = best_seconds(lambda T=T, s=s: mean_entropy(T, s), seconds)
        values: list[np.ndarray] = []

        def draw(T: int = T, s: float = s, values: list[np.ndarray] = values) -> None:
            values.append(row_statistics(s * rng.standard_normal((rows, T)))[:, 1])

        per_row = best_seconds(draw, seconds) / rows
        sample = np.concatenate(values)
        spread = float(sample.std()) / float(sample.mean())
        as_long = spread / math.sqrt(exact / per_row)
        ratios = [per_row * (spread / error) ** 2 / exact for error in (1e-2, EXACT_ERROR)]
        print(
            f"| {T} | {s:g} | {1e3 * exact:.2f} | {as_long:.1e} | {ratios[0]:.2g} | "
            f"{ratios[1]:.1e} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=0.3, help="time for each number")
    seconds = parser.parse_args().seconds
    points(seconds)
    against_size(seconds)
    against_monte_carlo(seconds)


if __name__ == "__main__":
    main()
