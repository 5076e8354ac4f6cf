"""Rows averaged over the law of their logit variance: chapter values, quadrature, limits."""

from __future__ import annotations

import math
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from numpy.polynomial.hermite_e import hermegauss
from scipy.special import roots_genlaguerre

from qktheory.numerics.averaged_row import averaged_row, entropy_curvature, row_on_itself
from qktheory.numerics.gaussian_row import mean_entropy, mean_participation
from qktheory.numerics.iid_row import iid_row_moments


@pytest.mark.parametrize(
    ("T", "s0", "dofs", "entropy"),
    [
        (1024, 1.0, [64], 6.4333723876),
        (1024, 2.0, [64], 5.0367293524),
        (1024, 2.0, [64, 64], 5.0471078904),
        (1024, 2.0, [64, 64, 64], 5.0576600648),
        (1024, 2.0, [8], 5.1036487962),
        (128, 3.0, [32, 32, 32], 2.3102520084),
    ],
)
def test_values_of_the_chapter(T: float, s0: float, dofs: list[float], entropy: float) -> None:
    """ENT-11, printed to ten digits after the point, of a rule with 40 nodes a factor."""
    assert averaged_row(T, s0, dofs).mean_entropy == pytest.approx(entropy, abs=2e-10)


@pytest.mark.parametrize(("T", "s0", "nu"), [(16, 2.0, 4), (1024, 3.0, 10), (1e9, 5.0, 40)])
def test_one_factor_by_generalised_gauss_laguerre(T: float, s0: float, nu: int) -> None:
    """The rule of the chapter: x = chi^2/2 has weight x^(nu/2 - 1) e^(-x)."""
    nodes, weights = roots_genlaguerre(60, nu / 2 - 1)
    s = s0 * np.sqrt(2.0 * nodes / nu)
    weights = weights / weights.sum()
    found = averaged_row(T, s0, [nu])
    assert found.mean_entropy == pytest.approx(float(weights @ mean_entropy(T, s)), rel=1e-8)
    assert found.mean_participation == pytest.approx(
        float(weights @ mean_participation(T, s)), rel=1e-7
    )
    # A wrong degree of freedom shows.
    assert abs(averaged_row(T, s0, [nu + 1]).mean_entropy / found.mean_entropy - 1.0) > 1e-5


def test_a_narrow_law_is_sharp_and_a_wide_one_is_not() -> None:
    sharp = mean_entropy(1024, 2.0)
    assert averaged_row(1024, 2.0, [1e14]).mean_entropy == pytest.approx(sharp, rel=1e-12)
    assert averaged_row(1024, 2.0, [1.0]).mean_entropy > sharp + 0.2
    assert averaged_row(1024, 0.0, [3.0, 1.0]).mean_entropy == pytest.approx(math.log(1024))
    assert averaged_row(1.0, 3.0, [2.0]) == (0.0, 1.0)


def test_rare_wide_rows_count_in_the_participation() -> None:
    """At T = 1e12 and s^2 = chi^2_2, E Y_2 is carried by the few rows with s^2 beyond 10.

    Reference: Simpson's rule in x = s^2 against the exponential density e^(-x/2)/2.
    """
    x = np.linspace(0.0, 400.0, 1601)
    weights = np.ones(x.size)
    weights[1:-1:2], weights[2:-1:2] = 4.0, 2.0
    weights *= (x[1] - x[0]) / 3.0 * 0.5 * np.exp(-0.5 * x)
    y = mean_participation(1e12, np.sqrt(x))
    found = averaged_row(1e12, math.sqrt(2.0), [2.0]).mean_participation
    assert found == pytest.approx(float(weights @ y), rel=1e-6, abs=0.0)
    assert float(weights[x > 10.0] @ y[x > 10.0]) > 0.9 * found


def test_extreme_rows() -> None:
    """At T = 1e30 and s0 = 0.5 the row is diffuse: E H = log T - E s^2/2 = log T - 1/8."""
    wide = averaged_row(1e30, 0.5, [40.0])
    assert wide.mean_entropy == pytest.approx(math.log(1e30) - 0.125, rel=1e-12)
    frozen = averaged_row(2.0, 1e6, [64.0])
    # Two keys: H is 2 phi(0)/(sqrt(2) s) int H(sigmoid(x)) dx = pi^2/3/(s sqrt(4 pi)) on average.
    inverse = math.sqrt(32.0) * math.exp(math.lgamma(31.5) - math.lgamma(32.0))
    want = math.pi**2 / 3.0 / (1e6 * math.sqrt(4.0 * math.pi)) * inverse
    assert frozen.mean_entropy / want == pytest.approx(1.0, rel=1e-9)


# --- curvature ------------------------------------------------------------------------------------


@pytest.mark.parametrize("s2", [0.0, 1e-6, 0.3, 4.0, 30.0])
def test_the_curvature_of_two_keys_by_mpmath(s2: float) -> None:
    """H of two keys depends on the difference D ~ N(0, 2 s^2); Taylor at s = 0."""

    def entropy(v: mp.mpf) -> mp.mpf:
        def term(x: mp.mpf) -> mp.mpf:
            D = mp.sqrt(2 * v) * x
            return (mp.log1p(mp.exp(-D)) + D / (1 + mp.exp(D))) * mp.npdf(x)

        return 2 * mp.quad(term, [0, 1, 3, 12])

    with mp.workdps(30):
        v = mp.mpf(s2)
        h = mp.mpf("1e-4") * max(1, v)
        if v < h:  # the second derivative at v from one side, third order
            steps = [entropy(v + k * h) for k in range(5)]
            coefficients = [35, -104, 114, -56, 11]
            want = sum(c * f for c, f in zip(coefficients, steps, strict=True)) / (12 * h**2)
        else:
            want = (entropy(v + h) - 2 * entropy(v) + entropy(v - h)) / h**2
    assert entropy_curvature(2, s2) == pytest.approx(float(want), rel=2e-7)


@pytest.mark.parametrize(
    ("T", "s2", "var", "delta"),
    [
        (1024, 4.0, 0.5, 5.036810335167467),
        (1023, 1.0, 0.03125, 6.432393604012024),
        (1e6, 16.0, 1.0, 6.45141774060699),
    ],
)
def test_reference_values_of_the_delta_method(
    T: float, s2: float, var: float, delta: float
) -> None:
    """Public vectors of ENT-11e."""
    found = mean_entropy(T, math.sqrt(s2)) + 0.5 * var * entropy_curvature(T, s2)
    assert found == pytest.approx(delta, rel=1e-11)


# --- a row on itself ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("T", "d", "c", "entropy", "self_weight"),
    [
        (1024, 64, 1.0, 3.134021860, 0.599993),
        (1024, 64, 2.0, 0.07802728, 0.991892),
        (128, 16, 1.0, 3.729910614, 0.256123),
    ],
)
def test_values_of_the_chapter_with_the_self_logit(
    T: int, d: int, c: float, entropy: float, self_weight: float
) -> None:
    found = row_on_itself(T, d, c)
    assert found.mean_entropy == pytest.approx(entropy, abs=6e-9)
    assert found.mean_self_weight == pytest.approx(self_weight, abs=6e-7)


def test_one_dimension_by_gauss_hermite() -> None:
    """At d = 1, c > 0: self-logit c g^2 and width c |g|."""
    nodes, weights = hermegauss(80)
    weights = weights / weights.sum()
    rows = [iid_row_moments(0.6 * g**2, 0.6 * abs(g), 9) for g in nodes]
    found = row_on_itself(9, 1, 0.6)
    want = float(weights @ [row.mean_entropy for row in rows])
    assert found.mean_entropy == pytest.approx(want, rel=1e-7)


def test_no_map_no_preference() -> None:
    found = row_on_itself(5, 7, 0.0)
    assert found.mean_entropy == pytest.approx(math.log(5.0), rel=1e-14)
    assert found.mean_self_weight == pytest.approx(0.2, rel=1e-14)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: averaged_row(0.5, 1.0, [3.0]), "T = 0.5"),
        (lambda: averaged_row(5.0, -1.0, [3.0]), "s0 = -1.0|s0"),
        (lambda: averaged_row(5.0, 1.0, [0.0]), "dofs"),
        (lambda: entropy_curvature(2.0, -1.0), "s2"),
        (lambda: row_on_itself(5, 0, 1.0), "d = 0"),
        (lambda: row_on_itself(0, 3, 1.0), "T = 0"),
        (lambda: row_on_itself(5, 3, math.nan), "c = nan"),
    ],
)
def test_bad_arguments_are_refused_by_name(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
