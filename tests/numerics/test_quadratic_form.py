from __future__ import annotations

import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qktheory.numerics.bilinear_form import (
    bilinear_weights,
    centred_walk_coefficients,
    symmetric_bilinear_weights,
)
from qktheory.numerics.quadratic_form import QuadraticForm

from .references import close, hypoexponential, rank_one, rank_two, vectors

weights = st.lists(
    st.floats(0.05, 5.0) | st.floats(-5.0, -0.05), min_size=4, max_size=8, unique=True
)

similar_weights = st.lists(
    st.floats(0.5, 2.0) | st.floats(-2.0, -0.5), min_size=4, max_size=8, unique=True
)


def law_of(parameters: dict, mirrored: bool = False) -> QuadraticForm:
    gamma, r_squared, D = centred_walk_coefficients(parameters["T"], parameters["key"])
    gamma = -gamma if mirrored else gamma
    if "eigenvalues" in parameters:
        mu = parameters["eigenvalues"]
        return QuadraticForm(symmetric_bilinear_weights(mu, gamma, r_squared, D))
    factor = np.linalg.cholesky(np.array(parameters["Sigma"]))
    M = factor.T @ np.array(parameters["W_QK"]) @ factor / parameters["temperature"]
    return QuadraticForm(bilinear_weights(M, gamma, r_squared, D))


@pytest.mark.parametrize("vector", vectors("LOC-3b", "LOC-3c"))
def test_aliveness_of_the_chapter(vector: dict) -> None:
    parameters = vector["parameters"]
    rho = law_of(parameters).probability(-1.0, parameters["T"] - 1.0)
    want = vector["values"]["rho_exact"]
    # The rank-two vector is itself known to 1e-8 only.
    assert close(rho, want, 1e-12 if vector["rtol"] == 1e-9 else vector["rtol"], 1e-14)


def test_wrong_sign_of_gamma_is_visible() -> None:
    vector = vectors("LOC-3b")[0]
    T = vector["parameters"]["T"]
    mirrored = law_of(vector["parameters"], mirrored=True).probability(-1.0, T - 1.0)
    assert not close(mirrored, vector["values"]["rho_exact"], 0.1)


@pytest.mark.parametrize("vector", vectors("LOC-2a", "LOC-2b"))
def test_characteristic_function_of_the_chapter(vector: dict) -> None:
    values = vector["values"]
    law = law_of(vector["parameters"])
    phi = complex(law.characteristic_function(vector["parameters"]["tau"]))
    assert close(phi.real, values["phi_real"], 1e-12, 1e-14)
    assert close(phi.imag, values["phi_imag"], 1e-12, 1e-14)
    if "cumulant_3" in values:
        assert close(law.cumulant(3), values["cumulant_3"], 1e-13)
        assert close(law.cumulant(4), values["cumulant_4"], 1e-13)


@pytest.mark.parametrize("seed", range(5))
def test_sums_of_exponentials_to_full_relative_accuracy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(24):
        spread = rng.choice([0.3, 1.0, 3.0])
        size = int(rng.integers(1, 8))
        w = [float(x) for x in np.exp(spread * rng.normal(size=size)) * rng.choice([-1, 1], size)]
        sd = math.sqrt(4.0 * sum(x * x for x in w))
        a = float(rng.choice([-1, 1]) * sd * 10 ** rng.uniform(-12, 1.3))
        b = a + float(sd * 10 ** rng.uniform(-9, 2))
        want = hypoexponential(w, a, b)
        got = QuadraticForm(w, [2] * size).probability(a, b)
        if want > mp.mpf("1e-290"):
            assert close(got, want, 1e-11), (w, a, b)
        else:
            assert got < 1e-280


@pytest.mark.parametrize(
    ("mu", "T", "key"), [(0.5, 12, 9), (3.0, 2, 1), (-0.02, 40, 3), (1e-3, 1000, 999)]
)
def test_rank_one_against_the_conditional_average(mu: float, T: int, key: int) -> None:
    gamma, r_squared, D = centred_walk_coefficients(T, key)
    law = QuadraticForm(symmetric_bilinear_weights([mu], gamma, r_squared, D))
    want = rank_one(mu, gamma, D, -1.0, T - 1.0)
    assert close(law.probability(-1.0, T - 1.0), want, 1e-11)


@pytest.mark.parametrize(("mu", "key"), [((0.5, -0.2), 9), ((0.5, 0.03), 2), ((2.0, 1.9), 6)])
def test_rank_two_against_the_conditional_average(mu: tuple[float, float], key: int) -> None:
    gamma, r_squared, D = centred_walk_coefficients(12, key)
    law = QuadraticForm(symmetric_bilinear_weights(mu, gamma, r_squared, D))
    assert close(law.probability(-1.0, 11.0), rank_two(mu, gamma, D, -1.0, 11.0), 1e-12)


@settings(max_examples=40, deadline=None)
@given(similar_weights, st.floats(-2, 2), st.floats(0.01, 4))
def test_contour_and_inversion_agree(w: list[float], at: float, length: float) -> None:
    law = QuadraticForm(w, [3] * len(w))
    sd = math.sqrt(law.variance)
    a = law.mean + at * sd
    b = a + length * sd
    assert law.probability(a, b) == pytest.approx(
        law.probability(a, b, method="inversion"), abs=1e-12
    )


@settings(max_examples=40, deadline=None)
@given(weights, st.floats(-3, 3), st.floats(0.01, 100))
def test_scaling_mirroring_and_complement(w: list[float], at: float, scale: float) -> None:
    law = QuadraticForm(w)
    x = law.mean + at * math.sqrt(law.variance)
    assert law.cdf(x) + law.sf(x) == pytest.approx(1.0, abs=1e-13)
    assert QuadraticForm([scale * v for v in w]).cdf(scale * x) == pytest.approx(
        law.cdf(x), rel=1e-11
    )
    assert QuadraticForm([-v for v in w]).sf(-x) == pytest.approx(law.cdf(x), rel=1e-11)


@settings(max_examples=25, deadline=None)
@given(weights, st.floats(-2, 2))
def test_density_is_the_limit_of_short_intervals(w: list[float], at: float) -> None:
    law = QuadraticForm(w)
    sd = math.sqrt(law.variance)
    x = law.mean + at * sd
    half = 1e-4 * sd
    if abs(x) > 0.05 * sd:
        short = law.probability(x - half, x + half) / (2.0 * half)
        assert law.pdf(x) == pytest.approx(short, rel=1e-4, abs=1e-12 / sd)


@settings(max_examples=30, deadline=None)
@given(weights, st.floats(-2, 2))
def test_characteristic_function_is_the_product_of_its_factors(w: list[float], t: float) -> None:
    want = mp.fprod(1 / mp.sqrt(1 - 2j * mp.mpf(t) * mp.mpf(v)) for v in w)
    got = complex(QuadraticForm(w).characteristic_function(t))
    assert abs(got - complex(want)) <= 1e-14


def test_multiplicity_stands_for_repetition() -> None:
    grouped = QuadraticForm([0.3, -0.2], [50, 20])
    listed = QuadraticForm([0.3] * 50 + [0.0, 0.0] + [-0.2] * 20)
    assert grouped.weights.tolist() == listed.weights.tolist() == [-0.2, 0.3]
    assert grouped.probability(9.0, 12.0) == listed.probability(9.0, 12.0)


def test_large_multiplicity_matches_chi_square() -> None:
    law = QuadraticForm([0.5], [10_000])
    want = mp.gammainc(5000, 4800, 5100, regularized=True)
    assert close(law.probability(4800.0, 5100.0), want, 1e-11)


def test_small_weights_that_shift_the_law() -> None:
    # 10^4 small weights add 0.1 (+- 0.0014) to 2 g1 g2: the contour must not bend right at x < 0.1.
    law = QuadraticForm([1.0, -1.0, 1e-5], [1, 1, 10_000])
    shifted = QuadraticForm([1.0, -1.0])
    assert law.cdf(0.05) == pytest.approx(shifted.cdf(-0.05), rel=1e-3)
    assert law.cdf(0.05) + law.sf(0.05) == pytest.approx(1.0, abs=1e-12)


def test_bounded_and_constant_laws() -> None:
    positive = QuadraticForm([1.0, 2.0])
    assert positive.cdf(0.0) == 0.0
    assert positive.cdf(-1.0) == 0.0
    assert positive.sf(-1.0) == 1.0
    assert positive.probability(-5.0, 0.0) == 0.0
    assert positive.pdf(-1.0) == 0.0
    assert positive.pdf(0.0) == pytest.approx(0.5 / math.sqrt(2.0), rel=1e-14)
    assert QuadraticForm([0.0, 0.0]).probability(-1.0, 11.0) == 1.0
    assert QuadraticForm([0.0]).probability(0.5, 11.0) == 0.0


def test_infinite_ends_and_poles() -> None:
    law = QuadraticForm([1.0, -1.0])
    assert law.probability(-math.inf, math.inf) == 1.0
    assert law.cdf(0.0) == 0.5
    assert law.pdf(0.0) == math.inf
    # 2 g1 g2 has the density K_0(|x|/2)/(2 pi).
    assert close(law.pdf(0.7), mp.besselk(0, mp.mpf("0.35")) / (2 * mp.pi), 1e-12)
    assert QuadraticForm([1.0]).pdf(0.0) == math.inf


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: QuadraticForm([math.nan]), "weights"),
        (lambda: QuadraticForm([1.0], [0.0]), "multiplicities"),
        (lambda: QuadraticForm([1.0]).probability(1.0, 0.0), "b = 0"),
        (lambda: QuadraticForm([1.0]).probability(math.nan, 0.0), "a = nan"),
        (lambda: QuadraticForm([1.0]).probability(0.0, 1.0, method="invertion"), "inversion"),
        (lambda: QuadraticForm([1.0]).probability(0.0, 1.0, method="inversion"), "contour"),
        (lambda: QuadraticForm([1.0]).cumulant(0), "n = 0"),
        (lambda: QuadraticForm([1.0]).characteristic_function(math.inf), "tau"),
        (lambda: QuadraticForm([]).pdf(1.0), "x = "),
        (lambda: QuadraticForm([]).kolmogorov_distance_to_normal(), "weights"),
    ],
)
def test_refuses_bad_input(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
