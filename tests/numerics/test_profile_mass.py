from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qktheory.numerics.profile_mass import (
    effective_fraction,
    effective_fraction_limits,
    effective_fraction_maximum,
    mass_maximum,
    profile_mass,
)

from .profile_references import PANELS, breaks, crosses, integral, mass_and_fraction
from .references import close, vectors

ROOT8 = 2.0 * math.sqrt(2.0)


def maximum(**parameters: float) -> dict[str, float]:
    top = effective_fraction_maximum(**parameters)
    return {"effective_fraction_max": top.value, "eta_at_effective_fraction_max": top.eta}


ROUTES: dict[str, Callable[..., Any]] = {
    "LOC-7a": lambda **p: {
        "mass": profile_mass(**p),
        "effective_fraction": effective_fraction(**p),
    },
    "LOC-7b": lambda **p: {
        f"effective_fraction_{k}": v for k, v in effective_fraction_limits(**p)._asdict().items()
    },
    "LOC-7c": maximum,
    "LOC-7d": lambda **p: dict(
        zip(("mass_max", "eta_at_mass_max"), mass_maximum(**p), strict=True)
    ),
}


@pytest.mark.parametrize("vector", vectors(*ROUTES))
def test_vectors_of_the_chapter(vector: dict) -> None:
    got = ROUTES[vector["id"]](**vector["parameters"])
    for name, want in vector["values"].items():
        assert close(got[name], want, 1e-13), name


@pytest.mark.parametrize(
    ("xi", "eta"), [(0.5, 3.0), (1e-3, 1e-5), (30.0, 1e-4), (2000.0, 1e6), (3.0, 1e8)]
)
def test_definition(xi: float, eta: float) -> None:
    mass, fraction = mass_and_fraction(xi, eta)
    assert close(profile_mass(-xi, eta), mass, 1e-14)
    assert close(effective_fraction(-xi, eta), fraction, 1e-14)


def test_thin_layers_and_wide_windows() -> None:
    # eta -> 0: the window ends at x = 1/xi + Z sqrt(eta v(x))/xi with a standard normal Z, which
    # has mean 1/xi + eta v'(1/xi)/(2 xi^2) + O(eta^2).
    for xi in (3.0, 10.0):
        assert close(profile_mass(xi, 1e-8) - 1.0 / xi, 2e-8 / xi**3, 1e-6)
    assert close(profile_mass(1.0, 1e-100), 0.5, 1e-15)
    assert close(effective_fraction(1e100, 1e-100), 1e-100, 1e-14)
    # Wide spectra: R sqrt(2 pi eta) -> sqrt 2 arsinh sqrt 6 for every xi.
    want = math.sqrt(2.0) * math.asinh(math.sqrt(6.0)) / math.sqrt(2.0 * math.pi * 1e100)
    for xi in (0.0, 1e3, 1e20):
        assert close(profile_mass(xi, 1e100), want, 1e-14)
        assert close(effective_fraction(xi, 1e100), 0.9148268732572369, 1e-14)


@given(st.floats(-100, 100), st.floats(-100, 100))
def test_bounded_and_even(log_xi: float, log_eta: float) -> None:
    xi, eta = min(10.0**log_xi, 1e100), max(min(10.0**log_eta, 1e100), 1e-100)
    mass, fraction = profile_mass(xi, eta), effective_fraction(xi, eta)
    assert 0.0 < mass <= 0.5 * (1.0 + 1e-14)
    assert mass * (1.0 - 1e-14) <= fraction <= 1.0  # rho <= 1 makes int rho^2 <= int rho.
    assert (profile_mass(-xi, eta), effective_fraction(-xi, eta)) == (mass, fraction)


def test_nearly_flat_profiles_keep_one_minus_n() -> None:
    # xi, eta -> 0 at fixed small b = xi/sqrt eta: rho = 1/2 + b x/sqrt(2 pi v) + O(b^3), so
    # 1 - N = (2 b^2/pi) int x^2/v = (b^2/pi) (1 - arctan(sqrt 6)/sqrt 6).
    b = 1e-5
    want = b * b / math.pi * (1.0 - math.atan(math.sqrt(6.0)) / math.sqrt(6.0))
    assert close(1.0 - effective_fraction(b * 1e-3, 1e-6), want, 1e-5)


@pytest.mark.parametrize("xi", [0.0, 1.0, 2.5, 3.0, 40.0])
def test_correction_is_the_coefficient_of_one_over_eta(xi: float) -> None:
    limits = effective_fraction_limits(xi)
    with mp.workdps(32):

        def v(x: mp.mpf) -> mp.mpf:
            return 2 * x * x + mp.mpf(1) / 12

        def bend(x: mp.mpf) -> mp.mpf:
            return -(1 - 3 * xi * x + 3 * xi**2 * x * x) / (6 * v(x))

        r0, s0 = integral(lambda x: v(x) ** -0.5, PANELS), integral(lambda x: 1 / v(x), PANELS)
        r1 = integral(lambda x: bend(x) * v(x) ** -0.5, PANELS)
        s1 = integral(lambda x: 2 * bend(x) / v(x), PANELS)
        assert close(limits.eta_to_infinity, r0**2 / s0, 1e-15)
        assert close(limits.correction, r0**2 / s0 * (2 * r1 / r0 - s1 / s0), 1e-13)
    eta = 1e5 * (1.0 + xi * xi)
    slope = (effective_fraction(xi, eta) - limits.eta_to_infinity) * eta
    assert close(slope, limits.correction, 1e-4)


def test_limits_for_small_eta() -> None:
    for xi, want in ((0.0, 1.0), (1e-3, 0.5), (2.0, 0.5), (4.0, 0.25), (-5.0, 0.2)):
        assert effective_fraction_limits(xi).eta_to_zero == want
        assert close(effective_fraction(xi, 1e-20), want, 1e-6)


def fraction_slope(xi: float, eta: mp.mpf) -> mp.mpf:
    """Zero within 1e-9 of the maximiser: a central difference of the definition."""
    h = mp.mpf(10) ** -6
    ends = [mass_and_fraction(xi, eta * (1 + s * h), PANELS)[1] for s in (-1, 1)]
    return ends[1] - ends[0]


@pytest.mark.parametrize("xi", [1e-8, 0.01, 1.0, 2.6, 2.75])
def test_maximum_of_the_fraction_by_definition(xi: float) -> None:
    top = effective_fraction_maximum(-xi)
    assert crosses(lambda eta: fraction_slope(xi, eta), top.eta, 1e-9) == -1
    assert close(top.value, mass_and_fraction(xi, top.eta, PANELS)[1], 1e-14)


def test_fraction_rises_then_falls_below_the_threshold_only() -> None:
    eta = np.geomspace(3e-2, 3e4, 60)
    for xi in (0.05, 0.5, 1.0, 2.0, 2.6, 2.75):
        values = np.array([effective_fraction(xi, float(e)) for e in eta])
        rising = np.diff(values) > 0.0
        assert np.count_nonzero(rising[1:] != rising[:-1]) == 1
        assert rising[0]
        top = effective_fraction_maximum(xi)
        assert (values <= top.value * (1.0 + 1e-15)).all()
        assert close(effective_fraction(xi, top.eta), top.value, 1e-14)
    for xi in (ROOT8 + 1e-2, 4.0, 20.0):
        assert (np.diff([effective_fraction(xi, float(e)) for e in eta]) > 0.0).all()
    on_axis = np.array([effective_fraction(0.0, float(e)) for e in eta[eta > 0.1]])
    assert (np.diff(on_axis) < 0.0).all()


def test_maximiser_runs_off_at_the_threshold() -> None:
    # eta (8 - xi^2) tends to a constant, and the maximum to N(infinity), from above.
    scaled = []
    for gap in (1e-4, 1e-7, 1e-10, 1e-13):
        xi = ROOT8 - gap
        top = effective_fraction_maximum(xi)
        scaled.append(top.eta * float(8 - Fraction(xi) ** 2))
        assert top.value >= 0.9148268732572369 * (1.0 - 1e-15)
    assert np.abs(np.diff(scaled[1:])).max() < 1e-5 * scaled[-1]
    last = math.nextafter(ROOT8, 0.0)
    assert close(effective_fraction_maximum(last).value, 0.9148268732572369, 1e-15)


def test_maximum_for_tiny_traces() -> None:
    # The flattest profile: N -> 1 while the maximiser goes to zero logarithmically.
    tops = [effective_fraction_maximum(10.0**k) for k in (-100, -30, -8, -4, -2)]
    assert (np.diff([top.eta for top in tops]) > 0.0).all()
    assert all(0.99 < top.value <= 1.0 for top in tops)


def mass_slope(xi: float, eta: float) -> Callable[[mp.mpf], mp.mpf]:
    panels = breaks(xi, eta)

    def slope(at: mp.mpf) -> mp.mpf:
        def h(x: mp.mpf) -> mp.mpf:
            z = (1 - mp.mpf(xi) * x) / mp.sqrt(at * (2 * x * x + mp.mpf(1) / 12))
            return -z * mp.exp(-z * z / 2)

        return integral(h, panels)

    return slope


@pytest.mark.parametrize("xi", [2.0 + 1e-9, 2.005, 2.0105, 3.0, 1e5])
def test_maximum_of_the_mass_by_definition(xi: float) -> None:
    top = mass_maximum(-xi)
    assert crosses(mass_slope(xi, top.eta), top.eta, 1e-12) == -1
    assert close(profile_mass(xi, top.eta), top.value, 1e-15)


def test_mass_has_one_maximum() -> None:
    for xi in (2.2, 3.0, 10.0, 100.0):
        top = mass_maximum(xi)
        eta = top.eta * np.geomspace(1e-3, 1e3, 60)
        values = np.array([profile_mass(xi, float(e)) for e in eta])
        rising = np.diff(values) > 1e-15 * values[1:]
        falling = np.diff(values) < -1e-15 * values[1:]
        assert not rising[eta[1:] > top.eta * 1.3].any()
        assert not falling[eta[1:] < top.eta / 1.3].any()
        assert 1.0 / xi < top.value < 0.5


def test_limits_of_the_mass_maximum() -> None:
    # LOC-7: eta/xi^2 = 0.1196 at xi = 4, 0.1483 at 10, 0.14818 for xi -> infinity.
    assert abs(mass_maximum(4.0).eta / 16.0 - 0.1196) < 5e-5
    assert abs(mass_maximum(10.0).eta / 100.0 - 0.1483) < 5e-5
    assert abs(mass_maximum(1e4).eta / 1e8 - 0.14818) < 5e-6
    assert close(mass_maximum(1e45).eta / 1e90, mass_maximum(1e8).eta / 1e16, 1e-12)
    assert close(mass_maximum(1e45).value * 1e45, mass_maximum(1e8).value * 1e8, 1e-12)
    # Towards 2 the maximum is 1/2 and eta vanishes like (xi - 2)^2 up to a logarithm.
    nearest = mass_maximum(math.nextafter(2.0, 3.0))
    assert close(nearest.value, 0.5, 1e-15)
    assert 1e-34 < nearest.eta < 1e-32


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: profile_mass(math.inf, 1.0), "xi = inf: expected"),
        (lambda: profile_mass(1.0, 0.0), "eta = 0.0: expected"),
        (lambda: effective_fraction(1.0, -1.0), "eta = -1.0: expected"),
        (lambda: effective_fraction_limits("1"), "xi = '1': expected"),
        (lambda: effective_fraction_maximum(0.0), "xi = 0.0: expected"),
        (lambda: effective_fraction_maximum(math.nextafter(ROOT8, 3.0)), "xi = 2.828427"),
        (lambda: mass_maximum(2.0), "xi = 2.0: expected 2 < |xi|"),
        (lambda: mass_maximum(math.nan), "xi = nan: expected"),
    ],
)
def test_refusals(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match="expected") as error:
        call()
    assert str(error.value).startswith(message)
