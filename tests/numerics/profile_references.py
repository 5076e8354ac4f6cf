"""The aliveness profile by its definition, with mpmath: slow, never clever."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import mpmath as mp

HALF = mp.mpf(1) / 2
PANELS = [mp.mpf(k) / 16 for k in range(-8, 9)]
Number = float | mp.mpf


def interval(a: mp.mpf, b: mp.mpf) -> mp.mpf:
    """Phi(b) - Phi(a), on the side where erfc keeps its digits."""
    if a + b < 0:
        a, b = -b, -a
    root = mp.sqrt(2)
    if a > 0:
        return (mp.erfc(a / root) - mp.erfc(b / root)) / 2
    return (mp.erf(b / root) - mp.erf(a / root)) / 2


def rho(xi: Number, eta: Number, x: Number) -> mp.mpf:
    sigma = mp.sqrt(mp.mpf(eta) * (2 * mp.mpf(x) ** 2 + mp.mpf(1) / 12))
    return interval(-mp.mpf(xi) * x / sigma, (1 - mp.mpf(xi) * x) / sigma)


def largest(xi: Number, eta: Number) -> mp.mpf:
    """The maximum by golden section on 0 <= x <= min(1/2, 1/xi) (fact (iii) of LOC-4)."""
    low, high = mp.mpf(0), HALF if xi <= 2 else 1 / mp.mpf(xi)
    ratio = (mp.sqrt(5) - 1) / 2
    inner, outer = high - ratio * (high - low), low + ratio * (high - low)
    first, second = rho(xi, eta, inner), rho(xi, eta, outer)
    for _ in range(130):
        if first > second:
            high, outer, second = outer, inner, first
            inner = high - ratio * (high - low)
            first = rho(xi, eta, inner)
        else:
            low, inner, first = inner, outer, second
            outer = low + ratio * (high - low)
            second = rho(xi, eta, outer)
    return max(first, second, rho(xi, eta, high))


def contrast_and_lateness(xi: Number, eta: Number, dps: int = 60) -> tuple[mp.mpf, mp.mpf]:
    """C and lateness for xi >= 0."""
    with mp.workdps(dps):
        first, last, top = rho(xi, eta, -HALF), rho(xi, eta, HALF), largest(xi, eta)
        return top - first, (last - first) / (top - first)


def breaks(xi: float, eta: float) -> list[mp.mpf]:
    """Ends of panels that follow the layers at x = 0 and x = 1/xi."""
    points = set(PANELS)
    for centre in {0.0, 1.0 / xi if xi > 2.0 else 0.0}:
        width = mp.sqrt(eta * (2 * mp.mpf(centre) ** 2 + mp.mpf(1) / 12)) / xi
        steps = [mp.mpf(k) for k in range(10)] + [mp.mpf(10) * 2**k for k in range(40)]
        points |= {centre + s * width * k for k in steps for s in (-1, 1)}
    return sorted(p for p in points if abs(p) <= HALF)


def integral(f: Callable[[mp.mpf], mp.mpf], panels: list[mp.mpf]) -> mp.mpf:
    with mp.workdps(32):
        return mp.quad(f, panels, method="gauss-legendre", maxdegree=5)


def mass_and_fraction(
    xi: Number, eta: Number, panels: list[mp.mpf] | None = None
) -> tuple[mp.mpf, mp.mpf]:
    panels = panels or breaks(float(xi), float(eta))
    height = cache(lambda x: rho(xi, eta, x))
    mass = integral(height, panels)
    return mass, mass**2 / integral(lambda x: height(x) ** 2, panels)


def crosses(f: Callable[[mp.mpf], mp.mpf], at: float, rtol: float) -> int:
    """+1 (-1) if f goes from below to above (above to below) zero within rtol of `at`, else 0."""
    with mp.workdps(60):
        before, after = (mp.sign(f(mp.mpf(at) * (1 + s * mp.mpf(rtol)))) for s in (-1, 1))
        return int(after) if before == -after else 0
