"""ZOO-LIP-1: how much one attention layer stretches distances."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from qktheory.base.domains import Integer, Parameter, Real
from qktheory.base.errors import bad_value
from qktheory.base.shapes import Array, shapes_of
from qktheory.numerics.attention_jacobian import (
    LARGEST,
    attention_jacobian,
    outlier_jacobian_norm,
)
from qktheory.numerics.ergodicity import softmax
from qktheory.numerics.matrix_norms import norm_2
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import Identity, PathwiseBound
from qktheory.theorems.papers import cite
from qktheory.theorems.routines import entries, named, times

__all__ = [
    "LAYER",
    "LAYER_NAMES",
    "bound_paper",
    "bound_sharp",
    "complex_step_norm",
    "draw_layer",
    "outlier_layer",
]

FloatArray = NDArray[np.float64]

_T, _R, _c = symbol("T"), symbol("radius"), symbol("max_column_sum")
_a, _v = symbol("w_qk_norm_2"), symbol("w_v_norm_2")
_PAPER = sp.sqrt(3) * _v * sp.sqrt(_a**2 * _R**4 * (4 * _T + 1) + _T)
_SHARP = _v * (sp.sqrt(_c * (1 + _a**2 * _R**4)) + _a * _R**2)
_J = sp.Function("norm_2")(sp.Symbol("J", commutative=False))


def bound_paper(T: int, radius: float, w_qk: float, w_v: float) -> float:
    """Return sqrt(3) |W_V| sqrt(|W_QK|^2 R^4 (4T + 1) + T)."""
    logit = w_qk * radius * radius
    return math.sqrt(3.0) * w_v * math.hypot(logit * math.sqrt(4 * T + 1), math.sqrt(T))


def bound_sharp(column: float, radius: float, w_qk: float, w_v: float) -> float:
    """Return |W_V| (sqrt(c (1 + |W_QK|^2 R^4)) + |W_QK| R^2)."""
    logit = w_qk * radius * radius
    return w_v * (math.sqrt(column) * math.hypot(1.0, logit) + logit)


def _bounds(column: float, T: int, radius: float, a: float, v: float) -> dict[str, float]:
    return {
        "max_column_sum": column,
        "bound_data": bound_sharp(column, radius, a, v),
        "bound_sharp": bound_sharp(T, radius, a, v),
        "bound_paper": bound_paper(T, radius, a, v),
    }


# --- ZOO-LIP-1a -----------------------------------------------------------------------------------

_SIZE = Real(low=0.0, typical=(0.0, 4.0))


def _at_most_t(p: dict[str, Any]) -> None:
    if p["max_column_sum"] is None:
        p["max_column_sum"] = float(p["T"])
    elif p["max_column_sum"] > p["T"]:
        raise bad_value("max_column_sum", p["max_column_sum"], f"a number > 0 and <= T = {p['T']}")


def _layer_in_ball(rng: np.random.Generator, p: Mapping[str, Any]) -> dict[str, FloatArray]:
    """Draw tokens of a ball and weights of given norms, in at most 3 dimensions."""
    T, d = min(p["T"], 12), int(rng.integers(1, 4))
    X = rng.normal(size=(T, d))
    X *= p["radius"] * rng.uniform(0.3, 1.0, size=(T, 1)) / np.linalg.norm(X, axis=1, keepdims=True)
    W_QK, W_V = rng.normal(size=(2, d, d))
    return {
        "X": X,
        "W_QK": p["w_qk_norm_2"] / norm_2(W_QK) * W_QK,
        "W_V": p["w_v_norm_2"] / norm_2(W_V) * W_V,
    }


def _stretch(
    parameters: Mapping[str, Any], values: Mapping[str, Any], rng: np.random.Generator
) -> list[tuple[float, float]]:
    """Compare norms of Jacobians of random layers in the ball with the bounds for their T."""
    p = parameters
    layer = _layer_in_ball(rng, p)
    norm = norm_2(attention_jacobian(**layer))
    A = softmax(layer["X"] @ layer["W_QK"] @ layer["X"].T)
    in_question = float(A.sum(axis=0).max()) <= p["max_column_sum"]
    return [
        (norm, float(values["bound_paper"])),
        (norm if in_question else 0.0, float(values["bound_sharp"])),
    ]


def _draw_ball(rng: np.random.Generator) -> dict[str, Any]:
    return {
        "T": int(rng.integers(1, 9)),
        "radius": float(10.0 ** rng.uniform(-1.0, 0.6)),
        "w_qk_norm_2": float(10.0 ** rng.uniform(-1.0, 1.0)),
        "w_v_norm_2": float(10.0 ** rng.uniform(-1.0, 1.0)),
    }


def _from_norms(parameters: Mapping[str, Any]) -> dict[str, float]:
    p = parameters
    logit2 = p["w_qk_norm_2"] ** 2 * p["radius"] ** 4
    return {
        "bound_paper": math.sqrt(3.0 * (logit2 * (4 * p["T"] + 1) + p["T"])) * p["w_v_norm_2"],
        "bound_sharp": p["w_v_norm_2"]
        * (math.sqrt(p["max_column_sum"] * (1.0 + logit2)) + math.sqrt(logit2)),
    }


_BOUND_PAPER = Routine(_PAPER, bound_paper, ("T", "radius", "w_qk_norm_2", "w_v_norm_2"))
_BOUND_SHARP = Routine(
    _SHARP, bound_sharp, ("max_column_sum", "radius", "w_qk_norm_2", "w_v_norm_2")
)

register(
    Claim(
        id="ZOO-LIP-1a",
        title="Lipschitz bounds of attention on a ball",
        statement=(
            "For tokens in a ball of radius R the Jacobian of one layer has norm at most sqrt(3) v "
            "sqrt(a^2 R^4 (4T + 1) + T), and at most v (sqrt(c (1 + a^2 R^4)) + a R^2) with a = "
            "|W_QK|, v = |W_V| and c the largest column sum of the attention, at most T."
        ),
        source=cite("castin2024", "bound on a ball, and a sharper one"),
        standing="derived",
        observable="Jacobian norm",
        parameters=(
            Parameter("T", Integer(low=1, high=10**15, typical=(1, 60)), "number of tokens"),
            Parameter("radius", _SIZE, "radius of a ball that holds the tokens"),
            Parameter("w_qk_norm_2", _SIZE, "spectral norm of W_QK"),
            Parameter("w_v_norm_2", _SIZE, "spectral norm of W_V"),
            Parameter(
                "max_column_sum",
                Real(low=0.0, low_open=True, typical=(0.5, 1.0)),
                "largest column sum of the attention; T by default",
                None,
            ),
        ),
        complete=_at_most_t,
        values={"bound_paper": _BOUND_PAPER, "bound_sharp": _BOUND_SHARP},
        cases=(
            {"T": 8, "radius": 1.0, "w_qk_norm_2": 2.5, "w_v_norm_2": 1.0},
            {"T": 4, "radius": 1.0, "w_qk_norm_2": 0.0, "w_v_norm_2": 1.0},
            {
                "T": 16,
                "radius": 2.0,
                "w_qk_norm_2": 1.0,
                "w_v_norm_2": 0.5,
                "max_column_sum": 3.0,
            },
        ),
        judged_by=(
            PathwiseBound(
                _stretch,
                _draw_ball,
                rounding=1e-10,
                inequalities=("jacobian_norm <= bound_paper", "jacobian_norm <= bound_sharp"),
            ),
            Identity(_from_norms, lambda rng: {**_draw_ball(rng), "max_column_sum": 1.0}),
        ),
        wrong_twin=WrongTwin("constant 5 % too small", {"bound_sharp": times(0.95, _BOUND_SHARP)}),
        proof=(
            "The block of y_i by x_k is A_ik (I + (x_k - y_i)(W^T x_i)^T) + delta_ik C_i W^T. The "
            "last part has norm at most a R^2, as |C_i| <= R^2. For a direction u the first maps "
            "to sum_k A_ik (u_k + (x_k - y_i) s_ik), s_ik = x_i^T W u_k; by Cauchy-Schwarz its "
            "square is at most sum_k A_ik |u_k|^2 (1 + a^2 R^4): the cross term vanishes as sum_k "
            "A_ik (x_k - y_i) = 0 and a directional variance is at most R^2. Sum over i: c."
        ),
    )
)

# --- ZOO-LIP-1b -----------------------------------------------------------------------------------

LAYER = (
    Parameter("X", Array("T", "d"), f"tokens, (T, d), at most {LARGEST} entries"),
    Parameter("W_QK", Array("d", "d"), "query-key matrix, (d, d)"),
    Parameter("W_V", Array("d", "m"), "value matrix, (d, m)"),
)
LAYER_NAMES = ("X", "W_QK", "W_V")


def _measure(X: FloatArray, W_QK: FloatArray, W_V: FloatArray) -> dict[str, float]:
    column = float(softmax(X @ W_QK @ X.T).sum(axis=0).max())
    radius = float(np.sqrt(np.sum(X**2, axis=1)).max())
    bounds = _bounds(column, len(X), radius, norm_2(W_QK), norm_2(W_V))
    return {"jacobian_norm": norm_2(attention_jacobian(X, W_QK, W_V)), **bounds}


def complex_step_norm(parameters: Mapping[str, Any]) -> float:
    """Differentiate the layer itself, entry by entry of X."""
    X, W_QK, W_V = (parameters[k] for k in LAYER_NAMES)
    columns = []
    for place in np.ndindex(*X.shape):
        stepped = X.astype(np.complex128)
        stepped[place] += 1e-40j
        scores = stepped @ W_QK @ stepped.T
        weights = np.exp(scores - scores.real.max(axis=1, keepdims=True))
        weights = weights / weights.sum(axis=1, keepdims=True)
        columns.append((weights @ stepped @ W_V).imag.ravel() / 1e-40)
    return float(np.linalg.norm(np.array(columns), 2))


def draw_layer(rng: np.random.Generator) -> dict[str, Any]:
    """Draw a layer; now and then the outlier that stretches most."""
    T, d = (int(k) for k in rng.integers(1, 5, size=2))
    if rng.random() < 0.3:
        count = int(rng.integers(3, 12))
        X = np.tile([1.0, 0.0], (count, 1))
        X[0] = 0.0, rng.uniform(0.5, 1.0)
        gain = float(rng.uniform(1.0, 1.6) * math.log(count))
        return {"X": X, "W_QK": [[0.0, gain], [0.0, 0.0]], "W_V": np.eye(2)}
    W_QK, W_V = rng.normal(size=(2, d, d)) * 10.0 ** rng.uniform(-1.0, 0.5, size=(2, 1, 1))
    return {"X": rng.normal(size=(T, d)), "W_QK": W_QK, "W_V": W_V}


_INEQUALITIES = (
    "jacobian_norm <= bound_data",
    "jacobian_norm <= bound_sharp",
    "jacobian_norm <= bound_paper",
)


def _under_bounds(
    parameters: Mapping[str, Any], values: Mapping[str, Any], rng: np.random.Generator
) -> list[tuple[float, float]]:
    norm, data, sharp, paper = (
        float(values[k]) for k in ("jacobian_norm", "bound_data", "bound_sharp", "bound_paper")
    )
    return [(norm, data), (norm, sharp), (norm, paper)]


def _without_logits(parameters: Mapping[str, Any], values: Mapping[str, Any]) -> list[float]:
    """Return the bounds at W_QK = 0, where averages of tokens are all there is to stretch."""
    size = norm_2(parameters["W_V"]) if "W_V" in parameters else 1.0
    T = len(parameters["X"]) if "X" in parameters else parameters["T"]
    data, sharp = (size * math.sqrt(c) for c in (values["max_column_sum"], T))
    return [data, sharp, math.sqrt(3.0) * sharp]


_STATEMENTS = {
    "jacobian_norm": _J,
    "max_column_sum": named("max_k", named("sum_i", "A_ik")),
    "bound_data": _SHARP,
    "bound_paper": _PAPER,
    "bound_sharp": _SHARP.subs(_c, _T),
}
_MEASURED = entries("found", _STATEMENTS)

register(
    Claim(
        id="ZOO-LIP-1b",
        title="Jacobian of a given layer against its bounds",
        statement=(
            "The norm of the Jacobian of X -> softmax(X W_QK X^T) X W_V is below the bound with "
            "the observed column sum, below the one with T, and below that of the paper."
        ),
        source=cite("castin2024", "bound on a ball, and a sharper one"),
        standing="derived",
        observable="Jacobian norm",
        parameters=LAYER,
        complete=shapes_of(LAYER),
        where={"found": Routine(_J, _measure, LAYER_NAMES)},
        values=_MEASURED,
        cases=(
            {
                "X": [[1.0, 0.0], [0.0, 1.0]],
                "W_QK": [[0.0, 1.0], [0.0, 0.0]],
                "W_V": [[1.0, 0.0], [0.0, 1.0]],
            },
            {
                "X": [[-0.2, -0.7], [0.3, -0.7], [1.7, 0.8]],
                "W_QK": [[-0.2, -1.1], [0.7, -1.5]],
                "W_V": [[-1.1, 0.6], [0.5, 2.4]],
            },
            {"X": [[0.4, -0.5]], "W_QK": [[0.1, 2.0], [0.0, 1.0]], "W_V": [[1.0], [2.0]]},
        ),
        judged_by=(
            PathwiseBound(
                _under_bounds,
                draw_layer,
                rounding=1e-10,
                inequalities=_INEQUALITIES,
                trivial=_without_logits,
            ),
            Identity(
                lambda p: {"jacobian_norm": complex_step_norm(p)},
                draw_layer,
                tolerance=1e-8,
                most_draws=50,
            ),
        ),
        wrong_twin=WrongTwin(
            "constant off by 5 %", {"jacobian_norm": times(1.05, _MEASURED["jacobian_norm"])}
        ),
    )
)

# --- ZOO-LIP-1c -----------------------------------------------------------------------------------


def _outlier(T: int, gain: float, height: float) -> dict[str, float]:
    norm, column = outlier_jacobian_norm(T, gain, height)
    radius = max(1.0, abs(height)) if T > 1 else abs(height)
    return {"jacobian_norm": norm, **_bounds(column, T, radius, abs(gain), 1.0)}


def outlier_layer(T: int, gain: float, height: float) -> dict[str, FloatArray]:
    """Return the tokens and weights of ZOO-LIP-1c."""
    X = np.tile([1.0, 0.0], (T, 1))
    X[0] = 0.0, height
    return {"X": X, "W_QK": np.array([[0.0, gain], [0.0, 0.0]]), "W_V": np.eye(2)}


_OUTLIER = entries("found", _STATEMENTS)

register(
    Claim(
        id="ZOO-LIP-1c",
        title="a layer that stretches like sqrt(T) log T",
        statement=(
            "With W_QK = g e_1 e_2^T, W_V = I, one token t e_2 and the others e_1 the Jacobian "
            "comes within a factor of about 2 to 3 of the sharp bound for g near log T, at every T."
        ),
        source=cite("castin2024", "tightness in the number of tokens"),
        standing="derived",
        observable="Jacobian norm",
        parameters=(
            Parameter("T", Integer(low=1, high=10**15, typical=(1, 60)), "number of tokens"),
            Parameter("score_gain", Real(typical=(-4.0, 6.0)), "g"),
            Parameter("height", Real(typical=(-2.0, 2.0)), "t"),
        ),
        where={"found": Routine(_J, _outlier, ("T", "score_gain", "height"))},
        values={
            k: _OUTLIER[k]
            for k in ("jacobian_norm", "max_column_sum", "bound_data", "bound_sharp", "bound_paper")
        },
        cases=(
            {"T": 8, "score_gain": 2.5, "height": 0.8},
            {"T": 32, "score_gain": 4.5, "height": 0.9},
            {"T": 3, "score_gain": -1.0, "height": 1.7},
        ),
        judged_by=(
            Identity(
                lambda p: _measure(**outlier_layer(p["T"], p["score_gain"], p["height"])),
                lambda rng: {
                    "T": int(rng.integers(1, 30)),
                    "score_gain": float(rng.uniform(-3.0, 5.0)),
                    "height": float(rng.uniform(-1.5, 1.5)),
                },
                tolerance=1e-9,
                most_draws=50,
            ),
            PathwiseBound(
                _under_bounds,
                lambda rng: {
                    "T": int(10.0 ** rng.uniform(0.0, 12.0)),
                    "score_gain": float(rng.uniform(-5.0, 40.0)),
                    "height": float(rng.uniform(-1.5, 1.5)),
                },
                rounding=1e-10,
                inequalities=_INEQUALITIES,
                trivial=_without_logits,
            ),
        ),
        wrong_twin=WrongTwin(
            "constant off by 5 %", {"jacobian_norm": times(1.05, _OUTLIER["jacobian_norm"])}
        ),
    )
)
