"""Rows of the clipped-linear softmax of Bao, Hataya and Karakida (2024): clip((1 + q)/T, 0, 1).

q is a logit minus the mean over the unmasked keys of its row, T the number of these keys.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qktheory.kernels import reference
from qktheory.kernels.elementary import log_positive
from qktheory.kernels.layout import run_on_rows
from qktheory.kernels.policy import elementary, reduction, wide_vectors
from qktheory.kernels.rows import row_maximum

__all__ = [
    "CLIPPED_STATISTICS",
    "alive_rows",
    "clipped_linear_rows",
    "clipped_linear_statistics",
]

CLIPPED_STATISTICS = ("entropy", "participation", "max_weight", "alive_fraction")
"""Names of the columns of `clipped_linear_statistics`."""

Float = NDArray[np.float64]

_SMALLEST_NORMAL = 2.2250738585072014e-308


@reduction
def _unmasked_mean(row: Float) -> tuple[float, float]:
    wide_vectors()
    total = 0.0
    count = 0.0
    for j in range(row.size):
        masked = row[j] == -math.inf
        total += 0.0 if masked else row[j]
        count += 0.0 if masked else 1.0
    return total / count, count


@elementary
def _clip(row: Float, mean: float, count: float, out: Float) -> None:
    wide_vectors()
    share = 1.0 / count
    for j in range(row.size):
        weight = (1.0 + (row[j] - mean)) * share
        weight = 0.0 if weight < 0.0 else weight
        out[j] = 1.0 if weight > 1.0 else weight


@reduction
def _clipped_linear_rows(flat: Float, rows: int, length: int, stride: int, out: Float) -> int:
    for r in range(rows):
        row = flat[r * stride : r * stride + length]
        mean, count = _unmasked_mean(row)
        if not abs(mean) < math.inf:
            return r
        _clip(row, mean, count, out[r])
    return -1


@elementary
def _mark_alive(row: Float, mean: float, count: float, out: Float) -> None:
    wide_vectors()
    for j in range(row.size):
        q = row[j] - mean
        above = 1.0 if q > -1.0 else 0.0
        out[j] = above if q < count - 1.0 else 0.0


@reduction
def _alive_rows(flat: Float, rows: int, length: int, stride: int, out: Float) -> int:
    for r in range(rows):
        row = flat[r * stride : r * stride + length]
        mean, count = _unmasked_mean(row)
        if not abs(mean) < math.inf:
            return r
        _mark_alive(row, mean, count, out[r])
    return -1


@reduction
def _clipped_sums(row: Float, mean: float, count: float) -> tuple[float, float, float, float]:
    """Return, for u = clip(1 + q, 0, T), the sums of u, u^2, u log u, and the unclipped keys."""
    wide_vectors()
    total = 0.0
    squares = 0.0
    logs = 0.0
    alive = 0.0
    for j in range(row.size):
        q = row[j] - mean
        above = 1.0 if q > -1.0 else 0.0
        alive += above if q < count - 1.0 else 0.0
        u = 1.0 + q
        u = 0.0 if u < 0.0 else u
        u = count if u > count else u
        total += u
        squares += u * u
        logs += u * log_positive(_SMALLEST_NORMAL if u < _SMALLEST_NORMAL else u)
    return total, squares, logs, alive


@reduction
def _clipped_linear_statistics(flat: Float, rows: int, length: int, stride: int, out: Float) -> int:
    for r in range(rows):
        row = flat[r * stride : r * stride + length]
        mean, count = _unmasked_mean(row)
        if not abs(mean) < math.inf:
            return r
        total, squares, logs, alive = _clipped_sums(row, mean, count)
        entropy = math.log(total) - logs / total
        out[r, 0] = max(entropy, 0.0)
        out[r, 1] = squares / (total * total)
        out[r, 2] = (
            min(1.0 + (row_maximum(flat, np.uint64(r * stride), np.uint64(length)) - mean), count)
            / total
        )
        out[r, 3] = alive / length
    return -1


def clipped_linear_rows(logits: ArrayLike, out: Float | None = None) -> Float:
    """Return the piecewise-linear attention clip((1 + q_j)/T, 0, 1) for every row.

    q_j = w_j - mean(w), where the mean and the number T of keys are over the unmasked keys
    (LOC-0; Bao, Hataya and Karakida 2024, arXiv 2402.02098).

    Parameters
    ----------
    logits : array_like of shape (n, T)
        Rows of logits, -inf for masked keys, whose weight is exactly 0.
    out : ndarray of shape (n, T), optional
        Float64, C-contiguous, to be filled and returned; may be `logits` itself.

    Returns
    -------
    ndarray of shape (n, T)

    Raises
    ------
    ValueError
        For a row that is entirely -inf or has a NaN or +inf, or arrays of the wrong kind.

    Examples
    --------
    >>> clipped_linear_rows([[0.5, -0.5], [9.0, 0.0]])
    array([[0.75, 0.25],
           [1.  , 0.  ]])
    """
    return run_on_rows(_clipped_linear_rows, reference.clipped_linear_rows, logits, out)


def clipped_linear_statistics(logits: ArrayLike, out: Float | None = None) -> Float:
    """Return entropy, participation, largest share and alive fraction of clipped-linear rows.

    With u_j = clip(1 + q_j, 0, T) as in `clipped_linear_rows` and shares u_j / sum_k u_k, the
    columns, named by `CLIPPED_STATISTICS`, are the entropy of the shares in nats, the sum of their
    squares, the largest one, and the fraction of all keys with -1 < q_j < T - 1 (LOC-0).

    Parameters
    ----------
    logits : array_like of shape (n, T)
        Rows of logits, -inf for masked keys.
    out : ndarray of shape (n, 4), optional
        Float64, C-contiguous, to be filled and returned.

    Returns
    -------
    ndarray of shape (n, 4)

    Raises
    ------
    ValueError
        For a row that is entirely -inf or has a NaN or +inf, or arrays of the wrong kind.

    Examples
    --------
    >>> clipped_linear_statistics([[0.0, 0.0], [9.0, 0.0]]).round(3)
    array([[0.693, 0.5  , 0.5  , 1.   ],
           [0.   , 1.   , 1.   , 0.   ]])
    """
    columns = len(CLIPPED_STATISTICS)
    return run_on_rows(
        _clipped_linear_statistics, reference.clipped_linear_statistics, logits, out, columns
    )


def alive_rows(logits: ArrayLike, out: Float | None = None) -> Float:
    """Return 1 where the piecewise-linear attention is not clipped: -1 < q_j < T - 1.

    q_j and T are those of `clipped_linear_rows`; masked keys are not alive. The expectation of
    an entry is the signal propagation probability rho_j (LOC-0).

    Parameters
    ----------
    logits : array_like of shape (n, T)
        Rows of logits, -inf for masked keys.
    out : ndarray of shape (n, T), optional
        Float64, C-contiguous, to be filled and returned; may be `logits` itself.

    Returns
    -------
    ndarray of shape (n, T)
        Zeros and ones.

    Raises
    ------
    ValueError
        For a row that is entirely -inf or has a NaN or +inf, or arrays of the wrong kind.

    Examples
    --------
    >>> alive_rows([[0.5, -0.5], [9.0, 0.0]])
    array([[1., 1.],
           [0., 0.]])
    """
    return run_on_rows(_alive_rows, reference.alive_rows, logits, out)
