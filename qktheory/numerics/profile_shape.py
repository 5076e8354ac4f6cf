"""Shape of the aliveness profile: contrast, lateness and phase of points (xi, eta) (LOC-5, LOC-6).

Everything depends on |xi| only. With A = |xi|/2, sigma_0^2 = 7 eta/12 (the ends of the sequence)
and x* the position of the maximum, the profile enters through four numbers: alpha_0 = A/sigma_0
and delta_0 = 1/sigma_0 at the ends, alpha = |xi| x*/sigma(x*) and beta = (1 - |xi| x*)/sigma(x*)
at the maximum:

    rho_max = Phi(beta) - Phi(-alpha),   rho_min = Phi(alpha_0 + delta_0) - Phi(alpha_0).

The functions take arrays; differences are written as sums of positive terms wherever the plain
difference would cancel.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import erf, ndtr

from qktheory.base.errors import bad_value
from qktheory.numerics.normal import interval_probability, normal_pdf
from qktheory.numerics.offset_interval import offset_interval_probability

__all__ = ["LATE", "MIDDLE", "UNLOCALIZED", "PhaseValues", "contrast", "lateness", "phase"]

Array = NDArray[np.float64]

#: Codes of the three phases of LOC-6.
UNLOCALIZED, LATE, MIDDLE = 0, 1, 2

_EDGE_V = 7.0 / 12.0
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(20)
_BLOCK = 2048
_FAR = 1e120
_XI_MAX, _ETA_MIN, _ETA_MAX = 1e140, 1e-290, 1e290


class Peak(NamedTuple):
    """The profile of |xi| at its maximum (`x`, `v`, `alpha`, `beta`) and at its ends."""

    xi: Array
    eta: Array
    x: Array
    v: Array
    alpha: Array
    beta: Array
    alpha_0: Array
    delta_0: Array


def peak(xi: ArrayLike, eta: ArrayLike) -> Peak:
    """Return the four numbers of the profile for arrays xi >= 0 and eta > 0.

    The maximum solves log(1 + 24 x/xi) = (1 - 2 xi x)/(2 eta v(x)). In u = log(1 + 24 x/xi) the
    difference of the sides has slope at least one, so a bracketed Newton iteration finds its only
    root; where that root is beyond x = 1/2 the last position is the maximum.
    """
    xi, eta = (np.array(a, dtype=np.float64) for a in np.broadcast_arrays(xi, eta))
    size = np.where(xi > 0.0, xi, 1.0)
    log_unit = np.log(size) - math.log(24.0)
    end = 0.5 / np.maximum(size, 1.0)

    def position(u: Array) -> Array:
        large = u > 50.0
        small_part = size / 24.0 * np.expm1(np.where(large, 0.0, u))
        return np.where(large, np.exp(np.minimum(u + log_unit, 0.0)), small_part)

    low = np.zeros_like(size)
    # For size << 1 the quotient 24 end/size may overflow; the difference of logarithms does not.
    small = size < 1e-3
    quotient = 24.0 * end / np.where(small, 1.0, size)
    last = np.where(small, np.log(24.0 * end + size) - np.log(size), np.log1p(quotient))
    high = np.minimum(6.0 / eta, last)
    u = high.copy()
    for _ in range(200):
        x = np.minimum(position(u), end)
        v = 2.0 * x * x + 1.0 / 12.0
        fall = (1.0 - 2.0 * size * x) / (2.0 * eta * v)
        value = u - fall
        gap = 2.0 * size * v + (1.0 - 2.0 * size * x) * 4.0 * x
        with np.errstate(over="ignore"):
            slope = 1.0 + (x + size / 24.0) * gap / (2.0 * eta * v * v)
        low, high = np.where(value < 0.0, u, low), np.where(value < 0.0, high, u)
        # Where the slope overflows, the root is the end of the window to rounding.
        step = u - value / slope
        inside = (step >= low) & (step <= high)
        new = np.where(inside, step, 0.5 * (low + high))
        # Steps shrink quadratically: after one of this size only rounding is left.
        done = np.abs(new - u) <= 1e-11 * u
        u = new
        if done.all():
            break
    x = np.where(xi > 0.0, np.minimum(position(u), end), 0.0)
    v = 2.0 * x * x + 1.0 / 12.0
    root = np.sqrt(eta)
    sigma, sigma_0 = root * np.sqrt(v), root * math.sqrt(_EDGE_V)
    # Squares of the ends must not overflow; every tail beyond this is zero anyway.
    ends = (xi * x / sigma, (1.0 - xi * x) / sigma, 0.5 * xi / sigma_0, 1.0 / sigma_0)
    return Peak(xi, eta, x, v, *(np.minimum(end, _FAR) for end in ends))


def contrast_of(p: Peak) -> Array:
    """Return rho_max - rho_min without cancellation."""
    rho_max = 0.5 * (erf(p.alpha / math.sqrt(2.0)) + erf(p.beta / math.sqrt(2.0)))
    rho_min = offset_interval_probability(p.alpha_0, p.delta_0)
    plain = np.asarray(rho_max - rho_min)
    cancels = rho_min > 0.5 * rho_max
    if not cancels.any():
        return plain
    end = p.alpha_0 + p.delta_0
    rise = interval_probability(-p.alpha, p.alpha_0)
    change = interval_probability(np.minimum(p.beta, end), np.maximum(p.beta, end))
    by_ends = rise + np.copysign(change, p.beta - end)
    return np.where(cancels & (np.maximum(rise, change) < rho_max), by_ends, plain)


def complement_of(p: Peak) -> Array:
    """Return 1 - contrast as a sum of three tails."""
    tails = ndtr(-p.alpha) + ndtr(-p.beta)
    return np.asarray(tails + offset_interval_probability(p.alpha_0, p.delta_0))


def tilt_of(p: Peak) -> Array:
    """Return rho_1 - rho_0 of |xi| without cancellation."""
    long = p.delta_0 * (1.0 + p.alpha_0) > 4.0
    if long.all():
        return _long_tilt(p)
    # The integral over 0 < t < delta_0 of phi(t - alpha_0) - phi(t + alpha_0).
    delta = np.where(long, 1.0, p.delta_0)
    alpha = np.where(long, 0.0, p.alpha_0)[..., None]
    t = 0.5 * delta[..., None] * (1.0 + _NODES)
    short = (normal_pdf(t - alpha) * -np.expm1(-2.0 * t * alpha)) @ _WEIGHTS * 0.5 * delta
    return np.where(long, _long_tilt(p), short) if long.any() else np.asarray(short)


def _long_tilt(p: Peak) -> Array:
    """Return rho_1 - rho_0, pairing its four ends so that the intervals do not overlap."""
    # 1 - A is exact near |xi| = 2, delta_0 - alpha_0 is not.
    late = np.maximum((1.0 - 0.5 * p.xi) * p.delta_0, -_FAR)
    crossing = p.alpha_0 < 0.5 * p.delta_0
    first = interval_probability(
        -p.alpha_0, np.where(crossing, p.alpha_0, np.maximum(late, -p.alpha_0))
    )
    second = offset_interval_probability(
        np.where(crossing, late, p.alpha_0), np.where(crossing, 2.0 * p.alpha_0, p.delta_0)
    )
    return np.asarray(first - second)


def late_excess_of(p: Peak) -> Array:
    """Return 2 rho_1 - rho_max - rho_min: its sign is the sign of lateness - 1/2.

    For |xi| > 1 and small eta it is written as a sum of tails plus 2 Phi((1 - A)/sigma_0) - 1,
    which vanishes at |xi| = 2: there the excess is exponentially small and keeps its digits.
    """
    by_tails = (p.delta_0 > 1.5) & (p.xi > 1.0)
    plain = None if by_tails.all() else 2.0 * tilt_of(p) - contrast_of(p)
    if plain is not None and not by_tails.any():
        return plain
    tails = ndtr(-p.alpha) + ndtr(-p.beta) + ndtr(-p.alpha_0 - p.delta_0)
    bias = erf((1.0 - 0.5 * p.xi) * p.delta_0 / math.sqrt(2.0))
    summed = np.asarray(bias + (tails - 3.0 * ndtr(-p.alpha_0)))
    return summed if plain is None else np.where(by_tails, summed, plain)


def contrast_fall_of(p: Peak) -> Array:
    """Return G = -2 eta dC/d eta; the maximiser does not contribute (envelope theorem)."""
    return (_h(p.beta) + _h(p.alpha)) + (_h(p.alpha_0) - _h(p.alpha_0 + p.delta_0))


def contrast_fall_slope_of(p: Peak) -> Array:
    """Return dG/d eta, here with the motion of the maximiser (|xi| > 0, maximum inside)."""
    gap = 1.0 - 2.0 * p.xi * p.x
    by_eta = gap / (2.0 * p.eta**2 * p.v)
    by_x = 24.0 / (p.xi + 24.0 * p.x) + (2.0 * p.xi * p.v + gap * 4.0 * p.x) / (
        2.0 * p.eta * p.v**2
    )
    motion = -by_eta / by_x
    bend = 2.0 * p.x / p.v
    drift = p.xi / np.sqrt(p.eta * p.v)
    moved = _dh(p.alpha) * (drift - p.alpha * bend) - _dh(p.beta) * (drift + p.beta * bend)
    end = p.alpha_0 + p.delta_0
    scaled = p.beta * _dh(p.beta) + p.alpha * _dh(p.alpha) + p.alpha_0 * _dh(p.alpha_0)
    return moved * motion - (scaled - end * _dh(end)) / (2.0 * p.eta)


def _h(z: Array) -> Array:
    return z * normal_pdf(z)


def _dh(z: Array) -> Array:
    return (1.0 - z * z) * normal_pdf(z)


def _checked(xi: ArrayLike, eta: ArrayLike) -> tuple[Array, Array]:
    """Return |xi| and eta as float arrays of one shape inside the accepted range."""
    out = []
    for name, given, low, high in (
        ("xi", xi, -_XI_MAX, _XI_MAX),
        ("eta", eta, _ETA_MIN, _ETA_MAX),
    ):
        expected = f"numbers from {low:g} to {high:g}"
        try:
            array = np.asarray(given)
        except ValueError:
            raise bad_value(name, given, expected) from None
        if array.dtype.kind not in "iuf":
            raise bad_value(name, given, expected)
        array = array.astype(np.float64)
        wrong = ~((array >= low) & (array <= high))
        if wrong.any():
            raise bad_value(name, float(array[wrong].flat[0]), expected)
        out.append(array)
    try:
        first, second = np.broadcast_arrays(np.abs(out[0]), out[1])
    except ValueError:
        shapes = f"shapes {out[0].shape} and {out[1].shape}"
        raise bad_value("xi, eta", shapes, "arrays that broadcast against each other") from None
    return first, second


def _in_blocks(
    function: Callable[[Array, Array], tuple[Array, ...]], xi: ArrayLike, eta: ArrayLike
) -> tuple[Array, ...]:
    """Apply a function of |xi| and eta to checked arrays, in blocks that stay in the cache."""
    size, spread = _checked(xi, eta)
    flat_size, flat_spread = size.ravel(), spread.ravel()
    parts = [
        function(flat_size[start : start + _BLOCK], flat_spread[start : start + _BLOCK])
        for start in range(0, max(size.size, 1), _BLOCK)
    ]
    return tuple(np.concatenate(column).reshape(size.shape) for column in zip(*parts, strict=True))


def contrast(xi: ArrayLike, eta: ArrayLike) -> Array:
    """Return the contrast C = max rho - min rho of profiles (LOC-4b, LOC-5).

    Parameters
    ----------
    xi : array_like
        Traces of M, any sign, up to 1e140 in size.
    eta : array_like
        Traces of M^2, from 1e-290 to 1e290, broadcast against `xi`.

    Returns
    -------
    ndarray
        Contrasts in [0, 1], broadcast shape, relative error below 1e-12. Equal to
        `rho_extremes(xi, eta).contrast`, for arrays.

    Raises
    ------
    ValueError
        If an entry is outside its range.

    Examples
    --------
    >>> contrast([0.0, 1.0, 4.0], [1.0, 10.0, 0.1]).round(8)
    array([0.09494913, 0.21569032, 0.99999712])
    """
    return _in_blocks(lambda xi, eta: (contrast_of(peak(xi, eta)),), xi, eta)[0]


def lateness(xi: ArrayLike, eta: ArrayLike) -> Array:
    """Return the lateness (rho_1 - rho_0)/C of profiles, that of the mirrored one if xi < 0.

    Parameters
    ----------
    xi : array_like
        Traces of M, any sign, up to 1e140 in size.
    eta : array_like
        Traces of M^2, from 1e-290 to 1e290, broadcast against `xi`.

    Returns
    -------
    ndarray
        Lateness in [0, 1] (LOC-6), broadcast shape, relative error below 1e-12; 0 at xi = 0.

    Raises
    ------
    ValueError
        If an entry is outside its range.

    Examples
    --------
    >>> lateness([1.0, -1.0, 0.0], 0.1).round(8)
    array([0.98552868, 0.98552868, 0.        ])
    """
    return phase(xi, eta).lateness


class PhaseValues(NamedTuple):
    """Point of the phase map.

    Attributes
    ----------
    contrast, lateness : ndarray
        C = rho_max - rho_min and (rho_1 - rho_0)/C.
    phase : ndarray of int
        0 = U (C < 1/4), 1 = L (late), 2 = M (middle).
    late_excess : ndarray
        lateness - 1/2 without the cancellation of the plain difference at small eta.
    """

    contrast: Array
    lateness: Array
    phase: NDArray[np.int64]
    late_excess: Array


def phase(xi: ArrayLike, eta: ArrayLike) -> PhaseValues:
    """Return contrast, lateness and phase of points of the phase map (LOC-6a).

    U: contrast below 1/4. L: contrast >= 1/4 and lateness >= 1/2. M: the rest. The side of
    lateness = 1/2 is taken from `late_excess`, which is right where the lateness itself rounds
    to 1/2 (|xi| near 2 and small eta).

    Parameters
    ----------
    xi : array_like
        Traces of M, any sign, up to 1e140 in size.
    eta : array_like
        Traces of M^2, from 1e-290 to 1e290, broadcast against `xi`.

    Returns
    -------
    PhaseValues
        Arrays of the broadcast shape; contrast and lateness to 1e-12 relative.

    Raises
    ------
    ValueError
        If an entry is outside its range.

    Examples
    --------
    >>> phase([1.0, 4.0, 1.0], [0.1, 0.1, 10.0]).phase
    array([1, 2, 0])
    >>> at_two = phase(2.0, 0.02)
    >>> float(at_two.lateness), f"{float(at_two.late_excess):.4e}"
    (0.5000000000000039, '3.9056e-15')
    """
    size, late, excess, code = _in_blocks(_phase, xi, eta)
    return PhaseValues(size, late, code.astype(np.int64), excess)


def _phase(xi: Array, eta: Array) -> tuple[Array, ...]:
    p = peak(xi, eta)
    size = contrast_of(p)
    # Only on the axis xi = 0 can the contrast underflow, and there nothing is late.
    divisor = np.where(size > 0.0, size, 1.0)
    late = np.minimum(tilt_of(p) / divisor, 1.0)
    excess = np.minimum(0.5 * late_excess_of(p) / divisor, 0.5)
    code = np.where(size < 0.25, UNLOCALIZED, np.where(excess >= 0.0, LATE, MIDDLE))
    return size, late, excess, code.astype(np.float64)
