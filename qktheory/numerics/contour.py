"""Laws of quadratic forms by integration along a deformed inversion contour.

For q = sum_j w_j g_j^2 the function exp(K(s)) = E exp(s q) = prod_j (1 - 2 s w_j)^(-m_j/2) is
analytic in the plane cut along (-inf, s_-] and [s_+, inf), s_+- = 1/(2 w_max), 1/(2 w_min).
Inversion integrals such as

    P(a < q < b) = 1/(2 pi i) int exp(K(s)) (exp(-s a) - exp(-s b))/s ds,   0 <= a < b,

may be taken along any contour through the strip that ends in the right half plane, because
exp(-s a) does not grow there. A hyperbola

    s(v) = s_+ + rho (cosh(v + i theta) - 1),  v real,

through the saddle point of the integrand does this: the integrand does not oscillate near its
maximum (so small probabilities keep their relative accuracy) and decays exponentially in v even if
the characteristic function decays like 1/|tau| (rank one), so the trapezoidal rule converges
geometrically. Negative a and b are treated as the law of -q.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

__all__ = ["density", "interval", "log_moment_generating", "tail"]

_Floats = NDArray[np.float64]
_NEGLIGIBLE = 1e-18
_BLOCK = 24
_MAX_NODES = 6000
_GAUSS_NODES, _GAUSS_WEIGHTS = np.polynomial.legendre.leggauss(24)


def log_moment_generating(
    weights: _Floats, multiplicities: _Floats, s: NDArray[np.complex128]
) -> NDArray[np.complex128]:
    """Return K(s) = -1/2 sum_j m_j log(1 - 2 s w_j), each logarithm on its principal branch.

    Parameters
    ----------
    weights, multiplicities : ndarray, shape (J,)
        Distinct weights and how often each occurs.
    s : ndarray of complex, shape (n,)
        Points of the cut plane; s = i tau gives the logarithm of the characteristic function.

    Returns
    -------
    ndarray of complex, shape (n,)

    Examples
    --------
    >>> log_moment_generating(np.array([0.5]), np.array([2.0]), np.array([0.5 + 0j])).real.round(6)
    array([0.693147])
    """
    return _log_product(np.ones_like(weights), -2.0 * weights, multiplicities, s)


def _log_product(
    constant: _Floats, slope: _Floats, multiplicities: _Floats, y: NDArray[np.complex128]
) -> NDArray[np.complex128]:
    """Return -1/2 sum_j m_j log(constant_j + slope_j y), factor by factor."""
    real = constant + np.multiply.outer(y.real, slope)
    imag = np.multiply.outer(y.imag, slope)
    phase = np.arctan2(imag, real) @ multiplicities
    size = np.log(real * real + imag * imag) @ multiplicities
    return np.asarray(-0.25 * size - 0.5j * phase)


class _Saddle:
    """The cumulant function seen from the right branch point, y = s_+ - s."""

    def __init__(self, weights: _Floats, multiplicities: _Floats) -> None:
        top = float(weights.max())
        bottom = float(weights.min())
        self.weights = weights
        self.multiplicities = multiplicities
        # 1 - 2 s w_j = constant_j + slope_j y keeps its digits when s is close to s_+.
        self.constant = (top - weights) / top
        self.slope = 2.0 * weights
        self.s_plus = 0.5 / top
        self.width = self.s_plus - 0.5 / bottom if bottom < 0.0 else math.inf

    def slope_of_k(self, y: float) -> float:
        """Return K'(s) at s = s_+ - y."""
        return float(np.sum(self.multiplicities * self.weights / (self.constant + self.slope * y)))

    def curvature_of_k(self, y: float) -> float:
        """Return K''(s) at s = s_+ - y."""
        ratio = self.weights / (self.constant + self.slope * y)
        return float(2.0 * np.sum(self.multiplicities * ratio * ratio))

    def k(self, y: NDArray[np.complex128]) -> NDArray[np.complex128]:
        """Return K(s) at s = s_+ - y."""
        return _log_product(self.constant, self.slope, self.multiplicities, y)

    def find(self, shift: Callable[[float], float], limit: float) -> float:
        """Return y in (0, limit) with K'(s) + shift(s) = 0; the left side increases in s."""

        def position(t: float) -> float:
            if math.isinf(limit):
                return self.s_plus * math.exp(t)
            return limit / (1.0 + math.exp(-t))

        def equation(t: float) -> float:
            y = position(t)
            return self.slope_of_k(y) + shift(self.s_plus - y)

        low, high = -4.0, 4.0
        while equation(low) < 0.0 and low > -600.0:
            low *= 2.0
        while equation(high) > 0.0 and high < 600.0 and position(2 * high) < limit:
            high *= 2.0
        if equation(low) <= 0.0:
            return position(low)
        if equation(high) >= 0.0:
            return position(high)
        return position(float(brentq(equation, low, high, xtol=1e-3, rtol=1e-6)))


def _integrate(
    saddle: _Saddle,
    y_c: float,
    kernel: Callable[[NDArray[np.complex128]], tuple[NDArray[np.complex128], _Floats]],
    curvature: float,
) -> float:
    """Return 1/(2 pi i) int exp(K(s)) kernel(s) ds along the hyperbola through s_+ - y_c.

    `kernel` maps s to (factor, exponent coefficient e) for the value factor * exp(-s e); the two
    parts are kept apart because exp(-s e) alone may overflow.
    """
    half = 0.5 * saddle.width
    rho = max(half, 2.0 * y_c) if math.isfinite(half) else 2.0 * y_c
    theta = 2.0 * math.asin(math.sqrt(0.5 * y_c / rho))
    centre = np.array([complex(y_c)])
    _, e0 = kernel(np.array([complex(saddle.s_plus - y_c)]))
    reference = float(saddle.k(centre).real[0]) - (saddle.s_plus - y_c) * float(e0[0])

    def integrand(v: _Floats) -> _Floats:
        w = v + 1j * theta
        root = np.sinh(0.5 * w)
        y = -2.0 * rho * root * root
        s = saddle.s_plus - y
        factor, e = kernel(s)
        value = np.exp(saddle.k(y) - s * e - reference) * factor
        return np.asarray((value * (rho * np.sinh(w))).imag)

    scale = 1.0 / (rho * math.sin(theta) * math.sqrt(curvature))
    step = min(scale, 0.5 * theta, 0.4)
    total = _trapezoid(integrand, step)
    if total is None:
        total = _graded(integrand, 0.5 * step)
    if reference < -745.0:
        return math.exp(0.5 * reference) * (total / math.pi) * math.exp(0.5 * reference)
    return math.exp(reference) * (total / math.pi)


def _trapezoid(integrand: Callable[[_Floats], _Floats], step: float) -> float | None:
    """Return the integral over (0, inf) by step halving, or None if that takes too many nodes."""
    values = integrand(step * np.arange(_BLOCK, dtype=np.float64))
    largest = float(np.max(np.abs(values)))
    pieces = [values]
    count = _BLOCK
    while float(np.max(np.abs(pieces[-1][-4:]))) > _NEGLIGIBLE * largest:
        if count > _MAX_NODES:
            return None
        values = integrand(step * np.arange(count, count + _BLOCK, dtype=np.float64))
        largest = max(largest, float(np.max(np.abs(values))))
        pieces.append(values)
        count += _BLOCK
    values = np.concatenate(pieces)
    total = step * (math.fsum(values) - 0.5 * float(values[0]))
    while 2 * count <= _MAX_NODES:
        middle = integrand(step * (np.arange(count, dtype=np.float64) + 0.5))
        refined = 0.5 * (total + step * math.fsum(middle))
        # The error of the halved step is the square of this difference, up to constants.
        if abs(refined - total) <= 1e-9 * abs(refined):
            return refined
        total, step, count = refined, 0.5 * step, 2 * count
    return None


def _graded(integrand: Callable[[_Floats], _Floats], first: float) -> float:
    """Return the integral over (0, inf) by Gauss panels of doubling length, each bisected."""

    def panel(left: float, right: float) -> float:
        middle, radius = 0.5 * (left + right), 0.5 * (right - left)
        return radius * float(integrand(middle + radius * _GAUSS_NODES) @ _GAUSS_WEIGHTS)

    def refine(left: float, right: float, whole: float, size: float, depth: int) -> float:
        middle = 0.5 * (left + right)
        one, two = panel(left, middle), panel(middle, right)
        if depth == 0 or abs(one + two - whole) <= 1e-15 * size:
            return one + two
        return refine(left, middle, one, size, depth - 1) + refine(
            middle, right, two, size, depth - 1
        )

    parts: list[float] = []
    left, right = 0.0, first
    while True:
        whole = panel(left, right)
        size = max(abs(whole), abs(math.fsum(parts)))
        parts.append(refine(left, right, whole, size, 12))
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
    saddle = _Saddle(weights, multiplicities)
    y = saddle.find(lambda s: -x - 1.0 / s, saddle.s_plus)

    def kernel(s: NDArray[np.complex128]) -> tuple[NDArray[np.complex128], _Floats]:
        return 1.0 / s, np.full(s.shape, x)

    s = saddle.s_plus - y
    return _integrate(saddle, y, kernel, saddle.curvature_of_k(y) + 1.0 / s**2)


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
    saddle = _Saddle(weights, multiplicities)
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

    y = saddle.find(shift, saddle.width)

    def kernel(s: NDArray[np.complex128]) -> tuple[NDArray[np.complex128], _Floats]:
        sign = np.where(s.real >= 0.0, 1.0, -1.0)
        nought = s == 0.0
        safe = np.where(nought, 1.0, s)
        factor = -sign * np.expm1(-sign * safe * length) / safe
        return np.where(nought, length, factor), np.where(sign > 0.0, a, b)

    s = saddle.s_plus - y
    spread = length * length / (12.0 + (s * length) ** 2)
    return _integrate(saddle, y, kernel, saddle.curvature_of_k(y) + spread)


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
    saddle = _Saddle(weights, multiplicities)
    y = saddle.find(lambda s: -x, saddle.width)

    def kernel(s: NDArray[np.complex128]) -> tuple[NDArray[np.complex128], _Floats]:
        return np.ones_like(s), np.full(s.shape, x)

    return _integrate(saddle, y, kernel, saddle.curvature_of_k(y))
