"""RMT-9: gradients of queries and keys vanish on collapsed tokens."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from qktheory.base.domains import Integer, Matrix, Parameter, Real
from qktheory.base.errors import bad_value
from qktheory.kernels import Stream
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import DrawnExpectation, Identity
from qktheory.theorems.noci2022 import setting as n

FloatArray = NDArray[np.float64]

d, d_k = symbol("d"), symbol("d_k")
_d_v = sp.Symbol("d_v", integer=True, positive=True)
_X = sp.MatrixSymbol("X", n.t, d)
_V, _K = sp.MatrixSymbol("W_V", d, _d_v), sp.MatrixSymbol("W_K", d, d_k)
_J = sp.OneMatrix(n.t, n.t) / n.t
_C = _X.T * (sp.Identity(n.t) - _J) * _X / n.t
X = Parameter("X", Matrix(), "tokens, (T, d)")


def _norm_squared(statement: sp.Expr) -> sp.Expr:
    return sp.Trace(statement * statement.T)


def centred(tokens: FloatArray) -> FloatArray:
    """Return tokens less their mean; exactly 0 for equal tokens, accurate for close ones."""
    shifted = tokens - tokens[:1]
    return np.asarray(shifted - shifted.mean(axis=0))


def covariance(tokens: FloatArray) -> FloatArray:
    """Return C = X^T (I - J) X/T."""
    rest = centred(tokens)
    return np.asarray(rest.T @ rest / len(tokens))


# --- RMT-9a ---------------------------------------------------------------------------------------


def _complete(parameters: dict[str, Any]) -> None:
    """Demand value and key matrices with a row for each dimension."""
    size = parameters["X"].shape[1]
    for name in ("W_V", "W_K"):
        if len(parameters[name]) != size:
            raise bad_value(
                name, f"array of shape {parameters[name].shape}", f"d = {size} rows, as X columns"
            )


def _query_gradient(tokens: FloatArray, W_V: FloatArray, W_K: FloatArray) -> float:
    inner = W_V.T @ covariance(tokens) @ W_K
    return float(np.sum(tokens**2) / W_K.shape[1] * np.sum(inner**2))


def _value_gradient(tokens: FloatArray, W_V: FloatArray) -> float:
    mean = tokens.mean(axis=0)
    return float(W_V.shape[1] * len(tokens) * (mean @ mean))


def _by_complex_steps(parameters: Mapping[str, Any]) -> dict[str, float]:
    """Differentiate softmax attention itself, entry by entry, at W_Q = 0."""
    tokens, W_V, W_K = (parameters[name] for name in ("X", "W_V", "W_K"))
    size, width = W_K.shape
    step = 1e-40
    total = 0.0
    for entry in range(size * width):
        W_Q = np.zeros(size * width, dtype=np.complex128)
        W_Q[entry] = 1j * step
        scores = tokens @ W_Q.reshape(size, width) @ (tokens @ W_K).T / math.sqrt(width)
        A = np.exp(scores)
        A /= A.sum(axis=1, keepdims=True)
        total += float(np.sum((A @ tokens @ W_V).imag ** 2)) / step**2
    uniform = np.full((len(tokens), len(tokens)), 1.0 / len(tokens))
    return {
        "gradient_w_q_squared": total,
        # Y is linear in W_V: its Jacobian is J X (x) I.
        "gradient_w_v_squared": float(np.sum((uniform @ tokens) ** 2)) * W_V.shape[1],
    }


def _draw_layer(rng: np.random.Generator) -> dict[str, Any]:
    T, size, d_v, width = (int(k) for k in rng.integers(1, 5, size=4))
    return {
        "X": rng.normal(size=(T + 1, size)),
        "W_V": rng.normal(size=(size, d_v)),
        "W_K": rng.normal(size=(size, width)),
    }


_GRADIENT = _norm_squared(_X) / d_k * _norm_squared(_V.T * _C * _K)

register(
    Claim(
        id="RMT-9a",
        title="query and value gradients at uniform attention",
        statement=(
            "For Y = A X W_V with logits X W_Q W_K^T X^T/sqrt(d_k) at W_Q = 0: ||dY/dW_Q||_F^2 = "
            "||X||_F^2/d_k ||W_V^T C W_K||_F^2, C = X^T (I - J) X/T, which vanishes where all "
            "tokens coincide; ||dY/dW_V||_F^2 = d_v T |mean token|^2 does not."
        ),
        source=n.extends_noci("query gradients at uniform attention, pathwise"),
        standing="derived",
        observable="gradient",
        parameters=(
            X,
            Parameter("W_V", Matrix(), "value matrix, (d, d_v)"),
            Parameter("W_K", Matrix(), "key matrix, (d, d_k)"),
        ),
        complete=_complete,
        values={
            "covariance_norm_squared": Routine(
                _norm_squared(_C), lambda tokens: float(np.sum(covariance(tokens) ** 2)), ("X",)
            ),
            "gradient_w_q_squared": Routine(_GRADIENT, _query_gradient, ("X", "W_V", "W_K")),
            "gradient_w_v_squared": Routine(
                _d_v * _norm_squared(_J * _X), _value_gradient, ("X", "W_V")
            ),
        },
        cases=(
            {
                "X": [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [2.0, -1.0]],
                "W_V": [[1.0, 0.0, 2.0], [0.0, 1.0, -1.0]],
                "W_K": [[1.0, 2.0], [-1.0, 0.0]],
            },
            {
                "X": [[1.0, 2.0, 0.5], [0.0, -1.0, 1.0]],
                "W_V": [[1.0], [0.5], [2.0]],
                "W_K": [[1.0, 0.0], [2.0, 1.0], [0.0, -1.0]],
            },
            {"X": [[1.0], [3.0], [-0.5]], "W_V": [[2.0]], "W_K": [[0.5]]},
        ),
        judged_by=(Identity(_by_complex_steps, _draw_layer, tolerance=1e-9),),
        wrong_twin=WrongTwin(
            "constant 1 of the query gradient taken as 1.05",
            {
                "gradient_w_q_squared": Routine(
                    sp.Rational(105, 100) * _GRADIENT,
                    lambda *given: 1.05 * _query_gradient(*given),
                    ("X", "W_V", "W_K"),
                )
            },
        ),
    )
)

# --- RMT-9b ---------------------------------------------------------------------------------------

_COSINE = symbol("cosine")
_MEAN = (1 - _COSINE) ** 2 * (n.t - 1) * d * (n.t + d) / n.t**2


def _correlated(
    parameters: Mapping[str, Any], values: Mapping[str, Any], stream: Stream, first: int, count: int
) -> dict[str, FloatArray]:
    T, size, cosine = parameters["T"], parameters["d"], parameters["cosine"]
    z = stream.normals(first, count, (T + 1) * size).reshape(count, T + 1, size)
    tokens = math.sqrt(cosine) * z[:, :1] + math.sqrt(1.0 - cosine) * z[:, 1:]
    tokens -= tokens.mean(axis=1, keepdims=True)
    C = tokens.transpose(0, 2, 1) @ tokens / T
    return {"mean_covariance_norm_squared": np.sum(C**2, axis=(1, 2))}


register(
    Claim(
        id="RMT-9b",
        title="token covariance of equicorrelated tokens",
        statement=(
            "For x_i = sqrt(cosine) z_0 + sqrt(1 - cosine) z_i with iid N(0, I) z: E||C||_F^2 = "
            "(1 - cosine)^2 (T-1) d (T + d)/T^2, so query gradients fall like (1 - cosine)^2."
        ),
        source=n.extends_noci("Wishart moments of the centred tokens"),
        standing="derived",
        observable="covariance",
        parameters=(
            Parameter("T", Integer(low=1, high=10**15, typical=(1, 60)), "number of tokens"),
            Parameter("d", Integer(low=1, high=10**15, typical=(1, 60)), "their dimension"),
            Parameter("cosine", Real(0.0, 1.0), "correlation of two tokens"),
        ),
        values={"mean_covariance_norm_squared": _MEAN},
        cases=(
            {"T": 4, "d": 3, "cosine": 0.5},
            {"T": 6, "d": 2, "cosine": 0.0},
            {"T": 3, "d": 5, "cosine": 0.8},
        ),
        judged_by=(
            DrawnExpectation(
                ("mean_covariance_norm_squared",),
                _correlated,
                lambda q: float(10 * (q["T"] + 1) * q["d"] + 2 * q["T"] * q["d"] ** 2),
            ),
        ),
        wrong_twin=WrongTwin(
            "constant 1 taken as 1.08", {"mean_covariance_norm_squared": 1.08 * _MEAN}
        ),
    )
)

# --- RMT-9c ---------------------------------------------------------------------------------------

_WIDTH = 2


def _of_random_maps(
    parameters: Mapping[str, Any], values: Mapping[str, Any], stream: Stream, first: int, count: int
) -> dict[str, FloatArray]:
    """Average the gradient of RMT-9a over W_V and W_K, for a head of width 2."""
    tokens, d_v = parameters["X"], parameters["d_v"]
    size = tokens.shape[1]
    draws = stream.normals(first, count, size * (d_v + _WIDTH)) / math.sqrt(size)
    W_V = parameters["sigma_V"] * draws[:, : size * d_v].reshape(count, size, d_v)
    W_K = parameters["sigma_K"] * draws[:, size * d_v :].reshape(count, size, _WIDTH)
    inner = W_V.transpose(0, 2, 1) @ covariance(tokens) @ W_K
    squared = np.sum(inner**2, axis=(1, 2))
    return {"mean_gradient_w_q_squared": float(np.sum(tokens**2)) / _WIDTH * squared}


def _mean_gradient(tokens: FloatArray, d_v: int, sigma_V: float, sigma_K: float) -> float:
    size = tokens.shape[1]
    spread = float(np.sum(covariance(tokens) ** 2))
    return float(np.sum(tokens**2) * (sigma_V * sigma_K) ** 2 * d_v / size**2 * spread)


_sigma_K = symbol("sigma_K")
_AVERAGE = _norm_squared(_X) * n.sigma_V**2 * _sigma_K**2 * _d_v / d**2 * _norm_squared(_C)


def _std(name: str, what: str) -> Parameter:
    return Parameter(
        name,
        Real(low=0.0, high=1e60, typical=(0.3, 3.0)),
        f"{what} matrices have entries of variance {name}^2/d",
        default=1.0,
    )


register(
    Claim(
        id="RMT-9c",
        title="mean query gradient over value and key matrices",
        statement=(
            "For entries of W_V, W_K of variances sigma_V^2/d and sigma_K^2/d, at W_Q = 0: "
            "E||dY/dW_Q||_F^2 = ||X||_F^2 sigma_V^2 sigma_K^2 (d_v/d^2) ||C||_F^2."
        ),
        source=n.extends_noci("query gradients at uniform attention, mean over weights"),
        standing="derived",
        observable="gradient",
        parameters=(
            X,
            Parameter("d_v", Integer(low=1, high=10**15, typical=(1, 20)), "width of the values"),
            _std("sigma_V", "value"),
            _std("sigma_K", "key"),
        ),
        values={
            "mean_gradient_w_q_squared": Routine(
                _AVERAGE, _mean_gradient, ("X", "d_v", "sigma_V", "sigma_K")
            )
        },
        cases=(
            {"X": [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [2.0, -1.0]], "d_v": 3},
            {
                "X": [[1.0, 2.0, 0.5], [0.0, -1.0, 1.0], [0.3, 0.0, 2.0]],
                "d_v": 2,
                "sigma_V": 1.5,
                "sigma_K": 0.7,
            },
            {"X": [[1.0], [3.0], [-0.5]], "d_v": 1, "sigma_V": 0.5},
        ),
        judged_by=(
            DrawnExpectation(
                ("mean_gradient_w_q_squared",),
                _of_random_maps,
                lambda q: float(q["X"].shape[1] * (q["d_v"] + _WIDTH) * (8 + q["X"].shape[1])),
            ),
        ),
        wrong_twin=WrongTwin(
            "constant 1 taken as 1.08",
            {
                "mean_gradient_w_q_squared": Routine(
                    1.08 * _AVERAGE,
                    lambda *given: 1.08 * _mean_gradient(*given),
                    ("X", "d_v", "sigma_V", "sigma_K"),
                )
            },
        ),
    )
)
