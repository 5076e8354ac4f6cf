"""Expressions as LaTeX: names of several letters are upright, apart from what they multiply."""

from __future__ import annotations

import re
from collections.abc import Mapping

import sympy as sp

__all__ = ["expression_latex", "upright"]

#: What stands between two factors until it is known what they are; SymPy takes it for a space, and
#: writes a dot between numbers.
_TIMES = r" \quad "
#: A name of several letters, or its power, at the end.
_WORD_BEFORE = re.compile(r"\\mathrm\{[^{}]*\}(\^\{[^{}]*\})?$")


def upright(name: str) -> str:
    r"""Return a name of several letters as a word of a formula.

    Examples
    --------
    >>> print(upright("gram_determinant"))
    \mathrm{gram\_determinant}
    """
    return r"\mathrm{" + name.replace("_", r"\_") + "}"


def expression_latex(expression: sp.Basic, names: Mapping[sp.Basic, str]) -> str:
    r"""Return an expression as LaTeX, with a thin space beside words that stand in a product.

    Parameters
    ----------
    expression : sympy.Basic
        Any expression.
    names : mapping of symbols to str
        LaTeX of symbols that SymPy would spell in another way.

    Examples
    --------
    >>> Y, gain = sp.symbols("Y gain")
    >>> print(expression_latex(Y * gain + 1, {gain: upright("gain")}))
    Y \, \mathrm{gain} + 1
    """
    latex = str(sp.latex(expression, symbol_names=dict(names), mul_symbol=_TIMES))
    head, *factors = latex.split(_TIMES)
    for factor in factors:
        word = factor.startswith(r"\mathrm{") or _WORD_BEFORE.search(head)
        head += (r" \, " if word else " ") + factor
    # Of a negative matrix SymPy writes the sign after the plus, and a function of the name "root"
    # it takes for the TeX command, which takes other arguments.
    return head.replace("+ - ", "- ").replace(r"\root{", r"\operatorname{root}{")
