"""ENT-12b, c: self-logits, and the row that collapses on itself."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import sympy as sp

from qktheory.base.domains import Integer, Parameter, Real
from qktheory.numerics.averaged_row import RowOnItself, row_on_itself
from qktheory.observables.observable import RowObservable
from qktheory.simulation.ensemble import Ensemble
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.bao2024 import setting as s
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import Expectation
from qktheory.theorems.random_energy import setting as e

_SOURCE = e.extends_derrida("a row with the logit of the query itself")

# --- ENT-12b --------------------------------------------------------------------------------------


def _alone(parameters: Mapping[str, Any]) -> Ensemble:
    """Draw the query only."""
    return s.map_ensemble("iid")({**parameters, "T": 1})


def _self_logits(
    parameters: Mapping[str, Any], values: Mapping[str, Any]
) -> dict[str, RowObservable]:
    mean = values["mean_self_logit"]
    return {
        "mean_self_logit": e.functional("self_logit", lambda rows: rows.logits[:, -1]),
        "var_self_logit": e.functional(
            "square of the self-logit less its mean", lambda rows: (rows.logits[:, -1] - mean) ** 2
        ),
    }


_XI, _ETA, _ETA_F = (s.TRACES[name] for name in ("xi", "eta", "eta_F"))

register(
    Claim(
        id="ENT-12b",
        title="mean and variance of the self-logit",
        statement=(
            "For a Gaussian query the self-logit has mean tr(W Sigma)/temperature and variance "
            "[tr(W Sigma W Sigma) + tr(W Sigma W^T Sigma)]/temperature^2: twice E s^2 for "
            "symmetric W, about E s^2 for a product of independent factors."
        ),
        source=_SOURCE,
        standing="derived",
        observable="self-logit",
        parameters=(s.W_QK, s.SIGMA, s.TEMPERATURE),
        complete=s.complete_map,
        values={"mean_self_logit": _XI, "var_self_logit": _ETA + _ETA_F},
        assumptions=(s.IID, s.LAST_QUERY, s.FREE_QUERY),
        cases=(
            {
                "W_QK": [[1.0, 2.0], [0.0, -1.0]],
                "Sigma": [[2.0, 1.0], [1.0, 3.0]],
                "temperature": 2.0,
            },
            {
                "W_QK": [[0.4, 1.0, 0.0], [-0.2, 0.3, 0.5], [0.1, -0.6, 0.2]],
                "Sigma": [[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 0.5]],
                "temperature": 0.7,
            },
            {"W_QK": [[0.7, 0.2], [0.5, 0.3]], "Sigma": 0.5},
        ),
        judged_by=(Expectation(_alone, _self_logits),),
        wrong_twin=WrongTwin("sign of tr(W Sigma W Sigma)", {"var_self_logit": _ETA_F - _ETA}),
    )
)

# --- ENT-12c --------------------------------------------------------------------------------------

c, d = symbol("c"), symbol("d")
_chi = sp.Symbol("chi2", positive=True)
_E = sp.Function("E")


def _multiple_of_identity(parameters: Mapping[str, Any]) -> Ensemble:
    """Take W = c I at temperature sqrt(d), with a covariance 4 undone by W."""
    size = int(parameters["d"])
    return Ensemble.from_dict(
        {
            "d": size,
            "T": int(parameters["T"]),
            "spectrum": {"law": "point", "location": parameters["c"] / 4.0},
            "tokens": {"law": "iid", "covariance": 4.0},
            "attention": {"temperature": math.sqrt(size)},
        }
    )


def _entropy_and_self_weight(
    parameters: Mapping[str, Any], values: Mapping[str, Any]
) -> dict[str, RowObservable]:
    return {
        "mean_entropy": e.functional(
            "entropy",
            lambda rows: rows.statistics["entropy"],
            (0.0, math.log(parameters["T"])),
        ),
        "mean_self_weight": e.functional("self_weight", lambda rows: rows.self_weight, (0.0, 1.0)),
    }


_ROW = _E(
    sp.Function("row")(e.t - 1, c * sp.sqrt(_chi / d), c * _chi / sp.sqrt(d)),
)


def _value(name: str) -> Routine:
    return Routine(_ROW, lambda row: float(getattr(row, name)), ("row",))


def _on_itself(factor: float) -> Routine:
    """Return the averaged row with c replaced by factor c."""

    def compute(T: float, d: int, c: float) -> RowOnItself:
        return row_on_itself(T, d, factor * c)

    return Routine(_ROW.subs(c, factor * c), compute, ("T", "d", "c"))


register(
    Claim(
        id="ENT-12c",
        title="a map proportional to the identity makes rows collapse on themselves",
        statement=(
            "For W = c I, temperature sqrt(d) and tokens N(0, I), the self-logit c |x|^2/sqrt(d) "
            "and the variance c^2 |x|^2/d of the other logits are functions of |x|^2 ~ chi^2_d; "
            "the row of T keys collapses on itself when c sqrt(d) - log T - c^2/2 > 0."
        ),
        source=_SOURCE,
        standing="derived",
        observable="entropy",
        parameters=(
            Parameter(
                "T", Real(low=1.0, high=1e15, typical=(1.0, 60.0)), "number of keys, self included"
            ),
            Parameter("d", Integer(low=1, high=10**15, typical=(2, 60)), "width of the tokens"),
            Parameter("c", Real(-100.0, 100.0, typical=(-2.0, 3.0)), "W = c I"),
        ),
        where={"row": _on_itself(1.0)},
        values={
            "mean_entropy": _value("mean_entropy"),
            "mean_self_weight": _value("mean_self_weight"),
            "collapse_margin": c * sp.sqrt(d) - sp.log(e.t) - c**2 / 2,
        },
        cases=(
            {"T": 16, "d": 4, "c": 1.0},
            {"T": 8, "d": 9, "c": 0.5},
            {"T": 12, "d": 3, "c": -1.5},
        ),
        judged_by=(Expectation(_multiple_of_identity, _entropy_and_self_weight),),
        wrong_twin=WrongTwin("c taken as 1.08 c", {"row": _on_itself(1.08)}),
    )
)
