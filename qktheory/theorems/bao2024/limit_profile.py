"""LOC-4: the profile rho(theta) as T and d grow, its extremes and its limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
from scipy.integrate import quad
from scipy.optimize import minimize_scalar

from qktheory.base.domains import Parameter, Real
from qktheory.base.errors import bad_value
from qktheory.numerics.aliveness import rho_extremes, rho_profile
from qktheory.simulation.realization import Realization
from qktheory.symbolic.functions import NormalInterval
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.bao2024 import setting as s
from qktheory.theorems.claim import CLAIMS, Claim, Predicts, Routine, WrongTwin, register
from qktheory.theorems.judgements import Asymptotic, Evaluate, Identity, PathwiseBound

theta, v, b = symbol("theta"), symbol("v"), symbol("xi_over_sqrt_eta")
offset = theta - sp.Rational(1, 2)
#: v(theta) = 2 theta^2 - 2 theta + 7/12 = 2 x^2 + 1/12, x = theta - 1/2.
V = 2 * offset**2 + sp.Rational(1, 12)
RHO = NormalInterval(-s.xi * offset / sp.sqrt(s.eta * v), (1 - s.xi * offset) / sp.sqrt(s.eta * v))

# --- LOC-4a ---------------------------------------------------------------------------------------


def _finite_T(
    evaluate: Evaluate, parameters: Mapping[str, Any], size: float
) -> tuple[float, float]:
    T = int(size)
    eta = parameters["eta"]
    finite = CLAIMS["LOC-3a"].evaluate(
        xi=parameters["xi"], eta_F=eta, eta=eta, T=T, key=max(1, round(parameters["theta"] * T))
    )
    return finite["rho_gaussian"], float(evaluate(parameters)["rho"])


def _relative_positions(realization: Realization) -> dict[str, Any]:
    T = realization.ensemble.T
    return {"xi": realization.xi, "eta": realization.eta, "theta": np.arange(1, T + 1) / T}


register(
    Claim(
        id="LOC-4a",
        title="profile of the signal propagation probability",
        statement=(
            "For symmetric M without spikes, rho_i at i = theta T tends to "
            "Phi((1 - xi x)/sqrt(eta v)) - Phi(-xi x/sqrt(eta v)), x = theta - 1/2, "
            "v = 2 x^2 + 1/12, as T and d grow."
        ),
        source=s.extends_bao("Theorem 1, limit of large T"),
        standing="theorem",
        observable="rho",
        parameters=(s.XI, s.ETA, s.THETA),
        where={"v": V},
        values={"rho": RHO},
        assumptions=(s.RANDOM_WALK, s.LAST_QUERY, s.FREE_QUERY, s.SYMMETRIC),
        predicts=(Predicts("rho", "rho", "asymptotic", _relative_positions),),
        cases=(
            {"xi": 1.0, "eta": 0.1, "theta": 0.75},
            {"xi": 4.0, "eta": 0.5, "theta": 0.25},
            {"xi": -1.0, "eta": 10.0, "theta": 1.0},
            {"xi": 0.2, "eta": 1.0, "theta": 0.5},
        ),
        judged_by=(Asymptotic("rho", "T", (64, 256, 1024, 4096, 16384), _finite_T, rate=1.0),),
        wrong_twin=WrongTwin(
            "constant 1/12 of v taken as 1/11", {"v": 2 * offset**2 + sp.Rational(1, 11)}
        ),
    )
)

# --- LOC-4b ---------------------------------------------------------------------------------------

_rho_of_theta = sp.Function("rho")(theta)
rho_max, rho_min = symbol("rho_max"), symbol("rho_min")


def _extremes_field(name: str, statement: sp.Basic, factor: float = 1.0) -> Routine:
    return Routine(statement, lambda extremes: factor * getattr(extremes, name), ("extremes",))


_MAXIMUM = sp.Function("max")(_rho_of_theta)
_MINIMUM = sp.Function("min")(_rho_of_theta)


def _profile_sides(
    parameters: Mapping[str, Any], values: Mapping[str, Any], rng: np.random.Generator
) -> list[tuple[float, float]]:
    """rho_min <= rho(theta) <= rho_max at the claimed maximiser, the ends and random theta."""
    xi, eta = parameters["xi"], parameters["eta"]
    positions = np.concatenate([[0.0, 0.5, 1.0, values["theta_max"]], rng.random(60)])
    rho = rho_profile(xi, eta, positions)
    high = [(float(value), float(values["rho_max"])) for value in rho]
    low = [(float(values["rho_min"]), float(value)) for value in rho]
    return high + low


def _draw_plane(rng: np.random.Generator) -> dict[str, Any]:
    """Draw (xi, eta) over several decades, both signs of xi."""
    size = 10.0 ** rng.uniform(-2.0, 1.5)
    return {"xi": float(rng.choice([-1.0, 1.0]) * size), "eta": float(10.0 ** rng.uniform(-2, 3))}


register(
    Claim(
        id="LOC-4b",
        title="extremes of the profile",
        statement=(
            "For xi >= 0 the minimum of rho over theta is at theta = 0 and the maximum lies in "
            "[1/2, min(1, 1/2 + 1/xi)]; contrast = rho_max - rho_min. Negative xi mirrors theta."
        ),
        source=s.extends_bao("facts (i) to (iii) on the profile"),
        standing="derived",
        observable="rho",
        parameters=(s.XI, s.ETA),
        where={"extremes": Routine(_rho_of_theta, rho_extremes, ("xi", "eta"))},
        values={
            "contrast": _extremes_field("contrast", _MAXIMUM - _MINIMUM),
            "rho_max": _extremes_field("rho_max", _MAXIMUM),
            "rho_min": _extremes_field("rho_min", _MINIMUM),
            "theta_max": _extremes_field("theta_max", sp.Function("argmax")(_rho_of_theta)),
        },
        cases=(
            {"xi": 1.0, "eta": 0.1},
            {"xi": -4.0, "eta": 0.1},
            {"xi": 0.0, "eta": 1.0},
            {"xi": 0.2, "eta": 10.0},
        ),
        judged_by=(PathwiseBound(_profile_sides, _draw_plane),),
        wrong_twin=WrongTwin(
            "maximum taken 5 % too small", {"rho_max": _extremes_field("rho_max", _MAXIMUM, 0.95)}
        ),
    )
)

# --- LOC-4c ---------------------------------------------------------------------------------------

XI_NOT_ZERO = Parameter("xi", Real(typical=(0.3, 5.0)), "trace of M, not 0")


def complete_xi(parameters: dict[str, Any]) -> None:
    """Demand a trace that is not 0."""
    if parameters["xi"] == 0.0:
        raise bad_value("xi", parameters["xi"], "a number other than 0")


def _step(distance: float) -> float:
    """Heaviside with value 1/2 at 0; positions such as 0.7 - 1/2 = 0.2 are off by rounding."""
    return 0.5 if abs(distance) <= 1e-12 else float(distance > 0.0)


def _window(edge: float) -> Routine:
    """Return the indicator of 0 < xi x < edge, 1/2 on the edges."""
    y = s.xi * offset
    return Routine(
        sp.Heaviside(y) - sp.Heaviside(y - edge),
        lambda xi, theta: _step(xi * (theta - 0.5)) - _step(xi * (theta - 0.5) - edge),
        ("xi", "theta"),
    )


def _small_eta(
    evaluate: Evaluate, parameters: Mapping[str, Any], size: float
) -> tuple[float, float]:
    rho = rho_profile(parameters["xi"], 1.0 / size, parameters["theta"])
    return float(rho), float(evaluate(parameters)["rho_eta_to_zero"])


def _small_eta_mass(
    evaluate: Evaluate, parameters: Mapping[str, Any], size: float
) -> tuple[float, float]:
    xi = parameters["xi"]
    edges = [p for p in (0.5, 0.5 + 1.0 / xi) if 0.0 < p < 1.0]
    mass = quad(
        lambda position: float(rho_profile(xi, 1.0 / size, position)),
        0.0,
        1.0,
        points=edges,
        limit=400,
    )[0]
    return float(mass), float(evaluate(parameters)["living_fraction"])


register(
    Claim(
        id="LOC-4c",
        title="profile for a concentrated spectrum, eta -> 0",
        statement=(
            "As eta -> 0 at fixed xi != 0, rho tends to the indicator of 0 < xi x < 1 (1/2 on the "
            "edges): a fraction min(1/2, 1/|xi|) of the keys is alive."
        ),
        source=s.extends_bao("limit of a concentrated spectrum"),
        standing="derived",
        observable="rho",
        parameters=(XI_NOT_ZERO, s.THETA),
        complete=complete_xi,
        values={
            "rho_eta_to_zero": _window(1.0),
            "living_fraction": sp.Min(sp.Rational(1, 2), 1 / sp.Abs(s.xi)),
        },
        cases=(
            {"xi": 4.0, "theta": 0.76},
            {"xi": 4.0, "theta": 0.75},
            {"xi": -4.0, "theta": 0.4},
            {"xi": 1.0, "theta": 0.9},
            {"xi": 1.0, "theta": 0.5},
        ),
        judged_by=(
            Asymptotic("rho_eta_to_zero", "1/eta", (1e2, 1e3, 1e4, 1e5), _small_eta, rate=1.0),
            Asymptotic("living_fraction", "1/eta", (1e1, 1e2, 1e3, 1e4), _small_eta_mass, rate=0.5),
        ),
        wrong_twin=WrongTwin("edge of the window 1.1/|xi|", {"rho_eta_to_zero": _window(1.1)}),
    )
)

# --- LOC-4d ---------------------------------------------------------------------------------------


def _large_eta(
    evaluate: Evaluate, parameters: Mapping[str, Any], size: float
) -> tuple[float, float]:
    at_size = {**parameters, "eta": size}
    rho = rho_profile(0.7, size, parameters["theta"])
    return float(rho), float(evaluate(at_size)["rho_large_eta"])


register(
    Claim(
        id="LOC-4d",
        title="profile for large eta",
        statement="rho is asymptotically (2 pi eta v)^(-1/2) as eta -> infinity at fixed xi.",
        source=s.extends_bao("limit of a wide spectrum"),
        standing="derived",
        observable="rho",
        parameters=(s.ETA, s.THETA),
        where={"v": V},
        values={"rho_large_eta": (2 * sp.pi * s.eta * v) ** sp.Rational(-1, 2)},
        cases=(
            {"eta": 1e4, "theta": 0.0},
            {"eta": 1e4, "theta": 0.5},
            {"eta": 1e4, "theta": 0.8},
        ),
        judged_by=(Asymptotic("rho_large_eta", "eta", (1e1, 1e2, 1e3, 1e4), _large_eta, rate=1.0),),
        wrong_twin=WrongTwin(
            "exponent -1/2 taken as -0.6",
            {"rho_large_eta": (2 * sp.pi * s.eta * v) ** sp.Rational(-6, 10)},
        ),
    )
)

# --- LOC-4e ---------------------------------------------------------------------------------------

eta_star = symbol("eta_star")


def _maximal_contrast(parameters: Mapping[str, Any]) -> dict[str, float]:
    best = minimize_scalar(
        lambda log_eta: -rho_extremes(0.0, float(np.exp(log_eta))).contrast,
        bracket=(0.0, 1.5, 4.0),
        tol=1e-10,
    )
    wide = rho_profile(0.0, 1e14, np.array([0.5, 0.0]))
    return {
        "eta_star": float(np.exp(best.x)),
        "contrast_max": -float(best.fun),
        "center_to_edge_ratio": float(wide[0] / wide[1]),
    }


register(
    Claim(
        id="LOC-4e",
        title="contrast on the axis xi = 0",
        statement=(
            "At xi = 0 the contrast rho_{1/2} - rho_0 rises to 0.2186 at eta = 72/(7 ln 7), then "
            "falls; for large eta the ratio of centre to edge is sqrt 7."
        ),
        source=s.extends_bao("the axis of zero trace"),
        standing="derived",
        observable="rho",
        parameters=(),
        values={
            "eta_star": 72 / (7 * sp.log(7)),
            "contrast_max": NormalInterval(
                sp.sqrt(sp.Rational(12, 7) / eta_star), sp.sqrt(12 / eta_star)
            ),
            "center_to_edge_ratio": sp.sqrt(7),
        },
        cases=({},),
        judged_by=(Identity(_maximal_contrast, lambda rng: {}, tolerance=1e-6),),
        wrong_twin=WrongTwin("constant 72 taken as 74", {"eta_star": 74 / (7 * sp.log(7))}),
    )
)

# --- LOC-4f ---------------------------------------------------------------------------------------


def _small_scale(
    evaluate: Evaluate, parameters: Mapping[str, Any], size: float
) -> tuple[float, float]:
    rho = rho_profile(parameters["xi_over_sqrt_eta"] / size, 1.0 / size**2, parameters["theta"])
    return float(rho), float(evaluate(parameters)["rho_small_scale"])


register(
    Claim(
        id="LOC-4f",
        title="profile for small xi and eta",
        statement="As xi, eta -> 0 at fixed b = xi/sqrt(eta), rho tends to Phi(b x/sqrt v).",
        source=s.extends_bao("limit of small logits"),
        standing="derived",
        observable="rho",
        parameters=(
            Parameter("xi_over_sqrt_eta", Real(typical=(-3.0, 3.0)), "xi/sqrt(eta)"),
            s.THETA,
        ),
        where={"v": V},
        values={"rho_small_scale": NormalInterval(-sp.oo, b * offset / sp.sqrt(v))},
        cases=(
            {"xi_over_sqrt_eta": 1.0, "theta": 1.0},
            {"xi_over_sqrt_eta": -2.0, "theta": 0.25},
            {"xi_over_sqrt_eta": 0.5, "theta": 0.8},
        ),
        judged_by=(
            Asymptotic("rho_small_scale", "1/sqrt(eta)", (1.0, 4.0, 16.0), _small_scale, rate=1.0),
        ),
        wrong_twin=WrongTwin(
            "sign of b", {"rho_small_scale": NormalInterval(-sp.oo, -b * offset / sp.sqrt(v))}
        ),
    )
)
