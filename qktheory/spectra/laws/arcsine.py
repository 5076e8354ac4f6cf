"""Arcsine law: the free sum of two fair coins."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qktheory.base.domains import Parameter, Real
from qktheory.spectra.interval_measure import IntervalMeasure, between_edges
from qktheory.spectra.law import LAWS, Array, Law, check_levels, check_off_support, check_order

__all__ = ["Arcsine"]


@LAWS.register("arcsine")
@dataclass(frozen=True)
class Arcsine(Law):
    """Arcsine law on [-half_width, half_width] (SPEC-8).

    Parameters
    ----------
    half_width : float
        h > 0. Standard shape: 1.

    Examples
    --------
    >>> law = Arcsine(half_width=2.0)
    >>> law.free_cumulant(2), law.free_cumulant(4)
    (2.0, -2.0)
    >>> round(float(law.quantile(0.25)), 12)
    -1.414213562373
    """

    half_width: float

    name: ClassVar[str] = "arcsine"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter(
            "half_width",
            Real(0.0, 1e150, low_open=True, typical=(0.1, 3.0)),
            "half the length of the support",
        ),
    )
    standard_values: ClassVar[dict[str, object]] = {"half_width": 1.0}

    @property
    def support(self) -> tuple[float, float]:
        """The two ends."""
        return -self.half_width, self.half_width

    def pdf(self, x: ArrayLike) -> Array:
        """Return 1/(pi sqrt(h^2 - x^2)); inf at the ends."""
        y = np.asarray(x, dtype=np.float64) / self.half_width
        inside = np.abs(y) <= 1.0
        with np.errstate(divide="ignore", invalid="ignore"):
            values = 1.0 / (math.pi * self.half_width * np.sqrt((1.0 - y) * (1.0 + y)))
        return np.where(inside, values, 0.0)

    def cdf(self, x: ArrayLike) -> Array:
        """Return (2/pi) arcsin sqrt((1 + x/h)/2) from the nearer end."""
        y = np.clip(np.asarray(x, dtype=np.float64) / self.half_width, -1.0, 1.0)
        tail = 2.0 / math.pi * np.arcsin(np.sqrt(0.5 * (1.0 - np.abs(y))))
        return np.where(y <= 0.0, tail, 1.0 - tail)

    def quantile(self, u: ArrayLike) -> Array:
        """Return -h cos(pi u), odd about 1/2 to the last bit."""
        levels = check_levels(u)
        depth = np.minimum(levels, 1.0 - levels)
        return np.asarray(np.sign(levels - 0.5) * self.half_width * np.cos(math.pi * depth))

    def moment(self, k: int) -> float:
        """Return C(2m, m) (h/2)^2m for k = 2m, 0 for odd k."""
        check_order("k", k)
        return 0.0 if k % 2 else math.comb(k, k // 2) * (0.5 * self.half_width) ** k

    def stieltjes(self, z: ArrayLike) -> NDArray[Any]:
        """Return (z^2 - h^2)^(-1/2), the branch that decays like 1/z."""
        points = check_off_support(z, *self.support) / self.half_width
        if points.dtype.kind == "c":
            root = np.sqrt(points - 1.0) * np.sqrt(points + 1.0)
        else:
            root = np.sign(points) * np.sqrt(np.abs(points) - 1.0) * np.sqrt(np.abs(points) + 1.0)
        return np.asarray(1.0 / (self.half_width * root))

    def r_transform(self, w: ArrayLike) -> Array:
        """Return (sqrt(1 + h^2 w^2) - 1)/w = h t/(1 + sqrt(1 + t^2)), t = h w."""
        t = self.half_width * np.asarray(w, dtype=np.float64)
        return np.asarray(self.half_width * (t / (1.0 + np.hypot(1.0, t))))

    @property
    def upper_edge_transform(self) -> float:
        """It diverges."""
        return math.inf

    def additive_outlier(self, theta: float) -> tuple[float, float]:
        """Return z = sqrt(theta^2 + h^2) and theta/z."""
        z = math.hypot(theta, self.half_width)
        return z, theta / z

    def continuous_measure(self) -> IntervalMeasure:
        """Return the quadrature of the density."""
        return IntervalMeasure(
            *between_edges(
                *self.support,
                lambda below, above: 1.0 / (math.pi * np.sqrt(below) * np.sqrt(above)),
            )
        )

    def free_cumulant(self, n: int) -> float:
        """Return 2 (h/2)^2m (-1)^(m-1) C_(m-1) for n = 2m, C the Catalan numbers; 0 for odd n."""
        check_order("n", n, 1)
        if n % 2:
            return 0.0
        m = n // 2
        catalan = math.comb(2 * m - 2, m - 1) // m
        return 2.0 * (-1.0) ** (m - 1) * catalan * (0.5 * self.half_width) ** n
