"""ENT-15d, e: the diffuse phase in closed form, and the cubic collapse without a skip."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from qktheory.base.domains import Parameter, Real
from qktheory.numerics.cosine_odds import cosine_layers_diffuse
from qktheory.numerics.depth_recursion import cosine_layers, cosine_layers_finite_d
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.giorlandino2025 import setting as g
from qktheory.theorems.judgements import Asymptotic, Evaluate, Identity
from qktheory.theorems.random_energy import setting as e

FloatArray = NDArray[np.float64]

_layer = sp.Symbol("l", integer=True, nonnegative=True)
_odds = sp.Function("o")
_gain = g.sigma_V**2 / g.alpha**2

# --- ENT-15d --------------------------------------------------------------------------------------

_CLOSED = sp.Eq(_odds(_layer), g.rho_0 / (1 - g.rho_0) * (1 + _gain) ** _layer)


def _by_odds(parameters: Mapping[str, Any]) -> dict[str, FloatArray]:
    """Multiply the odds layer by layer."""
    ratio = 1.0 + (parameters["sigma_V"] / parameters["alpha"]) ** 2
    odds = parameters["cosine_0"] / (1.0 - parameters["cosine_0"])
    grown = odds * np.cumprod(np.full(parameters["L"], ratio))
    return {"cosine_layers": grown / (1.0 + grown)}


def _draw_diffuse(rng: np.random.Generator) -> dict[str, Any]:
    return {
        "alpha": rng.uniform(0.1, 3.0),
        "sigma_V": rng.uniform(0.0, 3.0),
        "cosine_0": rng.uniform(0.0, 0.99),
        "L": int(rng.integers(1, 8)),
    }


def _exact_diffuse(
    evaluate: Evaluate, parameters: Mapping[str, Any], size: float
) -> tuple[float, float]:
    """(R) with the exact E Y_2 and C of T = size keys at s0 = 1, after at most two layers."""
    L = min(parameters["L"], 2)
    exact = cosine_layers(
        size, 1.0, parameters["alpha"], parameters["sigma_V"], parameters["cosine_0"], L
    )
    return 1.0 - float(exact[-1]), 1.0 - float(
        evaluate({**parameters, "L": L})["cosine_layers"][-1]
    )


register(
    Claim(
        id="ENT-15d",
        title="cosine of tokens layer by layer in diffuse attention",
        statement=(
            "In the diffuse phase as T -> infinity every layer multiplies the odds "
            "cosine/(1 - cosine) by 1 + sigma_V^2/alpha^2."
        ),
        source=g.GIORLANDINO_2025,
        standing="theorem",
        observable="cosine",
        parameters=(g.ALPHA_POSITIVE, g.SIGMA_V, g.COSINE_0, g.LAYERS),
        values={
            "cosine_layers": Routine(
                _CLOSED, cosine_layers_diffuse, ("alpha", "sigma_V", "cosine_0", "L")
            )
        },
        cases=(
            {"alpha": 1.0, "cosine_0": 0.1, "L": 3},
            {"alpha": 2.0, "sigma_V": 1.5, "cosine_0": 0.4, "L": 4},
            {"alpha": 0.5, "sigma_V": 0.3, "cosine_0": 0.02, "L": 2},
        ),
        judged_by=(
            Identity(_by_odds, _draw_diffuse, 1e-12),
            Asymptotic("cosine_layers", "T", (100.0, 1000.0, 10000.0), _exact_diffuse, rate=0.9),
        ),
        wrong_twin=WrongTwin(
            "sigma_V^2/alpha^2 taken as 1.1 sigma_V^2/alpha^2",
            {
                "cosine_layers": Routine(
                    sp.Eq(
                        _odds(_layer),
                        g.rho_0 / (1 - g.rho_0) * (1 + sp.Rational(11, 10) * _gain) ** _layer,
                    ),
                    lambda alpha, sigma_V, cosine_0, L: cosine_layers_diffuse(
                        alpha, math.sqrt(1.1) * sigma_V, cosine_0, L
                    ),
                    ("alpha", "sigma_V", "cosine_0", "L"),
                )
            },
        ),
    )
)

# --- ENT-15e --------------------------------------------------------------------------------------

_gap = sp.Symbol("one_minus_cosine", real=True)
_CUBIC = g.s0**2 * (1 / g.t + 1 / g.d) * _gap**3


def _near_one(
    evaluate: Evaluate, parameters: Mapping[str, Any], size: float
) -> tuple[float, float]:
    """(R_d) without skip at 1 - cosine = size^(-1/2), T and d growing like size^2."""
    gap = parameters["one_minus_cosine"] * size**-0.5
    T, d = size**2, max(1.0, round(size**2 * parameters["d"] / parameters["T"]))
    exact = cosine_layers_finite_d(T, d, parameters["s0"], 0.0, 1.0, 1.0 - gap, 1)
    grown = {**parameters, "T": T, "d": d, "one_minus_cosine": gap}
    return 1.0 - float(exact[0]), float(evaluate(grown)["one_minus_cosine_out"])


register(
    Claim(
        id="ENT-15e",
        title="cubic collapse of nearly equal tokens without a skip",
        statement=(
            "For alpha = 0 and 1 - cosine -> 0, above 1/(s0^2 (T + d)), a layer maps 1 - cosine to "
            "s0^2 (1/T + 1/d) (1 - cosine)^3 by the finite-d recursion, a doubly exponential "
            "collapse."
        ),
        source=g.after_giorlandino("collapse without a skip, finite d"),
        standing="derived",
        observable="cosine",
        parameters=(
            e.T,
            g.D,
            g.S0,
            Parameter("one_minus_cosine", Real(0.0, 1.0), "1 - cosine before the layer"),
        ),
        values={"one_minus_cosine_out": _CUBIC},
        cases=(
            {"T": 512, "d": 512, "s0": 1.0, "one_minus_cosine": 0.5},
            {"T": 512, "d": 128, "s0": 1.5, "one_minus_cosine": 0.4},
            {"T": 100, "d": 300, "s0": 0.7, "one_minus_cosine": 0.8},
        ),
        judged_by=(
            Asymptotic(
                "one_minus_cosine_out", "size", (10.0, 40.0, 160.0), _near_one, rate=0.5, slack=1.6
            ),
        ),
        wrong_twin=WrongTwin(
            "exponent 3 taken as 2.75",
            {"one_minus_cosine_out": g.s0**2 * (1 / g.t + 1 / g.d) * _gap ** sp.Rational(11, 4)},
        ),
    )
)
