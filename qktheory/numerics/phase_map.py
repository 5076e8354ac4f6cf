"""Boundaries of the phase map of the aliveness profile and their special points (LOC-5, LOC-6).

In the plane (|xi|, eta) the phases are U (contrast < 1/4), L (late) and M (middle); see
`profile_shape.phase`. Roots are found between ends where the sign is known, in log eta.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtri

from qktheory.base.domains import Real
from qktheory.base.errors import bad_value
from qktheory.numerics.profile_shape import (
    Peak,
    PhaseValues,
    complement_of,
    contrast,
    contrast_fall_of,
    contrast_fall_slope_of,
    contrast_of,
    late_excess_of,
    lateness,
    peak,
    phase,
)

__all__ = [
    "ContrastRise",
    "LateLens",
    "PhaseValues",
    "PlanePoint",
    "contrast",
    "contrast_rise",
    "critical_trace",
    "eta_late_middle",
    "eta_unlocalized",
    "late_lens",
    "lateness",
    "lens_tip",
    "phase",
    "triple_point",
]

_THRESHOLD = Real(low=1e-12, high=1.0, high_open=True)


class PlanePoint(NamedTuple):
    """A point of the plane: |xi| and eta."""

    xi: float
    eta: float


class ContrastRise(NamedTuple):
    """Interval of eta on which the contrast grows with eta, and the contrast at its ends."""

    eta_low: float
    eta_high: float
    contrast_low: float
    contrast_high: float


class LateLens(NamedTuple):
    """Both ends in eta of the late lens beyond |xi| = 2."""

    eta_LM_low: float
    eta_LM_high: float


def _at(function: Callable[[Peak], NDArray[np.float64]], xi: float, eta: float) -> float:
    return float(function(peak(xi, eta)))


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    """Return the root in (low, high), both > 0, by bisection and interpolation in log eta."""
    first, last = math.log(low), math.log(high)

    def eta_at(s: float) -> float:
        # exp(log(low)) need not be low, and the sign is known at low itself.
        return low if s <= first else high if s >= last else math.exp(s)

    return eta_at(float(brentq(lambda s: function(eta_at(s)), first, last, xtol=1e-15, rtol=1e-15)))


@lru_cache(maxsize=1)
def critical_trace() -> PlanePoint:
    """Return (xi_c, eta_tangency): from |xi| = xi_c on the contrast falls for all eta (LOC-5c).

    There the largest slope of the contrast in eta is zero: dC/d eta = 0 and its derivative in
    eta vanish together. Both derivatives are exact; xi_c is good to 1e-14, eta_tangency to 1e-12.

    Returns
    -------
    PlanePoint
        xi_c = 0.480656 and eta_tangency = 2.6274.

    Examples
    --------
    >>> point = critical_trace()
    >>> round(point.xi, 10), round(point.eta, 8)
    (0.4806557992, 2.62739331)
    """

    def flattest(xi: float) -> float:
        return float(brentq(lambda eta: _at(contrast_fall_slope_of, xi, eta), 2.0, 3.5, xtol=1e-14))

    xi = float(brentq(lambda xi: _at(contrast_fall_of, xi, flattest(xi)), 0.45, 0.5, xtol=1e-15))
    return PlanePoint(xi, flattest(xi))


def contrast_rise(xi: float) -> ContrastRise:
    """Return where the contrast grows with eta, against "small variance localizes" (LOC-5b).

    For 0 < |xi| < xi_c the contrast falls on (0, eta_low), rises on (eta_low, eta_high) and falls
    beyond. The ends are the zeros of the exact derivative, one on either side of eta_tangency:
    eta_low is above the eta_1 of the localization theorem, eta_high below 6.

    Parameters
    ----------
    xi : float
        Trace of M, 1e-140 <= |xi| < xi_c.

    Returns
    -------
    ContrastRise
        eta_low, eta_high (1e-12 relative; 1e-15/(1 - |xi|/xi_c) near the tangency) and
        contrast_low, contrast_high (1e-12).

    Raises
    ------
    ValueError
        If |xi| is outside its range.

    Examples
    --------
    >>> rise = contrast_rise(0.1)
    >>> round(rise.eta_low, 8), round(rise.eta_high, 8)
    (0.42594839, 5.11265167)
    """
    tangency = critical_trace()
    size = abs(Real().check("xi", xi))
    if not 1e-140 <= size < tangency.xi:
        raise bad_value("xi", xi, f"1e-140 <= |xi| < xi_c = {tangency.xi:.12g}")

    def fall(eta: float) -> float:
        return _at(contrast_fall_of, size, eta)

    eta_1 = 6.0 / 7.0 * (1.0 + size) / math.log1p(2.0 / size)
    if fall(tangency.eta) >= 0.0:  # Only when |xi| is within rounding of xi_c.
        low = high = tangency.eta
    else:
        low, high = _root(fall, eta_1, tangency.eta), _root(fall, tangency.eta, 6.0)
    return ContrastRise(low, high, _at(contrast_of, size, low), _at(contrast_of, size, high))


@lru_cache(maxsize=1)
def _largest_local_maximum() -> float:
    """Return the contrast at the tangency, above which no threshold is reached twice."""
    point = critical_trace()
    return _at(contrast_of, point.xi, point.eta)


def eta_unlocalized(xi: float, threshold: float = 0.25) -> float:
    """Return eta_U, beyond which the contrast stays below a threshold (LOC-6b).

    The contrast falls from 1 to 0 for |xi| >= xi_c, and also for smaller |xi| it takes a
    threshold above 0.2382 (its value at the tangency of `critical_trace`) once. A threshold
    between contrast_low and contrast_high of `contrast_rise` is taken three times, and eta_U is
    the largest of these roots.

    Parameters
    ----------
    xi : float
        Trace of M, 1e-100 <= |xi| <= 1e100.
    threshold : float, optional
        Contrast C_0 in [1e-12, 1).

    Returns
    -------
    float
        eta with contrast C_0, relative error 1e-12, more next to a double root. The root
        lies between an eta with larger contrast and the bound C < sqrt(6/(pi eta)), or one of
        the ends of the rise.

    Raises
    ------
    ValueError
        If xi or the threshold is outside its range.

    Examples
    --------
    >>> round(eta_unlocalized(4.0), 9), round(eta_unlocalized(-1.0, 0.4), 9)
    (13.04724694, 1.207423446)
    """
    size = abs(Real().check("xi", xi))
    threshold = _THRESHOLD.check("threshold", threshold)
    if not 1e-100 <= size <= 1e100:
        raise bad_value("xi", xi, "1e-100 <= |xi| <= 1e100")

    def above(eta: float) -> float:
        """Return a number of the sign of contrast - threshold, nearly linear in log eta."""
        p = peak(size, eta)
        if threshold > 0.5:
            return math.log((1.0 - threshold) / float(complement_of(p)))
        return math.log(float(contrast_of(p)) / threshold)

    quantile = -float(ndtri(0.5 * (1.0 - threshold)))
    low, high = 0.0, math.inf
    if size < critical_trace().xi and threshold < _largest_local_maximum():
        rise = contrast_rise(size)
        if threshold > rise.contrast_high:
            high = rise.eta_low
        else:
            low = rise.eta_high
    # The two limits of LOC-6e are near the root, or on its side of the rise.
    guess = min(3.0 * size * size / (7.0 * quantile**2), 3.0 / quantile**2)
    guess = min(max(guess, low), high)
    if above(guess) > 0.0:
        low, factor = guess, 4.0
        while low * factor < high and above(low * factor) > 0.0:
            low *= factor
            factor *= 4.0
        high = min(high, low * factor)
    else:
        high, factor = guess, 4.0
        while high / factor > low and above(high / factor) <= 0.0:
            high /= factor
            factor *= 4.0
        low = max(low, high / factor)
    if above(low) <= 0.0:  # A threshold within rounding of an extreme of the contrast.
        return low
    if above(high) >= 0.0:
        return high
    return _root(above, low, high)


def _excess(xi: float, eta: float) -> float:
    return _at(late_excess_of, xi, eta)


@lru_cache(maxsize=1)
def triple_point() -> PlanePoint:
    """Return (xi_triple, eta_triple), where the phases U, L and M meet (LOC-6f).

    Contrast 1/4 and lateness 1/2; both coordinates to 1e-12.

    Returns
    -------
    PlanePoint
        xi_triple = 0.4725301 and eta_triple = 1.0856653.

    Examples
    --------
    >>> round(triple_point().xi, 9), round(triple_point().eta, 9)
    (0.472530115, 1.085665314)
    """
    xi = float(brentq(lambda xi: _excess(xi, eta_unlocalized(xi)), 0.45, 0.5, xtol=1e-15))
    return PlanePoint(xi, eta_unlocalized(xi))


@lru_cache(maxsize=1)
def lens_tip() -> PlanePoint:
    """Return (xi_tip, eta_tip), the end of the late lens beyond |xi| = 2 (LOC-6f).

    There 2 rho_1 - rho_max - rho_min and its (exact) derivative in eta vanish together; both
    coordinates to 1e-12.

    Returns
    -------
    PlanePoint
        xi_tip = 2.0144052 and eta_tip = 0.3591124.

    Examples
    --------
    >>> round(lens_tip().xi, 9), round(lens_tip().eta, 9)
    (2.01440516, 0.35911243)
    """

    def summit(xi: float) -> float:
        return float(brentq(lambda eta: _excess_fall(peak(xi, eta)), 0.3, 0.45, xtol=1e-15))

    xi = float(brentq(lambda xi: _excess(xi, summit(xi)), 2.01, 2.02, xtol=1e-15))
    return PlanePoint(xi, summit(xi))


def _excess_fall(p: Peak) -> float:
    """Return -2 eta d/d eta of 2 rho_1 - rho_max - rho_min (envelope theorem)."""

    def h(z: NDArray[np.float64]) -> float:
        return float(z * np.exp(-0.5 * z * z))

    last = h((1.0 - 0.5 * p.xi) * p.delta_0) + h(p.alpha_0)
    first = h(p.alpha_0 + p.delta_0) - h(p.alpha_0)
    return 2.0 * last - (h(p.beta) + h(p.alpha)) - first


def eta_late_middle(xi: float) -> float:
    """Return eta_LM, where the phase changes from late to middle (LOC-6c).

    Parameters
    ----------
    xi : float
        Trace of M, xi_triple < |xi| <= 2.

    Returns
    -------
    float
        The root of lateness = 1/2; profiles of smaller eta are late. Relative error 1e-12.

    Raises
    ------
    ValueError
        If |xi| is outside its range.

    Examples
    --------
    >>> round(eta_late_middle(1.0), 9), round(eta_late_middle(-2.0), 9)
    (1.297726059, 0.526824281)
    """
    size = abs(Real().check("xi", xi))
    triple = triple_point().xi
    if not triple < size <= 2.0:
        raise bad_value("xi", xi, f"xi_triple = {triple:.12g} < |xi| <= 2")
    return _root(lambda eta: _excess(size, eta), 0.05, 3.0)


def late_lens(xi: float) -> LateLens:
    """Return both ends of the late lens of 2 < |xi| < xi_tip (LOC-6d).

    Parameters
    ----------
    xi : float
        Trace of M, 2 < |xi| < xi_tip.

    Returns
    -------
    LateLens
        The roots of lateness = 1/2; the phase is late between them. Relative error 1e-12, growing
        like the inverse of their distance towards the tip.

    Raises
    ------
    ValueError
        If |xi| is outside its range.

    Examples
    --------
    >>> lens = late_lens(2.005)
    >>> round(lens.eta_LM_low, 8), round(lens.eta_LM_high, 8)
    (0.19220035, 0.49553832)
    """
    tip = lens_tip()
    size = abs(Real().check("xi", xi))
    if not 2.0 < size < tip.xi:
        raise bad_value("xi", xi, f"2 < |xi| < xi_tip = {tip.xi:.12g}")
    if _excess(size, tip.eta) <= 0.0:  # Only when |xi| is within rounding of the tip.
        return LateLens(tip.eta, tip.eta)
    low = _root(lambda eta: _excess(size, eta), 1e-3, tip.eta)
    return LateLens(low, _root(lambda eta: _excess(size, eta), tip.eta, 0.6))
