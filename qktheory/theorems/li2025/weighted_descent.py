"""ZOO-GLA-1 and ZOO-GLA-2: gates weight the examples of one step of gradient descent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from qktheory.base.domains import Integer, Parameter, Real
from qktheory.base.errors import bad_value
from qktheory.base.shapes import Array, check_shapes, shapes_of
from qktheory.kernels import Stream
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import DrawnExpectation, Identity, PathwiseBound
from qktheory.theorems.papers import cite
from qktheory.theorems.routines import entries, named, times

__all__ = ["R", "d", "examples", "noise", "omega", "r", "ridge"]

FloatArray = NDArray[np.float64]

# --- ZOO-GLA-1 ------------------------------------------------------------------------------------

_EXAMPLES = (
    Parameter("X", Array("n", "d"), "examples, (n, d)"),
    Parameter("y", Array("n"), "their labels, (n)"),
    Parameter("x_query", Array("d"), "query, (d)"),
    Parameter("P", Array("d", "d"), "preconditioner, (d, d)"),
    Parameter("gates", Array("n+1"), "gates g_1..g_{n+1}, the last one at the query"),
)


def _weights(gates: FloatArray) -> FloatArray:
    """Return the products of the gates that come after each example."""
    return np.asarray(np.cumprod(gates[:0:-1])[::-1])


def _output(
    X: FloatArray, y: FloatArray, x_query: FloatArray, P: FloatArray, weights: FloatArray
) -> float:
    return float(x_query @ P @ (X.T @ (weights * y)))


def _recurrence(parameters: Mapping[str, Any]) -> dict[str, float]:
    """Run S_i = g_i S_(i-1) + v_i k_i^T over tokens (x_i, y_i) and the query (x, 0)."""
    X, y, P, gates = (parameters[k] for k in ("X", "y", "P", "gates"))
    tokens = np.concatenate([X, parameters["x_query"][None]])
    labels = np.append(y, 0.0)
    state = np.zeros(X.shape[1])
    for token, label, gate in zip(tokens, labels, gates, strict=True):
        state = gate * state + label * token
    return {"output": float(tokens[-1] @ P @ state)}


def _draw_examples(rng: np.random.Generator) -> dict[str, Any]:
    n, d = (int(k) for k in rng.integers(1, 6, size=2))
    return {
        "X": rng.normal(size=(n, d)),
        "y": rng.normal(size=n),
        "x_query": rng.normal(size=d),
        "P": rng.normal(size=(d, d)),
        "gates": rng.uniform(0.0, 1.2, size=n + 1),
    }


_g = sp.IndexedBase("g")
_i, _j, _n = (sp.Symbol(name, integer=True) for name in "ijn")
_X, _y, _x, _P, _w = sp.symbols("X y x P omega", commutative=False)
_WEIGHTS = Routine(sp.Product(_g[_j], (_j, _i + 1, _n + 1)), _weights, ("gates",))
_OUTPUT = Routine(
    sp.Function("transpose")(_x) * _P * sp.Function("transpose")(_X) * (_w * _y),
    _output,
    ("X", "y", "x_query", "P", "weights"),
)

register(
    Claim(
        id="ZOO-GLA-1",
        title="gated linear attention is a step of weighted gradient descent",
        statement=(
            "Scalar-gated linear attention on examples (x_i, y_i) and the query (x, 0) returns "
            "x^T P X^T (omega * y) with omega_i the product of the gates after i: one weighted, "
            "preconditioned step of gradient descent from 0."
        ),
        source=cite("li2025", "one layer as weighted preconditioned gradient descent"),
        standing="theorem",
        observable="prediction",
        parameters=_EXAMPLES,
        complete=shapes_of(_EXAMPLES),
        values={"weights": _WEIGHTS, "output": _OUTPUT},
        cases=(
            {
                "X": [[1.0, 0.0], [0.0, 1.0]],
                "y": [1.0, 2.0],
                "x_query": [1.0, 1.0],
                "P": [[1.0, 0.5], [0.0, 1.0]],
                "gates": [1.0, 0.5, 0.5],
            },
            {"X": [[2.0]], "y": [3.0], "x_query": [1.0], "P": [[1.0]], "gates": [0.1, 1.0]},
            {
                "X": [[1.0, -1.0], [0.3, 0.2], [-2.0, 1.0]],
                "y": [0.5, -1.0, 2.0],
                "x_query": [0.4, -0.7],
                "P": [[0.2, 1.0], [-1.0, 0.4]],
                "gates": [0.9, 0.8, 0.3, 0.95],
            },
        ),
        judged_by=(Identity(_recurrence, _draw_examples, tolerance=1e-9),),
        wrong_twin=WrongTwin("constant off by 5 %", {"output": times(1.05, _OUTPUT)}),
    )
)

# --- ZOO-GLA-2 ------------------------------------------------------------------------------------

_TASKS = (
    Parameter("R", Array("n", "n"), "correlations of the task vectors, (n, n)"),
    Parameter("r", Array("n"), "their correlations with the query task, (n)"),
    Parameter("weights", Array("n"), "weights omega of the examples, (n)", None),
)


def _check_tasks(p: dict[str, Any]) -> None:
    check_shapes(_TASKS, p)
    R = p["R"]
    symmetric = np.abs(R - R.T).max() <= 1e-8 * np.abs(R).max()
    # A rounded table of correlations may miss zero by the rounding.
    if not symmetric or float(np.linalg.eigvalsh(R)[0]) < -0.01:
        raise bad_value("R", R.tolist(), "a matrix of correlations")


def _risk(
    d: int, s2: float, R: FloatArray, r: FloatArray, weights: FloatArray | None
) -> float | None:
    if weights is None:
        return None
    return float(
        d
        + s2
        - 2.0 * d * (weights @ r)
        + d * (weights @ R @ weights)
        + d * (d + 1.0 + s2) * (weights @ weights)
    )


def _minima(d: int, s2: float, R: FloatArray, r: FloatArray) -> dict[str, Any]:
    n, ridge = len(r), d + 1.0 + s2
    optimal = np.linalg.solve(R + ridge * np.eye(n), r)
    return {
        "weights_optimal": optimal,
        "risk_optimal": float(d + s2 - d * (r @ optimal)),
        "risk_uniform": float(d + s2 - d * r.sum() ** 2 / (R.sum() + n * ridge)),
    }


def _prediction_errors(
    parameters: Mapping[str, Any], values: Mapping[str, Any], stream: Stream, first: int, count: int
) -> dict[str, FloatArray]:
    """Draw tasks, examples and noise; the error of the given weights."""
    d, R, r = parameters["d"], parameters["R"], parameters["r"]
    n, scale = len(r), np.sqrt(parameters["noise_variance"])
    joint = np.block([[R, r[:, None]], [r[None], np.ones((1, 1))]])
    values_, vectors = np.linalg.eigh(joint)
    root = vectors * np.sqrt(np.maximum(values_, 0.0))
    drawn = stream.normals(first, count, 2 * (n + 1) * d + n + 1)
    size = (n + 1) * d
    tasks = np.einsum("ij,rjd->rid", root, drawn[:, :size].reshape(count, n + 1, d))
    X = drawn[:, size : 2 * size].reshape(count, n + 1, d)
    labels = np.einsum("rid,rid->ri", tasks, X) + scale * drawn[:, 2 * size :]
    overlaps = np.einsum("rid,rd->ri", X[:, :n], X[:, n])
    return {"risk": ((overlaps * labels[:, :n]) @ parameters["weights"] - labels[:, n]) ** 2}


def _no_better(
    parameters: Mapping[str, Any], values: Mapping[str, Any], rng: np.random.Generator
) -> list[tuple[float, float]]:
    """Compare the minima with the risk of other weights, near and far."""
    p = parameters
    optimal = np.asarray(values["weights_optimal"])
    uniform = np.ones(len(optimal)) * p["r"].sum()
    pairs = []
    for size in (1e-3, 1e-1, 1.0):
        other = optimal + size * rng.normal(size=len(optimal))
        common = uniform * size * float(rng.uniform(0.0, 1.0))
        for name, weights in (("risk_optimal", other), ("risk_uniform", common)):
            risk = _risk(p["d"], p["noise_variance"], p["R"], p["r"], weights)
            assert risk is not None
            pairs.append((float(values[name]), risk))
    return [*pairs, (float(values["risk_optimal"]), float(values["risk_uniform"]))]


def _draw_tasks(rng: np.random.Generator) -> dict[str, Any]:
    n = int(rng.integers(1, 6))
    root = rng.normal(size=(n + 1, 3))
    root /= np.linalg.norm(root, axis=1, keepdims=True)
    joint = root @ root.T
    return {
        "d": int(rng.integers(1, 8)),
        "noise_variance": float(rng.uniform(0.0, 2.0)),
        "R": joint[:n, :n],
        "r": joint[n, :n],
    }


#: Symbols of ZOO-GLA-2: correlations R and r of n tasks, and weights omega.
examples = sp.Symbol("n", integer=True, positive=True)
d, noise = symbol("d"), symbol("noise_variance")
R = sp.MatrixSymbol("R", examples, examples)
r, omega = (sp.MatrixSymbol(name, examples, 1) for name in ("r", "omega"))
ridge = R + (d + 1 + noise) * sp.Identity(examples)
_best = sp.Inverse(ridge) * r
_ones = sp.MatrixSymbol("ones", examples, 1)
_FOUND = entries(
    "found",
    {
        "weights_optimal": _best,
        "risk_optimal": d + noise - d * sp.Trace(r.T * _best),
        "risk_uniform": d
        + noise
        - d * sp.Trace(_ones.T * r) ** 2 / sp.Trace(_ones.T * ridge * _ones),
    },
)
_RISK = Routine(
    d + noise - 2 * d * sp.Trace(omega.T * r) + d * sp.Trace(omega.T * ridge * omega),
    _risk,
    ("d", "noise_variance", "R", "r", "weights"),
)

register(
    Claim(
        id="ZOO-GLA-2",
        title="optimal weights of examples from correlated tasks",
        statement=(
            "For Gaussian examples and task vectors of correlations R, r and noise s^2 the risk is "
            "d + s^2 - 2 d w^T r + d w^T (R + (d + 1 + s^2) I) w, smallest at the weights "
            "(R + (d + 1 + s^2) I)^-1 r."
        ),
        source=cite("li2025", "optimal weighting under correlated tasks"),
        standing="derived",
        observable="prediction",
        parameters=(
            Parameter("d", Integer(low=1, high=10**9, typical=(1, 20)), "dimension"),
            Parameter(
                "noise_variance", Real(low=0.0, typical=(0.0, 2.0)), "s^2, noise of the labels"
            ),
            *_TASKS,
        ),
        complete=_check_tasks,
        where={
            "found": Routine(named("minima", "risk"), _minima, ("d", "noise_variance", "R", "r"))
        },
        values={**_FOUND, "risk": _RISK},
        cases=(
            {
                "d": 2,
                "noise_variance": 0.4,
                "R": [[1.0, 0.45], [0.45, 1.0]],
                "r": [0.5, 0.9],
                "weights": [0.05, 0.2],
            },
            {
                "d": 2,
                "noise_variance": 0.5,
                "R": [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0], [1.0, 1.0, 1.0]],
                "r": [1.0, 1.0, 1.0],
                "weights": [0.1, 0.2, 0.3],
            },
            {"d": 1, "noise_variance": 0.0, "R": [[1.0]], "r": [-0.6], "weights": [-0.1]},
        ),
        judged_by=(
            DrawnExpectation(
                ("risk",),
                _prediction_errors,
                lambda q: float(24 * (len(q["r"]) + 1) * q["d"]),
            ),
            PathwiseBound(_no_better, _draw_tasks, rounding=1e-9),
        ),
        wrong_twin=WrongTwin("constant off by 9 %", {"risk": times(1.09, _RISK)}),
        proof=(
            "The prediction is x^T sum_i w_i x_i y_i. Given the tasks, E (x^T x_i)^2 = d, "
            "E (x^T x_i)(x_i^T w_i)(x^T w) = w_i^T w and E (x^T x_i)^2 (x_i^T w_i)^2 = "
            "(d + 2)|w_i|^2; different examples give E w_i^T w_j = d R_ij. With E|w_i|^2 = d and "
            "the noise, d w^T (R + (d + 1 + s^2) I) w."
        ),
    )
)
