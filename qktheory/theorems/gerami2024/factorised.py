"""ZOO-FAST: attention with polynomials of the scores."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import sympy as sp
from scipy.special import gammaincc

from qktheory.base.domains import Integer, Matrix, Parameter, Real
from qktheory.base.errors import bad_value
from qktheory.numerics.truncated_exponential import (
    log_truncation_ratio,
    monomial_features,
    truncated_attention,
    truncated_exponential,
    truncation_distance,
)
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import Identity, PathwiseBound
from qktheory.theorems.papers import cite
from qktheory.theorems.routines import entries, times

__all__ = ["A", "S", "share_of_row"]

GERAMI_2024 = cite("gerami2024", "factorised softmax")

_LARGEST = 300
_DEGREE = Parameter(
    "degree", Integer(low=0, high=_LARGEST, typical=(0, 6)), "degree p of the polynomial"
)


def _check_even(parameters: dict[str, Any]) -> None:
    if parameters["degree"] % 2:
        raise bad_value("degree", parameters["degree"], "an even integer >= 0")


_p, _s, _l = symbol("degree"), sp.Symbol("s"), sp.Symbol("l", integer=True)
_f = sp.Function("f_p")
_TAYLOR = sp.Sum(_s**_l / sp.factorial(_l), (_l, 0, _p))
_Qp = sp.Function("Q")
_R = sp.Symbol("R", nonnegative=True)
_RATIO = _Qp(_p + 1, -_R) / _Qp(_p + 1, _R)


A, S = sp.IndexedBase("A"), sp.IndexedBase("S")
_query, _key, _other, _keys = (sp.Symbol(name, integer=True, positive=True) for name in "ijkn")


def share_of_row(weight: Callable[[sp.Tuple], sp.Expr]) -> sp.Expr:
    """Return the weight of key j of query i over the sum of its row, as a SymPy expression."""
    row = sp.Sum(weight(sp.Tuple(_query, _other)), (_other, 1, _keys))
    return weight(sp.Tuple(_query, _key)) / row


def _bound_of(ratio: sp.Expr) -> sp.Expr:
    return (sp.sqrt(ratio) - 1) / (sp.sqrt(ratio) + 1)


# --- ZOO-FAST-1 -----------------------------------------------------------------------------------


def _complete(parameters: dict[str, Any]) -> None:
    """Demand keys of the dimension of the queries, a value for each, and countable features."""
    Q, K, V = (parameters[name] for name in ("Q", "K", "V"))
    if K.shape[1] != Q.shape[1]:
        raise bad_value(
            "K", f"array of shape {K.shape}", f"rows of length {Q.shape[1]}, as those of Q"
        )
    if len(V) != len(K):
        raise bad_value("V", f"array of shape {V.shape}", f"n = {len(K)} rows, as in K")
    if math.comb(Q.shape[1] + parameters["degree"], parameters["degree"]) > 10**300:
        raise bad_value("degree", parameters["degree"], "a number of features below 1e300")


def _factorised(Q: np.ndarray, K: np.ndarray, V: np.ndarray, degree: int) -> dict[str, Any]:
    with np.errstate(over="ignore", invalid="ignore"):
        S = Q @ K.T
    if not np.isfinite(S).all():
        raise OverflowError("scores exceed double precision")
    weights = truncated_attention(S, degree)
    return {
        "feature_count": math.comb(Q.shape[1] + degree, degree),
        "min_weight": float(truncated_exponential(S, degree).min()),
        "output": None if weights is None else weights @ V,
    }


def _by_features(p: Mapping[str, Any]) -> dict[str, Any]:
    """Never form a score: phi(Q) (phi(K)^T V)."""
    phi_q, phi_k = (monomial_features(p[name], p["degree"]) for name in ("Q", "K"))
    norms = phi_q @ phi_k.sum(axis=0)
    found = {"feature_count": phi_q.shape[1], "output": phi_q @ (phi_k.T @ p["V"])}
    found["output"] /= norms[:, None]
    return found


def _draw_layer(rng: np.random.Generator) -> dict[str, Any]:
    T, n, d = rng.integers(1, 5, size=3)
    return {
        "Q": 0.6 * rng.normal(size=(T, d)),
        "K": 0.6 * rng.normal(size=(n, d)),
        "V": rng.normal(size=(n, 2)),
        "degree": int(rng.choice([0, 2, 4])),
    }


_LAYER = entries(
    "layer",
    {
        "feature_count": sp.binomial(symbol("d") + _p, _p),
        "min_weight": sp.Function("minimum")(_TAYLOR),
        "output": sp.Function("normalised")(_TAYLOR) * sp.Symbol("V", commutative=False),
    },
)

register(
    Claim(
        id="ZOO-FAST-1",
        title="polynomial attention factorises exactly",
        statement=(
            "f_p(q^T k) = sum_(l <= p) (q^T k)^l/l! is the inner product of C(d+p, p) monomial "
            "features, so (phi_Q (phi_K^T V))/(phi_Q (phi_K^T 1)) is the output of quadratic-time "
            "attention with f_p in the place of the exponential; weights are positive for even p."
        ),
        source=GERAMI_2024,
        standing="theorem",
        observable="polynomial attention",
        parameters=(
            Parameter("Q", Matrix(), "queries, (T, d)"),
            Parameter("K", Matrix(), "keys, (n, d)"),
            Parameter("V", Matrix(), "values, (n, d_v)"),
            _DEGREE,
        ),
        complete=_complete,
        where={"layer": Routine(_TAYLOR, _factorised, ("Q", "K", "V", "degree"))},
        values=_LAYER,
        cases=(
            {
                "Q": [[1.0, 0.5], [-0.3, 0.2]],
                "K": [[0.4, -0.1], [0.2, 0.9], [-0.5, 0.3]],
                "V": [[1.0, 0.0], [0.0, 1.0], [2.0, -1.0]],
                "degree": 2,
            },
            {"Q": [[2.0, 0.0]], "K": [[-3.0, 0.0], [1.0, 1.0]], "V": [[1.0], [0.0]], "degree": 3},
            {
                "Q": [[0.3, -0.4, 0.2]],
                "K": [[0.1, 1.0, -0.2], [0.7, 0.0, 0.4]],
                "V": [[1.0], [-2.0]],
                "degree": 4,
            },
        ),
        judged_by=(
            Identity(_by_features, _draw_layer, tolerance=1e-10, most_draws=60),
            PathwiseBound(
                lambda p, v, rng: [(0.0, v["min_weight"] if p["degree"] % 2 == 0 else 1.0)],
                _draw_layer,
                most_draws=60,
            ),
        ),
        wrong_twin=WrongTwin("output 5 % too large", {"output": times(1.05, _LAYER["output"])}),
        proof="Multinomial theorem for every power of q^T k.",
    )
)

# --- ZOO-FAST-2a ----------------------------------------------------------------------------------


def _truncated(S: np.ndarray, degree: int) -> dict[str, Any]:
    bound = None
    if degree % 2 == 0:
        bound = math.tanh(0.25 * log_truncation_ratio(float(np.abs(S).max()), degree))
    return {
        "attention_truncated": truncated_attention(S, degree),
        "total_variation": truncation_distance(S, degree),
        "tv_bound": bound,
    }


_ROWS = entries(
    "truncated",
    {
        "attention_truncated": share_of_row(lambda at: A[at] * _Qp(_p + 1, S[at])),
        "total_variation": sp.Function("TV")(sp.Symbol("A_p"), sp.Symbol("A")),
        "tv_bound": _bound_of(_RATIO),
    },
)


def _reweighted(p: Mapping[str, Any]) -> dict[str, Any]:
    """Reweight softmax by the incomplete gamma function, continued to negative scores."""
    S, degree = p["S"], p["degree"]
    A = np.exp(S - S.max(axis=1, keepdims=True))
    A /= A.sum(axis=1, keepdims=True)
    taylor = sum(S**l / math.factorial(l) for l in range(degree + 1))
    Q = np.where(S >= 0.0, gammaincc(degree + 1, np.maximum(S, 0.0)), np.exp(-S) * taylor)
    truncated = A * Q
    truncated /= truncated.sum(axis=1, keepdims=True)
    found = {"attention_truncated": truncated}
    if degree < 4:  # beyond, the difference of both cancels
        found["total_variation"] = 0.5 * np.abs(truncated - A).sum(axis=1)
    return found


def _draw_rows(rng: np.random.Generator) -> dict[str, Any]:
    T, n = rng.integers(1, 5, size=2)
    size = 10.0 ** rng.uniform(-1.0, 0.6)
    return {"S": size * rng.uniform(-1.0, 1.0, size=(T, n + 1)), "degree": int(2 * rng.integers(5))}


register(
    Claim(
        id="ZOO-FAST-2a",
        title="truncation reweights attention by an incomplete gamma function",
        statement=(
            "Attention with f_p is proportional to A_ij Q(p+1, s_ij), Q(p+1, s) = e^(-s) f_p(s), "
            "and for even p and |s| <= R its total variation distance to softmax is at most "
            "(sqrt(rho) - 1)/(sqrt(rho) + 1), rho = Q(p+1, -R)/Q(p+1, R)."
        ),
        source=GERAMI_2024,
        standing="derived",
        observable="polynomial attention",
        parameters=(Parameter("S", Matrix(), "rows of scores, (T, n)"), _DEGREE),
        where={"truncated": Routine(sp.Symbol("A") * _Qp(_p + 1, _s), _truncated, ("S", "degree"))},
        values=_ROWS,
        cases=(
            {"S": [[0.0, 1.0, -1.0], [0.5, 0.5, 0.5]], "degree": 2},
            {"S": [[2.0, -1.0, 0.3, 0.0]], "degree": 4},
            {"S": [[1.0, -1.0]], "degree": 3},
        ),
        judged_by=(
            Identity(_reweighted, _draw_rows, tolerance=1e-9, most_draws=80),
            PathwiseBound(
                lambda p, v, rng: [
                    (float(np.max(v["total_variation"])), v.get("tv_bound", math.inf))
                ],
                _draw_rows,
                rounding=1e-9,
            ),
        ),
        wrong_twin=WrongTwin(
            "truncated attention 5 % too large",
            {"attention_truncated": times(1.05, _ROWS["attention_truncated"])},
        ),
        proof=(
            "Q falls with s for even p: its derivative is -e^(-s) s^p/p!. Reweighting a law by "
            "factors between 1 and rho moves at most p (1-p)(rho-1)/(1 + p(rho-1)) of mass, which "
            "is largest at p = 1/(1 + sqrt(rho))."
        ),
    )
)

# --- ZOO-FAST-2b ----------------------------------------------------------------------------------

_TV_BOUND = Routine(
    _bound_of(_RATIO),
    lambda radius, degree: math.tanh(0.25 * log_truncation_ratio(radius, degree)),
    ("radius", "degree"),
)


def _ratio(radius: float, degree: int) -> float | None:
    """Return rho, left out beyond double precision: the bound is worth having there."""
    log = log_truncation_ratio(radius, degree)
    return math.exp(log) if log < 709.0 else None


def _worst_rows(
    p: Mapping[str, Any], v: Mapping[str, Any], rng: np.random.Generator
) -> list[tuple[float, float]]:
    """Search rows of keys at both ends of the interval, one at one end, many at the other."""
    radius, degree = p["radius"], p["degree"]
    pairs = []
    for count in (1, 2, 3, 5, 8, int(rng.integers(9, 100))):
        for end in (radius, -radius):
            row = np.full((1, count + 1), -end)
            row[0, 0] = end
            distance = truncation_distance(row, degree)
            assert distance is not None
            pairs.append((float(distance[0]), float(v["tv_bound"])))
    return pairs


register(
    Claim(
        id="ZOO-FAST-2b",
        title="worst distance of polynomial attention to softmax",
        statement=(
            "For even p and scores |s| <= R the total variation distance is at most "
            "(sqrt(rho) - 1)/(sqrt(rho) + 1), rho = Q(p+1, -R)/Q(p+1, R); rows of keys at both "
            "ends of the interval come as close to it as their numbers allow."
        ),
        source=GERAMI_2024,
        standing="derived",
        observable="total variation distance",
        parameters=(
            Parameter(
                "radius",
                Real(low=0.0, high=1e150, high_open=True, typical=(0.05, 5.0)),
                "largest modulus R of a score",
            ),
            _DEGREE,
        ),
        complete=_check_even,
        values={
            "ratio": Routine(
                _RATIO,
                _ratio,
                ("radius", "degree"),
            ),
            "tv_bound": _TV_BOUND,
        },
        cases=(
            {"radius": 1.0, "degree": 2},
            {"radius": 1.0, "degree": 4},
            {"radius": 2.5, "degree": 6},
        ),
        judged_by=(
            PathwiseBound(
                _worst_rows,
                lambda rng: {
                    "radius": float(rng.uniform(0.1, 3.0)),
                    "degree": int(2 * rng.integers(1, 5)),
                },
                rounding=1e-9,
                most_draws=25,
            ),
        ),
        wrong_twin=WrongTwin("bound 10 % too small", {"tv_bound": times(0.9, _TV_BOUND)}),
    )
)
