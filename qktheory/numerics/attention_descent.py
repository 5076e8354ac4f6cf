"""Normalised gradient descent on W_QK of one attention head with fixed values."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

__all__ = ["normalized_descent"]

FloatArray = NDArray[np.float64]


def normalized_descent(
    X: FloatArray, Z: FloatArray, v: FloatArray, y: FloatArray, steps: int, step_size: float
) -> FloatArray:
    """Return W_QK after normalised gradient descent from 0 on the mean logistic loss.

    Parameters
    ----------
    X : ndarray of shape (n, T, d)
        Tokens of each sequence.
    Z : ndarray of shape (n, d)
        Queries.
    v : ndarray of shape (d,)
        Value vector: the output is f_i = sum_t softmax_t(z_i^T W x_it) v . x_it.
    y : ndarray of shape (n,)
        Labels +-1.
    steps : int
        Steps W -= step_size G/|G|_F; it stops where G = 0.
    step_size : float
        Length of a step.

    Returns
    -------
    ndarray of shape (d, d)

    Notes
    -----
    Keys are taken relative to the optimal token and the gradient through differences of values,
    with the weights of the other tokens over their largest: the direction keeps its digits when
    these weights underflow, where the usual form has none left beyond |W| of about 50.

    Examples
    --------
    >>> X = np.array([[[1.0, 0.0], [0.0, 1.0]]])
    >>> W = normalized_descent(X, np.array([[1.0, 0.0]]), np.array([1.0, 0.0]), np.ones(1), 9, 1.0)
    >>> W.round(6).tolist()
    [[6.363961, -6.363961], [0.0, 0.0]]
    """
    n, _, d = X.shape
    values = X @ v
    best = np.argmax(y[:, None] * values, axis=1)
    place = np.arange(n)
    relative = X - X[place, best][:, None]
    differences = values[:, :, None] - values[:, None, :]
    scores_of = (Z[:, None, :, None] * relative[:, :, None, :]).reshape(n, -1, d * d)
    W = np.zeros(d * d)
    with np.errstate(under="ignore"):
        for _ in range(steps):
            scores = scores_of @ W
            scores -= scores.max(axis=1, keepdims=True)
            logarithms = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
            weights = np.exp(logarithms)
            output = np.sum(weights * values, axis=1)
            slope = -y * expit(-y * output) / n
            # The optimal token has no relative key: only the weights of the others count.
            logarithms[place, best] = -np.inf
            top = logarithms.max()
            if top == -np.inf:
                break
            others = np.exp(logarithms - top)
            spread = (differences @ weights[:, :, None])[:, :, 0]
            coefficients = slope[:, None] * others * spread
            G = coefficients.ravel() @ scores_of.reshape(-1, d * d)
            largest = np.abs(G).max()
            if largest == 0.0:
                break
            G /= largest
            W -= step_size / np.sqrt(G @ G) * G
    return W.reshape(d, d)
