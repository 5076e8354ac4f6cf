"""Experiments with random features: estimates beside predictions, and means that do not exist."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

import qktheory as qk
from qktheory.observables.observable import find_observables
from qktheory.simulation.ensemble import Ensemble
from qktheory.simulation.feature_factors import feature_factors
from qktheory.simulation.realization import Realization
from qktheory.simulation.shared import Experiment, SampleState, sample_together
from qktheory.simulation.simulators.feature_row import FeatureRow

ERRORS = ["feature_error", "kernel_error", "kernel_relative_error"]


def tables(values: list[float], **features: Any) -> dict[str, Any]:
    return {
        "d": len(values),
        "T": 6,
        "spectrum": {"law": "list", "eigenvalues": values},
        "matrix": {"model": "singular_values"},
        "tokens": {"law": "iid"},
        "attention": {"normalizer": "random_features", "features": features},
    }


SMALL = [0.03, 0.02, 0.01]


@pytest.mark.parametrize("kind", ["positive", "hyperbolic", "trig"])
def test_kernel_errors_are_those_of_the_singular_values(kind: str) -> None:
    """Intervals hold with probability 1 - 1e-6; the twin is an error of five features."""
    compared = qk.compare(tables(SMALL, count=8, kind=kind), ["kernel_error"], samples=40_000)
    found = compared["kernel_error"]
    (prediction,) = (p for p in found.predictions if p.kind == "exact")
    assert prediction.claim.id == "ZOO-RF-6b"
    name = f"scaled_mean_mse_{kind}"
    scaled = qk.evaluate("ZOO-RF-6a", singular_values=SMALL)[name]
    assert prediction.value[0] == pytest.approx(scaled / 8, rel=1e-9)
    assert found.agrees is True
    assert not found.estimate.low[0] <= scaled / 5 <= found.estimate.high[0]


def test_temperature_and_covariance_enter_the_singular_values() -> None:
    table = tables([0.06, 0.03], count=4)
    table["attention"]["temperature"] = 2.0
    table["tokens"]["covariance"] = [0.5, 1.0]
    realization = Realization(Ensemble.from_dict(table), 0)
    W_Q, W_K = feature_factors(realization)
    np.testing.assert_allclose(W_Q @ W_K.T, realization.matrix.W / 2.0, atol=1e-15)
    assert qk.compare(table, ["kernel_relative_error"], samples=20_000).agrees is True


@pytest.mark.parametrize(("kind", "shows"), [("positive", False), ("hyperbolic", True)])
def test_orthogonal_features_gain(kind: str, shows: bool) -> None:
    """The mean of independent features is an upper bound; cosh gains two fifths at m = d = 3."""
    table = tables(SMALL, count=3, kind=kind, directions="orthogonal")
    found = qk.compare(table, ["kernel_error"], samples=50_000, delta=0.01)["kernel_error"]
    (bound,) = found.predictions
    assert bound.kind == "upper"
    assert found.agrees is True
    assert float(found.estimate) < bound.value[0]
    assert bool(found.estimate.high[0] < bound.value[0]) is shows


def test_rows_follow_the_delta_method() -> None:
    """ZOO-RF-5 at m = 256, within 10 % and the intervals of both sides."""
    found = qk.compare(tables(SMALL, count=256), ["feature_error"], samples=4000)["feature_error"]
    (prediction,) = found.predictions
    assert (prediction.claim.id, prediction.kind) == ("ZOO-RF-5", "asymptotic")
    margin = 0.1 * float(found.estimate) + 5 * prediction.error
    assert found.estimate.low[0] - margin < prediction.value[0] < found.estimate.high[0] + margin
    assert float(found.estimate) < 0.1 * found.estimate.n  # a squared distance, not its m-fold
    assert prediction.value[0] < 256 * found.estimate.low[0]


# --- no false interval ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("largest", "kind", "directions", "want"),
    [
        (0.03, "positive", "iid", "asymptotic"),
        (0.04, "positive", "iid", "infinite variance"),
        (0.16, "positive", "iid", "infinite variance"),
        (0.17, "positive", "iid", "infinite mean"),
        (0.17, "positive", "fixed_norm", "asymptotic"),
        (0.24, "trig", "iid", "asymptotic"),
        (0.26, "trig", "iid", "infinite variance"),
        (0.51, "trig", "iid", "infinite mean"),
    ],
)
def test_an_error_without_moments_carries_no_interval(
    largest: float, kind: str, directions: str, want: str
) -> None:
    table = tables([largest, 0.01], count=2, kind=kind, directions=directions)
    compared = qk.compare(table, ["kernel_error"], samples=300)
    found = compared["kernel_error"]
    assert found.estimate.guarantee == want
    report = json.loads(json.dumps(compared.to_dict()))["observables"]["kernel_error"]
    if want == "asymptotic":
        assert np.isfinite([found.estimate.low, found.estimate.high]).all()
        return
    assert not found.estimate.has_interval
    assert report["ci"] == [None, None]
    assert found.agrees is None
    if directions == "iid":
        (prediction,) = found.predictions
        assert math.isinf(prediction.value[0]) == (want == "infinite mean")
        assert (report["predictions"][0]["value"] is None) == (want == "infinite mean")


def test_the_relative_error_has_moments_of_its_own() -> None:
    """A mean up to sigma_1 = 1/4, a variance up to 1/24."""
    for largest, want in (
        (0.041, "asymptotic"),
        (0.042, "infinite variance"),
        (0.26, "infinite mean"),
    ):
        table = tables([largest, 0.01], count=2)
        found = qk.simulate(table, ["kernel_relative_error"], samples=300)
        assert found["kernel_relative_error"].guarantee == want


def test_sweeps_give_no_false_interval_either() -> None:
    """Cells that share noise, and what a journal keeps of them."""
    experiments = [
        Experiment(Ensemble.from_dict(tables([x, 0.01], count=2)), find_observables(ERRORS[1:2]))
        for x in (0.02, 0.2)
    ]
    states = sample_together(experiments, key=1, cells=[0, 0], samples=300)
    for experiment, state, want in zip(
        experiments, states, ("asymptotic", "infinite mean"), strict=True
    ):
        again = SampleState.from_bytes(experiment, state.to_bytes())
        for found in (state, again):
            assert found.estimates(0.01)["kernel_error"].guarantee == want


def test_denominators_next_to_zero_leave_no_mean() -> None:
    found = qk.simulate(tables(SMALL, count=4, kind="trig"), ["feature_error"], samples=300)
    assert found["feature_error"].guarantee == "infinite mean"


# --- the number of features -----------------------------------------------------------------------


def test_the_nuclear_norm_sets_the_number_of_features() -> None:
    """Equal logit variance, four times the rank: twice the nuclear norm (ZOO-RF-6)."""
    demands = []
    for rank in (4, 16):
        values = [0.04 / math.sqrt(rank)] * rank + [0.0] * (16 - rank)
        demand = qk.compare(tables(values), ["entropy"], samples=50).feature_demand
        assert demand is not None
        assert demand.nuclear_norm == pytest.approx(0.04 * math.sqrt(rank), rel=1e-9)
        assert demand.needed == pytest.approx(demand.nuclear_law, abs=1.0)
        assert str(demand.needed) in demand.text
        demands.append(demand)
    assert demands[1].nuclear_law > 2.0 * demands[0].nuclear_law
    beyond = qk.compare(tables([0.3, 0.1]), ["entropy"], samples=50).feature_demand
    assert beyond is not None
    assert beyond.needed is None
    assert "the mean is infinite" in beyond.text
    plain = {**tables(SMALL), "attention": {}}
    assert qk.compare(plain, ["entropy"], samples=50).feature_demand is None


# --- what applies ---------------------------------------------------------------------------------


def test_rows_by_features_have_the_observables_of_rows() -> None:
    found = qk.simulate(tables(SMALL, count=2000), ["entropy", *ERRORS[:1]], samples=500)
    exact = qk.simulate({**tables(SMALL), "attention": {}}, ["entropy"], samples=500)
    assert float(found["entropy"]) == pytest.approx(float(exact["entropy"]), rel=1e-3)
    assert float(found["entropy"]) != float(exact["entropy"])
    assert found["entropy"].simulator == "feature_row"


@pytest.mark.parametrize("kind", ["positive", "trig", "hyperbolic", "optimal"])
@pytest.mark.parametrize("directions", ["iid", "orthogonal", "fixed_norm"])
def test_a_sample_depends_on_its_number_alone(kind: str, directions: str) -> None:
    table = tables(SMALL, count=5, kind=kind, directions=directions)
    simulator = FeatureRow(Realization(Ensemble.from_dict(table), 3))
    observables = find_observables(ERRORS)
    whole = simulator.measure(observables, 0, 40)
    for first, n in ((0, 1), (39, 1), (1, 39), (13, 20)):
        part = simulator.measure(observables, first, n)
        for a, b in zip(whole, part, strict=True):
            assert a[first : first + n].tobytes() == b.tobytes()


def test_claims_on_exact_attention_do_not_speak_about_estimates() -> None:
    failing = qk.applicability(Ensemble.from_dict(tables(SMALL)))
    assert failing["ZOO-RF-6b"] is None
    assert failing["LOC-8b"] == "exact attention: attention is not estimated by random features"
    plain = qk.applicability(Ensemble.from_dict({**tables(SMALL), "attention": {}}))
    assert str(plain["ZOO-RF-6b"]).startswith("random features: ")


@pytest.mark.parametrize(
    ("table", "observable", "message"),
    [
        ({**tables(SMALL), "attention": {}}, "feature_error", "attention uses no random features"),
        (tables(SMALL), "stable_rank", "the whole attention matrix|never estimates"),
        (tables(SMALL, kind="trig"), "entropy", "weights of both signs|never estimates"),
        ({**tables(SMALL), "T": 1}, "kernel_error", "no other key|never estimates"),
    ],
)
def test_what_cannot_be_drawn_says_why(
    table: dict[str, Any], observable: str, message: str
) -> None:
    with pytest.raises(ValueError, match=f"no simulator can draw '{observable}'"):
        qk.simulate(table, [observable], samples=10)


def test_given_factors_are_those_of_the_matrix() -> None:
    table = {
        "d": 2,
        "T": 4,
        "matrix": {"W_Q": [[0.4, 0.0], [0.0, 0.1]], "W_K": [[0.1, 0.0], [0.0, 0.1]]},
        "attention": {"normalizer": "random_features", "features": {"factors": "given"}},
    }
    W_Q, _ = feature_factors(Realization(Ensemble.from_dict(table), 0))
    np.testing.assert_array_equal(W_Q, table["matrix"]["W_Q"])  # type: ignore[index]
    with pytest.raises(ValueError, match=r"attention.features.factors = 'given'"):
        qk.simulate(tables(SMALL, factors="given"), ["entropy"], samples=10)
