"""Stationary autoregressive tokens."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from qktheory.base.domains import Parameter, Real
from qktheory.tokens.law import COVARIANCE, TOKEN_LAWS, Array, GaussianTokens

__all__ = ["Ar1"]


@TOKEN_LAWS.register("ar1")
@dataclass(frozen=True)
class Ar1(GaussianTokens):
    """x_t = phi x_(t-1) + sqrt(1 - phi^2) z_t, stationary: Cov(x_s, x_t) = phi^|s - t| Sigma.

    Parameters
    ----------
    phi : float
        Correlation of neighbours, in [-1, 1]; 0 gives iid tokens.
    covariance : float, list, matrix or "@file.npy"
        Sigma, of each token; identity by default.

    Examples
    --------
    >>> from qktheory.kernels.streams import Stream
    >>> Ar1(phi=0.5).draw(Stream(1, 0, 0), 0, 2, 5, 3).shape
    (2, 5, 3)
    """

    phi: float = field(kw_only=True)

    name: ClassVar[str] = "ar1"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("phi", Real(-1.0, 1.0), "correlation of neighbouring tokens"),
        COVARIANCE,
    )

    def regression_on_last(self, T: int) -> Array:
        """Return phi^(T - t)."""
        return np.asarray(self.phi ** np.arange(T - 1, -1, -1, dtype=np.float64))

    def mix(self, z: Array) -> Array:
        """Return the recursion over t, started in its stationary law."""
        fresh = math.sqrt((1.0 - self.phi) * (1.0 + self.phi))
        for t in range(1, z.shape[1]):
            z[:, t] = self.phi * z[:, t - 1] + fresh * z[:, t]
        return z
