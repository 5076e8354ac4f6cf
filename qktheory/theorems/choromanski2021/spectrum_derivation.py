"""How ZOO-RF-6a and ZOO-RF-6c are known: Gaussian integrals, one singular direction at a time."""

from __future__ import annotations

import sympy as sp

from qktheory.symbolic.checks import Expands, Reduces, SameIntegrals
from qktheory.symbolic.derivation import Derivation, Step
from qktheory.theorems.choromanski2021 import setting as s
from qktheory.theorems.choromanski2021.feature_derivation import g, gaussian_mean
from qktheory.theorems.claim import CLAIMS, Claim
from qktheory.theorems.derivations import derives, own

#: A sum alpha (|q|^2 + |k|^2) + 2 beta q^T k, and a singular value.
alpha, beta = sp.symbols("alpha beta", real=True)
sigma = sp.Symbol("sigma", positive=True)
_width = sp.Symbol("w", positive=True)


def _one_direction(a: sp.Expr, b: sp.Expr, value: sp.Expr) -> sp.Expr:
    """Return the mean of e^(a (q^2 + k^2) + 2 b q k) along one singular direction."""
    return 1 / sp.sqrt((1 - 2 * value * (a + b)) * (1 - 2 * value * (a - b)))


def _from_one_pair() -> list[Step]:
    """Write the errors of ZOO-RF-1 as exponentials of N = |q|^2 + |k|^2 and q^T k."""
    N, L = sp.symbols("N L", real=True)
    pair, short = CLAIMS["ZOO-RF-1"], Reduces({N: s.N, L: s.norm_x * s.norm_y * s.cosine})
    trig, positive, hyperbolic = (
        s.m * own(pair, f"mse_{kind}") for kind in ("trig", "positive", "hyperbolic")
    )
    kernel2 = sp.exp(2 * L)
    return [
        Step(
            positive,
            "=",
            sp.exp(N + 4 * L) - kernel2,
            "ZOO-RF-1 with q, k in the place of x, y; N = |q|^2 + |k|^2 and L = q^T k",
            short,
        ),
        Step(
            hyperbolic,
            "=",
            (sp.exp(N + 4 * L) - 2 * kernel2 + sp.exp(-N)) / 2,
            "the same for hyperbolic features",
            short,
        ),
        Step(
            trig,
            "=",
            (sp.exp(N) - 2 * kernel2 + sp.exp(-N + 4 * L)) / 2,
            "the same for trigonometric features",
            short,
        ),
        Step(
            positive / own(pair, "kernel") ** 2,
            "=",
            sp.exp(N + 2 * L) - 1,
            "over the square of the kernel",
            short,
        ),
    ]


def _along_one_direction() -> list[Step]:
    """Integrate e^(alpha N + 2 beta q^T k), and say where that is infinite."""
    a, b, p, r = sp.symbols("a b p r", real=True)
    top = sp.Symbol("Lambda", positive=True)
    rotated = {a: (p + r) / sp.sqrt(2), b: (p - r) / sp.sqrt(2)}
    steepest = 1 / (2 * (alpha + beta))
    return [
        Step(
            sigma * (alpha * (a**2 + b**2) + 2 * beta * a * b),
            "=",
            sigma * ((alpha + beta) * p**2 + (alpha - beta) * r**2),
            "balanced factors in the singular bases: q_i = sqrt(sigma_i) a_i, k_i = sqrt(sigma_i) "
            "b_i with independent standard normal a_i, b_i; so are p, r = (a +- b)/sqrt(2)",
            Reduces(rotated),
        ),
        Step(
            sp.Integral(sp.exp(-((_width * g) ** 2) / 2) / sp.sqrt(2 * sp.pi), (g, -sp.oo, sp.oo)),
            "=",
            1 / _width,
            "mean of e^(c g^2), c = (1 - w^2)/2: finite for c < 1/2",
            Reduces(),
        ),
        Step(
            sp.Integral(gaussian_mean(sp.exp(g**2 / 2)).function, (g, -top, top)),
            "=",
            2 * top / sp.sqrt(2 * sp.pi),
            "infinite for c >= 1/2: the integrand is at least that of c = 1/2, which is constant",
            Reduces(),
        ),
        *(
            Step(
                steepest,
                "=",
                sp.Rational(1, 2 * (first + second)),
                f"c = sigma (alpha + beta) reaches 1/2: {what}; no other term grows as fast",
                Reduces({alpha: sp.Integer(first), beta: sp.Integer(second)}),
            )
            for first, second, what in (
                (1, 2, "positive and hyperbolic features, alpha = 1, beta = 2"),
                (1, 1, "relative errors, alpha = beta = 1"),
                (1, 0, "trigonometric features, alpha = 1, beta = 0 (direction r)"),
            )
        ),
    ]


@derives("ZOO-RF-6a")
def errors_of_a_spectrum(claim: Claim) -> Derivation:
    """Reduce the mean over two tokens to one Gaussian integral for each singular value."""
    names = [f"scaled_mean_mse_{kind}" for kind in ("positive", "hyperbolic", "trig")]
    names.append("scaled_mean_relative_mse_positive")
    positive, hyperbolic, trig, relative = (own(claim, name) for name in names)
    nuclear_norm, law = own(claim, "nuclear_norm"), own(claim, "relative_mse_nuclear_law")
    (value,) = relative.atoms(sp.Indexed)
    limits = next(iter(relative.atoms(sp.Product))).limits

    def mean(a: sp.Expr | int, b: sp.Expr | int) -> sp.Expr:
        return sp.Product(_one_direction(sp.sympify(a), sp.sympify(b), value), *limits)

    finite = SameIntegrals({value: (1 - _width) / 2})
    small = SameIntegrals({value: sigma})
    (norm,) = law.free_symbols
    return Derivation(
        claim.id,
        [
            *_from_one_pair(),
            *_along_one_direction(),
            Step(
                mean(1, 2) - mean(0, 1),
                "=",
                positive,
                "directions are independent: a product over i of 1/(w_p w_r), w^2 = 1 - 2 sigma_i "
                "(alpha +- beta), for each exponential",
                small,
            ),
            Step(
                (mean(1, 2) - 2 * mean(0, 1) + mean(-1, 0)) / 2,
                "=",
                hyperbolic,
                "the same for hyperbolic features",
                small,
            ),
            Step(
                (mean(1, 0) - 2 * mean(0, 1) + mean(-1, 2)) / 2,
                "=",
                trig,
                "the same for trigonometric features",
                finite,
            ),
            Step(
                mean(alpha, beta) - 1,
                "=",
                relative,
                "relative errors, alpha = beta = 1",
                SameIntegrals({alpha: sp.S.One, beta: sp.S.One, value: sigma}),
            ),
            Step(
                -sp.log(1 - 4 * sigma) / 2,
                "=",
                2 * sigma,
                "the logarithm of a factor of the product for small sigma",
                Expands(sigma, 2),
            ),
            Step(
                sp.exp(2 * nuclear_norm) - 1,
                "=",
                law,
                "summed over i: the nuclear norm",
                Reduces({nuclear_norm: norm}),
            ),
        ],
        {**{name: own(claim, name) for name in names}, "relative_mse_nuclear_law": law},
        uses=("rotations leave N(0, I) unchanged", "ZOO-RF-1"),
        complete=True,
    )


@derives("ZOO-RF-6c")
def features_at_initialisation(claim: Claim) -> Derivation:
    """Take mean and upper edge of the laws of singular values of W_QK/sqrt(v/d)."""
    edges = {name: own(claim, f"sigma_max_{name}") for name in ("ginibre", "product")}
    norms = {name: own(claim, f"nuclear_norm_{name}") for name in edges}
    widths = {name: own(claim, f"critical_width_{name}") for name in edges}
    (v,) = widths["ginibre"].free_symbols
    x, w, order, edge, mean = sp.symbols("x w s e mu", positive=True)
    positive = {v: sp.Symbol("v", positive=True)}
    steps = [
        Step(
            sp.Integral(x * sp.sqrt(4 - x**2) / sp.pi, (x, 0, 2)),
            "=",
            8 / (3 * sp.pi),
            "singular values of a Ginibre matrix over sqrt(d): mean of the quarter-circle law",
            Reduces(),
        ),
        Step(
            sp.gamma(3 * order + 1) / (sp.gamma(order + 1) * sp.gamma(2 * order + 2)),
            "=",
            sp.Rational(3, 4),
            "of the product of two: moment s = 1/2 of their squares, whose law is Fuss-Catalan",
            Reduces({order: sp.Rational(1, 2)}),
        ),
    ]
    for factors, (name, turn) in enumerate((("ginibre", 1), ("product", sp.Rational(1, 2))), 1):
        inverse = (1 + w) ** (factors + 1) / w
        constant = 8 / (3 * sp.pi) if factors == 1 else sp.Rational(3, 4)
        top2 = inverse.subs(w, turn)
        which = "one Ginibre matrix" if factors == 1 else "two of them"
        steps += [
            Step(
                mean * s.d * sp.sqrt(v / s.d),
                "=",
                norms[name],
                f"d singular values of {which}, in units of sqrt(v/d)",
                Reduces({mean: constant, **positive}),
            ),
            Step(
                sp.Derivative(inverse, w),
                "=",
                (1 + w) ** factors * (factors * w - 1) / w**2,
                f"the squares x of {which}: x = (1 + w)^{factors + 1}/w, least at w = {turn}",
                Reduces(),
            ),
            Step(
                sp.sqrt(inverse) * sp.sqrt(v / s.d),
                "=",
                edges[name],
                "the edge is that least value",
                Reduces({w: sp.sympify(turn), **positive}),
            ),
            Step(
                edge * v / sp.Rational(1, 36),
                "=",
                widths[name],
                "sigma_1^2 = x v/d is 1/36, the threshold of ZOO-RF-6a",
                Reduces({edge: top2}),
            ),
        ]
    return Derivation(
        claim.id,
        steps,
        {
            f"{what}_{name}": found[name]
            for name in edges
            for what, found in (
                ("nuclear_norm", norms),
                ("sigma_max", edges),
                ("critical_width", widths),
            )
        },
        uses=(
            "quarter-circle law (Marchenko, Pastur)",
            "singular values of products of Ginibre matrices (SPEC-7)",
            "no singular value beyond the edge in the limit",
            "ZOO-RF-6a",
        ),
        complete=True,
    )
