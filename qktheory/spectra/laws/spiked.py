"""A bulk with prescribed outliers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qktheory.base.domains import Parameter, RealList
from qktheory.spectra.law import LAWS, Array, Law, LawDomain

__all__ = ["Spiked"]


@LAWS.register("spiked")
@dataclass(frozen=True)
class Spiked(Law):
    """A bulk law in which the given `spikes` replace as many eigenvalues.

    Spikes are eigenvalues of W itself: no BBP shift is applied (pitfall of SPEC-11). As a measure
    (cdf, moments, transforms) this is the bulk, the weak limit for a fixed number of spikes as d
    grows. Beside targets both parameters are the shape: the whole spectrum, spikes included, is
    mapped, so spikes are then positions relative to the bulk.

    Parameters
    ----------
    bulk : Law or table
        Law of the other eigenvalues, ``{law = "semicircle", std = 1.0}``.
    spikes : list of float
        The outlying eigenvalues.

    Examples
    --------
    >>> law = Spiked.from_dict({"bulk": {"law": "point", "location": 0.0}, "spikes": [3.0]})
    >>> law.spectrum_quantiles(4)
    array([3., 0., 0., 0.])
    """

    bulk: Law
    spikes: tuple[float, ...]

    name: ClassVar[str] = "spiked"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("bulk", LawDomain(), "law of the other eigenvalues"),
        Parameter("spikes", RealList(), "the outlying eigenvalues"),
    )
    shape_parameters: ClassVar[tuple[str, ...]] = ("bulk", "spikes")

    @property
    def support(self) -> tuple[float, float]:
        """The support of the bulk."""
        return self.bulk.support

    @property
    def edges(self) -> tuple[float, float]:
        """The edges of the bulk."""
        return self.bulk.edges

    @property
    def atoms(self) -> tuple[tuple[float, float], ...]:
        """The atoms of the bulk."""
        return self.bulk.atoms

    def pdf(self, x: ArrayLike) -> Array:
        """Return the density of the bulk."""
        return self.bulk.pdf(x)

    def cdf(self, x: ArrayLike) -> Array:
        """Return the cdf of the bulk."""
        return self.bulk.cdf(x)

    def quantile(self, u: ArrayLike) -> Array:
        """Return the quantile of the bulk."""
        return self.bulk.quantile(u)

    def moment(self, k: int) -> float:
        """Return the moment of the bulk."""
        return self.bulk.moment(k)

    @property
    def variance(self) -> float:
        """Variance of the bulk."""
        return self.bulk.variance

    def stieltjes(self, z: ArrayLike) -> NDArray[Any]:
        """Return the Stieltjes transform of the bulk."""
        return self.bulk.stieltjes(z)

    def r_transform(self, w: ArrayLike) -> Array:
        """Return the R-transform of the bulk."""
        return self.bulk.r_transform(w)

    def free_cumulant(self, n: int) -> float:
        """Return the free cumulant of the bulk."""
        return self.bulk.free_cumulant(n)

    def _with_spikes(self, bulk: Array) -> Array:
        return np.sort(np.concatenate([bulk, self.spikes]))[::-1]

    def _bulk_size(self, d: int) -> int:
        if len(self.spikes) > d:
            raise ValueError(
                f"spectrum.spikes has {len(self.spikes)} entries: expected at most {d}, the number "
                "of eigenvalues that the matrix model takes from the spectrum"
            )
        return d - len(self.spikes)

    def spectrum_quantiles(self, d: int) -> Array:
        """Return the spikes and d - len(spikes) quantiles of the bulk, in decreasing order."""
        size = self._bulk_size(d)
        bulk = self.bulk.spectrum_quantiles(size) if size else np.empty(0)
        return self._with_spikes(bulk)

    def spectrum_draws(self, uniforms: ArrayLike) -> Array:
        """Return the spikes and draws of the bulk from the first d - len(spikes) uniforms."""
        levels = np.asarray(uniforms, dtype=np.float64)
        size = self._bulk_size(levels.size)
        bulk = self.bulk.spectrum_draws(levels[:size]) if size else np.empty(0)
        return self._with_spikes(bulk)
