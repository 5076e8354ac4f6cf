"""Monotone along a chain: paired differences of means, or computed values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from qktheory.simulation.engine import Run
from qktheory.simulation.paired import PairedDifference, difference_of
from qktheory.simulation.realization import Realization
from qktheory.simulation.simulator import choose
from qktheory.theorems.claim import Claim
from qktheory.theorems.judgements import Judgement, Ordering, SampledOrdering
from qktheory.verification.judge import JUDGES, Context
from qktheory.verification.sampling import rounds, sampled_result
from qktheory.verification.verdict import CaseResult, Verdict


def _judge_chain(
    claim: Claim, index: int, judgement: SampledOrdering, case: int, context: Context
) -> list[CaseResult]:
    given = claim.cases[case]
    parameters, values = claim.at_case(case)
    chain = judgement.chain(parameters, values)
    observable = judgement.observable(parameters)
    cell = context.cell(claim, index, case)
    simulators = [
        choose(ensemble, observable, judgement.simulator)(
            Realization.from_key(ensemble, context.key, cell)
        )
        for ensemble in chain
    ]
    results: list[CaseResult] = []
    for step, (smaller, larger) in enumerate(pairwise(simulators)):
        run = Run(PairedDifference(smaller, larger), (difference_of(observable),))
        label = f"{claim.id}, case {case + 1}, step {step + 1}"
        for estimates in rounds(run, context, label):
            low, high = float(estimates[0].low[0]), float(estimates[0].high[0])
            verdict: Verdict = (
                "supported" if low > 0.0 else "refuted" if high < 0.0 else "undecided"
            )
            result = sampled_result(
                f"increase of E {observable.name}, step {step + 1}",
                given,
                0.0,
                estimates[0],
                verdict,
            )
            if verdict != "undecided":
                break
        results.append(result)
    return results


def judge_sampled_ordering(
    claim: Claim, rival: Claim, index: int, judgement: Judgement, context: Context
) -> list[CaseResult]:
    """Judge every step of the chain of every case by the sign of the mean difference."""
    assert isinstance(judgement, SampledOrdering)
    return [
        result
        for case in range(len(claim.cases))
        for result in _judge_chain(claim, index, judgement, case, context)
    ]


def _rise(before: float, after: float) -> float:
    """Return by how much a step rises, relative to the larger of both values."""
    if math.isnan(before) or math.isnan(after):
        return -math.inf  # what is not a number does not rise
    return (after - before) / (max(abs(before), abs(after)) or 1.0)


def _worst_step(claim: Claim, judgement: Ordering, given: Mapping[str, Any]) -> CaseResult | None:
    """Return the step of a chain that rises least, None for a chain without steps."""
    chain = judgement.chain(claim.values_at, claim.checked(given))
    values = [
        float(claim.values_at(parameters)[judgement.value])
        if judgement.measure is None
        else judgement.measure(claim.values_at, parameters)
        for parameters in chain
    ]
    steps = list(zip(chain[1:], values, values[1:], strict=False))
    if not steps:
        return None

    parameters, before, after = min(steps, key=lambda step: _rise(step[1], step[2]))
    return CaseResult(
        value=judgement.value,
        parameters=parameters,
        prediction=before,
        estimate=after,
        low=after,
        high=after,
        n=len(steps),
        guarantee="numerical",
        verdict="supported" if _rise(before, after) >= -judgement.rounding else "refuted",
    )


def judge_ordering(
    claim: Claim, rival: Claim, index: int, judgement: Judgement, context: Context
) -> list[CaseResult]:
    """Judge the chains of all cases and of random draws, each by its worst step.

    The prediction shown is the value before the step, the estimate the value after it, which must
    not be smaller.
    """
    assert isinstance(judgement, Ordering)
    results = [r for given in claim.cases if (r := _worst_step(claim, judgement, given))]
    if judgement.draw is None:
        return results
    rng = context.generator(claim, index)
    worst: CaseResult | None = None
    draws = min(context.budget.draws, judgement.most_draws or context.budget.draws)
    for count in range(draws):
        if count % 50 == 0:
            context.progress(f"{claim.id}: {count} random chains")
        result = _worst_step(claim, judgement, judgement.draw(rng))
        if result is None:
            continue
        rise = _rise(result.prediction, result.estimate)
        if worst is None or rise < _rise(worst.prediction, worst.estimate):
            worst = result
    return results if worst is None else [*results, worst]


JUDGES.add(SampledOrdering.__name__, judge_sampled_ordering)
JUDGES.add(Ordering.__name__, judge_ordering)
