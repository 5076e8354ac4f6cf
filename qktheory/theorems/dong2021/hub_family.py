"""RANK-3: the published cubic bound, and the family that breaks its simplified form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import mpmath
import numpy as np
import sympy as sp

from qktheory.base.domains import Integer, Parameter, Real
from qktheory.numerics.common_row import least_norm_1inf
from qktheory.numerics.ergodicity import softmax
from qktheory.numerics.hub_tokens import HubTokens
from qktheory.numerics.many_digits import hub_residual
from qktheory.numerics.matrix_norms import norm_1inf
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.dong2021 import setting as s
from qktheory.theorems.judgements import Identity, PathwiseBound

NEUTRAL = Parameter(
    "neutral_tokens", Integer(low=0, high=10**15, typical=(0, 40)), "tokens with residual 0"
)
ACTIVE = Parameter(
    "active_tokens", Integer(low=1, high=10**15, typical=(1, 40)), "tokens with a coordinate each"
)
HUB = Parameter(
    "hub_log_weight", Real(typical=(-2.0, 8.0)), "preference of the base distribution for the hub"
)
SCORE = Parameter(
    "active_score",
    Real(low=0.0, low_open=True, typical=(0.1, 10.0)),
    "preference of active tokens for themselves",
)

_m_0, _m_1 = symbol("neutral_tokens"), symbol("active_tokens")
_g, _s = symbol("hub_log_weight"), symbol("active_score")
_T = 1 + _m_0 + _m_1
_total, _total_active = sp.exp(_g) + _m_0 + _m_1, sp.exp(_g) + _m_0 + _m_1 + sp.exp(_s) - 1
_x, _z = sp.symbols("x z")
_b, _q_a = symbol("hub_on_neutral"), symbol("active_on_neutral")
_a, _p, _u = symbol("hub_on_active"), symbol("self_on_active"), symbol("other_on_active")
_alpha = _m_1 * sp.Abs(_x - _a) + (_m_0 + 1) * sp.Abs(_b - _x)
_beta = sp.Max(
    sp.Abs(_b - _x) + _m_1 * sp.Abs(_q_a - _z),
    sp.Abs(_a - _x) + sp.Abs(_p - _z) + (_m_1 - 1) * sp.Abs(_u - _z),
    evaluate=False,
)
_LEAST = sp.Function("min_xz")(sp.sqrt(_alpha * _beta))


def _family(statement: Any, name: str) -> Routine:
    return s.routine("family", statement, lambda family: float(getattr(family, name)))


FAMILY = Routine(
    sp.Tuple(_m_0, _m_1, _g, _s),
    HubTokens,
    ("neutral_tokens", "active_tokens", "hub_log_weight", "active_score"),
)


def dense_outputs(p: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return P and R of a small member of the family, written out."""
    m_0, m_1 = p["neutral_tokens"], p["active_tokens"]
    R = np.zeros((1 + m_0 + m_1, 1 + m_1))
    R[0, 0] = 1.0
    R[1 + m_0 :, 1:] = np.eye(m_1)
    scores = p["active_score"] * (R[:, 1:] @ R[:, 1:].T)
    scores[:, 0] += p["hub_log_weight"]
    return softmax(scores), R


def _entries(p: Mapping[str, Any]) -> dict[str, float]:
    """Read the attention of a neutral and of an active token off the dense matrix."""
    P, R = dense_outputs(p)
    found = {
        "T": float(len(P)),
        "hub_on_neutral": float(P[0, 0]),
        "active_on_neutral": float(P[0, -1]),
        "hub_on_active": float(P[-1, 0]),
        "self_on_active": float(P[-1, -1]),
        "rhs": 4.0 * p["active_score"] * norm_1inf(R) ** 3,
    }
    if len(P) > 2:
        found["other_on_active"] = float(P[-1, 1])
    return found


def _pairs(
    p: Mapping[str, Any], values: Mapping[str, Any], rng: np.random.Generator
) -> list[tuple[float, float]]:
    """Compare the lower bound with outputs less random common rows, and with the best one."""
    P, R = dense_outputs(p)
    out, bound = P @ R, float(values["lower_bound"])
    rows = [out[0], out[-1], out.mean(axis=0), out.mean(axis=0) * rng.random(out.shape[1])]
    pairs = [(bound, norm_1inf(out - row)) for row in rows]
    if out.size < 80:
        pairs.append((bound, least_norm_1inf(out)))
    return pairs


def _draw_small(rng: np.random.Generator) -> dict[str, Any]:
    return {
        "neutral_tokens": int(rng.integers(0, 8)),
        "active_tokens": int(rng.integers(1, 7)),
        "hub_log_weight": rng.uniform(-1.0, 5.0),
        "active_score": rng.uniform(0.2, 8.0),
    }


register(
    Claim(
        id="RANK-3",
        title="one hub, neutral and active tokens",
        statement=(
            "With residual rows e_1 (hub), 0 (neutral) and e_i (active), W_QK = diag(eps, s, .., "
            "s), c = (g/eps) e_1, eps -> 0 and W_V = I, attention takes five values, and the "
            "best residual of the output is at least min over x, z of sqrt(alpha beta), while "
            "4 kappa norm_1inf(R)^3 = 4 s."
        ),
        source=s.extends_dong("counterexample to Lemma A.1 with gamma = 1 and no smallness"),
        standing="derived",
        observable="residual of one layer",
        parameters=(NEUTRAL, ACTIVE, HUB, SCORE),
        where={"family": FAMILY},
        values={
            "T": _family(_T, "T"),
            "hub_on_neutral": _family(sp.exp(_g) / _total, "hub_on_neutral"),
            "active_on_neutral": _family(1 / _total, "active_on_neutral"),
            "hub_on_active": _family(sp.exp(_g) / _total_active, "hub_on_active"),
            "self_on_active": _family(sp.exp(_s) / _total_active, "self_on_active"),
            "other_on_active": _family(1 / _total_active, "other_on_active"),
            "lower_bound": _family(_LEAST, "lower_bound"),
            "rhs": _family(4 * _s, "rhs"),
            "ratio": symbol("lower_bound") / symbol("rhs"),
        },
        cases=(
            {"neutral_tokens": 9, "active_tokens": 4, "hub_log_weight": 3.0, "active_score": 5.0},
            {"neutral_tokens": 0, "active_tokens": 1, "hub_log_weight": 0.5, "active_score": 0.25},
            {"neutral_tokens": 3, "active_tokens": 5, "hub_log_weight": 1.0, "active_score": 4.0},
        ),
        judged_by=(
            Identity(_entries, _draw_small, tolerance=1e-12),
            PathwiseBound(_pairs, _draw_small, rounding=1e-9, most_draws=30),
        ),
        wrong_twin=WrongTwin(
            "lower bound 5 % too large",
            {
                "lower_bound": s.routine(
                    "family", sp.Rational(105, 100) * _LEAST, lambda f: 1.05 * f.lower_bound
                )
            },
        ),
        proof=(
            "Permutations of the active coordinates leave P R unchanged, and norm_1 and norm_inf "
            "of P R - 1 y^T are convex in y: averaging y over them increases neither, so rows "
            "(x, z, .., z) suffice. There norm_1 is at least alpha(x), the sum of the hub's "
            "column, and norm_inf is beta(x, z). Both are piecewise linear, for a given x the "
            "best z makes beta convex in x, and a product of two positive convex piecewise linear "
            "functions of x is least at a break of one of them."
        ),
    )
)

# --- folklore -------------------------------------------------------------------------------------

register(
    Claim(
        id="RANK-3-folklore",
        title="the cubic bound with constant 4 holds for every input",
        statement=(
            "Believed: the residual of a layer is at most 4 kappa norm_1inf(W_V) norm_1inf(R)^3 "
            "for every input, with gamma = 1 and no smallness of the scores. It holds for T <= 32; "
            "the hub family breaks it from T = 6000 on."
        ),
        source=s.DONG_2021,
        standing="folklore",
        observable="residual of one layer",
        parameters=(NEUTRAL, ACTIVE, HUB, SCORE),
        where={"family": FAMILY},
        values={
            "lower_bound": _family(_LEAST, "lower_bound"),
            "rhs": _family(4 * _s, "rhs"),
        },
        cases=(
            {
                "neutral_tokens": 20,
                "active_tokens": 11,
                "hub_log_weight": 4.0,
                "active_score": 6.0,
            },
            {
                "neutral_tokens": 3900,
                "active_tokens": 2099,
                "hub_log_weight": 10.5,
                "active_score": 13.25,
            },
            {
                "neutral_tokens": 13000,
                "active_tokens": 6999,
                "hub_log_weight": 12.0,
                "active_score": 14.75,
            },
        ),
        judged_by=(
            PathwiseBound(
                lambda p, values, rng: [(float(values["lower_bound"]), float(values["rhs"]))],
                _draw_small,
                rounding=1e-9,
                inequalities=("lower bound of the residual <= 4 kappa norm_1inf(R)^3",),
                precise=lambda p: [(hub_residual(**p), 4 * mpmath.mpf(p["active_score"]))],
            ),
        ),
        wrong_twin=WrongTwin(
            "constant 4 taken as 3.9",
            {"rhs": s.routine("family", 3.9 * _s, lambda f: 3.9 * f.active_score)},
        ),
    )
)
