"""The phases of the aliveness profile of random-walk tokens, by contrast and lateness (LOC-6).

Asymptotic lines are those of the Gaussian profile, T and d to infinity. Finite-size lines take the
aliveness of the plane's own T and spectrum (LOC-3b) at the ends of the sequence and where the
Gaussian profile of the same (xi, eta) is largest: there it is flat, so the place hardly matters.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from qktheory.numerics.aliveness import rho_extremes
from qktheory.numerics.phase_map import (
    eta_late_middle,
    eta_unlocalized,
    late_lens,
    lens_tip,
    triple_point,
)
from qktheory.phase.boundary import BOUNDARIES, Boundary, Curve, Plane
from qktheory.phase.spectral_plane import SpectralPlane
from qktheory.theorems.catalogue import evaluate

__all__ = ["finite_contrast", "finite_late_excess", "late_middle_line"]

FloatArray = NDArray[np.float64]

_THRESHOLD = 0.25
_POINTS, _FINITE_POINTS = 161, 16
#: Turn, in degrees, of a finite-size line at a point beside which it gets more points, and the
#: rounds in which it may get them.
_TURN, _ROUNDS = 5.0, 3
#: Relative accuracy of eta on a finite-size line: below the width of the line.
_DRAWN = 2e-3


def late_middle_line(eta_low: float, points: int = 48) -> tuple[FloatArray, FloatArray]:
    """Return the boundary of late and middle from the triple point around the lens tip.

    Parameters
    ----------
    eta_low : float
        Where to end the branch that comes down to xi = 2 as eta tends to 0.
    points : int, optional
        Number of points of each of the three parts.

    Returns
    -------
    xi, eta : ndarray
        eta_LM of LOC-6c for xi <= 2, then the upper and the lower end of the lens of LOC-6d.

    Examples
    --------
    >>> xi, eta = late_middle_line(0.01, points=8)
    >>> xi[0].round(6), eta[0].round(6), xi.max().round(6)
    (np.float64(0.47253), np.float64(1.085665), np.float64(2.014405))
    """
    triple, tip = triple_point(), lens_tip()
    # Steps shrink towards xi = 2, where the line is steepest.
    before = 2.0 - (2.0 - triple.xi) * np.linspace(1.0, 0.0, points)[1:] ** 2
    # Also at the tip, and most of all where the lower branch comes down beside xi = 2.
    lens = 2.0 + (tip.xi - 2.0) * np.sin(0.5 * np.pi * np.linspace(0.0, 1.0, points))[1:-1] ** 4
    ends = [late_lens(x) for x in lens]
    xi = np.concatenate([[triple.xi], before, lens, [tip.xi], lens[::-1], [2.0]])
    eta = np.array(
        [triple.eta]
        + [eta_late_middle(x) for x in before]
        + [end.eta_LM_high for end in ends]
        + [tip.eta]
        + [end.eta_LM_low for end in reversed(ends)]
        + [min(eta_low, ends[0].eta_LM_low)]
    )
    return xi, eta


def _rho(spectral: SpectralPlane, xi: float, eta: float) -> tuple[float, float, float]:
    """Return the aliveness at the first key, at the last one, and at the top between them."""
    T = spectral.T
    top = round(rho_extremes(xi, eta).theta_max * T)
    mu = spectral.eigenvalues(xi, eta).tolist()
    first, last, most = (
        float(evaluate("LOC-3b", eigenvalues=mu, T=T, key=key)["rho_exact"])
        for key in (1, T, min(max(top, 1), T))
    )
    return first, last, max(first, last, most)


def finite_contrast(spectral: SpectralPlane, xi: float, eta: float) -> float:
    """Return rho_max - rho_min at the T and the spectrum of a plane."""
    first, last, top = _rho(spectral, xi, eta)
    return top - min(first, last)


def finite_late_excess(spectral: SpectralPlane, xi: float, eta: float) -> float:
    """Return what has the sign of lateness - 1/2 at the T and the spectrum of a plane."""
    first, last, top = _rho(spectral, xi, eta)
    return 2.0 * max(first, last) - top - min(first, last)


def _late_excess_at(spectral: SpectralPlane, eta: float, xi: float) -> float:
    return finite_late_excess(spectral, xi, eta)


def _sizes(spectral: SpectralPlane, points: int) -> FloatArray:
    """Return values of |xi| up to the larger end of the plane."""
    most = float(np.abs(spectral.xi_range).max())
    return most * np.linspace(1.0 / points, 1.0, points) ** 1.3


def _sides(spectral: SpectralPlane) -> list[float]:
    low, high = spectral.xi_range
    return [sign for sign, end in ((1.0, high), (-1.0, -low)) if end > 0.0]


def _root_near(
    function: Callable[[float], float], guess: float, least: float = 0.0, most: float = math.inf
) -> float:
    """Return the root next to a guess, NaN if there is none within a factor of 2."""
    middle = min(max(guess, least), most)
    low = high = middle
    at_low = at_high = function(middle)
    for step in (1.1, 1.4, 2.0):
        up, down = min(middle * step, most), max(middle / step, least)
        at_up, at_down = function(up), function(down)
        if at_up * at_high <= 0.0:
            return float(brentq(function, high, up, xtol=_DRAWN * middle))
        if at_down * at_low <= 0.0:
            return float(brentq(function, down, low, xtol=_DRAWN * middle))
        low, high, at_low, at_high = down, up, at_down, at_up
    return float("nan")


def _least(spectral: SpectralPlane, xi: float) -> float:
    """Return an eta that a spectrum of that trace has, next to the least one."""
    return 1.0001 * xi**2 / spectral.d


def _finite_line(
    spectral: SpectralPlane,
    sizes: FloatArray,
    starts: FloatArray,
    function: Callable[[SpectralPlane, float, float], float],
) -> FloatArray:
    """Return the roots in eta at given |xi|; each guess scales its start as the one before."""
    found, ratio = [], 1.0
    for xi, start in zip(sizes.tolist(), starts.tolist(), strict=True):
        guess = ratio * start
        found.append(_root_near(partial(function, spectral, xi), guess, _least(spectral, xi)))
        ratio = found[-1] / start if np.isfinite(found[-1]) else 1.0
    return np.array(found)


def _bends(xi: FloatArray, eta: FloatArray) -> NDArray[np.bool_]:
    """Return which segments of a line meet another one at an angle that the eye sees.

    In a square picture of the line, with eta on a logarithmic scale.
    """
    steps = np.array([np.diff(xi) / np.ptp(xi), np.diff(np.log(eta)) / np.ptp(np.log(eta))])
    turns = np.abs(np.diff(np.unwrap(np.arctan2(steps[1], steps[0])))) > math.radians(_TURN)
    return np.asarray(np.append(turns, False) | np.append(False, turns))


def _refined(
    xi: FloatArray, eta: FloatArray, root: Callable[[float, float], float]
) -> tuple[FloatArray, FloatArray]:
    """Return a line with more points where it bends, `root` of |xi| and a guess of eta."""
    for _ in range(_ROUNDS):
        known = np.isfinite(eta)
        xi, eta = xi[known], eta[known]
        if xi.size < 3:
            break
        between = np.flatnonzero(_bends(xi, eta))
        at = 0.5 * (xi[between] + xi[between + 1])
        guesses = np.sqrt(eta[between] * eta[between + 1])
        found = [root(*pair) for pair in zip(at.tolist(), guesses.tolist(), strict=True)]
        xi, eta = np.insert(xi, between + 1, at), np.insert(eta, between + 1, found)
    return xi, eta


def _mirrored(
    spectral: SpectralPlane, xi: FloatArray, eta: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the points of a line and of its mirror image, with NaN between the two."""
    parts = [
        np.array([np.append(sign * xi, np.nan), np.append(eta, np.nan)])
        for sign in _sides(spectral)
    ]
    whole = np.concatenate(parts, axis=1)
    return spectral.place(whole[0], whole[1])


def _unlocalized(plane: Plane) -> list[Curve]:
    spectral = SpectralPlane.of(plane)
    xi = _sizes(spectral, _POINTS)
    eta = np.array([eta_unlocalized(x) for x in xi.tolist()])
    label = r"contrast $1/4$, $T, d \to \infty$"
    points = _mirrored(spectral, xi, eta)
    return [Curve("unlocalized", "LOC-6b", "asymptotic", label, *points)]


def _unlocalized_finite(plane: Plane) -> list[Curve]:
    spectral = SpectralPlane.of(plane)
    xi = _sizes(spectral, _FINITE_POINTS)
    # Half of the least, so that the line comes down as far as the plane does.
    xi = np.append(0.5 * xi[0], xi)
    starts = np.array([eta_unlocalized(x) for x in xi.tolist()])

    def excess(spectral: SpectralPlane, xi: float, eta: float) -> float:
        return finite_contrast(spectral, xi, eta) - _THRESHOLD

    def root(xi: float, guess: float) -> float:
        return _root_near(partial(excess, spectral, xi), guess, _least(spectral, xi))

    xi, eta = _refined(xi, _finite_line(spectral, xi, starts, excess), root)
    label = f"contrast $1/4$, $T = {spectral.T}$, $d = {spectral.d}$"
    points = _mirrored(spectral, xi, eta)
    return [Curve("unlocalized_finite", "LOC-3b", "finite size", label, *points)]


def _late_middle(plane: Plane) -> list[Curve]:
    spectral = SpectralPlane.of(plane)
    lines = late_middle_line(max(spectral.eta_range[0], 1e-6))
    label = r"lateness $1/2$, $T, d \to \infty$"
    points = _mirrored(spectral, *lines)
    return [Curve("late_middle", "LOC-6c", "asymptotic", label, *points)]


def _late_middle_finite(plane: Plane) -> list[Curve]:
    spectral = SpectralPlane.of(plane)
    # As a function of xi up to its top, then, where it is steep, as one of eta.
    sizes = np.linspace(triple_point().xi + 0.05, 1.6, 7)
    starts = np.array([eta_late_middle(x) for x in sizes.tolist()])
    etas = _finite_line(spectral, sizes, starts, finite_late_excess)
    depth = math.log(etas[-1] / max(spectral.eta_range[0], 5.0 / spectral.d))
    below = etas[-1] * np.exp(-max(depth, 0.0) * np.linspace(0.0, 1.0, 10)[1:] ** 1.6)
    xis, guess = [], float(sizes[-1])
    for eta in below.tolist():
        widest = 0.999 * math.sqrt(eta * spectral.d)
        root = _root_near(partial(_late_excess_at, spectral, eta), guess, most=widest)
        xis.append(root)
        guess = root if math.isfinite(root) else guess
    label = f"lateness $1/2$, $T = {spectral.T}$, $d = {spectral.d}$"
    points = _mirrored(spectral, np.append(sizes, xis), np.append(etas, below))
    return [Curve("late_middle_finite", "LOC-3b", "finite size", label, *points)]


def _obstacle(plane: Plane) -> str | None:
    return SpectralPlane.obstacle(plane, tokens="random_walk", normalizer="clipped_linear")


def _finite_obstacle(plane: Plane) -> str | None:
    reason = _obstacle(plane)
    if reason is None and not SpectralPlane.of(plane).deterministic:
        return "its spectra are drawn at random"
    return reason


for _boundary in (
    Boundary(
        "unlocalized_finite",
        "contrast of the aliveness profile 1/4, at the T and d of the plane",
        ("LOC-3b",),
        _finite_obstacle,
        _unlocalized_finite,
    ),
    Boundary(
        "late_middle_finite",
        "lateness of the aliveness profile 1/2, at the T and d of the plane",
        ("LOC-3b",),
        _finite_obstacle,
        _late_middle_finite,
    ),
    Boundary(
        "unlocalized",
        "contrast of the aliveness profile 1/4",
        ("LOC-6b",),
        _obstacle,
        _unlocalized,
    ),
    Boundary(
        "late_middle",
        "lateness of the aliveness profile 1/2",
        ("LOC-6c", "LOC-6d"),
        _obstacle,
        _late_middle,
    ),
):
    BOUNDARIES.add(_boundary.name, _boundary)
