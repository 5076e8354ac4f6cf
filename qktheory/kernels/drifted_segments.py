"""Drifted bridges looked at without forming their rows: single keys, weights of stretches.

The cells of a sweep share their bridges. A row of logits is then made, used and forgotten within
the cache, where `qktheory.kernels.drifted_rows` would write it to memory and others read it back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qktheory.base.errors import bad_value
from qktheory.kernels import reference
from qktheory.kernels.layout import in_place
from qktheory.kernels.policy import elementary, jit_enabled, reduction, wide_vectors
from qktheory.kernels.segments import Ends, checked_ends, segments_of_row
from qktheory.kernels.walks import drift_entry, drift_row

__all__ = ["drifted_alive", "drifted_clipped_segments", "drifted_softmax_segments"]

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


def _checked(bridges: Float, **of_rows: Float) -> tuple[int, int]:
    """Return the shape of `bridges` after a look at the kinds of all arrays.

    They come by the few hundred rows: a look at each number would take as long as the answer.
    """
    in_place("bridges", bridges, 2)
    rows, length = bridges.shape
    if length < 1:
        raise bad_value("bridges", f"array of shape {bridges.shape}", "shape (n, T) with T >= 1")
    for name, array in of_rows.items():
        in_place(name, array, 1)
        if len(array) != rows:
            raise bad_value(name, f"array of shape {array.shape}", f"shape ({rows},)")
    return rows, length


def drifted_alive(bridges: Float, self_logit: Float, s: Float, mean: Float, key: int) -> Float:
    """Return 1 where a key of a drifted row is alive, -1 < w_key - mean < T - 1 (LOC-0).

    Parameters
    ----------
    bridges : ndarray of shape (n, T)
        From `qktheory.kernels.bridge_rows`.
    self_logit, s, mean : ndarray of shape (n,)
        Drift and deviation as in `qktheory.kernels.drifted_rows`, and the mean logit; float64 and
        C-contiguous like `bridges`. Nothing is alive where one of them is NaN.
    key : int
        Number of the key, from 0.

    Returns
    -------
    ndarray of shape (n,)
        Zeros and ones.

    Raises
    ------
    ValueError
        For arrays of another kind, or a key outside the row.

    Examples
    --------
    >>> one = np.ones(1)
    >>> drifted_alive(np.array([[0.5, 0.0, -0.5, 0.0]]), 8.0 * one, one, 5.0 * one, 0)
    array([0.])
    """
    rows, length = _checked(bridges, self_logit=self_logit, s=s, mean=mean)
    if not 0 <= key < length:
        raise bad_value("key", key, f"an integer >= 0 and < {length}")
    out = np.empty(rows)
    if jit_enabled:
        _alive(bridges, self_logit, s, mean, key, out)
    else:
        q = reference.drifted(bridges, self_logit, s)[:, key] - mean
        out[:] = (q > -1.0) & (q < length - 1.0)
    return out


def drifted_softmax_segments(
    bridges: Float, self_logit: Float, s: Float, ends: Sequence[int]
) -> Float:
    """Return `qktheory.kernels.softmax_segments` of drifted rows.

    Parameters
    ----------
    bridges : ndarray of shape (n, T)
        See `drifted_alive`.
    self_logit, s : ndarray of shape (n,)
        See `drifted_alive`.
    ends : sequence of int
        See `qktheory.kernels.softmax_segments`.

    Returns
    -------
    ndarray of shape (n, k)

    Raises
    ------
    ValueError
        For arrays of the wrong kind or numbers outside their ranges.

    Examples
    --------
    >>> drifted_softmax_segments(np.zeros((1, 4)), np.zeros(1), np.ones(1), [0, 1, 4])
    array([[1., 3.]])
    """
    rows, length = _checked(bridges, self_logit=self_logit, s=s)
    checked = checked_ends(ends, length)
    out = np.empty((rows, checked.size - 1))
    if jit_enabled:
        bad = _softmax_segments(bridges, self_logit, s, checked, out)
    else:
        bad = reference.softmax_segments(reference.drifted(bridges, self_logit, s), checked, out)
    if bad >= 0:
        raise bad_value("bridges", f"row {bad}", "finite numbers, whose logits do not overflow")
    return out


def drifted_clipped_segments(
    bridges: Float, self_logit: Float, s: Float, mean: Float, ends: Sequence[int]
) -> Float:
    """Return `qktheory.kernels.clipped_segments` of drifted rows whose mean is known.

    Parameters
    ----------
    bridges : ndarray of shape (n, T)
        See `drifted_alive`.
    self_logit, s, mean : ndarray of shape (n,)
        See `drifted_alive`; the mean is self_logit (T + 1)/(2 T) + s times that of the bridge.
    ends : sequence of int
        See `qktheory.kernels.softmax_segments`.

    Returns
    -------
    ndarray of shape (n, k)

    Raises
    ------
    ValueError
        For arrays of the wrong kind or numbers outside their ranges.

    Examples
    --------
    >>> one = np.ones(1)
    >>> drifted_clipped_segments(np.zeros((1, 4)), 0.8 * one, one, 0.5 * one, [0, 2, 4]).round(12)
    array([[1.6, 2.4]])
    """
    rows, length = _checked(bridges, self_logit=self_logit, s=s, mean=mean)
    checked = checked_ends(ends, length)
    out = np.empty((rows, checked.size - 1))
    if jit_enabled:
        _clipped_segments(bridges, self_logit, s, mean, checked, out)
    else:
        q = reference.drifted(bridges, self_logit, s) - mean[:, None]
        out[...] = reference.sums_of_stretches(np.clip(1.0 + q, 0.0, length), checked)
    if not np.isfinite(out.sum()):
        raise bad_value("bridges", "array with a NaN or inf", "finite numbers")
    return out
