"""Mean end weight of the bridge softmax over a law of its drift, as a contour integral (LOC-10).

For a law of m with cumulant function K(s) = log E exp(s m),

    E[m/(e^m - 1)] = (1/2 pi i) int_{c - i inf}^{c + i inf} pi^2/sin^2(pi s) e^K(s) ds,  -1 < c < 0,

because pi^2/sin^2(pi s) is the two-sided Laplace transform of m/(e^m - 1). On the vertical line
through the saddle the integrand has no cancellation, so the small one of the two end weights
E[m/(e^m - 1)] and E[m/(1 - e^-m)] is relatively accurate; the other exceeds it by |E m|. Where m is
large and nearly constant the line is first moved to the left across poles of the sine, whose
residues are E[m e^(-n m)] = K'(-n) e^K(-n).
"""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from qktheory.numerics.cumulant import log_moment_generating

__all__ = ["DriftLaw", "NormalDrift", "QuadraticDrift", "smaller_end_weight"]

_Complex = NDArray[np.complex128]
# 4 exp(-2 pi 7) < 1e-18 ends the line.
_END = 7.0
_NEGLIGIBLE = 1e-18


class DriftLaw(Protocol):
    """A law of m by its cumulant function, analytic for `low` < Re s <= 0."""

    low: float

    def log_mgf(self, s: float) -> float:
        """Return K(s)."""

    def along(self, s: float, y: NDArray[np.float64]) -> _Complex:
        """Return K(s + i y) - K(s)."""

    def slope(self, s: float) -> float:
        """Return K'(s)."""

    def root_curvature(self, s: float) -> float:
        """Return K''(s)^(1/2)."""


class QuadraticDrift:
    """m = sum_j w_j g_j^2 with weights not 0.

    Parameters
    ----------
    weights, multiplicities : ndarray, shape (J,)
        Distinct weights and how often each occurs.
    """

    def __init__(self, weights: NDArray[np.float64], multiplicities: NDArray[np.float64]) -> None:
        self.weights = weights
        self.multiplicities = multiplicities
        bottom = float(weights.min())
        self.low = 0.5 / bottom if bottom < 0.0 else -math.inf

    def _log(self, s: _Complex) -> _Complex:
        total = np.zeros(s.shape, dtype=np.complex128)
        block = max(1, 2**17 // s.size)
        for start in range(0, self.weights.size, block):
            part = slice(start, start + block)
            total += log_moment_generating(self.weights[part], self.multiplicities[part], s)
        return total

    def log_mgf(self, s: float) -> float:
        """Return K(s)."""
        return float(self._log(np.array([complex(s)]))[0].real)

    def along(self, s: float, y: NDArray[np.float64]) -> _Complex:
        """Return K(s + i y) - K(s)."""
        return self._log(np.asarray(s + 1j * y, dtype=np.complex128)) - self.log_mgf(s)

    def _ratios(self, s: float) -> NDArray[np.float64]:
        return np.asarray(self.weights / (1.0 - 2.0 * s * self.weights))

    def slope(self, s: float) -> float:
        """Return K'(s)."""
        return float(np.sum(self.multiplicities * self._ratios(s)))

    def root_curvature(self, s: float) -> float:
        """Return K''(s)^(1/2)."""
        ratios = self._ratios(s)
        return math.sqrt(float(np.sum(2.0 * self.multiplicities * ratios * ratios)))


class NormalDrift:
    """m ~ N(mu, variance).

    Parameters
    ----------
    mu, variance : float
        Mean and variance > 0.
    """

    low = -math.inf

    def __init__(self, mu: float, variance: float) -> None:
        self.mu = mu
        self.variance = variance

    def log_mgf(self, s: float) -> float:
        """Return K(s)."""
        return s * (self.mu + 0.5 * self.variance * s)

    def along(self, s: float, y: NDArray[np.float64]) -> _Complex:
        """Return K(s + i y) - K(s)."""
        return np.asarray(1j * y * self.slope(s) - 0.5 * self.variance * y * y)

    def slope(self, s: float) -> float:
        """Return K'(s)."""
        return self.mu + self.variance * s

    def root_curvature(self, s: float) -> float:
        """Return K''(s)^(1/2)."""
        return math.sqrt(self.variance)


def smaller_end_weight(law: DriftLaw) -> float:
    """Return E[m/(e^m - 1)] for a law with E m >= 0.

    Parameters
    ----------
    law : DriftLaw
        Law of m.

    Returns
    -------
    float
        Relative error below 1e-12, also where the value is exponentially small.

    Raises
    ------
    ArithmeticError
        If the integral does not settle.

    Examples
    --------
    >>> round(smaller_end_weight(NormalDrift(1.0, 2.0)), 10)
    0.7230156235
    """
    total = 0.0
    strip = 0
    while True:
        width = min(1.0, -law.low - strip)
        c = _saddle(law, strip, width)
        t = -c - strip
        curvature = law.root_curvature(c)
        scale = 1.0 / math.hypot(curvature, math.sqrt(2.0) * math.pi / _sine(t))
        log_size = law.log_mgf(c) + 2.0 * math.log(math.pi / _sine(t)) + math.log(scale)
        if log_size < -760.0 or math.exp(log_size) < _NEGLIGIBLE * total:
            return total
        slope = law.slope(c)
        next_width = min(1.0, -law.low - (strip + 1))
        # Number of turns of the integrand along the line; beyond a pole there are fewer.
        if slope < max(3.0 * curvature, 6.0) or next_width < 0.05:
            return total + _line(law, c, t, scale)
        pole = -float(strip + 1)
        total += law.slope(pole) * math.exp(law.log_mgf(pole))
        strip += 1


def _sine(t: float) -> float:
    """Return sin(pi t) for 0 < t < 1, relatively accurate at both ends."""
    return math.sin(math.pi * min(t, 1.0 - t))


def _cosine(t: float) -> float:
    return math.cos(math.pi * t) if t <= 0.5 else -math.cos(math.pi * (1.0 - t))


def _saddle(law: DriftLaw, strip: int, width: float) -> float:
    """Return the c in (-strip - width, -strip) where e^K(c)/sin^2(pi c) is smallest."""

    def position(x: float) -> float:
        return -(strip + width / (1.0 + math.exp(-x)))

    def slope(x: float) -> float:
        c = position(x)
        t = -c - strip
        return law.slope(c) + 2.0 * math.pi * _cosine(t) / _sine(t)

    low, high = (-500.0 if strip == 0 else -25.0), 25.0
    if slope(high) >= 0.0:
        return position(high)
    if slope(low) <= 0.0:
        return position(low)
    return position(float(brentq(slope, low, high, xtol=1e-4, rtol=1e-10)))


def _line(law: DriftLaw, c: float, t: float, scale: float) -> float:
    """Integrate along c + i scale sinh(u) by the trapezoidal rule, halved until it settles."""
    sine, cosine = _sine(t), _cosine(t)

    def values(u: NDArray[np.float64]) -> float:
        y = scale * np.sinh(u)
        pole = sine * np.cosh(math.pi * y) - 1j * cosine * np.sinh(math.pi * y)
        integrand = np.exp(law.along(c, y)) * (sine / pole) ** 2
        return math.fsum(np.cosh(u) * integrand.real)

    end = math.asinh(_END / scale)
    step = 0.25
    sum_ = values(step * np.arange(1.0, int(end / step) + 1.0)) + 0.5
    estimate = 2.0 * step * sum_
    for _ in range(9):
        sum_ += values(step * (np.arange(float(int(end / step))) + 0.5))
        step *= 0.5
        previous, estimate = estimate, 2.0 * step * sum_
        # Each halving squares the error, so the last one is beyond rounding.
        if abs(estimate - previous) <= 1e-9 * abs(estimate):
            log_front = law.log_mgf(c) + 2.0 * math.log(math.pi / sine)
            return math.exp(log_front) * (estimate * scale / (2.0 * math.pi))
    raise ArithmeticError("the contour integral of the bridge weights does not settle")
