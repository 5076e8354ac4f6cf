"""RMT-6-folklore: a rate of collapse in width that is not observed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from qktheory.base.domains import Choice, Parameter
from qktheory.kernels import Stream
from qktheory.theorems.claim import Claim, WrongTwin, register
from qktheory.theorems.judgements import DrawnLimit
from qktheory.theorems.saada2025 import setting as s
from qktheory.theorems.saada2025.draws import branch
from qktheory.theorems.saada2025.stable_ranks import excesses, fresh_tokens, scaled


def _slopes(
    parameters: Mapping[str, Any], values: Mapping[str, Any], stream: Stream, first: int, n: int
) -> dict[str, np.ndarray]:
    """Return local slopes of log(sr - 1) between T/2 and T, one for each pair of draws."""
    smaller = scaled(parameters, max(2, parameters["T"] // 2))
    ratio = parameters["T"] / smaller["T"]
    low = excesses(fresh_tokens(smaller, branch(stream, 1 << 20), first, n, perp=False))
    high = excesses(fresh_tokens(parameters, stream, first, n, perp=False))
    place = 0 if parameters["convention"] == "X" else 1
    return {"exponent": np.log(high[place] / low[place]) / math.log(ratio)}


register(
    Claim(
        id="RMT-6-folklore",
        title="stable ranks collapse like T^(1-4l)",
        statement=(
            "Believed: sr - 1 of X_l falls like T^(1-4l) in width. Neither convention shows it: "
            "the exponents are 1 - l for X_l and 1 - 2l for X_l X_l^T (RMT-6a)."
        ),
        source=s.extends_saada("rate of the collapse in width"),
        standing="folklore",
        observable="stable_rank",
        parameters=(
            s.T,
            s.SIZE,
            s.S2,
            s.LAYER,
            Parameter("convention", Choice(("X", "Sigma")), "stable rank of X or of X X^T"),
        ),
        complete=s.complete_aspect,
        values={"exponent": 1 - 4 * s.layer},
        cases=(
            {"T": 64, "d": 64, "s2": 0.25, "layer": 1, "convention": "X"},
            {"T": 64, "d": 64, "s2": 0.25, "layer": 1, "convention": "Sigma"},
            {"T": 64, "d": 128, "s2": 0.25, "layer": 2, "convention": "Sigma"},
        ),
        judged_by=(
            DrawnLimit(
                ("exponent",), "T", ((16, 256), (64, 64)), scaled, _slopes, rate=1.0, aim=0.1
            ),
        ),
        wrong_twin=WrongTwin("constant 4 taken as 4.2", {"exponent": 1 - 4.2 * s.layer}),
    )
)
