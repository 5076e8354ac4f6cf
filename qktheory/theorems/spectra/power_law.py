"""SPEC-8b: traces of power-law spectra."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp

from qktheory.base.domains import Parameter, Real
from qktheory.numerics.harmonic import harmonic_number
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import Identity
from qktheory.theorems.spectra import setting as s

largest, exponent = symbol("largest"), symbol("exponent")
_i = sp.Symbol("i", integer=True, positive=True)


def _trace(power: int, factor: float = 1.0) -> Routine:
    """Return tr W^power as largest^power times a generalised harmonic number."""

    def compute(top: float, a: float, d: int) -> float:
        scale: float = top**power
        return scale * harmonic_number(d, power * factor * a)

    statement = sp.Sum((largest * _i ** (-factor * exponent)) ** power, (_i, 1, s.d))
    return Routine(statement, compute, ("largest", "exponent", "d"))


#: Terms that the other route adds one by one.
_ONE_BY_ONE = 20_000


def _direct(parameters: Mapping[str, Any]) -> dict[str, float]:
    """Add the first terms; the rest by the midpoint rule, with one correction."""
    d, a, top = parameters["d"], parameters["exponent"], parameters["largest"]
    return {
        name: top**power * _sum_of_powers(d, power * a) for name, power in (("xi", 1), ("eta", 2))
    }


def _sum_of_powers(d: int, a: float) -> float:
    head = math.fsum(np.arange(1.0, min(d, _ONE_BY_ONE) + 1.0) ** -a)
    if d <= _ONE_BY_ONE:
        return head
    low, high = _ONE_BY_ONE + 0.5, d + 0.5
    order = 1.0 - a
    area = math.log(high / low) if order == 0.0 else (high**order - low**order) / order
    return float(head + area + a * (high ** (-a - 1.0) - low ** (-a - 1.0)) / 24.0)


def _draw(rng: np.random.Generator) -> dict[str, Any]:
    return {
        "largest": float(rng.normal()),
        "exponent": float(rng.uniform(0.0, 3.0)),
        "d": int(10 ** rng.uniform(0.0, 9.0)),
    }


register(
    Claim(
        id="SPEC-8b",
        title="traces of a power-law spectrum",
        statement=(
            "Eigenvalues largest i^(-a), i = 1..d, have xi = largest H_(d,a) and "
            "eta = largest^2 H_(d,2a) with the generalised harmonic numbers H."
        ),
        source=s.spectra_source("traces of diagonalisable matrices"),
        standing="theorem",
        observable="xi, eta",
        parameters=(
            Parameter("largest", Real(typical=(0.2, 3.0)), "eigenvalue of rank 1"),
            Parameter("exponent", Real(0.0, typical=(0.0, 3.0)), "decay exponent a >= 0"),
            s.SIZE,
        ),
        values={"xi": _trace(1), "eta": _trace(2)},
        cases=(
            {"largest": 1.0, "exponent": 1.0, "d": 50},
            {"largest": 2.5, "exponent": 0.5, "d": 10**12},
            {"largest": -0.7, "exponent": 1.7, "d": 40_000},
        ),
        judged_by=(Identity(_direct, _draw, tolerance=1e-11, most_draws=40),),
        wrong_twin=WrongTwin("exponent 4 % too small", {"xi": _trace(1, 0.96)}),
    )
)
