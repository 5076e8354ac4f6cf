"""RMT-4b: attention between as many tokens as dimensions: a linear part and free noise."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from qktheory.base.domains import Choice, Parameter, Real
from qktheory.kernels import Stream
from qktheory.numerics.noisy_kernel import KERNEL_ENSEMBLES, kernel_edge, linear_share
from qktheory.spectra.haar import haar_frames
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import DrawnLimit, Identity
from qktheory.theorems.saada2025 import setting as s
from qktheory.theorems.saada2025.draws import (
    attention_of_scores,
    branch,
    bulk_moments,
    moduli,
    singular_values,
    token_scores,
)

FloatArray = NDArray[np.float64]

delta = symbol("d_over_T")
_y, _kappa = sp.Symbol("y", positive=True), sp.Symbol("kappa_W", positive=True)
_P = sp.Function("P")(_y / delta)
_omega = sp.sqrt(s.s2 * (1 + _y) ** 2 / _y * _P)
_EDGE = _omega + (s.c2 - s.s2) * (1 + _y) / _omega
#: Divisor of the scores in the draws: W is as much larger.
_TEMPERATURE = 1.5


def _ratio(s2: float, delta: float, ensemble: str) -> float:
    """Return 2 + kappa_W p^2/delta, p = s2/c2: the printed formula with its squares summed."""
    share, _ = linear_share(s2)
    return 2.0 + (1.0 if ensemble == "equal" else 2.0) * share**2 / delta


def _radius(s2: float, delta: float) -> float:
    return math.sqrt(math.expm1(s2) + s2 / delta)


def _by_roots(parameters: Mapping[str, Any]) -> dict[str, float]:
    """Take the least value at the roots of the derivative, a polynomial in y."""
    s2, delta = parameters["s2"], parameters["d_over_T"]
    c2 = math.expm1(s2)
    noise = c2 - s2
    y, P = np.polynomial.Polynomial([0.0, 1.0]), np.polynomial.Polynomial([1.0, 1.0 / delta])
    if parameters["ensemble"] == "ginibre":
        P = P * P
    # With Q = P/y, omega = s (1 + y) Q^(1/2) and (1 + y)/omega = 1/(s Q^(1/2)): the derivative
    # vanishes where s2 (2 Q + (1 + y) Q') Q = noise Q', Q' = (P' y - P)/y^2.
    slope = P.deriv() * y - P
    equation = s2 * (2.0 * P * y + (1.0 + y) * slope) * P - noise * slope * y
    roots = [z.real for z in equation.roots() if abs(z.imag) < 1e-9 * abs(z) and z.real > 0.0]

    def height(at: float) -> float:
        omega = math.sqrt(s2 * (1.0 + at) ** 2 / at * float(P(at)))
        return float(omega + noise * (1.0 + at) / omega)

    # m_4/m_2^2 by the traces of the two parts, each counted.
    kappa = 1.0 if parameters["ensemble"] == "equal" else 2.0
    fourth = s2**2 * (2.0 + kappa / delta) + 2.0 * noise**2 + 4.0 * s2 * noise
    return {"edge": min(height(at) for at in roots), "m4_ratio": fourth / c2**2}


def _draw_parameters(rng: np.random.Generator) -> dict[str, Any]:
    return {
        "s2": float(10.0 ** rng.uniform(-1.0, 0.6)),
        "d_over_T": float(10.0 ** rng.uniform(-1.5, 1.5)),
        "ensemble": str(rng.choice(KERNEL_ENSEMBLES)),
    }


def _maps(ensemble: str, size: int, s2: float, stream: Stream, first: int, n: int) -> FloatArray:
    """Draw W/temperature of total squared norm s2, (n, d, d)."""
    scale = math.sqrt(s2) * _TEMPERATURE
    if ensemble == "equal":
        W = haar_frames(size, size, stream, first, n) * (scale / math.sqrt(size))
    else:
        W = stream.normals(first, n, size * size).reshape(n, size, size) * (scale / size)
    return np.asarray(W / _TEMPERATURE)


def _draw(
    parameters: Mapping[str, Any], values: Mapping[str, Any], stream: Stream, first: int, n: int
) -> dict[str, FloatArray]:
    T, s2 = parameters["T"], parameters["s2"]
    size = max(1, round(parameters["d_over_T"] * T))
    child = branch(stream, 1)
    W = _maps(parameters["ensemble"], size, s2, child, first, n)
    A = attention_of_scores(token_scores(W, T, stream, first, n))
    second, fourth = bulk_moments(A)
    return {
        "c2": second,
        "m4_ratio": fourth / second**2,
        "edge": math.sqrt(T) * singular_values(A)[:, 1],
        "lambda2_radius": math.sqrt(T) * moduli(A)[:, 1],
    }


register(
    Claim(
        id="RMT-4b",
        title="bulk of attention between tokens of proportional dimension",
        statement=(
            "As T, d -> infinity with d/T = delta, sqrt(T)(A - J) is asymptotically a product of "
            "token matrices and W plus free noise of variance c2 - s2: m_2 = c2, "
            "m_4/m_2^2 = 2 + kappa_W (s2/c2)^2/delta, second singular value the least of "
            "omega + (c2 - s2)(1 + y)/omega, |lambda_2| -> sqrt(c2 + s2/delta) for bi-invariant W."
        ),
        source=s.extends_saada("scores of real tokens; heuristic: Hermite expansion, free noise"),
        standing="conjecture",
        observable="attention_singular_values",
        parameters=(
            Parameter(
                "s2", Real(0.0, 350.0, typical=(0.05, 3.0)), "variance of an off-diagonal score"
            ),
            Parameter(
                "d_over_T",
                Real(1e-100, 1e100, typical=(0.1, 4.0)),
                "dimension of the tokens over their number",
            ),
            Parameter("ensemble", Choice(KERNEL_ENSEMBLES), "singular values of W_QK"),
        ),
        values={
            "c2": Routine(sp.exp(s.s2) - 1, np.expm1, ("s2",)),
            "m4_ratio": Routine(
                (s.s2**2 * (2 + _kappa / delta) + 2 * (s.c2 - s.s2) ** 2 + 4 * s.s2 * (s.c2 - s.s2))
                / s.c2**2,
                _ratio,
                ("s2", "d_over_T", "ensemble"),
            ),
            "edge": Routine(
                sp.Function("min_y")(_EDGE), kernel_edge, ("s2", "d_over_T", "ensemble")
            ),
            "lambda2_radius": Routine(sp.sqrt(s.c2 + s.s2 / delta), _radius, ("s2", "d_over_T")),
        },
        cases=(
            {"s2": 0.25, "d_over_T": 0.25, "ensemble": "ginibre"},
            {"s2": 0.25, "d_over_T": 0.25, "ensemble": "equal"},
            {"s2": 0.3, "d_over_T": 1.0, "ensemble": "ginibre"},
        ),
        judged_by=(
            Identity(_by_roots, _draw_parameters, tolerance=1e-8),
            DrawnLimit(
                ("c2", "m4_ratio", "edge", "lambda2_radius"),
                "T",
                ((24, 256), (80, 64)),
                lambda parameters, size: {**parameters, "T": size},
                _draw,
                rate=0.1,
                aim=0.25,
            ),
        ),
        wrong_twin=WrongTwin(
            "second singular value 4.5 % too large",
            {
                "edge": Routine(
                    sp.Rational(1045, 1000) * sp.Function("min_y")(_EDGE),
                    lambda s2, delta, ensemble: 1.045 * kernel_edge(s2, delta, ensemble),
                    ("s2", "d_over_T", "ensemble"),
                )
            },
        ),
    )
)
