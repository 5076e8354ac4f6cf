"""Plain text, formulas and tables as MyST Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["code", "display", "plain_text", "table"]

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>$|#~^])")


def plain_text(text: str) -> str:
    r"""Return plain text with the characters that Markdown treats specially escaped.

    Examples
    --------
    >>> print(plain_text("E[w_ij^2] <= 3"))
    E\[w\_ij\^2\] \<= 3
    """
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def code(text: str) -> str:
    """Return text as code within a line or a cell of a table."""
    return f"`{text}`".replace("|", "\\|")


def display(formula: str) -> str:
    """Return LaTeX as a displayed formula."""
    return f"$$\n{formula}\n$$"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table; cells are Markdown already."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(" ".join(c.split()) for c in line) + " |" for line in lines)
