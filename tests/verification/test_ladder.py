"""The ladder of `compare`: asymptotic, sharp and exact predictions of a row, and who makes them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import qktheory as qk
from qktheory.observables.observable import OBSERVABLES
from qktheory.simulation.realization import Realization
from qktheory.simulation.simulator import RowSimulator, choose
from qktheory.theorems.random_energy.gaussian_rows import logit_scale
from qktheory.verification.compare import predictions
from tests.simulation.cases import FULL3, W3
from tests.statistics import distance_of_means

SIMPLEX = {"law": "simplex", "cosine": 0.3}
CLOUD = {"law": "equicorrelated", "cosine": 0.4}
FACTORS = {"model": "gaussian_factors", "d_k": 8, "draw": "every_sample"}


def iid(b: float, T: int = 64, d: int = 6) -> dict[str, Any]:
    """Symmetric W without trace, rows of mean square width (b s_c)^2."""
    return {
        "d": d,
        "T": T,
        "spectrum": {"law": "semicircle", "xi": 0.0, "eta": b**2 * 2.0 * math.log(T)},
        "tokens": {"law": "iid"},
    }


def said(table: dict[str, Any], observable: str) -> list[tuple[str, str]]:
    realization = Realization(qk.Ensemble.from_dict(table), 0)
    return [(p.claim.id, p.word) for p in predictions(realization, OBSERVABLES[observable])]


SHARP, EXACT = ("ENT-12a", "sharp"), ("LOC-15b", "exact")


@pytest.mark.parametrize(
    ("b", "entropy", "participation"),
    [(0.3, "ENT-4", "ENT-4"), (0.55, "ENT-5a", "ENT-4"), (0.8, "ENT-5a", "ENT-6b")],
)
def test_below_freezing_each_regime_has_its_formula(
    b: float, entropy: str, participation: str
) -> None:
    table = iid(b, d=24)
    assert said(table, "entropy") == [(entropy, "asymptotic"), SHARP, EXACT]
    assert said(table, "participation") == [(participation, "asymptotic"), SHARP, EXACT]


def test_above_freezing_the_limit_is_that_of_frozen_rows() -> None:
    # The wider the head, the fewer nodes the exact average over queries needs.
    frozen = iid(1.3, d=24)
    for observable in ("entropy", "participation"):
        assert said(frozen, observable) == [("ENT-5b", "asymptotic"), SHARP, EXACT]
    assert said(frozen, "self_weight") == [SHARP, EXACT]


def test_simplex_tokens_have_a_ladder_of_their_own() -> None:
    table = {"d": 32, "T": 32, "matrix": FACTORS, "tokens": SIMPLEX}
    table["attention"] = {"temperature": "sqrt_d"}
    ladder = [("ENT-4", "asymptotic"), ("ENT-13a", "sharp"), ("ENT-13a", "exact")]
    assert said(table, "entropy") == said(table, "participation") == ladder
    # Independent entries of W: the width does not fluctuate, so sharp is exact.
    table["matrix"] = {"model": "ginibre", "draw": "every_sample"}
    assert said(table, "entropy") == [ladder[0], ladder[2]]
    # One fixed W: no claim has the law of such a row.
    table["matrix"] = {"model": "ginibre"}
    assert said(table, "entropy") == []


def test_no_ladder_where_rows_are_not_gaussian() -> None:
    words = {word for _, word in said({**iid(0.3), "tokens": {"law": "random_walk"}}, "entropy")}
    assert "sharp" not in words
    assert "asymptotic" not in words
    assert said({**iid(0.3), "tokens": {"law": "sphere"}}, "entropy") == []
    assert said({**iid(0.3), "T": 1, "spectrum": {"law": "point", "location": 1.0}}, "entropy") == [
        EXACT
    ]
    all_rows = {**iid(0.3), "attention": {"query": "all"}}
    assert said(all_rows, "entropy") == []


def test_the_rungs_come_closer_to_the_simulation() -> None:
    """At b = 0.8 and T = 64 the asymptote is off by far more than the interval, the sharp value by
    Var s^2 = 2/d relative, the exact one not at all."""
    compared = qk.compare(iid(0.8, d=48), ["entropy"], samples=20_000)["entropy"]
    mean = float(compared.estimate)
    asymptotic, sharp, exact = (abs(float(p.value[0]) - mean) for p in compared.predictions)
    half_width = float(compared.estimate.high[0] - compared.estimate.low[0]) / 2.0
    assert exact < half_width
    assert exact < sharp < 0.1 < asymptotic
    assert [p.agrees(compared.estimate) for p in compared.predictions] == [None, None, True]


def test_reports_say_which_prediction_is_sharp() -> None:
    comparison = qk.compare(iid(0.3), ["entropy"], samples=300)
    entries = comparison.to_dict()["observables"]["entropy"]["predictions"]
    assert [(e["prediction_kind"], e["sharp"]) for e in entries] == [
        ("asymptotic", False),
        ("asymptotic", True),
        ("exact", False),
    ]
    table = {"d": 16, "T": 16, "matrix": FACTORS, "tokens": SIMPLEX}
    both = qk.compare(table, ["entropy"], samples=300).to_xarray()
    assert {"entropy_ENT-13a", "entropy_ENT-13a_sharp"} <= set(both)


# --- the width that the ladder is built on --------------------------------------------------------

MAPS: dict[str, dict[str, Any]] = {
    "iid": {"matrix": {"W": W3}, "tokens": {"law": "iid", "covariance": FULL3}},
    "cloud": {"matrix": {"W": W3}, "tokens": {**CLOUD, "covariance": FULL3}},
    "pinned": {
        "matrix": {"W": W3},
        "tokens": {**CLOUD, "covariance": FULL3, "query": [1.0, -0.5, 0.8]},
    },
    "ginibre": {
        "matrix": {"model": "ginibre", "scale": 0.7, "draw": "every_sample"},
        "tokens": {"law": "iid", "covariance": FULL3},
    },
    "goe": {
        "matrix": {"model": "goe", "scale": 0.7, "draw": "every_sample"},
        "tokens": {**CLOUD, "covariance": FULL3},
    },
    "factors": {"matrix": FACTORS, "tokens": {"law": "iid", "covariance": FULL3}},
    "simplex": {"matrix": FACTORS, "tokens": SIMPLEX},
}


@pytest.mark.parametrize("name", MAPS)
def test_the_width_is_that_of_simulated_logits(name: str) -> None:
    """E (w_1 - w_2)^2/2 = s^2, in which common parts cancel; where W is fixed, also
    E (w_T - w_1)^2 = s^2 + self_mean^2 + self_var. False-alarm rate 2e-9 each."""
    table = {"d": 3, "T": 3, **MAPS[name], "attention": {"temperature": 1.5}}
    ensemble = qk.Ensemble.from_dict(table)
    realization = Realization(ensemble, 3)
    simulator = choose(ensemble, OBSERVABLES["entropy"])(realization)
    assert isinstance(simulator, RowSimulator)
    n = 100_000 if not ensemble.redraws_matrix or name == "simplex" else 20_000
    w = simulator.rows(0, n).logits
    scale = logit_scale(realization)
    assert scale is not None
    square = (w[:, 0] - w[:, 1]) ** 2 / 2.0
    assert distance_of_means(square, scale.s**2).agrees
    assert distance_of_means(square, 1.5 * scale.s**2).differs
    if not ensemble.redraws_matrix:
        own = (w[:, -1] - w[:, 0]) ** 2
        expected = scale.s**2 + scale.self_mean**2 + scale.self_var
        assert distance_of_means(own, expected).agrees
        assert distance_of_means(own, 1.2 * expected).differs


def test_a_map_of_zeros_has_no_width() -> None:
    table = {"d": 2, "T": 3, "matrix": {"W": np.zeros((2, 2)).tolist()}}
    assert logit_scale(Realization(qk.Ensemble.from_dict(table), 0)) is None
