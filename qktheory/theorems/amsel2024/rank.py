"""ZOO-RANK: nearest neighbours, the rank of a head, and a floor for heads of rank one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
from scipy.integrate import quad

from qktheory.base.domains import Integer, Parameter, Real
from qktheory.base.errors import bad_value
from qktheory.kernels import Stream
from qktheory.numerics.nearest_token import (
    density_at_zero,
    mean_distance,
    rank_one_floor,
    sign_correlation,
    softmax_error,
    sphere_mean,
)
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import (
    Asymptotic,
    DrawnExpectation,
    DrawnLimit,
    Evaluate,
    Identity,
    PathwiseBound,
)
from qktheory.theorems.papers import cite
from qktheory.theorems.routines import times

AMSEL_2024 = cite("amsel2024", "nearest-neighbour task; constants derived here")

SIZE = Parameter(
    "d", Integer(low=2, high=10**15, typical=(2, 60)), "dimension of the sphere's space"
)
_C = Parameter(
    "inverse_temperature",
    Real(low=0.0, high=1e100, high_open=True, typical=(0.0, 50.0)),
    "c of the head W_QK = c I",
)
d, _c = symbol("d"), symbol("inverse_temperature")
_t, _r = sp.symbols("t r", real=True)
_mean = sp.Function("E")

_DENSITY = sp.gamma(d / 2) / (sp.sqrt(sp.pi) * sp.gamma((d - 1) / 2))
_DISTANCE = (
    sp.sqrt(2)
    * sp.gamma(d / 2) ** 2
    / (sp.gamma(d / 2 - sp.Rational(1, 4)) * sp.gamma(d / 2 + sp.Rational(1, 4)))
)
_LIMIT = Routine(
    2 * symbol("density_at_zero") * symbol("mean_distance") * (sp.log(2) - sp.Rational(1, 2)),
    lambda f, r: 2.0 * f * r * (math.log(2.0) - 0.5),
    ("density_at_zero", "mean_distance"),
)

# --- ZOO-RANK-1a ----------------------------------------------------------------------------------


def _sharp(evaluate: Evaluate, p: Mapping[str, Any], size: float) -> tuple[float, float]:
    return size * softmax_error(p["d"], size), float(evaluate(p)["scaled_mse_limit"])


def _by_quadrature(p: Mapping[str, Any]) -> dict[str, float]:
    """Integrate over the angle: densities sin^(d-2)."""
    power = p["d"] - 2
    norm = quad(lambda a: math.sin(a) ** power, 0.0, math.pi, epsabs=1e-13)[0]
    distance = quad(
        lambda a: 2.0 * math.sin(0.5 * a) * math.sin(a) ** power, 0.0, math.pi, epsabs=1e-13
    )[0]
    return {"density_at_zero": 1.0 / norm, "mean_distance": distance / norm}


register(
    Claim(
        id="ZOO-RANK-1a",
        title="one full-rank head finds the nearest of two tokens",
        statement=(
            "For two uniform tokens and a query on the sphere, the softmax head W_QK = c I misses "
            "the nearest token by a mean square error with c E|o - t|^2 -> 2 f_0 E|x_1 - x_2| "
            "(log 2 - 1/2), f_0 the density of a coordinate at 0; hardmax makes no error."
        ),
        source=AMSEL_2024,
        standing="derived",
        observable="nearest-neighbour error",
        parameters=(SIZE,),
        values={
            "density_at_zero": Routine(_DENSITY, density_at_zero, ("d",)),
            "mean_distance": Routine(_DISTANCE, mean_distance, ("d",)),
            "scaled_mse_limit": _LIMIT,
        },
        cases=({"d": 2}, {"d": 4}, {"d": 16}),
        judged_by=(
            Asymptotic(
                "scaled_mse_limit", "c", (1e2, 1e3, 1e4, 1e5), _sharp, rate=0.95, floor=1e-9
            ),
            Identity(
                _by_quadrature,
                lambda rng: {"d": int(rng.integers(2, 40))},
                tolerance=1e-10,
                most_draws=15,
            ),
        ),
        wrong_twin=WrongTwin("limit 5 % too large", {"scaled_mse_limit": times(1.05, _LIMIT)}),
        proof=(
            "The output misses by r sigmoid(-c r |t|), r = |x_1 - x_2|, t independent of it; the "
            "integral of sigmoid(-u)^2 over u > 0 is log 2 - 1/2."
        ),
    )
)

# --- ZOO-RANK-1b ----------------------------------------------------------------------------------

_MSE = Routine(
    _mean(_r**2 / (1 + sp.exp(_c * _r * sp.Abs(_t))) ** 2),
    softmax_error,
    ("d", "inverse_temperature"),
)


def _draw_head(
    p: Mapping[str, Any], values: Mapping[str, Any], stream: Stream, first: int, n: int
) -> dict[str, np.ndarray]:
    """Run the head on two tokens and a query of the sphere."""
    size, c = p["d"], p["inverse_temperature"]
    points = stream.normals(first, n, 3 * size).reshape(n, 3, size)
    points /= np.linalg.norm(points, axis=2, keepdims=True)
    tokens, query = points[:, :2], points[:, 2]
    scores = np.einsum("nkd,nd->nk", tokens, query)
    weight = 1.0 / (1.0 + np.exp(-c * (scores[:, 0] - scores[:, 1])))
    output = weight[:, None] * tokens[:, 0] + (1.0 - weight)[:, None] * tokens[:, 1]
    target = tokens[np.arange(n), np.argmax(scores, axis=1)]
    error = np.sum((output - target) ** 2, axis=1)
    return {"mse": error, "scaled_mse": c * error}


register(
    Claim(
        id="ZOO-RANK-1b",
        title="error of the full-rank head at any temperature",
        statement=(
            "The mean square error of the softmax head W_QK = c I on the nearest of two tokens is "
            "E[r^2 sigmoid(-c r |t|)^2], r the distance of the tokens and t an independent "
            "coordinate of the sphere."
        ),
        source=AMSEL_2024,
        standing="derived",
        observable="nearest-neighbour error",
        parameters=(SIZE, _C),
        values={
            "mse": _MSE,
            "scaled_mse": _c * symbol("mse"),
        },
        cases=(
            {"d": 3, "inverse_temperature": 1.0},
            {"d": 4, "inverse_temperature": 10.0},
            {"d": 8, "inverse_temperature": 3.0},
        ),
        judged_by=(DrawnExpectation(("mse", "scaled_mse"), _draw_head, lambda p: 30.0 * p["d"]),),
        wrong_twin=WrongTwin("error 10 % too large", {"mse": times(1.1, _MSE)}),
    )
)

# --- ZOO-RANK-2 -----------------------------------------------------------------------------------

_rank = symbol("rank")
_ARCSIN = Routine(
    2 / sp.pi * sp.asin(sp.sqrt(_rank / d)),
    lambda d, rank: 2.0 / math.pi * math.asin(math.sqrt(rank / d)),
    ("d", "rank"),
)
_RANK_ONE = (2 / sp.pi) ** sp.Rational(3, 2) / sp.sqrt(d)


def _complete_rank(parameters: dict[str, Any]) -> None:
    if parameters["rank"] > parameters["d"]:
        raise bad_value("rank", parameters["rank"], f"an integer <= d = {parameters['d']}")


def _larger(p: Mapping[str, Any], size: int) -> dict[str, Any]:
    """Keep the share of the rank."""
    return {"d": size, "rank": max(1, round(size * p["rank"] / p["d"]))}


def _wide(evaluate: Evaluate, p: Mapping[str, Any], size: float) -> tuple[float, float]:
    wide = _larger(p, int(size))
    exact = sign_correlation(wide["d"], wide["rank"])
    return exact, float(evaluate(wide)["sign_correlation_arcsin"])


def _wide_one(evaluate: Evaluate, p: Mapping[str, Any], size: float) -> tuple[float, float]:
    exact = sign_correlation(int(size), 1)
    values = evaluate({"d": int(size), "rank": 1})
    return exact * math.sqrt(size), float(values["sign_correlation_rank_one"]) * math.sqrt(size)


def _draw_signs(
    p: Mapping[str, Any], values: Mapping[str, Any], stream: Stream, first: int, n: int
) -> dict[str, np.ndarray]:
    """Compare the token that the head picks with the nearest one; P keeps `rank` coordinates."""
    size, rank = p["d"], p["rank"]
    vectors = stream.normals(first, n, 3 * size).reshape(n, 3, size)
    tokens = vectors[:, :2] / np.linalg.norm(vectors[:, :2], axis=2, keepdims=True)
    products = (tokens[:, 0] - tokens[:, 1]) * vectors[:, 2]
    kept = np.sign(products[:, :rank].sum(axis=1))
    return {"sign_correlation_arcsin": kept * np.sign(products.sum(axis=1))}


register(
    Claim(
        id="ZOO-RANK-2",
        title="a random head of rank r finds the nearest token at a rate of arcsin sqrt(r/d)",
        statement=(
            "For two tokens and W_QK a random projector of rank r the sign of the head and that "
            "of the target have correlation (2/pi) arcsin sqrt(r/d) for 1 << r < d, and "
            "(2/pi)^(3/2) d^(-1/2) for r = 1."
        ),
        source=AMSEL_2024,
        standing="derived",
        observable="sign correlation",
        parameters=(
            SIZE,
            Parameter(
                "rank", Integer(low=1, high=10**15, typical=(1, 60)), "rank of the head, <= d"
            ),
        ),
        complete=_complete_rank,
        values={
            "sign_correlation_arcsin": _ARCSIN,
            "sign_correlation_rank_one": _RANK_ONE,
        },
        cases=({"d": 256, "rank": 64}, {"d": 16, "rank": 8}, {"d": 10, "rank": 9}),
        judged_by=(
            Asymptotic(
                "sign_correlation_arcsin",
                "d",
                (1e2, 1e3, 1e4, 1e5),
                _wide,
                rate=0.9,
                floor=1e-9,
            ),
            Asymptotic(
                "sign_correlation_rank_one",
                "d",
                (1e2, 1e3, 1e4, 1e5),
                _wide_one,
                rate=0.9,
                floor=1e-9,
            ),
            DrawnLimit(
                ("sign_correlation_arcsin",),
                "d",
                ((10, 8192), (30, 8192)),
                _larger,
                _draw_signs,
                rate=0.3,
                aim=0.2,
            ),
        ),
        wrong_twin=WrongTwin(
            "exponent 3/2 of 2/pi taken as 1.4",
            {"sign_correlation_rank_one": (2 / sp.pi) ** sp.Float(1.4) / sp.sqrt(d)},
        ),
        proof=(
            "Given the query y the two scores are Gaussian with correlation |P y|/|y|: the exact "
            "value is E (2/pi) arcsin sqrt(B), B ~ Beta(r/2, (d - r)/2)."
        ),
    )
)

# --- ZOO-RANK-3 -----------------------------------------------------------------------------------

_FLOOR = Routine(
    1 - _mean(sp.Abs(sp.asin(_t))) ** 2 / _mean(sp.asin(_t) ** 2), rank_one_floor, ("d",)
)


def _attack(
    p: Mapping[str, Any], v: Mapping[str, Any], rng: np.random.Generator
) -> list[tuple[float, float]]:
    """Best combinations of random heads u u^T: their Gram matrix is (2/pi asin u_i^T u_j)^2."""
    size = p["d"]
    target = 2.0 / math.pi * sphere_mean(size, lambda psi: psi)
    pairs = []
    for count in (1, size, 8 * size):
        u = rng.normal(size=(count, size))
        u /= np.linalg.norm(u, axis=1, keepdims=True)
        cosines = np.clip(u @ u.T, -1.0, 1.0)
        np.fill_diagonal(cosines, 1.0)
        gram = (2.0 / math.pi * np.arcsin(cosines)) ** 2
        # The residual of least squares bounds the error of these weights from above as well.
        weights = np.linalg.lstsq(gram, np.full(count, target), rcond=1e-10)[0]
        error = 1.0 - 2.0 * target * weights.sum() + weights @ gram @ weights
        pairs.append((float(v["mse_floor"]), float(error)))
    return pairs


def _floor_by_quadrature(p: Mapping[str, Any]) -> dict[str, float]:
    power = p["d"] - 2
    moments = [
        quad(lambda a, k=k: a**k * math.cos(a) ** power, 0.0, 0.5 * math.pi, epsabs=1e-14)[0]
        for k in range(3)
    ]
    return {"mse_floor": 1.0 - moments[1] ** 2 / (moments[0] * moments[2])}


register(
    Claim(
        id="ZOO-RANK-3",
        title="no number of symmetric heads of rank one finds the nearest token",
        statement=(
            "Any combination of hardmax heads W_QK = u u^T has mean square error at least "
            "1 - (E|arcsin t|)^2/E arcsin^2 t on the sign of the nearest of two tokens, t a "
            "coordinate of the sphere: 1/4 at d = 2, towards 1 - 2/pi."
        ),
        source=AMSEL_2024,
        standing="derived",
        observable="nearest-neighbour error",
        parameters=(SIZE,),
        values={"mse_floor": _FLOOR},
        cases=({"d": 2}, {"d": 4}, {"d": 8}, {"d": 16}),
        judged_by=(
            PathwiseBound(
                _attack, lambda rng: {"d": int(rng.integers(2, 10))}, rounding=1e-6, most_draws=20
            ),
            Identity(
                _floor_by_quadrature,
                lambda rng: {"d": int(rng.integers(2, 40))},
                tolerance=1e-9,
                most_draws=15,
            ),
        ),
        wrong_twin=WrongTwin("floor 10 % too high", {"mse_floor": times(1.1, _FLOOR)}),
        proof=(
            "Rotation averaging leaves functions of the angle of x_1 - x_2 and y; "
            "E_u sgn(u^T delta) sgn(u^T y) = (2/pi) arcsin cos(delta, y), and the best multiple of "
            "it leaves 1 - (E|f|)^2/E f^2."
        ),
    )
)
