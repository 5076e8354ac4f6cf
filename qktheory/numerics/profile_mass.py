"""Mass and effective fraction of the aliveness profile and their maxima over eta (LOC-7).

R = int_0^1 rho and N = R^2/int_0^1 rho^2, where rho = Phi(z_1) - Phi(z_2) with
z_1 = (1 - xi x)/sqrt(eta v) and z_2 = -xi x/sqrt(eta v). Both are even in xi.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.polynomial.polynomial import polyval
from numpy.typing import NDArray
from scipy.optimize import brentq

from qktheory.base.domains import Real
from qktheory.base.errors import bad_value
from qktheory.numerics.normal import normal_pdf
from qktheory.numerics.profile_grid import (
    ProfileGrid,
    deviation,
    gauss_panels,
    level_positions,
    profile_grid,
)

__all__ = [
    "EffectiveFractionLimits",
    "EffectiveFractionMaximum",
    "MassMaximum",
    "effective_fraction",
    "effective_fraction_limits",
    "effective_fraction_maximum",
    "mass_maximum",
    "profile_mass",
]

Array = NDArray[np.float64]

_XI = Real(low=-1e100, high=1e100)
_ETA = Real(low=1e-100, high=1e100)

_EDGE_V = 7.0 / 12.0

_ARCTAN, _ARSINH = math.atan(math.sqrt(6.0)), math.asinh(math.sqrt(6.0))
_N_INFINITY = _ARSINH**2 / (math.sqrt(6.0) * _ARCTAN)
# N = N_infinity + (8 - xi^2) _SLOPE/eta + ...
_SLOPE = _N_INFINITY * (
    0.25 + 3.0 / (14.0 * math.sqrt(6.0) * _ARCTAN) - math.sqrt(6.0 / 7.0) / (2.0 * _ARSINH)
)


def profile_mass(xi: float, eta: float) -> float:
    """Return the mass R of the aliveness profile, its integral over theta (LOC-7a).

    Parameters
    ----------
    xi : float
        Trace of M, |xi| <= 1e100.
    eta : float
        Trace of M^2, 1e-100 <= eta <= 1e100.

    Returns
    -------
    float
        R in (0, 1/2), relative error below 1e-12.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Examples
    --------
    >>> round(profile_mass(4.0, 0.1), 10)
    0.2532497975
    """
    grid = profile_grid(abs(_XI.check("xi", xi)), _ETA.check("eta", eta))
    return grid.integral(grid.rho)


def effective_fraction(xi: float, eta: float) -> float:
    """Return the effective fraction N = R^2/int rho^2 of the aliveness profile (LOC-7a).

    It is computed as 1/(1 + Var rho/R^2), so 1 - N is accurate as well.

    Parameters
    ----------
    xi : float
        Trace of M, |xi| <= 1e100.
    eta : float
        Trace of M^2, 1e-100 <= eta <= 1e100.

    Returns
    -------
    float
        N in (0, 1], relative error below 1e-12.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Examples
    --------
    >>> round(effective_fraction(4.0, 0.1), 10), round(effective_fraction(-1.0, 10.0), 10)
    (0.2924977671, 0.9345160838)
    """
    grid = profile_grid(abs(_XI.check("xi", xi)), _ETA.check("eta", eta))
    return _fraction(grid)


def _fraction(grid: ProfileGrid) -> float:
    mass = grid.integral(grid.rho)
    return 1.0 / (1.0 + grid.integral(deviation(grid, mass) ** 2) / mass**2)


class EffectiveFractionLimits(NamedTuple):
    """Limits of N in eta.

    Attributes
    ----------
    eta_to_zero, eta_to_infinity : float
        N(0+) and N(infinity).
    correction : float
        Coefficient of 1/eta in N for large eta.
    """

    eta_to_zero: float
    eta_to_infinity: float
    correction: float


def _eight_minus_square(xi: float) -> float:
    """Return 8 - xi^2, exact up to one rounding also next to the threshold |xi| = 2 sqrt 2."""
    return float(8 - Fraction(xi) ** 2)


def effective_fraction_limits(xi: float) -> EffectiveFractionLimits:
    """Return the limits of the effective fraction for small and large eta (LOC-7b).

    For eta -> 0 the profile is the indicator of the window 0 < x < 1/xi, cut at 1/2 (at xi = 0 it
    is flat). For eta -> infinity rho = (2 pi eta v)^(-1/2) [1 - (1 - 3 xi x + 3 xi^2 x^2)/(6 eta v)
    + O(eta^-2)], and with a = arctan sqrt 6, s = arsinh sqrt 6 the integrals of x^p v^-k give

        N = s^2/(sqrt 6 a) [1 + (8 - xi^2)/eta (1/4 + 3/(14 sqrt 6 a) - sqrt(6/7)/(2 s))].

    Parameters
    ----------
    xi : float
        Trace of M, |xi| <= 1e100.

    Returns
    -------
    EffectiveFractionLimits
        eta_to_zero, eta_to_infinity = 0.9148268733 for every xi, correction; closed forms.

    Raises
    ------
    ValueError
        If xi is outside its range.

    Examples
    --------
    >>> limits = effective_fraction_limits(-3.0)
    >>> round(limits.eta_to_infinity, 10), round(limits.correction, 10)
    (0.9148268733, -0.0362705423)
    """
    size = abs(_XI.check("xi", xi))
    start = 1.0 if size == 0.0 else min(0.5, 1.0 / size)
    return EffectiveFractionLimits(start, _N_INFINITY, _eight_minus_square(size) * _SLOPE)


def _bracketed(function: Callable[[float], float], guess: float) -> float:
    """Return the root in eta of a function that goes from below to above zero, near `guess`."""
    low = high = guess
    factor = 1.5
    if function(guess) < 0.0:
        while function(high) < 0.0:
            low, high, factor = high, high * factor, factor * factor
    else:
        while function(low) >= 0.0:
            low, high, factor = low / factor, low, factor * factor
    root = brentq(
        lambda s: function(math.exp(s)), math.log(low), math.log(high), xtol=1e-15, rtol=1e-15
    )
    return math.exp(float(root))


class EffectiveFractionMaximum(NamedTuple):
    """Largest effective fraction over eta, and the eta where it is attained."""

    value: float
    eta: float


def _fraction_fall(xi: float, eta: float) -> float:
    """Return eta d/d eta log(Var rho/R^2), positive where N falls with eta."""
    grid = profile_grid(xi, eta)
    mass = grid.integral(grid.rho)
    gap = deviation(grid, mass)
    upper = grid.upper * normal_pdf(grid.upper)
    lower = grid.lower * normal_pdf(grid.lower)
    spread = grid.integral(gap * (lower - upper)) / grid.integral(gap**2)
    return spread + grid.integral(upper) / mass


# Beyond this eta the maximum is taken from the expansion in 1/eta.
_EXPANSION_ETA = 100.0
_TERMS = 14


def _expansion(xi: float) -> Array:
    """Return the coefficients of N in powers of 1/eta for |xi| <= 2 sqrt 2.

    rho sqrt(2 pi eta) = sum_n eta^-n (-1/2)^n/n! v^(-n-1/2) int_0^1 (t - xi x)^(2n) dt.
    """
    x, weight = gauss_panels(np.linspace(-0.5, 0.5, 5))
    v = 2.0 * x * x + 1.0 / 12.0
    order = np.arange(_TERMS)[:, None]
    factorial = np.array([math.factorial(n) for n in range(_TERMS)], dtype=np.float64)[:, None]
    moment = ((1.0 - xi * x) ** (2 * order + 1) + (xi * x) ** (2 * order + 1)) / (2 * order + 1)
    terms = (-0.5) ** order / factorial * moment * v ** (-order - 0.5)
    first = terms @ weight
    gram = (terms * weight) @ terms.T
    second = np.array([np.trace(gram[::-1], offset=n - _TERMS + 1) for n in range(_TERMS)])
    square = np.convolve(first, first)[:_TERMS]
    quotient = np.zeros(_TERMS)
    for n in range(_TERMS):
        quotient[n] = (square[n] - quotient[:n] @ second[n:0:-1]) / second[0]
    # The first two are known in closed form, and the maximum next to 2 sqrt 2 rests on them.
    quotient[0], quotient[1] = _N_INFINITY, _eight_minus_square(xi) * _SLOPE
    return quotient


def effective_fraction_maximum(xi: float) -> EffectiveFractionMaximum:
    """Return the largest effective fraction over eta (LOC-7c).

    For 0 < |xi| < 2 sqrt 2, N rises from min(1/2, 1/|xi|) above N(infinity) and comes back; that
    it does so once is seen on a grid (LOC-7), not proved. Towards 2 sqrt 2 the maximiser grows like
    1/(8 - xi^2) and is taken from the expansion in 1/eta, so every number below the threshold has
    its maximum.

    Parameters
    ----------
    xi : float
        Trace of M, 1e-100 <= |xi| < 2 sqrt 2.

    Returns
    -------
    EffectiveFractionMaximum
        value (relative error 1e-13) and eta (1e-11).

    Raises
    ------
    ValueError
        If |xi| is outside its range.

    Examples
    --------
    >>> top = effective_fraction_maximum(1.0)
    >>> round(top.value, 10), round(top.eta, 8)
    (0.947706932, 3.26468596)
    """
    size = abs(Real().check("xi", xi))
    if not (size >= 1e-100 and _eight_minus_square(size) > 0.0):
        raise bad_value("xi", xi, "1e-100 <= |xi| < 2 sqrt 2 = 2.82843")
    if size > 2.0:
        series = _expansion(size)
        slope = series[1:] * np.arange(1, _TERMS)
        bound = 1.0 / _EXPANSION_ETA
        if polyval(bound, slope) < 0.0:
            # In units of the root of the first two terms the root is of order one.
            unit = float(-slope[0] / slope[1])
            root = unit * float(
                brentq(lambda t: float(polyval(t * unit, slope)), 0.0, bound / unit, xtol=1e-15)
            )
            return EffectiveFractionMaximum(float(polyval(root, series)), 1.0 / root)
    eta = _bracketed(lambda eta: _fraction_fall(size, eta), 1.6 * size if size > 0.1 else 0.3)
    return EffectiveFractionMaximum(_fraction(profile_grid(size, eta)), eta)


class MassMaximum(NamedTuple):
    """Largest mass over eta, and the eta where it is attained."""

    value: float
    eta: float


def _mass_fall(xi: float, eta: float) -> float:
    """Return -2 eta dR/d eta, the integral of z_1 phi(z_1), folded to 0 < x < 1/2.

    With a = 1/sigma and b = xi x/sigma the two sides add up to
    2 phi(b) exp(-a^2/2) (a cosh(a b) - b sinh(a b)), which keeps its digits for wide spectra.
    """
    positions = np.abs(level_positions(xi, eta, 1.0))
    x, weight = gauss_panels(np.concatenate([[0.0, 0.25, 0.5], positions]))
    sigma = np.sqrt(eta * (2.0 * x * x + 1.0 / 12.0))
    a, b = 1.0 / sigma, xi * x / sigma
    product = np.minimum(a * b, 1.0)
    folded = 2.0 * normal_pdf(b) * np.exp(-0.5 * a * a)
    folded = folded * (a * np.cosh(product) - b * np.sinh(product))
    near, far = (1.0 - xi * x) / sigma, a + b
    sides = near * normal_pdf(near) + far * normal_pdf(far)
    return float(weight @ np.where(a * b < 1.0, folded, sides))


def _mass_fall_near_two(xi: float, ratio: float) -> float:
    """Return the sign of dR/d eta reversed, for 0 < xi - 2 << 1 and sqrt(7 eta/12) = e/ratio.

    e = xi/2 - 1. By parts in z_1, with g = v^(3/2)/(xi/12 + 2 x), the integral of z_1 phi(z_1) is
    sqrt(eta) [phi(ratio) g(1/2) - int phi(z_1) g' dx] up to tails of exp(-6/eta); the layer at
    the last position is resolved in t = (xi x - 1)/sqrt(7 eta/12), so nothing cancels.
    """
    excess = 0.5 * (xi - 2.0)
    scale = excess / ratio
    t, weight = gauss_panels(np.concatenate([np.arange(12.0, -ratio, -1.5), [-ratio]]))
    y = (excess + t * scale) / xi
    x = 0.5 - y
    v = _EDGE_V - 2.0 * y * (1.0 - y)
    growth = np.sqrt(v) * (8.0 * x * x + 0.5 * xi * x - 1.0 / 6.0) / (xi / 12.0 + 2.0 * x) ** 2
    inner = scale / xi * float(weight @ (normal_pdf(t * np.sqrt(_EDGE_V / v)) * growth))
    return float(normal_pdf(ratio)) * _EDGE_V * math.sqrt(_EDGE_V) / (xi / 12.0 + 1.0) - inner


def mass_maximum(xi: float) -> MassMaximum:
    """Return the largest mass over eta (LOC-7d).

    For |xi| > 2 the mass starts from 1/|xi| at eta = 0+, rises and falls; that it does so once is
    seen on a grid, not proved. The maximiser is about 0.14818 xi^2 for large |xi| and vanishes like
    (|xi| - 2)^2 (up to a logarithm) towards 2.

    Parameters
    ----------
    xi : float
        Trace of M, 2 < |xi| <= 1e45; every number above 2 has its maximum.

    Returns
    -------
    MassMaximum
        value (relative error 1e-13) and eta (1e-11).

    Raises
    ------
    ValueError
        If |xi| is outside its range.

    Examples
    --------
    >>> top = mass_maximum(10.0)
    >>> round(top.value, 10), round(top.eta, 8)
    (0.1254360884, 14.82876606)
    """
    size = abs(Real().check("xi", xi))
    if not 2.0 < size <= 1e45:
        raise bad_value("xi", xi, "2 < |xi| <= 1e45")
    if size < 2.01:
        ratio = brentq(lambda r: _mass_fall_near_two(size, r), 0.3, 12.0, xtol=1e-15, rtol=1e-15)
        eta = (0.5 * (size - 2.0) / float(ratio)) ** 2 / _EDGE_V
    else:
        eta = _bracketed(lambda eta: _mass_fall(size, eta), 0.148 * size * size - 0.5)
    grid = profile_grid(size, eta)
    return MassMaximum(grid.integral(grid.rho), eta)
