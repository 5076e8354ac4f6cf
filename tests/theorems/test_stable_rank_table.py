"""The table of RMT-6: stable ranks after layers of random Markov matrices."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import pytest
from numpy.typing import NDArray

from qktheory.kernels import Stream, experiment_id, seed_key
from qktheory.theorems.saada2025.draws import branch, iid_attention, without_mean

Floats = NDArray[np.float64]

#: (configuration, T, T/d, X or X X^T, less 1, values and standard errors at layers 1, 2, 3).
TABLE: list[tuple[str, int, float, int, float, list[float], list[float]]] = [
    ("A", 50, 1.0, 2, 1.0, [0.8601, 0.01638, 3.028e-4], [0.0070, 0.00020, 0.046e-4]),
    ("A", 50, 1.0, 4, 1.0, [0.05203, 3.481e-5, 1.81e-8], [0.00092, 0.098e-5, 0.07e-8]),
    ("A", 100, 1.0, 2, 1.0, [0.9361, 9.02e-3, 8.59e-5], [0.0079, 0.12e-3, 0.14e-5]),
    ("A", 100, 1.0, 4, 1.0, [0.02879, 4.72e-6, 6.23e-10], [0.00055, 0.14e-6, 0.23e-10]),
    ("perp", 50, 1.0, 2, 0.0, [7.609, 4.655, 3.578], [0.033, 0.025, 0.021]),
    ("perp", 50, 1.0, 4, 0.0, [3.805, 2.430, 1.983], [0.025, 0.018, 0.014]),
    ("perp", 100, 1.0, 2, 0.0, [14.65, 8.59, 6.29], [0.08, 0.06, 0.05]),
    ("perp", 100, 1.0, 4, 0.0, [6.87, 4.03, 3.05], [0.06, 0.04, 0.03]),
    ("perp", 200, 1.0, 2, 0.0, [28.69, 16.29, 11.76], [0.38, 0.23, 0.17]),
    ("perp", 200, 1.0, 4, 0.0, [12.94, 7.07, 5.19], [0.29, 0.16, 0.12]),
    ("perp", 100, 0.5, 2, 0.0, [17.26, 10.59, 7.66], [0.20, 0.13, 0.14]),
    ("perp", 100, 0.5, 4, 0.0, [8.00, 4.90, 3.62], [0.16, 0.09, 0.09]),
]


@lru_cache
def ratios(kind: str, T: int, gamma: float, n: int) -> Floats:
    """Singular values over the largest one, after layers 1, 2, 3, shape (n, 3, T)."""
    d = round(T / gamma)
    stream = Stream(seed_key(6), experiment_id(f"RMT-6 table {kind}"), T + d)
    X: Floats = np.broadcast_to(np.eye(T, d), (n, T, d))
    found = []
    for layer in range(3):
        A = iid_attention(T, math.log(2.0), branch(stream, layer), 0, n)
        W = branch(stream, 50 + layer).normals(0, n, d * d).reshape(n, d, d) / d**0.5
        X = (without_mean(A) if kind == "perp" else A) @ X @ W
        values = np.linalg.svd(X, compute_uv=False)
        found.append(values / values[:, :1])
    return np.stack(found, axis=1)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "T", "gamma", "power", "less", "means", "errors"), TABLE)
def test_stable_ranks_of_the_table(
    kind: str,
    T: int,
    gamma: float,
    power: int,
    less: float,
    means: list[float],
    errors: list[float],
) -> None:
    """Thirty-six means; a miss of four joint standard errors anywhere has probability 0.2 %."""
    n = 150 if T == 50 else 50
    values = (ratios(kind, T, gamma, n)[..., 1:] ** power).sum(axis=-1) + (1.0 - less)
    mean, error = values.mean(axis=0), values.std(axis=0) / n**0.5
    joint = np.hypot(error, errors)
    assert (np.abs(mean - means) < 4.0 * joint).all()
    # Means a quarter off are found out.
    assert (np.abs(mean - 1.25 * np.array(means)) > 4.0 * joint).any()
