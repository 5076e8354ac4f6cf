"""Smaller <= larger on every draw; tightness is how close the ratio comes to one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from qktheory.theorems.claim import Claim
from qktheory.theorems.judgements import Judgement, PathwiseBound
from qktheory.verification.judge import JUDGES, Context
from qktheory.verification.verdict import CaseResult


def _excess(pair: tuple[float, float]) -> float:
    smaller, larger = pair
    if math.isnan(smaller) or math.isnan(larger):
        return math.inf  # what is not a number is not below anything
    scale = max(abs(smaller), abs(larger))
    return (smaller - larger) / scale if scale > 0.0 else 0.0


def judge_pathwise_bound(
    claim: Claim, rival: Claim, index: int, judgement: Judgement, context: Context
) -> list[CaseResult]:
    """Judge every case and random draws, each by its tightest pair."""
    assert isinstance(judgement, PathwiseBound)
    rng = context.generator(claim, index)
    inputs: list[tuple[Mapping[str, Any], int]] = [(given, 1) for given in claim.cases]
    draws = min(context.budget.draws, judgement.most_draws or context.budget.draws)
    inputs += [(judgement.draw(rng), draws) for _ in range(draws)]
    results: list[CaseResult] = []
    worst: CaseResult | None = None
    for count, (given, n) in enumerate(inputs):
        if count % 50 == 0:
            context.progress(f"{claim.id}: {count} random draws")
        parameters = claim.checked(given)
        pairs = judgement.sides(parameters, claim.values_at(parameters), rng)
        smaller, larger = max(pairs, key=_excess)
        ratio = smaller / larger if larger > 0.0 else None
        result = CaseResult(
            value=claim.observable,
            parameters=given,
            prediction=larger,
            estimate=smaller,
            low=smaller,
            high=smaller,
            n=n * len(pairs),
            guarantee="numerical",
            verdict="refuted" if _excess((smaller, larger)) > judgement.rounding else "supported",
            tightness=ratio,
        )
        if n == 1:
            results.append(result)
        elif worst is None or _excess((smaller, larger)) > _excess(
            (worst.estimate, worst.prediction)
        ):
            worst = result
    return results if worst is None else [*results, worst]


JUDGES.add(PathwiseBound.__name__, judge_pathwise_bound)
