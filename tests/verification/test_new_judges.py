"""Rules of the verdict on bounds, limits, laws and orderings: properties and counterexamples."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr

from qktheory.base.domains import Parameter, Real
from qktheory.kernels import seed_key
from qktheory.observables.observable import OBSERVABLES, RowObservable
from qktheory.simulation.engine import worker_threads
from qktheory.simulation.ensemble import Ensemble
from qktheory.simulation.intervals import spent
from qktheory.simulation.paired import PairedDifference, difference_of
from qktheory.simulation.realization import Realization
from qktheory.simulation.simulator import SIMULATORS
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.claim import Claim, Source, WrongTwin
from qktheory.theorems.judgements import Judgement, Law, Limit, Ordering, SampledOrdering
from qktheory.verification.judge import Budget, Context, judge
from qktheory.verification.judges.expectation_bound import decide_bound
from qktheory.verification.judges.law import band, kolmogorov
from qktheory.verification.judges.limit import decide_limit
from qktheory.verification.verdict import CaseResult

SMALL = Budget("small", 1 << 15, 1e9, 100, 0.05)
s = symbol("s")


# --- decide_bound ---------------------------------------------------------------------------------

NUMBERS = st.floats(-10.0, 10.0)
RANK = {"refuted": 0, "undecided": 1, "supported": 2}


@given(low=NUMBERS, width=st.floats(0.0, 5.0), bound=NUMBERS, resolution=st.floats(0.0, 5.0))
def test_a_bound_is_refuted_exactly_when_the_whole_interval_lies_above(
    low: float, width: float, bound: float, resolution: float
) -> None:
    high = low + width
    verdict = decide_bound(low, high, bound, resolution)
    assert (verdict == "refuted") == (low > bound)
    if high <= bound:
        assert verdict == "supported"
    if low <= bound < high:
        assert verdict == ("supported" if high - low <= resolution else "undecided")


@given(
    low=NUMBERS,
    width=st.floats(0.0, 5.0),
    bounds=st.tuples(NUMBERS, NUMBERS),
    resolution=st.floats(0.0, 5.0),
)
def test_a_weaker_bound_never_fares_worse(
    low: float, width: float, bounds: tuple[float, float], resolution: float
) -> None:
    strict, weak = (
        RANK[decide_bound(low, low + width, bound, resolution)] for bound in sorted(bounds)
    )
    assert strict <= weak


# --- decide_limit ---------------------------------------------------------------------------------

LADDER = [16, 64, 256]


@given(
    rate=st.floats(0.25, 2.0),
    power=st.floats(0.0, 3.0),
    start=st.floats(0.1, 10.0),
    half=st.floats(0.0, 1e-6),
)
def test_a_distance_that_shrinks_at_the_rate_is_not_refuted(
    rate: float, power: float, start: float, half: float
) -> None:
    """start size^(-power) +- half: fine for power >= rate, refuted where 4^(rate - power) > 1.3."""
    centres = [start * (size / 16) ** -power for size in LADDER]
    distances = [(max(0.0, c - half), c + half) for c in centres]
    verdict = decide_limit(LADDER, distances, rate, 1.01 * centres[-1] + 2.0 * half)
    if power >= rate:
        assert verdict == "supported"
        assert decide_limit(LADDER, distances, rate, 0.99 * centres[-1]) == "undecided"
    if 4.0 ** (rate - power) > 1.31 and centres[-1] > 1e-3:
        assert verdict == "refuted"


@given(offset=st.floats(0.01, 1.0), rate=st.floats(0.25, 2.0))
def test_a_wrong_limit_is_refuted_once_intervals_are_narrow(offset: float, rate: float) -> None:
    """Truth approached like 1/size, claim off by `offset`: distances stall at the offset."""
    ladder = [16, 64, 256, 1024, 4096]
    centres = [offset + 1.0 / size for size in ladder]
    narrow = [(0.999 * c, 1.001 * c) for c in centres]
    assert decide_limit(ladder, narrow, rate, 0.5 * offset) == "refuted"
    wide = [(0.0, 10.0)] * len(ladder)
    assert decide_limit(ladder, wide, rate, 0.5 * offset) == "undecided"


# --- band and kolmogorov --------------------------------------------------------------------------


@given(n=st.integers(1, 10**9), delta=st.floats(1e-12, 0.5))
def test_the_band_spends_its_share_of_the_error(n: int, delta: float) -> None:
    """Massart: P(sup |F_n - F| > eps) <= 2 exp(-2 n eps^2), solved for eps."""
    eps = band(n, delta)
    assert 2.0 * math.exp(-2.0 * n * eps**2) == pytest.approx(delta * spent(n), rel=1e-9)
    assert band(n, delta / 10.0) > eps


def test_bands_narrow_along_the_schedule() -> None:
    widths = [band(2**k, 1e-6) for k in range(12, 24)]
    assert all(b < a for a, b in pairwise(widths))


@given(
    values=st.lists(st.floats(-3.0, 3.0), min_size=1, max_size=30, unique=True),
    scale=st.floats(0.3, 3.0),
)
def test_the_distance_is_the_supremum_over_both_sides_of_every_jump(
    values: list[float], scale: float
) -> None:
    points = np.sort(values)
    n = len(points)
    claimed = ndtr(points / scale)
    jumps = [
        abs(count / n - F)
        for k, F in enumerate(claimed.tolist())
        for count in (k, k + 1)  # F_n just before and at the k-th value
    ]
    found = kolmogorov(points, claimed)
    assert found == pytest.approx(max(jumps), rel=1e-12, abs=1e-15)
    assert 0.5 / n - 1e-15 <= found <= 1.0
    # Only the ranks and the claimed law matter.
    assert kolmogorov(np.exp(points), claimed) == found


# --- judges on toy claims -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def context() -> Iterator[Context]:
    with worker_threads(1) as workers:
        yield Context(SMALL, seed_key(0), 1e-9, workers, lambda line: None)


def toy(judgement: Judgement, right: sp.Expr, wrong: sp.Expr, *cases: float) -> Claim:
    return Claim(
        id="TOY-1",
        title="toy",
        statement="toy",
        source=Source("nobody", 2000, "nothing"),
        standing="theorem",
        observable="value",
        parameters=(Parameter("s", Real(), "parameter"),),
        values={"value": right},
        cases=tuple({"s": case} for case in cases),
        judged_by=(judgement,),
        wrong_twin=WrongTwin("planted", {"value": wrong}),
    )


def judged(claim: Claim, context: Context) -> list[CaseResult]:
    return list(judge(claim, claim.twin(), context))


def row(spread: float, T: int, temperature: float = 1.0) -> Ensemble:
    """Self-logit 0 and T - 1 logits N(0, spread^2)."""
    return Ensemble.from_dict(
        {
            "d": 2,
            "T": T,
            "matrix": {"W": [[0.0, spread], [0.0, 0.0]]},
            "tokens": {"law": "iid", "covariance": [0.0, 1.0], "query": [1.0, 0.0]},
            "attention": {"temperature": temperature},
        }
    )


FIRST_LOGIT = RowObservable(
    "w_1", "w_1", "w_1", lambda T: None, compute=lambda rows: rows.logits[:, 0]
)


def normal_law(scale: float, model_error: float = 0.0) -> Law:
    """The first logit, N(0, s^2) in truth, is claimed to be N(0, (scale value)^2)."""
    return Law(
        lambda p: row(p["s"], 2),
        lambda p: FIRST_LOGIT,
        lambda evaluate, p, x: ndtr(x / (scale * float(evaluate(p)["value"]))),
        model_error,
    )


@pytest.mark.parametrize(
    ("scale", "rival", "verdict"),
    [(1.0, 1.3, "supported"), (1.3, 1.0, "refuted"), (1.0, 1.001, "undecided")],
)
def test_a_law_is_told_from_its_rival_or_left_undecided(
    scale: float, rival: float, verdict: str, context: Context
) -> None:
    """sup |Phi(x) - Phi(x/1.3)| = 0.063; the band at 2^15 samples and level 1e-9 is 0.02."""
    judgement = normal_law(scale)
    (result,) = judged(toy(judgement, s, s * rival / scale, 0.7), context)
    assert result.verdict == verdict
    assert result.guarantee == "finite-sample"
    assert result.low <= result.estimate <= result.high
    if verdict == "refuted":
        assert result.low > result.prediction == 0.0
        x = np.linspace(0.0, 3.0, 3001)
        truth = float((ndtr(x) - ndtr(x / 1.3)).max())
        assert result.low < truth < result.high


def test_a_law_may_be_off_by_what_its_statement_allows(context: Context) -> None:
    wrong_but_close = toy(normal_law(1.3, model_error=0.07), s, s * 4, 0.7)
    assert [r.verdict for r in judged(wrong_but_close, context)] == ["supported"]
    wrong_and_far = toy(normal_law(1.3, model_error=0.02), s, s / 1.3, 0.7)
    assert [r.verdict for r in judged(wrong_and_far, context)] == ["refuted"]


def participation(p: Any, values: Any, size: int) -> dict[str, RowObservable]:
    compute: Callable[[Any], Any] = lambda rows: size * rows.statistics["participation"]  # noqa: E731
    return {"value": RowObservable("value", "value", "value", lambda T: None, compute=compute)}


@pytest.mark.parametrize(("factor", "verdict"), [(1.0, "supported"), (1.2, "refuted")])
def test_a_wrong_limit_is_refuted(factor: float, verdict: str, context: Context) -> None:
    """T E Y_2 -> exp(s^2) for iid logits."""
    judgement = Limit("T", (16, 64, 256), lambda p, T: row(p["s"], T), participation, rate=0.8)
    right, wrong = sp.exp(s**2), sp.Rational(6, 5) * sp.exp(s**2)
    claim = toy(judgement, *((right, wrong) if factor == 1.0 else (wrong, right)), 0.5)
    (result,) = judged(claim, context)
    assert result.verdict == verdict
    assert result.prediction == pytest.approx(factor * math.exp(0.25))
    assert abs(result.estimate - math.exp(0.25)) < 0.02


def by_temperature(*temperatures: float) -> SampledOrdering:
    return SampledOrdering(
        lambda p, v: [row(p["s"], 16, t) for t in temperatures],
        lambda p: OBSERVABLES["entropy"],
        simulator="full",
    )


@pytest.mark.parametrize(
    ("temperatures", "verdicts"),
    [
        ((1.0, 1.3, 1.7), ["supported", "supported"]),
        ((1.7, 1.3, 1.0), ["refuted", "refuted"]),
        ((1.0, 1.7, 1.3), ["supported", "refuted"]),
        ((1.0, 1.0), ["undecided"]),
        ((1.0,), []),
    ],
)
def test_each_step_of_a_chain_is_judged_by_its_sign(
    temperatures: tuple[float, ...], verdicts: list[str], context: Context
) -> None:
    """Entropy increases with the temperature; a step that stays level is never supported."""
    claim = toy(by_temperature(*temperatures), s, 2 * s, 0.9)
    results = judged(claim, context)
    assert [r.verdict for r in results] == verdicts
    for result, (before, after) in zip(results, pairwise(temperatures), strict=True):
        assert np.sign(result.estimate) == np.sign(after - before)
        assert result.prediction == 0.0


def test_a_counterexample_to_an_ordering_is_shown(context: Context) -> None:
    """sin rises on [0, pi/2] only: the step shown is the worst one, at its end."""

    def chain(evaluate: Any, p: Any) -> list[dict[str, float]]:
        return [{"s": p["s"] + 0.25 * k} for k in range(5)]

    claim = toy(Ordering("value", chain), sp.sin(s), sp.cos(s), 0.0, 1.0, 3.0)
    rising, bent, falling = judged(claim, context)
    assert rising.verdict == "supported"
    for result in (bent, falling):
        assert result.verdict == "refuted"
        end = result.parameters["s"]
        assert result.estimate == pytest.approx(math.sin(end), rel=1e-12)
        assert result.prediction == pytest.approx(math.sin(end - 0.25), rel=1e-12)
        assert result.estimate < result.prediction
    assert bent.parameters["s"] == 2.0  # of 1.25, 1.5, 1.75, 2: the steepest fall comes last
    assert [r.n for r in (rising, bent, falling)] == [4, 4, 4]


def test_a_counterexample_among_random_chains_is_found(context: Context) -> None:
    """The case is fine; one random chain in four is not."""
    judgement = Ordering(
        "value",
        lambda evaluate, p: [{"s": p["s"]}, {"s": p["s"] + 0.5}],
        draw=lambda rng: {"s": float(rng.uniform(-1.0, 3.0))},
    )
    right, wrong = s**3, (s - 1) ** 2 * sp.sign(s - 1) * sp.sign(2 - s)
    fine, random = judged(toy(judgement, right, wrong, 0.0), context)
    assert (fine.verdict, random.verdict) == ("supported", "supported")
    fine, random = judged(toy(judgement, wrong, right, 0.0), context)
    assert (fine.verdict, random.verdict) == ("supported", "refuted")
    assert random.estimate < random.prediction


def test_a_decrease_within_rounding_is_none(context: Context) -> None:
    """1e-12 of the value down at each step passes at the default rounding 1e-10, not at 1e-13."""

    def chain(evaluate: Any, p: Any) -> list[dict[str, float]]:
        return [{"s": p["s"] * (1.0 - 1e-12 * k)} for k in range(4)]

    for rounding, verdict in ((1e-10, "supported"), (1e-13, "refuted")):
        claim = toy(Ordering("value", chain, rounding=rounding), s, 2 * s, 1.0)
        assert [r.verdict for r in judged(claim, context)] == [verdict]


# --- common random numbers ------------------------------------------------------------------------


def walk(spread: float) -> Ensemble:
    """Random walk of 32 tokens, spectrum of trace 2/32 and the given spread."""
    eigenvalues = (1.0 + spread * np.array([-1.0, -0.5, 0.5, 1.0])) * 0.5 / 32
    return Ensemble.from_dict(
        {
            "d": 4,
            "T": 32,
            "spectrum": {"law": "list", "eigenvalues": eigenvalues.tolist()},
            "tokens": {"law": "random_walk"},
        }
    )


@pytest.mark.parametrize("name", ["full", "bridge_row"])
def test_differences_are_drawn_with_common_random_numbers(name: str) -> None:
    """A tenth of spread apart: the variance is below 5 % of that of independent samples."""
    observable = OBSERVABLES["participation"]
    kind, n = SIMULATORS[name], 4096
    first, second, elsewhere = (
        kind(Realization.from_key(walk(spread), 5, cell))
        for spread, cell in ((1.0, 1), (1.1, 1), (1.1, 2))
    )
    paired = PairedDifference(first, second)
    (difference,) = paired.measure([difference_of(observable)], 0, n)
    alone = [simulator.measure([observable], 0, n)[0] for simulator in (first, second, elsewhere)]
    np.testing.assert_array_equal(difference, alone[1] - alone[0])
    independent = alone[2] - alone[0]
    assert difference.var() < 0.05 * independent.var()
    # The wrong twin: without common numbers the variances add.
    assert independent.var() == pytest.approx(alone[2].var() + alone[0].var(), rel=0.2)


@pytest.mark.parametrize(
    "other",
    [
        (walk(1.0), 6, 1),
        (walk(1.0), 5, 2),
        (Ensemble.from_dict({**walk(1.0).to_dict(), "T": 16}), 5, 1),
    ],
    ids=["key", "cell", "T"],
)
def test_pairs_without_common_random_numbers_are_refused(other: tuple[Ensemble, int, int]) -> None:
    first = SIMULATORS["full"](Realization.from_key(walk(1.0), 5, 1))
    with pytest.raises(ValueError, match="must share key, cell and T"):
        PairedDifference(first, SIMULATORS["full"](Realization.from_key(*other)))
