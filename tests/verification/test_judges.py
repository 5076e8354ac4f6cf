"""Judgements of all kinds on statements whose truth is known: each with a wrong twin."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import sympy as sp
from scipy.special import ndtr

import qktheory as qk
from qktheory.base.domains import Parameter, Real
from qktheory.observables.observable import RowObservable
from qktheory.simulation.ensemble import Ensemble
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import CLAIMS, Claim, Source, WrongTwin
from qktheory.theorems.judgements import (
    ExpectationBound,
    Identity,
    Judgement,
    Law,
    Limit,
    Ordering,
    PathwiseBound,
    SampledOrdering,
)
from qktheory.verification.judges.expectation_bound import decide_bound
from qktheory.verification.judges.law import band, kolmogorov
from qktheory.verification.judges.limit import decide_limit
from tests.statistics import too_many

s, T = symbol("s"), symbol("T")
Compute = Callable[[Any], Any]


def row(s_: float, T_: int, temperature: float = 1.0) -> Ensemble:
    """Iid tokens with a pinned query: T - 1 logits N(0, s^2) and a self-logit of 0."""
    return Ensemble.from_dict(
        {
            "d": 2,
            "T": T_,
            "matrix": {"W": [[0.0, s_], [0.0, 0.0]]},
            "tokens": {"covariance": [0.0, 1.0], "query": [1.0, 0.0]},
            "attention": {"temperature": temperature},
        }
    )


def observable(name: str, compute: Compute, bounds: tuple[float, float] | None) -> RowObservable:
    return RowObservable(name, name, name, lambda T: bounds, compute=compute)


def entropy(T_: int) -> RowObservable:
    bounds = (0.0, math.log(T_))
    return observable("entropy", lambda rows: rows.statistics["entropy"], bounds)


def claim(value: sp.Expr, wrong: sp.Expr, judgement: Judgement, kind: str) -> Claim:
    return Claim(
        id=f"TRIAL-{kind}",
        title="trial",
        statement="trial",
        source=Source("nobody", 2000, "nothing"),
        standing="theorem",
        observable="value",
        parameters=(Parameter("s", Real(low=0.0), "width"),),
        values={"value": value},
        cases=({"s": 0.4}, {"s": 0.6}, {"s": 0.8}),
        judged_by=(judgement,),
        wrong_twin=WrongTwin("planted", {"value": wrong}),
    )


TRIALS: dict[str, Claim] = {
    # Jensen: E H <= ln T - (annealed) 0; the mean entropy of 16 keys lies below ln 16.
    "upper bound": claim(
        sp.log(16) + 0 * s,
        sp.log(16) * sp.Rational(9, 10) - s**2 / 8,
        ExpectationBound(
            lambda p: row(p["s"], 16), lambda p, v: {"value": entropy(16)}, lambda p: "upper"
        ),
        "1",
    ),
    # LOC-13 on average: H >= ln T - range^2/8, here with E H >= ln T - 2 s^2.
    "lower bound": claim(
        sp.log(16) - s**2,
        sp.log(16) - s**2 / 5,
        ExpectationBound(
            lambda p: row(p["s"], 16), lambda p, v: {"value": entropy(16)}, lambda p: "lower"
        ),
        "2",
    ),
    # T E Y_2 -> exp(s^2) for iid logits, corrections of order 1/T.
    "limit": claim(
        sp.exp(s**2),
        sp.exp(s**2 * sp.Rational(11, 10)) + sp.Rational(1, 20),
        Limit(
            "T",
            (32, 128, 512),
            lambda p, size: row(p["s"], size),
            lambda p, v, size: {
                "value": observable(
                    "value", lambda rows: size * rows.statistics["participation"], None
                )
            },
            rate=0.5,
        ),
        "3",
    ),
    # The first logit is N(0, s^2).
    "law": claim(
        s,
        s * sp.Rational(11, 10),
        Law(
            lambda p: row(p["s"], 2),
            lambda p: observable("w_1", lambda rows: rows.logits[:, 0], None),
            lambda evaluate, p, x: ndtr(x / float(evaluate(p)["value"])),
        ),
        "4",
    ),
    # Entropy grows with the temperature; the wrong twin says that it falls.
    "sampled ordering": claim(
        sp.Integer(1) + 0 * s,
        sp.Integer(-1) + 0 * s,
        SampledOrdering(
            lambda p, v: [
                row(p["s"], 16, float(t))
                for t in np.sort([1.0, 1.2, 1.5])[:: int(np.sign(float(v["value"])))]
            ],
            lambda p: entropy(16),
        ),
        "5",
    ),
    # s^2 increases in s; the wrong twin does not.
    "ordering": claim(
        s**2,
        (s - sp.Rational(1, 2)) ** 2,
        Ordering(
            "value",
            lambda evaluate, p: [{"s": p["s"] * k} for k in (0.5, 1.0, 2.0)],
            draw=lambda rng: {"s": float(rng.uniform(0.1, 1.0))},
        ),
        "6",
    ),
    "identity": claim(
        sp.sinh(s) + sp.cosh(s),
        sp.sinh(s) + sp.cosh(s) * sp.Rational(101, 100),
        Identity(lambda p: {"value": math.exp(p["s"])}, lambda rng: {"s": float(rng.random())}),
        "7",
    ),
    # s^2 <= s on [0, 1], nearly attained.
    "pathwise bound": claim(
        s,
        s * sp.Rational(9, 10),
        PathwiseBound(
            lambda p, v, rng: [(p["s"] ** 2, float(v["value"]))],
            lambda rng: {"s": float(rng.random())},
        ),
        "8",
    ),
}


@pytest.fixture(params=TRIALS)
def trial(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Claim:
    found = TRIALS[request.param]
    _ = len(CLAIMS)
    monkeypatch.setattr(CLAIMS, "_entries", {**CLAIMS._entries, found.id: found})
    return found


def test_what_is_true_is_supported_and_its_twin_refuted(trial: Claim) -> None:
    for seed in (0, 1):
        right = qk.verify([trial.id], seed=seed)[trial.id]
        assert right.verdict == "supported", right.cases
        wrong = qk.verify([trial.id], seed=seed, wrong_twins=True)[trial.id]
        assert wrong.verdict == "refuted", wrong.cases
    assert right.claim.kind == trial.judged_by[0].kind
    assert len(right.cases) >= len(trial.cases)


def test_threads_do_not_matter(trial: Claim) -> None:
    one, two = (qk.verify([trial.id], threads=threads).to_dict() for threads in (1, 2))
    assert one == two


def test_folklore_has_to_be_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The false statement itself as folklore: the run succeeds because it is refuted."""
    trial = TRIALS["identity"]
    false = replace(trial.twin(), id="TRIAL-9-folklore", standing="folklore")
    true = replace(trial, id="TRIAL-10-folklore", standing="folklore")
    _ = len(CLAIMS)
    entries = {**CLAIMS._entries, false.id: false, true.id: true}
    monkeypatch.setattr(CLAIMS, "_entries", entries)
    assert qk.verify(["TRIAL-9"]).success
    assert qk.verify(["TRIAL-9"])["TRIAL-9-folklore"].agrees
    assert not qk.verify(["TRIAL-10"]).success


def test_the_tightness_of_a_bound_is_its_closest_approach(monkeypatch: pytest.MonkeyPatch) -> None:
    trial = TRIALS["pathwise bound"]
    _ = len(CLAIMS)
    monkeypatch.setattr(CLAIMS, "_entries", {**CLAIMS._entries, trial.id: trial})
    found = qk.verify([trial.id])[trial.id]
    assert found.tightness is not None
    assert 0.97 < found.tightness <= 1.0


# --- rules ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("low", "high", "bound", "width", "verdict"),
    [
        (0.1, 0.2, 0.3, 0.01, "supported"),
        (0.28, 0.31, 0.3, 0.05, "supported"),
        (0.28, 0.4, 0.3, 0.01, "undecided"),
        (0.31, 0.4, 0.3, 0.5, "refuted"),
        (-math.inf, math.inf, 0.3, 0.5, "undecided"),
    ],
)
def test_bounds_on_means(low: float, high: float, bound: float, width: float, verdict: str) -> None:
    assert decide_bound(low, high, bound, width) == verdict


@pytest.mark.parametrize(
    ("distances", "verdict"),
    [
        ([(0.9, 1.1), (0.2, 0.3), (0.04, 0.08)], "supported"),
        ([(0.9, 1.1), (0.2, 0.3), (0.04, 0.2)], "undecided"),
        ([(0.9, 1.1), (0.5, 0.6), (0.1, 0.1)], "refuted"),
        ([(0.0, 1e-3), (0.0, 1e-3), (0.0, 1e-3)], "supported"),
    ],
)
def test_limits(distances: list[tuple[float, float]], verdict: str) -> None:
    """Rate 1 along 1, 4, 16, support below 0.1."""
    assert decide_limit([1, 4, 16], distances, 1.0, 0.1) == verdict


def test_the_band_around_an_empirical_law_holds() -> None:
    """1000 uniform samples of each size on the schedule: misses at level 0.05 over all looks."""
    rng = np.random.default_rng(0)
    missed = 0
    for _ in range(400):
        values = rng.random(1024)
        missed += any(
            kolmogorov(np.sort(values[:n]), np.sort(values[:n])) > band(n, 0.05)
            for n in (64, 100, 128, 256, 500, 512, 1000, 1024)
        )
    assert not too_many(missed, 400, 0.05)


def test_the_kolmogorov_distance_is_that_of_its_definition() -> None:
    from scipy.stats import kstest

    values = np.sort(np.random.default_rng(1).normal(size=300))
    want = kstest(values, "norm").statistic
    assert kolmogorov(values, ndtr(values)) == pytest.approx(want, rel=1e-12)
