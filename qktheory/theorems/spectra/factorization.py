"""SPEC-6: factors of W, W = W_Q W_K^T / nu with W_Q, W_K of shape (d, d_k)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from qktheory.base.domains import Integer, Matrix, Parameter
from qktheory.base.errors import bad_value
from qktheory.spectra.factorize import factorize
from qktheory.symbolic.symbols import matrix, symbol
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import Identity, PathwiseBound
from qktheory.theorems.papers import cite
from qktheory.theorems.spectra import setting as s

FloatArray = NDArray[np.float64]

RECHT_2010 = cite("recht2010", "Lemma 5.1")

nu = symbol("nu")
_s = sp.IndexedBase("s")
_i = sp.Symbol("i", integer=True, positive=True)
_k = sp.Symbol("d_k", integer=True, positive=True)

# --- SPEC-6a --------------------------------------------------------------------------------------


def _singular_values(W: FloatArray) -> FloatArray:
    return np.asarray(np.linalg.svd(W, compute_uv=False))


def _balanced(parameters: Mapping[str, Any]) -> tuple[FloatArray, FloatArray]:
    """Return the balanced factors of W nu, truncated to rank d_k."""
    found = factorize(parameters["W_QK"] * parameters["nu"], parameters["d_k"], truncate=True)
    assert found.W_Q is not None
    assert found.W_K is not None
    return found.W_Q, found.W_K


def _by_factors(parameters: Mapping[str, Any]) -> dict[str, Any]:
    W_Q, W_K = _balanced(parameters)
    rest = parameters["W_QK"] - W_Q @ W_K.T / parameters["nu"]
    kept = min(parameters["d_k"], len(rest))
    return {
        "truncation_error_squared": float(np.sum(rest**2)),
        "minimal_cost": float(np.sum(W_Q**2) + np.sum(W_K**2)),
        "factor_gram_eigenvalues": np.linalg.eigvalsh(W_Q.T @ W_Q)[::-1][:kept],
    }


def _competitors(
    parameters: Mapping[str, Any], values: Mapping[str, Any], rng: np.random.Generator
) -> list[tuple[float, float]]:
    """Compare with other factors of the same product, and other products of rank d_k."""
    W, d_k = parameters["W_QK"], parameters["d_k"]
    W_Q, W_K = _balanced(parameters)
    pairs = []
    for size in (1e-3, 0.3):
        change = np.eye(d_k) + size * rng.normal(size=(d_k, d_k))
        other_Q, other_K = W_Q @ change, W_K @ np.linalg.inv(change).T
        cost = float(np.sum(other_Q**2) + np.sum(other_K**2))
        pairs.append((float(values["minimal_cost"]), cost))
        near = np.linalg.qr(W_Q + size * rng.normal(size=W_Q.shape))[0]
        error = float(np.sum((W - near @ (near.T @ W)) ** 2))
        pairs.append((float(values["truncation_error_squared"]), error))
    return pairs


def _draw(rng: np.random.Generator) -> dict[str, Any]:
    """Draw W and a rank below d, so that something is truncated."""
    size = int(rng.integers(2, 7))
    return {
        "W_QK": rng.normal(size=(size, size)),
        "d_k": int(rng.integers(1, size)),
        "nu": float(rng.uniform(0.3, 4.0)),
    }


def _cost(constant: sp.Expr) -> Routine:
    return Routine(
        constant * nu * sp.Sum(_s[_i], (_i, 1, _k)),
        lambda singular, d_k, nu: float(constant) * nu * math.fsum(singular[:d_k]),
        ("singular_values", "d_k", "nu"),
    )


register(
    Claim(
        id="SPEC-6a",
        title="least cost and error of a factorisation of W",
        statement=(
            "The best W_Q W_K^T/nu of rank d_k misses W by the sum of s_i^2, i > d_k, in squared "
            "norm; its factors have ||W_Q||_F^2 + ||W_K||_F^2 >= 2 nu sum of the s_i kept, with "
            "equality for balanced factors, W_Q^T W_Q = W_K^T W_K of eigenvalues nu s_i."
        ),
        source=RECHT_2010,
        standing="theorem",
        observable="W_QK",
        parameters=(
            s.W_QK,
            Parameter("d_k", Integer(low=1, typical=(1, 6)), "width of the factors"),
            s.NU,
        ),
        where={
            "singular_values": Routine(sp.Function("s")(s.W), _singular_values, ("W_QK",)),
        },
        values={
            "truncation_error_squared": Routine(
                sp.Sum(_s[_i] ** 2, (_i, _k + 1, s.d)),
                lambda singular, d_k: math.fsum(singular[d_k:] ** 2),
                ("singular_values", "d_k"),
            ),
            "minimal_cost": _cost(sp.Integer(2)),
            "factor_gram_eigenvalues": Routine(
                nu * _s[_i],
                lambda singular, d_k, nu: nu * singular[:d_k],
                ("singular_values", "d_k", "nu"),
            ),
        },
        cases=(
            {
                "W_QK": [[1.0, 2.0, 0.0], [0.0, -1.0, 1.0], [3.0, 0.0, 2.0]],
                "d_k": 2,
                "nu": 2.0,
            },
            {"W_QK": [[1.0, 0.5], [-0.25, 1.0]], "d_k": 1},
            {
                "W_QK": [
                    [0.4, 1.0, 0.0, 2.0],
                    [-0.2, 0.3, 0.5, 0.0],
                    [0.1, -0.6, 0.2, 1.0],
                    [0.0, 0.0, 1.0, -1.0],
                ],
                "d_k": 2,
                "nu": 0.5,
            },
        ),
        judged_by=(
            PathwiseBound(_competitors, _draw, rounding=1e-9),
            Identity(_by_factors, _draw, tolerance=1e-9),
        ),
        wrong_twin=WrongTwin(
            "constant 2 of the cost taken as 2.1", {"minimal_cost": _cost(sp.Rational(21, 10))}
        ),
    )
)

# --- SPEC-6b --------------------------------------------------------------------------------------

Q, K = matrix("W_Q"), matrix("W_K")


def _complete_factors(parameters: dict[str, Any]) -> None:
    """Demand factors of one shape."""
    shapes = parameters["W_Q"].shape, parameters["W_K"].shape
    if shapes[0] != shapes[1]:
        raise bad_value("W_K", f"array of shape {shapes[1]}", f"shape {shapes[0]}, that of W_Q")


def _moduli(W_Q: FloatArray, W_K: FloatArray, nu: float) -> FloatArray:
    return np.sort(np.abs(np.linalg.eigvals(W_K.T @ W_Q / nu)))[::-1]


def _of_the_product(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Form the d x d matrix."""
    W = parameters["W_Q"] @ parameters["W_K"].T / parameters["nu"]
    d_k = parameters["W_Q"].shape[1]
    moduli = np.sort(np.abs(np.linalg.eigvals(W)))[::-1]
    padded = np.concatenate([moduli, np.zeros(max(0, d_k - len(W)))])[:d_k]
    return {
        "xi": float(np.trace(W)),
        "eta": float(np.sum(W * W.T)),
        "eta_F": float(np.sum(W**2)),
        "eigenvalue_moduli": padded,
    }


def _draw_factors(rng: np.random.Generator) -> dict[str, Any]:
    """Positive entries keep the traces away from 0."""
    d_k = int(rng.integers(1, 5))
    shape = (d_k + int(rng.integers(0, 5)), d_k)
    return {
        "W_Q": rng.uniform(0.1, 2.0, size=shape),
        "W_K": rng.uniform(0.1, 2.0, size=shape),
        "nu": float(rng.uniform(0.3, 4.0)),
    }


def _frobenius(constant: sp.Expr) -> sp.Expr:
    return constant * sp.Trace(Q.T * Q * K.T * K) / nu**2


_FACTOR = Matrix()

register(
    Claim(
        id="SPEC-6b",
        title="invariants of W from its factors",
        statement=(
            "The non-zero eigenvalues of W = W_Q W_K^T/nu are those of the d_k x d_k matrix "
            "W_K^T W_Q/nu, so xi and eta are its traces, and eta_F = "
            "tr(W_Q^T W_Q W_K^T W_K)/nu^2: no d x d matrix is formed."
        ),
        source=s.spectra_source("Theorem 1.3.22, spectra of AB and BA"),
        standing="theorem",
        observable="W_QK",
        parameters=(
            Parameter("W_Q", _FACTOR, "query factor, (d, d_k)"),
            Parameter("W_K", _FACTOR, "key factor, (d, d_k)"),
            s.NU,
        ),
        complete=_complete_factors,
        values={
            "xi": sp.Trace(K.T * Q) / nu,
            "eta": sp.Trace(K.T * Q * K.T * Q) / nu**2,
            "eta_F": _frobenius(sp.Integer(1)),
            "eigenvalue_moduli": Routine(
                sp.Abs(sp.Function("lambda")(K.T * Q / nu), evaluate=False),
                _moduli,
                ("W_Q", "W_K", "nu"),
            ),
        },
        cases=(
            {
                "W_Q": [[1.0, 0.0], [2.0, 1.0], [0.0, -1.0]],
                "W_K": [[1.0, 1.0], [0.0, 2.0], [3.0, 0.0]],
            },
            {"W_Q": [[1.0], [2.0], [2.0]], "W_K": [[2.0], [1.0], [0.0]], "nu": 2.0},
            {
                "W_Q": [[1.0, 0.5, 2.0], [0.0, -1.0, 1.0]],
                "W_K": [[0.5, 1.0, 1.0], [1.0, 0.0, 3.0]],
                "nu": 0.7,
            },
        ),
        judged_by=(Identity(_of_the_product, _draw_factors, tolerance=1e-9),),
        wrong_twin=WrongTwin(
            "constant 1 of eta_F taken as 1.05", {"eta_F": _frobenius(sp.Rational(105, 100))}
        ),
    )
)
