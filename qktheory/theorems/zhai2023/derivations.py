"""How ENT-9a and ENT-10b are known: critical points, and a certificate for KL* <= D^2/8."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import mpmath
import sympy as sp

from qktheory.symbolic.checks import Certified, Expands, Reduces, Sampled
from qktheory.symbolic.derivation import Derivation, Step
from qktheory.theorems.claim import Claim
from qktheory.theorems.derivations import derives, own


@derives("ENT-9a")
def ball(claim: Claim) -> Derivation:
    """Reduce the minimum to one high logit, and compare with random rows."""
    value = own(claim, "min_entropy")
    names = {s.name: s for s in value.free_symbols}
    T, radius = names["T"], names["radius"]
    keys = sp.Symbol("n", positive=True)
    delta, beta, x, Z, mu = sp.symbols("Delta beta x Z mu", positive=True)
    a = sp.Symbol("a", real=True)
    gap = radius * sp.sqrt(T / (T - 1))
    shifted = gap.subs(T, keys + 1)
    stationarity = sp.exp(x) * (x - a) / Z - mu * x
    entropy = sp.Symbol("H", positive=True)
    rest = (T - 1) * beta

    def draw(number: int) -> Mapping[sp.Basic, Any]:
        """Draw a row of 2 to 7 logits, from narrow to wide."""
        count = 2 + number % 6
        rng = mpmath.mp
        spread = mpmath.mpf(10) ** (mpmath.mpf(number % 9) / 4 - 1)
        phases = [mpmath.frac(mpmath.sqrt(2) * (number + 1) * (k + 1) ** 2) for k in range(count)]
        row = [spread * (3 * p - 1) for p in phases]
        total = sum(rng.exp(v) for v in row)
        weights = [rng.exp(v) / total for v in row]
        mean = sum(row) / count
        return {
            T: mpmath.mpf(count),
            radius: mpmath.sqrt(sum((v - mean) ** 2 for v in row)),
            entropy: -sum(p * mpmath.log(p) for p in weights),
        }

    return Derivation(
        claim.id,
        [
            Step(
                (delta * (1 - 1 / T)) ** 2 + (T - 1) * (delta / T) ** 2,
                "=",
                radius**2,
                "one logit higher by D = r sqrt(T/(T-1)) is at distance r from the mean",
                Reduces({delta: gap}),
            ),
            Step(
                sp.Derivative(stationarity, x, x),
                "=",
                sp.exp(x) * (2 + x - a) / Z,
                "stationarity f(l_j) = 0 on the sphere: f'' changes sign once",
                Reduces(),
            ),
            Step(
                sp.Limit(sp.exp(x) * (1 + x - a) / Z - mu, x, -sp.oo),
                "=",
                -mu,
                "f' < 0 far left: f falls, then rises, so at most two levels; swaps inside the "
                "upper one lower H, so it holds one logit",
                Reduces(),
            ),
            Step(
                sp.log(1 + rest) + delta * rest / (1 + rest),
                "=",
                value,
                "entropy log Z - <l> of one logit at 0 and T - 1 at -D, beta = e^-D",
                Reduces({beta: sp.exp(-shifted), delta: shifted, T: keys + 1}),
            ),
            Step(
                entropy,
                ">=",
                value,
                "the minimum over the ball, by the argument above; rows compared with it",
                Sampled(40, draw=draw, inputs="rows of 2 to 7 logits"),
            ),
        ],
        {"min_entropy": value},
    )


@derives("ENT-10b")
def relaxed_range(claim: Claim) -> Derivation:
    """Maximise over the fraction of high logits, then certify the quadratic bound."""
    star, quadratic = own(claim, "kl_star"), own(claim, "kl_quadratic")
    (D,) = star.free_symbols
    fraction = own(claim, "p_star")
    p, excess = sp.symbols("p e", positive=True)
    width = sp.Symbol(D.name, positive=True)
    total = p * sp.exp(D) + 1 - p
    divergence = D * p * sp.exp(D) / total - sp.log(total)
    positive = {D: width}
    return Derivation(
        claim.id,
        [
            Step(
                sp.Subs(sp.Derivative(divergence, p), p, fraction),
                "=",
                sp.S.Zero,
                "log T - H at a fraction p of high logits is stationary at p*",
                Reduces(positive),
            ),
            Step(
                divergence.subs(p, fraction),
                "=",
                star,
                "its value there, M = D/(1 - e^-D)",
                Reduces(positive),
            ),
            Step(
                width / (1 - sp.exp(-width)),
                "=",
                1 + width / 2 + width**2 / 12,
                "M near D = 0, up to the third order",
                Expands(width, 3),
            ),
            Step(
                excess - sp.log(1 + excess),
                "=",
                excess**2 / 2,
                "M - 1 - log M at M = 1 + e, up to the third order: KL* = D^2/8 + O(D^3), so the "
                "quadratic bound is an equality in the limit",
                Expands(excess, 3),
            ),
            Step(
                star,
                "<=",
                quadratic,
                "KL* <= D^2/8 for D from 1/4 to 60",
                Certified({width: ("1/4", 60)}, positive),
            ),
        ],
        {"kl_star": star, "kl_quadratic": quadratic},
    )
