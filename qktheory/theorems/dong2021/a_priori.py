"""RANK-4d: residuals at depth from the weights alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp

from qktheory.base.domains import Integer, Parameter, Real
from qktheory.numerics.common_row import least_norm_1
from qktheory.numerics.depth_bounds import a_priori_norms
from qktheory.numerics.matrix_norms import norm_1, norm_inf
from qktheory.numerics.token_spread import TokenSpread, attention_layer
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.dong2021 import setting as s
from qktheory.theorems.judgements import Identity, PathwiseBound

Floats = s.Floats

_W = sp.IndexedBase("W")
_H = sp.Symbol("H", integer=True, positive=True)
_h = sp.Symbol("h", integer=True, positive=True)
_POSITIVE = Real(low=0.0, low_open=True, typical=(0.05, 3.0))


def _sum_over_heads(term: sp.Expr) -> sp.Expr:
    return sp.Sum(term, (_h, 1, _H))


_a, _b, _t = sp.Symbol("a_l"), sp.Symbol("b_l"), sp.Symbol("t_h")
_STEP = sp.Tuple(
    _a * _sum_over_heads(sp.Min(s.n * sp.tanh(_t / 2), _t * sp.exp(2 * _t) / 2) * s.norm_1(_W[_h])),
    _b * _sum_over_heads(2 * sp.tanh(_t / 2) * s.norm_inf(_W[_h])),
)


def _recursion(
    gain: float,
    T: int,
    first: float,
    second: float,
    W_QK: Floats,
    W_V: Floats,
    temperature: float,
    L: int,
) -> tuple[list[float], list[float]] | None:
    kappa, columns, rows = [], [], []
    for a, w in zip(s.layers_of(W_QK, L), s.layers_of(W_V, L), strict=True):
        kappa.append(np.array([gain * norm_1(one) / temperature for one in a]))
        columns.append(np.array([norm_1(one) for one in w]))
        rows.append(np.array([norm_inf(one) for one in w]))
    return a_priori_norms(T, first, second, kappa, columns, rows)


def _routine_4d(gain: float) -> Routine:
    return Routine(
        _STEP if gain == 1.0 else _STEP.subs(_t, sp.Float(gain) * _t),
        lambda *arguments: _recursion(gain, *arguments),
        ("T", "residual_norm_1", "residual_norm_inf", "W_QK", "W_V", "temperature", "L"),
    )


def _below(p: Mapping[str, Any], v: Mapping[str, Any], rng: np.random.Generator) -> Any:
    """Run networks on tokens of the given norms; medians bound norm_1 from below."""
    if "log10_norm_1" not in v:
        return [(0.0, 1.0)]
    width, T = p["W_QK"].shape[-1], min(p["T"], 64)
    antipodal = np.zeros((T, width))  # where one layer attains its bound
    antipodal[:, 0] = 1.0 - 2.0 * (np.arange(T) % 2)
    pairs = []
    for R, reference in ((rng.normal(size=(T, width)), rng.normal(size=width)), (antipodal, 0.0)):
        size = min(p["residual_norm_1"] / norm_1(R), p["residual_norm_inf"] / norm_inf(R))
        pairs += _below_at(p, v, TokenSpread.of(size * R + reference))
    return pairs or [(0.0, 1.0)]


def _below_at(
    p: Mapping[str, Any], v: Mapping[str, Any], tokens: TokenSpread
) -> list[tuple[float, float]]:
    """Return the residual of each layer as a share of its bound, to be at most 1."""
    pairs = []
    for l in range(1, p["L"] + 1):
        maps = s.layers_of(p["W_QK"], p["L"])[l - 1], s.layers_of(p["W_V"], p["L"])[l - 1]
        tokens = attention_layer(tokens, *maps, p["temperature"])
        least = least_norm_1(tokens.residual.mantissa)
        if least > 0.0:
            excess = tokens.residual.log10(least) - float(v["log10_norm_1"][l])
            pairs.append((10.0 ** min(excess, 300.0), 1.0))
    return pairs


def _stepwise(p: Mapping[str, Any]) -> dict[str, Any]:
    a, b = p["residual_norm_1"], p["residual_norm_inf"]
    found: dict[str, list[float]] = {"log10_norm_1": [], "log10_norm_inf": []}
    for l in range(p["L"] + 1):
        found["log10_norm_1"].append(math.log10(a))
        found["log10_norm_inf"].append(math.log10(b))
        if l == p["L"]:
            break
        column = row = 0.0
        heads = zip(
            s.layers_of(p["W_QK"], p["L"])[l], s.layers_of(p["W_V"], p["L"])[l], strict=True
        )
        for A, W in heads:
            t = float(np.linalg.norm(A, 1)) / p["temperature"] * a * b
            share = math.tanh(t / 2)
            column += min(p["T"] * share, 0.5 * t * math.exp(min(2 * t, 600.0))) * float(
                np.linalg.norm(W, 1)
            )
            row += 2 * share * float(np.linalg.norm(W, np.inf))
        a, b = a * column, b * row
    return found


def _draw_4d(rng: np.random.Generator) -> dict[str, Any]:
    layer = s.draw_layer(rng, int(rng.integers(1, 3)))
    del layer["X"]
    return {
        **layer,
        "T": int(rng.integers(2, 9)),
        "residual_norm_1": 10.0 ** rng.uniform(-1.0, 0.5),
        "residual_norm_inf": 10.0 ** rng.uniform(-1.0, 0.5),
        "L": int(rng.integers(0, 4)),
    }


register(
    Claim(
        id="RANK-4d",
        title="residuals at depth from the weights alone",
        statement=(
            "a_l >= norm_1(R) and b_l >= norm_inf(R) follow the recursion a' = a sum_h min(T "
            "tanh(t_h/2), t_h e^(2 t_h)/2) norm_1(W_h), b' = b sum_h 2 tanh(t_h/2) norm_inf(W_h) "
            "with t_h = kappa_h a b, for residuals about the running reference."
        ),
        source=s.extends_dong("Theorem 2.2 as a recursion for all inputs"),
        standing="derived",
        observable="residual",
        parameters=(
            Parameter("T", Integer(low=1, typical=(1, 20)), "number of tokens"),
            Parameter("residual_norm_1", _POSITIVE, "norm_1 of the residual at the input"),
            Parameter("residual_norm_inf", _POSITIVE, "norm_inf of the residual at the input"),
            s.LAYERS_QK,
            s.LAYERS_V,
            s.TEMPERATURE,
            s.DEPTH,
        ),
        complete=s.check_square_widths,
        where={"norms": _routine_4d(1.0)},
        values={
            "log10_norm_1": s.routine("norms", s.log10(_a), lambda x: x and x[0]),
            "log10_norm_inf": s.routine("norms", s.log10(_b), lambda x: x and x[1]),
            "log10_norm_1inf": s.routine(
                "norms",
                (s.log10(_a) + s.log10(_b)) / 2,
                lambda x: x and (0.5 * (np.array(x[0]) + np.array(x[1]))).tolist(),
            ),
        },
        cases=(
            {
                "T": 4,
                "residual_norm_1": 1.0,
                "residual_norm_inf": 0.8125,
                "W_QK": s.A_1,
                "W_V": s.W_1,
                "temperature": 2.0,
                "L": 4,
            },
            {
                "T": 4,
                "residual_norm_1": 0.125,
                "residual_norm_inf": 0.125,
                "W_QK": [s.A_1, s.A_2],
                "W_V": [s.W_1, s.W_2],
                "temperature": 2.0,
                "L": 3,
            },
            {"T": 2, "residual_norm_1": 1.0, "residual_norm_inf": 0.5, "W_QK": [[1.0]], "L": 2},
        ),
        judged_by=(
            PathwiseBound(_below, _draw_4d, rounding=1e-9, most_draws=60),
            Identity(_stepwise, _draw_4d, tolerance=1e-8),
        ),
        wrong_twin=WrongTwin("kappa 5 % too small", {"norms": _routine_4d(0.95)}),
    )
)
