"""RMT-4d, 4e: the score of a token with itself, and its weight for W proportional to I."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.special import gammaln

from qktheory.base.domains import Integer, Parameter
from qktheory.kernels import Stream
from qktheory.numerics.self_weight import mean_self_weight_sigmoid
from qktheory.theorems.bao2024 import setting as tokens
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import DrawnExpectation, DrawnLimit, Identity
from qktheory.theorems.saada2025 import setting as s
from qktheory.theorems.saada2025.autoregression import root_of
from qktheory.theorems.saada2025.draws import branch

FloatArray = NDArray[np.float64]

# --- RMT-4d ---------------------------------------------------------------------------------------


def _draw(
    parameters: Mapping[str, Any], values: Mapping[str, Any], stream: Stream, first: int, n: int
) -> dict[str, FloatArray]:
    W = parameters["W_QK"] / parameters["temperature"]
    size = len(W)
    pairs = stream.normals(first, n, 2 * size).reshape(n, 2, size)
    x, y = (pairs @ root_of(parameters["Sigma"]).T).transpose(1, 0, 2)
    own, other = np.sum((x @ W) * x, axis=1), np.sum((x @ W) * y, axis=1)
    return {
        "mean_self_logit": own,
        "var_self_logit": (own - values["mean_self_logit"]) ** 2,
        "mean_s2": other**2,
    }


_TRACES = tokens.TRACES

register(
    Claim(
        id="RMT-4d",
        title="scores of a Gaussian token with itself and with another one",
        statement=(
            "For N(0, Sigma) tokens S_ii has mean xi and variance eta + eta_F, and off-diagonal "
            "scores have variance eta_F: the traces of Sigma^(1/2) W Sigma^(1/2)/temperature."
        ),
        source=s.extends_saada("self-scores of real tokens"),
        standing="derived",
        observable="self_logit",
        parameters=(tokens.W_QK, tokens.SIGMA, tokens.TEMPERATURE),
        complete=tokens.complete_map,
        values={
            "mean_self_logit": _TRACES["xi"],
            "var_self_logit": _TRACES["eta"] + _TRACES["eta_F"],
            "mean_s2": _TRACES["eta_F"],
        },
        cases=(
            {
                "W_QK": [[1.0, 2.0, 0.0], [0.0, -1.0, 1.0], [3.0, 0.0, 2.0]],
                "Sigma": [[2.0, 1.0, 0.0], [1.0, 2.0, 0.0], [0.0, 0.0, 1.0]],
                "temperature": 3.0,
            },
            {"W_QK": [[1.0, 0.5], [-0.25, 0.75]], "temperature": 2.0},
            {"W_QK": [[1.0, 0.0], [0.0, 1.0]], "Sigma": [[1.0, 1.0], [1.0, 1.0]]},
        ),
        judged_by=(
            DrawnExpectation(
                ("mean_self_logit", "var_self_logit", "mean_s2"),
                _draw,
                lambda q: float(6 * q["d"] ** 2 + 2 * q["d"]),
            ),
        ),
        wrong_twin=WrongTwin(
            "sign of eta in the variance",
            {"var_self_logit": _TRACES["eta_F"] - _TRACES["eta"]},
        ),
    )
)

# --- RMT-4e ---------------------------------------------------------------------------------------

_n = sp.Symbol("n", positive=True)
_DENSITY = _n ** (s.d / 2 - 1) * sp.exp(-_n / 2) / (2 ** (s.d / 2) * sp.gamma(s.d / 2))
_EXPONENT = s.s2 * _n / (2 * s.d) - sp.sqrt(s.s2) * _n / sp.sqrt(s.d)


def _sigmoid(keys: sp.Expr) -> sp.Expr:
    return sp.Integral(_DENSITY / (1 + keys * sp.exp(_EXPONENT)), (_n, 0, sp.oo))


def _adaptively(parameters: Mapping[str, Any]) -> dict[str, float]:
    """Integrate the chi-square density in n itself."""
    T, d, s2 = parameters["T"], parameters["d"], parameters["s2"]
    constant = -0.5 * d * math.log(2.0) - float(gammaln(0.5 * d))

    def integrand(n: float) -> float:
        density = math.exp(constant + (0.5 * d - 1.0) * math.log(n) - 0.5 * n)
        exponent = s2 * n / (2.0 * d) - math.sqrt(s2) * n / math.sqrt(d)
        return float(density / (1.0 + (T - 1.0) * math.exp(exponent)))

    spread = 12.0 * math.sqrt(2.0 * d)
    low, high = max(0.0, d - spread), d + spread + 60.0
    value, _ = quad(integrand, low, high, epsabs=1e-14, epsrel=1e-11, limit=400)
    return {"mean_self_weight_sigmoid": value}


def _draw_parameters(rng: np.random.Generator) -> dict[str, Any]:
    return {
        "T": int(10.0 ** rng.uniform(0.0, 3.0)),
        "d": int(rng.integers(2, 200)),
        "s2": float(10.0 ** rng.uniform(-2.0, 0.5)),
    }


def _rows(
    parameters: Mapping[str, Any], values: Mapping[str, Any], stream: Stream, first: int, n: int
) -> dict[str, FloatArray]:
    """Draw a row of W = s I/sqrt(d): given the query the other scores are iid Gaussian."""
    T, d, s2 = parameters["T"], parameters["d"], parameters["s2"]
    child = branch(stream, 1)
    norm = np.sum(child.normals(first, n, d) ** 2, axis=1)
    own = math.sqrt(s2 / d) * norm
    others = np.sqrt(s2 * norm / d)[:, None] * stream.normals(first, n, T - 1)
    return {"mean_self_weight_sigmoid": 1.0 / (1.0 + np.sum(np.exp(others - own[:, None]), axis=1))}


register(
    Claim(
        id="RMT-4e",
        title="self-weight for W proportional to the identity",
        statement=(
            "For W = s temperature I/sqrt d and N(0, I) tokens the self-score has mean "
            "s sqrt d, and E A_ii is asymptotically E 1/(1 + (T-1) exp(s2 n/(2d) - s n/sqrt d)), "
            "n ~ chi^2_d: attention tends to the identity once s sqrt d is above log T + s2/2."
        ),
        source=s.extends_saada("self-scores of real tokens"),
        standing="derived",
        observable="self_weight",
        parameters=(
            s.T,
            Parameter(
                "d", Integer(low=1, high=10**15, typical=(1, 200)), "dimension of the tokens"
            ),
            s.S2,
        ),
        values={
            "mean_self_logit": sp.sqrt(s.s2 * s.d),
            "mean_self_weight_sigmoid": Routine(
                _sigmoid(s.t - 1), mean_self_weight_sigmoid, ("T", "d", "s2")
            ),
        },
        cases=(
            {"T": 600, "d": 36, "s2": 0.5},
            {"T": 64, "d": 16, "s2": 0.2},
            {"T": 200, "d": 64, "s2": 0.3},
        ),
        judged_by=(
            Identity(_adaptively, _draw_parameters, tolerance=1e-8, most_draws=60),
            DrawnLimit(
                ("mean_self_weight_sigmoid",),
                "T",
                ((16, 4096), (256, 8192)),
                lambda parameters, size: {**parameters, "T": size},
                _rows,
                rate=0.3,
                aim=0.12,
            ),
        ),
        wrong_twin=WrongTwin(
            "T - 1 keys taken as 1.08 (T - 1)",
            {
                "mean_self_weight_sigmoid": Routine(
                    _sigmoid(sp.Rational(108, 100) * (s.t - 1)),
                    # More keys by 8 %, at the same law of the norm.
                    lambda T, d, s2: mean_self_weight_sigmoid(round(1.08 * (T - 1)) + 1, d, s2),
                    ("T", "d", "s2"),
                )
            },
        ),
    )
)
