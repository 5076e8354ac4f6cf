"""Routines that share one computation, and wrong twins of routines."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import sympy as sp

from qktheory.theorems.claim import Routine

__all__ = ["entries", "named", "times"]


def _entry(name: str, found: Mapping[str, Any]) -> Any:
    return found.get(name)


def entries(source: str, statements: Mapping[str, Any]) -> dict[str, Routine]:
    """Return one value for each entry of a mapping that was computed before.

    Parameters
    ----------
    source : str
        Name of the auxiliary value, a mapping; entries that it lacks do not exist.
    statements : mapping
        What each entry is, by its name.

    Returns
    -------
    dict
        Routines by name, for the values of a claim.
    """
    return {
        name: Routine(sp.sympify(statement), partial(_entry, name), (source,))
        for name, statement in statements.items()
    }


def times(factor: float, right: Routine) -> Routine:
    """Return a routine whose value is off by a factor, for a wrong twin."""

    def compute(*given: Any) -> Any:
        value = right.compute(*given)
        return None if value is None else factor * np.asarray(value)

    return Routine(sp.Mul(sp.Float(factor), right.statement), compute, right.arguments)


def named(name: str, *arguments: str | sp.Basic) -> sp.Expr:
    """Return f(a, b, ...) for a statement in words of the field; names become symbols.

    Examples
    --------
    >>> named("softmax", "S")
    softmax(S)
    """
    symbols = [sp.Symbol(a) if isinstance(a, str) else a for a in arguments]
    result: sp.Expr = sp.Function(name)(*symbols)
    return result
