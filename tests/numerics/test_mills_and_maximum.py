"""Mills ratios, the remainder of the logarithm, the mean maximum: mpmath and the chapter."""

from __future__ import annotations

import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qktheory.numerics.logarithm import scaled_log_remainder
from qktheory.numerics.mean_maximum import mean_maximum
from qktheory.numerics.mills import (
    inverse_mills,
    log_scaled_cdf,
    mills_excess,
    mills_offset,
    one_minus_mills_slope,
)


def mu(T: float) -> mp.mpf:
    """int (Phi - Phi^T) dx by mpmath."""
    with mp.workdps(30):

        def log_cdf(x: mp.mpf) -> mp.mpf:
            if x > 0:
                return mp.log1p(-mp.erfc(x / mp.sqrt(2)) / 2)
            return mp.log(mp.erfc(-x / mp.sqrt(2)) / 2)

        end = math.sqrt(2.0 * math.log(T)) + 12.0
        points = [-12.0, -6.0, -2.0, *np.arange(0.0, end, 1.0)]
        return mp.quad(
            lambda x: -mp.exp(log_cdf(x)) * mp.expm1((mp.mpf(T) - 1) * log_cdf(x)), points
        )


@pytest.mark.parametrize("T", [1.0 + 2.0**-30, 1.5, 128.0, 1e30])
def test_mean_maximum_for_real_T(T: float) -> None:
    assert float(mean_maximum(T)) == pytest.approx(float(mu(T)), rel=1e-13)


def test_mean_maximum_of_few() -> None:
    """T = 1, 2, 3: 0, 1/sqrt(pi), 3/(2 sqrt(pi)); and the values of the chapter."""
    found = mean_maximum([1, 2, 3, 16, 512, 8192, 1e6, 1e12])
    want = [0.0, 1.0 / math.sqrt(math.pi), 1.5 / math.sqrt(math.pi)]
    want += [1.76599139305, 3.04390316120, 3.80227921891, 4.86289748620, 7.11246368477]
    np.testing.assert_allclose(found, want, rtol=1e-11, atol=1e-15)
    assert mean_maximum([[2.0], [4.0]]).shape == (2, 1)


def test_neighbours_in_an_array_do_not_matter() -> None:
    np.testing.assert_allclose(mean_maximum([2.0, 1e300])[0], mean_maximum(2.0), rtol=1e-14)


@pytest.mark.parametrize("x", [-1e6, -50.0, -5.0, -2.001, -1.999, -1.0, 0.0, 1.0, 3.0, 8.0])
def test_mills_ratios(x: float) -> None:
    with mp.workdps(60):
        cdf = mp.erfc(-mp.mpf(x) / mp.sqrt(2)) / 2
        ratio = mp.npdf(mp.mpf(x)) / cdf
        excess = ratio + x
        slope = 1 - ratio * excess
        scaled = mp.log(mp.erfc(mp.mpf(abs(x)) / mp.sqrt(2)) / 2) + mp.mpf(x) ** 2 / 2
        for found, want in (
            (inverse_mills(x), ratio),
            (mills_excess(x), excess),
            (one_minus_mills_slope(x), slope),
            (log_scaled_cdf(abs(x)), scaled),
        ):
            assert abs(float(found) / want - 1) < 3e-14


def test_the_offset_of_the_chapter() -> None:
    assert mills_offset(0.5) == pytest.approx(0.5506075198, abs=1e-10)


@given(st.floats(1e-300, 1.0 - 1e-15))
def test_the_offset_solves_its_equation(level: float) -> None:
    delta = mills_offset(level)
    found = float(one_minus_mills_slope(delta))
    assert found == pytest.approx(level, rel=1e-12, abs=1e-300)


@pytest.mark.parametrize("u", [-0.99, -0.51, -0.49, -1e-9, 1e-9, 0.49, 0.51, 3.0, 1e10])
def test_remainder_of_the_logarithm(u: float) -> None:
    with mp.workdps(60):
        want = (mp.mpf(u) - mp.log1p(mp.mpf(u))) / mp.mpf(u) ** 2
    assert float(scaled_log_remainder(u)) == pytest.approx(float(want), rel=1e-14)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mean_maximum(0.5), "T = 0.5: expected a finite number >= 1"),
        (lambda: mean_maximum([2.0, math.nan]), "T has the entry nan"),
        (lambda: mills_offset(1.0), "level = 1.0"),
        (lambda: scaled_log_remainder(-1.0), "u = -1.0"),
        (lambda: log_scaled_cdf(-1.0), "x = -1.0"),
        (lambda: inverse_mills("a"), "x"),
    ],
)
def test_bad_input_is_named(call: object, message: str) -> None:
    assert callable(call)
    with pytest.raises(ValueError, match=message):
        call()
