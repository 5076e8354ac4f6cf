"""LOC-6: the phase map of the profile in the (xi, eta) plane, with exact boundaries."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from statistics import NormalDist
from typing import Any

import numpy as np
import sympy as sp
from scipy.optimize import brentq, fsolve, minimize_scalar
from scipy.special import ndtri as _normal_quantile

from qktheory.base.domains import Parameter, Real
from qktheory.base.errors import bad_value
from qktheory.numerics.aliveness import rho_extremes, rho_profile
from qktheory.numerics.phase_map import (
    eta_late_middle,
    eta_unlocalized,
    late_lens,
    lens_tip,
    triple_point,
)
from qktheory.numerics.profile_shape import phase
from qktheory.symbolic.functions import NormalInterval
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.bao2024 import setting as s
from qktheory.theorems.bao2024.limit_profile import RHO, XI_NOT_ZERO, V, complete_xi, theta, v
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import Asymptotic, Evaluate, Identity

size = sp.Abs(s.xi)
threshold, p = symbol("threshold"), symbol("normal_quantile")
_contrast, _lateness = (sp.Function(n)(s.xi, s.eta) for n in ("C", "ell"))
THRESHOLD = Parameter(
    "threshold",
    Real(low=0.0, high=1.0, low_open=True, high_open=True, typical=(0.23, 0.6)),
    "contrast below which a profile counts as unlocalized",
    default=0.25,
)


def _at(position: sp.Expr) -> sp.Expr:
    return RHO.subs(v, V).subs({theta: position, s.xi: size})


def _direct(xi: float, eta: float) -> tuple[float, float]:
    """Return contrast and lateness from the profile itself."""
    contrast = float(rho_extremes(abs(xi), eta).contrast)
    first, last = (float(rho_profile(abs(xi), eta, end)) for end in (0.0, 1.0))
    return contrast, (last - first) / contrast


def _draw_plane(rng: np.random.Generator) -> dict[str, Any]:
    # Beyond these ranges the phases do not change any more.
    sign = float(rng.choice([-1.0, 1.0]))
    return {
        "xi": sign * float(10.0 ** rng.uniform(-2.0, 1.0)),
        "eta": float(10.0 ** rng.uniform(-1.0, 2.0)),
    }


def _by_definition(parameters: Mapping[str, Any]) -> dict[str, float]:
    contrast, lateness = _direct(parameters["xi"], parameters["eta"])
    return {
        "contrast": contrast,
        "lateness": lateness,
        "phase": 0 if contrast < 0.25 else 1 if lateness >= 0.5 else 2,
    }


def _map_field(name: str, statement: sp.Basic) -> Routine:
    return Routine(statement, lambda point: np.asarray(getattr(point, name))[()], ("point",))


rho_first, rho_last, contrast = symbol("rho_first"), symbol("rho_last"), symbol("contrast")

register(
    Claim(
        id="LOC-6a",
        title="phase of a profile: unlocalized, late, middle",
        statement=(
            "With contrast C = max rho - min rho and lateness = (rho_1 - rho_0)/C (|xi| in place "
            "of xi): unlocalized (0) if C < 1/4, late (1) if lateness >= 1/2, else middle (2). "
            "A statement about aliveness, not about attention weight."
        ),
        source=s.extends_bao("phases of the profile"),
        standing="derived",
        observable="rho",
        parameters=(s.XI, s.ETA),
        where={
            "point": Routine(sp.Tuple(_contrast, _lateness), phase, ("xi", "eta")),
            "rho_first": _at(sp.Integer(0)),
            "rho_last": _at(sp.Integer(1)),
        },
        values={
            "contrast": _map_field("contrast", _contrast),
            "lateness": (rho_last - rho_first) / contrast,
            "phase": _map_field(
                "phase",
                sp.Piecewise(
                    (0, _contrast < sp.Rational(1, 4)),
                    (1, _lateness >= sp.Rational(1, 2)),
                    (2, True),
                ),
            ),
        },
        cases=(
            {"xi": 1.0, "eta": 0.5},
            {"xi": -1.0, "eta": 3.0},
            {"xi": 4.0, "eta": 1.0},
            {"xi": 0.1, "eta": 1.0},
        ),
        judged_by=(Identity(_by_definition, _draw_plane, tolerance=1e-8),),
        wrong_twin=WrongTwin(
            "sign of rho_0 in the lateness", {"lateness": (rho_last + rho_first) / contrast}
        ),
    )
)

# --- boundaries -----------------------------------------------------------------------------------


def _root(name: str, statement: sp.Basic, factor: float = 1.0) -> Routine:
    return Routine(statement, lambda value: factor * float(value), (name,))


def _contrast_root(parameters: Mapping[str, Any]) -> dict[str, float]:
    """Bisect the contrast, downwards from where it is below the threshold."""
    xi, level = parameters["xi"], parameters["threshold"]
    grid = np.geomspace(1e6 * (1.0 + xi * xi), 1e-4 * min(1.0, xi * xi), 100)
    for above, below in pairwise(grid):
        if rho_extremes(xi, below).contrast >= level:
            root = brentq(lambda e: rho_extremes(xi, e).contrast - level, below, above, xtol=1e-13)
            return {"eta_U": float(root)}
    return {"eta_U": float("nan")}


def _draw_xi(rng: np.random.Generator) -> dict[str, Any]:
    sign = float(rng.choice([-1.0, 1.0]))
    return {"xi": sign * float(10.0 ** rng.uniform(-2.0, 2.0)), "threshold": 0.25}


register(
    Claim(
        id="LOC-6b",
        title="boundary of the unlocalized phase",
        statement="eta_U(xi) is where the contrast equals the threshold (the largest such eta).",
        source=s.extends_bao("phase boundary"),
        standing="derived",
        observable="rho",
        parameters=(XI_NOT_ZERO, THRESHOLD),
        complete=complete_xi,
        where={"root": Routine(sp.Eq(_contrast, threshold), eta_unlocalized, ("xi", "threshold"))},
        values={"eta_U": _root("root", sp.Eq(_contrast, threshold))},
        cases=(
            {"xi": 0.1},
            {"xi": 1.0},
            {"xi": -8.0},
            {"xi": 1.0, "threshold": 0.5},
        ),
        judged_by=(Identity(_contrast_root, _draw_xi, tolerance=1e-8, most_draws=20),),
        wrong_twin=WrongTwin(
            "boundary 3 % too far", {"eta_U": _root("root", sp.Eq(_contrast, threshold), 1.03)}
        ),
    )
)


def _lateness_root(xi: float, low: float, high: float) -> float:
    return float(brentq(lambda eta: _direct(xi, eta)[1] - 0.5, low, high, xtol=1e-13))


def _late_middle_root(parameters: Mapping[str, Any]) -> dict[str, float]:
    xi = abs(parameters["xi"])
    grid = np.geomspace(0.05, 50.0, 60)
    values = [_direct(xi, float(eta))[1] - 0.5 for eta in grid]
    for k in range(len(grid) - 1, 0, -1):
        if values[k - 1] >= 0.0 > values[k]:
            return {"eta_LM": _lateness_root(xi, float(grid[k - 1]), float(grid[k]))}
    return {"eta_LM": float("nan")}


def _complete_late_middle(parameters: dict[str, Any]) -> None:
    complete_xi(parameters)
    triple = triple_point().xi
    if not triple < abs(parameters["xi"]) <= 2.0:
        raise bad_value("xi", parameters["xi"], f"{triple:.6g} < |xi| <= 2")


register(
    Claim(
        id="LOC-6c",
        title="boundary between late and middle",
        statement="eta_LM(xi) is where the lateness equals 1/2 (the root with eta > 0.05).",
        source=s.extends_bao("phase boundary"),
        standing="derived",
        observable="rho",
        parameters=(
            Parameter("xi", Real(typical=(0.5, 1.95)), "trace of M, xi_triple < |xi| <= 2"),
        ),
        complete=_complete_late_middle,
        where={"root": Routine(sp.Eq(_lateness, sp.Rational(1, 2)), eta_late_middle, ("xi",))},
        values={"eta_LM": _root("root", sp.Eq(_lateness, sp.Rational(1, 2)))},
        cases=({"xi": 0.5}, {"xi": 1.0}, {"xi": -1.5}, {"xi": 1.9}),
        judged_by=(
            Identity(
                _late_middle_root,
                lambda rng: {"xi": float(rng.uniform(0.5, 1.99))},
                1e-7,
                most_draws=20,
            ),
        ),
        wrong_twin=WrongTwin(
            "boundary 3 % too far",
            {"eta_LM": _root("root", sp.Eq(_lateness, sp.Rational(1, 2)), 1.03)},
        ),
    )
)


def _complete_lens(parameters: dict[str, Any]) -> None:
    complete_xi(parameters)
    tip = lens_tip().xi
    if not 2.0 < abs(parameters["xi"]) < tip:
        raise bad_value("xi", parameters["xi"], f"2 < |xi| < {tip:.6g}")


def _lens_ends(parameters: Mapping[str, Any]) -> dict[str, float]:
    xi = abs(parameters["xi"])
    grid = np.linspace(0.15, 0.75, 200)
    signs = np.array([_direct(xi, float(eta))[1] >= 0.5 for eta in grid])
    inside = np.flatnonzero(signs)
    first, last = int(inside[0]), int(inside[-1])
    return {
        "eta_LM_low": _lateness_root(xi, float(grid[first - 1]), float(grid[first])),
        "eta_LM_high": _lateness_root(xi, float(grid[last]), float(grid[last + 1])),
    }


def _lens_end(index: int, factor: float = 1.0) -> Routine:
    return Routine(
        sp.Eq(_lateness, sp.Rational(1, 2)), lambda ends: factor * float(ends[index]), ("ends",)
    )


register(
    Claim(
        id="LOC-6d",
        title="the reentrant lens of the late phase",
        statement="For 2 < |xi| < 2.0144 the late phase is a lens in eta, between these two roots.",
        source=s.extends_bao("phase boundary"),
        standing="derived",
        observable="rho",
        parameters=(
            Parameter("xi", Real(typical=(2.001, 2.013)), "trace of M, 2 < |xi| < xi_tip"),
        ),
        complete=_complete_lens,
        where={"ends": Routine(sp.Eq(_lateness, sp.Rational(1, 2)), late_lens, ("xi",))},
        values={"eta_LM_low": _lens_end(0), "eta_LM_high": _lens_end(1)},
        cases=({"xi": 2.005}, {"xi": 2.01}, {"xi": -2.004}),
        judged_by=(
            Identity(
                _lens_ends, lambda rng: {"xi": float(rng.uniform(2.003, 2.013))}, 1e-6, most_draws=5
            ),
        ),
        wrong_twin=WrongTwin("lower end 3 % too far", {"eta_LM_low": _lens_end(0, 1.03)}),
    )
)

# --- LOC-6e, LOC-6f -------------------------------------------------------------------------------


def _quantile(parameters: Mapping[str, Any]) -> dict[str, float]:
    return {"normal_quantile": NormalDist().inv_cdf((1.0 + parameters["threshold"]) / 2.0)}


def _small_xi(
    evaluate: Evaluate, parameters: Mapping[str, Any], scale: float
) -> tuple[float, float]:
    level = parameters["threshold"]
    finite = float(eta_unlocalized(1.0 / scale, level)) * scale**2
    return finite, float(evaluate(parameters)["eta_U_small_xi_coefficient"])


def _large_xi(
    evaluate: Evaluate, parameters: Mapping[str, Any], scale: float
) -> tuple[float, float]:
    finite = float(eta_unlocalized(scale, parameters["threshold"]))
    return finite, float(evaluate(parameters)["eta_U_large_xi_limit"])


_x = sp.Symbol("x", positive=True)
register(
    Claim(
        id="LOC-6e",
        title="limits of the unlocalized boundary",
        statement=(
            "With p = Phi^-1((1 + threshold)/2), eta_U is asymptotically 3 xi^2/(7 p^2) for small "
            "xi and tends to 3/p^2 for large xi."
        ),
        source=s.extends_bao("phase boundary, limits"),
        standing="derived",
        observable="rho",
        parameters=(THRESHOLD,),
        values={
            "normal_quantile": Routine(
                sp.Eq(NormalInterval(-sp.oo, _x), (1 + threshold) / 2),
                lambda level: float(_normal_quantile((1.0 + level) / 2.0)),
                ("threshold",),
            ),
            "eta_U_small_xi_coefficient": 3 / (7 * p**2),
            "eta_U_large_xi_limit": 3 / p**2,
        },
        cases=({"threshold": 0.25}, {"threshold": 0.4}, {"threshold": 0.6}),
        judged_by=(
            Identity(_quantile, lambda rng: {"threshold": float(rng.uniform(0.01, 0.99))}, 1e-10),
            Asymptotic("eta_U_small_xi_coefficient", "1/xi", (1e1, 1e2, 1e3), _small_xi, rate=0.8),
            Asymptotic("eta_U_large_xi_limit", "xi", (1e2, 1e3, 1e4, 1e5), _large_xi, rate=0.8),
        ),
        wrong_twin=WrongTwin(
            "constant 7 taken as 7.5", {"eta_U_small_xi_coefficient": 6 / (15 * p**2)}
        ),
    )
)


def _solve_triple() -> dict[str, float]:
    def equations(point: np.ndarray) -> list[float]:
        contrast, lateness = _direct(float(point[0]), float(point[1]))
        return [contrast - 0.25, lateness - 0.5]

    xi_triple, eta_triple = fsolve(equations, [0.5, 1.1], xtol=1e-12)

    # The tip is where the largest lateness over eta in the lens comes down to 1/2.
    def highest(xi: float) -> tuple[float, float]:
        best = minimize_scalar(
            lambda eta: -_direct(xi, float(eta))[1],
            bounds=(0.2, 0.6),
            method="bounded",
            options={"xatol": 1e-9},
        )
        return -float(best.fun), float(best.x)

    xi_tip = float(brentq(lambda xi: highest(xi)[0] - 0.5, 2.001, 2.05, xtol=1e-12))
    return {
        "xi_triple": float(xi_triple),
        "eta_triple": float(eta_triple),
        "xi_tip": xi_tip,
        "eta_tip": highest(xi_tip)[1],
    }


def _coordinate(owner: str, index: int, factor: float = 1.0) -> Routine:
    return Routine(
        sp.Eq(_lateness, sp.Rational(1, 2)),
        lambda point: factor * float(point[index]),
        (owner,),
    )


register(
    Claim(
        id="LOC-6f",
        title="triple point and tip of the lens",
        statement=(
            "Unlocalized, late and middle meet at (0.4725301, 1.0856653); the late phase ends at "
            "the tip (2.014405, 0.3591) of its lens."
        ),
        source=s.extends_bao("phase map"),
        standing="derived",
        observable="rho",
        parameters=(),
        where={
            "triple": Routine(sp.Eq(_contrast, sp.Rational(1, 4)), triple_point, ()),
            "tip": Routine(sp.Eq(_lateness, sp.Rational(1, 2)), lens_tip, ()),
        },
        values={
            "xi_triple": _coordinate("triple", 0),
            "eta_triple": _coordinate("triple", 1),
            "xi_tip": _coordinate("tip", 0),
            "eta_tip": _coordinate("tip", 1),
        },
        cases=({},),
        judged_by=(Identity(lambda parameters: _solve_triple(), lambda rng: {}, tolerance=1e-4),),
        wrong_twin=WrongTwin(
            "triple point 2 % too far", {"xi_triple": _coordinate("triple", 0, 1.02)}
        ),
    )
)
