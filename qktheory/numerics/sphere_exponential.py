"""Mean of exp(beta (t - 1)) over a coordinate t of a random unit vector."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import gammaln, ive

from qktheory.base.domains import Integer, Real

__all__ = ["sphere_exponential"]

_DIMENSION = Integer(low=1, high=10**15)
_RATE = Real(low=0.0)
#: Order of the Bessel function from which its uniform expansion has 14 digits.
_LARGE_ORDER = 60.0
#: Rate up to which the power series, of about as many terms, is summed.
_SMALL_RATE = 600.0


def sphere_exponential(d: int, beta: float) -> float:
    """Return E exp(beta (t - 1)) for a coordinate t of a uniform unit vector of R^d.

    Parameters
    ----------
    d : int
        Dimension, 1 <= d <= 1e15; t is +-1 for d = 1.
    beta : float
        >= 0.

    Returns
    -------
    float
        e^-beta 0F1(; d/2; beta^2/4), relative accuracy about 1e-13 times the size of its
        logarithm.

    Raises
    ------
    ValueError
        If an argument is out of its domain.

    Notes
    -----
    The average is Gamma(nu + 1) (2/beta)^nu I_nu(beta) e^-beta with nu = d/2 - 1: the power series
    where beta is small, Debye's expansion (DLMF 10.41.3) where nu is large, and the Bessel function
    between.

    Examples
    --------
    >>> sphere_exponential(1, 1.0) == 0.5 * (1.0 + math.exp(-2.0))
    True
    >>> round(63 * sphere_exponential(32, 32.0), 17)
    1.5182570715e-07
    """
    size, beta = _DIMENSION.check("d", d), _RATE.check("beta", beta)
    if size == 1:
        return 0.5 * (1.0 + math.exp(-2.0 * beta))
    nu = 0.5 * size - 1.0
    if beta <= _SMALL_RATE:
        return _series(nu, beta) * math.exp(-beta)
    if nu >= _LARGE_ORDER:
        return math.exp(_log_debye(nu, beta))
    logarithm = float(gammaln(nu + 1.0)) - nu * math.log(0.5 * beta)
    return math.exp(logarithm + math.log(float(ive(nu, beta))))


def _series(nu: float, beta: float) -> float:
    """Sum (beta^2/4)^k/((nu + 1)_k k!)."""
    term = total = 1.0
    quarter = 0.25 * beta * beta
    k = 0
    while term > 1e-18 * total:
        k += 1
        term *= quarter / (k * (nu + k))
        total += term
    return total


def _log_debye(nu: float, beta: float) -> float:
    """Return log of Gamma(nu + 1) (2/beta)^nu I_nu(beta) e^-beta for large nu."""
    x = beta / nu
    r = math.hypot(1.0, x)
    rise = x / (1.0 + r) * x  # r - 1
    p = 1.0 / r
    p2 = p * p
    sums = (
        p * (3.0 - 5.0 * p2) / 24.0,
        p2 * (81.0 + p2 * (-462.0 + 385.0 * p2)) / 1152.0,
        p * p2 * (30375.0 + p2 * (-369603.0 + p2 * (765765.0 - 425425.0 * p2))) / 414720.0,
        p2
        * p2
        * (
            4465125.0
            + p2 * (-94121676.0 + p2 * (349922430.0 + p2 * (-446185740.0 + 185910725.0 * p2)))
        )
        / 39813120.0,
    )
    correction = sum(u / nu**k for k, u in enumerate(sums, start=1))
    stirling = (1.0 / 12.0 - (1.0 / 360.0 - 1.0 / (1260.0 * nu * nu)) / (nu * nu)) / nu
    # (r - 1 - x)(r + 1 + x) = -2 x: no cancellation at either end.
    exponent = -nu * (2.0 * x / (1.0 + r + x) + math.log1p(0.5 * rise))
    return exponent + stirling - 0.5 * math.log(r) + float(np.log1p(correction))
