"""LOC-1: moments of the logits of a random walk, for any W and any covariance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sympy as sp

from qktheory.base.domains import Parameter, Real
from qktheory.observables.observable import RowObservable
from qktheory.symbolic.formula import Formula
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.bao2024 import setting as s
from qktheory.theorems.claim import Claim, Predicts, WrongTwin, register
from qktheory.theorems.judgements import Asymptotic, Evaluate, Expectation

c_norm_squared, c_dot = symbol("c_norm_squared"), symbol("c_dot")
gamma_2 = symbol("gamma_2")
theta = symbol("theta")
t, i, j = s.t, s.i, s.j

CENTRED_VARIANCE = t * c_norm_squared * s.eta_F + s.gamma**2 * s.eta
CENTRED_COVARIANCE = t * c_dot * s.eta_F + s.gamma * gamma_2 * s.eta
C_NORM_SQUARED = (2 * t**2 - 6 * t * i + 3 * t + 6 * i**2 - 6 * i + 1) / (6 * t)


def _observables(
    parameters: Mapping[str, Any], values: Mapping[str, Any]
) -> dict[str, RowObservable]:
    """Products are taken about the claimed means, so a wrong mean shows in them too."""
    a, b = parameters["key"] - 1, parameters["key_2"] - 1
    xi, T = values["xi"], parameters["T"]
    mean_a, mean_b = xi * (a + 1), xi * (b + 1)
    centred_a, centred_b = (xi * (k + 1 - (T + 1) / 2) for k in (a, b))
    return {
        "mean_logit": s.functional("mean_logit", lambda rows: rows.logits[:, a]),
        "cov_logit": s.functional(
            "cov_logit", lambda rows: (rows.logits[:, a] - mean_a) * (rows.logits[:, b] - mean_b)
        ),
        "mean_centred_logit": s.functional("mean_centred_logit", lambda rows: rows.centred[:, a]),
        "var_centred_logit": s.functional(
            "var_centred_logit", lambda rows: (rows.centred[:, a] - centred_a) ** 2
        ),
        "cov_centred_logit": s.functional(
            "cov_centred_logit",
            lambda rows: (rows.centred[:, a] - centred_a) * (rows.centred[:, b] - centred_b),
        ),
    }


register(
    Claim(
        id="LOC-1a",
        title="mean and covariance of the logits of a random walk",
        statement=(
            "For a Gaussian random walk with any W and any covariance, E q_i = xi gamma_i and "
            "Cov(q_i, q_j) = T c_i.c_j eta_F + gamma_i gamma_j eta; the logits w have mean xi i "
            "and covariance T min(i,j) eta_F + i j eta."
        ),
        source=s.extends_bao("moments behind Theorem 1, here for any W and Sigma"),
        standing="derived",
        observable="logit",
        parameters=(s.W_QK, s.SIGMA, s.TEMPERATURE, s.T, s.KEY, s.KEY_2),
        complete=s.complete_map,
        where={"gamma_2": j - (t + 1) / 2},
        values={
            **s.TRACES,
            "c_norm_squared": C_NORM_SQUARED,
            "gamma": s.WALK["gamma"],
            "c_dot": sp.Min(i, j)
            - i
            - j
            + (i * (i - 1) + j * (j - 1)) / (2 * t)
            + (t + 1) * (2 * t + 1) / (6 * t),
            "mean_logit": s.xi * i,
            "cov_logit": t * sp.Min(i, j) * s.eta_F + i * j * s.eta,
            "mean_centred_logit": s.xi * s.gamma,
            "var_centred_logit": CENTRED_VARIANCE,
            "cov_centred_logit": CENTRED_COVARIANCE,
        },
        assumptions=(s.RANDOM_WALK, s.LAST_QUERY, s.FREE_QUERY),
        predicts=(
            Predicts("logit", "mean_logit", "exact", lambda r: {**r.map_parameters, "key_2": 1}),
            Predicts(
                "centred_logit",
                "mean_centred_logit",
                "exact",
                lambda r: {**r.map_parameters, "key_2": 1},
            ),
        ),
        cases=(
            {
                "W_QK": [[1.0, 0.0], [2.0, -1.0]],
                "Sigma": [[2.0, 1.0], [1.0, 3.0]],
                "temperature": 2.0,
                "T": 7,
                "key": 2,
                "key_2": 5,
            },
            {
                "W_QK": [[0.4, 1.0, 0.0], [-0.2, 0.3, 0.5], [0.1, -0.6, 0.2]],
                "Sigma": [[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 0.5]],
                "temperature": 1.7,
                "T": 12,
                "key": 11,
                "key_2": 4,
            },
            {"W_QK": [[0.7, 0.2], [0.5, 0.3]], "Sigma": 0.5, "T": 2, "key": 1, "key_2": 2},
        ),
        judged_by=(Expectation(s.map_ensemble("random_walk"), _observables),),
        wrong_twin=WrongTwin(
            "sign of the eta term of Var q_i",
            {"var_centred_logit": t * c_norm_squared * s.eta_F - s.gamma**2 * s.eta},
        ),
    )
)


_finite_variance = Formula(CENTRED_VARIANCE.subs(c_norm_squared, C_NORM_SQUARED) / t**2)


def _at_finite_T(
    evaluate: Evaluate, parameters: Mapping[str, Any], size: float
) -> tuple[float, float]:
    T = int(size)
    key = round(parameters["theta"] * T)
    finite = _finite_variance({**parameters, "T": T, "key": key, "gamma": key - (T + 1) / 2})
    return float(finite), float(evaluate(parameters)["var_limit"])


ETA = Parameter("eta", Real(typical=(-0.5, 0.5)), "trace of M^2")
ETA_F = Parameter("eta_F", Real(low=0.0, typical=(0.6, 4.0)), "trace of M M^T")

register(
    Claim(
        id="LOC-1b",
        title="variance of a centred logit as T grows",
        statement=(
            "Var q_i / T^2 tends to eta_F (theta^2 - theta + 1/3) + eta (theta - 1/2)^2 at "
            "i = theta T; for symmetric M this is eta v(theta), v = 2 theta^2 - 2 theta + 7/12."
        ),
        source=s.extends_bao("limit of the variance, here for any W"),
        standing="derived",
        observable="centred_logit",
        parameters=(ETA_F, ETA, s.THETA),
        complete=s.complete_traces,
        values={
            "var_limit": s.eta_F * (theta**2 - theta + sp.Rational(1, 3))
            + s.eta * (theta - sp.Rational(1, 2)) ** 2
        },
        cases=(
            {"eta_F": 2.0, "eta": 1.5, "theta": 0.3},
            {"eta_F": 2.0, "eta": -2.0, "theta": 0.1},
            {"eta_F": 1.0, "eta": 1.0, "theta": 0.5},
        ),
        judged_by=(Asymptotic("var_limit", "T", (40, 160, 640, 2560, 10240), _at_finite_T, 1.0),),
        wrong_twin=WrongTwin(
            "constant 1/3 taken as 0.36",
            {
                "var_limit": s.eta_F * (theta**2 - theta + sp.Rational(36, 100))
                + s.eta * (theta - sp.Rational(1, 2)) ** 2
            },
        ),
    )
)
