"""The recursion in depth with finite rows (ENT-15a, c, f) against the chapter and itself."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qktheory.numerics.depth_recursion import (
    cosine_layers,
    cosine_layers_finite_d,
    prenorm_layers,
)
from qktheory.numerics.gaussian_row import mean_participation
from qktheory.numerics.row_overlap import row_overlap
from qktheory.numerics.trainability import least_skip, least_skip_of_rows

#: Table of ENT-15, T = 512 and sigma_V = 1: (s0, alpha, rho_0) and (R).
TABLE = [
    ((1.0, 1.0, 0.1), [0.182854428, 0.309801459, 0.473357858]),
    ((2.5, 2.0, 0.1), [0.120369034, 0.144248326, 0.172006783]),
    ((6.0, 0.5, 0.1), [0.163473104, 0.260268745, 0.399877572]),
    ((6.0, 0.0, 0.3), [0.518683666, 0.793889460, 0.983037977]),
]


@pytest.mark.parametrize(("case", "exact"), TABLE, ids=str)
def test_the_table_of_the_chapter(case: tuple[float, float, float], exact: list[float]) -> None:
    s0, alpha, rho = case
    assert cosine_layers(512, s0, alpha, 1.0, rho, 2) == pytest.approx(exact[:2], abs=6e-10)


def test_the_order_of_limits_at_orthogonal_tokens_without_a_skip() -> None:
    """At finite T, where the limit is 0/0, the map is C/E Y_2 -> exp(-s0^2) (ENT-15)."""
    (exact,) = cosine_layers(512, 1.0, 0.0, 1.0, 0.0, 1)
    assert exact == pytest.approx(0.37312, abs=5e-6)
    assert exact == pytest.approx(1.0 / 512 / float(mean_participation(512, 1.0)), rel=1e-12)
    (long,) = cosine_layers(1e9, 1.0, 0.0, 1.0, 0.0, 1)
    assert long == pytest.approx(math.exp(-1.0), rel=1e-7)


def test_finite_d_values_and_pitfall_of_the_chapter() -> None:
    """rho' = .273 at rho = 0; and 1 - rho' against (R): larger by the tilt, 2.1 and 4.5 times."""
    assert cosine_layers_finite_d(512, 512, 1.0, 0.0, 1.0, 0.0, 1)[0] == pytest.approx(
        0.2728933693196989, rel=1e-9
    )
    (plain,) = cosine_layers(512, 1.0, 0.0, 1.0, 0.3, 1)
    for d, ratio in ((512, 1.67 / 1.03), (128, 3.84 / 1.11)):
        (tilted,) = cosine_layers_finite_d(512, d, 1.0, 0.0, 1.0, 0.3, 1)
        assert (1.0 - tilted) / (1.0 - plain) == pytest.approx(ratio, rel=0.02)
    with pytest.raises(ValueError, match="not to be iterated"):
        cosine_layers_finite_d(512, 512, 1.0, 0.0, 1.0, 0.3, 6)


@pytest.mark.parametrize("s0", [0.3, 1.0, 2.0])
def test_near_one_the_collapse_is_cubic_at_any_distance(s0: float) -> None:
    """(R) alone: 1 - rho' -> s0^2 (T - 1)/T^2 (1 - rho)^3, relative error O(s0^2 (1 - rho)), where
    a difference of E Y_2 and C has no digits left as well as where it has all of them."""
    T = 64
    for gap in (1e-2, 1e-4, 1e-6):
        state = 1.0 - cosine_layers(T, s0, 1.0, 1.0, 1.0 - gap, 1)[0]
        assert state == pytest.approx(gap / 2.0, rel=2e-2 if gap > 1e-3 else 1e-4)
    exact = cosine_layers(T, s0, 0.0, 1.0, 0.99, 1)[0]
    cubic = s0**2 * (T - 1) / T**2 * 1e-6
    assert 1.0 - exact == pytest.approx(cubic, rel=0.05)


def test_one_key_and_equal_tokens() -> None:
    """T = 1: the value is copied, so only the skip keeps tokens apart; rho = 1 stays 1."""
    (single,) = cosine_layers(1.0, 2.0, 1.0, 1.0, 0.4, 1)
    assert 1.0 - single == pytest.approx(0.6 / 2.0, rel=1e-12)
    assert cosine_layers(64, 2.0, 1.0, 1.0, 1.0, 2).tolist() == [1.0, 1.0]
    with pytest.raises(ValueError, match=r"sigma_V = 0.0: expected a number > 0"):
        cosine_layers(64, 1.0, 0.0, 0.0, 0.5, 1)


@given(
    rho=st.floats(0.0, 1.0),
    s0=st.floats(0.0, 3.0),
    alpha=st.floats(0.3, 3.0),
    T=st.integers(2, 30),
)
@settings(max_examples=15, deadline=None)
def test_the_cosine_grows_and_more_skip_slows_it(
    rho: float, s0: float, alpha: float, T: int
) -> None:
    (less,) = cosine_layers(T, s0, alpha, 1.0, rho, 1)
    (more,) = cosine_layers(T, s0, 2.0 * alpha, 1.0, rho, 1)
    assert rho - 1e-12 <= more <= less + 1e-12 <= 1.0 + 2e-12


def test_scaling_both_weights_changes_nothing() -> None:
    """Post-norm: only alpha : sigma_V matters, from 1e-150 to 1e99."""
    expected = cosine_layers(32, 1.2, 0.7, 1.3, 0.2, 2)
    for factor in (1e-150, 1e99):
        found = cosine_layers(32, 1.2, 0.7 * factor, 1.3 * factor, 0.2, 2)
        assert found == pytest.approx(expected, rel=1e-12)


def test_a_pre_norm_stream_conserves_its_spread_in_the_diffuse_phase() -> None:
    """Q - P is conserved as T -> infinity: 1 - rho falls like 1/depth and not exponentially."""
    cosines, norms = prenorm_layers(1e12, 0.5, 1.0, 1.0, 0.1, 200, "diffuse")
    assert (1.0 - cosines) * norms == pytest.approx(np.full(200, 0.9), rel=1e-9)
    assert (1.0 - cosines[199]) / (1.0 - cosines[99]) == pytest.approx(0.5, rel=0.04)
    exact = prenorm_layers(256, 1.0, 1.0, 1.0, 0.1, 2)
    assert exact[0] == pytest.approx([0.18389448567896416, 0.3012275164176803], rel=1e-9)
    with pytest.raises(ValueError, match="diffuse overlap"):
        prenorm_layers(16, 6.0, 1.0, 1.0, 0.5, 5, "diffuse")


def test_the_layer_of_the_recursion_is_the_ratio_of_mean_grams() -> None:
    rho, s0, T, alpha, sigma_V = 0.3, 2.0, 24, 0.6, 1.4
    s = s0 * math.sqrt(1.0 - rho)
    Y, C = float(mean_participation(T, s)), float(row_overlap(T, s, rho))
    P = alpha**2 * rho + sigma_V**2 * (rho + (1.0 - rho) * C)
    Q = alpha**2 + sigma_V**2 * (rho + (1.0 - rho) * Y)
    assert cosine_layers(T, s0, alpha, sigma_V, rho, 1)[0] == pytest.approx(P / Q, rel=1e-12)


# --- the line of rank collapse at finite T --------------------------------------------------------


@pytest.mark.parametrize("s0", [0.5, 4.0])
def test_at_the_least_skip_the_last_layer_is_on_the_line(s0: float) -> None:
    skip = least_skip_of_rows(64, s0, 0.2, 0.05, 1.3, 3)
    assert skip is not None
    assert cosine_layers(64, s0, skip, 1.3, 0.2, 3)[-1] == pytest.approx(0.95, abs=1e-7)
    if s0 == 4.0:
        # Frozen rows keep tokens apart: less skip is needed than in the diffuse form.
        assert skip < 0.9 * float(least_skip(0.2, 0.05, 1.3, 3) or 0.0)


def test_ends_of_the_line() -> None:
    assert least_skip_of_rows(64, 1.0, 0.95, 0.1, 1.0, 2) is None
    assert least_skip_of_rows(64, 1.0, 0.2, 0.1, 0.0, 2) == 0.0
    # Rows on single keys: without any skip two layers do not collapse.
    assert least_skip_of_rows(64, 1000.0, 0.2, 0.01, 1.0, 2) == 0.0
