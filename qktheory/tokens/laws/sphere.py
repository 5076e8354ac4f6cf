"""Tokens on the sphere."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qktheory.base.domains import Parameter, Real
from qktheory.kernels.streams import Stream
from qktheory.tokens.covariance import Covariance
from qktheory.tokens.law import TOKEN_LAWS, Array, TokenLaw

__all__ = ["Sphere"]


@TOKEN_LAWS.register("sphere")
@dataclass(frozen=True)
class Sphere(TokenLaw):
    """x_t independent, uniform on the sphere |x|^2 = covariance d (SPEC-13 with covariance 1).

    Parameters
    ----------
    covariance : float
        The number c >= 0 in E x x^T = c I; 1 by default. Only multiples of the identity are
        covariances of a sphere.

    Examples
    --------
    >>> from qktheory.kernels.streams import Stream
    >>> x = Sphere().draw(Stream(1, 0, 0), 0, 2, 5, 3)
    >>> bool(np.allclose((x**2).sum(axis=-1), 3.0))
    True
    """

    covariance: float = 1.0

    name: ClassVar[str] = "sphere"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("covariance", Real(0.0), "squared radius over d", default=1.0),
    )

    def sigma(self, d: int) -> Covariance:
        """Return the covariance for tokens of width d."""
        return Covariance.of(self.covariance, d)

    def _draw(self, stream: Stream, first_sample: int, n: int, T: int, d: int) -> Array:
        z = stream.normals(first_sample, n, T * d).reshape(n, T, d)
        norms = np.sqrt(np.square(z).sum(axis=-1, keepdims=True))
        return np.asarray(z * (math.sqrt(d * self.covariance) / norms))
