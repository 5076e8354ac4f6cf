"""SymPy functions whose naive evaluation would lose digits.

Each class is the mathematical object (it rewrites into elementary functions, so SymPy and mpmath
can evaluate it to any precision) and names the routine that `qktheory.symbolic.formula` uses to
evaluate it in double precision.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

__all__ = ["NormalInterval"]


class NormalInterval(sp.Function):  # type: ignore[misc]
    """Probability that a standard normal variable lies between a and b, Phi(b) - Phi(a).

    Examples
    --------
    >>> NormalInterval(0, sp.oo).doit()
    1/2
    >>> NormalInterval(9, sp.oo).evalf(6)
    1.12859e-19
    """

    nargs = 2

    def doit(self, **hints: Any) -> sp.Expr:
        """Write the probability with complementary error functions."""
        low, high = self.args
        # erfc on both ends keeps relative accuracy in the upper tail; evalf raises the working
        # precision by itself where the difference cancels.
        return (sp.erfc(low / sp.sqrt(2)) - sp.erfc(high / sp.sqrt(2))) / 2

    def _eval_evalf(self, prec: int) -> sp.Expr:
        return self.doit()._eval_evalf(prec)

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """Differentiate: minus the normal density at a, plus the density at b."""
        sign = -1 if argindex == 1 else 1
        end = self.args[argindex - 1]
        return sign * sp.exp(-(end**2) / 2) / sp.sqrt(2 * sp.pi)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        low, high = (printer._print(argument) for argument in self.args)
        text = rf"\left[\Phi\left({high}\right)-\Phi\left({low}\right)\right]"
        return text if exp is None else f"{text}^{{{exp}}}"
