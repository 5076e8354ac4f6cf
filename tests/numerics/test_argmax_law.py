from __future__ import annotations

import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qktheory.numerics.argmax_law import (
    argmax_cdf,
    argmax_cdf_averaged,
    argmax_density,
    argmax_density_averaged,
)

from .references import close, vectors

# Multiples of 2^-30, so that 1 - u is exact.
POSITIONS = st.integers(1, 2**30 - 1).map(lambda k: k / 2**30)


@pytest.mark.parametrize("vector", vectors("LOC-11a", "LOC-11b"))
def test_values_of_the_chapter(vector: dict) -> None:
    theta, drift = vector["parameters"].values()
    if vector["id"] == "LOC-11a":
        assert close(float(argmax_density(theta, drift)), vector["values"]["argmax_density"], 1e-13)
    else:
        for method in ("auto", "quadrature"):
            got = float(argmax_density_averaged(theta, drift, method))
            assert close(got, vector["values"]["argmax_density_averaged"], 1e-13)


def joint_law_density(u: float, beta: float) -> mp.mpf:
    """Integrate the joint law of maximum, argmax and end point over the maximum h (LOC-11)."""
    with mp.workdps(30):
        u, beta = mp.mpf(u), mp.mpf(beta)
        v = 1 - u
        # In h = max(beta, 0) + sd r the largest value of the exponential comes out in front.
        floor, sd = max(beta, mp.mpf(0)), mp.sqrt(u * v)
        start = (floor - beta * u) / sd

        def integrand(r: mp.mpf) -> mp.mpf:
            h = floor + sd * r
            return h * (h - beta) / sd**2 * mp.exp(-r * (start + r / 2))

        scale = 1 / (1 + start)
        total = mp.quad(integrand, [scale * c for c in (0, 1, 2, 4, 7, 11, 16, 30, 60)])
        return total * mp.exp(-start * start / 2) * mp.sqrt(2 / mp.pi)


@pytest.mark.parametrize("seed", range(2))
def test_density_against_the_joint_law(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(20):
        near = 10 ** rng.uniform(-9, 0)
        u = float(rng.choice([near, 1.0 - near, rng.uniform()]))
        beta = float(rng.choice([-1, 1]) * 10 ** rng.uniform(-4, 1.5)) * float(rng.random() < 0.9)
        if not 0.0 < u < 1.0:
            continue
        want = joint_law_density(u, beta)
        if want > mp.mpf("1e-250"):
            assert close(float(argmax_density(u, beta)), want, 1e-11), (u, beta)
            assert not close(float(argmax_density(u, beta + 0.05)), want, 1e-9)


def test_printed_density() -> None:
    u, beta = 0.37, 1.3
    v = 1 - u
    printed = math.sqrt(2 / math.pi) * beta * math.sqrt(u / v) * math.exp(
        -(beta**2) * v / (2 * u)
    ) + (1 - beta**2) * math.erfc(beta * math.sqrt(v / u / 2))
    assert float(argmax_density(u, beta)) == pytest.approx(printed, rel=1e-13)
    assert float(argmax_density(v, -beta)) == pytest.approx(printed, rel=1e-13)


@pytest.mark.parametrize("beta", [-3.0, -0.4, 0.0, 0.7, 5.0])
def test_distribution_function_integrates_the_density(beta: float) -> None:
    # u = sin^2 removes the inverse square roots at the ends; panels resolve large drifts.
    nodes, weights = np.polynomial.legendre.leggauss(40)
    for top in (0.03, 0.4, 0.95):
        edges = np.linspace(0.0, math.asin(math.sqrt(top)), 9)
        half = 0.5 * np.diff(edges)[:, None]
        angle = edges[:-1, None] + half * (nodes + 1)
        u = np.sin(angle) ** 2
        total = np.sum(half * weights * argmax_density(u, beta) * np.sin(2 * angle))
        assert float(argmax_cdf(top, beta)) == pytest.approx(total, rel=1e-11, abs=1e-300)


@settings(max_examples=80, deadline=None)
@given(POSITIONS, st.floats(-30.0, 30.0))
def test_tails_complement_each_other(u: float, beta: float) -> None:
    below, above = float(argmax_cdf(u, beta)), float(argmax_cdf(1.0 - u, -beta))
    assert below + above == pytest.approx(1.0, abs=1e-13)
    assert 0.0 <= below <= 1.0 + 1e-15
    # Larger drift moves the argmax to the right.
    assert float(argmax_cdf(u, beta + 0.1)) <= below * (1 + 1e-12)


def printed_share(u: mp.mpf, beta: mp.mpf) -> mp.mpf:
    """F(u|beta) = 2 u ((1 + X^2) Phi(-X) - X phi(X)), beta >= 0."""
    X = beta * mp.sqrt((1 - u) / u)
    return 2 * u * ((1 + X * X) * mp.erfc(X / mp.sqrt(2)) / 2 - X * mp.npdf(X))


@pytest.mark.parametrize("beta", [1e-9, 1e-3, 0.4, 3.0, 30.0])
@pytest.mark.parametrize("u", [1e-12, 1e-3, 0.3, 0.9, 1 - 2.0**-40])
def test_both_tails_are_relatively_accurate(u: float, beta: float) -> None:
    with mp.workdps(500):
        low = printed_share(mp.mpf(u), mp.mpf(beta))
        high = 1 - printed_share(1 - mp.mpf(u), mp.mpf(beta))
    if low > mp.mpf("1e-280"):
        assert close(float(argmax_cdf(u, beta)), low, 1e-11)
    assert close(float(argmax_cdf(u, -beta)), high, 1e-12)


def test_law_of_simulated_bridges() -> None:
    # 2000 bridges of 2^13 steps. DKW: P(sup > sqrt(ln(2/1e-9)/(2 n))) < 1e-9, plus the lattice.
    rng = np.random.default_rng(11)
    n, steps, beta = 2000, 2**13, 0.9
    argmax = np.empty(n)
    slope = np.arange(1, steps + 1) / steps
    for k in range(n):
        walk = np.cumsum(rng.standard_normal(steps)) / math.sqrt(steps)
        argmax[k] = (np.argmax(walk - slope * (walk[-1] - beta)) + 1) / steps
    argmax = np.sort(np.clip(argmax - 0.5 / steps, 1e-9, 1 - 1e-9))
    band = math.sqrt(math.log(2e9) / (2 * n)) + 0.02
    empirical = np.arange(1, n + 1) / n
    assert np.max(np.abs(argmax_cdf(argmax, beta) - empirical)) < band
    assert np.max(np.abs(argmax_cdf(argmax, beta - 0.5) - empirical)) > band


def averaged(u: float, b: float, function) -> mp.mpf:
    """Trapezoid in the logarithm of |beta| on each side of the kink."""
    with mp.workdps(25):
        h, total = mp.mpf("0.08"), mp.mpf(0)
        for side in (1, -1):
            for k in range(-520, 60):
                beta = side * mp.exp(k * h)
                bell = mp.npdf(beta, b, mp.sqrt(2))
                if bell > mp.mpf("1e-40"):
                    total += h * abs(beta) * bell * function(float(u), beta)
        return total


def exact_density(u: float, beta: mp.mpf) -> mp.mpf:
    u, v = (mp.mpf(u), 1 - mp.mpf(u)) if beta > 0 else (1 - mp.mpf(u), mp.mpf(u))
    b = abs(beta)
    X = b * mp.sqrt(v / u)
    with mp.workdps(60):
        tail = (1 - b * b) * mp.erfc(X / mp.sqrt(2))
        return mp.sqrt(2 / mp.pi) * b * mp.sqrt(u / v) * mp.exp(-X * X / 2) + tail


def exact_distribution(u: float, beta: mp.mpf) -> mp.mpf:
    with mp.workdps(60):
        if beta > 0:
            return printed_share(mp.mpf(u), beta)
        return 1 - printed_share(1 - mp.mpf(u), -beta)


@pytest.mark.parametrize(("u", "b"), [(0.02, 0.7), (0.6, -4.0), (0.999, 2.5), (1e-5, -1.0)])
def test_averages_over_the_drift(u: float, b: float) -> None:
    assert close(float(argmax_density_averaged(u, b)), averaged(u, b, exact_density), 1e-12)
    assert close(float(argmax_cdf_averaged(u, b)), averaged(u, b, exact_distribution), 1e-12)


def test_closed_form_and_quadrature_agree() -> None:
    u = np.array([1e-200, 1e-9, 0.01, 0.3, 0.5, 0.8, 1 - 1e-9])
    closed = argmax_density_averaged(u, 0.0, "closed")
    assert argmax_density_averaged(u, 0.0, "quadrature") == pytest.approx(closed, rel=1e-13)
    assert argmax_density_averaged(u, 1e-3, "quadrature") != pytest.approx(closed, rel=1e-6)


@settings(max_examples=60, deadline=None)
@given(POSITIONS, st.floats(-25.0, 25.0))
def test_averages_are_laws(u: float, b: float) -> None:
    below = float(argmax_cdf_averaged(u, b))
    assert below + float(argmax_cdf_averaged(1.0 - u, -b)) == pytest.approx(1.0, abs=1e-12)
    density = float(argmax_density_averaged(u, b))
    assert density == pytest.approx(float(argmax_density_averaged(1.0 - u, -b)), rel=1e-6)
    if 1e-3 < u < 0.999:
        h = 1e-4 * min(u, 1.0 - u)
        slope = float(argmax_cdf_averaged(u + h, b)) - float(argmax_cdf_averaged(u - h, b))
        assert slope / (2 * h) == pytest.approx(density, rel=1e-4, abs=1e-8)


@pytest.mark.parametrize("b", [0.0, 1e-300, 1e5, -1e5, 1e100, -1e100])
def test_extreme_scales_stay_finite(b: float) -> None:
    u = [1e-290, 1e-9, 0.5, 1 - 1e-16]
    for values in (argmax_density_averaged(u, b, "quadrature"), argmax_cdf_averaged(u, b)):
        assert np.isfinite(values).all()
        assert (values >= 0.0).all()
    assert np.isfinite(argmax_density(u, b * 1e150)).all()
    assert np.isfinite(argmax_cdf(u, b * 1e150)).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: argmax_density(0.0, 1.0), "theta = 0.0"),
        (lambda: argmax_density([0.5, 1.0], 1.0), "theta = "),
        (lambda: argmax_density(0.5, math.nan), "beta = nan"),
        (lambda: argmax_cdf(0.5, math.inf), "beta = inf"),
        (lambda: argmax_density_averaged(0.5, math.inf), "b = inf"),
        (lambda: argmax_density_averaged(0.5, 1.0, "closed"), "method = 'closed'"),
        (lambda: argmax_density_averaged(0.5, 1.0, "close"), "did you mean 'closed'"),
        (lambda: argmax_cdf_averaged(1.5, 1.0), "theta = 1.5"),
    ],
)
def test_refuses_bad_input(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
