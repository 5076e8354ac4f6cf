"""RMT-4a, 4c: at fixed dimension attention is a vector autoregression with the spectrum of W."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from qktheory.base.domains import Integer, Parameter, Real
from qktheory.base.errors import bad_value
from qktheory.kernels import Stream
from qktheory.numerics.attention_operator import largest_products, mehler_factors
from qktheory.spectra.haar import haar_frames
from qktheory.symbolic.symbols import matrix, symbol
from qktheory.theorems.bao2024 import setting as tokens
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import DrawnLimit, Identity
from qktheory.theorems.saada2025 import setting as s
from qktheory.theorems.saada2025.draws import (
    attention_of_scores,
    branch,
    moduli,
    singular_values,
    token_scores,
)

FloatArray = NDArray[np.float64]

W, S, temperature = matrix("W_QK"), matrix("Sigma"), symbol("temperature")
_M = W * S / temperature
_k = sp.Symbol("k", integer=True, positive=True)
_n = sp.IndexedBase("n")
_tau, _rho = sp.IndexedBase("tau"), sp.IndexedBase("r")
COUNT = Integer(low=1, high=10**5, typical=(1, 12))

#: Nodes a dimension of the quadrature that replaces the tokens, for d = 1 and 2.
_NODES = (40, 16)


def root_of(sigma: FloatArray) -> FloatArray:
    """Return R with R R^T = Sigma, from eigenvectors: Sigma may be singular."""
    values, vectors = np.linalg.eigh(sigma)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))


def operator_spectrum(M: FloatArray, count: int) -> tuple[FloatArray, FloatArray]:
    """Return leading moduli of eigenvalues and singular values of exp(x M y - |M^T x|^2/2).

    The operator over N(0, I_d), d <= 2, on Gauss-Hermite nodes: no expansion is used. `count` is
    at most the number of nodes.
    """
    d = len(M)
    nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES[d - 1])
    weights = weights / weights.sum()
    points = np.stack(np.meshgrid(*[nodes] * d, indexing="ij"), axis=-1).reshape(-1, d)
    mass = np.prod(np.stack(np.meshgrid(*[weights] * d, indexing="ij"), -1).reshape(-1, d), axis=1)
    kept = mass > 1e-26
    points, roots = points[kept], np.sqrt(mass[kept])
    query = points @ M
    kernel = np.exp(query @ points.T - 0.5 * np.sum(query**2, axis=1)[:, None])
    kernel *= roots[:, None] * roots
    return moduli(kernel)[:count], singular_values(kernel)[:count]


# --- RMT-4a ---------------------------------------------------------------------------------------


_MAP = ("W_QK", "Sigma", "temperature")


def _moduli(W: FloatArray, sigma: FloatArray, temperature: float) -> FloatArray:
    return moduli(W @ sigma / temperature)


def _complete(parameters: dict[str, Any]) -> None:
    """Give Sigma the size of W_QK; demand an operator with a stationary law."""
    tokens.complete_map(parameters)
    radius = float(_moduli(*(parameters[name] for name in _MAP))[0])
    if not radius < 1.0:
        raise bad_value(
            "W_QK",
            f"matrix of spectral radius {radius:g} with Sigma/temperature",
            "a spectral radius of W_QK Sigma/temperature < 1",
        )


def _squared_singular(W: FloatArray, sigma: FloatArray, temperature: float) -> FloatArray:
    root = root_of(sigma)
    return np.asarray(np.linalg.svd(root.T @ W @ root / temperature, compute_uv=False) ** 2)


def _hilbert_schmidt(tau: FloatArray) -> int:
    return int(tau[0] < 0.5)


def _singular(tau: FloatArray, possible: int, count: int) -> FloatArray | None:
    if not possible:
        return None
    top, ratios = mehler_factors(tau)
    return top * largest_products(ratios, count)


def _frobenius(tau: FloatArray, possible: int) -> float | None:
    if not possible:
        return None
    return math.exp(-0.5 * math.fsum(np.log1p(-2.0 * tau)))


def _by_quadrature(parameters: Mapping[str, Any]) -> dict[str, Any]:
    root = root_of(parameters["Sigma"])
    M = root.T @ parameters["W_QK"] @ root / parameters["temperature"]
    eigenvalues, singular = operator_spectrum(M, parameters["count"])
    found: dict[str, Any] = {"attention_eigenvalue_moduli": eigenvalues}
    if np.linalg.norm(M, 2) ** 2 < 0.5:
        found["attention_singular_values"] = singular
    return found


def _draw_map(rng: np.random.Generator) -> dict[str, Any]:
    """One or two dimensions, singular values up to 0.45: the nodes resolve these kernels."""
    size = int(rng.integers(1, 3))
    entries = rng.normal(size=(size, size)) + 0.3 * np.eye(size)
    sigma, divisor = entries @ entries.T + 0.1 * np.eye(size), float(rng.uniform(0.5, 2.0))
    W = rng.normal(size=(size, size))
    top = math.sqrt(_squared_singular(W, sigma, divisor)[0])
    return {
        "W_QK": W * (rng.uniform(0.1, 0.45) / top),
        "Sigma": sigma,
        "temperature": divisor,
        "count": 5,
    }


_AT_MOST = 2


def _attention_draw(
    parameters: Mapping[str, Any], values: Mapping[str, Any], stream: Stream, first: int, n: int
) -> dict[str, FloatArray]:
    W = parameters["W_QK"] / parameters["temperature"]
    scores = token_scores(W, parameters["T"], stream, first, n, root_of(parameters["Sigma"]))
    A = attention_of_scores(scores)
    count = parameters["count"]
    return {
        "attention_eigenvalue_moduli": moduli(A)[:, :count],
        "attention_singular_values": singular_values(A)[:, :count],
    }


def _rung(parameters: Mapping[str, Any], size: int) -> dict[str, Any]:
    """Judge the leading two: further ones are close to the noise of this many tokens."""
    return {**parameters, "T": size, "count": min(parameters["count"], _AT_MOST)}


_EIGENVALUES = sp.Product(
    sp.Abs(sp.Function("lambda")(_M), evaluate=False) ** _n[_k], (_k, 1, symbol("d"))
)
_SINGULAR = sp.Product(
    (_rho[_k] / _tau[_k]) ** sp.Rational(1, 4) * _rho[_k] ** (_n[_k] / 2), (_k, 1, symbol("d"))
)


def _eigenvalues(constant: sp.Expr) -> Routine:
    return Routine(
        _EIGENVALUES.subs(W, constant * W),
        lambda moduli, count: (
            largest_products(np.minimum(float(constant) * moduli, 0.999), count)
            if constant != 1
            else largest_products(moduli, count)
        ),
        ("eigenvalue_moduli", "count"),
    )


register(
    Claim(
        id="RMT-4a",
        title="spectrum of attention between many tokens of fixed dimension",
        statement=(
            "For N(0, Sigma) tokens, d fixed and T -> infinity, the eigenvalues of A are all "
            "products of powers of those of M = W Sigma/temperature; if all squared singular "
            "values tau_k of Sigma^(1/2) W Sigma^(1/2)/temperature are below 1/2, its singular "
            "values are prod (r_k/tau_k)^(1/4) r_k^(n_k/2), r = (1 - sqrt(1 - 4 tau^2))/(2 tau), "
            "and ||A||_F^2 -> prod (1 - 2 tau_k)^(-1/2)."
        ),
        source=s.extends_saada("scores of real tokens instead of independent ones"),
        standing="derived",
        observable="attention_eigenvalues",
        parameters=(
            tokens.W_QK,
            tokens.TEMPERATURE,
            tokens.SIGMA,
            Parameter("count", COUNT, "how many eigenvalues and singular values", default=8),
        ),
        complete=_complete,
        where={
            "eigenvalue_moduli": Routine(
                sp.Abs(sp.Function("lambda")(_M), evaluate=False), _moduli, _MAP
            ),
            "tau": Routine(
                sp.Function("sigma")(sp.sqrt(sp.Symbol("Sigma")), W) ** 2, _squared_singular, _MAP
            ),
        },
        values={
            "attention_eigenvalue_moduli": _eigenvalues(sp.Integer(1)),
            "spectrum_sum": Routine(
                1 / sp.Determinant(sp.Identity(symbol("d")) - _M),
                lambda W, sigma, divisor: (
                    1.0 / float(np.linalg.det(np.eye(len(W)) - W @ sigma / divisor))
                ),
                _MAP,
            ),
            "hilbert_schmidt": Routine(
                sp.Lt(sp.Symbol("tau_1"), sp.Rational(1, 2)), _hilbert_schmidt, ("tau",)
            ),
            "attention_singular_values": Routine(
                _SINGULAR, _singular, ("tau", "hilbert_schmidt", "count")
            ),
            "attention_frobenius_squared": Routine(
                sp.Product((1 - 2 * _tau[_k]) ** -sp.Rational(1, 2), (_k, 1, symbol("d"))),
                _frobenius,
                ("tau", "hilbert_schmidt"),
            ),
        },
        cases=(
            {"W_QK": [[0.45, 0.0], [0.0, -0.3]], "count": 6},
            {
                "W_QK": [[0.45, 0.35], [-0.2, 0.3]],
                "Sigma": [[1.0, 0.3], [0.3, 0.5]],
                "temperature": 1.2,
                "count": 4,
            },
            {
                "W_QK": [[0.3, 0.1], [-0.1, 0.2]],
                "Sigma": [[1.0, 1.0], [1.0, 1.0]],
                "temperature": 1.25,
                "count": 3,
            },
        ),
        judged_by=(
            Identity(_by_quadrature, _draw_map, tolerance=1e-5, most_draws=2),
            DrawnLimit(
                ("attention_eigenvalue_moduli", "attention_singular_values"),
                "T",
                ((24, 256), (80, 64)),
                _rung,
                _attention_draw,
                rate=0.0,
                aim=0.3,
            ),
        ),
        wrong_twin=WrongTwin(
            "eigenvalues of 1.05 W",
            {"attention_eigenvalue_moduli": _eigenvalues(sp.Rational(105, 100))},
        ),
    )
)


# --- RMT-4c ---------------------------------------------------------------------------------------

theta, alignment, count = symbol("theta"), symbol("alignment"), symbol("count")
_tau_1 = theta**2
_r = (1 - sp.sqrt(1 - 4 * _tau_1**2)) / (2 * _tau_1)
_power = sp.Symbol("n", integer=True, nonnegative=True)


def _powers(theta: float, alignment: float, count: int) -> FloatArray:
    return np.asarray((theta * alignment) ** np.arange(1.0, count + 1.0))


def _spike_singular(theta: float, count: int) -> FloatArray:
    top, ratios = mehler_factors([theta**2])
    return np.asarray(top * float(ratios[0]) ** np.arange(count + 1.0))


def _bulk_radius(s2: float, T: int, d: int) -> float:
    return math.sqrt(math.expm1(s2) / T + s2 / d)


def _spike_by_quadrature(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Compare with the operator of W = theta u v^T in the plane of u and v."""
    cosine, terms = parameters["alignment"], parameters["count"]
    v = np.array([cosine, math.sqrt(1.0 - cosine**2)])
    M = parameters["theta"] * np.outer([1.0, 0.0], v)
    eigenvalues, singular = operator_spectrum(M, terms + 1)
    powers = np.sign(parameters["theta"] * cosine) ** np.arange(1, terms + 1) * eigenvalues[1:]
    found = {"attention_singular_values": singular}
    # Powers of a small number vanish in the rounding of the eigenvalue solver.
    if abs(cosine) > 0.5:
        found["attention_eigenvalues"] = powers
    return found


def _draw_spike(rng: np.random.Generator) -> dict[str, Any]:
    return {
        "theta": float(rng.uniform(0.2, 0.5)),
        "alignment": float(rng.uniform(0.6, 1.0)),
        "s2": 0.1,
        "T": 100,
        "d": 50,
        "count": 3,
    }


def _spiked_draw(
    parameters: Mapping[str, Any], values: Mapping[str, Any], stream: Stream, first: int, n: int
) -> dict[str, FloatArray]:
    """Plant the spike on a Gaussian W of strength s2 and count what it adds.

    One eigenvalue and one singular value: later ones are inside the bulk at these sizes.
    """
    size, cosine = parameters["d"], parameters["alignment"]
    child = branch(stream, 1)
    bulk = child.normals(first, n, size * size).reshape(n, size, size)
    frames = haar_frames(size, 2, branch(stream, 2), first, n)
    u, other = frames[:, :, 0], frames[:, :, 1]
    v = cosine * u + math.sqrt(1.0 - cosine**2) * other
    W = math.sqrt(parameters["s2"]) / size * bulk
    W += parameters["theta"] * u[:, :, None] * v[:, None, :]
    A = attention_of_scores(token_scores(W, parameters["T"], stream, first, n))
    return {
        "attention_eigenvalues": moduli(A)[:, 1:2] * np.sign(parameters["theta"] * cosine),
        "attention_singular_values": singular_values(A)[:, :2],
    }


register(
    Claim(
        id="RMT-4c",
        title="a rank-one spike of W shows in the spectrum of attention",
        statement=(
            "theta u v^T in W/temperature on top of a bulk of strength s2 gives A the eigenvalues "
            "(theta u.v)^n and the singular values (r/tau)^(1/4) r^(n/2), tau = theta^2 < 1/2, "
            "visible above the bulk radius ((c2 + s2 T/d)/T)^(1/2)."
        ),
        source=s.extends_saada("scores of real tokens, a spike in W"),
        standing="derived",
        observable="attention_eigenvalues",
        parameters=(
            Parameter(
                "theta",
                Real(-math.sqrt(0.5), math.sqrt(0.5), True, True, typical=(-0.6, 0.6)),
                "strength of the spike, theta^2 < 1/2",
            ),
            Parameter("alignment", Real(-1.0, 1.0), "u . v of the unit vectors u and v"),
            Parameter("s2", Real(0.0, 700.0, typical=(0.05, 2.0)), "strength of the bulk"),
            s.T,
            Parameter(
                "d", Integer(low=1, high=10**15, typical=(2, 200)), "dimension of the tokens"
            ),
            Parameter("count", COUNT, "highest power", default=4),
        ),
        values={
            "attention_eigenvalues": Routine(
                (theta * alignment) ** _power, _powers, ("theta", "alignment", "count")
            ),
            "attention_singular_values": Routine(
                (_r / _tau_1) ** sp.Rational(1, 4) * _r ** (_power / 2),
                _spike_singular,
                ("theta", "count"),
            ),
            "bulk_radius": Routine(
                sp.sqrt((sp.exp(s.s2) - 1 + s.s2 * s.t / s.d) / s.t),
                _bulk_radius,
                ("s2", "T", "d"),
            ),
        },
        cases=(
            {"theta": 0.5, "alignment": 1.0, "s2": 0.05, "T": 96, "d": 32, "count": 1},
            {"theta": 0.6, "alignment": -0.8, "s2": 0.02, "T": 96, "d": 24, "count": 1},
            {"theta": 0.55, "alignment": 0.9, "s2": 0.0, "T": 96, "d": 8, "count": 1},
        ),
        judged_by=(
            Identity(_spike_by_quadrature, _draw_spike, tolerance=1e-5, most_draws=2),
            DrawnLimit(
                ("attention_eigenvalues", "attention_singular_values"),
                "T",
                ((24, 256), (80, 64)),
                lambda q, size: {**q, "T": size, "d": max(2, q["d"] * size // q["T"])},
                _spiked_draw,
                rate=0.0,
                aim=0.3,
            ),
        ),
        wrong_twin=WrongTwin(
            "eigenvalues of 1.05 theta",
            {
                "attention_eigenvalues": Routine(
                    (sp.Rational(105, 100) * theta * alignment) ** _power,
                    lambda theta, alignment, count: _powers(1.05 * theta, alignment, count),
                    ("theta", "alignment", "count"),
                )
            },
        ),
    )
)
