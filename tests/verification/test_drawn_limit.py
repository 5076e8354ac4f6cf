"""The rule of limits over few large draws: verdicts, rates, more draws where it is undecided."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy as sp

from qktheory.base.domains import Parameter, Real
from qktheory.kernels import Stream, seed_key
from qktheory.simulation.engine import worker_threads
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim, Routine, Source, WrongTwin
from qktheory.theorems.judgements import DrawnLimit
from qktheory.verification.judge import Budget, Context, judge, sampled_targets
from qktheory.verification.verdict import CaseResult

s, size = symbol("s"), symbol("size")


def draws(p: Any, values: Any, stream: Stream, first: int, n: int) -> dict[str, np.ndarray]:
    """Means s^2 (1 + 2/size) and 0, of spread s/100."""
    g = stream.normals(first, n, 2)
    near = p["s"] ** 2 * (1.0 + 2.0 / p["size"]) + 0.01 * p["s"] * g[:, 0]
    return {"limit": near, "pair": np.stack([near, 0.01 * g[:, 1]], axis=1)}


def claim(factor: float = 1.0, rival: float = 1.1, **options: Any) -> Claim:
    given: dict[str, Any] = {"rate": 0.5, "aim": 0.2, **options}
    judgement = DrawnLimit(
        ("limit", "pair", "late"),
        "size",
        ((4, 64), (64, 64)),
        lambda p, rung: {**p, "size": float(rung)},
        draws,
        **given,
    )
    pair = Routine(sp.Tuple(s**2, 0), lambda x: np.array([x**2, 0.0]), ("s",))
    return Claim(
        id="TOY-3",
        title="toy",
        statement="toy",
        source=Source("nobody", 2000, "nothing"),
        standing="theorem",
        observable="limit",
        parameters=(Parameter("s", Real(), "spread"), Parameter("size", Real(), "size", 1.0)),
        values={
            "limit": factor * s**2,
            "pair": pair,
            "late": Routine(s, lambda x: x if x > 1.0 else None, ("s",)),
        },
        cases=({"s": 0.7},),
        judged_by=(judgement,),
        wrong_twin=WrongTwin("planted", {"limit": rival * s**2}),
    )


def judged(toy: Claim) -> list[CaseResult]:
    budget = Budget("small", 1 << 17, 1e9, 100, 0.05)
    with worker_threads(1) as workers:
        context = Context(budget, seed_key(0), 1e-9, workers, lambda line: None)
        return list(judge(toy, toy.twin(), context))


def test_a_limit_is_supported_and_a_wrong_one_is_not() -> None:
    right = judged(claim())
    assert [r.value for r in right] == ["limit", "pair[0]", "pair[1]"]
    assert {r.verdict for r in right} == {"supported"}
    # Narrow enough to tell the claim from its rival: half of the distance between them.
    assert max(abs(right[0].high - 0.49), abs(right[0].low - 0.49)) <= 0.05 * 0.49 * (1 + 1e-12)
    # The means move from 15 % above to 21 % below: the distance does not shrink.
    wrong = judged(claim(factor=1.3, rival=1.0))
    assert wrong[0].verdict == "refuted"


def test_draws_are_doubled_until_the_rival_is_excluded() -> None:
    """3.1 % are left at the last size: 64 draws see 20 %, 4 % takes more, 3 % never comes."""
    loose, tight = judged(claim(rival=1.0)), judged(claim(rival=1.08))
    assert loose[0].n == 64
    assert tight[0].n > 64
    never = judged(claim(rival=1.06))
    assert never[0].verdict == "undecided"
    assert never[0].n == 64 << 4


def test_a_rate_that_is_not_kept_refutes() -> None:
    """From 50 % to 3.1 % between sizes 4 and 64: faster than size^(-1/2), slower than size^-3."""
    assert judged(claim(rival=1.0, rate=0.5))[0].verdict == "supported"
    assert judged(claim(rival=1.0, rate=3.0))[0].verdict == "refuted"


def test_every_entry_at_every_rung_takes_a_share_of_the_error() -> None:
    assert sampled_targets(claim()) == 6


def test_numbers_are_addressed() -> None:
    assert judged(claim()) == judged(claim())
