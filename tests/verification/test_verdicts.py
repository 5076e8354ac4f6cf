"""Every claim comes out supported and every wrong twin refuted, for reasons that hold."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import qktheory as qk
from qktheory.simulation.intervals import confidence_interval
from qktheory.theorems.claim import CLAIMS, Claim
from qktheory.theorems.judgements import DrawnLimit, Expectation
from qktheory.verification.judge import BUDGETS, sampled_targets
from qktheory.verification.judges.asymptotic import shrinks
from qktheory.verification.judges.expectation import decide
from qktheory.verification.verdict import MEANING, CaseResult, ClaimResult, Verification

IDS = [claim.id for claim in qk.claims()]
#: Claims that take seconds: rare events, long rows, ladders of sizes.
SLOW = {"LOC-2a", "LOC-2b", "LOC-3b", "LOC-3d", "LOC-15b", "LOC-11b", "LOC-10a"}
SLOW |= {"LOC-13", "LOC-13-folklore", *(f"LOC-9{part}" for part in "bcefg")}


def each(ids: list[str]) -> list[Any]:
    """One selection for each id; LOC-13 selects its folklore too, which then needs none."""
    beside = {c.id for i in ids for c in qk.claims([i]) if c.id != i}
    alone = [i for i in ids if i not in beside]
    return [pytest.param(i, marks=[pytest.mark.slow] if i in SLOW else []) for i in alone]


def exact_means(claim: Claim) -> bool:
    """Whether the claim states means without a model error and nothing else."""
    return all(
        isinstance(judgement, Expectation)
        and not any(judgement.model_error(claim.checked(case)) for case in claim.cases)
        for judgement in claim.judged_by
    )


@pytest.mark.parametrize("name", each(IDS))
def test_every_claim_gets_the_verdict_of_its_standing_at_the_quick_budget(name: str) -> None:
    for found in qk.verify([name]).results:
        check_verdict(found)


def check_verdict(found: ClaimResult) -> None:
    claim = found.claim
    wanted = "refuted" if claim.standing == "folklore" else "supported"
    whole = claim.derivation is not None and claim.derivation.complete
    proved = wanted == "supported" and whole and found.derivation == "proved"
    assert found.verdict == ("proved" if proved else wanted), [
        c for c in found.cases if c.verdict != "supported"
    ]
    assert found.agrees
    assert not found.alarming
    if wanted == "supported":
        assert len(found.cases) >= len(claim.cases)
    for case in found.cases:
        assert case.n >= 1
        assert not math.isnan(case.estimate)
        if case.guarantee in ("finite-sample", "asymptotic"):
            few_large = any(isinstance(judgement, DrawnLimit) for judgement in claim.judged_by)
            assert case.n >= (64 if few_large else 4096)
            if exact_means(claim):
                slack = 1e-9 * abs(case.prediction)
                assert case.low - slack <= case.prediction <= case.high + slack


@pytest.mark.parametrize("name", each(IDS))
def test_every_wrong_twin_is_refuted(name: str) -> None:
    for found in qk.verify([name], wrong_twins=True).results:
        check_twin(found)


def check_twin(found: ClaimResult) -> None:
    assert found.verdict == "refuted"
    shown = found.representative()
    assert shown is not None
    assert shown.verdict == "refuted"
    # The counterexample names what anyone can compare.
    assert shown.value
    if exact_means(found.claim):
        assert not shown.low <= shown.prediction <= shown.high


CHEAP = ["LOC-4b", "LOC-8a", "LOC-8b", "LOC-8c", "LOC-15a"]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_seed_does_not_decide(seed: int) -> None:
    for wrong in (False, True):
        found = qk.verify(CHEAP, seed=seed, wrong_twins=wrong)
        for result in found.results:
            cases = {case.verdict for case in result.cases}
            if wrong:  # A case is left at its first number that is refuted.
                assert result.verdict == "refuted"
            else:
                assert cases == {"supported"}
                assert result.agrees


def numbers(found: Verification) -> str:
    return json.dumps(found.to_dict(), sort_keys=True)


def test_threads_do_not_matter() -> None:
    one, two = (qk.verify(CHEAP, threads=threads) for threads in (1, 2))
    assert numbers(one) == numbers(two)
    assert numbers(one) != numbers(qk.verify(CHEAP, threads=2, seed=1))


def test_numbers_do_not_depend_on_the_other_claims_of_the_run() -> None:
    """Samples are addressed by claim and case; only the error level is shared."""
    alone, together = qk.verify(["LOC-8b"])["LOC-8b"], qk.verify(["LOC-8"])["LOC-8b"]
    assert [c.estimate for c in alone.cases] == [c.estimate for c in together.cases]
    widths = [[c.high - c.low for c in r.cases] for r in (alone, together)]
    assert all(a < b for a, b in zip(*widths, strict=True))


# --- the error level ------------------------------------------------------------------------------


def test_delta_is_shared_over_all_sampled_numbers() -> None:
    """Bonferroni: every interval of a run is made at delta over the number of sampled means."""
    chosen = qk.claims(["LOC-8"])
    total = sum(sampled_targets(claim) for claim in chosen)
    assert [sampled_targets(c) for c in chosen] == [9, 9, 0]
    found = qk.verify(["LOC-8"], delta=1e-3)["LOC-8b"]
    claim = CLAIMS["LOC-8b"]
    case = found.cases[0]
    # Rebuild the interval from scratch at the share of one number.
    from qktheory.kernels import experiment_id, seed_key
    from qktheory.simulation.engine import Run, worker_threads
    from qktheory.simulation.realization import Realization
    from qktheory.simulation.simulator import SIMULATORS

    judgement = claim.judged_by[0]
    assert isinstance(judgement, Expectation)
    parameters = claim.checked(claim.cases[0])
    observables = judgement.observables(parameters, claim.values_at(parameters))
    realization = Realization.from_key(
        judgement.ensemble(parameters), seed_key(0), experiment_id("LOC-8b/0/0")
    )
    run = Run(SIMULATORS["full"](realization), [observables["mean_self_logit"]])
    with worker_threads(1) as workers:
        run.extend(case.n, workers)
    low, high, _ = confidence_interval(run.moments(), 1e-3 / total, None)
    assert (case.low, case.high) == (low[0], high[0])


def test_a_stricter_level_widens_the_intervals_and_keeps_the_verdict() -> None:
    loose, strict = (qk.verify(["LOC-15a"], delta=d)["LOC-15a"] for d in (1e-3, 1e-12))
    assert loose.verdict == strict.verdict
    assert loose.verdict in ("supported", "proved")
    pairs = [(a, b) for a, b in zip(loose.cases, strict.cases, strict=True) if a.n == b.n]
    assert all(a.high - a.low < b.high - b.low for a, b in pairs if a.high > a.low)
    assert sum(c.n for c in loose.cases) < sum(c.n for c in strict.cases)


def test_intervals_separate_a_claim_from_its_twin() -> None:
    """A supported number that the twin changes lies in an interval without the twin's number."""
    claim = CLAIMS["LOC-8a"]
    twin, found = claim.twin(), qk.verify(["LOC-8a"])["LOC-8a"]
    separated = 0
    for case in found.cases:
        wrong = float(twin.values_at(twin.checked(case.parameters))[case.value])
        if wrong != case.prediction:
            assert not case.low < wrong < case.high
            separated += 1
    assert separated >= 3


# --- rules ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "model_error", "low", "high", "resolution", "verdict"),
    [
        (0.5, 0.0, 0.45, 0.55, 0.2, "supported"),
        (0.5, 0.0, 0.3, 0.7, 0.2, "undecided"),
        (0.5, 0.0, 0.51, 0.55, 0.2, "refuted"),
        (0.5, 0.0, 0.3, 0.49, 0.01, "refuted"),
        (0.5, 0.02, 0.51, 0.55, 0.2, "supported"),
        (0.5, 0.02, 0.53, 0.55, 0.2, "refuted"),
        (0.5, 0.0, 0.5, 0.5, 0.0, "supported"),
        (1e6, 0.0, 1e6 * (1 + 1e-12), 1e6 * (1 + 1e-12), 0.0, "supported"),
        (1e6, 0.0, 1e6 * (1 + 1e-6), 1e6 * (1 + 1e-6), 0.0, "refuted"),
        (0.5, 0.0, -math.inf, math.inf, 0.2, "undecided"),
        (0.5, 0.0, math.nan, math.nan, 0.2, "undecided"),
        (math.nan, 0.0, 0.4, 0.6, 0.1, "undecided"),
        (math.nan, 0.0, 0.4, 0.6, 0.3, "undecided"),
    ],
)
def test_means(
    value: float, model_error: float, low: float, high: float, resolution: float, verdict: str
) -> None:
    assert decide(value, model_error, low, high, resolution) == verdict


@given(
    value=st.floats(-10, 10),
    centre=st.floats(-10, 10),
    half=st.floats(0, 5),
    resolution=st.floats(0, 5),
)
def test_a_value_inside_is_never_refuted_and_one_outside_never_supported(
    value: float, centre: float, half: float, resolution: float
) -> None:
    low, high = centre - half, centre + half
    verdict = decide(value, 0.0, low, high, resolution)
    if low <= value <= high:
        assert verdict != "refuted"
    elif value < low - 1e-7 or value > high + 1e-7:
        assert verdict == "refuted"


@given(
    rate=st.floats(0.25, 2.0),
    power=st.floats(-0.5, 3.0),
    start=st.floats(1e-3, 10.0),
    noise=st.lists(st.floats(1.0, 1.1), min_size=5, max_size=5),
)
def test_errors_that_shrink(rate: float, power: float, start: float, noise: list[float]) -> None:
    """size^(-power) passes for power >= rate, and fails where one step of 4 falls behind 1.3."""
    sizes = [4.0**k for k in range(5)]
    errors = [start * size**-power * x for size, x in zip(sizes, noise, strict=True)]
    if power >= rate:
        assert shrinks(sizes, errors, rate, 1.3, 0.0)
    if 4.0 ** (rate - power) > 1.3 * 1.1:
        assert not shrinks(sizes, errors, rate, 1.3, 0.0)
        assert shrinks(sizes, errors, rate, 1.3, 1e9)


def test_errors_that_stop_shrinking_do_not_pass() -> None:
    sizes = [1.0, 4.0, 16.0]
    assert shrinks(sizes, [1.0, 0.25, 1e-12], 1.0, 1.3, 1e-10)
    assert not shrinks(sizes, [1.0, 0.25, 0.24], 1.0, 1.3, 1e-10)
    assert not shrinks(sizes, [1.0, 0.25, math.nan], 1.0, 1.3, 1e-10)


def result(claim: Claim, *verdicts: str, complete: bool = True) -> ClaimResult:
    cases = [
        CaseResult("v", {}, 0.0, 0.0, 0.0, 0.0, 1, "numerical", verdict)  # type: ignore[arg-type]
        for verdict in verdicts
    ]
    return ClaimResult(claim, cases, complete=complete)


@pytest.mark.parametrize(
    ("verdicts", "complete", "expected"),
    [
        (["supported", "supported"], True, "supported"),
        (["supported", "undecided"], True, "undecided"),
        (["supported", "undecided", "refuted"], True, "refuted"),
        (["supported"], False, "undecided"),
        (["refuted"], False, "refuted"),
        ([], True, "not_applicable"),
    ],
)
def test_the_verdict_on_a_claim_is_that_of_its_worst_case(
    verdicts: list[str], complete: bool, expected: str
) -> None:
    assert result(CLAIMS["LOC-1a"], *verdicts, complete=complete).verdict == expected


@pytest.mark.parametrize(
    ("standing", "verdict", "success"),
    [
        ("theorem", "supported", True),
        ("theorem", "refuted", False),
        ("corrected", "refuted", False),
        ("derived", "refuted", False),
        ("derived", "undecided", True),
        ("conjecture", "refuted", True),
        ("folklore", "refuted", True),
        ("folklore", "supported", False),
        ("folklore", "undecided", False),
    ],
)
def test_a_run_succeeds_when_verdicts_agree_with_standings(
    standing: str, verdict: str, success: bool
) -> None:
    claim = replace(CLAIMS["LOC-1a"], standing=standing)  # type: ignore[arg-type]
    run = Verification([result(claim, verdict)], 0, 1e-6, "quick")
    assert run.success is success


# --- wording and reports --------------------------------------------------------------------------


def test_sampling_never_says_proved() -> None:
    found = qk.verify(CHEAP)
    assert all(case.verdict != "proved" for r in found.results for case in r.cases)
    underived = [r for r in found.results if r.claim.derivation is None]
    assert len(underived) >= 2
    assert all(r.verdict == "supported" for r in underived)
    assert "proved" not in "".join(repr(r) for r in underived)
    assert "true" not in MEANING["supported"]
    assert "prove" not in MEANING["supported"]
    assert set(MEANING) == {"proved", "supported", "refuted", "undecided", "not_applicable"}


def test_the_report_has_the_keys_of_the_contract() -> None:
    found = qk.verify(["LOC-4b", "LOC-8b"], seed=3, delta=1e-5)
    report = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert {"version", "seed", "delta", "claims"} <= set(report)
    assert (report["seed"], report["delta"]) == (3, 1e-5)
    for entry in report["claims"]:
        wanted = "id title standing claim_kind verdict tightness derivation cases"
        assert set(wanted.split()) <= set(entry)
        assert entry["derivation"] in ("proved", "certified", "sampled", "none")
        for case in entry["cases"]:
            wanted = "parameters prediction estimate ci n guarantee verdict"
            assert set(wanted.split()) <= set(case)
            assert len(case["ci"]) == 2
    bound, mean = report["claims"]
    assert bound["claim_kind"] == "pathwise bound"
    assert 0.99 < bound["tightness"] <= 1.0 + 1e-12
    assert mean["claim_kind"] == "expectation"
    assert mean["tightness"] is None
    assert found.to_xarray().sizes["case"] == sum(len(r.cases) for r in found.results)
    with pytest.raises(KeyError):
        _ = found["LOC-99"]


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"selection": ["LOC-3z"]}, "unknown claim 'LOC-3z'"),
        ({"budget": "quik"}, "unknown budget 'quik'; did you mean 'quick'"),
        ({"delta": 0.0}, "delta = 0.0"),
        ({"delta": "small"}, "delta = 'small'"),
        ({"seed": -1}, "rng = -1"),
        ({"threads": 0}, "threads = 0"),
    ],
)
def test_bad_arguments(keywords: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        qk.verify(**{"selection": ["LOC-8c"], **keywords})


def test_budgets_grow() -> None:
    assert list(BUDGETS) == ["quick", "standard", "thorough"]
    quick, standard, thorough = BUDGETS.values()
    assert quick.samples < standard.samples < thorough.samples
    assert quick.precision > standard.precision > thorough.precision


def test_seeds_are_recorded() -> None:
    assert qk.verify(["LOC-8c"], seed=np.int64(5)).seed == 5
    generator = np.random.default_rng(1)
    key = int(np.random.default_rng(1).integers(0, 2**64, dtype=np.uint64))
    assert qk.verify(["LOC-8c"], seed=generator).seed == key


# --- interrupts -----------------------------------------------------------------------------------


def lines_of(selection: list[str]) -> list[str]:
    lines: list[str] = []
    qk.verify(selection, progress=lambda line, done, total: lines.append(line))
    return lines


def interrupted_at(selection: list[str], call: int) -> Verification:
    calls: Iterator[int] = iter(range(10**6))

    def progress(line: str, done: int, total: int) -> None:
        if next(calls) == call:
            raise KeyboardInterrupt

    return qk.verify(selection, progress=progress)


def test_an_interrupt_loses_nothing_that_was_decided() -> None:
    selection = ["LOC-4a", "LOC-8b", "LOC-8c"]
    whole = qk.verify(selection)
    lines = lines_of(selection)
    second_case = next(k for k, line in enumerate(lines) if line.startswith("LOC-8b, case 2"))
    found = interrupted_at(selection, second_case)
    assert found["LOC-4a"].to_dict() == whole["LOC-4a"].to_dict()
    assert list(found.missing) == ["LOC-8b", "LOC-8c"]
    partial = found["LOC-8b"]
    assert partial.verdict == "undecided"
    assert [c.to_dict() for c in partial.cases] == [c.to_dict() for c in whole["LOC-8b"].cases[:3]]
    assert found.success  # nothing was refuted
    with pytest.raises(KeyError):
        _ = found["LOC-8c"]


def test_an_interrupt_at_the_very_beginning_and_at_the_end() -> None:
    selection = ["LOC-8c", "LOC-4a"]
    first = interrupted_at(selection, 0)
    assert (list(first.results), list(first.missing)) == ([], ["LOC-4a", "LOC-8c"])
    assert repr(first) == "Verification(no claims; delta=1e-06)"
    never = interrupted_at(selection, 10**6)
    assert list(never.missing) == []
    assert len(never.results) == 2


def test_progress_says_what_is_being_done() -> None:
    seen: list[tuple[str, int, int]] = []
    qk.verify(["LOC-8b", "LOC-8c"], progress=lambda *entry: seen.append(entry))
    assert seen[0] == ("LOC-8b", 0, 2)
    assert all(line.startswith("LOC-8") for line, _, _ in seen)
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)
    assert {total for _, _, total in seen} == {2}
