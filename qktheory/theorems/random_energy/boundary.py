"""ENT-8: boundaries of the frozen phase at finite T."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
from scipy.integrate import quad
from scipy.optimize import brentq, minimize_scalar

from qktheory.base.domains import Parameter, Real
from qktheory.base.errors import bad_value
from qktheory.numerics.freezing_boundary import (
    max_capacity,
    s_half_capacity,
    s_max_capacity,
    s_participation,
)
from qktheory.numerics.gaussian_row import mean_participation, mean_participation_product
from qktheory.numerics.mills import mills_offset
from qktheory.observables.observable import RowObservable
from qktheory.simulation.ensemble import Ensemble
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import Asymptotic, Evaluate, Expectation, Identity
from qktheory.theorems.random_energy import setting as s
from qktheory.theorems.random_energy.ladder import critical

level = symbol("level")
_capacity = sp.Function("C")(s.s)
_participation = sp.Function("E Y_2")(s.s)
_mills = sp.Function("mills")
_delta = sp.Symbol("delta")

T = Parameter("T", Real(low=8.0, high=1e300, typical=(8.0, 300.0)), "number of keys of the row")
LEVEL = Parameter(
    "level",
    Real(low=0.0, high=1.0, low_open=True, high_open=True, typical=(0.13, 0.95)),
    "level at which the boundary is drawn",
    default=0.5,
)


def _draw(rng: np.random.Generator) -> dict[str, Any]:
    return {"T": 10.0 ** rng.uniform(1.0, 8.0)}


# --- ENT-8a, ENT-8b -------------------------------------------------------------------------------


def _capacity_by_moments(T: float, s: float) -> float:
    """Return the heat capacity as s^2 (1 - E Y_2) - 2 s^4 E[Y_2 + 3 Y_2^2 - 4 Y_3] (ENT-3)."""
    y2, y3 = (float(mean_participation(T, s, q)) for q in (2.0, 3.0))
    square = float(mean_participation_product(T, s, 2.0, 2.0))
    return s**2 * (1.0 - y2) - 2.0 * s**4 * (y2 + 3.0 * square - 4.0 * y3)


def _top_by_moments(T: float) -> tuple[float, float]:
    freezing = critical(math.log(T))
    found = minimize_scalar(
        lambda s: -_capacity_by_moments(T, s),
        bounds=(0.4 * freezing, 1.6 * freezing),
        method="bounded",
        options={"xatol": 1e-7},
    )
    return float(found.x), -float(found.fun)


def _half_by_moments(parameters: Mapping[str, Any]) -> dict[str, float]:
    T = parameters["T"]
    freezing = critical(math.log(T))
    half = brentq(
        lambda s: _capacity_by_moments(T, s) - 0.5 * s * s, 0.1 * freezing, 2.0 * freezing
    )
    return {"s_half_capacity": float(half), "max_capacity": _top_by_moments(T)[1]}


def _at_the_top(parameters: Mapping[str, Any]) -> Ensemble:
    return s.iid_row({**parameters, "s": s_max_capacity(parameters["T"])})


def _weighted_variance(
    parameters: Mapping[str, Any], values: Mapping[str, Any]
) -> dict[str, RowObservable]:
    return {"max_capacity": s.on_iid_row("max_capacity", lambda row: row.weighted_variance)}


def _half(numerator: sp.Expr) -> sp.Basic:
    return sp.Function("root")(sp.Eq(_capacity / s.s**2, numerator), s.s)


register(
    Claim(
        id="ENT-8a",
        title="end of diffuse scaling at finite T",
        statement=(
            "The boundary to draw at finite T: the width s at which the heat capacity C = E "
            "Var_A(l) has fallen to s^2/2, with s_c = sqrt(2 ln T) as asymptote and an O(1) band "
            "around it; beside it the largest heat capacity over s."
        ),
        source=s.extends_derrida("transition at finite size"),
        standing="derived",
        observable="entropy",
        parameters=(T,),
        values={
            "s_half_capacity": Routine(
                _half(sp.Rational(1, 2)), lambda T: s_half_capacity(T), ("T",)
            ),
            "max_capacity": Routine(sp.Function("max")(_capacity, s.s), max_capacity, ("T",)),
        },
        cases=({"T": 16.0}, {"T": 64.0}, {"T": 128.0}),
        judged_by=(
            Identity(_half_by_moments, _draw, tolerance=1e-8, most_draws=6),
            Expectation(_at_the_top, _weighted_variance),
        ),
        wrong_twin=WrongTwin(
            "level 1/2 taken as 0.45, largest capacity 10 % too large",
            {
                "max_capacity": Routine(
                    sp.Rational(11, 10) * sp.Function("max")(_capacity, s.s),
                    lambda T: 1.1 * max_capacity(T),
                    ("T",),
                ),
                "s_half_capacity": Routine(
                    _half(sp.Rational(45, 100)), lambda T: s_half_capacity(T, 0.45), ("T",)
                ),
            },
        ),
    )
)

register(
    Claim(
        id="ENT-8b",
        title="position of the largest heat capacity",
        statement=(
            "The width s of the largest heat capacity; it tends to s_c very slowly, and its ratio "
            "to s_c falls before it rises (0.743, 0.731, 0.733, 0.767 at T = 10^3, 8192, 10^6, "
            "10^12), so it is no good boundary."
        ),
        source=s.extends_derrida("maximum of the specific heat at finite size"),
        standing="derived",
        observable="entropy",
        parameters=(T,),
        values={
            "s_max_capacity": Routine(sp.Function("argmax")(_capacity, s.s), s_max_capacity, ("T",))
        },
        cases=({"T": 16.0}, {"T": 1024.0}, {"T": 1e12}),
        judged_by=(
            Identity(
                lambda q: {"s_max_capacity": _top_by_moments(q["T"])[0]},
                _draw,
                tolerance=1e-5,
                most_draws=6,
            ),
        ),
        wrong_twin=WrongTwin(
            "position taken 5 % too large",
            {
                "s_max_capacity": Routine(
                    sp.Rational(105, 100) * sp.Function("argmax")(_capacity, s.s),
                    lambda T: 1.05 * s_max_capacity(T),
                    ("T",),
                )
            },
        ),
    )
)

# --- ENT-8c ---------------------------------------------------------------------------------------


_ROOT = sp.Function("root")(sp.Eq(_participation, level), s.s)


def _complete_level(parameters: dict[str, Any]) -> None:
    if not parameters["level"] * parameters["T"] > 1.0:
        smallest = 1.0 / parameters["T"]
        raise bad_value("level", parameters["level"], f"a number > 1/T = {smallest:g} and < 1")


def _at_the_level(parameters: Mapping[str, Any]) -> Ensemble:
    width = s_participation(parameters["T"], parameters["level"])
    return s.iid_row({**parameters, "s": width})


def _scaled_participation(
    parameters: Mapping[str, Any], values: Mapping[str, Any]
) -> dict[str, RowObservable]:
    """Return s Y_2/level at the width s itself: its mean is s where E Y_2 = level."""
    scale = s_participation(parameters["T"], parameters["level"]) / parameters["level"]
    return {
        "s_participation": s.on_iid_row(
            "s_participation", lambda row: scale * row.y(2.0), (0.0, scale)
        )
    }


def _root_at_T(
    evaluate: Evaluate, parameters: Mapping[str, Any], size: float
) -> tuple[float, float]:
    values = evaluate({**parameters, "T": math.exp(size)})
    return float(values["s_participation"]), float(values["s_participation_limit"])


register(
    Claim(
        id="ENT-8c",
        title="width at which the mean participation reaches a level",
        statement=(
            "The root s of E Y_2 = level; as T grows it is asymptotically s_c/(1 - level), which "
            "is 2 s_c at level 1/2, far inside the frozen phase."
        ),
        source=s.extends_derrida("level lines of the mean participation"),
        standing="derived",
        observable="participation",
        parameters=(T, LEVEL),
        complete=_complete_level,
        values={
            "s_participation": Routine(_ROOT, s_participation, ("T", "level")),
            "s_participation_limit": s.s_c / (1 - level),
        },
        cases=(
            {"T": 16.0, "level": 0.5},
            {"T": 64.0, "level": 0.25},
            {"T": 128.0, "level": 0.75},
        ),
        judged_by=(
            Expectation(_at_the_level, _scaled_participation),
            Asymptotic("s_participation_limit", "ln T", (14.0, 56.0, 224.0), _root_at_T, rate=0.6),
        ),
        wrong_twin=WrongTwin(
            "root and limit taken 8 % too large",
            {
                "s_participation": Routine(
                    sp.Rational(108, 100) * _ROOT,
                    lambda T, level: 1.08 * s_participation(T, level),
                    ("T", "level"),
                ),
                "s_participation_limit": sp.Rational(108, 100) * s.s_c / (1 - level),
            },
        ),
    )
)

# --- ENT-8d ---------------------------------------------------------------------------------------


def _offset_by_truncation(parameters: Mapping[str, Any]) -> dict[str, float]:
    """Solve for the point below which a normal variable has the variance `level`."""

    def variance(delta: float) -> float:
        low = min(-9.5, delta - 12.0)
        density = [
            quad(
                lambda x, k=k: (x - delta) ** k * math.exp(-0.5 * (x - delta) * (x + delta)),
                low,
                delta,
                epsabs=1e-14,
                epsrel=1e-12,
                limit=200,
            )[0]
            for k in (0, 1, 2)
        ]
        mean = density[1] / density[0]
        return density[2] / density[0] - mean * mean

    root = brentq(lambda x: variance(x) - parameters["level"], -3.0, 4.0, xtol=1e-12)
    return {"delta": float(root)}


def _offset_at_T(
    evaluate: Evaluate, parameters: Mapping[str, Any], size: float
) -> tuple[float, float]:
    offset = critical(size) - s_half_capacity(math.exp(size), parameters["level"])
    return float(offset), float(evaluate(parameters)["delta"])


def _offset(numerator: sp.Expr) -> sp.Basic:
    return sp.Function("root")(
        sp.Eq(1 - _mills(_delta) * (_mills(_delta) + _delta), numerator), _delta
    )


register(
    Claim(
        id="ENT-8d",
        title="offset of the boundary from s_c at large T",
        statement=(
            "s_c - s at which C/s^2 = level tends to the root delta of 1 - mills(delta)"
            "(mills(delta) + delta) = level: the boundary stays O(1) below s_c in s, which is "
            "O(1/s_c) in b."
        ),
        source=s.extends_derrida("finite-size window of the transition"),
        standing="derived",
        observable="entropy",
        parameters=(LEVEL,),
        values={"delta": Routine(_offset(level), mills_offset, ("level",))},
        cases=({"level": 0.5}, {"level": 0.25}, {"level": 0.75}),
        judged_by=(
            Identity(
                _offset_by_truncation,
                lambda rng: {"level": rng.uniform(0.1, 0.95)},
                tolerance=1e-9,
                most_draws=10,
            ),
            Asymptotic(
                "delta", "ln T", (28.0, 56.0, 112.0, 224.0), _offset_at_T, rate=0.25, slack=1.05
            ),
        ),
        wrong_twin=WrongTwin(
            "level taken as 0.95 level",
            {
                "delta": Routine(
                    _offset(sp.Rational(95, 100) * level),
                    lambda level: mills_offset(0.95 * level),
                    ("level",),
                )
            },
        ),
    )
)

# --- folklore -------------------------------------------------------------------------------------

register(
    Claim(
        id="ENT-8-folklore",
        title="E Y_2 = 1/2 marks freezing",
        statement=(
            "Believed: a row freezes where its mean participation reaches a sizeable level such as "
            "1/2, so that this width over s_c tends to 1. It tends to 1/(1 - level): E Y_2 = 1/2 "
            "lies at 2 s_c (ENT-8c), while at s_c itself E Y_2 falls like 0.8/s_c. Draw ENT-8a."
        ),
        source=s.extends_derrida("order parameter read as a threshold"),
        standing="folklore",
        observable="participation",
        parameters=(LEVEL,),
        values={"s_participation_over_s_c": sp.Integer(1)},
        cases=({"level": 0.5}, {"level": 0.25}, {"level": 0.75}),
        judged_by=(
            Asymptotic(
                "s_participation_over_s_c",
                "ln T",
                (14.0, 56.0, 224.0),
                lambda evaluate, q, size: (
                    float(s_participation(math.exp(size), q["level"])) / critical(size),
                    float(evaluate(q)["s_participation_over_s_c"]),
                ),
                rate=0.1,
                slack=1.0,
            ),
        ),
        wrong_twin=WrongTwin(
            "limit 1 taken as 0.95", {"s_participation_over_s_c": sp.Rational(95, 100)}
        ),
    )
)
