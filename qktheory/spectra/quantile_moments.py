"""Moments of deterministic quantile spectra Q((i - 1/2)/d) against their limits (SPEC-12)."""

from __future__ import annotations

import math

import numpy as np

from qktheory.numerics.harmonic import zeta_half
from qktheory.spectra.law import Law, check_order
from qktheory.spectra.laws.pareto import Pareto

__all__ = [
    "iid_std",
    "midpoint_moments",
    "pareto_coefficient",
    "semicircle_coefficient",
]


def midpoint_moments(law: Law, d: int, orders: list[int]) -> list[float]:
    """Return (1/d) sum_i Q((i - 1/2)/d)^k for each order k.

    Parameters
    ----------
    law : Law
        With a quantile function.
    d : int
        Number of eigenvalues.
    orders : list of int
        Orders k >= 0.

    Examples
    --------
    >>> from qktheory.spectra.laws.uniform import Uniform
    >>> [round(m, 12) for m in midpoint_moments(Uniform(1.0), 10, [2, 4])]
    [0.33, 0.19338]
    """
    values = law.spectrum_quantiles(d)
    return [math.fsum(values ** check_order("k", k)) / d for k in orders]


def iid_std(law: Law, d: int, order: int) -> float | None:
    """Return sqrt(Var(x^k)/d), the spread of the same moment of d iid draws.

    Parameters
    ----------
    law : Law
        Law of x.
    d : int
        Number of draws.
    order : int
        Order k >= 1.

    Returns
    -------
    float or None
        None where the variance is infinite.

    Examples
    --------
    >>> from qktheory.spectra.laws.semicircle import Semicircle
    >>> round(iid_std(Semicircle(1.0), 50, 2), 12)
    0.141421356237
    """
    k = check_order("k", order, 1)
    if isinstance(law, Pareto):
        alpha = law.tail_exponent
        if 2 * k >= alpha:
            return None
        return float(k / (alpha - k) * math.sqrt(alpha / (alpha - 2 * k) / d))
    # About the mean, as sums of positive terms: m_2k - m_k^2 would cancel for narrow laws.
    mean = law.moment(k)
    total = math.fsum(mass * (place**k - mean) ** 2 for place, mass in law.atoms)
    measure = law.continuous_measure()
    if measure is not None:
        total += measure.average(lambda x: (np.real(x) ** k - mean) ** 2)
    return float(math.sqrt(total / d))


def semicircle_coefficient(std: float) -> float:
    """Return the coefficient of d^(-5/3) in the error of m_2 for a centred semicircle.

    Parameters
    ----------
    std : float
        Standard deviation.

    Examples
    --------
    >>> round(semicircle_coefficient(1.0), 10)
    -1.2913634986
    """
    return float(-8.0 * (1.5 * math.pi) ** (2.0 / 3.0) * zeta_half(-2.0 / 3.0) * std**2)


def pareto_coefficient(tail_exponent: float, order: int) -> float:
    """Return the coefficient of d^(-(1 - k/alpha)) in the error of m_k for a Pareto law.

    Parameters
    ----------
    tail_exponent : float
        alpha.
    order : int
        k < alpha.

    Examples
    --------
    >>> round(pareto_coefficient(3.5, 2), 10)
    -0.8690472525
    """
    Pareto(tail_exponent).check_finite("order", order, 1)
    return zeta_half(order / tail_exponent)
