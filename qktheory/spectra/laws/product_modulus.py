"""Moduli of the eigenvalues of a product of two Gaussian matrices."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qktheory.base.domains import Parameter, Real
from qktheory.spectra.interval_law import IntervalLaw
from qktheory.spectra.interval_measure import Map, between_edges
from qktheory.spectra.law import LAWS, Array, check_levels, check_order

__all__ = ["ProductModulus"]


@LAWS.register("product_modulus")
@dataclass(frozen=True)
class ProductModulus(IntervalLaw):
    """|lambda| of the non-zero eigenvalues of W_Q W_K^T/sqrt(d d_k), iid N(0, 1) factors (SPEC-10).

    The eigenvalues are isotropic; with kappa = min(aspect, 1/aspect), F(r) (1 - kappa + kappa F(r))
    = r^2 for r <= 1. The mass 1 - aspect at 0 of W itself, for aspect < 1, is not part of this law.

    Parameters
    ----------
    aspect : float
        d_k/d > 0. The shape parameter beside targets.

    Examples
    --------
    >>> law = ProductModulus(aspect=0.5)
    >>> round(float(law.cdf(0.5)), 10), round(float(law.quantile(0.5)), 10)
    (0.3660254038, 0.6123724357)
    """

    aspect: float

    name: ClassVar[str] = "product_modulus"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter(
            "aspect",
            Real(0.0, 1e100, low_open=True, typical=(0.05, 3.0)),
            "head width over model width, d_k/d",
        ),
    )
    shape_parameters: ClassVar[tuple[str, ...]] = ("aspect",)

    @property
    def _kappa(self) -> float:
        return min(self.aspect, 1.0 / self.aspect)

    @property
    def edges(self) -> tuple[float, float]:
        """0 and 1."""
        return 0.0, 1.0

    @property
    def _angle(self) -> float:
        """The density branches at imaginary r."""
        return 0.4

    def _root(self, r: NDArray[Any]) -> NDArray[Any]:
        kappa = self._kappa
        return np.asarray(np.sqrt((1.0 - kappa) ** 2 + 4.0 * kappa * r * r))

    def _parametrised(self) -> tuple[Map, Map]:
        return between_edges(0.0, 1.0, lambda below, above: 2.0 * below / self._root(below))

    def pdf(self, x: ArrayLike) -> Array:
        """Return 2 r/sqrt((1 - kappa)^2 + 4 kappa r^2) on [0, 1]."""
        return np.asarray(2.0 * math.pi * self._planar_times_radius(x))

    def planar_density(self, x: ArrayLike) -> Array:
        """Return the density of the non-zero eigenvalues in the plane at |z| = x.

        inf at 0 for aspect 1, where it is 1/(2 pi |z|).
        """
        points = np.asarray(x, dtype=np.float64)
        inside = (points >= 0.0) & (points <= 1.0)
        with np.errstate(divide="ignore"):
            return np.where(inside, 1.0 / (math.pi * self._root(points)), 0.0)

    def _planar_times_radius(self, x: ArrayLike) -> Array:
        """Return r times the density in the plane; 1/(2 pi) at r = 0 for aspect 1."""
        points = np.asarray(x, dtype=np.float64)
        inside = (points >= 0.0) & (points <= 1.0)
        root = self._root(points)
        share = np.divide(points, root, out=np.full_like(points, 0.5), where=root > 0.0)
        return np.where(inside, share / math.pi, 0.0)

    def cdf(self, x: ArrayLike) -> Array:
        """Return F(r), from the nearer edge."""
        r = np.clip(np.asarray(x, dtype=np.float64), 0.0, 1.0)
        kappa, root = self._kappa, self._root(r)
        base = (1.0 - kappa) + root
        below = np.divide(2.0 * r * r, base, out=np.zeros_like(r), where=base > 0.0)
        above = 2.0 * (1.0 - r) * (1.0 + r) / ((1.0 + kappa) + root)
        return np.where(below < 0.5, below, 1.0 - above)

    def quantile(self, u: ArrayLike) -> Array:
        """Return sqrt(u (1 - kappa + kappa u))."""
        levels = check_levels(u)
        return np.asarray(np.sqrt(levels * (1.0 - self._kappa + self._kappa * levels)))

    def moment(self, k: int) -> float:
        """Return E |lambda|^k, by quadrature."""
        order = check_order("k", k)
        return 1.0 if order == 0 else self._measure.average(lambda r: np.real(r) ** order)
