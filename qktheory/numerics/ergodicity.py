"""Contraction of stochastic matrices: Dobrushin, Birkhoff, second eigenvalue (RANK-6, 7, 9)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qktheory.numerics.matrix_norms import norm_2

__all__ = [
    "dobrushin",
    "hilbert_diameter",
    "mean_free_norm",
    "second_modulus",
    "softmax",
]

Floats = NDArray[np.float64]


def softmax(S: ArrayLike) -> Floats:
    """Return the row softmax; -inf is a masked entry.

    Parameters
    ----------
    S : array_like of shape (n, T)
        At least one entry of each row is finite.

    Returns
    -------
    ndarray of shape (n, T)

    Examples
    --------
    >>> softmax([[0.0, -np.inf], [800.0, 800.0]])
    array([[1. , 0. ],
           [0.5, 0.5]])
    """
    S = np.asarray(S, dtype=np.float64)
    weights = np.exp(S - S.max(axis=-1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))


def dobrushin(P: ArrayLike) -> float:
    """Return tau(P): half the largest l1 distance of two rows.

    Parameters
    ----------
    P : array_like of shape (n, T)
        Rows sum to one.

    Returns
    -------
    float
        Between 0 and 1; 0 for a single row.

    Examples
    --------
    >>> dobrushin([[0.5, 0.5, 0.0], [0.25, 0.25, 0.5]])
    0.5
    """
    P = np.asarray(P, dtype=np.float64)
    widest = 0.0
    # Of two probability vectors the sum of the positive differences is half the l1 distance.
    for i in range(P.shape[0] - 1):
        widest = max(widest, float(np.maximum(P[i + 1 :] - P[i], 0.0).sum(axis=1).max()))
        widest = max(widest, float(np.maximum(P[i] - P[i + 1 :], 0.0).sum(axis=1).max()))
    return min(widest, 1.0)


def hilbert_diameter(S: ArrayLike) -> float:
    """Return the Hilbert projective diameter of exp(S).

    The largest S_ij - S_i'j - S_ij' + S_i'j', which no shift of a row or a column changes;
    tanh(Delta/4) is Birkhoff's coefficient and bounds `dobrushin` of the softmax.

    Parameters
    ----------
    S : array_like of shape (n, T)
        Finite scores.

    Returns
    -------
    float

    Examples
    --------
    >>> hilbert_diameter([[2.0, 0.0], [0.0, 2.0]])
    4.0
    """
    S = np.asarray(S, dtype=np.float64)
    # Subtracting a row keeps shifts of whole rows exact where the scores are representable.
    widest = 0.0
    for i in range(S.shape[0] - 1):
        difference = S[i + 1 :] - S[i]
        widest = max(widest, float((difference.max(axis=1) - difference.min(axis=1)).max()))
    return widest


def mean_free_norm(P: ArrayLike) -> float:
    """Return norm_2(Pi P), Pi = I - 11^T/n: how P contracts deviations from the mean row.

    Parameters
    ----------
    P : array_like of shape (n, T)

    Returns
    -------
    float

    Examples
    --------
    >>> mean_free_norm([[0.5, 0.5], [0.5, 0.5]])
    0.0
    """
    P = np.asarray(P, dtype=np.float64)
    difference = P - P[:1]
    return norm_2(difference - difference.mean(axis=0))


def second_modulus(P: ArrayLike) -> float:
    """Return the second largest eigenvalue modulus of a row-stochastic matrix.

    Parameters
    ----------
    P : array_like of shape (T, T)
        Rows sum to one.

    Returns
    -------
    float
        Largest modulus on the quotient by the constant vectors; 0 for T = 1.

    Examples
    --------
    >>> second_modulus([[1.0, 0.0], [0.5, 0.5]])
    0.5
    """
    P = np.asarray(P, dtype=np.float64)
    if P.shape[0] == 1:
        return 0.0
    # In coordinates v_j - v_1 the constant vector drops out: the matrix of the quotient.
    quotient = P[1:, 1:] - P[0, 1:]
    if not np.any(quotient):
        return 0.0
    if np.allclose(np.triu(P, 1), 0.0, atol=0.0):  # a causal P has its spectrum on the diagonal
        return float(np.sort(np.diag(P))[-2])
    return float(np.abs(np.linalg.eigvals(quotient)).max())
