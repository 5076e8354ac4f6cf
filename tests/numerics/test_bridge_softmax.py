from __future__ import annotations

import math
from fractions import Fraction

import mpmath as mp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qktheory.numerics.bridge_softmax import (
    drift_weight,
    end_weight_bound,
    end_weight_laplace,
    end_weight_moments,
    entropy_deficit,
    entropy_deficit_large,
    entropy_deficit_small,
    half_coth,
    late_regime,
    wide_bridge_entropy,
    wide_bridge_power_sum,
)

from .references import close, vectors

DRIFTS = [0.0, 1e-300, 1e-9, 1e-3, 0.3, 1.999, 2.001, 7.0, 40.0, 150.0, 340.0]


def value(vector: dict) -> dict:
    p = vector["parameters"]
    match vector["id"]:
        case "LOC-9a":
            return {"end_weight_bound": end_weight_bound(*p.values())}
        case "LOC-9b":
            return end_weight_moments(*p.values())._asdict()
        case "LOC-9c":
            return {"laplace": end_weight_laplace(*p.values())}
        case "LOC-9d":
            return {
                "entropy_deficit": entropy_deficit(**p),
                "entropy_deficit_small": entropy_deficit_small(**p),
                "entropy_deficit_large": entropy_deficit_large(**p),
            }
        case "LOC-9e":
            return {
                "mean_entropy": wide_bridge_entropy(p["s2"]),
                "mean_power_sum": wide_bridge_power_sum(**p),
            }
        case _:
            return late_regime(**p)._asdict()


@pytest.mark.parametrize("vector", vectors(*(f"LOC-9{letter}" for letter in "abcdef")))
def test_values_of_the_chapter(vector: dict) -> None:
    got = value(vector)
    for name, want in vector["values"].items():
        assert close(got[name], want, 1e-13), name


@pytest.mark.parametrize("m", [sign * m for m in [*DRIFTS, 700.0, 740.0] for sign in (1, -1)])
def test_functions_of_the_drift(m: float) -> None:
    with mp.workdps(1000):
        exact = mp.mpf(m)
        weight = exact / -mp.expm1(-exact) if m else mp.mpf(1)
        coth = exact / 2 * mp.coth(exact / 2) if m else mp.mpf(1)
    # Below the smallest normal number only absolute accuracy is possible.
    assert close(float(drift_weight(m)), weight, 1e-15, 1e-320)
    assert close(float(half_coth(m)), coth, 1e-15)


def test_functions_of_enormous_drifts() -> None:
    assert drift_weight([1e300, -1e300]).tolist() == [1e300, 0.0]
    assert half_coth([1e300, -1e300]).tolist() == [5e299, 5e299]


@pytest.mark.parametrize("kappa2", [0.0, 1e-6, 3.0, 1e8])
@pytest.mark.parametrize("m", [sign * m for m in DRIFTS for sign in (1, -1)])
def test_moments_as_printed(m: float, kappa2: float) -> None:
    got = end_weight_moments(m, kappa2)
    with mp.workdps(1300):
        a = mp.mpf(m) / 2
        mean = 2 * a / -mp.expm1(-2 * a) if m else mp.mpf(1)
        spread = (a * mp.cosh(a) - mp.sinh(a)) / mp.sinh(a) ** 3 if m else mp.mpf(1) / 3
        square = mean**2 + mp.mpf(kappa2) / 4 * mp.exp(2 * a) * spread
        both = (a * mp.coth(a) if m else mp.mpf(1)) + mp.mpf(kappa2) / 12
    assert close(got.scaled_end_weight, mean, 1e-14)
    assert close(got.scaled_end_weight - got.scaled_first_weight, m, 1e-13, 1e-15)
    assert close(got.scaled_end_weight_squared, square, 1e-14, 1e-300)
    assert close(got.scaled_participation, both, 1e-14)


def test_moments_far_out() -> None:
    ahead, behind = end_weight_moments(1e4, 9.0), end_weight_moments(-1e4, 9.0)
    # e^m c(m)/4 -> m/2 - 1.
    assert ahead.scaled_end_weight_squared == pytest.approx(1e8 + 9.0 * 4999.0, rel=1e-14)
    assert behind == (0.0, 1e4, 0.0, pytest.approx(5000.75))


@pytest.mark.parametrize(("m", "kappa2"), [(2.0, 8.0), (-3.0, 0.5), (0.0, 40.0), (12.0, 2.0)])
def test_moments_are_derivatives_of_the_laplace_transform(m: float, kappa2: float) -> None:
    moments = end_weight_moments(m, kappa2)
    with mp.workdps(40):
        first = mp.diff(lambda p: printed_laplace(m, kappa2, p), 0, direction=1)
        second = mp.diff(lambda p: printed_laplace(m, kappa2, p), 0, 2, direction=1)
    assert close(moments.scaled_end_weight, -first, 1e-9)
    assert close(moments.scaled_end_weight_squared, second, 1e-9)


def printed_laplace(m: float, kappa2: float, p: float) -> mp.mpf:
    with mp.workdps(mp.mp.dps + 60 + int(abs(m))):
        a, k = mp.mpf(m) / 2, mp.mpf(kappa2)
        phi = mp.acosh(mp.cosh(a) + k / 4 * mp.exp(a) * mp.mpf(p))
        return +mp.exp(-2 / k * (phi**2 - a**2))


@pytest.mark.parametrize("kappa2", [1e-30, 1e-8, 0.3, 20.0, 1e9])
@pytest.mark.parametrize("m", [0.0, 1e-6, -2.0, 9.0, -300.0, 600.0])
def test_laplace_transform(m: float, kappa2: float) -> None:
    mean = float(drift_weight(m))
    for factor in (1e-9, 0.2, 3.0, 50.0, 1e12):
        with mp.workdps(60):
            want = printed_laplace(m, kappa2, factor / mean)
        if want > mp.mpf("1e-300"):
            tolerance = 1e-12 * max(1.0, -float(mp.log(want)))
            got = end_weight_laplace(m, kappa2, factor / mean)
            assert close(got, want, tolerance), factor
    assert end_weight_laplace(m, kappa2, 0.0) == 1.0


def test_laplace_transform_at_the_edges_of_the_floats() -> None:
    assert end_weight_laplace(3.0, 1e-300, 0.2) == pytest.approx(
        math.exp(-0.2 * float(drift_weight(3.0))), rel=1e-14
    )
    # e^phi = e^(m/2) (1 + kappa^2 p/2) for large m.
    assert end_weight_laplace(1e300, 1e300, 1e-300) == pytest.approx(1.5**-2, rel=1e-13)
    assert end_weight_laplace(0.0, 1e300, 1e300) == 1.0
    assert end_weight_laplace(1e300, 1e-3, 1e300) == 0.0
    assert end_weight_laplace(-1e300, 1.0, 1e300) == 1.0


@pytest.mark.parametrize("T", [1, 2, 64, 10**12])
@pytest.mark.parametrize("m", [sign * m for m in [*DRIFTS, 690.0] for sign in (1, -1)])
def test_end_weight_bound(m: float, T: int) -> None:
    with mp.workdps(700):
        exact = mp.mpf(m)
        want = mp.expm1(-exact / T) / mp.expm1(-exact) if m else 1 / mp.mpf(T)
    assert close(end_weight_bound(m, T), want, 1e-12)
    assert close(end_weight_bound(m, T), 1.0, 1e-15) == (T == 1 or m > 37 * T)


def printed_deficit(kappa2: float) -> mp.mpf:
    """The integral of LOC-9.5 with phi = kappa x or phi itself."""
    with mp.workdps(60):
        k = mp.mpf(kappa2)
        root = mp.sqrt(k)

        def integrand(phi: mp.mpf) -> mp.mpf:
            first = mp.exp(-8 / k * mp.sinh(phi / 2) ** 2)
            return (first - mp.exp(-2 * phi**2 / k) * phi / mp.sinh(phi)) * mp.coth(phi / 2)

        if k < 4:
            return mp.quad(integrand, [c * root for c in (0, 1, 2, 3, 5, 7)])
        return mp.quad(integrand, [*range(0, int(8 + mp.log(1 + 30 * k)), 2), 50, 110])


@pytest.mark.parametrize("kappa2", [1e-8, 1e-3, 0.009, 0.011, 1.0, 30.0, 1e4, 1e8])
def test_entropy_deficit(kappa2: float) -> None:
    assert close(entropy_deficit(kappa2), printed_deficit(kappa2), 1e-13)


def test_entropy_deficit_between_its_limits() -> None:
    assert entropy_deficit(0.0) == 0.0
    assert entropy_deficit(1e-290) == pytest.approx(entropy_deficit_small(1e-290), rel=1e-13)
    assert entropy_deficit(1e-9) == pytest.approx(entropy_deficit_small(1e-9), rel=1e-9)
    assert entropy_deficit(1e12) == pytest.approx(entropy_deficit_large(1e12), rel=1e-9)
    assert entropy_deficit(1e300) == pytest.approx(entropy_deficit_large(1e300), rel=1e-13)
    # ln T - E H = D(T s2) and E H = ln(2/s2) + 2 + gamma_E are the same statement.
    assert math.log(500.0) - wide_bridge_entropy(0.2) == pytest.approx(entropy_deficit_large(100.0))


@settings(max_examples=60, deadline=None)
@given(st.floats(-12.0, 12.0), st.floats(0.01, 3.0))
def test_entropy_deficit_grows(exponent: float, step: float) -> None:
    low, high = entropy_deficit(10**exponent), entropy_deficit(10 ** (exponent + step))
    # The deficit is below kappa^2/24: participation 1 + kappa^2/12 bounds it by its logarithm.
    assert 0.0 < low < high
    assert low <= math.log1p(10**exponent / 12.0)


@pytest.mark.parametrize("k", [1, 2, 5, 100, 101, 700])
def test_power_sums_are_exact(k: int) -> None:
    s2 = 0.75
    exact = Fraction(3, 8) ** k * Fraction(math.factorial(k) ** 3, math.factorial(2 * k + 1))
    if exact < Fraction(10) ** 300:
        want = mp.mpf(exact.numerator) / mp.mpf(exact.denominator)
        assert close(wide_bridge_power_sum(s2, k), want, 2e-12)


def test_first_power_sum_is_the_participation() -> None:
    # kappa^2/12 of LOC-9.4 divided by T.
    T, s2 = 10**6, 0.03
    assert T * wide_bridge_power_sum(s2, 1) == pytest.approx(T * s2 / 12, rel=1e-14)


def test_late_regime_is_a_gamma_law() -> None:
    law = late_regime(0.004, 0.0036)
    assert law.shape * law.scale == pytest.approx(law.mean_end_weight, rel=1e-15)
    assert law.shape * law.scale**2 == pytest.approx(law.var_end_weight, rel=1e-15)
    # It is the limit of the Laplace law: (1 + s2 p/2)^(-2 drift/s2).
    T, p = 10**9, 700.0
    limit = end_weight_laplace(0.004 * T, 0.0036 * T, p / T)
    assert limit == pytest.approx((1 + 0.0018 * p) ** (-2 * 0.004 / 0.0036), rel=1e-5)
    moments = end_weight_moments(0.004 * T, 0.0036 * T)
    assert moments.scaled_participation / T == pytest.approx(law.mean_participation, rel=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: drift_weight(math.inf), "m = inf"),
        (lambda: half_coth([1.0, math.nan]), "m = "),
        (lambda: end_weight_moments(math.nan, 1.0), "m = nan"),
        (lambda: end_weight_moments(1.0, -1.0), "kappa2 = -1.0"),
        (lambda: end_weight_moments(1e200, 1.0), "m = 1e\\+200"),
        (lambda: end_weight_bound(1.0, 0), "T = 0"),
        (lambda: end_weight_laplace(1.0, 0.0, 1.0), "kappa2 = 0.0"),
        (lambda: end_weight_laplace(1.0, 1.0, -1.0), "p = -1.0"),
        (lambda: entropy_deficit(-1.0), "kappa2 = -1.0"),
        (lambda: entropy_deficit_small(-1.0), "kappa2 = -1.0"),
        (lambda: entropy_deficit_large(0.0), "kappa2 = 0.0"),
        (lambda: wide_bridge_entropy(0.0), "s2 = 0.0"),
        (lambda: wide_bridge_power_sum(0.1, 0), "k = 0"),
        (lambda: wide_bridge_power_sum(10.0, 1000), "k = 1000"),
        (lambda: late_regime(0.0, 1.0), "drift = 0.0"),
        (lambda: late_regime(1.0, 0.0), "s2 = 0.0"),
    ],
)
def test_refuses_bad_input(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
