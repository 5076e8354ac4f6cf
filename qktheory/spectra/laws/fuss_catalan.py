"""Fuss-Catalan laws: squared singular values of products of square Gaussian matrices."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qktheory.base.domains import Integer, Parameter
from qktheory.spectra.interval_law import IntervalLaw
from qktheory.spectra.interval_measure import Map, invert_position
from qktheory.spectra.law import LAWS, Array, check_order

__all__ = ["FussCatalan"]


@LAWS.register("fuss_catalan")
@dataclass(frozen=True)
class FussCatalan(IntervalLaw):
    """Squared singular values of a product of `factors` Ginibre matrices of variance 1/d (SPEC-8).

    With s factors and 0 < phi < pi/(s + 1), x = sin^(s+1)((s+1) phi)/(sin phi sin^s(s phi)) has the
    density sin^2 phi sin^(s-1)(s phi)/(pi sin^s((s+1) phi)). One factor is Marchenko-Pastur with
    ratio 1. The density diverges like x^(-s/(s+1)) at the lower edge 0.

    Parameters
    ----------
    factors : int
        s >= 1. The shape parameter beside targets.

    Examples
    --------
    >>> law = FussCatalan(factors=2)
    >>> law.support, round(float(law.quantile(0.9)), 10)
    ((0.0, 6.75), 3.1908017035)
    >>> [law.moment(k) for k in (1, 2, 3)]
    [1.0, 3.0, 12.0]
    """

    factors: int

    name: ClassVar[str] = "fuss_catalan"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("factors", Integer(1, 200, typical=(1, 5)), "number of Ginibre factors"),
    )
    shape_parameters: ClassVar[tuple[str, ...]] = ("factors",)

    @property
    def edges(self) -> tuple[float, float]:
        """0 and (s + 1)^(s+1)/s^s."""
        s = self.factors
        return 0.0, (s + 1) * (1.0 + 1.0 / s) ** s

    @property
    def _angle(self) -> float:
        """The lower edge is approached like e^((s+1) v): stay within a straight angle there."""
        return 1.4 / (self.factors + 1.0)

    def _log_x(self, v: NDArray[Any], phi: NDArray[Any]) -> NDArray[Any]:
        s = self.factors
        # (s + 1) phi = 2 atan(e^-v) has the sine sech v.
        return np.asarray(
            (s + 1) * _log_sech(v) - np.log(np.sin(phi)) - s * np.log(np.sin(s * phi))
        )

    def _position(self, v: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(np.exp(self._log_x(v, _phi(v, self.factors))))

    def _log_slope(self, v: NDArray[Any], phi: NDArray[Any]) -> NDArray[Any]:
        """Return d log x/dv > 0, where the poles of the cotangents at phi = 0 cancel exactly."""
        s = self.factors
        sum_ = (
            # The cotangent of 2 atan(e^-v) is sinh v.
            (s + 1) ** 2 * _cot_minus_pole((s + 1) * phi, np.sinh(v))
            - _cot_minus_pole(phi, 1.0 / np.tan(phi))
            - s**2 * _cot_minus_pole(s * phi, 1.0 / np.tan(s * phi))
        )
        return np.asarray(-sum_ * np.exp(_log_sech(v)) / (s + 1.0))

    def _slope(self, v: Array) -> Array:
        phi = _phi(v, self.factors)
        return np.asarray(np.exp(self._log_x(v, phi)) * self._log_slope(v, phi))

    def _parametrised(self) -> tuple[Map, Map]:
        s = self.factors

        def weight(v: NDArray[Any]) -> NDArray[Any]:
            phi = _phi(v, s)
            front = np.sin(phi) / np.sin(s * phi) * np.exp(_log_sech(v)) / math.pi
            return np.asarray(front * self._log_slope(v, phi))

        return self._position, weight

    def _coordinate(self, x: Array) -> Array:
        return invert_position(self._position, self._slope, x, *self.edges)

    def pdf(self, x: ArrayLike) -> Array:
        """Return the density; inf at 0."""
        points = np.asarray(x, dtype=np.float64)
        low, high = self.edges
        out = np.where(points == low, math.inf, 0.0)
        inside = (points > low) & (points < high)
        if inside.any():
            s = self.factors
            phi = _phi(self._coordinate(points[inside]), s)
            # rho x = sin phi sin((s + 1) phi)/(pi sin(s phi))
            share = np.sin(phi) * np.sin((s + 1) * phi) / np.sin(s * phi)
            out[inside] = share / (math.pi * points[inside])
        return np.asarray(out)

    def moment(self, k: int) -> float:
        """Return the Fuss-Catalan number C((s + 1) k, k)/(s k + 1)."""
        return float(_fuss_catalan(self.factors, check_order("k", k)))

    def free_cumulant(self, n: int) -> float:
        """Return the moment of order n of the law with one factor less."""
        return float(_fuss_catalan(self.factors - 1, check_order("n", n, 1)))


def _fuss_catalan(s: int, k: int) -> int:
    return math.comb((s + 1) * k, k) // (s * k + 1)


def _phi(v: NDArray[Any], s: int) -> NDArray[Any]:
    """Return the angle 2 atan(e^-v)/(s + 1), falling from pi/(s + 1) to 0."""
    return np.asarray(2.0 / (s + 1.0) * np.arctan(np.exp(-v)))


def _log_sech(v: NDArray[Any]) -> NDArray[Any]:
    """Return log sech v without overflow."""
    away = np.where(np.real(v) < 0.0, -v, v)
    return np.asarray(math.log(2.0) - away - np.log1p(np.exp(-2.0 * away)))


def _cot_minus_pole(a: NDArray[Any], cotangent: NDArray[Any]) -> NDArray[Any]:
    """Return cot a - 1/a, by its series below 0.3 where that cancels."""
    small = np.abs(a) < 0.3
    square = np.where(small, a, 0.0) ** 2
    series = np.zeros_like(square)
    for coefficient in reversed(_COT):
        series = series * square + coefficient
    return np.asarray(np.where(small, a * series, cotangent - 1.0 / a))


# cot a - 1/a = -sum_m 2 zeta(2m)/pi^(2m) a^(2m-1); nine terms give 1e-17 below 0.3.
_COT = (
    -1 / 3,
    -1 / 45,
    -2 / 945,
    -1 / 4725,
    -2 / 93555,
    -1382 / 638512875,
    -4 / 18243225,
    -3617 / 162820783125,
    -87734 / 38979295480125,
    -349222 / 1531329465290625,
)
