"""ENT-7: freezing at finite T: the window around s_c, and the frozen side with the mean maximum."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import sympy as sp
from scipy.integrate import quad
from scipy.special import gammaln, log_ndtr

from qktheory.base.domains import Parameter, Real
from qktheory.base.errors import bad_value
from qktheory.numerics.gaussian_row import (
    heat_capacity,
    mean_entropy,
    mean_log_partition,
    mean_participation,
    var_log_partition,
)
from qktheory.numerics.mean_maximum import mean_maximum
from qktheory.numerics.random_energy import window_of_freezing
from qktheory.observables.observable import RowObservable
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import Asymptotic, Evaluate, Expectation, Identity, PathwiseBound
from qktheory.theorems.random_energy import setting as s
from qktheory.theorems.random_energy.ladder import at_fixed_ratio, critical

_cdf = sp.Function("Phi")
_mills = sp.Function("mills")
delta = symbol("delta")
_x = sp.Symbol("x", real=True)

# --- ENT-7a ---------------------------------------------------------------------------------------

#: s_c = 10 to 30: corrections are of relative order ln s_c/s_c.
_WINDOW_LADDER = (56.0, 112.0, 224.0, 448.0)


def _in_window(
    value: str, finite: Callable[[float, float], float], reduced: Callable[[float, float], float]
) -> Asymptotic:
    """Return a judgement along T at fixed s_c - s, for what is left after a known leading term."""

    def rung(evaluate: Evaluate, parameters: Mapping[str, Any], size: float) -> tuple[float, float]:
        distance = critical(math.log(parameters["T"])) - parameters["s"]
        T, s = math.exp(size), critical(size) - distance
        leading = reduced(size, s)
        return finite(T, s) - leading, float(evaluate({"T": T, "s": s})[value]) - leading

    return Asymptotic(value, "ln T", _WINDOW_LADDER, rung, rate=0.25, slack=1.05)


def _of_window(name: str, statement: sp.Expr, factor: float = 1.0) -> Routine:
    return Routine(statement, lambda window: factor * float(getattr(window, name)), ("window",))


register(
    Claim(
        id="ENT-7a",
        title="crossover window of freezing",
        statement=(
            "For delta = s_c - s = O(1) the partition function is a truncated mean: E ln Z is "
            "asymptotically ln T + s^2/2 + ln Phi(delta), E Y_2 mills(delta)/s, E H ln T - s^2/2 + "
            "s mills(delta) + ln Phi(delta), C/s^2 1 - mills(delta)(mills(delta) + delta), up to "
            "relative corrections of order ln s_c/s_c."
        ),
        source=s.extends_derrida("finite-size window of the transition"),
        standing="derived",
        observable="participation",
        parameters=(s.T, s.S_POSITIVE),
        where={
            "delta": s.s_c - s.s,
            "window": Routine(sp.Symbol("delta"), window_of_freezing, ("T", "s")),
        },
        values={
            "mean_log_z_window": _of_window(
                "mean_log_z", sp.log(s.t) + s.s**2 / 2 + sp.log(_cdf(delta))
            ),
            "mean_participation_window": _of_window("mean_participation", _mills(delta) / s.s),
            "mean_entropy_window": _of_window(
                "mean_entropy",
                sp.log(s.t) - s.s**2 / 2 + s.s * _mills(delta) + sp.log(_cdf(delta)),
            ),
            "heat_capacity_rate_window": _of_window(
                "heat_capacity_rate", 1 - _mills(delta) * (_mills(delta) + delta)
            ),
        },
        cases=(
            {"T": 1024.0, "s": 3.723297411059034},
            {"T": 1e12, "s": 6.4},
            {"T": 1e12, "s": 8.4},
        ),
        judged_by=(
            _in_window(
                "mean_log_z_window",
                lambda T, s: float(mean_log_partition(T, s)),
                lambda log_t, s: log_t + s * s / 2.0,
            ),
            _in_window(
                "mean_participation_window",
                lambda T, s: float(mean_participation(T, s)),
                lambda log_t, s: 0.0,
            ),
            _in_window(
                "mean_entropy_window",
                lambda T, s: float(mean_entropy(T, s)),
                lambda log_t, s: log_t - s * s / 2.0,
            ),
            _in_window(
                "heat_capacity_rate_window",
                lambda T, s: float(heat_capacity(T, s)) / s**2,
                lambda log_t, s: 0.0,
            ),
        ),
        wrong_twin=WrongTwin(
            "constant 1 of mills(delta)/s taken as 0.9",
            {
                "mean_participation_window": _of_window(
                    "mean_participation", sp.Rational(9, 10) * _mills(delta) / s.s, 0.9
                )
            },
        ),
    )
)

# --- ENT-7b ---------------------------------------------------------------------------------------

_INDICATOR = sp.Piecewise((1, _x > 0), (0, True))
_MEAN_MAX = sp.Integral(_INDICATOR - _cdf(_x) ** s.t, (_x, -sp.oo, sp.oo))


def _maximum_of_row(
    parameters: Mapping[str, Any], values: Mapping[str, Any]
) -> dict[str, RowObservable]:
    return {"mean_max": s.on_iid_row("mean_max", lambda row: row.logits.max(axis=1))}


def _by_order_statistic(parameters: Mapping[str, Any]) -> dict[str, float]:
    """Integrate x against the density T phi Phi^(T-1) of the largest."""
    T = parameters["T"]
    centre = critical(math.log(T)) if T > 1.0 else 0.0

    def integrand(x: float) -> float:
        log_density = math.log(T) - 0.5 * x * x + (T - 1.0) * float(log_ndtr(x))
        return x * math.exp(log_density) / math.sqrt(2.0 * math.pi)

    edges = [centre - 9.5, centre - 2.0, centre, centre + 2.0, centre + 9.5]
    return {
        "mean_max": math.fsum(
            quad(integrand, *piece, epsabs=1e-13, epsrel=1e-12, limit=200)[0]
            for piece in pairwise(edges)
        )
    }


def _one_row(parameters: Mapping[str, Any]) -> Any:
    return s.row_ensemble(int(parameters["T"]), 1.0)


register(
    Claim(
        id="ENT-7b",
        title="mean of the largest of T standard normals",
        statement=(
            "mu_T = E max_j g_j = int (1_(x>0) - Phi(x)^T) dx for T standard normal variables; the "
            "integral defines it for real T >= 1."
        ),
        source=s.extends_derrida("ground state energy at finite size"),
        standing="theorem",
        observable="max_weight",
        parameters=(s.T,),
        values={"mean_max": Routine(_MEAN_MAX, lambda T: float(mean_maximum(T)), ("T",))},
        cases=({"T": 2}, {"T": 16}, {"T": 128}),
        judged_by=(
            Expectation(_one_row, _maximum_of_row),
            Identity(
                _by_order_statistic,
                lambda rng: {"T": 10.0 ** rng.uniform(0.2, 8.0)},
                tolerance=1e-9,
                most_draws=20,
            ),
        ),
        wrong_twin=WrongTwin(
            "T taken as 1.1 T",
            {
                "mean_max": Routine(
                    _MEAN_MAX.subs(s.t, sp.Rational(11, 10) * s.t),
                    lambda T: float(mean_maximum(1.1 * T)),
                    ("T",),
                )
            },
        ),
    )
)

# --- ENT-7c ---------------------------------------------------------------------------------------

mean_max = symbol("mean_max")


def _below_exact(
    parameters: Mapping[str, Any], values: Mapping[str, Any], rng: np.random.Generator
) -> list[tuple[float, float]]:
    """Compare 1 - E Y_2 with mu_T/s: s (1 - E Y_2) rises towards mu_T."""
    lower, mean = float(values["participation_lower"]), float(values["mean_participation"])
    # E Y_2 is known to 1e-14 of itself: near 1 the difference has no digits for a ratio.
    return [(lower, mean), *([(1.0 - mean, 1.0 - lower)] if 1.0 - mean > 1e-3 else [])]


register(
    Claim(
        id="ENT-7c",
        title="lower bound of the mean participation by the mean maximum",
        statement=(
            "E Y_2 >= 1 - mu_T/s for every T and s: s (1 - E Y_2) = dE ln Z/ds rises to mu_T as s "
            "grows, since E ln Z is convex in s with slope mu_T at infinity."
        ),
        source=s.extends_derrida("frozen side at finite size"),
        standing="derived",
        observable="participation",
        parameters=(s.T, s.S_POSITIVE),
        where={"mean_max": Routine(_MEAN_MAX, lambda T: float(mean_maximum(T)), ("T",))},
        values={
            "participation_lower": 1 - mean_max / s.s,
            "mean_participation": Routine(
                sp.Function("E")(sp.Symbol("Y_2")),
                lambda T, s: float(mean_participation(T, s)),
                ("T", "s"),
            ),
        },
        cases=(
            {"T": 1024, "s": 7.446595},
            {"T": 16, "s": 80.0},
            {"T": 1e12, "s": 12.0},
            {"T": 1e6, "s": 0.5},
        ),
        judged_by=(
            PathwiseBound(
                _below_exact,
                lambda rng: {
                    "T": 10.0 ** rng.uniform(0.3, 10.0),
                    "s": 10.0 ** rng.uniform(-1.0, 2.0),
                },
                rounding=1e-10,
            ),
        ),
        wrong_twin=WrongTwin(
            "constant 1 of mu_T/s taken as 0.95",
            {"participation_lower": 1 - sp.Rational(95, 100) * mean_max / s.s},
        ),
        proof=(
            "ln Z is convex in s row by row, being a cumulant generating function, so the slope of "
            "E ln Z does not fall; by Gaussian integration by parts that slope is s (1 - E Y_2). "
            "From s max_j g_j <= ln Z <= ln T + s max_j g_j, E ln Z/s tends to mu_T, and so does "
            "the slope, from below."
        ),
    )
)

# --- ENT-7d ---------------------------------------------------------------------------------------

m, a_T, s_c = symbol("m"), symbol("a_T"), symbol("s_c")
_A_T = s_c - (sp.log(sp.log(s.t)) + sp.log(4 * sp.pi)) / (2 * s_c)
_CORRECTION = (sp.EulerGamma + sp.loggamma(1 - m)) / m


def _above_freezing(parameters: dict[str, Any]) -> None:
    freezing = critical(math.log(parameters["T"]))
    if not parameters["s"] > freezing:
        raise bad_value("s", parameters["s"], f"a number > s_c = {freezing:g}")


def _correction(m: float) -> float:
    return (float(np.euler_gamma) + float(gammaln(1.0 - m))) / m


def _inverse_share(parameters: Mapping[str, Any]) -> float:
    return float(parameters["s"]) / critical(math.log(parameters["T"]))


register(
    Claim(
        id="ENT-7d",
        title="free energy on the frozen side",
        statement=(
            "For b > 1, m = 1/b: E ln Z is asymptotically s a_T - gamma_E + (gamma_E + ln "
            "Gamma(1 - m))/m with a_T = s_c - (ln ln T + ln 4 pi)/(2 s_c), and Var ln Z tends to "
            "(pi^2/6)(m^-2 - 1)."
        ),
        source=s.extends_derrida("low-temperature free energy and its fluctuations"),
        standing="theorem",
        observable="log_partition",
        parameters=(s.T_ABOVE_1, s.S_POSITIVE),
        complete=_above_freezing,
        where={
            "s_c": s.s_c,
            "m": s_c / s.s,
            "a_T": _A_T,
            "correction": Routine(_CORRECTION, _correction, ("m",)),
        },
        values={
            "mean_log_z_frozen": s.s * a_T - sp.EulerGamma + symbol("correction"),
            "var_log_z_frozen": sp.pi**2 / 6 * ((1 - m) * (1 + m) / m**2),
        },
        cases=(
            {"T": 1e12, "s": 12.0},
            {"T": 1024, "s": 8.0},
            {"T": 1e6, "s": 7.0},
        ),
        judged_by=(
            at_fixed_ratio(
                "mean_log_z_frozen",
                _inverse_share,
                lambda T, s, q: mean_log_partition(T, s) - s * critical(math.log(T)),
                0.7,
                lambda evaluate, q, T, s: (
                    evaluate({"T": T, "s": s})["mean_log_z_frozen"] - s * critical(math.log(T))
                ),
            ),
            at_fixed_ratio(
                "var_log_z_frozen",
                _inverse_share,
                lambda T, s, q: var_log_partition(T, s),
                0.45,
                lambda evaluate, q, T, s: evaluate({"T": T, "s": s})["var_log_z_frozen"],
            ),
        ),
        wrong_twin=WrongTwin(
            "sign of gamma_E",
            {"mean_log_z_frozen": s.s * a_T + sp.EulerGamma + symbol("correction")},
        ),
    )
)

# --- ENT-7e ---------------------------------------------------------------------------------------


def _maximum_at_T(
    evaluate: Evaluate, parameters: Mapping[str, Any], size: float
) -> tuple[float, float]:
    """Return mu_T - s_c and its asymptotic value; every case starts from its own T."""
    log_t = math.log(parameters["T"]) * size
    T, freezing = math.exp(log_t), critical(log_t)
    limit = float(evaluate({"T": T})["mean_max_asymptotic"])
    return float(mean_maximum(T)) - freezing, limit - freezing


register(
    Claim(
        id="ENT-7e",
        title="large T value of the mean maximum",
        statement=(
            "mu_T is asymptotically a_T + gamma_E/s_c with a_T = s_c - (ln ln T + ln 4 pi)/(2 s_c) "
            "and s_c = sqrt(2 ln T)."
        ),
        source=s.extends_derrida("extremes of normal variables; Gumbel (1958)"),
        standing="theorem",
        observable="max_weight",
        parameters=(
            Parameter("T", Real(low=2.0, high=1e300, typical=(2.0, 300.0)), "number of keys"),
        ),
        values={"s_c": s.s_c, "a_T": _A_T, "mean_max_asymptotic": a_T + sp.EulerGamma / s_c},
        cases=({"T": 1024}, {"T": 1e6}, {"T": 1e12}),
        judged_by=(
            Asymptotic(
                "mean_max_asymptotic", "ln T/ln T_0", (2.0, 6.0, 20.0), _maximum_at_T, rate=0.7
            ),
        ),
        wrong_twin=WrongTwin("sign of gamma_E", {"mean_max_asymptotic": a_T - sp.EulerGamma / s_c}),
    )
)
