"""SPEC-13a, b: moments of quadratic and bilinear forms of Gaussian and spherical vectors."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from qktheory.base.domains import Integer, IntegerList, Parameter
from qktheory.kernels import Stream
from qktheory.numerics.gaussian_cubature import polynomial_mean
from qktheory.numerics.gaussian_forms import (
    HIGHEST_ORDER,
    cumulants_to_moments,
    form_cumulants,
    sphere_factors,
    sphere_variance,
)
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.bao2024.setting import SIGMA, complete_map
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import DrawnExpectation, Identity
from qktheory.theorems.papers import cite
from qktheory.theorems.spectra import setting as s

FloatArray = NDArray[np.float64]

MAGNUS_1978 = cite("magnus1978", "Lemma 2")

d, W = s.d, s.W
S = sp.MatrixSymbol("Sigma", d, d)
_CASES = (
    {
        "W_QK": [[1.0, 2.0, 0.0], [0.0, -1.0, 1.0], [3.0, 0.0, 2.0]],
        "Sigma": [[2.0, 1.0, 0.0], [1.0, 2.0, 0.0], [0.0, 0.0, 1.0]],
    },
    {
        "W_QK": [[0.4, 1.0, 0.0], [-0.2, 0.3, 0.5], [0.1, -0.6, 0.2]],
        "Sigma": [[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 0.5]],
    },
    {"W_QK": [[1.0, 0.5], [-0.25, 0.75]]},
)


def _complete(parameters: dict[str, Any]) -> None:
    """Give Sigma the size of W_QK."""
    parameters["temperature"] = 1.0
    complete_map(parameters)
    del parameters["temperature"]


def _root(sigma: FloatArray) -> FloatArray:
    """Return R with R R^T = Sigma, from eigenvectors: Sigma may be singular."""
    values, vectors = np.linalg.eigh(sigma)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))


def _tokens(
    parameters: Mapping[str, Any], stream: Stream, first: int, n: int, count: int
) -> FloatArray:
    """Draw `count` independent vectors N(0, Sigma), shape (count, n, d)."""
    size = parameters["d"]
    normals = stream.normals(first, n, count * size).reshape(n, count, size)
    return np.asarray((normals @ _root(parameters["Sigma"]).T).transpose(1, 0, 2))


def form(x: FloatArray, matrix: FloatArray, y: FloatArray) -> FloatArray:
    """Return x^T W y of n pairs of vectors."""
    return np.asarray(np.einsum("ni,ni->n", x @ matrix, y))


def _draw_map(rng: np.random.Generator) -> dict[str, Any]:
    """Up to three dimensions; a part of the identity keeps odd traces away from 0."""
    size = int(rng.integers(1, 4))
    entries = rng.normal(size=(size, size))
    if size > 1 and rng.random() < 0.3:
        entries[:, -1] = 0.0
    return {
        "W_QK": rng.normal(size=(size, size)) + 2.0 * np.eye(size),
        "Sigma": entries @ entries.T + (0.0 if size > 1 else 0.5),
    }


# --- SPEC-13a -------------------------------------------------------------------------------------

_k = sp.Symbol("k", integer=True, positive=True)
_FORM_CUMULANT = (
    sp.Integer(2) ** (_k - 1) * sp.factorial(_k - 1) * sp.Trace(((W + W.T) * S / 2) ** _k)
)
_MOMENT = sp.Function("E")((sp.Symbol("q")) ** _k)
_ON_SPHERE = _MOMENT * d**_k / sp.RisingFactorial(d / 2, _k) / 2**_k


def _is_identity(sigma: FloatArray) -> bool:
    return bool((sigma == np.eye(len(sigma))).all())


def _cumulants(matrix: FloatArray, sigma: FloatArray, orders: list[int]) -> FloatArray:
    found = form_cumulants(matrix, sigma, max(orders))
    return np.array([found[k - 1] for k in orders])


def _sphere_moments(moments: FloatArray, sigma: FloatArray) -> FloatArray | None:
    return np.asarray(moments * sphere_factors(len(sigma), 4)) if _is_identity(sigma) else None


def _quadratic_draws(
    parameters: Mapping[str, Any], values: Mapping[str, Any], stream: Stream, first: int, n: int
) -> dict[str, FloatArray]:
    """Draw Gaussian vectors, and put them on the sphere |x|^2 = d where Sigma = I."""
    (x,) = _tokens(parameters, stream, first, n, 1)
    value = form(x, parameters["W_QK"], x)
    found = {"mean": value, "variance": (value - values["mean"]) ** 2}
    if "sphere_moments" in values:
        y = x * np.sqrt(parameters["d"] / np.sum(x**2, axis=1))[:, None]
        on_sphere = form(y, parameters["W_QK"], y)
        found["sphere_moments"] = on_sphere[:, None] ** np.arange(1, 5)
        found["sphere_variance"] = (on_sphere - values["sphere_moments"][0]) ** 2
    return found


def _by_cubature(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Moments by a rule that is exact for polynomials, cumulants by the recursion."""
    matrix, root = parameters["W_QK"], _root(parameters["Sigma"])
    highest = max(4, *parameters["k"])
    powers = np.arange(1, highest + 1)
    moments = polynomial_mean(
        lambda g: form(g @ root.T, matrix, g @ root.T)[:, None] ** powers,
        [parameters["d"]],
        [2 * highest],
    )
    # kappa_n = m_n - sum_(k < n) C(n-1, k-1) kappa_k m_(n-k).
    cumulants: list[float] = []
    for n in range(1, highest + 1):
        rest = math.fsum(
            math.comb(n - 1, k - 1) * cumulants[k - 1] * float(moments[n - k - 1])
            for k in range(1, n)
        )
        cumulants.append(float(moments[n - 1]) - rest)
    return {
        "mean": cumulants[0],
        "variance": cumulants[1],
        "cumulants": np.array([cumulants[k - 1] for k in parameters["k"]]),
        "moments": moments[:4],
    }


def _draw_orders(rng: np.random.Generator) -> dict[str, Any]:
    return {**_draw_map(rng), "k": [int(k) for k in rng.integers(1, 6, size=3)]}


_ETA, _ETA_F = sp.Trace(W * S * W * S), sp.Trace(W * S * W.T * S)

register(
    Claim(
        id="SPEC-13a",
        title="moments of x^T W x",
        statement=(
            "For x ~ N(0, Sigma), x^T W x has mean xi, variance eta + eta_F and cumulants "
            "2^(k-1) (k-1)! tr (S Sigma)^k, S the symmetric part of W; on the sphere |x|^2 = d "
            "k-th moments are d^k/(d (d+2) ... (d+2k-2)) times those of N(0, I)."
        ),
        source=MAGNUS_1978,
        standing="theorem",
        observable="self-logit",
        parameters=(
            s.W_QK,
            SIGMA,
            Parameter(
                "k",
                IntegerList(Integer(low=1, high=HIGHEST_ORDER, typical=(1, 8))),
                "orders of the cumulants",
                default=(1, 2, 3, 4),
            ),
        ),
        complete=_complete,
        where={
            "four_cumulants": Routine(
                _FORM_CUMULANT,
                lambda matrix, sigma: form_cumulants(matrix, sigma, 4),
                ("W_QK", "Sigma"),
            )
        },
        values={
            "mean": sp.Trace(W * S),
            "variance": _ETA + _ETA_F,
            "cumulants": Routine(_FORM_CUMULANT, _cumulants, ("W_QK", "Sigma", "k")),
            "moments": Routine(_MOMENT, cumulants_to_moments, ("four_cumulants",)),
            "sphere_moments": Routine(_ON_SPHERE, _sphere_moments, ("moments", "Sigma")),
            "sphere_variance": Routine(
                2 * d / (d + 2) * (sp.Trace((W + W.T) ** 2) / 4 - sp.Trace(W) ** 2 / d),
                lambda matrix, sigma: sphere_variance(matrix) if _is_identity(sigma) else None,
                ("W_QK", "Sigma"),
            ),
        },
        cases=_CASES,
        judged_by=(
            Identity(_by_cubature, _draw_orders, tolerance=1e-8),
            DrawnExpectation(
                ("mean", "variance", "sphere_moments", "sphere_variance"),
                _quadratic_draws,
                lambda q: float(4 * q["d"] ** 2 + 4 * q["d"]),
            ),
        ),
        wrong_twin=WrongTwin("sign of eta in the variance", {"variance": _ETA_F - _ETA}),
    )
)

# --- SPEC-13b -------------------------------------------------------------------------------------

variance = symbol("variance")
_FOURTH = sp.Trace((W.T * S * W * S) ** 2)
_CYCLE = sp.Trace((W * S) ** 3)
_FORWARD_BACK = sp.Trace(W.T * S * W * S * W * S)


def _fourth(constant: sp.Expr) -> sp.Expr:
    return 3 * (variance**2 + constant * _FOURTH)


def _bilinear(matrix: FloatArray, x: FloatArray, y: FloatArray, z: FloatArray) -> Any:
    """Return what SPEC-13b averages, given three vectors a sample."""
    xy, yx = form(x, matrix, y), form(y, matrix, x)
    return {
        "variance": xy**2,
        "moment_4": xy**4,
        "mean_forward_backward": xy * yx,
        "mean_three_cycle": xy * form(y, matrix, z) * form(z, matrix, x),
        "mean_mixed": form(x, matrix, x) * xy * yx,
    }


def _bilinear_draws(
    parameters: Mapping[str, Any], values: Mapping[str, Any], stream: Stream, first: int, n: int
) -> dict[str, FloatArray]:
    found: dict[str, FloatArray] = _bilinear(
        parameters["W_QK"], *_tokens(parameters, stream, first, n, 3)
    )
    return found


def _bilinear_cubature(parameters: Mapping[str, Any]) -> dict[str, float]:
    """Each mean by a rule exact for its degrees in x, y and z."""
    root, size = _root(parameters["Sigma"]), parameters["d"]
    degrees = {
        "variance": (2, 2, 0),
        "moment_4": (4, 4, 0),
        "mean_forward_backward": (2, 2, 0),
        "mean_three_cycle": (2, 2, 2),
        "mean_mixed": (4, 2, 0),
    }
    found = {}
    for name, (in_x, in_y, in_z) in degrees.items():
        whitened = root.T @ parameters["W_QK"] @ root

        def mean(
            x: FloatArray,
            y: FloatArray,
            z: FloatArray,
            name: str = name,
            matrix: FloatArray = whitened,
        ) -> FloatArray:
            third = z if z.shape[1] else np.zeros_like(x)
            value: FloatArray = _bilinear(matrix, x, y, third)[name]
            return value

        sizes = [size, size, size if in_z else 0]
        found[name] = float(polynomial_mean(mean, sizes, [in_x, in_y, in_z]))
    return found


register(
    Claim(
        id="SPEC-13b",
        title="moments of x^T W y and of its cycles",
        statement=(
            "For independent x, y, z ~ N(0, Sigma), M = Sigma^(1/2) W Sigma^(1/2): E (xWy)^2 = "
            "||M||_F^2, E (xWy)^4 = 3 (||M||_F^4 + 2 tr (M^T M)^2), E xWy yWx = tr M^2, "
            "E xWy yWz zWx = tr M^3 and E xWx xWy yWx = tr M tr M^2 + tr M^3 + tr M^T M^2."
        ),
        source=MAGNUS_1978,
        standing="derived",
        observable="logit",
        parameters=(s.W_QK, SIGMA),
        complete=_complete,
        values={
            "variance": _ETA_F,
            "moment_4": _fourth(sp.Integer(2)),
            "mean_forward_backward": _ETA,
            "mean_three_cycle": _CYCLE,
            "mean_mixed": sp.Trace(W * S) * _ETA + _CYCLE + _FORWARD_BACK,
        },
        cases=_CASES,
        judged_by=(
            Identity(_bilinear_cubature, _draw_map, tolerance=1e-10, most_draws=60),
            DrawnExpectation(
                ("variance", "mean_forward_backward", "mean_three_cycle", "mean_mixed"),
                _bilinear_draws,
                lambda q: float(9 * q["d"] ** 2 + 9 * q["d"]),
            ),
        ),
        wrong_twin=WrongTwin(
            "constant 2 of tr (M^T M)^2 taken as 2.2",
            {"moment_4": _fourth(sp.Rational(22, 10))},
        ),
    )
)
