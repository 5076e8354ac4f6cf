"""ENT-6: between b = 1/2 and freezing, where mean and typical participation differ."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
from scipy.optimize import minimize_scalar
from scipy.special import log_ndtr, ndtri

from qktheory.base.domains import Parameter, Real
from qktheory.base.errors import bad_value
from qktheory.numerics.gaussian_row import mean_log_partition, mean_participation
from qktheory.numerics.random_energy import laplace_participation, single_spike
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim, Predicts, Routine, WrongTwin, register
from qktheory.theorems.judgements import Evaluate, Identity
from qktheory.theorems.random_energy import setting as s
from qktheory.theorems.random_energy.gaussian_rows import GAUSSIAN_ROWS, at_mean_width, beyond
from qktheory.theorems.random_energy.ladder import at_fixed_ratio, critical

b = symbol("b")
_x = sp.Symbol("x")
RATIO = Parameter(
    "b",
    Real(low=0.0, high=1.0, low_open=True, typical=(0.1, 1.0)),
    "s/s_c, the width of the logits over the freezing point",
)

#: Exponents are slopes between T and e^4 T, in which constant factors drop out.
_STEP = 4.0


def _b(parameters: Mapping[str, Any]) -> float:
    return float(parameters["b"])


# --- ENT-6a ---------------------------------------------------------------------------------------

_SPIKED = ((1 - b) * (1 + b) / (2 * b)) ** 2
MEAN_EXPONENT = sp.Piecewise((1 - 2 * b**2, b <= 1 / sp.sqrt(3)), (_SPIKED, True))


def _typical(factor: sp.Expr) -> sp.Expr:
    return sp.Piecewise((1 - 2 * b**2, b <= sp.Rational(1, 2)), (factor * (1 - b) ** 2, True))


def _mean_slope(T: float, s: float, parameters: Mapping[str, Any]) -> float:
    """Return -d ln E Y_2/d ln T at fixed b, from T to e^4 T."""
    ratio, log_t = _b(parameters), math.log(T)
    wider = ratio * critical(log_t + _STEP)
    after = math.log(mean_participation(T * math.exp(_STEP), wider))
    return (math.log(mean_participation(T, s)) - after) / _STEP


def _log_row_of_quantiles(log_t: float, ratio: float) -> float:
    """Return ln Y_2 of the row whose logits are the quantiles of their law at (j - 1/2)/T.

    This is a typical row. Its 2000 highest logits are summed, the others integrated.
    """
    width = ratio * critical(log_t)
    top = 2000
    shares = np.exp(np.log(np.arange(top) + 0.5) - log_t)
    g = -ndtri(shares)
    edge = -ndtri(top * math.exp(-log_t))
    logs = []
    for k in (1.0, 2.0):
        rest = log_t + 0.5 * (k * width) ** 2 + log_ndtr(edge - k * width)
        logs.append(np.logaddexp.reduce(np.append(k * width * g, rest)))
    return float(logs[1] - 2.0 * logs[0])


def _typical_slope(T: float, s: float, parameters: Mapping[str, Any]) -> float:
    ratio, log_t = _b(parameters), math.log(T)
    before, after = (_log_row_of_quantiles(x, ratio) for x in (log_t, log_t + _STEP))
    return (before - after) / _STEP


def _by_optimisation(parameters: Mapping[str, Any]) -> dict[str, float]:
    """Maximise cost and gain of a logit at x s_c s: T^(1 - x^2) of them, or such a probability."""
    ratio = _b(parameters)

    def exponent(x: float) -> float:
        return -(1.0 - x * x + 2.0 * min(0.0, 2.0 * ratio * x - 1.0 - ratio * ratio))

    found = {}
    for name, most in (("mean_exponent", 3.0), ("typical_exponent", 1.0)):
        # The kink at the saturation point is an end of one of the two intervals.
        kink = min((1.0 + ratio * ratio) / (2.0 * ratio), most)
        ends = [exponent(x) for x in (0.0, kink, most)]
        inner = [
            minimize_scalar(exponent, bounds=part, method="bounded", options={"xatol": 1e-10}).fun
            for part in ((0.0, kink), (kink, most))
            if part[1] > part[0]
        ]
        found[name] = float(min(*ends, *inner))
    return found


register(
    Claim(
        id="ENT-6a",
        title="exponents of the mean and of the typical participation",
        statement=(
            "E Y_2 = T^-eta with eta = 1 - 2 b^2 up to b = 1/sqrt(3) and ((1 - b^2)/(2 b))^2 up to "
            "b = 1; a typical row has 1 - 2 b^2 up to b = 1/2 and 2 (1 - b)^2 up to b = 1. From "
            "b = 1/2 on the mean is made by rows of vanishing probability."
        ),
        source=s.extends_derrida("annealed and quenched participation"),
        standing="derived",
        observable="participation",
        parameters=(RATIO,),
        values={"mean_exponent": MEAN_EXPONENT, "typical_exponent": _typical(sp.Integer(2))},
        cases=({"b": 0.4}, {"b": 0.55}, {"b": 0.65}, {"b": 0.9}),
        judged_by=(
            Identity(_by_optimisation, lambda rng: {"b": rng.uniform(0.2, 0.95)}, tolerance=1e-7),
            at_fixed_ratio("mean_exponent", _b, _mean_slope, 0.5, floor=1e-7),
            at_fixed_ratio("typical_exponent", _b, _typical_slope, 0.5, floor=1e-7),
        ),
        wrong_twin=WrongTwin(
            "constant 2 of 2 (1 - b)^2 taken as 2.1",
            {"typical_exponent": _typical(sp.Rational(21, 10))},
        ),
    )
)

register(
    Claim(
        id="ENT-6-folklore",
        title="the mean participation leaves e^(s^2)/T at s = s_c/2",
        statement=(
            "Believed: beyond s_c/2, where the partition function loses its central limit theorem, "
            "E Y_2 follows the exponent 2 (1 - b)^2. That is a typical row. The mean stays at "
            "e^(s^2)/T up to s = s_c/sqrt(3), carried by rare rows (ENT-6a)."
        ),
        source=s.extends_derrida("threshold of the central limit theorem read for E Y_2"),
        standing="folklore",
        observable="participation",
        parameters=(RATIO,),
        values={"mean_exponent": _typical(sp.Integer(2))},
        cases=({"b": 0.55}, {"b": 0.4}, {"b": 0.65}),
        judged_by=(at_fixed_ratio("mean_exponent", _b, _mean_slope, 0.5, floor=1e-7),),
        wrong_twin=WrongTwin(
            "constant 2 of 2 (1 - b)^2 taken as 2.1",
            {"mean_exponent": _typical(sp.Rational(21, 10))},
        ),
    )
)

# --- ENT-6b ---------------------------------------------------------------------------------------

_M = s.t * sp.exp(s.s**2 / 2)
_g = sp.Symbol("g", real=True)


def _over_normal(term: sp.Expr) -> sp.Expr:
    """Return E of a function of g ~ N(0, 1)."""
    density = sp.exp(-(_g**2) / 2) / sp.sqrt(2 * sp.pi)
    return sp.Integral(term * density, (_g, -sp.oo, sp.oo))


def _below_freezing(parameters: dict[str, Any]) -> None:
    freezing = critical(math.log(parameters["T"]))
    if not parameters["s"] < freezing:
        raise bad_value("s", parameters["s"], f"a number < s_c = {freezing:g}")


def _ratio(parameters: Mapping[str, Any]) -> float:
    return float(parameters["s"]) / critical(math.log(parameters["T"]))


def _value_at(name: str) -> Any:
    """Return the value of the claim at (T, s) of a rung."""

    def limit(evaluate: Evaluate, parameters: Mapping[str, Any], T: float, s: float) -> float:
        return float(evaluate({**parameters, "T": T, "s": s})[name])

    return limit


def _spike_values(scale: float) -> dict[str, Routine]:
    return {
        "mean_participation_spike": Routine(
            scale * s.t * _over_normal((1 + _M * sp.exp(-s.s * _g)) ** -2),
            lambda spike: scale * float(spike.mean_participation),
            ("spike",),
        ),
        "log_z_shift_spike": Routine(
            s.t * _over_normal(sp.log(1 + sp.exp(s.s * _g) / _M) - sp.exp(s.s * _g) / _M),
            lambda spike: float(spike.log_z_shift),
            ("spike",),
        ),
    }


register(
    Claim(
        id="ENT-6b",
        title="mean participation and shift of ln Z by a single spike",
        statement=(
            "Below freezing, with M = T e^(s^2/2): E Y_2 is asymptotically T E sigmoid(s g - ln "
            "M)^2 and E ln Z - ln M is T E[ln(1 + e^(s g)/M) - e^(s g)/M]: one logit competes with "
            "the mean of all others."
        ),
        source=s.extends_derrida("single-spike formula"),
        standing="derived",
        observable="participation",
        parameters=(s.T_ABOVE_1, s.S),
        complete=_below_freezing,
        where={"spike": Routine(_M, single_spike, ("T", "s"))},
        values=_spike_values(1),
        assumptions=GAUSSIAN_ROWS,
        W="either",
        predicts=(
            Predicts(
                "participation",
                "mean_participation_spike",
                "asymptotic",
                at_mean_width,
                when=beyond(3.0**-0.5, 1.0),
            ),
        ),
        cases=(
            {"T": 1e6, "s": 3.153913},
            {"T": 1e12, "s": 4.831999},
            {"T": 1e12, "s": 5.575383},
        ),
        judged_by=(
            at_fixed_ratio(
                "mean_participation_spike",
                _ratio,
                lambda T, s, q: mean_participation(T, s),
                1.0,
                _value_at("mean_participation_spike"),
                (14.0, 28.0, 56.0),
            ),
            at_fixed_ratio(
                "log_z_shift_spike",
                _ratio,
                lambda T, s, q: mean_log_partition(T, s) - math.log(T) - s * s / 2.0,
                1.0,
                _value_at("log_z_shift_spike"),
                (14.0, 28.0, 42.0),
                floor=1e-5,
            ),
        ),
        wrong_twin=WrongTwin("spike participation taken 5 % too large", _spike_values(1.05)),
    )
)

# --- ENT-6c ---------------------------------------------------------------------------------------

g_star = symbol("g_star")
_kappa = g_star / s.s
_LAPLACE = (
    s.t
    * sp.exp(-(g_star**2) / 2)
    / (sp.sqrt(2 * sp.pi) * s.s)
    * sp.pi
    * (_kappa - 1)
    / sp.sin(sp.pi * (_kappa - 1), evaluate=False)
)


def _between(parameters: dict[str, Any]) -> None:
    _below_freezing(parameters)
    lowest = critical(math.log(parameters["T"])) / math.sqrt(3.0)
    if not parameters["s"] > lowest:
        raise bad_value("s", parameters["s"], f"a number > s_c/sqrt(3) = {lowest:g}")
    laplace_participation(parameters["T"], parameters["s"])


register(
    Claim(
        id="ENT-6c",
        title="mean participation by Laplace's method",
        statement=(
            "For 1/sqrt(3) < b < 1, with g* = ln M/s and kappa = g*/s: E Y_2 is asymptotically "
            "(T phi(g*)/s) pi (kappa - 1)/sin(pi (kappa - 1))."
        ),
        source=s.extends_derrida("single-spike formula, leading order"),
        standing="derived",
        observable="participation",
        parameters=(s.T_ABOVE_1, s.S_POSITIVE),
        complete=_between,
        values={
            "g_star": sp.log(s.t) / s.s + s.s / 2,
            "mean_participation_laplace": Routine(_LAPLACE, laplace_participation, ("T", "s")),
        },
        cases=(
            {"T": 1e12, "s": 4.831999},
            {"T": 1e12, "s": 5.575383},
            {"T": 1e6, "s": 4.7},
        ),
        judged_by=(
            at_fixed_ratio(
                "mean_participation_laplace",
                _ratio,
                lambda T, s, q: mean_participation(T, s),
                0.7,
                _value_at("mean_participation_laplace"),
                (56.0, 112.0, 224.0),
            ),
        ),
        wrong_twin=WrongTwin(
            "constant 1 of the prefactor taken as 0.92",
            {
                "mean_participation_laplace": Routine(
                    sp.Rational(92, 100) * _LAPLACE,
                    lambda T, s: 0.92 * laplace_participation(T, s),
                    ("T", "s"),
                )
            },
        ),
    )
)
