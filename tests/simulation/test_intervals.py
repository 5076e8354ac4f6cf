"""Intervals cover, at whatever number of samples one looks, with the stated probability."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import ndtri

from qktheory.kernels import Moments, Stream, row_statistics
from qktheory.numerics.iid_row import iid_row_moments
from qktheory.simulation.intervals import confidence_interval, spent
from tests.statistics import too_many

Array = NDArray[np.float64]
PROBLEMS, LARGEST = 1000, 4096
#: Numbers of samples at which intervals are watched: on the schedule, and off it.
WATCHED = (1, 2, 3, 7, 30, 64, 65, 100, 128, 200, 256, 333, 500, 512, 777, 1000, 1024, 1500, 2000)
WATCHED += (2048, 3000, 4000, 4095, 4096)
DELTA = 0.05


def running(values: Array, centre: Array, watched: Sequence[int]) -> Iterator[Moments]:
    """Moments of the first n samples for each n that is watched, fields of shape (problems, k).

    Values have shape (problems, samples, k); sums run over deviations from a centre (problems, k).
    """
    starts = [0, *watched[:-1]]
    deviations = values[:, : watched[-1]] - centre[:, None]
    total = np.add.reduceat(deviations, starts, axis=1).cumsum(axis=1)
    squares = np.add.reduceat(deviations**2, starts, axis=1).cumsum(axis=1)
    low = np.minimum.accumulate(np.minimum.reduceat(deviations, starts, axis=1), axis=1)
    high = np.maximum.accumulate(np.maximum.reduceat(deviations, starts, axis=1), axis=1)
    for place, n in enumerate(watched):
        mean = total[:, place] / n
        yield Moments(
            np.full(mean.shape, float(n)),
            centre + mean,
            np.maximum(squares[:, place] - n * mean**2, 0.0),
            centre + low[:, place],
            centre + high[:, place],
        )


Interval = Callable[[Moments, tuple[float, float] | None], tuple[Array, Array]]


def anytime(moments: Moments, bounds: tuple[float, float] | None) -> tuple[Array, Array]:
    return confidence_interval(moments, DELTA, bounds)[:2]


def fixed_n(moments: Moments, bounds: tuple[float, float] | None) -> tuple[Array, Array]:
    """The wrong twin: the textbook interval, right at a single n that was chosen before."""
    n = moments.count[0]
    half = -ndtri(DELTA / 2.0) * np.sqrt(moments.variance / n) if n > 1 else np.inf
    return moments.mean - half, moments.mean + half


def missed(
    values: Array,
    truth: Array,
    interval: Interval,
    bounds: tuple[float, float] | None,
    first: int = 1,
) -> int:
    """Problems in which any interval misses any component; truth of shape (problems, k)."""
    wrong = np.zeros(len(values), dtype=bool)
    for moments in running(values, truth, [n for n in WATCHED if n >= first]):
        for k in np.flatnonzero(~wrong):
            low, high = interval(moments.group(k), bounds)
            # A problem whose samples never vary is covered up to rounding.
            slack = 1e-12 * (1.0 + np.abs(truth[k]))
            wrong[k] = ((truth[k] < low - slack) | (truth[k] > high + slack)).any()
    return int(wrong.sum())


@pytest.fixture(scope="module")
def attention_rows() -> tuple[Array, Array]:
    """Entropy and self-weight of simulated iid rows, T = 6: 1000 problems at 200 places."""
    rng = np.random.default_rng(20)
    T = 6
    values, truth = np.empty((PROBLEMS, LARGEST, 2)), np.empty((PROBLEMS, 2))
    for k in range(PROBLEMS):
        if k % 5 == 0:
            self_logit, s = rng.uniform(-2.0, 6.0), rng.uniform(0.0, 3.0)
            exact = iid_row_moments(self_logit, s, T)
        logits = Stream(key=77, experiment=k).normals(0, LARGEST, T)
        logits *= s
        logits[:, -1] = self_logit
        statistics = row_statistics(logits)
        values[k, :, 0] = statistics[:, 1]
        values[k, :, 1] = np.exp(logits[:, -1] - statistics[:, 0])
        truth[k] = exact.mean_entropy, exact.mean_self_weight
    return values, truth


def test_bounded_observables_of_simulated_attention(attention_rows: tuple[Array, Array]) -> None:
    """Both components at once, exact means from LOC-15b: finite-sample, in fact far below delta."""
    values, truth = attention_rows
    bounds = (0.0, math.log(6.0))
    assert missed(values, truth, anytime, bounds) == 0
    assert too_many(missed(values[:300], truth[:300], fixed_n, bounds), 300, DELTA)


def test_rare_events() -> None:
    """Bernoulli variables with p = 1e-3: the variance is unknown for a long time."""
    values = (np.random.default_rng(3).random((PROBLEMS, LARGEST, 1)) < 1e-3).astype(float)
    truth = np.full((PROBLEMS, 1), 1e-3)
    assert not too_many(missed(values, truth, anytime, (0.0, 1.0)), PROBLEMS, DELTA)
    assert too_many(missed(values, truth, fixed_n, (0.0, 1.0)), PROBLEMS, DELTA)


UNBOUNDED: dict[str, tuple[Callable[[np.random.Generator, tuple[int, ...]], Array], float]] = {
    "a logit": (lambda rng, size: rng.normal(size=size), 0.0),
    "s^2 of one key": (lambda rng, size: rng.normal(size=size) ** 2, 1.0),
    "variance of a self-logit, d = 1": (lambda rng, size: (rng.normal(size=size) ** 2 - 1) ** 2, 2),
    "product of two logits": (
        lambda rng, size: rng.normal(size=size) ** 2 * rng.normal(size=size) ** 2,
        1.0,
    ),
}


@pytest.mark.parametrize("name", UNBOUNDED)
def test_unbounded_observables_from_256_samples_on(name: str) -> None:
    """Asymptotic intervals: the level is met once skewness is a small correction."""
    draw, mean = UNBOUNDED[name]
    values = draw(np.random.default_rng(9), (PROBLEMS, LARGEST, 1))
    truth = np.full((PROBLEMS, 1), mean)
    assert not too_many(missed(values, truth, anytime, None, first=256), PROBLEMS, DELTA)
    assert too_many(missed(values, truth, fixed_n, None, first=256), PROBLEMS, DELTA)


def test_components_of_a_vector_are_covered_at_once() -> None:
    """40 components at one n: intervals at level delta each miss some in most problems."""
    rng = np.random.default_rng(4)
    values = rng.normal(size=(PROBLEMS, 256, 40))
    truth = np.zeros((PROBLEMS, 40))
    (moments,) = running(values, truth, [256])
    together = each = 0
    for k in range(PROBLEMS):
        low, high = anytime(moments.group(k), None)
        together += bool(((truth[k] < low) | (truth[k] > high)).any())
        low, high = fixed_n(moments.group(k), None)
        each += bool(((truth[k] < low) | (truth[k] > high)).any())
    assert not too_many(together, PROBLEMS, DELTA)
    assert too_many(each, PROBLEMS, DELTA)


# --- the budget over time -------------------------------------------------------------------------


def test_the_whole_budget_is_at_most_one() -> None:
    """Sum over n < 10^5 exactly; the rest is below 0.1/10^5 plus all remaining schedule points."""
    head = math.fsum(spent(n) for n in range(1, 10**5))
    assert 0.9 < head < 1.0
    later = math.fsum(
        spent(n)
        for n in sorted(
            {2**k for k in range(17, 64)} | {m * 10**e for m in (1, 2, 5) for e in range(5, 19)}
        )
    )
    assert head + later + 0.1 / 10**5 <= 1.0


@given(n=st.integers(1, 10**15))
def test_every_number_of_samples_has_a_share(n: int) -> None:
    assert 0.0 < spent(n) < 0.5
    assert spent(n) >= 0.1 / (n * (n + 1.0))


def test_powers_of_two_and_round_numbers_are_on_the_schedule() -> None:
    for n in (64, 1024, 10_000, 20_000, 50_000, 2**20, 10**6):
        assert spent(n) > 100.0 * spent(n + 1)


# --- shape of a single interval -------------------------------------------------------------------

MOMENTS = st.tuples(
    st.integers(2, 10**9), st.floats(0.0, 1.0), st.floats(0.0, 1.0), st.floats(1e-12, 0.5)
)


def two_valued(n: int, mean: float, share: float) -> Moments:
    """Samples in [0, 1] with this mean and a share of the largest variance that allows."""
    m2 = share * mean * (1.0 - mean) * n
    return Moments(*(np.array([float(x)]) for x in (n, mean, m2, 0.0, 1.0)))


@given(MOMENTS)
@settings(max_examples=300)
def test_intervals_contain_the_mean_and_stay_in_the_range(
    drawn: tuple[int, float, float, float],
) -> None:
    n, mean, share, delta = drawn
    moments = two_valued(n, mean, share)
    for bounds in ((0.0, 1.0), None):
        low, high, guarantee = confidence_interval(moments, delta, bounds)
        assert low[0] <= mean <= high[0]
        assert guarantee == ("asymptotic" if bounds is None else "finite-sample")
        wider = confidence_interval(moments, delta / 10.0, bounds)
        assert wider[0][0] <= low[0] <= high[0] <= wider[1][0]
        if bounds:
            assert 0.0 <= low[0] <= high[0] <= 1.0


@given(mean=st.floats(0.01, 0.99), share=st.floats(0.01, 1.0), power=st.integers(7, 40))
def test_along_the_schedule_intervals_nest(mean: float, share: float, power: int) -> None:
    """Same statistics from twice as many samples: a shorter interval within the longer one."""
    for bounds in ((0.0, 1.0), None):
        low, high, _ = confidence_interval(two_valued(2**power, mean, share), 1e-6, bounds)
        low2, high2, _ = confidence_interval(
            two_valued(2 ** (power + 1), mean, share), 1e-6, bounds
        )
        assert low[0] <= low2[0] <= high2[0] <= high[0]
        if low[0] > 0.0 and high[0] < 1.0:
            assert high2[0] - low2[0] < 0.9 * (high[0] - low[0])


@pytest.mark.parametrize("bounds", [(0.0, 1.0), (-1.0, 2.0)])
def test_a_single_sample_says_nothing(bounds: tuple[float, float]) -> None:
    low, high, _ = confidence_interval(two_valued(1, 0.4, 0.0), 0.01, bounds)
    assert (low[0], high[0]) == bounds
    low, high, _ = confidence_interval(two_valued(1, 0.4, 0.0), 0.01, None)
    assert (low[0], high[0]) == (-math.inf, math.inf)


def test_a_constant_keeps_the_width_of_what_may_not_have_been_seen() -> None:
    """Maurer and Pontil: 7 ln(4/level)/(3 (n - 1)) times the range, at level delta spent(n)."""
    n = 10_000
    moments = Moments(*(np.array([x]) for x in (float(n), 0.5, 0.0, 0.5, 0.5)))
    low, high, _ = confidence_interval(moments, 1e-6, (0.0, 1.0))
    half = 7.0 * math.log(4.0 / (1e-6 * spent(n))) / (3.0 * (n - 1))
    assert high[0] - 0.5 == pytest.approx(half, rel=1e-12)
    assert 0.5 - low[0] == pytest.approx(half, rel=1e-12)
    low, high, _ = confidence_interval(moments, 1e-6, None)
    assert low[0] == high[0] == 0.5


@pytest.mark.parametrize("delta", [0.0, 1.0, -0.1, math.nan, "x"])
def test_what_is_no_error_level(delta: float) -> None:
    with pytest.raises(ValueError, match="delta = "):
        confidence_interval(two_valued(10, 0.4, 0.5), delta, None)
