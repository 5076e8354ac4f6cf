"""Errors of random features against multiprecision, and where they are extreme."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qktheory.numerics.feature_spectrum import factor_errors, spectrum_errors
from qktheory.numerics.nearest_token import density_at_zero, mean_distance
from qktheory.numerics.orthogonal_features import (
    crossing_delta,
    orthogonal_mse,
    pair_moment,
    trig_gain,
)
from qktheory.numerics.positive_features import best_coefficient, fixed_norm_ratio
from qktheory.numerics.random_features import FEATURE_KINDS, Pair, crossover_angle
from qktheory.numerics.rectified_gaussians import rectified_moment
from qktheory.numerics.truncated_exponential import lower_part, truncated_exponential

# --- pairs ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("d", [1, 2, 3, 8, 24, 101, 10**9])
@pytest.mark.parametrize("u", [-200.0, -20.0, -0.5, -1e-8, 0.5, 30.0])
def test_pair_moments_against_multiprecision(d: int, u: float) -> None:
    with mpmath.workdps(400):
        want = float(mpmath.hyp1f1(d, mpmath.mpf(d) / 2, mpmath.mpf(u)))
    assert pair_moment(d, u) == pytest.approx(want, rel=1e-13)


@pytest.mark.parametrize(("d", "u"), [(3, 1e4), (3, 1e6), (7, 3e4), (101, 1e5), (8, 800.0)])
def test_far_pair_moments_against_multiprecision(d: int, u: float) -> None:
    with mpmath.workdps(60):
        want = float(mpmath.hyp1f1(d, mpmath.mpf(d) / 2, -mpmath.mpf(u)))
    assert pair_moment(d, -u) == pytest.approx(want, rel=1e-12, abs=1e-300)


@pytest.mark.parametrize("kind", FEATURE_KINDS)
@pytest.mark.parametrize("size", [1e-8, 1e-3, 1.0, 3.0])
def test_one_orthogonal_feature_is_an_independent_one(kind: str, size: float) -> None:
    pair = Pair(size, 0.7 * size, -0.4)
    one = orthogonal_mse(pair, 5, 1, kind)  # type: ignore[arg-type]
    assert one == pytest.approx(pair.mse(kind), rel=1e-12)  # type: ignore[arg-type]


@pytest.mark.parametrize("delta", [1e-300, 1e-20, 1e-6])
def test_close_vectors_gain_exactly_the_limit(delta: float) -> None:
    assert trig_gain(8, delta, 5) == pytest.approx(1.0 - 4.0 / 10.0, rel=1e-5)


def test_the_first_crossing_jumps_where_a_maximum_stops_reaching_zero() -> None:
    crossings = {d: crossing_delta(d) for d in (20, 22, 23, 24)}
    assert crossing_delta(2) is None
    assert crossings[22] < 13.5 < 21.0 < crossings[23]  # type: ignore[operator]
    for d, delta in crossings.items():
        assert trig_gain(d, float(delta or 0.0), d) == pytest.approx(1.0, abs=1e-12)


@given(radius2=st.floats(1e-12, 1e12))
@settings(max_examples=40, deadline=None)
def test_both_features_err_alike_at_the_crossover(radius2: float) -> None:
    angle = crossover_angle(radius2)
    assert 0.5 * math.pi < angle < math.pi
    if radius2 < 20.0:
        pair = Pair(math.sqrt(radius2), math.sqrt(radius2), math.cos(angle))
        if 1.0 + pair.cosine > 1e-6:
            assert pair.log_mse("trig") == pytest.approx(pair.log_mse("positive"), abs=1e-6)


# --- spectra --------------------------------------------------------------------------------------


def sums(values: list[float]) -> tuple[float, float, float, float]:
    """Products of ZOO-RF-6a as they stand, in 60 digits."""
    with mpmath.workdps(60):
        s = [mpmath.mpf(v) for v in values]
        kernel = mpmath.fprod((1 - 4 * x**2) ** -0.5 for x in s)
        square = mpmath.fprod(((1 - 6 * x) * (1 + 2 * x)) ** -0.5 for x in s)
        even = mpmath.fprod(1 / (1 + 2 * x) for x in s)
        norms = mpmath.fprod(1 / (1 - 2 * x) for x in s)
        mixed = mpmath.fprod(((1 - 2 * x) * (1 + 6 * x)) ** -0.5 for x in s)
        relative = mpmath.fprod((1 - 4 * x) ** -0.5 for x in s) - 1
        return (
            float(square - kernel),
            float((square - 2 * kernel + even) / 2),
            float((norms - 2 * kernel + mixed) / 2),
            float(relative),
        )


@pytest.mark.parametrize("top", [1e-12, 1e-6, 0.01, 0.16])
def test_small_spectra_keep_their_digits(top: float) -> None:
    values = [top, 0.5 * top, 0.1 * top, 0.0]
    found = spectrum_errors(np.array(values))
    want = sums(values)
    got = (found.positive, found.hyperbolic, found.trig, found.relative)
    np.testing.assert_allclose(np.array(got, dtype=float), want, rtol=1e-12)
    root = np.diag(np.sqrt(values))
    factors = factor_errors(root, root)
    got = (factors.positive, factors.hyperbolic, factors.trig, factors.relative)
    np.testing.assert_allclose(np.array(got, dtype=float), want, rtol=1e-9)


def test_thresholds_are_infinite_themselves() -> None:
    for edge, name in ((1 / 6, "positive"), (1 / 4, "relative"), (1 / 2, "trig")):
        assert getattr(spectrum_errors(np.array([edge])), name) is None
        assert getattr(spectrum_errors(np.array([edge * (1 - 1e-9)])), name) > 0.0
    huge = factor_errors(np.array([[1e30]]), np.array([[1e30]]))
    assert (huge.positive, huge.trig, huge.relative) == (None, None, None)


# --- variants -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("d", "z2"), [(1, 0.3), (16, 4.0), (1000, 1e-9), (5, 300.0), (10**6, 50.0)]
)
def test_fixed_norm_kernels_against_multiprecision(d: int, z2: float) -> None:
    with mpmath.workdps(80):
        z = mpmath.mpf(z2)
        want = mpmath.exp(-z / 2) * mpmath.hyp0f1(mpmath.mpf(d) / 2, d * z / 4)
        gap = float(1 - want)
    ratio, found = fixed_norm_ratio(d, z2)
    assert ratio == pytest.approx(float(want), rel=1e-11)
    assert found == pytest.approx(gap, rel=1e-11)


@pytest.mark.parametrize(("d", "z2"), [(4, 1e-12), (4, 1.0), (10**6, 2.0), (3, 1e6)])
def test_best_coefficient_against_multiprecision(d: int, z2: float) -> None:
    with mpmath.workdps(80):
        z = mpmath.mpf(z2)
        root = mpmath.sqrt((2 * z + d) ** 2 + 8 * d * z)
        rho = (root - 2 * z - d) / (4 * z)
        want = float((1 - 1 / rho) / 8)
    assert best_coefficient(d, z2)[0] == pytest.approx(want, rel=1e-12)


@pytest.mark.parametrize(
    "given_", [(-6.0, -6.0, 1.0, 1.0, 0.5), (1.0, 1.0, 1.0, 1.0, 1.0), (0.5, -0.2, 1.0, 2.0, -0.9)]
)
def test_rectified_moments_in_tails_and_at_full_correlation(given_: tuple[float, ...]) -> None:
    a, b, s, t, r = given_
    c = math.sqrt(1.0 - r * r)

    def second(m: float) -> float:
        if c == 0.0:
            return max(m, 0.0)
        x = m / (t * c)
        return float(t * c * (x * mpmath.ncdf(x) + mpmath.npdf(x)))

    def integrand(u: float) -> float:
        return float(mpmath.npdf(u)) * (a + s * float(u)) * second(b + t * r * float(u))

    points = [-a / s, -a / s + 1, -a / s + 4, -a / s + 12]
    want = float(mpmath.quad(integrand, points))
    assert rectified_moment(a, b, s, t, r) == pytest.approx(want, rel=1e-9)


@pytest.mark.parametrize("degree", [0, 2, 6, 20, 100])
@pytest.mark.parametrize("s", [-200.0, -30.0, -3.0, -1e-3, 1e-3, 5.0, 200.0])
def test_truncated_exponentials_against_multiprecision(s: float, degree: int) -> None:
    with mpmath.workdps(400):
        x = mpmath.mpf(s)
        want = mpmath.fsum(x**l / mpmath.factorial(l) for l in range(degree + 1))
        lost = 1 - mpmath.exp(-x) * want
    assert float(truncated_exponential(s, degree)) == pytest.approx(float(want), rel=1e-12)
    if abs(lost) < 1e300:
        assert float(lower_part(s, degree)) == pytest.approx(float(lost), rel=1e-11, abs=1e-300)


@pytest.mark.parametrize("d", [2, 3, 50, 1001, 10**6])
def test_spheres_against_multiprecision(d: int) -> None:
    with mpmath.workdps(40):
        x = mpmath.mpf(d) / 2
        gap = mpmath.loggamma(x) - mpmath.loggamma(x - 0.5)
        density = float(mpmath.exp(gap) / mpmath.sqrt(mpmath.pi))
        quarter = mpmath.mpf(1) / 4
        log = 2 * mpmath.loggamma(x) - mpmath.loggamma(x - quarter) - mpmath.loggamma(x + quarter)
        distance = float(mpmath.sqrt(2) * mpmath.exp(log))
    assert density_at_zero(d) == pytest.approx(density, rel=1e-12)
    assert mean_distance(d) == pytest.approx(distance, rel=1e-13)
