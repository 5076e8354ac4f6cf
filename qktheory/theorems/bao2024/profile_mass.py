"""LOC-7: mass of the profile and the fraction of keys it effectively occupies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
from scipy.optimize import minimize_scalar

from qktheory.base.domains import Parameter, Real
from qktheory.base.errors import bad_value
from qktheory.numerics.aliveness import rho_profile
from qktheory.numerics.profile_mass import (
    effective_fraction,
    effective_fraction_maximum,
    mass_maximum,
    profile_mass,
)
from qktheory.theorems.bao2024 import setting as s
from qktheory.theorems.bao2024.limit_profile import complete_xi, theta
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import Asymptotic, Evaluate, Identity

_rho = sp.Function("rho")(theta)
_MASS = sp.Integral(_rho, (theta, 0, 1))
_SQUARE = sp.Integral(_rho**2, (theta, 0, 1))
_N = sp.Function("N")(s.eta)
size = sp.Abs(s.xi)


def _by_panels(parameters: Mapping[str, Any]) -> dict[str, float]:
    """Gauss-Legendre on panels that shrink towards the edges of the window."""
    xi, eta = parameters["xi"], parameters["eta"]
    nodes, weights = np.polynomial.legendre.leggauss(20)
    edges = [p for p in (0.5, 0.5 + (1.0 / xi if xi else 0.0)) if 0.0 < p < 1.0]
    cuts = {0.0, 1.0, *edges}
    for edge in edges:
        for step in np.geomspace(1e-7, 1.0, 60):
            cuts.update(c for c in (edge - step, edge + step) if 0.0 < c < 1.0)
    ends = np.array(sorted(cuts))
    middle, half = (ends[1:] + ends[:-1]) / 2.0, (ends[1:] - ends[:-1]) / 2.0
    points = (middle[:, None] + half[:, None] * nodes).ravel()
    share = (half[:, None] * weights).ravel()
    rho = rho_profile(xi, eta, points)
    mass = float(share @ rho)
    return {"mass": mass, "effective_fraction": mass**2 / float(share @ rho**2)}


def _draw_plane(rng: np.random.Generator) -> dict[str, Any]:
    sign = float(rng.choice([-1.0, 1.0]))
    return {
        "xi": sign * float(10.0 ** rng.uniform(-2.0, 1.3)),
        "eta": float(10.0 ** rng.uniform(-4.0, 3.0)),
    }


register(
    Claim(
        id="LOC-7a",
        title="mass and effective fraction of the profile",
        statement="R = int rho dtheta and N = R^2/int rho^2 dtheta.",
        source=s.extends_bao("mass of the profile"),
        standing="derived",
        observable="rho",
        parameters=(s.XI, s.ETA),
        values={
            "mass": Routine(_MASS, lambda xi, eta: float(profile_mass(xi, eta)), ("xi", "eta")),
            "effective_fraction": Routine(
                _MASS**2 / _SQUARE,
                lambda xi, eta: float(effective_fraction(xi, eta)),
                ("xi", "eta"),
            ),
        },
        cases=(
            {"xi": 1.0, "eta": 0.1},
            {"xi": -4.0, "eta": 0.1},
            {"xi": 0.0, "eta": 1.0},
            {"xi": 0.2, "eta": 100.0},
        ),
        judged_by=(Identity(_by_panels, _draw_plane, tolerance=1e-8, most_draws=50),),
        wrong_twin=WrongTwin(
            "exponent 2 of the mass taken as 2.1",
            {
                "effective_fraction": Routine(
                    _MASS ** sp.Rational(21, 10) / _SQUARE,
                    lambda xi, eta: float(
                        effective_fraction(xi, eta) * profile_mass(xi, eta) ** 0.1
                    ),
                    ("xi", "eta"),
                )
            },
        ),
    )
)

# --- LOC-7b ---------------------------------------------------------------------------------------

_N_INFINITY = sp.asinh(sp.sqrt(6)) ** 2 / (sp.sqrt(6) * sp.atan(sp.sqrt(6)))


#: N = A^2/B with rho = v^(-1/2) [1 - (1 - 3 xi x + 3 xi^2 x^2)/(6 eta v)] to order 1/eta; the six
#: integrals of x^p v^(-k) over (-1/2, 1/2) that enter are elementary.
_CORRECTION = (
    _N_INFINITY
    * (8 - s.xi**2)
    * (
        sp.Rational(1, 4)
        + 3 / (14 * sp.sqrt(6) * sp.atan(sp.sqrt(6)))
        - sp.sqrt(21) / (7 * sp.sqrt(2) * sp.asinh(sp.sqrt(6)))
    )
)


def _large_eta(
    evaluate: Evaluate, parameters: Mapping[str, Any], scale: float
) -> tuple[float, float]:
    finite = float(effective_fraction(parameters["xi"], scale))
    return finite, float(evaluate(parameters)["effective_fraction_eta_to_infinity"])


def _large_eta_correction(
    evaluate: Evaluate, parameters: Mapping[str, Any], scale: float
) -> tuple[float, float]:
    values = evaluate(parameters)
    limit = float(values["effective_fraction_eta_to_infinity"])
    finite = scale * (float(effective_fraction(parameters["xi"], scale)) - limit)
    return finite, float(values["effective_fraction_correction"])


def _small_eta(
    evaluate: Evaluate, parameters: Mapping[str, Any], scale: float
) -> tuple[float, float]:
    finite = float(effective_fraction(parameters["xi"], 1.0 / scale))
    return finite, float(evaluate(parameters)["effective_fraction_eta_to_zero"])


register(
    Claim(
        id="LOC-7b",
        title="effective fraction for small and large eta",
        statement=(
            "As eta -> 0, N tends to min(1/2, 1/|xi|) (1 at xi = 0); as eta -> infinity to "
            "asinh(sqrt 6)^2/(sqrt 6 arctan sqrt 6) for every xi, with a 1/eta correction "
            "proportional to 8 - xi^2."
        ),
        source=s.extends_bao("mass of the profile, limits"),
        standing="derived",
        observable="rho",
        parameters=(s.XI,),
        values={
            "effective_fraction_eta_to_zero": sp.Piecewise(
                (1, sp.Eq(s.xi, 0)), (sp.Min(sp.Rational(1, 2), 1 / size), True)
            ),
            "effective_fraction_eta_to_infinity": _N_INFINITY,
            "effective_fraction_correction": _CORRECTION,
        },
        cases=({"xi": 1.0}, {"xi": -4.0}, {"xi": 0.0}, {"xi": 2.0}),
        judged_by=(
            Asymptotic(
                "effective_fraction_eta_to_infinity", "eta", (1e2, 1e3, 1e4), _large_eta, rate=0.9
            ),
            Asymptotic(
                "effective_fraction_correction",
                "eta",
                (1e2, 1e3, 1e4),
                _large_eta_correction,
                rate=0.9,
                floor=1e-6,
            ),
            Asymptotic(
                "effective_fraction_eta_to_zero", "1/eta", (1e4, 1e6, 1e8), _small_eta, rate=0.45
            ),
        ),
        wrong_twin=WrongTwin(
            "constant 6 under the root taken as 6.5",
            {"effective_fraction_eta_to_infinity": _N_INFINITY.subs(6, sp.Rational(13, 2))},
        ),
    )
)

# --- LOC-7c, LOC-7d -------------------------------------------------------------------------------

_EDGE = 2.0 * float(np.sqrt(2.0))


def _complete_narrow(parameters: dict[str, Any]) -> None:
    complete_xi(parameters)
    if abs(parameters["xi"]) >= _EDGE:
        raise bad_value("xi", parameters["xi"], "0 < |xi| < 2 sqrt 2 = 2.82843")


def _complete_wide(parameters: dict[str, Any]) -> None:
    if abs(parameters["xi"]) <= 2.0:
        raise bad_value("xi", parameters["xi"], "|xi| > 2")


def _search(function: Any, xi: float) -> tuple[float, float]:
    """Maximise over eta on a grid, then by Brent's method."""
    grid = np.geomspace(1e-3 * xi * xi + 1e-4, 1e2 * (1.0 + xi * xi), 40)
    best = int(np.argmax([function(xi, float(eta)) for eta in grid]))
    ends = np.log(grid[[max(best - 1, 0), best, min(best + 1, len(grid) - 1)]])
    found = minimize_scalar(
        lambda log_eta: -float(function(xi, float(np.exp(log_eta)))), bracket=tuple(ends), tol=1e-10
    )
    return -float(found.fun), float(np.exp(found.x))


def _largest_fraction(parameters: Mapping[str, Any]) -> dict[str, float]:
    value, eta = _search(effective_fraction, abs(parameters["xi"]))
    return {"effective_fraction_max": value, "eta_at_effective_fraction_max": eta}


def _largest_mass(parameters: Mapping[str, Any]) -> dict[str, float]:
    value, eta = _search(profile_mass, abs(parameters["xi"]))
    return {"mass_max": value, "eta_at_mass_max": eta}


def _entry(index: int, statement: sp.Basic, factor: float = 1.0) -> Routine:
    return Routine(statement, lambda found: factor * float(found[index]), ("maximum",))


_MAX_N, _ARGMAX_N = (sp.Function(name)(_N) for name in ("max", "argmax"))

register(
    Claim(
        id="LOC-7c",
        title="largest effective fraction over eta",
        statement=(
            "For 0 < |xi| < 2 sqrt 2 the effective fraction overshoots its limit and comes back: "
            "its maximum over eta and where it is."
        ),
        source=s.extends_bao("mass of the profile"),
        standing="derived",
        observable="rho",
        parameters=(Parameter("xi", Real(typical=(0.1, 2.5)), "trace of M, 0 < |xi| < 2 sqrt 2"),),
        complete=_complete_narrow,
        where={"maximum": Routine(_MAX_N, effective_fraction_maximum, ("xi",))},
        values={
            "effective_fraction_max": _entry(0, _MAX_N),
            "eta_at_effective_fraction_max": _entry(1, _ARGMAX_N),
        },
        cases=({"xi": 0.05}, {"xi": 1.0}, {"xi": -2.0}),
        judged_by=(
            Identity(
                _largest_fraction,
                lambda rng: {"xi": float(rng.choice([-1, 1]) * rng.uniform(0.1, 2.0))},
                tolerance=1e-4,
                most_draws=10,
            ),
        ),
        wrong_twin=WrongTwin(
            "maximum taken 2 % too small", {"effective_fraction_max": _entry(0, _MAX_N, 0.98)}
        ),
    )
)

register(
    Claim(
        id="LOC-7d",
        title="largest mass over eta",
        statement="For |xi| > 2 the mass is not monotone in eta: its maximum and where it is.",
        source=s.extends_bao("mass of the profile"),
        standing="derived",
        observable="rho",
        parameters=(Parameter("xi", Real(typical=(2.2, 12.0)), "trace of M, |xi| > 2"),),
        complete=_complete_wide,
        where={"maximum": Routine(_MAX_N, mass_maximum, ("xi",))},
        values={
            "mass_max": _entry(0, sp.Function("max")(_MASS)),
            "eta_at_mass_max": _entry(1, sp.Function("argmax")(_MASS)),
        },
        cases=({"xi": 4.0}, {"xi": 10.0}, {"xi": -3.0}),
        judged_by=(
            Identity(
                _largest_mass,
                lambda rng: {"xi": float(rng.choice([-1, 1]) * rng.uniform(2.5, 20.0))},
                tolerance=1e-4,
                most_draws=10,
            ),
        ),
        wrong_twin=WrongTwin(
            "maximum taken 2 % too small", {"mass_max": _entry(0, sp.Function("max")(_MASS), 0.98)}
        ),
    )
)
