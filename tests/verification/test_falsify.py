"""The falsifier: it finds what is known to be there, and cries wolf nowhere."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

import mpmath
import numpy as np
import pytest

import qktheory as qk
from qktheory.numerics.many_digits import entropy_of_logits, gaussian_contrast, hub_residual
from qktheory.simulation.engine import worker_threads
from qktheory.theorems.catalogue import claims
from qktheory.theorems.claim import Claim
from qktheory.theorems.judgements import PathwiseBound
from qktheory.verification.falsification.coordinates import Coordinates
from qktheory.verification.falsification.search import Finding, attack
from qktheory.verification.falsification.starts import random_inputs, structured_inputs
from qktheory.verification.falsification.targets import targets
from qktheory.verification.judge import Context, find_budget

BOUNDS = [c for c in claims() if c.kind == "pathwise bound"]


def search(claim: Claim, evaluations: int, seconds: float = 20.0) -> Iterator[tuple[Finding, bool]]:
    """Attack the first target of a claim; yield findings, and whether a violation stands."""
    with worker_threads(1) as workers:
        context = Context(find_budget("quick"), 0, 1e-6, workers, lambda line: None)
        target = targets(claim, context)[0]
        until = time.monotonic() + seconds
        for f in attack(target, np.random.default_rng(0), evaluations, until):
            beyond = f.pair.excess > target.rounding
            yield f, beyond and target.certify(f.parameters, f.number)["violated"]


def violated(claim: Claim, evaluations: int) -> bool:
    return any(stands for _, stands in search(claim, evaluations))


@lru_cache
def tightest(name: str) -> dict[str, tuple[Finding, bool]]:
    """Return what one search finds for each inequality of a claim."""
    return {f.name: (f, stands) for f, stands in search(claims([name])[0], 1000)}


# --- what is known to be there --------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "digits"),
    [("ENT-9-folklore", True), ("LOC-5-folklore", True), ("RANK-3-folklore", True)],
)
def test_folklore_is_violated_without_being_told_where(name: str, digits: bool) -> None:
    found = qk.falsify(name)
    part = found[name]
    assert part.violated
    assert found.success  # folklore is expected to fall
    worst = part.worst
    assert worst is not None
    assert worst.certificate is not None
    assert worst.certificate["arithmetic"] == "50 decimal digits"
    if name == "LOC-5-folklore":
        # LOC-5b: the contrast falls with the eigenvalue variance for |xi| > 0.4807.
        assert abs(worst.parameters["xi"]) < 0.4807
    if name == "RANK-3-folklore":
        # The chapter's smallest counterexample has 6000 tokens; none exists up to 32.
        assert worst.parameters["neutral_tokens"] + worst.parameters["active_tokens"] > 32


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "inequality", "least"),
    [
        ("RANK-7a", "tau_dobrushin <= tanh_bound", 0.99),
        ("RANK-7a", "diameter_2_out <= bound_tau", 0.99),
        ("RANK-2a", "z_norm_inf <= bound_a_z_norm_inf", 0.95),
        ("RANK-2a", "z_norm_1 <= bound_a_z_norm_1", 0.95),
        ("ENT-9b", "", 0.99),
    ],
)
def test_bounds_that_are_attained_are_found_tight(name: str, inequality: str, least: float) -> None:
    finding, stands = tightest(name)[inequality]
    tightness = finding.pair.tightness
    assert not stands
    assert not finding.pair.degenerate
    assert tightness is not None
    assert least < tightness < 1.0 + 1e-9


#: Bounds whose twin errs in a value that another judgement of the claim compares.
NO_INPUT_TELLS = ("ZOO-RANK-3", "ZOO-RF-9", "ZOO-ROLL-1")


@pytest.mark.slow
@pytest.mark.parametrize(
    "claim", [c for c in BOUNDS if c.id not in NO_INPUT_TELLS], ids=lambda c: c.id
)
def test_wrong_twins_of_bounds_are_broken(claim: Claim) -> None:
    assert violated(claim.twin(), 1500)


# --- what is not ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ENT-10c", "ENT-10e", "RANK-2b", "RANK-7b", "SPEC-4b"])
def test_true_bounds_stand(name: str) -> None:
    assert not violated(claims([name])[0], 400)


def _logit_claim(sides: Any, precise: Any = None) -> Claim:
    claim = claims(["ENT-9-folklore"])[0]
    bound = PathwiseBound(
        sides, lambda rng: {"logits": rng.normal(size=5)}, rounding=1e-12, precise=precise
    )
    return replace(claim, judged_by=(bound,))


def _equal(parameters: Mapping[str, Any], values: Any, rng: Any) -> list[tuple[float, float]]:
    """Two ways of rounding one number: the double side exceeds the other by noise."""
    logits = parameters["logits"]
    return [(float(np.sum(np.exp(logits))) * (1.0 + 1e-9), float(np.sum(np.exp(logits))))]


def test_an_excess_that_many_digits_deny_is_no_violation() -> None:
    def precise(parameters: Mapping[str, Any]) -> list[tuple[Any, Any]]:
        total = mpmath.fsum(mpmath.exp(mpmath.mpf(x)) for x in parameters["logits"].tolist())
        return [(total, total)]

    assert violated(_logit_claim(_equal), 60)
    assert not violated(_logit_claim(_equal, precise), 60)


def test_what_is_not_a_number_is_below_nothing() -> None:
    nan = _logit_claim(lambda p, v, rng: [(float("nan"), 1.0)])
    assert violated(nan, 30)


def test_inputs_that_fail_are_passed_over() -> None:
    def sides(parameters: Mapping[str, Any], values: Any, rng: Any) -> list[tuple[float, float]]:
        if parameters["logits"][0] > 0.0:
            raise ZeroDivisionError
        return [(float(parameters["logits"][0]), 1.0)]

    (finding, stands), *_ = search(_logit_claim(sides), 80)
    assert finding.parameters["logits"][0] <= 0.0
    assert not stands


def test_tightness_is_asked_for_away_from_trivial_values() -> None:
    """tau <= tanh(Delta/4) says nothing where both are nearly 1 (rows that share no key)."""
    (name, finding), *_ = [
        (f.name, f) for f, _ in search(claims(["RANK-7a"])[0], 300) if f.name.startswith("tau")
    ]
    assert name == "tau_dobrushin <= tanh_bound"
    assert finding.pair.larger <= 0.9


# --- parts of the search --------------------------------------------------------------------------


@pytest.mark.parametrize("claim", BOUNDS, ids=lambda c: c.id)
def test_coordinates_start_where_the_input_is(claim: Claim) -> None:
    rng = np.random.default_rng(1)
    declared = {parameter.name for parameter in claim.parameters}
    judgement = next(j for j in claim.judged_by if isinstance(j, PathwiseBound))
    for start in random_inputs(claim, judgement.draw, rng, 5):
        chart = Coordinates(claim, start)
        assert all(
            chart.parameters(chart.origin)[name] is value
            for name, value in start.items()
            if value is not None and name in declared
        )
        again = chart.parameters(chart.origin + 1e-9)  # a step that every chart takes
        for name, value in start.items():
            if name in declared and isinstance(value, float | np.ndarray):
                np.testing.assert_allclose(again[name], value, rtol=1e-6, atol=2e-8, err_msg=name)
        for relative in structured_inputs(claim, start, rng):
            assert set(relative) >= declared


def test_findings_depend_on_the_seed_only() -> None:
    first, again = (qk.falsify("RANK-2b", threads=n).to_dict() for n in (1, 2))
    assert first == again
    assert qk.falsify("RANK-2b", seed=5).to_dict() != first


def test_the_worst_inputs_can_be_evaluated_again() -> None:
    found = qk.falsify("RANK-2b")
    results = [qk.evaluate(entry["id"], **entry["parameters"]) for entry in found.inputs()]
    assert len(results) == len(found["RANK-2b"].attacks)
    data = found.to_xarray()
    assert data["violated"].values.tolist() == [False] * len(results)
    assert "tightness" in repr(found)


@pytest.mark.parametrize(
    ("name", "message"),
    [("LOC-1a", "asserts no inequality"), ("RANK-77", "unknown claim"), ("ENT-9x", "unknown")],
)
def test_bad_names_are_refused(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        qk.falsify(name)


# --- many digits ----------------------------------------------------------------------------------


def test_precise_sides_are_those_of_double_precision() -> None:
    for claim in claims():
        for judgement in claim.judged_by:
            if not isinstance(judgement, PathwiseBound) or judgement.precise is None:
                continue
            for case in claim.cases:
                parameters = claim.checked(case)
                values = claim.values_at(parameters)
                pairs = judgement.sides(parameters, values, np.random.default_rng(0))
                with mpmath.workdps(50):
                    precise = judgement.precise(parameters)
                assert len(precise) == len(pairs)
                for exact, pair in zip(precise, pairs, strict=True):
                    if exact is not None:
                        assert [float(x) for x in exact] == pytest.approx(pair, rel=1e-11)


def test_routes_of_many_digits_against_values_of_the_chapters() -> None:
    with mpmath.workdps(50):
        # ENT-9: one logit at distance D above T - 1 others.
        D, T = mpmath.mpf(3), 8
        low = (T - 1) * mpmath.exp(-D)
        exact = mpmath.log(1 + low) + D * low / (1 + low)
        assert abs(entropy_of_logits([3.0] + [0.0] * 7) - exact) < mpmath.mpf(10) ** -45
        # RANK-3: the ratios of the chapter at T = 6000 and 8000.
        assert hub_residual(3900, 2099, 10.5, 13.25) / (4 * mpmath.mpf("13.25")) > 1.01596
        assert hub_residual(5200, 2799, 11.0, 13.75) / (4 * mpmath.mpf("13.75")) > 1.14832
        # LOC-4b: contrast 0.2156903... at xi = 1, eta = 10.
        theta = qk.evaluate("LOC-4b", xi=1.0, eta=10.0)["theta_max"]
        assert float(gaussian_contrast(1.0, 10.0, theta)) == pytest.approx(0.21569032, abs=1e-8)
