"""Overlap of two rows with correlated logits (ENT-14)."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qktheory.numerics import row_overlap as module
from qktheory.numerics.gaussian_row import mean_participation, var_log_partition
from qktheory.numerics.row_overlap import overlap_integral, row_overlap


@pytest.mark.parametrize(
    ("T", "s", "cosine", "wanted"),
    [
        # Table of the chapter.
        (64, 1.0, 0.5, 0.02481215245),
        (512, 1.0, 0.5, 0.003202635481),
        (512, 3.0, 0.5, 0.02538436186),
        (512, 6.0, 0.8, 0.1904889392),
        (1024, 2.0, 0.3, 0.002942511251),
        (1024, 4.0, 0.9, 0.1710430492),
    ],
)
def test_table_of_ENT_14(T: int, s: float, cosine: float, wanted: float) -> None:
    assert row_overlap(T, s, cosine) == pytest.approx(wanted, rel=3e-10)


@pytest.mark.parametrize("s", [0.05, 0.7, 3.0])
@pytest.mark.parametrize("cosine", [0.01, 0.5, 0.9])
def test_two_keys_by_a_plain_double_integral(s: float, cosine: float) -> None:
    """T = 2: A = (1 + tanh(x/2))/2, x = l_1 - l_2 of law N(0, 2 s^2), correlated like l."""
    g = np.linspace(-9.5, 9.5, 1201)
    w = np.exp(-g * g / 2) * (g[1] - g[0]) / math.sqrt(2 * math.pi)
    scale = s / math.sqrt(2)
    other = np.tanh(scale * (cosine * g[:, None] + math.sqrt(1 - cosine**2) * g))
    wanted = 0.5 + 0.5 * float((w * np.tanh(scale * g)) @ other @ w)
    assert row_overlap(2, s, cosine) == pytest.approx(wanted, rel=1e-12)


def test_ends_of_the_cosine() -> None:
    assert row_overlap(1000, 3.0, 0.0) == 1e-3
    assert row_overlap(128, 3.0, 1.0) == mean_participation(128, 3.0)
    assert row_overlap(128, 3.0, 1 - 1e-9) == pytest.approx(mean_participation(128, 3.0), rel=1e-7)
    assert row_overlap(50, 0.0, 0.4) == 0.02
    assert row_overlap(1, 2.0, 0.4) == 1.0
    # C = 1/T + rho s^2 E-terms: linear in a small cosine.
    tiny = row_overlap(50, 2.0, 1e-6) - 0.02
    assert row_overlap(50, 2.0, 2e-6) - 0.02 == pytest.approx(2 * tiny, rel=1e-4)


@pytest.mark.parametrize(
    ("T", "s", "cosine"),
    [
        (2, 0.3, 0.5),
        (1e5, 1.0, 0.9),
        (32, 10.0, 0.5),
        (1e5, 12.0, 0.3),
        (1e12, 6.0, 0.7),
        (2, 40.0, 0.5),
        (2, 1e4, 0.99),
        (1e30, 200.0, 0.5),
    ],
)
def test_finer_and_wider_grids_give_the_same(
    monkeypatch: pytest.MonkeyPatch, T: float, s: float, cosine: float
) -> None:
    usual = row_overlap(T, s, cosine)
    monkeypatch.setattr(module, "_STEP", 0.2)
    assert row_overlap(T, s, cosine) == pytest.approx(usual, rel=1e-12)
    monkeypatch.setattr(module, "_STEP", 0.3)
    window = module._window

    def wider(T: float, s: float) -> tuple[float, float, float, float]:
        low, high, down, up = window(T, s)
        return low - 8.0 - 2.0 * s, high + 4.0 + s, down + 1.0, up + 1.0

    monkeypatch.setattr(module, "_window", wider)
    assert row_overlap(T, s, cosine) == pytest.approx(usual, rel=1e-12)


@pytest.mark.parametrize(
    ("T", "s", "cosine"), [(2, 9.0, 0.9), (300, 25.0, 0.5), (1e5, 16.0, 0.999), (1e30, 50.0, 0.8)]
)
def test_the_two_grids_agree(
    monkeypatch: pytest.MonkeyPatch, T: float, s: float, cosine: float
) -> None:
    usual = row_overlap(T, s, cosine)
    monkeypatch.setattr(module, "_WIDE_S", math.inf)
    other = row_overlap(T, s, cosine)
    assert usual != other
    assert usual == pytest.approx(other, rel=1e-12)


@settings(max_examples=10, deadline=None)
@given(
    log_T=st.floats(0.7, 11.0),
    s=st.floats(0.05, 5.0),
    cosine=st.floats(0.05, 0.9),
)
def test_overlap_increases_with_the_cosine(log_T: float, s: float, cosine: float) -> None:
    """For whole T all Hermite coefficients of C in rho are >= 0: C is increasing and convex."""
    T = round(math.exp(log_T))
    low, mid, high = (row_overlap(T, s, x) for x in (cosine - 0.04, cosine, cosine + 0.04))
    assert low * (1 + 1e-12) >= 1 / T
    assert low <= mid * (1 + 1e-12) <= high * (1 + 2e-12)
    assert high <= mean_participation(T, s) * (1 + 1e-12)
    assert low + high - 2 * mid >= -1e-12


@pytest.mark.parametrize(("T", "s"), [(2, 0.05), (1e5, 0.1), (300, 2.0)])
def test_integral_over_the_cosine_is_the_variance(T: float, s: float) -> None:
    variance = var_log_partition(T, s)
    assert overlap_integral(T, s) == pytest.approx(variance, rel=1e-9)
    assert abs(overlap_integral(T, 1.01 * s) / variance - 1.0) > 1e-2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0.5, 1.0, 0.5), "T = 0.5: expected"),
        ((8, -1.0, 0.5), "s = -1.0: expected"),
        ((8, 1.0, 1.5), "cosine = 1.5: expected"),
    ],
)
def test_bad_input(arguments: tuple[float, float, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        row_overlap(*arguments)
