"""Plain text within LaTeX documents."""

from __future__ import annotations

__all__ = ["latex_text"]

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
}


def latex_text(text: str) -> str:
    r"""Return plain text with the characters that LaTeX treats specially written out.

    Examples
    --------
    >>> print(latex_text("gamma_i < 50 %"))
    gamma\_i \textless{} 50 \%
    """
    plain = "".join(_SPECIAL.get(character, character) for character in text)
    return plain.encode("ascii", "replace").decode("ascii")
