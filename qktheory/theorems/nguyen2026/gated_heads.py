"""ZOO-HMOE-1a to ZOO-HMOE-2: gated attention as a hierarchical mixture of experts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray
from scipy.special import expit

from qktheory.base.domains import Choice, Parameter, Real
from qktheory.base.errors import bad_value
from qktheory.base.shapes import Array, check_shapes, shapes_of
from qktheory.numerics.ergodicity import softmax
from qktheory.numerics.expert_rank import EXPERTS, expert_columns
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import Identity
from qktheory.theorems.papers import cite
from qktheory.theorems.routines import entries, named, times

FloatArray = NDArray[np.float64]

HEADS = (
    Parameter("X", Array("T", "d"), "tokens, (T, d)"),
    Parameter("W_Q", Array("H", "d", "d_k"), "query weights, (H, d, d_k)"),
    Parameter("W_K", Array("H", "d", "d_k"), "key weights, (H, d, d_k)"),
    Parameter("W_V", Array("H", "d", "d_v"), "value weights, (H, d, d_v)"),
    Parameter("W_O", Array("H", "d_v", "m"), "output weights, (H, d_v, m)"),
    Parameter("W_gate", Array("H", "d", "d_v"), "gate weights, (H, d, d_v)"),
)
_TEMPERATURE = Parameter(
    "temperature",
    Real(low=0.0, low_open=True, typical=(0.3, 4.0)),
    "scores are q_i . k_j / temperature",
    1.0,
)
_NAMES = (*(p.name for p in HEADS), "temperature")


def _attention(X: FloatArray, W_Q: FloatArray, W_K: FloatArray, temperature: float) -> FloatArray:
    return softmax((X @ W_Q) @ (X @ W_K).T / temperature)


# --- ZOO-HMOE-1a ----------------------------------------------------------------------------------


def _direct(*given: Any) -> FloatArray:
    X, W_Q, W_K, W_V, W_O, W_gate, temperature = given
    return np.asarray(
        sum(
            ((_attention(X, q, k, temperature) @ X @ v) * expit(X @ g)) @ o
            for q, k, v, o, g in zip(W_Q, W_K, W_V, W_O, W_gate, strict=True)
        )
    )


def _as_experts(parameters: Mapping[str, Any]) -> dict[str, FloatArray]:
    """Sum over heads, output coordinates and keys: gates times experts of each key."""
    X, W_Q, W_K, W_V, W_O, W_gate, temperature = (parameters[k] for k in _NAMES)
    output = np.zeros((len(X), W_O.shape[2]))
    for h in range(len(W_Q)):
        A = _attention(X, W_Q[h], W_K[h], temperature)
        gates = expit(X @ W_gate[h])
        for j in range(W_V.shape[2]):
            for k in range(len(X)):
                expert = gates[:, j] * float(X[k] @ W_V[h][:, j])
                output += np.outer(A[:, k] * expert, W_O[h][j])
    return {"output": output}


def _draw_heads(rng: np.random.Generator) -> dict[str, Any]:
    lengths: dict[str, int] = {}
    drawn = {}
    for p in HEADS:
        assert isinstance(p.domain, Array)
        drawn[p.name] = p.domain.sample_with(rng, lengths) / 1.5
    return {**drawn, "temperature": float(rng.uniform(0.5, 3.0))}


_A, _X, _WV, _WO, _Wg = sp.symbols("A_h X W_V W_O W_gate", commutative=False)
_STATEMENT = sp.Function("sum_h")(
    sp.Function("hadamard")(_A * _X * _WV, sp.Function("sigmoid")(_X * _Wg)) * _WO
)
_OUTPUT = Routine(_STATEMENT, _direct, _NAMES)
_CASES: tuple[dict[str, Any], ...] = (
    {
        "X": [[0.3, -0.4], [-0.5, 0.3]],
        "W_Q": [[[1.2, -0.4], [-1.2, -0.5]]],
        "W_K": [[[1.1, -0.4], [-0.7, -0.2]]],
        "W_V": [[[-0.5, -0.4], [0.9, 1.6]]],
        "W_O": [[[0.9, 0.2], [2.2, 1.1]]],
        "W_gate": [[[-0.4, 1.9], [1.9, 0.5]]],
        "temperature": 2.0,
    },
    {
        "X": [[1.0, -0.4], [-0.5, 0.3], [0.2, 0.9]],
        "W_Q": [[[1.2], [-1.2]], [[0.3], [0.8]]],
        "W_K": [[[1.1], [-0.7]], [[-0.5], [0.4]]],
        "W_V": [[[-0.5, 1.0], [0.9, 0.3]], [[0.2, 0.5], [-1.0, 0.1]]],
        "W_O": [[[0.9], [2.2]], [[1.0], [-0.5]]],
        "W_gate": [[[-0.4, 0.7], [1.9, -1.0]], [[0.6, 0.3], [0.5, -0.8]]],
        "temperature": 0.7,
    },
    {
        "X": [[1.5, 0.2]],
        "W_Q": [[[1.0], [0.0]]],
        "W_K": [[[0.0], [1.0]]],
        "W_V": [[[0.7, 0.3], [-0.2, 0.4]]],
        "W_O": [[[1.0, 2.0], [0.5, -1.0]]],
        "W_gate": [[[1.0, -0.5], [0.5, 2.0]]],
        "temperature": 1.0,
    },
)

register(
    Claim(
        id="ZOO-HMOE-1a",
        title="gated attention is a hierarchical mixture of experts",
        statement=(
            "With a gate sigmoid(X W_gate) after the attention product every output is a sum over "
            "heads, value coordinates and keys of softmax gates times experts that are non-linear "
            "in the query: both forms coincide."
        ),
        source=cite("nguyen2026", "gated attention as a mixture"),
        standing="theorem",
        observable="output",
        parameters=(*HEADS, _TEMPERATURE),
        complete=shapes_of(HEADS),
        values={"output": _OUTPUT},
        cases=_CASES,
        judged_by=(Identity(_as_experts, _draw_heads, tolerance=1e-10, most_draws=60),),
        wrong_twin=WrongTwin("constant off by 5 %", {"output": times(1.05, _OUTPUT)}),
    )
)

# --- ZOO-HMOE-1b ----------------------------------------------------------------------------------

GAUGE = Parameter("M_gauge", Array("d_v", "d_v"), "invertible matrix, (d_v, d_v)")


def _check_gauge(p: dict[str, Any]) -> None:
    check_shapes((*HEADS, GAUGE), p)
    if not np.linalg.cond(p["M_gauge"]) < 1e12:
        raise bad_value("M_gauge", p["M_gauge"].tolist(), "an invertible matrix")


def _gaps(*given: Any) -> dict[str, float]:
    X, W_Q, W_K, W_V, W_O, W_gate, M, temperature = given
    plain = np.zeros((len(X), W_O.shape[2]))
    gated = np.zeros_like(plain)
    for q, k, v, o, g in zip(W_Q, W_K, W_V, W_O, W_gate, strict=True):
        values = _attention(X, q, k, temperature) @ X @ v
        turned, back = values @ M, np.linalg.solve(M, o)
        gates = expit(X @ g)
        plain += turned @ back - values @ o
        gated += (turned * gates) @ back - (values * gates) @ o
    return {
        "gauge_gap_ungated": float(np.abs(plain).max()),
        "gauge_gap_gated": float(np.abs(gated).max()),
    }


def _by_commutator(parameters: Mapping[str, Any]) -> dict[str, float]:
    """Token by token, the gate commutes with M or does not: v^T [M D - D M] M^-1 W_O."""
    X, W_Q, W_K, W_V, W_O, W_gate, temperature = (parameters[k] for k in _NAMES)
    M = parameters["M_gauge"]
    change = np.zeros((len(X), W_O.shape[2]))
    for h in range(len(W_Q)):
        values = _attention(X, W_Q[h], W_K[h], temperature) @ X @ W_V[h]
        gates = expit(X @ W_gate[h])
        for i in range(len(X)):
            D = np.diag(gates[i])
            change[i] += values[i] @ (M @ D - D @ M) @ np.linalg.inv(M) @ W_O[h]
    return {"gauge_gap_gated": float(np.abs(change).max())}


def _draw_gauge(rng: np.random.Generator) -> dict[str, Any]:
    drawn = _draw_heads(rng)
    width = drawn["W_V"].shape[2]
    # Away from diagonal gauges, whose gap is zero up to rounding.
    gauge = np.eye(width) + 0.3 * rng.uniform(0.2, 1.0, size=(width, width)) / width
    if width == 1:
        drawn = {**drawn, **{k: np.tile(drawn[k], 2) for k in ("W_V", "W_gate")}}
        drawn["W_gate"] = drawn["W_gate"] * [1.0, -1.0]
        drawn["W_O"] = np.tile(drawn["W_O"], (1, 2, 1)) * [[[1.0], [0.5]]]
        gauge = np.array([[1.0, 0.4], [0.0, 1.0]])
    return {**drawn, "M_gauge": gauge}


_GAPS = entries(
    "found",
    {
        "gauge_gap_ungated": named("max", sp.Abs(sp.Symbol("change"))),
        "gauge_gap_gated": named("max", sp.Abs(sp.Symbol("change_gated"))),
    },
)
_WITH_GAUGE = (*(p.name for p in HEADS), "M_gauge", "temperature")

register(
    Claim(
        id="ZOO-HMOE-1b",
        title="the gate breaks the gauge of values",
        statement=(
            "W_V -> W_V M, W_O -> M^-1 W_O is invisible in attention; with a gate on the values it "
            "changes the output unless M commutes with the gates."
        ),
        source=cite("nguyen2026", "identifiability of values under the gate"),
        standing="derived",
        observable="output",
        parameters=(*HEADS, GAUGE, _TEMPERATURE),
        complete=_check_gauge,
        where={"found": Routine(named("gaps", "M"), _gaps, _WITH_GAUGE)},
        values=_GAPS,
        cases=tuple({**case, "M_gauge": [[1.0, 0.5], [0.0, 1.0]]} for case in _CASES),
        judged_by=(Identity(_by_commutator, _draw_gauge, tolerance=1e-8, most_draws=60),),
        wrong_twin=WrongTwin(
            "constant off by 5 %", {"gauge_gap_gated": times(1.05, _GAPS["gauge_gap_gated"])}
        ),
    )
)

# --- ZOO-HMOE-2 -----------------------------------------------------------------------------------


def _columns(expert: str, expert_vector: FloatArray) -> dict[str, int]:
    count, rank = expert_columns(expert, expert_vector)
    return {"rank": rank, "column_count": count}


def _numerically(parameters: Mapping[str, Any]) -> dict[str, float]:
    """Differentiate at random points and count singular values."""
    expert, b, a = (parameters[k] for k in ("expert", "gate_vector", "expert_vector"))
    rng = np.random.default_rng(7)
    x = rng.normal(size=(400, 2)) * 1.5
    s = sp.Symbol("s", real=True)
    shapes = {
        "linear": s,
        "square": s**2,
        "silu": s / (1 + sp.exp(-s)),
        "sigmoid": 1 / (1 + sp.exp(-s)),
        "tanh": sp.tanh(s),
    }
    derivatives = [
        np.broadcast_to(sp.lambdify(s, sp.diff(shapes[expert], s, k), "numpy")(x @ a), len(x))
        for k in range(3)
    ]
    f, f1, f2 = (np.exp(x @ b) * values for values in derivatives)
    x0, x1 = x.T
    columns = [f, x0 * f, x1 * f, x0 * f1, x1 * f1]
    columns += [x0**2 * f, x0 * x1 * f, x1**2 * f, x0**2 * f2, x0 * x1 * f2, x1**2 * f2]
    columns += [x0**2 * f1, x0 * x1 * f1, x1**2 * f1]
    kept = np.array([c / np.linalg.norm(c) for c in columns if np.abs(c).max() > 0.0])
    values = np.linalg.svd(kept, compute_uv=False)
    return {"rank": float(np.sum(values > 1e-10)), "column_count": float(len(kept))}


def _draw_expert(rng: np.random.Generator) -> dict[str, Any]:
    angle = rng.uniform(0.0, 6.283)
    return {
        "expert": str(rng.choice(EXPERTS)),
        "gate_vector": 0.5 * rng.normal(size=2),
        "expert_vector": rng.uniform(0.6, 1.2) * np.array([np.cos(angle), np.sin(angle)]),
    }


_RANKS = entries(
    "found",
    {"rank": named("rank", "columns"), "column_count": named("count", "columns")},
)
_VECTORS = {"gate_vector": [0.3, -0.5], "expert_vector": [0.7, 0.4]}

register(
    Claim(
        id="ZOO-HMOE-2",
        title="identifiability of experts behind a softmax gate",
        statement=(
            "Of e^(b.x) E(a.x) in the plane and its derivatives up to order 2 in (a, b), 8 of 11 "
            "are independent for a linear expert and all 14 for silu, sigmoid and tanh: the "
            "algebra behind exponential against polynomial sample sizes."
        ),
        source=cite("nguyen2026", "identifiability condition on experts"),
        standing="theorem",
        observable="rank",
        parameters=(
            Parameter("expert", Choice(EXPERTS), "the function E"),
            Parameter("gate_vector", Array(2), "b; does not matter"),
            Parameter("expert_vector", Array(2), "a"),
        ),
        where={"found": Routine(named("columns", "E"), _columns, ("expert", "expert_vector"))},
        values=_RANKS,
        cases=(
            {"expert": "linear", **_VECTORS},
            {"expert": "silu", **_VECTORS},
            {"expert": "square", "gate_vector": [0.1, 0.2], "expert_vector": [0.5, -0.8]},
            {"expert": "tanh", "gate_vector": [0.1, 0.2], "expert_vector": [0.5, -0.8]},
        ),
        judged_by=(Identity(_numerically, _draw_expert, tolerance=1e-9, most_draws=10),),
        wrong_twin=WrongTwin(
            "all columns counted, with the duplicate",
            {"column_count": times(15.0 / 14.0, _RANKS["column_count"])},
        ),
    )
)
