"""RMT-2: spectrum of softmax matrices of iid Gaussian scores."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp

from qktheory.kernels import Stream
from qktheory.simulation.realization import Realization
from qktheory.spectra.laws.quarter_circle import QuarterCircle
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim, Predicts, Routine, WrongTwin, register
from qktheory.theorems.judgements import Asymptotic, DrawnLimit, Evaluate
from qktheory.theorems.network_setting import iid_scores
from qktheory.theorems.saada2025 import setting as s
from qktheory.theorems.saada2025.draws import iid_attention, moduli, singular_values

_RATIO = s.c2_t / s.t
lambda2 = symbol("lambda2_modulus")
_MEDIAN = sp.Symbol("m", positive=True)


def _draw(
    parameters: Mapping[str, Any], values: Mapping[str, Any], stream: Stream, first: int, n: int
) -> dict[str, np.ndarray]:
    A = iid_attention(parameters["T"], parameters["s2"], stream, first, n)
    singular, eigenvalues = singular_values(A), moduli(A)
    return {
        "largest_singular_squared": singular[:, 0] ** 2,
        "second_singular_edge": singular[:, 1],
        "median_singular": np.median(singular[:, 1:], axis=1),
        "lambda2_modulus": eigenvalues[:, 1],
        "median_eigenvalue_modulus": np.median(eigenvalues[:, 1:], axis=1),
    }


def _one_layer(realization: Realization) -> dict[str, Any]:
    found = iid_scores(realization)
    return {"T": found["T"], "s2": found["s2"]}


def _expanded(
    evaluate: Evaluate, parameters: Mapping[str, Any], size: float
) -> tuple[float, float]:
    """Compare excesses over 1."""
    values = evaluate({**parameters, "T": int(size)})
    largest = math.expm1(0.5 * math.log(float(values["largest_singular_squared"])))
    return largest, float(values["largest_singular_asymptotic"]) - 1.0


register(
    Claim(
        id="RMT-2",
        title="spectrum of softmax of iid Gaussian scores",
        statement=(
            "As T grows at fixed s2, A has the eigenvalue 1, the largest singular value "
            "(1 - c_T^2/T)^(-1/2) = 1 + c2/(2T) + ..., bulk singular values of a quarter circle "
            "up to 2 c_T/sqrt T and bulk eigenvalues uniform on the disc of radius c_T/sqrt T."
        ),
        source=s.extends_saada("largest singular value; bulk at finite T"),
        standing="derived",
        observable="attention_singular_values",
        W="redrawn",
        networks=True,
        assumptions=(s.IID_SCORES,),
        predicts=(Predicts("spectral_gap", "gap_eigenvalue", "asymptotic", _one_layer),),
        parameters=(s.T, s.score_variance(700.0)),
        values={
            "c2_t": s.C2_T,
            "largest_singular_squared": 1 / (1 - _RATIO),
            "largest_singular_asymptotic": 1 + (sp.exp(s.s2) - 1) / (2 * s.t),
            "second_singular_edge": 2 * sp.sqrt(_RATIO),
            "lambda2_modulus": sp.sqrt(_RATIO),
            "gap_eigenvalue": 1 - lambda2,
            "gap_singular": 1 - 2 * lambda2,
            "median_singular": Routine(
                sp.sqrt(_RATIO) * _MEDIAN,
                lambda c2_t, T: math.sqrt(c2_t / T) * float(QuarterCircle().quantile(0.5)),
                ("c2_t", "T"),
            ),
            "median_eigenvalue_modulus": sp.sqrt(_RATIO / 2),
        },
        cases=(
            {"T": 100, "s2": 0.25},
            {"T": 400, "s2": 0.1},
            {"T": 50, "s2": 0.4},
        ),
        judged_by=(
            DrawnLimit(
                (
                    "largest_singular_squared",
                    "second_singular_edge",
                    "median_singular",
                    "lambda2_modulus",
                    "median_eigenvalue_modulus",
                ),
                "T",
                ((24, 256), (72, 64)),
                lambda parameters, size: {**parameters, "T": size},
                _draw,
                rate=0.1,
                aim=0.17,
            ),
            Asymptotic(
                "largest_singular_asymptotic", "T", (1e2, 1e3, 1e4, 1e5), _expanded, rate=0.95
            ),
        ),
        wrong_twin=WrongTwin(
            "sign of c_T^2/T in the largest singular value",
            {"largest_singular_squared": 1 / (1 + _RATIO)},
        ),
    )
)
