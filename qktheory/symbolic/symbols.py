"""The standard symbols: one name, one meaning, one letter.

Names are those of the parameters and values by which claims are evaluated. A name asked for twice
is the same SymPy object, so formulas of different claims can be put side by side.
"""

from __future__ import annotations

from functools import cache

import sympy as sp

from qktheory.symbolic.latex import upright

__all__ = ["is_symmetric", "latex_names", "matrix", "symbol", "vector"]

#: Assumptions and LaTeX of the scalar names; a name that is not listed is real and typeset as is.
_SCALARS: dict[str, tuple[dict[str, bool], str]] = {
    "T": ({"integer": True, "positive": True}, "T"),
    "d": ({"integer": True, "positive": True}, "d"),
    "key": ({"integer": True, "positive": True}, "i"),
    "key_2": ({"integer": True, "positive": True}, "j"),
    "multiplicity": ({"integer": True, "positive": True}, "n"),
    "temperature": ({"positive": True}, r"\lambda"),
    "theta": ({"nonnegative": True}, r"\theta"),
    "xi": ({"real": True}, r"\xi"),
    "eta": ({"real": True}, r"\eta"),
    "eta_F": ({"nonnegative": True}, r"\eta_F"),
    "gamma": ({"real": True}, r"\gamma_i"),
    "gamma_2": ({"real": True}, r"\gamma_j"),
    "c_norm_squared": ({"nonnegative": True}, r"|c^{(i)}|^2"),
    "c_dot": ({"real": True}, r"c^{(i)}\cdot c^{(j)}"),
    "r_squared": ({"nonnegative": True}, "r_i^2"),
    "gram_determinant": ({"nonnegative": True}, "D"),
    "oscillation": ({"real": True}, r"\delta"),
    "tau": ({"real": True}, r"\tau"),
    "sigma": ({"positive": True}, r"\sigma"),
    "v": ({"positive": True}, r"v(\theta)"),
    "s": ({"nonnegative": True}, "s"),
    "s2": ({"nonnegative": True}, "s^2"),
    "self_logit": ({"real": True}, "m"),
    "xi_over_sqrt_eta": ({"real": True}, "b"),
    "eigenvalue": ({"real": True}, r"\mu"),
    "s0": ({"nonnegative": True}, "s_0"),
    "cosine": ({"real": True}, r"\rho"),
    "cosine_0": ({"real": True}, r"\rho_0"),
    "alpha": ({"nonnegative": True}, r"\alpha"),
    "sigma_V": ({"nonnegative": True}, r"\sigma_V"),
    "L": ({"integer": True, "positive": True}, "L"),
    "d_k": ({"integer": True, "positive": True}, "d_k"),
    "epsilon": ({"positive": True}, r"\epsilon"),
    "norm_x": ({"real": True}, "|x|"),
    "norm_y": ({"real": True}, "|y|"),
    "feature_count": ({"real": True}, "m"),
    "logit_variance": ({"real": True}, "v"),
    "nuclear_norm": ({"real": True}, r"\|W\|_*"),
    "noise_variance": ({"real": True}, "{s^2}"),
    "inverse_temperature": ({"real": True}, r"\beta"),
    "radius": ({"real": True}, "R"),
    "max_column_sum": ({"real": True}, "c"),
    "w_qk_norm_2": ({"real": True}, r"\|W\|"),
    "w_v_norm_2": ({"real": True}, r"\|W_V\|"),
    "degree": ({"real": True}, "p"),
}

_MATRICES: dict[str, str] = {
    "W_QK": "W",
    "Sigma": r"\Sigma",
    "M": "M",
    "omega": r"\omega",
    "ones": r"\mathbf{1}",
}


@cache
def symbol(name: str) -> sp.Symbol:
    """Return the standard scalar symbol of a name.

    Parameters
    ----------
    name : str
        A name of the symbol table (``"xi"``, ``"key"``); other names give a real symbol.

    Returns
    -------
    sympy.Symbol
        Always the same object for the same name, with the assumptions of its domain.

    Examples
    --------
    >>> symbol("T").is_integer, symbol("eta_F").is_nonnegative
    (True, True)
    """
    assumptions, _ = _SCALARS.get(name, ({"real": True}, name))
    return sp.Symbol(name, **assumptions)


@cache
def matrix(name: str) -> sp.MatrixSymbol:
    """Return the standard d x d matrix symbol of a name.

    Parameters
    ----------
    name : str
        ``"W_QK"``, ``"Sigma"``, ``"M"`` or any other name.

    Returns
    -------
    sympy.MatrixSymbol
        A square matrix of the symbolic size d.

    Examples
    --------
    >>> matrix("W_QK").shape
    (d, d)
    """
    return sp.MatrixSymbol(name, symbol("d"), symbol("d"))


#: Standard matrices that equal their transpose.
_SYMMETRIC = frozenset({"Sigma"})


def is_symmetric(matrix: sp.MatrixSymbol) -> bool:
    """Return whether a matrix symbol is symmetric by its meaning, as covariances are.

    Examples
    --------
    >>> is_symmetric(matrix("Sigma")), is_symmetric(matrix("W_QK"))
    (True, False)
    """
    return matrix.name in _SYMMETRIC


@cache
def vector(name: str) -> sp.MatrixSymbol:
    """Return the standard column vector of a name, of shape (d, 1).

    Parameters
    ----------
    name : str
        For example ``"x"``, the query token.

    Returns
    -------
    sympy.MatrixSymbol
        A column of the symbolic size d.

    Examples
    --------
    >>> vector("x").shape
    (d, 1)
    """
    return sp.MatrixSymbol(name, symbol("d"), 1)


def latex_names(expression: sp.Basic) -> dict[sp.Basic, str]:
    r"""Return the LaTeX spelling of the symbols in an expression, for `sympy.latex`.

    Names of several letters that are not listed are words.

    Parameters
    ----------
    expression : sympy.Basic
        Any expression in the standard symbols.

    Returns
    -------
    dict
        To be passed as ``sympy.latex(expression, symbol_names=...)``.

    Examples
    --------
    >>> sp.latex(symbol("eta_F") / 2, symbol_names=latex_names(symbol("eta_F")))
    '\\frac{\\eta_F}{2}'
    """
    names: dict[sp.Basic, str] = {}
    for atom in expression.atoms(sp.Symbol, sp.MatrixSymbol):
        if isinstance(atom, sp.MatrixSymbol):
            names[atom] = _MATRICES.get(atom.name, atom.name)
        elif atom.name in _SCALARS:
            names[atom] = _SCALARS[atom.name][1]
        elif len(atom.name) > 1 and str(sp.latex(atom)) == atom.name:
            names[atom] = upright(atom.name)
    return names
