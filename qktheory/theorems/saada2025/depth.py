"""RMT-5: exact norms through layers of fresh attention."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from qktheory.kernels import Stream
from qktheory.numerics.gaussian_attention import product_norm_squared, relative_variance
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import DrawnExpectation, Identity
from qktheory.theorems.saada2025 import setting as s
from qktheory.theorems.saada2025.draws import branch, iid_attention, without_mean

FloatArray = NDArray[np.float64]

r = symbol("contraction")
COMMON = (1 - r**s.depth) / (1 - r)
PERP = s.t * r**s.depth
#: r = c_T^2/T.
CONTRACTION = Routine(s.c2_t / s.t, lambda c2_t, T: min(1.0, c2_t / T), ("c2_t", "T"))


def fresh_layers(
    parameters: Mapping[str, Any], stream: Stream, first: int, n: int, d: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Draw A_1..A_L, (L, n, T, T), W_1..W_L of entry variance sigma_V^2/d, and X_0 = [I 0]."""
    T, L = parameters["T"], parameters["L"]
    A = np.stack(
        [iid_attention(T, parameters["s2"], branch(stream, 2 * k), first, n) for k in range(L)]
    )
    W = np.stack(
        [branch(stream, 2 * k + 1).normals(first, n, d * d).reshape(n, d, d) for k in range(L)]
    )
    return A, W * (parameters["sigma_V"] / np.sqrt(d)), np.eye(T, d)


def _squared_norm(matrices: FloatArray) -> FloatArray:
    return np.asarray(np.sum(matrices**2, axis=(-2, -1)))


def _draw(
    parameters: Mapping[str, Any], values: Mapping[str, Any], stream: Stream, first: int, n: int
) -> dict[str, FloatArray]:
    """Multiply layers; d = T + 1 where values are mixed, as the means do not depend on d."""
    A, W, X = fresh_layers(parameters, stream, first, n, parameters["T"] + 1)
    product = perp = np.eye(parameters["T"])
    x, x_perp = X, X
    for attention, value in zip(A, W, strict=True):
        B = without_mean(attention)
        product, perp = attention @ product, B @ perp
        x, x_perp = attention @ x @ value, B @ x_perp @ value
    return {
        "mean_product_norm_squared": _squared_norm(product),
        "mean_product_norm_squared_perp": _squared_norm(perp),
        "mean_x_norm_squared": _squared_norm(x),
        "mean_x_norm_squared_perp": _squared_norm(x_perp),
    }


def _layer_by_layer(parameters: Mapping[str, Any]) -> dict[str, float]:
    """Follow the two parts of E P P^T = a I + b J: A maps tr to 1 + r tr, B to r tr."""
    T, gain = parameters["T"], parameters["sigma_V"] ** 2
    ratio = relative_variance(T, parameters["s2"]) / T
    # ||A P||^2 = ||J P||^2 + ||B P||^2 in mean; J P of all layers so far has the norm `mean`.
    mean, fluctuating = 0.0, float(T)
    for _ in range(parameters["L"]):
        # J B P has the part 1/T of its trace that adds to the common mean.
        mean, fluctuating = mean + fluctuating / T, ratio * fluctuating
    scale = gain ** parameters["L"]
    return {
        "mean_product_norm_squared": mean + fluctuating,
        "mean_product_norm_squared_perp": fluctuating,
        "mean_x_norm_squared": scale * (mean + fluctuating),
        "mean_x_norm_squared_perp": scale * fluctuating,
    }


def _draw_parameters(rng: np.random.Generator) -> dict[str, Any]:
    return {
        "T": int(10.0 ** rng.uniform(0.0, 9.0)),
        "s2": float(10.0 ** rng.uniform(-4.0, 1.5)),
        "L": int(rng.integers(0, 9)),
        "sigma_V": float(10.0 ** rng.uniform(-1.0, 1.0)),
    }


def _norm(place: int, statement: sp.Expr, scaled: bool, factor: float = 1.0) -> Routine:
    names = ("T", "contraction", "L", "sigma_V") if scaled else ("T", "contraction", "L")
    scale = s.sigma_V ** (2 * s.depth) if scaled else sp.Integer(1)
    return Routine(
        scale * statement, lambda *given: factor * product_norm_squared(*given)[place], names
    )


register(
    Claim(
        id="RMT-5",
        title="norms through layers of fresh attention",
        statement=(
            "For fresh iid attention, X_l = A_l X_(l-1) W_l, X_0 X_0^T = I: with r = c_T^2/T, at "
            "every T, E||A_L .. A_1||_F^2 = (1 - r^L)/(1 - r) + T r^L, E||B_L .. B_1||_F^2 = "
            "T r^L, and E||X_L||_F^2 is sigma_V^(2L) times the same."
        ),
        source=s.extends_saada("fresh attention; exact at every T and L"),
        standing="derived",
        observable="attention",
        parameters=(s.T, s.S2, s.DEPTH, s.SIGMA_V),
        where={"c2_t": s.C2_T},
        values={
            "contraction": CONTRACTION,
            "mean_product_norm_squared": _norm(0, COMMON + PERP, False),
            "mean_product_norm_squared_perp": _norm(1, PERP, False),
            "mean_x_norm_squared": _norm(0, COMMON + PERP, True),
            "mean_x_norm_squared_perp": _norm(1, PERP, True),
        },
        cases=(
            {"T": 4, "s2": 0.6931471805599453, "L": 2, "sigma_V": 1.0},
            {"T": 2, "s2": 2.0, "L": 3, "sigma_V": 1.3},
            {"T": 3, "s2": 0.25, "L": 1, "sigma_V": 0.7},
        ),
        judged_by=(
            DrawnExpectation(
                (
                    "mean_product_norm_squared",
                    "mean_product_norm_squared_perp",
                    "mean_x_norm_squared",
                    "mean_x_norm_squared_perp",
                ),
                _draw,
                lambda q: float(q["L"] * (20 * q["T"] ** 2 + 6 * q["T"] ** 3)),
            ),
            Identity(_layer_by_layer, _draw_parameters, tolerance=1e-9, most_draws=60),
        ),
        wrong_twin=WrongTwin(
            "constant 1 of T r^L taken as 1.08",
            {"mean_product_norm_squared_perp": _norm(1, 1.08 * PERP, False, 1.08)},
        ),
        proof=(
            "B_l J = 0, so A_L .. A_1 = J (I + B_1 + B_2 B_1 + .. + B_(L-1) .. B_1) + B_L .. B_1. "
            "Rows of B_l are independent with mean 0 and E B^T B = c_T^2/(T-1) (I - J), so "
            "E||B P||_F^2 = c_T^2/(T-1) ||(I - J) P||_F^2, and E||(I - J) B P||_F^2 = "
            "(1 - 1/T) E||B P||_F^2: each factor contributes r = c_T^2/T, the first one c_T^2, "
            "which is T r. Terms of different length are uncorrelated, J X has 1/T of the squared "
            "norm of a matrix X of independent centred rows, and value matrices multiply "
            "squared norms by sigma_V^2 in mean."
        ),
    )
)
