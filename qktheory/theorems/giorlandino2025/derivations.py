"""How ENT-15b, d and g are known: odds of cosines, and words of attention and tokens."""

from __future__ import annotations

import sympy as sp

from qktheory.symbolic.checks import Reduces
from qktheory.symbolic.derivation import Derivation, Step
from qktheory.theorems.claim import Claim
from qktheory.theorems.derivations import derives, own

#: v = sigma_V^2/alpha^2 by its name in the table of symbols.
rho, v, Y = sp.symbols("rho gain Y", positive=True)

#: 1 - rho' of the recursion ENT-15a without overlaps, divided by alpha^2.
OTHER = (1 - rho) * (1 + v * Y) / (1 + v * (rho + (1 - rho) * Y))
ODDS = (1 - OTHER) / OTHER


@derives("ENT-15b")
def odds_law(claim: Claim) -> Derivation:
    """Write the recursion in odds."""
    law = own(claim, "cosine_layers")
    names = {s.name: s for s in law.free_symbols}
    (odds,) = (f for f in law.atoms(sp.core.function.AppliedUndef))
    maximum = next(iter(law.atoms(sp.Max)))
    now = sp.Symbol("o", positive=True)
    gain = names["sigma_V"] ** 2 / names["alpha"] ** 2
    return Derivation(
        claim.id,
        [
            Step(
                ODDS,
                "=",
                rho / (1 - rho) * (1 + v) / (1 + v * Y),
                "the map ENT-15a with C = 0, as T grows at fixed d",
                Reduces(),
            ),
            Step(
                now * (1 + v) / (1 + v * Y),
                "=",
                law,
                "o = rho/(1 - rho), so 1 - rho = 1/(1 + o) in Y = max(0, 1 - s_c/s)",
                Reduces({v: gain, odds: now, Y: maximum.subs(odds, now)}),
            ),
        ],
        {"cosine_layers": law},
        uses=("ENT-15a", "ENT-5: C tends to 0 and E Y_2 to max(0, 1 - s_c/s)"),
    )


@derives("ENT-15d")
def diffuse_odds(claim: Claim) -> Derivation:
    """Solve the recursion where rows are diffuse."""
    law = own(claim, "cosine_layers")
    names = {s.name: s for s in law.free_symbols}
    layer, growth = names["l"], sp.Symbol("growth", positive=True)
    gain = names["sigma_V"] ** 2 / names["alpha"] ** 2
    return Derivation(
        claim.id,
        [
            Step(
                ODDS.subs(Y, 0),
                "=",
                rho / (1 - rho) * (1 + v),
                "the map ENT-15a with C = 0 and E Y_2 = 0",
                Reduces(),
            ),
            Step(
                sp.Subs(law, layer, 0),
                "=",
                names["cosine_0"] / (1 - names["cosine_0"]),
                "odds of the input",
                Reduces(),
            ),
            Step(
                growth * law.subs(layer, layer - 1),
                "=",
                law,
                "every layer multiplies the odds by 1 + sigma_V^2/alpha^2",
                Reduces({growth: 1 + gain}),
            ),
        ],
        {"cosine_layers": law},
        uses=("ENT-15a",),
        complete=False,
    )


@derives("ENT-15g")
def output_gram(claim: Claim) -> Derivation:
    """Average over W_V, then use that rows of A sum to 1."""
    law = own(claim, "output_gram")
    names = {s.name: s for s in law.free_symbols}
    T = sp.Symbol("T", integer=True, positive=True)
    A, O = sp.MatrixSymbol("A", T, T), sp.MatrixSymbol("O", T, T)
    cosine, sigma = names["cosine"], names["sigma_V"]
    tokens = cosine * O + (1 - cosine) * sp.Identity(T)
    symbols = [s for s in law.free_symbols if s.name not in ("cosine", "sigma_V")]
    gram = next(s for s in symbols if "A" in s.name)
    ones = next(s for s in symbols if s != gram)
    # y_t . y_u = sum over d rows w of W_V of (w.a)(w.b), E w w^T = (sigma_V^2/d) I.
    return Derivation(
        claim.id,
        [
            Step(
                A * tokens * A.T,
                "=",
                cosine * O + (1 - cosine) * A * A.T,
                "Gram matrix of averages of simplex tokens, O the matrix of ones: A O = O",
                Reduces(symmetric=(O,), products={(A, O): O}),
            ),
            Step(
                sigma**2 * sp.Symbol("gram"),
                "=",
                law,
                "W_V with entries of variance sigma_V^2/d multiplies mean inner products by "
                "sigma_V^2",
                Reduces({sp.Symbol("gram"): cosine * ones + (1 - cosine) * gram}),
            ),
        ],
        {"output_gram": law},
        complete=True,
    )
