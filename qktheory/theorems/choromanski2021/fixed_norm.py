"""ZOO-RF-10: positive features of one norm have a Bessel kernel."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
from scipy.special import hyp0f1

from qktheory.base.domains import Parameter, Real
from qktheory.kernels import Stream
from qktheory.numerics.positive_features import LARGEST_SQUARE, fixed_norm_ratio
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.choromanski2021 import setting as s
from qktheory.theorems.claim import Claim, WrongTwin, register
from qktheory.theorems.judgements import (
    Asymptotic,
    DrawnExpectation,
    Evaluate,
    Identity,
    PathwiseBound,
)

_z2 = symbol("z2")
_RATIO = sp.exp(-_z2 / 2) * sp.hyper([], [s.d / 2], s.d * _z2 / 4)


def _draw(
    p: Mapping[str, Any], values: Mapping[str, Any], stream: Stream, first: int, n: int
) -> dict[str, np.ndarray]:
    """Return one feature over its kernel: e^(omega^T z - |z|^2/2), |omega|^2 = d."""
    x = stream.normals(first, n, p["d"])
    along = x[:, 0] / np.linalg.norm(x, axis=1)
    return {"kernel_ratio": np.exp(math.sqrt(p["d"] * p["z2"]) * along - 0.5 * p["z2"])}


def _bessel(p: Mapping[str, Any]) -> dict[str, float]:
    ratio = math.exp(-0.5 * p["z2"]) * float(hyp0f1(0.5 * p["d"], 0.25 * p["d"] * p["z2"]))
    return {"kernel_ratio": ratio}


def _wide(evaluate: Evaluate, p: Mapping[str, Any], size: float) -> tuple[float, float]:
    values = evaluate({**p, "d": int(size)})
    return float(values["one_minus_kernel_ratio"]), float(values["first_order_gap"])


def _draw_parameters(rng: np.random.Generator) -> dict[str, Any]:
    return {"d": int(rng.integers(1, 60)), "z2": float(rng.uniform(0.0, 4.0))}


def _gap(constant: float) -> sp.Expr:
    return _z2**2 / (sp.nsimplify(constant) * s.d)


def _is_meant(parameters: Mapping[str, Any]) -> bool:
    """Tell whether |z| is small enough for the published bound, with a factor 2 to spare."""
    return bool(parameters["z2"] ** 2 <= 4.0 * parameters["d"] ** (2.0 / 3.0))


register(
    Claim(
        id="ZOO-RF-10",
        title="positive features of fixed norm",
        statement=(
            "Positive features with frequencies uniform on |omega|^2 = d have mean K times "
            "e^(-|z|^2/2) 0F1(; d/2; d|z|^2/4) = 1 - |z|^4/(4d) (1 + o(1)), at most K. The "
            "published lower bound on the ratio, 1 - 2 d^(-1/3), is meant for bounded |z|: it "
            "fails where |z|^4 exceeds about 8 d^(2/3)."
        ),
        source=s.extends_choromanski("regularised softmax kernel, Theorem 1; exact at every d"),
        standing="derived",
        observable="random-feature kernel",
        parameters=(
            s.SIZE,
            Parameter(
                "z2",
                Real(low=0.0, high=LARGEST_SQUARE, typical=(0.0, 9.0)),
                "|x + y|^2",
            ),
        ),
        values={
            "kernel_ratio": s.routine(_RATIO, lambda d, z2: fixed_norm_ratio(d, z2)[0], "d", "z2"),
            "one_minus_kernel_ratio": s.routine(
                1 - _RATIO, lambda d, z2: fixed_norm_ratio(d, z2)[1], "d", "z2"
            ),
            "first_order_gap": _gap(4.0),
            "published_lower_bound": 1 - 2 / sp.cbrt(s.d),
        },
        cases=({"d": 16, "z2": 2.0}, {"d": 3, "z2": 0.7}, {"d": 64, "z2": 4.0}),
        judged_by=(
            DrawnExpectation(("kernel_ratio",), _draw, lambda p: 20.0 * p["d"]),
            Identity(_bessel, _draw_parameters, tolerance=1e-11, most_draws=50),
            Asymptotic("first_order_gap", "d", (1e3, 1e4, 1e5, 1e6), _wide, rate=0.95, floor=1e-9),
            PathwiseBound(
                lambda p, v, rng: [
                    *([(v["published_lower_bound"], v["kernel_ratio"])] if _is_meant(p) else []),
                    (v["kernel_ratio"], 1.0),
                ],
                _draw_parameters,
                most_draws=50,
            ),
        ),
        wrong_twin=WrongTwin("constant 4 of the gap taken as 4.2", {"first_order_gap": _gap(4.2)}),
    )
)
