"""Equicorrelated Gaussian tokens."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from qktheory.base.domains import Parameter, Real
from qktheory.base.errors import bad_value
from qktheory.tokens.law import COVARIANCE, TOKEN_LAWS, Array, GaussianTokens

__all__ = ["Equicorrelated", "exchangeable"]


@TOKEN_LAWS.register("equicorrelated")
@dataclass(frozen=True)
class Equicorrelated(GaussianTokens):
    """Gaussian cloud with Cov(x_s, x_t) = cosine Sigma for s != t, Sigma for s = t.

    For cosine >= 0 it has the law of sqrt(cosine) z_0 + sqrt(1 - cosine) z_t (RMT-9). Drawn as
    sqrt(1 - cosine) (z_t - m) + sqrt(1 + (T - 1) cosine) m, m the mean of the z_t, which covers
    negative values too.

    Parameters
    ----------
    cosine : float
        Correlation of two tokens, in [-1/(T - 1), 1].
    covariance : float, list, matrix or "@file.npy"
        Sigma, identity by default.

    Examples
    --------
    >>> from qktheory.kernels.streams import Stream
    >>> x = Equicorrelated(cosine=1.0).draw(Stream(1, 0, 0), 0, 1, 3, 2)
    >>> bool(abs(x - x[:, :1]).max() < 1e-15)
    True
    """

    cosine: float = field(kw_only=True)

    name: ClassVar[str] = "equicorrelated"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("cosine", Real(-1.0, 1.0), "correlation of two tokens"),
        COVARIANCE,
    )

    def check(self, T: int, d: int) -> None:
        """Raise, beside the checks of all laws, if T tokens cannot be so far apart."""
        super().check(T, d)
        if 1.0 + (T - 1) * self.cosine < -1e-12:
            raise bad_value(
                "tokens.cosine", self.cosine, f"a number >= -1/(T - 1) = {-1.0 / (T - 1):.6g}"
            )

    def regression_on_last(self, T: int) -> Array:
        """Return the cosine for all tokens but the last."""
        return np.append(np.full(T - 1, self.cosine), 1.0)

    def mix(self, z: Array) -> Array:
        """Return the cloud; its common part and the deviations from it are scaled apart."""
        return exchangeable(z, 1.0 - self.cosine, 1.0 + (z.shape[1] - 1) * self.cosine)


def exchangeable(z: Array, across: float, along: float) -> Array:
    """Return independent normals scaled apart across and along their mean over axis 1.

    Parameters
    ----------
    z : ndarray of shape (n, T) or (n, T, d)
        Independent standard normals.
    across, along : float
        Eigenvalues of the covariance over axis 1: ``across`` for deviations from the mean, >= 0,
        ``along`` for the constant vector; one that rounding has made negative counts as 0.

    Returns
    -------
    ndarray of the shape of `z`
        Covariance across (I - J/T) + along J/T over axis 1.

    Examples
    --------
    >>> exchangeable(np.array([[1.0, 3.0]]), 1.0, 4.0)
    array([[3., 5.]])
    """
    common = z.mean(axis=1, keepdims=True)
    return np.asarray(math.sqrt(across) * (z - common) + math.sqrt(max(along, 0.0)) * common)
