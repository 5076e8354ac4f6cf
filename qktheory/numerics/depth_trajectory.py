"""Residuals of attention networks at any depth, and their slope in one layer (RANK-4, 6, 9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qktheory.numerics.layer_norm import layer_norm_spread
from qktheory.numerics.matrix_norms import centred, norm_1, norm_inf
from qktheory.numerics.scaled import Scaled
from qktheory.numerics.softmax_split import log_distribution, softmax_deviation
from qktheory.numerics.token_spread import ScoreBias, TokenSpread, attention_layer

__all__ = ["Trajectory", "attention_trajectory", "local_exponents", "scale_slope"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Trajectory:
    """Residuals of layers 0..L; None where tokens become exactly equal.

    Parameters
    ----------
    log10_norm_1inf, log10_frobenius, log10_diameter_2 : list of float or None
        Of tokens less their column means.
    log10_relative : list of float or None
        log10 of norm_1inf of the residual over norm_1inf of the tokens.
    """

    log10_norm_1inf: list[float] | None
    log10_frobenius: list[float] | None
    log10_diameter_2: list[float] | None
    log10_relative: list[float] | None


def attention_trajectory(
    X: ArrayLike,
    A: Sequence[Floats] | Floats,
    W: Sequence[Floats] | Floats,
    temperature: float = 1.0,
    bias: ArrayLike | None = None,
    skip: bool = False,
    score_bias: Floats | None = None,
    norm: bool = False,
) -> Trajectory:
    """Return the residuals of a network of attention layers.

    Parameters
    ----------
    X : array_like of shape (T, d)
        Tokens.
    A, W : array_like of shape (L, H, d, d)
        Query-key and value-output maps of every layer and head.
    temperature : float, optional
        Scores are x_i^T A x_j / temperature.
    bias : array_like of shape (L, d), optional
        Added to every token of a layer.
    skip : bool, optional
        Whether every layer adds its input.
    score_bias : ndarray of shape (T, T), optional
        Added to the scores; -inf is a masked entry.
    norm : bool, optional
        Whether LayerNorm (no affine part, no epsilon) follows every layer.

    Returns
    -------
    Trajectory

    Raises
    ------
    ArithmeticError
        If scores are beyond double precision, or LayerNorm meets a token of constant features.

    Examples
    --------
    >>> one = np.ones((4, 1, 1, 1))
    >>> attention_trajectory([[0.5], [-0.5]], one, one).log10_diameter_2[-1]
    -24.3234821...
    """
    tokens = TokenSpread.of(X)
    shared = None if score_bias is None else ScoreBias(score_bias)
    path = [tokens]
    for layer, (a, w) in enumerate(zip(A, W, strict=True)):
        added = None if bias is None else np.asarray(bias, dtype=np.float64)[layer]
        tokens = attention_layer(tokens, a, w, temperature, added, skip, shared)
        if norm and not tokens.collapsed:
            tokens = layer_norm_spread(tokens)
        path.append(tokens)
        if tokens.collapsed:
            break
    if path[-1].collapsed:
        return Trajectory(None, None, None, None)
    norms = [one.log10_norm_1inf() for one in path]
    return Trajectory(
        norms,
        [one.log10_frobenius() for one in path],
        [one.log10_diameter_2() for one in path],
        [value - _log10_size(one) for value, one in zip(norms, path, strict=True)],
    )


def _log10_size(tokens: TokenSpread) -> float:
    """Return log10 of norm_1inf of the tokens themselves."""
    X = tokens.tokens()
    return X.log10(float(np.sqrt(norm_1(X.mantissa) * norm_inf(X.mantissa))))


def local_exponents(log10_norms: Sequence[float] | None) -> list[float] | None:
    """Return s_l = (g_(l+1) - g_l)/(g_l - g_(l-1)), l = 1..L-1, of logarithms g_0..g_L.

    Parameters
    ----------
    log10_norms : sequence of float or None

    Returns
    -------
    list of float or None
        None if there are no logarithms or two consecutive ones are equal.

    Examples
    --------
    >>> local_exponents([-1.0, -2.0, -5.0, -14.0])
    [3.0, 3.0]
    """
    if log10_norms is None:
        return None
    steps = np.diff(np.asarray(log10_norms, dtype=np.float64))
    if len(steps) < 2:
        return []
    if not steps[:-1].all():
        return None
    ratios: list[float] = (steps[1:] / steps[:-1]).tolist()
    return ratios


def scale_slope(
    X: ArrayLike, A: Floats, W: Floats, temperature: float, scale: float
) -> tuple[float, float] | None:
    """Return d log rho/d log scale and log10 rho, rho the residual of a layer on scale X.

    Parameters
    ----------
    X : array_like of shape (T, d)
    A, W : ndarray of shape (H, d, d) and (H, d, m)
    temperature, scale : float
        Positive.

    Returns
    -------
    slope, log10_norm : float
        rho = norm_1inf of the output less its column means; None if it is 0.

    Examples
    --------
    >>> one = np.ones((1, 1, 1))
    >>> slope, _ = scale_slope([[1.0], [-1.0]], one, one, 1.0, 1.0)
    >>> round(slope, 9)
    2.102882259
    """
    raw = Scaled.of(X)
    tokens = TokenSpread.of(raw.mantissa)
    power = Scaled.of([scale])
    factor, shift = float(power.mantissa[0]), power.exponent + raw.exponent
    center = Scaled.of(tokens.center.mantissa * factor, tokens.center.exponent + shift)
    R = Scaled.of(tokens.residual.mantissa * factor, tokens.residual.exponent + shift)
    value, tangent = Scaled.of(np.zeros(1)), Scaled.of(np.zeros(1))
    for a, w in zip(A, W, strict=True):
        along = center @ a
        u = Scaled.of(R.mantissa @ along.mantissa / temperature, R.exponent + along.exponent)
        scores = u.value() - u.value()[0]
        log_q = log_distribution(scores)
        q = np.exp(log_q)
        hub = int(np.argmax(q))
        D = R.mantissa - R.mantissa[hub]
        queries = R @ a
        E = Scaled.of(queries.mantissa @ D.T / temperature, queries.exponent + R.exponent)
        x, Z, unit = softmax_deviation(log_q, E.mantissa, E.exponent)
        # Both parts of the scores go with the square of the scale. In units of 2^unit:
        from_mean = scores - scores[hub]
        from_mean = from_mean - q @ from_mean
        own = np.ldexp(x, max(min(E.exponent - unit, 4000), -4000))
        P = q if unit else q + Z
        change = 2.0 * (Z * from_mean - P * (Z @ from_mean)[:, None])
        # <x>_P = Z x is of second order where Z itself is linear in x.
        mean = np.zeros(len(Z)) if unit else np.einsum("ij,ij->i", Z, own)
        change = change + 2.0 * P * (own - mean[:, None])
        scale_of = unit + R.exponent
        value = _add(value, Scaled.of(Z @ D, scale_of) @ w)
        tangent = _add(tangent, Scaled.of((change + Z) @ D, scale_of) @ w)
    value = Scaled.of(centred(value.mantissa), value.exponent)
    tangent = Scaled.of(centred(tangent.mantissa), tangent.exponent)
    if value.zero:
        return None
    slope = 0.5 * sum(_relative_change(value, tangent, axis) for axis in (0, 1))
    M = value.mantissa
    return slope, value.log10(float(np.sqrt(norm_1(M) * norm_inf(M))))


def _add(total: Scaled, term: Scaled) -> Scaled:
    return term if total.zero else total + term


def _relative_change(value: Scaled, tangent: Scaled, axis: int) -> float:
    """Return d log of the largest absolute column (axis 0) or row (1) sum."""
    sums = np.abs(value.mantissa).sum(axis=axis)
    changes = (np.sign(value.mantissa) * tangent.at(value.exponent)).sum(axis=axis)
    place = int(np.argmax(sums))
    return float(changes[place] / sums[place])
