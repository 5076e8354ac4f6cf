"""RMT-7: gradients of value weights through layers of attention."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from qktheory.base.domains import Integer, Matrix, Parameter
from qktheory.base.errors import bad_value
from qktheory.kernels import Stream
from qktheory.numerics.gaussian_attention import product_norm_squared
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import DrawnExpectation, Identity
from qktheory.theorems.saada2025 import setting as s
from qktheory.theorems.saada2025.depth import COMMON, CONTRACTION, PERP, fresh_layers
from qktheory.theorems.saada2025.draws import without_mean

FloatArray = NDArray[np.float64]

# --- RMT-7a ---------------------------------------------------------------------------------------


def _mean(place: int, statement: sp.Expr, factor: float = 1.0) -> Routine:
    def compute(T: int, d: int, r: float, L: int, sigma_V: float) -> float:
        norm = product_norm_squared(T, r, L)[place]
        return float(factor * d * norm * sigma_V ** (2 * (L - 1)))

    return Routine(
        s.d * s.sigma_V ** (2 * (s.depth - 1)) * statement,
        compute,
        ("T", "d", "contraction", "L", "sigma_V"),
    )


def _products(matrices: FloatArray, start: FloatArray, left: bool) -> list[FloatArray]:
    """Return start and its products with one matrix after another."""
    found = [start]
    for matrix in matrices:
        found.append(matrix @ found[-1] if left else found[-1] @ matrix)
    return found


def _draw(
    parameters: Mapping[str, Any], values: Mapping[str, Any], stream: Stream, first: int, n: int
) -> dict[str, FloatArray]:
    """Take the mean over the layers: each has the same one."""
    d, L = parameters["d"], parameters["L"]
    A, W, X = fresh_layers(parameters, stream, first, n, d)
    left_values = _products(W[:-1], np.broadcast_to(np.eye(d), (n, d, d)), left=False)
    right_values = _products(W[:0:-1], np.broadcast_to(np.eye(d), (n, d, d)), left=True)[::-1]
    found = {}
    for name, factors in (
        ("mean_gradient_norm_squared", A),
        ("mean_gradient_norm_squared_perp", without_mean(A)),
    ):
        product = _products(factors, X, left=True)[-1]
        total = np.zeros(n)
        for before, after in zip(left_values, right_values, strict=True):
            left = np.sum((product @ before) ** 2, axis=(1, 2))
            total += left * np.sum(after**2, axis=(1, 2))
        found[name] = total / L
    return found


register(
    Claim(
        id="RMT-7a",
        title="gradients of the value weights of fresh attention",
        statement=(
            "For attention independent of X and X_0 X_0^T = I, E||dX_L/dW_l||_F^2 = "
            "d sigma_V^(2(L-1)) ((1 - r^L)/(1 - r) + T r^L) with A and d sigma_V^(2(L-1)) T r^L "
            "with A - J, r = c_T^2/T: the same for every layer l, exactly."
        ),
        source=s.extends_saada("gradients of value weights, exact"),
        standing="corrected",
        observable="gradient",
        parameters=(
            s.T,
            s.SIZE,
            s.S2,
            Parameter("L", Integer(low=1, high=10**15, typical=(1, 6)), "number of layers"),
            s.SIGMA_V,
        ),
        complete=s.complete_aspect,
        where={"c2_t": s.C2_T, "contraction": CONTRACTION},
        values={
            "mean_gradient_norm_squared": _mean(0, COMMON + PERP),
            "mean_gradient_norm_squared_perp": _mean(1, PERP),
        },
        cases=(
            {"T": 2, "d": 3, "s2": 0.6931471805599453, "L": 2, "sigma_V": 1.0},
            {"T": 3, "d": 3, "s2": 1.0, "L": 2, "sigma_V": 1.4},
            {"T": 3, "d": 4, "s2": 2.0, "L": 1, "sigma_V": 0.5},
        ),
        judged_by=(
            DrawnExpectation(
                ("mean_gradient_norm_squared", "mean_gradient_norm_squared_perp"),
                _draw,
                lambda q: float(q["L"] * (20 * q["T"] ** 2 + 8 * q["d"] ** 3)),
            ),
        ),
        wrong_twin=WrongTwin(
            "constant 1 of T r^L taken as 1.08",
            {"mean_gradient_norm_squared_perp": _mean(1, 1.08 * PERP, 1.08)},
        ),
    )
)

# --- RMT-7b ---------------------------------------------------------------------------------------


class _Matrices:
    """Non-empty lists of matrices."""

    def check(self, argument: str, value: object) -> list[FloatArray]:
        if not isinstance(value, Iterable) or isinstance(value, str | bytes | Mapping):
            raise bad_value(argument, value, self.describe())
        found = [Matrix().check(f"{argument}[{k}]", matrix) for k, matrix in enumerate(value)]
        if not found:
            raise bad_value(argument, "an empty list", self.describe())
        return found

    def describe(self) -> str:
        return "a non-empty list of matrices, one for each layer"

    def sample(self, rng: np.random.Generator) -> list[FloatArray]:
        return [np.asarray(rng.normal(size=(2, 2))) for _ in range(2)]


def _chain(parameters: dict[str, Any]) -> None:
    """Demand shapes that can be multiplied, as many matrices of both kinds, an existing layer."""
    attention, values = parameters["attention_matrices"], parameters["value_matrices"]
    rows, columns = parameters["X"].shape
    if len(values) != len(attention):
        raise bad_value(
            "value_matrices", f"a list of {len(values)} entries", f"{len(attention)}, one a layer"
        )
    for k, (A, V) in enumerate(zip(attention, values, strict=True)):
        if A.shape[1] != rows:
            raise bad_value(
                f"attention_matrices[{k}]", f"array of shape {A.shape}", f"{rows} columns"
            )
        if V.shape[0] != columns:
            raise bad_value(f"value_matrices[{k}]", f"array of shape {V.shape}", f"{columns} rows")
        rows, columns = A.shape[0], V.shape[1]
    if parameters["layer"] > len(attention):
        raise bad_value("layer", parameters["layer"], f"an integer <= L = {len(attention)}")


def _left(
    X: FloatArray, attention: list[FloatArray], values: list[FloatArray], layer: int
) -> float:
    product = X
    for V in values[: layer - 1]:
        product = product @ V
    for A in attention:
        product = A @ product
    return float(np.sum(product**2))


def _right(values: list[FloatArray], layer: int) -> float:
    product = np.eye(values[layer - 1].shape[1])
    for V in values[layer:]:
        product = product @ V
    return float(np.sum(product**2))


def _jacobian(parameters: Mapping[str, Any]) -> dict[str, float]:
    """Put a single entry in place of W_l: X_L is linear in it."""
    attention, values = parameters["attention_matrices"], parameters["value_matrices"]
    layer = parameters["layer"]
    shape = values[layer - 1].shape
    total = 0.0
    for entry in range(shape[0] * shape[1]):
        X = parameters["X"]
        for number, (A, V) in enumerate(zip(attention, values, strict=True), start=1):
            unit = np.zeros(V.size)
            unit[entry % V.size] = 1.0
            X = A @ X @ (unit.reshape(V.shape) if number == layer else V)
        total += float(np.sum(X**2))
    return {"gradient_norm_squared": total}


def _draw_chain(rng: np.random.Generator) -> dict[str, Any]:
    L, T = int(rng.integers(1, 4)), int(rng.integers(1, 5))
    widths = rng.integers(1, 5, size=L + 1)
    return {
        "X": rng.normal(size=(T, widths[0])),
        "attention_matrices": [rng.dirichlet(np.ones(T), size=T) for _ in range(L)],
        "value_matrices": [rng.normal(size=(widths[k], widths[k + 1])) for k in range(L)],
        "layer": int(rng.integers(1, L + 1)),
    }


_left_norm, _right_norm = symbol("left_norm_squared"), symbol("right_norm_squared")
_P = sp.MatrixSymbol("P_l", s.t, s.d)
_Q = sp.MatrixSymbol("Q_l", s.d, s.d)
_FEW = [[0.5, 0.5], [0.25, 0.75]], [[1.0, 0.0], [0.5, 0.5]]

register(
    Claim(
        id="RMT-7b",
        title="Jacobian of the value weights of one layer",
        statement=(
            "For fixed attention ||dX_L/dW_l||_F^2 = ||A_L .. A_1 X W_1 .. W_(l-1)||_F^2 "
            "||W_(l+1) .. W_L||_F^2: the Jacobian is a Kronecker product, and all attention "
            "matrices act on the left whatever l."
        ),
        source=s.extends_saada("gradients of value weights, pathwise"),
        standing="corrected",
        observable="gradient",
        parameters=(
            Parameter("X", Matrix(), "tokens before the first layer, (T, d)"),
            Parameter("attention_matrices", _Matrices(), "A_1 .. A_L"),
            Parameter("value_matrices", _Matrices(), "W_1 .. W_L, acting from the right"),
            s.LAYER,
        ),
        complete=_chain,
        values={
            "left_norm_squared": Routine(
                sp.Trace(_P * _P.T), _left, ("X", "attention_matrices", "value_matrices", "layer")
            ),
            "right_norm_squared": Routine(sp.Trace(_Q * _Q.T), _right, ("value_matrices", "layer")),
            "gradient_norm_squared": _left_norm * _right_norm,
        },
        cases=(
            {
                "X": [[1.0, 0.0], [0.0, 1.0]],
                "attention_matrices": _FEW,
                "value_matrices": [[[1.0, 2.0], [0.0, 1.0]], [[0.0, 1.0], [1.0, 1.0]]],
                "layer": 1,
            },
            {
                "X": [[1.0, 2.0, 0.0], [0.5, -1.0, 1.0]],
                "attention_matrices": _FEW,
                "value_matrices": [
                    [[1.0, 0.0], [2.0, 1.0], [-1.0, 0.5]],
                    [[1.0, 1.0, 0.0], [0.0, 2.0, -1.0]],
                ],
                "layer": 2,
            },
            {
                "X": [[2.0], [1.0]],
                "attention_matrices": _FEW[:1],
                "value_matrices": [[[3.0]]],
                "layer": 1,
            },
        ),
        judged_by=(Identity(_jacobian, _draw_chain, tolerance=1e-10),),
        wrong_twin=WrongTwin(
            "constant 1 taken as 1.05",
            {"gradient_norm_squared": sp.Rational(105, 100) * _left_norm * _right_norm},
        ),
    )
)
