"""Fourth moments of Haar-distributed orthogonal matrices: Weingarten sums (SPEC-2)."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from qktheory.base.domains import Integer
from qktheory.base.errors import bad_value

__all__ = ["PAIRINGS", "haar_fourth_moment", "weingarten"]

#: The three pairings of four factors.
PAIRINGS = (((0, 1), (2, 3)), ((0, 2), (1, 3)), ((0, 3), (1, 2)))
_D = Integer(low=2)


def weingarten(d: int) -> tuple[Fraction, Fraction]:
    """Return Wg(p, p) and Wg(p, q) for pairings p != q of four factors.

    Parameters
    ----------
    d : int
        Size of the orthogonal group, >= 2.

    Returns
    -------
    equal, different : Fraction
        (d + 1)/D and -1/D with D = d (d - 1)(d + 2), exact: rows and columns of the inverse Gram
        matrix of the pairings (SPEC-2).

    Raises
    ------
    ValueError
        For d < 2: at d = 1 the Gram matrix is singular and D = 0.

    Examples
    --------
    >>> weingarten(3)
    (Fraction(2, 15), Fraction(-1, 30))
    """
    d = _D.check("d", d)
    D = d * (d - 1) * (d + 2)
    return Fraction(d + 1, D), Fraction(-1, D)


def haar_fourth_moment(d: int, rows: Sequence[int], columns: Sequence[int]) -> float:
    """Return E[O_(i1 j1) O_(i2 j2) O_(i3 j3) O_(i4 j4)] for Haar O on O(d).

    Parameters
    ----------
    d : int
        Size, >= 2.
    rows, columns : sequence of four int
        Indices i and j, 0 .. d - 1.

    Returns
    -------
    float
        The sum over pairings p of the rows and q of the columns of Wg(p, q), correctly rounded.

    Raises
    ------
    ValueError
        For d < 2, or indices that are not four integers of 0 .. d - 1.

    Examples
    --------
    >>> haar_fourth_moment(3, [0, 0, 0, 0], [1, 1, 1, 1])
    0.2
    """
    equal, different = weingarten(d)
    i, j = _indices("rows", rows, d), _indices("columns", columns, d)
    of_rows = [p for p in PAIRINGS if _matches(p, i)]
    of_columns = [q for q in PAIRINGS if _matches(q, j)]
    return float(
        sum((equal if p == q else different for p in of_rows for q in of_columns), Fraction(0))
    )


def _matches(pairing: tuple[tuple[int, int], ...], indices: Sequence[int]) -> bool:
    return all(indices[a] == indices[b] for a, b in pairing)


def _indices(argument: str, values: Sequence[int], d: int) -> list[int]:
    index = Integer(low=0, high=d - 1)
    if len(values) != 4:
        raise bad_value(argument, values, f"four integers of 0 .. {d - 1}")
    return [index.check(argument, value) for value in values]
