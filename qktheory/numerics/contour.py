"""Laws of quadratic forms by integration along a deformed inversion contour.

For q = sum_j w_j g_j^2 with cumulant function K, inversion integrals such as

    P(a < q < b) = 1/(2 pi i) int exp(K(s)) (exp(-s a) - exp(-s b))/s ds,   0 <= a < b,

may be taken along any contour through the strip (s_-, s_+) that ends in the right half plane,
because exp(-s a) does not grow there. The contours are hyperbolas through the saddle point c of
the integrand on the real axis,

    s(v) = c + rho (2 sinh^2(v/2) cos(theta) + i sinh(v) sin(theta)),  v real,

so the integrand does not oscillate near its maximum and small probabilities keep their relative
accuracy. One that bends to the right makes the integrand decay exponentially even if the
characteristic function decays like 1/|tau| (rank one), and the trapezoidal rule in v converges
geometrically. If many small weights act as a shift of q, the integrand may grow along it; then the
contour bends to the left, or is a vertical line (on which the integrand always decreases).
Negative a and b are treated as the law of -q.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qktheory.numerics.cumulant import CumulantFunction

__all__ = ["density", "interval", "tail"]

_Floats = NDArray[np.float64]
_Complex = NDArray[np.complex128]
_Kernel = Callable[[_Complex], tuple[_Complex, _Floats]]

_NEGLIGIBLE = 1e-18
_GROWTH = 2.0
_BLOCK = 24
_MAX_NODES = 6000
_GAUSS_NODES, _GAUSS_WEIGHTS = np.polynomial.legendre.leggauss(24)


class _GrowthError(Exception):
    """The integrand grows along the path."""


@dataclass(frozen=True)
class _Path:
    """A hyperbola through the saddle point; cos > 0 bends right, cos < 0 left."""

    rho: float
    cos: float
    sin: float

    @classmethod
    def bending(cls, rho: float, distance: float, sign: float) -> _Path:
        """Return the path whose focus lies `distance` from the saddle point."""
        ratio = distance / rho
        return cls(rho, sign * (1.0 - ratio), math.sqrt(ratio * (2.0 - ratio)))

    def shift(self, v: _Floats) -> _Complex:
        half = np.sinh(0.5 * v)
        return np.asarray(
            self.rho * (2.0 * self.cos * half * half + 1j * self.sin * np.sinh(v)),
            dtype=np.complex128,
        )

    def speed(self, v: _Floats) -> _Complex:
        return np.asarray(
            self.rho * (self.cos * np.sinh(v) + 1j * self.sin * np.cosh(v)), dtype=np.complex128
        )


def _paths(law: CumulantFunction, y: float) -> Iterator[_Path]:
    """Return the paths to try: right, left, straight."""
    half = 0.5 * law.width
    left = law.width - y if math.isfinite(half) else y
    yield _Path.bending(max(half, 2.0 * y) if math.isfinite(half) else 2.0 * y, y, 1.0)
    yield _Path.bending(max(half, 2.0 * left) if math.isfinite(half) else 2.0 * left, left, -1.0)
    yield _Path(min(y, left), 0.0, 1.0)


def _integrate(law: CumulantFunction, y: float, kernel: _Kernel, curvature: float) -> float:
    """Return 1/(2 pi i) int exp(K(s)) kernel(s) ds along a hyperbola through c = s_+ - y.

    `kernel` maps s to (factor, exponent coefficient e) for the value factor * exp(-s e); the two
    parts are kept apart because exp(-s e) alone may overflow.
    """
    centre = law.s_plus - y
    factor, e = kernel(np.array([complex(centre)]))
    reference = float(law.along(y, np.zeros(1, dtype=np.complex128)).real[0]) - centre * float(e[0])
    if reference + math.log(abs(factor[0])) - 0.5 * math.log(curvature) < -760.0:
        return 0.0

    def integrand_on(path: _Path, check: bool) -> Callable[[_Floats], _Floats]:
        def integrand(v: _Floats) -> _Floats:
            shift = path.shift(v)
            s = centre + shift
            factor, e = kernel(s)
            exponent = law.along(y, shift) - s * e - reference
            if check and np.max(exponent.real) > _GROWTH:
                raise _GrowthError
            return np.asarray((np.exp(exponent) * factor * path.speed(v)).imag)

        return integrand

    total = math.nan
    for path in _paths(law, y):
        straight = path.cos == 0.0
        integrand = integrand_on(path, not straight)
        step = min(1.0 / (path.rho * path.sin * math.sqrt(curvature)), 0.5 * path.sin, 0.4)
        try:
            total = _trapezoid(integrand, step)
            if math.isnan(total):
                total = _graded(integrand, 0.5 * step)
        except _GrowthError:
            continue
        break
    # The square root keeps subnormal results from being lost half way.
    root = math.exp(0.5 * reference)
    return root * (total / math.pi) * root


def _trapezoid(integrand: Callable[[_Floats], _Floats], step: float) -> float:
    """Return the integral over (0, inf) by step halving, or nan if that takes too many nodes."""
    values = integrand(step * np.arange(_BLOCK, dtype=np.float64))
    largest = float(np.max(np.abs(values)))
    pieces = [values]
    count = _BLOCK
    while float(np.max(np.abs(pieces[-1][-4:]))) > _NEGLIGIBLE * largest:
        if count > _MAX_NODES:
            return math.nan
        values = integrand(step * np.arange(count, count + _BLOCK, dtype=np.float64))
        largest = max(largest, float(np.max(np.abs(values))))
        pieces.append(values)
        count += _BLOCK
    values = np.concatenate(pieces)
    total = step * (math.fsum(values) - 0.5 * float(values[0]))
    previous = 1e-30
    while 2 * count <= _MAX_NODES:
        middle = integrand(step * (np.arange(count, dtype=np.float64) + 0.5))
        refined = 0.5 * (total + step * math.fsum(middle))
        change = abs(refined - total) / abs(refined) if refined != 0.0 else 0.0
        # The error A exp(-c/step) is squared by each halving up to the factor A, which is small
        # where weights of very different size meet; two changes give A and c.
        if change <= 1e-12 or change * (change / previous) ** 2 <= 1e-14:
            return refined
        previous = change
        total, step, count = refined, 0.5 * step, 2 * count
    return math.nan


def _graded(integrand: Callable[[_Floats], _Floats], first: float) -> float:
    """Return the integral over (0, inf) by Gauss panels of growing length, each bisected.

    For integrands with structure on very different scales of v, where one step cannot serve.
    """

    def panel(left: float, right: float) -> float:
        middle, radius = 0.5 * (left + right), 0.5 * (right - left)
        return radius * float(integrand(middle + radius * _GAUSS_NODES) @ _GAUSS_WEIGHTS)

    def refine(left: float, right: float, whole: float, size: float, depth: int) -> float:
        middle = 0.5 * (left + right)
        one, two = panel(left, middle), panel(middle, right)
        if depth == 0 or abs(one + two - whole) <= 1e-14 * size:
            return one + two
        return refine(left, middle, one, size, depth - 1) + refine(
            middle, right, two, size, depth - 1
        )

    parts: list[float] = []
    left, right = 0.0, first
    while True:
        whole = panel(left, right)
        size = max(abs(whole), abs(math.fsum(parts)))
        parts.append(refine(left, right, whole, size, 8))
        peak = float(np.max(np.abs(integrand(right + np.linspace(0.0, 1.0, 5)))))
        if (peak <= _NEGLIGIBLE * abs(math.fsum(parts)) and right > 4.0 * first) or right > 400.0:
            return math.fsum(parts)
        left, right = right, right + min(right, 1.0)


def tail(weights: _Floats, multiplicities: _Floats, x: float) -> float:
    """Return P(q > x) for x >= 0.

    Parameters
    ----------
    weights, multiplicities : ndarray, shape (J,)
        Distinct non-zero weights and how often each occurs.
    x : float
        Threshold, >= 0.

    Returns
    -------
    float
        Relative accuracy 1e-12 or better, however small the probability.

    Examples
    --------
    >>> round(tail(np.array([0.5]), np.array([2.0]), 3.0), 12)
    0.049787068368
    """
    if weights.max() <= 0.0:
        return 0.0
    law = CumulantFunction(weights, multiplicities)
    y = law.saddle(lambda s: -x - 1.0 / s, law.s_plus)

    def kernel(s: _Complex) -> tuple[_Complex, _Floats]:
        return 1.0 / s, np.full(s.shape, x)

    s = law.s_plus - y
    return _integrate(law, y, kernel, law.curvature(y) + 1.0 / s**2)


def interval(weights: _Floats, multiplicities: _Floats, a: float, b: float) -> float:
    """Return P(a < q < b) for 0 <= a < b < inf.

    Parameters
    ----------
    weights, multiplicities : ndarray, shape (J,)
        Distinct non-zero weights and how often each occurs.
    a, b : float
        Ends of the interval, 0 <= a < b.

    Returns
    -------
    float
        Relative accuracy 1e-12 or better, for far tails and for short intervals alike.

    Examples
    --------
    >>> round(interval(np.array([0.5]), np.array([2.0]), 0.0, 1e-3), 12)
    0.000999500167
    """
    if weights.max() <= 0.0:
        return 0.0
    law = CumulantFunction(weights, multiplicities)
    length = b - a

    def shift(s: float) -> float:
        t = s * length
        if abs(t) < 1e-4:
            return -a - length * (0.5 - t / 12.0)
        if t > 700.0:
            return -a - 1.0 / s
        if t < -700.0:
            return -b - 1.0 / s
        return -a + length / math.expm1(t) - 1.0 / s

    y = law.saddle(shift, law.width)

    def kernel(s: _Complex) -> tuple[_Complex, _Floats]:
        sign = np.where(s.real >= 0.0, 1.0, -1.0)
        nought = s == 0.0
        safe = np.where(nought, 1.0, s)
        factor = -sign * np.expm1(-sign * safe * length) / safe
        return np.where(nought, length, factor), np.where(sign > 0.0, a, b)

    s = law.s_plus - y
    spread = length * length / (12.0 + (s * length) ** 2)
    return _integrate(law, y, kernel, law.curvature(y) + spread)


def density(weights: _Floats, multiplicities: _Floats, x: float) -> float:
    """Return the density of q at x > 0 (at x = 0 too if sum of multiplicities > 2).

    Parameters
    ----------
    weights, multiplicities : ndarray, shape (J,)
        Distinct non-zero weights and how often each occurs.
    x : float
        Point, >= 0.

    Returns
    -------
    float
        Relative accuracy 1e-12 or better.

    Examples
    --------
    >>> round(density(np.array([0.5]), np.array([2.0]), 3.0), 12)
    0.049787068368
    """
    if weights.max() <= 0.0:
        return 0.0
    law = CumulantFunction(weights, multiplicities)
    y = law.saddle(lambda s: -x, law.width)

    def kernel(s: _Complex) -> tuple[_Complex, _Floats]:
        return np.ones_like(s), np.full(s.shape, x)

    return _integrate(law, y, kernel, law.curvature(y))
