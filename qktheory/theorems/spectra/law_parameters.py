"""A spectral law as parameters of a claim: its name and the parameters of that law."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import sympy as sp

from qktheory.base.domains import Choice, Parameter
from qktheory.base.errors import bad_value, unknown_name
from qktheory.spectra.law import LAWS, Law

__all__ = ["CATALOGUE", "Orders", "complete_law", "density", "law_parameters", "law_shape_names"]

#: Laws of SPEC-8, SPEC-9 and SPEC-10.
CATALOGUE = (
    "point",
    "two_point",
    "uniform",
    "semicircle",
    "marchenko_pastur",
    "arcsine",
    "kesten_mckay",
    "pareto",
    "quarter_circle",
    "fuss_catalan",
    "product_modulus",
    "product_squared_singular",
)

#: Density of the law, in statements.
density = sp.Function("rho")


class Orders:
    """Non-empty lists of integers >= 1, orders of moments and cumulants."""

    def check(self, argument: str, value: object) -> list[int]:
        """Return the orders as a list of int."""
        given = value.tolist() if isinstance(value, np.ndarray) else value
        if not isinstance(given, list | tuple) or not given:
            raise bad_value(argument, value, self.describe())
        for order in given:
            number = isinstance(order, int | float) and not isinstance(order, bool)
            if not number or order < 1 or order != int(min(order, 1e6)):
                raise bad_value(argument, value, self.describe())
        return [int(order) for order in given]

    def describe(self) -> str:
        """Word the domain."""
        return "a list of integers >= 1 and <= 1000000"

    def sample(self, rng: np.random.Generator) -> list[int]:
        """Draw one to three orders up to 6."""
        return [int(k) for k in rng.integers(1, 7, size=int(rng.integers(1, 4)))]


def law_parameters(names: Iterable[str]) -> tuple[Parameter, ...]:
    """Return `law` and the parameters of all laws of a list, which a caller gives as they apply."""
    names = tuple(names)
    found = {p.name: p for name in reversed(names) for p in LAWS[name].parameters}
    shapes = tuple(
        Parameter(name, found[name].domain, found[name].description, default=None)
        for name in law_shape_names(names)
    )
    return (Parameter("law", Choice(names), "name of the spectral law"), *shapes)


def law_shape_names(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names of the parameters of all laws of a list, each once."""
    return tuple(dict.fromkeys(p.name for name in names for p in LAWS[name].parameters))


def complete_law(parameters: dict[str, Any]) -> Law:
    """Replace the name of the law by the law itself, and return it.

    Raises
    ------
    ValueError
        For a parameter that the law does not have, or one that it lacks.
    """
    law_type = LAWS[parameters["law"]]
    known = [p.name for p in law_type.parameters]
    own = {}
    for name in law_shape_names(CATALOGUE):
        value = parameters.get(name)
        if value is None:
            continue
        if name not in known:
            raise unknown_name(f"parameter of law {law_type.name!r}", name, known)
        own[name] = value
    law: Law = law_type.from_dict(own)
    parameters["law"] = law
    return law
