"""ENT-10c: the chain of entropies of a row, and its deficit as an integral over tilts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp

from qktheory.numerics.tilt_integral import tilt_integral
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import Identity, PathwiseBound
from qktheory.theorems.zhai2023 import setting as s

renyi2 = symbol("renyi2")
_tilt = sp.Symbol("t", nonnegative=True)

#: Steps of the two chains, from below.
_STEPS = (
    ("half_renyi2", "min_information"),
    ("min_information", "renyi2"),
    ("renyi2", "entropy"),
    ("entropy", "log_t"),
    ("entropy_deficit", "log_t_participation"),
    ("log_t_participation", "t_participation_minus_one"),
    ("entropy_deficit", "tilt_gap"),
)


def _pairs(
    parameters: Mapping[str, Any], values: Mapping[str, Any], rng: np.random.Generator
) -> list[tuple[float, float]]:
    """Return the steps whose sides are above the rounding of ln T."""
    pairs = [(float(values[a]), float(values[b])) for a, b in _STEPS]
    return [pair for pair in pairs if max(pair) > 1e-4]


def _draw(rng: np.random.Generator) -> dict[str, Any]:
    """Draw a row; among them high logits beside many low ones, where the chain is tight."""
    if rng.random() < 0.25:
        T = int(rng.integers(50, 500))
        return {"logits": s.two_level_row(T, 1, float(np.log(T) - rng.uniform(-1.0, 2.0)))}
    return s.draw_row(rng)


def _direct_deficit(parameters: Mapping[str, Any]) -> dict[str, float]:
    """Return ln T - H as sum_j A_j ln(T A_j), straight from the weights."""
    logits = parameters["logits"]
    weights = np.exp(logits - logits.max())
    weights /= weights.sum()
    kept = weights[weights > 0.0]
    return {"tilt_integral": float(np.sum(kept * np.log(logits.size * kept)))}


register(
    Claim(
        id="ENT-10c",
        title="chain of entropies of a row",
        statement=(
            "ln T >= H >= -ln Y_2 >= -ln max A >= -(1/2) ln Y_2; ln T - H <= ln(T Y_2) <= T Y_2 - "
            "1; ln T - H = int_0^1 t Var_(A_t)(l) dt with A_t = softmax(t l); and ln T - H <= "
            "sum A l - mean l."
        ),
        source=s.extends_zhai("Renyi entropies of a row"),
        standing="derived",
        observable="entropy",
        parameters=(s.LOGITS,),
        where={"row": s.ROW},
        values={
            "log_t": s.of_row("log_t", sp.log(s.t)),
            "entropy": s.of_row("entropy", s.ENTROPY),
            "renyi2": s.of_row("renyi2", -sp.log(s.PARTICIPATION)),
            "min_information": s.of_row("min_information", -sp.log(sp.Function("max")(s.A))),
            "half_renyi2": renyi2 / 2,
            "entropy_deficit": s.log_T - s.H,
            "log_t_participation": s.log_T - renyi2,
            "t_participation_minus_one": Routine(
                s.t * s.PARTICIPATION - 1,
                lambda excess: float(np.expm1(excess)),
                ("log_t_participation",),
            ),
            "tilt_integral": Routine(
                sp.Integral(_tilt * sp.Function("Var_A")(_tilt), (_tilt, 0, 1)),
                tilt_integral,
                ("logits",),
            ),
            "tilt_gap": s.of_row("tilt_gap", s.over_keys(s.A[s.j] * s.l[s.j]) - s.MEAN_LOGIT),
        },
        cases=(
            {"logits": [0.3, -1.2, 2.5, 0.0, 0.7]},
            {"logits": [40.0, -3.0, 0.5]},
            {"logits": [7.0] + [0.0] * 999},
        ),
        judged_by=(
            PathwiseBound(_pairs, _draw, rounding=1e-9),
            Identity(_direct_deficit, _draw, tolerance=1e-9, most_draws=60),
        ),
        wrong_twin=WrongTwin(
            "constant 1/2 of -(1/2) ln Y_2 taken as 0.55",
            {"half_renyi2": sp.Rational(55, 100) * renyi2},
        ),
        proof=(
            "H, -ln Y_2 and -ln max A are the Renyi entropies of order 1, 2 and infinity, which "
            "decrease in the order; Y_2 >= (max A)^2 gives the last step. ln T - H is the "
            "Kullback-Leibler divergence of A from the uniform law, so it is at most ln sum A_j "
            "(T A_j) by Jensen, and ln x <= x - 1. With L(t) = ln mean e^(t l) one has ln T - H = "
            "L'(1) - L(1) = int_0^1 t L''(t) dt, L'' = Var_(A_t)(l); and L(1) >= mean l = L'(0) "
            "gives the last bound."
        ),
    )
)
