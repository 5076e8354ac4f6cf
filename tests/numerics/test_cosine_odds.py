"""Odds of the cosine in depth (ENT-15b, d) and the lines of the phase diagram (ENT-16)."""

from __future__ import annotations

import math

import mpmath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qktheory.numerics.cosine_odds import (
    branch_shares,
    cosine_layers_diffuse,
    cosine_layers_large_t,
    log_odds_growth,
)
from qktheory.numerics.trainability import (
    branch_scaled_cosine,
    collapse_width,
    critical_depth,
    exit_cosine,
    least_skip,
    least_skip_deep,
    odds_to_gain,
)

#: Table of ENT-15, T = 512 and sigma_V = 1: (s0, alpha, rho_0) and the column T -> infinity.
TABLE = [
    ((1.0, 1.0, 0.1), [0.181818182, 0.307692308, 0.470588235]),
    ((2.5, 2.0, 0.1), [0.121951220, 0.147928994, 0.178316690]),
    ((6.0, 0.5, 0.1), [0.180765041, 0.315073753, 0.516320594]),
    ((6.0, 0.0, 0.3), [0.591186532, 0.948036140, 1.0]),
]


@pytest.mark.parametrize(("case", "limit"), TABLE, ids=str)
def test_the_table_of_the_chapter(case: tuple[float, float, float], limit: list[float]) -> None:
    s0, alpha, rho = case
    assert cosine_layers_large_t(512, s0, alpha, 1.0, rho, 3) == pytest.approx(limit, abs=6e-10)


def test_where_the_map_has_no_value() -> None:
    """Orthogonal tokens, no skip, diffuse rows: 0/0; and a layer that returns 0."""
    with pytest.raises(ValueError, match="no cosine is left"):
        cosine_layers_large_t(512, 1.0, 0.0, 1.0, 0.0, 1)
    with pytest.raises(ValueError, match=r"sigma_V = 0.0: expected a number > 0"):
        cosine_layers_large_t(512, 1.0, 0.0, 0.0, 0.5, 1)
    assert sum(branch_shares(1e-300, 1e200)) == 1.0


@given(
    alpha=st.floats(0.05, 20.0),
    sigma_V=st.floats(0.0, 20.0),
    rho=st.floats(1e-12, 1.0 - 1e-9),
    L=st.integers(1, 60),
)
@settings(max_examples=60, deadline=None)
def test_diffuse_odds_against_mpmath(alpha: float, sigma_V: float, rho: float, L: int) -> None:
    with mpmath.workdps(60):
        growth = 1 + (mpmath.mpf(sigma_V) / mpmath.mpf(alpha)) ** 2
        odds = mpmath.mpf(rho) / (1 - mpmath.mpf(rho)) * growth**L
        expected = float(odds / (1 + odds))
    assert cosine_layers_diffuse(alpha, sigma_V, rho, L)[-1] == pytest.approx(expected, rel=1e-12)


# --- lines of the phase diagram -------------------------------------------------------------------


@given(
    rho=st.floats(1e-6, 0.9),
    epsilon=st.floats(1e-6, 0.09),
    sigma_V=st.floats(0.1, 10.0),
    L=st.integers(1, 200),
)
@settings(max_examples=60, deadline=None)
def test_at_the_least_skip_the_critical_depth_is_the_depth(
    rho: float, epsilon: float, sigma_V: float, L: int
) -> None:
    skip = least_skip(rho, epsilon, sigma_V, L)
    assert skip is not None
    assert critical_depth(rho, epsilon, skip, sigma_V) == pytest.approx(L, rel=1e-9)
    assert cosine_layers_diffuse(skip, sigma_V, rho, L)[-1] == pytest.approx(
        1.0 - epsilon, abs=1e-9
    )
    deep = least_skip_deep(rho, epsilon, sigma_V, L)
    assert deep is not None
    assert deep > skip


def test_lines_at_their_ends() -> None:
    assert critical_depth(0.1, 0.01, 0.0, 1.0) == 0.0
    assert critical_depth(0.1, 0.01, 1.0, 0.0) == math.inf
    assert odds_to_gain(0.5, 0.5) == 0.0
    assert least_skip(0.5, 0.5, 1.0, 3) is None
    assert least_skip_deep(0.95, 0.1, 1.0, 3) is None
    # e^(R/L) beyond double precision.
    assert least_skip(1e-300, 1e-300, 1.0, 1) == pytest.approx(1e-300, rel=1e-9)
    assert exit_cosine(2.0, collapse_width(2.0, 0.36)) == pytest.approx(0.36, rel=1e-12)
    assert exit_cosine(2.0, 1.0) == -3.0
    assert log_odds_growth(1.0, 0.0) == 0.0


@pytest.mark.parametrize("L", [1, 12, 10**6, 10**15])
@pytest.mark.parametrize(("rho", "sigma_V"), [(0.1, 1.0), (1e-9, 3.0), (0.0, 1.0), (1.0, 2.0)])
def test_scaled_branches_against_mpmath(L: int, rho: float, sigma_V: float) -> None:
    with mpmath.workdps(60):
        growth = (1 + mpmath.mpf(sigma_V) ** 2 / L) ** L
        final = float(rho * growth / (1 - mpmath.mpf(rho) + rho * growth))
        limit = rho * mpmath.exp(mpmath.mpf(sigma_V) ** 2)
        ultimate = float(limit / (1 - mpmath.mpf(rho) + limit))
    assert branch_scaled_cosine(rho, sigma_V, L) == pytest.approx(final, rel=1e-12)
    assert branch_scaled_cosine(rho, sigma_V) == pytest.approx(ultimate, rel=1e-12)
