"""ZOO-SHAPED-1: attention at high temperature is uniform plus centred scores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import mpmath
import numpy as np
import sympy as sp
from numpy.typing import NDArray

from qktheory.base.domains import Parameter, Real
from qktheory.base.shapes import Array
from qktheory.numerics.ergodicity import softmax
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import Asymptotic, Evaluate, Identity
from qktheory.theorems.papers import cite
from qktheory.theorems.routines import entries, named, times

FloatArray = NDArray[np.float64]


def _excess(x: FloatArray) -> FloatArray:
    """Return e^x - 1 - x, by its series where x is small."""
    series = np.zeros_like(x)
    for k in range(18, 1, -1):
        series = (series + 1.0) * x / k
    return np.where(np.abs(x) < 0.5, series * x, np.expm1(x) - x)


def shaped_error(S: FloatArray, temperature: float) -> FloatArray:
    """Return softmax(S/t) - 1/T - (S - row mean)/(T t), without cancellation for large t."""
    T = S.shape[1]
    centred = S - S[:, :1]
    centred = (centred - centred.mean(axis=1, keepdims=True)) / temperature
    if np.abs(centred).max() > 1.0:
        return np.asarray(softmax(centred) - (1.0 + centred) / T)
    excess = _excess(centred)
    total = excess.sum(axis=1, keepdims=True)
    return np.asarray((T * excess - (1.0 + centred) * total) / (T * (T + total)))


def _errors(S: FloatArray, temperature: float) -> dict[str, float]:
    error = float(np.linalg.norm(shaped_error(S, temperature)))
    centred = S - S[:, :1]
    squares = (centred - centred.mean(axis=1, keepdims=True)) ** 2
    limit = squares - squares.mean(axis=1, keepdims=True)
    return {
        "error_norm": error,
        "scaled_error": temperature**2 * error,
        "scaled_error_limit": float(np.linalg.norm(limit)) / (2.0 * S.shape[1]),
    }


def _directly(parameters: Mapping[str, Any]) -> dict[str, float]:
    """By the definition, whose terms cancel, in 50 digits."""
    total = mpmath.mpf(0)
    with mpmath.workdps(50):
        t = mpmath.mpf(parameters["temperature"])
        for row in parameters["S"].tolist():
            T, mean = len(row), mpmath.fsum(row) / len(row)
            weights = [mpmath.exp(s / t) for s in row]
            Z = mpmath.fsum(weights)
            for s, weight in zip(row, weights, strict=True):
                total += (weight / Z - 1 / mpmath.mpf(T) - (s - mean) / (T * t)) ** 2
        return {"error_norm": float(mpmath.sqrt(total))}


def _rescaled(
    evaluate: Evaluate, parameters: Mapping[str, Any], size: float
) -> tuple[float, float]:
    found = evaluate({**parameters, "temperature": size})
    return float(found["scaled_error"]), float(found["scaled_error_limit"])


_S, _T, _t = sp.Symbol("S", commutative=False), symbol("T"), symbol("temperature")
_centred = named("centred", "S")
_ERROR = sp.Function("norm_F")(sp.Function("softmax")(_S / _t) - 1 / _T - _centred / (_T * _t))
_VALUES = entries(
    "found",
    {
        "error_norm": _ERROR,
        "scaled_error": _t**2 * _ERROR,
        "scaled_error_limit": sp.Function("norm_F")(named("centred", _centred**2)) / (2 * _T),
    },
)

register(
    Claim(
        id="ZOO-SHAPED-1",
        title="attention at high temperature",
        statement=(
            "softmax(S/t) is uniform plus (S - row means)/(T t) up to an error of order t^-2, "
            "whose scaled norm tends to that of the centred squares of the centred scores over 2T."
        ),
        source=cite("noci2023", "expansion behind shaped attention"),
        standing="derived",
        observable="attention",
        parameters=(
            Parameter("S", Array("n", "T"), "rows of scores"),
            Parameter(
                "temperature",
                Real(low=0.0, low_open=True, typical=(0.5, 100.0)),
                "divisor of the scores",
                1.0,
            ),
        ),
        where={"found": Routine(named("errors", "S"), _errors, ("S", "temperature"))},
        values=_VALUES,
        cases=(
            {"S": [[1.0, 0.0, 0.5], [0.0, -1.0, 2.0]], "temperature": 10.0},
            {"S": [[3.0, 0.0], [0.5, -2.0]], "temperature": 2.0},
            {"S": [[0.0, 1.0, 3.0, -1.0]], "temperature": 1.0},
        ),
        judged_by=(
            Identity(
                _directly,
                lambda rng: {
                    "S": rng.normal(size=(int(rng.integers(1, 4)), int(rng.integers(2, 6)))),
                    "temperature": float(10.0 ** rng.uniform(-1.0, 0.7)),
                },
                tolerance=1e-9,
            ),
            Asymptotic(
                "scaled_error",
                "temperature",
                (1e2, 1e3, 1e4, 1e5),
                _rescaled,
                rate=1.0,
                floor=1e-9,
            ),
        ),
        wrong_twin=WrongTwin(
            "constant off by 5 %", {"scaled_error": times(1.05, _VALUES["scaled_error"])}
        ),
    )
)
