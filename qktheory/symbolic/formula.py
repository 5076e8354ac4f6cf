"""Formulas that are shown and evaluated from one and the same SymPy object."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import sympy as sp
from sympy.printing.numpy import SciPyPrinter

from qktheory.base.cached import cached_property
from qktheory.numerics.normal import interval_probability

__all__ = ["Formula"]


class _Printer(SciPyPrinter):  # type: ignore[misc]
    """SymPy's SciPy printer with traces."""

    def _print_Trace(self, expr: sp.Trace) -> str:
        return f"{self._module_format('numpy.trace')}({self._print(expr.arg)})"

    def _print_Identity(self, expr: sp.Identity) -> str:
        return f"{self._module_format('numpy.eye')}({self._print(expr.shape[0])})"

    def _print_NormalInterval(self, expr: sp.Function) -> str:
        low, high = (self._print(argument) for argument in expr.args)
        return f"interval_probability({low}, {high})"

    def _print_Min(self, expr: sp.Min) -> str:
        return f"minimum({', '.join(self._print(argument) for argument in expr.args)})"


def _minimum(*values: Any) -> Any:
    """Return the smallest value; Python integers stay exact, arrays broadcast."""
    if any(isinstance(value, np.ndarray) for value in values):
        return functools.reduce(np.minimum, values)
    return min(values)


class Formula:
    """A closed form in the standard symbols, evaluated in double precision.

    Parameters
    ----------
    expression : sympy.Expr or sympy.MatrixExpr
        The formula. Its free symbols are its arguments, by name.

    Examples
    --------
    >>> from qktheory.symbolic.symbols import symbol
    >>> gamma = Formula(symbol("key") - (symbol("T") + 1) / 2)
    >>> gamma.arguments
    ('T', 'key')
    >>> float(gamma({"T": 7, "key": 2, "xi": 0.5}))
    -2.0
    """

    def __init__(self, expression: sp.Basic) -> None:
        self.expression = sp.sympify(expression)

    def __repr__(self) -> str:
        return f"Formula({self.expression})"

    @cached_property
    def _symbols(self) -> dict[str, sp.Basic]:
        expression = self.expression
        symbols = [s for s in expression.free_symbols if isinstance(s, sp.Symbol | sp.MatrixSymbol)]
        return {s.name: s for s in sorted(symbols, key=lambda s: str(s.name))}

    @property
    def arguments(self) -> tuple[str, ...]:
        """Names of the arguments, in alphabetical order."""
        return tuple(self._symbols)

    @cached_property
    def _function(self) -> Callable[..., Any]:
        return sp.lambdify(  # type: ignore[no-any-return]
            list(self._symbols.values()),
            self.expression,
            modules=[
                {"interval_probability": interval_probability, "minimum": _minimum},
                "scipy",
                "numpy",
            ],
            printer=_Printer({"fully_qualified_modules": False, "inline": True}),
        )

    def __call__(self, values: Mapping[str, Any]) -> Any:
        """Evaluate at named values; names that the formula does not use are ignored.

        Parameters
        ----------
        values : mapping
            Numbers, arrays or matrices by name. Integers stay integers, so polynomials in sizes
            are exact however large T is.

        Returns
        -------
        float or ndarray
            The value, with the shape that broadcasting the arguments gives.
        """
        # The size d of a matrix is among the free symbols of its traces, but not needed for them.
        arguments = (values.get(n) if n == "d" else values[n] for n in self._symbols)
        return self._function(*arguments)
