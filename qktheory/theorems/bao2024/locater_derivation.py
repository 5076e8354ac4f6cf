"""How LOC-14 is known: gradients as traces against a direction, and the replicator law."""

from __future__ import annotations

import sympy as sp

from qktheory.symbolic.checks import Reduces
from qktheory.symbolic.derivation import Derivation, Step
from qktheory.symbolic.gradient import DirectionalDerivative
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.bao2024 import setting as s
from qktheory.theorems.claim import Claim
from qktheory.theorems.derivations import derives, own


@derives("LOC-14a")
def gradients(claim: Claim) -> Derivation:
    """Compare tr(gradient^T V) with the derivative along V, for every V."""
    product = own(claim, "W_QK")
    penalty = own(claim, "penalty")
    frobenius = own(claim, "penalty_frobenius")
    W_Q, W_K = (product.args[0], product.args[1].arg)

    def step(name: str, along: sp.MatrixSymbol, expression: sp.Expr, factored: bool) -> Step:
        V = sp.MatrixSymbol("V", *along.shape)
        given = {s.W: product} if factored else {}
        inserted = expression.subs(given)
        gradient = own(claim, name)
        return Step(
            DirectionalDerivative(inserted, along, V),
            "=",
            sp.Trace(gradient.T * V),
            f"{name}: tr(gradient^T V) is the derivative along V, for every V",
            Reduces(given),
        )

    trace = sp.Trace(s.W * s.S) / s.temperature
    steps = [
        step("grad_W_QK_frobenius", s.W, frobenius, False),
        step("grad_trace", s.W, trace, False),
        step("grad_W_Q", W_Q, penalty, True),
        step("grad_W_K", W_K, penalty, True),
        step("grad_W_QK", s.W, penalty, False),
    ]
    return Derivation(claim.id, steps, {}, complete=True)


@derives("LOC-14d")
def replicator(claim: Claim) -> Derivation:
    """Follow the eigenvalues mu = w^2 of the balanced flow dw/dt = -2 w (mu - nu)."""
    law = own(claim, "eigenvalues_t")
    time = symbol("time")
    (mu,) = law.atoms(sp.Function)
    xi, eta, d = s.xi, s.eta, symbol("d")
    nu = own(claim, "trace_multiplier")
    w = sp.Function("w", positive=True)(time)
    speed = -2 * w * (w**2 - nu)
    x, y = sp.symbols("mu_j mu_k", positive=True)

    def velocity(value: sp.Expr) -> sp.Expr:
        return law.subs(mu, value)

    rank, k = symbol("rank"), sp.Symbol("k", integer=True)
    return Derivation(
        claim.id,
        [
            Step(
                -4 * (eta - symbol("nu") * xi),
                "=",
                sp.S.Zero,
                "sum of -4 mu_k (mu_k - nu) over k: this nu leaves the trace unchanged",
                Reduces({symbol("nu"): nu}),
            ),
            Step(
                -velocity(x) / x**2 + velocity(y) / y**2,
                "=",
                -4 * nu * (1 / x - 1 / y),
                "d/dt (1/mu_j - 1/mu_k) decays at the rate 4 nu: the limit is flat on the support",
                Reduces(),
            ),
            Step(
                sp.Sum((xi / rank) ** 2, (k, 1, rank)),
                "=",
                own(claim, "eta_min"),
                "tr W^2 of a flat spectrum of this rank and trace xi",
                Reduces(),
            ),
            Step(
                -4 * (eta - symbol("nu") * xi),
                "=",
                own(claim, "trace_leak_rate"),
                "with nu = xi/d instead the trace leaks",
                Reduces({symbol("nu"): xi / d}),
            ),
            Step(
                2 * w * speed,
                "=",
                law,
                "mu = w^2 for W_Q = W_K = diag(w)",
                Reduces({w: sp.sqrt(mu)}),
            ),
        ],
        {
            "eta_min": own(claim, "eta_min"),
            "trace_leak_rate": own(claim, "trace_leak_rate"),
            "eigenvalues_t": law,
        },
        complete=True,
    )
