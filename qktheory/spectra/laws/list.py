"""Eigenvalues listed one by one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qktheory.base.domains import Parameter, RealList
from qktheory.spectra.law import LAWS, Array, Law, check_levels, check_order

__all__ = ["EigenvalueList"]


@LAWS.register("list")
@dataclass(frozen=True)
class EigenvalueList(Law):
    """The eigenvalues themselves; as a measure, their empirical law.

    With ``draw = "quantiles"`` the list must have as many entries as there are eigenvalues to
    prescribe, and is used as it is. With ``draw = "random"`` eigenvalues are drawn from it with
    replacement, so its length is free. Beside targets the list is the shape that is mapped.

    Parameters
    ----------
    eigenvalues : list of float
        In any order; spectra are returned in decreasing order.

    Examples
    --------
    >>> EigenvalueList((0.5, 2.0, -1.0)).spectrum_quantiles(3)
    array([ 2. ,  0.5, -1. ])
    """

    eigenvalues: tuple[float, ...]

    name: ClassVar[str] = "list"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("eigenvalues", RealList(), "the eigenvalues, in any order"),
    )
    shape_parameters: ClassVar[tuple[str, ...]] = ("eigenvalues",)

    @property
    def _sorted(self) -> Array:
        return np.sort(np.array(self.eigenvalues))

    @property
    def support(self) -> tuple[float, float]:
        """Smallest and largest entry."""
        return min(self.eigenvalues), max(self.eigenvalues)

    @property
    def atoms(self) -> tuple[tuple[float, float], ...]:
        """The distinct entries with their shares."""
        places, counts = np.unique(np.array(self.eigenvalues), return_counts=True)
        shares = counts / len(self.eigenvalues)
        return tuple(zip(places.tolist(), shares.tolist(), strict=True))

    def cdf(self, x: ArrayLike) -> Array:
        """Return the share of entries <= x."""
        count = np.searchsorted(self._sorted, np.asarray(x, dtype=np.float64), side="right")
        return np.asarray(count / len(self.eigenvalues))

    def quantile(self, u: ArrayLike) -> Array:
        """Return the entry of rank ceil(n u)."""
        size = len(self.eigenvalues)
        rank = np.ceil(check_levels(u) * size).astype(np.int64)
        return self._sorted[np.clip(rank, 1, size) - 1]

    def moment(self, k: int) -> float:
        """Return the mean of the k-th powers."""
        check_order("k", k)
        return math.fsum(value**k for value in self.eigenvalues) / len(self.eigenvalues)

    @property
    def variance(self) -> float:
        """Population variance (divided by n)."""
        mean = self.mean
        return math.fsum((x - mean) ** 2 for x in self.eigenvalues) / len(self.eigenvalues)

    def stieltjes(self, z: ArrayLike) -> NDArray[Any]:
        """Return the mean of 1/(z - entry)."""
        points = np.asarray(z)
        gaps = points[..., None] - self._sorted
        if (gaps == 0.0).any():
            raise ValueError("z is one of the listed eigenvalues")
        return np.asarray((1.0 / gaps).mean(axis=-1))

    def spectrum_quantiles(self, d: int) -> Array:
        """Return the list in decreasing order; its length must be `d`."""
        if len(self.eigenvalues) != d:
            raise ValueError(
                f"spectrum.eigenvalues has {len(self.eigenvalues)} entries: expected {d}, the "
                "number of eigenvalues that the matrix model takes from the spectrum"
            )
        return self._sorted[::-1].copy()
