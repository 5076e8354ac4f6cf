"""What a search attacks: the inequalities that a claim asserts, at any input."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import mpmath
import numpy as np

from qktheory.theorems.claim import Claim
from qktheory.theorems.judgements import (
    ExpectationBound,
    Judgement,
    Ordering,
    PathwiseBound,
    SampledOrdering,
)
from qktheory.verification.judge import JUDGES, Context
from qktheory.verification.sampling import FIRST_ROUND
from qktheory.verification.verdict import CaseResult, plain

__all__ = ["Inequality", "Target", "targets"]

Parameters = Mapping[str, Any]

#: Both sides of a bound differ by this share from their trivial value where tightness is asked for.
_AWAY = 0.1
#: Digits in which a violation is looked at again.
_DIGITS = 50
#: Evaluations of a sampled target cost this much more than others.
_SAMPLED_COST = 100


@dataclass(frozen=True)
class Inequality:
    """Smaller <= larger at one input.

    Parameters
    ----------
    smaller, larger : float
        The sides.
    excess : float
        By how much the smaller side exceeds the larger one, relative to the larger of both sizes;
        for differences of means, minus the mean in units of its interval.
    degenerate : bool
        Whether the sides are so close to a trivial value that their ratio says nothing.
    """

    smaller: float
    larger: float
    excess: float
    degenerate: bool = False

    @property
    def tightness(self) -> float | None:
        """Return smaller/larger where both are positive."""
        return self.smaller / self.larger if self.larger > 0.0 else None


def _compared(smaller: float, larger: float, trivial: float | None = None) -> Inequality:
    if math.isnan(smaller) or math.isnan(larger):
        return Inequality(smaller, larger, math.inf)
    scale = max(abs(smaller), abs(larger))
    if scale == 0.0 or math.isinf(scale):
        return Inequality(smaller, larger, 0.0 if larger >= smaller else math.inf, degenerate=True)
    close = trivial is not None and any(
        abs(side - trivial) < _AWAY * abs(trivial) for side in (smaller, larger)
    )
    return Inequality(smaller, larger, (smaller - larger) / scale, close)


@dataclass(frozen=True)
class Target:
    """The inequalities of one judgement of a claim.

    Parameters
    ----------
    claim : Claim
        Whose inequalities.
    names : sequence of str
        One for each inequality that is attacked by itself; empty if the worst one is.
    rounding : float
        Excess that counts as rounding.
    draw : callable or None
        Random inputs.
    inequalities : callable
        From canonical parameters to the inequalities there.
    certify : callable
        From canonical parameters and the index of an inequality to a certificate, whose entry
        ``"violated"`` says whether the violation stands.
    cost : int
        Evaluations that one costs.
    """

    claim: Claim
    names: Sequence[str]
    rounding: float
    draw: Callable[[np.random.Generator], Parameters] | None
    inequalities: Callable[[Parameters], Sequence[Inequality]]
    certify: Callable[[Parameters, int], dict[str, Any]]
    cost: int = 1


def targets(claim: Claim, context: Context) -> list[Target]:
    """Return what can be attacked of a claim: its bounds and orderings.

    Parameters
    ----------
    claim : Claim
        Identities, laws and limits assert no inequality, and have no targets.
    context : Context
        Random numbers, threads and error level of sampled inequalities.

    Returns
    -------
    list of Target
    """
    found: list[Target] = []
    for index, judgement in enumerate(claim.judged_by):
        if isinstance(judgement, PathwiseBound):
            found.append(_pathwise(claim, judgement, index, context))
        elif isinstance(judgement, Ordering):
            found.append(_ordering(claim, judgement))
        elif isinstance(judgement, ExpectationBound | SampledOrdering):
            found.append(_sampled(claim, judgement, index, context))
    return found


def _many_digits() -> AbstractContextManager[Any]:
    manager: AbstractContextManager[Any] = mpmath.workdps(_DIGITS)
    return manager


def _certificate_in_floats(pair: Inequality, rounding: float) -> dict[str, Any]:
    return {
        "arithmetic": "double precision",
        "smaller": pair.smaller,
        "larger": pair.larger,
        "excess": pair.excess,
        "rounding": rounding,
        "violated": pair.excess > rounding,
    }


def _certificate_in_digits(smaller: Any, larger: Any) -> dict[str, Any]:
    scale = max(abs(smaller), abs(larger))
    excess = (smaller - larger) / scale if scale else mpmath.mpf(0)
    return {
        "arithmetic": f"{_DIGITS} decimal digits",
        "smaller": mpmath.nstr(smaller, 30),
        "larger": mpmath.nstr(larger, 30),
        "excess": float(excess),
        # Sums of many terms and cancellation may cost half of the digits.
        "violated": bool(excess > mpmath.mpf(10) ** (-_DIGITS // 2)),
    }


def _pathwise(claim: Claim, judgement: PathwiseBound, index: int, context: Context) -> Target:
    def pairs(parameters: Parameters) -> list[Inequality]:
        values = claim.values_at(parameters)
        rng = context.generator(claim, index)  # the same at every input: no noise in the search
        sides = judgement.sides(parameters, values, rng)
        trivial: Sequence[float | None] = [None] * len(sides)
        if judgement.trivial is not None:
            trivial = judgement.trivial(parameters, values)
        return [_compared(*pair, t) for pair, t in zip(sides, trivial, strict=True)]

    def certify(parameters: Parameters, number: int) -> dict[str, Any]:
        if judgement.precise is not None:
            with _many_digits():
                sides = judgement.precise(parameters)[number]
                if sides is not None:
                    return _certificate_in_digits(*sides)
        return _certificate_in_floats(pairs(parameters)[number], judgement.rounding)

    return Target(claim, judgement.inequalities, judgement.rounding, judgement.draw, pairs, certify)


def _ordering(claim: Claim, judgement: Ordering) -> Target:
    def measure(parameters: Parameters) -> float:
        if judgement.measure is not None:
            return judgement.measure(claim.values_at, parameters)
        return float(claim.values_at(parameters)[judgement.value])

    def steps(parameters: Parameters) -> tuple[Sequence[Parameters], list[Inequality]]:
        chain = judgement.chain(claim.values_at, parameters)
        values = [measure(link) for link in chain]
        return chain, [_compared(*step) for step in pairwise(values)]

    def worst(parameters: Parameters) -> list[Inequality]:
        return [max(found, key=lambda step: step.excess)] if (found := steps(parameters)[1]) else []

    def certify(parameters: Parameters, number: int) -> dict[str, Any]:
        chain, found = steps(parameters)
        at = max(range(len(found)), key=lambda k: found[k].excess)
        if judgement.precise is None:
            certificate = _certificate_in_floats(found[at], judgement.rounding)
        else:
            with _many_digits():
                before, after = (judgement.precise(chain[k]) for k in (at, at + 1))
                certificate = _certificate_in_digits(before, after)
        return certificate | {"from": plain(chain[at]), "to": plain(chain[at + 1])}

    # A chain is as long as many evaluations.
    return Target(
        claim, (), judgement.rounding, judgement.draw, worst, certify, cost=_SAMPLED_COST // 4
    )


def _sampled(claim: Claim, judgement: Judgement, index: int, context: Context) -> Target:
    quick = replace(
        context.budget, samples=FIRST_ROUND, work=min(context.budget.work, 5e7), precision=0.5
    )

    def results(parameters: Parameters, where: Context, name: str) -> list[CaseResult]:
        # Under a name of its own: the search and the certificate share no random numbers.
        alone = replace(claim, id=f"{claim.id}/{name}", cases=(parameters,))
        rule = JUDGES[type(judgement).__name__]
        return list(rule(alone, alone, index, judgement, where))

    def pairs(parameters: Parameters) -> list[Inequality]:
        if isinstance(judgement, SampledOrdering) and not judgement.meant_for(parameters):
            return []
        found = []
        for result in results(parameters, replace(context, budget=quick), "search"):
            if isinstance(judgement, ExpectationBound):
                sides = (result.estimate, result.prediction)
                upper = judgement.side(parameters) == "upper"
                found.append(_compared(*(sides if upper else sides[::-1])))
            else:
                width = result.high - result.low
                excess = -result.estimate / width if width > 0.0 else 0.0
                found.append(Inequality(-result.estimate, 0.0, excess, degenerate=True))
        return found

    def certify(parameters: Parameters, number: int) -> dict[str, Any]:
        result = results(parameters, context, "certificate")[number]
        return {
            "arithmetic": "Monte Carlo",
            "prediction": result.prediction,
            "estimate": result.estimate,
            "ci": [float(result.low), float(result.high)],
            "n": result.n,
            "delta": context.delta,
            "guarantee": result.guarantee,
            "violated": result.verdict == "refuted",
        }

    return Target(claim, (), 0.0, None, pairs, certify, cost=_SAMPLED_COST)
