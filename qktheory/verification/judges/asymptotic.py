"""Finite-size values that tend to the claimed one, at the stated rate, along a ladder of sizes."""

from __future__ import annotations

from qktheory.theorems.claim import Claim
from qktheory.theorems.judgements import Asymptotic, Judgement
from qktheory.verification.judge import JUDGES, Context
from qktheory.verification.verdict import CaseResult


def shrinks(
    sizes: list[float], errors: list[float], rate: float, slack: float, floor: float
) -> bool:
    """Return whether errors fall like size^(-rate) or faster, down to a floor.

    Parameters
    ----------
    sizes, errors : list of float
        Increasing sizes and the errors found there.
    rate : float
        Exponent of the claim.
    slack : float
        Factor by which a single step may fall behind.
    floor : float
        Errors below it count as zero.

    Examples
    --------
    >>> shrinks([1, 4, 16], [1.0, 0.26, 0.06], 1.0, 1.3, 1e-10)
    True
    >>> shrinks([1, 4, 16], [1.0, 0.6, 0.55], 1.0, 1.3, 1e-10)
    False
    """
    steps = zip(sizes, sizes[1:], errors, errors[1:], strict=False)
    return all(
        after <= floor or after <= before * (small / large) ** rate * slack
        for small, large, before, after in steps
    )


def judge_asymptotic(
    claim: Claim, rival: Claim, index: int, judgement: Judgement, context: Context
) -> list[CaseResult]:
    """Judge each case by its ladder; the interval shown is the error of the last rung but one."""
    assert isinstance(judgement, Asymptotic)
    results = []
    for number, given in enumerate(claim.cases):
        parameters = claim.checked(given)
        errors = []
        finite = limit = 0.0
        for size in judgement.ladder:
            context.progress(f"{claim.id}, case {number + 1}: {judgement.size} = {size:g}")
            finite, limit = judgement.finite(claim.values_at, parameters, size)
            errors.append(abs(finite - limit) / (abs(limit) or 1.0))
        good = shrinks(
            list(judgement.ladder), errors, judgement.rate, judgement.slack, judgement.floor
        )
        width = max(errors[-2], judgement.floor) * (abs(limit) or 1.0)
        results.append(
            CaseResult(
                value=judgement.value,
                parameters=given,
                prediction=limit,
                estimate=finite,
                low=finite - width,
                high=finite + width,
                n=len(errors),
                guarantee="numerical",
                verdict="supported" if good else "refuted",
                ladder=tuple(zip(judgement.ladder, errors, strict=True)),
            )
        )
    return results


JUDGES.add(Asymptotic.__name__, judge_asymptotic)
