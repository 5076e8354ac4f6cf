"""Tokens at the corners of a simplex."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache
from typing import ClassVar

import numpy as np

from qktheory.base.blas import serial_blas
from qktheory.base.domains import Parameter, Real
from qktheory.base.errors import bad_value
from qktheory.kernels.streams import Stream
from qktheory.tokens.law import TOKEN_LAWS, Array, TokenLaw

__all__ = ["Simplex"]

#: 1 + (T - 1) cosine below this is rounding of cosine = -1/(T - 1).
_ROUNDING = 1e-12


@TOKEN_LAWS.register("simplex")
@dataclass(frozen=True)
class Simplex(TokenLaw):
    """|x_t|^2 = d and x_s . x_t = d cosine exactly, in a Haar-random orientation (ENT-13).

    The Gram matrix d [(1 - cosine) I + cosine J] fixes the tokens up to a rotation, which is drawn
    for every sample. Its rank, T unless the cosine is 1 or -1/(T - 1), cannot exceed d.

    Parameters
    ----------
    cosine : float
        Cosine of two tokens, in [-1/(T - 1), 1].

    Examples
    --------
    >>> from qktheory.kernels.streams import Stream
    >>> x = Simplex(cosine=0.25).draw(Stream(1, 0, 0), 0, 1, 3, 4)[0]
    >>> (x @ x.T).round(12).tolist()
    [[4.0, 1.0, 1.0], [1.0, 4.0, 1.0], [1.0, 1.0, 4.0]]
    """

    cosine: float = field(kw_only=True)

    name: ClassVar[str] = "simplex"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("cosine", Real(-1.0, 1.0), "cosine of two tokens"),
    )

    def check(self, T: int, d: int) -> None:
        """Raise, beside the checks of all laws, if d dimensions have no room for such tokens."""
        super().check(T, d)
        if 1.0 + (T - 1) * self.cosine < -_ROUNDING:
            raise bad_value(
                "tokens.cosine", self.cosine, f"a number >= -1/(T - 1) = {-1.0 / (T - 1):.6g}"
            )
        along, across = _rank(T, self.cosine)
        rank = int(along) + (T - 1) * int(across)
        if rank > d:
            raise bad_value("T", T, f"tokens whose Gram matrix has rank <= d = {d}, not {rank}")

    @serial_blas
    def _draw(self, stream: Stream, first_sample: int, n: int, T: int, d: int) -> Array:
        corners = _corners(T, self.cosine)
        rank = corners.shape[1]
        normals = stream.normals(first_sample, n, d * rank).reshape(n, d, rank)
        # The signs of the diagonal of R move into Q, which is not uniform without them (SPEC-1).
        frames, r = np.linalg.qr(normals)
        diagonal = np.diagonal(r, axis1=1, axis2=2)
        frames *= np.where(diagonal < 0.0, -1.0, 1.0)[:, None, :]
        return np.asarray(math.sqrt(d) * np.matmul(corners, frames.transpose(0, 2, 1)))


def _rank(T: int, cosine: float) -> tuple[bool, bool]:
    """Return whether the Gram matrix is positive along the mean token, and across it."""
    return 1.0 + (T - 1) * cosine > _ROUNDING, T > 1 and 1.0 - cosine > _ROUNDING


@lru_cache(maxsize=8)
def _corners(T: int, cosine: float) -> Array:
    """Return B of shape (T, rank) with B B^T = (1 - cosine) I + cosine J.

    Columns are scaled eigenvectors: the mean, and Helmert's basis across it.
    """
    along, across = _rank(T, cosine)
    columns = []
    if along:
        columns.append(np.full((T, 1), math.sqrt((1.0 + (T - 1) * cosine) / T)))
    if across:
        k = np.arange(1, T)
        helmert = np.where(np.arange(T)[:, None] < k, 1.0, 0.0)
        helmert[k, k - 1] = -k
        columns.append(helmert * np.sqrt((1.0 - cosine) / (k * (k + 1.0))))
    corners = np.concatenate(columns, axis=1)
    corners.setflags(write=False)
    return corners
