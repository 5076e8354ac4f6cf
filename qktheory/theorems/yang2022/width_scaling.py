"""ZOO-SCALE-1: scores divided by d instead of its root."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from qktheory.base.domains import Integer, Parameter
from qktheory.kernels import Stream
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import DrawnLimit
from qktheory.theorems.papers import cite
from qktheory.theorems.routines import times

FloatArray = NDArray[np.float64]

_T = symbol("T")
#: Sequences of tokens that share one draw of the weights.
_SEQUENCES = 32


def _softmax(scores: FloatArray) -> FloatArray:
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))


def _layers(
    parameters: Mapping[str, Any], values: Mapping[str, Any], stream: Stream, first: int, n: int
) -> dict[str, FloatArray]:
    """Draw weights of variance 1/d and several sequences of tokens N(0, I); scores over d."""
    T, d = parameters["T"], parameters["d"]
    tied, distance = np.empty(n), np.empty(n)
    for k in range(n):
        drawn = stream.normals(first + k, 1, (_SEQUENCES * T + 2 * d) * d)[0]
        X = drawn[: _SEQUENCES * T * d].reshape(_SEQUENCES, T, d)
        W_Q, W_K = drawn[_SEQUENCES * T * d :].reshape(2, d, d) / math.sqrt(d)
        queries, keys = X @ W_Q, X @ W_K
        same = _softmax(queries @ queries.transpose(0, 2, 1) / d)
        other = _softmax(queries @ keys.transpose(0, 2, 1) / d)
        tied[k] = np.trace(same, axis1=1, axis2=2).mean() / T
        distance[k] = math.sqrt(d) * 0.5 * np.abs(other - 1.0 / T).sum(axis=2).mean()
    return {"tied_self_weight": tied, "scaled_tv_limit": distance}


_TIED = Routine(sp.E / (sp.E + _T - 1), lambda T: 1.0 / (1.0 + (T - 1) * math.exp(-1.0)), ("T",))
_TV = Routine(
    sp.sqrt(2 / sp.pi) * sp.sqrt(1 - 1 / _T) / 2,
    lambda T: math.sqrt((T - 1) / T / (2.0 * math.pi)),
    ("T",),
)

register(
    Claim(
        id="ZOO-SCALE-1",
        title="attention with scores over d",
        statement=(
            "With scores x_i^T W_Q W_K^T x_j/d at large width, independent factors give attention "
            "at total variation sqrt(1/(2 pi d)) sqrt(1 - 1/T) from uniform, tied factors keep "
            "the self-weight e/(e + T - 1)."
        ),
        source=cite("yang2022", "1/d scaling of the scores at initialisation"),
        standing="derived",
        observable="attention",
        parameters=(
            Parameter("T", Integer(low=1, high=10**15, typical=(1, 60)), "number of tokens"),
        ),
        values={"tied_self_weight": _TIED, "scaled_tv_limit": _TV},
        cases=({"T": 8}, {"T": 3}, {"T": 15}),
        judged_by=(
            DrawnLimit(
                ("tied_self_weight", "scaled_tv_limit"),
                "d",
                ((16, 64), (144, 64)),
                lambda p, size: {**p, "d": size},
                _layers,
                rate=0.5,
                aim=0.05,
            ),
        ),
        wrong_twin=WrongTwin("constant off by 9 %", {"scaled_tv_limit": times(1.09, _TV)}),
    )
)
