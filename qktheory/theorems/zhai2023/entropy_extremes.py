"""ENT-10d, ENT-10e: the extreme entropies at a given participation or largest weight."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import sympy as sp
from scipy.optimize import brentq

from qktheory.base.domains import Parameter, Real
from qktheory.numerics.entropy_extremes import (
    EntropyRange,
    entropy_range_at_max_weight,
    entropy_range_at_participation,
)
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import PathwiseBound
from qktheory.theorems.zhai2023 import setting as s

FloatArray = s.FloatArray

y, p = symbol("participation"), symbol("max_weight")
largest, smallest = symbol("max_entropy"), symbol("min_entropy")
_a, _x, _k, _rest = sp.symbols("a x k rho")

PARTICIPATION = Parameter(
    "participation",
    Real(low=0.0, high=1.0, low_open=True, typical=(0.01, 1.0)),
    "sum of the squared weights, at least 1/T",
)
MAX_WEIGHT = Parameter(
    "max_weight",
    Real(low=0.0, high=1.0, low_open=True, typical=(0.01, 1.0)),
    "largest weight, at least 1/T",
)


def _entropy(weights: FloatArray) -> float:
    kept = weights[weights > 0.0]
    return float(-np.sum(kept * np.log(kept)))


def _complete(compute: Callable[[int, float], EntropyRange], name: str) -> Any:
    """Return the check that the value is at least 1/T: the one of the routine itself."""

    def complete(parameters: dict[str, Any]) -> None:
        compute(parameters["T"], parameters[name])

    return complete


def _between(weights: list[FloatArray], values: Mapping[str, Any]) -> list[tuple[float, float]]:
    """Return min <= H and H <= max for each vector of weights, above rounding."""
    low, high = float(values["min_entropy"]), float(values["max_entropy"])
    entropies = [_entropy(one) for one in weights]
    pairs = [(low, h) for h in entropies] + [(h, high) for h in entropies]
    return [pair for pair in pairs if max(pair) > 1e-3]


def _draw(name: str) -> Callable[[np.random.Generator], dict[str, Any]]:
    def draw(rng: np.random.Generator) -> dict[str, Any]:
        T = int(10.0 ** rng.uniform(0.31, 2.0))
        # Nearer to 1 all entropies are rounding.
        return {"T": T, name: float(T ** -rng.uniform(0.01, 0.999))}

    return draw


def _twin(name: str, compute: Callable[[int, float], EntropyRange]) -> dict[str, Routine]:
    """Return both extremes 5 % on the wrong side of what is attained."""
    return {
        "extremes": Routine(
            sp.Tuple(sp.Rational(105, 100) * smallest, sp.Rational(95, 100) * largest),
            lambda T, value: EntropyRange(1.05 * compute(T, value)[0], 0.95 * compute(T, value)[1]),
            ("T", name),
        )
    }


_TWIN_ERROR = "smallest taken 5 % too large, largest 5 % too small"

# --- ENT-10d --------------------------------------------------------------------------------------


def _square(weights: FloatArray) -> float:
    return float(weights @ weights)


def _mixed(start: FloatArray, end: FloatArray, target: float) -> FloatArray:
    """Return the point between two vectors of weights where the sum of squares is the target."""
    if _square(start) >= target:
        return start
    share = brentq(
        lambda q: _square((1.0 - q) * start + q * end) - target, 0.0, 1.0, xtol=1e-15, rtol=1e-14
    )
    return np.asarray((1.0 - share) * start + share * end)


def _at_participation(
    parameters: Mapping[str, Any], values: Mapping[str, Any], rng: np.random.Generator
) -> list[tuple[float, float]]:
    """Compare with weights of the given participation: random ones and both extremes."""
    T, target = parameters["T"], parameters["participation"]
    flat, vertex = np.full(T, 1.0 / T), np.eye(T)[0]
    found = [_mixed(flat, vertex, target)]
    # Between the flat weights on k + 1 and on k keys lie those of k equal ones and a smaller one.
    k = min(math.floor(1.0 / target), T - 1)
    fewer, more = (np.where(np.arange(T) < n, 1.0 / n, 0.0) for n in (k, k + 1))
    if _square(more) <= target <= _square(fewer):
        found.append(_mixed(more, fewer, target))
    for power in (1.0, 3.0):
        drawn = rng.exponential(size=T) ** power
        drawn = np.sort(drawn)[::-1] / drawn.sum()
        if _square(drawn) >= target:
            found.append(_mixed(flat, drawn, target))
        else:
            found.append(_mixed(drawn, vertex, target))
    return _between(found, values)


register(
    Claim(
        id="ENT-10d",
        title="extreme entropies at a given participation",
        statement=(
            "At sum A^2 = y the entropy is largest for one weight a = (1 + sqrt((T-1)(T y - 1)))/T "
            "and T - 1 equal ones, smallest for k = floor(1/y) weights x = (k + sqrt(k ((k+1) y - "
            "1)))/(k (k+1)) and one of 1 - k x."
        ),
        source=s.extends_zhai("entropy against participation; Harremoes, Topsoe (2001)"),
        standing="derived",
        observable="entropy",
        parameters=(s.T, PARTICIPATION),
        complete=_complete(entropy_range_at_participation, "participation"),
        where={
            "extremes": Routine(
                sp.Tuple(smallest, largest), entropy_range_at_participation, ("T", "participation")
            )
        },
        values={
            "min_entropy": Routine(
                (-_k * _x * sp.log(_x) - (1 - _k * _x) * sp.log(1 - _k * _x))
                .subs(_x, (_k + sp.sqrt(_k * ((_k + 1) * y - 1))) / (_k * (_k + 1)))
                .subs(_k, sp.floor(1 / y)),
                lambda e: e.min_entropy,
                ("extremes",),
            ),
            "max_entropy": Routine(
                (-_a * sp.log(_a) - (1 - _a) * sp.log((1 - _a) / (s.t - 1))).subs(
                    _a, (1 + sp.sqrt((s.t - 1) * (s.t * y - 1))) / s.t
                ),
                lambda e: e.max_entropy,
                ("extremes",),
            ),
        },
        cases=(
            {"T": 8, "participation": 0.3},
            {"T": 100, "participation": 0.02},
            {"T": 50, "participation": 0.7},
        ),
        judged_by=(PathwiseBound(_at_participation, _draw("participation"), rounding=1e-9),),
        wrong_twin=WrongTwin(_TWIN_ERROR, _twin("participation", entropy_range_at_participation)),
    )
)

# --- ENT-10e --------------------------------------------------------------------------------------


def _capped(weights: FloatArray, cap: float) -> FloatArray:
    """Return weights of the same sum without entries above the cap: the surplus goes to others."""
    capped = np.array(weights)
    for _ in range(4 * len(capped)):
        surplus = float(np.sum(np.maximum(capped - cap, 0.0)))
        if surplus <= 1e-15:
            break
        capped = np.minimum(capped, cap)
        room = cap - capped
        capped += surplus * room / room.sum()
    return np.minimum(capped, cap)


def _at_max_weight(
    parameters: Mapping[str, Any], values: Mapping[str, Any], rng: np.random.Generator
) -> list[tuple[float, float]]:
    """Compare with weights of the given maximum: random ones and both extremes."""
    T, top = parameters["T"], parameters["max_weight"]
    rest = 1.0 - top
    found = [np.append(np.full(T - 1, rest / (T - 1)), top)]
    packed = np.minimum(top, np.maximum(1.0 - top * np.arange(T), 0.0))
    found.append(packed)
    for power in (1.0, 3.0):
        drawn = rng.exponential(size=T - 1) ** power
        found.append(np.append(_capped(rest * drawn / drawn.sum(), top), top))
    return _between(found, values)


register(
    Claim(
        id="ENT-10e",
        title="extreme entropies at a given largest weight",
        statement=(
            "At max A = p: -floor(1/p) p ln p - rho ln rho <= H <= -p ln p - (1-p) ln((1-p)/(T-1)) "
            "with rho = 1 - floor(1/p) p; attained by as many weights p as fit and one of rho, and "
            "by one weight p and T - 1 equal ones."
        ),
        source=s.extends_zhai("entropy at a given largest weight, sharp; Fano's inequality"),
        standing="derived",
        observable="entropy",
        parameters=(s.T, MAX_WEIGHT),
        complete=_complete(entropy_range_at_max_weight, "max_weight"),
        where={
            "extremes": Routine(
                sp.Tuple(smallest, largest), entropy_range_at_max_weight, ("T", "max_weight")
            )
        },
        values={
            "min_entropy": Routine(
                (-sp.floor(1 / p) * p * sp.log(p) - _rest * sp.log(_rest)).subs(
                    _rest, 1 - sp.floor(1 / p) * p
                ),
                lambda e: e.min_entropy,
                ("extremes",),
            ),
            "max_entropy": Routine(
                -p * sp.log(p) - (1 - p) * sp.log((1 - p) / (s.t - 1)),
                lambda e: e.max_entropy,
                ("extremes",),
            ),
        },
        cases=(
            {"T": 8, "max_weight": 0.3},
            {"T": 100, "max_weight": 0.02},
            {"T": 50, "max_weight": 0.7},
        ),
        judged_by=(PathwiseBound(_at_max_weight, _draw("max_weight"), rounding=1e-9),),
        wrong_twin=WrongTwin(_TWIN_ERROR, _twin("max_weight", entropy_range_at_max_weight)),
        proof=(
            "The entropy is Schur-concave. Among weights of maximum p, the ones with as many p as "
            "fit and one remainder majorize all others, and one p with T - 1 equal weights is "
            "majorized by all others."
        ),
    )
)
