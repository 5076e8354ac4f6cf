"""A claim on its way to a verdict: the job, what was found so far, how it ended."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from qktheory.base.errors import UserCodeError
from qktheory.symbolic.balls import INSTALL
from qktheory.theorems.catalogue import user_file
from qktheory.theorems.claim import Claim
from qktheory.verification.judge import Context, judge
from qktheory.verification.verdict import CaseResult, ClaimResult

__all__ = ["Ending", "Job", "Judged", "derivation_status", "judge_claim"]


@dataclass(frozen=True)
class Job:
    """A claim to be judged, named so that another process finds it too.

    Parameters
    ----------
    claim : str
        Id.
    file : str or None
        The user's own file that states it, None for the catalogue.
    wrong_twin : bool
        Whether its wrong twin is to be judged instead.
    budget : str
        Name of the budget.
    key : int
        Key of the random numbers of the run.
    delta : float
        Error probability of a single sampled number.
    """

    claim: str
    file: str | None
    wrong_twin: bool
    budget: str
    key: int
    delta: float


@dataclass(frozen=True)
class Ending:
    """What is known when all cases of a claim were judged.

    Parameters
    ----------
    seconds : float
        Time it took.
    derivation : {"proved", "certified", "sampled", "none"}
        See `derivation_status`.
    whole : bool
        Whether the derivation is the whole statement.
    error : UserCodeError or None
        What the user's own code raised.
    """

    seconds: float
    derivation: str = "none"
    whole: bool = False
    error: UserCodeError | None = None


@dataclass
class Judged:
    """What was found about a claim so far.

    Parameters
    ----------
    claim : Claim
        What is judged.
    cases : list of CaseResult
        Grows while the claim is judged.
    started : float
        When that began, by `time.perf_counter`.
    ending : Ending or None
        None while cases are missing.
    """

    claim: Claim
    cases: list[CaseResult] = field(default_factory=list)
    started: float = 0.0
    ending: Ending | None = None

    def start(self) -> None:
        """Note the time."""
        self.started = time.perf_counter()

    def result(self, wrong_twin: bool = False) -> ClaimResult:
        """Return the result, of the cases there are if it has not ended.

        Parameters
        ----------
        wrong_twin : bool
            Whether the twin was judged.
        """
        claim = self.claim.twin() if wrong_twin else self.claim
        cases, ending = tuple(self.cases), self.ending
        if ending is None:
            seconds = time.perf_counter() - self.started
            return ClaimResult(claim, cases, seconds, complete=False)
        return ClaimResult(
            claim,
            cases,
            seconds=ending.seconds,
            complete=ending.error is None,
            derivation=ending.derivation,
            derived_whole=ending.whole,
            error=ending.error,
        )


def judge_claim(
    claim: Claim, wrong_twin: bool, context: Context, found: Callable[[CaseResult], None]
) -> Ending:
    """Judge all cases of a claim, or of its wrong twin, and compute its derivation again.

    Parameters
    ----------
    claim : Claim
        Of the catalogue or of the user's own.
    wrong_twin : bool
        Judge the twin against the claim instead; it has no derivation.
    context : Context
        Budget, random numbers, error level, threads, progress.
    found : callable
        Gets each result as soon as its case is decided.

    Returns
    -------
    Ending
        With the error of a claim of the user's own whose code fails; that of a claim of the
        catalogue is raised.
    """
    context.progress(claim.id)
    subject, rival = claim, claim.twin()
    if wrong_twin:
        subject, rival = rival, subject
    started = time.perf_counter()
    failure = None
    derivation, whole = "none", False
    try:
        for case in judge(subject, rival, context):
            found(case)
        if not wrong_twin:
            context.progress(f"{claim.id}: derivation")
            derivation, whole = derivation_status(claim)
    except Exception as error:
        file = user_file(claim.id)
        if file is None:
            raise
        failure = UserCodeError(file, error, f"{claim.id} was judged")
    return Ending(time.perf_counter() - started, derivation, whole, failure)


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
