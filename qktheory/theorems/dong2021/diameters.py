"""RANK-7a to RANK-7d: contraction of the diameter, the sharpest unconditional bound."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any

import mpmath
import numpy as np
import sympy as sp

from qktheory.base.domains import Matrix, Parameter, Real, RealList
from qktheory.base.errors import bad_value
from qktheory.numerics.depth_bounds import closed_form, diameter_recursion
from qktheory.numerics.ergodicity import dobrushin, hilbert_diameter, softmax
from qktheory.numerics.many_digits import attention_of, diameter, many_digits, spectral_norm
from qktheory.numerics.matrix_norms import diameter_2, norm_2, oscillation
from qktheory.numerics.token_spread import TokenSpread, attention_layer
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.dong2021 import setting as s
from qktheory.theorems.judgements import Identity, PathwiseBound

Floats = s.Floats

_D, _Delta, _tau = symbol("diameter_2"), symbol("hilbert_diameter"), symbol("tau_dobrushin")
_norm_A, _norm_W = symbol("w_qk_norm_2"), symbol("w_v_norm_2")
_temperature = symbol("temperature")
_S = sp.IndexedBase("S")
_DELTA = sp.Function("max_ijkl")(_S[1, 3] - _S[2, 3] - _S[1, 4] + _S[2, 4])


def _pairs(*names: tuple[str, str]) -> Any:
    """Return the sides of bounds between named values."""
    return lambda p, v, rng: [(float(v[a]), float(v[b])) for a, b in names]


# --- RANK-7a --------------------------------------------------------------------------------------

_LAYER = (
    ("diameter_2_out", "bound_tau"),
    ("tau_dobrushin", "tanh_bound"),
    ("hilbert_diameter", "hilbert_bound"),
    ("bound_tau", "bound_tanh"),
    ("bound_tanh", "bound_apriori"),
)


def _without_contraction(p: Mapping[str, Any], v: Mapping[str, Any]) -> list[float | None]:
    """Return what both sides are near where nothing contracts: there every bound is tight."""
    whole = float(v["w_v_norm_2"]) * float(v["diameter_2"])
    return [whole, 1.0, None, whole, whole]


def _precise_layer(p: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    """Return the pairs of `_LAYER` in many digits."""
    X, A, W = (many_digits(p[name]) for name in ("X", "W_QK", "W_V"))
    scores = X @ A @ X.T / mpmath.mpf(p["temperature"])
    P = attention_of(scores)
    rows = list(itertools.combinations(range(len(X)), 2))
    zero = mpmath.mpf(0)
    tau = max((abs(P[i] - P[j]).sum() / 2 for i, j in rows), default=zero)
    differences = [scores[i] - scores[j] for i, j in rows]
    hilbert = max((d.max() - d.min() for d in differences), default=zero)
    hilbert_bound = spectral_norm(A) * diameter(X) ** 2 / mpmath.mpf(p["temperature"])
    whole = spectral_norm(W) * diameter(X)
    by_tau, by_tanh = tau * whole, mpmath.tanh(hilbert / 4) * whole
    return [
        (diameter(P @ X @ W), by_tau),
        (tau, mpmath.tanh(hilbert / 4)),
        (hilbert, hilbert_bound),
        (by_tau, by_tanh),
        (by_tanh, mpmath.tanh(hilbert_bound / 4) * whole),
    ]


_birkhoff = symbol("tanh_bound")

register(
    Claim(
        id="RANK-7a",
        title="contraction of the diameter in one layer",
        statement=(
            "diam(P X W_V) <= tau(P) ||W_V|| diam(X), tau(P) <= tanh(Delta(S)/4) for the Hilbert "
            "projective diameter of the scores, and Delta <= ||W_QK|| diam(X)^2/temperature: for "
            "every input, with equality for two antipodal tokens."
        ),
        source=s.extends_dong("sharper than Theorem 2.2: no norm_1inf, no T, no gamma"),
        standing="derived",
        observable="diameter",
        parameters=(s.TOKENS, s.W_QK, s.W_V, s.TEMPERATURE),
        complete=s.check_widths,
        where={"split": s.MEAN_SPLIT},
        values={
            "tau_dobrushin": s.routine("split", s.tau(s.P), lambda x: dobrushin(x.Z)),
            # Shifts of rows and columns do not matter: the scores beyond them keep all digits.
            "hilbert_diameter": s.routine("split", _DELTA, lambda x: hilbert_diameter(x.E)),
            "tanh_bound": sp.tanh(_Delta / 4),
            "diameter_2": s.routine("split", s.diam(s.X), lambda x: diameter_2(x.R)),
            "diameter_2_out": Routine(
                s.diam(s.P * s.X * s.W),
                lambda x, W_V: diameter_2(x.deviation @ W_V),
                ("split", "W_V"),
            ),
            "w_qk_norm_2": s.routine("W_QK", s.norm_2(s.A), norm_2),
            "w_v_norm_2": s.routine("W_V", s.norm_2(s.W), norm_2),
            "bound_tau": _tau * _norm_W * _D,
            "bound_tanh": _birkhoff * _norm_W * _D,
            "bound_apriori": _D * _norm_W * sp.tanh(_norm_A * _D**2 / (4 * _temperature)),
            "hilbert_bound": _norm_A * _D**2 / _temperature,
        },
        cases=(
            s.chapter_input(0.5),
            s.PAIR,
            s.chapter_input(2.0),
        ),
        judged_by=(
            PathwiseBound(
                _pairs(*_LAYER),
                s.draw_layer,
                rounding=1e-9,
                inequalities=[f"{smaller} <= {larger}" for smaller, larger in _LAYER],
                trivial=_without_contraction,
                precise=_precise_layer,
            ),
        ),
        wrong_twin=WrongTwin(
            "tanh(Delta/4) taken as tanh(Delta/4.2)",
            {"tanh_bound": sp.tanh(_Delta / sp.Rational(42, 10))},
        ),
        proof=(
            "Rows i and i' of P have a log ratio of oscillation at most Delta, so RANK-2b bounds "
            "their total variation by tanh(Delta/4); row i less row i' of P X is that times a "
            "difference of two convex combinations of tokens. Delta is the largest of "
            "(x_i - x_i')^T W_QK (x_j - x_j')/temperature."
        ),
    )
)

# --- RANK-7b --------------------------------------------------------------------------------------


def check_stochastic(p: dict[str, Any]) -> None:
    """Check that P is row-stochastic and that a vector fits it."""
    P = p["P"]
    if (P < 0.0).any() or np.abs(P.sum(axis=1) - 1.0).max() > 1e-9:
        raise bad_value("P", P.tolist(), "a matrix of non-negative rows that sum to 1")
    if "vector" in p and len(p["vector"]) != P.shape[1]:
        raise bad_value("vector", p["vector"].tolist(), f"a list of length {P.shape[1]}")


def draw_stochastic(rng: np.random.Generator) -> Floats:
    """Draw a row-stochastic matrix, sometimes with hard rows."""
    T = int(rng.integers(1, 8))
    P = rng.dirichlet(np.full(T, 10.0 ** rng.uniform(-1.0, 1.0)), size=T)
    if rng.random() < 0.3:
        P = np.eye(T)[rng.integers(0, T, size=T)]
    return np.asarray(P)


STOCHASTIC = Parameter("P", Matrix(), "row-stochastic matrix")
_v = sp.Symbol("v", commutative=False)


def _routine_tau(factor: float) -> Routine:
    return s.routine(
        "P",
        (1 if factor == 1.0 else sp.Float(factor)) * s.tau(s.P),
        lambda P: factor * dobrushin(P),
    )


register(
    Claim(
        id="RANK-7b",
        title="Dobrushin's coefficient of ergodicity",
        statement=(
            "osc(P v) <= tau(P) osc(v), tau(P) half the largest l1 distance of two rows; the "
            "supremum over v is attained. tau is submultiplicative."
        ),
        source=s.extends_dong("Dobrushin's coefficient (1956) in place of norms"),
        standing="theorem",
        observable="oscillation",
        parameters=(STOCHASTIC, Parameter("vector", RealList(), "v, a number for each key")),
        complete=check_stochastic,
        values={
            "tau_dobrushin": _routine_tau(1.0),
            "osc_in": s.routine("vector", s.osc(_v), lambda v: float(oscillation(v))),
            "osc_out": Routine(
                s.osc(s.P * _v),
                lambda P, v: float(oscillation(P @ (v - v[0]))),
                ("P", "vector"),
            ),
            "osc_bound": _tau * symbol("osc_in"),
        },
        cases=(
            {"P": [[0.5, 0.5, 0], [0.25, 0.25, 0.5], [0, 0, 1]], "vector": [1, 0, -2]},
            {"P": [[1, 0], [0, 1]], "vector": [3, 1]},
            {"P": [[0.75, 0.25], [0.25, 0.75]], "vector": [3, 1]},
        ),
        judged_by=(
            PathwiseBound(
                lambda p, v, rng: [
                    (float(v["osc_out"]), float(v["osc_bound"]) + 1e-14 * float(v["osc_in"])),
                    (dobrushin(p["P"] @ p["P"]), float(v["tau_dobrushin"]) ** 2 + 1e-14)
                    if p["P"].shape[0] == p["P"].shape[1]
                    else (0.0, 1.0),
                ],
                lambda rng: {"P": (P := draw_stochastic(rng)), "vector": rng.normal(size=len(P))},
                rounding=1e-9,
            ),
        ),
        wrong_twin=WrongTwin("tau 5 % too small", {"tau_dobrushin": _routine_tau(0.95)}),
    )
)

# --- RANK-7c --------------------------------------------------------------------------------------


def _draw_scores(rng: np.random.Generator) -> dict[str, Any]:
    S = rng.normal(size=rng.integers(1, 7, size=2)) * 10.0 ** rng.uniform(-2.0, 1.5)
    if rng.random() < 0.3:  # two blocks, where the bound is attained
        signs = [rng.choice([-1.0, 1.0], size=n) for n in S.shape]
        S = float(np.abs(S).max()) * np.outer(*signs)
    return {"S": S}


register(
    Claim(
        id="RANK-7c",
        title="Birkhoff's coefficient bounds Dobrushin's",
        statement=(
            "tau(softmax(S)) <= tanh(Delta(S)/4) with the Hilbert projective diameter Delta, which "
            "no shift of a row or a column of S changes; equality for two balanced blocks."
        ),
        source=s.extends_dong("Birkhoff's contraction theorem (1957) for softmax"),
        standing="theorem",
        observable="ergodicity coefficient",
        parameters=(Parameter("S", Matrix(), "scores, (n, T)"),),
        values={
            "hilbert_diameter": s.routine("S", _DELTA, hilbert_diameter),
            "tanh_bound": sp.tanh(_Delta / 4),
            "tau_dobrushin": s.routine("S", s.tau(s.softmax(s.E)), lambda S: dobrushin(softmax(S))),
        },
        cases=(
            {"S": [[1, 2, 0.5], [0, -1, 2], [3, 0.25, 1]]},
            {"S": [[2, 0], [0, 2]]},
            {"S": [[400, -400], [-400, 400]]},
        ),
        judged_by=(
            PathwiseBound(
                lambda p, v, rng: [(float(v["tau_dobrushin"]), float(v["tanh_bound"]) + 1e-14)],
                _draw_scores,
                rounding=1e-9,
            ),
        ),
        wrong_twin=WrongTwin(
            "tanh(Delta/4) taken as tanh(Delta/4.2)",
            {"tanh_bound": sp.tanh(_Delta / sp.Rational(42, 10))},
        ),
    )
)

# --- RANK-7d --------------------------------------------------------------------------------------

DIAMETER = Parameter(
    "diameter_2", Real(low=0.0, low_open=True, typical=(0.05, 2.0)), "D_0, at the input"
)
_ARGUMENTS = ("W_QK", "W_V", "temperature")
_h, _H = sp.Symbol("h", integer=True), sp.Symbol("H", integer=True)
_B = sp.Sum(s.norm_2(sp.Symbol("A_h")) * s.norm_2(sp.Symbol("W_h")), (_h, 1, _H)) / (
    4 * _temperature
)


def _head_norms(W_QK: Floats, W_V: Floats, temperature: float) -> tuple[Floats, Floats]:
    """Return norm_2(A_h)/(4 temperature) and norm_2(W_h)."""
    scores = np.array([norm_2(a) for a in s.heads_of(W_QK)]) / (4.0 * temperature)
    return scores, np.array([norm_2(w) for w in s.heads_of(W_V)])


def _closed(B: float, D: float, L: int) -> list[float] | None:
    return [closed_form(B, D, l) for l in range(L + 1)] if B > 0.0 else None


def _naive(p: Mapping[str, Any]) -> dict[str, Any]:
    D, B, T = p["diameter_2"], 0.0, p["temperature"]
    heads = list(zip(s.heads_of(p["W_QK"]), s.heads_of(p["W_V"]), strict=True))
    sizes = [(np.linalg.svd(a)[1][0], np.linalg.svd(w)[1][0]) for a, w in heads]
    B = sum(float(a * w) for a, w in sizes) / (4.0 * T)
    log_d, found, cubes = D, [math.log10(D)], [math.log10(D)]
    for _ in range(p["L"]):
        log_d *= sum(float(w) * math.tanh(float(a) * log_d**2 / (4.0 * T)) for a, w in sizes)
        found.append(math.log10(log_d))
        cubes.append(math.log10(B) + 3.0 * cubes[-1])
    return {
        "cubic_constant_diameter": B,
        "log10_diameter_tanh": found,
        "log10_diameter_closed": cubes,
    }


def _draw_7d(rng: np.random.Generator) -> dict[str, Any]:
    layer = s.draw_layer(rng, int(rng.integers(1, 3)))
    del layer["X"]
    return {**layer, "diameter_2": 10.0 ** rng.uniform(-1.0, 0.5), "L": int(rng.integers(1, 5))}


def _below(p: Mapping[str, Any], v: Mapping[str, Any], rng: np.random.Generator) -> Any:
    """Run networks on tokens of diameter D_0, antipodal ones among them."""
    if "log10_diameter_tanh" not in v:
        return [(0.0, 1.0)]
    width = p["W_QK"].shape[-1]
    X = s.draw_tokens(rng, int(rng.integers(2, 6)), width)
    if rng.random() < 0.5:
        X = np.array([[1.0], [-1.0]]) * rng.normal(size=width)
    tokens = TokenSpread.of(X * (p["diameter_2"] / diameter_2(X)))
    bounds = list(zip(v["log10_diameter_tanh"], v["log10_diameter_closed"], strict=True))
    pairs = [(float(a), float(b)) for a, b in bounds]
    for sharp, _ in bounds:
        if tokens.collapsed:
            break
        pairs.append((tokens.log10_diameter_2() - 1e-12, float(sharp)))
        tokens = attention_layer(
            tokens, s.heads_of(p["W_QK"]), s.heads_of(p["W_V"]), p["temperature"]
        )
    return pairs


register(
    Claim(
        id="RANK-7d",
        title="the diameter at depth",
        statement=(
            "D' <= D sum_h ||W_h|| tanh(||A_h|| D^2/(4 temperature)) <= B D^3 with "
            "B = sum_h ||A_h|| ||W_h||/(4 temperature), so D_L <= B^((3^L - 1)/2) D_0^(3^L); "
            "sum_h ||W_h|| <= 1 implies collapse from every input."
        ),
        source=s.extends_dong("Theorem 2.2 in the diameter, for all inputs"),
        standing="derived",
        observable="diameter",
        parameters=(s.HEADS_QK, s.HEADS_V, s.TEMPERATURE, DIAMETER, s.DEPTH),
        complete=s.check_square_widths,
        where={"norms": Routine(sp.Tuple(s.norm_2(s.A), s.norm_2(s.W)), _head_norms, _ARGUMENTS)},
        values={
            "cubic_constant_diameter": s.routine("norms", _B, lambda x: float(x[0] @ x[1])),
            "criterion": symbol("cubic_constant_diameter") * _D**2,
            "log10_diameter_tanh": Routine(
                s.log10(
                    _D
                    * sp.Sum(sp.Symbol("norm_W_h") * sp.tanh(sp.Symbol("x_h") * _D**2), (_h, 1, _H))
                ),
                lambda x, D, L: diameter_recursion(D, x[0], x[1], L),
                ("norms", "diameter_2", "L"),
            ),
            "log10_diameter_closed": Routine(
                (3**s.L - 1) / 2 * s.log10(sp.Symbol("B")) + 3**s.L * s.log10(_D),
                _closed,
                ("cubic_constant_diameter", "diameter_2", "L"),
            ),
        },
        cases=(
            {
                "W_QK": s.A_1,
                "W_V": s.W_1,
                "temperature": 2.0,
                "diameter_2": 0.9354143466934853,
                "L": 5,
            },
            {
                "W_QK": [s.A_1, s.A_2],
                "W_V": [s.W_1, s.W_2],
                "temperature": 2.0,
                "diameter_2": 0.25,
                "L": 3,
            },
            {"W_QK": [[1.0]], "W_V": [[1.0]], "diameter_2": 1.0, "L": 3},
        ),
        judged_by=(
            PathwiseBound(_below, _draw_7d, rounding=1e-10, most_draws=50),
            Identity(_naive, _draw_7d, tolerance=1e-9),
        ),
        wrong_twin=WrongTwin(
            "constant 4 taken as 4.2",
            {
                "norms": Routine(
                    sp.Tuple(s.norm_2(s.A) / sp.Rational(105, 100), s.norm_2(s.W)),
                    lambda *x: ((n := _head_norms(*x))[0] / 1.05, n[1]),
                    _ARGUMENTS,
                )
            },
        ),
    )
)
