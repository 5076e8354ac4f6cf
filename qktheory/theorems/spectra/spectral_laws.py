"""SPEC-8a, SPEC-9, SPEC-10a: the catalogue of spectral laws, one entry under three ids."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import sympy as sp

from qktheory.base.domains import Parameter, Real, RealList
from qktheory.base.errors import bad_value
from qktheory.spectra.law import Law
from qktheory.spectra.laws.pareto import Pareto
from qktheory.spectra.laws.product_modulus import ProductModulus
from qktheory.spectra.laws.product_squared_singular import ProductSquaredSingular
from qktheory.theorems.claim import Claim, Routine, Source, WrongTwin, register
from qktheory.theorems.judgements import Identity
from qktheory.theorems.papers import cite
from qktheory.theorems.spectra import setting as s
from qktheory.theorems.spectra.law_parameters import (
    CATALOGUE,
    Orders,
    complete_law,
    density,
    law_parameters,
)
from qktheory.theorems.spectra.law_routes import law_by_quadrature

_ATOMIC = ("point", "two_point")
_PRODUCTS = ("product_modulus", "product_squared_singular")
_STIELTJES = (
    "point",
    "two_point",
    "uniform",
    "semicircle",
    "marchenko_pastur",
    "arcsine",
    "kesten_mckay",
    "product_squared_singular",
)
_R_TRANSFORM = tuple(name for name in _STIELTJES if name not in _PRODUCTS)

PARAMETERS = (
    *law_parameters(CATALOGUE),
    Parameter("x", RealList(), "points of density and cdf", default=None),
    Parameter(
        "u",
        RealList(Real(0.0, 1.0, high_open=True)),
        "levels of the quantile, in (0, 1); Pareto has 0 as well",
        default=None,
    ),
    Parameter("k", Orders(), "orders of moments and free cumulants", default=None),
    Parameter("z", RealList(), "real points outside the support", default=None),
    Parameter("w", RealList(), "arguments of the R-transform", default=None),
)

_x, _u, _k, _z, _w, _t = (sp.Symbol(name, real=True) for name in ["x", "u", "k", "z", "w", "t"])
_CDF = sp.Integral(density(_t), (_t, -sp.oo, _x))
_TRANSFORM = sp.Integral(density(_t) / (_z - _t), (_t, -sp.oo, sp.oo))
_KAPPA = sp.IndexedBase("kappa")


def _listed(
    law: Law, argument: str, given: Any, compute: Callable[[Law, Any], Any]
) -> list[float] | None:
    """Return one value for each entry of a list, None if there is no list."""
    if given is None:
        return None
    values = np.asarray(compute(law, given), dtype=np.float64)
    if not np.isfinite(values).all():
        where = int(np.flatnonzero(~np.isfinite(values))[0])
        entry = given[where]
        raise bad_value(
            f"{argument}[{where}]",
            entry if isinstance(entry, int) else float(entry),
            f"a number for which law {law.name!r} has a finite value in double precision",
        )
    return [float(value) for value in values]


def _value(
    statement: sp.Basic,
    argument: str,
    laws: Sequence[str],
    compute: Callable[[Law, Any], Any],
) -> Routine:
    """Return the routine of a value that exists for some laws and if its list is given."""
    return Routine(
        statement,
        lambda law, given: _listed(law, argument, given, compute) if law.name in laws else None,
        ("law", argument),
    )


def _but(*names: str) -> tuple[str, ...]:
    return tuple(name for name in CATALOGUE if name not in names)


def _atom_at_zero(law: Law) -> float | None:
    if isinstance(law, ProductModulus | ProductSquaredSingular):
        return max(0.0, 1.0 - law.aspect)
    if law.name == "marchenko_pastur":
        return float(sum(mass for _, mass in law.atoms))
    return None


@lru_cache(maxsize=256)
def _moment(law: Law, order: int) -> float:
    """Return a moment, inf where it leaves double precision; asked twice, see `_complete`."""
    try:
        return law.moment(order)
    except OverflowError:
        return math.inf


@lru_cache(maxsize=256)
def _free_cumulant(law: Law, order: int) -> float:
    try:
        return law.free_cumulant(order)
    except OverflowError:
        return math.inf


def _planar(law: Law, x: Any) -> Any:
    assert isinstance(law, ProductModulus)
    return law.planar_density(x)


def _finite_edge(law: Law, end: int) -> float | None:
    edge = law.edges[end]
    return None if math.isinf(edge) else edge


_MOMENTS = _value(
    sp.Integral(_t**_k * density(_t), (_t, -sp.oo, sp.oo)),
    "k",
    _but("product_modulus"),
    lambda law, orders: [_moment(law, k) for k in orders],
)
_FREE_CUMULANTS = _value(
    sp.Sum(_KAPPA[sp.Symbol("n")] * _w ** (sp.Symbol("n") - 1), (sp.Symbol("n"), 1, sp.oo)),
    "k",
    _but(*_PRODUCTS),
    lambda law, orders: [_free_cumulant(law, k) for k in orders],
)

VALUES: dict[str, sp.Basic | Routine] = {
    "support_lower": Routine(sp.Symbol("inf supp rho"), lambda law: _finite_edge(law, 0), ("law",)),
    "support_upper": Routine(sp.Symbol("sup supp rho"), lambda law: _finite_edge(law, 1), ("law",)),
    "atom_at_zero": Routine(sp.Function("mu")(sp.FiniteSet(0)), _atom_at_zero, ("law",)),
    "pdf": _value(density(_x), "x", _but(*_ATOMIC), lambda law, x: law.pdf(x)),
    "cdf": _value(_CDF, "x", _but("product_squared_singular"), lambda law, x: law.cdf(x)),
    "planar_density": _value(density(_x) / (2 * sp.pi * _x), "x", ("product_modulus",), _planar),
    "quantile": _value(
        sp.Function("Q")(_u),
        "u",
        _but("product_squared_singular"),
        lambda law, u: law.quantile(u),
    ),
    "moments": _MOMENTS,
    "free_cumulants": _FREE_CUMULANTS,
    "stieltjes": _value(_TRANSFORM, "z", _STIELTJES, lambda law, z: law.stieltjes(z)),
    "r_transform": _value(
        sp.Eq(sp.Function("G")(sp.Function("R")(_w) + 1 / _w), _w),
        "w",
        _R_TRANSFORM,
        lambda law, w: law.r_transform(w),
    ),
}


def _complete(parameters: dict[str, Any]) -> None:
    law = complete_law(parameters)
    if parameters["u"] is not None and law.name != "pareto" and (parameters["u"] <= 0.0).any():
        raise bad_value("u", parameters["u"], "levels in (0, 1)")
    # Points and orders that a law excludes are bad parameters, not values that fail.
    if parameters["z"] is not None and law.name in _STIELTJES:
        law.stieltjes(parameters["z"])
    if parameters["w"] is not None and law.name in _R_TRANSFORM:
        law.r_transform(parameters["w"])
    if parameters["k"] is not None and isinstance(law, Pareto):
        law.check_finite("k", max(parameters["k"]), 1)
    with np.errstate(all="ignore"):
        _MOMENTS(parameters)
        _FREE_CUMULANTS(parameters)


# --- other routes and random draws ----------------------------------------------------------------


def _checked_draw(names: tuple[str, ...]) -> Callable[[np.random.Generator], Mapping[str, Any]]:
    """Return a draw of a law of a list with all the arguments it has."""

    def draw(rng: np.random.Generator) -> dict[str, Any]:
        name = str(rng.choice(names))
        given: dict[str, Any] = {"law": name, **_SHAPES[name](rng)}
        law = complete_law(dict(given))
        low, high = law.edges
        top = min(high, low + 8.0)
        inside = low + (top - low) * rng.uniform(0.05, 0.95, size=2)
        if name not in _ATOMIC:
            given["x"] = inside.tolist()
        given["u"] = rng.uniform(0.02, 0.98, size=2).tolist()
        width = max(top - low, 1.0)
        if name in _STIELTJES:
            given["z"] = [high + width * float(rng.uniform(0.2, 3.0)), low - width]
        if name in _R_TRANSFORM:
            far = high + width * float(rng.uniform(0.2, 3.0))
            given["w"] = [0.0, float(law.stieltjes(far))]
        given["k"] = [1, 2] if name == "pareto" else [1, 2, 3, 4]
        return given

    return draw


_SHAPES: dict[str, Callable[[np.random.Generator], dict[str, Any]]] = {
    "point": lambda rng: {"location": float(rng.normal())},
    "two_point": lambda rng: {
        "p": float(rng.uniform(0.1, 0.9)),
        "a": float(rng.uniform(0.5, 3.0)),
        "b": float(rng.uniform(-3.0, 0.0)),
    },
    "uniform": lambda rng: {"mean": float(rng.normal()), "half_width": float(rng.uniform(0.5, 2))},
    "semicircle": lambda rng: {"mean": float(rng.normal()), "std": float(rng.uniform(0.5, 2))},
    "marchenko_pastur": lambda rng: {"ratio": float(rng.uniform(0.1, 3.0))},
    "arcsine": lambda rng: {"half_width": float(rng.uniform(0.5, 2.0))},
    "kesten_mckay": lambda rng: {"q": int(rng.integers(2, 9))},
    "pareto": lambda rng: {"tail_exponent": float(rng.uniform(2.5, 6.0))},
    "quarter_circle": lambda rng: {},
    "fuss_catalan": lambda rng: {"factors": int(rng.integers(1, 4))},
    "product_modulus": lambda rng: {"aspect": float(rng.uniform(0.1, 3.0))},
    "product_squared_singular": lambda rng: {"aspect": float(rng.uniform(0.1, 3.0))},
}


def _entry(
    id: str,
    title: str,
    statement: str,
    source: Source,
    laws: tuple[str, ...],
    cases: Sequence[Mapping[str, Any]],
    twin: WrongTwin,
) -> None:
    """Register the entry under one of its ids, judged on the laws of that id."""
    register(
        Claim(
            id=id,
            title=title,
            statement=statement,
            source=source,
            standing="theorem",
            observable="spectrum of W",
            parameters=PARAMETERS,
            complete=_complete,
            values=VALUES,
            cases=cases,
            judged_by=(
                Identity(law_by_quadrature, _checked_draw(laws), tolerance=1e-7, most_draws=12),
            ),
            wrong_twin=twin,
        )
    )


_EVERYTHING = (
    {"law": "product_modulus", "aspect": 0.4, "x": [0.5, 0.9], "u": [0.5]},
    {
        "law": "marchenko_pastur",
        "ratio": 2.0,
        "x": [1.0, 5.0],
        "u": [0.7, 0.95],
        "k": [1, 2, 3, 4],
        "z": [-1.0, 7.0],
        "w": [-0.3, 0.0, 0.1],
    },
)

_entry(
    "SPEC-8a",
    "catalogue of spectral laws",
    (
        "Densities, moments, free cumulants, Stieltjes transforms G and R-transforms of twelve "
        "laws of eigenvalues in closed form: G(R(w) + 1/w) = w, R(w) = sum_n kappa_n w^(n-1)."
    ),
    s.VOICULESCU_1992,
    _but(*_PRODUCTS),
    (
        *_EVERYTHING,
        {
            "law": "two_point",
            "p": 0.3,
            "a": 2.0,
            "b": -1.0,
            "k": [1, 2, 3, 4, 5, 6],
            "z": [3.0, -2.0],
            "w": [0.2, 0.0, -0.4],
        },
        {"law": "kesten_mckay", "q": 4, "x": [1.0, -3.0], "k": [2, 4], "z": [5.0], "w": [0.2]},
        {"law": "fuss_catalan", "factors": 3, "x": [0.5, 8.0], "k": [1, 2, 3, 4]},
        {"law": "pareto", "tail_exponent": 3.5, "x": [2.0], "k": [1, 2, 3], "u": [0.0, 0.5]},
    ),
    WrongTwin(
        "free cumulants from the second on 8 % too large",
        {
            "free_cumulants": _value(
                sp.Rational(108, 100) * _KAPPA[sp.Symbol("n")],
                "k",
                _but(*_PRODUCTS),
                lambda law, orders: [law.free_cumulant(k) * (1.0 + 0.08 * (k > 1)) for k in orders],
            )
        },
    ),
)

_entry(
    "SPEC-9",
    "distribution functions and quantiles of spectral laws",
    (
        "Distribution functions of the catalogue in closed form or by quadrature of the density, "
        "atoms included, and their inverses Q(u) = inf{x : F(x) >= u}."
    ),
    cite("marchenko1967"),
    _but(*_PRODUCTS),
    (
        *_EVERYTHING,
        {"law": "semicircle", "mean": 0.5, "std": 2.0, "u": [0.01, 0.6, 0.99], "x": [1.0]},
        {"law": "fuss_catalan", "factors": 2, "x": [0.1, 1.0, 6.0], "u": [0.5, 0.9]},
        {"law": "quarter_circle", "x": [1.0], "u": [0.25, 0.9]},
    ),
    WrongTwin(
        "quantiles 5 % too large",
        {
            "quantile": _value(
                sp.Rational(105, 100) * sp.Function("Q")(_u),
                "u",
                _but("product_squared_singular"),
                lambda law, u: 1.05 * law.quantile(u),
            )
        },
    ),
)

_entry(
    "SPEC-10a",
    "spectra of a product of two Gaussian matrices",
    (
        "Non-zero eigenvalues of W_Q W_K^T/sqrt(d d_k) are isotropic with "
        "F (1 - kappa + kappa F) = r^2, kappa = min(d_k/d, d/d_k); non-zero squared singular "
        "values have z(y) = (1 + y)(1 + kappa y)^2/(kappa y) for d_k <= d and "
        "(1 + y)^2 (1 + kappa y)/y for d_k >= d, y = z G(z) - 1."
    ),
    s.BURDA_2010,
    _PRODUCTS,
    (
        *_EVERYTHING,
        {"law": "product_modulus", "aspect": 2.0, "x": [0.3, 0.8], "u": [0.1, 0.9]},
        {
            "law": "product_squared_singular",
            "aspect": 0.5,
            "x": [1.0, 8.0],
            "k": [1, 2, 3, 4],
            "z": [-1.0, 10.0],
        },
        {"law": "product_squared_singular", "aspect": 2.0, "x": [0.1, 1.0], "k": [1, 2, 3]},
    ),
    WrongTwin(
        "second moments 6 % too large",
        {
            "moments": _value(
                sp.Rational(106, 100) * sp.Symbol("m_2"),
                "k",
                _but("product_modulus"),
                lambda law, orders: [law.moment(k) * (1.0 + 0.06 * (k == 2)) for k in orders],
            )
        },
    ),
)
