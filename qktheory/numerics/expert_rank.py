"""Rank of an expert behind a softmax gate, with its derivatives by both parameters."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from qktheory.base.domains import Choice

__all__ = ["EXPERTS", "expert_columns"]

EXPERTS: Final = ("linear", "square", "silu", "sigmoid", "tanh")
_EXPERT = Choice(EXPERTS)

#: Powers of x_0, x_1 and of a function that is transcendental over them.
_Monomial = tuple[int, int, int]
_Polynomial = dict[_Monomial, Fraction]
#: Polynomials in s = a.x and a transcendental y: {(power of s, power of y): coefficient}.
_Series = dict[tuple[int, int], int]

#: E, E', E'' of each expert; y = sigmoid(s) for silu and sigmoid, tanh(s) for tanh.
_DERIVATIVES: dict[str, tuple[_Series, _Series, _Series]] = {
    "linear": ({(1, 0): 1}, {(0, 0): 1}, {}),
    "square": ({(2, 0): 1}, {(1, 0): 2}, {(0, 0): 2}),
    "sigmoid": (
        {(0, 1): 1},
        {(0, 1): 1, (0, 2): -1},
        {(0, 1): 1, (0, 2): -3, (0, 3): 2},
    ),
    "silu": (
        {(1, 1): 1},
        {(0, 1): 1, (1, 1): 1, (1, 2): -1},
        {(0, 1): 2, (0, 2): -2, (1, 1): 1, (1, 2): -3, (1, 3): 2},
    ),
    "tanh": (
        {(0, 1): 1},
        {(0, 0): 1, (0, 2): -1},
        {(0, 1): -2, (0, 3): 2},
    ),
}
#: Value of y at s = 0, where it is a constant.
_AT_ZERO = {"sigmoid": Fraction(1, 2), "silu": Fraction(1, 2), "tanh": Fraction(0)}
#: Which derivative of E, and the powers of x_0 and x_1 before it; e^(b.x) is common to all.
_COLUMNS = (
    *((0, p) for p in ((0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2))),
    *((1, p) for p in ((1, 0), (0, 1), (2, 0), (1, 1), (0, 2))),
    *((2, p) for p in ((2, 0), (1, 1), (0, 2))),
)


def expert_columns(expert: str, expert_vector: ArrayLike) -> tuple[int, int]:
    """Return how many columns do not vanish, and how many of them are independent.

    Parameters
    ----------
    expert : {"linear", "square", "silu", "sigmoid", "tanh"}
        The function E.
    expert_vector : array_like of shape (2,)
        The vector a of e^(b.x) E(a.x).

    Returns
    -------
    tuple of int
        Count and rank of the function and its derivatives up to order 2 by (a, b), the duplicate
        of d/da_0 db_1 left out, as functions of x.

    Raises
    ------
    ValueError
        For an unknown expert.

    Notes
    -----
    Exact: sigmoid(s) and tanh(s) are transcendental over polynomials in x unless a = 0, so ranks
    are those of matrices of rational coefficients.

    Examples
    --------
    >>> expert_columns("linear", [0.7, 0.4]), expert_columns("silu", [0.7, 0.4])
    ((11, 8), (14, 14))
    """
    name = _EXPERT.check("expert", expert)
    a = [Fraction(float(x)) for x in np.asarray(expert_vector, dtype=np.float64)]
    columns = []
    for order, (p0, p1) in _COLUMNS:
        column: _Polynomial = defaultdict(Fraction)
        for (power, y), coefficient in _DERIVATIVES[name][order].items():
            for (q0, q1), binomial in _power_of_s(a, power).items():
                if any(a):
                    column[p0 + q0, p1 + q1, y] += coefficient * binomial
                else:
                    column[p0 + q0, p1 + q1, 0] += (
                        coefficient * binomial * _AT_ZERO.get(name, Fraction(0)) ** y
                    )
        columns.append({m: c for m, c in column.items() if c})
    kept = [column for column in columns if column]
    return len(kept), _rank(kept)


def _power_of_s(a: list[Fraction], power: int) -> dict[tuple[int, int], Fraction]:
    """Return (a_0 x_0 + a_1 x_1)^power for a power up to 2, by the powers of x_0 and x_1."""
    if power == 0:
        return {(0, 0): Fraction(1)}
    if power == 1:
        return {(1, 0): a[0], (0, 1): a[1]}
    return {(2, 0): a[0] ** 2, (1, 1): 2 * a[0] * a[1], (0, 2): a[1] ** 2}


def _rank(columns: list[_Polynomial]) -> int:
    """Eliminate with rational numbers."""
    rank = 0
    rest = [dict(column) for column in columns]
    while rest:
        pivot = rest.pop()
        if not pivot:
            continue
        rank += 1
        place, head = next(iter(pivot.items()))
        for column in rest:
            factor = column.get(place, Fraction(0)) / head
            if factor:
                for monomial, coefficient in pivot.items():
                    value = column.get(monomial, Fraction(0)) - factor * coefficient
                    if value:
                        column[monomial] = value
                    else:
                        column.pop(monomial, None)
    return rank
