"""RANK-11: two tokens on a circle, turned in every layer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp

from qktheory.base.domains import Parameter, Real
from qktheory.numerics.decimal_network import decimal_residuals
from qktheory.numerics.token_spread import TokenSpread, attention_layer
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.dong2021 import setting as s
from qktheory.theorems.judgements import Identity

Floats = s.Floats


def _weights(w: float, theta: float, skip: bool) -> tuple[Floats, Floats]:
    turn = np.array([[math.cos(theta), math.sin(theta)], [-math.sin(theta), math.cos(theta)]])
    if skip:  # cos - 1 without cancellation
        turn = math.sin(theta) * np.array([[0.0, 1.0], [-1.0, 0.0]])
        turn -= 2.0 * math.sin(theta / 2.0) ** 2 * np.eye(2)
    return w * np.eye(2)[None], turn[None]


def _tokens(radius: float, phi: float) -> TokenSpread:
    """Return both tokens, exact in their difference."""
    half = math.sin(phi / 2.0)
    difference = 2.0 * radius * half * np.array([half, -math.cos(phi / 2.0)])
    first = TokenSpread.of(np.array([difference / 2.0, -difference / 2.0]))
    middle = TokenSpread.of([[radius, 0.0]]).center
    return TokenSpread(middle + TokenSpread.of([-difference / 2.0]).center, first.residual)


def _gaps(
    radius: float, angle: float, w: float, theta: float, L: int, temperature: float, skip: bool
) -> list[TokenSpread]:
    A, W = _weights(w, theta, skip)
    path = [_tokens(radius, angle)]
    for _ in range(L):
        path.append(attention_layer(path[-1], A, W, temperature, skip=skip))
    return path


def _final(path: list[TokenSpread]) -> float:
    R = path[-1].residual
    return float(np.linalg.norm(np.ldexp(R.mantissa[0] - R.mantissa[1], max(R.exponent, -2000))))


def _in_decimals(p: Mapping[str, Any]) -> dict[str, Any]:
    angles = (0.0, p["angle"])
    X = [[p["radius"] * math.cos(x), p["radius"] * math.sin(x)] for x in angles]
    A, W = _weights(p["score_gain"], p["rotation_angle"], p["skip"])
    L = p["L"]
    found = decimal_residuals(
        X, [A] * L, [W] * L, p["temperature"], skip=p["skip"], digits=60 + 3 ** min(L + 1, 6)
    )["diameter_2"]
    return {"log10_gap": found, "gap_final": 10.0 ** found[-1]}


def _draw(rng: np.random.Generator) -> dict[str, Any]:
    return {
        "radius": 10.0 ** rng.uniform(-0.7, 0.3),
        "angle": rng.uniform(0.5, 5.5),
        "score_gain": 10.0 ** rng.uniform(-0.5, 1.3),
        "rotation_angle": rng.uniform(-1.0, 1.0),
        "L": int(rng.integers(0, 5)),
        "skip": bool(rng.integers(2)),
    }


_RADIUS = Real(low=0.0, low_open=True, typical=(0.1, 1.0))
_ANGLE = Real(typical=(0.3, 6.0))
_ARGUMENTS = ("radius", "angle", "score_gain", "rotation_angle", "L", "temperature", "skip")
_Rot = sp.Symbol("Rot", commutative=False)
_gap = sp.Function("gap")

register(
    Claim(
        id="RANK-11",
        title="circle recurrence",
        statement=(
            "Two tokens on a circle, W_QK = w I and W_V a rotation: without skip the gap collapses "
            "doubly exponentially, at larger w after a plateau; with skip and W_V = Rot^T - I each "
            "step multiplies it by |1 + tau (e^(i theta) - 1)| and the spread is kept."
        ),
        source=s.extends_dong("circular motion, Figure 3, with given weights"),
        standing="derived",
        observable="gap",
        parameters=(
            Parameter("radius", _RADIUS, "radius of the circle"),
            Parameter("angle", _ANGLE, "phi between the two tokens"),
            Parameter("score_gain", Real(typical=(0.1, 5.0)), "w: W_QK = w I"),
            Parameter("rotation_angle", _ANGLE, "theta of one layer"),
            s.DEPTH,
            Parameter(
                "temperature", s.TEMPERATURE.domain, s.TEMPERATURE.description, math.sqrt(2.0)
            ),
            s.SKIP,
        ),
        where={"path": Routine(s.P * s.X * _Rot, _gaps, _ARGUMENTS)},
        values={
            "log10_gap": s.routine(
                "path",
                s.log10(_gap(s.l)),
                lambda path: (
                    None if path[-1].collapsed else [one.log10_diameter_2() for one in path]
                ),
            ),
            "gap_final": s.routine("path", _gap(s.L), _final),
        },
        cases=(
            {
                "radius": 0.3,
                "angle": 3.1353094682826135,
                "score_gain": 1.0,
                "rotation_angle": 0.06283185307179587,
                "L": 4,
            },
            {
                "radius": 0.3,
                "angle": 3.1353094682826135,
                "score_gain": 20.0,
                "rotation_angle": 0.06283185307179587,
                "L": 5,
            },
            {
                "radius": 0.5,
                "angle": 2.0,
                "score_gain": 1.0,
                "rotation_angle": 0.5,
                "L": 10,
                "temperature": 2.0,
                "skip": True,
            },
        ),
        judged_by=(Identity(_in_decimals, _draw, tolerance=1e-10, most_draws=20),),
        wrong_twin=WrongTwin(
            "w 5 % too large",
            {
                "path": Routine(
                    s.P * s.X * _Rot * symbol("score_gain") * sp.Rational(105, 100),
                    lambda r, phi, w, *rest: _gaps(r, phi, 1.05 * w, *rest),
                    _ARGUMENTS,
                )
            },
        ),
    )
)
