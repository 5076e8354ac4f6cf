"""SPEC-7a, b: exact targets (xi, eta), with and without eta_F; which are feasible."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from qktheory.base.domains import Integer, Parameter, Real, RealList
from qktheory.base.errors import bad_value
from qktheory.spectra.targets import affine_to_targets, is_constant
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import Identity, PathwiseBound
from qktheory.theorems.spectra import setting as s

FloatArray = NDArray[np.float64]

d, xi, eta, eta_F = s.d, s.xi, s.eta, s.eta_F
_i = sp.Symbol("i", integer=True, positive=True)
TRACES_AND_PARTS = s.spectra_source("traces of W, its symmetric part and its spectrum")

# --- SPEC-7a --------------------------------------------------------------------------------------

#: Targets computed by users carry rounding errors of their own.
_ROUNDING = 1e-12


def _complete_shape(parameters: dict[str, Any]) -> None:
    """Demand a shape with some spread and a feasible pair."""
    shape, xi, eta = (parameters[name] for name in ("base_shape", "xi", "eta"))
    if is_constant(shape):
        raise bad_value("base_shape", shape.tolist(), "a list that is not constant")
    smallest = xi / shape.size * xi
    if smallest - eta > _ROUNDING * max(smallest, abs(eta)):
        raise bad_value("eta", eta, f"eta >= xi^2/d = {smallest!r}, as for every real spectrum")
    parameters["d"] = shape.size


def _variance(d: int, xi: float, eta: float) -> float:
    """Return eta/d - xi^2/d^2 without cancellation, 0 if it is negative by rounding."""
    return float(max(Fraction(eta) / d - (Fraction(xi) / d) ** 2, Fraction(0)))


def _affine(shape: FloatArray, xi: float, eta: float, divisor: int) -> FloatArray:
    """Return the eigenvalues; `divisor` replaces d in the variance of the shape."""
    variance = _variance(shape.size, xi, eta) * divisor / shape.size
    return affine_to_targets(shape, xi / shape.size, variance)


def _shape_routine(divisor: sp.Expr, compute: Any) -> Routine:
    shape = sp.IndexedBase("lambda0", real=True)
    mean = sp.Sum(shape[_i], (_i, 1, d)) / d
    deviation = sp.Sum((shape[_i] - mean) ** 2, (_i, 1, d))
    scale = sp.sqrt((eta / d - xi**2 / d**2) * divisor / deviation)
    return Routine(xi / d + scale * (shape[_i] - mean), compute, ("base_shape", "xi", "eta"))


def _by_roots(parameters: Mapping[str, Any]) -> dict[str, FloatArray]:
    """Solve sum (a + b x) = xi and sum (a + b x)^2 = eta for a and b >= 0."""
    x = parameters["base_shape"]
    # a = (xi - b sum x)/d turns the second equation into a quadratic in b.
    slope, start = x - x.sum() / x.size, parameters["xi"] / x.size
    quadratic = [
        float(slope @ slope),
        float(2.0 * start * slope.sum()),
        start**2 * x.size - parameters["eta"],
    ]
    b = float(np.roots(quadratic).real.max())
    return {"eigenvalues": start + b * slope}


def _draw_shape(rng: np.random.Generator) -> dict[str, Any]:
    size = int(rng.integers(2, 12))
    xi = float(rng.normal()) * size
    return {
        "base_shape": rng.normal(size=size),
        "xi": xi,
        "eta": xi**2 / size + float(rng.uniform(0.1, 5.0)),
    }


register(
    Claim(
        id="SPEC-7a",
        title="any shape of spectrum meets (xi, eta) by an affine map",
        statement=(
            "For a shape lambda0 of mean m_0 and population variance v_0 > 0, lambda = xi/d + "
            "sqrt(v/v_0) (lambda0 - m_0), v = eta/d - xi^2/d^2, has sum xi and sum of squares eta; "
            "a real spectrum does so if and only if eta >= xi^2/d."
        ),
        source=TRACES_AND_PARTS,
        standing="derived",
        observable="eigenvalues",
        parameters=(
            Parameter("base_shape", RealList(min_length=2), "shape of the spectrum, d numbers"),
            Parameter("xi", Real(typical=(-2.0, 2.0)), "trace of W"),
            Parameter("eta", Real(typical=(0.5, 8.0)), "trace of W^2, >= xi^2/d"),
        ),
        complete=_complete_shape,
        values={
            "eigenvalues": _shape_routine(
                d, lambda shape, xi, eta: _affine(shape, xi, eta, shape.size)
            )
        },
        cases=(
            {
                "base_shape": [-5.0, -3.0, -1.0, 1.0, 3.0, 5.0],
                "xi": 1.0,
                "eta": 4.0,
            },
            {"base_shape": [4.0, 1.0, 1.0, 0.25, 0.0, 0.0, 0.0], "xi": -3.0, "eta": 2.5},
            {"base_shape": list(range(12)), "xi": 0.0, "eta": 1e-4},
        ),
        judged_by=(Identity(_by_roots, _draw_shape, tolerance=1e-10),),
        wrong_twin=WrongTwin(
            "variance of the shape divided by d - 1",
            {
                "eigenvalues": _shape_routine(
                    d - 1, lambda shape, xi, eta: _affine(shape, xi, eta, shape.size - 1)
                )
            },
        ),
    )
)

# --- SPEC-7b --------------------------------------------------------------------------------------

margin_real, margin_antisymmetric, margin_symmetric = (
    symbol(f"margin_{name}") for name in ("real", "antisymmetric", "symmetric")
)


def _least_square(d: int, xi: float) -> float:
    """Return the least sum of squares of d numbers with sum xi, by least squares."""
    size = min(d, 64)  # the sum of d numbers is the sum of `size` ones with weights d/size
    solution = np.linalg.lstsq(np.full((1, size), math.sqrt(d / size)), [xi], rcond=None)[0]
    return float(solution @ solution)


def _by_construction(parameters: Mapping[str, Any]) -> dict[str, float]:
    traces = (float(parameters[name]) for name in ("xi", "eta", "eta_F"))
    xi, eta, eta_F = traces
    least = _least_square(parameters["d"], xi)
    # W = S + A: ||S||^2 - ||A||^2 = eta and ||S||^2 + ||A||^2 = eta_F.
    symmetric, antisymmetric = np.linalg.solve([[1.0, -1.0], [1.0, 1.0]], [eta, eta_F])
    return {
        "margin_real": eta - least,
        "margin_antisymmetric": 2.0 * float(antisymmetric),
        "margin_symmetric": float(symmetric) - least,
        "feasible_real_spectrum": int(eta >= least),
        "feasible_matrix": int(antisymmetric >= 0.0 and symmetric >= least),
    }


def _draw_targets(rng: np.random.Generator) -> dict[str, Any]:
    """Points at random distances from all boundaries."""
    size = int(rng.integers(2, 40))
    return {
        "d": size,
        "xi": float(rng.normal()) * math.sqrt(size),
        "eta": float(rng.normal() * 3.0),
        "eta_F": float(rng.uniform(0.1, 6.0)),
    }


def _matrices_are_inside(
    parameters: Mapping[str, Any], values: Mapping[str, Any], rng: np.random.Generator
) -> list[tuple[float, float]]:
    """No margin of an actual matrix is negative; those of extreme matrices are 0."""
    size = min(int(parameters["d"]), 6)
    real = rng.normal(size=(size, size))
    pairs = []
    for W in (real, real + real.T, real - real.T, 2.0 * np.eye(size), np.triu(real)):
        found = CLAIM_7B.values_at(
            {
                "d": size,
                "xi": float(np.trace(W)),
                "eta": float(np.sum(W * W.T)),
                "eta_F": float(np.sum(W**2)),
            }
        )
        scale = float(np.sum(W**2))
        names = ["margin_antisymmetric", "margin_symmetric"]
        if not np.tril(W, -1).any() or np.array_equal(W, W.T):
            names.append("margin_real")
        pairs += [(scale, scale + float(found[name])) for name in names]
    return pairs


CLAIM_7B = register(
    Claim(
        id="SPEC-7b",
        title="which traces (xi, eta, eta_F) a real matrix can have",
        statement=(
            "A real d x d matrix, d >= 2, with traces (xi, eta, eta_F) exists if and only if "
            "eta_F >= eta and (eta_F + eta)/2 >= xi^2/d; a real spectrum with (xi, eta) if and "
            "only if eta >= xi^2/d. At d = 1 the margins are necessary only."
        ),
        source=TRACES_AND_PARTS,
        standing="derived",
        observable="W_QK",
        parameters=(
            Parameter("d", Integer(low=1, high=10**15, typical=(1, 40)), "size of the matrix"),
            Parameter("xi", Real(), "trace of W"),
            Parameter("eta", Real(), "trace of W^2"),
            Parameter("eta_F", Real(low=0.0), "squared Frobenius norm of W"),
        ),
        values={
            "margin_real": eta - xi**2 / d,
            "margin_antisymmetric": eta_F - eta,
            "margin_symmetric": (eta_F + eta) / 2 - xi**2 / d,
            "feasible_real_spectrum": Routine(
                sp.Ge(margin_real, 0), lambda margin: int(margin >= 0.0), ("margin_real",)
            ),
            "feasible_matrix": Routine(
                sp.And(sp.Ge(margin_antisymmetric, 0), sp.Ge(margin_symmetric, 0)),
                lambda one, other: int(one >= 0.0 and other >= 0.0),
                ("margin_antisymmetric", "margin_symmetric"),
            ),
        },
        cases=(
            {"d": 4, "xi": 2.0, "eta": -3.0, "eta_F": 7.0},
            {"d": 4, "xi": 2.0, "eta": 0.5, "eta_F": 1.0},
            {"d": 4, "xi": 2.0, "eta": 0.5, "eta_F": 1.6},
            {"d": 3, "xi": -3.0, "eta": 4.0, "eta_F": 3.5},
        ),
        judged_by=(
            Identity(_by_construction, _draw_targets, tolerance=1e-9),
            PathwiseBound(_matrices_are_inside, _draw_targets, rounding=1e-12),
        ),
        wrong_twin=WrongTwin(
            "constant 1/2 of (eta_F + eta)/2 taken as 0.53",
            {"margin_symmetric": sp.Rational(53, 100) * (eta_F + eta) - xi**2 / d},
        ),
    )
)
