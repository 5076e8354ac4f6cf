"""ZOO-UAP-1a to ZOO-UAP-2: softmax attention over a grid of keys as an interpolator."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from qktheory.base.domains import Integer, Parameter, Real
from qktheory.base.errors import bad_value
from qktheory.numerics.grid_attention import (
    grid_output,
    interpolation_error,
    ripple_exact,
    ripple_law,
)
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import Asymptotic, Evaluate, Identity, Ordering
from qktheory.theorems.papers import cite
from qktheory.theorems.routines import named, times

FloatArray = NDArray[np.float64]

_s = symbol("sharpness")
SHARPNESS = Parameter(
    "sharpness", Real(low=0.0, low_open=True, typical=(0.1, 6.0)), "beta h^2, h the step"
)


def _errors_on(keys: FloatArray, s: float, u: FloatArray, target: FloatArray) -> FloatArray:
    squares = (keys[None] - u[:, None]) ** 2
    weights = np.exp(-s * (squares - squares.min(axis=1, keepdims=True)))
    return np.asarray(np.abs(weights @ keys / weights.sum(axis=1) - target))


def _searched(keys: FloatArray, s: float, low: float, high: float) -> float:
    """Search the largest error on a grid of inputs that is refined around its best point."""
    best = 0.0
    for _ in range(3):
        u = np.linspace(low, high, 4001)
        errors = _errors_on(keys, s, u, np.clip(u, keys[0], keys[-1]))
        place = int(np.argmax(errors))
        best = max(best, float(errors[place]))
        step = u[1] - u[0]
        low, high = float(u[place] - 2.0 * step), float(u[place] + 2.0 * step)
    return best


# --- ZOO-UAP-1a -----------------------------------------------------------------------------------

_KAPPA = Routine(
    named("sup_u", sp.Abs(sp.Symbol("output") - named("clip", "u"))),
    interpolation_error,
    ("sharpness",),
)


def _draw_sharpness(rng: np.random.Generator) -> dict[str, Any]:
    return {"sharpness": float(rng.uniform(0.3, 8.0))}


register(
    Claim(
        id="ZOO-UAP-1a",
        title="interpolation error of softmax attention",
        statement=(
            "With the points of a grid as keys and values, scores beta (2 L u - L^2) make "
            "attention approximate clip(u) within kappa(beta h^2) steps for every real u; kappa is "
            "smallest, 0.0618, at beta h^2 = 2.72."
        ),
        source=cite("hu2025", "interpolation by softmax, with its constant"),
        standing="derived",
        observable="output",
        parameters=(SHARPNESS,),
        values={"kappa": _KAPPA},
        cases=({"sharpness": 1.0}, {"sharpness": 2.72}, {"sharpness": 4.0}),
        judged_by=(
            Identity(
                lambda p: {"kappa": _searched(np.arange(20.0), p["sharpness"], -1.0, 3.0)},
                _draw_sharpness,
                tolerance=1e-6,
                most_draws=10,
            ),
        ),
        wrong_twin=WrongTwin("constant off by 5 %", {"kappa": times(1.05, _KAPPA)}),
    )
)

# --- ZOO-UAP-1-folklore ---------------------------------------------------------------------------


def _sharper(evaluate: Evaluate, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return increasing temperatures: the error is believed to rise with them."""
    s = parameters["sharpness"]
    return [{"sharpness": s * factor} for factor in (16.0, 4.0, 1.0)]


_ERROR = Routine(_KAPPA.statement, interpolation_error, ("sharpness",))

register(
    Claim(
        id="ZOO-UAP-1-folklore",
        title="hardmax is the best limit of interpolation",
        statement=(
            "Believed: the sharper the softmax, the better attention interpolates. The error has a "
            "minimum at beta h^2 = 2.72, eight times below that of hardmax (ZOO-UAP-1a)."
        ),
        source=cite("hu2025", "limit of low temperature in the proof"),
        standing="folklore",
        observable="output",
        parameters=(SHARPNESS,),
        values={"kappa": _ERROR},
        cases=({"sharpness": 2.72}, {"sharpness": 1.5}, {"sharpness": 6.0}),
        judged_by=(Ordering("kappa", _sharper),),
        wrong_twin=WrongTwin("constant off by 5 %", {"kappa": times(1.05, _ERROR)}),
    )
)

# --- ZOO-UAP-1b -----------------------------------------------------------------------------------


def _ordered(p: dict[str, Any]) -> None:
    if not p["left"] < p["right"]:
        raise bad_value("right", p["right"], f"a number > left = {p['left']:g}")


def _output(left: float, right: float, n: int, beta: float, u: float) -> float:
    return grid_output(np.linspace(left, right, n), beta, u)


def _written_out(parameters: Mapping[str, Any]) -> dict[str, float]:
    left, right, n, beta, u = (
        parameters[k] for k in ("left", "right", "n", "inverse_temperature", "u")
    )
    keys = [left + (right - left) * i / (n - 1) for i in range(n)]
    scores = [beta * (2.0 * key * u - key * key) for key in keys]
    weights = [math.exp(score - max(scores)) for score in scores]
    mean = sum(w * key for w, key in zip(weights, keys, strict=True)) / sum(weights)
    return {"output": mean, "target": min(max(u, left), right)}


_left, _right, _n, _beta, _u = (
    symbol(k) for k in ("left", "right", "n", "inverse_temperature", "u")
)
_OUTPUT = Routine(
    named("sum_i", named("softmax", "beta*(2*L_i*u - L_i**2)"), "L_i"),
    _output,
    ("left", "right", "n", "inverse_temperature", "u"),
)

register(
    Claim(
        id="ZOO-UAP-1b",
        title="output of grid attention at one input",
        statement=(
            "Keys and values on a grid of [left, right] with scores beta (2 L u - L^2) give an "
            "output near clip(u, left, right), inside the interval or not."
        ),
        source=cite("hu2025", "interpolation by softmax"),
        standing="theorem",
        observable="output",
        parameters=(
            Parameter("left", Real(), "first grid point"),
            Parameter("right", Real(), "last grid point, > left"),
            Parameter("n", Integer(low=2, high=10**7, typical=(2, 60)), "number of grid points"),
            Parameter("inverse_temperature", Real(low=0.0, typical=(0.0, 30.0)), "beta"),
            Parameter("u", Real(), "input"),
        ),
        complete=_ordered,
        values={"output": _OUTPUT, "target": sp.Max(_left, sp.Min(_right, _u))},
        cases=(
            {"left": -1.0, "right": 1.0, "n": 12, "inverse_temperature": 30.0, "u": 0.3},
            {"left": -1.0, "right": 1.0, "n": 5, "inverse_temperature": 4.0, "u": -3.0},
            {"left": 0.0, "right": 2.5, "n": 2, "inverse_temperature": 1.0, "u": 0.5},
        ),
        judged_by=(
            Identity(
                _written_out,
                lambda rng: {
                    "left": float(rng.uniform(-3.0, 0.0)),
                    "right": float(rng.uniform(0.1, 3.0)),
                    "n": int(rng.integers(2, 30)),
                    "inverse_temperature": float(rng.uniform(0.0, 50.0)),
                    "u": float(rng.uniform(-5.0, 5.0)),
                },
                tolerance=1e-9,
            ),
        ),
        wrong_twin=WrongTwin("constant off by 5 %", {"output": times(1.05, _OUTPUT)}),
    )
)

# --- ZOO-UAP-2 ------------------------------------------------------------------------------------


def _infinite_grid(parameters: Mapping[str, Any]) -> dict[str, float]:
    keys = np.arange(-10.0, 11.0)
    return {"ripple_exact": _searched(keys, parameters["sharpness"], 0.0, 0.5)}


def _law(evaluate: Evaluate, parameters: Mapping[str, Any], size: float) -> tuple[float, float]:
    """Return the ripple over e^(-pi^2/s) at s = 2/size, and 2 pi/s."""
    s = min(2.0, parameters["sharpness"]) / size
    found = evaluate({"sharpness": s})
    return float(found["ripple_exact"]) / ripple_law(s), float(found["ripple_law"]) / ripple_law(s)


_LAW = Routine(2 * sp.pi / _s * sp.exp(-(sp.pi**2) / _s), ripple_law, ("sharpness",))
_EXACT = Routine(named("sup_u", sp.Abs(sp.Symbol("output") - _u)), ripple_exact, ("sharpness",))

register(
    Claim(
        id="ZOO-UAP-2",
        title="ripple of grid attention away from the ends",
        statement=(
            "On an infinite grid the output oscillates around u with the amplitude (2 pi/s) "
            "e^(-pi^2/s) steps, s = beta h^2, up to a relative error of its own order."
        ),
        source=cite("hu2025", "interpolation by softmax, away from the ends"),
        standing="derived",
        observable="output",
        parameters=(SHARPNESS,),
        values={"ripple_law": _LAW, "ripple_exact": _EXACT},
        cases=({"sharpness": 1.0}, {"sharpness": 2.0}, {"sharpness": 5.0}),
        judged_by=(
            Identity(
                _infinite_grid,
                lambda rng: {"sharpness": float(rng.uniform(1.0, 10.0))},
                tolerance=1e-6,
                most_draws=10,
            ),
            Asymptotic("ripple_law", "1/s", (1.0, 1.5, 2.0, 3.0), _law, rate=2.0),
        ),
        wrong_twin=WrongTwin("constant off by 5 %", {"ripple_law": times(1.05, _LAW)}),
        proof=(
            "Z(u) = sum_k e^(-s (k - u)^2) = sqrt(pi/s) sum_k e^(-pi^2 k^2/s) cos 2 pi k u by "
            "Poisson summation, and output - u = Z'/(2 s Z)."
        ),
    )
)
