"""SPEC-11: outliers of perturbed matrices, their thresholds and overlaps."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import sympy as sp
from scipy.optimize import brentq

from qktheory.base.domains import Parameter, Real
from qktheory.spectra.law import Law
from qktheory.spectra.laws.marchenko_pastur import MarchenkoPastur
from qktheory.spectra.spikes import (
    Outlier,
    RectangularOutlier,
    additive_spike,
    covariance_spike,
    rectangular_spike,
)
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import Asymptotic, Evaluate
from qktheory.theorems.papers import cite
from qktheory.theorems.spectra import setting as s
from qktheory.theorems.spectra.law_parameters import complete_law, law_parameters

theta, ratio, spike = symbol("theta"), symbol("ratio"), symbol("spike")
z = sp.Symbol("z", real=True)
_G, _R, _edge = sp.Function("G"), sp.Function("R"), sp.Symbol("edge")
_LADDER = (200.0, 800.0, 3200.0, 12800.0)


@lru_cache(maxsize=64)
def _bulk(law: Law, d: int) -> np.ndarray:
    """Return the midpoint quantiles of a law, the bulk of the finite matrices."""
    return law.spectrum_quantiles(d)


def _root(function: Callable[[float], float], low: float) -> float:
    """Return the largest root of a function that falls from +infinity at `low` to below 0."""
    high = low + max(1.0, abs(low))
    while function(high) > 0.0:
        high = low + 2.0 * (high - low)
    start = low + 1e-15 * max(abs(low), 1.0)
    return float(brentq(function, start, high, xtol=1e-15, rtol=1e-14))


# --- SPEC-11a -------------------------------------------------------------------------------------

_LAWS = ("two_point", "uniform", "semicircle", "marchenko_pastur", "arcsine", "kesten_mckay")


def _additive(name: str, statement: sp.Basic, factor: float = 1.0) -> Routine:
    def compute(law: Law, strength: float) -> float:
        found: Outlier = additive_spike(law, strength)
        return factor * float(getattr(found, name))

    return Routine(statement, compute, ("law", "theta"))


def _complete(parameters: dict[str, Any]) -> None:
    complete_law(parameters)


_OUTLIER = sp.Piecewise((_R(1 / theta) + theta, 1 / theta < _G(_edge)), (_edge, True))


def _finite_additive(name: str) -> Callable[..., tuple[float, float]]:
    """Return top eigenvalue or overlap of diag(h) + theta u u^T with u_i^2 = 1/d."""

    def finite(
        evaluate: Evaluate, parameters: Mapping[str, Any], size: float
    ) -> tuple[float, float]:
        h, strength = _bulk(parameters["law"], int(size)), parameters["theta"]
        top = _root(lambda at: strength * float(np.mean(1.0 / (at - h))) - 1.0, float(h[0]))
        overlap = 1.0 / (strength**2 * float(np.mean((top - h) ** -2.0)))
        value = float(evaluate(parameters)[name])
        return (top if name == "outlier" else overlap), value

    return finite


register(
    Claim(
        id="SPEC-11a",
        title="outlier of an additive perturbation",
        statement=(
            "H + theta u u^T, u free of H, has an eigenvalue at R(1/theta) + theta iff "
            "1/theta < G(edge+), with |<u, u_hat>|^2 = -1/(theta^2 G'); otherwise its largest "
            "eigenvalue stays at the edge and u_hat forgets u."
        ),
        source=s.BENAYCH_GEORGES_2011,
        standing="theorem",
        observable="largest eigenvalue",
        parameters=(*law_parameters(_LAWS), s.THETA),
        complete=_complete,
        values={
            "threshold": _additive("threshold", 1 / _G(_edge)),
            "detected": _additive("detected", sp.Gt(theta, 1 / _G(_edge))),
            "outlier": _additive("position", _OUTLIER),
            "overlap": _additive("overlap", -1 / (theta**2 * sp.Derivative(_G(z), z))),
        },
        cases=(
            {"law": "semicircle", "std": 1.0, "mean": 0.5, "theta": 2.0},
            {"law": "uniform", "half_width": 1.0, "theta": 1.5},
            {"law": "semicircle", "std": 1.0, "theta": 0.7},
            {"law": "marchenko_pastur", "ratio": 2.0, "theta": 5.0},
            {"law": "kesten_mckay", "q": 3, "theta": 1.2},
            {"law": "arcsine", "half_width": 2.0, "theta": 1.0},
            {"law": "two_point", "p": 0.25, "a": 2.0, "b": -1.0, "theta": 0.5},
        ),
        judged_by=(
            Asymptotic("outlier", "d", _LADDER, _finite_additive("outlier"), rate=0.5),
            Asymptotic("overlap", "d", _LADDER, _finite_additive("overlap"), rate=0.2),
        ),
        wrong_twin=WrongTwin(
            "outlier 5 % too large",
            {"outlier": _additive("position", sp.Rational(105, 100) * _OUTLIER, 1.05)},
        ),
    )
)

# --- SPEC-11b -------------------------------------------------------------------------------------

RATIO = Parameter(
    "ratio", Real(0.0, 1e100, low_open=True, typical=(0.1, 3.0)), "rows over columns of the data"
)


def _covariance(name: str, statement: sp.Basic, factor: float = 1.0) -> Routine:
    def compute(top: float, c: float) -> float:
        return factor * float(getattr(covariance_spike(top, c), name))

    return Routine(statement, compute, ("spike", "ratio"))


_SHIFT = spike * (1 + ratio / (spike - 1))


def _finite_covariance(name: str) -> Callable[..., tuple[float, float]]:
    """Return top eigenvalue or overlap of S^(1/2) (I + (l - 1) e e^T) S^(1/2), e_i^2 = 1/d."""

    def finite(
        evaluate: Evaluate, parameters: Mapping[str, Any], size: float
    ) -> tuple[float, float]:
        bulk = _bulk(MarchenkoPastur(parameters["ratio"]), int(size))
        excess = parameters["spike"] - 1.0
        top = _root(lambda at: excess * float(np.mean(bulk / (at - bulk))) - 1.0, float(bulk[0]))
        weight = float(np.mean(bulk / (top - bulk) ** 2))
        overlap = parameters["spike"] / (top * excess**2 * weight)
        value = float(evaluate(parameters)[name])
        return (top if name == "outlier" else overlap), value

    return finite


register(
    Claim(
        id="SPEC-11b",
        title="outlier of a sample covariance",
        statement=(
            "A population eigenvalue l > 1 + sqrt(c) beside ones appears in the sample covariance "
            "at l (1 + c/(l - 1)), with squared overlap (1 - c/(l - 1)^2)/(1 + c/(l - 1)); a "
            "smaller one disappears in the bulk."
        ),
        source=cite("baik2006", "Theorem 1.1"),
        standing="theorem",
        observable="largest eigenvalue",
        parameters=(
            Parameter(
                "spike", Real(0.0, 1e150, typical=(0.5, 6.0)), "population eigenvalue beside ones"
            ),
            RATIO,
        ),
        values={
            "threshold": 1 + sp.sqrt(ratio),
            "detected": _covariance("detected", sp.Gt(spike, 1 + sp.sqrt(ratio))),
            "outlier": _covariance(
                "position",
                sp.Piecewise(
                    (_SHIFT, spike > 1 + sp.sqrt(ratio)), ((1 + sp.sqrt(ratio)) ** 2, True)
                ),
            ),
            "overlap": _covariance(
                "overlap",
                sp.Piecewise(
                    (
                        (1 - ratio / (spike - 1) ** 2) / (1 + ratio / (spike - 1)),
                        spike > 1 + sp.sqrt(ratio),
                    ),
                    (0, True),
                ),
            ),
        },
        cases=(
            {"spike": 3.0, "ratio": 0.5},
            {"spike": 1.4, "ratio": 0.5},
            {"spike": 6.0, "ratio": 2.0},
            {"spike": 2.5, "ratio": 0.4},
        ),
        judged_by=(
            Asymptotic("outlier", "d", _LADDER, _finite_covariance("outlier"), rate=0.5),
            Asymptotic("overlap", "d", _LADDER, _finite_covariance("overlap"), rate=0.2),
        ),
        wrong_twin=WrongTwin(
            "outlier 5 % too large", {"outlier": _covariance("position", 1.05 * _SHIFT, 1.05)}
        ),
    )
)

# --- SPEC-11c -------------------------------------------------------------------------------------


def _rectangular(name: str, statement: sp.Basic, factor: float = 1.0) -> Routine:
    def compute(strength: float, c: float) -> float:
        found: RectangularOutlier = rectangular_spike(strength, c)
        return factor * float(getattr(found, name))

    return Routine(statement, compute, ("theta", "ratio"))


_ABOVE = theta > ratio ** sp.Rational(1, 4)
_SINGULAR = sp.sqrt((1 + theta**2) * (ratio + theta**2)) / theta


def _finite_rectangular(name: str) -> Callable[..., tuple[float, float]]:
    """Return the top singular value or an overlap for flat u, v and quantile singular values."""

    def finite(
        evaluate: Evaluate, parameters: Mapping[str, Any], size: float
    ) -> tuple[float, float]:
        c, strength = parameters["ratio"], parameters["theta"]
        squares = _bulk(MarchenkoPastur(c), int(size))

        def sides(at: float) -> tuple[float, float]:
            left = float(np.mean(at / (at * at - squares)))
            return left, c * left + (1.0 - c) / at

        def slopes(at: float) -> tuple[float, float]:
            left = float(np.mean(-(at * at + squares) / (at * at - squares) ** 2))
            return left, c * left - (1.0 - c) / at**2

        edge = math.sqrt(float(squares[0]))
        top = _root(lambda at: math.prod(sides(at)) - strength**-2.0, edge)
        (left, right), (dleft, dright) = sides(top), slopes(top)
        change = strength**2 * (dleft * right + left * dright)
        found = {
            "singular_value": top,
            "overlap_left": -2.0 * left / change,
            "overlap_right": -2.0 * right / change,
        }
        return found[name], float(evaluate(parameters)[name])

    return finite


register(
    Claim(
        id="SPEC-11c",
        title="outlier of a rectangular matrix",
        statement=(
            "X + theta u v^T, X of shape (m, n) with variance 1/n and c = m/n, has the singular "
            "value sqrt((1 + theta^2)(c + theta^2))/theta for theta > c^(1/4), with squared "
            "overlaps 1 - c (1 + theta^2)/(theta^2 (theta^2 + c)) on the left and "
            "1 - (c + theta^2)/(theta^2 (theta^2 + 1)) on the right."
        ),
        source=cite("benaych-georges2012", "Theorems 2.8 and 2.9"),
        standing="theorem",
        observable="largest singular value",
        parameters=(s.THETA, RATIO),
        values={
            "threshold": ratio ** sp.Rational(1, 4),
            "detected": _rectangular("detected", _ABOVE),
            "singular_value": _rectangular(
                "singular_value", sp.Piecewise((_SINGULAR, _ABOVE), (1 + sp.sqrt(ratio), True))
            ),
            "overlap_left": _rectangular(
                "overlap_left",
                sp.Piecewise(
                    (1 - ratio * (1 + theta**2) / (theta**2 * (theta**2 + ratio)), _ABOVE),
                    (0, True),
                ),
            ),
            "overlap_right": _rectangular(
                "overlap_right",
                sp.Piecewise(
                    (1 - (ratio + theta**2) / (theta**2 * (theta**2 + 1)), _ABOVE), (0, True)
                ),
            ),
        },
        cases=(
            {"theta": 1.5, "ratio": 0.5},
            {"theta": 0.6, "ratio": 0.5},
            {"theta": 2.0, "ratio": 1.0},
            {"theta": 2.5, "ratio": 3.0},
        ),
        judged_by=tuple(
            Asymptotic(name, "d", _LADDER, _finite_rectangular(name), rate=rate)
            for name, rate in (
                ("singular_value", 0.5),
                ("overlap_left", 0.2),
                ("overlap_right", 0.2),
            )
        ),
        wrong_twin=WrongTwin(
            "left overlap 6 % too large",
            {
                "overlap_left": _rectangular(
                    "overlap_left",
                    1.06 * (1 - ratio * (1 + theta**2) / (theta**2 * (theta**2 + ratio))),
                    1.06,
                )
            },
        ),
    )
)
