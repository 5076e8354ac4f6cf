"""Gradients of one softmax attention layer by its query, key and value weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qktheory.numerics.ergodicity import softmax

__all__ = ["AttentionGradients", "attention_gradients"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class AttentionGradients:
    """Gradients of a loss by W_Q, W_K (d, d_k) and W_V (d, d_v)."""

    query: FloatArray
    key: FloatArray
    value: FloatArray


def attention_gradients(
    X: FloatArray,
    W_Q: FloatArray,
    W_K: FloatArray,
    W_V: FloatArray,
    G: FloatArray,
    temperature: float = 1.0,
) -> AttentionGradients:
    """Return the gradients of a loss of softmax(X W_Q W_K^T X^T/temperature) X W_V.

    Parameters
    ----------
    X : ndarray of shape (T, d)
        Tokens.
    W_Q, W_K : ndarray of shape (d, d_k)
        Query and key weights.
    W_V : ndarray of shape (d, d_v)
        Value weights.
    G : ndarray of shape (T, d_v)
        Gradient of the loss by the output.
    temperature : float, optional
        Divisor of the scores.

    Returns
    -------
    AttentionGradients
        Those of queries and keys keep their relative accuracy where tokens almost coincide, or
        one weight is nearly one, and vanish exactly where tokens do coincide: values and keys
        enter through differences only.

    Examples
    --------
    >>> X = np.array([[1.0, 2.0], [1.0, 2.0]])
    >>> I = np.eye(2)
    >>> attention_gradients(X, I, I, I, X).query.tolist()
    [[0.0, 0.0], [0.0, 0.0]]
    """
    queries, keys = X @ W_Q, X @ W_K
    A = softmax(queries @ keys.T / temperature)
    deviation = X - X[:1]
    deviation = deviation - deviation.mean(axis=0)
    # Rows of A sum to one, so a common value drops out of the gradient by the scores. With that of
    # the largest weight taken out nothing cancels where this weight is nearly one.
    by_weights = G @ (deviation @ W_V).T
    by_weights -= np.take_along_axis(by_weights, A.argmax(axis=1)[:, None], axis=1)
    common = np.sum(A * by_weights, axis=1, keepdims=True)
    by_scores = A * (by_weights - common) / temperature
    return AttentionGradients(
        query=X.T @ (by_scores @ (deviation @ W_K)),
        key=deviation.T @ (by_scores.T @ queries),
        value=X.T @ (A.T @ G),
    )
