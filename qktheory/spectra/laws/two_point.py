"""Two-point law: eigenvalues of two sizes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import eval_gegenbauer

from qktheory.base.domains import Parameter, Real
from qktheory.spectra.law import LAWS, Array, Law, check_levels, check_order

__all__ = ["TwoPoint"]


@LAWS.register("two_point")
@dataclass(frozen=True)
class TwoPoint(Law):
    """Mass `p` at `a` and 1 - p at `b` (SPEC-8).

    Beside targets only `p` is given (1/2 by default); the standard shape has a = 1, b = -1, so
    `p` is then the share of the upper eigenvalue.

    Parameters
    ----------
    p : float
        Mass at `a`, in [0, 1].
    a, b : float
        The two eigenvalues, in any order.

    Examples
    --------
    >>> TwoPoint(p=0.25, a=2.0, b=-1.0).spectrum_quantiles(4)
    array([ 2., -1., -1., -1.])
    """

    p: float
    a: float
    b: float

    name: ClassVar[str] = "two_point"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("p", Real(0.0, 1.0), "mass at a"),
        Parameter("a", Real(), "first eigenvalue"),
        Parameter("b", Real(), "second eigenvalue"),
    )
    shape_parameters: ClassVar[tuple[str, ...]] = ("p",)
    standard_values: ClassVar[dict[str, object]] = {"p": 0.5, "a": 1.0, "b": -1.0}

    @property
    def atoms(self) -> tuple[tuple[float, float], ...]:
        """The two atoms (place, mass), the lower one first; a mass may be 0."""
        first, second = (self.a, self.p), (self.b, 1.0 - self.p)
        return (first, second) if self.a <= self.b else (second, first)

    @property
    def support(self) -> tuple[float, float]:
        """Smallest and largest atom of positive mass."""
        places = [place for place, mass in self.atoms if mass > 0.0]
        return places[0], places[-1]

    def cdf(self, x: ArrayLike) -> Array:
        """Return the two steps."""
        points = np.asarray(x, dtype=np.float64)
        (low, mass), (high, _) = self.atoms
        return np.where(points >= high, 1.0, np.where(points >= low, mass, 0.0))

    def quantile(self, u: ArrayLike) -> Array:
        """Return the lower atom up to its mass, then the upper one."""
        (low, mass), (high, _) = self.atoms
        return np.where(check_levels(u) <= mass, low, high)

    def moment(self, k: int) -> float:
        """Return p a^k + (1-p) b^k."""
        check_order("k", k)
        return self.p * self.a**k + (1.0 - self.p) * self.b**k

    @property
    def variance(self) -> float:
        """Variance p (1-p) (a-b)^2."""
        return self.p * (1.0 - self.p) * (self.a - self.b) ** 2

    def stieltjes(self, z: ArrayLike) -> NDArray[Any]:
        """Return p/(z-a) + (1-p)/(z-b), at any `z` that is not an atom."""
        points = np.asarray(z)
        total = np.zeros_like(points, dtype=np.result_type(points, np.float64))
        for place, mass in self.atoms:
            if mass > 0.0:
                if (points == place).any():
                    raise ValueError(f"z = {place:g} is an atom of law 'two_point'")
                total = total + mass / (points - place)
        return total

    def r_transform(self, w: ArrayLike) -> Array:
        """Return the closed form, arranged so that nothing cancels at w = 0."""
        points = np.asarray(w, dtype=np.float64)
        gap = self.a - self.b
        tilt = (2.0 * self.p - 1.0) * gap
        if abs(tilt) == abs(gap):
            # One atom only: the square root would take the wrong branch beyond w = -1/gap.
            return np.full_like(points, self.a if self.p == 1.0 else self.b)
        root = np.hypot(1.0 + points * tilt, points * 2.0 * np.sqrt(self.p * (1.0 - self.p)) * gap)
        half = (tilt + 0.5 * points * gap**2) / (1.0 + root)
        return np.asarray(0.5 * (self.a + self.b) + half)

    @property
    def upper_edge_transform(self) -> float:
        """It diverges at the upper atom."""
        return math.inf

    def additive_outlier(self, theta: float) -> tuple[float, float]:
        """Return (a + b + theta + S)/2, S^2 = (theta + t g)^2 + 4 p (1 - p) g^2, and dz/dtheta.

        Here g = a - b and t = 2 p - 1: the larger root of a quadratic equation.
        """
        if self.p in (0.0, 1.0) or self.a == self.b:
            return self.support[1] + theta, 1.0
        gap = self.a - self.b
        half = theta + (2.0 * self.p - 1.0) * gap
        other = 2.0 * math.sqrt(self.p * (1.0 - self.p)) * gap
        root = math.hypot(half, other)
        overlap = 0.5 * (1.0 + half / root)
        if half < 0.0:
            overlap = 0.5 * (other / root) * (other / (root - half))
        return 0.5 * (self.a + self.b + theta + root), overlap

    def free_cumulant(self, n: int) -> float:
        """Return p (1-p) (a-b)^n P'_(n-1)(1-2p) 2/(n (n-1)) for n >= 2, P the Legendre polynomials.

        From sqrt(1 + 2 t w + w^2), t = 2p - 1, which generates Gegenbauer polynomials.
        """
        if check_order("n", n, 1) == 1:
            return self.mean
        slope = float(eval_gegenbauer(n - 2, 1.5, 1.0 - 2.0 * self.p))
        # (a - b)^n last: a huge one must not meet the small factor as an infinity.
        weight = 2.0 * self.p * (1.0 - self.p) * slope / (n * (n - 1.0))
        return weight * (self.a - self.b) ** n
