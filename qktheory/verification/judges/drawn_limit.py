"""Functionals of random matrices whose means approach the claimed values as the matrices grow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from qktheory.kernels import Moments, Stream, experiment_id
from qktheory.simulation.estimate import Estimate
from qktheory.theorems.claim import Claim
from qktheory.theorems.judgements import DrawnLimit, Judgement
from qktheory.verification.judge import JUDGES, Context
from qktheory.verification.judges.limit import decide_limit
from qktheory.verification.sampling import sampled_result
from qktheory.verification.verdict import CaseResult

#: How often the samples of all rungs may be doubled while a case is undecided.
_DOUBLINGS = 4


def _moments(samples: np.ndarray) -> Moments:
    """Return the moments of the columns of an array of shape (n, k)."""
    mean = samples.mean(axis=0)
    return Moments(
        np.full(mean.shape, float(len(samples))),
        mean,
        np.sum((samples - mean) ** 2, axis=0),
        samples.min(axis=0),
        samples.max(axis=0),
    )


def _entries(values: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, float]:
    """Return the values that exist, lists entry by entry."""
    found = {}
    for name in names:
        if name not in values:
            continue
        array = np.asarray(values[name], dtype=np.float64)
        for k, entry in enumerate(array.ravel()):
            found[name if array.ndim == 0 else f"{name}[{k}]"] = float(entry)
    return found


class _Rung:
    """Samples at one size, and what the claim and its rival say there."""

    def __init__(
        self, claim: Claim, rival: Claim, judgement: DrawnLimit, given: Mapping[str, Any], size: int
    ) -> None:
        self.parameters = judgement.at(given, size)
        self.values = claim.values_at(self.parameters)
        self.claimed = _entries(self.values, judgement.names)
        self.rival = _entries(rival.values_at(self.parameters), judgement.names)
        self.samples = np.empty((0, len(self.claimed)))

    def extend(self, judgement: DrawnLimit, stream: Stream, n: int) -> None:
        first = len(self.samples)
        if first >= n:
            return
        drawn = judgement.draw(self.parameters, self.values, stream, first, n - first)
        present = [name for name in judgement.names if name in self.values]
        columns = [np.reshape(drawn[name], (n - first, -1)) for name in present]
        self.samples = np.concatenate([self.samples, np.concatenate(columns, axis=1)])

    def estimates(self, delta: float) -> dict[str, Estimate]:
        found = {}
        for k, label in enumerate(self.claimed):
            moments = _moments(self.samples[:, [k]])
            found[label] = Estimate.from_moments(label, moments, delta, None, False, "draws")
        return found


def _distance(value: float, estimate: Estimate) -> tuple[float, float]:
    """Return the smallest and largest relative distance to a value, absolute if that is 0."""
    scale = abs(value) or 1.0
    low, high = float(estimate.low[0]), float(estimate.high[0])
    nearest = max(0.0, low - value, value - high)
    return nearest / scale, max(abs(high - value), abs(value - low)) / scale


def _judge_case(
    claim: Claim, rival: Claim, index: int, judgement: DrawnLimit, case: int, context: Context
) -> list[CaseResult]:
    given = claim.cases[case]
    parameters = claim.checked(given)
    sizes = [size for size, _ in judgement.ladder]
    rungs = [_Rung(claim, rival, judgement, parameters, size) for size in sizes]
    results: list[CaseResult] = []
    for doubling in range(_DOUBLINGS + 1):
        columns = []
        for rung, (size, samples) in zip(rungs, judgement.ladder, strict=True):
            n = samples << doubling
            context.progress(f"{claim.id}, case {case + 1}: {judgement.size} = {size}, {n} draws")
            stream = Stream(
                context.key, experiment_id("drawn limit"), context.cell(claim, index, case, size)
            )
            rung.extend(judgement, stream, n)
            columns.append(rung.estimates(context.delta))
        results = []
        last = rungs[-1]
        for label, value in last.claimed.items():
            distances = [
                _distance(rung.claimed[label], column[label])
                for rung, column in zip(rungs, columns, strict=True)
            ]
            gap = abs(value - last.rival[label]) / (abs(value) or 1.0)
            aim = judgement.aim
            width = 0.5 * gap if gap >= 0.2 * aim else aim
            verdict = decide_limit(sizes, distances, judgement.rate, width)
            results.append(sampled_result(label, given, value, columns[-1][label], verdict))
        verdicts = {result.verdict for result in results}
        if "refuted" in verdicts or "undecided" not in verdicts:
            break
    return results


def judge_drawn_limit(
    claim: Claim, rival: Claim, index: int, judgement: Judgement, context: Context
) -> list[CaseResult]:
    """Judge all cases of a claim about limits of means of draws of its own."""
    assert isinstance(judgement, DrawnLimit)
    return [
        result
        for case in range(len(claim.cases))
        for result in _judge_case(claim, rival, index, judgement, case, context)
    ]


JUDGES.add(DrawnLimit.__name__, judge_drawn_limit)
