"""What judges that sample share: rounds of samples, the width that decides, results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from qktheory.observables.observable import Observable
from qktheory.simulation.engine import Run
from qktheory.simulation.ensemble import Ensemble
from qktheory.simulation.estimate import Estimate
from qktheory.simulation.realization import Realization
from qktheory.simulation.simulator import choose
from qktheory.verification.judge import Context
from qktheory.verification.verdict import CaseResult, Verdict

__all__ = [
    "FIRST_ROUND",
    "most_samples",
    "resolution",
    "rounding_of",
    "rounds",
    "sampled_result",
    "start_run",
]

#: Samples of the first round; later rounds double the number.
FIRST_ROUND = 1 << 12
#: Relative error that double precision may add to a prediction or a mean.
_ROUNDING = 1e-9


def start_run(
    ensemble: Ensemble,
    observables: Mapping[str, Observable],
    simulator: str | None,
    context: Context,
    cell: int,
) -> Run:
    """Return a run that has drawn nothing yet.

    Parameters
    ----------
    ensemble : Ensemble
        What is drawn.
    observables : mapping of str to Observable
        What is measured; all must be within reach of one simulator.
    simulator : str or None
        Its name, the cheapest one if None.
    context : Context
        Supplies the key of the random numbers.
    cell : int
        Stream number, see `Context.cell`.

    Returns
    -------
    Run
    """
    chosen = choose(ensemble, next(iter(observables.values())), simulator)
    realization = Realization.from_key(ensemble, context.key, cell)
    return Run(chosen(realization), tuple(observables.values()))


def rounds(run: Run, context: Context, label: str) -> Iterator[list[Estimate]]:
    """Yield the estimates of a run after each complete round, up to the budget.

    Parameters
    ----------
    run : Run
        Extended in place.
    context : Context
        Budget, error level of one number, threads, progress.
    label : str
        What is being judged, for the progress line.

    Yields
    ------
    list of Estimate
        In the order of the run's observables.
    """
    samples = FIRST_ROUND
    most = most_samples(run, context)
    while samples <= most:
        context.progress(f"{label}: {samples} samples")
        run.extend(samples, context.workers)
        yield list(run.estimates(context.delta).values())
        samples *= 2


def most_samples(run: Run, context: Context) -> int:
    """Return how many samples the budget allows, at least one round."""
    cost = run.simulator.work_per_sample()
    by_work = context.budget.work / cost if cost > 0.0 else float("inf")
    return int(max(FIRST_ROUND, min(context.budget.samples, by_work)))


def resolution(gap: float, estimate: Estimate, context: Context) -> float:
    """Return the width that an interval needs to support a value.

    Parameters
    ----------
    gap : float
        Distance to the rival (the wrong twin), 0 where both agree.
    estimate : Estimate
        Supplies the standard deviation of a sample.
    context : Context
        Supplies the precision that the budget aims at.

    Returns
    -------
    float
        The gap, if it is in reach, so that an interval cannot contain both; else the aim.
    """
    aim = context.budget.precision * float(np.sqrt(estimate.moments.variance[0]))
    return gap if gap >= aim / 5.0 else aim


def rounding_of(*numbers: float) -> float:
    """Return what double precision may add to predictions and means of this size.

    Infinite ends of intervals have no size: they must not make everything count as rounding.

    Examples
    --------
    >>> rounding_of(1.0, -1024.0, float("inf")) < 1e-5
    True
    """
    return _ROUNDING * max((abs(x) for x in numbers if np.isfinite(x)), default=0.0)


def sampled_result(
    name: str,
    given: Mapping[str, Any],
    value: float,
    estimate: Estimate,
    verdict: Verdict,
    tightness: float | None = None,
) -> CaseResult:
    """Return the result of a scalar observable."""
    return CaseResult(
        value=name,
        parameters=given,
        prediction=value,
        estimate=float(estimate),
        low=float(estimate.low[0]),
        high=float(estimate.high[0]),
        n=estimate.n,
        guarantee=estimate.guarantee,
        verdict=verdict,
        tightness=tightness,
    )
