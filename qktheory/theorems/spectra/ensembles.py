"""SPEC-8c: exact moments of Gaussian matrices of finite size."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp

from qktheory.base.domains import Choice, Integer, Parameter, Real
from qktheory.base.errors import unknown_name
from qktheory.kernels.streams import Stream
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import Asymptotic, DrawnExpectation, Evaluate, Identity
from qktheory.theorems.spectra import setting as s

_NAMES = ("ginibre", "goe", "product")
d = s.d
_d_k, _nu = symbol("d_k"), symbol("nu")
#: Variance of an entry of a product times d; 1 for the other ensembles.
_STRENGTH = d * _d_k / _nu**2


def _complete(parameters: dict[str, Any]) -> None:
    """Give the product its normalisation; the others take the size alone."""
    product = parameters["ensemble"] == "product"
    for name in ("d_k", "nu"):
        if parameters[name] is not None and not product:
            raise unknown_name(f"parameter of ensemble {parameters['ensemble']!r}", name, ["d"])
    if product and parameters["d_k"] is None:
        raise ValueError("d_k is missing: ensemble 'product' needs an integer >= 1")
    if product and parameters["nu"] is None:
        parameters["nu"] = math.sqrt(parameters["d"] * parameters["d_k"])


def _value(formulas: Mapping[str, sp.Expr], factor: float = 1.0) -> Routine:
    """Return a value that each ensemble has its own formula for, or none."""
    evaluate = {
        name: sp.lambdify((d, _d_k, _nu), formula, modules="math")
        for name, formula in formulas.items()
    }
    statement = sp.Piecewise(
        *(
            (formula, sp.Eq(sp.Symbol("ensemble"), sp.Symbol(name)))
            for name, formula in formulas.items()
        )
    )

    def compute(ensemble: str, size: int, width: int | None, norm: float | None) -> float | None:
        if ensemble not in evaluate:
            return None
        return float(factor * evaluate[ensemble](size, width, norm))

    return Routine(statement, compute, ("ensemble", "d", "d_k", "nu"))


_ONE = sp.Integer(1)
_MEAN_ETA = {"ginibre": _ONE, "goe": d + 1, "product": _STRENGTH}


# --- draws ----------------------------------------------------------------------------------------


def _matrices(parameters: Mapping[str, Any], stream: Stream, first: int, n: int) -> np.ndarray:
    """Return n matrices of the ensemble, (n, d, d)."""
    size = parameters["d"]
    if parameters["ensemble"] == "product":
        d_k = parameters["d_k"]
        factors = stream.normals(first, n, 2 * size * d_k).reshape(n, 2, size, d_k)
        products = factors[:, 0] @ factors[:, 1].transpose(0, 2, 1)
        return np.asarray(products / parameters["nu"])
    normals = stream.normals(first, n, size * size).reshape(n, size, size)
    if parameters["ensemble"] == "ginibre":
        return np.asarray(normals / math.sqrt(size))
    return np.asarray((normals + normals.transpose(0, 2, 1)) / math.sqrt(2.0 * size))


def _draw(
    parameters: Mapping[str, Any], values: Mapping[str, Any], stream: Stream, first: int, n: int
) -> dict[str, np.ndarray]:
    w = _matrices(parameters, stream, first, n)
    return {
        "var_xi": np.trace(w, axis1=1, axis2=2) ** 2,
        "mean_eta": np.einsum("nij,nji->n", w, w),
        "mean_eta_F": np.einsum("nij,nij->n", w, w),
    }


def _cost(parameters: Mapping[str, Any]) -> float:
    inner = parameters["d_k"] if parameters["ensemble"] == "product" else 1
    return float(parameters["d"] ** 2 * (2 + inner))


# --- other routes ---------------------------------------------------------------------------------


def _by_entries(parameters: Mapping[str, Any]) -> dict[str, float]:
    """Return the spread of eta as the sum of the variances of squares of independent entries."""
    if parameters["ensemble"] != "goe":
        return {}
    size = parameters["d"]
    # Var g^2 = 2 var^2; off-diagonal squares count twice.
    diagonal = size * 2.0 * (2.0 / size) ** 2
    beside = size * (size - 1) / 2.0 * 4.0 * 2.0 / size**2
    return {"std_eta": math.sqrt(diagonal + beside)}


def _random_size(rng: np.random.Generator) -> dict[str, Any]:
    return {"ensemble": "goe", "d": int(10 ** rng.uniform(0.0, 6.0))}


def _real_eigenvalues(size: int) -> float:
    """Return the exact mean number of real eigenvalues for even sizes.

    Edelman, Kostlan and Shub (1994), Corollary 5.1.
    """
    # Terms sqrt(2) (4k - 1)!!/(4k)!!, k = 0, 1, ... of even sizes, by their ratios.
    k = np.arange(0.0, size // 2 - 1.0)
    ratios = (4.0 * k + 1.0) * (4.0 * k + 3.0) / ((4.0 * k + 2.0) * (4.0 * k + 4.0))
    return math.sqrt(2.0) * math.fsum(np.cumprod(np.append(1.0, ratios)))


def _large(evaluate: Evaluate, parameters: Mapping[str, Any], size: float) -> tuple[float, float]:
    # Every case is climbed as a Ginibre matrix, the only one with this value.
    ginibre = {"ensemble": "ginibre", "d": int(size), "d_k": None, "nu": None}
    count = float(evaluate(ginibre)["real_eigenvalue_count"])
    return _real_eigenvalues(int(size)) / count, 1.0


register(
    Claim(
        id="SPEC-8c",
        title="moments of Gaussian matrices of finite size",
        statement=(
            "Ginibre matrices of variance 1/d have Var xi = E eta = 1, E eta_F = d and about "
            "sqrt(2d/pi) real eigenvalues; GOE matrices E eta = E eta_F = d + 1, Var xi = 2, "
            "sd(eta) = 2 sqrt(1 + 1/d); W_Q W_K^T/nu has Var xi = E eta = d d_k/nu^2, "
            "E eta_F = d^2 d_k/nu^2."
        ),
        source=s.GINIBRE_1965,
        standing="theorem",
        observable="xi, eta, eta_F",
        parameters=(
            Parameter("ensemble", Choice(_NAMES), "which Gaussian matrix"),
            s.SIZE,
            Parameter(
                "d_k",
                Integer(low=1, high=10**15, typical=(1, 40)),
                "width of the factors of a product",
                default=None,
            ),
            Parameter(
                "nu",
                Real(0.0, low_open=True, typical=(0.3, 30.0)),
                "norm of a product, sqrt(d d_k) by default",
                default=None,
            ),
        ),
        complete=_complete,
        values={
            "var_xi": _value({"ginibre": _ONE, "goe": 2 * _ONE, "product": _STRENGTH}),
            "mean_eta": _value(_MEAN_ETA),
            "mean_eta_F": _value({"ginibre": d, "goe": d + 1, "product": d * _STRENGTH}),
            "std_eta": _value({"goe": 2 * sp.sqrt(1 + 1 / d)}),
            "real_eigenvalue_count": _value({"ginibre": sp.sqrt(2 * d / sp.pi)}),
        },
        W="redrawn",
        cases=(
            {"ensemble": "ginibre", "d": 5},
            {"ensemble": "goe", "d": 4},
            {"ensemble": "product", "d": 4, "d_k": 2},
            {"ensemble": "product", "d": 3, "d_k": 5, "nu": 2.0},
        ),
        judged_by=(
            DrawnExpectation(("var_xi", "mean_eta", "mean_eta_F"), _draw, _cost),
            Identity(_by_entries, _random_size, tolerance=1e-12),
            Asymptotic(
                "real_eigenvalue_count", "d", (16.0, 64.0, 256.0, 1024.0, 4096.0), _large, rate=0.45
            ),
        ),
        wrong_twin=WrongTwin("E eta 8 % too large", {"mean_eta": _value(_MEAN_ETA, factor=1.08)}),
    )
)
