"""How LOC-4a and LOC-5a are known: the limit profile, and where its minimum is largest."""

from __future__ import annotations

import sympy as sp

from qktheory.symbolic.checks import NonNegative, Reduces
from qktheory.symbolic.derivation import Derivation, Step
from qktheory.symbolic.functions import NormalInterval
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.bao2024 import setting as s
from qktheory.theorems.bao2024.moments import C_NORM_SQUARED, CENTRED_VARIANCE
from qktheory.theorems.claim import Claim
from qktheory.theorems.derivations import derives, own

theta, v = symbol("theta"), symbol("v")
size = sp.Symbol("T", positive=True)


def _at_theta(expression: sp.Expr) -> sp.Expr:
    """Put a finite-T polynomial at key = theta T, with T a positive number."""
    values = {symbol("c_norm_squared"): C_NORM_SQUARED, s.gamma: s.WALK["gamma"]}
    return expression.subs(values).subs(s.i, theta * s.t).subs(s.t, size)


@derives("LOC-4a")
def limit_profile(claim: Claim) -> Derivation:
    """Let T grow in the Gaussian probability that a key is alive."""
    variance = _at_theta(CENTRED_VARIANCE.subs(s.eta_F, s.eta))
    drift = _at_theta(s.xi * s.gamma)
    low, high = (sp.Limit((end - drift) / size, size, sp.oo) for end in (-1, size - 1))
    scale = sp.sqrt(s.eta) * sp.sqrt(v)
    return Derivation(
        claim.id,
        [
            Step(
                sp.Limit(variance / size**2, size, sp.oo) / s.eta,
                "=",
                2 * theta**2 - 2 * theta + sp.Rational(7, 12),
                "variance of a centred logit of LOC-1a for symmetric M, over eta T^2",
                Reduces(),
            ),
            Step(
                2 * theta**2 - 2 * theta + sp.Rational(7, 12),
                "=",
                own(claim, "v"),
                "complete the square about theta = 1/2",
                Reduces(),
            ),
            Step(
                NormalInterval(low / scale, high / scale),
                "=",
                own(claim, "rho"),
                "P(-1 < q < T - 1) of a Gaussian q with mean xi gamma and this variance",
                Reduces(),
            ),
        ],
        {"v": own(claim, "v"), "rho": own(claim, "rho")},
        uses=("central limit theorem for sums of chi-squares without dominant term",),
        complete=True,
    )


@derives("LOC-5a")
def contrast_theorem(claim: Claim) -> Derivation:
    """Find where the minimum of the profile turns, and see the maximum fall."""
    A, a, b = sp.symbols("A a b", positive=True)
    sigma = symbol("sigma")
    x = sp.Symbol("x", positive=True)
    density = sp.exp(-(x**2) / 2) / sp.sqrt(2 * sp.pi)
    lowest = NormalInterval(A / sigma, (1 + A) / sigma)
    slope = (A * density.subs(x, A / sigma) - (1 + A) * density.subs(x, (1 + A) / sigma)) / sigma**2
    highest = NormalInterval(-a / sigma, b / sigma)
    fall = (a * density.subs(x, a / sigma) + b * density.subs(x, b / sigma)) / sigma**2
    gap = sp.log(A * density.subs(x, A / sigma)) - sp.log(
        (1 + A) * density.subs(x, (1 + A) / sigma)
    )
    turning = (1 + 2 * A) / (2 * sigma**2) - sp.log(1 + 1 / A)
    variance = sp.Rational(7, 12) * sp.Symbol("eta", positive=True)
    eta_1 = own(claim, "eta_1")
    return Derivation(
        claim.id,
        [
            Step(
                sp.Derivative(highest, sigma),
                "<=",
                sp.S.Zero,
                "a key whose alive interval (-a, b) contains 0 is less alive for larger sigma, "
                "so max rho decreases in eta",
                NonNegative(fall),
            ),
            Step(
                sp.Derivative(lowest, sigma),
                "=",
                slope,
                "min rho = rho_0 = P(A < sigma Z < 1 + A), A = |xi|/2",
                Reduces(),
            ),
            Step(
                gap,
                "=",
                turning,
                "rho_0 increases in sigma if and only if A phi(A/sigma) > (1+A) phi((1+A)/sigma), "
                "that is if this is positive",
                Reduces(),
            ),
            Step(
                turning.subs(sigma, sp.sqrt(variance)),
                "=",
                sp.Rational(6, 7) * (1 + 2 * A) / sp.Symbol("eta", positive=True)
                - sp.log(1 + 1 / A),
                "sigma^2 = eta v(0) = 7 eta/12",
                Reduces(),
            ),
            Step(
                sp.Rational(6, 7) * (1 + 2 * A) / sp.log(1 + 1 / A),
                "=",
                eta_1,
                "the root in eta, with A = |xi|/2",
                Reduces({A: sp.Abs(s.xi) / 2}),
            ),
        ],
        {"eta_1": eta_1},
        complete=False,
    )
