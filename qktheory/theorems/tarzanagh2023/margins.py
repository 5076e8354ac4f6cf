"""ZOO-SVM-1a, ZOO-SVM-2, ZOO-SVM-3: smallest W_QK that selects given tokens, in three norms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray
from scipy.optimize import LinearConstraint, minimize

from qktheory.base.domains import Parameter, Real
from qktheory.base.errors import bad_value
from qktheory.numerics.max_margin import (
    frobenius_margin,
    lp_margin,
    margin_rows,
    nuclear_margin,
)
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import Identity, PathwiseBound
from qktheory.theorems.papers import cite
from qktheory.theorems.routines import entries, named, times
from qktheory.theorems.tarzanagh2023 import setting as s

FloatArray = NDArray[np.float64]

_CONTRADICTION = "tokens and queries for which some W_QK selects the optimal tokens"


def _nuclear(W: FloatArray) -> float:
    return float(np.linalg.svd(W, compute_uv=False).sum())


def _rank(W: FloatArray) -> int:
    values = np.linalg.svd(W, compute_uv=False)
    return int(np.sum(values > 1e-7 * values[0])) if values[0] > 0.0 else 0


def _separable(p: dict[str, Any]) -> None:
    """Check shapes, and that the constraints do not contradict each other."""
    s.check_optimal(p)
    if frobenius_margin(s.rows_of(p)) is None:
        raise bad_value("optimal", p["optimal"], _CONTRADICTION)


def _shortest(X: FloatArray, Z: FloatArray, optimal: list[int]) -> tuple[FloatArray, FloatArray]:
    """Return the constraints and the Frobenius solution."""
    rows = margin_rows(X, Z, optimal)
    shortest = frobenius_margin(rows)
    assert shortest is not None
    return rows, shortest


# --- ZOO-SVM-1a -----------------------------------------------------------------------------------


def _frobenius(X: FloatArray, Z: FloatArray, optimal: list[int]) -> dict[str, Any]:
    rows = margin_rows(X, Z, optimal)
    shortest = frobenius_margin(rows)
    if shortest is None:
        return {"feasible": 0}
    W = shortest.reshape(Z.shape[1], -1)
    return {
        "feasible": 1,
        "W_QK": W,
        "frobenius_norm": float(np.linalg.norm(W)),
        "nuclear_norm": _nuclear(W),
        "active_constraints": int(np.sum(rows @ shortest < 1.0 + 1e-8)),
    }


def _no_shorter(
    parameters: Mapping[str, Any], values: Mapping[str, Any], rng: np.random.Generator
) -> list[tuple[float, float]]:
    """Compare with the norms of other matrices that meet the constraints."""
    rows = s.rows_of(dict(parameters))
    own = np.ravel(values["W_QK"])
    return [
        (float(values["frobenius_norm"]), float(np.linalg.norm(w)))
        for w in s.feasible_margins(rows, own, rng)
    ]


def _half_square(w: FloatArray) -> tuple[float, FloatArray]:
    return 0.5 * float(w @ w), w


def _by_programming(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Minimise with sequential quadratic programming."""
    rows = s.rows_of(dict(parameters))
    found = minimize(
        _half_square,
        np.asarray(np.sum(rows, axis=0)),
        jac=True,
        method="SLSQP",
        constraints=LinearConstraint(rows, lb=1.0),
        options={"maxiter": 1000, "ftol": 1e-15},
    )
    d = parameters["Z"].shape[1]
    return {"W_QK": found.x.reshape(d, d), "frobenius_norm": float(np.linalg.norm(found.x))}


_FROBENIUS = entries(
    "found",
    {
        "feasible": named("feasible", "W_QK"),
        "W_QK": named("argmin", sp.Function("norm_F")(s.W)),
        "frobenius_norm": sp.Function("norm_F")(s.W),
        "nuclear_norm": sp.Function("nuclear_norm")(s.W),
        "active_constraints": named("count", sp.Eq(sp.Symbol("margin"), 1)),
    },
)

register(
    Claim(
        id="ZOO-SVM-1a",
        title="shortest W_QK that selects given tokens",
        statement=(
            "Among W_QK with z_i^T W_QK (x_opt - x_t) >= 1 for every other token there is one of "
            "smallest Frobenius norm, the support vector machine of attention."
        ),
        source=cite("tarzanagh2023", "the attention SVM with one matrix"),
        standing="theorem",
        observable="W_QK",
        parameters=(*s.SEQUENCES, s.OPTIMAL),
        complete=s.check_optimal,
        where={"found": Routine(named("svm", "X", "Z"), _frobenius, ("X", "Z", "optimal"))},
        values=_FROBENIUS,
        cases=s.WIDE,
        judged_by=(
            PathwiseBound(_no_shorter, s.draw_separable, rounding=1e-8, most_draws=100),
            Identity(_by_programming, s.draw_separable, tolerance=1e-4, most_draws=10),
        ),
        wrong_twin=WrongTwin(
            "constant off by 5 %", {"frobenius_norm": times(1.05, _FROBENIUS["frobenius_norm"])}
        ),
    )
)

# --- ZOO-SVM-2 ------------------------------------------------------------------------------------


def _lp(X: FloatArray, Z: FloatArray, optimal: list[int], p: float) -> dict[str, Any]:
    rows, shortest = _shortest(X, Z, optimal)
    w = lp_margin(rows, p)
    assert w is not None
    d = Z.shape[1]
    largest = float(np.abs(w).max())
    lengths = float(np.linalg.norm(w)) * float(np.linalg.norm(shortest))
    return {
        "W_QK": w.reshape(d, d),
        "lp_norm": largest * float(np.sum((np.abs(w) / largest) ** p)) ** (1.0 / p)
        if largest
        else 0.0,
        "cosine_to_frobenius": min(1.0, float(w @ shortest) / lengths) if lengths else None,
    }


def _no_shorter_in_lp(
    parameters: Mapping[str, Any], values: Mapping[str, Any], rng: np.random.Generator
) -> list[tuple[float, float]]:
    p = parameters["p"]
    rows = s.rows_of(dict(parameters))
    own = np.ravel(values["W_QK"])
    return [
        (float(values["lp_norm"]), float(np.sum(np.abs(w) ** p)) ** (1.0 / p))
        for w in s.feasible_margins(rows, own, rng)
    ]


def _draw_lp(rng: np.random.Generator) -> dict[str, Any]:
    return {**s.draw_separable(rng), "p": float(rng.uniform(1.2, 5.0))}


_LP = entries(
    "found",
    {
        "W_QK": named("argmin", sp.Function("norm_p")(s.W)),
        "lp_norm": sp.Function("norm_p")(s.W),
        "cosine_to_frobenius": named("cos", "W_p", "W_2"),
    },
)

register(
    Claim(
        id="ZOO-SVM-2",
        title="l_p margin solution of mirror descent",
        statement=(
            "Mirror descent with the map |w|^(p-1) sign w turns towards the W_QK of smallest "
            "entrywise l_p norm that selects the optimal tokens, which for p other than 2 is not "
            "the Frobenius solution."
        ),
        source=cite("julistiono2024", "generalised max-margin direction"),
        standing="theorem",
        observable="W_QK",
        parameters=(
            *s.SEQUENCES,
            s.OPTIMAL,
            Parameter("p", Real(low=1.01, high=20.0, typical=(1.2, 5.0)), "exponent of the norm"),
        ),
        complete=_separable,
        where={"found": Routine(named("svm", "X", "Z", "p"), _lp, ("X", "Z", "optimal", "p"))},
        values=_LP,
        cases=(
            {**s.WIDE[0], "p": 3.0},
            {**s.WIDE[1], "p": 1.5},
            {**s.WIDE[2], "p": 6.0},
        ),
        judged_by=(PathwiseBound(_no_shorter_in_lp, _draw_lp, rounding=1e-7, most_draws=30),),
        wrong_twin=WrongTwin("constant off by 5 %", {"lp_norm": times(1.05, _LP["lp_norm"])}),
    )
)

# --- ZOO-SVM-3 ------------------------------------------------------------------------------------


def _low_rank(X: FloatArray, Z: FloatArray, optimal: list[int]) -> dict[str, Any]:
    rows, shortest = _shortest(X, Z, optimal)
    d = Z.shape[1]
    found = nuclear_margin(rows, d)
    assert found is not None
    W = shortest.reshape(d, d)
    return {
        "nuclear_norm": found.nuclear_norm,
        "rank": found.rank,
        "nuclear_norm_frobenius_solution": _nuclear(W),
        "rank_frobenius_solution": _rank(W),
    }


def _no_smaller_nuclear(
    parameters: Mapping[str, Any], values: Mapping[str, Any], rng: np.random.Generator
) -> list[tuple[float, float]]:
    """Compare with products of factors, whose weight decay bounds the nuclear norm."""
    rows = s.rows_of(dict(parameters))
    d = parameters["Z"].shape[1]
    found = nuclear_margin(rows, d)
    assert found is not None
    norm = float(values["nuclear_norm"])
    pairs = [(norm, float(values["nuclear_norm_frobenius_solution"]))]
    for w in s.feasible_margins(rows, found.W.ravel(), rng):
        U, sizes, Vt = np.linalg.svd(w.reshape(d, d))
        A, B = U * np.sqrt(sizes), Vt.T * np.sqrt(sizes)
        pairs.append((norm, 0.5 * float(np.sum(A**2) + np.sum(B**2))))
    return pairs


_NUCLEAR = entries(
    "found",
    {
        "nuclear_norm": sp.Function("nuclear_norm")(s.W),
        "rank": sp.Function("rank")(s.W),
        "nuclear_norm_frobenius_solution": sp.Function("nuclear_norm")(sp.Symbol("W_F")),
        "rank_frobenius_solution": sp.Function("rank")(sp.Symbol("W_F")),
    },
)

register(
    Claim(
        id="ZOO-SVM-3",
        title="training queries and keys apart minimises the nuclear norm",
        statement=(
            "Gradient descent on both factors turns towards the W_QK of smallest nuclear norm that "
            "selects the optimal tokens, which may have lower rank than the Frobenius solution: a "
            "low-rank spectrum made by optimisation."
        ),
        source=cite("tarzanagh2023", "the attention SVM with factors"),
        standing="theorem",
        observable="W_QK",
        parameters=(*s.SEQUENCES, s.OPTIMAL),
        complete=_separable,
        where={"found": Routine(named("svm", "X", "Z"), _low_rank, ("X", "Z", "optimal"))},
        values=_NUCLEAR,
        cases=s.WIDE,
        judged_by=(
            PathwiseBound(_no_smaller_nuclear, s.draw_separable, rounding=1e-5, most_draws=12),
        ),
        wrong_twin=WrongTwin(
            "constant off by 5 %", {"nuclear_norm": times(1.05, _NUCLEAR["nuclear_norm"])}
        ),
        proof=(
            "Dual: max sum u over u >= 0 with |sum_i u_i C_i|_2 <= 1. Its value and the nuclear "
            "norm of the primal point of the same central path enclose the minimum."
        ),
    )
)
