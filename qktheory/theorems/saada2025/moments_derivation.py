"""How RMT-1, RMT-4d and RMT-5 are known: exchangeable rows, words, and the delta method."""

from __future__ import annotations

import sympy as sp

from qktheory.symbolic.checks import Reduces
from qktheory.symbolic.derivation import Derivation, Step
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim
from qktheory.theorems.derivations import derives, own
from qktheory.theorems.saada2025 import setting as s

t = s.t
B, J, Q = (sp.MatrixSymbol(name, t, t) for name in ("B", "J", "Q"))
NOTHING = sp.ZeroMatrix(t, t)
#: B has rows of sum 0, Q is row-stochastic, J is the projection on the constant vector.
RULES = {(B, J): NOTHING, (Q, J): J, (J, J): J}
WORDS = Reduces(symmetric=(J,), products=RULES)


@derives("RMT-1")
def second_moments(claim: Claim) -> Derivation:
    """Use exchangeability for the Grams, and the delta method for the expansion."""
    S = sp.Symbol("S", positive=True)
    x, g = sp.Symbol("x", positive=True), sp.Symbol("g", real=True)
    k, width = sp.Symbol("k", positive=True), sp.Symbol("s", positive=True)
    q = sp.Symbol("q", positive=True)
    one, square = sp.symbols("m_1 m_2", positive=True)
    # w = exp(s g - s^2/2) has moments q^(k(k-1)/2): covariances of w and w^2.
    moment = [q ** (n * (n - 1) // 2) for n in range(5)]
    covariance = {
        (one, one): moment[2] - moment[1] ** 2,
        (one, square): moment[3] - moment[1] * moment[2],
        (square, square): moment[4] - moment[2] ** 2,
    }
    ratio = square / one**2
    at = {one: moment[1], square: moment[2]}
    expansion = ratio.subs(at) - 1
    for (a, b), value in covariance.items():
        weight = sp.Rational(1, 2) if a == b else 1
        expansion += weight * sp.diff(ratio, a, b).subs(at) * value / t
    right, left = own(claim, "gram_coefficient_right"), own(claim, "gram_coefficient_left")
    variance = sp.Symbol("row_variance", positive=True)
    c2_t, series = symbol("c2_t"), own(claim, "c2_t_expansion")
    return Derivation(
        claim.id,
        [
            Step(
                sp.Integral(x * sp.exp(-x * S), (x, 0, sp.oo)),
                "=",
                1 / S**2,
                "Laplace: T^2 E A_11^2 becomes the integral of x phi'' phi^(T-1)",
                Reduces(),
            ),
            Step(
                sp.Trace((B + J) * (B + J).T),
                "=",
                sp.Trace(B * B.T) + sp.Trace(J),
                "B 1 = 0: the Frobenius norm of A splits",
                WORDS,
            ),
            Step(
                1 + t * variance,
                "=",
                own(claim, "mean_frobenius_squared"),
                "rows are independent and alike: E B B^T is c_T^2/T times I, of trace c_T^2",
                Reduces({variance: left}),
            ),
            Step(
                c2_t / (t * (1 - 1 / t)),
                "=",
                right,
                "E B^T B = a (I - J) by exchangeable columns and rows of sum 0; its trace is c_T^2",
                Reduces(),
            ),
            Step(
                k * (width * g - width**2 / 2) - g**2 / 2,
                "=",
                k * (k - 1) * width**2 / 2 - (g - k * width) ** 2 / 2,
                "complete the square: w = exp(s g - s^2/2) has moments q^(k (k-1)/2), q = e^(s^2)",
                Reduces(),
            ),
            Step(
                expansion,
                "=",
                series,
                "second-order Taylor mean of T sum w^2/(sum w)^2 about its moments",
                Reduces({q: sp.exp(symbol("s2"))}),
            ),
        ],
        {
            "mean_frobenius_squared": own(claim, "mean_frobenius_squared"),
            "gram_coefficient_right": right,
            "c2_t_expansion": series,
        },
    )


@derives("RMT-5")
def products(claim: Claim) -> Derivation:
    """Average the first layer of a product: E A A^T = r I + J."""
    r, L = symbol("contraction"), s.depth
    norm = own(claim, "mean_product_norm_squared")
    perp = own(claim, "mean_product_norm_squared_perp")
    return Derivation(
        claim.id,
        [
            Step(
                sp.Trace(Q * (B + J) * (B + J).T * Q.T),
                "=",
                sp.Trace(Q * B * B.T * Q.T) + sp.Trace(J),
                "Q a product of other layers, row-stochastic: Q J = J and B J = 0",
                WORDS,
            ),
            Step(sp.Subs(norm, L, 0), "=", t, "no layer: ||I||_F^2 = T", Reduces()),
            Step(sp.Subs(perp, L, 0), "=", t, "no layer: ||I||_F^2 = T", Reduces()),
            Step(
                r * perp.subs(L, L - 1),
                "=",
                perp,
                "without the constant direction E B B^T = r I multiplies by r",
                Reduces(),
            ),
            Step(
                r * norm.subs(L, L - 1) + 1,
                "=",
                norm,
                "E B B^T = r I, tr J = 1: every layer maps the mean n to r n + 1, from n = T",
                Reduces(),
            ),
        ],
        {"mean_product_norm_squared_perp": perp, "mean_product_norm_squared": norm},
    )
