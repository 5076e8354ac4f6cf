"""SPEC-12: deterministic quantile spectra, their moments and the leading errors."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp

from qktheory.base.domains import Choice, Integer, Parameter
from qktheory.base.errors import bad_value
from qktheory.spectra.law import LAWS, Law
from qktheory.spectra.laws.pareto import Pareto
from qktheory.spectra.quantile_moments import (
    iid_std,
    midpoint_moments,
    pareto_coefficient,
    semicircle_coefficient,
)
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import Asymptotic, Evaluate, Identity
from qktheory.theorems.spectra import setting as s
from qktheory.theorems.spectra.law_parameters import (
    CATALOGUE,
    Orders,
    complete_law,
    density,
    law_parameters,
)

d, _k = s.d, symbol("k")
_i, _x = sp.Symbol("i", integer=True), sp.Symbol("x", real=True)
_Q = sp.Function("Q")
#: Quantile spectra are computed one by one.
DIMENSION = Parameter("d", Integer(1, 10**7, typical=(1, 60)), "number of eigenvalues")

# --- SPEC-12a -------------------------------------------------------------------------------------

_MIDPOINT = sp.Sum(_Q((_i - sp.Rational(1, 2)) / d) ** _k, (_i, 1, d)) / d
_MOMENT = sp.Integral(_x**_k * density(_x), (_x, -sp.oo, sp.oo))


def _complete(parameters: dict[str, Any]) -> None:
    law = complete_law(parameters)
    if isinstance(law, Pareto):
        law.check_finite("k", max(parameters["k"]), 1)


def _limits(factor: float = 1.0) -> Routine:
    return Routine(
        factor * _MOMENT,
        lambda law, k: [factor * law.moment(order) for order in k],
        ("law", "k"),
    )


def _spread(law: Law, size: int, orders: list[int]) -> list[float] | None:
    found = [iid_std(law, size, order) for order in orders]
    return None if None in found else [float(std) for std in found if std is not None]


def _finite(evaluate: Evaluate, parameters: Mapping[str, Any], size: float) -> tuple[float, float]:
    values = evaluate({**parameters, "d": int(size)})
    return float(values["midpoint_moments"][-1]), float(values["limit_moments"][-1])


def _by_strata(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the spread from a fine quantile spectrum."""
    law, size, orders = parameters["law"], parameters["d"], parameters["k"]
    if isinstance(law, Pareto):
        return {}  # the heavy tail needs levels that no grid holds
    fine = law.spectrum_quantiles(4000)
    return {"iid_std": [float(np.std(fine**k)) / math.sqrt(size) for k in orders]}


def _draw(rng: np.random.Generator) -> dict[str, Any]:
    shape: dict[str, Any] = [
        {"law": "uniform", "half_width": float(rng.uniform(0.5, 2.0)), "mean": float(rng.normal())},
        {"law": "semicircle", "std": float(rng.uniform(0.5, 2.0)), "mean": float(rng.normal())},
        {"law": "marchenko_pastur", "ratio": float(rng.uniform(0.1, 0.9))},
        {"law": "arcsine", "half_width": float(rng.uniform(0.5, 2.0))},
        {"law": "two_point", "p": 0.25, "a": float(rng.normal()), "b": float(rng.normal())},
    ][int(rng.integers(0, 5))]
    return {**shape, "d": int(rng.integers(1, 50)), "k": [1, 2, 3]}


register(
    Claim(
        id="SPEC-12a",
        title="moments of a quantile spectrum",
        statement=(
            "The deterministic spectrum Q((i - 1/2)/d), i = 1..d, has moments that tend to those "
            "of the law, faster than the d^(-1/2) of iid draws, whose standard deviation is "
            "sqrt(Var(x^k)/d)."
        ),
        source=s.spectra_source("midpoint quadrature of quantile functions"),
        standing="derived",
        observable="spectral moments",
        parameters=(*law_parameters(CATALOGUE), DIMENSION, Parameter("k", Orders(), "orders")),
        complete=_complete,
        values={
            "midpoint_moments": Routine(_MIDPOINT, midpoint_moments, ("law", "d", "k")),
            "limit_moments": _limits(),
            "iid_std": Routine(
                sp.sqrt((_MOMENT.subs(_k, 2 * _k) - _MOMENT**2) / d), _spread, ("law", "d", "k")
            ),
        },
        cases=(
            {"law": "uniform", "mean": 0.5, "half_width": 1.0, "d": 10, "k": [1, 2, 4]},
            {"law": "semicircle", "std": 1.0, "d": 50, "k": [2, 4]},
            {"law": "pareto", "tail_exponent": 3.5, "d": 100, "k": [1, 2]},
            {"law": "marchenko_pastur", "ratio": 0.5, "d": 20, "k": [1, 2, 3]},
        ),
        judged_by=(
            Asymptotic("limit_moments", "d", (100.0, 400.0, 1600.0, 6400.0), _finite, rate=0.4),
            Identity(_by_strata, _draw, tolerance=3e-3, most_draws=20),
        ),
        wrong_twin=WrongTwin("limits 5 % too large", {"limit_moments": _limits(1.05)}),
    )
)

# --- SPEC-12b -------------------------------------------------------------------------------------

_CENTRED = ("uniform", "semicircle", "pareto")
_h, _std, _alpha = symbol("half_width"), symbol("std"), symbol("tail_exponent")
_order = symbol("order")
_zeta = sp.Function("zeta")


def _complete_error(parameters: dict[str, Any]) -> None:
    """Build the law about 0; order 2 but for a Pareto law."""
    law = complete_law(parameters)
    order = parameters["order"]
    if isinstance(law, Pareto):
        if order is None:
            raise ValueError("order is missing: law 'pareto' needs an integer >= 1")
        law.check_finite("order", order, 1)
    elif order not in (None, 2):
        raise bad_value("order", order, f"2, the order that is stated for law {law.name!r}")
    parameters["order"] = 2 if order is None else order


def _coefficient(law: Law, order: int) -> float | None:
    if law.name == "semicircle":
        return semicircle_coefficient(math.sqrt(law.variance))
    return pareto_coefficient(law.tail_exponent, order) if isinstance(law, Pareto) else None


def _exponent(law: Law, order: int) -> float:
    if law.name == "semicircle":
        return 5.0 / 3.0
    return 1.0 - order / law.tail_exponent if isinstance(law, Pareto) else 2.0


def _leading(law: Law, size: int, order: int, factor: float = 1.0) -> float:
    front = _coefficient(law, order)
    if front is None:
        front = -((0.5 * (law.edges[1] - law.edges[0])) ** 2) / 3.0
    return float(factor * front * float(size) ** -_exponent(law, order))


_SEMICIRCLE = (
    -8 * (3 * sp.pi / 2) ** sp.Rational(2, 3) * _zeta(-sp.Rational(2, 3), sp.Rational(1, 2))
)
_WHICH = sp.Symbol("law")
_COEFFICIENT = sp.Piecewise(
    (_SEMICIRCLE * _std**2, sp.Eq(_WHICH, sp.Symbol("semicircle"))),
    (_zeta(_order / _alpha, sp.Rational(1, 2)), sp.Eq(_WHICH, sp.Symbol("pareto"))),
)
_LEADING = sp.Piecewise(
    (-(_h**2) / (3 * d**2), sp.Eq(_WHICH, sp.Symbol("uniform"))),
    (_SEMICIRCLE * _std**2 * d ** sp.Rational(-5, 3), sp.Eq(_WHICH, sp.Symbol("semicircle"))),
    (
        _zeta(_order / _alpha, sp.Rational(1, 2)) * d ** (_order / _alpha - 1),
        sp.Eq(_WHICH, sp.Symbol("pareto")),
    ),
)


def _error(factor: float = 1.0) -> Routine:
    return Routine(
        factor * _LEADING,
        lambda law, size, order: _leading(law, size, order, factor),
        ("law", "d", "order"),
    )


def _relative(
    evaluate: Evaluate, parameters: Mapping[str, Any], size: float
) -> tuple[float, float]:
    law, order = parameters["law"], parameters["order"]
    leading = float(evaluate({**parameters, "d": int(size)})["leading_error"])
    found = midpoint_moments(law, int(size), [order])[0] - law.moment(order)
    return found / leading, 1.0


def _wasserstein(parameters: Mapping[str, Any]) -> dict[str, float]:
    """Return the area between the two quantile functions of a uniform law."""
    law, size = parameters["law"], parameters["d"]
    if law.name != "uniform":
        return {}
    u = (np.arange(2000) + 0.5) / 2000.0 / size  # within the first of d equal cells
    gap = np.abs(law.quantile(u) - law.quantile(0.5 / size))
    return {"wasserstein_1": float(gap.mean())}


def _uniform(rng: np.random.Generator) -> dict[str, Any]:
    return {
        "law": "uniform",
        "half_width": float(rng.uniform(0.5, 3.0)),
        "d": int(rng.integers(1, 1000)),
        "order": 2,
    }


register(
    Claim(
        id="SPEC-12b",
        title="leading moment error of a quantile spectrum",
        statement=(
            "The error of m_2 is -h^2/(3 d^2) for uniform laws on +-h (exactly), "
            "-8 (3 pi/2)^(2/3) zeta(-2/3, 1/2) std^2 d^(-5/3) for semicircles, and that of m_k is "
            "zeta(k/alpha, 1/2) d^(-(1 - k/alpha)) for Pareto laws."
        ),
        source=s.spectra_source("Euler-Maclaurin sums with singular ends"),
        standing="derived",
        observable="spectral moments",
        parameters=(
            Parameter("law", Choice(_CENTRED), "name of the spectral law"),
            *(
                Parameter(p.name, p.domain, p.description, default=None)
                for name in _CENTRED
                for p in LAWS[name].parameters
                if p.name != "mean"
            ),
            Parameter("d", Integer(1, 10**15, typical=(1, 60)), "number of eigenvalues"),
            Parameter("order", Integer(1), "order of the moment", default=None),
        ),
        complete=_complete_error,
        values={
            "leading_error": _error(),
            "wasserstein_1": Routine(
                _h / (2 * d),
                lambda law, size: (
                    0.5 * (0.5 * (law.edges[1] - law.edges[0])) / size
                    if law.name == "uniform"
                    else None
                ),
                ("law", "d"),
            ),
            "coefficient": Routine(_COEFFICIENT, _coefficient, ("law", "order")),
        },
        cases=(
            {"law": "semicircle", "std": 1.5, "d": 100, "order": 2},
            {"law": "pareto", "tail_exponent": 3.5, "d": 100, "order": 1},
            {"law": "pareto", "tail_exponent": 3.5, "d": 100, "order": 2},
            {"law": "uniform", "half_width": 2.0, "d": 20, "order": 2},
        ),
        judged_by=(
            Asymptotic(
                "leading_error", "d", (50.0, 200.0, 800.0, 3200.0), _relative, rate=0.3, floor=1e-6
            ),
            Identity(_wasserstein, _uniform, tolerance=1e-3, most_draws=20),
        ),
        wrong_twin=WrongTwin("errors 8 % too large", {"leading_error": _error(1.08)}),
    )
)
