"""E[observable] <= value or >= value: the end of the interval against the bound."""

from __future__ import annotations

from qktheory.theorems.claim import Claim
from qktheory.theorems.judgements import ExpectationBound, Judgement
from qktheory.verification.judge import JUDGES, Context
from qktheory.verification.sampling import (
    resolution,
    rounding_of,
    rounds,
    sampled_result,
    start_run,
)
from qktheory.verification.verdict import CaseResult, Verdict


def decide_bound(low: float, high: float, bound: float, width: float) -> Verdict:
    """Return the verdict on mean <= bound from an interval of the mean.

    Refuted if the whole interval lies above; supported if it lies below, or straddles the bound
    and is narrower than `width` (a bound that is attained can never be left behind).

    Examples
    --------
    >>> decide_bound(0.1, 0.2, 0.3, 0.01), decide_bound(0.28, 0.4, 0.3, 0.01)
    ('supported', 'undecided')
    """
    if not low <= bound:  # a bound that is not a number bounds nothing
        return "refuted"
    if high <= bound or high - low <= width:
        return "supported"
    return "undecided"


def _judge_case(
    claim: Claim,
    rival: Claim,
    index: int,
    judgement: ExpectationBound,
    case: int,
    context: Context,
) -> list[CaseResult]:
    given = claim.cases[case]
    parameters, values = claim.at_case(case)
    _, rival_values = rival.at_case(case)
    observables = judgement.observables(parameters, values)
    run = start_run(
        judgement.ensemble(parameters),
        observables,
        judgement.simulator,
        context,
        context.cell(claim, index, case),
    )
    # A lower bound on the mean is an upper bound on its negative.
    sign = 1.0 if judgement.side(parameters) == "upper" else -1.0
    slack = judgement.model_error(parameters)
    results: list[CaseResult] = []
    for estimates in rounds(run, context, f"{claim.id}, case {case + 1}"):
        results = []
        for name, estimate in zip(observables, estimates, strict=True):
            value = float(values[name])
            low, high = sorted((sign * float(estimate.low[0]), sign * float(estimate.high[0])))
            rounding = rounding_of(value, low, high)
            gap = abs(value - float(rival_values[name]))
            verdict = decide_bound(
                low, high, sign * value + slack + rounding, resolution(gap, estimate, context)
            )
            mean = float(estimate)
            smaller, larger = (mean, value) if sign > 0.0 else (value, mean)
            tightness = smaller / larger if larger > 0.0 else None
            results.append(sampled_result(name, given, value, estimate, verdict, tightness))
        verdicts = {result.verdict for result in results}
        if "refuted" in verdicts or "undecided" not in verdicts:
            break
    return results


def judge_expectation_bound(
    claim: Claim, rival: Claim, index: int, judgement: Judgement, context: Context
) -> list[CaseResult]:
    """Judge all cases of a claim about bounds on means."""
    assert isinstance(judgement, ExpectationBound)
    return [
        result
        for case in range(len(claim.cases))
        for result in _judge_case(claim, rival, index, judgement, case, context)
    ]


JUDGES.add(ExpectationBound.__name__, judge_expectation_bound)
