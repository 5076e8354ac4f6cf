"""ZOO-OPT-1, ZOO-OPT-2: gradients of queries and keys near collapse, and their balance."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from qktheory.base.domains import Parameter, Real
from qktheory.base.shapes import Array, shapes_of
from qktheory.numerics.attention_gradients import attention_gradients
from qktheory.numerics.matrix_norms import frobenius_norm
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import Asymptotic, Evaluate, Identity
from qktheory.theorems.papers import cite
from qktheory.theorems.routines import entries, named, times

FloatArray = NDArray[np.float64]

LAYER = (
    Parameter("X", Array("T", "d"), "tokens, (T, d)"),
    Parameter("W_Q", Array("d", "d_k"), "query weights, (d, d_k)"),
    Parameter("W_K", Array("d", "d_k"), "key weights, (d, d_k)"),
    Parameter("W_V", Array("d", "d_v"), "value weights, (d, d_v)"),
    Parameter("G", Array("T", "d_v"), "gradient of the loss by the output, (T, d_v)"),
    Parameter(
        "temperature",
        Real(low=0.0, low_open=True, typical=(0.3, 4.0)),
        "scores are q_i . k_j / temperature",
        1.0,
    ),
)
_NAMES = tuple(p.name for p in LAYER)


def draw_layer(rng: np.random.Generator) -> dict[str, Any]:
    """Draw a small layer, rank-one tokens now and then."""
    T, d, d_k, d_v = (int(k) for k in rng.integers(1, 5, size=4))
    X = rng.normal(size=(T, d))
    if rng.random() < 0.2:
        X = X[:1] + 1e-2 * X
    return {
        "X": X,
        "W_Q": rng.normal(size=(d, d_k)),
        "W_K": rng.normal(size=(d, d_k)),
        "W_V": rng.normal(size=(d, d_v)),
        "G": rng.normal(size=(T, d_v)),
        "temperature": float(rng.uniform(0.5, 3.0)),
    }


def complex_step_gradient(parameters: Mapping[str, Any], name: str) -> FloatArray:
    """Differentiate the linear loss <G, output> itself by one of the weights."""
    p = {k: np.asarray(parameters[k]) for k in ("X", "W_Q", "W_K", "W_V", "G")}
    gradient = np.zeros(p[name].shape)
    for place in np.ndindex(*gradient.shape):
        stepped = p[name].astype(np.complex128)
        stepped[place] += 1e-40j
        q = {**p, name: stepped}
        scores = (p["X"] @ q["W_Q"]) @ (p["X"] @ q["W_K"]).T / parameters["temperature"]
        weights = np.exp(scores - scores.real.max(axis=1, keepdims=True))
        weights = weights / weights.sum(axis=1, keepdims=True)
        values = p["X"] @ q["W_V"]
        # Relative to the value of the largest weight, whose own derivative is nearly lost there.
        top = values[weights.real.argmax(axis=1)]
        output = top + np.einsum("ij,ijk->ik", weights, values - top[:, None])
        gradient[place] = float(np.sum(p["G"] * output).imag) / 1e-40
    return gradient


# --- ZOO-OPT-1 ------------------------------------------------------------------------------------


def _norms(*layer: Any) -> dict[str, float]:
    found = attention_gradients(*layer)
    return {
        "grad_norm_query": frobenius_norm(found.query),
        "grad_norm_key": frobenius_norm(found.key),
        "grad_norm_value": frobenius_norm(found.value),
    }


def _by_complex_steps(parameters: Mapping[str, Any]) -> dict[str, float]:
    weights = {"query": "W_Q", "key": "W_K", "value": "W_V"}
    return {
        f"grad_norm_{k}": float(np.linalg.norm(complex_step_gradient(parameters, name)))
        for k, name in weights.items()
    }


def collapsing(parameters: Mapping[str, Any], size: float) -> dict[str, Any]:
    """Return the layer on tokens 1 v^T + R/size, v the first token and R the others."""
    X = parameters["X"]
    return {**parameters, "X": X[:1] + (X - X[:1]) / size}


def _quadratic(
    evaluate: Evaluate, parameters: Mapping[str, Any], size: float
) -> tuple[float, float]:
    """Return size^2 |dL/dW_Q| and its limit: uniform attention, deviations twice."""
    p = parameters
    finite = size**2 * float(evaluate(collapsing(p, size))["grad_norm_query"])
    R = p["X"] - p["X"].mean(axis=0)
    by_scores = (p["G"].sum(axis=0) @ p["W_V"].T) @ R.T / len(R) / p["temperature"]
    leading = np.outer(p["X"][0], by_scores @ R @ p["W_K"])
    return finite, float(np.linalg.norm(leading))


_X, _A, _WQ, _WK, _WV, _G = sp.symbols("X A W_Q W_K W_V G", commutative=False)
_t = symbol("temperature")
_norm, _T = sp.Function("norm_F"), sp.Function("transpose")
_dS = sp.Symbol("dL/dS", commutative=False)
_VALUES = entries(
    "found",
    {
        "grad_norm_query": _norm(_T(_X) * _dS * _X * _WK) / _t,
        "grad_norm_key": _norm(_T(_X) * _T(_dS) * _X * _WQ) / _t,
        "grad_norm_value": _norm(_T(_X) * _T(_A) * _G),
    },
)
_CASES: tuple[dict[str, Any], ...] = (
    {
        "X": [[1.0, 2.0], [0.5, -1.0], [0.0, 1.0]],
        "W_Q": [[0.3, -0.4], [0.3, -0.8]],
        "W_K": [[-0.5, -0.5], [0.6, -1.0]],
        "W_V": [[0.2, -0.1], [0.3, 0.2]],
        "G": [[-0.1, -0.9], [0.4, 2.2], [-0.5, 0.7]],
        "temperature": 2.0,
    },
    {
        "X": [[1.0, 0.0, -1.0], [0.0, 1.0, 1.0], [2.0, -1.0, 0.5], [0.3, 0.3, 0.1]],
        "W_Q": [[1.0], [-0.5], [0.2]],
        "W_K": [[0.4], [1.0], [-0.3]],
        "W_V": [[1.0, 0.0], [0.5, -1.0], [0.0, 2.0]],
        "G": [[1.0, 0.0], [0.0, 1.0], [-1.0, 0.5], [0.2, 0.1]],
        "temperature": 1.5,
    },
    {
        "X": [[1.0], [-0.5]],
        "W_Q": [[0.7]],
        "W_K": [[-1.2]],
        "W_V": [[2.0]],
        "G": [[1.0], [3.0]],
        "temperature": 1.0,
    },
)

register(
    Claim(
        id="ZOO-OPT-1",
        title="gradients of queries and keys near collapse",
        statement=(
            "Where tokens are 1 v^T + eps R the gradients by W_Q and W_K are of order eps^2, "
            "centred values times row sums that vanish, while that by W_V is of order 1; at rank "
            "one the former are exactly 0."
        ),
        source=cite("tomihari2025", "heterogeneity of gradients, near rank collapse"),
        standing="derived",
        observable="gradient",
        parameters=LAYER,
        complete=shapes_of(LAYER),
        where={"found": Routine(named("gradients", "L"), _norms, _NAMES)},
        values=_VALUES,
        cases=_CASES,
        judged_by=(
            Identity(_by_complex_steps, draw_layer, tolerance=1e-9, most_draws=50),
            Asymptotic(
                "grad_norm_query",
                "1/eps",
                (1e1, 1e2, 1e3, 1e4),
                _quadratic,
                rate=1.0,
                slack=2.0,
                floor=1e-10,
            ),
        ),
        wrong_twin=WrongTwin(
            "constant off by 5 %", {"grad_norm_query": times(1.05, _VALUES["grad_norm_query"])}
        ),
        proof=(
            "dL/dW_Q = X^T dL/dS X W_K/t. Rows of dL/dS sum to 0, so X on its right may be "
            "centred, a factor eps; dL/dS_ij = A_ij (G_i . v_j - mean) with centred values v_j, "
            "another one. X on the left is not centred."
        ),
    )
)

# --- ZOO-OPT-1-folklore ---------------------------------------------------------------------------

_SIZES = (1e2, 1e3, 1e4, 1e5)


def _slope(evaluate: Evaluate, parameters: Mapping[str, Any], size: float) -> tuple[float, float]:
    """Return the local exponent of the gradient by W_Q in eps, and the one that is believed."""
    p = parameters
    near = [_norms(*(collapsing(p, s)[k] for k in _NAMES)) for s in (size, 2.0 * size)]
    ratio = near[0]["grad_norm_query"] / near[1]["grad_norm_query"]
    return math.log2(ratio), float(evaluate(p)["exponent"])


register(
    Claim(
        id="ZOO-OPT-1-folklore",
        title="gradients of queries decay linearly near collapse",
        statement=(
            "Believed: near rank collapse the gradients by queries and keys fall linearly with the "
            "distance eps of the tokens. They fall like eps^2 (ZOO-OPT-1)."
        ),
        source=cite("tomihari2025", "order of the gradients near rank collapse"),
        standing="folklore",
        observable="gradient",
        parameters=LAYER,
        complete=shapes_of(LAYER),
        values={"exponent": sp.Integer(1)},
        cases=_CASES,
        judged_by=(Asymptotic("exponent", "1/eps", _SIZES, _slope, rate=1.0),),
        wrong_twin=WrongTwin("exponent 1 taken as 1.1", {"exponent": sp.Rational(11, 10)}),
    )
)

# --- ZOO-OPT-2 ------------------------------------------------------------------------------------


def _balance(*layer: Any) -> dict[str, FloatArray]:
    found = attention_gradients(*layer)
    W_Q, W_K = layer[1], layer[2]
    return {"lhs": W_Q.T @ found.query, "rhs": found.key.T @ W_K}


def _both_sides(parameters: Mapping[str, Any]) -> dict[str, FloatArray]:
    """Each side from the gradient of the other weights."""
    return {
        "lhs": complex_step_gradient(parameters, "W_K").T @ parameters["W_K"],
        "rhs": parameters["W_Q"].T @ complex_step_gradient(parameters, "W_Q"),
    }


_SIDES = entries(
    "found",
    {
        "lhs": _T(_WQ) * sp.Symbol("dL/dW_Q", commutative=False),
        "rhs": _T(sp.Symbol("dL/dW_K", commutative=False)) * _WK,
    },
)

register(
    Claim(
        id="ZOO-OPT-2",
        title="gradients of queries and keys balance",
        statement=(
            "W_Q^T dL/dW_Q = (dL/dW_K)^T W_K for any loss, so that gradient flow conserves "
            "W_Q^T W_Q - W_K^T W_K."
        ),
        source=cite("tomihari2025", "balance law of the factors of W_QK"),
        standing="derived",
        observable="gradient",
        parameters=LAYER,
        complete=shapes_of(LAYER),
        where={"found": Routine(named("gradients", "L"), _balance, _NAMES)},
        values=_SIDES,
        cases=_CASES,
        judged_by=(Identity(_both_sides, draw_layer, tolerance=1e-8, most_draws=50),),
        wrong_twin=WrongTwin("constant off by 5 %", {"lhs": times(1.05, _SIDES["lhs"])}),
        proof=(
            "The loss depends on W_Q W_K^T only: W_Q -> W_Q (I + e M), W_K -> W_K (I - e M^T) "
            "leaves it, so tr(M^T W_Q^T dL/dW_Q) = tr(M W_K^T dL/dW_K) for every M."
        ),
    )
)
