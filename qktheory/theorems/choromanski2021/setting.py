"""What the claims about random features share: sources, parameters, symbols, draws.

Queries and keys are q = W_Q^T x, k = W_K^T y with the temperature absorbed; m features have
frequencies omega_r, and Khat is their mean, of expectation K = e^(q^T k).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from qktheory.base.domains import Integer, Matrix, Parameter, Real, RealList
from qktheory.base.errors import bad_value
from qktheory.kernels import Stream
from qktheory.numerics.random_features import Pair
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Routine, Source
from qktheory.theorems.papers import cite

__all__ = [
    "CHOROMANSKI_2021",
    "COSINE",
    "FEATURE_COUNT",
    "NORM_X",
    "NORM_Y",
    "QUERY_KEYS",
    "RAHIMI_2007",
    "SIZE",
    "W_K",
    "W_Q",
    "FloatArray",
    "K",
    "N",
    "check_factors",
    "check_keys",
    "cosine",
    "d",
    "delta2",
    "extends_choromanski",
    "m",
    "norm_x",
    "norm_y",
    "pair_of",
    "plane",
    "products",
    "routine",
    "z2",
]

FloatArray = NDArray[np.float64]

RAHIMI_2007 = cite("rahimi2007", "random features")
CHOROMANSKI_2021 = cite("choromanski2021", "Lemmas 1 and 2, Theorem 2")


def extends_choromanski(what: str) -> Source:
    """Return the paper as the setting of a result that goes beyond it."""
    return cite("choromanski2021", what)


def routine(statement: sp.Basic, compute: Callable[..., Any], *names: str) -> Routine:
    """Return a routine of named values."""
    return Routine(statement, compute, names)


# --- parameters -----------------------------------------------------------------------------------

_NORM = Real(low=0.0, high=1e150, high_open=True, typical=(0.0, 1.5))
NORM_X = Parameter("norm_x", _NORM, "norm of the first vector")
NORM_Y = Parameter("norm_y", _NORM, "norm of the second vector")
COSINE = Parameter("cosine", Real(-1.0, 1.0, typical=(-1.0, 1.0)), "cosine of both vectors")
FEATURE_COUNT = Parameter(
    "feature_count", Integer(low=1, high=10**15, typical=(1, 8)), "number of features m"
)
SIZE = Parameter("d", Integer(low=1, high=10**15, typical=(1, 40)), "dimension")
QUERY_KEYS = (
    Parameter("q", RealList(Real(typical=(-0.6, 0.6))), "query, (d,)"),
    Parameter("K", Matrix(), "keys, (n, d)"),
)
W_Q = Parameter("W_Q", Matrix(), "query projection, (d, d_k)")
W_K = Parameter("W_K", Matrix(), "key projection, (d, d_k)")


def check_keys(parameters: dict[str, Any]) -> None:
    """Demand keys (and frequencies) of the dimension of the query."""
    d = len(parameters["q"])
    for name in ("K", "Omega"):
        if name in parameters and parameters[name].shape[1] != d:
            shape = parameters[name].shape
            raise bad_value(name, f"array of shape {shape}", f"rows of length d = {d}, that of q")


def check_factors(parameters: dict[str, Any]) -> None:
    """Demand two factors of one shape."""
    shape, other = parameters["W_Q"].shape, parameters["W_K"].shape
    if shape != other:
        raise bad_value("W_K", f"array of shape {other}", f"the shape {shape} of W_Q")


# --- symbols --------------------------------------------------------------------------------------

norm_x, norm_y, cosine = symbol("norm_x"), symbol("norm_y"), symbol("cosine")
m, d = symbol("feature_count"), symbol("d")
N = norm_x**2 + norm_y**2
K = sp.exp(norm_x * norm_y * cosine)
z2 = N + 2 * norm_x * norm_y * cosine
delta2 = N - 2 * norm_x * norm_y * cosine


# --- pairs of vectors -----------------------------------------------------------------------------


def pair_of(norm_x: float, norm_y: float, cosine: float) -> Pair:
    """Return the pair of the parameters of these names."""
    return Pair(norm_x, norm_y, cosine)


def plane(pair: Pair, size: int = 2) -> tuple[FloatArray, FloatArray]:
    """Return two vectors of R^size, size >= 2, that realise a pair."""
    x, y = np.zeros(size), np.zeros(size)
    x[0] = pair.norm_x
    y[0] = pair.norm_y * pair.cosine
    y[1] = pair.norm_y * float(np.sqrt((1.0 - pair.cosine) * (1.0 + pair.cosine)))
    return x, y


def products(
    pair: Pair, feature_count: int, stream: Stream, first: int, n: int
) -> tuple[FloatArray, FloatArray]:
    """Draw omega^T (x + y) and omega^T (x - y) of m iid frequencies, each (n, m)."""
    x, y = plane(pair)
    omega = stream.normals(first, n, 2 * feature_count).reshape(n, feature_count, 2)
    return omega @ (x + y), omega @ (x - y)
