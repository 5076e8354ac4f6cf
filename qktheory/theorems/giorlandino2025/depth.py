"""ENT-15a, c, f: the cosine of tokens layer by layer with the exact averages of finite rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from qktheory.base.domains import Choice, Integer, Parameter, Real
from qktheory.base.errors import bad_value
from qktheory.kernels import Stream, experiment_id
from qktheory.numerics.depth_recursion import (
    cosine_layers,
    cosine_layers_finite_d,
    prenorm_layers,
)
from qktheory.numerics.gaussian_row import mean_participation
from qktheory.numerics.row_overlap import row_overlap
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.giorlandino2025 import setting as g
from qktheory.theorems.giorlandino2025.layer import layer_grams
from qktheory.theorems.judgements import DrawnExpectation, Identity
from qktheory.tokens.laws.simplex import Simplex

FloatArray = NDArray[np.float64]

_rho = sp.Function("rho")
_layer = sp.Symbol("l", integer=True, nonnegative=True)
_now = _rho(_layer)
_s = g.s0 * sp.sqrt(1 - _now)
_Y, _C = g.Y(g.t, _s), g.C(g.t, _s, _now)
#: Layers cost a row overlap each.
_T = Parameter("T", Real(low=1.0, high=1e30, typical=(2.0, 40.0)), "number of keys of the row")
_LAYERS = Parameter("L", Integer(low=1, high=1000, typical=(1, 2)), "number of layers")


def _map(Y: sp.Expr, C: sp.Expr, factor: sp.Expr = sp.S.One) -> sp.Basic:
    """Return the recursion (R) for given row averages."""
    gained = g.alpha**2 + g.sigma_V**2 * (Y - C)
    norm = g.alpha**2 + g.sigma_V**2 * (_now + (1 - _now) * Y)
    return sp.Eq(1 - _rho(_layer + 1), factor * (1 - _now) * gained / norm)


def _averages(T: float, s0: float, rho: float) -> tuple[float, float]:
    s = s0 * math.sqrt(1.0 - rho)
    return float(mean_participation(T, s)), float(row_overlap(T, s, rho))


def _grams(
    alpha: float, sigma_V: float, rho: float, Y: float, C: float, Q: float = 1.0, P: float = 0.0
) -> tuple[float, float]:
    """Return the mean Gram after a layer, alpha^2 (P, Q) + sigma_V^2 (output Gram of ENT-15g)."""
    values = sigma_V**2
    return (
        alpha**2 * P + values * (rho + (1.0 - rho) * C),
        alpha**2 * Q + values * (rho + (1.0 - rho) * Y),
    )


def _cosines_by_grams(
    parameters: Mapping[str, Any], averages: Callable[[float], tuple[float, float]]
) -> FloatArray:
    """Follow P/Q layer by layer instead of 1 - cosine."""
    rho, found = parameters["cosine_0"], []
    for _ in range(parameters["L"]):
        Y, C = averages(rho)
        P, Q = _grams(parameters["alpha"], parameters["sigma_V"], rho, Y, C, 1.0, rho)
        rho = P / Q
        found.append(rho)
    return np.array(found)


def _child(stream: Stream, layer: int) -> Stream:
    return stream.child(experiment=experiment_id(f"{stream.experiment}/layer {layer}"))


def _draw_layer_parameters(rng: np.random.Generator) -> dict[str, Any]:
    return {
        "T": float(rng.integers(2, 60)),
        "s0": rng.uniform(0.2, 3.0),
        "alpha": rng.uniform(0.1, 2.0),
        "sigma_V": rng.uniform(0.2, 2.0),
        "cosine_0": rng.uniform(0.05, 0.8),
        "L": 2,
    }


# --- ENT-15a --------------------------------------------------------------------------------------


def _simplex_layers(
    parameters: Mapping[str, Any],
    values: Mapping[str, Any],
    stream: Stream,
    first_sample: int,
    n: int,
) -> dict[str, FloatArray]:
    """Draw every layer on a simplex of the cosine that the claim gives the layer before it.

    rho' + (P' - rho' Q')/E Q' has the mean rho' if and only if E P'/E Q' = rho'.
    """
    T, alpha, sigma_V = int(parameters["T"]), parameters["alpha"], parameters["sigma_V"]
    before, columns = parameters["cosine_0"], []
    for layer, after in enumerate(values["cosine_layers"]):
        Y, _ = _averages(T, parameters["s0"], before)
        _, mean_Q = _grams(alpha, sigma_V, before, Y, 0.0)
        P, Q = layer_grams(
            Simplex(cosine=before),
            (T, T),
            parameters["s0"],
            (alpha, sigma_V),
            _child(stream, layer),
            first_sample,
            n,
        )
        columns.append(after + (P - after * Q) / mean_Q)
        before = float(after)
    return {"cosine_layers": np.stack(columns, axis=1)}


def _layer_work(parameters: Mapping[str, Any]) -> float:
    """Numbers and products of all layers at d = T."""
    T = float(parameters["T"])
    return float(parameters["L"]) * (3.0 * T**2 + 5.0 * T**3)


def _finite_rows(parameters: Mapping[str, Any]) -> dict[str, FloatArray]:
    T, s0 = parameters["T"], parameters["s0"]
    return {"cosine_layers": _cosines_by_grams(parameters, lambda rho: _averages(T, s0, rho))}


_ARGUMENTS = ("T", "s0", "alpha", "sigma_V", "cosine_0", "L")
register(
    Claim(
        id="ENT-15a",
        title="cosine of tokens layer by layer at finite T",
        statement=(
            "Averaged over Gaussian W_QK (wide heads) and W_V, a layer alpha x + y maps a simplex "
            "of cosine rho to mean Grams of ratio rho': 1 - rho' = (1 - rho) (alpha^2 + sigma_V^2 "
            "(Y - C))/(alpha^2 + sigma_V^2 (rho + (1 - rho) Y)), with Y = E sum A_tj^2 and "
            "C = E sum A_tj A_uj of rows of width s0 sqrt(1 - rho). Leading order in d: the "
            "normalised output is such a simplex again."
        ),
        source=g.after_giorlandino("recursion in depth with exact row averages"),
        standing="derived",
        observable="cosine",
        parameters=(_T, g.S0, g.ALPHA, g.SIGMA_V, g.COSINE_0, _LAYERS),
        complete=g.complete_layer,
        values={"cosine_layers": Routine(_map(_Y, _C), cosine_layers, _ARGUMENTS)},
        cases=(
            {"T": 12, "s0": 1.0, "alpha": 1.0, "cosine_0": 0.1, "L": 2},
            {"T": 8, "s0": 2.5, "alpha": 0.5, "sigma_V": 1.5, "cosine_0": 0.3, "L": 1},
            {"T": 10, "s0": 1.5, "alpha": 0.0, "cosine_0": 0.0, "L": 1},
        ),
        judged_by=(
            DrawnExpectation(("cosine_layers",), _simplex_layers, _layer_work),
            Identity(_finite_rows, _draw_layer_parameters, 1e-9, most_draws=4),
        ),
        wrong_twin=WrongTwin(
            "1 - rho' taken as 0.92 of it",
            {
                "cosine_layers": Routine(
                    _map(_Y, _C, sp.Rational(92, 100)),
                    lambda *given: 1.0 - 0.92 * (1.0 - cosine_layers(*given)),
                    _ARGUMENTS,
                )
            },
        ),
    )
)

# --- ENT-15c --------------------------------------------------------------------------------------

_TILT = g.s0**2 * (1 - _now) * (1 - _Y) ** 2 / g.d
_Y_D = _Y * (1 - 1 / g.d) + _TILT
_C_D = _C * (1 - _now / g.d) + _now * _TILT


def _tilted_rows(parameters: Mapping[str, Any]) -> dict[str, FloatArray]:
    T, d, s0 = parameters["T"], parameters["d"], parameters["s0"]

    def averages(rho: float) -> tuple[float, float]:
        Y, C = _averages(T, s0, rho)
        tilt = s0**2 * (1.0 - rho) * (1.0 - Y) ** 2 / d
        return Y * (1.0 - 1.0 / d) + tilt, C * (1.0 - rho / d) + rho * tilt

    return {"cosine_layers": _cosines_by_grams(parameters, averages)}


def _draw_finite_d(rng: np.random.Generator) -> dict[str, Any]:
    return {**_draw_layer_parameters(rng), "d": int(rng.integers(8, 100))}


_WITH_D = ("T", "d", *_ARGUMENTS[1:])
register(
    Claim(
        id="ENT-15c",
        title="cosine of tokens layer by layer at finite T and d",
        statement=(
            "For a Gaussian cloud in d dimensions the recursion ENT-15a holds with "
            "Y (1 - 1/d) + s^2 (1 - Y)^2/d for Y and C (1 - cosine/d) + cosine s^2 (1 - Y)^2/d for "
            "C: softmax tilts the average of keys along the query. Not to be iterated without a "
            "skip below 1 - cosine = 1/(s0^2 (T + d))."
        ),
        source=g.after_giorlandino("finite d"),
        standing="derived",
        observable="cosine",
        parameters=(_T, g.D, g.S0, g.ALPHA, g.SIGMA_V, g.COSINE_0, _LAYERS),
        complete=g.complete_layer,
        values={"cosine_layers": Routine(_map(_Y_D, _C_D), cosine_layers_finite_d, _WITH_D)},
        cases=(
            {"T": 512, "d": 128, "s0": 1.0, "alpha": 0.0, "cosine_0": 0.3, "L": 1},
            {"T": 64, "d": 64, "s0": 1.5, "alpha": 0.5, "sigma_V": 1.2, "cosine_0": 0.1, "L": 2},
            {"T": 32, "d": 48, "s0": 1.0, "alpha": 0.0, "cosine_0": 0.0, "L": 1},
        ),
        judged_by=(Identity(_tilted_rows, _draw_finite_d, 1e-9, most_draws=4),),
        wrong_twin=WrongTwin(
            "1/d taken as 1.1/d",
            {
                "cosine_layers": Routine(
                    _map(_Y_D, _C_D).subs(g.d, g.d / sp.Rational(11, 10)),
                    lambda T, d, *rest: cosine_layers_finite_d(T, d / 1.1, *rest),
                    _WITH_D,
                )
            },
        ),
    )
)

# --- ENT-15f --------------------------------------------------------------------------------------

_Q, _P = sp.Function("Q"), sp.Function("P")
_NORMS = sp.Eq(_Q(_layer + 1), _Q(_layer) + g.sigma_V**2 * (_now + (1 - _now) * _Y))
_OVERLAPS = sp.Eq(_P(_layer + 1), _P(_layer) + g.sigma_V**2 * (_now + (1 - _now) * _C))
_PRENORM = ("T", "s0", "sigma_V", "Q_0", "P_0", "L", "overlap_model")


#: e to this power is a finite number.
_LARGEST_EXPONENT = 700.0


def _complete_stream(parameters: dict[str, Any]) -> None:
    if parameters["P_0"] > parameters["Q_0"]:
        raise bad_value("P_0", parameters["P_0"], f"a number <= Q_0 = {parameters['Q_0']}")
    # The overlap of diffuse rows reaches e^{s0^2/4}/T on the way from cosine 0 to 1.
    if parameters["overlap_model"] == "diffuse" and parameters["s0"] ** 2 > 4.0 * _LARGEST_EXPONENT:
        raise bad_value("s0", parameters["s0"], "a diffuse row, or overlap_model = 'exact'")


def _by_overlaps(parameters: Mapping[str, Any]) -> dict[str, FloatArray]:
    """Add up Q and P separately."""
    T, s0, P, Q = (parameters[name] for name in ("T", "s0", "P_0", "Q_0"))
    cosines, norms = [], []
    for _ in range(parameters["L"]):
        rho = P / Q
        Y, C = _averages(T, s0, rho)
        if parameters["overlap_model"] == "diffuse":
            C = math.exp(rho * s0**2 * (1.0 - rho)) / T
        P, Q = _grams(1.0, parameters["sigma_V"], rho, Y, C, Q, P)
        cosines.append(P / Q)
        norms.append(Q)
    return {"cosine_layers": np.array(cosines), "Q_layers": np.array(norms)}


def _draw_stream(rng: np.random.Generator) -> dict[str, Any]:
    Q = rng.uniform(0.5, 2.0)
    return {
        "T": float(rng.integers(4, 60)),
        "s0": rng.uniform(0.2, 1.5),
        "sigma_V": rng.uniform(0.2, 2.0),
        "Q_0": Q,
        "P_0": Q * rng.uniform(0.05, 0.8),
        "L": 2,
        "overlap_model": str(rng.choice(["exact", "diffuse"])),
    }


def _stream_layers(
    parameters: Mapping[str, Any],
    values: Mapping[str, Any],
    stream: Stream,
    first_sample: int,
    n: int,
) -> dict[str, FloatArray]:
    """Draw every branch on a simplex of the cosine that the claim gives the stream before it."""
    T = int(parameters["T"])
    rho, Q = parameters["P_0"] / parameters["Q_0"], parameters["Q_0"]
    cosines, norms = [], []
    for layer, (after, grown) in enumerate(
        zip(values["cosine_layers"], values["Q_layers"], strict=True)
    ):
        P_y, Q_y = layer_grams(
            Simplex(cosine=rho),
            (T, T),
            parameters["s0"],
            (0.0, parameters["sigma_V"]),
            _child(stream, layer),
            first_sample,
            n,
        )
        norms.append(Q + Q_y)
        cosines.append(after + (rho * Q + P_y - after * (Q + Q_y)) / grown)
        rho, Q = float(after), float(grown)
    return {"cosine_layers": np.stack(cosines, axis=1), "Q_layers": np.stack(norms, axis=1)}


def _prenorm(place: int, factor: float = 1.0) -> Callable[..., FloatArray]:
    def compute(
        T: float, s0: float, sigma_V: float, Q_0: float, P_0: float, L: int, overlap_model: str
    ) -> FloatArray:
        return prenorm_layers(T, s0, factor * sigma_V, Q_0, P_0, L, overlap_model)[place]

    return compute


_WRONG = {g.sigma_V: sp.Rational(11, 10) * g.sigma_V}
register(
    Claim(
        id="ENT-15f",
        title="cosine and norm of a pre-norm stream layer by layer",
        statement=(
            "With attention on normalised tokens and an unnormalised stream, Q = norm(x)^2/d and "
            "the overlap P grow by sigma_V^2 (rho + (1 - rho) Y) and sigma_V^2 (rho + (1 - rho) C) "
            "a layer, rho = P/Q, Y and C at s = s0 sqrt(1 - rho): in the diffuse phase Q - P is "
            "conserved and 1 - rho falls like 1/depth."
        ),
        source=g.after_giorlandino("pre-norm"),
        standing="derived",
        observable="cosine",
        parameters=(
            _T,
            g.S0,
            g.SIGMA_V,
            Parameter(
                "Q_0",
                Real(low=0.0, low_open=True, high=1e100, typical=(1.0, 2.0)),
                "mean of norm(x)^2/d before the first layer",
            ),
            Parameter("P_0", Real(low=0.0, high=1e100, typical=(0.0, 0.9)), "mean of x_s . x_t/d"),
            _LAYERS,
            Parameter(
                "overlap_model",
                Choice(("exact", "diffuse")),
                "C of the row law, or e^{rho s^2}/T",
                default="exact",
            ),
        ),
        complete=_complete_stream,
        values={
            "cosine_layers": Routine(_OVERLAPS, _prenorm(0), _PRENORM),
            "Q_layers": Routine(_NORMS, _prenorm(1), _PRENORM),
        },
        cases=(
            {"T": 12, "s0": 1.0, "Q_0": 1.0, "P_0": 0.1, "L": 2},
            {"T": 8, "s0": 2.0, "sigma_V": 1.5, "Q_0": 2.0, "P_0": 0.8, "L": 1},
            {"T": 16, "s0": 0.4, "Q_0": 0.5, "P_0": 0.1, "L": 1, "overlap_model": "diffuse"},
        ),
        judged_by=(
            DrawnExpectation(("cosine_layers", "Q_layers"), _stream_layers, _layer_work),
            Identity(_by_overlaps, _draw_stream, 1e-9, most_draws=4),
        ),
        wrong_twin=WrongTwin(
            "sigma_V taken as 1.1 sigma_V",
            {
                "cosine_layers": Routine(_OVERLAPS.subs(_WRONG), _prenorm(0, 1.1), _PRENORM),
                "Q_layers": Routine(_NORMS.subs(_WRONG), _prenorm(1, 1.1), _PRENORM),
            },
        ),
    )
)
