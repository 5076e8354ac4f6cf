"""ENT-15b: odds of the cosine layer by layer as T grows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from qktheory.base.errors import bad_value
from qktheory.numerics.cosine_odds import cosine_layers_large_t
from qktheory.numerics.gaussian_row import mean_participation
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.giorlandino2025 import setting as g
from qktheory.theorems.judgements import Asymptotic, Evaluate, Identity
from qktheory.theorems.random_energy import setting as e

FloatArray = NDArray[np.float64]

_layer = sp.Symbol("l", integer=True, nonnegative=True)
_odds = sp.Function("o")
_gain = g.sigma_V**2 / g.alpha**2

_width = g.s0 / sp.sqrt(1 + _odds(_layer))
_FROZEN = sp.Max(0, 1 - g.s_c / _width)
_LARGE_T = sp.Eq(_odds(_layer + 1), _odds(_layer) * (1 + _gain) / (1 + _gain * _FROZEN))
_ARGUMENTS = ("T", "s0", "alpha", "sigma_V", "cosine_0", "L")


def _complete(parameters: dict[str, Any]) -> None:
    """Demand, beside the common conditions, that the first layer leaves something of the tokens."""
    g.complete_layer(parameters)
    diffuse = parameters["s0"] <= math.sqrt(2.0 * math.log(parameters["T"]))
    if parameters["alpha"] == 0.0 and parameters["cosine_0"] == 0.0 and diffuse:
        raise bad_value(
            "cosine_0", 0.0, "a cosine > 0: without a skip, diffuse rows map such tokens to 0"
        )


def _by_recursion(parameters: Mapping[str, Any]) -> dict[str, FloatArray]:
    """Iterate (R) for the cosine itself with C = 0 and Y = max(0, 1 - s_c/s)."""
    a, v = parameters["alpha"] ** 2, parameters["sigma_V"] ** 2
    freezing = math.sqrt(2.0 * math.log(parameters["T"]))
    rho, found = parameters["cosine_0"], []
    for _ in range(parameters["L"]):
        s = parameters["s0"] * math.sqrt(1.0 - rho)
        Y = max(0.0, 1.0 - freezing / s) if s > 0.0 else 0.0
        gap = (1.0 - rho) * (a + v * Y) / (a + v * (rho + (1.0 - rho) * Y))
        rho = 1.0 - gap
        found.append(rho)
    return {"cosine_layers": np.array(found)}


def _draw_large_t(rng: np.random.Generator) -> dict[str, Any]:
    return {
        "T": 10.0 ** rng.uniform(0.3, 12.0),
        "s0": 10.0 ** rng.uniform(-1.0, 1.3),
        "alpha": rng.uniform(0.1, 3.0),
        "sigma_V": rng.uniform(0.1, 3.0),
        "cosine_0": rng.uniform(0.01, 0.99),
        "L": int(rng.integers(1, 6)),
    }


def _exact_rows(
    evaluate: Evaluate, parameters: Mapping[str, Any], size: float
) -> tuple[float, float]:
    """One layer at fixed b = s/s_c with the exact E Y_2 of T keys, and its limit."""
    T, rho = math.exp(size), parameters["cosine_0"]
    grown = {**parameters, "T": T, "L": 1}
    grown["s0"] = parameters["s0"] * math.sqrt(size / math.log(parameters["T"]))
    Y = float(mean_participation(T, grown["s0"] * math.sqrt(1.0 - rho)))
    a, v = parameters["alpha"] ** 2, parameters["sigma_V"] ** 2
    gap = (1.0 - rho) * (a + v * Y) / (a + v * (rho + (1.0 - rho) * Y))
    return gap, 1.0 - float(evaluate(grown)["cosine_layers"][0])


def _wrong_freezing(*arguments: Any) -> FloatArray:
    T, *rest = arguments
    return cosine_layers_large_t(T**1.2, *rest)


register(
    Claim(
        id="ENT-15b",
        title="cosine of tokens layer by layer as T grows",
        statement=(
            "As T -> infinity (after d) rows overlap in no key and E Y_2 -> max(0, 1 - s_c/s) with "
            "s = s0 sqrt(1 - cosine): the odds o = cosine/(1 - cosine) obey "
            "o' = o (1 + v)/(1 + v Y), v = sigma_V^2/alpha^2."
        ),
        source=g.GIORLANDINO_2025,
        standing="theorem",
        observable="cosine",
        parameters=(e.T, g.S0, g.ALPHA, g.SIGMA_V, g.COSINE_0, g.LAYERS),
        complete=_complete,
        values={"cosine_layers": Routine(_LARGE_T, cosine_layers_large_t, _ARGUMENTS)},
        cases=(
            {"T": 512, "s0": 2.5, "alpha": 2.0, "cosine_0": 0.1, "L": 3},
            {"T": 512, "s0": 6.0, "alpha": 0.5, "cosine_0": 0.1, "L": 3},
            {"T": 1e12, "s0": 20.0, "alpha": 1.5, "sigma_V": 2.0, "cosine_0": 0.3, "L": 5},
        ),
        judged_by=(
            Identity(_by_recursion, _draw_large_t, 1e-11),
            Asymptotic("cosine_layers", "ln T", (20.0, 60.0, 180.0), _exact_rows, rate=0.5),
        ),
        wrong_twin=WrongTwin(
            "s_c taken as sqrt(1.2) s_c",
            {"cosine_layers": Routine(_LARGE_T, _wrong_freezing, _ARGUMENTS)},
        ),
    )
)
