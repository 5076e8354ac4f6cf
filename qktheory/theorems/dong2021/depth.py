"""RANK-4a to RANK-4d: several heads, a rowwise network, and depth."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import sympy as sp

from qktheory.base.domains import Integer, Matrix, Parameter, Real
from qktheory.base.errors import bad_value
from qktheory.numerics.common_row import least_norm_1
from qktheory.numerics.depth_bounds import a_priori_norms, closed_form
from qktheory.numerics.layer_split import LayerSplit
from qktheory.numerics.matrix_norms import norm_1, norm_1inf, norm_inf
from qktheory.numerics.token_spread import TokenSpread, attention_layer
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.dong2021 import setting as s
from qktheory.theorems.judgements import Identity, PathwiseBound

Floats = s.Floats

_K, _rho = symbol("cubic_constant"), symbol("residual_norm_1inf")
_G, _kappa, _W = sp.IndexedBase("G"), sp.IndexedBase("kappa"), sp.IndexedBase("W")
_H = sp.Symbol("H", integer=True, positive=True)
_h = sp.Symbol("h", integer=True, positive=True)


# --- RANK-4a --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Heads:
    """The splits of all heads of a layer, and their value matrices."""

    splits: list[LayerSplit]
    values: Floats

    @cached_property
    def kappa(self) -> Floats:
        """norm_1(A_h)/temperature."""
        return np.array([one.kappa for one in self.splits])

    @cached_property
    def g(self) -> Floats:
        """G_h."""
        return np.array([one.g_factor for one in self.splits])

    @cached_property
    def columns(self) -> Floats:
        """kappa_h norm_1(W_h)."""
        return np.asarray(self.kappa * [norm_1(w) for w in self.values])

    @cached_property
    def rows(self) -> Floats:
        """kappa_h norm_inf(W_h)."""
        return np.asarray(self.kappa * [norm_inf(w) for w in self.values])

    def cubic(self, half: float = 0.5) -> float:
        """K, by Theorem B of each head."""
        return math.sqrt(half * float(self.g @ self.columns)) * math.sqrt(float(self.rows.sum()))

    def output(self) -> float:
        """norm_1inf of sum_h Z_h W_h."""
        terms = [one.deviation @ w for one, w in zip(self.splits, self.values, strict=True)]
        return norm_1inf(sum(terms))


def split_heads(
    X: Floats, W_QK: Floats, W_V: Floats, temperature: float, reference: Floats | None
) -> Heads:
    """Split a layer head by head around one common row."""
    splits = [LayerSplit(X, a, temperature, reference) for a in s.heads_of(W_QK)]
    return Heads(splits, s.heads_of(W_V))


def _max_form(x: Heads) -> float:
    largest = math.sqrt(0.5 * float((x.g * x.columns).max())) * math.sqrt(float(x.rows.max()))
    return len(x.kappa) * largest


def _dcl(x: Heads) -> float:
    products = x.kappa * [norm_1inf(w) for w in x.values]
    return 4.0 * len(x.kappa) * float(products.max())


def _written_out(p: Mapping[str, Any]) -> dict[str, float]:
    """Evaluate K from the scores themselves."""
    X, heads = p["X"], s.heads_of(p["W_QK"])
    c = X.mean(axis=0) if p["reference"] is None else p["reference"]
    R = X - c
    columns = rows = 0.0
    for a, w in zip(heads, s.heads_of(p["W_V"]), strict=True):
        E = R @ a @ R.T / p["temperature"]
        delta = E.max(axis=1) - E.min(axis=1)
        M = max(float(np.abs(E[:, [j]] - E).sum(axis=0).max()) for j in range(len(X)))
        gamma = max(float(delta.sum()) / M, 1.0) if M > 0.0 else 1.0
        g = min(len(X), gamma, math.exp(min(float(delta.max()), 100.0)))
        kappa = float(np.abs(a).sum(axis=0).max()) / p["temperature"]
        columns += 0.5 * g * kappa * float(np.abs(w).sum(axis=0).max())
        rows += kappa * float(np.abs(w).sum(axis=1).max())
    return {"cubic_constant": math.sqrt(columns * rows), "residual_norm_1inf": norm_1inf(R)}


def _draw_heads(rng: np.random.Generator) -> dict[str, Any]:
    drawn = s.draw_layer(rng, int(rng.integers(1, 4)))
    if len(drawn["X"]) == 1:
        drawn["X"] = np.vstack([drawn["X"], rng.normal(size=drawn["X"].shape)])
    return drawn


def _sum_over_heads(term: sp.Expr) -> sp.Expr:
    return sp.Sum(term, (_h, 1, _H))


_columns = _sum_over_heads(_G[_h] / 2 * _kappa[_h] * s.norm_1(_W[_h]))
_rows = _sum_over_heads(_kappa[_h] * s.norm_inf(_W[_h]))
_max = sp.Function("max_h")

register(
    Claim(
        id="RANK-4a",
        title="several heads: one constant for the cubic bound",
        statement=(
            "norm_1inf(sum_h Z_h W_h) <= K norm_1inf(R)^3 with K^2 = (sum_h G_h/2 kappa_h "
            "norm_1(W_h)) (sum_h kappa_h norm_inf(W_h)): norm_1inf has no triangle inequality, so "
            "the sums are taken in norm_1 and norm_inf."
        ),
        source=s.extends_dong(
            "Theorem 2.2 for several heads, with the triangle inequality repaired"
        ),
        standing="corrected",
        observable="residual of one layer",
        parameters=(s.TOKENS, s.HEADS_QK, s.HEADS_V, s.TEMPERATURE, s.REFERENCE),
        complete=s.check_widths,
        where={
            "heads": Routine(
                sp.Eq(s.P * s.X, s.common + s.Z * s.R, evaluate=False),
                split_heads,
                ("X", "W_QK", "W_V", "temperature", "reference"),
            )
        },
        values={
            "kappa_heads": s.routine("heads", _kappa[_h], lambda x: x.kappa),
            "g_heads": s.routine("heads", _G[_h], lambda x: x.g),
            "cubic_constant": s.routine("heads", sp.sqrt(_columns * _rows), lambda x: x.cubic()),
            "cubic_constant_max_form": s.routine(
                "heads",
                _H
                * sp.sqrt(
                    _max(_G[_h] / 2 * _kappa[_h] * s.norm_1(_W[_h]))
                    * _max(_kappa[_h] * s.norm_inf(_W[_h]))
                ),
                _max_form,
            ),
            "cubic_constant_dcl": s.routine(
                "heads", 4 * _H * _max(_kappa[_h] * s.norm_1inf(_W[_h])), _dcl
            ),
            "residual_norm_1inf": s.routine(
                "heads", s.norm_1inf(s.R), lambda x: x.splits[0].residual_norm
            ),
            "lhs": s.routine(
                "heads", s.norm_1inf(sp.Symbol("sum_h Z_h W_h")), lambda x: x.output()
            ),
            "rhs": _K * _rho**3,
            "criterion": _K * _rho**2,
            "criterion_dcl": symbol("cubic_constant_dcl") * _rho**2,
        },
        cases=(
            s.chapter_input(0.25),
            s.chapter_input(0.25, 2),
            s.chapter_input(0.5, 2, reference=[0.25, 0, 0.5]),
            s.PAIR,
        ),
        judged_by=(
            PathwiseBound(
                lambda p, v, rng: [
                    (float(v["lhs"]), float(v["rhs"])),
                    (float(v["cubic_constant"]), float(v["cubic_constant_max_form"])),
                ],
                _draw_heads,
                rounding=1e-9,
            ),
            Identity(_written_out, _draw_heads, tolerance=1e-8),
        ),
        wrong_twin=WrongTwin(
            "G/2 taken as G/2.1",
            {
                "cubic_constant": s.routine(
                    "heads", sp.sqrt(_columns * _rows / 1.05), lambda x: x.cubic(1 / 2.1)
                )
            },
        ),
    )
)

# --- RANK-4b --------------------------------------------------------------------------------------

_POSITIVE = Real(low=0.0, low_open=True, typical=(0.05, 3.0))
CUBIC = Parameter("cubic_constant", _POSITIVE, "K")
RESIDUAL = Parameter("residual_norm_1inf", _POSITIVE, "residual at the input")


def _iterated(p: Mapping[str, Any]) -> dict[str, float]:
    value = math.log10(p["residual_norm_1inf"])
    for _ in range(p["L"]):
        value = math.log10(p["cubic_constant"]) + 3.0 * value
    return {"log10_bound": value}


def _other_exponent(K: float, rho: float, L: int) -> float:
    """Return the bound with the exponent 2.9 in place of 3."""
    power = 2.9**L
    return 0.5 * (power - 1.0) * math.log10(K) + power * math.log10(rho)


register(
    Claim(
        id="RANK-4b",
        title="closed form of the cubic recursion",
        statement=(
            "If K bounds every layer, the residual after L layers is at most "
            "K^((3^L - 1)/2) rho^(3^L): doubly exponential decay if K rho^2 < 1, and vacuous "
            "otherwise."
        ),
        source=s.extends_dong("Corollary of Theorem 2.2"),
        standing="theorem",
        observable="residual",
        parameters=(CUBIC, RESIDUAL, s.DEPTH),
        values={
            "log10_bound": Routine(
                (3**s.L - 1) / 2 * s.log10(_K) + 3**s.L * s.log10(_rho),
                closed_form,
                ("cubic_constant", "residual_norm_1inf", "L"),
            ),
            "criterion": _K * _rho**2,
        },
        cases=(
            {"cubic_constant": 18.0, "residual_norm_1inf": 0.9013878188659973, "L": 3},
            {"cubic_constant": 0.5, "residual_norm_1inf": 1.25, "L": 0},
            {"cubic_constant": 0.5, "residual_norm_1inf": 1.25, "L": 8},
        ),
        judged_by=(
            Identity(
                _iterated,
                lambda rng: {
                    "cubic_constant": 10.0 ** rng.uniform(-3.0, -0.2),
                    "residual_norm_1inf": 10.0 ** rng.uniform(-3.0, -0.2),
                    "L": int(rng.integers(0, 12)),
                },
                tolerance=1e-11,
            ),
        ),
        wrong_twin=WrongTwin(
            "exponent 3 taken as 2.9",
            {
                "log10_bound": Routine(
                    (sp.Rational(29, 10) ** s.L - 1) / 2 * s.log10(_K)
                    + sp.Rational(29, 10) ** s.L * s.log10(_rho),
                    _other_exponent,
                    ("cubic_constant", "residual_norm_1inf", "L"),
                )
            },
        ),
    )
)

# --- RANK-4c --------------------------------------------------------------------------------------

W_IN = Parameter("W_in", Matrix(), "first matrix of the network, (d, p)")
W_OUT = Parameter("W_out", Matrix(), "second matrix of the network, (p, m)")


def check_network(p: dict[str, Any]) -> None:
    """Check that the matrices of a network fit the tokens and each other."""
    width = p["X"].shape[1]
    if p["W_in"].shape[0] != width:
        raise bad_value("W_in", f"array of shape {p['W_in'].shape}", f"d = {width} rows")
    if p["W_out"].shape[0] != p["W_in"].shape[1]:
        rows = p["W_in"].shape[1]
        raise bad_value("W_out", f"array of shape {p['W_out'].shape}", f"p = {rows} rows")
    if p.get("reference") is not None and len(p["reference"]) != width:
        raise bad_value("reference", p["reference"].tolist(), f"a list of length d = {width}")


def _residual(X: Floats, reference: Floats | None) -> Floats:
    return LayerSplit(X, np.zeros((X.shape[1],) * 2), 1.0, reference).R


def _moved(X: Floats, W_in: Floats, W_out: Floats, reference: Floats | None) -> Floats:
    """Return f(X) - 1 f(reference) from the change of each unit."""
    c = X.mean(axis=0) if reference is None else reference
    before, change = c @ W_in, _residual(X, reference) @ W_in
    open_units = np.maximum(change, -before)
    closed_units = np.maximum(before + change, 0.0)
    return np.asarray(np.where(before > 0.0, open_units, closed_units) @ W_out)


def _draw_network(rng: np.random.Generator) -> dict[str, Any]:
    T, width, units = int(rng.integers(1, 7)), int(rng.integers(1, 5)), int(rng.integers(1, 6))
    X = s.draw_tokens(rng, T, width)
    return {
        "X": X,
        "W_in": rng.normal(size=(width, units)),
        "W_out": rng.normal(size=(units, int(rng.integers(1, 5)))),
        "reference": X.mean(axis=0) + 0.3 * rng.normal(size=width),
    }


_Lambda = sp.Symbol("Lambda", commutative=False)
_f = sp.Function("f")
_LIPSCHITZ = Routine(
    sp.Abs(sp.Symbol("W_in")) * sp.Abs(sp.Symbol("W_out")),
    lambda W_in, W_out: np.abs(W_in) @ np.abs(W_out),
    ("W_in", "W_out"),
)

register(
    Claim(
        id="RANK-4c",
        title="a rowwise network changes residuals by its Lipschitz matrix",
        statement=(
            "For f(u) = ReLU(u W_in) W_out and Lambda = |W_in||W_out|, the residual of f(X) about "
            "f(c) is at most ||Lambda|| times that of X about c, in norm_1 and in norm_inf."
        ),
        source=s.extends_dong("Corollary with MLPs, the reference made explicit"),
        standing="corrected",
        observable="residual",
        parameters=(s.TOKENS, W_IN, W_OUT, s.REFERENCE),
        complete=check_network,
        where={
            "Lambda": _LIPSCHITZ,
            "residual": Routine(s.X - s.c, _residual, ("X", "reference")),
            "moved": Routine(_f(s.X) - _f(s.c), _moved, ("X", "W_in", "W_out", "reference")),
        },
        values={
            "lipschitz_norm_1": s.routine("Lambda", s.norm_1(_Lambda), norm_1),
            "lipschitz_norm_inf": s.routine("Lambda", s.norm_inf(_Lambda), norm_inf),
            "lipschitz_norm_1inf": s.routine("Lambda", s.norm_1inf(_Lambda), norm_1inf),
            "lhs_norm_1": s.routine("moved", s.norm_1(_f(s.X) - _f(s.c)), norm_1),
            "rhs_norm_1": Routine(
                s.norm_1(_Lambda) * s.norm_1(s.R),
                lambda size, R: size * norm_1(R),
                ("lipschitz_norm_1", "residual"),
            ),
            "lhs_norm_inf": s.routine("moved", s.norm_inf(_f(s.X) - _f(s.c)), norm_inf),
            "rhs_norm_inf": Routine(
                s.norm_inf(_Lambda) * s.norm_inf(s.R),
                lambda size, R: size * norm_inf(R),
                ("lipschitz_norm_inf", "residual"),
            ),
        },
        cases=(
            {"X": (0.5 * s.X_4).tolist(), "W_in": s.A_1, "W_out": s.W_1},
            {"X": [[1], [-1]], "W_in": [[1]], "W_out": [[1]]},
            {
                "X": (0.5 * s.X_4).tolist(),
                "W_in": [[1, -2], [0, 1], [3, 1]],
                "W_out": [[1, 0, -1], [2, 1, 0]],
                "reference": [0.5, -0.5, 0.25],
            },
        ),
        judged_by=(
            PathwiseBound(
                lambda p, v, rng: [
                    (float(v["lhs_norm_1"]), float(v["rhs_norm_1"])),
                    (float(v["lhs_norm_inf"]), float(v["rhs_norm_inf"])),
                ],
                _draw_network,
                rounding=1e-9,
            ),
        ),
        wrong_twin=WrongTwin(
            "Lambda 5 % too small",
            {
                "Lambda": Routine(
                    sp.Rational(95, 100) * sp.Abs(sp.Symbol("W_in")) * sp.Abs(sp.Symbol("W_out")),
                    lambda W_in, W_out: 0.95 * (np.abs(W_in) @ np.abs(W_out)),
                    ("W_in", "W_out"),
                )
            },
        ),
    )
)

# --- RANK-4d --------------------------------------------------------------------------------------

_a, _b, _t = sp.Symbol("a_l"), sp.Symbol("b_l"), sp.Symbol("t_h")
_STEP = sp.Tuple(
    _a * _sum_over_heads(sp.Min(s.n * sp.tanh(_t / 2), _t * sp.exp(2 * _t) / 2) * s.norm_1(_W[_h])),
    _b * _sum_over_heads(2 * sp.tanh(_t / 2) * s.norm_inf(_W[_h])),
)


def _recursion(
    gain: float,
    T: int,
    first: float,
    second: float,
    W_QK: Floats,
    W_V: Floats,
    temperature: float,
    L: int,
) -> tuple[list[float], list[float]] | None:
    kappa, columns, rows = [], [], []
    for a, w in zip(s.layers_of(W_QK, L), s.layers_of(W_V, L), strict=True):
        kappa.append(np.array([gain * norm_1(one) / temperature for one in a]))
        columns.append(np.array([norm_1(one) for one in w]))
        rows.append(np.array([norm_inf(one) for one in w]))
    return a_priori_norms(T, first, second, kappa, columns, rows)


def _routine_4d(gain: float) -> Routine:
    return Routine(
        _STEP if gain == 1.0 else _STEP.subs(_t, sp.Float(gain) * _t),
        lambda *arguments: _recursion(gain, *arguments),
        ("T", "residual_norm_1", "residual_norm_inf", "W_QK", "W_V", "temperature", "L"),
    )


def _below(p: Mapping[str, Any], v: Mapping[str, Any], rng: np.random.Generator) -> Any:
    """Run networks on tokens of the given norms; medians bound norm_1 from below."""
    if "log10_norm_1" not in v:
        return [(0.0, 1.0)]
    width, T, L = p["W_QK"].shape[-1], p["T"], p["L"]
    R = rng.normal(size=(min(T, 64), width))
    R *= min(p["residual_norm_1"] / norm_1(R), p["residual_norm_inf"] / norm_inf(R))
    tokens = TokenSpread.of(R + rng.normal(size=width))
    pairs = []
    for l in range(L + 1):
        M = tokens.residual
        least = least_norm_1(M.mantissa)
        if least > 0.0:
            pairs.append((M.log10(least), float(v["log10_norm_1"][l])))
        if l < L:
            layer = s.layers_of(p["W_QK"], L)[l], s.layers_of(p["W_V"], L)[l]
            tokens = attention_layer(tokens, *layer, p["temperature"])
    return pairs or [(0.0, 1.0)]


def _stepwise(p: Mapping[str, Any]) -> dict[str, Any]:
    a, b = p["residual_norm_1"], p["residual_norm_inf"]
    found: dict[str, list[float]] = {"log10_norm_1": [], "log10_norm_inf": []}
    for l in range(p["L"] + 1):
        found["log10_norm_1"].append(math.log10(a))
        found["log10_norm_inf"].append(math.log10(b))
        if l == p["L"]:
            break
        column = row = 0.0
        heads = zip(
            s.layers_of(p["W_QK"], p["L"])[l], s.layers_of(p["W_V"], p["L"])[l], strict=True
        )
        for A, W in heads:
            t = float(np.linalg.norm(A, 1)) / p["temperature"] * a * b
            share = math.tanh(t / 2)
            column += min(p["T"] * share, 0.5 * t * math.exp(min(2 * t, 600.0))) * float(
                np.linalg.norm(W, 1)
            )
            row += 2 * share * float(np.linalg.norm(W, np.inf))
        a, b = a * column, b * row
    return found


def _draw_4d(rng: np.random.Generator) -> dict[str, Any]:
    layer = s.draw_layer(rng, int(rng.integers(1, 3)))
    del layer["X"]
    return {
        **layer,
        "T": int(rng.integers(2, 9)),
        "residual_norm_1": 10.0 ** rng.uniform(-1.0, 0.5),
        "residual_norm_inf": 10.0 ** rng.uniform(-1.0, 0.5),
        "L": int(rng.integers(0, 4)),
    }


register(
    Claim(
        id="RANK-4d",
        title="residuals at depth from the weights alone",
        statement=(
            "a_l >= norm_1(R) and b_l >= norm_inf(R) follow the recursion a' = a sum_h min(T "
            "tanh(t_h/2), t_h e^(2 t_h)/2) norm_1(W_h), b' = b sum_h 2 tanh(t_h/2) norm_inf(W_h) "
            "with t_h = kappa_h a b, for residuals about the running reference."
        ),
        source=s.extends_dong("Theorem 2.2 as a recursion for all inputs"),
        standing="derived",
        observable="residual",
        parameters=(
            Parameter("T", Integer(low=1, typical=(1, 20)), "number of tokens"),
            Parameter("residual_norm_1", _POSITIVE, "norm_1 of the residual at the input"),
            Parameter("residual_norm_inf", _POSITIVE, "norm_inf of the residual at the input"),
            s.LAYERS_QK,
            s.LAYERS_V,
            s.TEMPERATURE,
            s.DEPTH,
        ),
        complete=s.check_square_widths,
        where={"norms": _routine_4d(1.0)},
        values={
            "log10_norm_1": s.routine("norms", s.log10(_a), lambda x: x and x[0]),
            "log10_norm_inf": s.routine("norms", s.log10(_b), lambda x: x and x[1]),
            "log10_norm_1inf": s.routine(
                "norms",
                (s.log10(_a) + s.log10(_b)) / 2,
                lambda x: x and (0.5 * (np.array(x[0]) + np.array(x[1]))).tolist(),
            ),
        },
        cases=(
            {
                "T": 4,
                "residual_norm_1": 1.0,
                "residual_norm_inf": 0.8125,
                "W_QK": s.A_1,
                "W_V": s.W_1,
                "temperature": 2.0,
                "L": 4,
            },
            {
                "T": 4,
                "residual_norm_1": 0.125,
                "residual_norm_inf": 0.125,
                "W_QK": [s.A_1, s.A_2],
                "W_V": [s.W_1, s.W_2],
                "temperature": 2.0,
                "L": 3,
            },
            {"T": 2, "residual_norm_1": 1.0, "residual_norm_inf": 0.5, "W_QK": [[1.0]], "L": 2},
        ),
        judged_by=(
            PathwiseBound(_below, _draw_4d, rounding=1e-9, most_draws=60),
            Identity(_stepwise, _draw_4d, tolerance=1e-8),
        ),
        wrong_twin=WrongTwin("kappa 5 % too small", {"norms": _routine_4d(0.95)}),
    )
)
