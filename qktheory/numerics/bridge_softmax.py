"""True softmax of a drifted bridge in the continuum (LOC-9) and averages over its drift (LOC-10).

Given the query, the scores of random-walk tokens are w_i = m i/T + s B_i with B a bridge (LOC-8);
kappa^2 = T s^2. Closed forms live here; the entropy integral and the averages over m have their own
modules, `bridge_entropy` and `bridge_average`, and are named here as well.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from qktheory.base.domains import Integer, Real
from qktheory.base.errors import bad_value
from qktheory.numerics.bridge_average import (
    mean_drift_weight,
    mean_drift_weight_normal,
    mean_half_coth,
    mean_half_coth_normal,
    positional_localization,
    positional_localization_normal,
)
from qktheory.numerics.bridge_entropy import (
    entropy_deficit,
    entropy_deficit_large,
    entropy_deficit_small,
)
from qktheory.numerics.drift_weight import drift_weight, half_coth

__all__ = [
    "EndWeightMoments",
    "LateRegime",
    "drift_weight",
    "end_weight_bound",
    "end_weight_laplace",
    "end_weight_moments",
    "entropy_deficit",
    "entropy_deficit_large",
    "entropy_deficit_small",
    "half_coth",
    "late_regime",
    "mean_drift_weight",
    "mean_drift_weight_normal",
    "mean_half_coth",
    "mean_half_coth_normal",
    "positional_localization",
    "positional_localization_normal",
    "wide_bridge_entropy",
    "wide_bridge_power_sum",
]

_REAL = Real()
_NOT_NEGATIVE = Real(low=0.0)
_POSITIVE = Real(low=0.0, low_open=True)
_TOKENS = Integer(low=1, high=2**53)


class EndWeightMoments(NamedTuple):
    """Moments of the bridge softmax given its drift, for T to infinity (LOC-9b).

    Attributes
    ----------
    scaled_end_weight, scaled_first_weight : float
        T E A_T and T E A_1.
    scaled_end_weight_squared : float
        T^2 E A_T^2.
    scaled_participation : float
        T E sum_i A_i^2.
    """

    scaled_end_weight: float
    scaled_first_weight: float
    scaled_end_weight_squared: float
    scaled_participation: float


def end_weight_moments(m: float, kappa2: float) -> EndWeightMoments:
    """Return the moments of the end weights and the participation (LOC-9.2 to LOC-9.4).

    Parameters
    ----------
    m : float
        Total drift, the self logit; any finite number.
    kappa2 : float
        kappa^2 = T s2, >= 0.

    Returns
    -------
    EndWeightMoments
        Each value with a relative error below 1e-14 wherever it is a normal number.

    Raises
    ------
    ValueError
        If an argument is outside its domain, or a moment is too large for a float.

    Examples
    --------
    >>> moments = end_weight_moments(2.0, 4.0)
    >>> round(moments.scaled_end_weight_squared, 12), round(moments.scaled_participation, 12)
    (7.024912402657, 1.646368618833)
    """
    drift = _REAL.check("m", m)
    spread = _NOT_NEGATIVE.check("kappa2", kappa2)
    end = float(drift_weight(drift))
    second = end * end + spread * _end_variance(drift)
    if math.isinf(second):
        raise bad_value("m", m, f"a drift whose second moment at kappa2 = {spread:g} is finite")
    return EndWeightMoments(
        end, float(drift_weight(-drift)), second, float(half_coth(drift)) + spread / 12.0
    )


def _end_variance(m: float) -> float:
    """Return Var(T A_T)/kappa^2 = e^m (a cosh a - sinh a)/(4 sinh^3 a) with a = m/2."""
    a = 0.5 * abs(m)
    if a < 1.0:
        # a cosh a - sinh a = sum_n 2n a^(2n+1)/(2n+1)! without its cancellation.
        square = a * a
        series = math.fsum(
            2.0 * n * square ** (n - 1) / math.factorial(2 * n + 1) for n in range(1, 12)
        )
        ratio = math.sinh(a) / a if a > 0.0 else 1.0
        return 0.25 * math.exp(m) * series / ratio**3
    q = math.exp(-2.0 * a)
    scaled = (a * (1.0 + q) - (1.0 - q)) / (1.0 - q) ** 3
    return scaled if m > 0.0 else q * scaled * q


def end_weight_bound(m: float, T: int) -> float:
    """Return (1 - e^(-m/T))/(1 - e^(-m)), which bounds E A_T at every finite T (LOC-9.2).

    It is an upper bound for m > 0 and a lower bound for m < 0, with equality at s = 0.

    Parameters
    ----------
    m : float
        Total drift, any finite number; the limit 1/T is taken at 0.
    T : int
        Number of keys, 1 to 2^53.

    Returns
    -------
    float
        In [0, 1]; relative error below 1e-12, 0 below the smallest float.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Examples
    --------
    >>> round(end_weight_bound(2.0, 64), 15)
    0.03558230713845
    """
    drift = _REAL.check("m", m)
    count = _TOKENS.check("T", T)
    size = abs(drift)
    if size < 1e-290:
        return 1.0 / count
    ratio = math.expm1(-size / count) / math.expm1(-size)
    return ratio if drift > 0.0 else ratio * math.exp(-size * ((count - 1) / count))


def end_weight_laplace(m: float, kappa2: float, p: float) -> float:
    """Return E exp(-p T A_T), the Laplace transform of the end weight (LOC-9.3).

    With cosh phi = cosh(m/2) + (kappa^2/4) e^(m/2) p the value is
    exp(-(2/kappa^2)(phi^2 - m^2/4)). The difference y = phi - |m|/2 comes from a logarithm without
    cancellation, so that small kappa and small p keep their digits.

    Parameters
    ----------
    m : float
        Total drift, any finite number.
    kappa2 : float
        kappa^2 = T s2, > 0.
    p : float
        Argument, >= 0.

    Returns
    -------
    float
        In [0, 1]; relative error below 1e-12 times max(1, -ln value).

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Examples
    --------
    >>> round(end_weight_laplace(2.0, 8.0, 0.5), 10)
    0.4136169273
    """
    drift = _REAL.check("m", m)
    k = _POSITIVE.check("kappa2", kappa2)
    argument = _NOT_NEGATIVE.check("p", p)
    if argument == 0.0:
        return 1.0
    if k < 1e-200:
        # The correction is of relative order kappa^2.
        return math.exp(-argument * float(drift_weight(drift)))
    size = abs(drift)
    log_step = math.log(0.25 * k) + math.log(argument) + min(drift, 0.0)
    if log_step > 200.0:
        y = math.log(2.0) + log_step
    else:
        step = 0.25 * k * argument * math.exp(min(drift, 0.0)) if log_step > -600.0 else 0.0
        if not math.isfinite(step) or step == 0.0:
            step = math.exp(log_step)
        if step == 0.0:
            return 1.0
        # e^(-|m|/2) times cosh, sinh of |m|/2.
        cosh, sinh = 0.5 * (1.0 + math.exp(-size)), -0.5 * math.expm1(-size)
        growth = 2.0 * cosh + step
        root = math.hypot(sinh, math.sqrt(step) * math.sqrt(growth))
        y = math.log1p(step * (1.0 + growth / (root + sinh)))
    return math.exp(-(2.0 * y / k) * (size + y))


def wide_bridge_entropy(s2: float) -> float:
    """Return ln(2/s2) + 2 + gamma_E, the mean entropy for m = 0 and large kappa (LOC-9.5).

    Parameters
    ----------
    s2 : float
        Variance of one increment of the scores, > 0; the limit is s2 to 0 after T s2 to infinity.

    Returns
    -------
    float
        E H in nats.

    Raises
    ------
    ValueError
        If s2 is not positive and finite.

    Examples
    --------
    >>> round(wide_bridge_entropy(0.01), 10)
    7.8755330314
    """
    s2 = _POSITIVE.check("s2", s2)
    return math.log(2.0) - math.log(s2) + 2.0 + float(np.euler_gamma)


def wide_bridge_power_sum(s2: float, k: int) -> float:
    """Return E sum_i A_i^(k+1) = (s2/2)^k (k!)^3/(2k+1)! for m = 0 and large kappa (LOC-9.5).

    Parameters
    ----------
    s2 : float
        Variance of one increment of the scores, > 0.
    k : int
        Order, >= 1.

    Returns
    -------
    float
        Relative error below 1e-12 while k <= 1000.

    Raises
    ------
    ValueError
        If an argument is outside its domain, or the formula exceeds 1e308.

    Examples
    --------
    >>> wide_bridge_power_sum(0.012, 1)
    0.001
    """
    s2 = _POSITIVE.check("s2", s2)
    order = Integer(low=1, high=10**6).check("k", k)
    log_value = (
        order * math.log(0.5 * s2) + 3.0 * math.lgamma(order + 1.0) - math.lgamma(2.0 * order + 2.0)
    )
    if log_value > 709.0:
        raise bad_value("k", k, f"an order where the power sum at s2 = {s2:g} is below 1e308")
    if order > 100:
        return math.exp(log_value)
    value = 1.0
    for j in range(1, order + 1):
        value *= 0.5 * s2 * (0.5 * j * j / (2.0 * j + 1.0))
    return value


class LateRegime(NamedTuple):
    """The end of the bridge softmax for m to infinity at fixed drift m/T (LOC-9.6).

    Attributes
    ----------
    shape, scale : float
        A_T has the law scale * Gamma(shape, 1), shape = 2 drift/s2, scale = s2/2.
    mean_end_weight, var_end_weight : float
        E A_T = drift and Var A_T = drift s2/2.
    mean_participation : float
        E sum A^2 = drift/2 + s2/12.
    """

    shape: float
    scale: float
    mean_end_weight: float
    var_end_weight: float
    mean_participation: float


def late_regime(drift: float, s2: float) -> LateRegime:
    """Return the Gamma law of the last weight and the participation in the late regime (LOC-9f).

    Parameters
    ----------
    drift : float
        Drift per step m/T, > 0.
    s2 : float
        Variance of one increment of the scores, > 0.

    Returns
    -------
    LateRegime

    Raises
    ------
    ValueError
        If an argument is not positive and finite.

    Examples
    --------
    >>> late_regime(0.01, 0.04)
    LateRegime(shape=0.5, scale=0.02, mean_end_weight=0.01, var_end_weight=0.0002, ...)
    """
    delta = _POSITIVE.check("drift", drift)
    s2 = _POSITIVE.check("s2", s2)
    return LateRegime(2.0 * delta / s2, 0.5 * s2, delta, 0.5 * delta * s2, 0.5 * delta + s2 / 12.0)
