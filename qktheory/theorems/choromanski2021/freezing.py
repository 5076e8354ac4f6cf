"""ZOO-RF-8: positive features freeze like a random energy model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray
from scipy.special import gammaln, ndtr, ndtri

from qktheory.base.domains import Parameter, Real
from qktheory.kernels import Stream
from qktheory.numerics.normal import normal_pdf
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.choromanski2021 import setting as s
from qktheory.theorems.claim import Claim, WrongTwin, register
from qktheory.theorems.judgements import Asymptotic, DrawnLimit, Evaluate, Identity
from qktheory.theorems.routines import times

FloatArray = NDArray[np.float64]

_m, _s = symbol("feature_count"), symbol("norm_sum")
_sc, _a, _x = symbol("s_c"), symbol("quantile"), symbol("tail_index")
_STABLE = _s * _a - sp.log(_m) - _s**2 / 2 + sp.EulerGamma * (1 / _x - 1) + sp.loggamma(1 - _x) / _x


def _stable(m: float, norm: float, a: float, x: float | None) -> float | None:
    if x is None or x >= 1.0:
        return None
    frozen = norm * a - math.log(m) - 0.5 * norm**2
    return frozen + float(np.euler_gamma) * (1.0 / x - 1.0) + float(gammaln(1.0 - x)) / x


def _index(m: float, norm: float, a: float) -> float | None:
    return None if norm == 0.0 else m * float(normal_pdf(a)) / norm


_STABLE_VALUE = s.routine(_STABLE, _stable, "feature_count", "norm_sum", "quantile", "tail_index")


def _more_features(p: Mapping[str, Any], size: int) -> dict[str, Any]:
    """Keep s/s_c."""
    ratio = p["norm_sum"] / math.sqrt(2.0 * math.log(p["feature_count"]))
    return {"feature_count": size, "norm_sum": ratio * math.sqrt(2.0 * math.log(size))}


def _draw(
    p: Mapping[str, Any], values: Mapping[str, Any], stream: Stream, first: int, n: int
) -> dict[str, np.ndarray]:
    """Return log(Khat/K) of m positive features, each lognormal."""
    energies = p["norm_sum"] * stream.normals(first, n, int(p["feature_count"]))
    top = energies.max(axis=1)
    logs = top + np.log(np.exp(energies - top[:, None]).mean(axis=1))
    return {"log_ratio_stable": logs - 0.5 * p["norm_sum"] ** 2}


def _per_log(evaluate: Evaluate, p: Mapping[str, Any], size: float) -> tuple[float, float]:
    """Compare both laws at m = e^size, over size; all terms of the difference are smaller."""
    ratio = p["norm_sum"] / math.sqrt(2.0 * math.log(p["feature_count"]))
    values = evaluate({"feature_count": math.exp(size), "norm_sum": ratio * math.sqrt(2.0 * size)})
    return float(values["log_ratio_stable"]) / size, float(values["log_ratio_leading"]) / size


def _by_moments(p: Mapping[str, Any]) -> dict[str, float]:
    """Invert the tail of the normal law, and average one lognormal feature."""
    m, norm = p["feature_count"], p["norm_sum"]
    low, high = 0.0, 40.0
    for _ in range(100):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if float(ndtr(-middle)) > 1.0 / m else (low, middle)
    g = np.linspace(-38.0, 38.0, 4001)
    weights = normal_pdf(g) * (g[1] - g[0])
    mean, square = (float(weights @ np.exp(k * norm * (g - norm))) for k in (1, 2))
    return {
        "quantile": high,
        "effective_features_annealed": m * mean**2 / square,
        "tail_index": m * float(normal_pdf(high)) / norm,
    }


register(
    Claim(
        id="ZOO-RF-8",
        title="positive features freeze like a random energy model",
        statement=(
            "One positive feature is lognormal, so log Khat is the free energy of m levels at "
            "inverse temperature s = |q + k|: log(Khat/K) tends to 0 below s_c = sqrt(2 log m) and "
            "follows -(s - s_c)^2/2 above it, corrected by the stable law of index x = m phi(a)/s, "
            "a = Phi^(-1)(1 - 1/m)."
        ),
        source=s.extends_choromanski("features as a random energy model"),
        standing="derived",
        observable="random-feature kernel",
        parameters=(
            Parameter(
                "feature_count",
                Real(low=2.0, low_open=True, high=1e300, high_open=True, typical=(10.0, 1e5)),
                "number of features m",
            ),
            Parameter(
                "norm_sum",
                Real(low=0.0, high=1e150, high_open=True, typical=(0.1, 12.0)),
                "s = |q + k|",
            ),
        ),
        values={
            "s_c": sp.sqrt(2 * sp.log(_m)),
            "quantile": s.routine(
                sp.sqrt(2) * sp.erfinv(1 - 2 / _m),
                lambda m: -float(ndtri(1.0 / m)),
                "feature_count",
            ),
            "tail_index": s.routine(
                _m * sp.exp(-(_a**2) / 2) / (sp.sqrt(2 * sp.pi) * _s),
                _index,
                "feature_count",
                "norm_sum",
                "quantile",
            ),
            "log_ratio_leading": s.routine(
                -(sp.Max(_s - _sc, 0) ** 2) / 2,
                lambda norm, critical: -0.5 * max(norm - critical, 0.0) ** 2,
                "norm_sum",
                "s_c",
            ),
            "log_ratio_stable": _STABLE_VALUE,
            "effective_features_annealed": s.routine(
                _m * sp.exp(-(_s**2)),
                lambda m, norm: math.exp(math.log(m) - norm**2),
                "feature_count",
                "norm_sum",
            ),
        },
        cases=(
            {"feature_count": 1000, "norm_sum": 1.9 * math.sqrt(2.0 * math.log(1000.0))},
            {"feature_count": 1000, "norm_sum": 2.5 * math.sqrt(2.0 * math.log(1000.0))},
            {"feature_count": 300.5, "norm_sum": 3.2 * math.sqrt(2.0 * math.log(300.5))},
        ),
        judged_by=(
            DrawnLimit(
                ("log_ratio_stable",),
                "feature_count",
                ((300, 512), (6000, 256)),
                _more_features,
                _draw,
                rate=0.02,
                aim=0.04,
            ),
            Asymptotic(
                "log_ratio_leading",
                "log m",
                (40.0, 80.0, 160.0, 320.0, 640.0),
                _per_log,
                rate=0.7,
            ),
            Identity(
                _by_moments,
                lambda rng: {
                    "feature_count": float(10.0 ** rng.uniform(0.5, 6.0)),
                    "norm_sum": float(rng.uniform(0.2, 3.0)),
                },
                tolerance=1e-8,
                most_draws=20,
            ),
        ),
        wrong_twin=WrongTwin(
            "stable law 10 % too large", {"log_ratio_stable": times(1.1, _STABLE_VALUE)}
        ),
    )
)
