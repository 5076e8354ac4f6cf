"""`compare`: predictions beside estimates, and what happens when they disagree."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import qktheory as qk
from qktheory.observables.observable import OBSERVABLES
from qktheory.simulation.realization import Realization
from qktheory.theorems.claim import CLAIMS
from qktheory.verification.compare import Prediction, predictions

SPECTRUM = {"law": "semicircle", "xi": 1.0, "eta": 0.5}
WALK: dict[str, Any] = {
    "d": 6,
    "T": 9,
    "spectrum": SPECTRUM,
    "tokens": {"law": "random_walk", "covariance": 0.7},
    "attention": {"temperature": 1.4},
}
IID: dict[str, Any] = {**WALK, "tokens": {"law": "iid", "covariance": [1, 2, 1, 0.5, 0, 1]}}
GENERAL: dict[str, Any] = {**WALK, "matrix": {"model": "schur", "departure": 1.0}}


def said(table: dict[str, Any], observable: str) -> list[tuple[str, str]]:
    realization = Realization(qk.Ensemble.from_dict(table), 0)
    return [(p.claim.id, p.kind) for p in predictions(realization, OBSERVABLES[observable])]


def test_who_predicts_what() -> None:
    """From the coarsest to the finest: exact predictions come last."""
    assert said(WALK, "rho") == [
        ("LOC-3a", "asymptotic"),
        ("LOC-4a", "asymptotic"),
        ("LOC-3b", "exact"),
    ]
    assert said(GENERAL, "rho") == [("LOC-3a", "asymptotic"), ("LOC-3c", "exact")]
    assert ("LOC-1a", "exact") in said(WALK, "logit")
    assert ("LOC-15b", "exact") in said(IID, "entropy")
    assert said(IID, "rho") == []
    clipped = {**IID, "attention": {"normalizer": "clipped_linear"}}
    assert all(claim != "LOC-15b" for claim, _ in said(clipped, "entropy"))


@pytest.mark.parametrize(
    ("table", "observables"),
    [
        (WALK, ["rho", "logit", "centred_logit", "alive_fraction"]),
        (GENERAL, ["rho", "logit"]),
        (IID, ["entropy", "participation", "self_weight", "profile"]),
        (
            {**IID, "tokens": {"law": "iid", "query": [1.0, 0, 0.5, -1, 0, 0.2]}},
            ["entropy", "participation", "self_weight", "profile"],
        ),
        ({**WALK, "T": 1}, ["logit", "entropy"]),
        ({**IID, "T": 1}, ["entropy", "self_weight", "profile"]),
    ],
)
def test_exact_predictions_agree_with_the_simulation(
    table: dict[str, Any], observables: list[str]
) -> None:
    found = qk.compare(table, observables, samples=20_000)
    for name in observables:
        exact = [p for p in found[name].predictions if p.kind == "exact"]
        assert found[name].agrees is (True if exact else None), name
        for prediction in exact:
            assert prediction.value.shape == found[name].estimate.mean.shape
    assert found.agrees is True


@pytest.mark.parametrize(
    ("table", "observable"), [(WALK, "rho"), (WALK, "logit"), (IID, "entropy")]
)
def test_a_prediction_that_is_off_disagrees(table: dict[str, Any], observable: str) -> None:
    """The planted error is a tenth of the value, or of its largest component."""
    found = qk.compare(table, [observable], samples=100_000)
    estimate = found[observable].estimate
    right = found[observable].predictions[-1]
    assert right.agrees(estimate) is True
    shifted = replace(right, value=right.value + 0.1 * np.abs(right.value).max())
    assert shifted.agrees(estimate) is False
    for kind, above, below in (
        ("lower", False, True),
        ("upper", True, False),
        ("asymptotic", None, None),
    ):
        high = replace(shifted, kind=kind)
        low = replace(right, kind=kind, value=right.value - 0.1 * np.abs(right.value).max())
        assert high.agrees(estimate) is above
        assert low.agrees(estimate) is below


def test_an_estimate_without_a_prediction_agrees_with_nothing() -> None:
    found = qk.compare(WALK, ["entropy"], samples=500)
    exact = [p for p in found["entropy"].predictions if p.kind == "exact"]
    assert exact == []
    assert found["entropy"].agrees is found.agrees


def test_a_numerical_error_widens_what_counts_as_agreement() -> None:
    estimate = qk.compare(WALK, ["entropy"], samples=500)["entropy"].estimate
    off = estimate.high + 1.0
    assert Prediction(CLAIMS["LOC-15b"], "exact", off).agrees(estimate) is False
    assert Prediction(CLAIMS["LOC-15b"], "exact", off, error=0.2).agrees(estimate) is True


def test_the_report_has_the_keys_of_the_contract() -> None:
    found = qk.compare(WALK, ["entropy", "rho", "logit"], samples=1000, seed=4, delta=1e-4)
    report = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    wanted = "version ensemble seed samples delta observables"
    assert set(wanted.split()) <= set(report)
    assert (report["seed"], report["samples"], report["delta"]) == (4, 1000, 1e-4)
    assert qk.Ensemble.from_dict(report["ensemble"]) == found.ensemble
    for name, entry in report["observables"].items():
        wanted = "estimate ci n guarantee simulator predictions agrees"
        assert set(wanted.split()) <= set(entry)
        sizes = {np.size(entry["estimate"]), *(np.size(end) for end in entry["ci"])}
        assert sizes == {9 if name in ("rho", "logit") else 1}
        for prediction in entry["predictions"]:
            assert {"claim", "prediction_kind", "value"} <= set(prediction)
    assert report["observables"]["entropy"]["simulator"] == "bridge_row"
    assert report["observables"]["logit"]["guarantee"] == "asymptotic"
    assert report["observables"]["rho"]["guarantee"] == "finite-sample"


def test_intervals_of_all_observables_share_delta() -> None:
    """Two observables: each at delta/2."""
    one = qk.compare(WALK, ["rho"], samples=1000, delta=5e-5)
    two = qk.compare(WALK, ["rho", "logit"], samples=1000, delta=1e-4)
    np.testing.assert_array_equal(one["rho"].estimate.low, two["rho"].estimate.low)


def test_threads_and_seeds() -> None:
    first, second = (qk.compare(WALK, ["rho"], samples=3000, threads=t).to_dict() for t in (1, 2))
    assert first == second
    assert qk.compare(WALK, ["rho"], samples=3000, seed=1).to_dict() != first
    assert qk.compare(WALK, ["rho"], samples=300, seed=np.int64(7)).seed == 7


def test_a_labelled_dataset_with_predictions() -> None:
    dataset = qk.compare(WALK, ["rho", "entropy"], samples=1000).to_xarray()
    assert dataset["rho_LOC-3b"].dims == ("key",)
    assert dataset["entropy_mean"].dims == ()


def test_presets_agree() -> None:
    from qktheory.simulation.specification import preset_names, read_preset

    for name in preset_names():
        specification = read_preset(name)
        if specification.ensemble.network is not None:
            continue  # no claim predicts networks yet
        assert qk.compare(specification.ensemble, ["entropy"], samples=2000).agrees is not False
