"""ZOO-RF-11: positive features with a quadratic term, and the one of least variance."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
from scipy.optimize import minimize_scalar

from qktheory.base.domains import Parameter, Real
from qktheory.kernels import Stream
from qktheory.numerics.positive_features import QuadraticFeature, best_coefficient
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.choromanski2021.setting import SIZE, d, routine
from qktheory.theorems.claim import Claim, WrongTwin, register
from qktheory.theorems.judgements import DrawnExpectation, Identity, PathwiseBound
from qktheory.theorems.papers import cite

LIKHOSHERSTOV_2022 = cite("likhosherstov2022", "optimal positive random features")

_z2, _a = symbol("z2"), symbol("coefficient")
_SQUARE = Real(low=0.0, high=1e150, high_open=True, typical=(0.0, 9.0))
_MOMENT = ((1 - 4 * _a) ** 2 / (1 - 8 * _a)) ** (d / 2) * sp.exp(
    2 * (1 - 4 * _a) / (1 - 8 * _a) * _z2
)
_PLAIN = sp.exp(2 * _z2) - sp.exp(_z2)


def _draw_parameters(rng: np.random.Generator) -> dict[str, Any]:
    return {"d": int(rng.integers(1, 40)), "z2": float(rng.uniform(0.05, 9.0))}


# --- ZOO-RF-11b -----------------------------------------------------------------------------------


def _moment(factor: float = 1.0) -> Any:
    return routine(
        sp.nsimplify(factor) * _MOMENT,
        lambda d, z2, a: factor * QuadraticFeature(d, z2, 1.0 - 8.0 * a).second_moment,
        "d",
        "z2",
        "coefficient",
    )


def _draw(
    p: Mapping[str, Any], values: Mapping[str, Any], stream: Stream, first: int, n: int
) -> dict[str, np.ndarray]:
    """Return the square of one feature, times e^N."""
    size, a = p["d"], p["coefficient"]
    omega = stream.normals(first, n, size)
    linear = math.sqrt(1.0 - 4.0 * a) * math.sqrt(p["z2"]) * omega[:, 0]
    squares = np.einsum("nd,nd->n", omega, omega)
    return {"second_moment": (1.0 - 4.0 * a) ** size * np.exp(4.0 * a * squares + 2.0 * linear)}


def _plain_ratio(p: Mapping[str, Any]) -> dict[str, float]:
    """Divide the variances as they stand."""
    size, z2, a = p["d"], p["z2"], p["coefficient"]
    factor = ((1.0 - 4.0 * a) ** 2 / (1.0 - 8.0 * a)) ** (0.5 * size)
    moment = factor * math.exp(2.0 * (1.0 - 4.0 * a) / (1.0 - 8.0 * a) * z2)
    plain = math.exp(2.0 * z2) - math.exp(z2)
    return {"second_moment": moment, "variance_ratio": (moment - math.exp(z2)) / plain}


register(
    Claim(
        id="ZOO-RF-11b",
        title="second moment of a positive feature with a quadratic term",
        statement=(
            "kappa = (1-4a)^(d/2) exp(2a|omega|^2 + sqrt(1-4a) omega^T z - N/2) is unbiased for "
            "every a < 1/8, with E kappa^2 e^N = ((1-4a)^2/(1-8a))^(d/2) "
            "exp(2(1-4a)|z|^2/(1-8a))."
        ),
        source=LIKHOSHERSTOV_2022,
        standing="theorem",
        observable="random-feature kernel",
        parameters=(
            SIZE,
            Parameter("z2", _SQUARE, "|x + y|^2"),
            Parameter(
                "coefficient",
                Real(low=-1e150, low_open=True, high=0.125, high_open=True, typical=(-0.5, 0.1)),
                "a, of |omega|^2/2 in the exponent: 0 is the plain positive feature",
            ),
        ),
        values={
            "second_moment": _moment(),
            "variance_ratio": routine(
                (_MOMENT - sp.exp(_z2)) / _PLAIN,
                lambda d, z2, a: QuadraticFeature(d, z2, 1.0 - 8.0 * a).variance_ratio,
                "d",
                "z2",
                "coefficient",
            ),
        },
        cases=(
            {"d": 4, "z2": 0.3, "coefficient": -0.1},
            {"d": 3, "z2": 0.2, "coefficient": 0.015},
            {"d": 8, "z2": 0.5, "coefficient": -0.2},
            {"d": 2, "z2": 0.15, "coefficient": 0.0},
        ),
        judged_by=(
            DrawnExpectation(("second_moment",), _draw, lambda p: 20.0 * p["d"]),
            Identity(
                _plain_ratio,
                lambda rng: {**_draw_parameters(rng), "coefficient": float(rng.uniform(-0.5, 0.1))},
                tolerance=1e-9,
            ),
        ),
        wrong_twin=WrongTwin("second moment 5 % too large", {"second_moment": _moment(1.05)}),
        proof="A Gaussian integral in each coordinate of omega; it converges for 4a < 1/2.",
    )
)

# --- ZOO-RF-11a -----------------------------------------------------------------------------------

_rho = (sp.sqrt((2 * _z2 + d) ** 2 + 8 * d * _z2) - 2 * _z2 - d) / (4 * _z2)


def _star(factor: float = 1.0) -> Any:
    return routine(
        sp.nsimplify(factor) * (1 - 1 / _rho) / 8,
        lambda d, z2: factor * best_coefficient(d, z2)[0],
        "d",
        "z2",
    )


def _searched(p: Mapping[str, Any]) -> dict[str, float]:
    """Minimise the second moment of ZOO-RF-11b over a."""
    size, z2 = p["d"], p["z2"]

    def log_moment(a: float) -> float:
        linear = 2.0 * (1.0 - 4.0 * a) / (1.0 - 8.0 * a) * z2
        logs = 2.0 * math.log(1.0 - 4.0 * a) - math.log(1.0 - 8.0 * a)
        return float(0.5 * size * logs + linear)

    found = minimize_scalar(
        log_moment, bounds=(-20.0, 0.12), method="bounded", options={"xatol": 1e-10}
    )
    plain = math.exp(2.0 * z2) - math.exp(z2)
    return {
        "a_star": float(found.x),
        "variance_ratio": (math.exp(float(found.fun)) - math.exp(z2)) / plain,
    }


def _sides(
    p: Mapping[str, Any], v: Mapping[str, Any], rng: np.random.Generator
) -> list[tuple[float, float]]:
    """Compare with other coefficients, far and near."""
    tried = [*rng.uniform(-1.0, 0.12, 5), *(v["a_star"] + 1e-3 * rng.normal(size=3))]
    ratios = [QuadraticFeature(p["d"], p["z2"], 1.0 - 8.0 * a).variance_ratio for a in tried]
    return [(v["variance_ratio"], ratio) for ratio in ratios if ratio is not None]


register(
    Claim(
        id="ZOO-RF-11a",
        title="positive feature of least variance",
        statement=(
            "The second moment of ZOO-RF-11b is least at a* = (1 - 1/rho)/8 < 0, rho = "
            "(sqrt((2|z|^2+d)^2 + 8d|z|^2) - 2|z|^2 - d)/(4|z|^2), where the feature is bounded."
        ),
        source=LIKHOSHERSTOV_2022,
        standing="theorem",
        observable="random-feature kernel",
        parameters=(
            SIZE,
            Parameter(
                "z2",
                Real(low=0.0, low_open=True, high=1e150, high_open=True, typical=(0.01, 9.0)),
                "|x + y|^2",
            ),
        ),
        values={
            "a_star": _star(),
            "variance_ratio": routine(
                (_MOMENT.subs(_a, symbol("a_star")) - sp.exp(_z2)) / _PLAIN,
                lambda d, z2: best_coefficient(d, z2)[1].variance_ratio,
                "d",
                "z2",
            ),
        },
        cases=({"d": 4, "z2": 1.0}, {"d": 8, "z2": 4.0}, {"d": 16, "z2": 9.0}),
        judged_by=(
            Identity(_searched, _draw_parameters, tolerance=3e-6, most_draws=60),
            PathwiseBound(_sides, _draw_parameters, rounding=1e-10, most_draws=60),
        ),
        wrong_twin=WrongTwin("a* 5 % too large", {"a_star": _star(1.05)}),
    )
)
