"""Whether an expression is zero: the one question that every proved step comes down to.

Yes means that SymPy, the trace calculus included, has rewritten the expression into 0. Numbers are
used to say no early, never to say yes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import mpmath
import sympy as sp

from qktheory.symbolic.functions import NormalInterval
from qktheory.symbolic.gradient import DirectionalDerivative
from qktheory.symbolic.weingarten import HaarCoefficient, HaarMean, HaarMoment
from qktheory.symbolic.wick import JointCumulant, Mean
from qktheory.symbolic.words import Rules, canonical

__all__ = ["evaluated", "is_zero", "random_values", "same_matrix", "stand_in"]

#: Means and derivatives that know how to compute themselves.
_KINDS = (
    Mean,
    JointCumulant,
    HaarMean,
    HaarMoment,
    HaarCoefficient,
    DirectionalDerivative,
)

#: Digits and size of a value that says no.
_DIGITS, _ZERO = 30, mpmath.mpf(10) ** -18


def evaluated(
    expression: sp.Expr,
    symmetric: Iterable[sp.MatrixSymbol] = (),
    products: Rules | None = None,
) -> sp.Expr:
    """Carry out means, cumulants, sums, integrals, limits and derivatives that are written out.

    Parameters
    ----------
    expression : sympy.Expr
        Any expression in the standard symbols.
    symmetric, products
        As in `qktheory.symbolic.words.canonical`.

    Returns
    -------
    sympy.Expr
        With traces in canonical spelling.

    Examples
    --------
    >>> k, n = sp.symbols("k n", integer=True, positive=True)
    >>> sp.factor(evaluated(sp.Sum(k, (k, 1, n))))
    n*(n + 1)/2
    """
    expression = expression.xreplace({a: a.doit() for a in expression.atoms(*_KINDS)})
    if expression.has(sp.Trace, sp.Determinant):
        expression = canonical(expression, symmetric, products)
    expression = expression.xreplace({a: _sum(a) for a in expression.atoms(sp.Sum)})
    expression = expression.xreplace({a: _limit(a) for a in expression.atoms(sp.Limit)})
    atoms = {a: sp.Dummy(real=True) for a in expression.atoms(sp.Trace)}
    back = {dummy: atom for atom, dummy in atoms.items()}
    return expression.xreplace(atoms).doit().xreplace(back)


def _sum(total: sp.Sum) -> sp.Expr:
    """Return a sum; of a polynomial by Faulhaber's formula, without the general algorithm."""
    if len(total.limits) == 1:
        variable, low, high = total.limits[0]
        if total.function.is_polynomial(variable):
            coefficients = sp.Poly(total.function, variable).all_coeffs()[::-1]
            return sp.Add(
                *(
                    value * (sp.bernoulli(n + 1, high + 1) - sp.bernoulli(n + 1, low)) / (n + 1)
                    for n, value in enumerate(coefficients)
                )
            )
    return total.doit()


def _limit(limit: sp.Limit) -> sp.Expr:
    """Return a limit at infinity; of a rational function without the general algorithm."""
    expression, variable, point, _ = limit.args
    if point is sp.oo and expression.is_rational_function(variable):
        small = sp.Dummy("small", positive=True)
        ratio = sp.cancel(sp.together(expression.subs(variable, 1 / small)))
        if sp.denom(ratio).subs(small, 0) != 0:
            return ratio.subs(small, 0)
    return limit.doit()


def random_values(symbols: Iterable[sp.Symbol], seed: int) -> dict[sp.Symbol, sp.Expr]:
    """Return values for symbols that their assumptions allow: rationals, small integers.

    Examples
    --------
    >>> n = sp.Symbol("n", integer=True, positive=True)
    >>> random_values([n], 0)[n] > 0
    True
    """
    state = 6364136223846793005 * (seed + 1) + 1442695040888963407
    found: dict[sp.Symbol, sp.Expr] = {}
    for s in sorted(symbols, key=lambda s: (str(s.name), str(s.assumptions0))):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        number = sp.Rational(101 + (state >> 33) % 1800, 997)
        if s.is_integer:
            number = sp.Integer(2 + (state >> 40) % 7)
        elif not s.is_nonnegative and (state >> 60) % 2:
            number = -number
        found[s] = number
    return found


def _surely_not_zero(expression: sp.Expr) -> bool:
    """Say whether a value at a random point is far from zero."""
    seen = 0
    for seed in range(6):
        values = random_values(expression.free_symbols, seed)
        try:
            number = expression.xreplace(values)
            value = sp.N(number, _DIGITS)
            if not value.is_number or not value.is_finite:
                continue
            size = abs(complex(value))
        except (TypeError, ValueError, ZeroDivisionError, AttributeError, RecursionError):
            continue
        scale = max((abs(complex(sp.N(a, 15))) for a in number.args if a.is_number), default=1.0)
        if size > float(_ZERO) * max(1.0, scale):
            return True
        seen += 1
        if seen == 2:
            break
    return False


_ROUTES: tuple[Callable[[sp.Expr], sp.Expr], ...] = (
    sp.expand,
    lambda e: sp.expand(sp.numer(sp.together(e))),
    # Products of exponentials combine by themselves, so this settles hyperbolic identities.
    lambda e: sp.expand(sp.numer(sp.together(e.rewrite(sp.exp)))),
    lambda e: sp.expand(sp.expand_log(sp.expand_func(e))),
    sp.simplify,
    lambda e: sp.simplify(sp.expand(e.rewrite(sp.exp))),
    lambda e: sp.simplify(sp.expand_log(sp.expand_func(e.rewrite(sp.gamma)))),
)


def stand_in(quantity: sp.Expr) -> sp.Dummy:
    """Return a symbol for a sum, product or integral that is not carried out.

    It is real, and not negative where that is known of all terms of a sum: more would let roots of
    squares lose their sign.

    Examples
    --------
    >>> i, n = sp.symbols("i n", integer=True, positive=True)
    >>> x = sp.IndexedBase("x", real=True)
    >>> [stand_in(sp.Sum(term, (i, 1, n))).is_nonnegative for term in (x[i] ** 2, x[i])]
    [True, None]
    """
    known = (
        isinstance(quantity, sp.Sum)
        and quantity.function.is_nonnegative
        and all((high - low + 1).is_nonnegative for _, low, high in quantity.limits)
    )
    return sp.Dummy(nonnegative=True) if known else sp.Dummy(real=True)


def is_zero(
    expression: sp.Expr,
    symmetric: Iterable[sp.MatrixSymbol] = (),
    products: Rules | None = None,
) -> bool:
    """Return whether an expression is rewritten into zero.

    Parameters
    ----------
    expression : sympy.Expr
        What should vanish. May contain unevaluated means, cumulants, sums, integrals, limits.
    symmetric, products
        As in `qktheory.symbolic.words.canonical`.

    Returns
    -------
    bool
        False also where SymPy does not find the way.

    Examples
    --------
    >>> x = sp.Symbol("x", real=True)
    >>> is_zero(sp.sinh(2 * x) - 2 * sp.sinh(x) * sp.cosh(x)), is_zero(sp.sinh(x) - x)
    (True, False)
    """
    expression = sp.sympify(expression)
    # Floating-point constants of formulas are taken for the binary fractions that they are.
    floats = {number: sp.Rational(number) for number in expression.atoms(sp.Float)}
    value = evaluated(expression.xreplace(floats), symmetric, products)
    value = value.xreplace({a: sp.Dummy(real=True) for a in value.atoms(sp.Trace)})
    value = value.xreplace({a: a.doit() for a in value.atoms(NormalInterval)})
    # A sum or integral that could not be carried out is a quantity like any other.
    left = value.atoms(sp.Sum, sp.Integral)
    value = value.xreplace({a: stand_in(a) for a in left})
    if value == 0:
        return True
    if value.has(sp.nan, sp.zoo) or _surely_not_zero(value):
        return False
    return any(route(value) == 0 for route in _ROUTES)


def same_matrix(
    left: sp.MatrixExpr,
    right: sp.MatrixExpr,
    symmetric: Iterable[sp.MatrixSymbol] = (),
    products: Rules | None = None,
) -> bool:
    """Return whether two matrix expressions are equal: tr(X N) = tr(Y N) for every matrix N.

    Examples
    --------
    >>> from qktheory.symbolic.symbols import matrix
    >>> A, B = matrix("A"), matrix("B")
    >>> same_matrix((A + B).T * A, A.T * A + B.T * A), same_matrix(A * B, B * A)
    (True, False)
    """
    if left.shape != right.shape:
        return False
    test = sp.MatrixSymbol("test_matrix", left.shape[1], left.shape[0])
    difference = sp.Trace(left * test) - sp.Trace(right * test)
    # `canonical` expands the words itself, also where SymPy writes tr(A + B) as a sum.
    return is_zero(difference, symmetric, products)
