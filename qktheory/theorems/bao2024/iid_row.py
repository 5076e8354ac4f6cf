"""LOC-15: a row of iid tokens; its self-weight, participation and entropy."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray
from scipy.optimize import brentq

from qktheory.base.domains import Integer, Parameter, Real
from qktheory.numerics.gaussian_query import average_over_gaussian_query
from qktheory.numerics.iid_row import iid_row_moments
from qktheory.observables.observable import RowObservable
from qktheory.simulation.ensemble import Ensemble
from qktheory.simulation.query_scales import QueryScales
from qktheory.simulation.realization import Realization
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.bao2024 import setting as s
from qktheory.theorems.bao2024.bridge import QUERY_SCALES
from qktheory.theorems.claim import Claim, Predicts, Routine, WrongTwin, register
from qktheory.theorems.judgements import Asymptotic, Evaluate, Expectation

FloatArray = NDArray[np.float64]

m, scale, t = symbol("self_logit"), symbol("s"), s.t
SELF_LOGIT = Parameter("self_logit", Real(typical=(-3.0, 6.0)), "logit of the query with itself")
STD = Parameter(
    "s", Real(low=0.0, typical=(0.1, 3.0)), "standard deviation of the T - 1 other logits"
)

# --- LOC-15a --------------------------------------------------------------------------------------


def _given_query(
    parameters: Mapping[str, Any], values: Mapping[str, Any]
) -> dict[str, RowObservable]:
    return {
        "self_logit": s.functional("self_logit", lambda rows: rows.logits[:, -1]),
        "s2": s.functional("s2", lambda rows: rows.logits[:, 0] ** 2),
    }


def _over_queries(
    parameters: Mapping[str, Any], values: Mapping[str, Any]
) -> dict[str, RowObservable]:
    mean = values["mean_self_logit"]
    return {
        "mean_self_logit": s.functional("mean_self_logit", lambda rows: rows.logits[:, -1]),
        "var_self_logit": s.functional(
            "var_self_logit", lambda rows: (rows.logits[:, -1] - mean) ** 2
        ),
        "mean_s2": s.functional("mean_s2", lambda rows: rows.logits[:, 0] ** 2),
    }


def _pair(parameters: Mapping[str, Any]) -> Ensemble:
    """Two iid tokens, the query pinned to x."""
    return s.map_ensemble("iid")({**parameters, "T": 2})


def _free_pair(parameters: Mapping[str, Any]) -> Ensemble:
    return _pair({name: value for name, value in parameters.items() if name != "x"})


register(
    Claim(
        id="LOC-15a",
        title="self-logit and logit variance of an iid row",
        statement=(
            "Given the query x among iid tokens N(0, Sigma), its self-logit is "
            "m = x^T W x/temperature and the other logits are iid N(0, s^2), "
            "s^2 = x^T W Sigma W^T x/temperature^2; E m = xi, Var m = eta + eta_F, E s^2 = eta_F."
        ),
        source=s.extends_bao("iid tokens"),
        standing="derived",
        observable="logit",
        parameters=(s.QUERY, s.W_QK, s.SIGMA, s.TEMPERATURE),
        complete=s.complete_map,
        where=s.TRACES,
        values={
            **QUERY_SCALES,
            "mean_self_logit": s.xi,
            "var_self_logit": s.eta + s.eta_F,
            "mean_s2": s.eta_F,
        },
        assumptions=(s.IID, s.LAST_QUERY),
        cases=(
            {
                "x": [2.0, -1.0],
                "W_QK": [[1.0, 0.0], [2.0, -1.0]],
                "Sigma": [[2.0, 1.0], [1.0, 3.0]],
                "temperature": 2.0,
            },
            {
                "x": [-1.445, 0.233, -0.278],
                "W_QK": [[-0.086, 1.518, -0.783], [-1.781, 0.285, 0.666], [0.43, 0.57, -0.053]],
                "Sigma": [
                    [2.109, -0.873, -0.632],
                    [-0.873, 1.271, -0.213],
                    [-0.632, -0.213, 0.706],
                ],
                "temperature": 1.5,
            },
            {
                "x": [1.0, 0.5, 0.0],
                "W_QK": [[0.4, 1.0, 0.0], [-0.2, 0.3, 0.5], [0.1, -0.6, 0.2]],
                "Sigma": [[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 0.5]],
            },
        ),
        judged_by=(
            Expectation(_pair, _given_query),
            Expectation(_free_pair, _over_queries),
        ),
        wrong_twin=WrongTwin("sign of eta in Var m", {"var_self_logit": s.eta_F - s.eta}),
    )
)

# --- LOC-15b --------------------------------------------------------------------------------------


def _row_ensemble(parameters: Mapping[str, Any]) -> Ensemble:
    """Query (1, 0), W = [[m, s], [0, 0]], Sigma = diag(0, 1): self-logit m, variance s^2."""
    return Ensemble.from_dict(
        {
            "d": 2,
            "T": parameters["T"],
            "matrix": {"W": [[parameters["self_logit"], parameters["s"]], [0.0, 0.0]]},
            "tokens": {"law": "iid", "covariance": [0.0, 1.0], "query": [1.0, 0.0]},
        }
    )


def _row_observables(
    parameters: Mapping[str, Any], values: Mapping[str, Any]
) -> dict[str, RowObservable]:
    unit = (0.0, 1.0)
    return {
        "mean_self_weight": s.functional("mean_self_weight", lambda r: r.self_weight, unit),
        "mean_self_weight_squared": s.functional(
            "mean_self_weight_squared", lambda r: r.self_weight**2, unit
        ),
        "mean_other_weights_squared": s.functional(
            "mean_other_weights_squared",
            lambda r: r.statistics["participation"] - r.self_weight**2,
            unit,
        ),
        "mean_entropy": s.functional(
            "mean_entropy", lambda r: r.statistics["entropy"], (0.0, math.log(parameters["T"]))
        ),
    }


y = sp.Symbol("y", positive=True)
_g = sp.Symbol("g", real=True)
n = t - 1
#: L(y) = E exp(-y e^(s g)), g ~ N(0, 1).
_L = sp.Integral(
    sp.exp(-y * sp.exp(scale * _g) - _g**2 / 2) / sp.sqrt(2 * sp.pi), (_g, -sp.oo, sp.oo)
)
_OWN = sp.exp(-y * sp.exp(m))


def _over_y(integrand: sp.Expr) -> sp.Expr:
    return sp.Integral(integrand, (y, 0, sp.oo))


_SELF = _over_y(sp.exp(m) * _OWN * _L**n)
_SELF_SQUARED = _over_y(y * sp.exp(2 * m) * _OWN * _L**n)
_OTHERS_SQUARED = n * _over_y(y * _OWN * sp.Derivative(_L, (y, 2)) * _L ** (n - 1))
_ENTROPY = (
    _over_y((sp.exp(-y) - _OWN * _L**n) / y) - m * _SELF - scale**2 * (1 - _SELF - _OTHERS_SQUARED)
)
own, others = symbol("mean_self_weight_squared"), symbol("mean_other_weights_squared")


def _moment(name: str, statement: sp.Basic) -> Routine:
    return Routine(statement, lambda moments: float(getattr(moments, name)), ("moments",))


@lru_cache(maxsize=8)
def _over_the_query(realization: Realization) -> tuple[dict[str, float], dict[str, float]]:
    """Average the row over its query: values and numerical errors by observable."""
    T = realization.ensemble.T
    if realization.query is not None:
        pinned = QueryScales(realization, "query")
        self_logit, s2 = pinned.scales(pinned.noise(0, 1), 0)
        row = iid_row_moments(float(self_logit[0]), math.sqrt(float(s2[0])), T)
        participation = row.mean_self_weight_squared + row.mean_other_weights_squared
        values = {
            "self_weight": row.mean_self_weight,
            "participation": participation,
            "entropy": row.mean_entropy,
        }
        return values, dict.fromkeys(values, 0.0)
    average = average_over_gaussian_query(realization.M, T)
    return (
        {
            "self_weight": average.value.mean_self_weight,
            "participation": average.mean_participation,
            "entropy": average.value.mean_entropy,
        },
        {
            "self_weight": average.error.mean_self_weight,
            "participation": average.participation_error,
            "entropy": average.error.mean_entropy,
        },
    )


def _predicts(observable: str, value: str) -> Predicts:
    def compute(realization: Realization) -> tuple[float, float]:
        values, errors = _over_the_query(realization)
        return values[observable], errors[observable]

    return Predicts(observable, value, "exact", compute=compute)


def _profile(realization: Realization) -> tuple[FloatArray, float]:
    """All keys but the query itself share the rest of the weight equally."""
    values, errors = _over_the_query(realization)
    T, own = realization.ensemble.T, values["self_weight"]
    profile = np.full(T, (1.0 - own) / max(T - 1, 1))
    profile[-1] = own
    return profile, errors["self_weight"]


register(
    Claim(
        id="LOC-15b",
        title="mean weights and entropy of an iid row",
        statement=(
            "For a row with self-logit m and T - 1 other logits N(0, s^2), the means of A_self, "
            "its square, the other squared weights and the entropy are one-dimensional integrals "
            "over L(y) = E exp(-y e^(s g))."
        ),
        source=s.extends_bao("iid tokens, exact averages"),
        standing="derived",
        observable="entropy",
        parameters=(SELF_LOGIT, STD, s.T),
        where={
            "width": scale,
            "moments": Routine(_ENTROPY, iid_row_moments, ("self_logit", "width", "T")),
        },
        values={
            "mean_self_weight": _moment("mean_self_weight", _SELF),
            "mean_self_weight_squared": _moment("mean_self_weight_squared", _SELF_SQUARED),
            "mean_other_weights_squared": _moment("mean_other_weights_squared", _OTHERS_SQUARED),
            "mean_entropy": _moment("mean_entropy", _ENTROPY),
            "mean_participation": own + others,
        },
        assumptions=(s.IID, s.LAST_QUERY, s.SOFTMAX),
        predicts=(
            _predicts("entropy", "mean_entropy"),
            _predicts("participation", "mean_participation"),
            _predicts("self_weight", "mean_self_weight"),
            Predicts("profile", "mean_self_weight", "exact", compute=_profile),
        ),
        cases=(
            {"self_logit": 5.0, "s": 1.5, "T": 64},
            {"self_logit": 3.0, "s": 0.5, "T": 8},
            {"self_logit": 8.0, "s": 2.0, "T": 256},
            {"self_logit": 4.0, "s": 3.0, "T": 16},
        ),
        judged_by=(Expectation(_row_ensemble, _row_observables),),
        wrong_twin=WrongTwin("standard deviation s taken as 1.1 s", {"width": 1.1 * scale}),
    )
)

# --- LOC-15c --------------------------------------------------------------------------------------


def _sigmoid_at_T(
    evaluate: Evaluate, parameters: Mapping[str, Any], size: float
) -> tuple[float, float]:
    """Move the self-logit with T so that the sigmoid stays at the case's distance from 1/2."""
    T, std = int(size), parameters["s"]
    distance = parameters["self_logit"] - math.log(parameters["T"] - 1) - std**2 / 2
    self_logit = math.log(T - 1) + std**2 / 2 + distance
    values = evaluate({"self_logit": self_logit, "s": std, "T": T})
    exact = iid_row_moments(self_logit, std, T).mean_self_weight
    return float(exact), float(values["self_weight_sigmoid"])


def _threshold_at_T(
    evaluate: Evaluate, parameters: Mapping[str, Any], size: float
) -> tuple[float, float]:
    """Self-logit at which E A_self = 1/2, in a row twice as wide as the freezing width."""
    T = round(math.exp(size)) + 1
    std = 2.0 * math.sqrt(2.0 * math.log(T - 1))
    threshold = float(
        evaluate({"self_logit": 0.0, "s": std, "T": T})["frozen_threshold_self_logit"]
    )
    half = brentq(
        lambda level: iid_row_moments(level, std, T).mean_self_weight - 0.5,
        0.5 * threshold,
        1.5 * threshold,
        xtol=1e-9,
    )
    return float(half), threshold


register(
    Claim(
        id="LOC-15c",
        title="self-weight of an iid row as T grows",
        statement=(
            "Below freezing, s < sqrt(2 ln n) with n = T - 1, E A_self is asymptotically "
            "sigmoid(m - ln n - s^2/2); above it, the self-logit that takes half the weight is "
            "asymptotically s sqrt(2 ln n)."
        ),
        source=s.extends_bao("iid tokens, large T"),
        standing="derived",
        observable="self_weight",
        parameters=(
            SELF_LOGIT,
            STD,
            Parameter("T", Integer(low=2, high=10**15, typical=(2, 40)), "number of tokens"),
        ),
        values={
            "self_weight_sigmoid": 1 / (1 + sp.exp(-(m - sp.log(n) - scale**2 / 2))),
            "frozen_s": sp.sqrt(2 * sp.log(n)),
            "frozen_threshold_self_logit": scale * sp.sqrt(2 * sp.log(n)),
        },
        assumptions=(s.IID, s.LAST_QUERY, s.SOFTMAX),
        cases=(
            {"self_logit": 5.0, "s": 1.0, "T": 64},
            {"self_logit": 4.0, "s": 0.5, "T": 64},
            {"self_logit": 7.0, "s": 1.5, "T": 256},
        ),
        judged_by=(
            Asymptotic("self_weight_sigmoid", "T", (1e3, 1e4, 1e5, 1e6), _sigmoid_at_T, rate=0.75),
            Asymptotic(
                "frozen_threshold_self_logit", "ln T", (7.0, 14.0, 28.0), _threshold_at_T, rate=0.5
            ),
        ),
        wrong_twin=WrongTwin(
            "constant 1/2 of s^2/2 taken as 0.55",
            {
                "self_weight_sigmoid": 1
                / (1 + sp.exp(-(m - sp.log(n) - sp.Rational(55, 100) * scale**2)))
            },
        ),
    )
)
