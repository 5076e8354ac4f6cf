"""SPEC-2: fourth moments of Haar matrices, and of W = O W_0 O^T."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from qktheory.base.domains import Integer, IntegerList, Parameter, Real
from qktheory.base.errors import bad_value
from qktheory.kernels import Stream
from qktheory.numerics.haar_moments import haar_fourth_moment
from qktheory.spectra.haar import haar_frames
from qktheory.theorems.bao2024.setting import complete_traces
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import DrawnExpectation
from qktheory.theorems.spectra import setting as s

FloatArray = NDArray[np.float64]

SIZE = Parameter("d", Integer(low=2, high=10**15, typical=(2, 40)), "size of the matrix")
d, xi, eta, eta_F = s.d, s.xi, s.eta, s.eta_F
D = d * (d - 1) * (d + 2)

# --- SPEC-2a --------------------------------------------------------------------------------------


def _corner(
    parameters: Mapping[str, Any], values: Mapping[str, Any], stream: Stream, first: int, n: int
) -> dict[str, FloatArray]:
    """Wg(p, p) and Wg(p, q) are themselves moments: O_11^2 O_22^2 and O_11 O_12 O_21 O_22."""
    O = haar_frames(parameters["d"], 2, stream, first, n)
    a, b, c, e = O[:, 0, 0], O[:, 0, 1], O[:, 1, 0], O[:, 1, 1]
    apart, mixed = a**2 * e**2, a * b * c * e
    return {
        "wg_equal": apart,
        "wg_different": mixed,
        "mean_o11_4": a**4,
        "mean_o11_2_o12_2": a**2 * b**2,
        "mean_o11_2_o22_2": apart,
        "mean_o11_o12_o21_o22": mixed,
    }


_MOMENTS_2A = {
    "wg_equal": (d + 1) / D,
    "wg_different": -1 / D,
    "mean_o11_4": 3 / (d * (d + 2)),
    "mean_o11_2_o12_2": 1 / (d * (d + 2)),
    "mean_o11_2_o22_2": (d + 1) / D,
    "mean_o11_o12_o21_o22": -1 / D,
}

register(
    Claim(
        id="SPEC-2a",
        title="fourth moments of a Haar-distributed orthogonal matrix",
        statement=(
            "For Haar O on O(d), d >= 2: E O_11^4 = 3/(d(d+2)), E O_11^2 O_12^2 = 1/(d(d+2)), "
            "E O_11^2 O_22^2 = (d+1)/D, E O_11 O_12 O_21 O_22 = -1/D, D = d(d-1)(d+2); the last "
            "two are the Weingarten function at equal and at different pairings."
        ),
        source=s.COLLINS_2006,
        standing="theorem",
        observable="Haar matrix",
        parameters=(SIZE,),
        values=_MOMENTS_2A,
        cases=({"d": 2}, {"d": 3}, {"d": 9}),
        judged_by=(DrawnExpectation(tuple(_MOMENTS_2A), _corner, lambda q: 40.0 * q["d"]),),
        wrong_twin=WrongTwin(
            "constant 3 of E O_11^4 taken as 3.2",
            {"mean_o11_4": sp.Rational(32, 10) / (d * (d + 2))},
        ),
    )
)

# --- SPEC-2b --------------------------------------------------------------------------------------

_INDICES = IntegerList(Integer(low=0, typical=(0, 1)), min_length=4, max_length=4)


def _complete_indices(parameters: dict[str, Any]) -> None:
    """Demand indices below d."""
    for name in ("rows", "columns"):
        if max(parameters[name]) >= parameters["d"]:
            raise bad_value(
                name, parameters[name], f"integers < d = {parameters['d']}, counted from 0"
            )


def _product(
    parameters: Mapping[str, Any], values: Mapping[str, Any], stream: Stream, first: int, n: int
) -> dict[str, FloatArray]:
    O = haar_frames(parameters["d"], max(parameters["columns"]) + 1, stream, first, n)
    entries = zip(parameters["rows"], parameters["columns"], strict=True)
    return {"mean_product": np.prod([O[:, i, j] for i, j in entries], axis=0)}


_p, _q = sp.symbols("p q")
_WEINGARTEN_SUM = sp.Sum(
    sp.Function("delta_p")(sp.Symbol("i"))
    * sp.Function("delta_q")(sp.Symbol("j"))
    * sp.Function("Wg")(_p, _q),
    (_p, 1, 3),
    (_q, 1, 3),
)


def _weingarten_sum(factor: float) -> Routine:
    return Routine(
        factor * _WEINGARTEN_SUM,
        lambda d, rows, columns: factor * haar_fourth_moment(d, rows, columns),
        ("d", "rows", "columns"),
    )


register(
    Claim(
        id="SPEC-2b",
        title="any product of four entries of a Haar matrix",
        statement=(
            "E O_(i1 j1) O_(i2 j2) O_(i3 j3) O_(i4 j4) is the sum of Wg(p, q) over the pairings p "
            "that the rows respect and q that the columns respect."
        ),
        source=s.COLLINS_2006,
        standing="theorem",
        observable="Haar matrix",
        parameters=(
            SIZE,
            Parameter("rows", _INDICES, "indices i of the four entries, from 0"),
            Parameter("columns", _INDICES, "indices j of the four entries, from 0"),
        ),
        complete=_complete_indices,
        values={"mean_product": _weingarten_sum(1)},
        cases=(
            {"d": 3, "rows": [0, 0, 1, 1], "columns": [0, 1, 0, 1]},
            {"d": 3, "rows": [0, 1, 1, 0], "columns": [2, 0, 0, 2]},
            {"d": 4, "rows": [1, 1, 1, 1], "columns": [0, 1, 0, 1]},
            {"d": 5, "rows": [2, 2, 2, 2], "columns": [3, 3, 3, 3]},
            {"d": 4, "rows": [0, 1, 2, 3], "columns": [0, 0, 1, 1]},
        ),
        judged_by=(
            DrawnExpectation(("mean_product",), _product, lambda q: float(20 * q["d"] ** 2)),
        ),
        wrong_twin=WrongTwin("constant 1 taken as 1.1", {"mean_product": _weingarten_sum(1.1)}),
    )
)

# --- SPEC-2c --------------------------------------------------------------------------------------

#: Traces given by users carry rounding errors of their own.
_ROUNDING = 1e-12


def _complete_matrix(parameters: dict[str, Any]) -> None:
    """Demand traces of a real matrix: |eta| <= eta_F and xi^2/d <= (eta_F + eta)/2 (SPEC-7)."""
    complete_traces(parameters)
    symmetric = 0.5 * (parameters["eta_F"] + parameters["eta"])
    square = parameters["xi"] / parameters["d"] * parameters["xi"]
    if square - symmetric > _ROUNDING * max(square, parameters["eta_F"]):
        raise bad_value(
            "xi", parameters["xi"], f"xi^2/d <= (eta_F + eta)/2 = {symmetric}, as in every matrix"
        )


def matrix_with_traces(d: int, xi: float, eta: float, eta_F: float) -> FloatArray:
    """Return a real d x d matrix, d >= 2, with tr W, tr W^2 and ||W||_F^2 as given (SPEC-7)."""
    W = xi / d * np.eye(d)
    half = math.sqrt(max(0.25 * (eta_F + eta) - 0.5 * xi**2 / d, 0.0))
    turn = 0.5 * math.sqrt(max(eta_F - eta, 0.0))
    W[:2, :2] += [[half, turn], [-turn, -half]]
    return W


def _rotated(
    parameters: Mapping[str, Any], values: Mapping[str, Any], stream: Stream, first: int, n: int
) -> dict[str, FloatArray]:
    size = parameters["d"]
    traces = (float(parameters[name]) for name in ("xi", "eta", "eta_F"))
    O = haar_frames(size, size, stream, first, n)[:, :2]
    W = O @ matrix_with_traces(size, *traces) @ O.transpose(0, 2, 1)
    return {
        "mean_diagonal": W[:, 0, 0],
        "coef_0": W[:, 0, 0] * W[:, 1, 1],
        "coef_1": W[:, 0, 1] ** 2,
        "coef_2": W[:, 0, 1] * W[:, 1, 0],
    }


_COEFFICIENTS = {
    "mean_diagonal": xi / d,
    "coef_0": ((d + 1) * xi**2 - eta_F - eta) / D,
    "coef_1": ((d + 1) * eta_F - xi**2 - eta) / D,
    "coef_2": ((d + 1) * eta - xi**2 - eta_F) / D,
}

register(
    Claim(
        id="SPEC-2c",
        title="second moments of W = O W_0 O^T",
        statement=(
            "For Haar O, d >= 2, E W = (xi/d) I and E W_ij W_kl = c_0 delta_ij delta_kl + "
            "c_1 delta_ik delta_jl + c_2 delta_il delta_jk, with c_0 = ((d+1) xi^2 - eta_F - "
            "eta)/D, c_1 = ((d+1) eta_F - xi^2 - eta)/D, c_2 = ((d+1) eta - xi^2 - eta_F)/D."
        ),
        source=s.COLLINS_2006,
        standing="derived",
        observable="W_QK",
        parameters=(
            SIZE,
            Parameter("xi", Real(typical=(-2.0, 2.0)), "trace of W_0"),
            Parameter("eta", Real(typical=(-2.0, 2.0)), "trace of W_0^2"),
            Parameter("eta_F", Real(low=0.0, typical=(0.0, 6.0)), "squared norm of W_0"),
        ),
        complete=_complete_matrix,
        values=_COEFFICIENTS,
        cases=(
            {"d": 4, "xi": 1.0, "eta": 2.0, "eta_F": 5.0},
            {"d": 2, "xi": 0.0, "eta": -2.0, "eta_F": 3.0},
            {"d": 3, "xi": -2.0, "eta": 4.0, "eta_F": 4.0},
            {"d": 6, "xi": 3.0, "eta": -0.5, "eta_F": 7.0},
        ),
        judged_by=(
            DrawnExpectation(
                tuple(_COEFFICIENTS), _rotated, lambda q: float(20 * q["d"] ** 2 + q["d"] ** 3)
            ),
        ),
        wrong_twin=WrongTwin(
            "sign of xi^2 in c_1", {"coef_1": ((d + 1) * eta_F + xi**2 - eta) / D}
        ),
    )
)
