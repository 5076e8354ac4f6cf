"""`verify`: walk the path from claim to verdict for a selection of the catalogue."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from qktheory.kernels import seed_key
from qktheory.simulation.engine import worker_threads
from qktheory.simulation.intervals import DEFAULT_DELTA, DELTA
from qktheory.theorems.catalogue import claims
from qktheory.verification.judge import Context, find_budget, judge, sampled_targets
from qktheory.verification.verdict import CaseResult, ClaimResult, Verification

__all__ = ["verify"]


def verify(
    selection: Sequence[str] = (),
    *,
    budget: str = "quick",
    seed: int | np.random.Generator = 0,
    delta: float = DEFAULT_DELTA,
    threads: int | None = None,
    wrong_twins: bool = False,
    progress: Callable[[str, int, int], None] | None = None,
) -> Verification:
    """Judge claims on their own cases.

    Parameters
    ----------
    selection : sequence of str, optional
        Ids, statements, chapters or files; see `qktheory.theorems.catalogue.claims`. All claims by
        default.
    budget : {"quick", "standard", "thorough"}, optional
        How much work is allowed.
    seed : int or numpy.random.Generator, optional
        Seed, >= 0.
    delta : float, optional
        Bound on the probability that any sampled case of this run is decided wrongly, shared
        equally (Bonferroni) over all sampled numbers.
    threads : int, optional
        Threads, all available processors by default; verdicts do not depend on it.
    wrong_twins : bool, optional
        Judge the deliberately wrong twins instead: all must come out refuted.
    progress : callable, optional
        Called with a line about what is being done, claims done, claims in all.

    Returns
    -------
    Verification
        An interrupt returns what was judged so far, with the rest in ``missing``. A claim judged
        on some of its cases only is undecided (or refuted) and missing as well.

    Raises
    ------
    ValueError
        For unknown ids or budgets, or values outside their domain.

    Examples
    --------
    >>> result = verify(["LOC-4d"])
    >>> result["LOC-4d"].verdict, result.success
    ('supported', True)
    """
    chosen = claims(selection)
    level = find_budget(budget)
    delta = DELTA.check("delta", delta)
    key = seed_key(seed)
    share = delta / max(1, sum(sampled_targets(claim) for claim in chosen))
    results: list[ClaimResult] = []
    cases: list[CaseResult] = []
    try:
        with worker_threads(threads) as workers:
            for number, claim in enumerate(chosen):
                context = Context(
                    level, key, share, workers, _reporter(progress, number, len(chosen))
                )
                context.progress(claim.id)
                subject, rival = claim, claim.twin()
                if wrong_twins:
                    subject, rival = rival, subject
                started = time.perf_counter()
                cases = []
                for case in judge(subject, rival, context):
                    cases.append(case)
                results.append(ClaimResult(subject, tuple(cases), time.perf_counter() - started))
                cases = []
    except KeyboardInterrupt:
        missing = tuple(claim.id for claim in chosen[len(results) :])
        if cases:
            seconds = time.perf_counter() - started
            results.append(ClaimResult(subject, tuple(cases), seconds, complete=False))
    else:
        missing = ()
    recorded = seed if isinstance(seed, int | np.integer) else key
    return Verification(tuple(results), int(recorded), delta, budget, missing)


def _reporter(
    progress: Callable[[str, int, int], None] | None, done: int, total: int
) -> Callable[[str], None]:
    if progress is None:
        return lambda line: None
    return lambda line: progress(line, done, total)
