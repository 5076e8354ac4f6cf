"""LOC-5: the contrast of the profile as a function of eta; where small variance localizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import sympy as sp
from scipy.optimize import brentq, minimize_scalar

from qktheory.base.domains import Parameter, Real
from qktheory.base.errors import bad_value
from qktheory.numerics.aliveness import rho_extremes, rho_profile
from qktheory.numerics.many_digits import gaussian_contrast
from qktheory.numerics.phase_map import contrast_rise, critical_trace
from qktheory.theorems.bao2024 import setting as s
from qktheory.theorems.bao2024.limit_profile import XI_NOT_ZERO, complete_xi
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import Evaluate, Identity, Ordering

size = sp.Abs(s.xi)
_contrast = sp.Function("C")(s.xi, s.eta)


def contrast(xi: float, eta: float) -> float:
    """Return max rho - min rho."""
    return float(rho_extremes(xi, eta).contrast)


def measured_contrast(evaluate: Evaluate, parameters: Mapping[str, Any]) -> float:
    """Return the contrast at the (xi, eta) of a chain."""
    return contrast(parameters["xi"], parameters["eta"])


def _falling(xi: float, low: float, high: float, steps: int = 40) -> list[dict[str, float]]:
    """Return points of decreasing eta, along which a decreasing contrast increases."""
    return [{"xi": xi, "eta": float(eta)} for eta in np.geomspace(high, low, steps)]


# --- LOC-5a ---------------------------------------------------------------------------------------


def _eta_1(constant: sp.Expr) -> sp.Expr:
    return constant * (1 + size) / sp.log(1 + 2 / size)


def _highest_minimum(parameters: Mapping[str, Any]) -> dict[str, float]:
    """rho_0, the minimum of the profile, rises with eta up to eta_1 and falls beyond."""
    xi = abs(parameters["xi"])
    guess = np.log(0.5 * (1.0 + xi) / np.log1p(2.0 / xi))
    best = minimize_scalar(
        lambda log_eta: -float(rho_profile(xi, float(np.exp(log_eta)), 0.0)),
        bracket=(guess - 0.5, guess + 0.5),
        tol=1e-9,
    )
    return {"eta_1": float(np.exp(best.x))}


def _up_to_eta_1(evaluate: Evaluate, parameters: Mapping[str, Any]) -> Sequence[dict[str, float]]:
    top = float(evaluate(parameters)["eta_1"])
    # Below eta_1/1000 the contrast is 1 to rounding for most xi.
    return _falling(parameters["xi"], 1e-3 * top, top)


def _draw_xi(rng: np.random.Generator) -> dict[str, Any]:
    return {"xi": float(rng.choice([-1.0, 1.0]) * 10.0 ** rng.uniform(-3.0, 3.0))}


register(
    Claim(
        id="LOC-5a",
        title="small variance localizes: the contrast falls with eta up to eta_1",
        statement=(
            "For every xi != 0 the contrast max rho - min rho is below 1, tends to 1 as eta -> 0 "
            "and to 0 as eta -> infinity, and decreases strictly on (0, eta_1], "
            "eta_1 = (6/7) (1 + |xi|)/ln(1 + 2/|xi|), where min rho is largest."
        ),
        source=s.extends_bao("small eigenvalue variance localizes, made exact"),
        standing="corrected",
        observable="rho",
        parameters=(XI_NOT_ZERO,),
        complete=complete_xi,
        values={"eta_1": _eta_1(sp.Rational(6, 7))},
        cases=({"xi": 0.01}, {"xi": 0.5}, {"xi": -1.0}, {"xi": 8.0}),
        judged_by=(
            Identity(_highest_minimum, _draw_xi, tolerance=1e-6),
            Ordering("eta_1", _up_to_eta_1, _draw_xi, measured_contrast, most_draws=40),
        ),
        wrong_twin=WrongTwin("constant 6/7 taken as 0.9", {"eta_1": _eta_1(sp.Rational(9, 10))}),
    )
)

# --- LOC-5b, LOC-5c -------------------------------------------------------------------------------


def _complete_small_xi(parameters: dict[str, Any]) -> None:
    complete_xi(parameters)
    critical = critical_trace().xi
    if abs(parameters["xi"]) >= critical:
        raise bad_value("xi", parameters["xi"], f"0 < |xi| < xi_c = {critical:.6g}")


def _rise_field(name: str, factor: float = 1.0) -> Routine:
    statement = sp.Function(name)(sp.Eq(sp.Derivative(_contrast, s.eta), 0))
    return Routine(statement, lambda rise: factor * float(getattr(rise, name)), ("rise",))


def _inside(evaluate: Evaluate, parameters: Mapping[str, Any]) -> Sequence[dict[str, float]]:
    values = evaluate(parameters)
    low, high = float(values["eta_low"]), float(values["eta_high"])
    return _falling(parameters["xi"], low, high)[::-1]


def _below(evaluate: Evaluate, parameters: Mapping[str, Any]) -> Sequence[dict[str, float]]:
    low = float(evaluate(parameters)["eta_low"])
    return _falling(parameters["xi"], 0.01 * low, low)


def _above(evaluate: Evaluate, parameters: Mapping[str, Any]) -> Sequence[dict[str, float]]:
    high = float(evaluate(parameters)["eta_high"])
    return _falling(parameters["xi"], high, 100.0 * high)


register(
    Claim(
        id="LOC-5b",
        title="where the contrast rises with eta",
        statement=(
            "For 0 < |xi| < xi_c the contrast increases with eta exactly on (eta_low, eta_high): "
            "there a larger variance localizes more."
        ),
        source=s.extends_bao("failure of the contrast theorem beyond eta_1"),
        standing="derived",
        observable="rho",
        parameters=(Parameter("xi", Real(typical=(0.02, 0.45)), "trace of M, 0 < |xi| < xi_c"),),
        complete=_complete_small_xi,
        where={"rise": Routine(_contrast, contrast_rise, ("xi",))},
        values={
            name: _rise_field(name)
            for name in ("eta_low", "eta_high", "contrast_low", "contrast_high")
        },
        cases=({"xi": 0.01}, {"xi": 0.1}, {"xi": 0.3}, {"xi": -0.4}),
        judged_by=(
            Ordering("eta_low", _below, measure=measured_contrast),
            Ordering("eta_low", _inside, measure=measured_contrast),
            Ordering("eta_high", _above, measure=measured_contrast),
        ),
        wrong_twin=WrongTwin(
            "eta_low taken 7 % too small", {"eta_low": _rise_field("eta_low", 0.93)}
        ),
    )
)


def _steepest(xi: float) -> tuple[float, float]:
    """Return the largest slope dC/d ln eta over eta in [1, 6] and where it is, by differences."""

    def slope(log_eta: float) -> float:
        step = 1e-4
        ahead, behind = (contrast(xi, float(np.exp(log_eta + h))) for h in (step, -step))
        return (ahead - behind) / (2.0 * step)

    best = minimize_scalar(lambda x: -slope(x), bounds=(0.0, 1.8), method="bounded")
    return -float(best.fun), float(np.exp(best.x))


def _tangency(parameters: Mapping[str, Any]) -> dict[str, float]:
    xi_c = brentq(lambda xi: _steepest(xi)[0], 0.3, 0.7, xtol=1e-8)
    return {"xi_c": float(xi_c), "eta_tangency": _steepest(float(xi_c))[1]}


def _critical_entry(index: int, factor: float = 1.0) -> Routine:
    return Routine(
        sp.Eq(sp.Derivative(_contrast, (s.eta, 2)), 0),
        lambda critical: factor * float(critical[index]),
        ("critical",),
    )


register(
    Claim(
        id="LOC-5c",
        title="critical trace of the contrast theorem",
        statement=(
            "The contrast decreases with eta for all eta if and only if |xi| >= xi_c = 0.480656; "
            "at xi_c its slope touches 0 at eta = 2.6274."
        ),
        source=s.extends_bao("range of the contrast theorem"),
        standing="derived",
        observable="rho",
        parameters=(),
        where={"critical": Routine(_contrast, critical_trace, ())},
        values={"xi_c": _critical_entry(0), "eta_tangency": _critical_entry(1)},
        cases=({},),
        judged_by=(Identity(_tangency, lambda rng: {}, tolerance=2e-3),),
        wrong_twin=WrongTwin("xi_c taken 5 % too large", {"xi_c": _critical_entry(0, 1.05)}),
    )
)

# --- folklore -------------------------------------------------------------------------------------


def _precise_contrast(parameters: Mapping[str, Any]) -> Any:
    """Return the contrast in many digits; only where the maximum lies is taken from floats."""
    xi, eta = parameters["xi"], parameters["eta"]
    return gaussian_contrast(xi, eta, rho_extremes(xi, eta).theta_max)


def _whole_axis(evaluate: Evaluate, parameters: Mapping[str, Any]) -> Sequence[dict[str, float]]:
    return _falling(parameters["xi"], 1e-2, 1e2, steps=60)


register(
    Claim(
        id="LOC-5-folklore",
        title="a smaller eigenvalue variance always localizes more",
        statement=(
            "Believed: at any fixed non-zero trace, lowering the variance of the eigenvalues "
            "raises the contrast of the profile. False for |xi| < 0.4807: see LOC-5b."
        ),
        source=s.extends_bao("reading of Theorem 1 without its range"),
        standing="folklore",
        observable="rho",
        parameters=(XI_NOT_ZERO, s.ETA),
        complete=complete_xi,
        where={"extremes": Routine(_contrast, rho_extremes, ("xi", "eta"))},
        values={
            "contrast": Routine(_contrast, lambda extremes: float(extremes.contrast), ("extremes",))
        },
        cases=(
            {"xi": 0.1, "eta": 1.0},
            {"xi": 0.3, "eta": 1.0},
            {"xi": 1.0, "eta": 1.0},
        ),
        judged_by=(Ordering("contrast", _whole_axis, precise=_precise_contrast),),
        wrong_twin=WrongTwin(
            "sign of the contrast",
            {
                "contrast": Routine(
                    -_contrast, lambda extremes: -float(extremes.contrast), ("extremes",)
                )
            },
        ),
    )
)
