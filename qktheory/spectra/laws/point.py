"""Point mass: every eigenvalue is the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qktheory.base.domains import Parameter, Real
from qktheory.spectra.law import (
    LAWS,
    Array,
    Law,
    check_levels,
    check_off_support,
    check_order,
)

__all__ = ["Point"]


@LAWS.register("point")
@dataclass(frozen=True)
class Point(Law):
    """Point mass at `location` (SPEC-8): W is a multiple of the identity if it is symmetric.

    Parameters
    ----------
    location : float
        The one eigenvalue.

    Examples
    --------
    >>> Point(1.5).spectrum_quantiles(3)
    array([1.5, 1.5, 1.5])
    """

    location: float

    name: ClassVar[str] = "point"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("location", Real(), "the one eigenvalue"),
    )
    standard_values: ClassVar[dict[str, object]] = {"location": 0.0}

    @property
    def support(self) -> tuple[float, float]:
        """The point, twice."""
        return self.location, self.location

    @property
    def atoms(self) -> tuple[tuple[float, float], ...]:
        """The one atom, of mass 1."""
        return ((self.location, 1.0),)

    def cdf(self, x: ArrayLike) -> Array:
        """Return the step at `location`."""
        return (np.asarray(x, dtype=np.float64) >= self.location).astype(np.float64)

    def quantile(self, u: ArrayLike) -> Array:
        """Return `location` for every level."""
        return np.full_like(check_levels(u), self.location)

    def moment(self, k: int) -> float:
        """Return location^k."""
        return self.location ** check_order("k", k)

    @property
    def variance(self) -> float:
        """Zero."""
        return 0.0

    def stieltjes(self, z: ArrayLike) -> NDArray[Any]:
        """Return 1/(z - location)."""
        points = check_off_support(z, self.location, self.location)
        return np.asarray(1.0 / (points - self.location))

    def r_transform(self, w: ArrayLike) -> Array:
        """Return the constant `location`."""
        return np.full_like(np.asarray(w, dtype=np.float64), self.location)

    def free_cumulant(self, n: int) -> float:
        """Return `location` for n = 1, else 0."""
        return self.location if check_order("n", n, 1) == 1 else 0.0
