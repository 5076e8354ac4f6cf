"""ZOO-RF-6: the error of random features is set by the singular values of W_QK."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
from scipy.optimize import brentq

from qktheory.base.domains import Parameter, Real, RealList
from qktheory.kernels import Stream
from qktheory.numerics.feature_spectrum import MeanErrors, factor_errors, spectrum_errors
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.choromanski2021 import setting as s
from qktheory.theorems.choromanski2021.predictions import ASSUMPTIONS, PREDICTS_KERNELS
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import DrawnExpectation, DrawnLimit, Identity
from qktheory.theorems.routines import entries, times

__all__ = ["draw_mean_errors", "mean_values"]

_SCALED = {
    "scaled_mean_mse_positive": "positive",
    "scaled_mean_mse_hyperbolic": "hyperbolic",
    "scaled_mean_mse_trig": "trig",
    "scaled_mean_relative_mse_positive": "relative",
}


def mean_values(errors: MeanErrors) -> dict[str, Any]:
    """Return the values of the claims by name, without those that are infinite."""
    found: dict[str, Any] = {
        "positive_finite": int(errors.positive is not None),
        "trig_finite": int(errors.trig is not None),
        "relative_finite": int(errors.relative is not None),
    }
    return found | {name: getattr(errors, kind) for name, kind in _SCALED.items()}


def present(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that exist."""
    return {name: value for name, value in found.items() if value is not None}


def draw_mean_errors(
    W_Q: s.FloatArray, W_K: s.FloatArray, stream: Stream, first: int, n: int
) -> dict[str, s.FloatArray]:
    """Draw pairs of tokens N(0, I) and return the errors of ZOO-RF-1 of each pair, (n,)."""
    d = len(W_Q)
    tokens = stream.normals(first, n, 2 * d).reshape(n, 2, d)
    q, k = tokens[:, 0] @ W_Q, tokens[:, 1] @ W_K
    norms, logit = np.sum(q**2, axis=1) + np.sum(k**2, axis=1), np.sum(q * k, axis=1)
    sums, differences = norms + 2.0 * logit, norms - 2.0 * logit
    relative = np.expm1(sums)
    positive = np.exp(2.0 * logit) * relative
    return {
        "scaled_mean_mse_positive": positive,
        "scaled_mean_mse_hyperbolic": -0.5 * positive * np.expm1(-sums),
        "scaled_mean_mse_trig": 0.5 * np.exp(norms) * np.expm1(-differences) ** 2,
        "scaled_mean_relative_mse_positive": relative,
    }


# --- ZOO-RF-6a ------------------------------------------------------------------------------------

_i = sp.Symbol("i", integer=True)
_sigma = sp.IndexedBase("sigma")[_i]
_rank = sp.Symbol("r", integer=True, positive=True)


def _product(factor: sp.Expr) -> sp.Expr:
    return sp.Product(factor, (_i, 1, _rank))


_KERNEL = _product(1 / sp.sqrt(1 - 4 * _sigma**2))
_SQUARE = _product(1 / sp.sqrt((1 - 6 * _sigma) * (1 + 2 * _sigma)))
_FLAGS = {
    "positive_finite": _sigma < sp.Rational(1, 6),
    "trig_finite": _sigma < sp.Rational(1, 2),
    "relative_finite": _sigma < sp.Rational(1, 4),
}
_MEANS_6A = {
    "scaled_mean_mse_positive": _SQUARE - _KERNEL,
    "scaled_mean_mse_hyperbolic": (_SQUARE - 2 * _KERNEL + _product(1 / (1 + 2 * _sigma))) / 2,
    "scaled_mean_mse_trig": (
        _product(1 / (1 - 2 * _sigma))
        - 2 * _KERNEL
        + _product(1 / sp.sqrt((1 - 2 * _sigma) * (1 + 6 * _sigma)))
    )
    / 2,
    "scaled_mean_relative_mse_positive": _product(1 / sp.sqrt(1 - 4 * _sigma)) - 1,
}
_nuclear = symbol("nuclear_norm")
_VALUES_6A: dict[str, Any] = {
    **entries("errors", _FLAGS | _MEANS_6A),
    "nuclear_norm": s.routine(
        sp.Sum(_sigma, (_i, 1, _rank)), lambda v: math.fsum(v), "singular_values"
    ),
    "relative_mse_nuclear_law": s.routine(
        sp.exp(2 * _nuclear) - 1,
        # Left out beyond double precision: the flags are worth having there.
        lambda v: math.expm1(2.0 * v) if v < 350.0 else None,
        "nuclear_norm",
    ),
}
_SINGULAR_VALUES = Parameter(
    "singular_values",
    RealList(Real(low=0.0, typical=(0.0, 0.3))),
    "singular values of W_QK, temperature included",
)


def _balanced(values: s.FloatArray) -> s.FloatArray:
    """Return the common factor W_Q = W_K = diag(sqrt(sigma))."""
    return np.diag(np.sqrt(values))


def _draw_6a(
    p: Mapping[str, Any], values: Mapping[str, Any], stream: Stream, first: int, n: int
) -> dict[str, np.ndarray]:
    factor = _balanced(p["singular_values"])
    return draw_mean_errors(factor, factor, stream, first, n)


def _by_determinants(p: Mapping[str, Any]) -> dict[str, Any]:
    """Use the determinants of ZOO-RF-6b, in a rotated basis."""
    values = p["singular_values"]
    rng = np.random.default_rng(len(values))
    U, V = (np.linalg.qr(rng.normal(size=(len(values),) * 2))[0] for _ in range(2))
    root = _balanced(values)
    return present(mean_values(factor_errors(U @ root, V @ root)))


def _draw_spectrum(rng: np.random.Generator) -> dict[str, Any]:
    top = float(rng.choice([0.02, 0.1, 0.16, 0.2, 0.3, 0.6]))
    return {"singular_values": top * rng.uniform(size=int(rng.integers(1, 7)))}


register(
    Claim(
        id="ZOO-RF-6a",
        title="expected error of random features from the singular values of W_QK",
        statement=(
            "With balanced factors and independent tokens N(0, I) the expected errors are products "
            "over the singular values of W_QK, infinite for positive features from sigma_1 = 1/6 "
            "(relative 1/4, trigonometric 1/2). For small sigma the relative error is "
            "e^(2 ||W_QK||_*) - 1: the nuclear norm sets the number of features."
        ),
        source=s.extends_choromanski("features and the query-key spectrum"),
        standing="derived",
        observable="random-feature kernel",
        parameters=(_SINGULAR_VALUES,),
        where={
            "errors": Routine(
                _SQUARE, lambda v: mean_values(spectrum_errors(v)), ("singular_values",)
            )
        },
        values=_VALUES_6A,
        cases=(
            {"singular_values": [0.012, 0.01, 0.008, 0.004]},
            {"singular_values": [0.01] * 6},
            {"singular_values": [0.015, 0.0]},
        ),
        judged_by=(
            # Cases have sigma_1 <= 0.015: eleven moments of what is drawn are finite, and normal
            # intervals hold far into the tails.
            DrawnExpectation(tuple(_SCALED), _draw_6a, lambda p: 40.0 * len(p["singular_values"])),
            Identity(_by_determinants, _draw_spectrum, tolerance=1e-9),
        ),
        wrong_twin=WrongTwin(
            "relative error 5 % too large",
            {
                "scaled_mean_relative_mse_positive": times(
                    1.05, _VALUES_6A["scaled_mean_relative_mse_positive"]
                )
            },
        ),
        proof=(
            "Every term of ZOO-RF-1 is e^(xi^T M xi) of xi = (x, y) ~ N(0, I), of mean "
            "det(I - 2M)^(-1/2); balanced factors make M a sum of 2 x 2 blocks sigma_i [[a, b], "
            "[b, a]], with eigenvalues sigma_i (a +- b)."
        ),
    )
)

# --- ZOO-RF-6b ------------------------------------------------------------------------------------

_P, _W, _R = (sp.Symbol(name, commutative=False) for name in ("P", "W", "R"))


def _det(a: sp.Expr, b: sp.Expr, c: sp.Expr) -> sp.Expr:
    return sp.Function("D")(a, b, c)


_MEANS_6B = {
    "scaled_mean_mse_positive": _det(_P, 2 * _W, _R) - _det(0, _W, 0),
    "scaled_mean_mse_hyperbolic": (_det(_P, 2 * _W, _R) - 2 * _det(0, _W, 0) + _det(-_P, 0, -_R))
    / 2,
    "scaled_mean_mse_trig": (_det(_P, 0, _R) - 2 * _det(0, _W, 0) + _det(-_P, 2 * _W, -_R)) / 2,
    "scaled_mean_relative_mse_positive": _det(_P, _W, _R) - 1,
}
_FLAGS_6B = {name: sp.Function("positive_definite")(_P, _W, _R) for name in _FLAGS}
_VALUES_6B = entries("errors", _FLAGS_6B | _MEANS_6B)


def _draw_6b(
    p: Mapping[str, Any], values: Mapping[str, Any], stream: Stream, first: int, n: int
) -> dict[str, np.ndarray]:
    return draw_mean_errors(p["W_Q"], p["W_K"], stream, first, n)


def _plain_determinants(p: Mapping[str, Any]) -> dict[str, Any]:
    """Form every I - 2 M in the dimension of the tokens."""
    P, W, R = p["W_Q"] @ p["W_Q"].T, p["W_Q"] @ p["W_K"].T, p["W_K"] @ p["W_K"].T

    def mean(a: float, b: float, c: float) -> float | None:
        M = np.block([[a * P, b * W], [b * W.T, c * R]])
        rest = np.eye(len(M)) - 2.0 * M
        if np.linalg.eigvalsh(rest)[0] <= 0.0:
            return None
        return float(1.0 / np.sqrt(np.linalg.det(rest)))

    kernel, square, norms = mean(0.0, 1.0, 0.0), mean(1.0, 2.0, 1.0), mean(1.0, 0.0, 1.0)
    opposite, mixed, sums = mean(-1.0, 0.0, -1.0), mean(-1.0, 2.0, -1.0), mean(1.0, 1.0, 1.0)
    found: dict[str, Any] = {"relative_finite": int(sums is not None)}
    if sums is not None:
        found["scaled_mean_relative_mse_positive"] = sums - 1.0
    found["positive_finite"] = int(kernel is not None and square is not None)
    if kernel is not None and square is not None and opposite is not None:
        found["scaled_mean_mse_positive"] = square - kernel
        found["scaled_mean_mse_hyperbolic"] = 0.5 * (square - 2.0 * kernel + opposite)
    found["trig_finite"] = int(None not in (kernel, norms, mixed))
    if kernel is not None and norms is not None and mixed is not None:
        found["scaled_mean_mse_trig"] = 0.5 * (norms - 2.0 * kernel + mixed)
    return found


def _draw_factors(rng: np.random.Generator) -> dict[str, Any]:
    d, d_k = rng.integers(1, 5, size=2)
    size = float(rng.uniform(0.1, 0.5))
    # Entries away from 0, where the differences of determinants cancel.
    signs = rng.choice([-1.0, 1.0], size=(2, d, d_k))
    W_Q, W_K = size * signs * rng.uniform(0.5, 1.5, size=(2, d, d_k))
    return {"W_Q": W_Q, "W_K": W_K}


register(
    Claim(
        id="ZOO-RF-6b",
        title="expected error of random features for any factors of W_QK",
        statement=(
            "For any W_Q, W_K every mean is det(I - 2M)^(-1/2), M made of W_Q W_Q^T, W_QK and "
            "W_K W_K^T, and the error is finite if and only if every I - 2M is positive definite."
        ),
        source=s.extends_choromanski("features and the query-key spectrum"),
        standing="derived",
        observable="random-feature kernel",
        parameters=(s.W_Q, s.W_K),
        complete=s.check_factors,
        where={
            "errors": Routine(
                _det(_P, _W, _R), lambda a, b: mean_values(factor_errors(a, b)), ("W_Q", "W_K")
            )
        },
        values=_VALUES_6B,
        cases=(
            {"W_Q": [[0.1, 0.0], [0.02, 0.05]], "W_K": [[0.07, 0.0], [-0.05, 0.05]]},
            {"W_Q": [[0.12], [0.0], [-0.02]], "W_K": [[0.05], [0.05], [0.0]]},
            {"W_Q": [[0.05, 0.1, 0.0]], "W_K": [[0.05, -0.05, 0.07]]},
        ),
        assumptions=ASSUMPTIONS,
        predicts=PREDICTS_KERNELS,
        judged_by=(
            DrawnExpectation(tuple(_SCALED), _draw_6b, lambda p: 40.0 * len(p["W_Q"])),
            Identity(_plain_determinants, _draw_factors, tolerance=1e-8),
        ),
        wrong_twin=WrongTwin(
            "trigonometric error 10 % too large",
            {"scaled_mean_mse_trig": times(1.1, _VALUES_6B["scaled_mean_mse_trig"])},
        ),
        proof="A Gaussian integral; it converges if and only if I - 2M is positive definite.",
    )
)

# --- ZOO-RF-6c ------------------------------------------------------------------------------------

_v = symbol("logit_variance")


def _logit_products(
    p: Mapping[str, Any], values: Mapping[str, Any], stream: Stream, first: int, n: int
) -> dict[str, np.ndarray]:
    """Draw both ensembles with logits of the given variance for tokens of norm sqrt(d)."""
    d, scale = p["d"], math.sqrt(p["logit_variance"])
    G = stream.normals(first, n, 2 * d * d).reshape(n, 2, d, d)
    found = {}
    for name, W in (("ginibre", G[:, 0] / d), ("product", G[:, 0] @ G[:, 1] / d**1.5)):
        singular = np.linalg.svd(scale * W, compute_uv=False)
        found[f"nuclear_norm_{name}"] = singular.sum(axis=1)
        found[f"sigma_max_{name}"] = singular[:, 0]
    return found


def _critical(p: Mapping[str, Any]) -> dict[str, float]:
    """Solve sigma_1(v, d) = 1/6 for d."""
    v = p["logit_variance"]
    return {
        f"critical_width_{name}": float(
            brentq(
                lambda d, e=edge: math.sqrt(e * v / d) - 1.0 / 6.0, 1e-6 * v, 1e6 * v, xtol=1e-12
            )
        )
        for name, edge in (("ginibre", 4.0), ("product", 6.75))
    }


def _wider(p: Mapping[str, Any], size: int) -> dict[str, Any]:
    return {**p, "d": size}


def _nuclear_law(constant: sp.Expr) -> sp.Expr:
    return constant * sp.sqrt(_v * s.d)


register(
    Claim(
        id="ZOO-RF-6c",
        title="logit variance and the number of features of random W_QK",
        statement=(
            "With logits of variance v the nuclear norm grows like 8/(3 pi) sqrt(v d) for Ginibre "
            "W_QK and 3/4 sqrt(v d) for W_Q W_K^T of two, so features grow like e^(c sqrt(d)); "
            "sigma_1 is 2 sqrt(v/d) and sqrt(27/4) sqrt(v/d), and the error of positive features "
            "is infinite below the widths 144 v and 243 v."
        ),
        source=s.extends_choromanski("features at initialisation"),
        standing="derived",
        observable="singular values of W_QK",
        parameters=(
            Parameter(
                "logit_variance",
                Real(low=0.0, typical=(0.01, 4.0)),
                "variance over W of a logit of two tokens of norm sqrt(d)",
            ),
            s.SIZE,
        ),
        values={
            "nuclear_norm_ginibre": _nuclear_law(8 / (3 * sp.pi)),
            "nuclear_norm_product": _nuclear_law(sp.Rational(3, 4)),
            "sigma_max_ginibre": 2 * sp.sqrt(_v / s.d),
            "sigma_max_product": sp.sqrt(sp.Rational(27, 4)) * sp.sqrt(_v / s.d),
            "critical_width_ginibre": 144 * _v,
            "critical_width_product": 243 * _v,
        },
        cases=(
            {"logit_variance": 1.0, "d": 144},
            {"logit_variance": 0.04, "d": 16},
            {"logit_variance": 2.5, "d": 100},
        ),
        judged_by=(
            DrawnLimit(
                ("nuclear_norm_ginibre", "nuclear_norm_product"),
                "d",
                ((12, 64), (36, 64)),
                _wider,
                _logit_products,
                rate=0.4,
                aim=0.04,
            ),
            DrawnLimit(
                ("sigma_max_ginibre", "sigma_max_product"),
                "d",
                ((12, 64), (36, 64)),
                _wider,
                _logit_products,
                rate=0.3,
                aim=0.2,
            ),
            Identity(
                _critical,
                lambda rng: {"logit_variance": float(rng.uniform(0.01, 4.0)), "d": 10},
                tolerance=1e-9,
                most_draws=20,
            ),
        ),
        wrong_twin=WrongTwin("constant 144 taken as 150", {"critical_width_ginibre": 150 * _v}),
    )
)
