"""The best common row: residuals X - 1 c^T of least norm (RANK-1).

The map c -> (norm_1, norm_inf) of the residual has a convex image with a piecewise linear lower
front. Medians give one end of it, a linear program (the l1 Chebyshev centre) the other, and each
weighted sum of both norms is a linear program again. The product of the norms is concave along
an edge of the front, so `norm_1inf`, which is not convex in c, is least at one of its vertices.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linprog
from scipy.sparse import csr_array, hstack, identity, kron, vstack

from qktheory.base.memory import check_memory
from qktheory.numerics.matrix_norms import norm_1, norm_inf

__all__ = ["least_norm_1", "least_norm_1inf", "least_norm_inf"]

Floats = NDArray[np.float64]
Point = tuple[float, float]

#: A vertex that improves a weighted sum by less than this is none.
_FLAT = 1e-11


def least_norm_1(X: ArrayLike) -> float:
    """Return min over c of norm_1(X - 1 c^T), attained by the column medians.

    Parameters
    ----------
    X : array_like of shape (T, d)

    Returns
    -------
    float

    Examples
    --------
    >>> least_norm_1([[0, 0], [0, 0], [0, 0], [6, 0]])
    6.0
    """
    X = np.asarray(X, dtype=np.float64)
    return norm_1(X - np.median(X, axis=0))


class _Front:
    """Linear programs over the common row of one matrix, scaled to entries of size one."""

    def __init__(self, X: ArrayLike) -> None:
        X = np.asarray(X, dtype=np.float64)
        spread = X - np.median(X, axis=0)
        largest = float(np.abs(spread).max())
        self.scale = math.ldexp(1.0, math.frexp(largest)[1]) if largest > 0.0 else 0.0
        self.X = spread / self.scale if self.scale else spread
        self._constraints: csr_array | None = None

    def norms(self, c: Floats) -> Point:
        """Return (norm_1, norm_inf) of the scaled residual."""
        residual = self.X - c
        return norm_1(residual), norm_inf(residual)

    def _program(self) -> csr_array:
        """Build the constraints on (c, |R|, a, b), once."""
        if self._constraints is None:
            T, d = self.X.shape
            check_memory(600 * T * d, f"the linear program of {T} tokens of width {d}")
            common = kron(np.ones((T, 1)), identity(d))
            entries, none = identity(T * d), csr_array((T * d, 2))
            above = hstack([-common, -entries, none])  # x - c <= u
            below = hstack([common, -entries, none])
            columns = hstack(
                [
                    csr_array((d, d)),
                    kron(np.ones((1, T)), identity(d)),
                    csr_array(np.repeat([[-1.0, 0.0]], d, axis=0)),
                ]
            )
            rows = hstack(
                [
                    csr_array((T, d)),
                    kron(identity(T), np.ones((1, d))),
                    csr_array(np.repeat([[0.0, -1.0]], T, axis=0)),
                ]
            )
            self._constraints = csr_array(vstack([above, below, columns, rows]))
        return self._constraints

    def least(self, weight_1: float, weight_inf: float) -> Point:
        """Return the norms where weight_1 norm_1 + weight_inf norm_inf is least."""
        T, d = self.X.shape
        cost = np.zeros(d + T * d + 2)
        cost[-2:] = weight_1, weight_inf
        x = self.X.ravel()
        constraints: Any = self._program()  # sparse ones are not in SciPy's stubs
        found = linprog(
            cost,
            A_ub=constraints,
            b_ub=np.concatenate([-x, x, np.zeros(d + T)]),
            bounds=[(None, None)] * d + [(0.0, None)] * (T * d + 2),
            method="highs",
            options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
        )
        if found.x is None:
            raise ArithmeticError(f"the linear program of the common row failed: {found.message}")
        return self.norms(found.x[:d])


def least_norm_inf(X: ArrayLike) -> float:
    """Return min over c of norm_inf(X - 1 c^T): the l1 Chebyshev radius of the rows.

    Parameters
    ----------
    X : array_like of shape (T, d)

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the linear program does not fit into memory.

    Examples
    --------
    >>> round(least_norm_inf([[0, 0], [0, 0], [0, 0], [6, 0]]), 12)
    3.0
    """
    front = _Front(X)
    if front.scale == 0.0:
        return 0.0
    if front.X.shape[1] == 1:
        return float(front.X.max() - front.X.min()) / 2.0 * front.scale
    return front.least(0.0, 1.0)[1] * front.scale


def least_norm_1inf(X: ArrayLike) -> float:
    """Return min over c of norm_1inf(X - 1 c^T), the least over the vertices of the front.

    Parameters
    ----------
    X : array_like of shape (T, d)

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the linear programs do not fit into memory.

    Examples
    --------
    >>> X = [[0.5, 0.0, 1.0], [0.0, 0.5, -0.5], [1.0, -0.5, 0.0], [-0.5, 0.5, 0.5]]
    >>> round(least_norm_1inf(X) ** 2, 12)
    3.0
    """
    front = _Front(X)
    if front.scale == 0.0:
        return 0.0
    # A small share of the other norm picks the vertex at the end of the front.
    first, last = front.least(1.0, 1e-6), front.least(1e-6, 1.0)
    best = min(first[0] * first[1], last[0] * last[1])
    open_edges = [(first, last)]
    while open_edges:
        (a, b), (A, B) = open_edges.pop()
        if A - a <= _FLAT * A or b - B <= _FLAT * b or a * B >= best * (1.0 - _FLAT):
            continue  # no edge left, or nothing between its ends can be better
        weights = (b - B, A - a)
        norm = sum(weights)
        point = front.least(weights[0] / norm, weights[1] / norm)
        best = min(best, point[0] * point[1])
        gain = weights[0] * (a - point[0]) + weights[1] * (b - point[1])
        if gain > _FLAT * (weights[0] * a + weights[1] * b):
            open_edges += [((a, b), point), (point, (A, B))]
    return math.sqrt(best) * front.scale
