"""Moments of products of bilinear forms in Gaussian vectors, as traces of words.

By the theorem of Isserlis and Wick the mean of a product of Gaussian entries is a sum over pairings
of covariances. In a product of forms x^T M y every pairing joins the ends of the matrices, through
covariances, into cycles; each cycle is a trace, and a matrix that is crossed backwards enters it
transposed. Joint cumulants are the sum over the pairings that connect all forms.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import product
from typing import Any

import sympy as sp

from qktheory.base.errors import bad_value
from qktheory.symbolic.words import Word, glue, reversed_word, trace_of_word, words_of

__all__ = [
    "Covariance",
    "Form",
    "GaussianVector",
    "JointCumulant",
    "Mean",
    "correlated",
    "cumulant",
    "expectation",
    "independent",
    "pairings",
]

#: More forms than these would need more than two million pairings.
MOST_FORMS = 7


class GaussianVector(sp.Basic):  # type: ignore[misc]
    """A centred Gaussian vector; made by `independent` or `correlated`.

    Vectors a, b of one family have E a b^T = gram[a, b] covariance; vectors of different families
    are independent.
    """

    def __new__(
        cls, names: sp.Tuple, place: sp.Integer, covariance: sp.MatrixExpr, gram: sp.Basic
    ) -> GaussianVector:
        """Make the vector number `place` of a family."""
        vector: GaussianVector = sp.Basic.__new__(cls, names, place, covariance, gram)
        return vector

    @property
    def name(self) -> str:
        """Name of the vector."""
        return str(self.args[0][int(self.args[1])])

    @property
    def size(self) -> sp.Expr:
        """Number of entries."""
        return self.args[2].shape[0]

    def covariance_with(self, other: GaussianVector) -> tuple[sp.Expr, sp.MatrixExpr] | None:
        """Return (g, Sigma) of E a b^T = g Sigma, None if the two are independent."""
        names, place, covariance, gram = self.args
        if (names, covariance, gram) != (other.args[0], other.args[2], other.args[3]):
            return None
        return gram[int(place), int(other.args[1])], covariance

    def _sympystr(self, printer: Any) -> str:
        return self.name

    def _latex(self, printer: Any) -> str:
        return self.name


def _check_covariance(covariance: object) -> sp.MatrixExpr:
    if not isinstance(covariance, sp.MatrixExpr) or covariance.shape[0] != covariance.shape[1]:
        raise bad_value("covariance", covariance, "a square matrix expression")
    return covariance


def correlated(
    names: str, gram: Sequence[Sequence[object]], covariance: sp.MatrixExpr
) -> tuple[GaussianVector, ...]:
    """Return jointly Gaussian vectors a with E a b^T = gram[a, b] covariance.

    Parameters
    ----------
    names : str
        Names, separated by spaces.
    gram : sequence of sequences
        Symmetric matrix of scalars; positive semidefinite wherever it is evaluated.
    covariance : sympy.MatrixExpr
        Common covariance, a symmetric matrix.

    Returns
    -------
    tuple of GaussianVector

    Raises
    ------
    ValueError
        If `gram` is not symmetric or its size is not the number of names.

    Examples
    --------
    Two positions i <= j of a random walk with steps N(0, Sigma) (LOC-1):

    >>> from qktheory.symbolic.symbols import matrix, symbol
    >>> i, j = symbol("key"), symbol("key_2")
    >>> x, y = correlated("x y", [[i, i], [i, j]], matrix("Sigma"))
    >>> expectation(Form(x, matrix("W_QK"), y))
    key*Trace(Sigma*W_QK)
    """
    labels = sp.Tuple(*(sp.Symbol(name) for name in names.split()))
    try:
        table = sp.ImmutableDenseMatrix(gram)
    except (TypeError, ValueError):
        raise bad_value("gram", gram, "a square matrix of scalars") from None
    if table.shape != (len(labels), len(labels)) or table != table.T:
        raise bad_value("gram", gram, f"a symmetric matrix of size {len(labels)}, that of names")
    covariance = _check_covariance(covariance)
    return tuple(
        GaussianVector(labels, sp.Integer(k), covariance, table) for k in range(len(labels))
    )


def independent(names: str, covariance: sp.MatrixExpr) -> tuple[GaussianVector, ...]:
    """Return independent Gaussian vectors N(0, covariance).

    Parameters
    ----------
    names : str
        Names, separated by spaces.
    covariance : sympy.MatrixExpr
        Symmetric matrix.

    Returns
    -------
    tuple of GaussianVector

    Examples
    --------
    A new result in two lines, here the variance of a self-logit (SPEC-13a):

    >>> from qktheory.symbolic.symbols import matrix
    >>> (x,) = independent("x", matrix("Sigma"))
    >>> cumulant(Form(x, matrix("W_QK"), x), Form(x, matrix("W_QK"), x))
    Trace(Sigma*W_QK*Sigma*W_QK) + Trace(Sigma*W_QK*Sigma*W_QK.T)
    """
    return tuple(correlated(name, [[1]], covariance)[0] for name in names.split())


class Form(sp.Expr):  # type: ignore[misc]
    """The scalar x^T M y of two Gaussian vectors.

    Parameters
    ----------
    x, y : GaussianVector
        Of the sizes of M.
    M : sympy.MatrixExpr
        Polynomial in matrix symbols.

    Examples
    --------
    >>> from qktheory.symbolic.symbols import matrix
    >>> x, y = independent("x y", sp.Identity(matrix("W_QK").shape[0]))
    >>> Form(x, matrix("W_QK"), y) ** 2
    form(x, W_QK, y)**2
    """

    is_commutative = True
    is_real = True

    def __new__(cls, x: GaussianVector, M: sp.MatrixExpr, y: GaussianVector) -> Form:
        """Check the sizes."""
        if not (isinstance(x, GaussianVector) and isinstance(y, GaussianVector)):
            raise bad_value("x, y", (x, y), "vectors made by independent() or correlated()")
        if not isinstance(M, sp.MatrixExpr) or M.shape != (x.size, y.size):
            raise bad_value("M", M, f"a matrix expression of shape {(x.size, y.size)}")
        form: Form = sp.Expr.__new__(cls, x, M, y)
        return form

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        text = rf"\left({self.bare_latex(printer)}\right)"
        return text if exp is None else f"{text}^{{{exp}}}"

    def bare_latex(self, printer: Any) -> str:
        """Return the LaTeX without the brackets that products and powers need."""
        x, M, y = (printer._print(argument) for argument in self.args)
        if isinstance(self.args[1], sp.Identity):
            return rf"{x}^{{\top}} {y}"
        return (
            rf"{x}^{{\top}} \left({M}\right) {y}"
            if isinstance(self.args[1], sp.MatAdd)
            else rf"{x}^{{\top}} {M} {y}"
        )

    def _sympystr(self, printer: Any) -> str:
        x, M, y = (printer._print(argument) for argument in self.args)
        return f"form({x}, {M}, {y})"


def _inside(argument: sp.Basic, printer: Any) -> str:
    """Return the LaTeX of what stands in brackets anyway."""
    return str(
        argument.bare_latex(printer) if isinstance(argument, Form) else printer._print(argument)
    )


def pairings(slots: Sequence[int]) -> Iterator[tuple[tuple[int, int], ...]]:
    """Yield all ways to pair an even number of slots.

    Examples
    --------
    >>> len(list(pairings(range(8))))
    105
    """
    if not slots:
        yield ()
        return
    first, *rest = slots
    for k, partner in enumerate(rest):
        for others in pairings([*rest[:k], *rest[k + 1 :]]):
            yield ((first, partner), *others)


def _contractions(
    vectors: Sequence[GaussianVector], slots: tuple[int, ...]
) -> Iterator[tuple[tuple[int, int, sp.Expr, sp.MatrixExpr], ...]]:
    """Yield pairings of the slots whose covariances are not zero."""
    if not slots:
        yield ()
        return
    first, *rest = slots
    for k, partner in enumerate(rest):
        found = vectors[first].covariance_with(vectors[partner])
        if found is not None and found[0] != 0:
            for others in _contractions(vectors, (*rest[:k], *rest[k + 1 :])):
                yield ((first, partner, *found), *others)


def _connected(count: int, pairs: Sequence[tuple[int, int, sp.Expr, sp.MatrixExpr]]) -> bool:
    groups = list(range(count))
    for first, last, _, _ in pairs:
        a, b = groups[first // 2], groups[last // 2]
        groups = [a if group == b else group for group in groups]
    return len(set(groups)) == 1


@cache
def _wick_sum(forms: tuple[Form, ...], connected: bool) -> sp.Expr:
    """Return the sum over pairings of a product of forms, or over those that connect all forms."""
    if len(forms) > MOST_FORMS:
        raise bad_value("forms", f"{len(forms)} of them", f"at most {MOST_FORMS} in one product")
    if not forms:
        return sp.S.One
    vectors = [form.args[end] for form in forms for end in (0, 2)]
    covariances = {vector.args[2] for vector in vectors}
    letters = frozenset(m for c in covariances for m in c.atoms(sp.MatrixSymbol))
    matrices = [list(words_of(form.args[1]).items()) for form in forms]
    total: dict[tuple[tuple[Word, sp.Expr], ...], sp.Expr] = {}
    for pairs in _contractions(vectors, tuple(range(len(vectors)))):
        if connected and not _connected(len(forms), pairs):
            continue
        scalar = sp.Mul(*(gram for _, _, gram, _ in pairs))
        between = [list(words_of(covariance).items()) for _, _, _, covariance in pairs]
        for chosen in product(*matrices, *between):
            edges = [(2 * k, 2 * k + 1, chosen[k][0]) for k in range(len(forms))]
            partners: dict[int, tuple[int, Word]] = {}
            for (first, last, _, _), (word, _) in zip(pairs, chosen[len(forms) :], strict=True):
                partners[first] = (last, word)
                partners[last] = (first, reversed_word(word, letters))
            weight = scalar * sp.Mul(*(value for _, value in chosen))
            cycles = glue(edges, partners, letters)
            key = tuple((cycle, _size_of(cycle, vectors)) for cycle in cycles)
            total[key] = total.get(key, sp.S.Zero) + weight
    return sp.expand(
        sp.Add(
            *(
                weight * sp.Mul(*(trace_of_word(word, size) for word, size in cycles))
                for cycles, weight in total.items()
            )
        )
    )


def _size_of(cycle: Word, vectors: Sequence[GaussianVector]) -> sp.Expr:
    """Return the size of the identity that an empty cycle stands for."""
    if cycle:
        return sp.S.Zero
    sizes = {vector.size for vector in vectors}
    if len(sizes) > 1:
        raise bad_value(
            "forms", sorted(map(str, sizes)), "vectors of one size where a form is a scalar product"
        )
    return sizes.pop()


def expectation(expression: sp.Expr) -> sp.Expr:
    """Return the mean of a polynomial in Gaussian forms as a polynomial in traces.

    Parameters
    ----------
    expression : sympy.Expr
        Polynomial in `Form` objects; anything else in it is a constant.

    Returns
    -------
    sympy.Expr
        In canonical traces, expanded.

    Raises
    ------
    ValueError
        For more than seven forms in one product, or forms that do not enter as a polynomial.

    Examples
    --------
    The fourth moment of a logit between independent tokens (SPEC-13b), at Sigma = I:

    >>> from qktheory.symbolic.symbols import matrix
    >>> W = matrix("W_QK")
    >>> x, y = independent("x y", sp.Identity(W.shape[0]))
    >>> expectation(Form(x, W, y) ** 4)
    3*Trace(W_QK*W_QK.T)**2 + 6*Trace(W_QK*W_QK.T*W_QK*W_QK.T)
    """
    expression = sp.sympify(expression)
    forms = sorted(expression.atoms(Form), key=sp.default_sort_key)
    if not forms:
        return expression
    try:
        polynomial = sp.Poly(expression, *forms)
    except sp.PolynomialError:
        raise bad_value("expression", expression, "a polynomial in forms") from None
    total = sp.S.Zero
    for powers, coefficient in polynomial.terms():
        factors = tuple(f for f, power in zip(forms, powers, strict=True) for _ in range(power))
        total += coefficient * _wick_sum(factors, connected=False)
    return sp.expand(total)


def cumulant(*forms: Form) -> sp.Expr:
    """Return the joint cumulant of forms; of two forms, their covariance.

    Parameters
    ----------
    *forms : Form
        One to seven; the same form k times gives its k-th cumulant.

    Returns
    -------
    sympy.Expr
        In canonical traces.

    Examples
    --------
    >>> from qktheory.symbolic.symbols import matrix
    >>> x, y = independent("x y", matrix("Sigma"))
    >>> form = Form(x, matrix("W_QK"), y)
    >>> cumulant(form, form)
    Trace(Sigma*W_QK*Sigma*W_QK.T)
    """
    if not forms or not all(isinstance(form, Form) for form in forms):
        raise bad_value("forms", forms, "at least one Form")
    return _wick_sum(tuple(sorted(forms, key=sp.default_sort_key)), connected=True)


class Mean(sp.Expr):  # type: ignore[misc]
    """The mean of a polynomial in forms, not yet computed; ``.doit()`` computes it.

    Examples
    --------
    >>> from qktheory.symbolic.symbols import matrix
    >>> (x,) = independent("x", matrix("Sigma"))
    >>> Mean(Form(x, matrix("W_QK"), x)).doit()
    Trace(Sigma*W_QK)
    """

    is_commutative = True
    is_real = True

    def doit(self, **hints: Any) -> sp.Expr:
        """Compute the mean by Wick pairings."""
        return expectation(self.args[0])

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        text = rf"\mathbb{{E}}\left[{_inside(self.args[0], printer)}\right]"
        return text if exp is None else f"{text}^{{{exp}}}"


class JointCumulant(sp.Expr):  # type: ignore[misc]
    """The joint cumulant of forms, not yet computed; ``.doit()`` computes it.

    Examples
    --------
    >>> from qktheory.symbolic.symbols import matrix
    >>> (x,) = independent("x", matrix("Sigma"))
    >>> JointCumulant(Form(x, matrix("W_QK"), x)).doit()
    Trace(Sigma*W_QK)
    """

    is_commutative = True
    is_real = True

    def doit(self, **hints: Any) -> sp.Expr:
        """Compute the cumulant by connected Wick pairings."""
        return cumulant(*self.args)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        inner = ", ".join(_inside(argument, printer) for argument in self.args)
        text = rf"\kappa_{{{len(self.args)}}}\left({inner}\right)"
        return text if exp is None else f"{text}^{{{exp}}}"


class Covariance(JointCumulant):
    """The covariance of two forms, not yet computed.

    Examples
    --------
    >>> from qktheory.symbolic.symbols import matrix
    >>> x, y = independent("x y", matrix("Sigma"))
    >>> form = Form(x, matrix("W_QK"), y)
    >>> Covariance(form, form).doit()
    Trace(Sigma*W_QK*Sigma*W_QK.T)
    """

    def __new__(cls, first: Form, second: Form) -> Covariance:
        """Take exactly two forms."""
        pair: Covariance = sp.Expr.__new__(cls, first, second)
        return pair

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        first, second = (_inside(argument, printer) for argument in self.args)
        name = (
            rf"\operatorname{{Var}}\left({first}\right)"
            if self.args[0] == self.args[1]
            else rf"\operatorname{{Cov}}\left({first}, {second}\right)"
        )
        return name if exp is None else f"{name}^{{{exp}}}"
