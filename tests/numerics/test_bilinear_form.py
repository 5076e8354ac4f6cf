from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from qktheory.numerics.bilinear_form import (
    bilinear_weights,
    centred_walk_coefficients,
    symmetric_bilinear_weights,
)
from qktheory.numerics.quadratic_form import QuadraticForm


def exact_coefficients(T: int, key: int) -> tuple[Fraction, Fraction]:
    """gamma and r^2 = T |c|^2 from the definition of c in LOC-1."""
    c = [Fraction(int(s <= key)) - Fraction(T - s + 1, T) for s in range(1, T + 1)]
    return sum(c, Fraction(0)), T * sum((x * x for x in c), Fraction(0))


@pytest.mark.parametrize(("T", "key"), [(1, 1), (2, 1), (2, 2), (7, 2), (12, 12), (31, 17)])
def test_walk_coefficients_from_their_definition(T: int, key: int) -> None:
    gamma, r_squared = exact_coefficients(T, key)
    got = centred_walk_coefficients(T, key)
    assert got.gamma == float(gamma)
    assert got.r_squared == pytest.approx(float(r_squared), rel=1e-15)
    assert abs(got.D - float(r_squared - gamma * gamma)) <= 1e-15 * got.D


def test_walk_coefficients_of_a_very_long_walk() -> None:
    T, key = 10**12, 10**12 - 3
    got = centred_walk_coefficients(float(T), key)
    assert got.gamma == key - (T + 1) / 2
    assert got.r_squared - got.gamma**2 == pytest.approx(got.D, rel=1e-14)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("T", [2, 9, 10**6, 10**12])
def test_cumulants_are_traces(seed: int, T: int) -> None:
    # Isserlis: mean gamma tr M, variance r^2 tr M M^T + gamma^2 tr M^2 (LOC-1); for symmetric M
    # LOC-2: k3 = tr M^3 (6 r^2 g + 2 g^3), k4 = 6 tr M^4 (r^4 + 6 r^2 g^2 + g^4).
    rng = np.random.default_rng(seed)
    key = int(rng.integers(1, T + 1))
    g, r2, D = centred_walk_coefficients(T, key)
    M = rng.normal(size=(5, 5))
    law = QuadraticForm(bilinear_weights(M, g, r2, D))
    size = np.sqrt(r2)
    assert law.mean / size == pytest.approx(g * np.trace(M) / size, rel=1e-12, abs=1e-13)
    variance = r2 * np.sum(M * M) + g * g * np.trace(M @ M)
    assert law.variance == pytest.approx(variance, rel=1e-12)
    S = M + M.T
    law = QuadraticForm(bilinear_weights(S, g, r2, D))
    k3 = np.trace(S @ S @ S) * (6 * r2 * g + 2 * g**3)
    assert law.cumulant(3) / size**3 == pytest.approx(k3 / size**3, rel=1e-11, abs=1e-11)
    k4 = 6 * np.trace(S @ S @ S @ S) * (r2**2 + 6 * r2 * g**2 + g**4)
    assert law.cumulant(4) == pytest.approx(k4, rel=1e-11)


@pytest.mark.parametrize("seed", range(4))
def test_characteristic_function_is_the_determinant(seed: int) -> None:
    # E exp(i tau q) = det(I - i tau gamma (M + M^T) + tau^2 D M^T M)^(-1/2), compared squared.
    rng = np.random.default_rng(seed)
    M = rng.normal(size=(4, 4))
    g, r2, D = centred_walk_coefficients(9, 2 + seed)
    for tau in (0.01, 0.1, 1.0):
        phi = complex(QuadraticForm(bilinear_weights(M, g, r2, D)).characteristic_function(tau))
        matrix = np.eye(4) - 1j * tau * g * (M + M.T) + tau**2 * D * M.T @ M
        assert phi**2 * np.linalg.det(matrix) == pytest.approx(1.0, abs=1e-11)


def test_symmetric_and_general_routes_agree() -> None:
    rng = np.random.default_rng(0)
    S = rng.normal(size=(6, 6))
    S += S.T
    coefficients = centred_walk_coefficients(20, 18)
    mu = np.linalg.eigvalsh(S)
    general = np.sort(bilinear_weights(S, *coefficients))
    # An antisymmetric part of rounding size selects the general formulation.
    nudged = S + 1e-14 * np.triu(np.ones((6, 6)), 1)
    assert np.sort(symmetric_bilinear_weights(mu, *coefficients)) == pytest.approx(general)
    assert np.sort(bilinear_weights(nudged, *coefficients)) == pytest.approx(general, abs=1e-11)


def test_antisymmetric_form_is_odd() -> None:
    M = np.array([[0.0, 2.0], [-2.0, 0.0]])
    w = np.sort(bilinear_weights(M, 1.0, 5.0))
    assert w == pytest.approx(-w[::-1])
    assert np.sum(w * w) == pytest.approx(0.5 * (5.0 * 8.0 - 1.0 * 8.0))


def test_perfect_correlation_leaves_one_sign() -> None:
    assert np.sort(symmetric_bilinear_weights([2.0], 3.0, 9.0)).tolist() == [0.0, 6.0]
    assert bilinear_weights([[1.0]], 0.0, 0.0).tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: centred_walk_coefficients(0, 1), "T = 0"),
        (lambda: centred_walk_coefficients(5, 6), "key = 6"),
        (lambda: bilinear_weights([[1.0, 2.0]], 0.0, 1.0), "M = "),
        (lambda: bilinear_weights([[1.0]], 2.0, 1.0), "r_squared"),
        (lambda: bilinear_weights([[1.0]], 0.0, 1.0, -1.0), "D = "),
        (lambda: symmetric_bilinear_weights([np.inf], 0.0, 1.0), "eigenvalues"),
    ],
)
def test_refuses_bad_input(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
