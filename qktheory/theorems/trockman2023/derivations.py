"""How ZOO-MIM-1 is known: extrema of the map from subordinate to spectral variable."""

from __future__ import annotations

import sympy as sp

from qktheory.symbolic.checks import Reduces
from qktheory.symbolic.derivation import Derivation, Step
from qktheory.theorems.claim import Claim
from qktheory.theorems.derivations import derives, own

s, a, b, r = sp.symbols("s a b r", positive=True)


@derives("ZOO-MIM-1")
def largest_singular_value(claim: Claim) -> Derivation:
    """Find where z(s) = s + a^2 s/(s^2 - beta^2) turns, with r = sqrt(1 + 8 beta^2/a^2)."""
    upper = own(claim, "singular_upper")
    names = {symbol.name: symbol for symbol in upper.free_symbols}
    beta2 = a**2 * (r**2 - 1) / 8
    place = a**2 * (r + 1) * (r + 3) / 8
    z = s + a**2 * s / (s**2 - b**2)
    slope = 1 - a**2 * (s**2 + b**2) / (s**2 - b**2) ** 2
    edge2 = a**2 * (r + 3) ** 3 / (8 * (r + 1))
    alpha, beta = names["alpha"], names["beta"]
    root = sp.sqrt(1 + 8 * beta**2 / alpha**2)
    return Derivation(
        claim.id,
        [
            Step(
                sp.Derivative(z, s),
                "=",
                slope,
                "the resolvent g of the Hermitised matrix solves g = s/(s^2 - beta^2) with "
                "s = z - a^2 g: z(s) = s + a^2 s/(s^2 - beta^2), and edges are its extrema",
                Reduces(),
            ),
            Step(
                slope.subs({s: sp.sqrt(place), b: sp.sqrt(beta2)}),
                "=",
                sp.Integer(0),
                "s^2 = a^2 (r + 1)(r + 3)/8 is the outer root of (s^2 - beta^2)^2 = a^2 (s^2 + "
                "beta^2)",
                Reduces(),
            ),
            Step(
                (z**2).subs({s: sp.sqrt(place), b: sp.sqrt(beta2)}),
                "=",
                edge2,
                "the square of z there",
                Reduces(),
            ),
            Step(
                sp.expand(edge2 * 8 * (r + 1) / a**2),
                "=",
                sp.expand((r + 3) ** 3),
                "in factors, without cancellation",
                Reduces(),
            ),
            Step(
                alpha
                * sp.sqrt(sp.expand((root + 3) ** 3 * (root - 1)) / (64 * beta**2 / alpha**2)),
                "=",
                upper,
                "the stated edge: with r + 1 = 8 (beta/a)^2/(r - 1) below the root",
                Reduces(),
            ),
        ],
        {"singular_upper": upper},
    )
