"""ZOO-SPH-1, ZOO-SPH-2: tokens as particles on the sphere."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from qktheory.base.domains import Choice, Integer, Parameter, Real
from qktheory.base.errors import bad_value
from qktheory.base.shapes import Array
from qktheory.numerics.sphere_cosine import one_minus_sphere_cosine
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import Identity, PathwiseBound
from qktheory.theorems.papers import cite
from qktheory.theorems.routines import entries, named, times

FloatArray = NDArray[np.float64]

_BETA = Parameter(
    "inverse_temperature", Real(low=0.0, high=1e5, typical=(0.0, 6.0)), "beta of the scores"
)


def _unit(X: FloatArray) -> FloatArray:
    size = np.abs(X).max(axis=1, keepdims=True)
    return np.asarray(X / size / np.sqrt(np.sum((X / size) ** 2, axis=1, keepdims=True)))


def _drift(X: FloatArray, beta: float, model: str) -> FloatArray:
    """Return the velocity of tokens under SA or USA, all of them unit vectors."""
    weights = np.exp(beta * (X @ X.T - 1.0))
    if model == "SA":
        weights = weights / weights.sum(axis=1, keepdims=True)
    else:
        weights = weights * math.exp(beta) / len(X)
    pull = weights @ X
    return np.asarray(pull - np.sum(pull * X, axis=1, keepdims=True) * X)


# --- ZOO-SPH-1 ------------------------------------------------------------------------------------


def _cosines(model: str, T: int, beta: float, time: float) -> dict[str, float]:
    cosine, rest = one_minus_sphere_cosine(model, T, beta, time)
    return {"cosine": cosine, "one_minus_cosine": rest}


def _particles(parameters: Mapping[str, Any]) -> dict[str, float]:
    """Integrate T tokens from an orthonormal start in R^T."""
    T, beta, model = (parameters[k] for k in ("T", "inverse_temperature", "model"))
    solution = solve_ivp(
        lambda t, x: _drift(x.reshape(T, T), beta, model).ravel(),
        (0.0, parameters["time"]),
        np.eye(T).ravel(),
        method="DOP853",
        rtol=1e-10,
        atol=1e-12,
    )
    X = solution.y[:, -1].reshape(T, T)
    gap = 0.5 * np.sum((X[0] - X[1]) ** 2)
    return {"cosine": float(X[0] @ X[1]), "one_minus_cosine": float(gap)}


def _draw_start(rng: np.random.Generator) -> dict[str, Any]:
    model = str(rng.choice(["SA", "USA"]))
    return {
        "model": model,
        "T": int(rng.integers(2, 7)),
        "inverse_temperature": float(rng.uniform(0.0, 3.0)),
        "time": float(rng.uniform(0.1, 2.0 if model == "SA" else 0.5)),
    }


_g, _T, _b = sp.Function("gamma")(sp.Symbol("t")), symbol("T"), symbol("inverse_temperature")
_PULL = 2 * sp.exp(_b * _g) * (1 - _g) * ((_T - 1) * _g + 1)
_ODE = sp.Eq(
    sp.Derivative(_g, sp.Symbol("t")),
    sp.Piecewise(
        (
            _PULL / (sp.exp(_b) + (_T - 1) * sp.exp(_b * _g)),
            sp.Eq(sp.Symbol("model"), sp.Symbol("SA")),
        ),
        (_PULL / _T, True),
    ),
    evaluate=False,
)
_VALUES = entries("found", {"cosine": _g, "one_minus_cosine": 1 - _g})

register(
    Claim(
        id="ZOO-SPH-1",
        title="common cosine of tokens that attract each other",
        statement=(
            "From an orthonormal start with W_QK = W_V = I all pairs keep one cosine g, which "
            "obeys dg/dt = 2 e^(beta g) (1 - g)((T - 1) g + 1)/N, N = e^beta + (T - 1) e^(beta g) "
            "under SA and T under USA."
        ),
        source=cite("geshkovski2023", "orthonormal start"),
        standing="theorem",
        observable="cosine",
        parameters=(
            Parameter("model", Choice(("SA", "USA")), "softmax attention, or without its sum"),
            Parameter("T", Integer(low=2, high=10**15, typical=(2, 60)), "number of tokens"),
            _BETA,
            Parameter("time", Real(low=0.0, typical=(0.0, 5.0)), "time of the flow"),
        ),
        where={"found": Routine(_ODE, _cosines, ("model", "T", "inverse_temperature", "time"))},
        values=_VALUES,
        cases=(
            {"model": "SA", "T": 6, "inverse_temperature": 1.0, "time": 4.0},
            {"model": "USA", "T": 4, "inverse_temperature": 1.5, "time": 0.6},
            {"model": "SA", "T": 3, "inverse_temperature": 5.0, "time": 2.0},
        ),
        judged_by=(Identity(_particles, _draw_start, tolerance=1e-7, most_draws=6),),
        wrong_twin=WrongTwin("constant off by 5 %", {"cosine": times(1.05, _VALUES["cosine"])}),
        proof=(
            "Permutations of the tokens keep a common cosine. d<x_1, x_2>/dt = 2 <x_2, P_1 sum_j "
            "A_1j x_j> with P_1 the projection off x_1: terms j = 2 give e^(beta g)(1 - g^2), the "
            "T - 2 others e^(beta g)(g - g^2), together e^(beta g)(1 - g)(1 + (T - 1) g) over N."
        ),
    )
)

# --- ZOO-SPH-2 ------------------------------------------------------------------------------------

#: Where rates, up to order e^(2 beta), are numbers.
_ENERGY_BETA = Parameter(
    "inverse_temperature", Real(low=0.0, high=300.0, typical=(0.0, 6.0)), "beta of the scores"
)
_TOKENS = Parameter("X", Array("T", "d"), "tokens other than 0, (T, d); normalised here")


def _not_zero(p: dict[str, Any]) -> None:
    if not np.abs(p["X"]).max(axis=1).all():
        raise bad_value("X", p["X"].tolist(), "tokens other than 0")


def _energy(X: FloatArray, beta: float) -> dict[str, float]:
    unit = _unit(X)
    weights = np.exp(beta * (unit @ unit.T))
    # Differences first: at consensus nothing is left of them.
    off = unit[None] - np.einsum("id,jd->ij", unit, unit)[:, :, None] * unit[:, None]
    pull = np.sum(np.einsum("ij,ijd->id", weights, off) ** 2, axis=1)
    return {
        "energy": float(weights.sum()),
        "energy_rate_sa": float(2.0 * beta * np.sum(pull / weights.sum(axis=1))),
        "energy_rate_usa": float(2.0 * beta * np.sum(pull) / len(X)),
    }


def _along_flow(parameters: Mapping[str, Any]) -> dict[str, float]:
    """Differentiate the energy along both flows by a complex step."""
    beta, X = parameters["inverse_temperature"], _unit(parameters["X"])
    found = {"energy": float(np.sum(np.exp(beta * (X @ X.T))))}
    for model in ("SA", "USA"):
        moved = X + 1e-40j * _drift(X, beta, model)
        found[f"energy_rate_{model.lower()}"] = (
            float(np.sum(np.exp(beta * (moved @ moved.T))).imag) / 1e-40
        )
    return found


def _draw_tokens(rng: np.random.Generator) -> dict[str, Any]:
    T, d = int(rng.integers(3, 7)), int(rng.integers(3, 5))
    return {"X": rng.normal(size=(T, d)), "inverse_temperature": float(rng.uniform(0.1, 4.0))}


def _rising(
    parameters: Mapping[str, Any], values: Mapping[str, Any], rng: np.random.Generator
) -> list[tuple[float, float]]:
    """Compare the energy with that after a small step of either flow."""
    beta, X = parameters["inverse_temperature"], _unit(parameters["X"])
    pairs = []
    for model in ("SA", "USA"):
        speed = _drift(X, beta, model)
        step = 1e-3 / (1.0 + beta) / max(1.0, float(np.abs(speed).max()))
        later = _unit(X + step * speed)
        pairs.append((float(values["energy"]), float(np.sum(np.exp(beta * (later @ later.T))))))
    return pairs


_i, _j = (sp.Symbol(k, integer=True) for k in "ij")
_x = sp.IndexedBase("x")
_inner = sp.Function("inner")
_m = named("norm", named("P_i", sp.Symbol("sum_j") * sp.exp(_b * _inner(_x[_i], _x[_j])) * _x[_j]))
_RATES = entries(
    "found",
    {
        "energy": sp.Sum(sp.exp(_b * _inner(_x[_i], _x[_j])), (_i, 1, _T), (_j, 1, _T)),
        "energy_rate_sa": 2 * _b * sp.Sum(_m**2 / sp.Symbol("Z_i"), (_i, 1, _T)),
        "energy_rate_usa": 2 * _b * sp.Sum(_m**2, (_i, 1, _T)) / _T,
    },
)

register(
    Claim(
        id="ZOO-SPH-2",
        title="attention raises the interaction energy",
        statement=(
            "sum_ij e^(beta <x_i, x_j>) never falls under SA or USA with W_QK = W_V = I; its rate "
            "is 2 beta sum_i |P_i sum_j e^(beta <x_i, x_j>) x_j|^2 over the normaliser."
        ),
        source=cite("geshkovski2023", "gradient flow of the interaction energy"),
        standing="theorem",
        observable="energy",
        parameters=(_TOKENS, _ENERGY_BETA),
        complete=_not_zero,
        where={"found": Routine(named("energy", "X"), _energy, ("X", "inverse_temperature"))},
        values=_RATES,
        cases=(
            {"X": [[1.0, 0.0], [0.0, 1.0]], "inverse_temperature": 1.0},
            {
                "X": [[1.0, 0.2, 0.0], [-2.0, 1.0, 0.3], [0.0, 0.0, 1.0], [0.5, 0.5, -1.0]],
                "inverse_temperature": 3.0,
            },
            {"X": [[1.0, 0.5], [1.0, -0.5], [-3.0, 0.1]], "inverse_temperature": 0.5},
        ),
        judged_by=(
            Identity(_along_flow, _draw_tokens, tolerance=1e-7),
            PathwiseBound(_rising, _draw_tokens),
        ),
        wrong_twin=WrongTwin(
            "constant off by 5 %", {"energy_rate_sa": times(1.05, _RATES["energy_rate_sa"])}
        ),
    )
)
