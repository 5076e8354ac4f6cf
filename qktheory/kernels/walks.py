"""Rows of logits and walks of tokens made from standard normals, in place."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qktheory.base.errors import bad_value
from qktheory.kernels import reference
from qktheory.kernels.drifted_bridges import DriftedBridges
from qktheory.kernels.layout import in_place
from qktheory.kernels.policy import elementary, jit_enabled, wide_vectors

__all__ = ["bridge_rows", "drifted_rows", "random_walk_rows"]

Float = NDArray[np.float64]


@elementary
def _cumulative_rows(x: Float) -> None:
    """Replace every row by its cumulative sums, eight rows at a time.

    One row alone would wait for each addition; the order of the additions of a row is the same
    either way.
    """
    rows, length = x.shape
    whole = rows - rows % 8
    for r in range(0, whole, 8):
        a0 = a1 = a2 = a3 = a4 = a5 = a6 = a7 = 0.0
        x0, x1, x2, x3 = x[r], x[r + 1], x[r + 2], x[r + 3]
        x4, x5, x6, x7 = x[r + 4], x[r + 5], x[r + 6], x[r + 7]
        for j in range(length):
            a0 += x0[j]
            a1 += x1[j]
            a2 += x2[j]
            a3 += x3[j]
            a4 += x4[j]
            a5 += x5[j]
            a6 += x6[j]
            a7 += x7[j]
            x0[j] = a0
            x1[j] = a1
            x2[j] = a2
            x3[j] = a3
            x4[j] = a4
            x5[j] = a5
            x6[j] = a6
            x7[j] = a7
    for r in range(whole, rows):
        row = x[r]
        total = 0.0
        for j in range(length):
            total += row[j]
            row[j] = total


@elementary
def _bridge_rows(buffer: Float) -> None:
    wide_vectors()
    rows, length = buffer.shape
    for start in range(0, rows, 8):
        block = buffer[start : start + 8]
        _cumulative_rows(block)
        for k in range(block.shape[0]):
            row = block[k]
            slope = row[length - 1] / length
            for j in range(length):
                row[j] -= slope * (j + 1)
            row[length - 1] = 0.0


@elementary
def _random_walk_rows(steps: Float) -> None:
    wide_vectors()
    for r in range(steps.shape[0]):
        for t in range(1, steps.shape[1]):
            before = steps[r, t - 1]
            here = steps[r, t]
            for j in range(here.size):
                here[j] += before[j]


def bridge_rows(buffer: Float) -> None:
    """Turn rows of normals into discrete Brownian bridges of unit increments, in place.

    B_i = S_i - (i/T) S_T with the cumulative sums S of T normals: Cov(B_i, B_j) =
    min(i, j) - ij/T (LOC-8). Key 1 is not pinned; key T is, B_T = 0.

    Parameters
    ----------
    buffer : ndarray of shape (n, T)
        Standard normals, float64, C-contiguous; overwritten with the bridges.

    Raises
    ------
    ValueError
        If `buffer` is not such an array.

    Examples
    --------
    >>> row = np.array([[1.0, 0.0, 0.0, 1.0]])
    >>> bridge_rows(row)
    >>> row
    array([[ 0.5,  0. , -0.5,  0. ]])
    """
    in_place("buffer", buffer, 2)
    if buffer.shape[1] < 1:
        raise bad_value("buffer", f"array of shape {buffer.shape}", "shape (n, T) with T >= 1")
    kernel = _bridge_rows if jit_enabled else reference.bridge_rows
    kernel(buffer)


def drifted_rows(
    bridges: Float, self_logit: ArrayLike, s: ArrayLike, out: Float | None = None
) -> Float:
    """Return the logits w_i = m i/T + s B_i of the last query of a random walk (LOC-8).

    Parameters
    ----------
    bridges : ndarray of shape (n, T)
        From `bridge_rows`; float64, C-contiguous, T >= 1.
    self_logit : float or array_like of shape (n,)
        m, the logit of the query with itself: the total drift.
    s : float or array_like of shape (n,)
        Standard deviation of one logit increment, >= 0.
    out : ndarray of shape (n, T), optional
        Float64, C-contiguous, to be filled and returned; not `bridges` itself.

    Returns
    -------
    ndarray of shape (n, T)
        The last column is m exactly.

    Raises
    ------
    ValueError
        For arrays of the wrong kind or numbers outside these ranges.

    Examples
    --------
    >>> drifted_rows(np.array([[0.5, 0.0, -0.5, 0.0]]), 4.0, 2.0)
    array([[2., 2., 2., 4.]])
    """
    return DriftedBridges(bridges, self_logit, s, 0.0).logits(out)


def random_walk_rows(steps: Float) -> None:
    """Turn steps into random-walk tokens x_t = z_1 + ... + z_t, in place.

    Parameters
    ----------
    steps : ndarray of shape (n, T, d)
        Steps z of n sequences, float64, C-contiguous; overwritten with the tokens.

    Raises
    ------
    ValueError
        If `steps` is not such an array.

    Notes
    -----
    The sums are taken in the order of the tokens, so the first tokens do not depend on T.

    Examples
    --------
    >>> steps = np.array([[[1.0, 0.0], [1.0, 2.0]]])
    >>> random_walk_rows(steps)
    >>> steps
    array([[[1., 0.],
            [2., 2.]]])
    """
    in_place("steps", steps, 3)
    if not jit_enabled:
        reference.random_walk_rows(steps)
    elif steps.shape[2] == 1:
        _cumulative_rows(steps[:, :, 0].reshape(steps.shape[:2]))
    else:
        _random_walk_rows(steps)
