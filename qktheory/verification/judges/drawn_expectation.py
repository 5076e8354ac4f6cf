"""E[functional of random matrices or vectors] = value: the rule of expectations, drawn directly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from qktheory.kernels import Moments, Stream, experiment_id, leaf_moments
from qktheory.simulation.estimate import Estimate
from qktheory.simulation.moments import LEAF, MomentTree
from qktheory.theorems.claim import Claim
from qktheory.theorems.judgements import DrawnExpectation, Judgement
from qktheory.verification.judge import JUDGES, Context
from qktheory.verification.judges.expectation import decide
from qktheory.verification.sampling import FIRST_ROUND, resolution, sampled_result
from qktheory.verification.verdict import CaseResult

#: Samples of one call of `draw`: half a first round, so that two threads share it.
_BLOCK = 8 * LEAF


class _Draws:
    """Samples of all entries of all values, refined in place."""

    def __init__(
        self,
        judgement: DrawnExpectation,
        parameters: Mapping[str, Any],
        values: Mapping[str, Any],
        stream: Stream,
    ) -> None:
        self._judgement, self._parameters, self._values = judgement, parameters, values
        self._stream = stream
        self._tree = MomentTree()
        self.entries = [
            (name if np.ndim(values[name]) == 0 else f"{name}[{k}]", name, k)
            for name in judgement.names
            if name in values
            for k in range(np.size(values[name]))
        ]

    def _task(self, first_sample: int) -> Moments:
        drawn = self._judgement.draw(
            self._parameters, self._values, self._stream, first_sample, _BLOCK
        )
        names = dict.fromkeys(name for _, name, _ in self.entries)
        columns = np.concatenate([np.reshape(drawn[name], (_BLOCK, -1)) for name in names], axis=1)
        return leaf_moments(np.ascontiguousarray(columns, dtype=np.float64), LEAF)

    def extend(self, samples: int, context: Context) -> None:
        """Bring the number of samples, a multiple of a block, to `samples`."""
        starts = range(self._tree.leaves * LEAF, samples, _BLOCK)
        for leaves in context.workers.pool.map(self._task, starts):
            self._tree.extend(leaves)

    def estimates(self, context: Context) -> list[Estimate]:
        """Return one estimate for each entry."""
        total = self._tree.total()
        assert total is not None
        return [
            Estimate.from_moments(
                label, _column(total, k), context.delta, None, False, simulator="draws"
            )
            for k, (label, _, _) in enumerate(self.entries)
        ]


def _column(moments: Moments, k: int) -> Moments:
    """Return the moments of one column, fields of shape (1,)."""
    return Moments(
        moments.count[[k]],
        moments.mean[[k]],
        moments.m2[[k]],
        moments.minimum[[k]],
        moments.maximum[[k]],
    )


def _judge_case(
    claim: Claim,
    rival: Claim,
    index: int,
    judgement: DrawnExpectation,
    case: int,
    context: Context,
) -> list[CaseResult]:
    given = claim.cases[case]
    parameters, values = claim.at_case(case)
    _, rival_values = rival.at_case(case)
    stream = Stream(context.key, experiment_id("draws"), context.cell(claim, index, case))
    draws = _Draws(judgement, parameters, values, stream)
    most = max(
        FIRST_ROUND,
        min(context.budget.samples, context.budget.work / max(1.0, judgement.cost(parameters))),
    )
    results: list[CaseResult] = []
    samples = FIRST_ROUND
    while samples <= most:
        context.progress(f"{claim.id}, case {case + 1}: {samples} samples")
        draws.extend(samples, context)
        results = []
        for (label, name, k), estimate in zip(draws.entries, draws.estimates(context), strict=True):
            value, other = (float(np.ravel(v[name])[k]) for v in (values, rival_values))
            width = resolution(abs(value - other), estimate, context)
            low, high = float(estimate.low[0]), float(estimate.high[0])
            verdict = decide(value, 0.0, low, high, width)
            results.append(sampled_result(label, given, value, estimate, verdict))
        verdicts = {result.verdict for result in results}
        if "refuted" in verdicts or "undecided" not in verdicts:
            break
        samples *= 2
    return results


def judge_drawn_expectation(
    claim: Claim, rival: Claim, index: int, judgement: Judgement, context: Context
) -> Iterator[CaseResult]:
    """Judge all cases of a claim about means of draws of its own."""
    assert isinstance(judgement, DrawnExpectation)
    for case in range(len(claim.cases)):
        yield from _judge_case(claim, rival, index, judgement, case, context)


JUDGES.add(DrawnExpectation.__name__, judge_drawn_expectation)
