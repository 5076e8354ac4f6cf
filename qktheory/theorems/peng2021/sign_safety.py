"""ZOO-RF-9: signs of the denominators of random-feature attention."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp

from qktheory.base.domains import Matrix, Parameter
from qktheory.numerics.feature_attention import EstimatedRow, estimated_row
from qktheory.numerics.random_features import FEATURE_KINDS
from qktheory.theorems.choromanski2021.setting import QUERY_KEYS, check_keys
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import Identity, PathwiseBound
from qktheory.theorems.papers import cite
from qktheory.theorems.routines import entries, times

PENG_2021 = cite("peng2021", "equations (4) and (5)")

_q, _k, _omega = sp.symbols("q k_j omega_r")
_j, _r = sp.symbols("j r", integer=True)
_MEANS = {
    "positive": sp.exp(-(_q**2 + _k**2) / 2) * sp.exp(_omega * (_q + _k)),
    "hyperbolic": sp.exp(-(_q**2 + _k**2) / 2) * sp.cosh(_omega * (_q + _k)),
    "trig": sp.exp((_q**2 + _k**2) / 2) * sp.cos(_omega * (_q - _k)),
}


def _estimates(q: np.ndarray, K: np.ndarray, Omega: np.ndarray) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for kind in FEATURE_KINDS:
        row: EstimatedRow = estimated_row(q, K, Omega, kind)
        # Left out beyond double precision: weights are worth having there.
        found[f"denominator_{kind}"] = row.denominator if np.isfinite(row.denominator) else None
        found[f"attention_{kind}"] = row.attention
    return found


_STATEMENTS: dict[str, sp.Expr] = {}
for _kind in FEATURE_KINDS:
    _kernel = sp.Sum(_MEANS[_kind], (_r, 1, sp.Symbol("m"))) / sp.Symbol("m")
    _STATEMENTS[f"denominator_{_kind}"] = sp.Sum(_kernel, (_j, 1, sp.Symbol("n")))
    _STATEMENTS[f"attention_{_kind}"] = _kernel / sp.Symbol(f"denominator_{_kind}")
_VALUES = entries("estimates", _STATEMENTS)


def _as_written(p: Mapping[str, Any]) -> dict[str, Any]:
    """Average the features one by one."""
    q, K, Omega = p["q"], p["K"], p["Omega"]
    half = np.exp(0.5 * (q @ q + np.sum(K**2, axis=1)))
    kernels = {
        "positive": np.mean([np.exp(w @ q) * np.exp(K @ w) for w in Omega], axis=0) / half,
        "hyperbolic": np.mean([np.cosh((q + K) @ w) for w in Omega], axis=0) / half,
        "trig": half
        * np.mean(
            [np.cos(w @ q) * np.cos(K @ w) + np.sin(w @ q) * np.sin(K @ w) for w in Omega], axis=0
        ),
    }
    found: dict[str, Any] = {}
    for kind, kernel in kernels.items():
        found[f"denominator_{kind}"] = kernel.sum()
        if kind != "trig":  # whose denominator may be next to 0
            found[f"attention_{kind}"] = kernel / kernel.sum()
    return found


def _sides(
    p: Mapping[str, Any], v: Mapping[str, Any], rng: np.random.Generator
) -> list[tuple[float, float]]:
    pairs = [(0.0, float(v[f"denominator_{kind}"])) for kind in ("positive", "hyperbolic")]
    return pairs + [(0.0, float(np.min(v[f"attention_{k}"]))) for k in ("positive", "hyperbolic")]


def _draw(rng: np.random.Generator) -> dict[str, Any]:
    d, n, m = rng.integers(1, 6, size=3)
    size = 10.0 ** rng.uniform(-1.0, 0.5)
    return {
        "q": size * rng.normal(size=d),
        "K": size * rng.normal(size=(n, d)),
        "Omega": rng.normal(size=(m, d)),
    }


register(
    Claim(
        id="ZOO-RF-9",
        title="positive features have positive denominators",
        statement=(
            "Denominators and weights by positive and hyperbolic features are positive for every "
            "draw of frequencies; those of trigonometric features may be negative, about every "
            "other time once |q - k|^2 is large against log m."
        ),
        source=PENG_2021,
        standing="theorem",
        observable="random-feature attention",
        parameters=(*QUERY_KEYS, Parameter("Omega", Matrix(), "frequencies, (m, d)")),
        complete=check_keys,
        where={"estimates": Routine(sp.Tuple(*_MEANS.values()), _estimates, ("q", "K", "Omega"))},
        values=_VALUES,
        cases=(
            {
                "q": [0.3, -0.2],
                "K": [[0.5, 0.1], [-0.4, 0.2]],
                "Omega": [[1.0, 0.0], [0.0, 1.0], [-0.5, 0.8]],
            },
            {"q": [3.0, 0.0], "K": [[-2.0, 1.0], [0.0, -3.0]], "Omega": [[0.6, 0.2]]},
            {"q": [-1.0], "K": [[0.4], [1.2], [-0.3]], "Omega": [[0.7], [-1.9]]},
        ),
        judged_by=(
            PathwiseBound(_sides, _draw),
            Identity(_as_written, _draw, tolerance=1e-9, most_draws=60),
        ),
        wrong_twin=WrongTwin(
            "hyperbolic denominator 5 % too large",
            {"denominator_hyperbolic": times(1.05, _VALUES["denominator_hyperbolic"])},
        ),
    )
)
