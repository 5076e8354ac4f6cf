"""The observable has the claimed distribution: the Dvoretzky-Kiefer-Wolfowitz-Massart band."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from qktheory.simulation.engine import draw_values
from qktheory.simulation.intervals import spent
from qktheory.theorems.claim import Claim
from qktheory.theorems.judgements import Judgement, Law
from qktheory.verification.judge import JUDGES, Context
from qktheory.verification.sampling import FIRST_ROUND, most_samples, start_run
from qktheory.verification.verdict import CaseResult, Verdict

#: Samples of a distribution test at most: all of them are held in memory and sorted.
_MOST_SAMPLES = 1 << 20
#: Half-width of the band below which a law is supported, if it allows no larger error itself.
_NARROW = 0.025


def band(n: int, delta: float) -> float:
    """Return the half-width of the band around an empirical CDF (Massart 1990).

    P(sup |F_n - F| > eps) <= 2 exp(-2 n eps^2), with the share `spent(n)` of the error budget.

    Examples
    --------
    >>> 0.02 < band(10_000, 1e-6) < 0.04
    True
    """
    return math.sqrt(math.log(2.0 / (delta * spent(n))) / (2.0 * n))


def kolmogorov(values: NDArray[np.float64], distribution: NDArray[np.float64]) -> float:
    """Return sup |F_n - F| from sorted values and the claimed CDF there.

    Examples
    --------
    >>> round(kolmogorov(np.array([0.25, 0.75]), np.array([0.25, 0.75])), 12)
    0.25
    """
    n = len(values)
    steps = np.arange(1, n + 1) / n
    return float(max((steps - distribution).max(), (distribution - steps + 1.0 / n).max()))


def _judge_case(
    claim: Claim, rival: Claim, index: int, judgement: Law, case: int, context: Context
) -> CaseResult:
    given = claim.cases[case]
    parameters = claim.checked(given)
    observable = judgement.observable(parameters)
    run = start_run(
        judgement.ensemble(parameters),
        {observable.name: observable},
        judgement.simulator,
        context,
        context.cell(claim, index, case),
    )
    values = np.empty(0)
    most = min(_MOST_SAMPLES, most_samples(run, context))
    samples = FIRST_ROUND
    while True:
        context.progress(f"{claim.id}, case {case + 1}: {samples} samples")
        fresh = draw_values(run.simulator, observable, len(values), samples, context.workers)
        values = np.sort(np.concatenate([values, fresh]))
        claimed, other = (
            judgement.distribution(subject.values_at, parameters, values)
            for subject in (claim, rival)
        )
        distance = kolmogorov(values, claimed)
        gap = float(np.abs(claimed - other).max())
        half = band(samples, context.delta)
        verdict = _decide(distance, half, judgement.model_error, gap)
        done = verdict != "undecided" or 2 * samples > most
        if done:
            return CaseResult(
                value=f"Kolmogorov distance of {observable.name}",
                parameters=given,
                prediction=judgement.model_error,
                estimate=distance,
                low=max(0.0, distance - half),
                high=min(1.0, distance + half),
                n=samples,
                guarantee="finite-sample",
                verdict=verdict,
            )
        samples *= 2


def _decide(distance: float, half: float, model_error: float, gap: float) -> Verdict:
    """Refute outside the band; support inside one that is too narrow to hold the rival too."""
    if distance > half + model_error:
        return "refuted"
    narrow = half <= max(model_error, _NARROW)
    return "supported" if narrow and 2.0 * (half + model_error) <= gap else "undecided"


def judge_law(
    claim: Claim, rival: Claim, index: int, judgement: Judgement, context: Context
) -> list[CaseResult]:
    """Judge all cases of a claim about a distribution."""
    assert isinstance(judgement, Law)
    return [
        _judge_case(claim, rival, index, judgement, case, context)
        for case in range(len(claim.cases))
    ]


JUDGES.add(Law.__name__, judge_law)
