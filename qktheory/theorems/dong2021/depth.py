"""RANK-4a, RANK-4b: several heads, and the closed form of the cubic recursion."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from qktheory.base.cached import cached_property
from qktheory.base.domains import Parameter, Real
from qktheory.numerics.depth_bounds import closed_form
from qktheory.numerics.layer_split import LayerSplit
from qktheory.numerics.matrix_norms import norm_1, norm_1inf, norm_inf
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

    def cubic(self) -> float:
        """K, by Theorem B of each head."""
        return math.sqrt(0.5 * float(self.g @ self.columns)) * math.sqrt(float(self.rows.sum()))

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

_MAX_FORM = _H * sp.sqrt(
    _max(_G[_h] / 2 * _kappa[_h] * s.norm_1(_W[_h])) * _max(_kappa[_h] * s.norm_inf(_W[_h]))
)

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
            "cubic_constant_max_form": s.routine("heads", _MAX_FORM, _max_form),
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
                inequalities=("lhs <= rhs", "cubic_constant <= cubic_constant_max_form"),
            ),
            Identity(_written_out, _draw_heads, tolerance=1e-8),
        ),
        wrong_twin=WrongTwin(
            "G/2 taken as G/2.1 in the form with maxima, which one head attains",
            {
                "cubic_constant_max_form": s.routine(
                    "heads", _MAX_FORM / sp.sqrt(1.05), lambda x: _max_form(x) / math.sqrt(1.05)
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
