"""How ZOO-SPH-1 is known: scalar products of tokens with one common cosine."""

from __future__ import annotations

import sympy as sp

from qktheory.symbolic.checks import Reduces
from qktheory.symbolic.derivation import Derivation, Step
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim
from qktheory.theorems.derivations import derives, own


@derives("ZOO-SPH-1")
def common_cosine(claim: Claim) -> Derivation:
    """Project the pull of all tokens on one token off that token."""
    flow = own(claim, "found")
    (softmax, model), (unnormalised, _) = flow.args
    T, beta = symbol("T"), symbol("inverse_temperature")
    cosine, number = own(claim, "cosine"), sp.Symbol("g", real=True)
    itself, other = sp.exp(beta), sp.exp(beta * cosine)
    along = itself + (T - 1) * other * cosine
    across = itself * cosine + other + (T - 2) * other * cosine
    pull = other * (1 - cosine) * ((T - 1) * cosine + 1)
    j = sp.Symbol("j", integer=True)
    projected, total = sp.symbols("p Z", real=True)
    known = dict.fromkeys(flow.atoms(sp.core.function.AppliedUndef), number)
    put_in = Reduces({projected: pull.subs(known), **known})
    return Derivation(
        claim.id,
        [
            Step(
                itself + sp.Sum(other * cosine, (j, 2, T)),
                "=",
                along,
                "<x_1, y> of the pull y = sum_j e^(beta <x_1, x_j>) x_j on token 1, where all "
                "pairs have the cosine g: token 1 itself and T - 1 others",
                Reduces(known),
            ),
            Step(
                itself * cosine + other + sp.Sum(other * cosine, (j, 3, T)),
                "=",
                across,
                "<x_2, y>: token 1, token 2, and T - 2 others",
                Reduces(known),
            ),
            Step(
                across - cosine * along,
                "=",
                pull,
                "<x_2, y - <x_1, y> x_1>: the velocity of token 1 is tangential, and a function "
                "of g alone, so a common cosine stays one",
                Reduces(known),
            ),
            Step(
                2 * projected / (itself + sp.Sum(other, (j, 2, T))),
                "=",
                softmax,
                "d<x_1, x_2>/dt under SA: both tokens move, softmax divides by its sum",
                put_in,
            ),
            Step(
                2 * projected / T,
                "=",
                unnormalised,
                "d<x_1, x_2>/dt under USA",
                put_in,
            ),
            Step(
                sp.Piecewise((2 * pull / total, model), (2 * pull / T, True)),
                "=",
                flow,
                "both models",
                Reduces({total: (itself + (T - 1) * other).subs(known), **known}),
            ),
        ],
        {"found": flow},
        uses=("uniqueness of solutions of ordinary differential equations",),
        complete=True,
    )
