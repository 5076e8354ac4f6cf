"""Cumulant functions of quadratic forms and their saddle points.

K(s) = log E exp(s q) = -1/2 sum_j m_j log(1 - 2 s w_j) for q = sum_j w_j g_j^2, each weight w_j
occurring m_j times. K is analytic in the plane cut along (-inf, s_-] and [s_+, inf),
s_+ = 1/(2 max w), s_- = 1/(2 min w).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

__all__ = ["CumulantFunction", "log_moment_generating"]

_Floats = NDArray[np.float64]
_Complex = NDArray[np.complex128]


def log_moment_generating(weights: _Floats, multiplicities: _Floats, s: _Complex) -> _Complex:
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
        Relatively accurate also for small s.

    Examples
    --------
    >>> log_moment_generating(np.array([0.5]), np.array([2.0]), np.array([0.5 + 0j])).real.round(6)
    array([0.693147])
    """
    real = np.multiply.outer(s.real, 2.0 * weights)
    imag = np.multiply.outer(s.imag, -2.0 * weights)
    phase = np.arctan2(imag, 1.0 - real)
    excess = real * (real - 2.0) + imag * imag
    # Where |1 - 2 s w| is small, log1p would see the rounding of `excess`.
    direct = (1.0 - real) ** 2 + imag * imag
    size = np.where(excess > -0.5, np.log1p(np.maximum(excess, -0.5)), np.log(direct))
    return np.asarray(-0.25 * (size @ multiplicities) - 0.5j * (phase @ multiplicities))


class CumulantFunction:
    """K(s) around a point of the strip (s_-, s_+), for a law that can be positive.

    Points are given as the distance y = s_+ - s to the right branch point, so that 1 - 2 s w_j
    keeps its digits where it is small.

    Parameters
    ----------
    weights, multiplicities : ndarray, shape (J,)
        Distinct non-zero weights, at least one positive, and how often each occurs.

    Attributes
    ----------
    s_plus : float
        1/(2 max w).
    width : float
        s_+ - s_-, inf without negative weights.

    Examples
    --------
    >>> law = CumulantFunction(np.array([-1.0, 1.0]), np.array([1.0, 1.0]))
    >>> law.s_plus, law.width, law.slope(0.5), law.curvature(0.5)
    (0.5, 1.0, 0.0, 4.0)
    """

    def __init__(self, weights: _Floats, multiplicities: _Floats) -> None:
        top = float(weights.max())
        bottom = float(weights.min())
        self.weights = weights
        self.multiplicities = multiplicities
        self._constant = (top - weights) / top
        self._slope = 2.0 * weights
        # A large multiplicity multiplies the rounding of 1 - 2 s w near s = 0; log1p avoids it.
        self._heavy = float(multiplicities.max()) > 16.0
        self.s_plus = 0.5 / top
        self.width = self.s_plus - 0.5 / bottom if bottom < 0.0 else math.inf

    def slope(self, y: float) -> float:
        """Return K'(s) at s = s_+ - y."""
        factor = self._constant + self._slope * y
        return float(np.sum(self.multiplicities * self.weights / factor))

    def curvature(self, y: float) -> float:
        """Return K''(s) at s = s_+ - y."""
        ratio = self.weights / (self._constant + self._slope * y)
        return float(2.0 * np.sum(self.multiplicities * ratio * ratio))

    def along(self, y0: float, shift: _Complex) -> _Complex:
        """Return K(s) at s = s_+ - y0 + shift.

        Parameters
        ----------
        y0 : float
            Base point.
        shift : ndarray of complex, shape (n,)
            Displacements from the base point.

        Returns
        -------
        ndarray of complex, shape (n,)
        """
        if self._heavy and y0 > 0.5 * self.s_plus:
            return log_moment_generating(
                self.weights, self.multiplicities, (self.s_plus - y0) + shift
            )
        y = y0 - shift
        real = self._constant + np.multiply.outer(y.real, self._slope)
        imag = np.multiply.outer(y.imag, self._slope)
        phase = np.arctan2(imag, real) @ self.multiplicities
        size = np.log(real * real + imag * imag) @ self.multiplicities
        return np.asarray(-0.25 * size - 0.5j * phase)

    def saddle(self, shift: Callable[[float], float], limit: float) -> float:
        """Return y in (0, limit) with K'(s) + shift(s) = 0 at s = s_+ - y.

        Parameters
        ----------
        shift : callable
            Function of s such that K' + shift increases.
        limit : float
            Right end of the search, inf allowed.

        Returns
        -------
        float
            The root to about three digits, which is all a contour needs.
        """

        def position(t: float) -> float:
            if math.isinf(limit):
                return self.s_plus * math.exp(t)
            return limit / (1.0 + math.exp(-t))

        def equation(t: float) -> float:
            y = position(t)
            return self.slope(y) + shift(self.s_plus - y)

        low, high = -4.0, 4.0
        while equation(low) < 0.0 and low > -600.0:
            low *= 2.0
        while equation(high) > 0.0 and high < 600.0 and position(2.0 * high) < limit:
            high *= 2.0
        if equation(low) <= 0.0:
            return position(low)
        if equation(high) >= 0.0:
            return position(high)
        return position(float(brentq(equation, low, high, xtol=1e-3, rtol=1e-6)))
