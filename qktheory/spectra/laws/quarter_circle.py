"""Quarter-circle law: singular values of a square Gaussian matrix."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betainc, betaincinv

from qktheory.base.domains import Parameter
from qktheory.spectra.decimal_cumulants import PI, free_cumulants_from_decimals
from qktheory.spectra.interval_law import IntervalLaw
from qktheory.spectra.interval_measure import Map, between_edges
from qktheory.spectra.law import LAWS, Array, check_levels, check_order

__all__ = ["QuarterCircle"]


@LAWS.register("quarter_circle")
@dataclass(frozen=True)
class QuarterCircle(IntervalLaw):
    """Density sqrt(4 - x^2)/pi on [0, 2] (SPEC-8): the modulus of a semicircular variable.

    Examples
    --------
    >>> law = QuarterCircle()
    >>> round(float(law.quantile(0.5)), 11)
    0.8079455066
    >>> law.moment(2), law.moment(4)
    (1.0, 2.0)
    """

    name: ClassVar[str] = "quarter_circle"
    parameters: ClassVar[tuple[Parameter, ...]] = ()

    @property
    def edges(self) -> tuple[float, float]:
        """0 and 2."""
        return 0.0, 2.0

    def _parametrised(self) -> tuple[Map, Map]:
        return between_edges(
            0.0, 2.0, lambda below, above: np.sqrt(above) * np.sqrt(2.0 + below) / math.pi
        )

    def pdf(self, x: ArrayLike) -> Array:
        """Return sqrt(4 - x^2)/pi on [0, 2]."""
        points = np.asarray(x, dtype=np.float64)
        inside = (points >= 0.0) & (points <= 2.0)
        safe = np.where(inside, points, 2.0)
        return np.asarray(np.sqrt((2.0 - safe) * (2.0 + safe)) / math.pi)

    def cdf(self, x: ArrayLike) -> Array:
        """Return the regularised incomplete beta function: x^2/4 is Beta(1/2, 3/2)."""
        y = 0.5 * np.clip(np.asarray(x, dtype=np.float64), 0.0, 2.0)
        low = betainc(0.5, 1.5, y * y)
        high = 1.0 - betainc(1.5, 0.5, (1.0 - y) * (1.0 + y))
        return np.where(y < 0.7, low, high)

    def quantile(self, u: ArrayLike) -> Array:
        """Return the inverse of the cdf."""
        levels = check_levels(u)
        low = 2.0 * np.sqrt(betaincinv(0.5, 1.5, levels))
        high = 2.0 * np.sqrt(1.0 - betaincinv(1.5, 0.5, 1.0 - levels))
        return np.asarray(np.where(levels < 0.7, low, high))

    def moment(self, k: int) -> float:
        """Return 2^(k+1) Gamma((k+1)/2)/(sqrt(pi) Gamma(k/2 + 2))/2, by a product."""
        check_order("k", k)
        # m_0 = 1, m_1 = 8/(3 pi), m_k/m_(k-2) = 4 (k - 1)/(k + 2).
        value = 8.0 / (3.0 * math.pi) if k % 2 else 1.0
        for j in range(2 + k % 2, k + 1, 2):
            value *= 4.0 * (j - 1.0) / (j + 2.0)
        return value

    @property
    def variance(self) -> float:
        """1 - (8/(3 pi))^2."""
        return 1.0 - (8.0 / (3.0 * math.pi)) ** 2

    def free_cumulant(self, n: int) -> float:
        """Return the free cumulant, from the moments with enough digits."""
        return free_cumulants_from_decimals(_moments, check_order("n", n, 1))[-1]


def _moments(n: int) -> list[Decimal]:
    values = [Decimal(1), Decimal(8) / (3 * PI)]
    for k in range(2, n + 1):
        values.append(values[k - 2] * 4 * (k - 1) / (k + 2))
    return values[1 : n + 1]
