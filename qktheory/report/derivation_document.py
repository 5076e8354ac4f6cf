"""Derivations as a LaTeX document and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qktheory.report.latex import latex_text
from qktheory.symbolic.derivation import Derivation, Step
from qktheory.theorems.claim import CLAIMS

__all__ = ["derivation_document", "derivations_dict"]

_HEAD = r"""\documentclass[a4paper,11pt]{article}
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\usepackage[margin=25mm]{geometry}
\usepackage{amsmath,amssymb,graphicx}
% A formula that is wider than the page is drawn smaller.
\newsavebox{\formula}
\newcommand{\fitted}[1]{\savebox{\formula}{$\displaystyle #1$}%
  \ifdim\wd\formula>\linewidth\resizebox{\linewidth}{!}{\usebox{\formula}}\else\usebox{\formula}\fi}
\allowdisplaybreaks
\emergencystretch=3em
\begin{document}
"""


def _step(step: Step, failed: bool) -> str:
    status = "failed" if failed else step.status
    return (
        f"\\item {latex_text(step.reason)} \\hfill \\textit{{{latex_text(status)}}}\n"
        f"\\[\n\\fitted{{{step.latex()}}}\n\\]\n"
    )


def derivation_document(derivations: Sequence[Derivation]) -> str:
    r"""Return a LaTeX document with the steps of some derivations.

    Parameters
    ----------
    derivations : sequence of Derivation

    Returns
    -------
    str
        Needs amsmath, amssymb and graphicx only.

    Examples
    --------
    >>> from qktheory import derive
    >>> text = derivation_document([derive("LOC-1b")])
    >>> text.count("\\item"), text.rstrip().endswith("\\end{document}")
    (2, True)
    """
    parts = [_HEAD]
    for derivation in derivations:
        claim = CLAIMS[derivation.claim]
        failing = derivation.recheck()
        steps = "".join(_step(step, step in failing) for step in derivation.steps)
        counts = ", ".join(f"{n} {status}" for status, n in derivation.counts.items())
        cited = f" Cited: {latex_text(', '.join(derivation.uses))}." if derivation.uses else ""
        parts.append(
            f"\\section*{{{latex_text(claim.id)}: {latex_text(claim.title)}}}\n"
            f"{latex_text(claim.statement)}\n\n"
            f"\\noindent Source: {latex_text(str(claim.source))}.\n"
            f"\\begin{{enumerate}}\n{steps}\\end{{enumerate}}\n"
            f"\\noindent Steps: {latex_text(counts)}.{cited}\n"
        )
    parts.append("\\end{document}\n")
    return "\n".join(parts)


def derivations_dict(name: str, derivations: Sequence[Derivation]) -> Mapping[str, Any]:
    """Return derivations as JSON: one as it is, those of several parts one after the other.

    Parameters
    ----------
    name : str
        What was asked for.
    derivations : sequence of Derivation
        At least one.

    Returns
    -------
    mapping

    Examples
    --------
    >>> from qktheory import derive
    >>> found = derivations_dict("LOC-1b", [derive("LOC-1b")])
    >>> found["steps"][-1]["expression"] == found["statement"]
    True
    """
    entries = [derivation.to_dict() for derivation in derivations]
    if len(entries) == 1:
        return entries[0]
    return {
        "claim": name,
        "steps": [step for entry in entries for step in entry["steps"]],
        "statement": entries[-1]["statement"],
        "parts": entries,
    }
