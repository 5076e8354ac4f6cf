"""`verify`: walk the path from claim to verdict for a selection of the catalogue."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from qktheory.base.errors import UserCodeError
from qktheory.kernels import seed_key
from qktheory.simulation.engine import worker_threads
from qktheory.simulation.intervals import DEFAULT_DELTA, DELTA
from qktheory.symbolic.balls import INSTALL
from qktheory.theorems.catalogue import claims, user_file
from qktheory.theorems.claim import Claim
from qktheory.verification.judge import Context, find_budget, judge, sampled_targets
from qktheory.verification.verdict import CaseResult, ClaimResult, Verification

__all__ = ["derivation_status", "verify"]


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
        on some of its cases only is undecided (or refuted) and missing as well. A claim of the
        user's own whose code fails is undecided, with the error beside it.

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
    share = delta / max(1, sum(_sampled_targets(claim) for claim in chosen))
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
                failure = None
                derivation, whole = "none", False
                try:
                    for case in judge(subject, rival, context):
                        cases.append(case)
                    if not wrong_twins:
                        context.progress(f"{claim.id}: derivation")
                        derivation, whole = derivation_status(claim)
                except Exception as error:
                    file = user_file(claim.id)
                    if file is None:
                        raise
                    failure = UserCodeError(file, error, f"{claim.id} was judged")
                results.append(
                    ClaimResult(
                        subject,
                        tuple(cases),
                        seconds=time.perf_counter() - started,
                        complete=failure is None,
                        derivation=derivation,
                        derived_whole=whole,
                        error=failure,
                    )
                )
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


def derivation_status(claim: Claim) -> tuple[str, bool]:
    """Compute a claim's derivation again.

    Parameters
    ----------
    claim : Claim

    Returns
    -------
    status : {"proved", "certified", "sampled", "none"}
        Of the weakest step; none without derivation, or if a step fails or cannot be certified.
    whole : bool
        Whether the derivation is the whole statement.

    Examples
    --------
    >>> from qktheory.theorems.claim import CLAIMS
    >>> derivation_status(CLAIMS["LOC-1b"]), derivation_status(CLAIMS["LOC-4d"])
    (('proved', True), ('none', False))
    """
    derivation = claim.derivation
    if derivation is None or derivation.recheck() or derivation.status == INSTALL:
        return "none", False
    return derivation.status, derivation.complete


def _sampled_targets(claim: Claim) -> int:
    """Count the sampled numbers of a claim; code of the user's own may fail here already."""
    try:
        return sampled_targets(claim)
    except Exception:
        if user_file(claim.id) is None:
            raise
        return 0  # judging it fails in the same way, and says so


def _reporter(
    progress: Callable[[str, int, int], None] | None, done: int, total: int
) -> Callable[[str], None]:
    if progress is None:
        return lambda line: None
    return lambda line: progress(line, done, total)
