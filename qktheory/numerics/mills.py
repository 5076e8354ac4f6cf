"""The inverse Mills ratio of the normal law and what is left of 1 behind it (ENT-7a, ENT-8d)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import erfcx, log_ndtr

from qktheory.base.arrays import real_array
from qktheory.base.domains import Real

__all__ = [
    "inverse_mills",
    "log_scaled_cdf",
    "mills_excess",
    "mills_offset",
    "one_minus_mills_slope",
]

_Floats = NDArray[np.float64]

_REAL = Real()
_LEVEL = Real(low=0.0, high=1.0, low_open=True, high_open=True)
# Left of -_FAR continued fractions take over; with this many terms they are at rounding there.
_FAR = 2.0
_TERMS = 160


def inverse_mills(x: ArrayLike) -> _Floats:
    """Return mills(x) = pdf(x)/cdf(x) of the standard normal law.

    Parameters
    ----------
    x : array_like
        Points, any shape.

    Returns
    -------
    ndarray
        Shape of `x`; mills(x) is about -x on the far left and pdf(x) on the right. Relative error
        below 1e-13 for x < 5, then about x^2 epsilons.

    Raises
    ------
    ValueError
        If a point is not a finite number.

    Examples
    --------
    >>> inverse_mills([0.0, -1e9]).round(10)
    array([7.97884561e-01, 1.00000000e+09])
    """
    points = real_array("x", x, _REAL)
    left = math.sqrt(2.0 / math.pi) / erfcx(np.maximum(-points, 0.0) / math.sqrt(2.0))
    right = np.maximum(points, 0.0)
    with np.errstate(under="ignore", over="ignore"):
        density = np.exp(-0.5 * right * right - log_ndtr(right)) / math.sqrt(2.0 * math.pi)
    return np.asarray(np.where(points < 0.0, left, density))


def log_scaled_cdf(x: ArrayLike) -> _Floats:
    """Return ln Phi(-x) + x^2/2 for x >= 0, which stays of the size of ln x.

    Parameters
    ----------
    x : array_like
        Points >= 0, any shape.

    Returns
    -------
    ndarray
        Shape of `x`, near rounding.

    Raises
    ------
    ValueError
        If a point is not a finite number >= 0.

    Examples
    --------
    >>> log_scaled_cdf([0.0, 1e6]).round(6)
    array([ -0.693147, -14.734449])
    """
    points = real_array("x", x, Real(low=0.0))
    return np.asarray(np.log(0.5 * erfcx(points / math.sqrt(2.0))))


def _tail_fractions(x: _Floats) -> tuple[_Floats, _Floats]:
    """Return u = mills(-x) - x and w = 1/u - x for x >= _FAR, by Laplace's continued fraction."""
    w = np.zeros_like(x)
    for k in range(_TERMS, 1, -1):
        w = k / (x + w)
    return 1.0 / (x + w), w


def mills_excess(x: ArrayLike) -> _Floats:
    """Return mills(x) + x, positive everywhere and about -1/x on the far left.

    Parameters
    ----------
    x : array_like
        Points, any shape.

    Returns
    -------
    ndarray
        Shape of `x`; relative error below 1e-13.

    Raises
    ------
    ValueError
        If a point is not a finite number.

    Examples
    --------
    >>> mills_excess([-1e9, 0.0]).round(10)
    array([1.00000000e-09, 7.97884561e-01])
    """
    points = real_array("x", x, _REAL)
    far, _ = _tail_fractions(np.maximum(-points, _FAR))
    near = np.maximum(points, -_FAR)
    return np.asarray(np.where(points < -_FAR, far, inverse_mills(near) + near))


def one_minus_mills_slope(x: ArrayLike) -> _Floats:
    """Return 1 - mills(x) (mills(x) + x), the variance of a normal variable given that it is < x.

    The heat capacity C/s^2 of a Gaussian row in the window around freezing (ENT-7a), x = s_c - s.

    Parameters
    ----------
    x : array_like
        Points, any shape.

    Returns
    -------
    ndarray
        Shape of `x`, increasing from 0 (as 1/x^2) to 1; relative error below 1e-12.

    Raises
    ------
    ValueError
        If a point is not a finite number.

    Examples
    --------
    >>> one_minus_mills_slope([-1e6, 0.0]).round(12)
    array([1.00000000e-12, 3.63380228e-01])
    """
    points = real_array("x", x, _REAL)
    u, w = _tail_fractions(np.maximum(-points, _FAR))
    near = np.maximum(points, -_FAR)
    ratio = inverse_mills(near)
    # With mills = -x + u, u (-x + u) = 1 - u (w - u) exactly, by the definition of w.
    return np.asarray(np.where(points < -_FAR, u * (w - u), 1.0 - ratio * (ratio + near)))


def mills_offset(level: float) -> float:
    """Return the root delta of 1 - mills(delta)(mills(delta) + delta) = level (ENT-8d).

    The offset s_c - s at which C/s^2 = level in the limit of large T.

    Parameters
    ----------
    level : float
        Between 0 and 1, both excluded.

    Returns
    -------
    float
        Near rounding, times the condition of the root.

    Raises
    ------
    ValueError
        If the level is not inside (0, 1).

    Examples
    --------
    >>> round(mills_offset(0.5), 10)
    0.5506075198
    """
    level = _LEVEL.check("level", level)

    def above(delta: float) -> float:
        if level < 0.5:
            return math.log(float(one_minus_mills_slope(delta)) / level)
        # The distance to 1 keeps its digits where the value itself does not.
        ratio = float(inverse_mills(delta))
        return math.log((1.0 - level) / (ratio * (ratio + delta)))

    # The variance is below 1/delta^2 on the left.
    return float(brentq(above, -1.001 / math.sqrt(level), 12.0, xtol=1e-15, rtol=1e-14))
