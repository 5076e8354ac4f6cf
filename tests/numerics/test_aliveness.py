from __future__ import annotations

import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qktheory.numerics.aliveness import rho_extremes, rho_profile

from .references import close, normal_interval, vectors


def exact_rho(xi: float, eta: float, theta: mp.mpf) -> mp.mpf:
    with mp.workdps(60):
        x = mp.mpf(theta) - mp.mpf(1) / 2
        sigma = mp.sqrt(mp.mpf(eta) * (2 * x * x + mp.mpf(1) / 12))
        return normal_interval(-xi * x / sigma, (1 - xi * x) / sigma)


@pytest.mark.parametrize("vector", vectors("LOC-4a"))
def test_profile_of_the_chapter(vector: dict) -> None:
    assert close(float(rho_profile(**vector["parameters"])), vector["values"]["rho"], 1e-13)


@pytest.mark.parametrize("vector", vectors("LOC-4b"))
def test_extremes_of_the_chapter(vector: dict) -> None:
    got = rho_extremes(**vector["parameters"])._asdict()
    for name, want in vector["values"].items():
        assert close(got[name], want, 1e-12), name


@pytest.mark.parametrize("seed", range(3))
def test_profile_over_the_domain(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(40):
        xi = float(rng.choice([-1, 1]) * 10 ** rng.uniform(-6, 4))
        eta = float(10 ** rng.uniform(-6, 8))
        theta = float(rng.random())
        want = exact_rho(xi, eta, mp.mpf(theta))
        if want > mp.mpf("1e-290"):
            # theta - 1/2 and exp amplify the rounding of the ends in deep tails.
            assert close(float(rho_profile(xi, eta, theta)), want, 1e-11), (xi, eta, theta)


@pytest.mark.parametrize("seed", range(3))
def test_extremes_over_the_domain(seed: int) -> None:
    rng = np.random.default_rng(100 + seed)
    for _ in range(12):
        xi = float(rng.choice([-1, 1]) * 10 ** rng.uniform(-6, 4))
        eta = float(10 ** rng.uniform(-6, 8))
        got = rho_extremes(xi, eta)
        with mp.workdps(60):
            lowest = exact_rho(xi, eta, mp.mpf(0 if xi > 0 else 1))
            highest = exact_rho(xi, eta, mp.mpf(got.theta_max))
            assert close(got.rho_max, highest, 1e-11)
            assert close(got.rho_min, lowest, 1e-11, 1e-290)
            assert close(got.contrast, highest - lowest, 1e-11), (xi, eta)
            # No neighbour is higher than the reported maximum.
            reach = min(0.5, 0.5 / abs(xi))
            for step in (-0.05, -0.003, 0.003, 0.05):
                other = min(1.0, max(0.0, got.theta_max + step * reach))
                assert exact_rho(xi, eta, mp.mpf(other)) <= highest * (1 + mp.mpf("1e-15"))


@given(st.floats(0.3, 30), st.floats(1e-3, 1e3))
def test_no_position_beats_the_extremes(xi: float, eta: float) -> None:
    got = rho_extremes(xi, eta)
    rho = rho_profile(xi, eta, np.linspace(0.0, 1.0, 1001))
    assert rho.max() <= got.rho_max * (1 + 1e-13)
    assert rho.min() == pytest.approx(got.rho_min, rel=1e-12)
    assert 0.5 <= got.theta_max <= min(1.0, 0.5 + 1.0 / xi)  # fact (iii)


@given(st.floats(-50, 50), st.floats(1e-4, 1e4), st.floats(0, 1))
def test_mirror(xi: float, eta: float, theta: float) -> None:
    assert float(rho_profile(-xi, eta, theta)) == pytest.approx(
        float(rho_profile(xi, eta, 1.0 - theta)), rel=1e-9, abs=1e-290
    )


def test_maximum_at_the_end_of_the_sequence() -> None:
    # xi (exp((1 - xi)/(7 eta/6)) - 1) > 12: rho still rises at theta = 1.
    assert rho_extremes(0.2, 0.05).theta_max == 1.0
    assert rho_extremes(-0.2, 0.05).theta_max == 0.0


def test_contrast_on_the_axis() -> None:
    eta_star = 72 / (7 * math.log(7))
    assert rho_extremes(0.0, eta_star).contrast == pytest.approx(0.21857174907396648, rel=1e-13)
    assert rho_extremes(0.0, eta_star).theta_max == 0.5
    for factor in (0.9, 1.1):
        assert rho_extremes(0.0, factor * eta_star).contrast < 0.2185


def test_large_eta_keeps_the_ratio_of_the_profile() -> None:
    rho = rho_profile(0.3, 1e12, [0.0, 0.5])
    assert rho[1] / rho[0] == pytest.approx(math.sqrt(7.0), rel=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: rho_profile(1.0, 0.0, 0.5), "eta = 0"),
        (lambda: rho_profile(1.0, 1.0, 1.5), "theta = 1.5"),
        (lambda: rho_profile(math.nan, 1.0, 0.5), "xi = nan"),
        (lambda: rho_extremes(1.0, -1.0), "eta = -1"),
    ],
)
def test_refuses_bad_input(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
