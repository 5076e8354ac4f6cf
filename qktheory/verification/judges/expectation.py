"""E[observable] = value: a confidence sequence, refined until it decides."""

from __future__ import annotations

import math
from collections.abc import Iterator

from qktheory.theorems.claim import Claim
from qktheory.theorems.judgements import Expectation, Judgement
from qktheory.verification.judge import JUDGES, Context
from qktheory.verification.sampling import (
    resolution,
    rounding_of,
    rounds,
    sampled_result,
    start_run,
)
from qktheory.verification.verdict import CaseResult, Verdict


def decide(value: float, model_error: float, low: float, high: float, resolution: float) -> Verdict:
    """Return the verdict on E[observable] = value +- model_error from an interval.

    Parameters
    ----------
    value, model_error : float
        The prediction and how far it may be from the mean.
    low, high : float
        Confidence interval of the mean.
    resolution : float
        Width below which an interval that contains the value supports it.

    Returns
    -------
    str
        ``"refuted"`` if the prediction lies outside, ``"supported"`` if it lies inside a narrow
        enough interval, else ``"undecided"``.

    Examples
    --------
    >>> decide(0.5, 0.0, 0.45, 0.52, 0.1), decide(0.5, 0.0, 0.3, 0.7, 0.1)
    ('supported', 'undecided')
    """
    if math.isnan(value):
        return "undecided"
    rounding = rounding_of(value, low, high)
    if value + model_error < low - rounding or value - model_error > high + rounding:
        return "refuted"
    if high - low <= max(resolution, 2.0 * rounding):
        return "supported"
    return "undecided"


def _judge_case(
    claim: Claim, rival: Claim, index: int, judgement: Expectation, case: int, context: Context
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
    model_error = judgement.model_error(parameters)
    results: list[CaseResult] = []
    for estimates in rounds(run, context, f"{claim.id}, case {case + 1}"):
        results = []
        for name, estimate in zip(observables, estimates, strict=True):
            value = float(values[name])
            gap = abs(value - float(rival_values[name]))
            low, high = float(estimate.low[0]), float(estimate.high[0])
            verdict = decide(value, model_error, low, high, resolution(gap, estimate, context))
            results.append(sampled_result(name, given, value, estimate, verdict))
        verdicts = {result.verdict for result in results}
        if "refuted" in verdicts or "undecided" not in verdicts:
            break
    return results


def judge_expectation(
    claim: Claim, rival: Claim, index: int, judgement: Judgement, context: Context
) -> Iterator[CaseResult]:
    """Judge all cases of a claim about means; see `qktheory.verification.judge.judge`."""
    assert isinstance(judgement, Expectation)
    for case in range(len(claim.cases)):
        yield from _judge_case(claim, rival, index, judgement, case, context)


JUDGES.add(Expectation.__name__, judge_expectation)
