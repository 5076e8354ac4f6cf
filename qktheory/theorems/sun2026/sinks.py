"""ZOO-SINK-1a to ZOO-SINK-1c: the share of attention on the first key, and its null model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from qktheory.attention.normalizer import NORMALIZERS
from qktheory.base.domains import Integer, Parameter, Real
from qktheory.base.errors import bad_value
from qktheory.base.shapes import Array
from qktheory.kernels import Stream
from qktheory.numerics.harmonic import harmonic_number
from qktheory.observables.draws import Matrices
from qktheory.observables.observable import OBSERVABLES, MatrixObservable
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import DrawnExpectation, Identity
from qktheory.theorems.papers import cite
from qktheory.theorems.routines import entries, named, times
from qktheory.theorems.sun2026.null_model import (
    ASSUMPTIONS,
    PREDICTS_EXCHANGEABLE,
    PREDICTS_IID_TOKENS,
)

FloatArray = NDArray[np.float64]

T, _i = symbol("T"), sp.Symbol("i", integer=True, positive=True)


def causal_softmax(scores: FloatArray) -> FloatArray:
    """Return attention over the keys up to the query, along the last axis."""
    size = scores.shape[-1]
    hidden = np.triu(np.ones((size, size), dtype=bool), 1)
    weights = np.where(hidden, -np.inf, scores)
    weights = np.exp(weights - weights.max(axis=-1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))


# --- ZOO-SINK-1a ----------------------------------------------------------------------------------


def _iid_scores(
    parameters: Mapping[str, Any], values: Mapping[str, Any], stream: Stream, first: int, n: int
) -> dict[str, FloatArray]:
    """Draw scores of which no key is preferred, not even the query's own."""
    size = parameters["T"]
    scores = 1.5 * stream.normals(first, n, size * size).reshape(n, size, size)
    scores[:, *np.triu_indices(size, 1)] = -np.inf
    observable = OBSERVABLES["sink_score"]
    assert isinstance(observable, MatrixObservable)
    return {"sink_score_uniform": observable.compute(Matrices(scores, NORMALIZERS["softmax"]))}


_UNIFORM = Routine(sp.harmonic(T) / T, lambda T: harmonic_number(T, 1.0) / T, ("T",))


register(
    Claim(
        id="ZOO-SINK-1a",
        title="sink score of attention without preferences",
        statement=(
            "If the keys that a query sees, its own included, are exchangeable, causal attention "
            "gives the first key the mean weight H_T/T: the baseline of every sink measurement."
        ),
        source=cite("sun2026", "null model of the sink score"),
        standing="derived",
        observable="sink_score",
        parameters=(Parameter("T", Integer(low=1, high=10**15, typical=(1, 60)), "tokens"),),
        values={"sink_score_uniform": _UNIFORM},
        assumptions=ASSUMPTIONS,
        predicts=PREDICTS_EXCHANGEABLE,
        W="either",
        cases=({"T": 2}, {"T": 7}, {"T": 24}),
        judged_by=(
            DrawnExpectation(
                ("sink_score_uniform",), _iid_scores, lambda q: float(12 * q["T"] ** 2)
            ),
        ),
        wrong_twin=WrongTwin("constant off by 6 %", {"sink_score_uniform": times(1.06, _UNIFORM)}),
        proof="Row i gives each of its i keys the mean weight 1/i; average over i = 1..T.",
    )
)

# --- ZOO-SINK-1b ----------------------------------------------------------------------------------


def _score(own: FloatArray) -> float:
    before = np.arange(1, len(own))
    return float((1.0 + np.sum((1.0 - own[1:]) / before)) / len(own))


def _own_weight_given(
    parameters: Mapping[str, Any], values: Mapping[str, Any], stream: Stream, first: int, n: int
) -> dict[str, FloatArray]:
    """Draw rows of the given own weights that share the rest among exchangeable keys."""
    own = parameters["mean_self_weight"]
    size = len(own)
    scores = 2.0 * stream.normals(first, n, size * size).reshape(n, size, size)
    score = np.ones(n)
    for i in range(1, size):
        others = np.exp(scores[:, i, :i] - scores[:, i, :i].max(axis=1, keepdims=True))
        score += (1.0 - own[i]) * others[:, 0] / others.sum(axis=1)
    return {"sink_score": score / size}


_OWN = sp.IndexedBase("a")
_SCORE = Routine(
    (1 + sp.Sum((1 - _OWN[_i]) / (_i - 1), (_i, 2, T))) / T, _score, ("mean_self_weight",)
)


def _starts_with_one(p: dict[str, Any]) -> None:
    if abs(p["mean_self_weight"][0] - 1.0) > 1e-6:
        raise bad_value(
            "mean_self_weight", p["mean_self_weight"].tolist(), "1 first: one key alone has weight"
        )


register(
    Claim(
        id="ZOO-SINK-1b",
        title="sink score of iid tokens",
        statement=(
            "For iid tokens, any W and a causal mask the mean sink score is "
            "(1 + sum_{i>=2} (1 - E A_ii)/(i - 1))/T: what a query does not keep for itself it "
            "gives to each earlier key alike."
        ),
        source=cite("sun2026", "null model of the sink score, any W"),
        standing="derived",
        observable="sink_score",
        parameters=(
            Parameter(
                "mean_self_weight",
                Array("T", element=Real(0.0, 1.0)),
                "E A_ii for i = 1..T, the first of which is 1",
            ),
        ),
        complete=_starts_with_one,
        values={"sink_score": _SCORE},
        assumptions=ASSUMPTIONS,
        predicts=PREDICTS_IID_TOKENS,
        W="either",
        cases=(
            {"mean_self_weight": [1.0, 0.7, 0.6]},
            {"mean_self_weight": [1.0, 0.1, 0.9, 0.3, 0.2]},
            {"mean_self_weight": [1.0, 0.5, 0.0, 0.0, 0.8, 0.05, 0.2]},
        ),
        judged_by=(
            DrawnExpectation(
                ("sink_score",),
                _own_weight_given,
                lambda q: float(12 * len(q["mean_self_weight"]) ** 2),
            ),
        ),
        wrong_twin=WrongTwin("constant off by 6 %", {"sink_score": times(1.06, _SCORE)}),
        proof=(
            "Given token i, the earlier tokens are iid, so the weights A_i1..A_i,i-1 are "
            "exchangeable and sum to 1 - A_ii."
        ),
    )
)

# --- ZOO-SINK-1c ----------------------------------------------------------------------------------


def check_rows(p: dict[str, Any]) -> None:
    """Demand attention: weights >= 0 whose rows sum to one, up to 1 % for rounded tables."""
    A = p["A"]
    if A.min() < -1e-12 or np.abs(A.sum(axis=-1) - 1.0).max() > 0.01:
        raise bad_value("A", A.tolist(), "rows of weights >= 0 that sum to 1")
    if A.shape[-1] != A.shape[-2]:
        raise bad_value("A", f"array of shape {A.shape}", "square attention matrices")


def _sinks(A: FloatArray, epsilon: float) -> dict[str, Any]:
    scores = A[:, :, 0].mean(axis=1)
    return {"sink_scores": scores, "sink_rate": float(np.mean(scores > epsilon))}


def _head_by_head(parameters: Mapping[str, Any]) -> dict[str, Any]:
    scores = [sum(row[0] for row in head) / len(head) for head in parameters["A"].tolist()]
    return {
        "sink_scores": np.array(scores),
        "sink_rate": sum(s > parameters["epsilon"] for s in scores) / len(scores),
    }


def _draw_heads(rng: np.random.Generator) -> dict[str, Any]:
    size = int(rng.integers(1, 6))
    scores = 3.0 * rng.normal(size=(4, size, size))
    return {"A": causal_softmax(scores), "epsilon": float(rng.uniform(0.1, 0.9))}


_VALUES = entries(
    "found",
    {
        "sink_scores": sp.Sum(sp.IndexedBase("A")[sp.Symbol("h"), _i, 1], (_i, 1, T)) / T,
        "sink_rate": named("share", sp.Symbol("sink_scores") > sp.Symbol("epsilon")),
    },
)

register(
    Claim(
        id="ZOO-SINK-1c",
        title="sink scores and sink rate of given heads",
        statement=(
            "The sink score of a head is the mean weight of its first key over all queries, the "
            "sink rate the share of heads with a score above epsilon."
        ),
        source=cite("sun2026", "definition of the sink rate"),
        standing="theorem",
        observable="sink_score",
        parameters=(
            Parameter("A", Array("H", "T", "T"), "attention of the heads, (H, T, T)"),
            Parameter("epsilon", Real(0.0, 1.0), "threshold of a sink", 0.3),
        ),
        complete=check_rows,
        where={"found": Routine(named("sinks", "A", "epsilon"), _sinks, ("A", "epsilon"))},
        values=_VALUES,
        cases=(
            {"A": [[[1.0, 0.0], [0.5, 0.5]], [[1.0, 0.0], [0.1, 0.9]]], "epsilon": 0.6},
            {"A": [[[1.0, 0.0, 0.0]] * 3], "epsilon": 0.3},
            {"A": [[[1.0, 0.0], [0.2, 0.8]]] * 3, "epsilon": 0.7},
        ),
        judged_by=(Identity(_head_by_head, _draw_heads, tolerance=1e-13),),
        wrong_twin=WrongTwin(
            "constant off by 5 %", {"sink_scores": times(1.05, _VALUES["sink_scores"])}
        ),
    )
)
