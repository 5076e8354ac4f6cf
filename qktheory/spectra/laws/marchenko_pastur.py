"""Marchenko-Pastur law of sample covariances."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qktheory.base.domains import Parameter, Real
from qktheory.base.errors import bad_value
from qktheory.spectra.interval_law import IntervalLaw
from qktheory.spectra.interval_measure import Map, between_edges
from qktheory.spectra.law import LAWS, Array, check_off_support, check_order

__all__ = ["MarchenkoPastur"]


@LAWS.register("marchenko_pastur")
@dataclass(frozen=True)
class MarchenkoPastur(IntervalLaw):
    """Eigenvalues of X X^T/n, X of shape (p, n) with unit variance, p/n -> ratio (SPEC-8, SPEC-9).

    Continuous on (1 -+ sqrt(ratio))^2, with an atom 1 - 1/ratio at 0 for ratio > 1. cdf and
    quantile are accurate to a few ulps in both tails.

    Parameters
    ----------
    ratio : float
        c = p/n > 0. The shape parameter beside targets.

    Examples
    --------
    >>> law = MarchenkoPastur(ratio=0.5)
    >>> law.quantile([0.6, 0.75, 0.9]).round(10).tolist()
    [1.0581695267, 1.4859216136, 2.0926948421]
    >>> MarchenkoPastur(ratio=2.0).atoms
    ((0.0, 0.5),)
    """

    ratio: float

    name: ClassVar[str] = "marchenko_pastur"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter(
            "ratio",
            Real(0.0, 1e100, low_open=True, typical=(0.05, 3.0)),
            "rows over columns of the data, c = p/n",
        ),
    )
    shape_parameters: ClassVar[tuple[str, ...]] = ("ratio",)

    @property
    def edges(self) -> tuple[float, float]:
        """(1 -+ sqrt(ratio))^2."""
        root = math.sqrt(self.ratio)
        return ((self.ratio - 1.0) / (root + 1.0)) ** 2, (1.0 + root) ** 2

    @property
    def atoms(self) -> tuple[tuple[float, float], ...]:
        """Mass 1 - 1/ratio at 0 for ratio > 1."""
        return ((0.0, (self.ratio - 1.0) / self.ratio),) if self.ratio > 1.0 else ()

    def _density(self, below: NDArray[Any], above: NDArray[Any]) -> NDArray[Any]:
        x = self.edges[0] + below
        # Roots one by one: the product leaves the principal branch on complex paths.
        return np.asarray(np.sqrt(below) * np.sqrt(above) / (2.0 * math.pi * self.ratio * x))

    def _parametrised(self) -> tuple[Map, Map]:
        return between_edges(*self.edges, self._density, width=4.0 * math.sqrt(self.ratio))

    def pdf(self, x: ArrayLike) -> Array:
        """Return sqrt((b - x)(x - a))/(2 pi ratio x), without the atom; inf at 0 for ratio 1."""
        points = np.asarray(x, dtype=np.float64)
        low, high = self.edges
        inside = (points >= low) & (points <= high)
        with np.errstate(divide="ignore", invalid="ignore"):
            values = self._density(points - low, high - points)
        values = np.where(inside, values, 0.0)
        return np.asarray(np.where(inside & (points == 0.0), math.inf, values))

    def moment(self, k: int) -> float:
        """Return sum_r ratio^r/(r + 1) C(k, r) C(k - 1, r): all terms are positive."""
        if check_order("k", k) == 0:
            return 1.0
        return math.fsum(
            self.ratio**r * (math.comb(k, r) * math.comb(k - 1, r) // (r + 1)) for r in range(k)
        )

    @property
    def variance(self) -> float:
        """The ratio."""
        return self.ratio

    def stieltjes(self, z: ArrayLike) -> NDArray[Any]:
        """Return (z + c - 1 - sqrt((z - a)(z - b)))/(2 c z), in the form that does not cancel."""
        low, high = self.edges
        points = check_off_support(z, low, high)
        for place, _ in self.atoms:
            if (points == place).any():
                raise bad_value("z", z, "points outside the atom at 0")
        if points.dtype.kind == "c":
            root = np.sqrt(points - low) * np.sqrt(points - high)
        else:
            root = np.sign(points - high) * np.sqrt((points - low) * (points - high))
        sum_ = points + (self.ratio - 1.0)
        adds = np.real(sum_ * np.conj(root)) >= 0.0
        with np.errstate(divide="ignore", invalid="ignore"):
            stable = 2.0 / (sum_ + root)
            other = (sum_ - root) / (2.0 * self.ratio * points)
        return np.asarray(np.where(adds, stable, other))

    def r_transform(self, w: ArrayLike) -> Array:
        """Return 1/(1 - ratio w), continued beyond its pole at 1/ratio, where it raises."""
        points = np.asarray(w, dtype=np.float64)
        if (self.ratio * points == 1.0).any():
            raise bad_value("w", w, f"numbers other than 1/ratio = {1.0 / self.ratio:g}, its pole")
        return np.asarray(1.0 / (1.0 - self.ratio * points))

    @property
    def upper_edge_transform(self) -> float:
        """1/(sqrt(c) (1 + sqrt(c)))."""
        root = math.sqrt(self.ratio)
        return 1.0 / (root * (1.0 + root))

    def additive_outlier(self, theta: float) -> tuple[float, float]:
        """Return theta + theta/(theta - c) and 1 - c/(theta - c)^2."""
        gap, root = theta - self.ratio, math.sqrt(self.ratio)
        return theta + theta / gap, (1.0 - root / gap) * (1.0 + root / gap)

    def free_cumulant(self, n: int) -> float:
        """Return ratio^(n-1)."""
        return float(self.ratio ** (check_order("n", n, 1) - 1))
