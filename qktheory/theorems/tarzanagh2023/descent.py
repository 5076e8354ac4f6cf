"""ZOO-SVM-1b: gradient descent on W_QK turns towards the support vector machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from qktheory.base.domains import Integer, Parameter, Real
from qktheory.base.errors import bad_value
from qktheory.base.shapes import Array, check_shapes
from qktheory.numerics.attention_descent import normalized_descent
from qktheory.numerics.max_margin import frobenius_margin, margin_rows
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import Asymptotic, Evaluate, Identity
from qktheory.theorems.papers import cite
from qktheory.theorems.routines import entries, named, times
from qktheory.theorems.tarzanagh2023 import setting as s

FloatArray = NDArray[np.float64]

_HEAD = (
    *s.SEQUENCES,
    Parameter("v", Array("d"), "value vector, (d)"),
    Parameter("y", Array("n", element=Real(-1.0, 1.0)), "labels, +1 or -1, (n)"),
)


def _check(p: dict[str, Any]) -> None:
    check_shapes(_HEAD, p)
    if not np.all(np.abs(p["y"]) == 1.0):
        raise bad_value("y", p["y"].tolist(), "labels +1 or -1")


def _descend(
    X: FloatArray, Z: FloatArray, v: FloatArray, y: FloatArray, steps: int, step_size: float
) -> dict[str, Any]:
    W = normalized_descent(X, Z, v, y, steps, step_size)
    optimal = [int(k) for k in np.argmax(y[:, None] * (X @ v), axis=1)]
    norm = float(np.linalg.norm(W))
    svm = frobenius_margin(margin_rows(X, Z, optimal))
    found: dict[str, Any] = {"optimal": optimal, "frobenius_norm": norm}
    if svm is not None and svm.any() and norm > 0.0:
        # Half the squared distance of the directions: no cancellation near 1.
        apart = W.ravel() / norm - svm / np.linalg.norm(svm)
        found["one_minus_cosine"] = 0.5 * float(apart @ apart)
    return found


def _plainly(parameters: Mapping[str, Any]) -> dict[str, float]:
    """Differentiate the loss by complex steps, entry by entry; few steps only."""
    p = parameters
    X, Z, v, y = (np.asarray(p[k]) for k in ("X", "Z", "v", "y"))
    d = Z.shape[1]
    W = np.zeros((d, d))
    for _ in range(p["steps"]):
        G = np.zeros((d, d))
        for place in np.ndindex(d, d):
            stepped = W.astype(np.complex128)
            stepped[place] += 1e-40j
            scores = np.einsum("id,de,ite->it", Z, stepped, X)
            weights = np.exp(scores - scores.real.max(axis=1, keepdims=True))
            f = np.sum(weights * (X @ v), axis=1) / weights.sum(axis=1)
            G[place] = float(np.mean(np.log(1.0 + np.exp(-y * f))).imag) / 1e-40
        W = W - p["step_size"] * G / np.linalg.norm(G)
    return {"frobenius_norm": float(np.linalg.norm(W))}


def _draw_head(rng: np.random.Generator) -> dict[str, Any]:
    # For d = 1 all steps have one length, and W may come back to 0 within rounding.
    n, T, d = int(rng.integers(1, 4)), int(rng.integers(2, 4)), int(rng.integers(2, 4))
    return {
        "X": rng.normal(size=(n, T, d)),
        "Z": rng.normal(size=(n, d)),
        "v": rng.normal(size=d),
        "y": rng.choice([-1.0, 1.0], size=n),
        "steps": int(rng.integers(1, 5)),
        "step_size": float(rng.uniform(0.05, 0.5)),
    }


def _turning(evaluate: Evaluate, parameters: Mapping[str, Any], size: float) -> tuple[float, float]:
    found = evaluate({**parameters, "steps": int(size)})
    return float(found["one_minus_cosine"]), 0.0


_VALUES = entries(
    "found",
    {
        "optimal": named("argmax", "y_i*v*x_it"),
        "frobenius_norm": sp.Function("norm_F")(s.W),
        "one_minus_cosine": 1 - named("cos", "W_QK", "W_svm"),
    },
)
_CASES: tuple[dict[str, Any], ...] = (
    {**{k: s.WIDE[0][k] for k in ("X", "Z")}, "v": [1.0, 0.1], "y": [1.0, 1.0]},
    {
        **{k: s.WIDE[1][k] for k in ("X", "Z")},
        "v": [0.3, 0.2, -0.5],
        "y": [1.0, -1.0],
    },
    {**{k: s.WIDE[2][k] for k in ("X", "Z")}, "v": [0.7, -0.4], "y": [1.0]},
)

register(
    Claim(
        id="ZOO-SVM-1b",
        title="gradient descent on W_QK turns towards the SVM",
        statement=(
            "Normalised gradient descent on the logistic loss of one head with a fixed value "
            "vector lets W_QK grow in the direction of the SVM for the best-scoring tokens: "
            "1 - cosine falls like the inverse square of its norm."
        ),
        source=cite("tarzanagh2023", "direction of gradient descent"),
        standing="theorem",
        observable="W_QK",
        parameters=(
            *_HEAD,
            Parameter("steps", Integer(low=0, high=10**6, typical=(0, 40)), "number of steps"),
            Parameter(
                "step_size", Real(low=0.0, low_open=True, typical=(0.05, 0.5)), "length of a step"
            ),
        ),
        complete=_check,
        where={
            "found": Routine(
                named("descent", "W_QK"), _descend, ("X", "Z", "v", "y", "steps", "step_size")
            )
        },
        values=_VALUES,
        cases=tuple({**case, "steps": 8, "step_size": 0.2} for case in _CASES),
        judged_by=(
            Identity(_plainly, _draw_head, tolerance=1e-7, most_draws=10),
            Asymptotic(
                "one_minus_cosine",
                "steps",
                (100.0, 400.0, 1600.0),
                _turning,
                rate=1.5,
                floor=1e-13,
            ),
        ),
        wrong_twin=WrongTwin(
            "constant off by 5 %", {"frobenius_norm": times(1.05, _VALUES["frobenius_norm"])}
        ),
    )
)
