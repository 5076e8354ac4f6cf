"""A pre-norm transformer as one linear operator that depends on its input."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from qktheory.base.domains import Choice
from qktheory.base.errors import bad_value
from qktheory.numerics.ergodicity import softmax

__all__ = ["ACTIVATIONS", "LARGEST", "NetworkOperator", "activate", "network_operator", "rms"]

FloatArray = NDArray[np.float64]

ACTIVATIONS: Final = ("relu", "gelu")
_ACTIVATION = Choice(ACTIVATIONS)
#: Largest number T d of token entries whose dense operator is formed.
LARGEST = 2048


@dataclass(frozen=True)
class NetworkOperator:
    """Output X_L (T, d) and the operator on the row-major vec(X), (T d, T d)."""

    output: FloatArray
    operator: FloatArray


def rms(X: FloatArray, norm_eps: float) -> FloatArray:
    """Return sqrt(mean x^2 + norm_eps) of every token, (T)."""
    size = float(np.abs(X).max()) or 1.0  # squares of large tokens overflow
    return np.asarray(np.hypot(size * np.sqrt(np.mean((X / size) ** 2, axis=1)), norm_eps**0.5))


def _gain(h: FloatArray, activation: str) -> FloatArray:
    """Return act(h)/h, continued by its limit from the right where h = 0."""
    if activation == "relu":
        return np.asarray(h >= 0.0, dtype=np.float64)
    # The cubic term may overflow to infinity, where tanh is 1 all the same.
    with np.errstate(over="ignore"):
        return np.asarray(0.5 * (1.0 + np.tanh(math.sqrt(2.0 / math.pi) * (h + 0.044715 * h**3))))


def activate(h: FloatArray, activation: str) -> FloatArray:
    """Return relu(h), or gelu(h) in its tanh form."""
    return np.asarray(h * _gain(h, activation))


def network_operator(
    X: FloatArray,
    W_Q: FloatArray,
    W_K: FloatArray,
    W_V: FloatArray,
    W_O: FloatArray,
    W_in: FloatArray,
    W_out: FloatArray,
    activation: str = "gelu",
    norm_eps: float = 1e-6,
    temperature: float = 1.0,
) -> NetworkOperator:
    """Return the operator T(X) with vec(output) = T(X) vec(X).

    Parameters
    ----------
    X : ndarray of shape (T, d)
        Tokens; T d at most 2048.
    W_Q, W_K, W_V : ndarray of shape (L, H, d, d_k)
        Query, key and value weights by layer and head.
    W_O : ndarray of shape (L, H, d_k, d)
        Output weights.
    W_in, W_out : ndarray of shape (L, d, d_ff) and (L, d_ff, d)
        Weights of the MLP.
    activation : {"relu", "gelu"}
        Non-linearity, gelu in its tanh form.
    norm_eps : float, optional
        Added to the mean square in RMSNorm, >= 0.
    temperature : float, optional
        Divisor of the scores.

    Returns
    -------
    NetworkOperator

    Raises
    ------
    ValueError
        If there are too many entries, or a token vanishes and norm_eps = 0.

    Notes
    -----
    Each layer contributes (I + B)(I + M D): D = diag(1/rms) (x) I, M = sum_h A_h (x) (W_V W_O)^T,
    and B block-diagonal with (W_in diag(act(h)/h) W_out)^T/rms of each token.

    Examples
    --------
    >>> X, none = np.array([[3.0, 4.0]]), np.zeros((1, 1, 2, 2))
    >>> same = network_operator(X, none, none, none, none, none[0], none[0], "relu")
    >>> same.operator.tolist(), same.output.tolist()
    ([[1.0, 0.0], [0.0, 1.0]], [[3.0, 4.0]])
    """
    activation = _ACTIVATION.check("activation", activation)
    T, d = X.shape
    if T * d > LARGEST:
        raise bad_value("X", f"array of shape {X.shape}", f"at most {LARGEST} entries")
    operator = np.eye(T * d)
    current = X
    for q, k, v, o, up, down in zip(W_Q, W_K, W_V, W_O, W_in, W_out, strict=True):
        scale = _checked(rms(current, norm_eps))
        normed = current / scale[:, None]
        attention = np.eye(T * d).reshape(T, d, T, d).copy()
        for h in range(len(q)):
            A = softmax((normed @ q[h]) @ (normed @ k[h]).T / temperature)
            attention += np.einsum("ij,ab->ibja", A / scale, v[h] @ o[h])
        operator = attention.reshape(T * d, T * d) @ operator
        current = (operator @ X.ravel()).reshape(T, d)
        scale = _checked(rms(current, norm_eps))
        gains = _gain(current / scale[:, None] @ up, activation)
        blocks = np.einsum("af,if,fb->iba", up, gains, down) / scale[:, None, None]
        rows = operator.reshape(T, d, T * d)
        operator = (rows + np.einsum("iba,iam->ibm", blocks, rows)).reshape(T * d, T * d)
        current = (operator @ X.ravel()).reshape(T, d)
    return NetworkOperator(current, operator)


def _checked(scale: FloatArray) -> FloatArray:
    if not scale.all():
        raise bad_value("norm_eps", 0.0, "a number > 0, because a token is 0")
    return scale
