"""Error of softmax attention over a grid of keys that are their own values."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize_scalar

from qktheory.base.domains import Real

__all__ = ["grid_output", "interpolation_error", "ripple_exact", "ripple_law"]

FloatArray = NDArray[np.float64]

_SHARPNESS = Real(low=0.0, low_open=True)
#: Sharpness up to which the ripple is summed over frequencies, beyond it over keys.
_FEW_FREQUENCIES = 3.0
#: Sharpness below which the half-line sums are the Euler-Maclaurin ones, to rounding.
_WIDE = 0.01
#: Sharpness from which two keys have all the weight, to rounding.
_TWO_KEYS = 40.0


def grid_output(keys: FloatArray, inverse_temperature: float, u: float) -> float:
    """Return sum_i softmax(beta (2 L_i u - L_i^2)) L_i.

    Parameters
    ----------
    keys : ndarray of shape (n,)
        Grid L.
    inverse_temperature : float
        beta >= 0.
    u : float
        Input.

    Returns
    -------
    float

    Examples
    --------
    >>> grid_output(np.array([0.0, 1.0]), 1.0, 0.5)
    0.5
    """
    nearest = keys[int(np.argmin(np.abs(keys - u)))]
    with np.errstate(over="ignore", invalid="ignore"):
        # beta ((L - u)^2 - (L* - u)^2): factored, so that a distant u costs no digits.
        depth = inverse_temperature * ((keys - nearest) * ((keys - u) + (nearest - u)))
        depth = np.where(keys == nearest, 0.0, depth)
        weights = np.exp(-depth)
    return float(nearest + weights @ (keys - nearest) / weights.sum())


def ripple_law(sharpness: float) -> float:
    """Return (2 pi/s) e^(-pi^2/s), the leading ripple on an infinite grid, over the step.

    Parameters
    ----------
    sharpness : float
        s = beta h^2 > 0.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the sharpness is out of its domain.

    Examples
    --------
    >>> round(ripple_law(2.0), 9)
    0.022593968
    """
    s = _SHARPNESS.check("sharpness", sharpness)
    # One exponential: 1/s alone may overflow.
    return math.exp(math.log(2.0 * math.pi) - math.log(s) - math.pi**2 / s) if s > 1e-6 else 0.0


def _ripple(s: float, u: float) -> float:
    """Return u minus the output at u on the infinite grid of step 1, by frequencies."""
    q = -(math.pi**2) / s
    above = below = 0.0
    for k in range(1, 9):
        amplitude = math.exp(q * (k * k - 1))  # relative to the first frequency
        above += k * amplitude * math.sin(2.0 * math.pi * k * u)
        below += amplitude * math.cos(2.0 * math.pi * k * u)
    return above / (1.0 + 2.0 * math.exp(q) * below)


def ripple_exact(sharpness: float) -> float:
    """Return the largest |output - u| on an infinite grid, over its step.

    Parameters
    ----------
    sharpness : float
        s = beta h^2 > 0.

    Returns
    -------
    float
        Relative accuracy about 1e-13.

    Raises
    ------
    ValueError
        If the sharpness is out of its domain.

    Examples
    --------
    >>> round(ripple_exact(2.0), 9)
    0.022596305
    """
    s = _SHARPNESS.check("sharpness", sharpness)
    if s <= _FEW_FREQUENCIES:
        best = minimize_scalar(
            lambda u: -_ripple(s, u),
            bounds=(0.02, 0.48),
            method="bounded",
            options={"xatol": 1e-10},
        )
        return ripple_law(s) * -float(best.fun)
    keys = np.arange(-10.0, 12.0)
    return _largest_rise(s, keys)


def _moments(s: float, keys: FloatArray, u: float) -> tuple[float, float]:
    """Return mean and variance of the keys under the weights e^(-s (L - u)^2)."""
    depth = s * ((keys - u) ** 2 - np.min((keys - u) ** 2))
    weights = np.exp(-depth)
    weights /= weights.sum()
    mean = float(weights @ keys)
    return mean, float(weights @ (keys - mean) ** 2)


def _largest_rise(s: float, keys: FloatArray) -> float:
    """Return the largest output - u in [1/2, 1], where 2 s Var = 1, for s above 1.5."""
    if s >= _TWO_KEYS:  # sigma(2 s v) - 1/2 - v, largest where 2 s sigma (1 - sigma) = 1
        root = math.sqrt(1.0 - 2.0 / s)
        return 0.5 * root - (math.log(0.5 * (1.0 + root) ** 2) + math.log(s)) / (2.0 * s)

    def slope(v: float) -> float:
        return 2.0 * s * _moments(s, keys, 0.5 + v)[1] - 1.0

    if slope(0.0) <= 0.0 or slope(0.5) >= 0.0:
        return 0.0
    v = float(brentq(slope, 0.0, 0.5, xtol=1e-15))
    return _moments(s, keys, 0.5 + v)[0] - (0.5 + v)


def interpolation_error(sharpness: float) -> float:
    """Return the largest |output - clip(u)| over all real u, over the step of a long grid.

    Parameters
    ----------
    sharpness : float
        s = beta h^2 > 0.

    Returns
    -------
    float
        The larger one of the bias at an end of the grid, which a low sharpness makes, and of the
        ripple next to it, which a high one makes; relative accuracy about 1e-12.

    Raises
    ------
    ValueError
        If the sharpness is out of its domain.

    Notes
    -----
    Keys beyond the end would pull the output down, so their lack raises the error everywhere: the
    supremum is at the end itself or in the first half-step where the output exceeds u.

    Examples
    --------
    >>> [round(interpolation_error(s), 5) for s in (1.0, 2.72, 4.0)]
    [0.29206, 0.06187, 0.13514]
    """
    s = _SHARPNESS.check("sharpness", sharpness)
    if s < _WIDE:
        # sum k e^(-s k^2) by Euler-Maclaurin, over (1 + sqrt(pi/s))/2.
        above = 0.5 / s - 1.0 / 12.0 - s * (1.0 / 120.0 + s * (1.0 / 504.0 + s / 1440.0))
        return above / (0.5 + 0.5 * math.sqrt(math.pi / s))
    keys = np.arange(0.0, math.ceil(math.sqrt(45.0 / s)) + 4.0)
    end = _moments(s, keys, 0.0)[0]
    return max(end, _largest_rise(s, keys)) if s > 1.5 else end
