"""Attention with the Taylor polynomial of the exponential (ZOO-FAST-1, ZOO-FAST-2).

f_p(s) = sum_(l <= p) s^l/l! = e^s Q(p + 1, s), with Q the regularised incomplete gamma function,
continued to negative s. Its complement P = 1 - Q is what truncation takes away.
"""

from __future__ import annotations

import math
from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammainc, gammaln, log_softmax

__all__ = [
    "log_truncation_ratio",
    "lower_part",
    "monomial_features",
    "truncated_attention",
    "truncated_exponential",
    "truncation_distance",
]

FloatArray = NDArray[np.float64]


def _lower_sum(p: int, a: float) -> float:
    """Return log of (1/p!) integral_0^a v^p e^(v - a) dv, a > 0."""
    # e^(-a) a^j/j! is a Poisson weight: a mean of 1/(p + 1 + j), over the weights that count.
    middle, width = int(a), int(40.0 * math.sqrt(a)) + 60
    j = np.arange(max(0, middle - width), middle + width)
    weights = np.exp(j * math.log(a) - a - gammaln(j + 1.0))
    mean = float((weights / (p + 1.0 + j)).sum() / weights.sum())
    return (p + 1) * math.log(a) - float(gammaln(p + 1.0)) + math.log(mean)


def truncated_exponential(s: ArrayLike, degree: int) -> FloatArray:
    """Return f_p(s) = sum_(l <= p) s^l/l!.

    Parameters
    ----------
    s : array_like
        Scores, any shape.
    degree : int
        p >= 0.

    Returns
    -------
    ndarray
        Shape of `s`; relative accuracy about 1e-13, also where terms of both signs cancel (for
        even p, which have no zeros).

    Examples
    --------
    >>> float(truncated_exponential(-3.0, 3)), float(truncated_exponential(1.0, 2))
    (-2.0, 2.5)
    """
    s = np.asarray(s, dtype=np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        total, size = np.ones_like(s), np.ones_like(s)
        for l in range(degree, 0, -1):
            total, size = 1.0 + s / l * total, 1.0 + np.abs(s) / l * size
        cancels = (np.abs(total) < 1e-3 * size) & (s > -2.0 * degree - 20.0)
    if degree > 1 and cancels.any():
        sign = -1.0 if degree % 2 else 1.0
        total = np.array(total)
        total[cancels] = [
            math.exp(x) + sign * math.exp(_lower_sum(degree, -x)) for x in s[cancels].tolist()
        ]
    return total


def lower_part(s: ArrayLike, degree: int) -> FloatArray:
    """Return P(p + 1, s) = 1 - e^(-s) f_p(s), what truncation takes away.

    Parameters
    ----------
    s : array_like
        Scores of either sign, any shape.
    degree : int
        p >= 0.

    Returns
    -------
    ndarray
        Shape of `s`, without cancellation; negative for s < 0 and even p.

    Examples
    --------
    >>> float(lower_part(1.0, 2)).__round__(9), float(lower_part(-1.0, 2)).__round__(9)
    (0.080301397, -0.359140914)
    """
    s = np.asarray(s, dtype=np.float64)
    found = np.array(gammainc(degree + 1.0, np.maximum(s, 0.0)))
    sign = 1.0 if degree % 2 else -1.0
    below = s < 0.0
    found[below] = [sign * _grown_sum(degree, -x) for x in s[below].tolist()]
    return found


def _grown_sum(p: int, a: float) -> float:
    """Return (1/p!) integral_0^a v^p e^v dv, inf beyond double precision."""
    if a > 2.0 * p + 750.0:
        return math.inf
    with np.errstate(over="ignore"):
        return float(np.exp(np.float64(_lower_sum(p, a) + a)))


def truncated_attention(S: FloatArray, degree: int) -> FloatArray | None:
    """Return attention with f_p in the place of the exponential.

    Parameters
    ----------
    S : ndarray of shape (T, n)
        Scores.
    degree : int
        p >= 0.

    Returns
    -------
    ndarray of shape (T, n) or None
        Rows sum to one; entries may be negative for odd p. None if a row has weight 0.

    Raises
    ------
    OverflowError
        If the polynomial is not a number in double precision.

    Examples
    --------
    >>> truncated_attention(np.array([[0.0, 1.0, -1.0]]), 2).round(12).tolist()
    [[0.25, 0.625, 0.125]]
    """
    weights = truncated_exponential(S, degree)
    if not np.isfinite(weights).all():
        raise OverflowError("the polynomial of these scores exceeds double precision")
    largest = np.abs(weights).max(axis=1, keepdims=True)
    if (largest == 0.0).any():
        return None
    weights = weights / largest
    total = weights.sum(axis=1, keepdims=True)
    return None if (total == 0.0).any() else np.asarray(weights / total)


def truncation_distance(S: FloatArray, degree: int) -> FloatArray | None:
    """Return the total variation distance of every truncated row to softmax.

    Parameters
    ----------
    S : ndarray of shape (T, n)
        Scores.
    degree : int
        p >= 0.

    Returns
    -------
    ndarray of shape (T,) or None
        (1/2) sum_j |A_j^(p) - A_j|, to full relative accuracy where truncation does little; None
        if a row has weight 0.

    Examples
    --------
    >>> truncation_distance(np.array([[1.0, -1.0]]), 6).round(9).tolist()
    [5.9004e-05]
    """
    A = np.exp(log_softmax(S, axis=1))
    lost = lower_part(S, degree)
    if float(np.abs(lost).max()) < 0.1:
        mean = (A * lost).sum(axis=1, keepdims=True)
        return np.asarray(0.5 * (A * np.abs(mean - lost)).sum(axis=1) / (1.0 - mean[:, 0]))
    truncated = truncated_attention(S, degree)
    return None if truncated is None else np.asarray(0.5 * np.abs(truncated - A).sum(axis=1))


def log_truncation_ratio(radius: float, degree: int) -> float:
    """Return log Q(p + 1, -R)/Q(p + 1, R) for even p.

    Parameters
    ----------
    radius : float
        R >= 0, the largest modulus of a score.
    degree : int
        p, even.

    Returns
    -------
    float
        log rho >= 0; the total variation distance is at most tanh(log(rho)/4) (ZOO-FAST-2b).

    Examples
    --------
    >>> round(math.exp(log_truncation_ratio(1.0, 2)), 8)
    1.47781122
    """
    ends = np.array([-radius, radius])
    lost = lower_part(ends, degree)
    if float(np.abs(lost).max()) < 0.5:
        low, high = np.log1p(-lost)
        return float(low - high)
    scale = max(1.0, radius)
    # Of f_p(R)/R^p, which is a number for every R.
    powers = np.array(
        [
            math.exp((l - degree) * math.log(scale) - float(gammaln(l + 1.0)))
            * (radius / scale) ** l
            for l in range(degree + 1)
        ]
    )
    signs = (-1.0) ** np.arange(degree + 1)
    if radius > 2.0 * degree + 20.0:
        low, high = math.log(float(powers @ signs)), math.log(float(powers.sum()))
    else:
        low, high = np.log(truncated_exponential(ends, degree))
    return float(low - high + 2.0 * radius)


def monomial_features(X: FloatArray, degree: int) -> FloatArray:
    """Return the features whose inner product is f_p of the inner product.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Queries or keys.
    degree : int
        p >= 0.

    Returns
    -------
    ndarray of shape (n, C(d + p, p))
        All monomials of degree up to p, each over the square root of the factorials of its
        exponents (ZOO-FAST-1).

    Examples
    --------
    >>> x = np.array([[1.0, 2.0], [0.5, -1.0]])
    >>> phi = monomial_features(x, 3)
    >>> phi.shape, round(float(phi[0] @ phi[1]), 12), float(truncated_exponential(-1.5, 3))
    ((2, 10), 0.0625, 0.0625)
    """
    n, d = X.shape
    columns = []
    for l in range(degree + 1):
        for indices in combinations_with_replacement(range(d), l):
            counts = np.bincount(np.array(indices, dtype=int), minlength=d)
            scale = math.sqrt(math.prod(math.factorial(int(c)) for c in counts))
            columns.append(np.prod(X**counts, axis=1) / scale)
    return np.asarray(np.stack(columns, axis=1)).reshape(n, -1)
