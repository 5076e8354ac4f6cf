"""How LOC-1 and LOC-2b are known: sums over the steps of the walk, and Wick pairings."""

from __future__ import annotations

import sympy as sp

from qktheory.symbolic.checks import Reduces
from qktheory.symbolic.derivation import Derivation, Step
from qktheory.symbolic.symbols import matrix, symbol
from qktheory.symbolic.wick import Covariance, Form, JointCumulant, Mean, correlated
from qktheory.theorems.bao2024 import setting as s
from qktheory.theorems.claim import Claim
from qktheory.theorems.derivations import derives, own

t, i, j = s.t, s.i, s.j
step = sp.Symbol("s", integer=True, positive=True)
c_norm_squared, c_dot, gamma_2 = symbol("c_norm_squared"), symbol("c_dot"), symbol("gamma_2")

#: q_i = u^T M v with u = sum c_s z_s, v = sum z_s; c_s is 1 - tail up to i and -tail after it.
TAIL = (t - step + 1) / t


def _walk_steps(claim: Claim) -> list[Step]:
    """Return the inner products 1.c, c.c and c.c' as sums over the steps of the walk."""
    first = sp.Min(i, j)
    in_order = {first: i}
    return [
        Step(
            sp.Sum(1 - TAIL, (step, 1, i)) - sp.Sum(TAIL, (step, i + 1, t)),
            "=",
            own(claim, "gamma"),
            "gamma_i = 1.c: q_i weighs step s by c_s = [s <= i] - (T - s + 1)/T",
            Reduces(),
        ),
        Step(
            sp.Sum((1 - TAIL) ** 2, (step, 1, i)) + sp.Sum(TAIL**2, (step, i + 1, t)),
            "=",
            own(claim, "c_norm_squared"),
            "|c|^2, summed over the steps",
            Reduces(),
        ),
        Step(
            sp.Sum((1 - TAIL) ** 2, (step, 1, i))
            - sp.Sum((1 - TAIL) * TAIL, (step, i + 1, j))
            + sp.Sum(TAIL**2, (step, j + 1, t)),
            "=",
            own(claim, "c_dot"),
            "c_i.c_j for i <= j; the other order by symmetry",
            Reduces(in_order),
        ),
    ]


@derives("LOC-1a")
def moments(claim: Claim) -> Derivation:
    """Derive means and covariances of logits of a walk."""
    traces = {symbol(name): own(claim, name) for name in ("xi", "eta", "eta_F")}
    a, b, v = correlated(
        "u_i u_j v",
        [[c_norm_squared, c_dot, s.gamma], [c_dot, c_norm_squared, gamma_2], [s.gamma, gamma_2, t]],
        s.S,
    )
    least = sp.Min(i, j)
    x, y, q = correlated("x_i x_j x_T", [[i, least, i], [least, j, j], [i, j, t]], s.S)
    whitened = Reduces(traces)
    wick = "Isserlis: pairings of E u v^T = gamma Sigma, E v v^T = T Sigma"
    return Derivation(
        claim.id,
        [
            Step(
                Mean(Form(x, s.W, q)) / s.temperature,
                "=",
                own(claim, "mean_logit"),
                "E x_i x_T^T = i Sigma",
                whitened,
            ),
            Step(
                Covariance(Form(x, s.W, q), Form(y, s.W, q)) / s.temperature**2,
                "=",
                own(claim, "cov_logit"),
                "Isserlis: pairings of E x_i x_j^T = min(i, j) Sigma",
                whitened,
            ),
            *_walk_steps(claim),
            Step(
                Mean(Form(a, s.W, v)) / s.temperature,
                "=",
                own(claim, "mean_centred_logit"),
                wick,
                whitened,
            ),
            Step(
                Covariance(Form(a, s.W, v), Form(a, s.W, v)) / s.temperature**2,
                "=",
                own(claim, "var_centred_logit"),
                wick,
                whitened,
            ),
            Step(
                Covariance(Form(a, s.W, v), Form(b, s.W, v)) / s.temperature**2,
                "=",
                own(claim, "cov_centred_logit"),
                wick,
                whitened,
            ),
        ],
        {
            name: own(claim, name)
            for name in (
                *("c_norm_squared", "gamma", "c_dot", "mean_logit", "cov_logit"),
                *("mean_centred_logit", "var_centred_logit", "cov_centred_logit"),
            )
        },
        uses=("Isserlis' theorem",),
        complete=True,
    )


@derives("LOC-1b")
def limit_variance(claim: Claim) -> Derivation:
    """Let T grow at key = theta T."""
    from qktheory.theorems.bao2024.moments import C_NORM_SQUARED, CENTRED_VARIANCE

    theta = symbol("theta")
    size = sp.Symbol("T", positive=True)
    finite = CENTRED_VARIANCE.subs(c_norm_squared, C_NORM_SQUARED).subs(s.gamma, s.WALK["gamma"])
    placed = (finite / t**2).subs(i, theta * t).subs(t, size)
    limit = own(claim, "var_limit")
    profile = 2 * theta**2 - 2 * theta + sp.Rational(7, 12)
    return Derivation(
        claim.id,
        [
            Step(
                sp.Limit(placed, size, sp.oo).subs(s.eta_F, s.eta),
                "=",
                s.eta * profile,
                "symmetric M, eta_F = eta: the profile v(theta) from the polynomials of LOC-1a",
                Reduces(),
            ),
            Step(
                sp.Limit(placed, size, sp.oo),
                "=",
                limit,
                "Var q_i / T^2 of LOC-1a at i = theta T",
                Reduces(),
            ),
        ],
        {"var_limit": limit},
        complete=True,
    )


@derives("LOC-2b")
def cumulants(claim: Claim) -> Derivation:
    """Derive the third and fourth cumulant for symmetric M."""
    M = matrix("M")
    identity = sp.Identity(M.shape[0])
    r2 = s.r_squared
    u, v = correlated("u v", [[r2 / t, s.gamma], [s.gamma, t]], identity)
    form = Form(u, M, v)
    power_sums = {symbol(f"trace_{k}"): own(claim, f"trace_{k}") for k in (3, 4)}
    connected = Reduces(power_sums, symmetric=(M,))
    r = sp.Symbol("r", positive=True)
    mu, tau = symbol("eigenvalue"), symbol("tau")
    D = s.D
    return Derivation(
        claim.id,
        [
            Step(
                (1 - sp.I * tau * mu * (s.gamma + r)) * (1 - sp.I * tau * mu * (s.gamma - r)),
                "=",
                1 - 2 * sp.I * tau * s.gamma * mu + tau**2 * D * mu**2,
                "chi-squares with weights mu (gamma +- r)/2, r^2 = gamma^2 + D",
                Reduces({r: sp.sqrt(s.gamma**2 + D)}),
            ),
            Step(
                JointCumulant(form, form, form),
                "=",
                own(claim, "cumulant_3"),
                "connected pairings of three forms, |u|^2 = r^2/T, u.v = gamma, |v|^2 = T",
                connected,
            ),
            Step(
                JointCumulant(form, form, form, form),
                "=",
                own(claim, "cumulant_4"),
                "connected pairings of four forms",
                connected,
            ),
        ],
        {name: own(claim, name) for name in ("cumulant_3", "cumulant_4")},
        uses=("Isserlis' theorem",),
    )
