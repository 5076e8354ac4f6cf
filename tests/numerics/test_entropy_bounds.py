"""Smallest entropies: exhaustive search, mpmath, constrained optimisation, extreme parameters."""

from __future__ import annotations

import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from qktheory.numerics.entropy_bounds import (
    ball_min_entropy,
    range_min_entropy,
    relaxed_range_deficit,
    two_level_entropy,
)
from qktheory.numerics.entropy_extremes import (
    entropy_range_at_max_weight,
    entropy_range_at_participation,
)
from qktheory.numerics.row_entropies import row_entropies
from qktheory.numerics.tilt_integral import tilt_integral


def two_levels(T: int, k: int, gap: float) -> mp.mpf:
    """H_k of the chapter at 60 digits."""
    with mp.workdps(60 + int(gap / 2.3)):
        Q = (T - k) * mp.exp(-mp.mpf(gap))
        return mp.log(k + Q) + mp.mpf(gap) * Q / (k + Q)


# --- ENT-9 ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("T", "radius", "value"),
    [
        (8, 1, 1.97969118389695),
        (64, 2, 4.04108739311712),
        (64, 8, 0.17649927993380),
        (1024, 4, 6.77944734698627),
        (1024, 10, 0.48715758473657),
    ],
)
def test_values_of_the_chapter(T: int, radius: float, value: float) -> None:
    assert ball_min_entropy(T, radius) == pytest.approx(value, rel=3e-14)


@pytest.mark.parametrize("T", [2, 3, 8, 1000, 10**12, 10**30])
@pytest.mark.parametrize("radius", [1e-8, 0.3, 5.0, 40.0, 300.0])
def test_ball_at_extreme_parameters(T: int, radius: float) -> None:
    with mp.workdps(60):
        gap = mp.mpf(radius) * mp.sqrt(mp.mpf(T) / (T - 1))
    want = two_levels(T, 1, gap)
    assert abs(ball_min_entropy(T, radius) / want - 1) < 1e-13


def test_a_ball_without_room_and_one_without_end() -> None:
    assert ball_min_entropy(8, 0.0) == math.log(8)
    assert ball_min_entropy(8, 1e308) == 0.0


@pytest.mark.slow
@pytest.mark.parametrize(("T", "radius"), [(2, 1.0), (3, 2.5), (5, 0.7), (9, 4.0)])
def test_no_descent_on_the_sphere_ends_lower(T: int, radius: float) -> None:
    def entropy(raw: np.ndarray) -> float:
        centred = raw - raw.mean()
        return row_entropies(radius / np.linalg.norm(centred) * centred).entropy

    rng = np.random.default_rng(0)
    found = min(minimize(entropy, rng.normal(size=T)).fun for _ in range(12))
    assert found == pytest.approx(ball_min_entropy(T, radius), rel=1e-7)
    assert found > ball_min_entropy(T, radius) * (1.0 - 1e-12)


# --- ENT-10a, ENT-10b -----------------------------------------------------------------------------


@pytest.mark.parametrize("T", [2, 3, 5, 64, 65, 301])
@pytest.mark.parametrize("gap", [1e-9, 1e-3, 0.5, 1.0, 3.3, 8.0, 100.0, 1e3])
def test_two_candidates_are_as_good_as_all(T: int, gap: float) -> None:
    best = range_min_entropy(T, gap)
    entropies = [two_levels(T, k, gap) for k in range(1, T)]
    smallest = min(entropies)
    assert entropies[best.k_best - 1] == smallest
    assert abs(best.min_entropy - smallest) <= 1e-14 * smallest + 5e-324


@pytest.mark.parametrize(
    ("gap", "kl", "p"),
    [
        (0.5, 0.031142092261, 0.417354961980),
        (2.0, 0.474474647071, 0.205513187733),
        (8.0, 4.922907541019, 0.002349927292),
    ],
)
def test_relaxed_values_of_the_chapter(gap: float, kl: float, p: float) -> None:
    found = relaxed_range_deficit(gap)
    assert found.kl_star == pytest.approx(kl, abs=1e-12)
    assert found.p_star == pytest.approx(p, abs=1e-12)


@pytest.mark.parametrize("gap", [1e-100, 1e-8, 1e-3, 0.1, 0.4999, 0.5001, 1.0, 8.0, 100.0, 1e3])
def test_relaxed_deficit_is_relatively_accurate(gap: float) -> None:
    with mp.workdps(450):
        M = mp.mpf(gap) / (1 - mp.exp(-mp.mpf(gap)))
        kl, p = M - 1 - mp.log(M), (M - 1) / mp.expm1(mp.mpf(gap))
        found = relaxed_range_deficit(gap)
        assert abs(found.kl_star - kl) <= 1e-14 * kl
        assert abs(found.p_star - p) <= 1e-14 * p + 5e-324


@pytest.mark.parametrize("T", [10**9, 10**12])
def test_the_exact_bound_approaches_the_relaxed_one_from_below(T: int) -> None:
    for gap in (0.1, 1.0, 5.0):
        relaxed = relaxed_range_deficit(gap)
        best = range_min_entropy(T, gap)
        assert abs(best.k_best - T * relaxed.p_star) <= 1.0
        assert math.log(T) - best.min_entropy == pytest.approx(relaxed.kl_star, abs=1e-13)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ball_min_entropy(1, 1.0), "T = 1: expected an integer >= 2"),
        (lambda: ball_min_entropy(5, -1.0), "radius = -1.0"),
        (lambda: range_min_entropy(5, 0.0), "logit_range = 0.0: expected a finite number > 0"),
        (lambda: relaxed_range_deficit(math.nan), "logit_range = nan"),
        (lambda: two_level_entropy(5, 5, 1.0), "high = 5: expected an integer < T = 5"),
        (lambda: entropy_range_at_participation(4, 0.2), "participation = 0.2: .*>= 1/T = 0.25"),
        (lambda: entropy_range_at_max_weight(4, 1.1), "max_weight = 1.1"),
        (lambda: row_entropies([]), "logits"),
        (lambda: row_entropies([1e200]), r"logits = 1e\+200"),
    ],
)
def test_bad_input_is_named(call: object, message: str) -> None:
    assert callable(call)
    with pytest.raises(ValueError, match=message):
        call()


# --- ENT-10c, ENT-10d, ENT-10e --------------------------------------------------------------------

ROWS = st.builds(
    lambda seed, T, scale: np.random.default_rng(seed).standard_t(2, size=T) * scale,
    st.integers(0, 2**32),
    st.integers(2, 40),
    st.floats(1e-3, 1e3),
)


@given(ROWS)
@settings(max_examples=150, deadline=None)
def test_a_random_row_violates_no_line_of_the_chapter(row: np.ndarray) -> None:
    found = row_entropies(row)
    T, slack = row.size, 1e-12
    deficit = found.log_t - found.entropy
    excess = found.log_t - found.renyi2
    assert found.log_t + slack >= found.entropy >= found.renyi2 * (1.0 - slack) - 1e-300
    assert found.renyi2 * (1 + slack) >= found.min_information >= found.renyi2 / 2 * (1 - slack)
    assert deficit <= excess + slack
    assert excess <= math.expm1(excess) * (1 + slack) + slack
    assert deficit <= found.tilt_gap + slack
    assert tilt_integral(row) == pytest.approx(deficit, rel=1e-12, abs=1e-13)
    assert found.entropy >= ball_min_entropy(T, found.radius) * (1.0 - 1e-10) - slack
    spread = float(np.ptp(row))
    if spread > 0.0:
        assert found.entropy >= range_min_entropy(T, spread).min_entropy * (1 - 1e-10) - slack
        assert deficit <= relaxed_range_deficit(spread).kl_star + slack
    y = min(max(math.exp(-found.renyi2), 1.0 / T), 1.0)
    p = min(max(math.exp(-found.min_information), 1.0 / T), 1.0)
    for low, high in (entropy_range_at_participation(T, y), entropy_range_at_max_weight(T, p)):
        assert low - 1e-7 <= found.entropy <= high + 1e-7


def test_rows_of_one_key_and_of_one_value() -> None:
    assert row_entropies([3.0]) == (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    flat = row_entropies([2.5] * 7)
    assert flat.entropy == pytest.approx(math.log(7), rel=1e-15)
    assert tilt_integral([2.5] * 7) == 0.0


@pytest.mark.parametrize(
    "row", [[0.0, 1e300, -1e305], [1e-200, 0.0], [700.0, 0.0, 0.1, 699.9], [13.0] + [0.0] * 3000]
)
def test_tilts_at_all_scales(row: list[float]) -> None:
    with mp.workdps(420):
        top = mp.mpf(max(row))
        weights = [mp.exp(max(mp.mpf(x) - top, mp.mpf(-(10**4)))) for x in row]
        total = mp.fsum(weights)
        deficit = mp.log(len(row)) + mp.fsum(w / total * mp.log(w / total) for w in weights)
        assert abs(tilt_integral(row) - deficit) <= 1e-13 * deficit + 5e-324


@pytest.mark.parametrize("T", [2, 3, 8, 49, 1000, 10**12])
@pytest.mark.parametrize("scale", [1.0, 1.0 + 1e-9, 1.5, 7.3])
def test_extremes_against_mpmath(T: int, scale: float) -> None:
    for value in (scale / T, 1.0 / 3.0, 0.7, 1.0 - 1e-15, 1.0):
        if not 1.0 / T <= value <= 1.0:
            continue
        with mp.workdps(60):
            y = max(mp.mpf(value), mp.mpf(1) / T)

            def term(x: mp.mpf) -> mp.mpf:
                return -x * mp.log(x) if x > 0 else mp.mpf(0)

            a = (1 + mp.sqrt((T - 1) * (T * y - 1))) / T
            k = min(int(mp.floor(1 / y)), T - 1)
            x = (k + mp.sqrt(k * max(0, (k + 1) * y - 1))) / (k * (k + 1))
            fit = min(int(mp.floor(1 / y)), T)
            want = (
                k * term(x) + term(1 - k * x),
                term(a) + (T - 1) * term((1 - a) / (T - 1)),
                fit * term(y) + term(1 - fit * y),
                term(y) + (T - 1) * term((1 - y) / (T - 1)),
            )
            found = (
                *entropy_range_at_participation(T, value),
                *entropy_range_at_max_weight(T, value),
            )
        for got, exact in zip(found, want, strict=True):
            assert got == pytest.approx(float(exact), rel=1e-12, abs=3e-14)
