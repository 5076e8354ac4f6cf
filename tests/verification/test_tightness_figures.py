"""How tight the bounds of attention layers are: the search finds the figures of the chapter."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import qktheory as qk
from qktheory.numerics.truncated_exponential import truncation_distance
from qktheory.simulation.engine import worker_threads
from qktheory.theorems.catalogue import claims
from qktheory.theorems.claim import Claim
from qktheory.theorems.judgements import PathwiseBound
from qktheory.verification.falsification.search import Finding, attack
from qktheory.verification.falsification.targets import targets
from qktheory.verification.judge import Context, find_budget

DEFAULT = find_budget("quick")


def found(claim: Claim) -> dict[str, Finding]:
    """Attack the bounds of a claim with the evaluations of the default budget."""
    with worker_threads(1) as workers:
        target = targets(claim, Context(DEFAULT, 0, 1e-6, workers, lambda line: None))[0]
        until = time.monotonic() + 300.0  # A busy machine changes no figure.
        attacks = attack(target, np.random.default_rng(0), DEFAULT.evaluations, until)
        return {finding.name: finding for finding in attacks}


@pytest.mark.slow
def test_lipschitz_bounds_are_tight_where_logits_matter() -> None:
    """ZOO-LIP-1: 0.711 of the bound in T by random draws; W_QK = 0, where it is trivial, is out."""
    attacks = found(claims(["ZOO-LIP-1b"])[0])
    for name, least in (
        ("jacobian_norm <= bound_data", 0.95),
        ("jacobian_norm <= bound_sharp", 0.711),
        ("jacobian_norm <= bound_paper", 0.5),
    ):
        pair = attacks[name].pair
        assert not pair.degenerate
        assert pair.tightness is not None
        assert least < pair.tightness <= 1.0 + 1e-10, name


@pytest.mark.slow
def test_the_bound_with_the_observed_column_sum_is_sharp() -> None:
    """ZOO-LIP-1: 0.9995 of it by random draws, wherever they lie."""
    claim = claims(["ZOO-LIP-1b"])[0]
    bound, *_ = claim.judged_by
    assert isinstance(bound, PathwiseBound)
    data = replace(
        bound,
        sides=lambda p, v, rng: [(v["jacobian_norm"], v["bound_data"])],
        inequalities=(),
        trivial=None,
    )
    (finding,) = found(replace(claim, judged_by=(data,))).values()
    assert finding.pair.tightness is not None
    assert 0.9995 < finding.pair.tightness <= 1.0 + 1e-10


@pytest.mark.slow
@pytest.mark.parametrize(
    ("degree", "bound"), [(2, 0.09733131), (4, 0.005709), (6, 1.405e-4)], ids=["2", "4", "6"]
)
def test_polynomial_attention_comes_within_1_4_of_its_bound(degree: int, bound: float) -> None:
    """ZOO-FAST-2 at R = 1; nobody tells the search how many keys belong to which end."""
    stated = qk.evaluate("ZOO-FAST-2b", radius=1.0, degree=degree)["tv_bound"]
    assert stated == pytest.approx(bound, rel=3e-4)

    def sides(p: Mapping[str, Any], v: Any, rng: np.random.Generator) -> list[tuple[float, float]]:
        distance = truncation_distance(np.clip(p["S"], -1.0, 1.0), degree)
        assert distance is not None
        return [(float(distance.max()), stated)]

    attacked = PathwiseBound(
        sides,
        lambda rng: {"S": rng.uniform(-1.0, 1.0, size=(1, int(rng.integers(2, 7)))), "degree": 2},
        rounding=1e-9,
    )
    (finding,) = found(replace(claims(["ZOO-FAST-2a"])[0], judged_by=(attacked,))).values()
    assert finding.pair.tightness is not None
    assert 1.0 / 1.4 < finding.pair.tightness <= 1.0 + 1e-9
