"""RANK-6a, RANK-6b: score biases and masks, where the exponent of collapse is one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp

from qktheory.base.domains import Choice, Parameter
from qktheory.base.errors import bad_value
from qktheory.numerics.decimal_network import decimal_residuals
from qktheory.numerics.depth_trajectory import Trajectory, attention_trajectory
from qktheory.numerics.ergodicity import dobrushin, mean_free_norm, second_modulus, softmax
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim, Routine, Source, WrongTwin, register
from qktheory.theorems.dong2021 import setting as s
from qktheory.theorems.judgements import Identity, PathwiseBound
from qktheory.theorems.papers import cite

Floats = s.Floats


def wu(what: str) -> Source:
    """Return the paper as the source of a statement."""
    return cite("wu2024", what)


MASK = Parameter("mask", Choice(("none", "causal")), "causal: query i sees keys j <= i", "none")
BIAS = Parameter("B_score", s.ScoreBiases(), "additive score bias, null masks an entry")
BIAS_OR_NONE = Parameter("B_score", BIAS.domain, BIAS.description + "; 0 by default", None)


def masked_bias(B_score: Floats, mask: str) -> Floats:
    """Return the score bias with the mask on top."""
    return np.where(np.tri(len(B_score)) > 0.0, B_score, -np.inf) if mask == "causal" else B_score


def _check_mask(p: dict[str, Any]) -> None:
    bias = p["B_score"]
    hidden = np.isneginf(masked_bias(bias, p["mask"])).all(axis=1)
    if hidden.any():
        raise ValueError(
            f"B_score and mask = {p['mask']!r} hide every key from query {int(np.argmax(hidden))}: "
            "expected a visible entry in each row"
        )


# --- RANK-6a --------------------------------------------------------------------------------------

_P_B = sp.Symbol("P_B", commutative=False)
_BIAS = Routine(s.softmax(sp.Symbol("B")), masked_bias, ("B_score", "mask"))


def _tau_routine(factor: float) -> Routine:
    return s.routine("P_B", sp.Float(factor) * s.tau(_P_B), lambda P: factor * dobrushin(P))


def _naive(p: Mapping[str, Any]) -> dict[str, float]:
    bias = masked_bias(p["B_score"], p["mask"])
    P = np.exp(bias - bias.max(axis=1, keepdims=True))
    P /= P.sum(axis=1, keepdims=True)
    T = len(P)
    rows = [float(np.abs(P[i] - P[j]).sum()) for i in range(T) for j in range(T)]
    Q = P - np.ones((T, T)) @ P / T
    moduli = np.sort(np.abs(np.linalg.eigvals(P)))
    return {
        "lambda2_modulus": float(moduli[-2]) if T > 1 else 0.0,
        "tau_dobrushin": max(rows) / 2.0,
        "pi_p_norm_2": float(np.linalg.svd(Q)[1][0]),
    }


def _draw_bias(rng: np.random.Generator) -> dict[str, Any]:
    T = int(rng.integers(2, 6))
    B = rng.normal(size=(T, T)) * 10.0 ** rng.uniform(-1.0, 0.7)
    hidden = rng.random((T, T)) < rng.choice([0.0, 0.3])
    np.fill_diagonal(hidden, False)
    return {
        "B_score": np.where(hidden, -np.inf, B),
        "mask": str(rng.choice(["none", "causal"])),
    }


_DISTANCE = (-np.abs(np.subtract.outer(range(4), range(4)))).tolist()

register(
    Claim(
        id="RANK-6a",
        title="what a score bias leaves of attention on collapsed tokens",
        statement=(
            "As tokens collapse attention tends to P_B = softmax(B), which is not of rank one: the "
            "residual then shrinks at the rate |lambda_2(P_B)| <= tau(P_B) for W_V = I, which is "
            "1/2 for a uniform causal mask."
        ),
        source=wu("masked attention, Theorem 1"),
        standing="derived",
        observable="contraction factor",
        parameters=(BIAS, MASK),
        complete=_check_mask,
        where={
            "bias": _BIAS,
            "P_B": s.routine("bias", s.softmax(sp.Symbol("B")), softmax),
        },
        values={
            "lambda2_modulus": s.routine(
                "P_B", sp.Abs(sp.Function("lambda_2")(_P_B)), second_modulus
            ),
            "tau_dobrushin": _tau_routine(1.0),
            "pi_p_norm_2": s.routine("P_B", s.norm_2(s.Pi * _P_B), mean_free_norm),
        },
        cases=(
            {"B_score": np.zeros((4, 4)).tolist(), "mask": "causal"},
            {"B_score": _DISTANCE},
            {"B_score": [[0, None], [1, 0]]},
        ),
        judged_by=(
            PathwiseBound(
                lambda p, v, rng: [(float(v["lambda2_modulus"]), float(v["tau_dobrushin"]) + 1e-9)],
                _draw_bias,
                rounding=1e-9,
            ),
            Identity(_naive, _draw_bias, tolerance=1e-6),
        ),
        wrong_twin=WrongTwin("tau 5 % too small", {"tau_dobrushin": _tau_routine(0.95)}),
    )
)

# --- RANK-6b --------------------------------------------------------------------------------------


def _check_network(p: dict[str, Any]) -> None:
    s.check_square_widths(p)
    T = len(p["X"])
    if p["B_score"] is None:
        p["B_score"] = np.zeros((T, T))
    if len(p["B_score"]) != T:
        raise bad_value("B_score", f"array of shape {p['B_score'].shape}", f"size T = {T}")
    _check_mask(p)


def _trajectory(
    X: Floats, W_QK: Floats, W_V: Floats, temperature: float, bias: Floats, L: int
) -> Trajectory:
    layers = s.layers_of(W_QK, L), s.layers_of(W_V, L)
    return attention_trajectory(X, *layers, temperature, score_bias=bias)


def _in_decimals(p: Mapping[str, Any]) -> dict[str, Any]:
    L = p["L"]
    found = decimal_residuals(
        p["X"],
        s.layers_of(p["W_QK"], L),
        s.layers_of(p["W_V"], L),
        p["temperature"],
        score_bias=masked_bias(p["B_score"], p["mask"]),
        digits=80,
    )
    del found["relative"]
    return {f"log10_{name}": values for name, values in found.items()}


def _draw_masked(rng: np.random.Generator) -> dict[str, Any]:
    drawn = s.draw_network(rng, 3)
    T = len(drawn["X"])
    bias: dict[str, Any] = {}
    while len(bias.get("B_score", [])) != T:
        bias = _draw_bias(rng)
    return {**drawn, **bias}


_ARGUMENTS = ("X", "W_QK", "W_V", "temperature", "bias", "L")


def _last_rate(path: Trajectory) -> float | None:
    norms = path.log10_frobenius
    return None if norms is None or len(norms) < 2 else float(10.0 ** (norms[-1] - norms[-2]))


register(
    Claim(
        id="RANK-6b",
        title="masked attention collapses singly exponentially",
        statement=(
            "With a score bias or mask that depends on query and key the residual falls by a "
            "constant factor a layer, |lambda_2(P_B)| for W_V = I, not doubly exponentially; a "
            "bias that all queries share changes the base distribution alone."
        ),
        source=wu("masked attention in depth"),
        standing="derived",
        observable="residual",
        parameters=(
            s.TOKENS,
            s.LAYERS_QK,
            s.LAYERS_V,
            s.TEMPERATURE,
            BIAS_OR_NONE,
            MASK,
            s.DEPTH,
        ),
        complete=_check_network,
        where={
            "bias": _BIAS,
            "path": Routine(s.P * s.X * s.W, _trajectory, _ARGUMENTS),
        },
        values={
            "log10_norm_1inf": s.routine(
                "path", s.log10(s.norm_1inf(s.Pi * s.X)), lambda x: x.log10_norm_1inf
            ),
            "log10_frobenius": s.routine(
                "path", s.log10(s.norm_F(s.Pi * s.X)), lambda x: x.log10_frobenius
            ),
            "log10_diameter_2": s.routine(
                "path", s.log10(s.diam(s.X)), lambda x: x.log10_diameter_2
            ),
            "last_rate": s.routine(
                "path", sp.Symbol("d_M(X_L)") / sp.Symbol("d_M(X_{L-1})"), _last_rate
            ),
        },
        cases=(
            {"X": s.X_4.tolist(), "W_QK": np.zeros((3, 3)).tolist(), "mask": "causal", "L": 4},
            {**s.chapter_input(0.25, L=5), "mask": "causal", "W_V": np.eye(3).tolist()},
            {**s.chapter_input(0.25, 2, L=5), "B_score": _DISTANCE},
        ),
        judged_by=(Identity(_in_decimals, _draw_masked, tolerance=1e-9, most_draws=25),),
        wrong_twin=WrongTwin(
            "temperature 5 % too large",
            {
                "path": Routine(
                    s.P * s.X * s.W * symbol("temperature") * sp.Rational(105, 100),
                    lambda X, A, W, temperature, *rest: _trajectory(
                        X, A, W, 1.05 * temperature, *rest
                    ),
                    _ARGUMENTS,
                )
            },
        ),
    )
)
