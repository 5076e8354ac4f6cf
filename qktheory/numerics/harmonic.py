"""Sums of powers: generalised harmonic numbers, and the zeta function at half-integer offset."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import zeta

from qktheory.base.domains import Integer, Real

__all__ = ["harmonic_number", "zeta_half"]

#: Terms that are added one by one; the rest is Euler-Maclaurin, whose ten corrections leave less
#: than 1e-20 of the first term behind.
_DIRECT = 256
_SIZE = Integer(low=0)
_EXPONENT = Real(low=0.0)
#: B_2j/(2j)!
_BERNOULLI = (
    1 / 12,
    -1 / 720,
    1 / 30240,
    -1 / 1209600,
    1 / 47900160,
    -691 / 1307674368000,
    1 / 74724249600,
)


def harmonic_number(d: int, exponent: float) -> float:
    """Return H = sum over i = 1..d of i^(-exponent).

    Parameters
    ----------
    d : int
        Number of terms, >= 0; any size, since only 256 of them are added one by one.
    exponent : float
        Decay exponent, >= 0.

    Returns
    -------
    float
        Relative error below 1e-14 (SPEC-8b).

    Raises
    ------
    ValueError
        For a negative size or exponent.

    Examples
    --------
    >>> harmonic_number(50, 1.0)
    4.499205338329425
    >>> harmonic_number(10**12, 0.0)
    1000000000000.0
    """
    d = _SIZE.check("d", d)
    a = _EXPONENT.check("exponent", exponent)
    terms = np.arange(1.0, min(d, _DIRECT) + 1.0) ** -a
    head = math.fsum(terms)
    if d <= _DIRECT or terms[-1] * _DIRECT < 1e-40:
        return head
    start, stop = float(_DIRECT), float(d)
    return math.fsum([head, _integral(start, stop, a), _corrections(start, stop, a)])


def _integral(start: float, stop: float, a: float) -> float:
    """Return the integral of x^(-a)."""
    order, length = 1.0 - a, math.log(stop / start)
    if abs(order) * length > 1.0:
        return float((stop**order - start**order) / order)
    ratio = math.expm1(order * length) / order if order != 0.0 else length
    return float(start**order * ratio)


def _corrections(start: float, stop: float, a: float) -> float:
    """Return what the sum from start + 1 to stop has beyond the integral."""
    terms = [0.5 * (stop**-a - start**-a)]
    rising = a
    for j, bernoulli in enumerate(_BERNOULLI):
        power = -a - 2 * j - 1
        # The derivative of order 2j + 1 of x^(-a) is minus the rising factorial times x^power.
        terms.append(-bernoulli * rising * (stop**power - start**power))
        rising *= (a + 2 * j + 1) * (a + 2 * j + 2)
    return math.fsum(terms)


def zeta_half(s: float) -> float:
    """Return the Hurwitz zeta function zeta(s, 1/2) = (2^s - 1) zeta(s) for real s < 1.

    The sums over i = 1..d of (i - 1/2)^(-s) are d^(1-s)/(1-s) + zeta(s, 1/2) + ...: it is the
    leading error of midpoint rules with a singular end (SPEC-12).

    Parameters
    ----------
    s : float
        Below 1.

    Raises
    ------
    ValueError
        For s >= 1.

    Examples
    --------
    >>> round(zeta_half(1 / 3.5), 12)
    -0.192100498963
    """
    s = Real(high=1.0, high_open=True).check("s", s)
    return float(math.expm1(s * math.log(2.0)) * zeta(s))
