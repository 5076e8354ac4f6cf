"""How ZOO-FAST-2 is known: Q falls with the score, and a lemma on reweighted laws."""

from __future__ import annotations

import sympy as sp

from qktheory.symbolic.checks import NonNegative, Reduces, SameIntegrals
from qktheory.symbolic.derivation import Derivation, Step
from qktheory.theorems.claim import Claim
from qktheory.theorems.derivations import derives, own
from qktheory.theorems.gerami2024.factorised import A, S, share_of_row
from qktheory.theorems.total_variation import TWO_VALUES, root_excess, two_value_steps

s = sp.Symbol("s", real=True)
l, p = (sp.Symbol(name, integer=True, positive=True) for name in "lp")
half = sp.Symbol("h", integer=True, nonnegative=True)


def _falling() -> list[Step]:
    """Return dQ(p+1, s)/ds = -e^(-s) s^p/p! for Q = e^(-s) sum_(l <= p) s^l/l!."""
    term = sp.Function("a")
    return [
        Step(
            sp.Derivative(sp.exp(-s) * s**l / sp.factorial(l), s),
            "=",
            sp.exp(-s) * (s ** (l - 1) / sp.factorial(l - 1) - s**l / sp.factorial(l)),
            "a term of Q(p+1, s) = e^(-s) f_p(s), f_p(s) = sum_(l <= p) s^l/l!: it falls like the "
            "difference a_(l-1) - a_l, and e^(-s) like -a_0, a_l = e^(-s) s^l/l!",
            Reduces(),
        ),
        Step(
            sp.Sum(term(l - 1) - term(l), (l, 1, p)) - term(0),
            "=",
            -term(p),
            "the sum telescopes: dQ/ds = -e^(-s) s^p/p!",
            Reduces(),
        ),
        Step(
            sp.exp(-s) * s ** (2 * half) / sp.factorial(2 * half),
            ">=",
            sp.S.Zero,
            "for even p = 2h: Q falls, so Q(p+1, R) <= Q(p+1, s) <= Q(p+1, -R)",
            NonNegative(sp.exp(-s) * s ** (2 * half) / sp.factorial(2 * half)),
        ),
    ]


def _bound(bound: sp.Expr) -> list[Step]:
    (root,) = (x for x in bound.atoms(sp.Pow) if x.exp == sp.Rational(1, 2))
    return [
        *two_value_steps("sqrt(rho)"),
        Step(
            root_excess / (root_excess + 2),
            "=",
            bound,
            "rho = Q(p+1, -R)/Q(p+1, R) bounds the quotient of two likelihood ratios; attained "
            "where keys of softmax weight 1/(1 + sqrt(rho)) in all are at -R and the others at R",
            Reduces({root_excess: root - 1}),
        ),
    ]


@derives("ZOO-FAST-2a")
def reweighting(claim: Claim) -> Derivation:
    """Write f_p as e^s Q(p+1, s), and divide by the sum of exponentials."""
    truncated, bound = own(claim, "attention_truncated"), own(claim, "tv_bound")
    f, total = sp.Function("f_p"), sp.Symbol("Z", positive=True)
    given: dict[sp.Basic, sp.Basic] = {}
    for weight in truncated.atoms(sp.Function):
        (score,) = weight.atoms(sp.Indexed)
        given[weight] = sp.exp(-score) * f(score)
        given[A[score.indices]] = sp.exp(score) / total
    return Derivation(
        claim.id,
        [
            Step(
                share_of_row(lambda at: f(S[at]) / total),
                "=",
                truncated,
                "f_p(s) = e^s Q(p+1, s) and A_ij = e^(s_ij)/Z, Z the sum of e^(s_ij) over the row",
                SameIntegrals(given),
            ),
            *_falling(),
            *_bound(bound),
        ],
        {"attention_truncated": truncated, "tv_bound": bound},
        uses=TWO_VALUES,
        complete=True,
    )


@derives("ZOO-FAST-2b")
def worst_row(claim: Claim) -> Derivation:
    """Bound the quotient of likelihood ratios on |s| <= R."""
    bound = own(claim, "tv_bound")
    return Derivation(
        claim.id,
        [*_falling(), *_bound(bound)],
        {"tv_bound": bound},
        uses=(*TWO_VALUES, "ZOO-FAST-2a"),
        complete=True,
    )
