"""Given tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qktheory.base.arrays import ArrayDomain, ArrayInput
from qktheory.base.domains import Parameter
from qktheory.base.errors import bad_value
from qktheory.kernels.streams import Stream
from qktheory.tokens.law import TOKEN_LAWS, Array, TokenLaw

__all__ = ["Fixed"]


@TOKEN_LAWS.register("fixed")
@dataclass(frozen=True)
class Fixed(TokenLaw):
    """The same given tokens X in every sample.

    Parameters
    ----------
    X : matrix or "@file.npy"
        Tokens as rows, of shape (T, d).

    Examples
    --------
    >>> from qktheory.kernels.streams import Stream
    >>> law = Fixed.from_dict({"X": [[1.0, 2.0], [3.0, 4.0]]})
    >>> law.draw(Stream(1, 0, 0), 0, 1, 2, 2)
    array([[[1., 2.],
            [3., 4.]]])
    """

    X: ArrayInput

    name: ClassVar[str] = "fixed"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("X", ArrayDomain((2,), "a matrix of shape (T, d)"), "the tokens as rows"),
    )

    def check(self, T: int, d: int) -> None:
        """Raise unless X has the shape (T, d)."""
        super().check(T, d)
        if self.X.values.shape != (T, d):
            raise bad_value(
                "tokens.X", f"array of shape {self.X.values.shape}", f"shape (T, d) = ({T}, {d})"
            )

    def _draw(self, stream: Stream, first_sample: int, n: int, T: int, d: int) -> Array:
        """Return X, n times, as a read-only view."""
        return np.broadcast_to(self.X.values, (n, T, d))
