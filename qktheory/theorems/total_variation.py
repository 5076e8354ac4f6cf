"""How far a law moves when it is reweighted: steps that several derivations share."""

from __future__ import annotations

import sympy as sp

from qktheory.symbolic.checks import NonNegative, Reduces
from qktheory.symbolic.derivation import Step

__all__ = ["TWO_VALUES", "root_excess", "two_value_steps"]

#: Cited by every derivation that uses the steps.
TWO_VALUES = ("total variation at given oscillation is largest for a ratio of two values",)

#: w of sqrt(rho) = 1 + w, rho the largest quotient of two likelihood ratios.
root_excess = sp.Symbol("w", positive=True)


def two_value_steps(root: str) -> list[Step]:
    """Return TV <= w/(w + 2) for a likelihood ratio of two values alpha, alpha (1 + w)^2.

    Parameters
    ----------
    root : str
        How the derivation calls 1 + w, the square root of the quotient of both values.

    Returns
    -------
    list of Step

    Examples
    --------
    >>> [step.recheck() for step in two_value_steps("sqrt(rho)")]
    [True, True]
    """
    low, w = sp.Symbol("alpha", positive=True), root_excess
    ratio = 1 + w
    top = (1 - low) / (low * (ratio**2 - 1))
    return [
        Step(
            top * low * ratio**2 + (1 - top) * low,
            "=",
            sp.S.One,
            f"a likelihood ratio alpha or alpha (1 + w)^2, {root} = 1 + w, has mean 1 with this "
            "probability of the higher value",
            Reduces(),
        ),
        Step(
            top * (low * ratio**2 - 1),
            "<=",
            (ratio - 1) / (ratio + 1),
            "its total variation; the difference is a square over a positive number",
            NonNegative((low * ratio - 1) ** 2 / (low * w * (w + 2))),
        ),
    ]
