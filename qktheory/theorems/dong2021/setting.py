"""What the claims on rank collapse share: sources, domains of weights, networks, random inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from qktheory.base.arrays import load_array
from qktheory.base.domains import Integer, Matrix, Parameter, Real, RealList
from qktheory.base.errors import bad_value
from qktheory.numerics.layer_split import LayerSplit
from qktheory.theorems.claim import Routine, Source
from qktheory.theorems.judgements import Asymptotic, Evaluate
from qktheory.theorems.papers import cite

Floats = NDArray[np.float64]

DONG_2021 = cite("dong2021", "Theorem 2.2")


def extends_dong(what: str) -> Source:
    """Return the paper as the setting of a result that goes beyond it."""
    return cite("dong2021", what)


# --- domains --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Weights:
    """Matrices, possibly one for every head, or for every layer and head.

    Parameters
    ----------
    ndim : tuple of int
        2 for one matrix, 3 with an index of heads, 4 with an index of layers before it.
    """

    ndim: tuple[int, ...] = (2,)

    def check(self, argument: str, value: object) -> Floats:
        """Return a finite array."""
        return load_array(argument, value, ndim=self.ndim)

    def describe(self) -> str:
        """Word the domain."""
        words = {2: "a matrix", 3: "one matrix for each head", 4: "matrices for layers and heads"}
        return "finite numbers: " + " or ".join(words[n] for n in self.ndim)

    def sample(self, rng: np.random.Generator) -> Floats:
        """Draw one matrix."""
        size = int(rng.integers(1, 4))
        return rng.normal(size=(size, size))


@dataclass(frozen=True)
class Rows:
    """A list of numbers, or one list for each layer."""

    def check(self, argument: str, value: object) -> Floats:
        """Return an array of one or two dimensions."""
        return load_array(argument, value, ndim=(1, 2))

    def describe(self) -> str:
        """Word the domain."""
        return "a list of finite numbers, or one for each layer"

    def sample(self, rng: np.random.Generator) -> Floats:
        """Draw one list."""
        return rng.normal(size=int(rng.integers(1, 4)))


@dataclass(frozen=True)
class Flag:
    """True or false."""

    def check(self, argument: str, value: object) -> bool:
        """Return a bool."""
        if not isinstance(value, bool | np.bool_):
            raise bad_value(argument, value, "true or false")
        return bool(value)

    def describe(self) -> str:
        """Word the domain."""
        return "true or false"

    def sample(self, rng: np.random.Generator) -> bool:
        """Draw either."""
        return bool(rng.integers(2))


@dataclass(frozen=True)
class ScoreBiases:
    """Square matrices of finite numbers in which None (null) stands for a masked entry."""

    def check(self, argument: str, value: object) -> Floats:
        """Return an array with -inf at masked entries."""
        rows = value.tolist() if isinstance(value, np.ndarray) else value
        if isinstance(rows, str | bytes) or not isinstance(rows, Iterable):
            raise bad_value(argument, value, self.describe())
        rows = [
            list(row) if isinstance(row, Iterable) and not isinstance(row, str) else row
            for row in rows
        ]
        if not rows or any(not isinstance(row, list) or len(row) != len(rows) for row in rows):
            raise bad_value(argument, value, self.describe())
        masked = np.array(
            [[x is None or (isinstance(x, float) and x == -np.inf) for x in row] for row in rows]
        )
        filled = [
            [0.0 if hidden else x for x, hidden in zip(row, line, strict=True)]
            for row, line in zip(rows, masked, strict=True)
        ]
        array = np.array(load_array(argument, filled, ndim=2))
        if masked.all(axis=1).any():
            row = int(np.argmax(masked.all(axis=1)))
            raise ValueError(f"{argument} masks all of row {row}: expected a visible entry in each")
        array[masked] = -np.inf
        return array

    def describe(self) -> str:
        """Word the domain."""
        return "a square matrix of finite numbers, null where a key is masked"

    def sample(self, rng: np.random.Generator) -> list[list[float | None]]:
        """Draw a small matrix with masked entries off its diagonal."""
        size = int(rng.integers(1, 5))
        drawn: list[list[float | None]] = rng.normal(size=(size, size)).tolist()
        for i in range(size):
            for j in range(size):
                if i != j and rng.random() < 0.3:
                    drawn[i][j] = None
        return drawn


# --- parameters -----------------------------------------------------------------------------------

TOKENS = Parameter("X", Matrix(), "tokens, (T, d)")
W_QK = Parameter("W_QK", Weights(), "query-key matrix, (d, d)")
W_V = Parameter("W_V", Weights(), "value-output matrix, (d, m); identity by default", None)
HEADS_QK = Parameter("W_QK", Weights((2, 3)), "query-key matrices, (d, d) or (H, d, d)")
HEADS_V = Parameter("W_V", Weights((2, 3)), "value-output matrices; identities by default", None)
LAYERS_QK = Parameter("W_QK", Weights((2, 3, 4)), "query-key matrices, up to (L, H, d, d)")
LAYERS_V = Parameter(
    "W_V", Weights((2, 3, 4)), "value-output, up to (L, H, d, d); identities by default", None
)
TEMPERATURE = Parameter(
    "temperature",
    Real(low=0.0, low_open=True, typical=(0.3, 4.0)),
    "scores are x_i^T W_QK x_j / temperature",
    1.0,
)
REFERENCE = Parameter(
    "reference", RealList(), "common row c that residuals refer to; column means by default", None
)
DEPTH = Parameter("L", Integer(low=0, high=10_000, typical=(0, 5)), "number of layers")
BIAS = Parameter("bias", Rows(), "added to every token, (d) or (L, d); 0 by default", None)
SKIP = Parameter("skip", Flag(), "whether layers add their input", False)


# --- shapes ---------------------------------------------------------------------------------------


def check_widths(p: dict[str, Any], square: bool = False) -> None:
    """Check that weights fit each other and the tokens, and fill in identities for W_V."""
    width = p["X"].shape[1] if "X" in p else p["W_QK"].shape[-1]
    if p["W_QK"].shape[-2:] != (width, width):
        raise bad_value(
            "W_QK", f"array of shape {p['W_QK'].shape}", f"matrices of size d = {width}"
        )
    if p["W_V"] is None:
        p["W_V"] = np.broadcast_to(np.eye(width), p["W_QK"].shape)
    shape = p["W_V"].shape
    if shape[-2] != width or (square and shape[-1] != width):
        expected = f"matrices of size d = {width}" if square else f"matrices with d = {width} rows"
        raise bad_value("W_V", f"array of shape {shape}", expected)
    heads = [w.shape[-3] if w.ndim > 2 else 1 for w in (p["W_QK"], p["W_V"])]
    if heads[0] != heads[1]:
        raise bad_value("W_V", f"array of shape {shape}", f"as many heads as W_QK, {heads[0]}")
    if p.get("reference") is not None and len(p["reference"]) != width:
        raise bad_value("reference", p["reference"].tolist(), f"a list of length d = {width}")


def check_square_widths(p: dict[str, Any]) -> None:
    """Check weights of layers that can follow each other."""
    check_widths(p, square=True)
    for name in ("W_QK", "W_V"):
        if p[name].ndim == 4 and "L" in p and len(p[name]) != p["L"]:
            raise bad_value(name, f"array of shape {p[name].shape}", f"L = {p['L']} layers")
    bias = p.get("bias")
    if bias is None:
        return
    width = p["W_QK"].shape[-1]
    if bias.shape[-1] != width or (bias.ndim == 2 and len(bias) != p["L"]):
        expected = f"a list of length d = {width}, or L = {p['L']} of them"
        raise bad_value("bias", f"array of shape {bias.shape}", expected)


def heads_of(weights: Floats) -> Floats:
    """Return weights of one layer as (H, d, m)."""
    return np.asarray(weights if weights.ndim == 3 else weights[None])


def layers_of(weights: Floats, L: int) -> Floats:
    """Return weights as (L, H, d, m), without copying those that layers share."""
    if weights.ndim == 4:
        return weights
    heads = heads_of(weights)
    return np.broadcast_to(heads, (L, *heads.shape))


def biases_of(bias: Floats | None, L: int) -> Floats | None:
    """Return biases as (L, d)."""
    return None if bias is None else np.broadcast_to(bias, (L, bias.shape[-1]))


# --- symbols and routines -------------------------------------------------------------------------

n, d, L = sp.Symbol("T", integer=True, positive=True), sp.Symbol("d"), sp.Symbol("L")
X, R, Z, E, P, A, W = sp.symbols("X R Z E P A W", commutative=False)
h, i, j, l = sp.symbols("h i j l")
c, q, X_T, R_T, common = sp.symbols("c q X^T R^T 1*common_row^T", commutative=False)
Pi = sp.Symbol("Pi", commutative=False)
norm_1, norm_inf, norm_1inf = (sp.Function(name) for name in ("norm_1", "norm_inf", "norm_1inf"))
norm_2, norm_F, diam = sp.Function("norm_2"), sp.Function("norm_F"), sp.Function("diam_2")
tau, osc, softmax = sp.Function("tau"), sp.Function("osc"), sp.Function("softmax")
log10 = sp.Function("log_10")


def routine(source: str, statement: Any, compute: Callable[[Any], Any]) -> Routine:
    """Return a value computed from one auxiliary object."""
    return Routine(sp.sympify(statement), compute, (source,))


#: One head around its reference.
SPLIT = Routine(
    sp.Eq(P * X, common + Z * R, evaluate=False),
    LayerSplit,
    ("X", "W_QK", "temperature", "reference"),
)
#: The same around the column means.
MEAN_SPLIT = Routine(
    sp.Eq(P * X, common + Z * R, evaluate=False), LayerSplit, ("X", "W_QK", "temperature")
)

# --- inputs ---------------------------------------------------------------------------------------

X_4 = np.array([[1.0, 0.0, 2.0], [0.0, 1.0, -1.0], [2.0, -1.0, 0.0], [-1.0, 1.0, 1.0]])
A_1 = [[1.0, 0.0, -1.0], [0.0, 2.0, 1.0], [1.0, -1.0, 0.0]]
W_1 = [[1.0, 2.0, 0.0], [0.0, 1.0, -1.0], [1.0, 0.0, 1.0]]
A_2 = [[0.0, 1.0, 0.0], [-1.0, 0.0, 1.0], [1.0, 1.0, -1.0]]
W_2 = [[0.0, 1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]]


def chapter_input(size: float, heads: int = 1, /, **more: Any) -> dict[str, Any]:
    """Return the test input of the chapter, tokens times `size`, with one head or two."""
    one = {"W_QK": A_1, "W_V": W_1}
    two = {"W_QK": [A_1, A_2], "W_V": [W_1, W_2]}
    return {"X": (size * X_4).tolist(), "temperature": 2.0, **(two if heads == 2 else one), **more}


#: Two antipodal tokens in one dimension, where contraction bounds are attained.
PAIR: dict[str, Any] = {"X": [[0.5], [-0.5]], "W_QK": [[1.0]], "W_V": [[2.0]], "temperature": 1.0}
#: Tokens around a common row, whose spread a ladder shrinks.
SPREAD_CASES = tuple(
    {
        "X": (np.array([0.3, -0.2, 0.5]) + 0.1 * (X_4 - X_4.mean(axis=0))).tolist(),
        "W_QK": a,
        "W_V": w,
        "temperature": temperature,
    }
    for a, w, temperature in (
        (A_1, np.eye(3).tolist(), 2.0),
        (A_2, W_1, 1.0),
        (A_1, W_2, 0.5),
    )
)


def as_spread_shrinks(
    finite: Callable[[Evaluate, Mapping[str, Any], float], tuple[float, float]],
) -> Asymptotic:
    """Return the judgement that a residual tends to its leading part, on `SPREAD_CASES`."""
    return Asymptotic(
        "residual_leading",
        "1/spread",
        (1.0, 3.0, 10.0, 30.0, 100.0),
        finite,
        rate=0.9,
        slack=2.0,
        floor=1e-9,
    )


def draw_tokens(rng: np.random.Generator, T: int, width: int) -> Floats:
    """Draw tokens of any shape: normal, one outlier, antipodal, or with a hub, over decades."""
    kind = int(rng.integers(4))
    X = rng.normal(size=(T, width))
    if kind == 1:
        X *= 1e-2
        X[0] += 3.0 * rng.normal(size=width)
    elif kind == 2:
        X = np.where(np.arange(T)[:, None] % 2 == 0, 1.0, -1.0) * X[:1] + 1e-3 * X
    elif kind == 3:
        X = np.eye(T, width) * 10.0 ** rng.uniform(-0.5, 0.5)
        X[0] += rng.normal(size=width)
    return np.asarray(X * 10.0 ** rng.uniform(-1.5, 0.7) + rng.normal(size=width))


def draw_layer(rng: np.random.Generator, heads: int | None = None) -> dict[str, Any]:
    """Draw tokens and the weights of one layer, at most 6 tokens of width 4.

    One head without an index if `heads` is None.
    """
    T, width = int(rng.integers(1, 7)), int(rng.integers(1, 5))
    shape = (width, width) if heads is None else (heads, width, width)
    return {
        "X": draw_tokens(rng, T, width),
        "W_QK": rng.normal(size=shape) * 10.0 ** rng.uniform(-1.0, 0.7),
        "W_V": rng.normal(size=shape),
        "temperature": float(10.0 ** rng.uniform(-0.5, 0.7)),
    }


def draw_network(rng: np.random.Generator, depth: int, **more: Any) -> dict[str, Any]:
    """Draw a network of up to three layers and two heads on 2 to 4 tokens."""
    layer = draw_layer(rng, int(rng.integers(1, 3)))
    width = layer["W_QK"].shape[-1]
    X = rng.normal(size=(int(rng.integers(2, 5)), width)) * 10.0 ** rng.uniform(-1.0, 0.0)
    return {**layer, "X": X, "L": int(rng.integers(1, depth + 1)), **more}
