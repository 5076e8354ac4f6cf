from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import roots_genlaguerre

from qktheory.numerics import gaussian_query
from qktheory.numerics.gaussian_query import (
    average_over_gaussian_query,
    gaussian_query_nodes,
    iid_row_moments_over_queries,
)
from qktheory.numerics.iid_row import iid_row_moments


def moments_of_the_query(M: np.ndarray) -> dict[str, float]:
    """LOC-15: E m = tr M, Var m = tr M M^T + tr M^2, E s^2 = tr M M^T."""
    return {
        "m": np.trace(M),
        "m2": np.trace(M) ** 2 + np.sum(M * M) + np.trace(M @ M),
        "s2": np.sum(M * M),
    }


@pytest.mark.parametrize("d", [1, 2, 3, 16, 100])
def test_concentrated_nodes_have_the_moments_of_chi_square(d: int) -> None:
    M = -0.3 * np.eye(d)
    nodes = gaussian_query_nodes(M)
    functions = np.column_stack([nodes.self_logit, nodes.self_logit**2, nodes.s**2])
    value, error = nodes.average(functions)
    want = moments_of_the_query(M)
    assert value == pytest.approx([want["m"], want["m2"], want["s2"]], rel=1e-12)
    assert np.all(error <= 1e-10 * np.abs(value))


@pytest.mark.parametrize("seed", range(3))
def test_general_nodes_have_the_right_moments(seed: int) -> None:
    M = np.random.default_rng(seed).normal(size=(5, 5))
    nodes = gaussian_query_nodes(M, 2048)
    value, error = nodes.average(
        np.column_stack([nodes.self_logit, nodes.self_logit**2, nodes.s**2])
    )
    want = moments_of_the_query(M)
    # Seven degrees of freedom: |t| > 16 happens with probability 1e-6.
    assert np.all(np.abs(value - [want["m"], want["m2"], want["s2"]]) <= 16 * error)
    assert np.all(error <= 0.02 * np.abs(value))


def test_self_logit_and_s_come_from_the_same_query() -> None:
    M = np.array([[1.0, 3.0], [0.0, 0.0]])
    nodes = gaussian_query_nodes(M)
    # m = g1^2 + 3 g1 g2 and s = |M^T g| = sqrt(10) |g1|, so E s^4 = 300, E m s^2 = 30 and
    # E m^2 s^2 = 10 E g1^2 (g1^2 + 3 g1 g2)^2 = 420 (100 if m and s were drawn apart).
    m, s = nodes.self_logit, nodes.s
    value, error = nodes.average(np.column_stack([s**4, m * s**2, m**2 * s**2]))
    assert np.all(np.abs(value - [300.0, 30.0, 420.0]) <= 16 * error)
    assert abs(value[2] - 100.0) > 16 * error[2]


@pytest.mark.parametrize(("mu", "d", "T"), [(0.5, 2, 64), (0.125, 64, 64), (-0.4, 5, 1000)])
def test_concentrated_average_against_gauss_laguerre(mu: float, d: int, T: int) -> None:
    half, weights = roots_genlaguerre(60, 0.5 * d - 1.0)
    weights = weights / weights.sum()
    rows = np.array([iid_row_moments(mu * 2 * t, abs(mu) * math.sqrt(2 * t), T) for t in half])
    got = average_over_gaussian_query(mu * np.eye(d), T)
    want = weights @ rows
    assert np.array(got.value) == pytest.approx(want, rel=3e-7)
    assert got.mean_participation == pytest.approx(want[1] + want[2], rel=3e-7)
    assert max(got.error) < 1e-12


def test_zero_eigenvalues_do_not_change_the_concentrated_route() -> None:
    full = gaussian_query_nodes(np.diag([0.5, 0.5, 0.0]))
    assert full.nested
    flat = average_over_gaussian_query(0.5 * np.eye(2), 32)
    padded = average_over_gaussian_query(np.diag([0.5, 0.0, 0.5]), 32)
    assert padded.value == pytest.approx(flat.value, rel=1e-12)


def test_quasi_monte_carlo_agrees_with_quadrature() -> None:
    # An eigenvalue moved by 1e-9 selects the general route and changes nothing else.
    exact = average_over_gaussian_query(np.diag([0.5, 0.5, 0.5]), 32)
    sampled = average_over_gaussian_query(np.diag([0.5, 0.5, 0.5 + 1e-9]), 32)
    difference = np.abs(np.array(sampled.value) - np.array(exact.value))
    assert np.all(np.array(sampled.error) > 0.0)
    assert np.all(difference <= 16 * np.array(sampled.error))
    wrong = average_over_gaussian_query(np.diag([0.55, 0.5, 0.5]), 32)
    shift = abs(wrong.value.mean_entropy - exact.value.mean_entropy)
    assert shift > 16 * wrong.error.mean_entropy


def test_same_seed_same_numbers() -> None:
    M = np.diag([0.5, 0.2])
    one, two = gaussian_query_nodes(M, 64, seed=3), gaussian_query_nodes(M, 64, seed=3)
    other = gaussian_query_nodes(M, 64, seed=4)
    assert np.array_equal(one.self_logit, two.self_logit)
    assert not np.array_equal(one.self_logit, other.self_logit)


def test_no_query_dependence_without_scores() -> None:
    row = average_over_gaussian_query(np.zeros((3, 3)), 8)
    assert row.value.mean_entropy == pytest.approx(math.log(8.0), rel=1e-14)
    assert row.mean_participation == pytest.approx(1.0 / 8.0, rel=1e-14)


def test_interpolation_equals_direct_evaluation(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    m, s = rng.uniform(-3.0, 6.0, 700), rng.uniform(0.2, 2.0, 700)
    interpolated = iid_row_moments_over_queries(m, s, 64)
    calls = []
    monkeypatch.setattr(gaussian_query, "_interpolate", lambda *a: calls.append(a))
    direct = iid_row_moments_over_queries(m, s, 64)
    assert calls
    assert not np.array_equal(interpolated, direct)
    assert interpolated == pytest.approx(direct, abs=3e-9)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: gaussian_query_nodes([[1.0, 2.0]]), "M = "),
        (lambda: gaussian_query_nodes([[1.0]], 3), "n_nodes = 3"),
        (lambda: gaussian_query_nodes([[1.0]], seed=-1), "seed = -1"),
        (lambda: iid_row_moments_over_queries([1.0], [1.0, 2.0], 4), "s = "),
        (lambda: iid_row_moments_over_queries([1.0], [-1.0], 4), "s = "),
        (lambda: iid_row_moments_over_queries([1.0], [1.0], 0), "T = 0"),
    ],
)
def test_refuses_bad_input(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
