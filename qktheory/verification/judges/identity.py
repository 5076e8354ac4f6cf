"""Two routes to the same number, at the cases and on random draws."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from qktheory.theorems.claim import Claim
from qktheory.theorems.judgements import Identity, Judgement
from qktheory.verification.judge import JUDGES, Context
from qktheory.verification.verdict import CaseResult


def _compare(
    judgement: Identity,
    given: Mapping[str, Any],
    parameters: Mapping[str, Any],
    values: Mapping[str, Any],
    n: int = 1,
) -> list[CaseResult]:
    results = []
    for name, other in judgement.other_route(parameters).items():
        value, estimate, scale = _worst_entry(values[name], other)
        margin = judgement.tolerance * scale
        results.append(
            CaseResult(
                value=name,
                parameters=given,
                prediction=value,
                estimate=estimate,
                low=estimate - margin,
                high=estimate + margin,
                n=n,
                guarantee="numerical",
                verdict="supported" if abs(value - estimate) <= margin else "refuted",
            )
        )
    return results


def _worst_entry(value: Any, other: Any) -> tuple[float, float, float]:
    """Return the two entries that differ most and the scale of both arrays."""
    mine, theirs = np.atleast_1d(value).ravel(), np.atleast_1d(other).ravel()
    place = int(np.argmax(np.abs(mine - theirs)))
    scale = float(max(np.abs(mine).max(), np.abs(theirs).max()))
    return float(mine[place]), float(theirs[place]), scale


def _badness(result: CaseResult) -> float:
    """Return the error in units of the tolerance."""
    margin = result.high - result.estimate
    error = abs(result.prediction - result.estimate)
    if error == 0.0:
        return 0.0
    # A zero margin, or a value that is not a number, is as bad as it gets.
    return error / margin if margin > 0.0 and math.isfinite(error) else math.inf


def judge_identity(
    claim: Claim, rival: Claim, index: int, judgement: Judgement, context: Context
) -> list[CaseResult]:
    """Judge the cases one by one, and random draws by the worst one for each value."""
    assert isinstance(judgement, Identity)
    results = [
        result
        for case, given in enumerate(claim.cases)
        for result in _compare(judgement, given, *claim.at_case(case))
    ]
    if not claim.parameters:
        return results
    rng = context.generator(claim, index)
    worst: dict[str, CaseResult] = {}
    draws = min(context.budget.draws, judgement.most_draws or context.budget.draws)
    for count in range(draws):
        if count % 50 == 0:
            context.progress(f"{claim.id}: {count} random draws")
        given = judgement.draw(rng)
        parameters = claim.checked(given)
        for result in _compare(judgement, given, parameters, claim.values_at(parameters), draws):
            if result.value not in worst or _badness(result) > _badness(worst[result.value]):
                worst[result.value] = result
    return results + list(worst.values())


JUDGES.add(Identity.__name__, judge_identity)
