"""Where a Gaussian row freezes at finite T: boundaries for phase diagrams (ENT-8).

All functions take a number of keys, real and at least 8, or an array of them, and cost a few
milliseconds for each; equal numbers are solved once.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq, minimize_scalar

from qktheory.base.arrays import real_array
from qktheory.base.domains import Real
from qktheory.base.errors import bad_value
from qktheory.numerics.gaussian_row import heat_capacity, mean_participation
from qktheory.numerics.gaussian_row_integrals import pair_weight
from qktheory.numerics.gaussian_row_lattice import RowLattice
from qktheory.numerics.mean_maximum import mean_maximum

__all__ = ["max_capacity", "s_half_capacity", "s_max_capacity", "s_participation"]

#: A float for numbers, an array for arrays.
Values: TypeAlias = Any

_COUNT = Real(low=8.0, high=1e300)
_LEVEL = Real(low=0.0, high=1.0, low_open=True, high_open=True)
#: Nodes and half-width, in s, of the polynomial through the top of the heat capacity.
_NODES, _NEAR = 12, 0.3
#: Bounds of the secant iteration: its steps, and the slope in ln s below which it is not trusted.
_MOST_STEPS, _FLATTEST = 40, 0.1


def _over_counts(solve: Callable[[float], float], T: ArrayLike) -> Values:
    counts = real_array("T", T, _COUNT)
    if counts.ndim == 0:
        return solve(float(counts))
    distinct, places = np.unique(counts.ravel(), return_inverse=True)
    solved = np.array([solve(float(count)) for count in distinct])
    return solved[places].reshape(counts.shape)


def s_half_capacity(T: ArrayLike, level: float = 0.5) -> Values:
    """Return the width s at which the heat capacity is half of s^2: the end of diffuse scaling.

    The recommended finite-T boundary of the frozen phase (ENT-8a); s_c = sqrt(2 ln T) is its
    asymptote, s_c - s tends to the root of ENT-8d.

    Parameters
    ----------
    T : array_like
        Numbers of keys, 8 to 1e300.
    level : float, optional
        C/s^2 there, above 0 and at most 0.85 (C/s^2 starts from 1 - 1/T at s = 0).

    Returns
    -------
    float or ndarray
        Shape of `T`; relative error below 1e-11.

    Raises
    ------
    ValueError
        If an argument is out of its domain.

    Examples
    --------
    >>> s_half_capacity([1024, 1e12]).round(8)
    array([2.88063759, 6.68029399])
    """
    rate = Real(low=0.0, high=0.85, low_open=True).check("level", level)
    return _over_counts(lambda count: _half_capacity(count, rate), T)


@lru_cache(maxsize=1024)
def _half_capacity(T: float, level: float) -> float:
    def above(s: float) -> float:
        return float(heat_capacity(T, s)) / (s * s) - level

    critical = math.sqrt(2.0 * math.log(T))
    low, high = 0.5 * critical, critical
    while above(low) < 0.0:
        low *= 0.5
    while above(high) > 0.0:
        high *= 1.5
    return float(brentq(above, low, high, xtol=1e-14, rtol=1e-13))


def s_max_capacity(T: ArrayLike) -> Values:
    """Return the width s at which the heat capacity is largest (ENT-8b).

    Parameters
    ----------
    T : array_like
        Numbers of keys, 8 to 1e300.

    Returns
    -------
    float or ndarray
        Shape of `T`; relative error below 1e-9, the root of the derivative of a polynomial through
        the top (the top is flat: values alone would give half of the digits).

    Raises
    ------
    ValueError
        If an entry is not a number of that range.

    Examples
    --------
    >>> s_max_capacity([1024, 1e12]).round(6)
    array([2.766219, 5.698858])
    """
    return _over_counts(_max_capacity_position, T)


def max_capacity(T: ArrayLike) -> Values:
    """Return the largest heat capacity over all widths s (ENT-8a).

    Parameters
    ----------
    T : array_like
        Numbers of keys, 8 to 1e300.

    Returns
    -------
    float or ndarray
        Shape of `T`; relative error below 1e-11.

    Raises
    ------
    ValueError
        If an entry is not a number of that range.

    Examples
    --------
    >>> max_capacity([1024, 1e12]).round(8)
    array([ 4.16257505, 27.21063241])
    """
    return _over_counts(lambda count: float(heat_capacity(count, _max_capacity_position(count))), T)


@lru_cache(maxsize=1024)
def _max_capacity_position(T: float) -> float:
    critical = math.sqrt(2.0 * math.log(T))
    rough = minimize_scalar(
        lambda s: -float(heat_capacity(T, s)),
        bounds=(0.4 * critical, 1.6 * critical),
        method="bounded",
        options={"xatol": 1e-2 * critical},
    ).x
    top = np.polynomial.Chebyshev.interpolate(
        lambda s: heat_capacity(T, s), _NODES - 1, domain=[rough - _NEAR, rough + _NEAR]
    )
    slope = top.deriv()
    return float(brentq(slope, rough - _NEAR, rough + _NEAR, xtol=1e-13, rtol=1e-13))


def s_participation(T: ArrayLike, level: float = 0.5) -> Values:
    """Return the width s at which the mean participation E Y_2 reaches a level (ENT-8c).

    Not a boundary of the frozen phase: as T grows it tends to s_c/(1 - level).

    Parameters
    ----------
    T : array_like
        Numbers of keys, 8 to 1e300.
    level : float, optional
        Above 1/T for every T, and below 1.

    Returns
    -------
    float or ndarray
        Shape of `T`; relative error below 1e-11, more as the level tends to 1/T.

    Raises
    ------
    ValueError
        If an argument is out of its domain.

    Examples
    --------
    >>> s_participation([1024, 1e12]).round(8)
    array([ 6.27461752, 14.11363558])
    """
    wanted = _LEVEL.check("level", level)
    smallest = float(real_array("T", T, _COUNT).min())
    if wanted * smallest <= 1.0:
        raise bad_value("level", level, f"a number > 1/T = {1.0 / smallest:g} and < 1")
    return _over_counts(lambda count: _participation_width(count, wanted), T)


@lru_cache(maxsize=1024)
def _participation_width(T: float, level: float) -> float:
    # E Y_2 >= 1 - mu_T/s (ENT-7c) bounds the root from above.
    highest = float(mean_maximum(T)) / (1.0 - level)
    if level < 0.5:
        root = brentq(
            lambda s: math.log(float(mean_participation(T, s)) / level),
            0.0,
            1.001 * highest,
            xtol=1e-14,
            rtol=1e-13,
        )
        return float(root)

    def excess(log_s: float) -> float:
        return math.log(pair_weight(RowLattice.build(T, math.exp(log_s))) / (1.0 - level))

    # s (1 - E Y_2) hardly moves above freezing, so the slope in ln s is close to -1: secants from
    # there, until a step is at rounding.
    x, value, slope = math.log(highest), excess(math.log(highest)), -1.0
    for _ in range(_MOST_STEPS):
        step = -value / slope
        if abs(step) < 1e-13:
            break
        before, x = value, x + step
        value = excess(x)
        slope = min((value - before) / step, -_FLATTEST)
    return math.exp(x)
