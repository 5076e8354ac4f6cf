"""ZOO-FU: kernels of attention with random ReLU scores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp

from qktheory.base.domains import Matrix, Parameter, Real, RealList
from qktheory.base.errors import bad_value
from qktheory.kernels import Stream
from qktheory.numerics.rectified_gaussians import (
    closed_rectified_moment,
    rectified_moment,
    relu_attention_kernel,
)
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import DrawnExpectation, Identity
from qktheory.theorems.papers import cite
from qktheory.theorems.routines import times

FU_2023 = cite("fu2023", "random-feature attention")

_INPUTS = (
    Parameter("x0", RealList(Real(typical=(-1.0, 1.0))), "query of the first input, (d,)"),
    Parameter("X", Matrix(), "keys of the first input, (n, d)"),
    Parameter("x0_prime", RealList(Real(typical=(-1.0, 1.0))), "query of the second input, (d,)"),
    Parameter("X_prime", Matrix(), "keys of the second input, (n', d)"),
)
_NAMES = tuple(p.name for p in _INPUTS)


def _complete(parameters: dict[str, Any]) -> None:
    """Demand one dimension."""
    d = len(parameters["x0"])
    if len(parameters["x0_prime"]) != d:
        raise bad_value("x0_prime", parameters["x0_prime"], f"a list of length d = {d}")
    for name in ("X", "X_prime"):
        if parameters[name].shape[1] != d:
            shape = parameters[name].shape
            raise bad_value(name, f"array of shape {shape}", f"rows of length d = {d}")


_i, _j = sp.symbols("i j", integer=True)
_a, _b, _theta = sp.Symbol("a"), sp.Symbol("b"), sp.Symbol("theta")
_x, _y = sp.IndexedBase("x"), sp.IndexedBase("y")
_n, _m = sp.symbols("n m", positive=True)
_ARC = _a * _b / (2 * sp.pi) * (sp.sin(_theta) + (sp.pi - _theta) * sp.cos(_theta))


def _sum(moment: sp.Expr) -> sp.Expr:
    return sp.Sum(_x[_i] * _y[_j] * moment, (_i, 1, _n), (_j, 1, _m)) / (_n * _m)


def _weights(
    p: Mapping[str, Any], mu: float, stream: Stream, first: int, n: int
) -> dict[str, np.ndarray]:
    """Draw W = mu I + Z and return the product of both outputs, v integrated out."""
    d = len(p["x0"])
    W = stream.normals(first, n, d * d).reshape(n, d, d) + mu * np.eye(d)
    left = np.maximum(p["x0"] @ W @ p["X"].T, 0.0)
    right = np.maximum(p["x0_prime"] @ W @ p["X_prime"].T, 0.0)
    inner = p["X"] @ p["X_prime"].T / (len(p["X"]) * len(p["X_prime"]))
    return {"kernel": np.einsum("ni,ij,nj->n", left, inner, right)}


_CASES: tuple[dict[str, Any], ...] = (
    {
        "x0": [1.0, 0.5],
        "X": [[0.2, -0.3], [0.4, 0.1]],
        "x0_prime": [-0.3, 0.8],
        "X_prime": [[1.0, 0.0]],
    },
    {
        "x0": [0.5, -0.2, 0.3],
        "X": [[0.7, 0.1, 0.2], [-0.4, 0.6, 0.1], [0.0, 0.3, -0.9]],
        "x0_prime": [0.4, 0.3, 0.1],
        "X_prime": [[0.5, -0.1, 0.4], [0.1, 0.8, -0.2]],
    },
    {"x0": [1.2], "X": [[0.7], [-0.5]], "x0_prime": [-0.4], "X_prime": [[0.3], [1.1], [-0.6]]},
)

# --- ZOO-FU-1 -------------------------------------------------------------------------------------

_KERNEL = Routine(_sum(_ARC), relu_attention_kernel, _NAMES)

register(
    Claim(
        id="ZOO-FU-1",
        title="kernel of attention with random ReLU scores",
        statement=(
            "For f = sum_m (1/n) sum_i relu(x_0^T W_m x_i) <v_m, x_i> with iid N(0, 1) entries of "
            "W_m the kernel is (1/(n n')) sum_ij <x_i, x'_j> kappa(|x_0||x_i|, |x'_0||x'_j|, "
            "cos(x_0, x'_0) cos(x_i, x'_j)), the arc-cosine kernel at a product of cosines."
        ),
        source=FU_2023,
        standing="derived",
        observable="random ReLU attention",
        parameters=_INPUTS,
        complete=_complete,
        values={"kernel": _KERNEL},
        cases=_CASES,
        judged_by=(
            DrawnExpectation(
                ("kernel",),
                lambda p, v, stream, first, n: _weights(p, 0.0, stream, first, n),
                lambda p: 30.0 * len(p["x0"]) ** 2,
            ),
        ),
        wrong_twin=WrongTwin("kernel 10 % too large", {"kernel": times(1.1, _KERNEL)}),
        proof=(
            "x_0^T W x_i and x'_0^T W x'_j are Gaussian with covariance <x_0, x'_0><x_i, x'_j>."
        ),
    )
)

# --- ZOO-FU-2a ------------------------------------------------------------------------------------

_MEAN = Real(low=-1e100, high=1e100, low_open=True, high_open=True, typical=(-2.0, 2.0))
_DEVIATION = Real(low=0.0, high=1e100, high_open=True, typical=(0.1, 2.0))
_TWO = (
    Parameter("mu_1", _MEAN, "mean of X"),
    Parameter("mu_2", _MEAN, "mean of Y"),
    Parameter("sd_1", _DEVIATION, "standard deviation of X"),
    Parameter("sd_2", _DEVIATION, "standard deviation of Y"),
    Parameter("correlation", Real(-1.0, 1.0, typical=(-1.0, 1.0)), "correlation of X and Y"),
)
_TWO_NAMES = tuple(p.name for p in _TWO)
_mu_1, _mu_2, _sd_1, _sd_2 = (symbol(name) for name in _TWO_NAMES[:4])
_u, _v = sp.symbols("u v", real=True)
_density = sp.Function("phi_2")(_u, _v, symbol("correlation"))
_MOMENT = Routine(
    sp.Integral(
        (_mu_1 + _sd_1 * _u) * (_mu_2 + _sd_2 * _v) * _density,
        (_u, -_mu_1 / _sd_1, sp.oo),
        (_v, -_mu_2 / _sd_2, sp.oo),
    ),
    rectified_moment,
    _TWO_NAMES,
)


def _draw_two(
    p: Mapping[str, Any], values: Mapping[str, Any], stream: Stream, first: int, n: int
) -> dict[str, np.ndarray]:
    g, r = stream.normals(first, n, 2), p["correlation"]
    x = p["mu_1"] + p["sd_1"] * g[:, 0]
    y = p["mu_2"] + p["sd_2"] * (r * g[:, 0] + np.sqrt(1.0 - r * r) * g[:, 1])
    return {"moment": np.maximum(x, 0.0) * np.maximum(y, 0.0)}


def _closed(p: Mapping[str, Any]) -> dict[str, float]:
    return {"moment": closed_rectified_moment(*(p[name] for name in _TWO_NAMES))}


def _draw_moderate(rng: np.random.Generator) -> dict[str, float]:
    return {
        "mu_1": float(rng.uniform(-1.0, 2.0)),
        "mu_2": float(rng.uniform(-1.0, 2.0)),
        "sd_1": float(rng.uniform(0.5, 2.0)),
        "sd_2": float(rng.uniform(0.5, 2.0)),
        "correlation": float(rng.uniform(-0.7, 0.95)),
    }


register(
    Claim(
        id="ZOO-FU-2a",
        title="mean product of two rectified Gaussians",
        statement=(
            "E[(X)_+ (Y)_+] of a bivariate Gaussian is sd_1 sd_2 m_11 + mu_1 sd_2 m_01 + "
            "mu_2 sd_1 m_10 + mu_1 mu_2 L, with truncated moments m and the orthant probability L."
        ),
        source=FU_2023,
        standing="derived",
        observable="bivariate Gaussian",
        parameters=_TWO,
        values={"moment": _MOMENT},
        cases=(
            {"mu_1": 0.8, "mu_2": -0.4, "sd_1": 1.3, "sd_2": 0.9, "correlation": -0.3},
            {"mu_1": 0.0, "mu_2": 0.0, "sd_1": 2.0, "sd_2": 0.5, "correlation": 0.6},
            {"mu_1": -0.5, "mu_2": 1.0, "sd_1": 1.0, "sd_2": 0.4, "correlation": 0.9},
        ),
        judged_by=(
            DrawnExpectation(("moment",), _draw_two, lambda p: 20.0),
            Identity(_closed, _draw_moderate, tolerance=1e-9, most_draws=100),
        ),
        wrong_twin=WrongTwin("moment 10 % too large", {"moment": times(1.1, _MOMENT)}),
    )
)

# --- ZOO-FU-2b ------------------------------------------------------------------------------------

_KERNEL_MU = Routine(
    _sum(sp.Function("E_relu_relu")(symbol("mu"), _i, _j)),
    relu_attention_kernel,
    (*_NAMES, "mu"),
)

register(
    Claim(
        id="ZOO-FU-2b",
        title="kernel of ReLU attention with W_QK = mu I + noise",
        statement=(
            "With W = mu I + Z the kernel is the sum of ZOO-FU-1 with the moment of ZOO-FU-2a at "
            "means mu x_0^T x_i and mu x'_0^T x'_j, the same variances and product of cosines."
        ),
        source=FU_2023,
        standing="derived",
        observable="random ReLU attention",
        parameters=(
            *_INPUTS,
            Parameter("mu", Real(typical=(-1.0, 2.0)), "W = mu I + Z, Z with N(0, 1) entries"),
        ),
        complete=_complete,
        values={"kernel": _KERNEL_MU},
        cases=tuple({**case, "mu": mu} for case, mu in zip(_CASES, (0.8, -0.5, 1.5), strict=True)),
        judged_by=(
            DrawnExpectation(
                ("kernel",),
                lambda p, v, stream, first, n: _weights(p, p["mu"], stream, first, n),
                lambda p: 30.0 * len(p["x0"]) ** 2,
            ),
        ),
        wrong_twin=WrongTwin("kernel 10 % too large", {"kernel": times(1.1, _KERNEL_MU)}),
    )
)
