"""Wigner's semicircle law."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc, betaincinv

from qktheory.base.domains import Parameter, Real
from qktheory.spectra.interval_measure import IntervalMeasure, between_edges
from qktheory.spectra.law import LAWS, Array, Law, check_levels, check_off_support, check_order

__all__ = ["Semicircle"]


@LAWS.register("semicircle")
@dataclass(frozen=True)
class Semicircle(Law):
    """Semicircle law with support mean +- 2 std (SPEC-8, SPEC-9).

    (x - mean)/(4 std) + 1/2 has the Beta(3/2, 3/2) law, which gives the cdf and the quantile.

    Parameters
    ----------
    std : float
        Standard deviation, > 0. Standard shape: 1.
    mean : float
        Centre, 0 by default.

    Examples
    --------
    >>> round(float(Semicircle(1.0).quantile(0.9)), 10)
    1.3740976523
    >>> Semicircle(0.5, mean=1.0).support
    (0.0, 2.0)
    """

    std: float
    mean: float = 0.0

    name: ClassVar[str] = "semicircle"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("std", Real(0.0, low_open=True), "standard deviation"),
        Parameter("mean", Real(), "centre", default=0.0),
    )
    standard_values: ClassVar[dict[str, object]] = {"std": 1.0}

    @property
    def support(self) -> tuple[float, float]:
        """The two edges."""
        return self.mean - 2.0 * self.std, self.mean + 2.0 * self.std

    def pdf(self, x: ArrayLike) -> Array:
        """Return sqrt(4 - y^2)/(2 pi std) with y = (x - mean)/std."""
        y = (np.asarray(x, dtype=np.float64) - self.mean) / self.std
        inside = np.maximum((2.0 - y) * (2.0 + y), 0.0)
        return np.asarray(np.sqrt(inside) / (2.0 * math.pi * self.std))

    def cdf(self, x: ArrayLike) -> Array:
        """Return the regularised incomplete beta function."""
        y = (np.asarray(x, dtype=np.float64) - self.mean) / self.std
        # Both halves from the nearer edge: full relative accuracy in the lower tail.
        t = np.clip(0.25 * (2.0 - np.abs(y)), 0.0, 0.5)
        tail = betainc(1.5, 1.5, t)
        return np.asarray(np.where(y <= 0.0, tail, 1.0 - tail))

    def quantile(self, u: ArrayLike) -> Array:
        """Return the inverse of the cdf, odd about the centre to the last bit."""
        levels = check_levels(u)
        depth = betaincinv(1.5, 1.5, np.minimum(levels, 1.0 - levels))
        y = np.sign(levels - 0.5) * (2.0 - 4.0 * depth)
        return np.asarray(self.mean + self.std * y)

    def moment(self, k: int) -> float:
        """Return the moment as a sum over even central moments C_j std^2j."""
        check_order("k", k)
        return math.fsum(
            math.comb(k, 2 * j) * self.mean ** (k - 2 * j) * self.std ** (2 * j) * _catalan(j)
            for j in range(k // 2 + 1)
        )

    @property
    def variance(self) -> float:
        """std^2."""
        return self.std**2

    def stieltjes(self, z: ArrayLike) -> NDArray[Any]:
        """Return 2/(y + sqrt(y - 2) sqrt(y + 2))/std, the branch that decays at infinity."""
        points = check_off_support(z, *self.support)
        y = (points - self.mean) / self.std
        if y.dtype.kind == "c":
            root = np.sqrt(y - 2.0) * np.sqrt(y + 2.0)
        else:
            root = np.sign(y) * np.sqrt((np.abs(y) - 2.0) * (np.abs(y) + 2.0))
        return np.asarray(2.0 / (y + root) / self.std)

    def r_transform(self, w: ArrayLike) -> Array:
        """Return mean + std^2 w."""
        return np.asarray(self.mean + self.std**2 * np.asarray(w, dtype=np.float64))

    @property
    def upper_edge_transform(self) -> float:
        """1/std."""
        return 1.0 / self.std

    def additive_outlier(self, theta: float) -> tuple[float, float]:
        """Return mean + theta + std^2/theta and 1 - std^2/theta^2."""
        share = self.std / theta
        return self.mean + theta + self.std * share, (1.0 - share) * (1.0 + share)

    def continuous_measure(self) -> IntervalMeasure:
        """Return the quadrature of the density."""
        front = 2.0 * math.pi * self.std**2
        return IntervalMeasure(
            *between_edges(
                *self.support,
                lambda below, above: np.sqrt(below) * np.sqrt(above) / front,
                width=4.0 * self.std,
            )
        )

    def free_cumulant(self, n: int) -> float:
        """Return mean, std^2, then zeros."""
        check_order("n", n, 1)
        return {1: self.mean, 2: self.std**2}.get(n, 0.0)


def _catalan(n: int) -> int:
    return math.comb(2 * n, n) // (n + 1)
