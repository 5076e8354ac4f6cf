"""Rows of logits that are affine in a base row and in the position of the key, never formed.

The cells of a sweep share their random numbers: many rows are made from one base row. Each is
made, used and forgotten within the first-level cache, where writing it to memory and reading it
back would take longer than all else. One call makes the rows of all cells, so the interpreter has
little to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qktheory.base.domains import Integer
from qktheory.base.errors import bad_value
from qktheory.kernels import reference
from qktheory.kernels.layout import destination, in_place, per_row
from qktheory.kernels.logit_rows import LogitRows
from qktheory.kernels.policy import elementary, fused, jit_enabled, reduction, wide_vectors
from qktheory.kernels.rows import SUMS, finish_statistics, statistic_columns, sums_of_row
from qktheory.kernels.segments import Ends, checked_ends, segments_of_row

__all__ = ["AffineRows", "affine_entry", "affine_row"]

Float = NDArray[np.float64]

_COPIES = Integer(low=1)


@elementary
def affine_entry(base: float, factor: float, slope: float, level: float, key: Any) -> float:
    """Return factor base + slope (key + 1) + level, in compiled code."""
    return fused(factor, base, fused(slope, float(key + 1), level))


@elementary
def affine_row(
    base: Float, factor: float, slope: float, level: float, last: float, out: Float
) -> None:
    """Write one row of logits, in compiled code; a `last` that is a NaN is left out."""
    wide_vectors()
    length = base.size
    for j in range(length):
        out[j] = affine_entry(base[j], factor, slope, level, j)
    if last == last:
        out[length - 1] = last


@elementary
def _logits(
    base: Float, factor: Float, slope: Float, level: Float, last: Float, out: Float
) -> None:
    rows = base.shape[0]
    for i in range(out.shape[0]):
        affine_row(base[i % rows], factor[i], slope[i], level[i], last[i], out[i])


@elementary
def _last_logits(
    base: Float, factor: Float, slope: Float, level: Float, last: Float, out: Float
) -> None:
    rows, length = base.shape
    for i in range(out.size):
        key = length - 1
        w = affine_entry(base[i % rows, key], factor[i], slope[i], level[i], key)
        out[i] = last[i] if last[i] == last[i] else w


@reduction
def _softmax_segments(
    base: Float,
    factor: Float,
    slope: Float,
    level: Float,
    last: Float,
    ends: Ends,
    out: Float,
) -> int:
    rows, length = base.shape
    buffer = np.empty(length)
    for r in range(rows):
        for i in range(r, out.shape[0], rows):
            affine_row(base[r], factor[i], slope[i], level[i], last[i], buffer)
            if not segments_of_row(buffer, 0, length, ends, out[i]):
                return i
    return -1


@reduction
def _softmax_sums(
    base: Float,
    factor: Float,
    slope: Float,
    level: Float,
    last: Float,
    second_order: bool,
    sums: Float,
) -> int:
    rows, length = base.shape
    buffer = np.empty(length)
    for r in range(rows):
        for i in range(r, sums.shape[0], rows):
            affine_row(base[r], factor[i], slope[i], level[i], last[i], buffer)
            if not sums_of_row(buffer, 0, length, second_order, sums, i):
                return i
    return -1


class AffineRows(LogitRows):
    """Rows of logits w_j = factor base_j + slope j + level, j = 1 ... T, formed when asked for.

    Parameters
    ----------
    base : ndarray of shape (n, T)
        Base rows, float64, C-contiguous, T >= 1.
    factor : float or array_like of shape (copies n,)
        Row c n + r is made from base row r, for c = 0 ... copies - 1.
    slope, level : float or array_like of shape (copies n,)
        0 by default.
    last : array_like of shape (copies n,), optional
        The logit of key T, where it is no such combination.
    copies : int
        Rows that are made from each base row, >= 1.

    Raises
    ------
    ValueError
        For arrays of the wrong kind, or numbers that are not finite.

    Examples
    --------
    >>> rows = AffineRows(np.array([[1.0, 0.0, 0.0]]), [1.0, 2.0], last=[0.5, 0.0], copies=2)
    >>> rows.logits()
    array([[1. , 0. , 0.5],
           [2. , 0. , 0. ]])
    >>> rows.softmax_segments([0, 1, 3])[1].round(3)
    array([1.   , 0.271])
    """

    def __init__(
        self,
        base: Float,
        factor: ArrayLike,
        slope: ArrayLike = 0.0,
        level: ArrayLike = 0.0,
        last: ArrayLike | None = None,
        *,
        copies: int = 1,
    ) -> None:
        in_place("base", base, 2)
        n, length = base.shape
        if length < 1:
            raise bad_value("base", f"array of shape {base.shape}", "shape (n, T) with T >= 1")
        count = _COPIES.check("copies", copies) * n
        self.base = base
        self.copies = copies
        self.factor = per_row("factor", factor, count)
        self.slope = per_row("slope", slope, count)
        self.level = per_row("level", level, count)
        self.last = np.full(count, np.nan) if last is None else per_row("last", last, count)

    def __len__(self) -> int:
        """Return the number of rows, copies n."""
        return int(self.factor.size)

    @property
    def T(self) -> int:
        """Number of keys of a row."""
        return int(self.base.shape[1])

    def logits(self, out: Float | None = None) -> Float:
        """Return the rows, shape (copies n, T), in `out` if it is given."""
        result = destination("out", out, (len(self), self.T))
        kernel = _logits if jit_enabled else reference.affine_rows
        kernel(self.base, self.factor, self.slope, self.level, self.last, result)
        return result

    @property
    def own_key(self) -> NDArray[np.intp]:
        """The last key: T - 1, counted from 0."""
        return np.full(len(self), self.T - 1)

    def own_logit(self) -> Float:
        """Return the logit of key T of each row, shape (copies n,)."""
        if not jit_enabled:
            return super().own_logit()
        out = np.empty(len(self))
        _last_logits(*self._parts, out)
        return out

    def softmax_segments(self, ends: Sequence[int]) -> Float:
        """Return `qktheory.kernels.softmax_segments` of the rows, to the same bits."""
        if not jit_enabled:
            return super().softmax_segments(ends)
        checked = checked_ends(ends, self.T)
        out = np.empty((len(self), checked.size - 1))
        self._check(_softmax_segments(*self._parts, checked, out))
        return out

    def softmax_statistics(self, *, variance: bool = True) -> Float:
        """Return `qktheory.kernels.row_statistics` of the rows, to the same bits."""
        if not jit_enabled:
            return super().softmax_statistics(variance=variance)
        out = np.empty((len(self), statistic_columns(variance)))
        sums = np.empty((len(self), SUMS))
        self._check(_softmax_sums(*self._parts, variance, sums))
        finish_statistics(sums, out)
        return out

    @property
    def _parts(self) -> tuple[Float, Float, Float, Float, Float]:
        return self.base, self.factor, self.slope, self.level, self.last

    def _check(self, bad: int) -> None:
        if bad >= 0:
            row = bad % len(self.base)
            raise bad_value("base", f"row {row}", "finite numbers, whose logits do not overflow")
