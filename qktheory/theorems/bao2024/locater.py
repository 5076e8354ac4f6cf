"""LOC-14: LocAteR, shrinking tr W^2 at fixed tr W; gradients and flows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from qktheory.base.domains import Matrix, Parameter, Real, RealList
from qktheory.base.errors import bad_value
from qktheory.numerics.replicator import replicator_flow
from qktheory.numerics.trace_flow import integrate_factor_flow
from qktheory.symbolic.symbols import matrix, symbol
from qktheory.theorems.bao2024 import setting as s
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import Identity, PathwiseBound

FloatArray = NDArray[np.float64]

W, S, temperature = s.W, s.S, s.temperature
d, time = symbol("d"), symbol("time")
_d_k = sp.Symbol("d_k", integer=True, positive=True)
W_Q, W_K = (sp.MatrixSymbol(name, d, _d_k) for name in ("W_Q", "W_K"))

FACTOR_Q = Parameter("W_Q", Matrix(), "query map, (d, d_k)")
FACTOR_K = Parameter("W_K", Matrix(), "key map, (d, d_k)")
TIME = Parameter("time", Real(low=0.0, typical=(0.0, 1.0)), "time of the gradient flow")

_PRODUCT = Routine(W_Q * W_K.T, lambda q, k: q @ k.T, ("W_Q", "W_K"))


def _complete_factors(parameters: dict[str, Any]) -> None:
    shapes = parameters["W_Q"].shape, parameters["W_K"].shape
    if shapes[0] != shapes[1]:
        raise bad_value("W_K", f"array of shape {shapes[1]}", f"shape {shapes[0]}, that of W_Q")
    parameters["d"] = shapes[0][0]
    if "Sigma" in parameters:
        sized = {**parameters, "W_QK": parameters["W_Q"] @ parameters["W_K"].T}
        s.complete_map(sized)
        parameters["Sigma"] = sized["Sigma"]


def _draw_factors(rng: np.random.Generator) -> dict[str, Any]:
    size, rank = int(rng.integers(2, 6)), int(rng.integers(1, 4))
    return {"W_Q": rng.normal(size=(size, rank)), "W_K": rng.normal(size=(size, rank))}


# --- LOC-14a --------------------------------------------------------------------------------------

_GAMMA = 2 * S * W.T * S / temperature**2


def _by_differences(parameters: Mapping[str, Any]) -> dict[str, FloatArray]:
    """Gradients by central differences, exact up to rounding for quadratic functions."""
    sigma, divisor = parameters["Sigma"], parameters["temperature"]
    query, key = parameters["W_Q"], parameters["W_K"]

    def penalty(w: FloatArray) -> float:
        return float(np.trace(w @ sigma @ w @ sigma) / divisor**2)

    def penalty_frobenius(w: FloatArray) -> float:
        return float(np.trace(w @ sigma @ w.T @ sigma) / divisor**2)

    def gradient(function: Any, at: FloatArray) -> FloatArray:
        result = np.empty_like(at)
        for place in np.ndindex(at.shape):
            step = np.zeros_like(at)
            step[place] = 0.5
            result[place] = function(at + step) - function(at - step)
        return result

    w = query @ key.T
    return {
        "grad_W_QK": gradient(penalty, w),
        "grad_W_Q": gradient(lambda q: penalty(q @ key.T), query),
        "grad_W_K": gradient(lambda k: penalty(query @ k.T), key),
        "grad_trace": gradient(lambda v: float(np.trace(v @ sigma)) / divisor, w),
        "grad_W_QK_frobenius": gradient(penalty_frobenius, w),
    }


register(
    Claim(
        id="LOC-14a",
        title="gradients of the LocAteR penalty",
        statement=(
            "R = tr(W Sigma W Sigma)/temperature^2 has gradient Gamma = 2 Sigma W^T Sigma/"
            "temperature^2 in W, Gamma W_K in W_Q and Gamma^T W_Q in W_K; the Frobenius penalty "
            "tr(W Sigma W^T Sigma)/temperature^2 has 2 Sigma W Sigma/temperature^2."
        ),
        source=s.extends_bao("LocAteR, any Sigma"),
        standing="derived",
        observable="penalty",
        parameters=(FACTOR_Q, FACTOR_K, s.SIGMA, s.TEMPERATURE),
        complete=_complete_factors,
        where={"W_QK": _PRODUCT},
        values={
            "penalty": sp.Trace(W * S * W * S) / temperature**2,
            "grad_W_QK": _GAMMA,
            "grad_W_Q": _GAMMA * W_K,
            "grad_W_K": _GAMMA.T * W_Q,
            "grad_trace": S / temperature,
            "penalty_frobenius": sp.Trace(W * S * W.T * S) / temperature**2,
            "grad_W_QK_frobenius": 2 * S * W * S / temperature**2,
        },
        cases=(
            {
                "W_Q": [[1.0, 0.0], [0.5, 2.0], [0.0, 1.0]],
                "W_K": [[0.0, 1.0], [1.0, 1.0], [2.0, 0.0]],
                "Sigma": [[2.0, 1.0, 0.0], [1.0, 3.0, 0.0], [0.0, 0.0, 1.0]],
                "temperature": 2.0,
            },
            {"W_Q": [[1.0], [0.5]], "W_K": [[0.2], [-1.0]], "Sigma": 0.5},
            {"W_Q": [[1.0, 0.2], [0.5, 0.1]], "W_K": [[0.2, 0.0], [-1.0, 1.0]]},
            {
                "W_Q": [[1.0, 0.2], [0.5, 1.1]],
                "W_K": [[0.2, 0.0], [-1.0, 1.0]],
                "Sigma": [[1.0, 2.0], [2.0, 4.0]],
            },
        ),
        judged_by=(Identity(_by_differences, _draw_factors, tolerance=1e-9, most_draws=50),),
        wrong_twin=WrongTwin("factor 2 taken as 2.1", {"grad_W_QK": sp.Rational(21, 20) * _GAMMA}),
    )
)

# --- LOC-14b --------------------------------------------------------------------------------------

_mean = sp.Trace(W) / d * sp.Identity(d)
_SYMMETRIC = (W + W.T) / 2 - _mean
_ANTISYMMETRIC = (W - W.T) / 2


def _flow(growth: sp.Expr) -> sp.MatrixExpr:
    return _mean + sp.exp(-2 * time) * _SYMMETRIC + sp.exp(growth * time) * _ANTISYMMETRIC


def _integrated_flow(parameters: Mapping[str, Any]) -> dict[str, Any]:
    start = parameters["W_QK"]
    size = start.shape[0]

    def slope(t: float, flat: FloatArray) -> FloatArray:
        w = flat.reshape(size, size)
        return np.asarray(-2.0 * (w.T - np.trace(w) / size * np.eye(size))).ravel()

    solution = solve_ivp(
        slope, (0.0, parameters["time"]), start.ravel(), method="DOP853", rtol=1e-12, atol=1e-13
    )
    end = np.asarray(solution.y[:, -1]).reshape(size, size)
    return {"W_QK_t": end, "trace_square": float(np.trace(end @ end))}


def _draw_flow(rng: np.random.Generator) -> dict[str, Any]:
    size = int(rng.integers(1, 6))
    return {"W_QK": rng.normal(size=(size, size)), "time": float(rng.uniform(0.0, 1.5))}


def _complete_square(parameters: dict[str, Any]) -> None:
    parameters["d"] = parameters["W_QK"].shape[0]


w_t = matrix("W_QK_t")

register(
    Claim(
        id="LOC-14b",
        title="direct flow of the trace penalty",
        statement=(
            "Under dW/dt = -2 (W^T - (tr W/d) I) the traceless symmetric part decays like e^(-2t) "
            "and the antisymmetric part grows like e^(2t)."
        ),
        source=s.extends_bao("LocAteR as a flow in W"),
        standing="derived",
        observable="penalty",
        parameters=(s.W_QK, TIME),
        complete=_complete_square,
        values={
            "W_QK_t": _flow(sp.Integer(2)),
            "trace_square": sp.Trace(w_t * w_t),
        },
        cases=(
            {"W_QK": [[1.0, 2.0], [0.0, -1.0]], "time": 0.5},
            {"W_QK": [[0.5, 0.1, 0.0], [0.1, 1.0, 0.3], [0.0, 0.3, 2.0]], "time": 1.0},
            {"W_QK": [[0.0, 1.0], [-1.0, 0.0]], "time": 0.25},
        ),
        judged_by=(Identity(_integrated_flow, _draw_flow, tolerance=1e-9, most_draws=30),),
        wrong_twin=WrongTwin(
            "sign of the antisymmetric exponent", {"W_QK_t": _flow(sp.Integer(-2))}
        ),
    )
)

# --- LOC-14c --------------------------------------------------------------------------------------

_P, _K = W_Q * W_Q.T, W_K * W_K.T


def _multiplier(sign: int = 1) -> sp.Expr:
    return sp.Trace((_P + sign * _K) * W_Q * W_K.T) / sp.Trace(_P + _K)


def _trace_preserving(parameters: Mapping[str, Any]) -> dict[str, float]:
    """Return the multiplier for which the projected factor flow leaves tr W alone."""
    query, key = parameters["W_Q"], parameters["W_K"]
    w = query @ key.T

    def trace_rate(nu: float) -> float:
        gamma = 2.0 * (w.T - nu * np.eye(len(w)))
        return float(np.trace(-gamma @ key @ key.T) + np.trace(query @ (-gamma.T @ query).T))

    at_zero, at_one = trace_rate(0.0), trace_rate(1.0)
    return {"trace_multiplier": at_zero / (at_zero - at_one)}


def _complete_multiplier(parameters: dict[str, Any]) -> None:
    _complete_factors(parameters)
    if not (np.any(parameters["W_Q"]) or np.any(parameters["W_K"])):
        raise bad_value("W_Q", parameters["W_Q"], "factors that are not both 0")


def _draw_positive(rng: np.random.Generator) -> dict[str, Any]:
    """Factors close to each other keep the trace, and the multiplier, away from 0."""
    factors = _draw_factors(rng)
    return {"W_Q": factors["W_Q"], "W_K": factors["W_Q"] + 0.1 * factors["W_K"]}


register(
    Claim(
        id="LOC-14c",
        title="multiplier that preserves the trace in the factor flow",
        statement=(
            "The flow dW_Q = -Gamma W_K, dW_K = -Gamma^T W_Q with Gamma = 2 (W^T - nu I) leaves "
            "tr W unchanged iff nu = tr((P + K) W)/tr(P + K), P = W_Q W_Q^T, K = W_K W_K^T."
        ),
        source=s.extends_bao("LocAteR as a flow in the factors"),
        standing="derived",
        observable="penalty",
        parameters=(FACTOR_Q, FACTOR_K),
        complete=_complete_multiplier,
        values={"trace_multiplier": _multiplier()},
        cases=(
            {"W_Q": [[1.0, 0.0], [0.5, 2.0]], "W_K": [[0.0, 1.0], [1.0, 1.0]]},
            {"W_Q": [[1.0], [0.5]], "W_K": [[0.2], [-1.0]]},
            {"W_Q": [[2.0, 0.0], [0.0, 1.0]], "W_K": [[2.0, 0.0], [0.0, 1.0]]},
        ),
        judged_by=(Identity(_trace_preserving, _draw_positive, tolerance=1e-9),),
        wrong_twin=WrongTwin("sign of K in the numerator", {"trace_multiplier": _multiplier(-1)}),
    )
)

# --- LOC-14d --------------------------------------------------------------------------------------

NON_NEGATIVE = Parameter(
    "eigenvalues",
    RealList(Real(low=0.0, typical=(0.1, 2.0))),
    "spectrum of W = W_Q W_Q^T, not all 0",
)
_mu, _k = sp.IndexedBase("mu"), sp.Symbol("k", integer=True)
_SUM, _SQUARES = (sp.Sum(_mu[_k] ** n, (_k, 1, d)) for n in (1, 2))
_mu_t = sp.Function("mu")(time)
xi, squares, rank = symbol("xi"), symbol("eta"), symbol("rank")


def _complete_spectrum(parameters: dict[str, Any]) -> None:
    if not np.any(parameters["eigenvalues"]):
        raise bad_value("eigenvalues", parameters["eigenvalues"], "at least one that is not 0")
    parameters["d"] = parameters["eigenvalues"].size


def _replicator(factor: float = 1.0) -> Routine:
    law = sp.Eq(sp.Derivative(_mu_t, time), -4 * factor * _mu_t * (_mu_t - squares / xi))
    return Routine(law, lambda mu, t: replicator_flow(mu, factor * t), ("eigenvalues", "time"))


def _integrated_factors(parameters: Mapping[str, Any]) -> dict[str, FloatArray]:
    """Integrate the factor flow from W_Q = W_K = O diag(sqrt mu) and diagonalise the result."""
    mu = np.asarray(parameters["eigenvalues"])
    basis, _ = np.linalg.qr(np.random.default_rng(mu.size).normal(size=(mu.size, mu.size)))
    factor = basis @ np.diag(np.sqrt(mu))
    query, key = integrate_factor_flow(factor, factor, parameters["time"])[:2]
    found = np.sort(np.linalg.eigvalsh(query @ key.T))
    # The flow keeps the order of the eigenvalues.
    result = np.empty_like(found)
    result[np.argsort(mu, kind="stable")] = found
    return {"eigenvalues_t": result}


def _draw_spectrum(rng: np.random.Generator) -> dict[str, Any]:
    mu = rng.uniform(0.2, 2.0, size=int(rng.integers(1, 6)))
    return {"eigenvalues": mu, "time": float(rng.uniform(0.0, 0.6))}


register(
    Claim(
        id="LOC-14d",
        title="replicator law of the factor flow",
        statement=(
            "For W_Q = W_K the eigenvalues of W follow dmu_k/dt = -4 mu_k (mu_k - sum mu^2/sum mu):"
            " zeros stay zero, the limit is flat on the initial support, with tr W^2 -> xi^2/rank, "
            "not xi^2/d."
        ),
        source=s.extends_bao("LocAteR as a flow in the factors"),
        standing="derived",
        observable="penalty",
        parameters=(NON_NEGATIVE, TIME),
        complete=_complete_spectrum,
        where={
            "xi": Routine(_SUM, lambda mu: float(np.sum(mu)), ("eigenvalues",)),
            "eta": Routine(_SQUARES, lambda mu: float(np.sum(np.square(mu))), ("eigenvalues",)),
            "rank": Routine(
                sp.Function("rank")(W), lambda mu: int(np.count_nonzero(mu)), ("eigenvalues",)
            ),
        },
        values={
            "eigenvalues_t": _replicator(),
            "trace_multiplier": squares / xi,
            "eta_min": xi**2 / rank,
            "trace_leak_rate": -4 * (squares - xi**2 / d),
        },
        cases=(
            {"eigenvalues": [1.2, 0.6, 0.3], "time": 0.25},
            {"eigenvalues": [1.2, 0.6, 0.3, 0.0], "time": 1.0},
            {"eigenvalues": [2.0, 0.1], "time": 0.5},
        ),
        judged_by=(Identity(_integrated_factors, _draw_spectrum, tolerance=1e-7, most_draws=20),),
        wrong_twin=WrongTwin("factor 4 taken as 4.2", {"eigenvalues_t": _replicator(1.05)}),
    )
)

# --- folklore -------------------------------------------------------------------------------------


def _lower_bound(
    parameters: Mapping[str, Any], values: Mapping[str, Any], rng: np.random.Generator
) -> list[tuple[float, float]]:
    """Shift both sides by |W|^2 e^(4t), so that they are positive."""
    w = parameters["W_QK"]
    shift = float(np.sum(w**2)) * float(np.exp(4.0 * parameters["time"]))
    return [(float(values["bound"]) + shift, float(values["trace_square"]) + shift)]


register(
    Claim(
        id="LOC-14-folklore",
        title="tr W^2 is bounded below under LocAteR",
        statement=(
            "Believed: at fixed trace the penalty tr W^2 cannot fall below (tr W)^2/d. False for "
            "non-symmetric W: the antisymmetric part grows and tr W^2 goes to -infinity. Penalise "
            "|W|_F^2 instead."
        ),
        source=s.extends_bao("LocAteR"),
        standing="folklore",
        observable="penalty",
        parameters=(s.W_QK, TIME),
        complete=_complete_square,
        where={"W_QK_t": _flow(sp.Integer(2))},
        values={"trace_square": sp.Trace(w_t * w_t), "bound": sp.Trace(W) ** 2 / d},
        cases=(
            {"W_QK": [[1.0, 2.0], [0.0, -1.0]], "time": 0.5},
            {"W_QK": [[1.0, 0.3], [-0.3, 1.0]], "time": 1.0},
            {"W_QK": [[1.0, 0.5], [0.5, 2.0]], "time": 1.0},
        ),
        judged_by=(PathwiseBound(_lower_bound, _draw_flow),),
        wrong_twin=WrongTwin(
            "bound taken 10 % too large",
            {"bound": sp.Rational(11, 10) * sp.Trace(W) ** 2 / d},
        ),
    )
)
