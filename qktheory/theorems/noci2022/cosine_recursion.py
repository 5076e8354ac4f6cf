"""RMT-8a, 8c: cosines of tokens through uniform attention with a skip connection."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from qktheory.base.domains import Integer, Parameter, Real
from qktheory.kernels import Stream
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import (
    Assumption,
    Claim,
    Predicts,
    Routine,
    WrongTwin,
    register,
)
from qktheory.theorems.judgements import Asymptotic, DrawnExpectation, Evaluate, Identity
from qktheory.theorems.network_setting import is_uniform_with_skip, uniform_with_skip
from qktheory.theorems.noci2022 import setting as n

FloatArray = NDArray[np.float64]

# --- RMT-8a ---------------------------------------------------------------------------------------

_GROWTH = (1 + n.gain) ** n.layer
#: m_0/q_0.
_MEAN = (1 + (n.t - 1) * n.rho_0) / n.t
_RATIO = 1 + _MEAN * (_GROWTH - 1)


def _growth(gain: float, layers: list[int]) -> FloatArray:
    """Return (1 + a)^l - 1, infinite where it overflows."""
    return np.asarray(np.expm1(np.array(layers, dtype=np.float64) * math.log1p(gain)))


def _mean(T: int, rho: float) -> float:
    return max(0.0, rho + (1.0 - rho) / T)


def _ratio(T: int, rho: float, growth: FloatArray) -> FloatArray:
    mean = _mean(T, rho)
    # No common part, no growth, however large the factor.
    return 1.0 + mean * growth if mean > 0.0 else np.ones(growth.size)


def _cosine(T: int, rho: float, growth: FloatArray, ratio: FloatArray) -> FloatArray:
    distance = (1.0 - rho) / ratio
    # The numerator is small where the cosine is, the distance where it is near 1.
    mean = _mean(T, rho)
    small = (rho + (mean * growth if mean > 0.0 else 0.0)) / ratio
    return np.asarray(np.where(np.isfinite(growth) & (distance > 0.5), small, 1.0 - distance))


def _infinite_t(rho: float, growth: FloatArray) -> FloatArray | None:
    if rho < 0.0:
        return None
    if rho == 0.0:
        return np.zeros(growth.size)
    return np.asarray(1.0 - (1.0 - rho) / (1.0 + rho * growth))


def equicorrelated(T: int, rho: float) -> FloatArray:
    """Return T tokens of squared norm 1 in T dimensions."""
    gram = (1.0 - rho) * np.eye(T) + rho * np.ones((T, T))
    values, vectors = np.linalg.eigh(gram)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))


def _draw(
    parameters: Mapping[str, Any], values: Mapping[str, Any], stream: Stream, first: int, count: int
) -> dict[str, FloatArray]:
    """Follow X + J X W: means of inner products, in units of the claimed mean squared norm."""
    T = parameters["T"]
    X = np.broadcast_to(equicorrelated(T, parameters["cosine_0"]), (count, T, T))
    norms, products = [], []
    for number in range(max(parameters["layers"]) + 1):
        if number > 0:
            child = stream.child(experiment=(stream.experiment + number) % (1 << 32))
            W = child.normals(first, count, T * T).reshape(count, T, T)
            W *= math.sqrt(parameters["gain"] / T)
            X = X + np.mean(X, axis=1, keepdims=True) @ W
        norms.append(np.sum(X**2, axis=(1, 2)) / T)
        whole = np.sum(np.sum(X, axis=1) ** 2, axis=1)
        products.append((whole / T - norms[-1]) / (T - 1))
    claimed = np.asarray(values["norm_squared_ratio"])
    norm = np.stack([norms[k] for k in parameters["layers"]], axis=1)
    product = np.stack([products[k] for k in parameters["layers"]], axis=1)
    return {
        "norm_squared_ratio": norm,
        "cosine": product / claimed,
        "one_minus_cosine": (norm - product) / claimed,
    }


def _many_tokens(
    evaluate: Evaluate, parameters: Mapping[str, Any], size: float
) -> tuple[float, float]:
    rho = max(parameters["cosine_0"], 0.2)
    values = evaluate({**parameters, "T": int(size), "cosine_0": rho})
    return float(values["cosine"][0]), float(values["cosine_infinite_t"][0])


register(
    Claim(
        id="RMT-8a",
        title="cosines under uniform attention with a skip connection",
        statement=(
            "For X_(l+1) = X_l + alpha J X_l W_l, a = alpha^2 sigma_V^2, mean inner products obey "
            "C -> C + a J C J: q_l - m_l is conserved, m_l = m_0 (1 + a)^l, so 1 - cosine_l = "
            "(1 - cosine_0) q_0/q_l with q_l/q_0 = 1 + (m_0/q_0)((1 + a)^l - 1). The cosine is a "
            "ratio of means."
        ),
        source=n.extends_noci("uniform attention; exact at every T and d"),
        standing="derived",
        observable="cosine",
        W="redrawn",
        networks=True,
        assumptions=(
            Assumption(
                "uniform attention with a skip connection",
                "query-key maps are zero, value maps Gaussian, tokens independent and isotropic",
                is_uniform_with_skip,
            ),
        ),
        predicts=(Predicts("mean_cosine", "cosine", "asymptotic", uniform_with_skip, sharp=True),),
        parameters=(n.T, n.COSINE_0, n.GAIN, n.LAYERS),
        complete=n.complete_cosine,
        where={"growth": Routine(_GROWTH - 1, _growth, ("gain", "layers"))},
        values={
            "norm_squared_ratio": Routine(_RATIO, _ratio, ("T", "cosine_0", "growth")),
            "cosine": Routine(
                (n.rho_0 + _MEAN * (_GROWTH - 1)) / _RATIO,
                _cosine,
                ("T", "cosine_0", "growth", "norm_squared_ratio"),
            ),
            "one_minus_cosine": Routine(
                (1 - n.rho_0) / _RATIO,
                lambda rho, ratio: (1.0 - rho) / ratio,
                ("cosine_0", "norm_squared_ratio"),
            ),
            "cosine_infinite_t": Routine(
                n.rho_0 * _GROWTH / (1 - n.rho_0 + n.rho_0 * _GROWTH),
                _infinite_t,
                ("cosine_0", "growth"),
            ),
        },
        cases=(
            {"T": 4, "cosine_0": 0.3, "gain": 0.8, "layers": [1, 2]},
            {"T": 3, "cosine_0": -0.4, "gain": 0.5, "layers": [3]},
            {"T": 4, "cosine_0": 0.7, "gain": 0.3, "layers": [2]},
        ),
        judged_by=(
            DrawnExpectation(
                ("norm_squared_ratio", "cosine", "one_minus_cosine"),
                _draw,
                lambda q: float(max(q["layers"]) * (10 * q["T"] ** 2 + 2 * q["T"] ** 3)),
            ),
            Asymptotic("cosine_infinite_t", "T", (1e2, 1e3, 1e4), _many_tokens, rate=0.95),
        ),
        wrong_twin=WrongTwin(
            "1 - cosine 5 % too large",
            {
                "one_minus_cosine": Routine(
                    1.05 * (1 - n.rho_0) / _RATIO,
                    lambda rho, ratio: 1.05 * (1.0 - rho) / ratio,
                    ("cosine_0", "norm_squared_ratio"),
                )
            },
        ),
    )
)

# --- RMT-8c ---------------------------------------------------------------------------------------

_depth = symbol("L")


def _limit(rho: float, log_growth: float) -> float:
    """Return rho e^g/(1 - rho + rho e^g)."""
    return rho / (rho + (1.0 - rho) * math.exp(-log_growth)) if rho > 0.0 else 0.0


def _final(rho: float, sigma_V: float, L: int | None) -> float | None:
    return None if L is None else _limit(rho, L * math.log1p(sigma_V**2 / L))


def _one_by_one(parameters: Mapping[str, Any]) -> dict[str, float]:
    if parameters["L"] is None:
        return {}
    rho, gain = parameters["cosine_0"], parameters["sigma_V"] ** 2 / parameters["L"]
    for _ in range(parameters["L"]):
        rho = rho * (1.0 + gain) / (1.0 + gain * rho)
    return {"cosine_final": rho}


def _draw_depth(rng: np.random.Generator) -> dict[str, Any]:
    return {
        "cosine_0": float(rng.uniform(0.0, 1.0)),
        "sigma_V": float(rng.uniform(0.0, 3.0)),
        "L": int(rng.integers(1, 200)),
    }


def _deep(evaluate: Evaluate, parameters: Mapping[str, Any], size: float) -> tuple[float, float]:
    values = evaluate({**parameters, "L": int(size)})
    return float(values["cosine_final"]), float(values["cosine_limit"])


def _limit_value(factor: sp.Expr) -> Routine:
    growth = sp.exp(factor * n.sigma_V**2)
    return Routine(
        n.rho_0 * growth / (1 - n.rho_0 + n.rho_0 * growth),
        lambda rho, sigma_V: _limit(rho, float(factor) * sigma_V**2),
        ("cosine_0", "sigma_V"),
    )


_STEP = (1 + n.sigma_V**2 / _depth) ** _depth

register(
    Claim(
        id="RMT-8c",
        title="cosines with the attention branch weighted by L^(-1/2)",
        statement=(
            "With alpha = L^(-1/2) and T -> infinity the cosine after L layers tends to "
            "cosine_0 e^(sigma_V^2)/(1 - cosine_0 + cosine_0 e^(sigma_V^2)) < 1: no collapse."
        ),
        source=n.NOCI_2022,
        standing="theorem",
        observable="cosine",
        parameters=(
            Parameter("cosine_0", Real(0.0, 1.0), "cosine of two tokens at the start"),
            n.SIGMA_V,
            Parameter(
                "L",
                Integer(low=1, high=10**15, typical=(1, 60)),
                "number of layers",
                default=None,
            ),
        ),
        values={
            "cosine_limit": _limit_value(sp.Integer(1)),
            "cosine_final": Routine(
                n.rho_0 * _STEP / (1 - n.rho_0 + n.rho_0 * _STEP),
                _final,
                ("cosine_0", "sigma_V", "L"),
            ),
        },
        cases=(
            {"cosine_0": 0.3, "sigma_V": 1.0, "L": 8},
            {"cosine_0": 0.1, "sigma_V": 1.6, "L": 40},
            {"cosine_0": 0.6, "sigma_V": 0.5, "L": 3},
        ),
        judged_by=(
            Asymptotic("cosine_limit", "L", (1e2, 1e3, 1e4, 1e5), _deep, rate=0.95),
            Identity(_one_by_one, _draw_depth, tolerance=1e-11),
        ),
        wrong_twin=WrongTwin(
            "sigma_V^2 taken as 1.05 sigma_V^2",
            {"cosine_limit": _limit_value(sp.Rational(105, 100))},
        ),
    )
)
