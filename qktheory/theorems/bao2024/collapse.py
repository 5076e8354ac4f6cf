"""LOC-13: localization, entropy collapse and rank collapse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import sympy as sp

from qktheory.base.domains import Choice, Parameter, Real, RealList
from qktheory.kernels import row_statistics
from qktheory.observables.observable import OBSERVABLES
from qktheory.simulation.ensemble import Ensemble
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.bao2024 import setting as s
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import ExpectationBound, PathwiseBound, SampledOrdering

LOGITS = Parameter("logits", RealList(Real(typical=(-4.0, 4.0))), "one row of logits")
logit_range = symbol("logit_range")
_w = sp.Symbol("w")
_ENTROPY = sp.Function("H")(_w)
log_T = symbol("log_T")


def _statistic(logits: np.ndarray) -> float:
    return float(row_statistics(logits[None])[0, 1])


def _deficit_sides(
    parameters: Mapping[str, Any], values: Mapping[str, Any], rng: np.random.Generator
) -> list[tuple[float, float]]:
    """Compare ln T - H with ln T - bound, also on two-valued rows, where the bound is tight."""
    pairs = []
    T = parameters["logits"].size
    deficit = float(np.log(T)) - float(values["entropy"])
    slack = float(np.log(T)) - float(values["entropy_lower_bound"])
    if slack < 1e-6:  # differences of logarithms that are nearly equal have no digits left
        return [(0.0, 1.0)]
    pairs.append((deficit, slack))
    scale = slack / float(values["logit_range"]) ** 2
    for width in (0.05, 0.3, 1.0, 3.0):
        half = np.repeat([0.0, width], 8)
        pairs.append((float(np.log(16)) - _statistic(half), scale * width**2))
    return pairs


def _draw_logits(rng: np.random.Generator) -> dict[str, Any]:
    return {"logits": rng.normal(size=rng.integers(2, 60)) * 10.0 ** rng.uniform(-1.5, 1.0)}


register(
    Claim(
        id="LOC-13",
        title="a small range of logits keeps the entropy high",
        statement="H >= ln T - (max w - min w)^2/8 for every row of logits w.",
        source=s.extends_bao("entropy collapse; Hoeffding's lemma on the exponential tilt"),
        standing="derived",
        observable="entropy",
        parameters=(LOGITS,),
        where={"log_T": Routine(sp.log(s.t), lambda w: float(np.log(w.size)), ("logits",))},
        values={
            "entropy": Routine(_ENTROPY, _statistic, ("logits",)),
            "logit_range": Routine(
                sp.Function("range")(_w), lambda w: float(w.max() - w.min()), ("logits",)
            ),
            "entropy_lower_bound": log_T - logit_range**2 / 8,
        },
        cases=(
            {"logits": [0.0, 1.0, -1.0, 0.5]},
            {"logits": [0.1, -0.1] * 20},
            {"logits": [5.0, 0.0, 0.0]},
        ),
        judged_by=(
            PathwiseBound(
                _deficit_sides,
                _draw_logits,
                rounding=1e-9,
            ),
        ),
        wrong_twin=WrongTwin(
            "constant 8 taken as 8.8", {"entropy_lower_bound": log_T - logit_range**2 / 8.8}
        ),
    )
)

# --- folklore -------------------------------------------------------------------------------------

#: The full-matrix experiments: width 32, 64 tokens, eigenvalues xi/d (1 + a semicircle).
WIDTH, TOKENS = 32, 64
LAW = Parameter("tokens", Choice(("random_walk", "iid")), "law of the tokens")
MASK = Parameter("mask", Choice(("none", "causal")), "mask of the attention")


def full_attention(parameters: Mapping[str, Any], spread: float) -> Ensemble:
    """Return a full attention matrix with eigenvalues of mean xi/d and std `spread` times that."""
    mean = parameters["xi"] / WIDTH
    return Ensemble.from_dict(
        {
            "d": WIDTH,
            "T": TOKENS,
            "spectrum": {
                "law": "semicircle",
                "mean": mean,
                "variance": (spread * mean) ** 2,
            },
            "tokens": {"law": parameters["tokens"]},
            "attention": {"mask": parameters["mask"], "query": "all"},
        }
    )


def _shrinking_variance(
    parameters: Mapping[str, Any], values: Mapping[str, Any]
) -> Sequence[Ensemble]:
    """Ensembles in the order of decreasing variance, along which entropy should increase."""
    if parameters["tokens"] != "iid":
        return []
    return [full_attention(parameters, a) for a in (1.0, 0.0)]


register(
    Claim(
        id="LOC-13-folklore",
        title="small eigenvalue variance avoids rank collapse and entropy collapse",
        statement=(
            "Believed: with a non-zero mean and a small variance of the eigenvalues attention "
            "avoids both collapses. Judged: at variance 0 the stable rank of A is at least T/16, "
            "and for iid tokens a smaller variance means a larger entropy. Three exceptions: "
            "without a mask the queries of a random walk share their extreme keys and the stable "
            "rank stays below 2.5; so does it for T |xi| <= 1; and for iid tokens with large xi a "
            "concentrated spectrum drives A to the identity, of lower entropy."
        ),
        source=s.extends_bao("Section 5: avoiding both collapses"),
        standing="folklore",
        observable="stable_rank",
        parameters=(LAW, MASK, s.XI),
        values={"stable_rank": sp.Integer(TOKENS) / 16},
        cases=(
            {"tokens": "random_walk", "mask": "none", "xi": 1.0},
            {"tokens": "random_walk", "mask": "causal", "xi": 1.0 / 32},
            {"tokens": "iid", "mask": "causal", "xi": 8.0},
        ),
        judged_by=(
            ExpectationBound(
                lambda q: full_attention(q, 0.0),
                lambda q, values: {"stable_rank": OBSERVABLES["stable_rank"]},
                lambda q: "lower",
                simulator="full_matrix",
            ),
            SampledOrdering(
                _shrinking_variance,
                lambda q: OBSERVABLES["entropy"],
                simulator="full_matrix",
            ),
        ),
        wrong_twin=WrongTwin("T/16 taken as T/15", {"stable_rank": sp.Integer(TOKENS) / 15}),
    )
)
