"""Norms of matrices of tokens and weights, without under- or overflow (RANK-1)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import pdist

__all__ = [
    "centred",
    "diameter_2",
    "frobenius_norm",
    "norm_1",
    "norm_1inf",
    "norm_2",
    "norm_inf",
    "oscillation",
]

Floats = NDArray[np.float64]


def _scaled(M: ArrayLike) -> tuple[Floats, float]:
    """Return a matrix divided by a power of two near its largest entry, and that power."""
    array = np.asarray(M, dtype=np.float64)
    largest = float(np.max(np.abs(array), initial=0.0))
    if largest == 0.0:
        return array, 1.0
    power = math.ldexp(1.0, max(min(math.frexp(largest)[1], 1023), -1021))
    return np.asarray(array / power), power


def norm_1(M: ArrayLike) -> float:
    """Return the largest absolute column sum.

    Parameters
    ----------
    M : array_like of shape (n, m)

    Returns
    -------
    float

    Examples
    --------
    >>> norm_1([[1, -2], [3, 0]]), norm_inf([[1, -2], [3, 0]])
    (4.0, 3.0)
    """
    return float(np.abs(np.asarray(M, dtype=np.float64)).sum(axis=0).max())


def norm_inf(M: ArrayLike) -> float:
    """Return the largest absolute row sum of a matrix, see `norm_1`."""
    return float(np.abs(np.asarray(M, dtype=np.float64)).sum(axis=1).max())


def norm_1inf(M: ArrayLike) -> float:
    """Return sqrt(norm_1) sqrt(norm_inf): submultiplicative and homogeneous, but no norm.

    Parameters
    ----------
    M : array_like of shape (n, m)

    Returns
    -------
    float
        Of the size of the entries: the product of the two norms is never formed.

    Examples
    --------
    >>> norm_1inf([[1e-200, -2e-200], [3e-200, 0.0]])
    3.46410...e-200
    """
    return math.sqrt(norm_1(M)) * math.sqrt(norm_inf(M))


def norm_2(M: ArrayLike) -> float:
    """Return the largest singular value.

    Parameters
    ----------
    M : array_like of shape (n, m)

    Returns
    -------
    float

    Examples
    --------
    >>> norm_2([[0.0, 0.0], [4e200, 0.0]])
    4e+200
    """
    scaled, power = _scaled(M)
    return float(np.linalg.norm(scaled, 2)) * power


def frobenius_norm(M: ArrayLike) -> float:
    """Return the square root of the sum of squares.

    Parameters
    ----------
    M : array_like of any shape

    Returns
    -------
    float

    Examples
    --------
    >>> frobenius_norm([[3e-200, 0.0], [4e-200, 0.0]])
    5e-200
    """
    scaled, power = _scaled(M)
    return float(np.sqrt(np.sum(scaled * scaled))) * power


def centred(X: ArrayLike) -> Floats:
    """Return a matrix less its column means, with the relative accuracy of the differences.

    Parameters
    ----------
    X : array_like of shape (T, d)
        Rows are tokens.

    Returns
    -------
    ndarray of shape (T, d)
        Pi X, Pi = I - 11^T/T.

    Examples
    --------
    >>> centred([[1.0, 2.0], [3.0, 2.0]])
    array([[-1.,  0.],
           [ 1.,  0.]])
    """
    # Twice: the first subtraction is exact up to the size of the differences.
    X = np.asarray(X, dtype=np.float64)
    once = X - X[:1]
    once = once - once.mean(axis=0)
    return np.asarray(once - once.mean(axis=0))


def diameter_2(X: ArrayLike) -> float:
    """Return the largest Euclidean distance of two rows, 0 for one row.

    Parameters
    ----------
    X : array_like of shape (T, d)

    Returns
    -------
    float

    Examples
    --------
    >>> diameter_2([[0, 0], [3, 4], [1, 1]])
    5.0
    """
    X = np.asarray(X, dtype=np.float64)
    if X.shape[0] < 2:
        return 0.0
    scaled, power = _scaled(X - X[:1])
    return float(pdist(scaled).max()) * power


def oscillation(v: ArrayLike, axis: int | None = None) -> Floats:
    """Return largest minus smallest entry.

    Parameters
    ----------
    v : array_like
    axis : int, optional
        Axis along which it is taken; all entries by default.

    Returns
    -------
    ndarray

    Examples
    --------
    >>> float(oscillation([1.0, -2.0, 0.5]))
    3.0
    """
    v = np.asarray(v, dtype=np.float64)
    return np.asarray(v.max(axis=axis) - v.min(axis=axis))
