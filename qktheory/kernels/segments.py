"""Sums of the weights of a row over stretches of the sequence, without forming the weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qktheory.base.errors import bad_value
from qktheory.kernels import reference
from qktheory.kernels.layout import run_on_rows
from qktheory.kernels.policy import reduction, wide_vectors
from qktheory.kernels.rows import row_maximum
from qktheory.kernels.weights import weight_sum

__all__ = [
    "Ends",
    "checked_ends",
    "clipped_segments",
    "segments_of_row",
    "softmax_segments",
    "visible_means",
]

Float = NDArray[np.float64]
Ends = NDArray[np.int64]

_CHUNK = 4096


@reduction
def segments_of_row(flat: Float, begin: int, length: int, ends: Ends, out: Float) -> bool:
    """Fill the sums of exp(w_j - max w) of one row; return whether they are numbers."""
    top = row_maximum(flat, np.uint64(begin), np.uint64(length))
    if not abs(top) < math.inf:
        return False
    total = 0.0
    for k in range(out.size):
        part = 0.0
        for start in range(ends[k], ends[k + 1], _CHUNK):
            count = min(_CHUNK, ends[k + 1] - start)
            part += weight_sum(flat, np.uint64(begin + start), np.uint64(count), top)
        out[k] = part
        total += part
    # A NaN may be no maximum, but it is part of the sum.
    return total < math.inf


@reduction
def _softmax_segments(
    flat: Float, rows: int, length: int, stride: int, ends: Ends, out: Float
) -> int:
    for r in range(rows):
        if not segments_of_row(flat, r * stride, length, ends, out[r]):
            return r
    return -1


@reduction
def _sum(flat: Float, begin: Any, count: Any) -> float:
    wide_vectors()
    total = 0.0
    for j in range(count):
        total += flat[begin + j]
    return total


@reduction
def _masked_sum(flat: Float, begin: Any, count: Any) -> tuple[float, float]:
    total = 0.0
    visible = 0.0
    for j in range(count):
        w = flat[begin + j]
        if w != -math.inf:
            total += w
            visible += 1.0
    return total, visible


@reduction
def _visible_sum(flat: Float, begin: Any, count: Any) -> tuple[float, float]:
    """Return the sum of the unmasked logits, and their number."""
    total = _sum(flat, begin, count)
    # A loop that looks for masked keys does not run in vector registers.
    return (total, float(count)) if abs(total) < math.inf else _masked_sum(flat, begin, count)


@reduction
def _visible_means(flat: Float, rows: int, length: int, stride: int, out: Float) -> int:
    for r in range(rows):
        total, count = _visible_sum(flat, np.uint64(r * stride), np.uint64(length))
        out[r, 0] = total / count
        out[r, 1] = count
        if not abs(out[r, 0]) < math.inf:
            return r
    return -1


@reduction
def _clipped_sum(flat: Float, begin: Any, count: Any, mean: float, most: float) -> float:
    wide_vectors()
    total = 0.0
    for j in range(count):
        u = 1.0 + (flat[begin + j] - mean)
        u = 0.0 if u < 0.0 else u
        total += most if u > most else u
    return total


@reduction
def _clipped_segments(
    flat: Float, rows: int, length: int, stride: int, ends: Ends, out: Float
) -> int:
    for r in range(rows):
        begin = r * stride
        total, count = _visible_sum(flat, np.uint64(begin), np.uint64(length))
        mean = total / count
        if not abs(mean) < math.inf:
            return r
        for k in range(out.shape[1]):
            first, size = np.uint64(begin + ends[k]), np.uint64(ends[k + 1] - ends[k])
            out[r, k] = _clipped_sum(flat, first, size, mean, count)
    return -1


def checked_ends(ends: Sequence[int], length: int) -> Ends:
    """Return the ends of stretches as an array.

    Raises
    ------
    ValueError
        Unless they are integers 0 = ends[0] <= ends[1] <= ... <= ends[k] = length with k >= 1.
    """
    array = np.asarray(ends)
    good = array.ndim == 1 and array.size >= 2 and array.dtype.kind in "iu"
    # Few and often: a list is faster to look at than an array.
    values = array.tolist() if good else [-1]
    if values[0] != 0 or values[-1] != length or values != sorted(values):
        raise bad_value("ends", ends, f"integers that rise from 0 to T = {length}")
    return array.astype(np.int64, copy=False)


def _run(
    kernel: Callable[..., int],
    twin: Callable[..., int],
    logits: ArrayLike,
    ends: Sequence[int],
) -> Float:
    array = np.asarray(logits)
    checked = checked_ends(ends, array.shape[1] if array.ndim == 2 else 0)

    def compiled(flat: Float, rows: int, length: int, stride: int, out: Float) -> int:
        return kernel(flat, rows, length, stride, checked, out)

    def plain(rows: Float, out: Float) -> int:
        return twin(rows, checked, out)

    return run_on_rows(compiled, plain, array, None, checked.size - 1)


def softmax_segments(logits: ArrayLike, ends: Sequence[int]) -> Float:
    """Return the sums of exp(w_j - max w) over stretches of each row.

    Parameters
    ----------
    logits : array_like of shape (n, T)
        Rows of logits, -inf for masked keys; at least one key of a row is not masked.
    ends : sequence of int
        0 = ends[0] <= ends[1] <= ... <= ends[k] = T: stretch i is the keys ends[i] to
        ends[i + 1] - 1, counted from 0.

    Returns
    -------
    ndarray of shape (n, k)
        Softmax weights of the stretches, up to one factor of each row.

    Raises
    ------
    ValueError
        For a row that is entirely -inf or has a NaN or +inf, arrays of the wrong kind, or bad ends.

    Examples
    --------
    >>> softmax_segments([[0.0, 0.0, 0.0, -np.inf]], [0, 2, 4])
    array([[2., 1.]])
    """
    return _run(_softmax_segments, reference.softmax_segments, logits, ends)


def clipped_segments(logits: ArrayLike, ends: Sequence[int]) -> Float:
    """Return the sums of clip(1 + q_j, 0, T) over stretches of each row.

    q_j and T are those of `qktheory.kernels.clipped_linear_rows` (LOC-0).

    Parameters
    ----------
    logits : array_like of shape (n, T)
        Rows of logits, -inf for masked keys.
    ends : sequence of int
        See `softmax_segments`.

    Returns
    -------
    ndarray of shape (n, k)
        Clipped-linear weights of the stretches, times the number of unmasked keys.

    Raises
    ------
    ValueError
        See `softmax_segments`.

    Examples
    --------
    >>> clipped_segments([[0.5, -0.5, 0.5, -0.5]], [0, 1, 4])
    array([[1.5, 2.5]])
    """
    return _run(_clipped_segments, reference.clipped_segments, logits, ends)


def visible_means(logits: ArrayLike) -> Float:
    """Return the mean of the unmasked logits of each row, and their number.

    Parameters
    ----------
    logits : array_like of shape (n, T)
        Rows of logits, -inf for masked keys.

    Returns
    -------
    ndarray of shape (n, 2)

    Raises
    ------
    ValueError
        For a row that is entirely -inf or has a NaN or +inf, or arrays of the wrong kind.

    Examples
    --------
    >>> visible_means([[1.0, 3.0, -np.inf]])
    array([[2., 2.]])
    """
    return run_on_rows(_visible_means, reference.visible_means, logits, None, 2)
