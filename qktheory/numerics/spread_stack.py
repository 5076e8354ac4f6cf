"""Stacks of token matrices, each a common row plus a spread of any smallness (RANK-4).

The batched form of `qktheory.numerics.token_spread`: many networks at a time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from qktheory.numerics.scaled_stack import ScaledStack, shifted

__all__ = ["SpreadStack", "layer_norm_stack", "rowwise_stack"]

Floats = NDArray[np.float64]

#: Tokens whose spread is a larger share of their common row than this are normalised directly.
_WIDE = 0.125
_ROUNDING = 16.0 * np.finfo(float).eps
#: Gauss-Legendre rule on [0, 1] for the increment of a smooth activation.
_LEGENDRE = np.polynomial.legendre.leggauss(10)
_NODES, _WEIGHTS = 0.5 * (_LEGENDRE[0] + 1.0), 0.5 * _LEGENDRE[1]


@dataclass(frozen=True)
class SpreadStack:
    """Tokens 1 c^T + R, column means of R equal to 0, of n sequences.

    Parameters
    ----------
    center : ScaledStack
        Common rows c, shape (n, d).
    residual : ScaledStack
        R, shape (n, T, d).

    Examples
    --------
    >>> tokens = SpreadStack.of(np.array([[[1.0, 2.0], [3.0, 2.0]]]))
    >>> tokens.center.value().tolist(), tokens.residual.value().tolist()
    ([[2.0, 2.0]], [[[-1.0, 0.0], [1.0, 0.0]]])
    """

    center: ScaledStack
    residual: ScaledStack

    @classmethod
    def of(cls, X: Floats) -> SpreadStack:
        """Split tokens, shape (n, T, d)."""
        tokens = ScaledStack.of(X)
        first = tokens.mantissa[:, :1]
        return cls.around(
            ScaledStack.of(first[:, 0], tokens.exponent),
            ScaledStack.of(tokens.mantissa - first, tokens.exponent),
        )

    @classmethod
    def around(cls, center: ScaledStack, residual: ScaledStack) -> SpreadStack:
        """Move the column means of the residuals into the centers."""
        R = residual.mantissa
        once = R.mean(axis=1, keepdims=True)
        R = R - once
        twice = R.mean(axis=1, keepdims=True)  # the rounding of the first
        moved = ScaledStack.of((once + twice)[:, 0], residual.exponent)
        return cls(center + moved, ScaledStack.of(R - twice, residual.exponent))

    def tokens(self) -> ScaledStack:
        """Return 1 c^T + R, shape (n, T, d)."""
        top = np.maximum(self.center.exponent, self.residual.exponent)
        return ScaledStack.of(self.center.at(top)[:, None] + self.residual.at(top), top)


def _feature_centred(X: Floats) -> Floats:
    once = X - X[..., :1]
    return np.asarray(once - once.mean(axis=-1, keepdims=True))


def layer_norm_stack(tokens: SpreadStack, norm_eps: float = 0.0) -> SpreadStack:
    """Return the LayerNorm without affine part of tokens.

    Parameters
    ----------
    tokens : SpreadStack
    norm_eps : float, optional
        Added to the population variance, not negative.

    Returns
    -------
    SpreadStack

    Raises
    ------
    ArithmeticError
        For a token of constant features if `norm_eps` is 0.

    Examples
    --------
    >>> X = np.array([[[1.0, 3.0, 2.0], [2.0, 0.0, 4.0]]])
    >>> layer_norm_stack(SpreadStack.of(X)).tokens().value().round(4).tolist()
    [[[-1.2247, 1.2247, 0.0], [0.0, -1.2247, 1.2247]]]
    """
    R = ScaledStack.of(_feature_centred(tokens.residual.mantissa), tokens.residual.exponent)
    empty = tokens.center.zero
    unit = np.where(empty, tokens.residual.exponent, tokens.center.exponent)
    if norm_eps > 0.0:
        # In this unit tokens far below sqrt(norm_eps) are small, and norm_eps is not huge.
        unit = np.maximum(unit, -200)
    c = _feature_centred(tokens.center.at(unit))
    eps = norm_eps * np.ldexp(1.0, np.clip(-2 * unit, -1000, 1000).astype(np.int32))
    near = R.at(unit)
    largest = np.abs(c).max(axis=1)
    wide = np.abs(near).max(axis=(1, 2)) > _WIDE * largest
    center, residual = np.empty_like(c), np.empty_like(near)
    exponent = np.zeros(len(c), dtype=np.int64)
    if wide.any():
        X = c[wide, None] + near[wide]
        deviations = np.sqrt(np.mean(X * X, axis=-1) + eps[wide, None])
        if not deviations.all():
            raise ArithmeticError("LayerNorm of a token of constant features")
        center[wide] = 0.0
        residual[wide] = X / deviations[..., None]
    narrow = ~wide
    if narrow.any():
        if not largest[narrow].all() and norm_eps == 0.0:
            raise ArithmeticError("LayerNorm of a token of constant features")
        shift = np.maximum(R.exponent - unit, -(2**58))[narrow]
        center[narrow], residual[narrow] = _narrow(
            c[narrow], R.mantissa[narrow], shift, eps[narrow]
        )
        exponent[narrow] = shift
    return SpreadStack.around(ScaledStack.of(center), ScaledStack.of(residual, exponent))


def _narrow(c: Floats, R: Floats, shift: NDArray[np.int64], eps: Floats) -> tuple[Floats, Floats]:
    """Return LN of c + R 2^shift as a common row and deviations in units of 2^shift."""
    d = c.shape[1]
    square = (c * c).sum(axis=1)
    safe = np.where(square == 0.0, 1.0, square)[:, None]
    # r = alpha c + (a part across c); across is exact to its own size by projecting twice.
    alpha, across = np.zeros(R.shape[:2]), R
    for _ in range(2):
        more = np.matmul(across, c[..., None])[..., 0] / safe
        alpha, across = alpha + more, across - more[..., None] * c[:, None]
    size = np.abs(R).max(axis=2)
    across = np.where((np.abs(across).max(axis=2) <= _ROUNDING * size)[..., None], 0.0, across)
    along = 1.0 + shifted(alpha, shift)
    lengths = (across * across).sum(axis=2) / d
    variance = (square / d)[:, None]
    eps = eps[:, None]
    s_0 = np.sqrt(variance + eps)
    s_i = np.sqrt(along**2 * variance + shifted(lengths, 2 * shift) + eps)
    # along/s_i - 1/s_0 has this numerator after its two large terms have cancelled.
    numerator = eps * alpha * (1.0 + along) - shifted(lengths, shift)
    radial = numerator / (s_i * s_0 * (along * s_0 + s_i))
    return c / s_0, across / s_i[..., None] + radial[..., None] * c[:, None]


def rowwise_stack(
    tokens: SpreadStack, M_in: Floats, M_out: Floats, activation: str = "relu"
) -> SpreadStack:
    """Return sigma(X M_in) M_out, token by token.

    Parameters
    ----------
    tokens : SpreadStack
        X, n sequences of width d.
    M_in, M_out : ndarray of shape (n, d, p) and (n, p, m), or (1, d, p) and (1, p, m)
    activation : {"relu", "gelu"}, optional
        sigma; gelu is x Phi(x).

    Returns
    -------
    SpreadStack

    Raises
    ------
    OverflowError
        If a hidden unit is beyond double precision.

    Examples
    --------
    >>> X = SpreadStack.of(np.array([[[1.0], [-1.0]]]))
    >>> rowwise_stack(X, np.ones((1, 1, 1)), np.ones((1, 1, 1))).tokens().value().tolist()
    [[[1.0], [0.0]]]
    """
    c = np.matmul(tokens.center.mantissa[:, None], M_in)[:, 0]
    before = ScaledStack.of(c, tokens.center.exponent)
    delta = np.matmul(tokens.residual.mantissa, M_in)
    change = ScaledStack.of(delta, tokens.residual.exponent)
    if activation == "relu":
        common, exponent, moved = _relu(before, change)
    else:
        common, exponent, moved = _gelu(before, change)
    center = np.matmul(common[:, None], M_out)[:, 0]
    return SpreadStack.around(
        ScaledStack.of(center, exponent),
        ScaledStack.of(np.matmul(moved, M_out), change.exponent),
    )


def _relu(before: ScaledStack, change: ScaledStack) -> tuple[Floats, NDArray[np.int64], Floats]:
    # In the unit of the change a center may be infinitely far: it then keeps its sign.
    with np.errstate(over="ignore"):
        a = before.at(change.exponent)[:, None]
    delta = change.mantissa
    moved = np.where(a > 0.0, np.maximum(delta, -a), np.maximum(a + delta, 0.0))
    return np.maximum(before.mantissa, 0.0), before.exponent, moved


def _gelu(before: ScaledStack, change: ScaledStack) -> tuple[Floats, NDArray[np.int64], Floats]:
    a = before.value()[:, None]
    delta = change.value()
    # The increment is delta times the mean slope: no difference of two values is formed.
    slope = np.zeros_like(delta)
    for node, weight in zip(_NODES, _WEIGHTS, strict=True):
        slope += weight * _gelu_slope(a + node * delta)
    far = np.abs(delta) > 0.5
    if far.any():
        values = _gelu_value(a + delta) - _gelu_value(a)
        slope = np.where(far, values / np.where(far, delta, 1.0), slope)
    common = _gelu_value(a[:, 0])
    return common, np.zeros_like(before.exponent), change.mantissa * slope


def _gelu_value(x: Floats) -> Floats:
    return np.asarray(x * ndtr(x))


def _gelu_slope(x: Floats) -> Floats:
    return np.asarray(ndtr(x) + x * np.exp(-0.5 * np.minimum(x * x, 1400.0)) / np.sqrt(2 * np.pi))
