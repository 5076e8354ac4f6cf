"""RMT-1: exact second moments of softmax matrices of iid Gaussian scores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp

from qktheory.kernels import Stream
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import Asymptotic, DrawnExpectation, Evaluate
from qktheory.theorems.saada2025 import setting as s
from qktheory.theorems.saada2025.draws import iid_attention, without_mean

_q = sp.exp(s.s2)
_EXPANSION = (_q - 1) * (1 - _q * (2 * _q - 1) / s.t)


def _draw(
    parameters: Mapping[str, Any], values: Mapping[str, Any], stream: Stream, first: int, n: int
) -> dict[str, np.ndarray]:
    """Read the coefficients off single entries: E B^T B ~ I - J, E B B^T ~ I."""
    T = parameters["T"]
    A = iid_attention(T, parameters["s2"], stream, first, n)
    B = without_mean(A)
    found = {
        "c2_t": T**2 * A[:, 0, 0] ** 2 - 1.0,
        "mean_frobenius_squared": np.sum(A**2, axis=(1, 2)),
        "gram_coefficient_left": np.sum(B[:, 0, :] ** 2, axis=1),
    }
    if T > 1:
        found["gram_coefficient_right"] = np.sum(B[:, :, 0] * (B[:, :, 0] - B[:, :, 1]), axis=1)
    return found


def _expansion(
    evaluate: Evaluate, parameters: Mapping[str, Any], size: float
) -> tuple[float, float]:
    values = evaluate({**parameters, "T": int(size)})
    return float(values["c2_t"]), float(values["c2_t_expansion"])


def _limit(evaluate: Evaluate, parameters: Mapping[str, Any], size: float) -> tuple[float, float]:
    values = evaluate({**parameters, "T": int(size)})
    return float(values["c2_t"]), float(values["c2"])


def _right(T: int, c2_t: float) -> float | None:
    return c2_t / (T - 1) if T > 1 else None


register(
    Claim(
        id="RMT-1",
        title="second moments of softmax of iid Gaussian scores",
        statement=(
            "For A = softmax of iid N(0, s2) scores and B = A - J: E B^T B = c_T^2/(T-1) (I - J), "
            "E B B^T = (c_T^2/T) I and E||A||_F^2 = 1 + c_T^2, c_T^2 = T^2 E A_11^2 - 1 = "
            "(q-1)(1 - q(2q-1)/T) + O(T^-2), q = exp(s2)."
        ),
        source=s.extends_saada("random matrix model; exact at every T"),
        standing="derived",
        observable="participation",
        # exp(3 s2) is a number up to there.
        parameters=(s.T, s.score_variance(235.0)),
        values={
            "c2_t": s.C2_T,
            "c2": Routine(_q - 1, np.expm1, ("s2",)),
            "c2_t_expansion": Routine(
                _EXPANSION,
                lambda c, T: c * (1.0 - (1.0 + c) * (1.0 + 2.0 * c) / T),
                ("c2", "T"),
            ),
            "mean_frobenius_squared": 1 + s.c2_t,
            "gram_coefficient_right": Routine(s.c2_t / (s.t - 1), _right, ("T", "c2_t")),
            "gram_coefficient_left": s.c2_t / s.t,
        },
        cases=(
            {"T": 6, "s2": 0.6931471805599453},
            {"T": 3, "s2": 2.5},
            {"T": 4, "s2": 0.25},
            {"T": 1, "s2": 1.0},
        ),
        judged_by=(
            DrawnExpectation(
                (
                    "c2_t",
                    "mean_frobenius_squared",
                    "gram_coefficient_left",
                    "gram_coefficient_right",
                ),
                _draw,
                lambda q: float(30 * q["T"] ** 2),
            ),
            Asymptotic("c2_t_expansion", "T", (1e4, 1e5, 1e6, 1e7), _expansion, rate=1.9),
            Asymptotic("c2", "T", (1e4, 1e5, 1e6, 1e7), _limit, rate=0.95),
        ),
        wrong_twin=WrongTwin(
            "constant 1 of E||A||_F^2 taken as 1.05",
            {"mean_frobenius_squared": sp.Rational(105, 100) + s.c2_t},
        ),
    )
)
