"""Stable ranks of a token matrix, and how far they are from one (RMT-6c)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qktheory.base.domains import Matrix
from qktheory.base.errors import bad_value

__all__ = ["StableRanks", "stable_ranks"]

FloatArray = NDArray[np.float64]

_MATRIX = Matrix()
#: Ratio of the two largest singular values below which the second one has lost digits.
_CLOSE = 1e-3
#: Binary digits behind the point of that arithmetic.
_BITS = 200
#: Largest matrix whose leading part is subtracted in exact arithmetic.
_MOST_ENTRIES = 200_000


@dataclass(frozen=True)
class StableRanks:
    """Stable ranks of X and of X X^T.

    Attributes
    ----------
    sr_x, sr_sigma : float
        sum s^2/s_1^2 and sum s^4/s_1^4.
    sr_x_minus_1, sr_sigma_minus_1 : float
        The same sums from the second singular value on.
    """

    sr_x: float
    sr_sigma: float
    sr_x_minus_1: float
    sr_sigma_minus_1: float


def stable_ranks(X: ArrayLike) -> StableRanks:
    """Return the stable ranks of X from its singular values.

    Parameters
    ----------
    X : array_like of shape (T, d)
        Token matrix, not zero.

    Returns
    -------
    StableRanks
        The excesses over 1 keep their relative accuracy when X is nearly of rank one: its leading
        part is then subtracted in exact arithmetic (matrices of up to 200 000 entries).

    Raises
    ------
    ValueError
        For a matrix that is empty, zero or not finite.

    Examples
    --------
    >>> stable_ranks([[1.0, 0.0], [0.0, 1e-4]]).sr_sigma_minus_1
    1.0...e-16
    """
    matrix = _MATRIX.check("X", X)
    largest = float(np.abs(matrix).max())
    if largest == 0.0:
        raise bad_value("X", "a zero matrix", "a matrix with an entry other than 0")
    # A power of two, so that nothing is rounded.
    matrix = np.ldexp(matrix, -int(np.frexp(largest)[1]))
    _, singular, right = np.linalg.svd(matrix, full_matrices=False)
    ratios = singular[1:] / singular[0]
    if ratios.size and ratios[0] < _CLOSE and matrix.size <= _MOST_ENTRIES:
        rest = _without(matrix, right[0])
        ratios = np.linalg.svd(rest, compute_uv=False) / singular[0]
    excess_x = float(np.sum(ratios**2))
    excess_sigma = float(np.sum(ratios**4))
    return StableRanks(1.0 + excess_x, 1.0 + excess_sigma, excess_x, excess_sigma)


def _without(matrix: FloatArray, direction: FloatArray) -> FloatArray:
    """Return X - X v v^T/|v|^2 for entries up to 1, rounded only at the end.

    In integers of fixed point: Python's are as long as needed. An error in the direction v enters
    the singular values that are left in second order, after one more step of X^T X.
    """
    rows = [_fixed_point(row) for row in matrix]
    v = _fixed_point(direction)
    u = [sum(a * b for a, b in zip(x, v, strict=True)) >> _BITS for x in rows]
    v = [sum(a * b for a, b in zip(u, y, strict=True)) >> _BITS for y in zip(*rows, strict=True)]
    square = sum(y * y for y in v)
    rest = []
    for x in rows:
        share = (sum(a * b for a, b in zip(x, v, strict=True)) << _BITS) // square
        rest.append([float(a - (share * b >> _BITS)) for a, b in zip(x, v, strict=True)])
    return np.asarray(np.ldexp(np.array(rest), -_BITS))


def _fixed_point(numbers: FloatArray) -> list[int]:
    return [int(x) for x in np.ldexp(numbers, _BITS).tolist()]
