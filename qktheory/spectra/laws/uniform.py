"""Uniform law of eigenvalues."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import zeta

from qktheory.base.domains import Parameter, Real
from qktheory.spectra.interval_measure import IntervalMeasure, between_edges
from qktheory.spectra.law import LAWS, Array, Law, check_levels, check_off_support, check_order

__all__ = ["Uniform"]


@LAWS.register("uniform")
@dataclass(frozen=True)
class Uniform(Law):
    """Uniform law on [mean - half_width, mean + half_width] (SPEC-8).

    Parameters
    ----------
    half_width : float
        Half the length of the support, > 0. Standard shape: 1.
    mean : float
        Centre, 0 by default.

    Examples
    --------
    >>> Uniform(half_width=1.0).spectrum_quantiles(4)
    array([ 0.75,  0.25, -0.25, -0.75])
    >>> round(float(Uniform(1.0).r_transform(0.5)), 10)
    0.1639534137
    """

    half_width: float
    mean: float = 0.0

    name: ClassVar[str] = "uniform"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("half_width", Real(0.0, low_open=True), "half the length of the support"),
        Parameter("mean", Real(), "centre", default=0.0),
    )
    standard_values: ClassVar[dict[str, object]] = {"half_width": 1.0}

    @property
    def support(self) -> tuple[float, float]:
        """The two ends."""
        return self.mean - self.half_width, self.mean + self.half_width

    def pdf(self, x: ArrayLike) -> Array:
        """Return 1/(2 half_width) on the support."""
        points = np.asarray(x, dtype=np.float64)
        inside = np.abs(points - self.mean) <= self.half_width
        return np.where(inside, 0.5 / self.half_width, 0.0)

    def cdf(self, x: ArrayLike) -> Array:
        """Return the linear ramp."""
        y = (np.asarray(x, dtype=np.float64) - self.mean) / self.half_width
        return np.asarray(np.clip(0.5 + 0.5 * y, 0.0, 1.0))

    def quantile(self, u: ArrayLike) -> Array:
        """Return mean + half_width (2u - 1)."""
        return np.asarray(self.mean + self.half_width * (2.0 * check_levels(u) - 1.0))

    def moment(self, k: int) -> float:
        """Return the moment as a sum over even central moments half_width^2j / (2j + 1)."""
        check_order("k", k)
        return math.fsum(
            math.comb(k, j) * self.mean ** (k - j) * self.half_width**j / (j + 1)
            for j in range(0, k + 1, 2)
        )

    @property
    def variance(self) -> float:
        """half_width^2 / 3."""
        return self.half_width**2 / 3.0

    def stieltjes(self, z: ArrayLike) -> NDArray[Any]:
        """Return artanh(h/(z - mean))/h, near the edges from the distance to them."""
        low, high = self.support
        points = check_off_support(z, low, high)
        y = points - self.mean
        if points.dtype.kind == "c":
            return np.asarray(np.arctanh(self.half_width / y) / self.half_width)
        outside = np.where(y > 0.0, points - high, low - points)
        values = 0.5 * np.log1p(2.0 * self.half_width / outside) / self.half_width
        return np.asarray(np.where(y > 0.0, values, -values))

    def r_transform(self, w: ArrayLike) -> Array:
        """Return mean + h coth(h w) - 1/w, by its series where that cancels."""
        y = self.half_width * np.asarray(w, dtype=np.float64)
        small = np.abs(y) < 0.25
        safe = np.where(small, 1.0, y)
        closed = 1.0 / np.tanh(safe) - 1.0 / safe
        t = np.where(small, y, 0.0)
        series = np.zeros_like(t)
        for coefficient in reversed(_COTH):
            series = series * t * t + coefficient
        return np.asarray(self.mean + self.half_width * np.where(small, series * t, closed))

    @property
    def upper_edge_transform(self) -> float:
        """It diverges, logarithmically."""
        return math.inf

    def additive_outlier(self, theta: float) -> tuple[float, float]:
        """Return mean + h coth(t) and (t/sinh t)^2, t = h/theta."""
        t = self.half_width / theta
        # h coth t = h + 2 h/(e^2t - 1); sinh would overflow first.
        small = math.exp(-t) if t < 700.0 else 0.0
        share = 2.0 * t * small / -math.expm1(-2.0 * t) if t < 700.0 else 0.0
        return self.mean + self.half_width * (1.0 + small**2) / -math.expm1(-2.0 * t), share**2

    def continuous_measure(self) -> IntervalMeasure:
        """Return the quadrature of the density."""
        density = 0.5 / self.half_width
        return IntervalMeasure(
            *between_edges(
                *self.support,
                lambda below, above: np.full_like(below, density),
                width=2.0 * self.half_width,
            )
        )

    def free_cumulant(self, n: int) -> float:
        """Return 4^m B_2m / (2m)! half_width^2m for n = 2m, 0 for odd n > 1."""
        check_order("n", n, 1)
        if n == 1:
            return self.mean
        if n % 2:
            return 0.0
        return _coth_coefficient(n // 2) * self.half_width**n


def _coth_coefficient(m: int) -> float:
    """Return 4^m B_2m / (2m)! = 2 (-1)^(m+1) zeta(2m) / pi^2m, from coth y - 1/y."""
    return float((-1) ** (m + 1) * 2.0 * zeta(2.0 * m) / math.pi ** (2 * m))


# Terms sum_m c_m y^(2m-1) of coth y - 1/y; ten give 1e-17 for |y| < 1/4.
_COTH = tuple(_coth_coefficient(m) for m in range(1, 11))
