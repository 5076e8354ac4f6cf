"""How ZOO-GLA-2 is known: Wick pairings, and a square that is completed."""

from __future__ import annotations

import sympy as sp

from qktheory.symbolic.checks import Reduces
from qktheory.symbolic.derivation import Derivation, Step
from qktheory.symbolic.wick import Form, Mean, correlated, independent
from qktheory.theorems.claim import Claim
from qktheory.theorems.derivations import derives, own
from qktheory.theorems.li2025.weighted_descent import R, d, examples, noise, omega, r, ridge


def _moments() -> list[Step]:
    """Average over examples x_i, the query x and the task vectors w_i, w_j, w."""
    one = sp.Identity(d)
    r_i, r_j, R_ij = sp.symbols("r_i r_j R_ij", real=True)
    x, x_i, x_j = independent("x x_i x_j", one)
    w_i, w_j, w = correlated("w_i w_j w", [[1, R_ij, r_i], [R_ij, 1, r_j], [r_i, r_j, 1]], one)

    def product(a: sp.Basic, b: sp.Basic) -> sp.Expr:
        return Form(a, one, b)

    first = product(x, x_i) * product(x_i, w_i)
    return [
        Step(
            Mean(product(x, w) ** 2),
            "=",
            d,
            "label of the query, without its noise s^2",
            Reduces(),
        ),
        Step(
            Mean(first * product(x, w)),
            "=",
            d * r_i,
            "the prediction is sum_i omega_i x^T x_i y_i, y_i = x_i^T w_i + noise: with the label",
            Reduces(),
        ),
        Step(
            Mean(first * product(x, x_j) * product(x_j, w_j)),
            "=",
            d * R_ij,
            "terms of two different examples",
            Reduces(),
        ),
        Step(
            Mean(first**2),
            "=",
            d * (d + 2),
            "the square of one term",
            Reduces(),
        ),
        Step(
            Mean(product(x, x_i) ** 2),
            "=",
            d,
            "the square of its noise, over s^2",
            Reduces(),
        ),
    ]


@derives("ZOO-GLA-2")
def optimal_weights(claim: Claim) -> Derivation:
    """Collect the mean square error, complete the square, restrict to equal weights."""
    risk, best, uniform = (own(claim, name) for name in ("risk", "risk_optimal", "risk_uniform"))
    weights = own(claim, "weights_optimal")
    inverse = next(iter(weights.atoms(sp.Inverse)))
    G = sp.MatrixSymbol("G", examples, examples)
    one, shift = sp.Identity(examples), d + 1 + noise
    rest = one - shift * G
    of_inverse = Reduces({inverse: G}, symmetric=(R, G), products={(R, G): rest, (G, R): rest})
    distance = omega - G * r
    cross, square = sp.Trace(omega.T * r), sp.Trace(omega.T * omega)
    c, total, curvature = sp.symbols("c S_r S_R", positive=True)
    (squared,) = uniform.atoms(sp.Pow) & {x for x in uniform.atoms(sp.Pow) if x.exp == 2}
    row = squared.base
    (quadratic,) = uniform.atoms(sp.Trace) - {row}
    return Derivation(
        claim.id,
        [
            *_moments(),
            Step(
                (d + noise)
                - 2 * d * cross
                + d * (sp.Trace(omega.T * R * omega) - square)
                + (d * (d + 2) + noise * d) * square,
                "=",
                risk,
                "mean square error: off-diagonal and diagonal terms, R_ii = 1",
                Reduces(symmetric=(R,)),
            ),
            Step(
                risk - d * sp.Trace(distance.T * ridge * distance),
                "=",
                best,
                "the square completed, G = (R + (d + 1 + s^2) I)^(-1): R has no negative "
                "eigenvalue, so the risk is least at the weights G r",
                of_inverse,
            ),
            Step(
                (d + noise)
                - 2 * d * c * total
                + d * c**2 * curvature
                - d * curvature * (c - total / curvature) ** 2,
                "=",
                uniform,
                "the same for equal weights omega = c 1: S_r = 1^T r and S_R = 1^T (R + (d + 1 "
                "+ s^2) I) 1",
                Reduces({row: total, quadratic: curvature}),
            ),
        ],
        {"risk": risk, "risk_optimal": best, "risk_uniform": uniform},
        uses=("Isserlis' theorem",),
        complete=True,
    )
