"""ENT-13: one row of simplex tokens under a Gaussian QK map, and where it freezes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from qktheory.base.domains import Parameter, Real
from qktheory.numerics.averaged_row import averaged_row
from qktheory.numerics.gaussian_row import mean_entropy, mean_participation
from qktheory.observables.observable import RowObservable
from qktheory.simulation.ensemble import Ensemble
from qktheory.simulation.realization import Realization
from qktheory.theorems.bao2024.setting import LAST_QUERY, SOFTMAX
from qktheory.theorems.claim import Assumption, Claim, Predicts, Routine, WrongTwin, register
from qktheory.theorems.giorlandino2025 import setting as g
from qktheory.theorems.judgements import Asymptotic, Evaluate, Expectation
from qktheory.theorems.random_energy import setting as e

FloatArray = NDArray[np.float64]

# --- ENT-13a --------------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def _row_means(T: float, s: float, d_k: float) -> tuple[float, float]:
    """Return E H and E Y_2 of a row of variance s^2 chi^2_(d_k)/d_k."""
    row = averaged_row(T, s, [d_k])
    return row.mean_entropy, row.mean_participation


_chi2 = sp.Symbol("chi2", positive=True)
_DENSITY = _chi2 ** (g.d_k / 2 - 1) * sp.exp(-_chi2 / 2) / (2 ** (g.d_k / 2) * sp.gamma(g.d_k / 2))


def _averaged(function: sp.Function, place: int) -> Routine:
    width = g.s_effective * sp.sqrt(_chi2 / g.d_k)
    return Routine(
        sp.Integral(function(g.t, width) * _DENSITY, (_chi2, 0, sp.oo)),
        lambda T, s, d_k: _row_means(T, s, d_k)[place],
        ("T", "s_effective", "d_k"),
    )


def _sharp(function: sp.Function, compute: Any) -> Routine:
    return Routine(
        function(g.t, g.s_effective), lambda T, s: float(compute(T, s)), ("T", "s_effective")
    )


def _experiment(parameters: Mapping[str, Any]) -> Ensemble:
    factors = {"model": "gaussian_factors", "d_k": parameters["d_k"]}
    return g.simplex_ensemble(int(parameters["T"]), parameters["cosine"], parameters["s0"], factors)


def _measured(parameters: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, RowObservable]:
    T = int(parameters["T"])
    return {
        "mean_entropy": e.functional(
            "entropy", lambda rows: rows.statistics["entropy"], (0.0, math.log(T))
        ),
        "mean_participation": e.functional(
            "participation", lambda rows: rows.statistics["participation"], (1.0 / T, 1.0)
        ),
    }


def _wide_head(
    evaluate: Evaluate, parameters: Mapping[str, Any], size: float
) -> tuple[float, float]:
    values = evaluate({**parameters, "d_k": size})
    return float(values["mean_entropy"]), float(values["mean_entropy_sharp"])


def _is_gaussian_map(realization: Realization) -> bool:
    return realization.ensemble.matrix.name in ("gaussian_factors", "ginibre")


SIMPLEX = Assumption(
    "simplex tokens",
    "tokens have equal norms and equal cosines",
    lambda r: r.ensemble.tokens.name == "simplex",
)
GAUSSIAN_MAP = Assumption(
    "Gaussian W", "W has independent Gaussian entries, or factors that have", _is_gaussian_map
)


def _of_experiment(realization: Realization) -> dict[str, Any]:
    """Return the claim's parameters; iid entries of W are a head of infinite width."""
    ensemble = realization.ensemble
    matrix: Any = ensemble.matrix
    tokens: Any = ensemble.tokens
    cosine = float(tokens.cosine)
    s0 = float(matrix.scale) * math.sqrt(ensemble.d) / realization.temperature
    return {
        "T": float(ensemble.T),
        "s0": s0,
        "cosine": cosine,
        "d_k": getattr(matrix, "d_k", 10**15),
    }


def _has_finite_head(realization: Realization) -> bool:
    return realization.ensemble.matrix.name == "gaussian_factors"


def _predictions(observable: str) -> tuple[Predicts, ...]:
    name = f"mean_{observable}"
    return (
        Predicts(
            observable,
            f"{name}_sharp",
            "asymptotic",
            _of_experiment,
            when=_has_finite_head,
            sharp=True,
        ),
        Predicts(observable, name, "exact", _of_experiment),
    )


register(
    Claim(
        id="ENT-13a",
        title="mean entropy and participation of a row of simplex tokens",
        statement=(
            "For norm(x_t)^2 = d and x_s . x_t = d cosine exactly, and independent Gaussian W_Q, "
            "W_K, a row is an iid Gaussian row in law, self-logit included, of random variance "
            "s0^2 (1 - cosine) chi^2_(d_k)/d_k; as d_k -> infinity of variance s0^2 (1 - cosine)."
        ),
        source=g.after_giorlandino("simplex tokens; the row law at every T, d and d_k"),
        standing="derived",
        observable="entropy",
        parameters=(e.T, g.S0, g.COSINE, g.D_K),
        complete=g.complete_simplex,
        values={
            "s_effective": g.s_effective,
            "mean_entropy": _averaged(g.h, 0),
            "mean_participation": _averaged(g.Y, 1),
            "mean_entropy_sharp": _sharp(g.h, mean_entropy),
            "mean_participation_sharp": _sharp(g.Y, mean_participation),
        },
        assumptions=(SIMPLEX, GAUSSIAN_MAP, LAST_QUERY, SOFTMAX),
        W="redrawn",
        predicts=(*_predictions("entropy"), *_predictions("participation")),
        cases=(
            {"T": 16, "s0": 1.2, "cosine": 0.5, "d_k": 32},
            {"T": 8, "s0": 1.0, "cosine": -0.1, "d_k": 16},
            {"T": 12, "s0": 1.5, "cosine": 0.6, "d_k": 12},
        ),
        judged_by=(
            Expectation(_experiment, _measured),
            Asymptotic("mean_entropy_sharp", "d_k", (32.0, 128.0, 512.0), _wide_head, rate=0.95),
        ),
        wrong_twin=WrongTwin(
            "s0 taken as 1.1 s0", {"s_effective": sp.Rational(11, 10) * g.s_effective}
        ),
    )
)

# --- ENT-13b --------------------------------------------------------------------------------------


def _half_way(
    evaluate: Evaluate, parameters: Mapping[str, Any], size: float
) -> tuple[float, float]:
    """E H/log T -> 1 - b^2 at s0 = b s0_critical, b = 1/2: exact rows against the random energy."""
    T = math.exp(size)
    s0 = 0.5 * float(evaluate({**parameters, "T": T})["s0_critical"])
    return float(mean_entropy(T, s0 * math.sqrt(1.0 - parameters["cosine"]))) / size, 0.75


def _scaled(evaluate: Evaluate, parameters: Mapping[str, Any], size: float) -> tuple[float, float]:
    """s0^2 = beta^2 log T with beta = beta_critical/2."""
    beta = 0.5 * float(evaluate({**parameters, "T": math.exp(size)})["beta_critical"])
    s = beta * math.sqrt(size * (1.0 - parameters["cosine"]))
    return float(mean_entropy(math.exp(size), s)) / size, 0.75


register(
    Claim(
        id="ENT-13b",
        title="freezing of simplex tokens",
        statement=(
            "As T grows, rows of simplex tokens freeze at s0 sqrt(1 - cosine) = s_c = "
            "sqrt(2 log T): with s0^2 = beta^2 log T at beta_c = sqrt(2/(1 - cosine))."
        ),
        source=g.GIORLANDINO_2025,
        standing="theorem",
        observable="entropy",
        parameters=(
            e.T_ABOVE_1,
            Parameter(
                "cosine",
                Real(-1.0, 1.0, high_open=True, typical=(0.0, 0.9)),
                "cosine of two tokens",
            ),
        ),
        complete=g.complete_simplex,
        values={
            "s0_critical": g.s_c / sp.sqrt(1 - g.rho),
            "beta_critical": sp.sqrt(2 / (1 - g.rho)),
        },
        cases=(
            {"T": 256, "cosine": 0.5},
            {"T": 1e12, "cosine": 0.0},
            {"T": 1000, "cosine": 0.9},
        ),
        judged_by=(
            Asymptotic("s0_critical", "ln T", (8.0, 16.0, 32.0), _half_way, rate=1.0, floor=1e-9),
            Asymptotic("beta_critical", "ln T", (8.0, 16.0, 32.0), _scaled, rate=1.0, floor=1e-9),
        ),
        wrong_twin=WrongTwin(
            "constant 2 taken as 2.2",
            {
                "s0_critical": sp.sqrt(sp.Rational(22, 10) * sp.log(g.t) / (1 - g.rho)),
                "beta_critical": sp.sqrt(sp.Rational(22, 10) / (1 - g.rho)),
            },
        ),
    )
)
