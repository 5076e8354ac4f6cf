"""ENT-11d, e: means of a row over the law of its logit variance."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from qktheory.base.domains import Parameter, Real, RealList
from qktheory.kernels import Stream
from qktheory.numerics.averaged_row import AveragedRow, averaged_row, entropy_curvature
from qktheory.numerics.gaussian_row import mean_entropy
from qktheory.numerics.softmax_rows import SoftmaxRows
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import Asymptotic, DrawnExpectation, Evaluate
from qktheory.theorems.random_energy import setting as e

FloatArray = NDArray[np.float64]

_SOURCE = e.extends_derrida("averages over the width of a row")

# --- ENT-11d --------------------------------------------------------------------------------------

KEYS = Parameter(
    "T", Real(low=1.0, high=1e30, typical=(1.0, 300.0)), "number of iid keys of the row"
)
s0 = symbol("s0")
_k, _m = sp.symbols("k m", integer=True, positive=True)
_nu, _chi = sp.IndexedBase("nu"), sp.IndexedBase("chi2")
_RATIO = sp.Product(_chi[_k] / _nu[_k], (_k, 1, _m))
_E = sp.Function("E")


def _chain(
    parameters: Mapping[str, Any], values: Mapping[str, Any], stream: Stream, first: int, n: int
) -> dict[str, FloatArray]:
    """Draw query, a chain of Gaussian matrices and keys: each step multiplies |h|^2 by a chi^2.

    For dofs (d, d_k, d) these are the factors W_Q and W_K of a head.
    """
    sizes = [int(nu) for nu in parameters["dofs"]]
    T = int(parameters["T"])
    count = sizes[0] + sum(a * b for a, b in pairwise(sizes)) + T * sizes[-1]
    normals = stream.normals(first, n, count)
    h, used = normals[:, : sizes[0]], sizes[0]
    for before, after in pairwise(sizes):
        G = normals[:, used : used + before * after].reshape(n, before, after)
        h, used = (h[:, None, :] @ G)[:, 0], used + before * after
    keys = normals[:, used:].reshape(n, T, sizes[-1])
    scale = parameters["s0"] / math.sqrt(math.prod(sizes))
    rows = SoftmaxRows(scale * (keys @ h[:, :, None])[:, :, 0])
    return {"mean_entropy": rows.entropy, "mean_participation": rows.participation}


_ROW = _E(sp.Function("row")(e.t, s0 * sp.sqrt(_RATIO)))


def _averaged(factor: float) -> Routine:
    """Return the averaged row with s0 replaced by factor s0."""

    def compute(T: float, s0: float, dofs: FloatArray) -> AveragedRow:
        return averaged_row(T, factor * s0, dofs)

    return Routine(_ROW.subs(s0, factor * s0), compute, ("T", "s0", "dofs"))


def _value(name: str) -> Routine:
    return Routine(_ROW, lambda row: float(getattr(row, name)), ("row",))


register(
    Claim(
        id="ENT-11d",
        title="entropy and participation averaged over the logit variance",
        statement=(
            "For T iid keys and s^2 = s0^2 times a product of independent chi^2_nu/nu, E H and "
            "E Y_2 are the means h and y of a Gaussian row (ENT-1) averaged over s^2: exact for "
            "Gaussian queries and redrawn Gaussian W."
        ),
        source=_SOURCE,
        standing="derived",
        observable="entropy",
        parameters=(
            KEYS,
            Parameter("s0", Real(low=0.0, high=1e90, typical=(0.1, 5.0)), "root mean square of s"),
            Parameter(
                "dofs",
                RealList(Real(low=0.5, high=1e15, typical=(4.0, 100.0))),
                "degrees of freedom nu of the factors",
            ),
        ),
        where={"row": _averaged(1.0)},
        values={
            "mean_entropy": _value("mean_entropy"),
            "mean_participation": _value("mean_participation"),
        },
        cases=(
            {"T": 16, "s0": 2.0, "dofs": [6]},
            {"T": 12, "s0": 1.5, "dofs": [5, 5]},
            {"T": 12, "s0": 3.0, "dofs": [5, 4, 5]},
        ),
        judged_by=(
            DrawnExpectation(
                ("mean_entropy", "mean_participation"),
                _chain,
                lambda q: 2.0 * float(np.prod(q["dofs"][:2])) + 3.0 * q["T"] * q["dofs"][-1],
            ),
        ),
        wrong_twin=WrongTwin("s0 taken as 1.08 s0", {"row": _averaged(1.08)}),
    )
)

# --- ENT-11e --------------------------------------------------------------------------------------

mean_s2, var_s2 = symbol("mean_s2"), symbol("var_s2")
sharp, curvature = symbol("mean_entropy_sharp"), symbol("curvature")
_h = sp.Function("h")


def _many_degrees(
    evaluate: Evaluate, parameters: Mapping[str, Any], size: float
) -> tuple[float, float]:
    """Average exactly at s^2 ~ mean chi^2_nu/nu, whose variance is 2 mean^2/nu."""
    T, mean = parameters["T"], parameters["mean_s2"]
    exact = averaged_row(T, math.sqrt(mean), [size]).mean_entropy
    delta = evaluate({**parameters, "var_s2": 2.0 * mean**2 / size})["mean_entropy_delta"]
    return exact, float(delta)


def _delta(constant: sp.Expr) -> sp.Expr:
    return sharp + constant * curvature * var_s2


register(
    Claim(
        id="ENT-11e",
        title="entropy at a logit variance that fluctuates little",
        statement=(
            "As the law of s^2 narrows, E H tends to h(T, s) at s^2 = E s^2, the sharp value, and "
            "to second order to h + (1/2) Var(s^2) times the second derivative of h in s^2."
        ),
        source=_SOURCE,
        standing="derived",
        observable="entropy",
        parameters=(
            KEYS,
            Parameter(
                "mean_s2", Real(low=0.0, high=1e12, typical=(0.0, 9.0)), "mean of the variance"
            ),
            Parameter(
                "var_s2", Real(low=0.0, high=1e24, typical=(0.0, 2.0)), "variance of the variance"
            ),
        ),
        where={
            "curvature": Routine(
                sp.Derivative(_h(e.t, sp.Symbol("s^2")), (sp.Symbol("s^2"), 2)),
                entropy_curvature,
                ("T", "mean_s2"),
            )
        },
        values={
            "mean_entropy_sharp": Routine(
                _h(e.t, sp.sqrt(mean_s2)),
                lambda T, mean: mean_entropy(T, math.sqrt(mean)),
                ("T", "mean_s2"),
            ),
            "mean_entropy_delta": _delta(sp.Rational(1, 2)),
        },
        cases=(
            {"T": 1024, "mean_s2": 4.0, "var_s2": 0.5},
            {"T": 64, "mean_s2": 1.0, "var_s2": 0.03},
            {"T": 1e9, "mean_s2": 25.0, "var_s2": 1.0},
        ),
        judged_by=(
            Asymptotic(
                "mean_entropy_delta",
                "degrees of freedom",
                (256.0, 1024.0, 4096.0, 16384.0),
                _many_degrees,
                rate=1.9,
            ),
        ),
        wrong_twin=WrongTwin(
            "constant 1/2 taken as 0.54", {"mean_entropy_delta": _delta(sp.Rational(54, 100))}
        ),
    )
)
