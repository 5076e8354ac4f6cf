"""RANK-4e to RANK-4g: the leading order, trajectories at any depth, and the local slope."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp

from qktheory.base.domains import Parameter, Real
from qktheory.numerics.decimal_network import decimal_residuals
from qktheory.numerics.depth_trajectory import (
    Trajectory,
    attention_trajectory,
    local_exponents,
    scale_slope,
)
from qktheory.numerics.layer_split import LayerSplit
from qktheory.numerics.matrix_norms import centred, frobenius_norm
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.dong2021 import setting as s
from qktheory.theorems.judgements import Evaluate, Identity

Floats = s.Floats

# --- RANK-4e --------------------------------------------------------------------------------------

_Cov = sp.Symbol("Cov_q", commutative=False)
_temperature = symbol("temperature")
_LEADING = s.Pi * s.R * s.A * _Cov * s.W / _temperature


def _with_values(statement: Any, compute: Any) -> Routine:
    return Routine(sp.sympify(statement), compute, ("split", "W_V"))


def _relative_error(split: LayerSplit, W_V: Floats) -> float | None:
    exact = frobenius_norm(centred(split.deviation @ W_V))
    return frobenius_norm(split.beyond_leading @ W_V) / exact if exact > 0.0 else None


def _small_spread(evaluate: Evaluate, p: Mapping[str, Any], size: float) -> tuple[float, float]:
    """Shrink the spread of the tokens about their mean by a factor and scale norms back up."""
    mean = p["X"].mean(axis=0)
    values = evaluate({**p, "X": mean + (p["X"] - mean) / size})
    return float(values["residual_exact"]) * size**3, float(values["residual_leading"]) * size**3


register(
    Claim(
        id="RANK-4e",
        title="leading order of a layer in the spread of its tokens",
        statement=(
            "Up to a common row P X W_V = R W_QK Cov_q(R) W_V/temperature + O(||R||^5) where the "
            "leading part does not vanish; the relative error falls with the spread."
        ),
        source=s.extends_dong("the exponent 3 of Theorem 2.2 made an asymptotic equality"),
        standing="derived",
        observable="residual of one layer",
        parameters=(s.TOKENS, s.W_QK, s.W_V, s.TEMPERATURE),
        complete=s.check_widths,
        where={"split": s.MEAN_SPLIT},
        values={
            "covariance": s.routine("split", _Cov, lambda x: x.covariance),
            "leading": _with_values(_LEADING, lambda x, W_V: x.leading @ W_V),
            "residual_exact": _with_values(
                s.norm_F(s.Pi * s.P * s.X * s.W),
                lambda x, W_V: frobenius_norm(centred(x.deviation @ W_V)),
            ),
            "residual_leading": _with_values(
                s.norm_F(_LEADING), lambda x, W_V: frobenius_norm(x.leading @ W_V)
            ),
            "relative_error": _with_values(
                s.norm_F(s.Pi * s.P * s.X * s.W - _LEADING) / s.norm_F(s.Pi * s.P * s.X * s.W),
                _relative_error,
            ),
        },
        cases=s.SPREAD_CASES,
        judged_by=(s.as_spread_shrinks(_small_spread),),
        wrong_twin=WrongTwin(
            "leading part 5 % too large",
            {
                "residual_leading": _with_values(
                    sp.Rational(105, 100) * s.norm_F(_LEADING),
                    lambda x, W_V: 1.05 * frobenius_norm(x.leading @ W_V),
                )
            },
        ),
    )
)

# --- RANK-4f --------------------------------------------------------------------------------------


def _trajectory(
    X: Floats,
    W_QK: Floats,
    W_V: Floats,
    temperature: float,
    L: int,
    bias: Floats | None,
    skip: bool,
) -> Trajectory:
    return attention_trajectory(
        X,
        s.layers_of(W_QK, L),
        s.layers_of(W_V, L),
        temperature,
        s.biases_of(bias, L),
        skip,
    )


def _in_decimals(p: Mapping[str, Any]) -> dict[str, Any]:
    L = p["L"]
    found = decimal_residuals(
        p["X"],
        s.layers_of(p["W_QK"], L),
        s.layers_of(p["W_V"], L),
        p["temperature"],
        s.biases_of(p["bias"], L),
        p["skip"],
        digits=60 + 3 ** (L + 1),
    )
    del found["relative"]
    return {f"log10_{name}": values for name, values in found.items()}


def _draw_network(rng: np.random.Generator) -> dict[str, Any]:
    drawn = s.draw_network(rng, 3, skip=bool(rng.integers(2)))
    if rng.random() < 0.5:
        drawn["bias"] = rng.normal(size=drawn["X"].shape[1])
    return drawn


_ARGUMENTS = ("X", "W_QK", "W_V", "temperature", "L", "bias", "skip")
_MAP = sp.Eq(
    sp.Symbol("X'"),
    sp.Symbol("sum_h P_h X W_h") + sp.Symbol("1 b^T") + sp.Symbol("[skip] X"),
    evaluate=False,
)
_g = sp.Function("g")

register(
    Claim(
        id="RANK-4f",
        title="residuals at any depth",
        statement=(
            "The residuals of X' = sum_h P_h X W_h + 1 b^T (+ X with skip) in every layer, exact "
            "however small: without skip they fall doubly exponentially once scores are small, "
            "with local exponents that tend to 3."
        ),
        source=s.extends_dong("Theorem 2.2, as a computed trajectory"),
        standing="derived",
        observable="residual",
        parameters=(
            s.TOKENS,
            s.LAYERS_QK,
            s.LAYERS_V,
            s.TEMPERATURE,
            s.DEPTH,
            s.BIAS,
            s.SKIP,
        ),
        complete=s.check_square_widths,
        where={"path": Routine(_MAP, _trajectory, _ARGUMENTS)},
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
            "local_exponents": s.routine(
                "path",
                (_g(s.l + 1) - _g(s.l)) / (_g(s.l) - _g(s.l - 1)),
                lambda x: local_exponents(x.log10_norm_1inf),
            ),
        },
        cases=(
            s.chapter_input(0.25, L=4),
            s.chapter_input(0.25, 2, L=3),
            s.chapter_input(1.0, L=4),
            s.chapter_input(0.5, 2, L=3, skip=True, bias=[0.25, -0.25, 0]),
        ),
        judged_by=(Identity(_in_decimals, _draw_network, tolerance=1e-10, most_draws=25),),
        wrong_twin=WrongTwin(
            "temperature 5 % too large",
            {
                "path": Routine(
                    sp.Eq(sp.Symbol("temperature"), 1.05 * _temperature, evaluate=False),
                    lambda X, A, W, temperature, *rest: _trajectory(
                        X, A, W, 1.05 * temperature, *rest
                    ),
                    _ARGUMENTS,
                )
            },
        ),
    )
)

# --- RANK-4g --------------------------------------------------------------------------------------

SCALE = Parameter(
    "scale", Real(low=0.0, low_open=True, typical=(0.05, 2.0)), "factor of all tokens"
)


def _slope(
    X: Floats, W_QK: Floats, W_V: Floats, temperature: float, scale: float
) -> tuple[float, float] | None:
    return scale_slope(X, s.heads_of(W_QK), s.heads_of(W_V), temperature, scale)


def _by_differences(p: Mapping[str, Any]) -> dict[str, float]:
    """Differentiate the decimal residual numerically, to the square of the step."""
    layer = (p["X"], [s.heads_of(p["W_QK"])], [s.heads_of(p["W_V"])], p["temperature"])
    low, mid, high = (
        decimal_residuals(*layer, scale=p["scale"] * factor)["norm_1inf"][1]
        for factor in (1.0 - 1e-4, 1.0, 1.0 + 1e-4)
    )
    step = math.log10((1.0 + 1e-4) / (1.0 - 1e-4))
    return {"slope": (high - low) / step, "log10_norm_1inf_out": mid}


def _draw_scaled(rng: np.random.Generator) -> dict[str, Any]:
    drawn = s.draw_network(rng, 1)
    del drawn["L"]
    # A kink of the norms within the step of the differences has no measure worth speaking of.
    return {**drawn, "scale": 10.0 ** rng.uniform(-2.0, 0.0)}


_SLOPE_ARGUMENTS = ("X", "W_QK", "W_V", "temperature", "scale")
_t = sp.Symbol("t")

register(
    Claim(
        id="RANK-4g",
        title="local slope of one layer",
        statement=(
            "d log rho'/d log t of the residual rho' of a layer on tokens t X: 3 for small scores, "
            "1 once attention saturates, and in between the exponent at which a trajectory runs."
        ),
        source=s.extends_dong("from cubic to linear: the local exponent of Theorem 2.2"),
        standing="derived",
        observable="residual of one layer",
        parameters=(s.TOKENS, s.HEADS_QK, s.HEADS_V, s.TEMPERATURE, SCALE),
        complete=s.check_widths,
        where={
            "found": Routine(
                s.norm_1inf(s.Pi * s.P * s.X * s.W),
                _slope,
                _SLOPE_ARGUMENTS,
            )
        },
        values={
            "slope": s.routine(
                "found",
                sp.Derivative(sp.log(sp.Function("rho")(_t)), _t) * _t,
                lambda x: x and x[0],
            ),
            "log10_norm_1inf_out": s.routine(
                "found", s.log10(s.norm_1inf(s.Pi * s.P * s.X * s.W)), lambda x: x and x[1]
            ),
        },
        cases=tuple(s.chapter_input(1.0, scale=scale) for scale in (0.001, 0.1, 0.5, 2.0)),
        judged_by=(Identity(_by_differences, _draw_scaled, tolerance=2e-5, most_draws=40),),
        wrong_twin=WrongTwin(
            "temperature 5 % too large",
            {
                "found": Routine(
                    sp.Eq(sp.Symbol("temperature"), 1.05 * _temperature, evaluate=False),
                    lambda X, A, W, temperature, scale: _slope(X, A, W, 1.05 * temperature, scale),
                    _SLOPE_ARGUMENTS,
                )
            },
        ),
    )
)
