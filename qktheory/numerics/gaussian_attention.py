"""Second moments of softmax matrices of iid Gaussian scores (RMT-1, RMT-5).

A row of A = softmax(s g) has E A_1^2 = (1 + c_T^2)/T^2, so that A - (1/T) 1 1^T has entries of
variance c_T^2/T^2. What is left of a token that is not common to all of them shrinks by
r = c_T^2/T a layer, in mean square.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from qktheory.base.domains import Real
from qktheory.numerics.gaussian_row import mean_participation

__all__ = ["product_norm_squared", "relative_variance"]

_KEYS = Real(low=1.0, high=1e300)
_VARIANCE = Real(low=0.0, high=1e200)
_CONTRACTION = Real(low=0.0, high=1.0)
_LAYERS = Real(low=0.0, high=1e15)
#: Below, T E Y_2 - 1 cancels too many digits.
_SMALL = 0.1


def relative_variance(T: float, s2: float) -> float:
    """Return c_T^2 = T^2 E A_1^2 - 1 of a row of T iid N(0, s2) logits.

    Parameters
    ----------
    T : float
        Number of keys, 1 <= T <= 1e300.
    s2 : float
        Variance of a logit, >= 0.

    Returns
    -------
    float
        Between 0 and T - 1; tends to exp(s2) - 1 as T grows. Relative accuracy about 1e-12, for
        small s2 too.

    Raises
    ------
    ValueError
        If an argument is out of its domain.

    Notes
    -----
    T E Y_2 - 1 of ENT-1. With phi(t) = E e^(-t w), w = e^(s g - s^2/2), it is also
    T (T - 1) times the integral of t phi^T Var_t(w), Var_t the variance under the law tilted by
    e^(-t w): the sum of positive terms that is used where the difference would cancel (RMT-1).

    Examples
    --------
    >>> round(relative_variance(100, math.log(2.0)), 11)
    0.9457113339
    >>> relative_variance(100, 1e-20)
    9.89999...e-21
    """
    return _relative_variance(_KEYS.check("T", T), _VARIANCE.check("s2", s2))


@lru_cache(maxsize=512)
def _relative_variance(T: float, s2: float) -> float:
    if T == 1.0 or s2 == 0.0:
        return 0.0
    if s2 >= _SMALL:
        return max(0.0, T * float(mean_participation(T, math.sqrt(s2))) - 1.0)
    s = math.sqrt(s2)
    g = np.arange(-40.0, 41.0) * 0.25
    weights = np.exp(-0.5 * g * g) * (0.25 / math.sqrt(2.0 * math.pi))
    excess = np.expm1(s * g - 0.5 * s2)
    # Trapezoid in u = log(T t); the integrand falls like e^(2u) on the left.
    step = 0.2
    u = np.arange(-110, 60) * step
    t = np.exp(u)[:, None] / T
    fallen = np.expm1(-t * (1.0 + excess)) @ weights
    # Where phi is 1e-14 its power is negligible.
    kept = fallen > 1e-14 - 1.0
    u, t, log_phi = u[kept], t[kept], np.log1p(fallen[kept])
    tilted = np.exp(-t * (1.0 + excess) - log_phi[:, None]) * weights
    centre = tilted @ excess
    variance = np.sum(tilted * (excess - centre[:, None]) ** 2, axis=1)
    # t dt = e^(2u) du/T^2, and T (T - 1)/T^2 = 1 - 1/T.
    return (1.0 - 1.0 / T) * step * math.fsum(np.exp(2.0 * u + T * log_phi) * variance)


def product_norm_squared(
    T: float, contraction: float, L: float, sigma_V: float = 1.0
) -> tuple[float, float]:
    """Return E ||X_L||_F^2 through L layers of fresh iid attention, with and without its mean.

    Parameters
    ----------
    T : float
        Number of tokens, >= 1.
    contraction : float
        r = c_T^2/T, in [0, 1].
    L : float
        Number of layers, >= 0.
    sigma_V : float, optional
        Entries of the value matrices have variance sigma_V^2/d.

    Returns
    -------
    (float, float)
        sigma_V^(2L) ((1 - r^L)/(1 - r) + T r^L) for A, sigma_V^(2L) T r^L for A - (1/T) 1 1^T;
        infinite where double precision ends.

    Raises
    ------
    ValueError
        If an argument is out of its domain.

    Examples
    --------
    >>> product_norm_squared(4, 0.5, 2)
    (2.5, 1.0)
    """
    T, L = _KEYS.check("T", T), _LAYERS.check("L", L)
    r = _CONTRACTION.check("contraction", contraction)
    scale = Real(low=0.0).check("sigma_V", sigma_V) ** 2
    if r == 1.0:
        common = L
    elif r < 0.5:
        common = (1.0 - r**L) / (1.0 - r)
    else:
        common = -math.expm1(L * math.log1p(-(1.0 - r))) / (1.0 - r)
    perp = T * _power(r * scale, L)
    return common * _power(scale, L) + perp, perp


def _power(base: float, exponent: float) -> float:
    """Return base^exponent, infinite where it overflows."""
    try:
        return float(base**exponent)
    except OverflowError:
        return math.inf
