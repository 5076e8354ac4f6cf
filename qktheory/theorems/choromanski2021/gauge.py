"""ZOO-RF-7: balanced factors of W_QK have the least error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
from scipy.optimize import minimize

from qktheory.numerics.feature_spectrum import (
    factor_errors,
    product_singular_values,
    spectrum_errors,
)
from qktheory.theorems.choromanski2021 import setting as s
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import PathwiseBound
from qktheory.theorems.routines import entries, times

#: A largest singular value this close to 1/6 counts as there, as eigenvalues of factors do.
_EDGE = (1.0 - 1e-13) / 6.0


def _both(W_Q: s.FloatArray, W_K: s.FloatArray) -> dict[str, Any]:
    """Return norms and errors of the given factors and of the balanced ones."""
    singular = product_singular_values(W_Q, W_K)
    given = factor_errors(W_Q, W_K).positive
    balanced = spectrum_errors(singular).positive if singular[0] < _EDGE else None
    return {
        "nuclear_norm": float(singular.sum()),
        "half_squared_norms": 0.5 * float(np.sum(W_Q**2) + np.sum(W_K**2)),
        "positive_finite": int(given is not None),
        "balanced_finite": int(balanced is not None),
        "scaled_mean_mse_positive": given,
        "scaled_mean_mse_positive_balanced": balanced,
    }


_Q, _K = (sp.Symbol(name, commutative=False) for name in ("W_Q", "W_K"))
_error, _norm = sp.Function("m_E_MSE"), sp.Function("norm_F")
_nuclear = sp.Function("nuclear_norm")(_Q * _K)
_finite = sp.Function("is_finite")
_balanced = sp.Function("balanced")(_Q * _K)
_VALUES = entries(
    "both",
    {
        "nuclear_norm": _nuclear,
        "half_squared_norms": (_norm(_Q) ** 2 + _norm(_K) ** 2) / 2,
        "positive_finite": _finite(_error(_Q, _K)),
        "balanced_finite": _finite(_error(_balanced)),
        "scaled_mean_mse_positive": _error(_Q, _K),
        "scaled_mean_mse_positive_balanced": _error(_balanced),
    },
)


def _attack(W_Q: s.FloatArray, W_K: s.FloatArray, rng: np.random.Generator) -> float | None:
    """Return the least error over W_Q M, W_K M^(-T), by descent from a random M."""
    d_k = W_Q.shape[1]

    def error(entries: np.ndarray) -> float:
        M = np.eye(d_k) + entries.reshape(d_k, d_k)
        if abs(np.linalg.det(M)) < 1e-3:
            return 1e3
        found = factor_errors(W_Q @ M, W_K @ np.linalg.inv(M).T).positive
        return 1e3 if found is None else found

    start = 0.3 * rng.normal(size=d_k * d_k)
    least = float(minimize(error, start, method="BFGS", options={"maxiter": 25}).fun)
    return None if least >= 1e3 else least


def _sides(
    p: Mapping[str, Any], v: Mapping[str, Any], rng: np.random.Generator
) -> list[tuple[float, float]]:
    pairs = [(v["nuclear_norm"], v["half_squared_norms"])]
    if "scaled_mean_mse_positive_balanced" in v:
        balanced = v["scaled_mean_mse_positive_balanced"]
        found = [v.get("scaled_mean_mse_positive"), _attack(p["W_Q"], p["W_K"], rng)]
        pairs += [(balanced, other) for other in found if other is not None]
    return [(float(a), float(b)) for a, b in pairs]


def _draw(rng: np.random.Generator) -> dict[str, Any]:
    d, d_k = int(rng.integers(1, 4)), int(rng.integers(1, 3))
    size = float(rng.uniform(0.05, 0.2))
    return {"W_Q": size * rng.normal(size=(d, d_k)), "W_K": size * rng.normal(size=(d, d_k))}


_BALANCED = [[0.2, 0.0], [0.0, 0.1]]

register(
    Claim(
        id="ZOO-RF-7",
        title="balanced factors of W_QK have the least error of positive features",
        statement=(
            "Over W_Q -> W_Q M, W_K -> W_K M^(-T), which leaves W_QK and attention alone, "
            "(||W_Q||_F^2 + ||W_K||_F^2)/2 >= ||W_QK||_* and the expected error of positive "
            "features is least at the balanced factors W_Q = U Sigma^(1/2), W_K = V Sigma^(1/2)."
        ),
        source=s.extends_choromanski("the gauge of the factors and the proposal of the features"),
        standing="derived",
        observable="random-feature kernel",
        parameters=(s.W_Q, s.W_K),
        complete=s.check_factors,
        where={"both": Routine(sp.Tuple(_Q, _K), _both, ("W_Q", "W_K"))},
        values=_VALUES,
        cases=(
            {"W_Q": _BALANCED, "W_K": _BALANCED},
            {"W_Q": [[0.4, 0.0], [0.0, 0.1]], "W_K": [[0.1, 0.0], [0.0, 0.1]]},
            {"W_Q": [[2.0, 0.0], [0.0, 0.1]], "W_K": [[0.02, 0.0], [0.0, 0.1]]},
            {"W_Q": [[0.1, 0.2], [-0.1, 0.3], [0.2, 0.0]], "W_K": [[0.1, 0.0], [0.2, 0.1], [0, 0]]},
        ),
        judged_by=(PathwiseBound(_sides, _draw, rounding=1e-8, most_draws=15),),
        wrong_twin=WrongTwin(
            "balanced error 5 % too large",
            {
                "scaled_mean_mse_positive_balanced": times(
                    1.05, _VALUES["scaled_mean_mse_positive_balanced"]
                )
            },
        ),
        proof=(
            "2 tr W_Q^T B W_K <= ||W_Q||_F^2 + ||W_K||_F^2 for orthogonal B. log det(I - 2M) is "
            "concave and decreasing in (W_Q W_Q^T, W_K W_K^T); averaging over signs in the "
            "singular bases makes both diagonal, with products of entries >= sigma_i^2."
        ),
    )
)
