"""Independent Gaussian tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qktheory.tokens.law import TOKEN_LAWS, Array, GaussianTokens

__all__ = ["Iid"]


@TOKEN_LAWS.register("iid")
@dataclass(frozen=True)
class Iid(GaussianTokens):
    """x_t independent N(0, Sigma).

    Examples
    --------
    >>> from qktheory.kernels.streams import Stream
    >>> Iid.from_dict({"covariance": 2.0}).draw(Stream(1, 0, 0), 0, 3, 5, 2).shape
    (3, 5, 2)
    """

    name: ClassVar[str] = "iid"

    def regression_on_last(self, T: int) -> Array:
        """Return 0 for all tokens but the last."""
        return np.append(np.zeros(T - 1), 1.0)

    def mix(self, z: Array) -> Array:
        """Return `z`."""
        return z
