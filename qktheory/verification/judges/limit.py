"""E[observable] tends to the value: intervals along a ladder of sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qktheory.simulation.engine import Run
from qktheory.simulation.estimate import Estimate
from qktheory.theorems.claim import Claim
from qktheory.theorems.judgements import Judgement, Limit
from qktheory.verification.judge import JUDGES, Context
from qktheory.verification.sampling import rounds, sampled_result, start_run
from qktheory.verification.verdict import CaseResult, Verdict

#: Factor by which a step may fall behind the rate before it counts against the claim.
_SLACK = 1.3


def _distance(value: float, estimate: Estimate) -> tuple[float, float]:
    """Return the smallest and the largest distance of a value to the points of an interval."""
    low, high = float(estimate.low[0]), float(estimate.high[0])
    nearest = max(0.0, low - value, value - high)
    return nearest, max(abs(high - value), abs(value - low))


def decide_limit(
    ladder: Sequence[int], distances: Sequence[tuple[float, float]], rate: float, width: float
) -> Verdict:
    """Return the verdict on a limit from distances along a ladder.

    Parameters
    ----------
    ladder : sequence of int
        Increasing sizes.
    distances : sequence of (float, float)
        Smallest and largest possible distance to the limit at each size.
    rate : float
        Distances shrink at least like size^(-rate).
    width : float
        Distance at the last size below which the limit is supported.

    Examples
    --------
    >>> decide_limit([1, 4], [(0.9, 1.1), (0.2, 0.3)], 1.0, 0.4)
    'supported'
    >>> decide_limit([1, 4], [(0.9, 1.1), (0.8, 0.9)], 1.0, 0.4)
    'refuted'
    """
    for k in range(1, len(ladder)):
        allowed = distances[k - 1][1] * (ladder[k - 1] / ladder[k]) ** rate * _SLACK
        if not distances[k][0] <= allowed:  # not a number: no limit
            return "refuted"
    return "supported" if distances[-1][1] <= width else "undecided"


def _judge_case(
    claim: Claim, rival: Claim, index: int, judgement: Limit, case: int, context: Context
) -> list[CaseResult]:
    given = claim.cases[case]
    parameters, values = claim.at_case(case)
    _, rival_values = rival.at_case(case)
    names: list[str] = []
    runs: list[tuple[int, Run]] = []
    for size in judgement.ladder:
        observables = judgement.observables(parameters, values, size)
        names = list(observables)
        cell = context.cell(claim, index, case, size)
        runs.append(
            (
                size,
                start_run(
                    judgement.ensemble(parameters, size),
                    observables,
                    judgement.simulator,
                    context,
                    cell,
                ),
            )
        )
    label = f"{claim.id}, case {case + 1}, {judgement.size} up to {judgement.ladder[-1]}"
    results: list[CaseResult] = []
    iterators = [rounds(run, context, label) for _, run in runs]
    # The highest rung is the most expensive one: the budget ends all of them when it ends that one.
    for rungs in zip(*reversed(iterators), strict=False):
        results = [
            _result(name, k, given, values, rival_values, judgement, rungs[::-1], context)
            for k, name in enumerate(names)
        ]
        verdicts = {result.verdict for result in results}
        if "refuted" in verdicts or "undecided" not in verdicts:
            break
    return results


def _result(
    name: str,
    position: int,
    given: Mapping[str, Any],
    values: Mapping[str, Any],
    rival_values: Mapping[str, Any],
    judgement: Limit,
    rungs: Sequence[list[Estimate]],
    context: Context,
) -> CaseResult:
    value = float(values[name])
    estimates = [rung[position] for rung in rungs]
    distances = [_distance(value, estimate) for estimate in estimates]
    gap = abs(value - float(rival_values[name]))
    spread = float(estimates[-1].moments.variance[0]) ** 0.5
    aim = max(judgement.aim * abs(value), context.budget.precision * spread)
    width = 0.5 * gap if gap >= 0.2 * aim else aim
    verdict = decide_limit(judgement.ladder, distances, judgement.rate, width)
    return sampled_result(name, given, value, estimates[-1], verdict)


def judge_limit(
    claim: Claim, rival: Claim, index: int, judgement: Judgement, context: Context
) -> list[CaseResult]:
    """Judge all cases of a claim about a limit of means."""
    assert isinstance(judgement, Limit)
    return [
        result
        for case in range(len(claim.cases))
        for result in _judge_case(claim, rival, index, judgement, case, context)
    ]


JUDGES.add(Limit.__name__, judge_limit)
