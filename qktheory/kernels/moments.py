"""Moments of blocks of samples, to be merged in any fixed tree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qktheory.base.domains import Integer
from qktheory.base.errors import bad_value
from qktheory.kernels import reference
from qktheory.kernels.layout import flat_rows, real_rows
from qktheory.kernels.policy import elementary, jit_enabled, wide_vectors

__all__ = ["Moments", "leaf_moments", "merge_moments"]

Float = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Moments:
    """Moments of groups of samples; all fields have the same shape, often (groups, columns).

    Attributes
    ----------
    count : ndarray
        Number of samples (an integer as a float); 0 for an empty group.
    mean : ndarray
        Mean; 0 for an empty group.
    m2 : ndarray
        Sum of squared deviations from the mean.
    minimum, maximum : ndarray
        Extremes; inf and -inf for an empty group.
    """

    count: Float
    mean: Float
    m2: Float
    minimum: Float
    maximum: Float

    @property
    def variance(self) -> Float:
        """Unbiased sample variance; 0 for a single sample."""
        return np.asarray(self.m2 / np.maximum(self.count - 1.0, 1.0))

    def group(self, index: int) -> Moments:
        """Return the moments of one group, fields of shape (columns,)."""
        return Moments(
            self.count[index],
            self.mean[index],
            self.m2[index],
            self.minimum[index],
            self.maximum[index],
        )


@elementary
def _leaf_moments(
    flat: Float,
    rows: int,
    stride: int,
    leaf: int,
    mean: Float,
    m2: Float,
    minimum: Float,
    maximum: Float,
) -> None:
    """Take two passes over each leaf, rows in order, so that columns run in vector registers."""
    wide_vectors()
    leaves, columns = mean.shape
    drift = np.empty(columns)
    for b in range(leaves):
        first = b * leaf
        last = min(first + leaf, rows)
        count = float(last - first)
        low, high, centre, spread = minimum[b], maximum[b], mean[b], m2[b]
        for j in range(columns):
            low[j] = np.inf
            high[j] = -np.inf
            centre[j] = 0.0
            spread[j] = 0.0
            drift[j] = 0.0
        for i in range(first, last):
            row = flat[i * stride : i * stride + columns]
            for j in range(columns):
                x = row[j]
                centre[j] += x
                low[j] = x if x < low[j] else low[j]
                high[j] = x if x > high[j] else high[j]
        for j in range(columns):
            centre[j] /= count
        for i in range(first, last):
            row = flat[i * stride : i * stride + columns]
            for j in range(columns):
                deviation = row[j] - centre[j]
                drift[j] += deviation
                spread[j] += deviation * deviation
        for j in range(columns):
            correction = drift[j] / count
            spread[j] = max(spread[j] - drift[j] * correction, 0.0)
            centre[j] += correction


def leaf_moments(values: ArrayLike, leaf: int) -> Moments:
    """Return the moments of consecutive groups of rows.

    Parameters
    ----------
    values : array_like of shape (n, k)
        n samples of k quantities.
    leaf : int
        Rows of a group, >= 1; the last group may be shorter.

    Returns
    -------
    Moments
        Fields of shape (ceil(n / leaf), k). The bits of a group depend on its rows only: not on n,
        and for one column not on the others.

    Raises
    ------
    ValueError
        If `values` is not a real matrix with at least one column, or `leaf` is not positive.

    Notes
    -----
    Corrected two-pass sums in the order of the rows (Chan, Golub and LeVeque 1983). NaN entries
    make mean and m2 NaN.

    Examples
    --------
    >>> moments = leaf_moments([[1.0], [3.0], [5.0]], 2)
    >>> moments.count.ravel(), moments.mean.ravel(), moments.m2.ravel()
    (array([2., 1.]), array([2., 5.]), array([2., 0.]))
    """
    array = real_rows("values", values, "k")
    leaf = Integer(low=1).check("leaf", leaf)
    rows, columns = array.shape
    leaves = -(-rows // leaf)
    counts = np.full((leaves, columns), float(leaf))
    if leaves:
        counts[-1] = rows - (leaves - 1) * leaf
    mean, m2, minimum, maximum = (np.empty((leaves, columns)) for _ in range(4))
    if jit_enabled:
        flat, stride = flat_rows(array)
        _leaf_moments(flat, rows, stride, min(leaf, max(rows, 1)), mean, m2, minimum, maximum)
    else:
        reference.leaf_moments(array, leaf, mean, m2, minimum, maximum)
    return Moments(counts, mean, m2, minimum, maximum)


def merge_moments(a: Moments, b: Moments) -> Moments:
    """Return the moments of the union of two disjoint groups, entry by entry.

    Chan, Golub and LeVeque 1983: with n = n_a + n_b and delta = mean_b - mean_a, the mean is
    mean_a + delta n_b/n and M2 = M2_a + M2_b + delta^2 n_a n_b/n.

    Parameters
    ----------
    a, b : Moments
        Fields of shapes that broadcast together.

    Returns
    -------
    Moments

    Raises
    ------
    ValueError
        If the shapes do not broadcast.

    Examples
    --------
    >>> whole = merge_moments(leaf_moments([[1.0]], 1), leaf_moments([[3.0], [5.0]], 2))
    >>> float(whole.mean[0, 0]), float(whole.m2[0, 0])
    (3.0, 8.0)
    """
    try:
        np.broadcast_shapes(a.count.shape, b.count.shape)
    except ValueError:
        raise bad_value(
            "b", f"moments of shape {b.count.shape}", f"a shape that fits {a.count.shape}"
        ) from None
    count = a.count + b.count
    share = np.divide(b.count, count, out=np.zeros(np.shape(count)), where=count > 0)
    delta = b.mean - a.mean
    return Moments(
        count,
        np.asarray(a.mean + delta * share),
        np.asarray(a.m2 + b.m2 + delta * delta * (a.count * share)),
        np.minimum(a.minimum, b.minimum),
        np.maximum(a.maximum, b.maximum),
    )
