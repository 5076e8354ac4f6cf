"""Identities and bounds hold for random inputs that the default run does not draw.

A verdict may not depend on the seed: where a route loses its digits on one input in ten thousand,
another seed meets it. ``DRAWS=2000`` in the environment takes ten times the inputs of a quick run.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace

import pytest

from qktheory.kernels import seed_key
from qktheory.simulation.engine import worker_threads
from qktheory.theorems.claim import CLAIMS
from qktheory.theorems.judgements import Identity, PathwiseBound
from qktheory.verification.judge import JUDGES, Context, find_budget

QUICK = find_budget("quick")
DRAWS = int(os.environ.get("DRAWS", "50"))
JUDGED = [
    (claim, index)
    for claim in CLAIMS
    if CLAIMS[claim].standing != "folklore"
    for index, judgement in enumerate(CLAIMS[claim].judged_by)
    if isinstance(judgement, Identity | PathwiseBound)
]


@pytest.fixture(scope="module")
def context() -> Iterator[Context]:
    with worker_threads(1) as workers:
        budget = replace(QUICK, draws=DRAWS)
        yield Context(budget, seed_key(1000), 1e-9, workers, lambda line: None)


@pytest.mark.parametrize(("name", "index"), JUDGED)
def test_the_verdict_is_that_of_other_inputs(name: str, index: int, context: Context) -> None:
    claim = CLAIMS[name]
    judgement = claim.judged_by[index]
    assert isinstance(judgement, Identity | PathwiseBound)
    if judgement.most_draws is not None:
        share = max(1, judgement.most_draws * DRAWS // QUICK.draws)
        judgement = replace(judgement, most_draws=share)
    rule = JUDGES[type(judgement).__name__]
    found = list(rule(claim, claim, index, judgement, context))
    assert found
    assert [result for result in found if result.verdict != "supported"] == []
