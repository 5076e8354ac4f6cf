"""Derivations of the claims: found by the id of the claim, built when somebody asks.

A module of `qktheory.theorems` registers a function with `derives`; it gets the claim and returns a
`Derivation` that ends in the claim's own expressions. A claim that is changed, as in its wrong
twin, therefore no longer follows from its derivation.
"""

from __future__ import annotations

from collections.abc import Callable

import sympy as sp

from qktheory.base.errors import bad_value
from qktheory.base.registry import Registry
from qktheory.symbolic.derivation import Derivation
from qktheory.theorems.claim import CLAIMS, Claim, Routine

__all__ = ["DERIVATIONS", "derivation_of", "derive", "derives", "own"]

Build = Callable[[Claim], Derivation]

DERIVATIONS: Registry[Build] = Registry("derivation", "qktheory.theorems")


def derives(*claims: str) -> Callable[[Build], Build]:
    """Return a decorator that registers a function as the derivation of some claims.

    Parameters
    ----------
    *claims : str
        Ids of the claims.

    Returns
    -------
    callable
    """

    def add(build: Build) -> Build:
        for claim in claims:
            DERIVATIONS.add(claim, build)
        return build

    return add


def own(claim: Claim, name: str) -> sp.Basic:
    """Return the SymPy expression of a claim's value: the one it shows and evaluates.

    Parameters
    ----------
    claim : Claim
    name : str
        Name of a value or of an auxiliary definition.

    Returns
    -------
    sympy.Basic
        The expression, or the statement of a routine; of an equation, its right side.

    Examples
    --------
    >>> own(CLAIMS["LOC-1a"], "mean_centred_logit")
    gamma*xi
    """
    definition = claim.values[name] if name in claim.values else claim.where[name]
    stated = sp.sympify(definition.statement if isinstance(definition, Routine) else definition)
    return stated.rhs if isinstance(stated, sp.Eq) else stated


def derivation_of(claim: Claim) -> Derivation | None:
    """Return the derivation of a claim as it stands, None if there is none."""
    return DERIVATIONS[claim.id](claim) if claim.id in DERIVATIONS else None


def derive(claim: str) -> Derivation:
    """Return the derivation of a claim.

    Parameters
    ----------
    claim : str
        Id of one claim, ``"LOC-1b"``.

    Returns
    -------
    Derivation
        Its ``recheck()`` computes every step again and returns those that fail.

    Raises
    ------
    ValueError
        For an unknown claim, or one without derivation.

    Examples
    --------
    >>> derive("LOC-1b").status
    'proved'
    """
    found = derivation_of(CLAIMS[claim])
    if found is None:
        raise bad_value("claim", claim, "a claim with a derivation; see `qktheory claims`")
    return found
