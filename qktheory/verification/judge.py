"""What the rules of all kinds share: budgets, the share of the error, the entry point."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from qktheory.base.errors import unknown_name
from qktheory.base.registry import Registry
from qktheory.kernels import experiment_id
from qktheory.simulation.engine import Workers
from qktheory.theorems.claim import Claim
from qktheory.theorems.judgements import Judgement
from qktheory.verification.verdict import CaseResult

__all__ = ["BUDGETS", "JUDGES", "Budget", "Context", "find_budget", "judge", "sampled_targets"]


@dataclass(frozen=True)
class Budget:
    """How much work a verdict may cost.

    Parameters
    ----------
    name : str
        ``"quick"``, ``"standard"`` or ``"thorough"``.
    samples : int
        Samples of a sampled case at most.
    work : float
        Random numbers and multiplications of a sampled case at most, by the simulator's own count.
    draws : int
        Random inputs of an identity or a pathwise bound.
    precision : float
        Sampled cases aim at intervals narrower than this many standard deviations of a sample,
        and narrower than the distance to the wrong twin where that is at least a fifth of it.
    evaluations : int
        Inputs that the search for violations of one claim tries.
    seconds : float
        Where that search gives up earlier.
    """

    name: str
    samples: int
    work: float
    draws: int
    precision: float
    evaluations: int = 6_000
    seconds: float = 30.0


BUDGETS = {
    "quick": Budget("quick", 1 << 24, 2e9, 200, 0.05),
    "standard": Budget("standard", 1 << 26, 1e11, 2_000, 0.02, 60_000, 600.0),
    "thorough": Budget("thorough", 1 << 29, 1e13, 20_000, 0.005, 600_000, 7_200.0),
}


def find_budget(name: str) -> Budget:
    """Return a budget by name, or raise a `ValueError` with the known names."""
    if name not in BUDGETS:
        raise unknown_name("budget", name, BUDGETS)
    return BUDGETS[name]


@dataclass(frozen=True)
class Context:
    """What a judge needs beside the claim.

    Parameters
    ----------
    budget : Budget
        How much work is allowed.
    key : int
        Key of the random numbers of the run.
    delta : float
        Error probability of a single sampled number.
    workers : Workers
        Threads of the run.
    progress : callable
        Called with a line about what is being done.
    """

    budget: Budget
    key: int
    delta: float
    workers: Workers
    progress: Callable[[str], None]

    def generator(self, claim: Claim, index: int) -> np.random.Generator:
        """Return the random inputs of judgement number `index` of a claim."""
        return np.random.default_rng([self.key, experiment_id(claim.id), index])

    def cell(self, claim: Claim, *place: object) -> int:
        """Return the stream number of a sampled case: no two cases share random numbers."""
        return experiment_id("/".join([claim.id, *map(str, place)]))


JudgeRule = Callable[[Claim, Claim, int, Judgement, Context], Iterable[CaseResult]]

JUDGES: Registry[JudgeRule] = Registry("judgement", "qktheory.verification.judges")


def judge(claim: Claim, rival: Claim, context: Context) -> Iterator[CaseResult]:
    """Judge a claim against its rival (its wrong twin, or for a twin the claim itself).

    Parameters
    ----------
    claim : Claim
        What is judged.
    rival : Claim
        What the verdict must be able to tell it from: sampling goes on until intervals are
        narrower than the distance between both, where they differ.
    context : Context
        Budget, random numbers, error level, threads.

    Yields
    ------
    CaseResult
        As soon as a case is decided, so that an interrupt leaves what was judged before it.
    """
    for index, judgement in enumerate(claim.judged_by):
        yield from JUDGES[type(judgement).__name__](claim, rival, index, judgement, context)


def sampled_targets(claim: Claim) -> int:
    """Return how many numbers of a claim are judged by sampling: each gets a share of delta.

    Examples
    --------
    >>> from qktheory.theorems.claim import CLAIMS
    >>> sampled_targets(CLAIMS["LOC-8b"]), sampled_targets(CLAIMS["LOC-4a"])
    (9, 0)
    """
    rule = Judgement.sampled_numbers
    sampled = [j for j in claim.judged_by if type(j).sampled_numbers is not rule]
    if not sampled:
        return 0  # without an evaluation at the cases, which may be most of the work
    places = [claim.at_case(case) for case in range(len(claim.cases))]
    return sum(j.sampled_numbers(*place) for place in places for j in sampled)
