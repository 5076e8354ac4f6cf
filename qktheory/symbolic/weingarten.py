"""Averages over Haar orthogonal matrices by Weingarten calculus.

The mean of a product of 2n entries of a Haar orthogonal O is a sum over two pairings, one of the
row indices and one of the column indices, weighted by the Weingarten function: the inverse of the
Gram matrix d^loops(p, q) of pairings, which depends on the cycle type of the pair only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Any

import sympy as sp

from qktheory.base.errors import bad_value
from qktheory.symbolic.wick import pairings
from qktheory.symbolic.words import Word, canonical, glue, trace_of_word, words_of

__all__ = [
    "HaarCoefficient",
    "HaarMean",
    "HaarMoment",
    "haar_coefficients",
    "haar_mean",
    "haar_moment",
    "weingarten",
]

Pairing = tuple[tuple[int, int], ...]

#: Highest number of matrices O W O^T: 105 pairings on either side.
MOST_FACTORS = 4


def _cycle_type(p: Pairing, q: Pairing) -> tuple[int, ...]:
    """Return half the lengths of the loops that two pairings form, largest first."""
    partner_p = {a: b for x, y in p for a, b in ((x, y), (y, x))}
    partner_q = {a: b for x, y in q for a, b in ((x, y), (y, x))}
    left, lengths = set(partner_p), []
    while left:
        slot, length = min(left), 0
        while slot in left:
            other = partner_p[slot]
            left -= {slot, other}
            slot = partner_q[other]
            length += 1
        lengths.append(length)
    return tuple(sorted(lengths, reverse=True))


@cache
def weingarten(n: int, d: sp.Expr) -> dict[tuple[int, ...], sp.Expr]:
    """Return the Weingarten function of 2n entries of a Haar orthogonal matrix.

    Parameters
    ----------
    n : int
        Pairs of indices, 1 to 4.
    d : sympy.Expr
        Size of the matrix, at least n.

    Returns
    -------
    dict
        By cycle type, (1, 1) for equal pairings of four indices, (2,) for different ones.

    Raises
    ------
    ValueError
        For n outside 1..4.

    Examples
    --------
    >>> d = sp.Symbol("d")
    >>> weingarten(2, d)[(2,)].factor()
    -1/(d*(d - 1)*(d + 2))
    """
    if n not in range(1, MOST_FACTORS + 1):
        raise bad_value("n", n, f"an integer from 1 to {MOST_FACTORS}")
    every: list[Pairing] = list(pairings(range(2 * n)))
    start = every[0]
    representative = {_cycle_type(start, p): p for p in every}
    unknown = {kind: sp.Symbol(f"wg_{'_'.join(map(str, kind))}") for kind in representative}
    equations = []
    for kind, r in representative.items():
        row = sum(unknown[_cycle_type(start, q)] * d ** len(_cycle_type(q, r)) for q in every)
        equations.append(row - (1 if kind == (1,) * n else 0))
    (solution,) = sp.linsolve(equations, list(unknown.values()))
    return {kind: sp.factor(value) for kind, value in zip(unknown, solution, strict=True)}


def haar_moment(rows: Sequence[int], columns: Sequence[int], d: sp.Expr) -> sp.Expr:
    """Return E prod_k O[rows[k], columns[k]] for a Haar orthogonal matrix.

    Parameters
    ----------
    rows, columns : sequence of int
        Indices of up to eight entries.
    d : sympy.Expr
        Size of the matrix.

    Returns
    -------
    sympy.Expr
        A rational function of d.

    Examples
    --------
    >>> haar_moment([0, 0, 0, 0], [0, 0, 0, 0], sp.Symbol("d"))
    3/(d*(d + 2))
    """
    if len(rows) != len(columns):
        raise bad_value("columns", list(columns), f"{len(rows)} of them, as many as rows")
    if len(rows) % 2:
        return sp.S.Zero
    if not rows:
        return sp.S.One
    table = weingarten(len(rows) // 2, d)
    every: list[Pairing] = list(pairings(range(len(rows))))
    of_rows = [p for p in every if all(rows[a] == rows[b] for a, b in p)]
    of_columns = [q for q in every if all(columns[a] == columns[b] for a, b in q)]
    counts = Counter(_cycle_type(p, q) for p in of_rows for q in of_columns)
    return sp.factor(sp.Add(*(count * table[kind] for kind, count in counts.items())))


def _paired(p: Pairing) -> dict[int, tuple[int, Word]]:
    return {a: (b, ()) for x, y in p for a, b in ((x, y), (y, x))}


def haar_mean(expression: sp.Expr, W: sp.MatrixSymbol, W_0: sp.MatrixExpr | None = None) -> sp.Expr:
    """Return the mean over W = O W_0 O^T, O Haar orthogonal, of a polynomial in traces.

    Parameters
    ----------
    expression : sympy.Expr
        Polynomial in traces of words; W occurs at most four times in a term.
    W : sympy.MatrixSymbol
        The rotated matrix.
    W_0 : sympy.MatrixSymbol, optional
        The matrix that is rotated; `W` itself by default, whose invariants it shares.

    Returns
    -------
    sympy.Expr
        In traces of words in W_0 and of words in the other matrices.

    Raises
    ------
    ValueError
        If W occurs more than four times in a term.

    Examples
    --------
    >>> from qktheory.symbolic.symbols import matrix
    >>> W, M = matrix("W_QK"), matrix("M")
    >>> haar_mean(sp.Trace(W * M), W)
    Trace(M)*Trace(W_QK)/d
    """
    base = W if W_0 is None else W_0
    d = W.shape[0]
    expanded = canonical(expression)
    traces = sorted((t for t in expanded.atoms(sp.Trace) if t.has(W)), key=sp.default_sort_key)
    if not traces:
        return expanded
    total = sp.S.Zero
    for powers, coefficient in sp.Poly(expanded, *traces).terms():
        words = [
            next(iter(words_of(trace.arg)))
            for trace, power in zip(traces, powers, strict=True)
            for _ in range(power)
        ]
        total += coefficient * _haar_words(words, W, base, d)
    return sp.factor(canonical(total))


def _haar_words(
    words: Sequence[Word], W: sp.MatrixSymbol, W_0: sp.MatrixExpr, d: sp.Expr
) -> sp.Expr:
    """Average a product of traces of words: slot 2k is the row of the k-th W, 2k+1 its column."""
    outer: list[tuple[int, int, Word]] = []
    inner: list[tuple[int, int, Word]] = []
    (base,) = words_of(W_0)
    for word in words:
        places = [k for k, (letter, _) in enumerate(word) if letter == W]
        ends = []
        for place in places:
            number = len(inner)
            inner.append((2 * number, 2 * number + 1, base))
            row, column = 2 * number, 2 * number + 1
            ends.append((column, row) if word[place][1] else (row, column))
        for k, place in enumerate(places):
            following = (k + 1) % len(places)
            turn = word[place + 1 :] + word[:place]
            gap = (places[following] - place - 1) % len(word)
            outer.append((ends[k][1], ends[following][0], turn[:gap]))
    n = len(inner)
    if n == 0:
        return sp.S.One
    if n > MOST_FACTORS:
        raise bad_value("expression", f"{W} {n} times", f"at most {MOST_FACTORS} times in a term")
    table = weingarten(n, d)
    every: list[Pairing] = list(pairings(range(2 * n)))

    def contracted(edges: list[tuple[int, int, Word]], p: Pairing) -> sp.Expr:
        return sp.Mul(*(trace_of_word(cycle, d) for cycle in glue(edges, _paired(p))))

    left = [contracted(outer, p) for p in every]
    right = [contracted(inner, q) for q in every]
    return sp.Add(
        *(
            table[_cycle_type(p, q)] * x * y
            for p, x in zip(every, left, strict=True)
            for q, y in zip(every, right, strict=True)
        )
    )


def haar_coefficients(W_0: sp.MatrixSymbol) -> tuple[sp.Expr, sp.Expr, sp.Expr]:
    """Return (c_0, c_1, c_2) of E W_ij W_kl for W = O W_0 O^T (SPEC-2).

    Parameters
    ----------
    W_0 : sympy.MatrixSymbol
        The matrix that is rotated.

    Returns
    -------
    tuple of sympy.Expr
        Coefficients of delta_ij delta_kl, delta_ik delta_jl and delta_il delta_jk.

    Examples
    --------
    >>> from qktheory.symbolic.symbols import matrix
    >>> c_0, c_1, c_2 = haar_coefficients(matrix("W_QK"))
    >>> sp.simplify(c_0 - c_2).has(sp.Trace)
    True
    """
    d = W_0.shape[0]
    table = weingarten(2, d)
    every: list[Pairing] = list(pairings(range(4)))
    (word,) = words_of(W_0)
    edges = [(0, 1, word), (2, 3, word)]
    traces = [sp.Mul(*(trace_of_word(w, d) for w in glue(edges, _paired(q)))) for q in every]
    return tuple(
        sp.factor(sum(table[_cycle_type(p, q)] * t for q, t in zip(every, traces, strict=True)))
        for p in every
    )


class HaarMoment(sp.Expr):  # type: ignore[misc]
    """The mean of a product of entries of a Haar matrix of size d; ``.doit()`` computes it.

    Parameters
    ----------
    rows, columns : tuple of int
        Indices of the entries.
    d : sympy.Expr
        Size of the matrix.

    Examples
    --------
    >>> HaarMoment((0, 0), (0, 0), sp.Symbol("d")).doit()
    1/d
    """

    is_commutative = True
    is_real = True

    def __new__(cls, rows: Sequence[int], columns: Sequence[int], d: sp.Expr) -> HaarMoment:
        """Take the indices of the entries."""
        moment: HaarMoment = sp.Expr.__new__(cls, sp.Tuple(*rows), sp.Tuple(*columns), d)
        return moment

    def doit(self, **hints: Any) -> sp.Expr:
        """Compute the mean by Weingarten calculus."""
        rows, columns, d = self.args
        return haar_moment([int(k) for k in rows], [int(k) for k in columns], d)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        entries = " ".join(
            f"O_{{{int(i) + 1}{int(j) + 1}}}" for i, j in zip(*self.args[:2], strict=True)
        )
        text = rf"\mathbb{{E}}\left[{entries}\right]"
        return text if exp is None else f"{text}^{{{exp}}}"


class HaarCoefficient(sp.Expr):  # type: ignore[misc]
    """The coefficient c_k of E W_ij W_kl for W = O W_0 O^T; ``.doit()`` computes it.

    Parameters
    ----------
    W_0 : sympy.MatrixSymbol
        The matrix that is rotated.
    k : int
        0, 1 or 2, as in `haar_coefficients`.

    Examples
    --------
    >>> from qktheory.symbolic.symbols import matrix
    >>> HaarCoefficient(matrix("W_QK"), 0).doit() == haar_coefficients(matrix("W_QK"))[0]
    True
    """

    is_commutative = True
    is_real = True

    def __new__(cls, W_0: sp.MatrixSymbol, k: int) -> HaarCoefficient:
        """Take the matrix and the number of the coefficient."""
        coefficient: HaarCoefficient = sp.Expr.__new__(cls, W_0, sp.Integer(k))
        return coefficient

    def doit(self, **hints: Any) -> sp.Expr:
        """Compute the coefficient by Weingarten calculus."""
        return haar_coefficients(self.args[0])[int(self.args[1])]

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        text = rf"c_{{{self.args[1]}}}\left[{printer._print(self.args[0])}\right]"
        return text if exp is None else f"{text}^{{{exp}}}"


class HaarMean(sp.Expr):  # type: ignore[misc]
    """The mean of an expression in traces over W = O W_0 O^T; ``.doit()`` computes it.

    Parameters
    ----------
    expression : sympy.Expr
        Polynomial in traces.
    W : sympy.MatrixSymbol
        The rotated matrix.

    Examples
    --------
    >>> from qktheory.symbolic.symbols import matrix
    >>> HaarMean(sp.Trace(matrix("W_QK") * matrix("M")), matrix("W_QK")).doit()
    Trace(M)*Trace(W_QK)/d
    """

    is_commutative = True
    is_real = True

    def __new__(cls, expression: sp.Expr, W: sp.MatrixSymbol) -> HaarMean:
        """Take an expression and the rotated matrix."""
        mean: HaarMean = sp.Expr.__new__(cls, expression, W)
        return mean

    def doit(self, **hints: Any) -> sp.Expr:
        """Compute the mean by Weingarten calculus."""
        return haar_mean(*self.args)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        text = rf"\mathbb{{E}}_{{O}}\left[{printer._print(self.args[0])}\right]"
        return text if exp is None else f"{text}^{{{exp}}}"
