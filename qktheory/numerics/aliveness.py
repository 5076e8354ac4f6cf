"""Signal propagation probability in the limit of many tokens, Gaussian case (LOC-4).

With x = theta - 1/2 and v = 2 x^2 + 1/12,

    rho_theta(xi, eta) = Phi((1 - xi x)/sqrt(eta v)) - Phi(-xi x/sqrt(eta v)).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq

from qktheory.base.domains import Real
from qktheory.base.errors import bad_value
from qktheory.numerics.normal import interval_probability

__all__ = ["ProfileExtremes", "rho_extremes", "rho_profile"]

_POSITIVE = Real(low=0.0, low_open=True)


def rho_profile(xi: float, eta: float, theta: ArrayLike) -> NDArray[np.float64]:
    """Return the aliveness rho at relative positions theta (LOC-4a).

    Parameters
    ----------
    xi : float
        Trace of M, any sign.
    eta : float
        Trace of M^2, > 0.
    theta : array_like
        Relative positions key/T in [0, 1], any shape.

    Returns
    -------
    ndarray
        rho in [0, 1], shape of `theta`; relative accuracy 1e-12 down to 1e-300.

    Raises
    ------
    ValueError
        If eta <= 0 or a position is outside [0, 1].

    Examples
    --------
    >>> rho_profile(4.0, 0.1, [0.5, 0.75]).round(8)
    array([0.5, 0.5])
    """
    xi = Real().check("xi", xi)
    eta = _POSITIVE.check("eta", eta)
    position = np.asarray(theta, dtype=np.float64)
    if not ((position >= 0.0) & (position <= 1.0)).all():
        raise bad_value("theta", theta, "numbers in [0, 1]")
    return _rho(xi, eta, position - 0.5)


def _ends(
    xi: float, eta: float, x: NDArray[np.float64] | float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    x = np.asarray(x, dtype=np.float64)
    sigma = np.sqrt(eta) * np.sqrt(2.0 * x * x + 1.0 / 12.0)
    return -xi * x / sigma, (1.0 - xi * x) / sigma


def _rho(xi: float, eta: float, x: NDArray[np.float64] | float) -> NDArray[np.float64]:
    low, high = _ends(xi, eta, x)
    return interval_probability(low, high)


class ProfileExtremes(NamedTuple):
    """Largest and smallest aliveness of a profile.

    Attributes
    ----------
    rho_max, rho_min : float
        Maximum and minimum over theta in [0, 1].
    theta_max : float
        Where the maximum is attained (1/2 if xi = 0).
    contrast : float
        rho_max - rho_min, computed without cancellation.
    """

    rho_max: float
    rho_min: float
    theta_max: float
    contrast: float


def rho_extremes(xi: float, eta: float) -> ProfileExtremes:
    """Return the extremes of the aliveness profile (LOC-4b).

    For xi > 0 the minimum is at theta = 0 (fact (ii)) and the derivative of rho vanishes exactly
    where xi (exp((1 - 2 xi x)/(2 eta v)) - 1) = 24 x. The left side decreases and the right side
    increases on (0, 1/(2 xi)), and beyond it the profile falls, so the maximiser is unique:
    that root, or theta = 1 if the root lies beyond. Negative xi mirrors theta.

    Parameters
    ----------
    xi : float
        Trace of M, any sign.
    eta : float
        Trace of M^2, > 0.

    Returns
    -------
    ProfileExtremes
        rho_max, rho_min, theta_max, contrast, each to 1e-11 relative (theta_max to 1e-12).

    Raises
    ------
    ValueError
        If xi is not finite or eta <= 0.

    Examples
    --------
    >>> round(rho_extremes(1.0, 10.0).contrast, 8)
    0.21569032
    """
    xi = Real().check("xi", xi)
    eta = _POSITIVE.check("eta", eta)
    size = abs(xi)
    x = _maximiser(size, eta)
    low, high = (float(end) for end in _ends(size, eta, x))
    low0, high0 = (float(end) for end in _ends(size, eta, -0.5))
    rho_max = float(interval_probability(low, high))
    rho_min = float(interval_probability(low0, high0))
    # Two ways of writing the difference; each is a sum of terms with a relative error of rounding.
    rise = float(interval_probability(min(low, low0), max(low, low0)))
    fall = float(interval_probability(min(high, high0), max(high, high0)))
    change = math.copysign(fall, high - high0)
    by_ends = rise + change
    contrast = by_ends if max(rise, fall) < rho_max else rho_max - rho_min
    return ProfileExtremes(rho_max, rho_min, 0.5 + math.copysign(x, xi), contrast)


def _maximiser(xi: float, eta: float) -> float:
    """Return x in [0, 1/2] where the profile for xi >= 0 is largest."""
    if xi == 0.0:
        return 0.0

    def equation(x: float) -> float:
        return math.log1p(24.0 * x / xi) - (1.0 - 2.0 * xi * x) / (
            2.0 * eta * (2.0 * x * x + 1.0 / 12.0)
        )

    end = min(0.5, 0.5 / xi)
    if equation(end) <= 0.0:
        return end
    return float(brentq(equation, 0.0, end, xtol=1e-18 + 1e-15 * end, rtol=1e-15))
