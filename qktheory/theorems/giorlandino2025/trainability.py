"""ENT-16: the phase diagram at initialisation, lines of rank collapse and of entropy collapse."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
from scipy.optimize import brentq

from qktheory.base.domains import Integer, Parameter, Real
from qktheory.numerics import trainability
from qktheory.numerics.cosine_odds import cosine_layers_diffuse
from qktheory.numerics.freezing_boundary import s_half_capacity
from qktheory.numerics.gaussian_row import heat_capacity
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.giorlandino2025 import setting as g
from qktheory.theorems.judgements import Asymptotic, Evaluate, Identity

EPSILON = Parameter(
    "epsilon",
    Real(0.0, 1.0, low_open=True, high_open=True),
    "collapse tolerance: cosine 1 - epsilon",
)
SIGMA_V_POSITIVE = Parameter(
    "sigma_V",
    Real(low=0.0, low_open=True, high=1e100, typical=(0.3, 2.0)),
    "entries of W_V have variance sigma_V^2/d",
    default=1.0,
)
DEPTH = Parameter("L", Integer(low=1, high=10**15, typical=(1, 100)), "number of layers")
KEYS = Parameter("T", Real(low=8.0, high=1e300, typical=(8.0, 500.0)), "number of keys of the row")

_GAIN = sp.log((1 - g.epsilon) / g.epsilon) - sp.log(g.rho_0 / (1 - g.rho_0))
_GROWTH = sp.log(1 + g.sigma_V**2 / g.alpha**2)
_S_HALF = sp.Function("s_half_capacity")(g.t)

# --- ENT-16a --------------------------------------------------------------------------------------


def _by_iteration(parameters: Mapping[str, Any]) -> dict[str, float]:
    """Iterate the recursion of ENT-15d; between layers the log-odds are linear in the depth."""
    rho, epsilon, alpha, sigma_V, L = (
        parameters[n] for n in ("cosine_0", "epsilon", "alpha", "sigma_V", "L")
    )
    target = math.log((1.0 - epsilon) / epsilon)

    def log_odds(skip: float, depth: int) -> float:
        odds = rho / (1.0 - rho)
        for _ in range(depth):
            odds *= 1.0 + (sigma_V / skip) ** 2
        return math.log(odds)

    depth = 0
    while log_odds(alpha, depth + 1) < target:
        depth += 1
    below, above = log_odds(alpha, depth), log_odds(alpha, depth + 1)
    skip = brentq(lambda a: log_odds(a, L) - target, 1e-3 * sigma_V, 1e4 * sigma_V, xtol=1e-13)
    return {"critical_depth": depth + (target - below) / (above - below), "alpha_min": float(skip)}


def _draw_collapse(rng: np.random.Generator) -> dict[str, Any]:
    return {
        "cosine_0": rng.uniform(0.01, 0.6),
        "epsilon": rng.uniform(0.005, 0.3),
        "alpha": rng.uniform(0.3, 2.0),
        "sigma_V": rng.uniform(0.3, 2.0),
        "L": int(rng.integers(3, 30)),
    }


def _many_layers(
    evaluate: Evaluate, parameters: Mapping[str, Any], size: float
) -> tuple[float, float]:
    values = evaluate({**parameters, "L": size})
    return float(values["alpha_min"]), float(values["alpha_min_approx"])


def _collapse(name: str, statement: sp.Expr, compute: Any, *arguments: str) -> dict[str, Routine]:
    return {name: Routine(statement, compute, ("cosine_0", "epsilon", *arguments))}


register(
    Claim(
        id="ENT-16a",
        title="rank collapse of diffuse attention: depth and skip",
        statement=(
            "In the diffuse phase the cosine is 1 - epsilon after L_c = R/log(1 + sigma_V^2/"
            "alpha^2) layers, R = log((1 - epsilon)/epsilon) - log(cosine_0/(1 - cosine_0)); L "
            "layers stay below it for alpha > sigma_V/sqrt(e^{R/L} - 1) ~ sigma_V sqrt(L/R)."
        ),
        source=g.GIORLANDINO_2025,
        standing="derived",
        observable="cosine",
        parameters=(g.COSINE_0_INSIDE, EPSILON, g.ALPHA, SIGMA_V_POSITIVE, DEPTH),
        values={
            **_collapse(
                "critical_depth", _GAIN / _GROWTH, trainability.critical_depth, "alpha", "sigma_V"
            ),
            **_collapse(
                "alpha_min",
                g.sigma_V / sp.sqrt(sp.exp(_GAIN / g.L) - 1),
                trainability.least_skip,
                "sigma_V",
                "L",
            ),
            **_collapse(
                "alpha_min_approx",
                g.sigma_V * sp.sqrt(g.L / _GAIN),
                trainability.least_skip_deep,
                "sigma_V",
                "L",
            ),
        },
        cases=(
            {"cosine_0": 0.1, "epsilon": 0.01, "alpha": 1.0, "L": 12},
            {"cosine_0": 0.3, "epsilon": 0.1, "alpha": 2.0, "sigma_V": 1.5, "L": 24},
            {"cosine_0": 0.02, "epsilon": 0.2, "alpha": 0.5, "sigma_V": 0.4, "L": 6},
        ),
        judged_by=(
            Identity(_by_iteration, _draw_collapse, 1e-9),
            Asymptotic("alpha_min_approx", "L", (30.0, 300.0, 3000.0), _many_layers, rate=0.95),
        ),
        wrong_twin=WrongTwin(
            "R taken as 1.05 R",
            {
                **_collapse(
                    "critical_depth",
                    sp.Rational(105, 100) * _GAIN / _GROWTH,
                    lambda *given: 1.05 * trainability.critical_depth(*given),
                    "alpha",
                    "sigma_V",
                ),
                **_collapse(
                    "alpha_min_approx",
                    g.sigma_V * sp.sqrt(g.L / (sp.Rational(105, 100) * _GAIN)),
                    lambda r, eps, s, L: trainability.least_skip_deep(r, eps, s, L / 1.05),
                    "sigma_V",
                    "L",
                ),
            },
        ),
    )
)

# --- ENT-16b --------------------------------------------------------------------------------------


def _half_capacity_root(T: float) -> float:
    """Return the width at which half of the heat capacity s^2 is left."""
    ceiling = math.sqrt(2.0 * math.log(T)) + 2.0
    root = brentq(lambda s: float(heat_capacity(T, s)) / s**2 - 0.5, 0.3, ceiling, xtol=1e-13)
    return float(root)


def _frozen_line(parameters: Mapping[str, Any]) -> dict[str, float]:
    """Solve in s0 at the given cosine."""
    spread = math.sqrt(1.0 - parameters["cosine_0"])
    return {"s0_collapse": _half_capacity_root(parameters["T"]) / spread}


def _draw_line(rng: np.random.Generator) -> dict[str, Any]:
    return {"T": 10.0 ** rng.uniform(1.0, 8.0), "cosine_0": rng.uniform(0.0, 0.95)}


def _many_keys(
    evaluate: Evaluate, parameters: Mapping[str, Any], size: float
) -> tuple[float, float]:
    values = evaluate({**parameters, "T": math.exp(size)})
    return float(values["s0_collapse"]), float(values["s0_critical"])


_SPREAD = sp.sqrt(1 - g.rho_0)
register(
    Claim(
        id="ENT-16b",
        title="line of entropy collapse at finite T",
        statement=(
            "The first layer is frozen for s0 sqrt(1 - cosine_0) above the width at which a row of "
            "T keys loses half of its heat capacity (ENT-8a), whose asymptote is sqrt(2 log T)."
        ),
        source=g.after_giorlandino("line of entropy collapse at the actual T"),
        standing="derived",
        observable="entropy",
        parameters=(
            KEYS,
            Parameter(
                "cosine_0",
                Real(-1.0, 1.0, high_open=True, typical=(0.0, 0.9)),
                "cosine of two tokens before the first layer",
            ),
        ),
        values={
            "s0_collapse": Routine(
                _S_HALF / _SPREAD,
                lambda T, rho: trainability.collapse_width(float(s_half_capacity(T)), rho),
                ("T", "cosine_0"),
            ),
            "s0_critical": g.s_c / _SPREAD,
        },
        cases=(
            {"T": 1024, "cosine_0": 0.0},
            {"T": 128, "cosine_0": 0.5},
            {"T": 1e6, "cosine_0": 0.1},
        ),
        judged_by=(
            Identity(_frozen_line, _draw_line, 1e-8, most_draws=20),
            Asymptotic("s0_critical", "ln T", (12.0, 48.0, 192.0, 680.0), _many_keys, 0.45, 1.1),
        ),
        wrong_twin=WrongTwin(
            "constant 2 of s_c^2 = 2 log T taken as 2.2",
            {"s0_critical": sp.sqrt(sp.Rational(22, 10) * sp.log(g.t)) / _SPREAD},
        ),
    )
)

# --- ENT-16c --------------------------------------------------------------------------------------


def _exit_root(parameters: Mapping[str, Any]) -> dict[str, float]:
    """Solve for the cosine at which rows of width s0 sqrt(1 - cosine) are half frozen."""
    T, s0 = parameters["T"], parameters["s0"]
    root = brentq(
        lambda gap: float(heat_capacity(T, s0 * math.sqrt(gap))) / (s0**2 * gap) - 0.5,
        (0.3 / s0) ** 2,
        ((math.sqrt(2.0 * math.log(T)) + 2.0) / s0) ** 2,
        xtol=1e-14,
    )
    return {"cosine_exit": 1.0 - float(root)}


def _draw_exit(rng: np.random.Generator) -> dict[str, Any]:
    T = 10.0 ** rng.uniform(1.0, 8.0)
    return {"T": T, "s0": rng.uniform(1.2, 3.0) * math.sqrt(2.0 * math.log(T))}


register(
    Claim(
        id="ENT-16c",
        title="cosine at which layers leave the frozen phase",
        statement=(
            "Layers of width s0 are frozen up to the cosine 1 - (s_half_capacity(T)/s0)^2; as the "
            "cosine grows with depth, deeper ones are not. Negative: no layer is frozen."
        ),
        source=g.after_giorlandino("entropy collapse ends with depth"),
        standing="derived",
        observable="cosine",
        parameters=(KEYS, g.S0_POSITIVE),
        values={
            "cosine_exit": Routine(
                1 - (_S_HALF / g.s0) ** 2,
                lambda T, s0: trainability.exit_cosine(float(s_half_capacity(T)), s0),
                ("T", "s0"),
            )
        },
        cases=({"T": 1024, "s0": 6.0}, {"T": 128, "s0": 3.0}, {"T": 1e8, "s0": 20.0}),
        judged_by=(Identity(_exit_root, _draw_exit, 1e-8, most_draws=20),),
        wrong_twin=WrongTwin(
            "exponent 2 taken as 2.2",
            {
                "cosine_exit": Routine(
                    1 - (_S_HALF / g.s0) ** sp.Rational(22, 10),
                    lambda T, s0: 1.0 - (float(s_half_capacity(T)) / s0) ** 2.2,
                    ("T", "s0"),
                )
            },
        ),
    )
)

# --- ENT-16d --------------------------------------------------------------------------------------


def _by_layers(parameters: Mapping[str, Any]) -> dict[str, float]:
    """Iterate ENT-15d with the skip sqrt(L); the limit by exponentials of the odds."""
    rho, L = parameters["cosine_0"], parameters["L"]
    final = cosine_layers_diffuse(math.sqrt(L), parameters["sigma_V"], rho, L)[-1]
    grown = rho * math.exp(parameters["sigma_V"] ** 2)
    return {"cosine_final": float(final), "cosine_limit": grown / (grown + 1.0 - rho)}


def _draw_branches(rng: np.random.Generator) -> dict[str, Any]:
    return {
        "cosine_0": rng.uniform(0.0, 1.0),
        "sigma_V": rng.uniform(0.0, 3.0),
        "L": int(rng.integers(1, 2000)),
    }


def _deep(evaluate: Evaluate, parameters: Mapping[str, Any], size: float) -> tuple[float, float]:
    values = evaluate({**parameters, "L": size})
    return 1.0 - float(values["cosine_final"]), 1.0 - float(values["cosine_limit"])


_ODDS = g.rho_0 / (1 - g.rho_0)


def _cosine(odds: sp.Expr) -> sp.Expr:
    return odds / (1 + odds)


register(
    Claim(
        id="ENT-16d",
        title="branches scaled by 1/sqrt(L) do not collapse",
        statement=(
            "With alpha^2 = L the odds grow by (1 + sigma_V^2/L)^L over L layers, which tends to "
            "e^{sigma_V^2}: the cosine stays away from 1 at any depth."
        ),
        source=g.after_giorlandino("depth scaling of the branches"),
        standing="derived",
        observable="cosine",
        parameters=(g.COSINE_0, g.SIGMA_V, DEPTH),
        values={
            "cosine_final": Routine(
                _cosine(_ODDS * (1 + g.sigma_V**2 / g.L) ** g.L),
                trainability.branch_scaled_cosine,
                ("cosine_0", "sigma_V", "L"),
            ),
            "cosine_limit": Routine(
                _cosine(_ODDS * sp.exp(g.sigma_V**2)),
                trainability.branch_scaled_cosine,
                ("cosine_0", "sigma_V"),
            ),
        },
        cases=(
            {"cosine_0": 0.1, "L": 12},
            {"cosine_0": 0.4, "sigma_V": 1.5, "L": 100},
            {"cosine_0": 0.02, "sigma_V": 0.5, "L": 1000},
        ),
        judged_by=(
            Identity(_by_layers, _draw_branches, 1e-10),
            Asymptotic("cosine_limit", "L", (10.0, 100.0, 1000.0), _deep, rate=0.9),
        ),
        wrong_twin=WrongTwin(
            "e^{sigma_V^2} taken as e^{1.05 sigma_V^2}",
            {
                "cosine_limit": Routine(
                    _cosine(_ODDS * sp.exp(sp.Rational(105, 100) * g.sigma_V**2)),
                    lambda rho, sigma_V: trainability.branch_scaled_cosine(
                        rho, math.sqrt(1.05) * sigma_V
                    ),
                    ("cosine_0", "sigma_V"),
                )
            },
        ),
    )
)
