"""E[observable] = value: a confidence sequence, refined until it decides."""

from __future__ import annotations

from typing import cast

import numpy as np

from qktheory.simulation.engine import Run
from qktheory.simulation.estimate import Estimate
from qktheory.simulation.realization import Realization
from qktheory.simulation.simulator import choose
from qktheory.theorems.claim import Claim
from qktheory.theorems.judgements import Expectation, Judgement
from qktheory.verification.judge import JUDGES, Context
from qktheory.verification.verdict import CaseResult, Verdict

#: Samples of the first round; later rounds double the number.
_FIRST_ROUND = 1 << 12
#: Relative error that double precision may add to a prediction or a mean.
_ROUNDING = 1e-9


def decide(value: float, model_error: float, low: float, high: float, resolution: float) -> Verdict:
    """Return the verdict on E[observable] = value +- model_error from an interval.

    Parameters
    ----------
    value, model_error : float
        The prediction and how far it may be from the mean.
    low, high : float
        Confidence interval of the mean.
    resolution : float
        Width below which an interval that contains the value supports it.

    Returns
    -------
    str
        ``"refuted"`` if the prediction lies outside, ``"supported"`` if it lies inside a narrow
        enough interval, else ``"undecided"``.

    Examples
    --------
    >>> decide(0.5, 0.0, 0.45, 0.52, 0.1), decide(0.5, 0.0, 0.3, 0.7, 0.1)
    ('supported', 'undecided')
    """
    rounding = _ROUNDING * max(abs(value), abs(low), abs(high))
    if value + model_error < low - rounding or value - model_error > high + rounding:
        return "refuted"
    if high - low <= max(resolution, 2.0 * rounding):
        return "supported"
    return "undecided"


def _judge_case(
    claim: Claim, rival: Claim, index: int, judgement: Expectation, case: int, context: Context
) -> list[CaseResult]:
    given = claim.cases[case]
    parameters = claim.checked(given)
    values = claim.values_at(parameters)
    rival_values = rival.values_at(parameters)
    observables = judgement.observables(parameters, values)
    ensemble = judgement.ensemble(parameters)
    realization = Realization.from_key(ensemble, context.key, context.cell(claim, index, case))
    simulator = choose(ensemble, next(iter(observables.values())), judgement.simulator)
    run = Run(simulator(realization), tuple(observables.values()))
    model_error = judgement.model_error(parameters)
    samples = _FIRST_ROUND
    while True:
        context.progress(f"{claim.id}, case {case + 1}: {samples} samples")
        run.extend(samples, context.workers)
        results = []
        for name, estimate in zip(observables, run.estimates(context.delta).values(), strict=True):
            value = float(values[name])
            gap = abs(value - float(rival_values[name]))
            resolution = _resolution(gap, estimate, context.budget.precision)
            results.append(_result(name, given, value, model_error, estimate, resolution))
        verdicts = {result.verdict for result in results}
        if "refuted" in verdicts or "undecided" not in verdicts:
            return results
        if 2 * samples > context.budget.samples:
            return results
        samples *= 2


def _resolution(gap: float, estimate: Estimate, precision: float) -> float:
    """Return the width that an interval needs: below the gap to the rival, if that is in reach."""
    aim = precision * float(np.sqrt(estimate.moments.variance[0]))
    return gap if gap >= aim / 5.0 else aim


def _result(
    name: str,
    given: object,
    value: float,
    model_error: float,
    estimate: Estimate,
    resolution: float,
) -> CaseResult:
    low, high = float(estimate.low[0]), float(estimate.high[0])
    return CaseResult(
        value=name,
        parameters=cast("dict[str, object]", given),
        prediction=value,
        estimate=float(estimate),
        low=low,
        high=high,
        n=estimate.n,
        guarantee=estimate.guarantee,
        verdict=decide(value, model_error, low, high, resolution),
    )


def judge_expectation(
    claim: Claim, rival: Claim, index: int, judgement: Judgement, context: Context
) -> list[CaseResult]:
    """Judge all cases of a claim about means; see `qktheory.verification.judge.judge`."""
    assert isinstance(judgement, Expectation)
    return [
        result
        for case in range(len(claim.cases))
        for result in _judge_case(claim, rival, index, judgement, case, context)
    ]


JUDGES.add(Expectation.kind, judge_expectation)
