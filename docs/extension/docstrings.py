"""Docstrings as reStructuredText: their formulas are plain text, written to be read as such."""

from __future__ import annotations

import re
from types import GenericAlias
from typing import Any

from sphinx.application import Sphinx

__all__ = ["escape_plain_mathematics", "skip_aliases"]

_LITERAL = re.compile(r"(``.+?``|`[^`]+`_?)")
#: Bars (|x| is no substitution) and names that end in an underscore (K_{q,p} is no reference).
_SPECIAL = re.compile(r"\||(?<=\w)_(?=[^\w]|$)")
_UNDERLINE = re.compile(r"^-{3,}$")


def _escaped(line: str) -> str:
    parts = _LITERAL.split(line)
    parts[::2] = [_SPECIAL.sub(lambda found: f"\\{found.group()}", part) for part in parts[::2]]
    return "".join(parts)


def escape_plain_mathematics(
    app: Sphinx, what: str, name: str, obj: object, options: Any, lines: list[str]
) -> None:
    """Escape what reStructuredText would read into a formula, and keep displayed formulas as text.

    Handler of ``autodoc-process-docstring``, to run before numpydoc. Examples are left alone; a
    formula is a block that is indented before the first section of the docstring.
    """
    found: list[str] = []
    in_example = in_formula = in_sections = False
    for number, line in enumerate(lines):
        blank = not line.strip()
        in_sections |= bool(_UNDERLINE.match(line))
        if line.lstrip().startswith(">>>"):
            in_example = True
        elif blank:
            in_example = False
        if not in_sections and not blank and not in_example:
            indented = line.startswith("    ")
            if indented and not in_formula and (number == 0 or not lines[number - 1].strip()):
                found += [] if _announced(found) else ["::", ""]
                in_formula = True
            elif not indented:
                in_formula = False
        if blank or in_example or (in_formula and not in_sections):
            found.append(line)
        else:
            found.append(_escaped(line))
    lines[:] = found


def _announced(lines: list[str]) -> bool:
    """Return whether the paragraph before says already that a literal block follows."""
    before = [line for line in lines if line.strip()]
    return bool(before) and before[-1].rstrip().endswith("::")


def skip_aliases(
    app: Sphinx, what: str, name: str, obj: object, skip: bool, options: Any
) -> bool | None:
    """Leave out names of types, whose docstring is that of tuple, and fields of named tuples.

    The fields are described in the docstring of their class, and are "Alias for field number 0".
    """
    return True if isinstance(obj, GenericAlias) or type(obj).__name__ == "_tuplegetter" else None
