"""Pareto law: eigenvalues with a heavy tail."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qktheory.base.domains import Parameter, Real
from qktheory.base.errors import bad_value
from qktheory.spectra.decimal_cumulants import free_cumulants_from_decimals
from qktheory.spectra.law import LAWS, Array, Law, check_off_support, check_order

__all__ = ["Pareto"]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)


@LAWS.register("pareto")
@dataclass(frozen=True)
class Pareto(Law):
    """P(eigenvalue > x) = x^(-tail_exponent) for x >= 1 (SPEC-8).

    Only moments of order below the tail exponent exist; R has no power series beyond that order.

    Parameters
    ----------
    tail_exponent : float
        alpha > 0. The shape parameter beside targets.

    Examples
    --------
    >>> law = Pareto(tail_exponent=3.5)
    >>> round(law.moment(1), 12), float(law.quantile(0.0))
    (1.4, 1.0)
    >>> law.moment(4)
    Traceback (most recent call last):
    ...
    ValueError: k = 4: expected an order < tail_exponent = 3.5, beyond which moments are infinite
    """

    tail_exponent: float

    name: ClassVar[str] = "pareto"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter(
            "tail_exponent",
            Real(0.0, low_open=True, typical=(0.5, 6.0)),
            "exponent of P(eigenvalue > x)",
        ),
    )
    shape_parameters: ClassVar[tuple[str, ...]] = ("tail_exponent",)

    @property
    def support(self) -> tuple[float, float]:
        """From 1 to infinity."""
        return 1.0, math.inf

    def pdf(self, x: ArrayLike) -> Array:
        """Return alpha x^(-alpha - 1) for x >= 1."""
        points = np.asarray(x, dtype=np.float64)
        safe = np.maximum(points, 1.0)
        values = self.tail_exponent * safe ** (-self.tail_exponent - 1.0)
        return np.where(points >= 1.0, values, 0.0)

    def cdf(self, x: ArrayLike) -> Array:
        """Return 1 - x^(-alpha)."""
        points = np.maximum(np.asarray(x, dtype=np.float64), 1.0)
        return np.asarray(-np.expm1(-self.tail_exponent * np.log(points)))

    def quantile(self, u: ArrayLike) -> Array:
        """Return (1 - u)^(-1/alpha), for u in [0, 1)."""
        levels = np.asarray(u, dtype=np.float64)
        if not ((levels >= 0.0) & (levels < 1.0)).all():
            raise bad_value("u", u, "levels in [0, 1)")
        with np.errstate(over="ignore"):
            values = np.asarray(np.exp(-np.log1p(-levels) / self.tail_exponent))
        if not np.isfinite(values).all():
            raise bad_value(
                "u",
                u,
                f"levels whose quantile at tail_exponent = {self.tail_exponent:g} is a double",
            )
        return values

    def moment(self, k: int) -> float:
        """Return alpha/(alpha - k) for k < alpha."""
        self.check_finite("k", k, 0)
        return self.tail_exponent / (self.tail_exponent - k)

    @property
    def variance(self) -> float:
        """alpha/((alpha - 1)^2 (alpha - 2)), for alpha > 2."""
        self.check_finite("k", 2, 0)
        alpha = self.tail_exponent
        return alpha / ((alpha - 1.0) ** 2 * (alpha - 2.0))

    def stieltjes(self, z: ArrayLike) -> NDArray[Any]:
        """Return G(z) for complex or real z off the support, along a ray from the edge 1.

        With x = 1 + e^(v - i phi) the path runs through the half-plane that does not hold z.
        """
        points = check_off_support(z, *self.support)
        upper = np.where(np.imag(points) < 0.0, np.conj(points), points).astype(np.complex128)
        # Beyond both ends the integrand is below 1e-18 of its largest value.
        edges = np.arange(-44.0, 45.0 + np.log(1.0 + np.abs(points).max(initial=0.0)))
        v = (edges[:-1, None] + 0.5 * (1.0 + _NODES)).ravel() - 1j * 0.6
        steps = np.exp(v)
        masses = np.tile(0.5 * _WEIGHTS, edges.size - 1) * self.tail_exponent * steps
        masses = masses * np.exp((-self.tail_exponent - 1.0) * np.log1p(steps))
        flat = upper.ravel()
        values = np.array([np.sum(masses / (point - 1.0 - steps)) for point in flat])
        values = values.reshape(points.shape)
        values = np.where(np.imag(points) < 0.0, np.conj(values), values)
        return np.asarray(values if points.dtype.kind == "c" else np.real(values))

    def free_cumulant(self, n: int) -> float:
        """Return the free cumulant of order n < alpha, from the moments with enough digits."""
        self.check_finite("n", n, 1)
        alpha = Decimal(self.tail_exponent)
        return free_cumulants_from_decimals(
            lambda m: [alpha / (alpha - k) for k in range(1, m + 1)], n
        )[-1]

    def check_finite(self, argument: str, order: int, low: int) -> None:
        """Raise unless moments of this order, an integer >= `low`, are finite."""
        if check_order(argument, order, low) >= self.tail_exponent:
            raise bad_value(
                argument,
                order,
                f"an order < tail_exponent = {self.tail_exponent:g}, beyond which moments are "
                "infinite",
            )
