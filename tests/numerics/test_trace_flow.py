from __future__ import annotations

import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm

from qktheory.numerics.trace_flow import (
    direct_flow,
    integrate_factor_flow,
    penalty_gradients,
    replicator_flow,
    replicator_summary,
    trace_multiplier,
)

from .references import close, vectors


def value(vector: dict) -> dict:
    p = vector["parameters"]
    if vector["id"] == "LOC-14a":
        return penalty_gradients(**p)._asdict()
    if vector["id"] == "LOC-14b":
        W_t, square = direct_flow(p["W_QK"], p["time"])
        return {"W_QK_t": W_t, "trace_square": square}
    if vector["id"] == "LOC-14c":
        return {"trace_multiplier": trace_multiplier(**p)}
    moved = replicator_flow(p["eigenvalues"], p["time"])
    return {"eigenvalues_t": moved, **replicator_summary(p["eigenvalues"])._asdict()}


@pytest.mark.parametrize("vector", vectors("LOC-14a", "LOC-14b", "LOC-14c", "LOC-14d"))
def test_values_of_the_chapter(vector: dict) -> None:
    got = value(vector)
    for name, want in vector["values"].items():
        assert got[name] == pytest.approx(np.array(want), rel=1e-12, abs=1e-15), name


@pytest.mark.parametrize("seed", range(3))
def test_gradients_are_derivatives(seed: int) -> None:
    rng = np.random.default_rng(seed)
    W_Q, W_K, D_Q, D_K = rng.normal(size=(4, 5, 3))
    root = rng.normal(size=(5, 5))
    Sigma, temperature = root @ root.T, 1.7

    def at(h: float) -> tuple[float, float, float]:
        W = (W_Q + h * D_Q) @ (W_K + h * D_K).T
        square = np.trace(W @ Sigma @ W @ Sigma) / temperature**2
        frobenius = np.trace(W @ Sigma @ W.T @ Sigma) / temperature**2
        return square, frobenius, np.trace(W @ Sigma) / temperature

    got = penalty_gradients(W_Q, W_K, Sigma, temperature)
    assert (got.penalty, got.penalty_frobenius) == pytest.approx(at(0.0)[:2], rel=1e-12)
    h = 1e-3
    # Fourth-order differences: the penalties are polynomials of degree 4 in h.
    slopes = (8 * (np.array(at(h)) - at(-h)) - (np.array(at(2 * h)) - at(-2 * h))) / (12 * h)
    D_W = D_Q @ W_K.T + W_Q @ D_K.T
    by_factors = np.sum(got.grad_W_Q * D_Q) + np.sum(got.grad_W_K * D_K)
    assert by_factors == pytest.approx(slopes[0], rel=1e-8)
    assert np.sum(got.grad_W_QK * D_W) == pytest.approx(slopes[0], rel=1e-8)
    assert np.sum(got.grad_W_QK_frobenius * D_W) == pytest.approx(slopes[1], rel=1e-8)
    assert np.sum(got.grad_trace * D_W) == pytest.approx(slopes[2], rel=1e-8)
    # The wrong twin forgets the transpose.
    assert np.sum(got.grad_W_QK.T * D_W) != pytest.approx(slopes[0], rel=1e-2)


@pytest.mark.parametrize("t", [-0.7, 0.0, 0.4, 3.0])
def test_direct_flow_is_the_exponential_of_its_generator(t: float) -> None:
    d = 3
    W = np.random.default_rng(7).normal(size=(d, d))
    generator = np.zeros((d * d, d * d))
    for k, unit in enumerate(np.eye(d * d)):
        E = unit.reshape(d, d)
        generator[:, k] = (-2 * (E.T - np.trace(E) / d * np.eye(d))).ravel()
    want = (expm(t * generator) @ W.ravel()).reshape(d, d)
    got, square = direct_flow(W, t)
    assert got == pytest.approx(want, rel=1e-12, abs=1e-12)
    assert square == pytest.approx(np.trace(got @ got), rel=1e-11)


def test_symmetric_flow_lasts_for_ever() -> None:
    W, square = direct_flow([[2.0, 1.0], [1.0, 0.0]], 1e6)
    assert np.array_equal(W, np.eye(2))
    assert square == 2.0


def integrated_replicator(mu0: list[float], t: float, digits: int = 20) -> list[mp.mpf]:
    """Taylor integration of the printed equation."""
    with mp.workdps(digits):

        def velocity(_: mp.mpf, mu: list) -> list:
            nu = mp.fsum(m * m for m in mu) / mp.fsum(mu)
            return [-4 * m * (m - nu) for m in mu]

        start = [mp.mpf(m) for m in mu0]
        return mp.odefun(velocity, 0, start, tol=mp.mpf("1e-16"))(mp.mpf(t))


@pytest.mark.parametrize(
    ("mu0", "t"),
    [([1.2, 0.6, 0.3], 0.25), ([2.0, 1e-6, 0.7], 0.4), ([0.5, 0.5, 0.1, 0.0], 1.0)],
)
def test_replicator_against_integration(mu0: list[float], t: float) -> None:
    want = integrated_replicator(mu0, t)
    got = replicator_flow(mu0, t)
    assert all(close(g, w, 1e-13) for g, w in zip(got, want, strict=True))
    later = integrated_replicator(mu0, 1.01 * t)
    assert not all(close(g, w, 1e-6) for g, w in zip(got, later, strict=True))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(1e-8, 1e4) | st.just(0.0), min_size=1, max_size=7),
    st.floats(0.0, 3.0),
    st.floats(0.0, 3.0),
)
def test_replicator_is_a_flow_that_keeps_the_trace(mu: list[float], s: float, t: float) -> None:
    if not any(mu):
        return
    total = sum(mu)
    s, t = s / total, t / total
    once = replicator_flow(mu, s + t)
    assert once.sum() == pytest.approx(total, rel=1e-13)
    assert replicator_flow(replicator_flow(mu, s), t) == pytest.approx(once, rel=1e-10)
    assert np.array_equal(once == 0.0, np.array(mu) == 0.0)
    # Order is kept and the largest eigenvalue never grows.
    assert np.all(np.diff(once[np.argsort(mu)]) >= -1e-12 * total)
    assert once.max() <= max(mu) * (1 + 1e-12)


def test_replicator_of_two_eigenvalues_has_a_quadratic_solution() -> None:
    # (1 + G a)(1 + G b) = e^(4 (a+b) t).
    a, b, t = 3.0, 1e-9, 2.0
    with mp.workdps(60):
        A, B = mp.mpf(a), mp.mpf(b)
        grown = mp.exp(4 * (A + B) * t)
        G = (-(A + B) + mp.sqrt((A + B) ** 2 + 4 * A * B * (grown - 1))) / (2 * A * B)
        p, q = A / (1 + G * A), B / (1 + G * B)
        want = [(A + B) * p / (p + q), (A + B) * q / (p + q)]
    assert all(close(x, y, 1e-12) for x, y in zip(replicator_flow([a, b], t), want, strict=True))


@pytest.mark.parametrize("scale", [1e-150, 1.0, 1e150])
@pytest.mark.parametrize("t", [1e3, 1e8])
def test_long_times_flatten_the_support(scale: float, t: float) -> None:
    mu = scale * np.array([1.0, 1e-3, 0.0, 0.2])
    got = replicator_flow(mu, t / scale)
    assert got == pytest.approx(scale * 1.201 / 3 * np.array([1, 1, 0, 1]), rel=1e-13)


def test_short_times_follow_the_velocity() -> None:
    mu = np.array([1.2, 0.6, 0.3])
    nu = np.sum(mu**2) / np.sum(mu)
    moved = replicator_flow(mu, 1e-6) - mu
    assert moved == pytest.approx(-4e-6 * mu * (mu - nu), rel=1e-5)
    assert np.array_equal(replicator_flow(mu, 0.0), mu)


def test_summary_of_a_nearly_flat_spectrum_keeps_its_digits() -> None:
    summary = replicator_summary([1.0 + 2.0**-30, 1.0, 1.0])
    assert summary.trace_leak_rate == pytest.approx(-4 * (2 / 3) * 2.0**-60, rel=1e-12)
    assert replicator_summary([2.0, 1.0, 0.0]).eta_min == 4.5


@pytest.mark.parametrize("seed", range(3))
def test_factor_flow_keeps_the_trace_and_the_balance(seed: int) -> None:
    W_Q, W_K = 0.4 * np.random.default_rng(seed).normal(size=(2, 5, 3))
    Q, K = integrate_factor_flow(W_Q, W_K, 0.3)
    assert np.trace(Q @ K.T) == pytest.approx(np.trace(W_Q @ W_K.T), rel=1e-10)
    # A gradient flow of a function of W_Q W_K^T conserves W_Q^T W_Q - W_K^T W_K.
    before, after = W_Q.T @ W_Q - W_K.T @ W_K, Q.T @ Q - K.T @ K
    assert after == pytest.approx(before, rel=1e-9, abs=1e-10)
    leaky, other = integrate_factor_flow(W_Q, W_K, 0.3, multiplier="mean")
    assert np.trace(leaky @ other.T) != pytest.approx(np.trace(W_Q @ W_K.T), rel=1e-3)


def test_balanced_factor_flow_is_the_replicator() -> None:
    rng = np.random.default_rng(3)
    rotation = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    mu = np.array([1.4, 0.5, 0.2])
    root = rotation[:, :3] * np.sqrt(mu)
    Q, K = integrate_factor_flow(root, root, 0.6)
    spectrum = np.sort(np.linalg.eigvalsh(0.5 * (Q @ K.T + K @ Q.T)))[-3:]
    assert spectrum[::-1] == pytest.approx(replicator_flow(mu, 0.6), rel=1e-9)
    assert trace_multiplier(root, root) == pytest.approx(replicator_summary(mu).trace_multiplier)


def test_mean_multiplier_leaks_the_trace_at_the_stated_rate() -> None:
    mu = np.array([1.2, 0.6, 0.3, 0.0])
    root, h = np.diag(np.sqrt(mu)), 1e-4
    Q, K = integrate_factor_flow(root, root, h, multiplier="mean")
    rate = (np.trace(Q @ K.T) - mu.sum()) / h
    assert rate == pytest.approx(replicator_summary(mu).trace_leak_rate, rel=5e-3)


def test_multiplier_as_printed() -> None:
    W_Q, W_K = np.random.default_rng(5).normal(size=(2, 6, 2))
    P, K, W = W_Q @ W_Q.T, W_K @ W_K.T, W_Q @ W_K.T
    assert trace_multiplier(W_Q, W_K) == pytest.approx(np.trace((P + K) @ W) / np.trace(P + K))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: penalty_gradients([[1.0]], [[1.0, 2.0]]), "W_K = "),
        (lambda: penalty_gradients([[1.0]], [[1.0]], [[-1.0]]), "Sigma"),
        (lambda: penalty_gradients([[1.0]], [[1.0]], np.eye(2)), "Sigma = "),
        (lambda: penalty_gradients([[1.0]], [[1.0]], None, 0.0), "temperature = 0.0"),
        (lambda: direct_flow([[1.0, 2.0]], 1.0), "W = "),
        (lambda: direct_flow([[0.0, 1.0], [-1.0, 0.0]], 400.0), "t = 400.0"),
        (lambda: replicator_flow([1.0, -0.1], 1.0), "eigenvalues = "),
        (lambda: replicator_flow([0.0], 1.0), "eigenvalues = "),
        (lambda: replicator_flow([1.0], -1.0), "t = -1.0"),
        (lambda: replicator_summary([0.0, 0.0]), "eigenvalues = "),
        (lambda: trace_multiplier([[0.0]], [[0.0]]), "W_Q = "),
        (lambda: integrate_factor_flow([[1.0]], [[1.0]], -1.0), "t = -1.0"),
        (lambda: integrate_factor_flow([[1.0]], [[1.0]], 1.0, multiplier="men"), "'mean'"),
        (lambda: integrate_factor_flow([[0.0]], [[0.0]], 1.0), "W_Q = "),
        (lambda: integrate_factor_flow(np.eye(2), [[0.0, 3.0], [-3.0, 0.0]], 9.0), "t = 9.0"),
    ],
)
def test_refuses_bad_input(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_runs_within_float_range() -> None:
    # A spectrum over 300 orders of magnitude: nothing overflows and the small ones catch up.
    got = replicator_flow([1.0, 1e-300], 170.0)
    assert got.sum() == pytest.approx(1.0, rel=1e-14)
    assert 0.0 < got[1] < got[0]
    assert math.isclose(replicator_flow([1.0, 1e-300], 1e4)[1], 0.5, rel_tol=1e-12)
