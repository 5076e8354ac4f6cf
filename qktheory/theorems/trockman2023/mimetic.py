"""ZOO-MIM-1 and ZOO-MIM-2: spectrum and logits of W_QK = alpha Z + beta I."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray
from scipy.optimize import brentq

from qktheory.base.domains import Integer, Parameter, Real
from qktheory.kernels import Stream
from qktheory.numerics.mimetic_edges import singular_edges
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import DrawnExpectation, DrawnLimit, Identity
from qktheory.theorems.papers import cite
from qktheory.theorems.routines import times

FloatArray = NDArray[np.float64]

_alpha, _beta, _d = symbol("alpha"), symbol("beta"), symbol("d")
_b = _beta**2 / _alpha**2

# --- ZOO-MIM-1 ------------------------------------------------------------------------------------


def _edge(sign: int) -> sp.Expr:
    inside = 8 * _b**2 + 20 * _b - 1 + sign * (1 + 8 * _b) ** sp.Rational(3, 2)
    return _alpha * sp.sqrt(inside / (8 * _b))


def _extremes(
    parameters: Mapping[str, Any], values: Mapping[str, Any], stream: Stream, first: int, n: int
) -> dict[str, FloatArray]:
    """Draw W_QK of size d; the edges of its three spectra."""
    d, alpha, beta = (parameters[k] for k in ("d", "alpha", "beta"))
    names = ("disc_center", "symmetric_lower", "symmetric_upper", "singular_upper")
    found: dict[str, list[float]] = {name: [] for name in names}
    for sample in range(first, first + n):
        W = alpha / math.sqrt(d) * stream.normals(sample, 1, d * d).reshape(d, d)
        W += beta * np.eye(d)
        symmetric = np.linalg.eigvalsh(0.5 * (W + W.T))
        found["disc_center"].append(float(np.trace(W)) / d)
        found["symmetric_lower"].append(float(symmetric[0]))
        found["symmetric_upper"].append(float(symmetric[-1]))
        found["singular_upper"].append(math.sqrt(float(np.linalg.eigvalsh(W @ W.T)[-1])))
    return {name: np.array(numbers) for name, numbers in found.items()}


def _by_fixed_point(parameters: Mapping[str, Any]) -> dict[str, float]:
    """Find the edges where z(s) = s + alpha^2 s/(s^2 - beta^2) turns, by bisection."""
    alpha2, beta2 = parameters["alpha"] ** 2, parameters["beta"] ** 2
    size = math.sqrt(alpha2) + math.sqrt(beta2)

    def derivative(s: float) -> float:
        return float(1.0 - alpha2 * (s * s + beta2) / (s * s - beta2) ** 2)

    def image(s: float) -> float:
        return float(s + alpha2 * s / (s * s - beta2))

    beta = math.sqrt(beta2)
    upper = brentq(derivative, beta + 1e-6 * math.sqrt(alpha2), 10.0 * size, xtol=1e-15)
    found = {"singular_upper": image(upper)}
    if beta2 > alpha2:
        lower = brentq(derivative, 0.0, beta - 1e-9 * beta, xtol=1e-15)
        found["singular_lower"] = abs(image(lower))
    return found


_UPPER = Routine(_edge(1), lambda a, b: singular_edges(a, b)[1], ("alpha", "beta"))
_LOWER = Routine(
    sp.Piecewise((_edge(-1), _b > 1), (0, True)),
    lambda a, b: singular_edges(a, b)[0],
    ("alpha", "beta"),
)
_CASES = ({"alpha": 0.4, "beta": 0.8}, {"alpha": 0.7, "beta": 0.5}, {"alpha": 0.3, "beta": -0.9})
_ALPHA = Parameter("alpha", Real(low=0.0, low_open=True, typical=(0.1, 2.0)), "weight of the noise")
_BETA = Parameter("beta", Real(typical=(-2.0, 2.0)), "weight of the identity")

register(
    Claim(
        id="ZOO-MIM-1",
        title="spectrum of a mimetic initialisation",
        statement=(
            "For W_QK = alpha Z + beta I with iid entries of variance 1/d in Z, eigenvalues fill "
            "the disc of centre beta and radius alpha, those of the symmetric part beta +- "
            "sqrt(2) alpha, and the singular values reach down to 0 if |beta| <= alpha: the "
            "published alpha = beta is exactly critical."
        ),
        source=cite("trockman2023", "edges of the spectrum of its initialisation"),
        standing="derived",
        observable="spectrum",
        parameters=(_ALPHA, _BETA),
        values={
            "disc_center": _beta,
            "disc_radius": _alpha,
            "symmetric_lower": _beta - sp.sqrt(2) * _alpha,
            "symmetric_upper": _beta + sp.sqrt(2) * _alpha,
            "singular_upper": _UPPER,
            "singular_lower": _LOWER,
        },
        cases=_CASES,
        judged_by=(
            DrawnLimit(
                ("disc_center", "symmetric_upper", "singular_upper"),
                "d",
                ((16, 64), (160, 64)),
                lambda p, size: {**p, "d": size},
                _extremes,
                rate=0.5,
                aim=0.1,
            ),
            Identity(
                _by_fixed_point,
                lambda rng: {
                    "alpha": float(rng.uniform(0.1, 2.0)),
                    "beta": float(rng.choice([-1.0, 1.0]) * rng.uniform(0.1, 3.0)),
                },
                tolerance=1e-7,
            ),
        ),
        wrong_twin=WrongTwin("constant off by 9 %", {"singular_upper": times(1.09, _UPPER)}),
        proof=(
            "Hermitise: for real z outside the spectrum of [[0, W], [W^T, 0]] the resolvent g "
            "solves g = s/(s^2 - beta^2) with s = z - alpha^2 g, so z(s) = s + alpha^2 "
            "s/(s^2 - beta^2). Edges are the extrema of z: (s^2 - beta^2)^2 = alpha^2 (s^2 + "
            "beta^2), s^2 = beta^2 + alpha^2 (1 +- sqrt(1 + 8b))/2. With r = sqrt(1 + 8b) this is "
            "z = alpha sqrt((3 +- r)^3/(8 (1 +- r))), the stated form. Z + Z^T has entries of "
            "variance 2/d: the semicircle of radius sqrt(2) alpha."
        ),
    )
)

# --- ZOO-MIM-2 ------------------------------------------------------------------------------------


def _logits(
    parameters: Mapping[str, Any], values: Mapping[str, Any], stream: Stream, first: int, n: int
) -> dict[str, FloatArray]:
    """Draw W_QK and two tokens: a logit of a token with itself, one with another."""
    d, alpha, beta = (parameters[k] for k in ("d", "alpha", "beta"))
    drawn = stream.normals(first, n, d * d + 2 * d)
    W = alpha / math.sqrt(d) * drawn[:, : d * d].reshape(n, d, d) + beta * np.eye(d)
    x, y = drawn[:, d * d : d * d + d], drawn[:, d * d + d :]
    query = np.einsum("rd,rde->re", x, W) / math.sqrt(d)
    own, other = np.sum(query * x, axis=1), np.sum(query * y, axis=1)
    return {
        "mean_self_logit": own,
        "var_self_logit": (own - beta * math.sqrt(d)) ** 2,
        "mean_off_diagonal_logit": other,
        "mean_s2": other**2,
    }


_VARIANCE = _alpha**2 * (1 + 2 / _d) + 2 * _beta**2

register(
    Claim(
        id="ZOO-MIM-2",
        title="logits of a mimetic initialisation",
        statement=(
            "For W_QK = alpha Z + beta I, tokens N(0, I) and temperature sqrt(d), over W_QK too: a "
            "token's own logit has mean beta sqrt(d) and variance alpha^2 (1 + 2/d) + 2 beta^2, "
            "another one mean 0 and variance alpha^2 + beta^2."
        ),
        source=cite("trockman2023", "logits of its initialisation"),
        standing="derived",
        observable="logit",
        parameters=(
            _ALPHA,
            _BETA,
            Parameter("d", Integer(low=1, high=10**15, typical=(1, 60)), "dimension of a token"),
        ),
        values={
            "mean_self_logit": _beta * sp.sqrt(_d),
            "var_self_logit": _VARIANCE,
            "mean_off_diagonal_logit": sp.Integer(0),
            "mean_s2": _alpha**2 + _beta**2,
        },
        cases=(
            {"alpha": 0.7, "beta": 0.7, "d": 3},
            {"alpha": 0.4, "beta": -0.4, "d": 2},
            {"alpha": 1.0, "beta": 0.0, "d": 1},
        ),
        judged_by=(
            DrawnExpectation(
                ("mean_self_logit", "var_self_logit", "mean_off_diagonal_logit", "mean_s2"),
                _logits,
                lambda q: 12.0 * q["d"] ** 2,
            ),
        ),
        wrong_twin=WrongTwin("constant off by 9 %", {"var_self_logit": 1.09 * _VARIANCE}),
    )
)
