"""SymPy expressions in ball arithmetic: python-flint's arb, behind the extra `rigor`.

A ball holds the true value, always. Every number of an expression must therefore be exact: a
floating-point constant has no known error and is refused.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from functools import cache
from typing import Any, Final

import sympy as sp

from qktheory.base.errors import bad_value

__all__ = ["INSTALL", "ball", "enclose", "flint_available", "hull", "working_precision"]

#: What a certified step says where the extra is missing.
INSTALL: Final = "not certified: install qktheory[rigor]"

#: Working precision in bits.
PRECISION = 128


@cache
def _flint() -> Any:
    try:
        flint = importlib.import_module("flint")
    except ImportError:
        raise ValueError(INSTALL) from None
    return flint


def flint_available() -> bool:
    """Return whether python-flint can be imported.

    Examples
    --------
    >>> flint_available()
    True
    """
    try:
        _flint()
    except ValueError:
        return False
    return True


@contextmanager
def working_precision(bits: int = PRECISION) -> Iterator[None]:
    """Set the precision of balls for a while."""
    flint = _flint()
    before = flint.ctx.prec
    flint.ctx.prec = bits
    try:
        yield
    finally:
        flint.ctx.prec = before


def ball(value: Fraction | int) -> Any:
    """Return the smallest ball around an exact number."""
    flint = _flint()
    exact = Fraction(value)
    return flint.arb(flint.fmpq(exact.numerator, exact.denominator))


def hull(low: Fraction, high: Fraction) -> Any:
    """Return a ball that contains the interval [low, high]."""
    return ball(low).union(ball(high))


_FUNCTIONS: dict[type, str] = {
    sp.exp: "exp",
    sp.log: "log",
    sp.sinh: "sinh",
    sp.cosh: "cosh",
    sp.tanh: "tanh",
    sp.coth: "coth",
    sp.atan: "atan",
    sp.asinh: "asinh",
    sp.acosh: "acosh",
    sp.atanh: "atanh",
    sp.sin: "sin",
    sp.cos: "cos",
    sp.erf: "erf",
    sp.erfc: "erfc",
    sp.gamma: "gamma",
    sp.digamma: "digamma",
    sp.Abs: "__abs__",
}


def enclose(expression: sp.Expr) -> Callable[[Mapping[sp.Symbol, Any]], Any]:
    """Return the evaluation of an expression in balls.

    Parameters
    ----------
    expression : sympy.Expr
        Arithmetic, rational powers and elementary functions of symbols and exact numbers.

    Returns
    -------
    callable
        From balls by symbol to a ball that holds every value of the expression on them; a ball
        that is not finite says nothing.

    Raises
    ------
    ValueError
        For a floating-point number or a function that is not known, and without python-flint.

    Examples
    --------
    >>> x = sp.Symbol("x")
    >>> value = enclose(sp.tanh(x) - x)({x: hull(Fraction(1), Fraction(2))})
    >>> bool(value < 0.1)
    True
    """
    flint = _flint()
    constants = {sp.pi: flint.arb.pi, sp.E: flint.arb.const_e, sp.EulerGamma: flint.arb.const_euler}

    def build(node: sp.Basic) -> Callable[[Mapping[sp.Symbol, Any]], Any]:
        if isinstance(node, sp.Rational):
            exact = Fraction(int(node.p), int(node.q))
            return lambda values: ball(exact)
        if node in constants:
            make = constants[node]
            return lambda values: make()
        if isinstance(node, sp.Symbol):
            return lambda values: values[node]
        parts = [build(argument) for argument in node.args]
        if isinstance(node, sp.Add):
            return lambda values: sum((part(values) for part in parts), flint.arb(0))
        if isinstance(node, sp.Mul):

            def multiply(values: Mapping[sp.Symbol, Any]) -> Any:
                total = flint.arb(1)
                for part in parts:
                    total *= part(values)
                return total

            return multiply
        if isinstance(node, sp.Pow):
            return _power(node, parts)
        name = _FUNCTIONS.get(type(node))
        if name is None or len(parts) != 1:
            raise bad_value("expression", node, "exact numbers and elementary functions")
        return lambda values: getattr(parts[0](values), name)()

    return build(sp.sympify(expression))


def _power(
    node: sp.Pow, parts: list[Callable[[Mapping[sp.Symbol, Any]], Any]]
) -> Callable[[Mapping[sp.Symbol, Any]], Any]:
    """Keep integer powers and square roots tight: x^2 >= 0 whatever the ball of x."""
    base, exponent = parts
    if node.exp.is_Integer:
        power = int(node.exp)

        def integer(values: Mapping[sp.Symbol, Any]) -> Any:
            value = base(values)
            if power % 2 == 0:
                value = abs(value)
            return value ** abs(power) if power > 0 else 1 / value ** abs(power)

        return integer
    if node.exp in (sp.Rational(1, 2), -sp.Rational(1, 2)):
        inverse = node.exp < 0

        def root(values: Mapping[sp.Symbol, Any]) -> Any:
            value = base(values).sqrt()
            return 1 / value if inverse else value

        return root
    if node.base is sp.E:
        return lambda values: exponent(values).exp()
    return lambda values: base(values) ** exponent(values)
