"""Laws known by their Stieltjes transform above the axis: what free convolutions yield."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.fft import dct

from qktheory.base.domains import Parameter
from qktheory.spectra.law import Array, Law, LawDomain, check_levels, check_off_support
from qktheory.spectra.subordination import NEAREST

__all__ = ["FreeLaw"]

_SCAN = 401
_NODES = 256
#: Density, times the width of the support, below which a point counts as outside.
_DARK = 3e-6
#: Each edge is cut into so many parts, so many times: 2^-40 of the grid in the end.
_CUTS, _SECTIONS = 32, 8


@dataclass(frozen=True)
class _Interval:
    """One interval of the continuous part, by a cosine series of density times dx/dtheta.

    x = low + (high - low) sin^(2 power)(theta/2): with power 1, edges like distance^(+-1/2) are
    smooth and even in theta; a power of 6 weakens stronger singularities at a lower edge 0.
    """

    low: float
    high: float
    power: int
    coefficients: Array

    def position(self, angle: Array) -> Array:
        share = np.sin(0.5 * np.asarray(angle)) ** (2 * self.power)
        return np.asarray(self.low + (self.high - self.low) * share)

    def angle(self, x: Array) -> Array:
        share = np.clip((x - self.low) / (self.high - self.low), 0.0, 1.0)
        return np.asarray(2.0 * np.arcsin(share ** (0.5 / self.power)))

    def below(self, angle: Array) -> Array:
        """Return the mass below an angle: the integral of the cosine series."""
        k = np.arange(1, self.coefficients.size)
        # sum c_k sin(k t)/k = sin t sum c_k/k U_(k-1)(cos t), by Clenshaw's recurrence.
        scaled = self.coefficients[1:] / k
        cosine = np.cos(angle)
        b1, b2 = np.zeros_like(cosine), np.zeros_like(cosine)
        for coefficient in scaled[::-1]:
            b1, b2 = coefficient + 2.0 * cosine * b1 - b2, b1
        return np.asarray(self.coefficients[0] * angle + np.sin(angle) * b1)

    @property
    def mass(self) -> float:
        return float(math.pi * self.coefficients[0])


@dataclass(frozen=True)
class FreeLaw(Law):
    """A convolution of two laws, bounded below and above.

    Density by inversion of the Stieltjes transform above the axis, edges by bisection where the
    density vanishes, distribution function and quantile from cosine series on each interval: about
    eight digits for edges like distance^(+-1/2), fewer for edges that diverge faster.
    """

    first: Law
    second: Law

    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("first", LawDomain(bounded=True), "first law"),
        Parameter("second", LawDomain(bounded=True), "second law"),
    )
    shape_parameters: ClassVar[tuple[str, ...]] = ("first", "second")

    @abstractmethod
    def _transform(self, z: NDArray[np.complex128]) -> NDArray[np.complex128]:
        """Return G(z) in the open upper half-plane."""

    @property
    @abstractmethod
    def _hull(self) -> tuple[float, float]:
        """An interval that holds the support."""

    @abstractmethod
    def _above(self, x: Array) -> NDArray[np.complex128]:
        """Return points just above the axis."""

    @property
    def intervals(self) -> tuple[tuple[float, float], ...]:
        """Intervals of the continuous part, in increasing order."""
        return tuple((part.low, part.high) for part in _continuous(self))

    @property
    def edges(self) -> tuple[float, float]:
        """Lower edge of the first interval and upper edge of the last."""
        parts = self.intervals
        return (parts[0][0], parts[-1][1]) if parts else self.support

    @property
    def support(self) -> tuple[float, float]:
        """Smallest and largest point, atoms included."""
        places = [x for pair in self.intervals for x in pair]
        places += [place for place, mass in self.atoms if mass > 0.0]
        return min(places), max(places)

    def _raw_density(self, x: Array) -> Array:
        """Return the density without atoms; 0 where their shadow above the axis hides it."""
        z = self._above(x)
        values = np.asarray(self._transform(z))
        shadow = np.zeros(x.shape)
        for place, mass in self.atoms:
            own = mass / (z - place)
            values = values - own
            shadow += np.abs(own.imag) / math.pi
        density = -values.imag / math.pi
        return np.where(density > 0.5 * shadow, density, 0.0)

    def pdf(self, x: ArrayLike) -> Array:
        """Return the density of the continuous part by inversion above the axis."""
        points = np.asarray(x, dtype=np.float64)
        inside = np.zeros(points.shape, dtype=bool)
        for low, high in self.intervals:
            inside |= (points > low) & (points < high)
        out = np.zeros(points.shape)
        if inside.any():
            out[inside] = self._raw_density(points[inside])
        return out

    def cdf(self, x: ArrayLike) -> Array:
        """Return P(eigenvalue <= x)."""
        points = np.asarray(x, dtype=np.float64)
        total = np.zeros(points.shape)
        for place, mass in self.atoms:
            total = total + np.where(points >= place, mass, 0.0)
        for part in _continuous(self):
            total = total + part.below(part.angle(points))
        return np.asarray(np.clip(total, 0.0, 1.0))

    def quantile(self, u: ArrayLike) -> Array:
        """Return inf{x : cdf(x) >= u}."""
        levels = check_levels(u)
        flat = levels.ravel()
        out = np.full(flat.shape, self.support[1])
        done = np.zeros(flat.shape, dtype=bool)
        reached = 0.0
        pieces: list[tuple[float, Any]] = [(part.low, part) for part in _continuous(self)]
        pieces += [(place, mass) for place, mass in self.atoms]
        for place, piece in sorted(pieces, key=lambda item: item[0]):
            mass = piece.mass if isinstance(piece, _Interval) else float(piece)
            here = ~done & (flat <= reached + mass)
            if here.any():
                out[here] = (
                    _invert(piece, flat[here] - reached) if isinstance(piece, _Interval) else place
                )
            done |= here
            reached += mass
        return out.reshape(levels.shape)

    def stieltjes(self, z: ArrayLike) -> NDArray[Any]:
        """Return G(z) off the support, by subordination."""
        points = check_off_support(z, *self.support)
        real = points.dtype.kind != "c"
        upper = np.where(np.imag(points) < 0.0, np.conj(points), points).astype(np.complex128)
        on_axis = upper.imag == 0.0
        values = np.asarray(
            self._transform(np.where(on_axis, self._above(upper.real), upper)),
            dtype=np.complex128,
        )
        if real:
            return np.asarray(values.real)
        return np.where(np.imag(points) < 0.0, np.conj(values), values)


def _invert(part: _Interval, target: Array) -> Array:
    low, high = np.zeros_like(target), np.full_like(target, math.pi)
    for _ in range(60):  # bisection: the series need not be monotone to the last digit
        middle = 0.5 * (low + high)
        under = part.below(middle) < target
        low, high = np.where(under, middle, low), np.where(under, high, middle)
    return part.position(0.5 * (low + high))


@lru_cache(maxsize=32)
def _continuous(law: FreeLaw) -> tuple[_Interval, ...]:
    """Return the intervals of the continuous part with their series, found once for a law."""
    rest = 1.0 - sum(mass for _, mass in law.atoms)
    if rest < 1e-9:
        return ()
    low, high = law._hull
    width = high - low
    # More points towards both ends of the hull, where edges of narrow gaps to 0 are.
    grid = low + width * np.sin(0.5 * np.linspace(0.0, math.pi, _SCAN)[1:-1]) ** 2
    dark = _DARK / width
    bright = law._raw_density(grid) > dark
    bounded = np.concatenate([[low], grid, [high]])
    flags = np.concatenate([[False], bright, [False]])
    ups = np.flatnonzero(~flags[:-1] & flags[1:])
    downs = np.flatnonzero(flags[:-1] & ~flags[1:])
    outer = np.concatenate([bounded[ups], bounded[downs + 1]])
    inner = np.concatenate([bounded[ups + 1], bounded[downs]])
    cuts = np.linspace(0.0, 1.0, _CUTS + 1)[1:-1]
    for _ in range(_SECTIONS):
        if outer.size == 0:
            break
        between = outer[:, None] + (inner - outer)[:, None] * cuts
        lit = law._raw_density(between) > dark
        # The first lit point from outside, and the last dark one before it.
        first = np.where(lit.any(axis=1), lit.argmax(axis=1), _CUTS - 1)
        ends = np.concatenate([outer[:, None], between, inner[:, None]], axis=1)
        rows = np.arange(outer.size)
        outer, inner = ends[rows, first], ends[rows, first + 1]
    edges = 0.5 * (outer + inner)
    # An edge that is not told from the end of the hull is there: hard edges at 0.
    edges = np.where(edges - low < 1e-12 * width, low, edges)
    parts = [_series(law, float(a), float(b)) for a, b in zip(*np.split(edges, 2), strict=True)]
    total = sum(part.mass for part in parts)
    return tuple(_Interval(p.low, p.high, p.power, p.coefficients * (rest / total)) for p in parts)


def _series(law: FreeLaw, low: float, high: float) -> _Interval:
    power = 6 if 0.0 <= low < 1e-9 * high else 1
    nodes = _NODES * (2 if power > 1 else 1)
    angles = (np.arange(nodes) + 0.5) * (math.pi / nodes)
    sine, cosine = np.sin(0.5 * angles), np.cos(0.5 * angles)
    x = low + (high - low) * sine ** (2 * power)
    slope = (high - low) * power * sine ** (2 * power - 1) * cosine
    coefficients = dct(law._raw_density(x) * slope, type=2) / nodes
    coefficients[0] *= 0.5
    return _Interval(low, high, power, coefficients)


#: Distance above the axis relative to the spread; see `qktheory.spectra.subordination`.
ABOVE = NEAREST
