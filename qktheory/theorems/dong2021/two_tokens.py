"""RANK-5a to RANK-5e: two tokens in one dimension, solved exactly."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal, localcontext
from typing import Any

import numpy as np
import sympy as sp

from qktheory.base.domains import Integer, Parameter, Real
from qktheory.base.errors import bad_value
from qktheory.numerics import two_tokens
from qktheory.numerics.depth_trajectory import attention_trajectory, local_exponents
from qktheory.numerics.ergodicity import softmax
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.dong2021 import setting as s
from qktheory.theorems.judgements import Asymptotic, Evaluate, Identity, PathwiseBound

_REAL = Real(typical=(-1.5, 1.5))
HALF_GAP = Parameter("half_gap", _REAL, "r: the tokens are c + r and c - r")
SCORE_GAIN = Parameter("score_gain", _REAL, "a = W_QK/temperature")
VALUE_GAIN = Parameter("value_gain", _REAL, "w = W_V", 1.0)
CENTER = Parameter("center", _REAL, "c", 0.0)

_r, _a, _w, _c = (symbol(x) for x in ("half_gap", "score_gain", "value_gain", "center"))
_sigma, _g = sp.Function("sigma"), sp.Function("g")


def _solved(what: str) -> Any:
    return s.extends_dong(f"exactly solvable model: {what}")


def _draw(rng: np.random.Generator) -> dict[str, Any]:
    return {
        "half_gap": float(rng.choice([-1, 1]) * 10.0 ** rng.uniform(-1.0, 0.3)),
        "score_gain": float(rng.choice([-1, 1]) * 10.0 ** rng.uniform(-1.0, 0.3)),
        "value_gain": float(rng.choice([-1, 1]) * 10.0 ** rng.uniform(-0.5, 0.3)),
    }


# --- RANK-5a --------------------------------------------------------------------------------------


def _as_network(p: Mapping[str, Any]) -> dict[str, Any]:
    """Run the general network on the two tokens."""
    L = p["L"]
    A = np.full((L, 1, 1, 1), p["score_gain"])
    W = np.full((L, 1, 1, 1), p["value_gain"])
    gaps = attention_trajectory([[p["half_gap"]], [-p["half_gap"]]], A, W).log10_diameter_2
    assert gaps is not None
    return {"log10_abs_r": [x - math.log10(2.0) for x in gaps]}


_LOG_R = s.log10(sp.Abs(_w * _r * sp.tanh(_a * _r**2)))
_ARGUMENTS_A = ("half_gap", "score_gain", "value_gain", "L")

register(
    Claim(
        id="RANK-5a",
        title="two antipodal tokens at any depth",
        statement=(
            "Tokens +r and -r become +r' and -r' with r' = w r tanh(a r^2): collapse from every r "
            "for |w| <= 1, and from below the threshold r* for |w| > 1, with exponent 3."
        ),
        source=_solved("trajectory"),
        standing="derived",
        observable="half gap",
        parameters=(HALF_GAP, SCORE_GAIN, VALUE_GAIN, s.DEPTH),
        values={
            "log10_abs_r": Routine(_LOG_R, two_tokens.antipodal_trajectory, _ARGUMENTS_A),
            "local_exponents": s.routine(
                "log10_abs_r",
                (_g(s.l + 1) - _g(s.l)) / (_g(s.l) - _g(s.l - 1)),
                local_exponents,
            ),
        },
        cases=(
            {"half_gap": 0.5, "score_gain": 1.0, "value_gain": 1.0, "L": 7},
            {"half_gap": 1.0, "score_gain": 0.5, "value_gain": 2.0, "L": 7},
            {"half_gap": 1.25, "score_gain": 1.0, "value_gain": 1.3, "L": 6},
        ),
        judged_by=(
            Identity(
                _as_network,
                lambda rng: {**_draw(rng), "L": int(rng.integers(1, 8))},
                tolerance=1e-10,
                most_draws=60,
            ),
        ),
        wrong_twin=WrongTwin(
            "a r^2 5 % too large",
            {
                "log10_abs_r": Routine(
                    s.log10(sp.Abs(_w * _r * sp.tanh(1.05 * _a * _r**2))),
                    lambda r, a, w, L: two_tokens.antipodal_trajectory(r, 1.05 * a, w, L),
                    _ARGUMENTS_A,
                )
            },
        ),
        proof=(
            "The scores of +r are a r^2 and -a r^2 and those of -r the opposite, so P X = "
            "(r tanh(a r^2), -r tanh(a r^2))."
        ),
    )
)

# --- RANK-5b --------------------------------------------------------------------------------------


def _two_softmaxes(p: Mapping[str, Any]) -> dict[str, float]:
    x = np.array([p["center"] + p["half_gap"], p["center"] - p["half_gap"]])
    P = softmax(p["score_gain"] * np.outer(x, x))
    out = p["value_gain"] * P @ x
    return {"gap_ratio": float(P[0, 0] - P[1, 0]), "gap_out": float(out[0] - out[1])}


_shift = 2 * _a * _r
_ratio = symbol("gap_ratio")

register(
    Claim(
        id="RANK-5b",
        title="two tokens off the origin",
        statement=(
            "The gap 2r of tokens c + r and c - r becomes 2 r w (sigma(2ar(c + r)) - "
            "sigma(2ar(c - r))), a factor of modulus at most |w| tanh(|a| r^2), with equality at "
            "c = 0."
        ),
        source=_solved("one layer"),
        standing="derived",
        observable="gap",
        parameters=(CENTER, HALF_GAP, SCORE_GAIN, VALUE_GAIN),
        values={
            "gap_ratio": Routine(
                _sigma(_shift * (_c + _r)) - _sigma(_shift * (_c - _r)),
                two_tokens.gap_ratio,
                ("center", "half_gap", "score_gain"),
            ),
            "gap_out": 2 * _r * _w * _ratio,
            "bound": sp.tanh(sp.Abs(_a) * _r**2),
        },
        cases=(
            {"center": 0.0, "half_gap": 0.5, "score_gain": 1.0},
            {"center": 0.7, "half_gap": 0.5, "score_gain": 2.0, "value_gain": -1.5},
            {"center": 1.0, "half_gap": 0.5, "score_gain": -1.0},
        ),
        judged_by=(
            PathwiseBound(
                lambda p, v, rng: [(abs(float(v["gap_ratio"])), float(v["bound"]))],
                lambda rng: {**_draw(rng), "center": float(rng.normal() * (rng.random() < 0.7))},
            ),
            Identity(
                _two_softmaxes,
                lambda rng: {**_draw(rng), "center": float(rng.normal())},
                tolerance=1e-9,
            ),
        ),
        wrong_twin=WrongTwin(
            "bound taken at 0.95 r^2", {"bound": sp.tanh(sp.Rational(95, 100) * sp.Abs(_a) * _r**2)}
        ),
    )
)

# --- RANK-5c --------------------------------------------------------------------------------------


def _fixed_point(p: dict[str, Any]) -> None:
    if p["score_gain"] == 0.0:
        raise bad_value("score_gain", 0.0, "a number other than 0")
    if abs(p["value_gain"]) <= 1.0:
        raise bad_value("value_gain", p["value_gain"], "a number of modulus > 1")


def _by_bisection(p: Mapping[str, Any]) -> dict[str, float]:
    low, high = 0.0, 1.0
    a, w = abs(p["score_gain"]), abs(p["value_gain"])
    while w * math.tanh(a * high * high) < 1.0:
        high *= 2.0
    for _ in range(100):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if w * math.tanh(a * middle**2) < 1.0 else (low, middle)
    return {"r_star": high}


_R_STAR = sp.sqrt(sp.atanh(1 / sp.Abs(_w)) / sp.Abs(_a))

register(
    Claim(
        id="RANK-5c",
        title="threshold of collapse",
        statement=(
            "For |w| > 1 antipodal tokens collapse below r* = sqrt(artanh(1/|w|)/|a|), where "
            "|w| tanh(|a| r^2) = 1, and grow above it."
        ),
        source=_solved("threshold"),
        standing="derived",
        observable="half gap",
        parameters=(SCORE_GAIN, Parameter("value_gain", Real(typical=(1.05, 4.0)), "w = W_V")),
        complete=_fixed_point,
        values={
            "r_star": Routine(_R_STAR, two_tokens.collapse_threshold, ("score_gain", "value_gain"))
        },
        cases=(
            {"score_gain": 1.0, "value_gain": 1.3},
            {"score_gain": 0.5, "value_gain": 2.0},
            {"score_gain": -0.5, "value_gain": -2.0},
        ),
        judged_by=(
            Identity(
                _by_bisection,
                lambda rng: {
                    "score_gain": 10.0 ** rng.uniform(-2.0, 2.0),
                    "value_gain": 1.0 + 10.0 ** rng.uniform(-3.0, 1.0),
                },
                tolerance=1e-10,
            ),
        ),
        wrong_twin=WrongTwin(
            "1/|w| taken as 0.95/|w|",
            {
                "r_star": Routine(
                    sp.sqrt(sp.atanh(sp.Rational(95, 100) / sp.Abs(_w)) / sp.Abs(_a)),
                    lambda a, w: two_tokens.collapse_threshold(a, w / 0.95),
                    ("score_gain", "value_gain"),
                )
            },
        ),
    )
)

# --- RANK-5d --------------------------------------------------------------------------------------

_y = symbol("y")

register(
    Claim(
        id="RANK-5d",
        title="slope of the antipodal map",
        statement=(
            "d log r'/d log r = 1 + 4y/sinh(2y) with y = a r^2: from 3 at y = 0 down to 1 as "
            "attention saturates."
        ),
        source=_solved("slope"),
        standing="derived",
        observable="half gap",
        parameters=(Parameter("y", Real(typical=(-4.0, 4.0)), "a r^2"),),
        values={"slope": Routine(1 + 4 * _y / sp.sinh(2 * _y), two_tokens.slope_of_log, ("y",))},
        cases=({"y": 1.0}, {"y": 0.0}, {"y": -2.5}, {"y": 500.0}),
        judged_by=(
            Identity(
                # The logarithmic derivative of r tanh(a r^2), written with tanh.
                lambda p: {
                    "slope": 1.0
                    + (
                        2.0 * p["y"] * (1.0 / math.tanh(p["y"]) - math.tanh(p["y"]))
                        if p["y"]
                        else 2.0
                    )
                },
                lambda rng: {"y": float(rng.choice([-1, 1]) * 10.0 ** rng.uniform(-4.0, 1.0))},
                tolerance=1e-9,
            ),
        ),
        wrong_twin=WrongTwin(
            "constant 4 taken as 4.2",
            {
                "slope": Routine(
                    1 + sp.Rational(42, 10) * _y / sp.sinh(2 * _y),
                    lambda y: 1.0 + 1.05 * (two_tokens.slope_of_log(y) - 1.0),
                    ("y",),
                )
            },
        ),
    )
)

# --- RANK-5e --------------------------------------------------------------------------------------

STEPS = Parameter("L", Integer(low=0, high=10**7, typical=(0, 200)), "number of layers")
_L = symbol("L")


def _decimal_steps(p: Mapping[str, Any]) -> dict[str, float]:
    with localcontext() as context:
        context.prec = 40
        r, a, w = (Decimal(p[x]) for x in ("half_gap", "score_gain", "value_gain"))
        for _ in range(p["L"]):
            growth = (2 * a * r * r).exp()
            r = r * (1 + w * (growth - 1) / (growth + 1))
        return {"r_final": float(r)}


def _power_law(factor: float, w: float, a: float, L: int) -> float | None:
    rate = factor * abs(w * a) * L
    return 1.0 / math.sqrt(rate) if rate > 0.0 else None


def _at_depth(evaluate: Evaluate, p: Mapping[str, Any], size: float) -> tuple[float, float]:
    """Return r_L in units of L^(-1/2), and the limit."""
    if p["value_gain"] * p["score_gain"] >= 0.0:
        return 1.0, 1.0  # the power law is about opposite signs
    values = evaluate({**p, "L": int(size)})
    return abs(float(values["r_final"])) * math.sqrt(size), float(values["asymptotic"]) * math.sqrt(
        size
    )


def _asymptotic(factor: float) -> Routine:
    return Routine(
        1 / sp.sqrt(sp.Float(factor) * sp.Abs(_w * _a) * _L),
        lambda w, a, L: _power_law(factor, w, a, L),
        ("value_gain", "score_gain", "L"),
    )


register(
    Claim(
        id="RANK-5e",
        title="two tokens with a skip connection",
        statement=(
            "With a skip r' = r (1 + w tanh(a r^2)); for w a < 0 and small r the gap falls as "
            "(2 |w a| L)^(-1/2): a power law, no exponential."
        ),
        source=_solved("skip connection"),
        standing="derived",
        observable="half gap",
        parameters=(HALF_GAP, SCORE_GAIN, VALUE_GAIN, STEPS),
        values={
            "r_final": Routine(
                sp.Symbol("r_L"),
                two_tokens.skip_half_gap,
                ("half_gap", "score_gain", "value_gain", "L"),
            ),
            "asymptotic": _asymptotic(2.0),
            "scaled_square": 2 * sp.Abs(_w * _a) * _L * symbol("r_final") ** 2,
        },
        cases=(
            {"half_gap": 0.5, "score_gain": 1.0, "value_gain": -1.0, "L": 100},
            {"half_gap": 0.3, "score_gain": -2.0, "value_gain": 0.5, "L": 50},
            {"half_gap": 0.5, "score_gain": 1.0, "value_gain": -1.0, "L": 1},
        ),
        judged_by=(
            Identity(
                _decimal_steps,
                lambda rng: {
                    "half_gap": rng.uniform(0.05, 0.7),
                    "score_gain": rng.uniform(0.1, 1.0),
                    "value_gain": -rng.uniform(0.1, 0.9),
                    "L": int(rng.integers(0, 60)),
                },
                tolerance=1e-11,
                most_draws=60,
            ),
            Asymptotic("asymptotic", "L", (1e2, 1e3, 1e4, 1e5), _at_depth, rate=0.8, slack=1.5),
        ),
        wrong_twin=WrongTwin("constant 2 taken as 2.1", {"asymptotic": _asymptotic(2.1)}),
    )
)
