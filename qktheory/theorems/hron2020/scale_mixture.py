"""ZOO-NNGP-1: one head is a Gaussian scale mixture, H of them are Gaussian up to 1/H."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from qktheory.base.domains import Integer, Parameter
from qktheory.base.shapes import Array, shapes_of
from qktheory.kernels import Stream
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import DrawnExpectation
from qktheory.theorems.papers import cite
from qktheory.theorems.routines import entries, named, times

FloatArray = NDArray[np.float64]

_HEADS = (
    Parameter("A_rows", Array("draws", "T"), "equally likely attention rows, (draws, T)"),
    Parameter("X", Array("T", "d"), "tokens, (T, d)"),
    Parameter("H", Integer(low=1, high=10**15, typical=(1, 20)), "number of heads"),
)


def _kernels(A_rows: FloatArray, X: FloatArray) -> FloatArray:
    """Return q = |A_row X|^2/d of each row."""
    return np.asarray(np.sum((A_rows @ X) ** 2, axis=1) / X.shape[1])


def _kurtosis(A_rows: FloatArray, X: FloatArray, H: int) -> dict[str, float | None]:
    q = _kernels(A_rows, X)
    mean = float(q.mean())
    if mean == 0.0:  # an output that is zero has no kurtosis
        return {"kernel_mean": 0.0, "excess_kurtosis": None}
    relative = (q - q[0]) / mean
    return {
        "kernel_mean": mean,
        "excess_kurtosis": 3.0 * float(np.var(relative)) / H,
    }


def _outputs(
    parameters: Mapping[str, Any], values: Mapping[str, Any], stream: Stream, first: int, n: int
) -> dict[str, FloatArray]:
    """Draw the rows and the value weights of all heads; powers of one output coordinate."""
    X, rows, H = (parameters[k] for k in ("X", "A_rows", "H"))
    d = X.shape[1]
    which = stream.child(experiment=(stream.experiment + 1) % (1 << 32)).uniforms(first, n, H)
    chosen = (rows @ X)[np.minimum((which * len(rows)).astype(np.intp), len(rows) - 1)]
    weights = stream.normals(first, n, H * d).reshape(n, H, d) / math.sqrt(H * d)
    output = np.einsum("rhd,rhd->r", chosen, weights)
    mean = float(_kernels(rows, X).mean())
    return {"kernel_mean": output**2, "excess_kurtosis": output**4 / mean**2 - 3.0}


_q = sp.Symbol("q")
_E = sp.Function("E")
_VALUES = entries(
    "found",
    {
        "kernel_mean": _E(_q),
        "excess_kurtosis": 3 * (_E(_q**2) / _E(_q) ** 2 - 1) / symbol("H"),
    },
)

register(
    Claim(
        id="ZOO-NNGP-1",
        title="excess kurtosis of H random heads",
        statement=(
            "An output coordinate of one head with random values is a Gaussian scale mixture of "
            "variance q = |sum_j A_j x_j|^2/d: its excess kurtosis 3 (E q^2/(E q)^2 - 1) falls "
            "exactly like 1/H with the number of heads."
        ),
        source=cite("hron2020", "heads at width, with the correction in 1/H"),
        standing="derived",
        observable="output",
        parameters=_HEADS,
        complete=shapes_of(_HEADS),
        where={"found": Routine(named("kurtosis", "q"), _kurtosis, ("A_rows", "X", "H"))},
        values=_VALUES,
        cases=(
            {"A_rows": [[1.0, 0.0], [0.0, 1.0]], "X": [[1.0, 0.0], [0.0, 2.0]], "H": 1},
            {"A_rows": [[0.5, 0.5], [0.1, 0.9]], "X": [[1.0, -0.5], [0.3, 2.0]], "H": 3},
            {
                "A_rows": [[0.2, 0.3, 0.5], [1.0, 0.0, 0.0], [0.0, 0.5, 0.5]],
                "X": [[1.0], [-2.0], [0.5]],
                "H": 2,
            },
        ),
        judged_by=(
            DrawnExpectation(
                ("kernel_mean", "excess_kurtosis"),
                _outputs,
                lambda q: 12.0 * q["H"] * q["X"].shape[1],
            ),
        ),
        wrong_twin=WrongTwin(
            "constant off by 9 %", {"kernel_mean": times(1.09, _VALUES["kernel_mean"])}
        ),
        proof=(
            "Given the rows, the output is N(0, Q), Q the mean of H independent copies of q. "
            "E y^4 = 3 E Q^2 and Var Q = Var q/H."
        ),
    )
)
