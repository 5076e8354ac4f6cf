"""ZOO-SINK-2a to ZOO-SINK-3: what a margin of the sink gives, and spikes under RMSNorm."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
from scipy.special import expit

from qktheory.base.domains import Integer, Parameter, Real, RealList
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import Identity, PathwiseBound
from qktheory.theorems.papers import cite
from qktheory.theorems.routines import entries, named, times

T, _margin = symbol("T"), symbol("margin")

# --- ZOO-SINK-2a ----------------------------------------------------------------------------------


def least_weight(T: int, margin: float) -> float:
    """Return 1/(1 + (T - 1) e^(-margin))."""
    return 1.0 if T == 1 else float(expit(margin - math.log(T - 1)))


def _tied(parameters: Mapping[str, Any]) -> dict[str, float]:
    """Attend over a row whose other keys tie, in logarithms."""
    size, margin = parameters["T"], parameters["margin"]
    rest = math.log(size - 1) if size > 1 else -math.inf
    return {"bound": math.exp(margin - float(np.logaddexp(margin, rest)))}


_BOUND = Routine(1 / (1 + (T - 1) * sp.exp(-_margin)), least_weight, ("T", "margin"))

register(
    Claim(
        id="ZOO-SINK-2a",
        title="least weight of a key that leads by a margin",
        statement=(
            "A key whose logit exceeds all others by at least the margin has weight at least "
            "1/(1 + (T - 1) e^-margin), with equality when the others tie."
        ),
        source=cite("sun2026", "weight of a sink from its logit margin"),
        standing="derived",
        observable="weight of the sink",
        parameters=(
            Parameter("T", Integer(low=1, high=10**15, typical=(1, 60)), "keys of the row"),
            Parameter("margin", Real(typical=(-3.0, 12.0)), "lead of the first logit"),
        ),
        values={"bound": _BOUND},
        cases=({"T": 128, "margin": 6.0}, {"T": 1, "margin": 2.0}, {"T": 10, "margin": -1.0}),
        judged_by=(
            Identity(
                _tied,
                lambda rng: {
                    "T": int(rng.integers(1, 1000)),
                    "margin": float(rng.uniform(-5.0, 12.0)),
                },
                tolerance=1e-12,
            ),
        ),
        wrong_twin=WrongTwin("constant off by 5 %", {"bound": times(1.05, _BOUND)}),
    )
)

# --- ZOO-SINK-2b ----------------------------------------------------------------------------------


def _row(logits: np.ndarray) -> dict[str, Any]:
    first, others = logits[0], logits[1:]
    if not len(others):  # without a rival there is no margin
        return {"attention_first": 1.0, "margin": None, "bound": 1.0}
    top = others.max()
    margin = float(first - top)
    rest = float(np.sum(np.exp(others - top)))
    return {
        "attention_first": float(expit(margin - math.log(rest))),
        "margin": margin,
        "bound": least_weight(len(logits), margin),
    }


def _draw_row(rng: np.random.Generator) -> dict[str, Any]:
    logits = rng.normal(size=int(rng.integers(2, 20))) * rng.choice([1e-3, 1.0, 4.0])
    logits[0] += rng.uniform(-2.0, 6.0)
    return {"logits": logits}


_VALUES = entries(
    "found",
    {
        "attention_first": named("softmax", "logits"),
        "margin": sp.Symbol("w_1") - named("max", "w_j"),
        "bound": 1 / (1 + (T - 1) * sp.exp(-_margin)),
    },
)

register(
    Claim(
        id="ZOO-SINK-2b",
        title="weight of the sink against its bound by the margin",
        statement=(
            "In every row the first key has at least the weight 1/(1 + (T - 1) e^-margin) for its "
            "margin over the best of the other keys."
        ),
        source=cite("sun2026", "weight of a sink from its logit margin"),
        standing="derived",
        observable="weight of the sink",
        parameters=(Parameter("logits", RealList(), "logits of a row, the sink first"),),
        where={"found": Routine(named("row", "logits"), _row, ("logits",))},
        values=_VALUES,
        cases=(
            {"logits": [3.0, 1.0, 1.0, 1.0]},
            {"logits": [2.0, 0.0, -1.0]},
            {"logits": [-1.0, 0.5, 0.5]},
        ),
        judged_by=(
            PathwiseBound(
                lambda p, v, rng: [(float(v["bound"]), float(v["attention_first"]))],
                _draw_row,
                rounding=1e-10,
            ),
        ),
        wrong_twin=WrongTwin("constant off by 5 %", {"bound": times(1.05, _VALUES["bound"])}),
    )
)

# --- ZOO-SINK-3 -----------------------------------------------------------------------------------


def _normalized(d: int, spike: float, distance: float) -> float:
    return math.sqrt(d) * distance / math.hypot(1.0, spike)


def _by_vectors(parameters: Mapping[str, Any]) -> dict[str, float]:
    """Build two tokens with a common spike, normalise them and measure."""
    d, spike, distance = (parameters[k] for k in ("d", "spike", "distance"))
    half = 0.5 * distance
    height = math.sqrt(max(1.0 - half * half, 0.0))
    tokens = np.zeros((2, max(d, 3)))
    tokens[:, 0] = spike
    tokens[:, 1] = height
    tokens[:, 2] = half, -half
    norms = np.sqrt(np.sum(tokens**2, axis=1, keepdims=True))
    normed = math.sqrt(d) * tokens / norms
    return {"normalized_distance": float(np.linalg.norm(normed[0] - normed[1]))}


_d, _spike, _distance = symbol("d"), symbol("spike"), symbol("distance")
_NORMALIZED = Routine(
    sp.sqrt(_d) * _distance / sp.sqrt(1 + _spike**2), _normalized, ("d", "spike", "distance")
)

register(
    Claim(
        id="ZOO-SINK-3",
        title="spikes become constants under RMSNorm",
        statement=(
            "Tokens x = spike e + u with unit vectors u orthogonal to e are at distance "
            "sqrt(d) |u_1 - u_2|/sqrt(1 + spike^2) after RMSNorm: a large spike makes them alike."
        ),
        source=cite("sun2026", "near-constant representations of massive activations"),
        standing="derived",
        observable="distance of tokens",
        parameters=(
            Parameter("d", Integer(low=2, high=10**15, typical=(3, 60)), "dimension of the tokens"),
            Parameter("spike", Real(typical=(-30.0, 30.0)), "common component"),
            Parameter("distance", Real(0.0, 2.0), "|u_1 - u_2|"),
        ),
        values={"normalized_distance": _NORMALIZED},
        cases=(
            {"d": 64, "spike": 10.0, "distance": 1.4},
            {"d": 8, "spike": -300.0, "distance": 1.0},
            {"d": 4, "spike": 0.0, "distance": 2.0},
        ),
        judged_by=(
            Identity(
                _by_vectors,
                lambda rng: {
                    "d": int(rng.integers(3, 40)),
                    "spike": float(10.0 ** rng.uniform(-2.0, 3.0)),
                    "distance": float(rng.uniform(0.0, 2.0)),
                },
                tolerance=1e-10,
            ),
        ),
        wrong_twin=WrongTwin(
            "constant off by 5 %", {"normalized_distance": times(1.05, _NORMALIZED)}
        ),
    )
)
