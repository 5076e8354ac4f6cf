"""Cosine of tokens that attract each other on the sphere, from an orthonormal start."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from qktheory.base.domains import Choice, Integer, Real

__all__ = ["one_minus_sphere_cosine"]

FloatArray = NDArray[np.float64]

_MODEL = Choice(("SA", "USA"))
_COUNT = Integer(low=2, high=10**15)
_RATE = Real(low=0.0, high=1e5)
_TIME = Real(low=0.0)
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(20)
#: -log(1 - cosine) from which the speed is constant to rounding, beyond that of the last panel.
_TAIL = 42.0


def one_minus_sphere_cosine(model: str, T: int, beta: float, time: float) -> tuple[float, float]:
    """Return cosine and one minus cosine of T tokens at a time.

    Parameters
    ----------
    model : {"SA", "USA"}
        Softmax attention, or the one with the normaliser T.
    T : int
        Number of tokens, 2 <= T <= 1e15, orthonormal at time 0.
    beta : float
        Inverse temperature, 0 <= beta <= 1e5.
    time : float
        >= 0.

    Returns
    -------
    tuple of float
        Both to a relative accuracy of about 1e-12.

    Raises
    ------
    ValueError
        If an argument is out of its domain.

    Notes
    -----
    The cosine g obeys dg/dt = 2 e^(beta g) (1 - g)((T - 1) g + 1)/N with N = e^beta + (T - 1)
    e^(beta g) for SA and T for USA. In l = -log(1 - g) the speed f(l) is positive and increasing,
    and the time is the integral of 1/f, summed over panels and inverted in the last one.

    Examples
    --------
    >>> cosine, rest = one_minus_sphere_cosine("SA", 2, 0.0, 1.0)
    >>> round(cosine, 12) == round(math.tanh(1.0), 12)
    True
    """
    model = _MODEL.check("model", model)
    T, beta, time = _COUNT.check("T", T), _RATE.check("beta", beta), _TIME.check("time", time)
    edges = _edges(T, beta)
    with np.errstate(over="ignore"):
        steps = _passage(model, T, beta, edges[:-1], edges[1:])
        reached = np.concatenate([[0.0], np.cumsum(steps)])
        k = int(np.searchsorted(reached, time, side="right")) - 1
        if k >= len(steps):
            l = edges[-1] + (time - reached[-1]) * _final_speed(model, beta)
        else:
            l = _invert(model, T, beta, float(edges[k]), float(edges[k + 1]), time - reached[k])
    return -math.expm1(-l), math.exp(-l)


def _final_speed(model: str, beta: float) -> float:
    return 2.0 if model == "SA" else 2.0 * math.exp(min(beta, 709.0))


def _speed(model: str, T: int, beta: float, l: FloatArray) -> FloatArray:
    """Return dl/dt."""
    cosine, rest = -np.expm1(-l), np.exp(-l)
    if model == "SA":
        return np.asarray(2.0 * ((T - 1) * cosine + 1.0) / (np.exp(beta * rest) + (T - 1)))
    return np.asarray(2.0 / T * np.exp(beta * cosine) * ((T - 1) * cosine + 1.0))


def _edges(T: int, beta: float) -> FloatArray:
    """Return panels that follow 1/T near the start, 1/beta along the way, and 1 in l later."""
    spacing = 1.0 / max(8.0, 2.0 * beta)
    first = spacing * np.arange(1, int(0.999 / spacing) + 1)
    lowest = 1e-2 / T
    slow = np.geomspace(lowest, spacing, max(2, int(4 * math.log2(spacing / lowest))))
    in_cosine = np.unique(np.concatenate([[0.0], slow, first[first < 1.0 - 0.5 * spacing]]))
    l = -np.log1p(-in_cosine)
    late = np.arange(l[-1], _TAIL + math.log(max(8.0, 2.0 * beta)), 0.25)
    return np.concatenate([l, late[1:]])


def _passage(
    model: str, T: int, beta: float, low: FloatArray | float, high: FloatArray | float
) -> FloatArray:
    """Return the times from l = low to l = high."""
    half = 0.5 * (np.asarray(high) - low)
    speeds = _speed(model, T, beta, (low + half)[..., None] + half[..., None] * _NODES)
    with np.errstate(divide="ignore"):
        return np.asarray(half * ((1.0 / speeds) @ _WEIGHTS))


def _invert(model: str, T: int, beta: float, low: float, high: float, time: float) -> float:
    """Return where in a panel the time has passed; the panel's own speed scales the root."""
    if time <= 0.0:
        return low
    # Relative to the panel, so that times from 1e-300 on keep their digits.
    speed = float(_speed(model, T, beta, np.array([low]))[0])
    guess = min(time * speed, high - low)

    def excess(share: float) -> float:
        return float(_passage(model, T, beta, low, low + share * guess)) / time - 1.0

    top = (high - low) / guess if guess > 0.0 else 1.0
    if guess == 0.0 or excess(top) <= 0.0:
        return high if guess > 0.0 else low
    return low + guess * float(brentq(excess, 0.0, top, xtol=1e-15, rtol=1e-15))
