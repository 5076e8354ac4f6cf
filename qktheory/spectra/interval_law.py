"""Laws whose continuous part lives on one interval: cdf, quantile and transforms by quadrature."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qktheory.spectra.interval_measure import IntervalMeasure, Map
from qktheory.spectra.law import Array, Law, check_levels, check_off_support

__all__ = ["IntervalLaw"]


@dataclass(frozen=True)
class IntervalLaw(Law):
    """A law with a continuous part on one interval and at most atoms below it.

    Subclasses give `edges`, `_parametrised` (position and weight in the coordinate v of
    `IntervalMeasure`) and `_coordinate`; cdf and quantile then are accurate to a few ulps of the
    smaller tail. `stieltjes` is a contour integral unless a closed form overrides it.
    """

    @property
    def _angle(self) -> float:
        """Shift of the contour; below the half-width of the strip of analyticity in v."""
        return 0.7

    @abstractmethod
    def _parametrised(self) -> tuple[Map, Map]:
        """Return position and weight of the continuous part in the coordinate v."""

    def _coordinate(self, x: Array) -> Array:
        """Return v at points inside the interval, by default half the log-odds."""
        low, high = self.edges
        # 0 and infinity at the edges themselves.
        return np.asarray(0.5 * (np.log(x - low) - np.log(high - x)))

    @property
    def support(self) -> tuple[float, float]:
        """Smallest and largest point, atoms included."""
        low, high = self.edges
        return min([low, *(place for place, mass in self.atoms if mass > 0.0)]), high

    @property
    def _measure(self) -> IntervalMeasure:
        return _measure(self)

    def continuous_measure(self) -> IntervalMeasure:
        """Return the quadrature of the continuous part."""
        return self._measure

    @property
    def _atom(self) -> float:
        """Mass of the atoms, all below the interval."""
        return float(sum(mass for _, mass in self.atoms))

    def cdf(self, x: ArrayLike) -> Array:
        """Return P(eigenvalue <= x)."""
        points = np.asarray(x, dtype=np.float64)
        low, high = self.edges
        inside = (points > low) & (points < high)
        out = np.where(points >= high, 1.0, 0.0)
        for place, mass in self.atoms:
            out = np.where((points >= place) & (points < high), out + mass, out)
        if inside.any():
            with np.errstate(divide="ignore"):
                v = self._coordinate(points[inside])
            below = self._measure.lower(v)
            above = self._measure.upper(v)
            out[inside] = np.where(above < 0.5, 1.0 - above, self._atom + below)
        return np.asarray(out)

    def quantile(self, u: ArrayLike) -> Array:
        """Return inf{x : cdf(x) >= u}."""
        levels = check_levels(u)
        out = np.empty_like(levels)
        flat, target = levels.ravel(), out.ravel()
        taken = flat <= self._atom
        for place, _ in self.atoms:
            target[taken] = place
        rest = flat[~taken]
        if rest.size:
            v = self._measure.invert(rest - self._atom, 1.0 - rest)
            target[~taken] = np.real(self._measure.position(v))
        return target.reshape(levels.shape)

    def stieltjes(self, z: ArrayLike) -> NDArray[Any]:
        """Return G(z) off the support; on a contour that keeps away from `z`."""
        points = check_off_support(z, *self.edges)
        upper = np.where(np.imag(points) < 0.0, np.conj(points), points)
        values = self._measure.stieltjes(upper, self._angle)
        values = np.where(np.imag(points) < 0.0, np.conj(values), values)
        for place, mass in self.atoms:
            if mass > 0.0:
                values = values + mass / (points - place)
        return np.asarray(values if points.dtype.kind == "c" else np.real(values))


@lru_cache(maxsize=64)
def _measure(law: IntervalLaw) -> IntervalMeasure:
    """Keep the quadrature of a law: every call of cdf and quantile needs it."""
    return IntervalMeasure(*law._parametrised(), mass=1.0 - law._atom)
