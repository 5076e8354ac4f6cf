"""Power-law decay of the eigenvalues with their rank."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from qktheory.base.domains import Parameter, Real
from qktheory.spectra.law import LAWS, Array, Law

__all__ = ["PowerLaw"]


@LAWS.register("power_law")
@dataclass(frozen=True)
class PowerLaw(Law):
    """Eigenvalues largest * i^(-exponent), i = 1..d (SPEC-8).

    This prescribes a sequence for every d and not one measure, so cdf, quantile, moments and
    transforms do not exist (they raise `ValueError`). The law of size d that belongs to it has
    the quantile function Q_d(u) = largest * (1/2 + d (1 - u))^(-exponent): at the midpoints it
    gives exactly i^(-exponent), and ``draw = "random"`` draws from it.

    Parameters
    ----------
    exponent : float
        Decay exponent, >= 0. The shape parameter beside targets.
    largest : float
        The eigenvalue of rank 1, >= 0. Standard shape: 1.

    Examples
    --------
    >>> PowerLaw(exponent=1.0, largest=2.0).spectrum_quantiles(4)
    array([2.        , 1.        , 0.66666667, 0.5       ])
    """

    exponent: float
    largest: float

    name: ClassVar[str] = "power_law"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("exponent", Real(0.0), "decay exponent"),
        Parameter("largest", Real(0.0), "eigenvalue of rank 1"),
    )
    shape_parameters: ClassVar[tuple[str, ...]] = ("exponent",)
    standard_values: ClassVar[dict[str, object]] = {"largest": 1.0}

    _REASON: ClassVar[str] = "it is a sequence that depends on d, not one measure"

    @property
    def support(self) -> tuple[float, float]:
        """The closed hull of all sequences, [0, largest]."""
        return 0.0, self.largest

    def pdf(self, x: ArrayLike) -> Array:
        """Raise: there is no measure without d."""
        raise self._refuse("density", self._REASON)

    def cdf(self, x: ArrayLike) -> Array:
        """Raise: there is no measure without d."""
        raise self._refuse("cdf", self._REASON)

    def quantile(self, u: ArrayLike) -> Array:
        """Raise: there is no measure without d."""
        raise self._refuse("quantile", self._REASON)

    def moment(self, k: int) -> float:
        """Raise: there is no measure without d."""
        raise self._refuse("moment", self._REASON)

    def spectrum_quantiles(self, d: int) -> Array:
        """Return largest * i^(-exponent), i = 1..d."""
        return np.asarray(self.largest * np.arange(1.0, d + 1.0) ** -self.exponent)

    def spectrum_draws(self, uniforms: ArrayLike) -> Array:
        """Return i.i.d. draws from Q_d, in decreasing order."""
        levels = np.sort(np.asarray(uniforms, dtype=np.float64))[::-1]
        ranks = 0.5 + levels.size * (1.0 - levels)
        return np.asarray(self.largest * ranks**-self.exponent)
