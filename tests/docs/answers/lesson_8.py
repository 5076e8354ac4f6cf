"""Answers to the exercises of lesson 8, right ones and those that a slip leads to."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy as sp

from qktheory.base.domains import Parameter, RealList
from qktheory.symbolic import symbol
from qktheory.theorems.claim import Claim, Routine, Source, WrongTwin
from qktheory.theorems.judgements import PathwiseBound

d = sp.Symbol("d")
LARGEST = symbol("max_weight")
TWIN = sp.Rational(11, 10) * LARGEST**2


def weights(logits: Any) -> Any:
    p = np.exp(np.asarray(logits) - np.max(logits))
    return p / p.sum()


def claim(
    bound: sp.Expr = LARGEST**2,
    twin: sp.Expr = TWIN,
    cases: Any = ([30.0, 0.0], [0.0, 1.0], [1.0, 1.0, -1.0]),
    names: tuple[str, str] = ("participation", "bound"),
    swapped: bool = False,
    spread: float = 1.0,
) -> Claim:
    """A claim that the square of the largest weight bounds the participation from below."""

    def sides(parameters: Any, values: Any, rng: Any) -> list[tuple[float, float]]:
        pair = (values[names[1]], values[names[0]])
        return [pair[::-1] if swapped else pair]

    return Claim(
        id="MINE-3a",
        title="participation and largest weight",
        statement="Y_2 >= A_max^2.",
        source=Source(authors="Me", year=2026, title="A lesson"),
        standing="derived",
        observable="participation",
        parameters=(Parameter("logits", RealList(min_length=2), "one row of logits"),),
        where={
            "max_weight": Routine(LARGEST, lambda row: float(weights(row).max()), ("logits",)),
        },
        values={
            names[0]: Routine(
                symbol("participation"), lambda row: float((weights(row) ** 2).sum()), ("logits",)
            ),
            names[1]: bound,
        },
        cases=[{"logits": row} for row in cases],
        judged_by=(PathwiseBound(sides, lambda rng: {"logits": spread * rng.normal(size=5)}),),
        wrong_twin=WrongTwin("1 taken as 1.1", {names[1]: twin}),
    )


RIGHT: dict[str, list[Any]] = {
    # W Sigma = [[2, 2], [2, 0]], tr (W Sigma)^3 = 32, over 2^3.
    "8.1": [4.0, 4],
    "8.2": [3 + 6 / d, 3 * (1 + 2 / sp.Symbol("d", integer=True, positive=True))],
    "8.3": [14, 14.0],
    "8.4": [claim(), claim(twin=sp.Rational(21, 20) * LARGEST**2)],
}
WRONG: dict[str, list[Any]] = {
    "8.1": [32.0, 0.875, 0.0, 7.0],
    "8.2": [6 / d, 1 + 2 / d, 3, 3 + 2 / d],
    "8.3": [13, 15, 2, 23, 0.5, -1],
    "8.4": [
        claim(bound=LARGEST, twin=sp.Rational(11, 10) * LARGEST),
        claim(twin=2 * LARGEST**2),
        # Nowhere near equality: its twin is not refuted.
        claim(cases=([0.0, 1.0], [1.0, 1.0, -1.0], [0.0, 0.0]), spread=0.1),
        claim(names=("Y", "bound")),
        claim(swapped=True),
        "a claim",
    ],
}
