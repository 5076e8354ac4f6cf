"""Free product of two laws: eigenvalues of A^(1/2) O B O^T A^(1/2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from qktheory.base.domains import Parameter
from qktheory.spectra.free_law import ABOVE, FreeLaw
from qktheory.spectra.law import (
    LAWS,
    Array,
    Law,
    LawDomain,
    check_order,
    free_cumulants_from_moments,
)
from qktheory.spectra.subordination import free_product_transform

__all__ = ["FreeProduct"]


@LAWS.register("free_product")
@dataclass(frozen=True)
class FreeProduct(FreeLaw):
    """Limit law of A^(1/2) O B O^T A^(1/2), A and B positive with the given laws, O Haar (SPEC-8).

    S-transforms multiply. The mass at 0 is the larger one of both; atoms a, b > 0 of total mass
    above 1 leave one at a b.

    Parameters
    ----------
    first, second : Law or table
        Laws of bounded support in [0, infinity), not a point mass at 0.

    Examples
    --------
    The free square of Marchenko-Pastur of ratio 1 is the Fuss-Catalan law of two factors.

    >>> part = {"law": "marchenko_pastur", "ratio": 1.0}
    >>> law = FreeProduct.from_dict({"first": part, "second": part})
    >>> [round(law.moment(k), 9) for k in (1, 2, 3)], bool(abs(law.edges[1] - 6.75) < 1e-8)
    ([1.0, 3.0, 12.0], True)
    """

    name: ClassVar[str] = "free_product"

    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("first", LawDomain(bounded=True, positive=True), "first law"),
        Parameter("second", LawDomain(bounded=True, positive=True), "second law"),
    )

    @property
    def atoms(self) -> tuple[tuple[float, float], ...]:
        """The atom at 0, and places a b whose masses exceed 1 together."""
        zero = max(
            sum(p for place, p in part.atoms if place == 0.0) for part in (self.first, self.second)
        )
        found = [(0.0, zero)] if zero > 0.0 else []
        found += [
            (a * b, p + q - 1.0)
            for a, p in self.first.atoms
            for b, q in self.second.atoms
            if a * b > 0.0 and p + q > 1.0 + 1e-12
        ]
        return tuple(sorted(found))

    @property
    def _hull(self) -> tuple[float, float]:
        low = self.first.support[0] * self.second.support[0]
        return low, self.first.support[1] * self.second.support[1]

    def _above(self, x: Array) -> NDArray[np.complex128]:
        # A small angle, so that the neighbourhood of 0 is resolved as finely as the rest.
        return np.asarray(x * (1.0 + 1j * ABOVE))

    def _transform(self, z: NDArray[np.complex128]) -> NDArray[np.complex128]:
        return free_product_transform(self.first, self.second, z)

    def moment(self, k: int) -> float:
        """Return the moment through S-transforms, S(y) = chi(y) (1 + y)/y with psi(chi(y)) = y."""
        order = check_order("k", k)
        if order == 0:
            return 1.0
        inverse = [_inverse_series(part, order) for part in (self.first, self.second)]
        # chi(y)/y = S(y)/(1 + y): the product of both, times (1 + y).
        product = np.convolve(inverse[0][1:], inverse[1][1:])[:order]
        product = np.convolve(product, [1.0, 1.0])[:order]
        return float(_revert(np.concatenate([[0.0], product]))[order])

    def free_cumulant(self, n: int) -> float:
        """Return the free cumulant from the moments."""
        check_order("n", n, 1)
        return float(free_cumulants_from_moments([self.moment(k) for k in range(1, n + 1)])[-1])


def _inverse_series(law: Law, order: int) -> Array:
    """Return chi with psi(chi(y)) = y up to y^order, psi the moment series without 1."""
    return _revert(np.array([0.0, *(law.moment(k) for k in range(1, order + 1))]))


def _revert(series: Array) -> Array:
    """Return the compositional inverse of a power series without constant term (Lagrange)."""
    n = series.size - 1
    # (t/f(t))^k by powers of the reciprocal of f(t)/t.
    base = series[1:]
    reciprocal = np.zeros(n)
    reciprocal[0] = 1.0 / base[0]
    for k in range(1, n):
        reciprocal[k] = -np.dot(base[1 : k + 1], reciprocal[k - 1 :: -1][:k]) / base[0]
    inverse = np.zeros(n + 1)
    power = np.eye(1, n)[0]
    for k in range(1, n + 1):
        power = np.convolve(power, reciprocal)[:n]
        inverse[k] = power[k - 1] / k
    return inverse
