"""How a step of a derivation is re-checked, from strongest to weakest.

A check looks at the two sides of a step and the relation between them. What it is called in a
report follows from the kind of check alone: a step cannot call itself proved.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import mpmath
import sympy as sp

from qktheory.base.cached import cached_property
from qktheory.symbolic.balls import INSTALL, flint_available
from qktheory.symbolic.certificates import Certificate, certify
from qktheory.symbolic.reduce import evaluated, is_zero, random_values, same_matrix, stand_in
from qktheory.symbolic.words import Rules

__all__ = [
    "BlockDeterminant",
    "Certified",
    "Check",
    "Expands",
    "NonNegative",
    "Reduces",
    "Relation",
    "SameIntegrals",
    "Sampled",
    "Status",
]

Relation = Literal["=", "<=", ">=", "<", ">"]
Status = Literal["proved", "certified", "sampled", "not certified: install qktheory[rigor]"]

_UNEVALUATED = (sp.Integral, sp.Product, sp.Sum)
_workdps: Any = mpmath.workdps
_RELATIONS: dict[str, type[sp.Rel]] = {
    "<=": sp.LessThan,
    ">=": sp.GreaterThan,
    "<": sp.StrictLessThan,
    ">": sp.StrictGreaterThan,
}


class Check(Protocol):
    """What can re-check a step."""

    @property
    def status(self) -> Status:
        """What a step is that passes."""

    def holds(self, lhs: sp.Basic, relation: Relation, rhs: sp.Basic) -> bool:
        """Compute again whether the step holds."""

    def describe(self) -> str:
        """Say in a few words what is computed."""


@dataclass(frozen=True)
class Reduces:
    """The difference of both sides is rewritten into zero by SymPy and the trace calculus.

    Parameters
    ----------
    given : mapping, optional
        Definitions put into both sides first.
    symmetric : sequence of sympy.MatrixSymbol, optional
        Matrices equal to their transpose.
    products : mapping, optional
        Multiplication rules, as of projections; see `qktheory.symbolic.words.canonical`.

    Examples
    --------
    >>> x = sp.Symbol("x", real=True)
    >>> Reduces().holds((x + 1) ** 2, "=", x**2 + 2 * x + 1)
    True
    """

    given: Mapping[sp.Basic, sp.Basic] = field(default_factory=dict)
    symmetric: Sequence[sp.MatrixSymbol] = ()
    products: Rules | None = None
    status: Status = field(default="proved", init=False)

    def holds(self, lhs: sp.Basic, relation: Relation, rhs: sp.Basic) -> bool:
        """Return whether lhs - rhs is rewritten into zero."""
        left, right = lhs.subs(self.given), rhs.subs(self.given)
        if relation != "=":
            return False
        if isinstance(left, sp.MatrixExpr):
            return same_matrix(left, right, self.symmetric, self.products)
        return is_zero(left - right, self.symmetric, self.products)

    def describe(self) -> str:
        """Say what is computed."""
        return "the difference of both sides reduces to 0"


@dataclass(frozen=True)
class BlockDeterminant:
    """det [[A, B], [C, E]] = det(E A - C B) where A and B commute, under any function.

    Both sides are compared after every determinant of two by two blocks on the left is replaced;
    A B = B A and the words of the remaining determinants are checked.

    Examples
    --------
    >>> from qktheory.symbolic.symbols import matrix
    >>> M, I = matrix("M"), sp.Identity(matrix("M").shape[0])
    >>> blocks = sp.BlockMatrix([[I + M, M], [M.T, I]])
    >>> BlockDeterminant().holds(
    ...     sp.Determinant(blocks), "=", sp.Determinant(I + M - M.T * M)
    ... )
    True
    """

    status: Status = field(default="proved", init=False)

    def holds(self, lhs: sp.Basic, relation: Relation, rhs: sp.Basic) -> bool:
        """Return whether both sides are the same function of the same determinants."""
        if relation != "=":
            return False
        replaced = {}
        for determinant in lhs.atoms(sp.Determinant):
            if not isinstance(determinant.arg, sp.BlockMatrix):
                continue
            (A, B), (C, E) = (
                (determinant.arg.blocks[row, 0], determinant.arg.blocks[row, 1]) for row in (0, 1)
            )
            if not same_matrix(A * B, B * A):
                return False
            replaced[determinant] = E * A - C * B
        dummies: list[tuple[sp.MatrixExpr, sp.Dummy]] = []

        def named(side: sp.Basic, known: Mapping[sp.Basic, sp.MatrixExpr]) -> sp.Basic:
            values = {}
            for determinant in side.atoms(sp.Determinant):
                inner = known.get(determinant, determinant.arg)
                same = [dummy for other, dummy in dummies if same_matrix(other, inner)]
                if not same:
                    dummies.append((inner, sp.Dummy()))
                    same = [dummies[-1][1]]
                values[determinant] = same[0]
            return side.xreplace(values)

        return bool(replaced) and named(lhs, replaced) == named(rhs, {})

    def describe(self) -> str:
        """Say what is computed."""
        return "the top blocks commute, and the words of both determinants agree"


@dataclass(frozen=True)
class SameIntegrals:
    """Both sides are the same combination of the same integrals, sums or products.

    They are not carried out, but taken for the same where their ends agree and their integrands
    (terms, factors) reduce to each other, from the innermost ones outwards.

    Parameters
    ----------
    given : mapping, optional
        Definitions put into both sides first, and under the integrals.

    Examples
    --------
    >>> u, g = sp.symbols("u g", real=True)
    >>> left = sp.Integral(sp.exp(u + g) * sp.exp(-sp.exp(g)), (g, -sp.oo, sp.oo))
    >>> right = sp.Integral(sp.exp(u + g - sp.exp(g)), (g, -sp.oo, sp.oo))
    >>> SameIntegrals().holds(2 * left, "=", left + right)
    True
    """

    given: Mapping[sp.Basic, sp.Basic] = field(default_factory=dict)
    status: Status = field(default="proved", init=False)

    def holds(self, lhs: sp.Basic, relation: Relation, rhs: sp.Basic) -> bool:
        """Return whether the difference vanishes once equal integrals have one name."""
        if relation != "=":
            return False
        known: list[tuple[sp.Expr, sp.Dummy]] = []

        def name(found: sp.Expr) -> sp.Dummy:
            for other, dummy in known:
                same = type(other) is type(found) and other.limits == found.limits
                if same and is_zero(other.function - found.function):
                    return dummy
            known.append((found, stand_in(found)))
            return known[-1][1]

        def named(side: sp.Basic) -> sp.Basic:
            while found := side.atoms(*_UNEVALUATED):
                inner = {i for i in found if not i.function.has(*_UNEVALUATED)}
                side = side.xreplace({i: name(i) for i in inner})
            return side

        # What depends on the index of a sum or product is out of reach of `subs`.
        left, right = (named(side.xreplace(dict(self.given))) for side in (lhs, rhs))
        return is_zero(left - right)

    def describe(self) -> str:
        """Say what is computed."""
        return "the integrals, sums and products of both sides have the same integrands"


@dataclass(frozen=True)
class NonNegative:
    """An inequality whose larger side exceeds the other one by a term that is manifestly >= 0.

    Parameters
    ----------
    excess : sympy.Expr
        The term: SymPy knows from the assumptions of its symbols that it is >= 0.
    given : mapping, optional
        Definitions put into both sides first.

    Examples
    --------
    >>> a, b = sp.symbols("a b", real=True)
    >>> NonNegative((a - b) ** 2).holds(a**2 + b**2, ">=", 2 * a * b)
    True
    """

    excess: sp.Expr
    given: Mapping[sp.Basic, sp.Basic] = field(default_factory=dict)
    status: Status = field(default="proved", init=False)

    def holds(self, lhs: sp.Basic, relation: Relation, rhs: sp.Basic) -> bool:
        """Return whether the difference is the term, and the term is >= 0 (> 0 if strict)."""
        left, right = lhs.subs(self.given), rhs.subs(self.given)
        excess = self.excess.subs(self.given)
        known = excess.is_positive if relation in ("<", ">") else excess.is_nonnegative
        if relation == "=" or known is not True:
            return False
        gap = left - right if relation in (">", ">=") else right - left
        return is_zero(gap - self.excess.subs(self.given))

    def describe(self) -> str:
        """Say what is computed."""
        return f"the difference of both sides reduces to {self.excess}, which is not negative"


@dataclass(frozen=True)
class Expands:
    """Both sides agree as series up to, and not including, a power of a small symbol.

    Parameters
    ----------
    small : sympy.Symbol
        The small quantity.
    order : int
        lhs - rhs = O(small^order).
    given : mapping, optional
        Definitions put into both sides first.

    Examples
    --------
    >>> x = sp.Symbol("x", real=True)
    >>> Expands(x, 5).holds(sp.cos(x), "=", 1 - x**2 / 2 + x**4 / 24)
    True
    """

    small: sp.Symbol
    order: int
    given: Mapping[sp.Basic, sp.Basic] = field(default_factory=dict)
    status: Status = field(default="proved", init=False)

    def holds(self, lhs: sp.Basic, relation: Relation, rhs: sp.Basic) -> bool:
        """Return whether all coefficients below the order agree."""
        if relation != "=":
            return False
        difference = evaluated((lhs - rhs).subs(self.given))
        series = sp.series(difference, self.small, 0, self.order).removeO()
        return is_zero(sp.expand(series))

    def describe(self) -> str:
        """Say what is computed."""
        return f"the series of both sides in {self.small} agree below order {self.order}"


@dataclass(frozen=True)
class Certified:
    """An inequality proved on a box by subdivision in ball arithmetic.

    Parameters
    ----------
    box : mapping
        Exact ends by symbol.
    given : mapping, optional
        Definitions put into both sides first.
    most_pieces : int, optional
        See `qktheory.symbolic.certificates.certify`.

    Examples
    --------
    >>> x = sp.Symbol("x", positive=True)
    >>> Certified({x: ("1/10", 5)}).holds(sp.tanh(x), "<", x)
    True
    """

    box: Mapping[sp.Symbol, tuple[object, object]]
    given: Mapping[sp.Basic, sp.Basic] = field(default_factory=dict)
    most_pieces: int = 20_000

    @property
    def status(self) -> Status:
        """Certified, or what to install for it."""
        return "certified" if flint_available() else INSTALL

    def certificate(self, lhs: sp.Basic, relation: Relation, rhs: sp.Basic) -> Certificate:
        """Subdivide the box."""
        left, right = lhs.subs(self.given), rhs.subs(self.given)
        inequality = _RELATIONS[relation](left, right, evaluate=False)
        return certify(inequality, self.box, most_pieces=self.most_pieces)

    def holds(self, lhs: sp.Basic, relation: Relation, rhs: sp.Basic) -> bool:
        """Return whether the inequality is certified on the whole box."""
        if relation == "=" or not flint_available():
            return False
        return self.certificate(lhs, relation, rhs).verdict == "certified"

    def describe(self) -> str:
        """Say what is computed."""
        ends = ", ".join(f"{s} in [{low}, {high}]" for s, (low, high) in self.box.items())
        return f"ball arithmetic on {ends}"


@dataclass(frozen=True, eq=False)
class Sampled:
    """Both sides are evaluated to 50 digits at random points: honest, and weakest.

    Parameters
    ----------
    points : int
        Number of points.
    given : mapping, optional
        Definitions put into both sides first.
    draw : callable, optional
        From the number of a point to the values of the symbols, in mpmath numbers of 60 digits:
        for quantities computed from random matrices or probability vectors. By default every
        symbol gets a rational number that its assumptions allow.
    inputs : str, optional
        What `draw` draws, in words.
    digits : int, optional
        Digits to which equal sides must agree.

    Examples
    --------
    >>> x = sp.Symbol("x", positive=True)
    >>> Sampled(5).holds(sp.exp(x) * sp.exp(-x), "=", sp.Integer(1))
    True
    """

    points: int = 20
    given: Mapping[sp.Basic, sp.Basic] = field(default_factory=dict)
    draw: Callable[[int], Mapping[sp.Basic, Any]] | None = None
    inputs: str = "random points"
    digits: int = 50
    status: Status = field(default="sampled", init=False)

    @cached_property
    def _drawn(self) -> list[Mapping[sp.Basic, Any]]:
        assert self.draw is not None
        with _workdps(self.digits + 10):
            return [self.draw(number) for number in range(self.points)]

    def holds(self, lhs: sp.Basic, relation: Relation, rhs: sp.Basic) -> bool:
        """Return whether the relation holds at every point."""
        left, right = sp.sympify(lhs.subs(self.given)), sp.sympify(rhs.subs(self.given))
        symbols = left.free_symbols | right.free_symbols
        digits = self.digits + 10
        for number in range(self.points):
            values: Mapping[sp.Basic, Any] = (
                random_values(symbols, number)
                if self.draw is None
                else {s: _float(v, digits) for s, v in self._drawn[number].items()}
            )
            a, b = (sp.N(side.subs(values), digits) for side in (left, right))
            if not (a.is_number and b.is_number and a.is_finite and b.is_finite):
                return False
            if not _compare(_number(a), relation, _number(b), self.digits):
                return False
        return True

    def describe(self) -> str:
        """Say what is computed."""
        return f"both sides at {self.points} {self.inputs} to {self.digits} digits"


def _float(value: Any, digits: int) -> sp.Expr:
    return sp.Float(str(value) if not isinstance(value, mpmath.mpf) else value, digits)


def _number(value: sp.Expr) -> Any:
    convert: Callable[[Any], Any] = mpmath.mpmathify
    return convert(value)


def _compare(a: Any, relation: Relation, b: Any, digits: int) -> bool:
    with _workdps(digits + 10):
        tolerance = mpmath.mpf(10) ** -digits * max(abs(a), abs(b), mpmath.mpf(10) ** -digits)
        if relation == "=":
            return bool(abs(a - b) <= tolerance)
        if relation in ("<=", "<"):
            return bool(a <= b + tolerance)
        return bool(a >= b - tolerance)
