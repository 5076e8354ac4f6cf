"""How SPEC-10 is known: eigenvalues and singular values of a product of two Gaussian factors."""

from __future__ import annotations

import sympy as sp

from qktheory.symbolic.checks import Reduces
from qktheory.symbolic.derivation import Derivation, Step
from qktheory.theorems.claim import Claim
from qktheory.theorems.derivations import derives

kappa, r, y, F = sp.symbols("kappa r y F", positive=True)


@derives("SPEC-10a")
def product_of_factors(claim: Claim) -> Derivation:
    """Invert S-transforms: radial distribution, planar density, edges and first moments."""
    S = 1 / ((1 + y) * (1 + kappa * y))
    root = sp.sqrt((1 - kappa) ** 2 + 4 * kappa * r**2)
    radial = (-(1 - kappa) + root) / (2 * kappa)
    inverse = (1 + y) * (1 + kappa * y) ** 2 / (kappa * y)
    edge_root = sp.sqrt(kappa**2 + 8 * kappa)
    moments = 1 + 2 * kappa, kappa**2
    m_1, m_2, e = 1 / kappa, moments[0] / moments[1], sp.Symbol("e", positive=True)
    psi = m_1 * e + m_2 * e**2
    return Derivation(
        claim.id,
        [
            Step(
                1 / S.subs(y, F - 1),
                "=",
                F * (1 - kappa + kappa * F),
                "the radial distribution function F solves S(F - 1) = 1/r^2",
                Reduces(),
            ),
            Step(
                radial * (1 - kappa + kappa * radial),
                "=",
                r**2,
                "its root between 0 and 1",
                Reduces(),
            ),
            Step(
                sp.Derivative(radial, r) / (2 * sp.pi * r),
                "=",
                1 / (sp.pi * root),
                "planar density of an isotropic law",
                Reduces(),
            ),
            *(
                Step(
                    sp.numer(sp.together(sp.diff(inverse, y))).subs(
                        y, (-kappa + sign * edge_root) / (4 * kappa)
                    ),
                    "=",
                    sp.S.Zero,
                    "edges of the squared singular values are where z'(y) = 0, "
                    f"{'upper' if sign > 0 else 'lower'} one",
                    Reduces(),
                )
                for sign in (1, -1)
            ),
            Step(
                sp.series(sp.expand(e * (1 + psi) * (1 + kappa * psi) ** 2), e, 0, 3).removeO(),
                "=",
                kappa * psi,
                "first moments m_1 = 1/kappa, m_2 = (1 + 2 kappa)/kappa^2: psi = m_1/z + m_2/z^2 "
                "solves z(psi) = z to second order in e = 1/z",
                Reduces(),
            ),
        ],
        {},
        uses=(
            "S-transforms of free products multiply",
            "law of a bi-invariant matrix by its singular values (Haagerup, Larsen)",
        ),
    )
