"""Singular values of stacks of small matrices by one-sided Jacobi rotations, eight at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qktheory.kernels.groups import check_finite, interleave, not_finite, real_stack
from qktheory.kernels.policy import elementary, jit_enabled, wide_vectors
from qktheory.kernels.vectors import (
    LANES,
    absolute,
    any_below,
    below,
    load,
    root,
    splat,
    store,
)

__all__ = ["singular_values"]

Float = NDArray[np.float64]

#: Beyond so many numbers in a matrix LAPACK is faster.
_LARGEST = 2048
_SWEEPS = 40
_ROUNDING = 2.0**-52


@elementary
def _sweep(group: Float, norms: Float, vectors: int, width: int, tolerance: float) -> bool:
    """Rotate all pairs of vectors once; return whether any pair was not orthogonal."""
    zero, one = splat(0.0), splat(1.0)
    level = splat(tolerance * tolerance)
    rotated = False
    # The pairs of a round have no vector in common: the processor works on several at once.
    for turn in range(vectors):
        for p in range(vectors):
            q = (turn - p) % vectors
            if q <= p:
                continue
            at_p, at_q = LANES * p * width, LANES * q * width
            d0, d1, d2, d3 = zero, zero, zero, zero
            for k in range(0, LANES * width, 4 * LANES):
                d0 = d0 + load(group, at_p + k) * load(group, at_q + k)
                d1 = d1 + load(group, at_p + k + 8) * load(group, at_q + k + 8)
                d2 = d2 + load(group, at_p + k + 16) * load(group, at_q + k + 16)
                d3 = d3 + load(group, at_p + k + 24) * load(group, at_q + k + 24)
            dot = (d0 + d1) + (d2 + d3)
            a, b = load(norms, LANES * p), load(norms, LANES * q)
            limit, square = level * a * b, dot * dot
            if not any_below(limit, square):
                continue
            rotated = True
            gap, twice = b - a, dot + dot
            size = absolute(gap) + root(gap * gap + twice * twice)
            tangent = below(gap, zero, -twice, twice) / size
            tangent = below(limit, square, tangent, zero)
            cosine = one / root(one + tangent * tangent)
            sine = cosine * tangent
            moved = below(limit, square, tangent * dot, zero)
            a, b = a - moved, b + moved
            # The longer vector first: graded matrices then take fewer sweeps. Lanes that do not
            # rotate stay as they are, whatever the others do.
            swap = below(limit, square, b - a, zero)
            store(norms, LANES * p, below(zero, swap, b, a))
            store(norms, LANES * q, below(zero, swap, a, b))
            c_pp = below(zero, swap, sine, cosine)
            c_pq = below(zero, swap, cosine, -sine)
            c_qp = below(zero, swap, cosine, sine)
            c_qq = below(zero, swap, -sine, cosine)
            for k in range(0, LANES * width, LANES):
                x, y = load(group, at_p + k), load(group, at_q + k)
                store(group, at_p + k, c_pp * x + c_pq * y)
                store(group, at_q + k, c_qp * x + c_qq * y)
    return rotated


@elementary
def _lengths(group: Float, norms: Float, vectors: int, width: int) -> None:
    for p in range(vectors):
        total = splat(0.0)
        for k in range(0, LANES * width, LANES):
            x = load(group, LANES * p * width + k)
            total = total + x * x
        store(norms, LANES * p, total)


@elementary
def _singular_values(flat: Float, n: int, rows: int, columns: int, out: Float) -> int:
    """Fill the singular values of n matrices, unsorted; return a matrix without, or -1."""
    wide_vectors()
    vectors, length = min(rows, columns), max(rows, columns)
    width = (length + 3) // 4 * 4
    group = np.zeros(LANES * vectors * width)
    norms = np.empty(LANES * vectors)
    scale = np.ones(LANES)
    tolerance = length * _ROUNDING
    for first in range(0, n, LANES):
        count = min(LANES, n - first)
        interleave(flat, first, count, rows, columns, columns < rows, width, scale, group)
        for lane in range(count):
            if not abs(scale[lane]) < np.inf:
                return first + lane
        for _ in range(_SWEEPS):
            _lengths(group, norms, vectors, width)
            if not _sweep(group, norms, vectors, width, tolerance):
                break
        _lengths(group, norms, vectors, width)
        for lane in range(count):
            for p in range(vectors):
                out[first + lane, p] = np.sqrt(norms[LANES * p + lane]) * scale[lane]
    return -1


def singular_values(matrices: ArrayLike) -> Float:
    """Return the singular values of a stack of matrices in decreasing order.

    Small matrices (up to 2048 entries) go through one-sided Jacobi rotations, which find singular
    values to the relative accuracy that well-scaled rows or columns determine them to; larger ones
    through LAPACK.

    Parameters
    ----------
    matrices : array_like of shape (n, rows, columns)
        Finite numbers.

    Returns
    -------
    ndarray of shape (n, min(rows, columns))
        Those of a matrix do not depend on the others of the stack.

    Raises
    ------
    ValueError
        For another shape or kind of number, or an entry that is not finite.

    Notes
    -----
    Vectors are the shorter of rows and columns; each pair is rotated until all are orthogonal to
    rounding (Demmel and Veselic, SIAM J. Matrix Anal. Appl. 13, 1992). Values below 1e-70 of the
    largest have no relative accuracy: their squares underflow.

    Examples
    --------
    >>> singular_values([[[3.0, 0.0, 0.0], [0.0, 0.0, -5.0]], [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]])
    array([[5.        , 3.        ],
           [2.44948974, 0.        ]])
    """
    stack = real_stack("matrices", matrices)
    n, rows, columns = stack.shape
    if not jit_enabled or rows * columns > _LARGEST:
        check_finite("matrices", stack)
        return np.asarray(np.linalg.svd(stack, compute_uv=False))
    out = np.empty((n, min(rows, columns)))
    bad = _singular_values(stack.reshape(-1), n, rows, columns, out)
    if bad >= 0:
        raise not_finite("matrices", bad)
    out.sort(axis=1)
    return np.ascontiguousarray(out[:, ::-1])
