"""Mean weight of a token on itself for W_QK proportional to the identity (RMT-4e)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from qktheory.base.domains import Integer, Real

__all__ = ["mean_self_weight_sigmoid"]

FloatArray = NDArray[np.float64]

_COUNT = Integer(low=1, high=10**15)
_VARIANCE = Real(low=0.0, high=1e12)
#: Log of what is left out on each side, relative to the peak.
_DEPTH = 48.0
_MOST_HALVINGS = 9


def mean_self_weight_sigmoid(T: int, d: int, s2: float) -> float:
    """Return E 1/(1 + (T - 1) exp(s2 n/(2d) - s n/sqrt d)) over n ~ chi^2_d.

    Parameters
    ----------
    T : int
        Number of tokens, 1 <= T <= 1e15.
    d : int
        Dimension, 1 <= d <= 1e15.
    s2 : float
        Variance of an off-diagonal score, 0 <= s2 <= 1e12.

    Returns
    -------
    float
        Relative accuracy about 1e-12.

    Raises
    ------
    ValueError
        If an argument is out of its domain.

    Notes
    -----
    Trapezoid in the logarithm of n/d, halved until it stands. Where s > 2 sqrt d the exponential
    e^(-b n/d) is taken out of the average, which tilts the chi-square law to n/(1 + 2b/d).

    Examples
    --------
    >>> round(mean_self_weight_sigmoid(600, 64, 0.5), 12)
    0.300971731402
    """
    keys, size = _COUNT.check("T", T) - 1, float(_COUNT.check("d", d))
    variance = _VARIANCE.check("s2", s2)
    if keys == 0:
        return 1.0
    slope = math.sqrt(variance * size) - 0.5 * variance
    log_keys = math.log(keys)
    tilt = 0.0 if slope >= 0.0 else -slope
    centre = 1.0 / (1.0 + 2.0 * tilt / size)

    def weight(ratio: FloatArray) -> FloatArray:
        if tilt == 0.0:
            return np.asarray(np.exp(-np.logaddexp(0.0, log_keys - slope * ratio)))
        return np.asarray(1.0 / (keys + np.exp(-tilt * centre * ratio)))

    level = 2.0 * (_DEPTH + log_keys) / size
    left = brentq(lambda t: math.expm1(t) - t - level, -(2.0 + level + math.sqrt(2 * level)), 0.0)
    right = brentq(lambda t: math.expm1(t) - t - level, 0.0, 2.0 * math.sqrt(level) + 1.0)
    step = min(0.25 * math.sqrt(2.0 / size), 0.25)
    total = mass = 0.0
    previous = math.inf
    offset = 0.0
    for _ in range(_MOST_HALVINGS):
        t = np.arange(math.floor(left / step), math.ceil(right / step) + 1) * step + offset
        density = np.exp(-0.5 * size * _exponential_rest(np.asarray(t, dtype=np.float64)))
        mass += math.fsum(density)
        total += math.fsum(density * weight(np.exp(t)))
        value = total / mass
        if abs(value - previous) <= 1e-13 * value:
            break
        previous = value
        # The first pass fills the lattice; later ones its midpoints.
        step, offset = (step, 0.5 * step) if offset == 0.0 else (0.5 * step, 0.25 * step)
    return value * math.exp(-0.5 * size * math.log1p(2.0 * tilt / size))


def _exponential_rest(t: FloatArray) -> FloatArray:
    """Return e^t - 1 - t without cancellation."""
    near = np.where(np.abs(t) < 1e-2, t, 0.0)
    series = near**2 * (0.5 + near * (1 / 6 + near * (1 / 24 + near * (1 / 120 + near / 720))))
    return np.where(np.abs(t) < 1e-2, series, np.expm1(t) - t)
