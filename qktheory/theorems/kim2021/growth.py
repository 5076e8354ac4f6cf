"""ZOO-LIP-2: the derivative of attention grows without bound."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from qktheory.base.errors import bad_value
from qktheory.base.shapes import check_shapes
from qktheory.numerics.attention_jacobian import attention_jacobian
from qktheory.numerics.matrix_norms import norm_2
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.castin2024.lipschitz import (
    LAYER,
    LAYER_NAMES,
    complex_step_norm,
    draw_layer,
)
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import Asymptotic, Evaluate, Identity
from qktheory.theorems.papers import cite
from qktheory.theorems.routines import entries, times

FloatArray = NDArray[np.float64]

_T, _R = symbol("T"), symbol("radius")
_J = sp.Function("norm_2")(sp.Symbol("J", commutative=False))


def _first_is_zero(p: dict[str, Any]) -> None:
    check_shapes(LAYER, p)
    if np.any(p["X"][0]):
        raise bad_value("X", p["X"].tolist(), "tokens of which the first is 0")


def _at_zero(X: FloatArray, W_QK: FloatArray, W_V: FloatArray) -> dict[str, Any]:
    T, d = X.shape
    centred = X - X.mean(axis=0)
    covariance = centred.T @ centred / T
    norm = norm_2(attention_jacobian(X, W_QK, W_V))
    radius2 = float(np.max(np.sum(X**2, axis=1)))
    return {
        "block": W_V.T @ (np.eye(d) / T + covariance @ W_QK.T),
        "jacobian_norm": norm,
        "jacobian_norm_over_radius2": norm / radius2 if radius2 > 0.0 else None,
    }


def _block_by_steps(parameters: Mapping[str, Any]) -> dict[str, Any]:
    X, W_QK, W_V = (parameters[k] for k in LAYER_NAMES)
    block = np.zeros((W_V.shape[1], X.shape[1]))
    for column in range(X.shape[1]):
        stepped = X.astype(np.complex128)
        stepped[0, column] += 1e-40j
        scores = stepped[0] @ W_QK @ stepped.T
        weights = np.exp(scores - scores.real.max())
        block[:, column] = (weights / weights.sum() @ stepped @ W_V).imag / 1e-40
    return {"block": block, "jacobian_norm": complex_step_norm(parameters)}


def _draw_at_zero(rng: np.random.Generator) -> dict[str, Any]:
    drawn = draw_layer(rng)
    X = np.array(drawn["X"])
    X[0] = 0.0
    return {**drawn, "X": X}


def _growth(evaluate: Evaluate, parameters: Mapping[str, Any], size: float) -> tuple[float, float]:
    """Return the norm of the block at tokens times size, over size^2, and its limit."""
    p = parameters
    found = evaluate({**p, "X": size * np.asarray(p["X"])})
    centred = p["X"] - p["X"].mean(axis=0)
    limit = p["W_V"].T @ (centred.T @ centred / len(p["X"])) @ p["W_QK"].T
    return float(np.linalg.norm(found["block"], 2)) / size**2, float(np.linalg.norm(limit, 2))


_X, _WQK, _WV, _C = sp.symbols("X W_QK W_V C", commutative=False)
_trans = sp.Function("transpose")
_ZERO = entries(
    "found",
    {
        "block": _trans(_WV) * (sp.Symbol("I", commutative=False) / _T + _C * _trans(_WQK)),
        "jacobian_norm": _J,
        "jacobian_norm_over_radius2": _J / _R**2,
    },
)

register(
    Claim(
        id="ZOO-LIP-2",
        title="attention is not globally Lipschitz",
        statement=(
            "At x_1 = 0 the output of the first token has the derivative W_V^T (I/T + C W_QK^T) by "
            "x_1, C the uniform covariance of the tokens: it grows with the square of their size."
        ),
        source=cite("kim2021", "dot-product attention is not Lipschitz"),
        standing="theorem",
        observable="Jacobian norm",
        parameters=LAYER,
        complete=_first_is_zero,
        where={"found": Routine(_J, _at_zero, LAYER_NAMES)},
        values=_ZERO,
        cases=(
            {
                "X": [[0.0, 0.0], [0.1, 0.8], [1.0, 0.5]],
                "W_QK": [[0.3, 0.2], [0.0, 2.0]],
                "W_V": [[1.4, 0.0], [-0.4, 1.0]],
            },
            {
                "X": [[0.0, 0.0], [1.0, 0.0]],
                "W_QK": [[1.0, 0.5], [0.0, 1.0]],
                "W_V": [[1.0, 0.0], [0.0, 1.0]],
            },
            {
                "X": [[0.0], [1.0], [-2.0], [0.5]],
                "W_QK": [[-0.7]],
                "W_V": [[2.0]],
            },
        ),
        judged_by=(
            Identity(_block_by_steps, _draw_at_zero, tolerance=1e-8, most_draws=50),
            Asymptotic("block", "size", (10.0, 100.0, 1000.0), _growth, rate=2.0),
        ),
        wrong_twin=WrongTwin("constant off by 5 %", {"block": times(1.05, _ZERO["block"])}),
    )
)
