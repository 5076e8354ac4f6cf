"""LayerNorm without affine part, of tokens and of a common row plus spread (RANK-9)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qktheory.numerics.scaled import Scaled
from qktheory.numerics.token_spread import TokenSpread

__all__ = ["layer_norm", "layer_norm_spread", "token_deviations"]

Floats = NDArray[np.float64]

#: Tokens whose spread is a larger share of their common row than this are normalised directly.
_WIDE = 0.125
_ROUNDING = 16.0 * np.finfo(float).eps


def _feature_centred(X: Floats) -> Floats:
    """Return tokens less the mean of their features."""
    once = X - X[..., :1]
    return np.asarray(once - once.mean(axis=-1, keepdims=True))


def token_deviations(X: ArrayLike) -> Floats:
    """Return the population standard deviation of the features of each token.

    Parameters
    ----------
    X : array_like of shape (T, d)

    Returns
    -------
    ndarray of shape (T,)

    Examples
    --------
    >>> token_deviations([[1.0, 3.0], [2.0, 2.0]])
    array([1., 0.])
    """
    tokens = Scaled.of(_feature_centred(np.asarray(X, dtype=np.float64)))
    deviations = np.sqrt(np.mean(tokens.mantissa**2, axis=-1))
    return np.asarray(np.ldexp(deviations, tokens.exponent))


def layer_norm(X: ArrayLike, norm_eps: float = 0.0) -> Floats:
    """Return (x - mean)/sqrt(variance + norm_eps) of each token, population variance.

    Parameters
    ----------
    X : array_like of shape (T, d)
    norm_eps : float, optional
        Not negative.

    Returns
    -------
    ndarray of shape (T, d)

    Raises
    ------
    ArithmeticError
        For a token of constant features if `norm_eps` is 0.

    Examples
    --------
    >>> layer_norm([[1.0, 3.0], [2.0, 2.0]], norm_eps=3.0)
    array([[-0.5,  0.5],
           [ 0. ,  0. ]])
    """
    X = np.asarray(X, dtype=np.float64)
    deviations = np.hypot(token_deviations(X), math.sqrt(norm_eps))
    if not deviations.all():
        raise ArithmeticError("LayerNorm of a token of constant features")
    return np.asarray(_feature_centred(X) / deviations[:, None])


def layer_norm_spread(tokens: TokenSpread, norm_eps: float = 0.0) -> TokenSpread:
    """Return the LayerNorm of tokens given as common row and spread.

    Parameters
    ----------
    tokens : TokenSpread
    norm_eps : float, optional
        Not negative.

    Returns
    -------
    TokenSpread

    Raises
    ------
    ArithmeticError
        For a token of constant features if `norm_eps` is 0.

    Examples
    --------
    >>> spread = Scaled.of([[1.0, 0.0, -1.0], [-1.0, 0.0, 1.0]], -4000)
    >>> narrow = layer_norm_spread(TokenSpread(Scaled.of([1.0, -2.0, 1.0]), spread))
    >>> bool(np.isclose(narrow.log10_diameter_2(), np.log10(2.0) * (1.0 - 4000)))
    True
    """
    unit = tokens.center.exponent if not tokens.center.zero else tokens.residual.exponent
    c = _feature_centred(tokens.center.at(unit))
    R = Scaled.of(_feature_centred(tokens.residual.mantissa), tokens.residual.exponent)
    # norm_eps in units of 4^unit, next to the variance of the features.
    eps = norm_eps * 2.0 ** max(min(-2 * unit, 1000), -1000)
    largest = float(np.abs(c).max())
    share = math.inf if largest == 0.0 else float(np.abs(R.at(unit)).max()) / largest
    if share > _WIDE:
        return TokenSpread.of(layer_norm(c + R.at(unit), eps))
    d = c.size
    square = float(c @ c)
    # r = alpha c + (a part across c); across is exact to its own size by projecting twice.
    alpha, across = np.zeros(len(R.mantissa)), R.mantissa
    for _ in range(2):
        more = across @ c / square
        alpha, across = alpha + more, across - more[:, None] * c
    size = np.abs(R.mantissa).max(axis=1)
    across = np.where(np.abs(across).max(axis=1) <= _ROUNDING * size, 0.0, across.T).T
    shift = max(min(R.exponent - unit, 0), -2000)
    along = 1.0 + np.ldexp(alpha, shift)
    lengths = np.einsum("ij,ij->i", across, across) / d  # in units of the residual
    s_0 = math.sqrt(square / d + eps)
    s_i = np.sqrt(along**2 * (square / d) + np.ldexp(lengths, 2 * shift) + eps)
    # along/s_i - 1/s_0 has this numerator after its two large terms have cancelled.
    numerator = eps * alpha * (1.0 + along) - np.ldexp(lengths, shift)
    radial = numerator / (s_i * s_0 * (along * s_0 + s_i))
    residual = across / s_i[:, None] + radial[:, None] * c
    return TokenSpread.around(Scaled.of(c / s_0), Scaled.of(residual, R.exponent - unit))
