"""ENT-3: second moments, heat capacity and the exact sandwich of the entropy."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import sympy as sp

from qktheory.base.domains import Parameter, Real
from qktheory.numerics.gaussian_row import (
    heat_capacity,
    mean_entropy,
    mean_log_partition,
    mean_participation,
    mean_participation_product,
    var_entropy,
    var_log_partition,
    var_participation,
)
from qktheory.numerics.softmax_rows import SoftmaxRows
from qktheory.observables.observable import RowObservable
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import (
    Expectation,
    ExpectationBound,
    Identity,
    PathwiseBound,
)
from qktheory.theorems.random_energy import setting as e

_WIDER = WrongTwin("standard deviation s taken as 1.05 s", {"width": sp.Rational(105, 100) * e.s})
_WIDTH = {"width": e.s}

_E, _VAR = sp.Function("E"), sp.Function("Var")
_Y_2, _Y_3 = sp.Symbol("Y_2"), sp.Symbol("Y_3")
_Z, _H = sp.Symbol("Z"), sp.Symbol("H")

# --- ENT-3a ---------------------------------------------------------------------------------------


def _squares(parameters: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, RowObservable]:
    T, s = parameters["T"], parameters["s"]
    log_z, entropy = mean_log_partition(T, s), mean_entropy(T, s)
    y = mean_participation(T, s)
    reach = max(entropy, math.log(T) - entropy) ** 2
    return {
        "var_log_z": e.on_iid_row(
            "square of log Z less its mean", lambda r: (r.log_z - log_z) ** 2
        ),
        "var_entropy": e.on_iid_row(
            "square of H less its mean", lambda r: (r.entropy - entropy) ** 2, (0.0, reach)
        ),
        "var_participation": e.on_iid_row(
            "square of Y_2 less its mean", lambda r: (r.participation - y) ** 2, (0.0, 1.0)
        ),
    }


register(
    Claim(
        id="ENT-3a",
        title="variances of log Z, of the entropy and of the participation",
        statement=(
            "For T iid N(0, s^2) logits, Var log Z = Var V - pi^2/6 with P(V > u) = phi(u)^T, and "
            "Var H, Var Y_2 are integrals over averages of one and of two keys."
        ),
        source=e.extends_derrida("fluctuations at finite size"),
        standing="derived",
        observable="entropy",
        parameters=(e.T, e.S),
        where=_WIDTH,
        values={
            "var_log_z": Routine(_VAR(sp.log(_Z)), var_log_partition, ("T", "width")),
            "var_entropy": Routine(_VAR(_H), var_entropy, ("T", "width")),
            "var_participation": Routine(_VAR(_Y_2), var_participation, ("T", "width")),
        },
        cases=(
            {"T": 2, "s": 1.0},
            {"T": 16, "s": 2.0},
            {"T": 32, "s": 4.0},
        ),
        judged_by=(Expectation(e.iid_row, _squares),),
        wrong_twin=WrongTwin(
            "standard deviation s taken as 1.1 s", {"width": sp.Rational(11, 10) * e.s}
        ),
    )
)

# --- ENT-3b ---------------------------------------------------------------------------------------


def _weighted_variance(
    parameters: Mapping[str, Any], values: Mapping[str, Any]
) -> dict[str, RowObservable]:
    return {"heat_capacity": e.on_iid_row("Var_A(l)", lambda row: row.weighted_variance)}


def _by_participations(parameters: Mapping[str, Any]) -> dict[str, float]:
    T, s = parameters["T"], parameters["s"]
    bracket = (
        mean_participation(T, s)
        + 3.0 * mean_participation_product(T, s, 2.0, 2.0)
        - 4.0 * mean_participation(T, s, 3.0)
    )
    return {"heat_capacity": s * s * (1.0 - mean_participation(T, s)) - 2.0 * s**4 * bracket}


def _draw(rng: np.random.Generator) -> dict[str, float]:
    return {"T": 10.0 ** rng.uniform(0.1, 12.0), "s": 10.0 ** rng.uniform(-1.0, 1.0)}


register(
    Claim(
        id="ENT-3b",
        title="heat capacity of a Gaussian row",
        statement=(
            "C = E Var_A(l) = -dE H/d log s = s^2 (1 - E Y_2) - 2 s^4 E[Y_2 + 3 Y_2^2 - 4 Y_3] "
            "exactly, for every T and s."
        ),
        source=e.extends_derrida("specific heat at finite size"),
        standing="derived",
        observable="entropy",
        parameters=(e.T, e.S),
        where=_WIDTH,
        values={
            "heat_capacity": Routine(
                e.s**2 * (1 - _E(_Y_2)) - 2 * e.s**4 * _E(_Y_2 + 3 * _Y_2**2 - 4 * _Y_3),
                heat_capacity,
                ("T", "width"),
            )
        },
        cases=(
            {"T": 2, "s": 1.0},
            {"T": 128, "s": 2.0},
            {"T": 32, "s": 5.0},
        ),
        judged_by=(
            Expectation(e.iid_row, _weighted_variance),
            Identity(_by_participations, _draw, 1e-9, most_draws=30),
        ),
        wrong_twin=_WIDER,
    )
)

# --- ENT-3c ---------------------------------------------------------------------------------------


def _entropies(
    parameters: Mapping[str, Any], values: Mapping[str, Any]
) -> dict[str, RowObservable]:
    bounds = (0.0, math.log(parameters["T"]))
    return {"entropy_lower": e.on_iid_row("entropy", lambda row: row.entropy, bounds)}


def _below_upper(
    parameters: Mapping[str, Any], values: Mapping[str, Any]
) -> dict[str, RowObservable]:
    return {"entropy_upper": _entropies(parameters, values)["entropy_lower"]}


def _sandwich(
    parameters: Mapping[str, Any], values: Mapping[str, Any], rng: np.random.Generator
) -> Sequence[tuple[float, float]]:
    # The sides are compared without log T - s^2/2, which both contain; its rounding is allowed for.
    entropy = float(values["mean_entropy"])
    slack = 1e-13 * (math.log(parameters["T"]) + parameters["s"] ** 2)
    return [
        (float(values["entropy_lower"]) - slack, entropy),
        (entropy, float(values["entropy_upper"]) + slack),
    ]


_LOWER = sp.log(e.t) - e.s**2 / 2

register(
    Claim(
        id="ENT-3c",
        title="sandwich of the mean entropy",
        statement=(
            "For every T and s: log T - s^2/2 <= E H <= log T - s^2/2 + s^2 E Y_2. The lower bound "
            "integrates the heat capacity, C <= s^2; the upper one is Jensen's for E log Z."
        ),
        source=e.extends_derrida("bounds on the entropy at finite size"),
        standing="derived",
        observable="entropy",
        parameters=(e.T, e.S),
        values={
            "entropy_lower": _LOWER,
            "mean_entropy": Routine(_E(_H), mean_entropy, ("T", "s")),
            "mean_participation": Routine(_E(_Y_2), mean_participation, ("T", "s")),
            "entropy_upper": symbol("entropy_lower") + e.s**2 * symbol("mean_participation"),
        },
        cases=(
            {"T": 2, "s": 1.0},
            {"T": 256, "s": 0.8},
            {"T": 64, "s": 4.0},
        ),
        judged_by=(
            PathwiseBound(_sandwich, _draw, 1e-12),
            ExpectationBound(e.iid_row, _entropies, lambda p: "lower"),
            ExpectationBound(e.iid_row, _below_upper, lambda p: "upper"),
        ),
        wrong_twin=WrongTwin(
            "constant 1/2 of s^2/2 taken as 0.45",
            {"entropy_lower": sp.log(e.t) - sp.Rational(45, 100) * e.s**2},
        ),
    )
)

# --- ENT-3d ---------------------------------------------------------------------------------------


def _product(parameters: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, RowObservable]:
    a, b = float(parameters["q1"]), float(parameters["q2"])
    return {
        "mean_y_product": e.on_iid_row("Y_q1 Y_q2", lambda row: row.y(a) * row.y(b), (0.0, 1.0))
    }


_q1, _q2 = symbol("q1"), symbol("q2")
_ORDER = Real(low=1.0, high=1e4, typical=(1.0, 5.0))

register(
    Claim(
        id="ENT-3d",
        title="mean product of two participations",
        statement=(
            "E[Y_a Y_b] = E Y_{a+b} + T (T - 1)/Gamma(a + b) int Psi_{a,0} Psi_{b,0} phi^(T-2) du: "
            "equal keys and pairs of distinct keys."
        ),
        source=e.extends_derrida("fluctuations at finite size"),
        standing="derived",
        observable="participation",
        parameters=(
            e.T,
            e.S,
            Parameter("q1", _ORDER, "order of the first participation"),
            Parameter("q2", _ORDER, "order of the second participation"),
        ),
        where=_WIDTH,
        values={
            "mean_y_product": Routine(
                e.t
                / sp.gamma(_q1 + _q2)
                * e.over_u(
                    e.psi(_q1 + _q2) * e.phi ** (e.t - 1)
                    + (e.t - 1) * e.psi(_q1) * e.psi(_q2) * e.phi ** (e.t - 2)
                ),
                mean_participation_product,
                ("T", "width", "q1", "q2"),
            )
        },
        cases=(
            {"T": 64, "s": 2.0, "q1": 2.0, "q2": 2.0},
            {"T": 16, "s": 2.0, "q1": 2.0, "q2": 3.0},
            {"T": 32, "s": 3.0, "q1": 1.3, "q2": 2.5},
        ),
        judged_by=(Expectation(e.iid_row, _product),),
        wrong_twin=_WIDER,
    )
)

# --- ENT-3e ---------------------------------------------------------------------------------------

_STEP = 1e-30


def _complex_step(parameters: Mapping[str, Any]) -> dict[str, float]:
    """Differentiate H and Y_2 along the scale of the logits by an imaginary step, exactly."""
    logits = np.asarray(parameters["logits"])
    scaled = (logits - logits.max()) * (1.0 + 1j * _STEP)
    unnormalised = np.exp(scaled)
    z = unnormalised.sum()
    weights = unnormalised / z
    entropy = np.log(z) - np.sum(weights * scaled)
    slope = float(entropy.imag) / _STEP
    return {
        "weighted_variance": -slope,
        "entropy_slope": slope,
        "participation_slope": float(np.sum(weights**2).imag) / _STEP,
    }


def _draw_row(rng: np.random.Generator) -> dict[str, Any]:
    size = int(rng.integers(2, 20))
    return {"logits": rng.normal(size=size) * 10.0 ** rng.uniform(-1.0, 0.7)}


_SLOPE = 2 * sp.Function("Cov_A")(sp.Symbol("A"), sp.Symbol("l"))

register(
    Claim(
        id="ENT-3e",
        title="slopes of entropy and participation along the scale of the logits",
        statement=(
            "For one row, dH/d log(scale) = -Var_A(l) <= 0 and dY_2/d log(scale) = 2 Cov_A(A, l) "
            ">= 0: scaling the logits up concentrates every row."
        ),
        source=e.extends_derrida("response of one row"),
        standing="derived",
        observable="entropy",
        parameters=(e.LOGITS,),
        values={
            "weighted_variance": Routine(
                sp.Function("Var_A")(sp.Symbol("l")),
                lambda logits: float(SoftmaxRows(logits).weighted_variance[0]),
                ("logits",),
            ),
            "entropy_slope": -symbol("weighted_variance"),
            "participation_slope": Routine(
                _SLOPE,
                lambda logits: 2.0 * float(SoftmaxRows(logits).weighted_covariance[0]),
                ("logits",),
            ),
        },
        cases=(
            {"logits": [0.3, -1.2, 2.5, 0.0, 0.7]},
            {"logits": [4.0, -3.0, 0.5]},
            {"logits": [1.0, 1.0, 1.0, 2.0]},
        ),
        judged_by=(Identity(_complex_step, _draw_row, 1e-10),),
        wrong_twin=WrongTwin(
            "constant 2 of the slope of Y_2 taken as 1.9",
            {
                "participation_slope": Routine(
                    sp.Rational(19, 20) * _SLOPE,
                    lambda logits: 1.9 * float(SoftmaxRows(logits).weighted_covariance[0]),
                    ("logits",),
                )
            },
        ),
    )
)
