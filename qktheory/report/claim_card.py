"""A claim as a page: statement, formulas, parameters, assumptions, source, wrong twin, cases."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

import sympy as sp
from sympy.printing.pretty.pretty import PrettyPrinter
from sympy.printing.pretty.pretty_symbology import pretty_use_unicode
from sympy.printing.pretty.stringpict import prettyForm, stringPict

from qktheory.report.latex import latex_text
from qktheory.symbolic.formula import Formula
from qktheory.symbolic.latex import expression_latex, upright
from qktheory.theorems.claim import Claim, Routine, Source
from qktheory.verification.verdict import plain

__all__ = ["claim_card", "claim_latex", "formula_latex", "formula_text", "source_dict"]

#: Names of Greek letters.
_GREEK = frozenset(
    (
        *("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa"),
        *("lambda", "mu", "nu", "xi", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi"),
        *("omega", "Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Phi", "Psi", "Omega"),
    )
)


def _expression(definition: sp.Basic | Routine) -> sp.Basic:
    """Return the SymPy statement of a value: the formula itself, or what its routine computes."""
    if isinstance(definition, Routine):
        return sp.sympify(definition.statement)
    return Formula(definition).expression


def _name_latex(name: str) -> str:
    """Return a name as LaTeX: Greek letters and short names as symbols, words upright."""
    head, *rest = name.split("_")
    if head in _GREEK:
        head = f"\\{head}"
    elif len(head) > 2 or any(len(part) > 2 for part in rest):
        return upright(name)
    return f"{head}_{{{' '.join(rest)}}}" if rest else head


def formula_latex(definition: sp.Basic | Routine) -> str:
    r"""Return the statement of a value as LaTeX.

    Parameters
    ----------
    definition : sympy.Basic or Routine
        A value or auxiliary definition of a claim.

    Returns
    -------
    str

    Examples
    --------
    >>> from qktheory.symbolic.symbols import symbol
    >>> print(formula_latex(symbol("temperature") * symbol("eta_F")))
    \eta_{F} \, \mathrm{temperature}
    """
    expression = _expression(definition)
    names = {
        s: _name_latex(s.name)
        for s in expression.free_symbols
        if isinstance(s, sp.Symbol) and s.name.split("_")[0] not in _GREEK
    }
    return expression_latex(expression, names)


def claim_latex(claim: Claim) -> str:
    r"""Return statement, source and formulas of a claim as LaTeX, for use within a document.

    Parameters
    ----------
    claim : Claim

    Returns
    -------
    str
        A paragraph and an ``align*`` (of amsmath).

    Examples
    --------
    >>> from qktheory.theorems.catalogue import claims
    >>> print(claim_latex(claims(["LOC-4d"])[0]))
    \paragraph{LOC-4d, profile for large eta.}
    ...
    """
    lines = [
        rf"\paragraph{{{latex_text(claim.id)}, {latex_text(claim.title)}.}}",
        f"{latex_text(claim.statement)} ({latex_text(str(claim.source))})",
        r"\begin{align*}",
    ]
    definitions = {**claim.where, **claim.values}
    formulas = [rf"  {_name_latex(n)} &= {formula_latex(d)}" for n, d in definitions.items()]
    return "\n".join([*lines, " \\\\\n".join(formulas), r"\end{align*}", ""])


def formula_text(name: str, definition: sp.Basic | Routine, width: int, ascii_only: bool) -> str:
    """Return ``name = formula`` drawn with characters, or in one line where it is too wide.

    Parameters
    ----------
    name : str
        Name of the value.
    definition : sympy.Basic or Routine
        The value.
    width : int
        Columns. A drawing that does not fit gives way to the formula as SymPy text.
    ascii_only : bool
        Whether to do without mathematical symbols.

    Returns
    -------
    str
        One or more lines.

    Examples
    --------
    >>> from qktheory.symbolic.symbols import symbol
    >>> print(formula_text("square", symbol("xi") ** 2, 80, True))
               2
    square = xi
    """
    expression = _expression(definition)
    before = pretty_use_unicode(not ascii_only)
    try:
        printer = PrettyPrinter({"use_unicode": not ascii_only, "wrap_line": False})
        drawn = prettyForm(*stringPict(f"{name} = ").right(printer._print(expression)))
        lines = [line.rstrip() for line in drawn.render(wrap_line=False).split("\n")]
    finally:
        pretty_use_unicode(before)
    if max(len(line) for line in lines) <= width:
        return "\n".join(lines)
    return textwrap.fill(
        f"{name} = {sp.sstr(expression)}",
        width,
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def source_dict(source: Source) -> dict[str, Any]:
    """Return a source as JSON.

    Examples
    --------
    >>> source_dict(Source("Bao, Hataya, Karakida", 2024, "Self-attention"))["year"]
    2024
    """
    return {
        "authors": source.authors,
        "year": source.year,
        "title": source.title,
        "statement": source.statement,
        "arxiv": source.arxiv,
    }


def _formulas(definitions: Mapping[str, sp.Basic | Routine]) -> dict[str, str]:
    return {name: formula_latex(definition) for name, definition in definitions.items()}


def claim_card(claim: Claim) -> dict[str, Any]:
    """Return everything there is to say about a claim, as JSON.

    Parameters
    ----------
    claim : Claim

    Returns
    -------
    dict
        Formulas are LaTeX.

    Examples
    --------
    >>> from qktheory import claims
    >>> card = claim_card(claims(["LOC-4d"])[0])
    >>> card["standing"], list(card["values"])
    ('derived', ['rho_large_eta'])
    """
    return {
        "id": claim.id,
        "title": claim.title,
        "standing": claim.standing,
        "claim_kind": claim.kind,
        "observable": claim.observable,
        "statement": claim.statement,
        "proof": claim.proof,
        "source": source_dict(claim.source),
        "parameters": [
            {
                "name": parameter.name,
                "domain": parameter.domain.describe(),
                "description": parameter.description,
                "required": parameter.required,
                "default": None if parameter.required else plain(parameter.default),
            }
            for parameter in claim.parameters
        ],
        "where": _formulas(claim.where),
        "values": _formulas(claim.values),
        "assumptions": [{"name": a.name, "text": a.text} for a in claim.conditions],
        "predicts": [
            {
                "observable": p.observable,
                "value": p.value,
                "prediction_kind": p.kind,
                "sharp": p.sharp,
            }
            for p in claim.predicts
        ],
        "judged_by": [judgement.kind for judgement in claim.judged_by],
        "wrong_twin": {
            "error": claim.wrong_twin.error,
            "values": _formulas(claim.wrong_twin.values),
        },
        "derivation": "none" if claim.derivation is None else claim.derivation.status,
        "cases": [plain(case) for case in claim.cases],
    }
