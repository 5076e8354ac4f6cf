"""RMT-3: up to which variance of the scores the bulk of RMT-2 holds at a given T."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import sympy as sp
from scipy.special import ndtri_exp

from qktheory.numerics.gaussian_attention import relative_variance
from qktheory.numerics.gaussian_row import mean_participation
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import Asymptotic, Evaluate
from qktheory.theorems.saada2025 import setting as s

a2 = symbol("a2")
#: a^2 at which entries exceed the bulk, at which they carry its variance, and of freezing.
_THRESHOLDS = (1 - 1 / sp.sqrt(2)) ** 2, sp.Rational(1, 2), sp.Integer(2)


def _exponent(linear: sp.Expr) -> sp.Expr:
    return -sp.Rational(1, 2) + linear * sp.sqrt(a2) - a2 / 2


def _largest_entry(
    evaluate: Evaluate, parameters: Mapping[str, Any], size: float
) -> tuple[float, float]:
    """Return log(sqrt(T) A_max)/log T at the median of the largest of T^2 lognormal weights."""
    values = evaluate(parameters)
    s2 = float(values["a2"]) * size
    # The largest of N normals has its median where the upper tail is log(2)/N.
    largest = -float(ndtri_exp(math.log(math.log(2.0)) - 2.0 * size))
    found = (math.sqrt(s2) * largest - 0.5 * s2) / size - 0.5
    # Both sides moved by 1, away from 0.
    return 1.0 + found, 1.0 + float(values["max_entry_exponent"])


def _bulk(evaluate: Evaluate, parameters: Mapping[str, Any], size: float) -> tuple[float, float]:
    """Return log(c_T)/log T at T = e^size, below the second threshold."""
    a2 = min(float(evaluate(parameters)["a2"]), 0.3)
    T = math.exp(size)
    values = evaluate({"T": T, "s2": a2 * size})
    return (
        1.0 + 0.5 * math.log(relative_variance(T, a2 * size)) / size,
        1.0 + float(values["bulk_exponent"]),
    )


def _frozen(evaluate: Evaluate, parameters: Mapping[str, Any], size: float) -> tuple[float, float]:
    """Return 1 + E Y_2 of a row at T = e^size."""
    values = evaluate(parameters)
    width = math.sqrt(float(values["a2"]) * size)
    return (
        1.0 + float(mean_participation(math.exp(size), width)),
        1.0 + float(values["mean_participation_limit"]),
    )


def _regime(a2: float) -> int:
    return sum(a2 > float(threshold) for threshold in _THRESHOLDS)


def _participation(a2: float) -> float:
    return max(0.0, 1.0 - math.sqrt(2.0 / a2)) if a2 > 0.0 else 0.0


register(
    Claim(
        id="RMT-3",
        title="window of the random matrix law of attention",
        statement=(
            "With a^2 = s2/log T, sqrt(T) times the largest entry of A grows like "
            "T^(-1/2 + 2a - a^2/2), the bulk like T^(a^2/2): single entries leave the bulk for "
            "a^2 > (1 - 1/sqrt 2)^2, carry the variance for a^2 > 1/2, and rows freeze for "
            "a^2 > 2, at a mean participation 1 - sqrt(2)/a."
        ),
        source=s.extends_saada("largest entries, window of validity"),
        standing="derived",
        observable="max_weight",
        parameters=(s.T_AT_LEAST_2, s.S2),
        values={
            "a2": s.s2 / sp.log(s.t),
            "max_entry_exponent": _exponent(sp.Integer(2)),
            "bulk_exponent": a2 / 2,
            "window_log_t": s.s2 / _THRESHOLDS[0],
            "regime": Routine(
                sum((sp.Heaviside(a2 - x, 0) for x in _THRESHOLDS), sp.Integer(0)),
                _regime,
                ("a2",),
            ),
            "mean_participation_limit": Routine(
                sp.Max(0, 1 - sp.sqrt(2 / a2), evaluate=False), _participation, ("a2",)
            ),
        },
        cases=(
            {"T": 600, "s2": 0.6931471805599453},
            {"T": 100, "s2": 20.0},
            {"T": 1000, "s2": 2.0},
        ),
        judged_by=(
            Asymptotic(
                "max_entry_exponent", "ln T", (1e3, 1e4, 1e5, 1e6), _largest_entry, rate=0.85
            ),
            Asymptotic("bulk_exponent", "ln T", (40.0, 80.0, 160.0), _bulk, rate=0.95, floor=1e-6),
            Asymptotic(
                "mean_participation_limit",
                "ln T",
                (40.0, 80.0, 160.0, 320.0),
                _frozen,
                rate=0.45,
                floor=1e-6,
            ),
        ),
        wrong_twin=WrongTwin(
            "constant 2 of the largest entry taken as 1.9",
            {"max_entry_exponent": _exponent(sp.Rational(19, 10))},
        ),
    )
)
