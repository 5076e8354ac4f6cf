"""ZOO-CVX-1: linear attention heads with weight decay are a convex program."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray
from scipy.optimize import minimize

from qktheory.base.domains import Parameter, Real
from qktheory.base.shapes import Array, shapes_of
from qktheory.numerics.linear_heads import convex_heads
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import Identity, PathwiseBound
from qktheory.theorems.papers import cite
from qktheory.theorems.routines import entries, named, times

FloatArray = NDArray[np.float64]

_DATA = (
    Parameter("X", Array("N", "s", "d"), "sequences of tokens, (N, s, d)"),
    Parameter("Y", Array("N", "s"), "targets, (N, s)"),
)


def _solve(X: FloatArray, Y: FloatArray, penalty: float) -> dict[str, float]:
    found = convex_heads(X, Y, penalty)
    return {"value": found.value, "rank": found.rank, "nuclear_norm": found.nuclear_norm}


def _objective(
    weights: FloatArray, X: FloatArray, Y: FloatArray, penalty: float, heads: int
) -> tuple[float, FloatArray]:
    """Return the objective of heads (W_1, w_2), not convex, and its gradient."""
    d = X.shape[2]
    W_1 = weights[: heads * d * d].reshape(heads, d, d)
    w_2 = weights[heads * d * d :].reshape(heads, d)
    gram = X.transpose(0, 2, 1) @ X
    read = np.einsum("nbc,hc->nhb", gram, w_2)
    rest = np.einsum("nsa,hab,nhb->ns", X, W_1, read) - Y
    pushed = np.einsum("ns,nsa->na", rest, X)
    by_W_1 = np.einsum("na,nhb->hab", pushed, read) + penalty * W_1
    by_w_2 = np.einsum("na,hab,nbc->hc", pushed, W_1, gram) + penalty * w_2
    value = 0.5 * float(np.sum(rest**2)) + 0.5 * penalty * float(weights @ weights)
    return value, np.concatenate([by_W_1.ravel(), by_w_2.ravel()])


def _by_heads(parameters: Mapping[str, Any]) -> dict[str, float]:
    """Minimise over as many heads as the rank may need, from several starts."""
    p = parameters
    d = p["X"].shape[2]
    rng = np.random.default_rng(3)
    best = 0.5 * float(np.sum(p["Y"] ** 2))
    for _ in range(2):
        found = minimize(
            _objective,
            rng.normal(size=d * (d * d + d)),
            args=(p["X"], p["Y"], p["penalty"], d),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": 3000, "ftol": 1e-15, "gtol": 1e-10},
        )
        best = min(best, float(found.fun))
    return {"value": best}


def _any_heads(
    parameters: Mapping[str, Any], values: Mapping[str, Any], rng: np.random.Generator
) -> list[tuple[float, float]]:
    """Compare the value with the objective of random heads, few or many, and of none."""
    p = parameters
    d = p["X"].shape[2]
    pairs = [(float(values["value"]), 0.5 * float(np.sum(p["Y"] ** 2)))]
    for heads in (1, 2, 5):
        weights = 0.3 * rng.normal(size=heads * (d * d + d))
        pairs.append(
            (float(values["value"]), _objective(weights, p["X"], p["Y"], p["penalty"], heads)[0])
        )
    return pairs


def _draw_data(rng: np.random.Generator) -> dict[str, Any]:
    N, size, d = int(rng.integers(1, 7)), int(rng.integers(1, 4)), int(rng.integers(1, 3))
    return {
        "X": rng.normal(size=(N, size, d)),
        "Y": rng.normal(size=(N, size)),
        "penalty": float(rng.uniform(0.2, 2.0)),
    }


_Z, _b = sp.Symbol("Z", commutative=False), symbol("penalty")
_VALUES = entries(
    "found",
    {
        "value": named("min_Z", named("norm", sp.Symbol("A*vec(Z) - y")) ** 2 / 2)
        + _b * sp.Function("nuclear_norm")(_Z),
        "rank": sp.Function("rank")(_Z),
        "nuclear_norm": sp.Function("nuclear_norm")(_Z),
    },
)

register(
    Claim(
        id="ZOO-CVX-1",
        title="linear attention heads are a convex program",
        statement=(
            "Linear attention heads X W_1 X^T X w_2 with weight decay attain the minimum of a "
            "convex program with the nuclear norm of Z = sum_j vec(W_1) w_2^T once there are as "
            "many heads as its rank, and never less."
        ),
        source=cite("sahiner2022", "linear activation"),
        standing="theorem",
        observable="objective",
        parameters=(
            *_DATA,
            Parameter(
                "penalty", Real(low=0.0, low_open=True, typical=(0.3, 3.0)), "weight decay b"
            ),
        ),
        complete=shapes_of(_DATA),
        where={"found": Routine(named("program", "Z"), _solve, ("X", "Y", "penalty"))},
        values=_VALUES,
        cases=(
            {
                "X": [[[-0.6, -1.4], [1.2, 0.1]], [[-0.9, -0.3], [0.4, -1.1]]],
                "Y": [[-0.8, 0.1], [0.9, -1.0]],
                "penalty": 0.5,
            },
            {
                "X": [[[1.0, 0.5], [0.3, -1.0], [0.2, 0.4]], [[0.7, 0.1], [-1.0, 0.6], [0.0, 1.0]]],
                "Y": [[1.0, -0.5, 0.3], [0.2, 0.9, -1.1]],
                "penalty": 0.1,
            },
            {"X": [[[1.5], [-0.5]]], "Y": [[2.0, -1.0]], "penalty": 1.0},
        ),
        judged_by=(
            Identity(_by_heads, _draw_data, tolerance=1e-6, most_draws=2),
            PathwiseBound(_any_heads, _draw_data, most_draws=20),
        ),
        wrong_twin=WrongTwin("constant off by 5 %", {"value": times(1.05, _VALUES["value"])}),
        proof="The nuclear norm is the least (|U|^2 + |V|^2)/2 over factorisations Z = U V^T.",
    )
)
