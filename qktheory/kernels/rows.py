"""Fused statistics and normalisations of rows of logits.

A row is the logits w_j of one query over T keys; -inf marks a masked key. A = softmax(w).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qktheory.kernels import reference
from qktheory.kernels.elementary import exp, log_positive
from qktheory.kernels.layout import run_on_rows
from qktheory.kernels.policy import (
    elementary,
    float_bits,
    float_from_bits,
    reduction,
    wide_vectors,
)
from qktheory.kernels.weights import CEILING, LOWEST_TERM, row_sums, term

__all__ = [
    "ROW_STATISTICS",
    "SUMS",
    "finish_statistics",
    "row_maximum",
    "row_statistics",
    "softmax_rows",
    "statistic_columns",
    "sums_of_row",
]

ROW_STATISTICS = (
    "log_partition",
    "entropy",
    "participation",
    "max_weight",
    "mean_logit",
    "var_logit",
)
"""Names of the columns of `row_statistics`."""

SUMS = 7
"""Number of sums over a row from which its statistics are made."""

Float = NDArray[np.float64]

_MAGNITUDE = 0x7FFFFFFFFFFFFFFF
_CHUNK = 4096
# Logits are shifted by the largest of a few keys, which costs less than to look for the largest of
# all. That is good enough if the largest is not this far above, and no key has this share of the
# weight; beyond, cancellation would cost the entropy more than 1e-14 of itself.
_KEYS_LOOKED_AT = 8
_DOMINANT = 0.99
_LARGEST = math.exp(CEILING - 1e-9)


@elementary
def _ordered(x: float) -> int:
    """Return an integer that is ordered like the float; its own inverse on bits.

    A maximum of integers vectorises, one of floats that may be NaN does not.
    """
    bits = float_bits(x)
    return bits ^ ((bits >> 63) & _MAGNITUDE)


@reduction
def row_maximum(flat: Float, begin: Any, count: Any) -> float:
    """Return the largest of entries begin ... begin + count - 1, finite numbers or -inf.

    In compiled code, with unsigned `begin` and `count`: such an index needs no test for a negative
    one, and a slice would cost as much as fifty entries.
    """
    wide_vectors()
    largest = _ordered(-math.inf)
    for j in range(count):
        largest = max(largest, _ordered(flat[begin + j]))
    return float_from_bits(largest ^ ((largest >> 63) & _MAGNITUDE))


@reduction
def _sums_below(
    flat: Float, begin: Any, count: Any, top: float
) -> tuple[float, float, float, float]:
    """Return, for z = w - top and e = exp(z), the sums of e below the top, of ties, e^2 and ez.

    Keeping the ties with the top apart lets the entropy of a row with one dominant key keep its
    relative accuracy.
    """
    wide_vectors()
    below = 0.0
    ties = 0.0
    squares = 0.0
    first = 0.0
    for j in range(count):
        z = flat[begin + j] - top
        y = LOWEST_TERM if z < LOWEST_TERM else z
        e = 0.0 if z < LOWEST_TERM else term(y)
        below += e if z < 0.0 else 0.0
        ties += 1.0 if z == 0.0 else 0.0
        squares += e * e
        first += e * y
    return below, ties, squares, first


@reduction
def _sum_of_second_order(flat: Float, begin: Any, count: Any, shift: float) -> float:
    """Return the sum of e z^2."""
    wide_vectors()
    second = 0.0
    for j in range(count):
        z = flat[begin + j] - shift
        y = LOWEST_TERM if z < LOWEST_TERM else z
        second += 0.0 if z < LOWEST_TERM else term(y) * y * y
    return second


@elementary
def finish_statistics(sums: Float, out: Float) -> None:
    """Turn (shift, largest e, sums of e outside ties, of ties, e^2, ez, ez^2) into statistics.

    For all rows at once, so that divisions and logarithms run in vector registers.
    """
    wide_vectors()
    for r in range(out.shape[0]):
        shift, below, ties = sums[r, 0], sums[r, 2], sums[r, 3]
        total = ties + below
        # log1p without a branch: `below` tells what rounding took from the sum.
        log_total = log_positive(total) + (below - (total - ties)) / total
        share = 1.0 / total
        mean = sums[r, 5] * share
        out[r, 0] = shift + log_total
        out[r, 1] = log_total - mean
        out[r, 2] = (sums[r, 4] * share) * share
        out[r, 3] = sums[r, 1] * share
        out[r, 4] = shift + mean
    if out.shape[1] == 6:
        for r in range(out.shape[0]):
            share = 1.0 / (sums[r, 3] + sums[r, 2])
            mean = sums[r, 5] * share
            variance = sums[r, 6] * share - mean * mean
            out[r, 5] = 0.0 if variance < 0.0 else variance


@reduction
def _glance(flat: Float, begin: Any, length: int) -> float:
    """Return the largest of a few logits spread over the row."""
    largest = -math.inf
    step = np.uint64((length + _KEYS_LOOKED_AT - 1) // _KEYS_LOOKED_AT)
    for j in range(np.uint64(0), np.uint64(length), step):
        largest = max(largest, flat[begin + j])
    return largest


@reduction
def _sums_below_top(flat: Float, entry: Any, length: int, sums: Float) -> bool:
    """Fill the sums relative to the largest logit; return whether they are numbers."""
    top = row_maximum(flat, entry, np.uint64(length))
    below = 0.0
    ties = 0.0
    squares = 0.0
    first = 0.0
    for start in range(0, length, _CHUNK):
        count = np.uint64(min(_CHUNK, length - start))
        found = _sums_below(flat, entry + np.uint64(start), count, top)
        below += found[0]
        ties += found[1]
        squares += found[2]
        first += found[3]
    sums[0] = top
    sums[1] = 1.0
    sums[2] = below
    sums[3] = ties
    sums[4] = squares
    sums[5] = first
    # False also for NaN.
    return first > -math.inf and top < math.inf


@elementary
def sums_of_row(
    flat: Float, first_entry: int, length: int, second_order: bool, collected: Float, row: int
) -> bool:
    """Fill a row of the sums that `finish_statistics` takes; return whether they are numbers.

    In compiled code. Sums run over chunks, whose totals are added in order: that bounds the
    rounding error of long rows. What every row does is part of the caller, and what few rows do
    is a function of its own: calls for each row cost a tenth of rows of 512 keys.
    """
    entry = np.uint64(first_entry)
    shift = _glance(flat, entry, length)
    largest, below, squares, first = row_sums(flat, entry, np.uint64(min(_CHUNK, length)), shift)
    for start in range(_CHUNK, length, _CHUNK):
        count = np.uint64(min(_CHUNK, length - start))
        most, total, square, product = row_sums(flat, entry + np.uint64(start), count, shift)
        largest = max(largest, most)
        below += total
        squares += square
        first += product
    # False also for NaN.
    if largest < _LARGEST and largest < _DOMINANT * below:
        collected[row, 0] = shift
        collected[row, 1] = largest
        collected[row, 2] = below
        collected[row, 3] = 0.0
        collected[row, 4] = squares
        collected[row, 5] = first
    elif not _sums_below_top(flat, entry, length, collected[row]):
        return False
    if second_order:
        second = 0.0
        for start in range(0, length, _CHUNK):
            begin = entry + np.uint64(start)
            count = np.uint64(min(_CHUNK, length - start))
            second += _sum_of_second_order(flat, begin, count, collected[row, 0])
        collected[row, 6] = second
    return True


@reduction
def _row_statistics(flat: Float, rows: int, length: int, stride: int, out: Float) -> int:
    """Fill `out`; return the number of the first row without finite partition function, or -1."""
    collected = np.empty((rows, SUMS))
    second_order = out.shape[1] == len(ROW_STATISTICS)
    for r in range(rows):
        if not sums_of_row(flat, r * stride, length, second_order, collected, r):
            return r
    finish_statistics(collected, out)
    return -1


# Two arrays in one loop may overlap, and then the loop runs in another order: sums are taken over
# one array only.


@elementary
def _weights(row: Float, top: float, out: Float) -> None:
    wide_vectors()
    for j in range(row.size):
        out[j] = exp(row[j] - top)


@reduction
def _total(row: Float) -> float:
    wide_vectors()
    total = 0.0
    for j in range(row.size):
        total += row[j]
    return total


@elementary
def _scale(row: Float, factor: float) -> None:
    wide_vectors()
    for j in range(row.size):
        row[j] *= factor


@reduction
def _softmax_rows(flat: Float, rows: int, length: int, stride: int, out: Float) -> int:
    for r in range(rows):
        row = flat[r * stride : r * stride + length]
        weights = out[r]
        _weights(row, row_maximum(flat, np.uint64(r * stride), np.uint64(length)), weights)
        total = _total(weights)
        if not total < math.inf:
            return r
        _scale(weights, 1.0 / total)
    return -1


def row_statistics(logits: ArrayLike, out: Float | None = None, *, variance: bool = True) -> Float:
    """Return partition function, entropy, participation and moments of softmax rows.

    With Z = sum_j exp(w_j) and A_j = exp(w_j)/Z, the columns, named by `ROW_STATISTICS`, are

    - log_partition: log Z,
    - entropy: -sum_j A_j log A_j in nats, in [0, log T],
    - participation: Y_2 = sum_j A_j^2, in [1/T, 1],
    - max_weight: the largest A_j,
    - mean_logit: sum_j A_j w_j,
    - var_logit: sum_j A_j (w_j - mean_logit)^2.

    Parameters
    ----------
    logits : array_like of shape (n, T)
        Rows of logits, -inf for masked keys; at least one key of a row is not masked. Rows may be
        slices of longer rows.
    out : ndarray of shape (n, 6) or (n, 5), optional
        Float64, C-contiguous, to be filled and returned.
    variance : bool
        Whether the last column is wanted, which takes as long as the others. Without it `out` has
        5 columns.

    Returns
    -------
    ndarray of shape (n, 6) or (n, 5)

    Raises
    ------
    ValueError
        For a row that is entirely -inf or has a NaN or +inf, or arrays of the wrong kind.

    Notes
    -----
    The relative error of the entropy is below 1e-13, also when one key takes all the weight, that
    of the variance is below T ulp. A weight below 1e-300 of the largest one counts as zero.

    Examples
    --------
    >>> values = row_statistics([[0.0, 0.0, -np.inf]])
    >>> bool(values[0, 1] == np.log(2.0)), float(values[0, 2])
    (True, 0.5)
    """
    columns = statistic_columns(variance)
    return run_on_rows(_row_statistics, reference.row_statistics, logits, out, columns=columns)


def statistic_columns(variance: bool) -> int:
    """Return the number of columns of `row_statistics`."""
    return len(ROW_STATISTICS) - (not variance)


def softmax_rows(logits: ArrayLike, out: Float | None = None) -> Float:
    """Return A_j = exp(w_j) / sum_k exp(w_k) for every row.

    Parameters
    ----------
    logits : array_like of shape (n, T)
        Rows of logits, -inf for masked keys, whose weight is exactly 0.
    out : ndarray of shape (n, T), optional
        Float64, C-contiguous, to be filled and returned; may be `logits` itself.

    Returns
    -------
    ndarray of shape (n, T)
        Weights; a row sums to 1 within rounding.

    Raises
    ------
    ValueError
        For a row that is entirely -inf or has a NaN or +inf, or arrays of the wrong kind.

    Examples
    --------
    >>> softmax_rows([[1.0, 1.0, -np.inf]])
    array([[0.5, 0.5, 0. ]])
    """
    return run_on_rows(_softmax_rows, reference.softmax_rows, logits, out)
