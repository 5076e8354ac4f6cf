"""What the claims on attention as a support vector machine share: parameters, draws, symbols."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from qktheory.base.domains import Integer, IntegerList, Parameter
from qktheory.base.errors import bad_value
from qktheory.base.shapes import Array, check_shapes
from qktheory.numerics.max_margin import frobenius_margin, margin_rows

__all__ = [
    "OPTIMAL",
    "SEQUENCES",
    "WIDE",
    "W",
    "check_optimal",
    "draw_separable",
    "feasible_margins",
    "rows_of",
]

FloatArray = NDArray[np.float64]

SEQUENCES = (
    Parameter("X", Array("n", "T", "d"), "tokens of the sequences, (n, T, d)"),
    Parameter("Z", Array("n", "d"), "their queries, (n, d)"),
)
OPTIMAL = Parameter(
    "optimal",
    IntegerList(Integer(low=0, typical=(0, 1))),
    "index of the token to select in each sequence, from 0",
)
W = sp.Symbol("W_QK", commutative=False)

#: Three separable problems, the last one with several tight constraints.
WIDE: tuple[dict[str, Any], ...] = (
    {
        "X": [[[1.0, 0.3], [0.0, 1.0], [-0.5, -1.0]], [[0.2, -1.0], [1.0, 0.5], [0.6, 0.1]]],
        "Z": [[1.0, 0.2], [-0.4, 1.0]],
        "optimal": [0, 1],
    },
    {
        "X": [[[0.3, 0.8, 0.3], [-1.3, 0.9, 0.4]], [[-0.7, -0.2, -0.5], [0.6, 0.0, -0.3]]],
        "Z": [[-0.5, -1.6, 0.2], [0.1, -1.2, -0.7]],
        "optimal": [0, 1],
    },
    {"X": [[[1.0, 0.0], [0.0, 1.0], [0.1, 0.2]]], "Z": [[1.0, 0.5]], "optimal": [0]},
)


def check_optimal(p: dict[str, Any]) -> None:
    """Check shapes and that there is one valid index for each sequence."""
    check_shapes(SEQUENCES, p)
    n, T, _ = p["X"].shape
    if len(p["optimal"]) != n or max(p["optimal"]) >= T:
        raise bad_value("optimal", p["optimal"], f"n = {n} indices below T = {T}")


def rows_of(p: dict[str, Any]) -> FloatArray:
    """Return the constraints as rows that act on vec(W_QK)."""
    return margin_rows(np.asarray(p["X"]), np.asarray(p["Z"]), p["optimal"])


def draw_separable(rng: np.random.Generator) -> dict[str, Any]:
    """Draw a problem that some W_QK solves."""
    while True:
        n, T, d = int(rng.integers(1, 3)), int(rng.integers(2, 5)), int(rng.integers(2, 4))
        drawn = {
            "X": rng.normal(size=(n, T, d)),
            "Z": rng.normal(size=(n, d)),
            "optimal": [int(k) for k in rng.integers(0, T, size=n)],
        }
        shortest = frobenius_margin(rows_of(drawn))
        if shortest is not None and np.linalg.norm(shortest) < 100.0:
            return drawn


def feasible_margins(
    rows: FloatArray, solution: FloatArray, rng: np.random.Generator
) -> list[FloatArray]:
    """Return vec(W) that meet the constraints: near a solution, and the solution itself."""
    found = []
    for size in (0.0, 1e-3, 1e-2, 0.1, 0.5):
        w = solution + size * np.linalg.norm(solution) * rng.normal(size=solution.shape)
        margin = float(np.min(rows @ w)) if len(rows) else 1.0
        if margin > 0.0:
            found.append(w / margin)
    return found
