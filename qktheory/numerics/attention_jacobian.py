"""Jacobian of one attention layer by its tokens."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from qktheory.base.errors import bad_value
from qktheory.numerics.ergodicity import softmax

__all__ = ["LARGEST", "attention_jacobian", "outlier_jacobian_norm"]

FloatArray = NDArray[np.float64]

#: Largest number T d of token entries whose dense Jacobian is formed.
LARGEST = 2048


def attention_jacobian(X: FloatArray, W_QK: FloatArray, W_V: FloatArray) -> FloatArray:
    """Return the Jacobian of X -> softmax(X W_QK X^T) X W_V.

    Parameters
    ----------
    X : ndarray of shape (T, d)
        Tokens; T d at most 2048.
    W_QK : ndarray of shape (d, d)
        Query-key matrix.
    W_V : ndarray of shape (d, m)
        Value matrix.

    Returns
    -------
    ndarray of shape (T m, T d)
        Rows are the entries of the output, columns those of X, both row by row.

    Raises
    ------
    ValueError
        If there are too many token entries.

    Notes
    -----
    With y_i = sum_j A_ij x_j and C_i the covariance of the tokens under row i of A, the block of
    d(A X)_i by x_k is A_ik (I + (x_k - y_i)(W_QK^T x_i)^T) + delta_ik C_i W_QK^T.

    Examples
    --------
    >>> attention_jacobian(np.array([[2.0]]), np.array([[1.0]]), np.array([[3.0]]))
    array([[3.]])
    """
    T, d = X.shape
    if T * d > LARGEST:
        raise bad_value("X", f"array of shape {X.shape}", f"at most {LARGEST} entries")
    A = softmax(X @ W_QK @ X.T)
    # Softmax does not see a common shift of the tokens in its values: differences keep digits.
    centred = X[None] - (A @ X)[:, None]
    keys = X @ W_QK  # row i is (W_QK^T x_i)^T
    blocks = np.einsum("ik,ab->iakb", A, np.eye(d))
    blocks += np.einsum("ik,ika,ib->iakb", A, centred, keys)
    covariances = np.einsum("ij,ija,ijb->iab", A, centred, centred) @ W_QK.T
    blocks[np.arange(T), :, np.arange(T)] += covariances
    return np.asarray(np.einsum("ca,iakb->ickb", W_V.T, blocks).reshape(T * W_V.shape[1], T * d))


def outlier_jacobian_norm(T: int, gain: float, height: float) -> tuple[float, float]:
    """Return the norm of the Jacobian, and its largest column sum of A, for one outlier.

    Parameters
    ----------
    T : int
        Tokens: the first is height e_2, the T - 1 others are e_1 (d = 2), T >= 1.
    gain : float
        W_QK = gain e_1 e_2^T; W_V = I.
    height : float
        Height of the first token.

    Returns
    -------
    tuple of float
        Spectral norm of the Jacobian, and the largest column sum of the attention.

    Notes
    -----
    Equal tokens exchange: on their differences the Jacobian is C W_QK^T, on their mean and the
    first token it is a matrix of size 4, so any T will do.

    Examples
    --------
    >>> norm, column = outlier_jacobian_norm(8, 2.5296831937719073, 0.8)
    >>> round(norm, 10), round(column, 10)
    (3.3188818698, 3.7611449811)
    """
    first, other = np.array([0.0, height]), np.array([1.0, 0.0])
    if T == 1:
        return 1.0, 1.0
    rest = T - 1
    score = gain * height
    # Weights of the first token in its own row (scores 0) and in those of the others.
    weight = np.array(
        [
            1.0 / T,
            1.0 / (1.0 + rest * math.exp(-score))
            if score > 0.0
            else math.exp(score) / (math.exp(score) + rest),
        ]
    )
    W = gain * np.outer(other, np.array([0.0, 1.0]))
    identity = np.eye(2)
    reduced = np.zeros((2, 2, 2, 2))
    own = np.zeros((2, 2))
    for i, token in enumerate((first, other)):
        a = weight[i]
        mean = a * first + (1.0 - a) * other
        spread = a * (1.0 - a) * np.outer(first - other, first - other) @ W.T
        to_first = a * (identity + np.outer(first - mean, W.T @ token))
        each = (1.0 - a) / rest
        to_other = each * (identity + np.outer(other - mean, W.T @ token))
        if i == 0:
            reduced[0, :, 0] = to_first + spread
            reduced[0, :, 1] = math.sqrt(rest) * to_other
        else:
            reduced[1, :, 0] = math.sqrt(rest) * to_first
            reduced[1, :, 1] = rest * to_other + spread
            own = spread
    norms = [float(np.linalg.norm(reduced.reshape(4, 4), 2))]
    if rest > 1:
        norms.append(float(np.linalg.norm(own, 2)))
    to_others = (1.0 - weight[0]) / rest + (1.0 - weight[1])
    return max(norms), float(max(weight[0] + rest * weight[1], to_others))
