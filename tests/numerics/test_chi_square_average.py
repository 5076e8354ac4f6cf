"""Averages over products of chi-squares: exact moments, mpmath, brute-force tensor rules."""

from __future__ import annotations

import math
from collections.abc import Callable

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qktheory.numerics.chi_square_average import chi_square_average

DOFS = st.lists(st.floats(0.5, 1e9), min_size=1, max_size=4)


def powers(ratio: np.ndarray) -> np.ndarray:
    return np.stack([np.ones_like(ratio), ratio, ratio**2, ratio**3], axis=1)


@given(dofs=DOFS)
@settings(max_examples=60, deadline=None)
def test_the_first_three_moments_are_exact(dofs: list[float]) -> None:
    """E (chi^2/nu)^2 = 1 + 2/nu, E (chi^2/nu)^3 = (1 + 2/nu)(1 + 4/nu), factor by factor."""
    nu = np.array(dofs)
    want = [1.0, 1.0, np.prod(1.0 + 2.0 / nu), np.prod((1.0 + 2.0 / nu) * (1.0 + 4.0 / nu))]
    found = chi_square_average(powers, dofs, growth=1e12)
    np.testing.assert_allclose(found.value, want, rtol=1e-10)
    # Wrong twin: one factor with one degree of freedom more, as in chi^2_(nu + 1)/nu.
    wrong = np.prod(1.0 + 2.0 / np.append(nu[:-1], nu[-1] + 1.0))
    if nu[-1] < 1e3:
        assert abs(found.value[2] / wrong - 1.0) > 1e-8


@pytest.mark.parametrize("nu", [1, 2.5, 8, 64, 1000])
def test_the_laplace_transform_is_that_of_the_gamma_law(nu: float) -> None:
    """E exp(-p chi^2/nu) = (1 + 2 p/nu)^(-nu/2)."""
    p = np.array([0.1, 1.0, 30.0])
    found = chi_square_average(lambda r: np.exp(-np.outer(r, p)), [nu])
    np.testing.assert_allclose(found.value, (1.0 + 2.0 * p / nu) ** (-nu / 2.0), rtol=1e-12)


def chi_square_density(nu: int, x: mp.mpf) -> mp.mpf:
    half = mp.mpf(nu) / 2
    return x ** (half - 1) * mp.exp(-x / 2) / 2**half / mp.gamma(half)


def mpmath_average(f: Callable[[mp.mpf], mp.mpf], nu: int) -> float:
    """E f(chi^2_nu/nu) at 20 digits; x = y^2 removes the root of nu = 1."""
    with mp.workdps(20):
        ends = [0, math.sqrt(nu), math.sqrt(nu) + 12]
        return float(mp.quad(lambda y: 2 * y * chi_square_density(nu, y * y) * f(y * y / nu), ends))


@pytest.mark.parametrize("nu", [1, 3, 8, 64])
def test_a_function_that_is_no_power_against_mpmath(nu: int) -> None:
    want = mpmath_average(lambda r: mp.log1p(r) / (1 + r), nu)
    found = chi_square_average(lambda r: np.log1p(r) / (1.0 + r), [nu])
    assert float(found.value[0]) == pytest.approx(want, rel=1e-12)


@pytest.mark.parametrize(("first", "second"), [(1, 1), (1, 3), (64, 5), (2, 200)])
def test_two_factors_against_mpmath(first: int, second: int) -> None:
    """E exp(-2 r r') = E (1 + 4 r'/nu)^(-nu/2): one factor in closed form, one by quadrature."""
    want = mpmath_average(lambda r: (1 + 4 * r / first) ** (-mp.mpf(first) / 2), second)
    found = chi_square_average(lambda r: np.exp(-2.0 * r), [first, second])
    assert float(found.value[0]) == pytest.approx(want, rel=1e-12)
    wrong = chi_square_average(lambda r: np.exp(-2.0 * r), [first, second + 1])
    assert abs(float(wrong.value[0]) / want - 1.0) > 1e-6


def test_the_order_of_the_factors_does_not_matter_and_wide_ratios_of_scales_are_cheap() -> None:
    one = chi_square_average(np.sqrt, [1, 1e12, 30, 1e6])
    other = chi_square_average(np.sqrt, [1e6, 30, 1e12, 1])
    assert one.value.tolist() == other.value.tolist()
    assert one.evaluations < 800
    assert chi_square_average(np.sqrt, [1e6]).evaluations < 60


def test_rare_ratios_count_where_the_function_grows() -> None:
    """E exp(0.45 nu r) = 0.1^(-nu/2): the mean comes from ratios near 10, not 1."""
    nu = 16.0
    function = lambda r: np.exp(0.45 * nu * r)  # noqa: E731
    found = chi_square_average(function, [nu], growth=1e300)
    assert float(found.value[0]) == pytest.approx(1e8, rel=1e-11)
    with pytest.raises(ValueError, match="did not converge"):
        chi_square_average(function, [nu])
    # Where it does not grow, looking further changes nothing.
    plain, far = (chi_square_average(np.sqrt, [3.0, nu], growth=g) for g in (1.0, 1e30))
    assert float(plain.value[0]) == pytest.approx(float(far.value[0]), rel=1e-13)


def test_a_jump_is_refused() -> None:
    with pytest.raises(ValueError, match="did not converge"):
        chi_square_average(lambda r: 1e-9 + (r > 1.0003), [1e4])


@pytest.mark.parametrize("dofs", [[], [0.0], [-1.0], [math.nan], [1e16], 3.0])
def test_bad_degrees_of_freedom_are_refused(dofs: object) -> None:
    with pytest.raises(ValueError, match="dofs"):
        chi_square_average(np.sqrt, dofs)  # type: ignore[arg-type]
