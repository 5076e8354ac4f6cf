"""Averages of the bridge softmax over the law of its drift (LOC-9g, LOC-10).

Of the two end weights E[m/(e^m - 1)] and E[m/(1 - e^-m)] the smaller one comes from the contour
integral of `bridge_contour`, relatively accurate also where it is exponentially small; the other
exceeds it by |E m|, and E[(m/2) coth(m/2)] is their mean.
"""

from __future__ import annotations

import math

from numpy.typing import ArrayLike

from qktheory.base.domains import Real
from qktheory.base.errors import bad_value
from qktheory.numerics.bridge_contour import (
    DriftLaw,
    NormalDrift,
    QuadraticDrift,
    smaller_end_weight,
)
from qktheory.numerics.drift_weight import drift_weight
from qktheory.numerics.quadratic_form import QuadraticForm

__all__ = [
    "mean_drift_weight",
    "mean_drift_weight_normal",
    "mean_half_coth",
    "mean_half_coth_normal",
    "positional_localization",
    "positional_localization_normal",
]

_HUGE = 1e100


def _quadratic_law(
    weights: ArrayLike, multiplicities: ArrayLike | None
) -> tuple[float, DriftLaw | None]:
    """Return E m and the law of sign(E m) m; None for a constant 0."""
    form = QuadraticForm(weights, multiplicities)
    if form.weights.size == 0:
        return 0.0, None
    if max(-form.weights[0], form.weights[-1]) > _HUGE:
        raise bad_value("weights", weights, f"numbers of size <= {_HUGE:g}")
    mean = form.mean
    sign = math.copysign(1.0, mean)
    return mean, QuadraticDrift(sign * form.weights, form.multiplicities)


def _normal_law(mu: float, variance: float) -> tuple[float, DriftLaw | None]:
    mean = Real(low=-_HUGE, high=_HUGE).check("mu", mu)
    spread = Real(low=0.0, high=_HUGE).check("variance", variance)
    return mean, NormalDrift(abs(mean), spread) if spread > 0.0 else None


def _smaller(mean: float, law: DriftLaw | None) -> float:
    return float(drift_weight(-abs(mean))) if law is None else smaller_end_weight(law)


def _end_weight(parts: tuple[float, DriftLaw | None]) -> float:
    mean, law = parts
    return _smaller(mean, law) + max(mean, 0.0)


def _half_coth(parts: tuple[float, DriftLaw | None]) -> float:
    mean, law = parts
    return _smaller(mean, law) + 0.5 * abs(mean)


def mean_drift_weight(weights: ArrayLike, multiplicities: ArrayLike | None = None) -> float:
    """Return E[m/(1 - exp(-m))] for m = sum_j w_j g_j^2, g_j iid standard normal (LOC-10).

    This is T E A_T of the bridge softmax for w_j = T times the eigenvalues of M; T E A_1 is the
    value for -w_j.

    Parameters
    ----------
    weights : array_like, shape (J,)
        w_j of either sign, up to 1e100; an empty list or zeros mean m = 0.
    multiplicities : array_like, shape (J,), optional
        How often each occurs, 1 by default.

    Returns
    -------
    float
        Relative error below 1e-12, also where the value is exponentially small.

    Raises
    ------
    ValueError
        If a weight is not finite or too large, or a multiplicity is not positive.

    Examples
    --------
    >>> round(mean_drift_weight([0.5] * 8), 10)
    4.1477110206
    >>> round(mean_drift_weight([-0.5] * 8), 10)
    0.1477110206
    """
    return _end_weight(_quadratic_law(weights, multiplicities))


def mean_half_coth(weights: ArrayLike, multiplicities: ArrayLike | None = None) -> float:
    """Return E[(m/2) coth(m/2)] for m = sum_j w_j g_j^2 (LOC-9g, LOC-10).

    Equal to 1 - 2 int_0^inf Re phi'(t)/(e^(2 pi t) - 1) dt with phi the characteristic function
    of m; computed on the saddle-point line, which neither oscillates nor cancels.

    Parameters
    ----------
    weights : array_like, shape (J,)
        w_j of either sign, up to 1e100; an empty list or zeros mean m = 0.
    multiplicities : array_like, shape (J,), optional
        How often each occurs, 1 by default.

    Returns
    -------
    float
        >= 1; relative error below 1e-12.

    Raises
    ------
    ValueError
        If a weight is not finite or too large, or a multiplicity is not positive.

    Examples
    --------
    >>> round(mean_half_coth([1.0, -1.0, 0.5, -0.5]), 12)
    1.312868286415
    """
    return _half_coth(_quadratic_law(weights, multiplicities))


def mean_drift_weight_normal(mu: float, variance: float) -> float:
    """Return E[m/(1 - exp(-m))] for m ~ N(mu, variance), the wide-spectrum law (LOC-10b).

    Parameters
    ----------
    mu : float
        Mean of m, T xi; size up to 1e100.
    variance : float
        Variance of m, 2 T^2 eta, in [0, 1e100]; 0 is legal.

    Returns
    -------
    float
        Relative error below 1e-12.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Examples
    --------
    >>> round(mean_drift_weight_normal(2.0, 0.0), 10)
    2.3130352855
    """
    return _end_weight(_normal_law(mu, variance))


def mean_half_coth_normal(mu: float, variance: float) -> float:
    """Return E[(m/2) coth(m/2)] for m ~ N(mu, variance), the wide-spectrum law (LOC-10b).

    Parameters
    ----------
    mu : float
        Mean of m, T xi; size up to 1e100.
    variance : float
        Variance of m, 2 T^2 eta, in [0, 1e100]; 0 is legal.

    Returns
    -------
    float
        >= 1; relative error below 1e-12.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Examples
    --------
    >>> round(mean_half_coth_normal(0.0, 2.0 * 2.56**2), 10)
    1.7654893502
    """
    return _half_coth(_normal_law(mu, variance))


def positional_localization(weights: ArrayLike, multiplicities: ArrayLike | None = None) -> float:
    """Return Lambda = E m/E[m coth(m/2)] for m = sum_j w_j g_j^2 (LOC-10).

    Lambda = (E A_T - E A_1)/(E A_T + E A_1); with w_j = T mu_k its numerator is T xi.

    Parameters
    ----------
    weights : array_like, shape (J,)
        w_j of either sign, up to 1e100; an empty list or zeros mean m = 0.
    multiplicities : array_like, shape (J,), optional
        How often each occurs, 1 by default.

    Returns
    -------
    float
        In (-1, 1), 0 exactly when the weights sum to 0; relative error below 1e-12.

    Raises
    ------
    ValueError
        If a weight is not finite or too large, or a multiplicity is not positive.

    Examples
    --------
    >>> round(positional_localization([0.5] * 8), 10)
    0.9312239779
    """
    parts = _quadratic_law(weights, multiplicities)
    return 0.5 * parts[0] / _half_coth(parts)


def positional_localization_normal(mu: float, variance: float) -> float:
    """Return Lambda = E m/E[m coth(m/2)] for m ~ N(mu, variance) (LOC-10b).

    Parameters
    ----------
    mu : float
        Mean of m, T xi; size up to 1e100.
    variance : float
        Variance of m, 2 T^2 eta, in [0, 1e100]; 0 is legal.

    Returns
    -------
    float
        In [-1, 1]; relative error below 1e-12.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Examples
    --------
    >>> round(positional_localization_normal(4.0, 0.0), 10)
    0.9640275801
    """
    parts = _normal_law(mu, variance)
    return 0.5 * parts[0] / _half_coth(parts)
