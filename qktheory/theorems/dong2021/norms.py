"""RANK-1a, RANK-1b: norms of residuals, about the mean and about the best common row."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp

from qktheory.base.domains import Matrix, Parameter
from qktheory.numerics import matrix_norms as norms
from qktheory.numerics.common_row import least_norm_1, least_norm_1inf, least_norm_inf
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.dong2021 import setting as s
from qktheory.theorems.judgements import Identity, PathwiseBound

_NAMES = ("norm_1", "norm_inf", "norm_1inf")

# --- RANK-1a --------------------------------------------------------------------------------------


def _pairs(
    parameters: Mapping[str, Any], values: Mapping[str, Any], rng: np.random.Generator
) -> list[tuple[float, float]]:
    """Compare mean and best residuals, and the best with random common rows."""
    X = parameters["X"]
    somewhere = X.mean(axis=0) + rng.normal(size=X.shape[1])
    rows = [rng.permutation(X)[0], np.median(X, axis=0), somewhere]
    pairs = []
    for name in _NAMES:
        mean, least = float(values[f"{name}_mean"]), float(values[f"{name}_argmin"])
        pairs += [(mean, float(values["factor_mean_argmin"]) * least), (least, mean)]
        pairs += [(least, getattr(norms, name)(X - row)) for row in rows]
    T = len(X)
    pairs.append((values["frobenius"], math.sqrt((T - 1) / 2) * values["diameter_2"]))
    pairs.append((values["diameter_2"], math.sqrt(2.0) * values["frobenius"]))
    return [(float(a), float(b)) for a, b in pairs]


def _draw(rng: np.random.Generator) -> dict[str, Any]:
    return {"X": s.draw_tokens(rng, int(rng.integers(2, 7)), int(rng.integers(1, 4)))}


_least = sp.Function("min_c")
_CENTRED = Routine(s.Pi * s.X, norms.centred, ("X",))

register(
    Claim(
        id="RANK-1a",
        title="residuals about the mean and about the best common row",
        statement=(
            "Taking the mean as common row instead of the best one costs at most the factor "
            "2 (1 - 1/T) in norm_1, norm_inf and their geometric mean norm_1inf; a single outlier "
            "token attains it in norm_1. The Frobenius residual lies between D/sqrt(2) and "
            "sqrt((T - 1)/2) D for the diameter D."
        ),
        source=s.extends_dong("residuals, Section 2; the public code plots the mean residual"),
        standing="derived",
        observable="residual norm",
        parameters=(s.TOKENS,),
        where={"centred": _CENTRED},
        values={
            "norm_1_mean": s.routine("centred", s.norm_1(s.Pi * s.X), norms.norm_1),
            "norm_inf_mean": s.routine("centred", s.norm_inf(s.Pi * s.X), norms.norm_inf),
            "norm_1inf_mean": s.routine("centred", s.norm_1inf(s.Pi * s.X), norms.norm_1inf),
            "frobenius": s.routine("centred", s.norm_F(s.Pi * s.X), norms.frobenius_norm),
            "diameter_2": s.routine("X", s.diam(s.X), norms.diameter_2),
            "norm_1_argmin": s.routine("X", _least(s.norm_1(s.X - s.c)), least_norm_1),
            "norm_inf_argmin": s.routine("X", _least(s.norm_inf(s.X - s.c)), least_norm_inf),
            "norm_1inf_argmin": s.routine("X", _least(s.norm_1inf(s.X - s.c)), least_norm_1inf),
            "factor_mean_argmin": s.routine("X", 2 * (1 - 1 / s.n), lambda X: 2 * (1 - 1 / len(X))),
        },
        cases=(
            {"X": (0.5 * s.X_4).tolist()},
            {"X": [[0, 0], [0, 0], [0, 0], [6, 0]]},
            {"X": [[1, 2], [-1, 0.5]]},
            {"X": [[3e-200, 1e-200], [0, 2e-200], [1e-200, 0]]},
        ),
        judged_by=(PathwiseBound(_pairs, _draw, rounding=1e-9, most_draws=30),),
        wrong_twin=WrongTwin(
            "factor 2 taken as 1.9",
            {
                "factor_mean_argmin": s.routine(
                    "X", sp.Rational(19, 10) * (1 - 1 / s.n), lambda X: 1.9 * (1 - 1 / len(X))
                )
            },
        ),
        proof=(
            "Pi has norms ||Pi||_1 = ||Pi||_inf = 2 (1 - 1/T), and Pi X = Pi (X - 1 c^T) for every "
            "c. The front of (norm_1, norm_inf) over c is convex and piecewise linear, and the "
            "product is concave along its edges, so norm_1inf is least at a vertex."
        ),
    )
)

# --- RANK-1b --------------------------------------------------------------------------------------

ANY_MATRIX = Parameter("M", Matrix(), "any matrix")
_M = sp.Symbol("M", commutative=False)


def _sums(parameters: Mapping[str, Any]) -> dict[str, float]:
    rows = [[abs(float(x)) for x in row] for row in parameters["M"]]
    largest_row = max(math.fsum(row) for row in rows)
    largest_column = max(math.fsum(column) for column in zip(*rows, strict=True))
    mean = math.exp(0.5 * (math.log(largest_row) + math.log(largest_column)))
    return {"norm_1": largest_column, "norm_inf": largest_row, "norm_1inf": mean}


def _products(
    parameters: Mapping[str, Any], values: Mapping[str, Any], rng: np.random.Generator
) -> list[tuple[float, float]]:
    """Compare norms of products with products of norms."""
    M = parameters["M"]
    other = rng.normal(size=(M.shape[1], int(rng.integers(1, 6))))
    return [
        (getattr(norms, name)(M @ other), float(values[name]) * getattr(norms, name)(other))
        for name in _NAMES
    ]


_root = sp.sqrt(s.norm_1(_M)) * sp.sqrt(s.norm_inf(_M))

register(
    Claim(
        id="RANK-1b",
        title="the three functionals of residuals",
        statement=(
            "norm_1 (largest column sum), norm_inf (largest row sum) and norm_1inf, their "
            "geometric mean, are submultiplicative. norm_1inf is homogeneous but violates the "
            "triangle inequality: it is no norm."
        ),
        source=s.extends_dong("the composite norm of Section 2"),
        standing="corrected",
        observable="norm",
        parameters=(ANY_MATRIX,),
        values={
            "norm_1": s.routine("M", s.norm_1(_M), norms.norm_1),
            "norm_inf": s.routine("M", s.norm_inf(_M), norms.norm_inf),
            "norm_1inf": s.routine("M", _root, norms.norm_1inf),
        },
        cases=(
            {"M": [[1, 1], [0, 0]]},
            {"M": [[2, 1], [1, 0]]},
            {"M": [[1, -2, 0.5], [3, 0, 1]]},
            {"M": [[1e-200, -2e-200], [3e-200, 0]]},
        ),
        judged_by=(
            Identity(
                _sums,
                lambda rng: {"M": rng.normal(size=rng.integers(1, 6, size=2))},
                tolerance=1e-12,
            ),
            PathwiseBound(
                _products, lambda rng: {"M": rng.normal(size=rng.integers(1, 6, size=2))}
            ),
        ),
        wrong_twin=WrongTwin(
            "exponent of norm_inf 0.45 instead of 1/2",
            {
                "norm_1inf": s.routine(
                    "M",
                    sp.sqrt(s.norm_1(_M)) * s.norm_inf(_M) ** sp.Rational(45, 100),
                    lambda M: norms.norm_1(M) ** 0.5 * norms.norm_inf(M) ** 0.45,
                )
            },
        ),
    )
)
