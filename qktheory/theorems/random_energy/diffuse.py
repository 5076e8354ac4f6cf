"""ENT-4: a Gaussian row at fixed s as T grows, and at fixed T as s vanishes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import sympy as sp

from qktheory.base.errors import bad_value
from qktheory.numerics.diffuse_row import (
    entropy_influence,
    participation_bracket,
    scaled_variance,
)
from qktheory.numerics.gaussian_row import (
    mean_entropy,
    mean_log_partition,
    mean_participation,
    var_entropy,
    var_log_partition,
)
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim, Predicts, Routine, WrongTwin, register
from qktheory.theorems.judgements import Asymptotic, Evaluate
from qktheory.theorems.random_energy import setting as e
from qktheory.theorems.random_energy.gaussian_rows import GAUSSIAN_ROWS, at_mean_width, beyond

_x = e.s**2
_LADDER = (1e3, 1e4, 1e5, 1e6)


def _correction(
    value: str, exact: Callable[[float, float], Any], sign: float
) -> Callable[[Evaluate, Mapping[str, Any], float], tuple[float, float]]:
    """Compare T times the distance to log T + sign s^2/2."""

    def finite(
        evaluate: Evaluate, parameters: Mapping[str, Any], size: float
    ) -> tuple[float, float]:
        s = float(parameters["s"])
        leading = math.log(size) + sign * s * s / 2.0
        series = float(evaluate({**parameters, "T": size})[value])
        return size * (float(exact(size, s)) - leading), size * (series - leading)

    return finite


def _directly(
    value: str, exact: Callable[[float, float], Any]
) -> Callable[[Evaluate, Mapping[str, Any], float], tuple[float, float]]:
    def finite(
        evaluate: Evaluate, parameters: Mapping[str, Any], size: float
    ) -> tuple[float, float]:
        series = evaluate({**parameters, "T": size})[value]
        return float(exact(size, float(parameters["s"]))), float(series)

    return finite


def _deficit(evaluate: Evaluate, parameters: Mapping[str, Any], size: float) -> tuple[float, float]:
    """Log T - E H over s^2 for s = 1/size."""
    T, s = float(parameters["T"]), 1.0 / size
    series = float(evaluate({**parameters, "s": s})["mean_entropy_small_s"])
    return (math.log(T) - mean_entropy(T, s)) / s**2, (math.log(T) - series) / s**2


def _complete(parameters: dict[str, Any]) -> None:
    """Demand exponentials within the range of doubles."""
    if parameters["s"] ** 2 > 350.0:
        raise bad_value("s", parameters["s"], "s^2 <= 350, so that e^(2 s^2) is a finite number")


_V = symbol("scaled_variance")

register(
    Claim(
        id="ENT-4",
        title="diffuse row: expansion in 1/T",
        statement=(
            "At fixed s, as T grows: E log Z = log T + s^2/2 - (e^(s^2) - 1)/(2T), E Y_2 = "
            "e^(s^2)/T (1 + ...), E H = log T - s^2/2 + ((s^2 - 1/2) e^(s^2) + 1/2)/T, "
            "T Var log Z = e^(s^2) - 1, T Var H = e^(s^2) (1 - s^2 + s^4) - 1; the series needs "
            "e^(2 s^2) << T. For small s at any T, E H = log T - (s^2/2)(1 - 1/T)."
        ),
        source=e.extends_derrida("high-temperature expansion"),
        standing="derived",
        observable="entropy",
        parameters=(e.T, e.S),
        complete=_complete,
        where={
            "scaled_variance": Routine(sp.exp(_x) - 1, scaled_variance, ("s",)),
            "influence": Routine(sp.exp(_x) * (1 - _x + _x**2) - 1, entropy_influence, ("s",)),
            "bracket": Routine(
                -1 + 3 * sp.exp(_x) - 2 * sp.exp(2 * _x), participation_bracket, ("s",)
            ),
        },
        values={
            "mean_log_z_series": sp.log(e.t) + _x / 2 - _V / (2 * e.t),
            "mean_participation_leading": sp.exp(_x) / e.t,
            "mean_participation_series": sp.exp(_x) / e.t * (1 + symbol("bracket") / e.t),
            # (s^2 - 1/2) e^(s^2) + 1/2 = s^2 e^(s^2) - (e^(s^2) - 1)/2.
            "mean_entropy_series": sp.log(e.t) - _x / 2 + (_x * sp.exp(_x) - _V / 2) / e.t,
            "var_log_z_series": _V / e.t,
            "var_entropy_series": symbol("influence") / e.t,
            "mean_entropy_small_s": sp.log(e.t) - _x / 2 * (1 - 1 / e.t),
        },
        assumptions=GAUSSIAN_ROWS,
        W="either",
        predicts=(
            Predicts(
                "entropy",
                "mean_entropy_series",
                "asymptotic",
                at_mean_width,
                when=beyond(0.0, 0.5),
            ),
            # The leading term of E Y_2 holds further than the series does (ENT-6).
            Predicts(
                "participation",
                "mean_participation_leading",
                "asymptotic",
                at_mean_width,
                when=beyond(0.0, 3.0**-0.5),
            ),
        ),
        cases=(
            {"T": 1e6, "s": 1.0},
            {"T": 1024, "s": 0.6},
            {"T": 40, "s": 0.3},
        ),
        judged_by=(
            Asymptotic(
                "mean_log_z_series",
                "T",
                _LADDER[:-1],
                _correction("mean_log_z_series", mean_log_partition, 1.0),
                rate=0.9,
                floor=1e-7,
            ),
            Asymptotic(
                "mean_entropy_series",
                "T",
                _LADDER[:-1],
                _correction("mean_entropy_series", mean_entropy, -1.0),
                rate=0.9,
                floor=1e-7,
            ),
            Asymptotic(
                "mean_participation_leading",
                "T",
                _LADDER,
                _directly("mean_participation_leading", mean_participation),
                rate=0.9,
            ),
            Asymptotic(
                "mean_participation_series",
                "T",
                _LADDER,
                _directly("mean_participation_series", mean_participation),
                rate=1.8,
            ),
            Asymptotic(
                "var_log_z_series",
                "T",
                _LADDER,
                _directly("var_log_z_series", var_log_partition),
                rate=0.9,
            ),
            Asymptotic(
                "var_entropy_series",
                "T",
                _LADDER[:-1],
                _directly("var_entropy_series", var_entropy),
                rate=0.9,
                floor=1e-5,
            ),
            Asymptotic(
                "mean_entropy_small_s", "1/s", (10.0, 30.0, 100.0), _deficit, rate=1.8, floor=1e-8
            ),
        ),
        wrong_twin=WrongTwin(
            "e^(s^2) - 1 taken 1.05 times",
            {
                "scaled_variance": Routine(
                    sp.Rational(105, 100) * (sp.exp(_x) - 1),
                    lambda s: 1.05 * scaled_variance(s),
                    ("s",),
                )
            },
        ),
    )
)
