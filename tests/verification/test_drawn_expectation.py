"""The rule of expectations over draws of a claim's own: verdicts, bits, lists, absent values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import sympy as sp

from qktheory.base.domains import Parameter, Real
from qktheory.kernels import Stream, seed_key
from qktheory.simulation.engine import worker_threads
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim, Routine, Source, WrongTwin
from qktheory.theorems.judgements import DrawnExpectation
from qktheory.verification.judge import Budget, Context, judge, sampled_targets
from qktheory.verification.verdict import CaseResult

SMALL = Budget("small", 1 << 17, 1e9, 100, 0.05)
s = symbol("s")


def context(threads: int = 1, budget: Budget = SMALL) -> Iterator[Context]:
    with worker_threads(threads) as workers:
        yield Context(budget, seed_key(0), 1e-9, workers, lambda line: None)


def squares(p: Any, values: Any, stream: Stream, first: int, n: int) -> dict[str, np.ndarray]:
    g = p["s"] * stream.normals(first, n, 2)
    return {"square": g[:, 0] ** 2, "powers": np.stack([g[:, 1], g[:, 1] ** 2], axis=1)}


def claim(factor: float = 1.0, rival: float = 1.1, cost: float = 2.0) -> Claim:
    """E g^2 = factor s^2; the list (E g, E g^2); a value that exists for s > 1 only."""
    powers = Routine(sp.Tuple(0, s**2), lambda x: np.array([0.0, x**2]), ("s",))
    return Claim(
        id="TOY-2",
        title="toy",
        statement="toy",
        source=Source("nobody", 2000, "nothing"),
        standing="theorem",
        observable="square",
        parameters=(Parameter("s", Real(), "spread"),),
        values={
            "square": factor * s**2,
            "powers": powers,
            "late": Routine(s, lambda x: x if x > 1.0 else None, ("s",)),
        },
        cases=({"s": 0.7},),
        judged_by=(DrawnExpectation(("square", "powers", "late"), squares, lambda p: cost),),
        wrong_twin=WrongTwin("planted", {"square": rival * s**2}),
    )


def judged(toy: Claim, threads: int = 1, budget: Budget = SMALL) -> list[CaseResult]:
    return [r for c in context(threads, budget) for r in judge(toy, toy.twin(), c)]


def test_a_mean_is_supported_and_a_wrong_one_refuted() -> None:
    right = judged(claim())
    assert [r.value for r in right] == ["square", "powers[0]", "powers[1]"]
    assert [r.verdict for r in right] == ["supported"] * 3
    assert right[0].low <= 0.49 <= right[0].high
    # Narrow enough that the claim and its rival are never both inside.
    assert right[0].high - right[0].low <= 0.1 * 0.49
    wrong = judged(claim(factor=1.1, rival=1.0))
    assert wrong[0].verdict == "refuted"
    assert wrong[0].prediction > wrong[0].high


def test_every_entry_of_a_list_takes_a_share_of_the_error() -> None:
    assert sampled_targets(claim()) == 3


def test_a_budget_that_does_not_suffice_leaves_it_undecided() -> None:
    """2^12 samples of a square do not see 1 %."""
    results = judged(claim(rival=1.01, cost=1e6), budget=Budget("tiny", 1 << 17, 1.0, 1, 0.05))
    assert results[0].verdict == "undecided"
    assert results[0].n == 1 << 12


@pytest.mark.parametrize("threads", [2, 3])
def test_the_number_of_threads_does_not_matter(threads: int) -> None:
    assert judged(claim()) == judged(claim(), threads)


def test_the_estimate_is_the_mean_over_the_stream() -> None:
    """The samples are those of the claim's own stream, first to last."""
    (result, *_) = judged(claim())
    drawn = []

    def spy(p: Any, v: Any, stream: Stream, first: int, n: int) -> dict[str, np.ndarray]:
        found = squares(p, v, stream, first, n)
        drawn.append((first, found["square"]))
        return found

    toy = claim()
    object.__setattr__(toy.judged_by[0], "draw", spy)
    judged(toy)
    blocks = [block for _, block in sorted(drawn, key=lambda entry: entry[0])]
    whole = np.concatenate(blocks)
    assert len(whole) == result.n
    assert result.estimate == pytest.approx(whole.mean(), rel=1e-13)
