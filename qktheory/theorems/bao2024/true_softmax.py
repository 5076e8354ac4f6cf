"""LOC-9a to LOC-9d: the true softmax of a drifted bridge, exact in the continuum."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp

from qktheory.base.domains import Parameter, Real
from qktheory.numerics.bridge_entropy import entropy_deficit
from qktheory.numerics.bridge_softmax import (
    end_weight_bound,
    end_weight_laplace,
    end_weight_moments,
)
from qktheory.observables.observable import RowObservable
from qktheory.simulation.ensemble import Ensemble
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.bao2024 import setting as s
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import (
    Asymptotic,
    Evaluate,
    ExpectationBound,
    Limit,
)

m, kappa2, s2, t = symbol("self_logit"), symbol("kappa2"), symbol("s2"), s.t
p, k, drift = symbol("p"), symbol("k"), symbol("drift")

SELF_LOGIT = Parameter("self_logit", Real(typical=(-6.0, 6.0)), "total drift of the bridge")
KAPPA2 = Parameter(
    "kappa2", Real(low=0.0, high=1e15, typical=(0.1, 30.0)), "T s^2, s^2 the increment variance"
)
KAPPA2_POSITIVE = Parameter(
    "kappa2", Real(low=0.0, low_open=True, high=1e15, typical=(0.1, 30.0)), "T s^2, > 0"
)


def bridge_ensemble(self_logit: float, s2: float, T: int) -> Ensemble:
    """Return a random walk pinned so that its last row has drift m and increment variance s^2.

    Query (1, 0), W = [[m, s], [0, 0]], Sigma = diag(0, 1): x^T W x = m, x^T W Sigma W^T x = s^2.
    """
    return Ensemble.from_dict(
        {
            "d": 2,
            "T": T,
            "matrix": {"W": [[self_logit, math.sqrt(s2)], [0.0, 0.0]]},
            "tokens": {"law": "random_walk", "covariance": [0.0, 1.0], "query": [1.0, 0.0]},
        }
    )


def _at_size(parameters: Mapping[str, Any], T: int) -> Ensemble:
    return bridge_ensemble(parameters.get("self_logit", 0.0), parameters["kappa2"] / T, T)


# --- LOC-9a ---------------------------------------------------------------------------------------

_END_BOUND = (1 - sp.exp(-m / t)) / (1 - sp.exp(-m))

register(
    Claim(
        id="LOC-9a",
        title="mean weight of the last key, every finite T",
        statement=(
            "E A_T <= (1 - e^(-m/T))/(1 - e^(-m)) for m > 0, >= for m < 0, at every T and s, with "
            "equality at s = 0; at m = 0, E A_i = 1/T for every key."
        ),
        source=s.extends_bao("true softmax"),
        standing="derived",
        observable="self_weight",
        parameters=(SELF_LOGIT, s.T),
        values={
            "end_weight_bound": Routine(
                _END_BOUND, lambda m, T: float(end_weight_bound(m, T)), ("self_logit", "T")
            )
        },
        assumptions=(s.RANDOM_WALK, s.LAST_QUERY, s.SOFTMAX),
        cases=(
            {"self_logit": 3.0, "T": 16},
            {"self_logit": -3.0, "T": 16},
            {"self_logit": 0.0, "T": 16},
            {"self_logit": 8.0, "T": 64},
        ),
        judged_by=(
            ExpectationBound(
                # Increments of standard deviation 0.1: close to the case of equality.
                lambda q: bridge_ensemble(q["self_logit"], 0.01, q["T"]),
                lambda q, values: {
                    "end_weight_bound": s.functional(
                        "end_weight_bound", lambda rows: rows.self_weight, (0.0, 1.0)
                    )
                },
                lambda q: "upper" if q["self_logit"] >= 0.0 else "lower",
            ),
            ExpectationBound(
                # At m = 0 the bound holds from both sides, here far from s = 0.
                lambda q: bridge_ensemble(q["self_logit"], 1.0, q["T"]),
                lambda q, values: {
                    "end_weight_bound": s.functional(
                        "end_weight_bound", lambda rows: rows.self_weight, (0.0, 1.0)
                    )
                },
                lambda q: "upper" if q["self_logit"] > 0.0 else "lower",
            ),
        ),
        wrong_twin=WrongTwin(
            "bound taken 10 % too small",
            {
                "end_weight_bound": Routine(
                    sp.Rational(9, 10) * _END_BOUND,
                    lambda m, T: 0.9 * float(end_weight_bound(m, T)),
                    ("self_logit", "T"),
                )
            },
        ),
    )
)

# --- LOC-9b ---------------------------------------------------------------------------------------

_half = m / 2
_END = m / (1 - sp.exp(-m))
_SQUARED = (
    _END**2
    + kappa2 / 4 * sp.exp(m) * (_half * sp.cosh(_half) - sp.sinh(_half)) / sp.sinh(_half) ** 3
)
_PARTICIPATION = _half * sp.coth(_half) + kappa2 / 12


def _moment(name: str, statement: sp.Expr, correction: float = 1.0) -> Routine:
    return Routine(
        statement,
        lambda moments, kappa2: float(getattr(moments, name)) + (correction - 1.0) * kappa2 / 12.0,
        ("moments", "kappa2"),
    )


def _scaled_weights(
    parameters: Mapping[str, Any], values: Mapping[str, Any], T: int
) -> dict[str, RowObservable]:
    return {
        "scaled_end_weight": s.functional("scaled_end_weight", lambda rows: T * rows.self_weight),
        "scaled_first_weight": s.functional(
            "scaled_first_weight",
            lambda rows: T * np.exp(rows.logits[:, 0] - rows.statistics["log_partition"]),
        ),
        "scaled_end_weight_squared": s.functional(
            "scaled_end_weight_squared", lambda rows: (T * rows.self_weight) ** 2
        ),
        "scaled_participation": s.functional(
            "scaled_participation", lambda rows: T * rows.statistics["participation"]
        ),
    }


register(
    Claim(
        id="LOC-9b",
        title="weights of the ends and participation of a drifted bridge",
        statement=(
            "In the continuum T -> infinity at fixed m and kappa^2 = T s^2: T E A_T = "
            "m/(1 - e^(-m)), independent of kappa; T E A_1 = m/(e^m - 1); "
            "T E sum A^2 = (m/2) coth(m/2) + kappa^2/12."
        ),
        source=s.extends_bao("true softmax"),
        standing="derived",
        observable="participation",
        parameters=(SELF_LOGIT, KAPPA2),
        where={"moments": Routine(_PARTICIPATION, end_weight_moments, ("self_logit", "kappa2"))},
        values={
            "scaled_end_weight": _moment("scaled_end_weight", _END),
            "scaled_first_weight": _moment("scaled_first_weight", m / (sp.exp(m) - 1)),
            "scaled_end_weight_squared": _moment("scaled_end_weight_squared", _SQUARED),
            "scaled_participation": _moment("scaled_participation", _PARTICIPATION),
        },
        assumptions=(s.RANDOM_WALK, s.LAST_QUERY, s.SOFTMAX),
        cases=(
            {"self_logit": 0.0, "kappa2": 4.0},
            {"self_logit": 2.0, "kappa2": 4.0},
            {"self_logit": -3.0, "kappa2": 9.0},
        ),
        judged_by=(Limit("T", (64, 256, 1024), _at_size, _scaled_weights, rate=0.5),),
        wrong_twin=WrongTwin(
            "constant 1/12 taken as 1.1/12",
            {"scaled_participation": _moment("scaled_participation", _PARTICIPATION, 1.1)},
        ),
    )
)

# --- LOC-9c ---------------------------------------------------------------------------------------


def _laplace(factor: float = 1.0) -> Routine:
    argument = sp.cosh(_half) + factor * kappa2 / 4 * sp.exp(_half) * p
    return Routine(
        sp.exp(-2 / (factor * kappa2) * (sp.acosh(argument) ** 2 - m**2 / 4)),
        lambda m, kappa2, p: float(end_weight_laplace(m, factor * kappa2, p)),
        ("self_logit", "kappa2", "p"),
    )


register(
    Claim(
        id="LOC-9c",
        title="law of the weight of the last key",
        statement=(
            "E exp(-p T A_T) = exp(-(2/kappa^2) [arcosh(cosh(m/2) + (kappa^2/4) e^(m/2) p)^2 - "
            "m^2/4]) in the continuum."
        ),
        source=s.extends_bao("true softmax"),
        standing="derived",
        observable="self_weight",
        parameters=(
            SELF_LOGIT,
            KAPPA2_POSITIVE,
            Parameter("p", Real(low=0.0, typical=(0.0, 4.0)), "Laplace variable"),
        ),
        values={"laplace": _laplace()},
        assumptions=(s.RANDOM_WALK, s.LAST_QUERY, s.SOFTMAX),
        cases=(
            {"self_logit": 2.0, "kappa2": 40.0, "p": 3.0},
            {"self_logit": 0.0, "kappa2": 40.0, "p": 10.0},
            {"self_logit": -2.0, "kappa2": 40.0, "p": 10.0},
        ),
        judged_by=(
            Limit(
                "T",
                (16, 64, 256),
                _at_size,
                lambda q, values, T: {
                    "laplace": s.functional(
                        "laplace", lambda rows: np.exp(-q["p"] * T * rows.self_weight), (0.0, 1.0)
                    )
                },
                rate=0.5,
            ),
        ),
        wrong_twin=WrongTwin("kappa^2 taken 10 % too large", {"laplace": _laplace(1.1)}),
    )
)

# --- LOC-9d -------------------------------------------------------------------------------

_phi = sp.Symbol("phi", positive=True)
_DEFICIT = sp.Integral(
    (
        sp.exp(-8 / kappa2 * sp.sinh(_phi / 2) ** 2)
        - sp.exp(-2 * _phi**2 / kappa2) * _phi / sp.sinh(_phi)
    )
    * sp.coth(_phi / 2),
    (_phi, 0, sp.oo),
)


def _deficit(factor: float = 1.0) -> Routine:
    return Routine(
        _DEFICIT.subs(kappa2, factor * kappa2),
        lambda kappa2: float(entropy_deficit(factor * kappa2)),
        ("kappa2",),
    )


def _small_kappa(
    evaluate: Evaluate, parameters: Mapping[str, Any], size: float
) -> tuple[float, float]:
    values = evaluate({"kappa2": 1.0 / size})
    return float(entropy_deficit(1.0 / size)), float(values["entropy_deficit_small"])


def _large_kappa(
    evaluate: Evaluate, parameters: Mapping[str, Any], size: float
) -> tuple[float, float]:
    values = evaluate({"kappa2": size})
    # The difference tends to 0 while both grow: compare exp(deficit), the loss of perplexity.
    exact, large = float(entropy_deficit(size)), float(values["entropy_deficit_large"])
    return math.exp(exact - large), 1.0


register(
    Claim(
        id="LOC-9d",
        title="mean entropy of a bridge without drift",
        statement=(
            "At m = 0, ln T - E H = int_0^infinity (e^(-(8/kappa^2) sinh^2(phi/2)) - "
            "e^(-2 phi^2/kappa^2) phi/sinh phi) coth(phi/2) dphi in the continuum; kappa^2/24 for "
            "small kappa, ln(kappa^2/2) - 2 - gamma_E for large."
        ),
        source=s.extends_bao("true softmax"),
        standing="derived",
        observable="entropy",
        parameters=(KAPPA2_POSITIVE,),
        values={
            "entropy_deficit": _deficit(),
            "entropy_deficit_small": kappa2 / 24,
            "entropy_deficit_large": sp.log(kappa2 / 2) - 2 - sp.EulerGamma,
        },
        assumptions=(s.RANDOM_WALK, s.LAST_QUERY, s.SOFTMAX),
        cases=({"kappa2": 4.0}, {"kappa2": 16.0}, {"kappa2": 1.0}),
        judged_by=(
            Limit(
                "T",
                (64, 256, 1024),
                _at_size,
                lambda q, values, T: {
                    "entropy_deficit": s.functional(
                        "entropy_deficit", lambda rows: math.log(T) - rows.statistics["entropy"]
                    )
                },
                rate=0.5,
            ),
            Asymptotic(
                "entropy_deficit_small", "1/kappa2", (1.0, 1e1, 1e2, 1e3), _small_kappa, rate=0.9
            ),
            Asymptotic(
                "entropy_deficit_large", "kappa2", (1e2, 1e3, 1e4, 1e5), _large_kappa, rate=0.5
            ),
        ),
        wrong_twin=WrongTwin("kappa^2 taken 10 % too large", {"entropy_deficit": _deficit(1.1)}),
    )
)
