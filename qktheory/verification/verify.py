"""`verify`: walk the path from claim to verdict for a selection of the catalogue."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from qktheory.kernels import seed_key
from qktheory.simulation.engine import worker_threads
from qktheory.simulation.intervals import DEFAULT_DELTA, DELTA
from qktheory.theorems.catalogue import claims, user_file
from qktheory.theorems.claim import Claim
from qktheory.verification.judge import Context, find_budget, sampled_targets
from qktheory.verification.judged import Job, Judged, judge_claim
from qktheory.verification.verdict import Verification
from qktheory.verification.workers import Board, Helpers, shares

__all__ = ["verify"]


def verify(
    selection: Sequence[str] = (),
    *,
    budget: str = "quick",
    seed: int | np.random.Generator = 0,
    delta: float = DEFAULT_DELTA,
    threads: int | None = None,
    workers: int | None = 1,
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
        Threads in all, as many as there are processors by default; no number depends on it.
    workers : int, optional
        Processes among which claims and threads are shared, this one included; None stands for as
        many as pay, at most one a thread. No number depends on it. By default all claims are judged
        here, where whatever you have defined or replaced is seen: other processes see the
        installed catalogue and your claim files.
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
    ChildProcessError
        If another process dies while it judges a claim, which is named.

    Examples
    --------
    >>> result = verify(["LOC-4d"])
    >>> result["LOC-4d"].verdict, result.success
    ('supported', True)
    """
    # That the whole catalogue pays for helpers is known without loading it.
    count = len(claims(selection)) if selection else None
    level = find_budget(budget)
    delta = DELTA.check("delta", delta)
    key = seed_key(seed)
    number, own, each = shares(workers, threads, count)
    with worker_threads(own) as pool, Helpers(number - 1, each) as helpers:
        chosen = claims(selection)
        judged = [Judged(claim) for claim in chosen]
        share = delta / max(1, sum(_sampled_targets(claim) for claim in chosen))
        jobs = [Job(c.id, _file(c), wrong_twins, budget, key, share) for c in chosen]
        board = Board(jobs, judged)
        report = _reporter(progress, board)
        try:
            helpers.work_on(board)
            while (job := board.take(report)) is not None:
                context = Context(level, key, share, pool, report)
                judged[job].ending = judge_claim(
                    chosen[job], wrong_twins, context, judged[job].cases.append
                )
        except KeyboardInterrupt:
            pass  # what is missing has no ending
    recorded = seed if isinstance(seed, int | np.integer) else key
    return Verification(
        tuple(found.result(wrong_twins) for found in judged if found.ending or found.cases),
        int(recorded),
        delta,
        budget,
        tuple(claim.id for claim, found in zip(chosen, judged, strict=True) if not found.ending),
    )


def _sampled_targets(claim: Claim) -> int:
    """Count the sampled numbers of a claim; code of the user's own may fail here already."""
    try:
        return sampled_targets(claim)
    except Exception:
        if user_file(claim.id) is None:
            raise
        return 0  # judging it fails in the same way, and says so


def _file(claim: Claim) -> str | None:
    file = user_file(claim.id)
    return None if file is None else str(file)


def _reporter(
    progress: Callable[[str, int, int], None] | None, board: Board
) -> Callable[[str], None]:
    if progress is None:
        return lambda line: None
    return lambda line: progress(line, board.ended, len(board.judged))
