"""ENT-12a, 12d: a Gaussian row with one more key, the query itself."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp

from qktheory.base.domains import Parameter, Real
from qktheory.base.errors import bad_value
from qktheory.numerics.gaussian_row import mean_entropy
from qktheory.numerics.iid_row import row_with_gaussian_self_logit, row_with_self_logit
from qktheory.numerics.softmax_rows import SoftmaxRows
from qktheory.observables.draws import Rows
from qktheory.observables.observable import RowObservable
from qktheory.simulation.ensemble import Ensemble
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim, Predicts, Routine, WrongTwin, register
from qktheory.theorems.judgements import Expectation, Identity
from qktheory.theorems.random_energy import setting as e
from qktheory.theorems.random_energy.gaussian_rows import (
    GAUSSIAN_ROWS,
    has_own_self_logit,
    row_at_mean_width,
)

# --- ENT-12a --------------------------------------------------------------------------------------

#: Largest standard deviation of any logit.
_WIDEST = 1e100
_n, _m = sp.Symbol("n", positive=True), symbol("self_logit")
_v = e.u + _m
_own = sp.exp(-sp.exp(_v))
_SELF = e.over_u(sp.exp(_v) * _own * e.phi**_n)
_PARTICIPATION = e.over_u(
    _n * e.psi(2) * e.phi ** (_n - 1) * _own + sp.exp(2 * _v) * _own * e.phi**_n
)
_ENTROPY = -sp.EulerGamma - e.over_u(
    _n * e.psi(1, 1) * e.phi ** (_n - 1) * _own + _v * sp.exp(_v) * _own * e.phi**_n
)


def _row(parameters: Mapping[str, Any]) -> Ensemble:
    return e.row_ensemble(int(parameters["n"]), parameters["s"], parameters["self_logit"])


def _observables(
    parameters: Mapping[str, Any], values: Mapping[str, Any]
) -> dict[str, RowObservable]:
    bounds = (0.0, math.log(parameters["n"] + 1.0))
    return {
        "mean_entropy": e.functional("entropy", lambda r: r.statistics["entropy"], bounds),
        "mean_self_weight": e.functional("self_weight", lambda r: r.self_weight, (0.0, 1.0)),
        "mean_participation": e.functional(
            "participation", lambda r: r.statistics["participation"], (0.0, 1.0)
        ),
    }


def _two_keys(parameters: Mapping[str, Any]) -> dict[str, float]:
    """Integrate over the only other logit, for n = 1."""
    s, m = float(parameters["s"]), float(parameters["self_logit"])
    g = np.linspace(-10.0, 10.0, 2001)
    weights = np.exp(-0.5 * g * g) * (g[1] - g[0]) / math.sqrt(2.0 * math.pi)
    rows = SoftmaxRows(np.column_stack([np.full(g.size, m), s * g]))
    return {
        "mean_entropy": float(weights @ rows.entropy),
        "mean_self_weight": float(weights @ rows.weights[:, 0]),
        "mean_participation": float(weights @ rows.participation),
    }


def _draw_two_keys(rng: np.random.Generator) -> dict[str, float]:
    return {"n": 1.0, "s": rng.uniform(0.1, 6.0), "self_logit": rng.normal() * 6.0}


def _only_for_two_keys(parameters: Mapping[str, Any]) -> dict[str, float]:
    return _two_keys(parameters) if parameters["n"] == 1.0 else {}


def _predicts(observable: str) -> Predicts:
    return Predicts(
        observable,
        f"mean_{observable}",
        "asymptotic",
        compute=lambda realization: (row_at_mean_width(realization)[observable], 0.0),
        when=has_own_self_logit,
        sharp=True,
    )


def _moment(statement: sp.Expr, name: str) -> Routine:
    return Routine(statement, lambda row: float(getattr(row, name)), ("row",))


register(
    Claim(
        id="ENT-12a",
        title="Gaussian row with a self-logit",
        statement=(
            "For n iid N(0, s^2) logits and one fixed logit l_0, E H, E A_0 and E Y_2 of the n + 1 "
            "weights are the integrals of ENT-1 with exp(-e^(u + l_0)) for the fixed key."
        ),
        source=e.extends_derrida("one key apart"),
        standing="derived",
        observable="entropy",
        parameters=(
            Parameter("n", Real(low=1.0, high=1e300, typical=(1.0, 300.0)), "number of iid keys"),
            e.S,
            Parameter("self_logit", Real(typical=(-5.0, 9.0)), "logit of the query with itself"),
        ),
        where={
            "width": e.s,
            "row": Routine(_ENTROPY, row_with_self_logit, ("n", "width", "self_logit")),
        },
        values={
            "mean_entropy": _moment(_ENTROPY, "mean_entropy"),
            "mean_self_weight": _moment(_SELF, "mean_self_weight"),
            "mean_participation": _moment(_PARTICIPATION, "mean_participation"),
        },
        assumptions=GAUSSIAN_ROWS,
        W="either",
        predicts=tuple(map(_predicts, ("entropy", "participation", "self_weight"))),
        cases=(
            {"n": 15, "s": 1.5, "self_logit": 2.0},
            {"n": 63, "s": 3.0, "self_logit": 5.0},
            {"n": 127, "s": 1.0, "self_logit": 4.0},
        ),
        judged_by=(
            Expectation(_row, _observables),
            Identity(_only_for_two_keys, _draw_two_keys, 1e-10, most_draws=40),
        ),
        wrong_twin=WrongTwin(
            "standard deviation s taken as 1.1 s", {"width": sp.Rational(11, 10) * e.s}
        ),
    )
)

# --- ENT-12d --------------------------------------------------------------------------------------

_VARIANCE_RATIO = sp.Symbol("v", nonnegative=True)
_OWN_SURVIVAL = e.phi.subs(e.s, sp.sqrt(_VARIANCE_RATIO) * e.s)


def _random_self(parameters: Mapping[str, Any]) -> Ensemble:
    return e.row_ensemble(int(parameters["T"]), parameters["s"])


def _with_scaled_first(
    parameters: Mapping[str, Any], values: Mapping[str, Any]
) -> dict[str, RowObservable]:
    """Take the first iid logit, times sqrt(v), for the self-logit."""
    factor = math.sqrt(parameters["v"])

    def entropy(rows: Rows) -> e.FloatArray:
        logits = rows.logits[:, :-1].copy()
        logits[:, 0] *= factor
        return SoftmaxRows(logits).entropy

    bounds = (0.0, math.log(parameters["T"]))
    return {"mean_entropy": e.functional("entropy", entropy, bounds)}


def _one_more_key(parameters: Mapping[str, Any]) -> dict[str, float]:
    """For v = 1 the self-logit is one more iid logit."""
    if parameters["v"] != 1.0:
        return {}
    return {"mean_entropy": mean_entropy(parameters["T"], parameters["s"])}


def _draw_equal(rng: np.random.Generator) -> dict[str, float]:
    return {"T": 10.0 ** rng.uniform(0.1, 12.0), "s": 10.0 ** rng.uniform(-1.5, 1.2), "v": 1.0}


def _mean_entropy(T: float, s: float, v: float) -> float:
    return row_with_gaussian_self_logit(T - 1.0, s, math.sqrt(v) * s).mean_entropy


_AVERAGED = e.over_u(
    sp.exp(-sp.exp(e.u)) - _OWN_SURVIVAL * e.phi ** (e.t - 1)
) - e.s**2 * sp.Function("E")(
    (e.t - 1) * sp.Symbol("A") * (1 - sp.Symbol("A"))
    + _VARIANCE_RATIO * sp.Symbol("A_0") * (1 - sp.Symbol("A_0"))
)


def _complete_width(parameters: dict[str, Any]) -> None:
    width = parameters["s"] * math.sqrt(parameters["v"])
    if width > _WIDEST:
        raise bad_value("v", parameters["v"], f"s sqrt(v) <= {_WIDEST:g}, here {width:g}")


register(
    Claim(
        id="ENT-12d",
        title="Gaussian row with an independent Gaussian self-logit",
        statement=(
            "For T - 1 iid N(0, s^2) logits and an independent self-logit N(0, v s^2), as for a "
            "traceless W in high dimension, E H is the integral of ENT-12a with the functions of "
            "the self-logit averaged; for v = 1 it is one more iid key."
        ),
        source=e.extends_derrida("one key apart, averaged"),
        standing="derived",
        observable="entropy",
        parameters=(
            e.T,
            e.S,
            Parameter(
                "v",
                Real(low=0.0, typical=(0.0, 3.0)),
                "variance of the self-logit over that of the others",
            ),
        ),
        complete=_complete_width,
        where={"width": e.s},
        values={"mean_entropy": Routine(_AVERAGED, _mean_entropy, ("T", "width", "v"))},
        cases=(
            {"T": 64, "s": 1.0, "v": 2.0},
            {"T": 16, "s": 2.0, "v": 4.0},
            {"T": 8, "s": 1.0, "v": 1.0},
        ),
        judged_by=(
            Expectation(_random_self, _with_scaled_first),
            Identity(_one_more_key, _draw_equal, 1e-11, most_draws=20),
        ),
        wrong_twin=WrongTwin(
            "standard deviation s taken as 1.05 s", {"width": sp.Rational(105, 100) * e.s}
        ),
    )
)
