"""ZOO-HYB-1: recall of one value from a bounded state, against softmax attention."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from qktheory.base.domains import Integer, Parameter, Real
from qktheory.kernels import Stream
from qktheory.numerics.sphere_exponential import sphere_exponential
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import DrawnExpectation, PathwiseBound
from qktheory.theorems.papers import cite
from qktheory.theorems.routines import times

FloatArray = NDArray[np.float64]

_n, _d_k, _beta = symbol("n"), symbol("d_k"), symbol("inverse_temperature")


def _products(n: int, d_k: int, normals: FloatArray) -> FloatArray:
    """Return the products of the key that is asked for with the others, (samples, n - 1)."""
    keys = normals.reshape(len(normals), n, d_k)
    keys = keys / np.sqrt(np.sum(keys**2, axis=2, keepdims=True))
    return np.asarray(np.einsum("rjd,rd->rj", keys[:, 1:], keys[:, 0]))


def _recall(
    parameters: Mapping[str, Any], values: Mapping[str, Any], stream: Stream, first: int, count: int
) -> dict[str, FloatArray]:
    n, d_k = parameters["n"], parameters["d_k"]
    overlaps = _products(n, d_k, stream.normals(first, count, n * d_k))
    # With orthonormal values the error of linear recall is the vector of overlaps itself.
    return {
        "mse_linear": np.sum(overlaps**2, axis=1),
        "softmax_miss_bound": np.sum(
            np.exp(parameters["inverse_temperature"] * (overlaps - 1.0)), axis=1
        ),
    }


def _missed(
    parameters: Mapping[str, Any], values: Mapping[str, Any], rng: np.random.Generator
) -> list[tuple[float, float]]:
    """Return the missed weight below (n - 1) mean e^(beta (t - 1)) on a single draw."""
    n, d_k = parameters["n"], parameters["d_k"]
    if n == 1:
        return [(0.0, 0.0)]
    overlaps = _products(n, d_k, rng.normal(size=(1, n * d_k)))[0]
    odds = float(np.sum(np.exp(parameters["inverse_temperature"] * (overlaps - 1.0))))
    return [(odds / (1.0 + odds), odds)]


def _miss(n: int, d_k: int, beta: float) -> float:
    return (n - 1) * sphere_exponential(d_k, beta) if n > 1 else 0.0


_LINEAR = Routine((_n - 1) / _d_k, lambda n, d_k: (n - 1) / d_k, ("n", "d_k"))
_MISS = Routine(
    (_n - 1) * sp.exp(-_beta) * sp.hyper([], [_d_k / 2], _beta**2 / 4),
    _miss,
    ("n", "d_k", "inverse_temperature"),
)

register(
    Claim(
        id="ZOO-HYB-1",
        title="recall from a state of bounded size",
        statement=(
            "Of n iid unit keys in R^d_k with orthonormal values, linear attention recalls one "
            "with mean square error exactly (n - 1)/d_k; softmax attention misses at most the mean "
            "weight (n - 1) e^-beta 0F1(; d_k/2; beta^2/4)."
        ),
        source=cite("liao2026", "bounded state, bounded recall: the checkable shadow"),
        standing="derived",
        observable="recall",
        parameters=(
            Parameter("n", Integer(low=1, high=10**15, typical=(1, 60)), "stored keys"),
            Parameter("d_k", Integer(low=1, high=10**15, typical=(1, 60)), "dimension of a key"),
            Parameter(
                "inverse_temperature", Real(low=0.0, typical=(0.0, 20.0)), "beta of the softmax"
            ),
        ),
        values={"mse_linear": _LINEAR, "softmax_miss_bound": _MISS},
        cases=(
            {"n": 6, "d_k": 4, "inverse_temperature": 2.0},
            {"n": 4, "d_k": 9, "inverse_temperature": 5.0},
            {"n": 3, "d_k": 1, "inverse_temperature": 0.7},
        ),
        judged_by=(
            DrawnExpectation(
                ("mse_linear", "softmax_miss_bound"),
                _recall,
                lambda q: float(12 * q["n"] * q["d_k"]),
            ),
            PathwiseBound(
                _missed,
                lambda rng: {
                    "n": int(rng.integers(1, 20)),
                    "d_k": int(rng.integers(1, 10)),
                    "inverse_temperature": float(rng.uniform(0.0, 20.0)),
                },
            ),
        ),
        wrong_twin=WrongTwin("constant off by 8 %", {"mse_linear": times(1.08, _LINEAR)}),
        proof=(
            "E (k_j . k)^2 = 1/d_k for unit vectors. 1 - A_true = odds/(1 + odds) <= odds, the sum "
            "of e^(beta (t_j - 1)), whose mean is the Laplace transform of a sphere coordinate."
        ),
    )
)
