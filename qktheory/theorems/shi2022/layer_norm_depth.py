"""RANK-9e: LayerNorm in depth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp

from qktheory.base.errors import bad_value
from qktheory.numerics.decimal_network import decimal_residuals
from qktheory.numerics.depth_trajectory import attention_trajectory
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.dong2021 import setting as s
from qktheory.theorems.judgements import Identity
from qktheory.theorems.shi2022.oversmoothing import shi

Floats = s.Floats

_ARGUMENTS = ("X", "W_QK", "W_V", "temperature", "L")


def _relative(
    X: Floats, W_QK: Floats, W_V: Floats, temperature: float, L: int
) -> list[float] | None:
    layers = s.layers_of(W_QK, L), s.layers_of(W_V, L)
    return attention_trajectory(X, *layers, temperature, norm=True).log10_relative


def _plain(X: Floats, W_QK: Floats, W_V: Floats, temperature: float, L: int) -> list[float] | None:
    layers = s.layers_of(W_QK, L), s.layers_of(W_V, L)
    return attention_trajectory(X, *layers, temperature).log10_norm_1inf


def _in_decimals(p: Mapping[str, Any]) -> dict[str, Any]:
    L = p["L"]
    layers = s.layers_of(p["W_QK"], L), s.layers_of(p["W_V"], L)
    common: dict[str, Any] = {"temperature": p["temperature"], "digits": 60 + 3 ** (L + 1)}
    return {
        "log10_relative_residual_ln": decimal_residuals(p["X"], *layers, norm=True, **common)[
            "relative"
        ],
        "log10_norm_1inf_no_ln": decimal_residuals(p["X"], *layers, **common)["norm_1inf"],
    }


def _draw_deep(rng: np.random.Generator) -> dict[str, Any]:
    width = int(rng.integers(3, 6))  # LayerNorm of two features keeps signs alone
    return {
        "X": rng.normal(size=(int(rng.integers(2, 5)), width)),
        "W_QK": rng.normal(size=(width, width)),
        "W_V": rng.normal(size=(width, width)),
        "temperature": 10.0 ** rng.uniform(0.0, 0.7),
        "L": int(rng.integers(1, 4)),
    }


def _wide_enough(p: dict[str, Any]) -> None:
    s.check_square_widths(p)
    if p["X"].shape[1] == 1:
        raise bad_value("X", p["X"].tolist(), "tokens of at least 2 features, for LayerNorm")


_c, _r = np.array([1.0, 1.0, -1.0, -1.0]), np.array([1.0, -1.0, 2.0, -2.0])

register(
    Claim(
        id="RANK-9e",
        title="LayerNorm postpones collapse, and stops it for special weights",
        statement=(
            "For generic weights attention with LayerNorm collapses with exponent 3 as without; "
            "for W_V = r r^T/|r|^2 and tokens c + r, c - r with c orthogonal to r, the relative "
            "residual is 1 for ever."
        ),
        source=shi("LayerNorm in depth; corrects its absorption into W in Dong et al."),
        standing="derived",
        observable="relative residual",
        parameters=(s.TOKENS, s.W_QK, s.W_V, s.TEMPERATURE, s.DEPTH),
        complete=_wide_enough,
        values={
            "log10_relative_residual_ln": Routine(
                s.log10(s.norm_1inf(s.Pi * s.X) / s.norm_1inf(s.X)), _relative, _ARGUMENTS
            ),
            "log10_norm_1inf_no_ln": Routine(s.log10(s.norm_1inf(s.Pi * s.X)), _plain, _ARGUMENTS),
        },
        cases=(
            {
                "X": [(_c + _r).tolist(), (_c - _r).tolist()],
                "W_QK": (0.1 * np.eye(4)).tolist(),
                "W_V": (np.outer(_r, _r) / 10.0).tolist(),
                "temperature": 2.0,
                "L": 3,
            },
            {**s.chapter_input(0.25, L=3), "W_V": s.W_2},
            {**s.chapter_input(0.5, L=3), "W_V": s.A_2},
        ),
        judged_by=(Identity(_in_decimals, _draw_deep, tolerance=1e-9, most_draws=12),),
        wrong_twin=WrongTwin(
            "temperature 5 % too large",
            {
                "log10_norm_1inf_no_ln": Routine(
                    s.log10(s.norm_1inf(s.Pi * s.X)) * sp.Symbol("wrong"),
                    lambda X, A, W, temperature, L: _plain(X, A, W, 1.05 * temperature, L),
                    _ARGUMENTS,
                )
            },
        ),
    )
)
