"""Random-walk tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qktheory.tokens.law import TOKEN_LAWS, Array, GaussianTokens

__all__ = ["RandomWalk"]


@TOKEN_LAWS.register("random_walk")
@dataclass(frozen=True)
class RandomWalk(GaussianTokens):
    """x_t = z_1 + ... + z_t with z_s independent N(0, Sigma) (LOC, section 0).

    Sigma is the covariance of one step: Cov(x_s, x_t) = min(s, t) Sigma.

    Examples
    --------
    >>> from qktheory.kernels.streams import Stream
    >>> x = RandomWalk().draw(Stream(1, 0, 0), 0, 1, 4, 2)
    >>> z = TOKEN_LAWS["iid"]().draw(Stream(1, 0, 0), 0, 1, 4, 2)
    >>> bool(np.allclose(np.diff(x, axis=1), z[:, 1:]))
    True
    """

    name: ClassVar[str] = "random_walk"

    def regression_on_last(self, T: int) -> Array:
        """Return t/T: the walk given its end is a bridge."""
        return np.arange(1, T + 1) / T

    def mix(self, z: Array) -> Array:
        """Return the partial sums over t."""
        return np.cumsum(z, axis=1, out=z)
