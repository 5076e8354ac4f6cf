"""Derivatives of traces along a matrix: what a gradient is checked against."""

from __future__ import annotations

from typing import Any

import sympy as sp

from qktheory.symbolic.words import canonical

__all__ = ["DirectionalDerivative"]


class DirectionalDerivative(sp.Expr):  # type: ignore[misc]
    """The derivative of an expression in traces at W along V; ``.doit()`` computes it.

    Its gradient G is the matrix with ``tr(G^T V)`` equal to it for every V.

    Parameters
    ----------
    expression : sympy.Expr
        Polynomial in traces.
    W, V : sympy.MatrixSymbol
        The matrix that is moved, and the direction.

    Examples
    --------
    >>> from qktheory.symbolic.symbols import matrix
    >>> W, V = matrix("W_QK"), matrix("V")
    >>> DirectionalDerivative(sp.Trace(W * W.T), W, V).doit()
    2*Trace(V*W_QK.T)
    """

    is_commutative = True
    is_real = True

    def __new__(
        cls, expression: sp.Expr, W: sp.MatrixSymbol, V: sp.MatrixSymbol
    ) -> DirectionalDerivative:
        """Take the expression, the matrix and the direction."""
        derivative: DirectionalDerivative = sp.Expr.__new__(cls, expression, W, V)
        return derivative

    def doit(self, **hints: Any) -> sp.Expr:
        """Return the coefficient of epsilon in the expression at W + epsilon V."""
        expression, W, V = self.args
        epsilon = sp.Dummy("epsilon")
        moved = canonical(expression.subs(W, W + epsilon * V))
        return sp.diff(moved, epsilon).subs(epsilon, 0)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        expression, W, V = (printer._print(argument) for argument in self.args)
        text = rf"D_{{{W}}}\left[{expression}\right]\left({V}\right)"
        return text if exp is None else f"{text}^{{{exp}}}"
