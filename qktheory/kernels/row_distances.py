"""Largest distance of two rows of each matrix of a stack."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qktheory.kernels import reference
from qktheory.kernels.groups import check_finite, not_finite, real_stack
from qktheory.kernels.policy import elementary, jit_enabled, wide_vectors
from qktheory.kernels.vectors import LANES, absolute, load, maximum, minimum, splat, store

__all__ = ["widest_l1", "widest_l2", "widest_range"]

Float = NDArray[np.float64]


@elementary
def _l1(rows: Float, p: int, q: int, width: int, lanes: Float) -> float:
    total = splat(0.0)
    for k in range(0, width, LANES):
        total = total + absolute(load(rows, p + k) - load(rows, q + k))
    store(lanes, 0, total)
    left = (lanes[0] + lanes[1]) + (lanes[2] + lanes[3])
    return float(left + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7])))


@elementary
def _l2(rows: Float, p: int, q: int, width: int, lanes: Float) -> float:
    total = splat(0.0)
    for k in range(0, width, LANES):
        apart = load(rows, p + k) - load(rows, q + k)
        total = total + apart * apart
    store(lanes, 0, total)
    left = (lanes[0] + lanes[1]) + (lanes[2] + lanes[3])
    return float(left + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7])))


@elementary
def _range(rows: Float, p: int, q: int, width: int, lanes: Float) -> float:
    high = load(rows, p) - load(rows, q)
    low = high
    for k in range(LANES, width, LANES):
        apart = load(rows, p + k) - load(rows, q + k)
        high, low = maximum(high, apart), minimum(low, apart)
    store(lanes, 0, high)
    store(lanes, LANES, low)
    top, bottom = lanes[0], lanes[LANES]
    for k in range(1, LANES):
        top = max(top, lanes[k])
        bottom = min(bottom, lanes[LANES + k])
    return float(top - bottom)


@elementary
def _widest(flat: Float, n: int, rows: int, columns: int, kind: int, out: Float) -> int:
    """Fill the largest distances; return the number of a matrix that is not finite, or -1."""
    wide_vectors()
    width = (columns + LANES - 1) // LANES * LANES
    padded = np.zeros(rows * width)
    lanes = np.zeros(2 * LANES)
    for m in range(n):
        doubt = 0.0
        for i in range(rows):
            at = (m * rows + i) * columns
            for j in range(columns):
                entry = flat[at + j]
                doubt += entry - entry
                padded[i * width + j] = entry
            # Repeats of an entry leave a range as it is; sums are padded with zeros.
            for j in range(columns, width):
                padded[i * width + j] = flat[at] if kind == 2 else 0.0
        if doubt != 0.0:
            return m
        widest = 0.0
        for i in range(rows - 1):
            for j in range(i + 1, rows):
                if kind == 0:
                    found = _l1(padded, i * width, j * width, width, lanes)
                elif kind == 1:
                    found = _l2(padded, i * width, j * width, width, lanes)
                else:
                    found = _range(padded, i * width, j * width, width, lanes)
                widest = max(widest, found)
        out[m] = widest
    return -1


def _of_stack(matrices: ArrayLike, kind: int) -> Float:
    stack = real_stack("matrices", matrices)
    n, rows, columns = stack.shape
    out = np.empty(n)
    if jit_enabled:
        bad = _widest(stack.reshape(-1), n, rows, columns, kind, out)
        if bad >= 0:
            raise not_finite("matrices", bad)
    else:
        check_finite("matrices", stack)
        reference.widest(stack, kind, out)
    return out


def widest_l1(matrices: ArrayLike) -> Float:
    """Return the largest sum_j |M_ij - M_kj| over two rows i, k of each matrix.

    Parameters
    ----------
    matrices : array_like of shape (n, rows, columns)
        Finite numbers.

    Returns
    -------
    ndarray of shape (n,)
        0 for a single row.

    Raises
    ------
    ValueError
        For another shape or kind of number, or an entry that is not finite.

    Examples
    --------
    >>> widest_l1([[[0.5, 0.5], [1.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]]])
    array([1., 2.])
    """
    return _of_stack(matrices, 0)


def widest_l2(matrices: ArrayLike) -> Float:
    """Return the largest Euclidean distance of two rows of each matrix.

    Parameters and errors are those of `widest_l1`; entries are to be of moderate size.

    Examples
    --------
    >>> widest_l2([[[0.0, 0.0], [3.0, 4.0], [3.0, 0.0]]])
    array([5.])
    """
    return np.asarray(np.sqrt(_of_stack(matrices, 1)))


def widest_range(matrices: ArrayLike) -> Float:
    """Return the largest range of the differences of two rows of each matrix.

    max M_ij - M_kj - M_il + M_kl, the Hilbert diameter of e^M. Parameters and errors are those of
    `widest_l1`.

    Examples
    --------
    >>> widest_range([[[2.0, 0.0], [0.0, 2.0]]])
    array([4.])
    """
    return _of_stack(matrices, 2)
