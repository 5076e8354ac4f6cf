"""Drifted bridges looked at without forming their rows: single keys, weights of stretches.

The cells of a sweep share their bridges. A row of logits is then made, used and forgotten within
the cache, where `qktheory.kernels.drifted_rows` would write it to memory and others read it back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qktheory.base.errors import bad_value
from qktheory.kernels.layout import in_place, per_row
from qktheory.kernels.policy import elementary, jit_enabled, reduction, wide_vectors
from qktheory.kernels.segments import (
    Ends,
    checked_ends,
    clipped_segments,
    segments_of_row,
    softmax_segments,
    visible_means,
)
from qktheory.kernels.walks import drift_entry, drift_row, drifted_rows

__all__ = ["DriftedBridges"]

Float = NDArray[np.float64]


@reduction
def _softmax_segments(bridges: Float, end: Float, s: Float, ends: Ends, out: Float) -> int:
    rows, length = bridges.shape
    buffer = np.empty(length)
    for r in range(rows):
        drift_row(bridges[r], end[r], s[r], buffer)
        if not segments_of_row(buffer, 0, length, ends, out[r]):
            return r
    return -1


@reduction
def _clipped_stretch(
    bridge: Float, begin: Any, count: Any, base: float, slope: float, factor: float
) -> float:
    """Return the sum of clip(base + slope j + factor B_j, 0, T) from key begin + 1 on."""
    wide_vectors()
    most = float(bridge.size)
    start = float(begin + np.uint64(1))
    total = 0.0
    for j in range(count):
        u = (base + factor * bridge[begin + j]) + slope * (start + float(j))
        u = 0.0 if u < 0.0 else u
        total += most if u > most else u
    return total


@reduction
def _clipped_segments(
    bridges: Float, end: Float, s: Float, mean: Float, ends: Ends, out: Float
) -> int:
    rows, length = bridges.shape
    for r in range(rows):
        base, slope = 1.0 - mean[r], end[r] / length
        for k in range(out.shape[1]):
            first, size = np.uint64(ends[k]), np.uint64(ends[k + 1] - ends[k])
            out[r, k] = _clipped_stretch(bridges[r], first, size, base, slope, s[r])
    return -1


@elementary
def _alive(bridges: Float, end: Float, s: Float, mean: Float, key: int, out: Float) -> None:
    rows, length = bridges.shape
    for r in range(rows):
        w = drift_entry(bridges[r, key], s[r], end[r] / length, key)
        w = end[r] if key == length - 1 else w
        q = w - mean[r]
        out[r] = 1.0 if (q > -1.0) & (q < length - 1.0) else 0.0


class DriftedBridges:
    """Rows of logits w_j = m j/T + s B_j over bridges B, without the rows being formed (LOC-8).

    Parameters
    ----------
    bridges : ndarray of shape (n, T)
        From `qktheory.kernels.bridge_rows`, float64, C-contiguous, T >= 1.
    self_logit : float or array_like of shape (n,)
        m, the logit of the query with itself: the total drift.
    s : float or array_like of shape (n,)
        Standard deviation of one logit increment, >= 0.
    bridge_mean : array_like of shape (n,), optional
        Mean of each bridge, if it is known.

    Attributes
    ----------
    mean : ndarray of shape (n,)
        Mean logit of each row.

    Raises
    ------
    ValueError
        For arrays of the wrong kind or numbers outside these ranges.

    Examples
    --------
    >>> rows = DriftedBridges(np.array([[0.5, 0.0, -0.5, 0.0]]), 4.0, 2.0)
    >>> rows.logits(), rows.mean
    (array([[2., 2., 2., 4.]]), array([2.5]))
    >>> rows.alive(0), rows.alive(3)
    (array([1.]), array([1.]))
    """

    def __init__(
        self,
        bridges: Float,
        self_logit: ArrayLike,
        s: ArrayLike,
        bridge_mean: ArrayLike | None = None,
    ) -> None:
        in_place("bridges", bridges, 2)
        rows, length = bridges.shape
        if length < 1:
            raise bad_value(
                "bridges", f"array of shape {bridges.shape}", "shape (n, T) with T >= 1"
            )
        if bridge_mean is None:
            bridge_mean = visible_means(bridges)[:, 0]
        self.bridges = bridges
        self.self_logit = per_row("self_logit", self_logit, rows)
        self.s = per_row("s", s, rows, nonnegative=True)
        centre = per_row("bridge_mean", bridge_mean, rows)
        self.mean = self.self_logit * ((length + 1.0) / (2.0 * length)) + self.s * centre

    def logits(self) -> Float:
        """Return the rows, shape (n, T): `qktheory.kernels.drifted_rows`."""
        return drifted_rows(self.bridges, self.self_logit, self.s)

    def alive(self, key: int) -> Float:
        """Return 1 where a key, counted from 0, is alive, -1 < w - mean < T - 1 (LOC-0).

        Returns
        -------
        ndarray of shape (n,)
            Zeros and ones.

        Raises
        ------
        ValueError
            For a key outside the row.
        """
        rows, length = self.bridges.shape
        if not 0 <= key < length:
            raise bad_value("key", key, f"an integer >= 0 and < {length}")
        out = np.empty(rows)
        if jit_enabled:
            _alive(self.bridges, self.self_logit, self.s, self.mean, key, out)
        else:
            q = self.logits()[:, key] - self.mean
            out[:] = (q > -1.0) & (q < length - 1.0)
        return out

    def softmax_segments(self, ends: Sequence[int]) -> Float:
        """Return `qktheory.kernels.softmax_segments` of the rows, to the same bits."""
        if not jit_enabled:
            return softmax_segments(self.logits(), ends)
        rows, length = self.bridges.shape
        checked = checked_ends(ends, length)
        out = np.empty((rows, checked.size - 1))
        bad = _softmax_segments(self.bridges, self.self_logit, self.s, checked, out)
        if bad >= 0:
            raise bad_value("bridges", f"row {bad}", "finite numbers, whose logits do not overflow")
        return out

    def clipped_segments(self, ends: Sequence[int]) -> Float:
        """Return `qktheory.kernels.clipped_segments` of the rows."""
        if not jit_enabled:
            return clipped_segments(self.logits(), ends)
        rows, length = self.bridges.shape
        checked = checked_ends(ends, length)
        out = np.empty((rows, checked.size - 1))
        _clipped_segments(self.bridges, self.self_logit, self.s, self.mean, checked, out)
        if not np.isfinite(out).all():
            raise bad_value("bridges", "array with a NaN or inf", "finite numbers")
        return out
