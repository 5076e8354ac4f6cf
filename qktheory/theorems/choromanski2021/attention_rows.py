"""ZOO-RF-5: the error of one row of random-feature attention."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp

from qktheory.kernels import Stream
from qktheory.numerics.feature_attention import RowError, row_error
from qktheory.numerics.random_features import FeatureKind
from qktheory.theorems.choromanski2021 import setting as s
from qktheory.theorems.choromanski2021.predictions import ASSUMPTIONS, PREDICTS_ROWS
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import DrawnLimit, Identity
from qktheory.theorems.routines import entries, times

_KINDS: tuple[FeatureKind, ...] = ("positive", "trig")
_A, _C = sp.IndexedBase("A"), sp.IndexedBase("C")
_j = sp.Symbol("j", integer=True)
_CA, _ACA = sp.Function("CA")(_j), sp.Symbol("ACA")
_VARIANCE = _A[_j] ** 2 * (_C[_j, _j] - 2 * _CA + _ACA)
_BIAS = _A[_j] * (_ACA - _CA)


def _errors(q: s.FloatArray, K: s.FloatArray) -> dict[str, Any]:
    """Return attention and the errors of both kinds of features."""
    logits = K @ q
    weights = np.exp(logits - logits.max())
    found: dict[str, Any] = {"attention": weights / weights.sum()}
    for kind in _KINDS:
        error: RowError = row_error(q, K, kind)
        found[f"scaled_variance_{kind}"] = error.variance
        found[f"scaled_bias_{kind}"] = error.bias
        found[f"scaled_mse_{kind}"] = error.mse
    return found


_STATEMENTS: dict[str, Any] = {"attention": _A[_j]}
for _kind in _KINDS:
    _STATEMENTS[f"scaled_variance_{_kind}"] = _VARIANCE
    _STATEMENTS[f"scaled_bias_{_kind}"] = _BIAS
    _STATEMENTS[f"scaled_mse_{_kind}"] = sp.Sum(_VARIANCE, (_j, 1, sp.Symbol("n")))
_VALUES: dict[str, Routine] = entries("errors", _STATEMENTS)

_MEANS = tuple(f"scaled_mse_{kind}" for kind in _KINDS)


def _with_features(p: Mapping[str, Any], size: int) -> dict[str, Any]:
    return {**p, "feature_count": size}


def _draw(
    p: Mapping[str, Any], values: Mapping[str, Any], stream: Stream, first: int, n: int
) -> dict[str, np.ndarray]:
    """Estimate n rows, and return m times their squared errors."""
    q, K, m = p["q"], p["K"], p["feature_count"]
    plus, minus, norms = q + K, q - K, 0.5 * np.sum(K**2, axis=1)
    found: dict[str, list[np.ndarray]] = {name: [] for name in _MEANS}
    for start in range(first, first + n, 256):
        count = min(256, first + n - start)
        omega = stream.normals(start, count, m * len(q)).reshape(count, m, len(q))
        kernels = {
            "positive": np.exp(omega @ plus.T - norms).mean(axis=1),
            "trig": (np.cos(omega @ minus.T) * np.exp(norms)).mean(axis=1),
        }
        for kind, kernel in kernels.items():
            error = kernel / kernel.sum(axis=1, keepdims=True) - values["attention"]
            found[f"scaled_mse_{kind}"].append(m * np.sum(error**2, axis=1))
    return {name: np.concatenate(parts) for name, parts in found.items()}


def _double_sums(p: Mapping[str, Any]) -> dict[str, Any]:
    """Sum over pairs of keys as the statement has it."""
    q, K = p["q"], p["K"]
    n, kernels = len(K), np.exp(K @ q)
    A = kernels / kernels.sum()
    found: dict[str, Any] = {"attention": A}
    for kind in _KINDS:
        C = np.empty((n, n))
        for j in range(n):
            for l in range(n):
                if kind == "positive":
                    C[j, l] = np.exp((q + K[j]) @ (q + K[l])) - 1.0
                else:
                    C[j, l] = np.cosh((q - K[j]) @ (q - K[l])) - 1.0
        mixed, total = C @ A, float(A @ C @ A)
        variance = A**2 * (np.diag(C) - 2.0 * mixed + total)
        found[f"scaled_variance_{kind}"] = variance
        found[f"scaled_bias_{kind}"] = A * (total - mixed)
        found[f"scaled_mse_{kind}"] = float(variance.sum())
    return found


def _draw_row(rng: np.random.Generator) -> dict[str, Any]:
    d, n = rng.integers(1, 6, size=2)
    return {"q": 0.5 * rng.normal(size=d), "K": 0.5 * rng.normal(size=(n + 1, d))}


_KEYS = np.array([[0.3, -0.2, 0.1], [-0.1, 0.4, 0.2], [0.2, 0.1, -0.4], [0.0, -0.3, -0.1]])

register(
    Claim(
        id="ZOO-RF-5",
        title="variance and bias of a row of random-feature attention",
        statement=(
            "With m iid features, m Var A_j tends to A_j^2 (C_jj - 2 (CA)_j + A^T C A) and m times "
            "the bias to A_j (A^T C A - (CA)_j), C_jl = e^((q+k_j)^T(q+k_l)) - 1 for positive and "
            "cosh((q-k_j)^T(q-k_l)) - 1 for trigonometric features; biases sum to 0. A common "
            "shift of the keys leaves A alone and changes C."
        ),
        source=s.extends_choromanski("normalised rows by the delta method"),
        standing="derived",
        observable="random-feature attention",
        parameters=s.QUERY_KEYS,
        complete=s.check_keys,
        where={"errors": Routine(sp.Tuple(_A, _C), _errors, ("q", "K"))},
        values=_VALUES,
        cases=(
            {"q": [0.3, 0.1, -0.2], "K": _KEYS.tolist()},
            {"q": [0.3, -0.2], "K": [[-0.6, 0.1], [-0.1, 0.4]]},
            {"q": [0.2, -0.4, 0.1], "K": (_KEYS - np.array([0.2, -0.4, 0.1])).tolist()},
        ),
        assumptions=ASSUMPTIONS,
        predicts=PREDICTS_ROWS,
        judged_by=(
            DrawnLimit(
                _MEANS,
                "feature_count",
                ((16, 2048), (64, 4096)),
                _with_features,
                _draw,
                rate=0.5,
                aim=0.2,
            ),
            Identity(_double_sums, _draw_row, tolerance=1e-9, most_draws=60),
        ),
        wrong_twin=WrongTwin(
            "bias of positive features 5 % too large",
            {"scaled_bias_positive": times(1.05, _VALUES["scaled_bias_positive"])},
        ),
        proof=(
            "A_j = K_j/sum_l K_l to second order in the relative errors of the kernels, whose "
            "covariances are C/m: E e^(omega^T (z_j + z_l)) = e^(|z_j + z_l|^2/2)."
        ),
    )
)
