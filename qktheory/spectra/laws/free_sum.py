"""Free sum of two laws: eigenvalues of A + O B O^T."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qktheory.spectra.free_law import ABOVE, FreeLaw
from qktheory.spectra.law import LAWS, Array, check_order
from qktheory.spectra.subordination import free_sum_transform

__all__ = ["FreeSum"]


@LAWS.register("free_sum")
@dataclass(frozen=True)
class FreeSum(FreeLaw):
    """Limit law of A + O B O^T, A and B symmetric with the laws `first`, `second`, O Haar (SPEC-8).

    Free cumulants and R-transforms add; an atom a of the first and b of the second of total mass
    above 1 leave an atom at a + b.

    Parameters
    ----------
    first, second : Law or table
        Laws of bounded support, ``{law = "semicircle", std = 1.0}``.

    Examples
    --------
    Two fair coins give the arcsine law on [-2, 2].

    >>> coin = {"law": "two_point", "p": 0.5, "a": 1.0, "b": -1.0}
    >>> law = FreeSum.from_dict({"first": coin, "second": coin})
    >>> bool(abs(law.quantile(0.25) + 2**0.5) < 1e-7)
    True
    """

    name: ClassVar[str] = "free_sum"

    @property
    def atoms(self) -> tuple[tuple[float, float], ...]:
        """Places a + b whose masses exceed 1 together, by what they exceed it."""
        found = [
            (a + b, p + q - 1.0)
            for a, p in self.first.atoms
            for b, q in self.second.atoms
            if p + q > 1.0 + 1e-12
        ]
        return tuple(sorted(found))

    @property
    def _hull(self) -> tuple[float, float]:
        low = self.first.support[0] + self.second.support[0]
        return low, self.first.support[1] + self.second.support[1]

    def _above(self, x: Array) -> NDArray[np.complex128]:
        low, high = self._hull
        return np.asarray(x + 1j * ABOVE * max(high - low, 1e-300))

    def _transform(self, z: NDArray[np.complex128]) -> NDArray[np.complex128]:
        return free_sum_transform(self.first, self.second, z)

    def r_transform(self, w: ArrayLike) -> Array:
        """Return the sum of both R-transforms."""
        return np.asarray(self.first.r_transform(w) + self.second.r_transform(w))

    def free_cumulant(self, n: int) -> float:
        """Return the sum of both free cumulants."""
        return self.first.free_cumulant(n) + self.second.free_cumulant(n)

    def moment(self, k: int) -> float:
        """Return the moment from the free cumulants (SPEC-8)."""
        order = check_order("k", k)
        kappa = [self.free_cumulant(n) for n in range(1, order + 1)]
        moments = [1.0]
        powers = [np.eye(1, order + 1)[0]]
        for n in range(1, order + 1):
            # M(t)^s up to t^(n-1), rebuilt from the moments that are known.
            series = np.zeros(order + 1)
            series[:n] = moments
            powers = [np.eye(1, order + 1)[0]]
            for _ in range(n):
                powers.append(np.convolve(powers[-1], series)[: order + 1])
            moments.append(math.fsum(kappa[s - 1] * powers[s][n - s] for s in range(1, n + 1)))
        return float(moments[order])

    @property
    def variance(self) -> float:
        """The sum of both variances."""
        return self.first.variance + self.second.variance
