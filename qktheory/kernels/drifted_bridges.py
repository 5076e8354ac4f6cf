"""Drifted bridges looked at without forming their rows: single keys, clipped-linear weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qktheory.base.errors import bad_value
from qktheory.kernels.affine_rows import AffineRows, affine_entry
from qktheory.kernels.layout import in_place, per_row
from qktheory.kernels.policy import elementary, jit_enabled, reduction, wide_vectors
from qktheory.kernels.segments import Ends, checked_ends, clipped_segments, visible_means

__all__ = ["DriftedBridges"]

Float = NDArray[np.float64]


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
    bridges: Float, factor: Float, slope: Float, mean: Float, ends: Ends, out: Float
) -> None:
    rows = bridges.shape[0]
    for r in range(rows):
        for i in range(r, out.shape[0], rows):
            base = 1.0 - mean[i]
            for k in range(out.shape[1]):
                first, size = np.uint64(ends[k]), np.uint64(ends[k + 1] - ends[k])
                out[i, k] = _clipped_stretch(bridges[r], first, size, base, slope[i], factor[i])


@elementary
def _alive(
    bridges: Float,
    factor: Float,
    slope: Float,
    last: Float,
    mean: Float,
    key: int,
    out: Float,
) -> None:
    rows, length = bridges.shape
    for r in range(rows):
        bridge = bridges[r, key]
        for i in range(r, out.size, rows):
            w = affine_entry(bridge, factor[i], slope[i], 0.0, key)
            w = last[i] if key == length - 1 else w
            q = w - mean[i]
            out[i] = 1.0 if (q > -1.0) & (q < length - 1.0) else 0.0


class DriftedBridges(AffineRows):
    """Rows of logits w_j = m j/T + s B_j over bridges B, without the rows being formed (LOC-8).

    Parameters
    ----------
    bridges : ndarray of shape (n, T)
        From `qktheory.kernels.bridge_rows`, float64, C-contiguous, T >= 1.
    self_logit : float or array_like of shape (copies n,)
        m, the logit of the query with itself: the total drift.
    s : float or array_like of shape (copies n,)
        Standard deviation of one logit increment, >= 0.
    bridge_mean : float or array_like of shape (n,), optional
        Mean of each bridge, if it is known.
    copies : int
        Rows that are made from each bridge: row c n + r from bridge r.

    Attributes
    ----------
    mean : ndarray of shape (copies n,)
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
        *,
        copies: int = 1,
    ) -> None:
        in_place("bridges", bridges, 2)
        n, length = bridges.shape
        if length < 1:
            raise bad_value(
                "bridges", f"array of shape {bridges.shape}", "shape (n, T) with T >= 1"
            )
        end = per_row("self_logit", self_logit, copies * n)
        deviation = per_row("s", s, copies * n, nonnegative=True)
        super().__init__(bridges, deviation, end / length, last=end, copies=copies)
        if bridge_mean is None:
            bridge_mean = visible_means(bridges)[:, 0]
        centre = np.tile(per_row("bridge_mean", bridge_mean, n), copies)
        self.mean = end * ((length + 1.0) / (2.0 * length)) + deviation * centre

    def alive(self, key: int) -> Float:
        """Return 1 where a key, counted from 0, is alive, -1 < w - mean < T - 1 (LOC-0).

        Returns
        -------
        ndarray of shape (copies n,)
            Zeros and ones.

        Raises
        ------
        ValueError
            For a key outside the row.
        """
        if not 0 <= key < self.T:
            raise bad_value("key", key, f"an integer >= 0 and < {self.T}")
        out = np.empty(len(self))
        if jit_enabled:
            _alive(self.base, self.factor, self.slope, self.last, self.mean, key, out)
        else:
            q = self.logits()[:, key] - self.mean
            out[:] = (q > -1.0) & (q < self.T - 1.0)
        return out

    def clipped_segments(self, ends: Sequence[int]) -> Float:
        """Return `qktheory.kernels.clipped_segments` of the rows."""
        if not jit_enabled:
            return clipped_segments(self.logits(), ends)
        checked = checked_ends(ends, self.T)
        out = np.empty((len(self), checked.size - 1))
        _clipped_segments(self.base, self.factor, self.slope, self.mean, checked, out)
        if not np.isfinite(out).all():
            raise bad_value("bridges", "array with a NaN or inf", "finite numbers")
        return out
