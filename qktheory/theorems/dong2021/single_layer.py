"""RANK-2a to RANK-2c: the exact split of one layer and the corrected cubic bound."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any

import mpmath
import numpy as np
import sympy as sp
from scipy.optimize import brentq

from qktheory.base.domains import Integer, Parameter, Real, RealList
from qktheory.base.errors import bad_value
from qktheory.numerics.common_row import least_norm_1inf
from qktheory.numerics.layer_split import LayerSplit, cubic_factor
from qktheory.numerics.many_digits import attention_of, many_digits
from qktheory.numerics.matrix_norms import centred, norm_1, norm_1inf, norm_inf, oscillation
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.dong2021 import setting as s
from qktheory.theorems.judgements import Identity, PathwiseBound

Floats = s.Floats

# --- RANK-2a --------------------------------------------------------------------------------------

_delta, _kappa, _gamma, _G = symbol("delta"), symbol("kappa"), symbol("gamma_ratio"), symbol("G")
_delta_i = sp.IndexedBase("delta")[s.i]
_sum_tanh = sp.Sum(sp.tanh(_delta_i / 4), (s.i, 1, s.n))


def _bound_a_inf(split: LayerSplit, quarter: float = 0.25) -> float:
    return 2.0 * math.tanh(quarter * split.delta) * norm_inf(split.R)


def _bound_a_1(split: LayerSplit) -> float:
    shares = np.tanh(split.row_oscillations / 4.0).sum()
    return float(shares * oscillation(split.R, axis=0).max())


def _bound_a(split: LayerSplit, W_V: Floats) -> float:
    shares = np.tanh(split.row_oscillations / 4.0).sum()
    factor = math.sqrt(2.0 * math.tanh(split.delta / 4.0) * shares)
    return factor * norm_1inf(W_V) * split.residual_norm


def _cubic(split: LayerSplit, W_V: Floats, constant: float) -> float:
    return constant * split.kappa * norm_1inf(W_V) * split.residual_norm**3


def _with_values(statement: Any, compute: Any) -> Routine:
    return Routine(sp.sympify(statement), compute, ("split", "W_V"))


_PAIRS = (
    ("z_norm_inf", "bound_a_z_norm_inf"),
    ("z_norm_1", "bound_a_z_norm_1"),
    ("zw_norm_1inf", "bound_a"),
    ("z_norm_inf", "bound_b_z_norm_inf"),
    ("z_norm_1", "bound_b_z_norm_1"),
    ("zw_norm_1inf", "bound_b"),
    ("zw_norm_1inf", "bound_dcl"),
    ("residual_argmin_out", "zw_norm_1inf"),
    ("residual_argmin_out", "residual_mean_out"),
)


def _pairs(
    parameters: Mapping[str, Any], values: Mapping[str, Any], rng: np.random.Generator
) -> list[tuple[float, float]]:
    return [(float(values[a]), float(values[b])) for a, b in _PAIRS]


def _precise_pairs(parameters: Mapping[str, Any]) -> list[tuple[Any, Any] | None]:
    """Return the pairs of `_PAIRS` in many digits; the best common row has no such route."""
    X, A, W = (many_digits(parameters[name]) for name in ("X", "W_QK", "W_V"))
    temperature, T = mpmath.mpf(parameters["temperature"]), len(X)
    given = parameters["reference"]
    c = X.sum(axis=0) / T if given is None else many_digits(given)
    R = X - c
    E = R @ A @ R.T / temperature
    u = (c @ A @ R.T / temperature)[None, :]
    Z = (attention_of(u + E) - attention_of(u)) @ R

    def norms(M: Any) -> tuple[Any, Any, Any]:
        by_column, by_row = abs(M).sum(axis=0).max(), abs(M).sum(axis=1).max()
        return by_column, by_row, mpmath.sqrt(by_column * by_row)

    (R_1, R_inf, residual), (Z_1, Z_inf, _) = norms(R), norms(Z)
    values, kappa = norms(W)[2], norms(A)[0] / temperature
    deltas = E.max(axis=1) - E.min(axis=1)
    delta = deltas.max()
    pairs = itertools.combinations(range(T), 2)
    most = max((abs(E[:, j] - E[:, k]).sum() for j, k in pairs), default=mpmath.mpf(0))
    gamma = deltas.sum() / most if most else mpmath.mpf(1)
    G = min(mpmath.mpf(T), gamma, mpmath.exp(delta))
    shares = mpmath.fsum(mpmath.tanh(x / 4) for x in deltas)
    half_tanh = 2 * mpmath.tanh(delta / 4)
    out, cube = norms(Z @ W)[2], kappa * values * residual**3
    return [
        (Z_inf, half_tanh * R_inf),
        (Z_1, shares * (R.max(axis=0) - R.min(axis=0)).max()),
        (out, mpmath.sqrt(half_tanh * shares) * values * residual),
        (Z_inf, kappa * residual**2 * R_inf),
        (Z_1, G / 2 * kappa * residual**2 * R_1),
        (out, mpmath.sqrt(G / 2) * cube),
        (out, 4 * gamma * cube),
        None,
        None,
    ]


def _draw(rng: np.random.Generator) -> dict[str, Any]:
    layer = s.draw_layer(rng)
    if rng.random() < 0.5:
        width = layer["X"].shape[1]
        layer["reference"] = layer["X"].mean(axis=0) + 0.3 * rng.normal(size=width)
    return layer


def _draw_mild(rng: np.random.Generator) -> dict[str, Any]:
    """Draw scores at which subtracting distributions in floats keeps nine digits."""
    layer = s.draw_layer(rng)
    T, width = int(rng.integers(2, 7)), layer["W_QK"].shape[0]
    layer["X"] = rng.normal(size=(T, width))
    layer["temperature"] = 2.0 * float(np.abs(layer["W_QK"]).sum())
    return layer


def _by_subtraction(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the split from the two softmaxes and their difference."""
    X, W_V = parameters["X"], parameters["W_V"]
    c = parameters["reference"]
    c = X.mean(axis=0) if c is None else c
    score = parameters["W_QK"] / parameters["temperature"]
    R = X - c
    P, q = np.exp(X @ score @ X.T), np.exp(c @ score @ R.T)
    P, q = P / P.sum(axis=1, keepdims=True), q / q.sum()
    Z = (P - q) @ R
    out = P @ X @ W_V
    return {
        "base_distribution": q,
        "attention": P,
        "common_row": (c + q @ R) @ W_V,
        "z_norm_1": norm_1(Z),
        "z_norm_inf": norm_inf(Z),
        "zw_norm_1inf": norm_1inf(out - (c + q @ R) @ W_V),
        "residual_mean_out": norm_1inf(out - out.mean(axis=0)),
    }


_ZW = s.Z * s.W
_residual = s.norm_1inf(s.R)

register(
    Claim(
        id="RANK-2a",
        title="one layer: exact split and cubic bounds without smallness",
        statement=(
            "P X W_V = 1 (c + R^T q)^T W_V + Z W_V exactly, for any common row c, and Z is bounded "
            "by the row oscillations delta_i of E through tanh(delta_i/4) for all inputs, and by "
            "sqrt(G/2) kappa norm_1inf(R)^3 with G = min(T, gamma, e^delta). The published bound "
            "4 gamma kappa norm_1inf(W_V) norm_1inf(R)^3 follows without its smallness assumption."
        ),
        source=s.extends_dong("Lemma A.1, corrected: no smallness, signs, and gamma made explicit"),
        standing="corrected",
        observable="residual of one layer",
        parameters=(s.TOKENS, s.W_QK, s.W_V, s.TEMPERATURE, s.REFERENCE),
        complete=s.check_widths,
        where={"split": s.SPLIT},
        values={
            "base_distribution": s.routine(
                "split", s.softmax(s.R * s.A * s.c / symbol("temperature")), lambda x: x.q
            ),
            "attention": s.routine(
                "split", s.softmax(s.X * s.A * s.X_T / symbol("temperature")), lambda x: x.attention
            ),
            "row_oscillations": s.routine("split", s.osc(s.E), lambda x: x.row_oscillations),
            "delta": s.routine("split", sp.Max(s.osc(sp.Symbol("E_i"))), lambda x: x.delta),
            "kappa": s.routine("split", s.norm_1(s.A) / symbol("temperature"), lambda x: x.kappa),
            "m_total": s.routine(
                "split", sp.Function("max_jj'")(sp.Symbol("sum_i|E_ij-E_ij'|")), lambda x: x.m_total
            ),
            "gamma": s.routine(
                "split", sp.Sum(_delta_i, (s.i, 1, s.n)) / sp.Symbol("M"), lambda x: x.gamma
            ),
            "g_factor": s.routine(
                "split", sp.Min(s.n, _gamma, sp.exp(_delta)), lambda x: x.g_factor
            ),
            "common_row": _with_values(
                sp.Symbol("W^T", commutative=False) * (s.c + s.R_T * s.q),
                lambda x, W_V: x.common_row @ W_V,
            ),
            "z_norm_1": s.routine("split", s.norm_1(s.Z), lambda x: norm_1(x.deviation)),
            "z_norm_inf": s.routine("split", s.norm_inf(s.Z), lambda x: norm_inf(x.deviation)),
            "zw_norm_1inf": _with_values(
                s.norm_1inf(_ZW), lambda x, W_V: norm_1inf(x.deviation @ W_V)
            ),
            "bound_a_z_norm_inf": s.routine(
                "split", 2 * sp.tanh(_delta / 4) * s.norm_inf(s.R), _bound_a_inf
            ),
            "bound_a_z_norm_1": s.routine("split", _sum_tanh * s.osc(s.R), _bound_a_1),
            "bound_a": _with_values(
                sp.sqrt(2 * sp.tanh(_delta / 4) * _sum_tanh) * s.norm_1inf(s.W) * _residual,
                _bound_a,
            ),
            "bound_b_z_norm_inf": s.routine(
                "split",
                _kappa * _residual**2 * s.norm_inf(s.R),
                lambda x: x.kappa * x.residual_norm**2 * norm_inf(x.R),
            ),
            "bound_b_z_norm_1": s.routine(
                "split",
                _G / 2 * _kappa * _residual**2 * s.norm_1(s.R),
                lambda x: 0.5 * x.g_factor * x.kappa * x.residual_norm**2 * norm_1(x.R),
            ),
            "bound_b": _with_values(
                sp.sqrt(_G / 2) * _kappa * s.norm_1inf(s.W) * _residual**3,
                lambda x, W_V: _cubic(x, W_V, math.sqrt(x.g_factor / 2.0)),
            ),
            "bound_dcl": _with_values(
                4 * _gamma * _kappa * s.norm_1inf(s.W) * _residual**3,
                lambda x, W_V: _cubic(x, W_V, 4.0 * x.gamma),
            ),
            "residual_mean_out": _with_values(
                s.norm_1inf(s.Pi * _ZW), lambda x, W_V: norm_1inf(centred(x.deviation @ W_V))
            ),
            "residual_argmin_out": _with_values(
                sp.Function("min_y")(s.norm_1inf(_ZW - sp.Symbol("y"))),
                lambda x, W_V: least_norm_1inf(x.deviation @ W_V),
            ),
        },
        cases=(
            s.chapter_input(0.5),
            s.chapter_input(0.5, reference=[0.25, 0, 0.5]),
            {**s.PAIR, "X": [[0.1], [-0.1]]},
            s.chapter_input(4.0),
        ),
        judged_by=(
            PathwiseBound(
                _pairs,
                _draw,
                rounding=1e-9,
                most_draws=40,
                inequalities=[f"{smaller} <= {larger}" for smaller, larger in _PAIRS],
                precise=_precise_pairs,
            ),
            Identity(_by_subtraction, _draw_mild, tolerance=1e-7, most_draws=15),
        ),
        wrong_twin=WrongTwin(
            "tanh(delta/4) taken as tanh(delta/4.2)",
            {
                "bound_a_z_norm_inf": s.routine(
                    "split",
                    2 * sp.tanh(_delta / sp.Rational(42, 10)) * s.norm_inf(s.R),
                    lambda x: _bound_a_inf(x, 1.0 / 4.2),
                )
            },
        ),
        proof=(
            "Row i of Z R is TV_i times the difference of two convex combinations of tokens, and "
            "TV_i <= tanh(delta_i/4). For B, |E_ij| <= kappa norm_1(R) norm_inf(R), tanh x <= x, "
            "and for fixed j, j' the sum over i of |E_ij - E_ij'| is norm_1(R A (r_j - r_j')) / "
            "temperature <= 2 kappa norm_1(R) norm_inf(R)."
        ),
    )
)

# --- RANK-2b --------------------------------------------------------------------------------------

_P = Parameter("probabilities_p", RealList(Real(0.0, 1.0), 1), "a probability vector")
_Q = Parameter("probabilities_q", RealList(Real(0.0, 1.0), 1), "a probability vector")


def _probabilities(p: dict[str, Any]) -> None:
    first, second = p["probabilities_p"], p["probabilities_q"]
    if len(first) != len(second):
        raise bad_value("probabilities_q", second.tolist(), f"a list of length {len(first)}")
    for name, vector in (("probabilities_p", first), ("probabilities_q", second)):
        if abs(math.fsum(vector) - 1.0) > 1e-9:
            raise bad_value(name, vector.tolist(), "probabilities that sum to 1")
    if ((first > 0.0) != (second > 0.0)).any():
        raise bad_value("probabilities_q", second.tolist(), "zeros where probabilities_p has them")


def _log_ratio_range(p: Floats, q: Floats) -> float:
    kept = p > 0.0
    return float(oscillation(np.log(p[kept]) - np.log(q[kept])))


def _draw_distributions(rng: np.random.Generator) -> dict[str, Any]:
    n = int(rng.integers(1, 8))
    if rng.random() < 0.5:  # nearly the extremal pair: two levels of the ratio
        q = rng.dirichlet(np.ones(n))
        ratio = np.where(rng.random(n) < 0.5, 10.0 ** rng.uniform(-2.0, 2.0), 1.0)
        return {"probabilities_p": q * ratio / (q @ ratio), "probabilities_q": q}
    return {
        "probabilities_p": rng.dirichlet(np.full(n, 0.7)) + 0.0,
        "probabilities_q": rng.dirichlet(np.full(n, 0.7)) + 0.0,
    }


_oscillation = symbol("oscillation")
_p, _q = sp.IndexedBase("p"), sp.IndexedBase("q")

register(
    Claim(
        id="RANK-2b",
        title="total variation by the oscillation of the log ratio",
        statement=(
            "If log(p/q) of two probability vectors has oscillation D, their total variation is at "
            "most tanh(D/4), attained by two-point vectors."
        ),
        source=s.extends_dong("replaces the linearised softmax of Appendix A"),
        standing="derived",
        observable="total variation",
        parameters=(_P, _Q),
        complete=_probabilities,
        values={
            "total_variation": Routine(
                sp.Sum(sp.Abs(_p[s.j] - _q[s.j]), (s.j, 1, s.n)) / 2,
                lambda p, q: 0.5 * float(np.abs(p - q).sum()),
                ("probabilities_p", "probabilities_q"),
            ),
            "oscillation": Routine(
                s.osc(sp.log(_p[s.j] / _q[s.j])),
                _log_ratio_range,
                ("probabilities_p", "probabilities_q"),
            ),
            "bound": sp.tanh(_oscillation / 4),
        },
        cases=(
            {"probabilities_p": [0.8, 0.2], "probabilities_q": [0.2, 0.8]},
            {"probabilities_p": [0.5, 0.25, 0.25], "probabilities_q": [0.25, 0.5, 0.25]},
            {"probabilities_p": [0.9, 0.1, 0.0], "probabilities_q": [0.3, 0.7, 0.0]},
        ),
        judged_by=(
            PathwiseBound(
                # p and q carry rounding of their own, which counts where they are nearly equal.
                lambda p, values, rng: [
                    (float(values["total_variation"]), float(values["bound"]) + 1e-14)
                ],
                _draw_distributions,
                rounding=1e-9,
            ),
        ),
        wrong_twin=WrongTwin(
            "tanh(D/4) taken as tanh(D/4.2)", {"bound": sp.tanh(_oscillation / sp.Rational(42, 10))}
        ),
        proof=(
            "The ratio lies in [a, a e^D] with q-mean 1. Total variation is extremal for a "
            "two-point ratio, (1 - a)(a e^D - 1)/(a (e^D - 1)), largest at a = e^(-D/2)."
        ),
    )
)

# --- RANK-2c --------------------------------------------------------------------------------------

_x0 = sp.Symbol("x_0", positive=True)
_g_factor = symbol("g_factor")
#: The positive root of e^x = 1 + 2x.
_ROOT = float(brentq(lambda x: math.expm1(x) - 2.0 * x, 1.0, 2.0, xtol=1e-15, rtol=1e-15))


def _by_bisection(p: Mapping[str, Any]) -> dict[str, float]:
    low, high = 0.5, 3.0
    for _ in range(80):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if math.exp(middle) < 1.0 + 2.0 * middle else (low, middle)
    smaller = p["T"] if p["T"] < p["gamma"] else p["gamma"]
    if math.log(smaller) > p["delta"]:
        smaller = math.exp(p["delta"])
    return {
        "g_factor": float(smaller),
        "constant": math.sqrt(smaller) / math.sqrt(2.0),
        "dcl_delta_max": low,
        "delta_constant_4": 5.0 * math.log(2.0),
    }


register(
    Claim(
        id="RANK-2c",
        title="constant of the cubic bound",
        statement=(
            "The constant sqrt(G/2), G = min(T, gamma, e^delta), is at most 4 for T <= 32, or for "
            "delta <= log 32; the published route needs delta <= x_0 with e^x_0 = 1 + 2 x_0."
        ),
        source=s.extends_dong("the constant of Theorem 2.2 and its smallness assumption"),
        standing="corrected",
        observable="constant",
        parameters=(
            Parameter("T", Integer(low=1, typical=(1, 60)), "number of tokens"),
            Parameter("gamma", Real(low=1.0, typical=(1.0, 40.0)), "ratio of oscillations"),
            Parameter("delta", Real(low=0.0, typical=(0.0, 8.0)), "largest row oscillation"),
        ),
        values={
            "g_factor": Routine(
                sp.Min(s.n, _gamma, sp.exp(_delta)), cubic_factor, ("T", "gamma", "delta")
            ),
            "constant": sp.sqrt(_g_factor / 2),
            "dcl_delta_max": Routine(sp.Eq(sp.exp(_x0), 1 + 2 * _x0), lambda: _ROOT, ()),
            "delta_constant_4": sp.log(32),
        },
        cases=(
            {"T": 32, "gamma": 100, "delta": 50},
            {"T": 10, "gamma": 10, "delta": 1.2564312086261697},
            {"T": 10**12, "gamma": 1e9, "delta": 3.4657359027997265},
        ),
        judged_by=(
            Identity(
                _by_bisection,
                lambda rng: {
                    "T": int(10.0 ** rng.uniform(0.0, 4.0)),
                    "gamma": 10.0 ** rng.uniform(0.0, 4.0),
                    "delta": rng.uniform(0.0, 10.0),
                },
                tolerance=1e-12,
            ),
        ),
        wrong_twin=WrongTwin("G/2 taken as G/2.1", {"constant": sp.sqrt(_g_factor / 2.1)}),
    )
)
