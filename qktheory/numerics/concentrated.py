"""Aliveness of a concentrated spectrum by one average over a chi-square law (LOC-3c, LOC-3d)."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import gammaln

from qktheory.base.domains import Integer, Real
from qktheory.base.errors import bad_value
from qktheory.numerics.normal import interval_probability

__all__ = ["concentrated_probability"]


def concentrated_probability(
    eigenvalue: float, multiplicity: float, gamma: float, D: float, a: float, b: float
) -> float:
    """Return P(a < q < b) for q = u^T M v with M = eigenvalue times the identity.

    Given chi ~ chi^2 with `multiplicity` degrees of freedom, q is normal with mean
    mu gamma chi and variance mu^2 D chi; the average over chi is taken by the trapezoidal rule in
    log chi, which converges geometrically.

    Parameters
    ----------
    eigenvalue : float
        mu, not 0.
    multiplicity : int
        Degrees of freedom d >= 1.
    gamma, D : float
        Covariance parameters of LOC-2, D > 0.
    a, b : float
        Ends, a <= b.

    Returns
    -------
    float
        Relative accuracy 1e-11 or better.

    Raises
    ------
    ValueError
        If an argument is out of its domain.

    Examples
    --------
    >>> round(concentrated_probability(0.5, 1, 2.5, 143 / 12, -1.0, 11.0), 10)
    0.9353884809
    """
    mu = Real().check("eigenvalue", eigenvalue)
    if mu == 0.0:
        raise bad_value("eigenvalue", eigenvalue, "a number other than 0")
    d = Integer(low=1).check("multiplicity", multiplicity)
    drift = mu * Real().check("gamma", gamma)
    spread = abs(mu) * math.sqrt(Real(low=0.0, low_open=True).check("D", D))
    low, high = float(a), float(b)
    if math.isnan(low) or math.isnan(high) or low > high:
        raise bad_value("b", b, f"a number >= a = {a}")

    def integrand(t: np.ndarray) -> np.ndarray:
        chi = np.exp(t)
        root = spread * np.exp(0.5 * t)
        inner = interval_probability((low - drift * chi) / root, (high - drift * chi) / root)
        log_density = 0.5 * d * (t - math.log(2.0)) - 0.5 * chi - gammaln(0.5 * d)
        return np.asarray(np.exp(log_density) * inner)

    # Far tails of q shift the weight of chi away from its own bulk, hence the generous window.
    width = math.sqrt(2.0 / d)
    step = min(0.125, 0.25 * width)
    left = math.log(d) - max(90.0 / d, 1.0) - 40.0 * width
    right = math.log(d + 60.0 * math.sqrt(d) + 1500.0)
    values = integrand(np.arange(left, right, step))
    return float(min(1.0, step * math.fsum(values)))
