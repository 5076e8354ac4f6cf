"""ENT-5: the random energy model, T to infinity at fixed b = s/s_c."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import sympy as sp
from scipy.integrate import quad
from scipy.special import zeta

from qktheory.base.domains import Parameter, Real
from qktheory.base.errors import bad_value
from qktheory.numerics.gaussian_row import (
    heat_capacity,
    mean_entropy,
    mean_log_partition,
    mean_participation,
    var_participation,
)
from qktheory.numerics.random_energy import frozen_entropy, frozen_power_sum
from qktheory.simulation.realization import Realization
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import CLAIMS, Claim, Predicts, Routine, WrongTwin, register
from qktheory.theorems.judgements import Identity
from qktheory.theorems.random_energy import setting as s
from qktheory.theorems.random_energy.gaussian_rows import (
    GAUSSIAN_ROWS,
    beyond,
    index_only,
    ratio_only,
)
from qktheory.theorems.random_energy.ladder import at_fixed_ratio

b, m = symbol("b"), symbol("m")

RATIO = Parameter(
    "b",
    Real(low=0.0, low_open=True, typical=(0.1, 3.0)),
    "s/s_c, the width of the logits over the freezing point",
)

# --- ENT-5a ---------------------------------------------------------------------------------------


def _complete_ratio(parameters: dict[str, Any]) -> None:
    if parameters["b"] == 1.0:
        raise bad_value("b", 1.0, "a number other than 1, the freezing point itself")


def _entropy(realization: Realization) -> tuple[float, float]:
    rate = CLAIMS["ENT-5a"].values_at(ratio_only(realization))["entropy_rate"]
    return float(rate) * math.log(realization.ensemble.T), 0.0


def _frozen(ratio: float, order: float) -> float:
    if ratio < 1.0:
        return 0.0
    # 1 - m without a difference of numbers near one.
    return frozen_power_sum((ratio - 1.0) / ratio, order)


def _power_sum(m: sp.Expr) -> sp.Expr:
    return sp.gamma(s.q - m) / (sp.gamma(s.q) * sp.gamma(1 - m))


def _b(parameters: Mapping[str, Any]) -> float:
    return float(parameters["b"])


def _rates(log_z: sp.Expr) -> dict[str, sp.Basic | Routine]:
    """Return the values of ENT-5a with a given rate of ln Z below freezing."""
    return {
        "log_z_rate": sp.Piecewise((log_z, b < 1), (2 * b, True)),
        "entropy_rate": sp.Piecewise((1 - b**2, b < 1), (0, True)),
        "heat_capacity_rate": sp.Piecewise((1, b < 1), (0, True)),
        "mean_y_q_limit": Routine(
            sp.Piecewise((0, b < 1), (_power_sum(1 / b), True)), _frozen, ("b", "q")
        ),
    }


register(
    Claim(
        id="ENT-5a",
        title="random energy limit of a Gaussian row",
        statement=(
            "As T grows at fixed b = s/s_c: E ln Z/ln T tends to 1 + b^2 below freezing and to 2 b "
            "above, E H/ln T to 1 - b^2 and 0, C/s^2 to 1 and 0, E Y_q to 0 and "
            "Gamma(q - m)/(Gamma(q) Gamma(1 - m)) with m = 1/b."
        ),
        source=s.DERRIDA_1981,
        standing="theorem",
        observable="entropy",
        parameters=(
            RATIO,
            Parameter(
                "q",
                Real(low=1.0, high=1e4, low_open=True, typical=(1.1, 5.0)),
                "order of Y_q = sum_j A_j^q",
                default=2.0,
            ),
        ),
        complete=_complete_ratio,
        values=_rates(1 + b**2),
        assumptions=GAUSSIAN_ROWS,
        W="either",
        predicts=(
            Predicts(
                "entropy", "entropy_rate", "asymptotic", compute=_entropy, when=beyond(0.5, 1.0)
            ),
        ),
        cases=({"b": 0.4}, {"b": 0.8, "q": 2.0}, {"b": 1.25, "q": 2.0}, {"b": 2.0, "q": 3.0}),
        judged_by=(
            at_fixed_ratio(
                "log_z_rate", _b, lambda T, s, q: mean_log_partition(T, s) / math.log(T), 0.6
            ),
            at_fixed_ratio(
                "entropy_rate", _b, lambda T, s, q: mean_entropy(T, s) / math.log(T), 0.6
            ),
            at_fixed_ratio(
                "heat_capacity_rate", _b, lambda T, s, q: heat_capacity(T, s) / s**2, 0.3
            ),
            at_fixed_ratio(
                "mean_y_q_limit", _b, lambda T, s, q: mean_participation(T, s, q["q"]), 0.6
            ),
        ),
        wrong_twin=WrongTwin(
            "1 + b^2 taken as 1 + 1.1 b^2",
            {"log_z_rate": _rates(1 + sp.Rational(11, 10) * b**2)["log_z_rate"]},
        ),
    )
)

# --- ENT-5b ---------------------------------------------------------------------------------------


def _complete_order(parameters: dict[str, Any]) -> None:
    if not parameters["q"] - 1.0 + (1.0 - parameters["m"]) > 0.0:
        raise bad_value("q", parameters["q"], f"a number > m = {parameters['m']}")


def _over_weights(f: Callable[[float], float], m: float) -> float:
    """Return E sum_k f(P_k) of PD(m, 0) from the density of its weights.

    That is x^(-m-1) (1 - x)^(m-1)/(Gamma(m) Gamma(1-m)). Halves in x^(1-m) and (1-x)^m, so that
    neither end is singular for f(x) of order x or x ln x.
    """
    low = quad(
        lambda y: (
            f(y ** (1.0 / (1.0 - m)))
            * (1.0 - y ** (1.0 / (1.0 - m))) ** (m - 1.0)
            / y ** (1.0 / (1.0 - m))
            / (1.0 - m)
            if y > 0.0
            else 0.0
        ),
        0.0,
        0.5 ** (1.0 - m),
        epsabs=0.0,
        epsrel=1e-11,
        limit=200,
    )[0]
    high = quad(
        lambda y: f(1.0 - y ** (1.0 / m)) * (1.0 - y ** (1.0 / m)) ** (-m - 1.0) / m,
        0.0,
        0.5**m,
        epsabs=0.0,
        epsrel=1e-11,
        limit=200,
    )[0]
    return float((low + high) * math.sin(math.pi * m) / math.pi)


def _by_density(parameters: Mapping[str, Any]) -> dict[str, float]:
    share, order = parameters["m"], parameters["q"]
    return {
        "mean_entropy_limit": _over_weights(lambda x: -x * math.log(x), share),
        "mean_participation_limit": _over_weights(lambda x: x * x, share),
        "mean_y_q_limit": _over_weights(lambda x: x**order, share),
    }


def _draw(rng: np.random.Generator) -> dict[str, Any]:
    return {"m": rng.uniform(0.15, 0.85), "q": rng.uniform(1.0, 4.0)}


def _inverse(parameters: Mapping[str, Any]) -> float:
    return 1.0 / float(parameters["m"])


register(
    Claim(
        id="ENT-5b",
        title="frozen phase: weights of the Poisson-Dirichlet law",
        statement=(
            "For b > 1 the weights tend to PD(m, 0), m = s_c/s: E H -> psi(1) - psi(1 - m), E Y_2 "
            "-> 1 - m, E Y_q -> Gamma(q - m)/(Gamma(q) Gamma(1 - m)), C -> m psi'(1 - m), and Y_2 "
            "keeps fluctuating, Var Y_2 -> m (1 - m)/3."
        ),
        source=s.extends_derrida("low-temperature weights; Bovier, Kurkova, Loewe (2002)"),
        standing="theorem",
        observable="participation",
        parameters=(
            Parameter(
                "m",
                Real(low=0.0, high=1.0, low_open=True, high_open=True, typical=(0.1, 0.9)),
                "s_c/s, the index of the Poisson-Dirichlet law",
            ),
            Parameter(
                "q",
                Real(low=0.0, high=1e4, low_open=True, typical=(0.5, 5.0)),
                "order of Y_q = sum_j A_j^q, above m",
                default=2.0,
            ),
        ),
        complete=_complete_order,
        values={
            "mean_entropy_limit": Routine(
                sp.digamma(1) - sp.digamma(1 - m, evaluate=False), frozen_entropy, ("m",)
            ),
            "mean_participation_limit": 1 - m,
            "mean_y_q_limit": Routine(
                _power_sum(m), lambda m, q: frozen_power_sum(1.0 - m, q), ("m", "q")
            ),
            "heat_capacity_limit": Routine(
                m * sp.polygamma(1, 1 - m), lambda m: m * float(zeta(2.0, 1.0 - m)), ("m",)
            ),
            "var_participation_limit": m * (1 - m) / 3,
        },
        assumptions=GAUSSIAN_ROWS,
        W="either",
        predicts=(
            Predicts(
                "entropy",
                "mean_entropy_limit",
                "asymptotic",
                index_only,
                when=beyond(1.0, math.inf),
            ),
            Predicts(
                "participation",
                "mean_participation_limit",
                "asymptotic",
                index_only,
                when=beyond(1.0, math.inf),
            ),
        ),
        cases=({"m": 0.25}, {"m": 0.5, "q": 1.5}, {"m": 0.75, "q": 3.0}),
        judged_by=(
            Identity(_by_density, _draw, tolerance=1e-8, most_draws=20),
            at_fixed_ratio("mean_entropy_limit", _inverse, lambda T, s, q: mean_entropy(T, s), 0.4),
            at_fixed_ratio(
                "heat_capacity_limit", _inverse, lambda T, s, q: heat_capacity(T, s), 0.3
            ),
            at_fixed_ratio(
                "var_participation_limit", _inverse, lambda T, s, q: var_participation(T, s), 0.3
            ),
        ),
        wrong_twin=WrongTwin(
            "constant 3 of m (1 - m)/3 taken as 3.3",
            {"var_participation_limit": m * (1 - m) / sp.Rational(33, 10)},
        ),
    )
)
