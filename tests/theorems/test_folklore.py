"""Folklore: each belief fails where expected, and has a corrected statement beside it."""

from __future__ import annotations

import math

import numpy as np
import pytest

import qktheory as qk
from qktheory.verification.verdict import CaseResult, ClaimResult

FOLKLORE = [claim.id for claim in qk.claims() if claim.standing == "folklore"]
#: What to state instead; `tests/verification/test_verdicts.py` judges it.
CORRECTED = {
    "LOC-5-folklore": ["LOC-5a", "LOC-5b"],
    "LOC-10-folklore": ["LOC-10b"],
    "LOC-12-folklore": ["LOC-12c"],
    "LOC-13-folklore": ["LOC-13"],
    "LOC-14-folklore": ["LOC-14a", "LOC-14b"],
    "ENT-6-folklore": ["ENT-6a"],
    "ENT-8-folklore": ["ENT-8a", "ENT-8d"],
    "ENT-9-folklore": ["ENT-9b"],
    "RMT-6-folklore": ["RMT-6a"],
    "RANK-3-folklore": ["RANK-2a", "RANK-2c"],
    "ZOO-RF-3-folklore": ["ZOO-RF-2", "ZOO-RF-3a"],
    "ZOO-OPT-1-folklore": ["ZOO-OPT-1"],
    "ZOO-UAP-1-folklore": ["ZOO-UAP-1a"],
}


def judged(name: str) -> ClaimResult:
    found = qk.verify([name])
    assert found.success
    return refuted(found[name])


def refuted(result: ClaimResult) -> ClaimResult:
    assert result.verdict == "refuted"
    assert result.agrees
    assert not result.alarming
    return result


def test_all_folklore_has_its_correction() -> None:
    assert set(FOLKLORE) == set(CORRECTED)
    for names in CORRECTED.values():
        for name in names:
            assert qk.claims([name])[0].standing != "folklore"


def test_variance_localizes_only_where_the_trace_is_not_small() -> None:
    """The contrast rises with eta inside the interval of LOC-5b, for |xi| < xi_c only."""
    result = judged("LOC-5-folklore")
    critical = qk.evaluate("LOC-5c")["xi_c"]
    for case in result.cases:
        xi, eta = case.parameters["xi"], case.parameters["eta"]
        assert case.verdict == ("refuted" if abs(xi) < critical else "supported")
        if case.verdict == "refuted":
            assert case.estimate < case.prediction
            inside = qk.evaluate("LOC-5b", xi=xi)
            assert inside["eta_low"] < eta < inside["eta_high"]
            assert qk.evaluate("LOC-4b", xi=xi, eta=eta)["contrast"] == case.estimate
    assert [c.verdict for c in result.cases] == ["refuted", "refuted", "supported"]


def test_a_spike_localizes_more_than_a_semicircle_of_smaller_variance() -> None:
    result = judged("LOC-10-folklore")
    assert [c.verdict for c in result.cases] == ["refuted", "supported", "refuted"]
    case = result.cases[0]
    wide = np.asarray(case.parameters["eigenvalues"])
    spike = np.array([4.0 / 512] + [0.0] * 7)
    assert wide.sum() == pytest.approx(spike.sum(), rel=1e-12)
    assert wide @ wide < spike @ spike
    # The order of LOC-10a does not contradict: neither spectrum majorizes the other.
    partial = [np.cumsum(np.sort(mu)[::-1]) for mu in (spike, wide)]
    assert (partial[0] > partial[1]).any()
    assert (partial[0] < partial[1] - 1e-15).any()
    assert case.prediction == qk.evaluate("LOC-10a", eigenvalues=spike, T=512)["Lambda"]
    assert case.estimate == qk.evaluate("LOC-10a", eigenvalues=wide, T=512)["Lambda"]
    assert case.estimate < case.prediction


def test_the_middle_of_the_sequence_holds_next_to_nothing() -> None:
    result = judged("LOC-12-folklore")
    assert len(result.cases) == 3
    for case in result.cases:
        assert case.verdict == "refuted"
        assert case.high < 0.05
        # The clipped theory says otherwise: half of its alive keys are in the middle.
        quarters = qk.evaluate("LOC-12a", **case.parameters)["rho_quarters"]
        assert quarters[1] + quarters[2] > 0.5


@pytest.mark.slow
def test_small_variance_does_not_avoid_both_collapses() -> None:
    """The selection LOC-13 holds both the belief and the bound that is true."""
    found = qk.verify(["LOC-13"])
    assert found.success
    assert found["LOC-13"].verdict == "supported"
    result = refuted(found["LOC-13-folklore"])
    ranks = [c for c in result.cases if c.value == "stable_rank"]
    (entropy,) = (c for c in result.cases if c.value != "stable_rank")
    assert [c.verdict for c in ranks] == ["refuted", "refuted", "supported"]
    assert [c.parameters["mask"] for c in ranks] == ["none", "causal", "causal"]
    assert all(c.high < 3.0 for c in ranks[:2])
    # Iid tokens at xi = 8: the rank is full, the entropy falls with the variance.
    assert ranks[2].low > 32.0
    assert entropy.parameters["tokens"] == "iid"
    assert (entropy.verdict, entropy.high < 0.0) == ("refuted", True)


def test_the_penalty_is_not_bounded_below() -> None:
    result = judged("LOC-14-folklore")
    asymmetric, rotation, symmetric = result.cases[:3]
    assert [c.verdict for c in (asymmetric, rotation, symmetric)] == [
        "refuted",
        "refuted",
        "supported",
    ]
    for case in (asymmetric, rotation):
        W = np.array(case.parameters["W_QK"])
        trace_square = qk.evaluate("LOC-14b", **case.parameters)["trace_square"]
        assert trace_square < np.trace(W) ** 2 / len(W)
    W = np.array(symmetric.parameters["W_QK"])
    assert (W == W.T).all()


def test_the_frobenius_penalty_is_bounded_below() -> None:
    """What to penalise instead (LOC-14): |W|_F^2 >= (tr W)^2/d for any W, equality at a I."""
    rng = np.random.default_rng(0)
    for _ in range(50):
        d = int(rng.integers(1, 6))
        W_Q, W_K = rng.normal(size=(2, d, d)) * 10.0 ** rng.uniform(-2, 2)
        found = qk.evaluate("LOC-14a", W_Q=W_Q, W_K=W_K)
        trace = np.trace(W_Q @ W_K.T)
        assert found["penalty_frobenius"] >= trace**2 / d * (1.0 - 1e-12)
    flat = qk.evaluate("LOC-14a", W_Q=2.0 * np.eye(3), W_K=np.eye(3))
    assert flat["penalty_frobenius"] == pytest.approx(12.0, rel=1e-14)


def test_the_flow_tears_the_antisymmetric_part_apart() -> None:
    """Chapter, t = 0.5: the traceless symmetric part shrinks by 1/e, the antisymmetric grows by e.

    The printed ratios 0.36784 and 2.7180 come from an integration with a finite step.
    """
    W = np.array([[1.0, 2.0], [0.0, -1.0]])
    later = np.array(qk.evaluate("LOC-14b", W_QK=W, time=0.5)["W_QK_t"])
    symmetric = (later + later.T)[0, 1] / (W + W.T)[0, 1]
    antisymmetric = (later - later.T)[0, 1] / (W - W.T)[0, 1]
    assert symmetric == pytest.approx(math.exp(-1.0), rel=1e-13)
    assert antisymmetric == pytest.approx(math.e, rel=1e-13)
    assert symmetric == pytest.approx(0.36784, abs=5e-5)
    assert antisymmetric == pytest.approx(2.7180, abs=5e-4)


def test_the_mean_participation_stays_annealed_beyond_half_of_freezing() -> None:
    result = judged("ENT-6-folklore")
    between, below, beyond = result.cases
    assert [c.verdict for c in (between, below, beyond)] == ["refuted", "supported", "refuted"]
    # At b = 0.55 the slope of ln E Y_2 is that of e^(s^2)/T, not the typical 0.405.
    assert between.prediction == pytest.approx(0.405, rel=1e-12)
    assert between.estimate == pytest.approx(1.0 - 2.0 * 0.55**2, abs=1e-3)
    T, s = 1e97, 0.55 * math.sqrt(2.0 * math.log(1e97))
    exact = qk.evaluate("ENT-1", T=T, s=s)["mean_participation"]
    assert exact / (math.exp(s * s) / T) == pytest.approx(1.0, abs=0.25)


def test_half_the_participation_lies_at_twice_the_freezing_point() -> None:
    result = judged("ENT-8-folklore")
    assert [c.verdict for c in result.cases] == ["refuted"] * 3
    for case in result.cases:
        limit = 1.0 / (1.0 - case.parameters["level"])
        assert case.estimate == pytest.approx(limit, rel=0.02)
        # The distance to 1 grows along the ladder.
        errors = [error for _, error in case.ladder]
        assert errors == sorted(errors)


def test_half_the_variance_does_not_bound_the_entropy_deficit() -> None:
    result = judged("ENT-9-folklore")
    skewed, even, wide = result.cases[:3]
    assert [c.verdict for c in (skewed, even, wide)] == ["refuted", "supported", "refuted"]
    # Anybody can check it: one logit 3 among eight.
    high = math.exp(3.0) / (math.exp(3.0) + 7.0)
    low = (1.0 - high) / 7.0
    deficit = math.log(8.0) + high * math.log(high) + 7.0 * low * math.log(low)
    assert skewed.estimate == pytest.approx(deficit, rel=1e-13)
    assert skewed.prediction == pytest.approx((9.0 / 8.0 - 9.0 / 64.0) / 2.0, rel=1e-13)
    sharp = qk.evaluate("ENT-9b", **skewed.parameters)
    assert sharp["min_entropy"] == pytest.approx(math.log(8.0) - deficit, rel=1e-13)


def test_stable_ranks_fall_by_no_more_than_two_powers_of_the_width_a_layer() -> None:
    """Exponents 1 - l and 1 - 2l lie in the intervals, 1 - 4l is far outside."""
    result = judged("RMT-6-folklore")
    for case in result.cases:
        layer, in_x = case.parameters["layer"], case.parameters["convention"] == "X"
        true = 1 - layer if in_x else 1 - 2 * layer
        assert case.low - 0.2 < true < case.high + 0.2
        assert case.prediction == 1 - 4 * layer < case.low


def test_orthogonal_features_can_lose() -> None:
    """The excess of ZOO-RF-3a at three distances, at most 1.5 %."""
    result = judged("ZOO-RF-3-folklore")
    assert all(case.verdict == "refuted" for case in result.cases)
    for case in result.cases[:3]:
        ratio = qk.evaluate("ZOO-RF-3a", **case.parameters)["mse_ratio"]
        assert case.estimate == ratio
        assert 1.0 < ratio < 1.015


def test_gradients_of_queries_fall_quadratically_near_collapse() -> None:
    """The selection ZOO-OPT-1 holds both the belief and the order that is true."""
    found = qk.verify(["ZOO-OPT-1"])
    assert found.success
    assert found["ZOO-OPT-1"].verdict == "supported"
    result = refuted(found["ZOO-OPT-1-folklore"])
    for case in result.cases:
        assert case.estimate == pytest.approx(2.0, abs=1e-3)
        assert case.prediction == 1.0


def test_a_finite_temperature_interpolates_eight_times_better_than_hardmax() -> None:
    result = judged("ZOO-UAP-1-folklore")
    best, wide, sharp = result.cases
    assert [c.verdict for c in (best, wide, sharp)] == ["refuted"] * 3
    assert best.estimate == pytest.approx(0.0619, abs=1e-4)
    assert best.prediction > 5.0 * best.estimate
    assert qk.evaluate("ZOO-UAP-1a", sharpness=1e12)["kappa"] == pytest.approx(0.5, rel=1e-9)


def test_folklore_that_holds_would_fail_the_run() -> None:
    """The wrong twin of all this: a supported belief is alarming."""
    claim = qk.claims(["LOC-14-folklore"])[0]
    case = CaseResult("penalty", {}, 1.0, 1.0, 1.0, 1.0, 1, "numerical", "supported")
    result = ClaimResult(claim, [case])
    assert result.verdict == "supported"
    assert result.alarming
    assert not qk.Verification([result], 0, 1e-6, "quick").success
