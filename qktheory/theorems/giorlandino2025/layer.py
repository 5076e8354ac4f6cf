"""ENT-15g: the Gram matrix of the outputs; and draws of whole layers, which ENT-15 is judged by."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from qktheory.base.domains import Matrix, Parameter
from qktheory.base.errors import bad_value
from qktheory.kernels import Stream, experiment_id
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.giorlandino2025 import setting as g
from qktheory.theorems.judgements import DrawnExpectation
from qktheory.tokens.law import TokenLaw
from qktheory.tokens.laws.simplex import Simplex

__all__ = ["layer_grams"]

FloatArray = NDArray[np.float64]

# --- draws of a layer -----------------------------------------------------------------------------


def _part(stream: Stream, name: str) -> Stream:
    return stream.child(experiment=experiment_id(f"{stream.experiment}/{name}"))


def layer_grams(
    tokens: TokenLaw,
    sizes: tuple[int, int],
    s0: float,
    weights: tuple[float, float],
    stream: Stream,
    first_sample: int,
    n: int,
) -> tuple[FloatArray, FloatArray]:
    """Draw n layers alpha x + A x W_V with everything in them and return their mean Grams.

    Parameters
    ----------
    tokens : TokenLaw
        Law of the tokens, of squared norm d.
    sizes : (int, int)
        T and d.
    s0 : float
        Standard deviation of the logits at cosine 0: W_QK has iid entries N(0, s0^2/d), the
        limit of wide heads, and the temperature is sqrt(d).
    weights : (float, float)
        alpha and sigma_V.
    stream, first_sample, n
        Where random numbers come from; sample k depends on the stream and on k alone.

    Returns
    -------
    P, Q : ndarray of shape (n,)
        Mean of x'_t . x'_u/d over pairs t != u, and of norm(x'_t)^2/d.
    """
    T, d = sizes
    alpha, sigma_V = weights
    X = tokens.draw(_part(stream, "tokens"), first_sample, n, T, d)
    W = _part(stream, "W_QK").normals(first_sample, n, d * d).reshape(n, d, d)
    scores = np.matmul(np.matmul(X, W), X.transpose(0, 2, 1)) * (s0 / d)
    scores -= scores.max(axis=2, keepdims=True)
    A = np.exp(scores)
    A /= A.sum(axis=2, keepdims=True)
    W_V = _part(stream, "W_V").normals(first_sample, n, d * d).reshape(n, d, d)
    out = alpha * X + np.matmul(np.matmul(A, X), W_V) * (sigma_V / math.sqrt(d))
    squares = np.square(out).sum(axis=(1, 2))
    total = np.square(out.sum(axis=1)).sum(axis=1)
    return (total - squares) / (T * (T - 1) * d), squares / (T * d)


# --- ENT-15g --------------------------------------------------------------------------------------

_A = sp.MatrixSymbol("A", sp.Symbol("n", integer=True, positive=True), g.t)
_ONES = sp.Symbol("J")


class _RowStochastic:
    """Matrices of weights >= 0 whose rows sum to 1."""

    def check(self, argument: str, value: object) -> FloatArray:
        A = Matrix().check(argument, value)
        if A.min() < 0.0 or np.abs(A.sum(axis=1) - 1.0).max() > 1e-9:
            raise bad_value(argument, value, self.describe())
        return A

    def describe(self) -> str:
        return "a matrix (list of rows) of numbers >= 0 whose rows sum to 1"

    def sample(self, rng: np.random.Generator) -> FloatArray:
        return rng.dirichlet(np.ones(int(rng.integers(1, 6))), size=int(rng.integers(1, 4)))


def _complete(parameters: dict[str, Any]) -> None:
    A = parameters["A"]
    g.complete_simplex({"T": float(A.shape[1]), "cosine": parameters["cosine"]})


def _gram(A: FloatArray, cosine: float, sigma_V: float) -> FloatArray:
    return np.asarray(sigma_V**2 * (cosine + (1.0 - cosine) * (A @ A.T)))


def _draw_outputs(
    parameters: Mapping[str, Any],
    values: Mapping[str, Any],
    stream: Stream,
    first_sample: int,
    n: int,
) -> dict[str, FloatArray]:
    """Draw simplex tokens in any orientation and W_V, and form Y Y^T/d."""
    A = parameters["A"]
    T = A.shape[1]
    d = T + 1
    tokens = Simplex(cosine=parameters["cosine"])
    X = tokens.draw(_part(stream, "tokens"), first_sample, n, T, d)
    W_V = _part(stream, "W_V").normals(first_sample, n, d * d).reshape(n, d, d)
    Y = np.matmul(np.matmul(A, X), W_V) * (parameters["sigma_V"] / math.sqrt(d))
    return {"output_gram": np.matmul(Y, Y.transpose(0, 2, 1)).reshape(n, -1) / d}


register(
    Claim(
        id="ENT-15g",
        title="Gram matrix of attention outputs of simplex tokens",
        statement=(
            "For simplex tokens and given weights A, averaged over W_V: "
            "E[y_t . y_u]/d = sigma_V^2 (cosine + (1 - cosine) (A A^T)_tu)."
        ),
        source=g.after_giorlandino("output overlaps, exact given the simplex and A"),
        standing="derived",
        observable="output Gram matrix",
        parameters=(
            Parameter("A", _RowStochastic(), "attention weights, (n, T)"),
            g.COSINE,
            g.SIGMA_V,
        ),
        complete=_complete,
        values={
            "output_gram": Routine(
                g.sigma_V**2 * (g.rho * _ONES + (1 - g.rho) * sp.Symbol("A A^T")),
                _gram,
                ("A", "cosine", "sigma_V"),
            )
        },
        cases=(
            {"A": [[0.5, 0.5], [0.25, 0.75]], "cosine": 0.2},
            {"A": [[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]], "cosine": -0.4, "sigma_V": 1.5},
            {"A": [[1.0, 0.0], [0.0, 1.0]], "cosine": 0.0, "sigma_V": 2.0},
        ),
        judged_by=(
            DrawnExpectation(
                ("output_gram",), _draw_outputs, lambda p: 4.0 * (p["A"].shape[1] + 1) ** 2
            ),
        ),
        wrong_twin=WrongTwin(
            "sigma_V^2 taken as 1.1 sigma_V^2",
            {
                "output_gram": Routine(
                    sp.Rational(11, 10) * g.sigma_V**2 * sp.Symbol("A A^T"),
                    lambda A, cosine, sigma_V: 1.1 * _gram(A, cosine, sigma_V),
                    ("A", "cosine", "sigma_V"),
                )
            },
        ),
    )
)
