"""Traces of words in matrices, with one spelling for each.

tr(ABC) = tr(BCA) = tr((ABC)^T): a trace of a word does not change when the word is rotated, or
reversed with every letter transposed. Of all these spellings the first in the order of the alphabet
is the canonical one, so two expressions in traces are equal as polynomials in traces if and only
if their canonical forms are the same SymPy object.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product

import sympy as sp

from qktheory.base.errors import bad_value
from qktheory.symbolic.symbols import is_symmetric

__all__ = [
    "Letter",
    "Word",
    "canonical",
    "canonical_word",
    "glue",
    "reversed_word",
    "trace_of_word",
    "words_of",
]

#: A matrix symbol and whether it is transposed.
Letter = tuple[sp.MatrixSymbol, bool]
Word = tuple[Letter, ...]
#: A polynomial in matrices: coefficient by word.
WordSum = dict[Word, sp.Expr]
#: Products of two matrices that are another matrix: a projection times itself.
Rules = Mapping[tuple[sp.MatrixSymbol, sp.MatrixSymbol], sp.MatrixExpr]


def reversed_word(word: Word, symmetric: frozenset[sp.MatrixSymbol] = frozenset()) -> Word:
    """Return the word of the transpose: letters in reverse order, each transposed.

    Examples
    --------
    >>> from qktheory.symbolic.symbols import matrix
    >>> W, Sigma = matrix("W_QK"), matrix("Sigma")
    >>> reversed_word(((W, False), (Sigma, False)))
    ((Sigma, False), (W_QK, True))
    """
    return tuple(
        (letter, not transposed and not _symmetric(letter, symmetric))
        for letter, transposed in reversed(word)
    )


def _symmetric(letter: sp.MatrixSymbol, symmetric: frozenset[sp.MatrixSymbol]) -> bool:
    return letter in symmetric or is_symmetric(letter)


def _key(word: Word) -> tuple[tuple[str, bool], ...]:
    return tuple((letter.name, transposed) for letter, transposed in word)


def _plain(word: Word, symmetric: frozenset[sp.MatrixSymbol]) -> Word:
    """Drop the transposition of symmetric letters."""
    return tuple(
        (letter, transposed and not _symmetric(letter, symmetric)) for letter, transposed in word
    )


def canonical_word(word: Word, symmetric: frozenset[sp.MatrixSymbol] = frozenset()) -> Word:
    """Return the first spelling of a cyclic word among its rotations and their transposes.

    Examples
    --------
    >>> from qktheory.symbolic.symbols import matrix
    >>> W, Sigma = matrix("W_QK"), matrix("Sigma")
    >>> canonical_word(((W, True), (Sigma, False), (W, True)))
    ((Sigma, False), (W_QK, False), (W_QK, False))
    """
    plain = _plain(word, symmetric)
    spellings = [
        spelling[k:] + spelling[:k]
        for spelling in (plain, reversed_word(plain, symmetric))
        for k in range(max(1, len(plain)))
    ]
    return min(spellings, key=_key)


def trace_of_word(word: Word, size: sp.Expr) -> sp.Expr:
    """Return the trace of a word as SymPy writes it; of the empty word, the size."""
    if not word:
        return size
    factors = (sp.Transpose(letter) if transposed else letter for letter, transposed in word)
    return sp.Trace(sp.MatMul(*factors).doit())


def words_of(matrix: sp.MatrixExpr) -> WordSum:
    """Expand a matrix expression into words with coefficients.

    Parameters
    ----------
    matrix : sympy.MatrixExpr
        Sums, products, integer powers and transposes of matrix symbols and identities.

    Returns
    -------
    dict
        Coefficient by word; the identity is the empty word.

    Raises
    ------
    ValueError
        For anything else, such as an inverse or a power that is no number.

    Examples
    --------
    >>> from qktheory.symbolic.symbols import matrix
    >>> W = matrix("W_QK")
    >>> words_of((W + 2 * W.T) * W)[(W, True), (W, False)]
    2
    """
    if isinstance(matrix, sp.MatrixSymbol):
        return {((matrix, False),): sp.S.One}
    if isinstance(matrix, sp.Identity):
        return {(): sp.S.One}
    if isinstance(matrix, sp.ZeroMatrix):
        return {}
    if isinstance(matrix, sp.Transpose):
        return {
            tuple((letter, not transposed) for letter, transposed in reversed(word)): value
            for word, value in words_of(matrix.arg).items()
        }
    if isinstance(matrix, sp.MatAdd):
        return _collect((word, c) for term in matrix.args for word, c in words_of(term).items())
    if isinstance(matrix, sp.MatPow) and matrix.exp.is_Integer and matrix.exp >= 0:
        return _product([words_of(matrix.base)] * int(matrix.exp))
    if isinstance(matrix, sp.MatMul):
        scalar, factors = matrix.as_coeff_matrices()
        return {w: scalar * c for w, c in _product([words_of(f) for f in factors]).items()}
    raise bad_value(
        "matrix", matrix, "sums, products, integer powers and transposes of matrix symbols"
    )


def _collect(terms: Iterable[tuple[Word, sp.Expr]]) -> WordSum:
    total: WordSum = {}
    for word, value in terms:
        total[word] = total.get(word, sp.S.Zero) + value
    return {word: value for word, value in total.items() if value != 0}


def _product(factors: Sequence[WordSum]) -> WordSum:
    def terms() -> Iterator[tuple[Word, sp.Expr]]:
        for choice in product(*(factor.items() for factor in factors)):
            word: Word = sum((part for part, _ in choice), ())
            yield word, sp.Mul(*(value for _, value in choice))

    return _collect(terms())


def _rewritten(word: Word, products: Rules, symmetric: frozenset[sp.MatrixSymbol]) -> WordSum:
    """Apply multiplication rules to neighbours, around the cycle too, until none applies."""
    if len(word) > 1:
        for k, (left, right) in enumerate(zip(word, word[1:] + word[:1], strict=True)):
            inner = _replacement(left, right, products, symmetric)
            if inner is not None:
                rest = word[k + 2 :] + word[:k] if k + 1 < len(word) else word[1:-1]
                return _collect(
                    (found, coefficient * value)
                    for part, coefficient in words_of(inner).items()
                    for found, value in _rewritten(
                        _plain(part, symmetric) + rest, products, symmetric
                    ).items()
                )
    return {word: sp.S.One}


def _replacement(
    left: Letter, right: Letter, products: Rules, symmetric: frozenset[sp.MatrixSymbol]
) -> sp.MatrixExpr | None:
    """Return what a rule makes of two neighbours, read forwards or as transposes backwards."""
    if not left[1] and not right[1] and (left[0], right[0]) in products:
        return products[left[0], right[0]]
    backwards = all(turned or _symmetric(letter, symmetric) for letter, turned in (left, right))
    if backwards and (right[0], left[0]) in products:
        return sp.Transpose(products[right[0], left[0]]).doit()
    return None


def canonical(
    expression: sp.Expr,
    symmetric: Iterable[sp.MatrixSymbol] = (),
    products: Rules | None = None,
) -> sp.Expr:
    """Write every trace in its canonical spelling and expand.

    Parameters
    ----------
    expression : sympy.Expr
        An expression that contains `sympy.Trace`.
    symmetric : iterable of sympy.MatrixSymbol, optional
        Matrices equal to their transpose, beside covariances (``"Sigma"``), which always are.
    products : mapping, optional
        Rules for products of two matrices: ``{(P, P): P, (P, J): ZeroMatrix(d, d)}``. They hold
        for the transposes too, in reverse order.

    Returns
    -------
    sympy.Expr
        The expanded polynomial in canonical traces; 0 if it vanishes by the rules of traces.

    Examples
    --------
    >>> from qktheory.symbolic.symbols import matrix
    >>> W, Sigma = matrix("W_QK"), matrix("Sigma")
    >>> canonical(sp.Trace(W * Sigma * W) - sp.Trace(Sigma * W.T * W.T))
    0
    >>> canonical(sp.Trace(W * W.T) - sp.Trace(W**2), symmetric=[W])
    0
    """
    letters = frozenset(symmetric)

    def spelled(trace: sp.Trace) -> sp.Expr:
        size = trace.arg.shape[0]
        total = sp.S.Zero
        for word, value in words_of(trace.arg).items():
            plain = canonical_word(word, letters)
            for found, coefficient in _rewritten(plain, products or {}, letters).items():
                total += value * coefficient * trace_of_word(canonical_word(found, letters), size)
        return total

    replaced = expression.xreplace({t: spelled(t) for t in expression.atoms(sp.Trace)})
    # Expanding would look for sums inside the traces again, which is slow: they are atoms here.
    atoms = {t: sp.Dummy() for t in replaced.atoms(sp.Trace)}
    back = {dummy: trace for trace, dummy in atoms.items()}
    return sp.expand(replaced.xreplace(atoms)).xreplace(back)


def glue(
    edges: Sequence[tuple[int, int, Word]],
    partners: Mapping[int, tuple[int, Word]],
    symmetric: frozenset[sp.MatrixSymbol] = frozenset(),
) -> tuple[Word, ...]:
    """Follow matrices from end to end and return the cycles they close into.

    Every matrix is an edge between two slots; every slot is paired with another one, through a
    further word. Walking an edge from its second slot to its first one transposes it.

    Parameters
    ----------
    edges : sequence of (int, int, Word)
        First slot, last slot and word of each matrix.
    partners : mapping
        From a slot to its partner and the word between them, read in that direction.
    symmetric : frozenset, optional
        Matrices equal to their transpose.

    Returns
    -------
    tuple of Word
        The canonical words of all cycles, sorted; the empty word is the trace of the identity.

    Examples
    --------
    >>> from qktheory.symbolic.symbols import matrix
    >>> W = ((matrix("W_QK"), False),)
    >>> glue([(0, 1, W)], {0: (1, ()), 1: (0, ())})
    (((W_QK, False),),)
    """
    at = {slot: number for number, (first, last, _) in enumerate(edges) for slot in (first, last)}
    left = set(range(len(edges)))
    cycles: list[Word] = []
    while left:
        start = min(left)
        slot = edges[start][0]
        word: Word = ()
        while at[slot] in left:
            number = at[slot]
            left.discard(number)
            first, last, own = edges[number]
            forward = slot == first
            word += own if forward else reversed_word(own, symmetric)
            slot, between = partners[last if forward else first]
            word += between
        cycles.append(canonical_word(word, symmetric))
    return tuple(sorted(cycles, key=_key))
