"""Kesten-McKay law: spectra of random regular graphs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qktheory.base.domains import Integer, Parameter
from qktheory.spectra.interval_law import IntervalLaw
from qktheory.spectra.interval_measure import Map, between_edges
from qktheory.spectra.law import LAWS, Array, check_off_support, check_order

__all__ = ["KestenMcKay"]


@LAWS.register("kesten_mckay")
@dataclass(frozen=True)
class KestenMcKay(IntervalLaw):
    """Free sum of q fair coins +-1, on +-2 sqrt(q - 1) (SPEC-8); q = 2 is an arcsine law.

    Parameters
    ----------
    q : int
        Degree, >= 2. The shape parameter beside targets.

    Examples
    --------
    >>> law = KestenMcKay(q=4)
    >>> [law.moment(k) for k in (2, 4, 6)]
    [4.0, 28.0, 232.0]
    >>> round(float(law.cdf(1.0)), 10)
    0.6388011376
    """

    q: int

    name: ClassVar[str] = "kesten_mckay"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("q", Integer(2, 10**15, typical=(2, 12)), "degree of the regular graph"),
    )
    shape_parameters: ClassVar[tuple[str, ...]] = ("q",)

    @property
    def support(self) -> tuple[float, float]:
        """The edges: there are no atoms."""
        return self.edges

    @property
    def edges(self) -> tuple[float, float]:
        """+-2 sqrt(q - 1)."""
        edge = 2.0 * math.sqrt(self.q - 1.0)
        return -edge, edge

    def _density(self, below: NDArray[Any], above: NDArray[Any]) -> NDArray[Any]:
        # q - x = (q - edge) + (edge - x), and q - edge = (sqrt(q - 1) - 1)^2 without cancelling.
        gap = ((self.q - 2.0) / (math.sqrt(self.q - 1.0) + 1.0)) ** 2
        front = self.q / (2.0 * math.pi)
        if self.q == 2:
            return np.asarray(front / (np.sqrt(below) * np.sqrt(above)))
        return np.asarray(front * np.sqrt(below) * np.sqrt(above) / ((gap + below) * (gap + above)))

    def _parametrised(self) -> tuple[Map, Map]:
        return between_edges(*self.edges, self._density)

    def pdf(self, x: ArrayLike) -> Array:
        """Return q sqrt(4(q - 1) - x^2)/(2 pi (q^2 - x^2)); inf at the edges for q = 2."""
        points = np.asarray(x, dtype=np.float64)
        low, high = self.edges
        inside = (points >= low) & (points <= high)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(inside, self._density(points - low, high - points), 0.0)

    def moment(self, k: int) -> float:
        """Return the number of closed walks of length k on the q-regular tree."""
        check_order("k", k)
        if k == 0:
            return 1.0
        if k % 2:
            return 0.0
        m, q = k // 2, self.q
        return float(
            sum(
                j * math.comb(k - j, m) * q**j * (q - 1) ** (m - j) // (k - j)
                for j in range(1, m + 1)
            )
        )

    @property
    def variance(self) -> float:
        """The degree q."""
        return float(self.q)

    def stieltjes(self, z: ArrayLike) -> NDArray[Any]:
        """Return 2 (q - 1)/((q - 2) z + q sqrt(z^2 - 4(q - 1)))."""
        low, high = self.edges
        points = check_off_support(z, low, high)
        if points.dtype.kind == "c":
            root = np.sqrt(points - low) * np.sqrt(points - high)
        else:
            root = np.sign(points) * np.sqrt(np.abs(points) - high) * np.sqrt(np.abs(points) + high)
        return np.asarray(2.0 * (self.q - 1.0) / ((self.q - 2.0) * points + self.q * root))

    def r_transform(self, w: ArrayLike) -> Array:
        """Return q (sqrt(1 + 4 w^2) - 1)/(2 w) = 2 q w/(1 + sqrt(1 + 4 w^2))."""
        t = 2.0 * np.asarray(w, dtype=np.float64)
        return np.asarray(self.q * (t / (1.0 + np.hypot(1.0, t))))

    @property
    def upper_edge_transform(self) -> float:
        """sqrt(q - 1)/(q - 2); it diverges for q = 2."""
        return math.sqrt(self.q - 1.0) / (self.q - 2.0) if self.q > 2 else math.inf

    def additive_outlier(self, theta: float) -> tuple[float, float]:
        """Return theta + 2 q/(s + theta) and 1 - 2 q/(s (s + theta)), s = sqrt(theta^2 + 4)."""
        s = math.hypot(theta, 2.0)
        return theta + 2.0 * self.q / (s + theta), 1.0 - 2.0 * self.q / (s * (s + theta))

    def free_cumulant(self, n: int) -> float:
        """Return q (-1)^(m-1) C_(m-1) for n = 2m, C the Catalan numbers; 0 for odd n."""
        check_order("n", n, 1)
        if n % 2:
            return 0.0
        m = n // 2
        return float(self.q * (-1) ** (m - 1) * (math.comb(2 * m - 2, m - 1) // m))
