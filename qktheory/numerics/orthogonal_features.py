"""Orthogonal random features: exact mean square errors at any width (ZOO-RF-2, ZOO-RF-3).

With Haar-orthogonal directions and independent chi_d norms, every pair of features has the moment
F(u) = 1F1(d; d/2; u), at u = |z|^2/2 for positive and hyperbolic features and at u = -|delta|^2/2
for trigonometric ones; independent directions would have e^(2u). Errors are differences of numbers
that agree in all leading orders, so they are formed with as many digits as cancel.
"""

from __future__ import annotations

import decimal
import math
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import gammaln, hyp1f1

from qktheory.base.domains import Integer, Real
from qktheory.base.errors import bad_value
from qktheory.numerics.random_features import FeatureKind, Pair

__all__ = [
    "LARGEST_CROSSING",
    "check_feature_count",
    "crossing_delta",
    "orthogonal_bound",
    "orthogonal_mse",
    "pair_moment",
    "trig_gain",
]

#: Largest dimension in which the crossing is searched for; the cost grows like d^2.
LARGEST_CROSSING = 2000

_SIZE = Integer(low=1, high=10**15)
_COUNT = Integer(low=1, high=10**15)
_DIGITS = 50
#: Beyond these, moments of trigonometric pairs are below 1e-400 in more than 400 dimensions.
_FAR, _WIDE = 750.0, 400
#: Where the series in 1/u serves odd dimensions up to `_WIDE` to rounding.
_ASYMPTOTIC = 1e4


def _context(u: float) -> decimal.Context:
    """Return a context with enough digits for sums of e^|u| that leave e^(-|u|)."""
    return decimal.Context(prec=_DIGITS + int(0.9 * abs(u)), Emin=-(10**17), Emax=10**17)


def _moment(d: int, u: float, context: decimal.Context) -> Decimal:
    """Return F(u) = 1F1(d; d/2; u) with the digits of the context."""
    with decimal.localcontext(context):
        # Kummer: F(u) = e^u 1F1(-d/2; d/2; -u), a polynomial for even d; for u > 0 all terms of
        # the series of F itself are positive.
        x = Decimal(abs(u))
        positive = u > 0.0
        term, total = Decimal(1), Decimal(1)
        most = 60 + int(4.0 * abs(u)) + 4 * context.prec
        tiny = Decimal(10) ** (-context.prec - 5)
        for k in range(most):
            top = 2 * (d + k) if positive else 2 * k - d
            if top == 0:
                break
            term = term * x * top / ((d + 2 * k) * (k + 1))
            total += term
            if k > abs(u) and abs(term) < tiny * abs(total):
                break
        return total if positive else total * (-x).exp()


def _asymptotic_moment(d: int, u: float) -> float:
    """Return F(-u) in odd dimensions: Gamma(d/2)/Gamma(-d/2) u^(-d) 2F0(d, d/2 + 1; 1/u)."""
    term, total, k = 1.0, 1.0, 0
    while True:
        factor = (d + k) * (0.5 * d + 1.0 + k) / ((k + 1.0) * u)
        if term * factor < 1e-18 * total or (factor > 1.0 and k > d):
            break
        term *= factor
        total += term
        k += 1
    # 1/Gamma(-d/2) = -sin(pi d/2) Gamma(d/2 + 1)/pi.
    sign = -math.sin(0.5 * math.pi * (d % 4))
    size = float(gammaln(0.5 * d)) + float(gammaln(0.5 * d + 1.0)) - d * math.log(u)
    return sign / math.pi * math.exp(size) * total


def pair_moment(d: int, u: float) -> float:
    """Return F(u) = 1F1(d; d/2; u), the mean of two features of one orthogonal block.

    Parameters
    ----------
    d : int
        Dimension, >= 1.
    u : float
        |x + y|^2/2, or -|x - y|^2/2 for trigonometric features.

    Returns
    -------
    float
        With full relative accuracy, also next to its zeros.

    Raises
    ------
    ValueError
        For arguments outside their domain.
    OverflowError
        If it is not a number in double precision.

    Examples
    --------
    >>> round(pair_moment(2, -1.0), 12), round(pair_moment(4, -6.0), 12)
    (0.0, 0.002478752177)
    """
    d, u = _SIZE.check("d", d), Real(high=1e4).check("u", u)
    if u >= -_FAR:
        return float(_moment(d, u, _context(u)))
    if d > _WIDE or (d % 2 == 0 and u < -1e5):
        return 0.0
    if d % 2 == 1 and u < -_ASYMPTOTIC:
        return _asymptotic_moment(d, -u)
    # Terms of a polynomial of degree d/2 <= 200 do not cancel more than its leading digits.
    return float(_moment(d, u, _context(max(u, -2000.0) if d % 2 == 0 else u)))


def trig_gain(d: int, delta: float, feature_count: int) -> float | None:
    """Return the error of orthogonal over that of independent trigonometric features.

    Parameters
    ----------
    d : int
        Dimension, >= 1.
    delta : float
        |x - y|^2 >= 0.
    feature_count : int
        Number of features m <= d of the block.

    Returns
    -------
    float or None
        1 + 2 (m - 1)(F(-delta/2) - e^(-delta))/(1 - e^(-delta))^2 (ZOO-RF-3a); None at delta = 0,
        where both are exact.

    Examples
    --------
    >>> round(trig_gain(4, 12.0, 4), 8), round(trig_gain(4, 1e-9, 4), 8)
    (1.01483583, 0.5)
    """
    d, m = _SIZE.check("d", d), check_feature_count(d, feature_count)
    delta = Real(low=0.0).check("delta", delta)
    if delta == 0.0:
        return None
    if delta > 2.0 * _FAR:
        return 1.0 + 2.0 * (m - 1) * (pair_moment(d, -0.5 * delta) - math.exp(-delta))
    context = _context(0.5 * delta - 2.0 * math.log(min(delta, 1.0)))
    with decimal.localcontext(context):
        iid = (-Decimal(delta)).exp()
        excess = _moment(d, -0.5 * delta, context) - iid
        return float(1 + 2 * (m - 1) * excess / (1 - iid) ** 2)


def check_feature_count(d: int, feature_count: object, blocks: bool = False) -> int:
    """Return the number of features if an orthogonal block, or several full ones, hold them.

    Parameters
    ----------
    d : int
        Dimension.
    feature_count : int
        Number of features.
    blocks : bool, optional
        Whether multiples of d (independent blocks) are allowed.

    Raises
    ------
    ValueError
        Unless 1 <= feature_count <= d, or a multiple of d.

    Examples
    --------
    >>> check_feature_count(4, 8, blocks=True)
    8
    """
    m = _COUNT.check("feature_count", feature_count)
    if m > d and not (blocks and m % d == 0):
        expected = f"an integer from 1 to d = {d}" + (" or a multiple of d" if blocks else "")
        raise bad_value("feature_count", feature_count, expected)
    return m


def orthogonal_mse(pair: Pair, d: int, feature_count: int, kind: FeatureKind) -> float:
    """Return the mean square error of orthogonal features.

    Parameters
    ----------
    pair : Pair
        The two vectors.
    d : int
        Their dimension.
    feature_count : int
        m <= d features of one block, or a multiple of d: independent blocks.
    kind : {"trig", "positive", "hyperbolic"}

    Returns
    -------
    float
        E (Khat - e^(x^T y))^2 (ZOO-RF-2).

    Raises
    ------
    ValueError
        For a number of features that is neither.
    OverflowError
        If the error is not a number in double precision.

    Examples
    --------
    >>> round(orthogonal_mse(Pair(0.8, 0.8, -0.4), 8, 8, "positive"), 6)
    0.072986
    """
    d = _SIZE.check("d", d)
    count = check_feature_count(d, feature_count, blocks=True)
    if pair.squares > 1500.0:
        raise OverflowError("errors of features of such vectors exceed double precision")
    m, square = min(count, d), pair.difference2 if kind == "trig" else pair.sum2
    sign = -1.0 if kind == "trig" else 1.0
    # What is left is of the order of square^2 (one of square) and of 1/d of the terms.
    lost = -2.0 * math.log(min(max(square, 1e-300), 1.0)) + 2.0 * math.log(d)
    context = _context(0.5 * square + lost)
    with decimal.localcontext(context):
        single = (Decimal(sign) * Decimal(square)).exp()
        one = single**2 if kind == "positive" else (1 + single**2) / 2
        pairs = _moment(d, sign * 0.5 * square, context) if m > 1 else single
        bracket = one + (m - 1) * pairs - m * single
        scale = (Decimal(-sign) * Decimal(pair.squares)).exp()
        return float(bracket * scale / count)


def orthogonal_bound(pair: Pair, d: int, feature_count: int) -> float:
    """Return the bound on the error of orthogonal positive features.

    Parameters
    ----------
    pair, d, feature_count
        As in `orthogonal_mse`.

    Returns
    -------
    float
        MSE_iid - 2 (m - 1)/(m (d + 2)) (K - e^(-N/2))^2 for one block, divided by the number of
        blocks (ZOO-RF-2).

    Examples
    --------
    >>> round(orthogonal_bound(Pair(0.8, 0.8, -0.4), 8, 8), 6)
    0.075894
    """
    d = _SIZE.check("d", d)
    count = check_feature_count(d, feature_count, blocks=True)
    m = min(count, d)
    # Both terms over e^(2 x^T y + |z|^2).
    shrink = -math.expm1(-pair.sum2)
    gain = 2.0 * (m - 1) / (d + 2.0) * (math.exp(-pair.sum2) * _square_gap(pair.sum2))
    return math.exp(2.0 * pair.logit + pair.sum2) * (shrink - gain) / count


def _square_gap(sum2: float) -> float:
    """Return (1 - e^(-|z|^2/2))^2 = (K - e^(-N/2))^2/K^2."""
    return math.expm1(-0.5 * sum2) ** 2


# --- where orthogonal trigonometric features lose -------------------------------------------------


def _excess_signs(d: int, delta: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return e^(delta/2) 1F1(-d/2; d/2; delta/2) - 1 by recurrence in the first parameter.

    The recurrence climbs from 0 or 1/2 towards -d/2, the direction in which Laguerre polynomials
    are stable; e^(delta/2) is spread over the steps.
    """
    u, b = 0.5 * delta, 0.5 * d
    steps = (d + 1) // 2
    growth = np.exp(u / steps)
    if d % 2 == 0:
        a, before, now = 0.0, np.zeros_like(u), np.ones_like(u)
    else:
        a = 0.5
        before = np.asarray(hyp1f1(1.5, b, u))
        now = np.asarray(hyp1f1(0.5, b, u))
    for _ in range(steps):
        after = (a * before - (2.0 * a - b + u) * now) / (b - a)
        before, now = now * growth, after * growth
        a -= 1.0
    return now - 1.0


def _excess(d: int, delta: float) -> float:
    """Return the sign of F(-delta/2) - e^(-delta), times its size over e^(-delta)."""
    context = _context(0.5 * delta)
    with decimal.localcontext(context):
        return float(_moment(d, -0.5 * delta, context) * Decimal(delta).exp() - 1)


def crossing_delta(d: int) -> float | None:
    """Return the smallest |x - y|^2 at which orthogonal trigonometric features stop helping.

    Parameters
    ----------
    d : int
        Dimension, 2 <= d <= `LARGEST_CROSSING`.

    Returns
    -------
    float or None
        The first delta > 0 with F(-delta/2) = e^(-delta) (ZOO-RF-3b); None if there is none.

    Raises
    ------
    ValueError
        For a dimension outside the range.

    Examples
    --------
    >>> crossing_delta(2), round(crossing_delta(4), 8)
    (None, 9.49403222)
    """
    d = Integer(low=2, high=LARGEST_CROSSING).check("d", d)
    # All zeros of F lie below delta = (3 + 2 sqrt 2) d; steps are a fraction of their distance.
    step, chunk, last = 0.125, 512, 7.0 * d + 100.0
    start = step
    while start < last:
        grid = start + step * np.arange(chunk, dtype=np.float64)
        values = _excess_signs(d, grid)
        for k in range(1, chunk - 1):
            if values[k] >= 0.0:
                return _first_zero(d, grid[k] - step, grid[k])
            if values[k] >= values[k - 1] and values[k] >= values[k + 1] and values[k] > -0.9:
                peak = _peak(d, grid[k - 1], grid[k + 1])
                if _excess(d, peak) >= 0.0:
                    return _first_zero(d, grid[k - 1], peak)
        start += step * (chunk - 2)
    return None


def _peak(d: int, low: float, high: float) -> float:
    """Return the place of the maximum between two points, by golden section."""
    ratio = 0.5 * (math.sqrt(5.0) - 1.0)
    for _ in range(40):
        a, b = high - ratio * (high - low), low + ratio * (high - low)
        low, high = (a, high) if _excess(d, a) < _excess(d, b) else (low, b)
    return 0.5 * (low + high)


def _first_zero(d: int, low: float, high: float) -> float:
    """Return the zero between a negative and a non-negative value, by bisection and secants."""
    return float(brentq(lambda x: _excess(d, x), low, high, xtol=1e-13, rtol=1e-13))
