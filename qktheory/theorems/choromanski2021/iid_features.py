"""ZOO-RF-1, ZOO-RF-4: mean square errors of independent features, and which of them wins."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
from scipy.optimize import brentq

from qktheory.base.domains import Parameter, Real
from qktheory.kernels import Stream
from qktheory.numerics.random_features import crossover_angle
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.choromanski2021 import setting as s
from qktheory.theorems.claim import Claim, WrongTwin, register
from qktheory.theorems.judgements import DrawnExpectation, Identity, PathwiseBound

_PAIR = ("norm_x", "norm_y", "cosine")
_DRAWN_PAIR = {
    "norm_x": (0.0, 1.3),
    "norm_y": (0.0, 1.3),
    "cosine": (-1.0, 1.0),
}


def draw_pair(rng: np.random.Generator) -> dict[str, float]:
    """Draw two vectors of moderate norms."""
    return {name: float(rng.uniform(*ends)) for name, ends in _DRAWN_PAIR.items()}


# --- ZOO-RF-1 -------------------------------------------------------------------------------------

_STATEMENTS = {
    "trig": sp.exp(s.N) * (1 - sp.exp(-s.delta2)) ** 2 / (2 * s.m),
    "positive": s.K**2 * sp.exp(s.z2) * (1 - sp.exp(-s.z2)) / s.m,
    "hyperbolic": s.K**2 * sp.exp(s.z2) * (1 - sp.exp(-s.z2)) ** 2 / (2 * s.m),
}


def _mse(kind: Any, factor: float = 1.0) -> Any:
    return s.routine(
        sp.nsimplify(factor) * _STATEMENTS[kind],
        lambda x, y, c, m: factor * s.pair_of(x, y, c).mse(kind) / m,
        *_PAIR,
        "feature_count",
    )


def _draw_errors(
    p: Mapping[str, Any], values: Mapping[str, Any], stream: Stream, first: int, n: int
) -> dict[str, np.ndarray]:
    """Return the estimate itself for the kernel, and squared errors."""
    pair = s.pair_of(p["norm_x"], p["norm_y"], p["cosine"])
    sums, differences = s.products(pair, p["feature_count"], stream, first, n)
    half, kernel = 0.5 * pair.squares, math.exp(pair.logit)
    trig = math.exp(half) * np.cos(differences).mean(axis=1)
    return {
        "kernel": trig,
        "mse_trig": (trig - kernel) ** 2,
        "mse_positive": (math.exp(-half) * np.exp(sums).mean(axis=1) - kernel) ** 2,
        "mse_hyperbolic": (math.exp(-half) * np.cosh(sums).mean(axis=1) - kernel) ** 2,
    }


register(
    Claim(
        id="ZOO-RF-1",
        title="mean square errors of random features of the softmax kernel",
        statement=(
            "Trigonometric, positive and hyperbolic features of m iid Gaussian frequencies are "
            "unbiased for K = e^(x^T y), with mean square errors e^N (1 - e^(-|x-y|^2))^2/(2m), "
            "K^2 e^(|z|^2) (1 - e^(-|z|^2))/m and half of that times 1 - e^(-|z|^2), z = x + y, "
            "N = |x|^2 + |y|^2."
        ),
        source=s.CHOROMANSKI_2021,
        standing="theorem",
        observable="random-feature kernel",
        parameters=(s.NORM_X, s.NORM_Y, s.COSINE, s.FEATURE_COUNT),
        values={
            "kernel": s.routine(s.K, lambda x, y, c: math.exp(s.pair_of(x, y, c).logit), *_PAIR),
            "mse_trig": _mse("trig"),
            "mse_positive": _mse("positive"),
            "mse_hyperbolic": _mse("hyperbolic"),
        },
        cases=(
            {"norm_x": 0.5, "norm_y": 0.4, "cosine": 0.3, "feature_count": 4},
            {"norm_x": 0.7, "norm_y": 0.3, "cosine": -0.5, "feature_count": 1},
            {"norm_x": 0.45, "norm_y": 0.35, "cosine": 0.0, "feature_count": 2},
        ),
        judged_by=(
            DrawnExpectation(
                ("kernel", "mse_trig", "mse_positive", "mse_hyperbolic"),
                _draw_errors,
                lambda p: 40.0 * p["feature_count"],
            ),
        ),
        wrong_twin=WrongTwin(
            "constant 1/2 of the trigonometric error taken as 0.55", {"mse_trig": _mse("trig", 1.1)}
        ),
        proof=(
            "E e^(2 omega^T z) = e^(2|z|^2), E cosh^2 = (1 + e^(2|z|^2))/2 and "
            "E cos^2 = (1 + e^(-2|delta|^2))/2; subtract the square of the mean."
        ),
    )
)

# --- ZOO-RF-4a ------------------------------------------------------------------------------------

_logit = s.norm_x * s.norm_y * s.cosine
_RATIO = (sp.exp(s.N) - sp.exp(2 * _logit)) / (sp.exp(s.N + 2 * _logit) - 1)


def _ratio(sign: float = 1.0) -> Any:
    def compute(norm_x: float, norm_y: float, cosine: float) -> float | None:
        return s.pair_of(norm_x, norm_y, sign * cosine).rmse_ratio()

    return s.routine(_RATIO.subs(s.cosine, sp.Integer(int(sign)) * s.cosine), compute, *_PAIR)


def _plain_ratio(p: Mapping[str, Any]) -> dict[str, float]:
    """Divide the two standard deviations as they stand."""
    pair = s.pair_of(p["norm_x"], p["norm_y"], p["cosine"])
    return {"rmse_ratio_trig_hyperbolic": math.sqrt(pair.mse("trig") / pair.mse("hyperbolic"))}


def _sides(
    p: Mapping[str, Any], v: Mapping[str, Any], rng: np.random.Generator
) -> list[tuple[float, float]]:
    ratio = v["rmse_ratio_trig_hyperbolic"]
    return [(ratio, 1.0) if p["cosine"] >= 0.0 else (1.0, ratio)]


register(
    Claim(
        id="ZOO-RF-4a",
        title="trigonometric beat hyperbolic features exactly at positive logits",
        statement=(
            "The ratio of root mean square errors of trigonometric and hyperbolic features is "
            "(e^N - e^(2 x^T y))/(e^(N + 2 x^T y) - 1): below 1 if and only if x^T y > 0, and 1 "
            "at a zero logit."
        ),
        source=s.extends_choromanski("comparison of features, frequency by frequency"),
        standing="derived",
        observable="random-feature kernel",
        parameters=(s.NORM_X, s.NORM_Y, s.COSINE),
        values={"rmse_ratio_trig_hyperbolic": _ratio()},
        cases=(
            {"norm_x": 0.7, "norm_y": 0.7, "cosine": 0.3},
            {"norm_x": 0.8, "norm_y": 0.5, "cosine": 0.0},
            {"norm_x": 0.8, "norm_y": 0.8, "cosine": -0.4},
        ),
        judged_by=(
            PathwiseBound(_sides, draw_pair),
            Identity(_plain_ratio, draw_pair, tolerance=1e-7),
        ),
        wrong_twin=WrongTwin("sign of the logit", {"rmse_ratio_trig_hyperbolic": _ratio(-1.0)}),
        proof=(
            "Both variances are squares: e^N (1 - e^(-|delta|^2))^2/2 and "
            "e^(4 x^T y + N) (1 - e^(-|z|^2))^2/2. At fixed N the ratio falls with x^T y."
        ),
    )
)

# --- ZOO-RF-4b ------------------------------------------------------------------------------------

_r2, _angle = symbol("radius2"), sp.Symbol("theta", positive=True)
_SAME = sp.Eq(
    sp.exp(2 * _r2) * (1 - sp.exp(-2 * _r2 * (1 - sp.cos(_angle)))) ** 2 / 2,
    sp.exp(2 * _r2 * (1 + 2 * sp.cos(_angle))) * (1 - sp.exp(-2 * _r2 * (1 + sp.cos(_angle)))),
)


def _plain_crossing(p: Mapping[str, Any]) -> dict[str, float]:
    """Solve for the cosine with the two errors as they stand."""
    radius = math.sqrt(p["radius2"])

    def gap(cosine: float) -> float:
        pair = s.pair_of(radius, radius, cosine)
        return pair.mse("trig") - pair.mse("positive")

    return {"crossover_angle": math.acos(float(brentq(gap, -1.0 + 1e-12, 1.0 - 1e-12, xtol=1e-15)))}


register(
    Claim(
        id="ZOO-RF-4b",
        title="angle beyond which positive features beat trigonometric ones",
        statement=(
            "For |x|^2 = |y|^2 = r trigonometric and positive features of one frequency have the "
            "same error at one angle, which falls from pi to pi/2 as r grows; positive features "
            "are better beyond it."
        ),
        source=s.extends_choromanski("comparison of features by angle"),
        standing="derived",
        observable="random-feature kernel",
        parameters=(
            Parameter(
                "radius2", Real(low=0.0, low_open=True, typical=(0.05, 6.0)), "|x|^2 = |y|^2"
            ),
        ),
        values={"crossover_angle": s.routine(_SAME, crossover_angle, "radius2")},
        cases=({"radius2": 0.25}, {"radius2": 1.0}, {"radius2": 4.0}),
        judged_by=(
            Identity(
                _plain_crossing,
                lambda rng: {"radius2": float(rng.uniform(0.05, 6.0))},
                tolerance=1e-9,
                most_draws=40,
            ),
        ),
        wrong_twin=WrongTwin(
            "angle 2 % too large",
            {
                "crossover_angle": s.routine(
                    sp.Rational(102, 100) * _angle, lambda r: 1.02 * crossover_angle(r), "radius2"
                )
            },
        ),
        proof=(
            "The logarithm of the ratio of both errors falls with the cosine: one increases and "
            "the other decreases at fixed r."
        ),
    )
)
