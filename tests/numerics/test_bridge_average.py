from __future__ import annotations

import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qktheory.numerics.bridge_softmax import (
    drift_weight,
    half_coth,
    mean_drift_weight,
    mean_drift_weight_normal,
    mean_half_coth,
    mean_half_coth_normal,
    positional_localization,
    positional_localization_normal,
)

from .references import close, vectors


@pytest.mark.parametrize("vector", vectors("LOC-10a", "LOC-10b"))
def test_values_of_the_chapter(vector: dict) -> None:
    p = vector["parameters"]
    T = p["T"]
    if vector["id"] == "LOC-10a":
        w = T * np.array(p["eigenvalues"])
        got = {
            "Lambda": positional_localization(w),
            "scaled_participation": mean_half_coth(w) + np.sum(w * w) / 12,
            "scaled_end_weight": mean_drift_weight(w),
            "scaled_first_weight": mean_drift_weight(-w),
        }
    else:
        mu, variance = T * p["xi"], 2 * T**2 * p["eta"]
        got = {
            "Lambda": positional_localization_normal(mu, variance),
            "scaled_participation": mean_half_coth_normal(mu, variance) + variance / 24,
        }
    for name, want in vector["values"].items():
        assert close(got[name], want, 1e-12, 1e-14), name


@pytest.mark.parametrize("vector", vectors("LOC-9g"))
def test_general_matrices_of_the_chapter(vector: dict) -> None:
    p = vector["parameters"]
    root = np.linalg.cholesky(np.array(p["Sigma"]))
    M = root.T @ np.array(p["W_QK"]) @ root / p["temperature"]
    w = p["T"] * np.linalg.eigvalsh(0.5 * (M + M.T))
    got = mean_half_coth(w) / p["T"] + p["T"] * np.sum(M * M) / 12
    assert close(got, vector["values"]["mean_participation"], 1e-12)


def mean_of_exponential(rate: mp.mpf) -> mp.mpf:
    """E[m/(e^m - 1)] for m exponential with mean a = 1/rate: the sum of a/(1 + n a)^2 over n."""
    a = 1 / rate
    return mp.psi(1, 1 + 1 / a) / a


def mean_over_pairs(weights: np.ndarray) -> tuple[mp.mpf, mp.mpf]:
    """E[m/(e^m - 1)] and E[m/(1 - e^-m)] when each weight occurs exactly twice.

    m is then a sum of exponentials of both signs; partial fractions give its law.
    """
    with mp.workdps(120):
        ws = [mp.mpf(w) for w in weights]
        down, up = mp.mpf(0), mp.mpf(0)
        for w in ws:
            share = mp.fprod(1 / (1 - v / w) for v in ws if v != w)
            small = mean_of_exponential(1 / (2 * abs(w)))
            large = small + 2 * abs(w)
            down += share * (small if w > 0 else large)
            up += share * (large if w > 0 else small)
        return +down, +up


@pytest.mark.parametrize("seed", range(3))
def test_pairs_of_weights_over_the_domain(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for trial in range(50):
        n = int(rng.integers(1, 7))
        w = rng.choice([-1, 1], n) * 10 ** rng.uniform(-3, 3, n) * 10 ** rng.uniform(-6, 20)
        w = np.abs(w) if trial % 3 == 0 else w
        down, up = mean_over_pairs(w)
        pairs = np.repeat(w, 2)
        assert close(mean_drift_weight(pairs), up, 1e-12, 1e-300), w
        assert close(mean_drift_weight(-w, [2] * n), down, 1e-12, 1e-300), w
        assert close(mean_half_coth(pairs), (up + down) / 2, 1e-12), w
        assert close(positional_localization(pairs), (up - down) / (up + down), 1e-12), w


def over_chi_square(w: float, d: int) -> mp.mpf:
    """E[m/(e^m - 1)] for m = w chi^2_d, trapezoid in the logarithm of chi^2."""
    with mp.workdps(25):
        w, half = mp.mpf(w), mp.mpf(d) / 2
        h = mp.mpf("0.125") / (1 + mp.sqrt(d) / 8)
        low = mp.log(d) - max(130 / mp.mpf(d), 1) - 50 / mp.sqrt(half) - mp.log(1 + max(2 * w, 0))
        high = mp.log(d + 60 * mp.sqrt(d) + 300)
        front = half * mp.log(2) + mp.loggamma(half)

        def term(t: mp.mpf) -> mp.mpf:
            x = mp.exp(t)
            return mp.exp(half * t - x / 2 - front) * w * x / mp.expm1(w * x)

        return h * mp.fsum(term(low + k * h) for k in range(int((high - low) / h)))


@pytest.mark.parametrize("d", [1, 3, 64])
@pytest.mark.parametrize("w", [1e-12, 0.01, 1.0, 30.0, 1e6])
def test_concentrated_spectra(w: float, d: int) -> None:
    # The smaller weight falls below 1e-200: a difference of the two others could not give it.
    assert close(mean_drift_weight([-w] * d), over_chi_square(w, d), 1e-12)
    assert close(mean_drift_weight([w], [d]), over_chi_square(-w, d), 1e-12)


@pytest.mark.parametrize("d", [1000, 100_000])
def test_many_equal_weights_are_nearly_normal(d: int) -> None:
    # Residues at s = -1, -2, ... carry the value: E m e^(-m) + E m e^(-2 m) + ...
    w = 0.05
    with mp.workdps(40):
        terms = (d * w * mp.mpf(1 + 2 * n * w) ** (-mp.mpf(d) / 2 - 1) for n in range(1, 40))
        want = mp.fsum(terms)
    assert close(mean_drift_weight([-w], [d]), want, 1e-11, 1e-300)
    assert mean_drift_weight([w], [d]) == pytest.approx(d * w, rel=1e-12)


def printed_half_coth(weights: list[float]) -> mp.mpf:
    """1 - 2 int_0^inf Re phi'(t)/(e^(2 pi t) - 1) dt (LOC-9g)."""
    with mp.workdps(30):
        ws = [mp.mpf(w) for w in weights]

        def integrand(t: mp.mpf) -> mp.mpf:
            phi = mp.fprod(1 / mp.sqrt(1 - 2j * t * w) for w in ws)
            slope = phi * mp.fsum(1j * w / (1 - 2j * t * w) for w in ws)
            return slope.real / mp.expm1(2 * mp.pi * t)

        scale = 1 / max(abs(w) for w in ws)
        cuts = [c * scale for c in (0, 0.3, 1, 3, 10, 30) if c * scale < 1]
        return 1 - 2 * mp.quad(integrand, [*cuts, 1, 3, 10])


@pytest.mark.parametrize(
    "weights",
    [[0.7], [2.0, -0.5, 0.1], [5.0, 1.0, 1.0, 1.0, -3.0], [1e-4, -2e-4, 3e-4], [0.2] * 9],
)
def test_the_printed_one_dimensional_form(weights: list[float]) -> None:
    want = printed_half_coth(weights)
    assert close(mean_half_coth(weights), want, 1e-12)
    assert not close(mean_half_coth(1.05 * np.array(weights)), want, 1e-12)


def over_normal(mu: float, variance: float) -> mp.mpf:
    """E[m/(e^m - 1)], trapezoid in m."""
    with mp.workdps(25):
        mu, sd = mp.mpf(mu), mp.sqrt(mp.mpf(variance))
        h = min(mp.mpf("0.12"), mp.mpf("0.6") / sd)
        total = mp.mpf(0)
        for k in range(-int((12 + sd) / h), int(12 / h)):
            m = mu + sd * k * h
            total += mp.npdf(k * h) * (m / mp.expm1(m) if m else 1)
        return h * total


@pytest.mark.parametrize(
    ("mu", "variance"),
    [
        (0.0, 1.0),
        (2.0, 1e-8),
        (-5.0, 0.3),
        (91.16, 40.16),
        (200.0, 1e-3),
        (-30.0, 30.0),
        (12.0, 400.0),
        (1e-9, 9.0),
    ],
)
def test_normal_drift(mu: float, variance: float) -> None:
    down, up = over_normal(mu, variance), over_normal(-mu, variance)
    assert close(mean_drift_weight_normal(mu, variance), up, 1e-12)
    assert close(mean_drift_weight_normal(-mu, variance), down, 1e-12)
    assert close(mean_half_coth_normal(mu, variance), (up + down) / 2, 1e-12)
    wrong = mean_half_coth_normal(mu, 1.1 * variance)
    assert not close(wrong, (up + down) / 2, 1e-12) or abs(mu) > 90


def test_normal_drift_of_enormous_spread_is_its_mean_size() -> None:
    for variance in (1e16, 1e100):
        want = 0.5 * math.sqrt(2 * variance / math.pi)
        assert mean_half_coth_normal(0.0, variance) == pytest.approx(want, rel=1e-12)
        assert mean_half_coth_normal(1e100, variance) == pytest.approx(5e99, rel=1e-12)


@pytest.mark.parametrize("m", [0.0, 1e-200, -3.0, 50.0, -1e100])
def test_without_spread_the_function_itself(m: float) -> None:
    assert mean_drift_weight_normal(m, 0.0) == pytest.approx(float(drift_weight(m)), rel=1e-14)
    assert mean_half_coth_normal(m, 0.0) == pytest.approx(float(half_coth(m)), rel=1e-14)
    almost = mean_half_coth_normal(m, 1e-14)
    assert almost == pytest.approx(float(half_coth(m)), rel=1e-13)


def test_scale_of_the_largest_weights() -> None:
    # m = 2 w (E_1 - E_2): E |m| = 2 w.
    for w in (1e20, 1e60, 1e100):
        assert mean_half_coth([w, w, -w, -w]) == pytest.approx(w, rel=1e-13)
    assert mean_half_coth([]) == mean_drift_weight([0.0, 0.0]) == 1.0
    assert mean_half_coth([1e-160, -1e-200]) == pytest.approx(1.0, rel=1e-14)


WEIGHTS = st.lists(st.floats(-50.0, 50.0), min_size=1, max_size=8)


@settings(max_examples=80, deadline=None)
@given(WEIGHTS)
def test_identities_of_the_two_ends(weights: list[float]) -> None:
    w = np.array(weights)
    ahead, behind = mean_drift_weight(w), mean_drift_weight(-w)
    assert ahead - behind == pytest.approx(w.sum(), rel=1e-11, abs=1e-11 * (ahead + behind))
    assert ahead + behind == pytest.approx(2 * mean_half_coth(w), rel=1e-13)
    assert positional_localization(w) == pytest.approx(
        (ahead - behind) / (ahead + behind), abs=1e-12
    )
    assert abs(positional_localization(w)) < 1.0
    # |m|/2 <= (m/2) coth(m/2) <= 1 + |m|/2 and convexity.
    assert mean_half_coth(w) >= float(half_coth(w.sum())) * (1 - 1e-12)


@settings(max_examples=60, deadline=None)
@given(WEIGHTS, st.floats(0.0, 0.5))
def test_participation_is_schur_convex(weights: list[float], share: float) -> None:
    w = np.array([*weights, 0.0])
    moved = w.copy()
    moved[0], moved[-1] = w[0] + share * (w[-1] - w[0]), w[-1] - share * (w[-1] - w[0])
    assert mean_half_coth(moved) <= mean_half_coth(w) * (1 + 1e-12)
    assert abs(positional_localization(moved)) >= abs(positional_localization(w)) * (1 - 1e-11)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mean_half_coth([math.nan]), "weights has the entry nan"),
        (lambda: mean_half_coth([1e200]), "weights = "),
        (lambda: mean_drift_weight([1.0], [0.0]), "multiplicities = "),
        (lambda: positional_localization([[1.0]]), "weights = "),
        (lambda: mean_half_coth_normal(0.0, -1.0), "variance = -1.0"),
        (lambda: mean_drift_weight_normal(math.inf, 1.0), "mu = inf"),
        (lambda: positional_localization_normal(0.0, 1e200), "variance = 1e\\+200"),
    ],
)
def test_refuses_bad_input(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
