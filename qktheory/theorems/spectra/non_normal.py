"""SPEC-4: prescribed eigenvalues and departure from normality."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from qktheory.base.domains import Parameter, Real, RealList
from qktheory.base.errors import bad_value
from qktheory.kernels import Stream
from qktheory.numerics.non_normality import commutator_norm, departure_squared
from qktheory.spectra.blocks import COMPLEX_PAIRS, block_form, pair_eigenvalues
from qktheory.spectra.haar import haar_orthogonal
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import Identity, PathwiseBound
from qktheory.theorems.papers import cite
from qktheory.theorems.spectra import setting as s

FloatArray = NDArray[np.float64]

# --- SPEC-4a --------------------------------------------------------------------------------------

departure = symbol("departure")
_r, _a, _b = (sp.IndexedBase(name) for name in ("r", "a", "b"))
_i, _k, _m, _p = sp.symbols("i k m p", integer=True, positive=True)
_EIGENVALUES = ("real_eigenvalues", "complex_pairs")


def _over_reals(term: sp.Expr) -> sp.Expr:
    return sp.Sum(term, (_i, 1, _m))


def _over_pairs(term: sp.Expr) -> sp.Expr:
    return sp.Sum(term, (_k, 1, _p))


def _power_sum(real: FloatArray, pairs: Any, power: int) -> float:
    """Return the sum of the powers of all eigenvalues, correctly rounded for powers 1 and 2."""
    values = [*real.tolist(), *pair_eigenvalues(pairs)]
    return math.fsum((complex(value) ** power).real for value in values)


def _squared_moduli(real: FloatArray, pairs: Any) -> float:
    values = [*real.tolist(), *pair_eigenvalues(pairs)]
    return math.fsum(part**2 for value in values for part in (value.real, value.imag))


def _henrici(real: FloatArray, pairs: Any, departure: float) -> float:
    values = [*real.tolist(), *pair_eigenvalues(pairs)]
    norm = math.hypot(departure, *(abs(value) for value in values))
    return departure / norm if norm > 0.0 else 0.0


def _complete_spectrum(parameters: dict[str, Any]) -> None:
    """Demand an eigenvalue, and a second one where there is a departure."""
    parameters["real_eigenvalues"] = np.asarray(parameters["real_eigenvalues"], dtype=np.float64)
    size = parameters["real_eigenvalues"].size + 2 * len(parameters["complex_pairs"])
    if size == 0:
        raise ValueError(
            "real_eigenvalues and complex_pairs are both empty: expected at least one eigenvalue"
        )
    if size == 1 and parameters["departure"] > 0.0:
        raise bad_value("departure", parameters["departure"], "0, since a 1 x 1 matrix is normal")
    parameters["d"] = size


def _sampled_traces(parameters: Mapping[str, Any]) -> dict[str, float]:
    """Build W = O (B + N) O^T and measure it."""
    stream = Stream(2024, 0, 0)
    pairs, real = parameters["complex_pairs"], parameters["real_eigenvalues"]
    B = block_form(real, pairs, parameters["departure"], stream)
    O = haar_orthogonal(len(B), stream.child(cell=1))
    W = O @ B @ O.T
    norm = float(np.linalg.norm(W))
    return {
        "d": float(len(W)),
        "xi": float(np.trace(W)),
        "eta": float(np.sum(W * W.T)),
        "eta_F": norm**2,
        "henrici_ratio": math.sqrt(departure_squared(W)) / norm,
    }


def _draw_spectrum(rng: np.random.Generator) -> dict[str, Any]:
    """Two blocks at least, traces away from 0."""
    return {
        "real_eigenvalues": 0.5 + np.abs(rng.normal(size=rng.integers(2, 5))),
        "complex_pairs": rng.normal(size=(rng.integers(0, 3), 2)).tolist(),
        "departure": float(rng.uniform(0.1, 4.0)),
    }


def _eigenvalue_routine(statement: sp.Expr, compute: Any) -> Routine:
    return Routine(statement, compute, _EIGENVALUES)


_SQUARED_MODULI = _over_reals(_r[_i] ** 2) + 2 * _over_pairs(_a[_k] ** 2 + _b[_k] ** 2)
squared_moduli = symbol("squared_moduli")

register(
    Claim(
        id="SPEC-4a",
        title="exact invariants of W with prescribed eigenvalues and departure from normality",
        statement=(
            "A real W with real eigenvalues r, pairs a +- ib and departure h from normality, such "
            "as O (B + N) O^T with block diagonal B and ||N||_F = h strictly above its blocks, has "
            "xi = sum r + 2 sum a, eta = sum r^2 + 2 sum (a^2 - b^2) and eta_F = "
            "sum |lambda|^2 + h^2."
        ),
        source=cite("henrici1962", "departure from normality"),
        standing="derived",
        observable="W_QK",
        parameters=(
            Parameter("real_eigenvalues", RealList(min_length=0), "real eigenvalues", default=()),
            Parameter("complex_pairs", COMPLEX_PAIRS, "[a, b] for each pair a +- ib", default=()),
            Parameter(
                "departure", Real(low=0.0), "departure from normality, Frobenius norm", default=0.0
            ),
        ),
        complete=_complete_spectrum,
        where={"squared_moduli": _eigenvalue_routine(_SQUARED_MODULI, _squared_moduli)},
        values={
            "d": _eigenvalue_routine(_m + 2 * _p, lambda real, pairs: real.size + 2 * len(pairs)),
            "xi": _eigenvalue_routine(
                _over_reals(_r[_i]) + 2 * _over_pairs(_a[_k]),
                lambda real, pairs: _power_sum(real, pairs, 1),
            ),
            "eta": _eigenvalue_routine(
                _over_reals(_r[_i] ** 2) + 2 * _over_pairs(_a[_k] ** 2 - _b[_k] ** 2),
                lambda real, pairs: _power_sum(real, pairs, 2),
            ),
            "eta_F": squared_moduli + departure**2,
            "henrici_ratio": Routine(
                departure / sp.sqrt(squared_moduli + departure**2),
                _henrici,
                (*_EIGENVALUES, "departure"),
            ),
        },
        cases=(
            {
                "real_eigenvalues": [0.5, -1.0, 2.0, 0.1],
                "complex_pairs": [[0.3, 1.1], [-0.7, 0.4], [0.2, 2.0]],
                "departure": 5.0,
            },
            {"complex_pairs": [[1.0, 0.5], [-2.0, 1.0]], "departure": 0.7},
            {"real_eigenvalues": [1.0, 2.0, 3.0], "departure": 0.25},
            {"real_eigenvalues": [1.0], "complex_pairs": [[0.0, -1.0]], "departure": 2.0},
        ),
        judged_by=(Identity(_sampled_traces, _draw_spectrum, tolerance=1e-10),),
        wrong_twin=WrongTwin(
            "constant 1 of h^2 taken as 1.05",
            {"eta_F": squared_moduli + sp.Rational(105, 100) * departure**2},
        ),
    )
)

# --- SPEC-4b --------------------------------------------------------------------------------------

d = s.d
_commutator = symbol("commutator_norm")


def _upper(constant: int) -> sp.Expr:
    return ((d**3 - d) / constant) ** sp.Rational(1, 4) * sp.sqrt(_commutator)


def _complete_size(parameters: dict[str, Any]) -> None:
    parameters["d"] = len(parameters["W_QK"])


def _lower(W: FloatArray, commutator: float) -> float:
    norm = float(np.linalg.norm(W))
    return float(commutator) / (math.sqrt(6.0) * norm) if norm > 0.0 else 0.0


def _sides(
    parameters: Mapping[str, Any], values: Mapping[str, Any], rng: np.random.Generator
) -> list[tuple[float, float]]:
    h = math.sqrt(float(values["departure_squared"]))
    return [
        (float(values["departure_lower"]), h),
        (h, float(values["departure_upper"])),
    ]


def _draw_matrix(rng: np.random.Generator) -> dict[str, Any]:
    """Dense and triangular matrices, and nilpotent 2 x 2 ones, where the upper bound is tight."""
    kind = rng.integers(3)
    if kind == 0:
        return {"W_QK": np.array([[0.0, rng.uniform(0.1, 9.0)], [0.0, 0.0]])}
    size = int(rng.integers(2, 7))
    W = rng.normal(size=(size, size))
    return {"W_QK": W if kind == 1 else np.triu(W)}


def _by_eigenvalues(parameters: Mapping[str, Any]) -> dict[str, float]:
    W = parameters["W_QK"]
    symmetric, antisymmetric = 0.5 * (W + W.T), 0.5 * (W - W.T)
    moduli = np.abs(np.linalg.eigvals(W))
    # W W^T - W^T W = 2 (A S - S A).
    commutator = 2.0 * (antisymmetric @ symmetric - symmetric @ antisymmetric)
    return {
        "commutator_norm": float(np.linalg.norm(commutator)),
        "departure_squared": float(np.sum(W**2) - np.sum(moduli**2)),
    }


register(
    Claim(
        id="SPEC-4b",
        title="departure from normality between two bounds by the commutator",
        statement=(
            "With C = W W^T - W^T W and h^2 = eta_F - sum |lambda|^2, every real W satisfies "
            "||C||_F/(sqrt(6) ||W||_F) <= h <= ((d^3 - d)/12)^(1/4) ||C||_F^(1/2)."
        ),
        source=cite("elsner1987", "bounds on h"),
        standing="theorem",
        observable="departure from normality",
        parameters=(s.W_QK,),
        complete=_complete_size,
        values={
            "commutator_norm": Routine(
                sp.sqrt(sp.Trace((s.W * s.W.T - s.W.T * s.W) ** 2)), commutator_norm, ("W_QK",)
            ),
            "departure_squared": Routine(
                sp.Trace(s.W * s.W.T)
                - sp.Sum(sp.Abs(sp.IndexedBase("lambda")[_i]) ** 2, (_i, 1, d)),
                departure_squared,
                ("W_QK",),
            ),
            "departure_lower": Routine(
                _commutator / sp.sqrt(6 * sp.Trace(s.W * s.W.T)),
                _lower,
                ("W_QK", "commutator_norm"),
            ),
            "departure_upper": _upper(12),
        },
        cases=(
            {"W_QK": [[1.0, 2.0], [0.0, 3.0]]},
            {"W_QK": [[1.0, 2.0, 0.0], [0.0, -1.0, 1.0], [3.0, 0.0, 2.0]]},
            {"W_QK": [[0.0, 1.0], [0.0, 0.0]]},
            {"W_QK": [[0.0, 1.0, 4.0], [-1.0, 0.0, 2.0], [0.0, 0.0, 0.5]]},
        ),
        judged_by=(
            PathwiseBound(_sides, _draw_matrix, rounding=1e-9),
            Identity(_by_eigenvalues, _draw_matrix, tolerance=1e-7),
        ),
        wrong_twin=WrongTwin("constant 12 taken as 13", {"departure_upper": _upper(13)}),
    )
)
