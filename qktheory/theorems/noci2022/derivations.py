"""How RMT-8 and RMT-9 are known: a recursion of Grams, and Wick pairings of gradients."""

from __future__ import annotations

import sympy as sp

from qktheory.symbolic.checks import Reduces
from qktheory.symbolic.derivation import Derivation, Step
from qktheory.symbolic.symbols import symbol
from qktheory.symbolic.wick import Form, Mean, independent
from qktheory.theorems.claim import Claim
from qktheory.theorems.derivations import derives, own

t, cosine_0 = symbol("T"), symbol("cosine_0")


@derives("RMT-8a")
def cosine_recursion(claim: Claim) -> Derivation:
    """Follow mean diagonal q and mean entry m of the Gram matrix."""
    ratio = own(claim, "norm_squared_ratio")
    (layer,) = (x for x in ratio.free_symbols if x.name.startswith("layer"))
    gain = next(x for x in ratio.free_symbols if x.name == "gain")
    rho = next(x for x in ratio.free_symbols if x.name == "cosine_0")
    size = next(x for x in ratio.free_symbols if x.name == "T")
    C, J = (sp.MatrixSymbol(name, size, size) for name in ("C", "J"))
    words = Reduces(symmetric=(C, J), products={(J, J): J})
    mean, square = sp.symbols("m_over_q_0 q_over_q_0", positive=True)
    start = (1 + (size - 1) * rho) / size
    after = C + gain * J * C * J
    cosine = own(claim, "cosine")
    known = {mean: start * (1 + gain) ** layer, square: ratio}
    return Derivation(
        claim.id,
        [
            Step(
                sp.Trace(J * after),
                "=",
                (1 + gain) * sp.Trace(J * C),
                "the mean entry m = tr(J C)/T is multiplied by 1 + a in every layer",
                words,
            ),
            Step(
                sp.Trace(after) - sp.Trace(J * after),
                "=",
                sp.Trace(C) - sp.Trace(J * C),
                "q - m is conserved",
                words,
            ),
            Step(
                ratio.subs(layer, layer - 1) + gain * start * (1 + gain) ** (layer - 1),
                "=",
                ratio,
                "q grows by a m: closed form of the recursion",
                Reduces(),
            ),
            Step(
                (size * mean - square) / ((size - 1) * square),
                "=",
                cosine,
                "the cosine is the mean off-diagonal entry over the mean diagonal one",
                Reduces(known),
            ),
            Step(
                sp.Limit(cosine, size, sp.oo),
                "=",
                own(claim, "cosine_infinite_t"),
                "many tokens",
                Reduces(),
            ),
            Step(
                1 - cosine,
                "=",
                own(claim, "one_minus_cosine"),
                "without cancellation",
                Reduces(),
            ),
        ],
        {
            name: own(claim, name)
            for name in ("norm_squared_ratio", "cosine", "cosine_infinite_t", "one_minus_cosine")
        },
        complete=True,
    )


@derives("RMT-8c")
def many_layers(claim: Claim) -> Derivation:
    """Let the depth grow at alpha = L^(-1/2)."""
    final = own(claim, "cosine_final")
    depth = next(x for x in final.free_symbols if x.name == "L")
    sigma = next(x for x in final.free_symbols if x.name == "sigma_V")
    growth, n = (1 + sigma**2 / depth) ** depth, sp.Symbol("n", positive=True)
    factor = sp.Symbol("growth", positive=True)
    limit = own(claim, "cosine_limit")
    return Derivation(
        claim.id,
        [
            Step(
                sp.Limit(growth.subs(depth, n), n, sp.oo),
                "=",
                sp.exp(sigma**2),
                "the growth factor of the mean entry after L layers",
                Reduces(),
            ),
            Step(
                final.subs(growth, factor),
                "=",
                limit,
                "put into the closed form of RMT-8a, many tokens",
                Reduces({factor: sp.exp(sigma**2)}),
            ),
        ],
        {"cosine_limit": limit},
        complete=True,
    )


@derives("RMT-9b")
def token_covariance(claim: Claim) -> Derivation:
    """Take the columns of X as vectors of length T with covariance (1 - rho) I + rho T J."""
    value = own(claim, "mean_covariance_norm_squared")
    names = {x.name: x for x in value.free_symbols}
    T, d, rho = names["T"], names["d"], names["cosine"]
    P, J, G = (sp.MatrixSymbol(name, T, T) for name in ("P", "J", "G"))
    u, v = independent("u v", G)
    nothing = sp.ZeroMatrix(T, T)
    rules = {(P, P): P, (J, J): J, (P, J): nothing, (J, P): nothing}
    covariance = (1 - rho) * sp.Identity(T) + rho * T * J
    inserted = sp.Trace(P * covariance * P * covariance)
    square = sp.Trace(P * G * P * G)
    return Derivation(
        claim.id,
        [
            Step(
                Mean(Form(u, P, u) ** 2) - Mean(Form(u, P, v) ** 2),
                "=",
                sp.Trace(P * G) ** 2 + square,
                "P = I - J; d diagonal entries of T C, u^T P u, and d (d - 1) others, u^T P v",
                Reduces(symmetric=(P,)),
            ),
            Step(
                inserted,
                "=",
                (1 - rho) ** 2 * sp.Trace(P),
                "the common part of all tokens is annihilated by P",
                Reduces(symmetric=(P, J), products=rules),
            ),
            Step(
                (d**2 * square + d * square + d * sp.Trace(P * G) ** 2) / T**2,
                "=",
                value,
                "d forms u^T P u and d (d - 1) forms u^T P v, with tr P = T - 1",
                Reduces({square: (1 - rho) ** 2 * (T - 1), sp.Trace(P * G): (1 - rho) * (T - 1)}),
            ),
        ],
        {"mean_covariance_norm_squared": value},
        uses=("Isserlis' theorem",),
        complete=True,
    )


@derives("RMT-9c")
def query_gradient(claim: Claim) -> Derivation:
    """Average ||W_V^T C W_K||_F^2 over columns of both value and key maps."""
    value = own(claim, "mean_gradient_w_q_squared")
    names = {x.name: x for x in value.free_symbols if isinstance(x, sp.Symbol)}
    square = next(x for x in value.atoms(sp.Trace) if isinstance(x.arg, sp.MatPow))
    d = names["d"]
    C = sp.MatrixSymbol("C", d, d)
    one, d_k, d_v = sp.Identity(d), symbol("d_k"), names["d_v"]
    (a,) = independent("a", names["sigma_V"] ** 2 / d * one)
    (b,) = independent("b", names["sigma_K"] ** 2 / d * one)
    norm = next(x for x in value.atoms(sp.Trace) if x != square)
    return Derivation(
        claim.id,
        [
            Step(
                norm / d_k * (d_v * d_k * Mean(Form(a, C, b) ** 2)),
                "=",
                value,
                "RMT-9a: d_v d_k entries a^T C b of independent columns of W_V and W_K, with the "
                "symmetric C = X^T (I - J) X/T",
                Reduces({square: sp.Trace(C * C)}, symmetric=(C,)),
            ),
        ],
        {"mean_gradient_w_q_squared": value},
        uses=("Isserlis' theorem", "RMT-9a"),
        complete=True,
    )
