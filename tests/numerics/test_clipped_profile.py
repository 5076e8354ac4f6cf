from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest

from qktheory.numerics.aliveness import rho_profile
from qktheory.numerics.clipped_profile import (
    clipped_mean_weight,
    clipped_row,
    rho_linear_regime,
)
from qktheory.numerics.normal import interval_probability

from .references import close, normal_interval, vectors


@pytest.mark.parametrize("vector", vectors("LOC-12a", "LOC-12b", "LOC-12c"))
def test_values_of_the_chapter(vector: dict) -> None:
    function = {
        "LOC-12a": lambda **p: clipped_row(**p)._asdict(),
        "LOC-12b": lambda **p: {"pl_mean_weight": float(clipped_mean_weight(**p))},
        "LOC-12c": lambda **p: {"rho_linear_regime": float(rho_linear_regime(**p))},
    }[vector["id"]]
    got = function(**vector["parameters"])
    for name, want in vector["values"].items():
        for one, other in zip(np.atleast_1d(got[name]), np.atleast_1d(want), strict=True):
            assert close(one, other, 1e-12), name


def law_of_a_key(xi: float, eta: float, T: int, key: int) -> tuple[mp.mpf, mp.mpf]:
    """Mean and standard deviation of q as the chapter prints them (LOC-1, LOC-3a)."""
    i = mp.mpf(key)
    gamma = i - mp.mpf(T + 1) / 2
    c_squared = (2 * mp.mpf(T) ** 2 - 6 * T * i + 3 * T + 6 * i * i - 6 * i + 1) / (6 * T)
    return xi * gamma, mp.sqrt(eta * (T * c_squared + gamma * gamma))


def printed_mean_weight(xi: float, eta: float, T: int, key: int) -> mp.mpf:
    """E S~ as LOC-12 prints it, with digits to spare for its cancellations."""
    with mp.workdps(340):
        nu, sigma = law_of_a_key(xi, eta, T, key)
        a, b = (-1 - nu) / sigma, (T - 1 - nu) / sigma
        alive = (mp.erf(b / mp.sqrt(2)) - mp.erf(a / mp.sqrt(2))) / 2
        inside = (nu + 1) * alive + sigma * (mp.npdf(a) - mp.npdf(b))
        return inside / T + mp.erfc(b / mp.sqrt(2)) / 2


def test_printed_form_is_the_mean_of_a_clipped_normal() -> None:
    xi, eta, T, key = 1.0, 0.01, 16, 12
    with mp.workdps(30):
        nu, sigma = law_of_a_key(xi, eta, T, key)
        kinks = [(-1 - nu) / sigma, (T - 1 - nu) / sigma]
        cuts = sorted([mp.mpf(c) for c in range(-14, 15, 2)] + kinks)
        mean = mp.quad(
            lambda z: mp.npdf(z) * min(max((1 + nu + sigma * z) / T, mp.mpf(0)), mp.mpf(1)), cuts
        )
        assert close(printed_mean_weight(xi, eta, T, key), mean, 1e-20)


@pytest.mark.parametrize("seed", range(3))
def test_mean_weight_over_the_domain(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(25):
        xi = float(rng.choice([-1, 1]) * 10 ** rng.uniform(-6, 3)) * float(rng.random() < 0.9)
        eta = float(10 ** rng.uniform(-12, 8))
        T = int(10 ** rng.uniform(0.4, 12))
        key = int(rng.integers(1, T + 1))
        want = printed_mean_weight(xi, eta, T, key)
        if want > mp.mpf("1e-280"):
            got = float(clipped_mean_weight(xi, eta, T, key))
            # xi gamma and exp amplify the rounding of the ends in deep tails.
            assert close(got, want, 1e-11), (xi, eta, T, key)


def test_wrong_weights_are_seen() -> None:
    got = float(clipped_mean_weight(1.0, 0.01, 256, 130))
    assert close(got, printed_mean_weight(1.0, 0.01, 256, 130), 1e-12)
    assert not close(got, printed_mean_weight(1.0, 0.0101, 256, 130), 1e-3)
    assert not close(got, printed_mean_weight(1.0, 0.01, 256, 129), 1e-3)


def test_without_spread_the_weight_is_the_clip_itself() -> None:
    keys = np.arange(1, 9)
    got = clipped_mean_weight(3.0, 0.0, 8, keys)
    assert got == pytest.approx(np.clip((1 + 3.0 * (keys - 4.5)) / 8, 0, 1), rel=1e-14)
    narrow = clipped_mean_weight(3.0, 1e-30, 8, keys)
    assert narrow == pytest.approx(got, rel=1e-12, abs=1e-300)
    assert float(clipped_mean_weight(3.0, 1.0, 1, 1)) == 1.0


SETTINGS = [
    (0.3, 1e-3),
    (1.0, 1.0),
    (-5.0, 2.0),
    (2.0, 1e-9),
    (40.0, 0.5),
    (1e-3, 1e-7),
    (0.0, 1e4),
    (3.0, 1e-30),
]


def direct_row(xi: float, eta: float, T: int) -> tuple[float, np.ndarray]:
    """Plain sums over the keys."""
    keys = np.arange(1, T + 1)
    gamma = keys - (T + 1) / 2
    sigma = np.sqrt(eta * (2 * gamma**2 + (T * T - 1) / 12))
    alive = interval_probability((-1 - xi * gamma) / sigma, (T - 1 - xi * gamma) / sigma)
    return float(clipped_mean_weight(xi, eta, T, keys).sum()), alive.reshape(4, -1).sum(axis=1)


@pytest.mark.parametrize("T", [4, 12, 800, 1004, 65_536, 100_020])
@pytest.mark.parametrize(("xi", "eta"), SETTINGS)
def test_row_is_the_sum_over_its_keys(xi: float, eta: float, T: int) -> None:
    row = clipped_row(xi, eta, T)
    total, quarters = direct_row(xi, eta, T)
    assert row.pl_row_sum == pytest.approx(total, rel=1e-11)
    assert row.mass == pytest.approx(quarters.sum() / T, rel=1e-11)
    assert row.rho_quarters == pytest.approx(quarters / quarters.sum(), rel=1e-10, abs=1e-280)


@pytest.mark.parametrize(("xi", "eta"), [(1.0, 1.0), (4.0, 0.5), (-0.5, 10.0)])
def test_many_keys_approach_the_limit_profile(xi: float, eta: float) -> None:
    nodes, weights = np.polynomial.legendre.leggauss(200)
    theta = 0.125 * (nodes + 1) + 0.25 * np.arange(4)[:, None]
    quarters = rho_profile(xi, eta, theta) @ weights / 8
    row = clipped_row(xi, eta, 10**12)
    # The ends of the clip are -1 and T - 1 against 0 and T: corrections of order 1/T.
    assert row.mass == pytest.approx(quarters.sum(), rel=1e-10)
    assert row.rho_quarters == pytest.approx(quarters / quarters.sum(), rel=1e-10)
    coarse = clipped_row(xi, eta, 1000)
    assert coarse.mass != pytest.approx(quarters.sum(), rel=1e-6)


def test_steps_of_single_keys_in_a_long_sequence() -> None:
    # sigma << 1: key i is alive iff -1 < xi gamma < T - 1, and the weights are the clips.
    T, xi = 4_000_000, 8.0
    row = clipped_row(xi, 1e-22, T)
    assert row.mass == pytest.approx(T / 8 / T, rel=1e-6)
    gamma = np.arange(1, T + 1) - (T + 1) / 2
    assert row.pl_row_sum == pytest.approx(np.clip((1 + xi * gamma) / T, 0, 1).sum(), rel=1e-12)


@pytest.mark.parametrize("theta", [0.0, 0.3, 1.0])
def test_linear_regime(theta: float) -> None:
    for xi, eta, T in [(-0.02, 1e-4, 100), (0.5, 3.0, 10**12), (-3.0, 0.01, 40)]:
        with mp.workdps(60):
            x = mp.mpf(theta) - mp.mpf(1) / 2
            z = (1 + T * xi * x) / (T * mp.sqrt(eta * (2 * x * x + mp.mpf(1) / 12)))
            want = normal_interval(-mp.inf, z)
        assert close(float(rho_linear_regime(xi, eta, T, theta)), want, 1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: clipped_mean_weight(1.0, -1.0, 8, 1), "eta = -1.0"),
        (lambda: clipped_mean_weight(float("nan"), 1.0, 8, 1), "xi = nan"),
        (lambda: clipped_mean_weight(1.0, 1.0, 8, 9), "key = 9"),
        (lambda: clipped_mean_weight(1.0, 1.0, 8, [1, 1.5]), "key = "),
        (lambda: clipped_mean_weight(1.0, 1.0, 0, 1), "T = 0"),
        (lambda: clipped_row(1.0, 1.0, 10), "T = 10: expected a multiple of 4"),
        (lambda: clipped_row(1.0, 0.0, 8), "eta = 0.0"),
        (lambda: clipped_row(1e3, 1e-9, 4), "eta = 1e-09"),
        (lambda: rho_linear_regime(1.0, 1.0, 8, 1.1), "theta = 1.1"),
        (lambda: rho_linear_regime(1.0, 0.0, 8, 0.1), "eta = 0.0"),
    ],
)
def test_refuses_bad_input(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
