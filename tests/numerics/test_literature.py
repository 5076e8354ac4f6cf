"""Numerics behind the chapter on the literature, against independent routes and exact cases."""

from __future__ import annotations

import itertools
import math

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from qktheory.numerics.attention_descent import normalized_descent
from qktheory.numerics.attention_gradients import attention_gradients
from qktheory.numerics.attention_jacobian import attention_jacobian, outlier_jacobian_norm
from qktheory.numerics.cosine_maps import cosine_after
from qktheory.numerics.expert_rank import EXPERTS, expert_columns
from qktheory.numerics.grid_attention import (
    grid_output,
    interpolation_error,
    ripple_exact,
    ripple_law,
)
from qktheory.numerics.linear_heads import convex_heads, head_map
from qktheory.numerics.max_margin import (
    frobenius_margin,
    lp_margin,
    margin_rows,
    nuclear_margin,
)
from qktheory.numerics.mimetic_edges import singular_edges
from qktheory.numerics.network_operator import network_operator
from qktheory.numerics.sphere_cosine import one_minus_sphere_cosine
from qktheory.numerics.sphere_exponential import sphere_exponential

# --- Laplace transform of a sphere coordinate -----------------------------------------------------


@pytest.mark.parametrize(
    ("d", "beta"),
    [
        (2, 1e-9),
        (2, 50.0),
        (3, 1e6),
        (8, 5.0),
        (100, 30.0),
        (100, 1e4),
        (124, 601.0),
        (10**6, 50.0),
    ],
)
def test_mean_exponential_on_the_sphere(d: int, beta: float) -> None:
    """Series, Debye's expansion and Bessel function against 40 digits."""
    with mpmath.workdps(40):
        nu, b = mpmath.mpf(d) / 2 - 1, mpmath.mpf(beta)
        log_gamma = mpmath.loggamma(nu + 1) - nu * mpmath.log(b / 2)
        want = mpmath.exp(log_gamma - b) * mpmath.besseli(nu, b)
        assert sphere_exponential(d, beta) == pytest.approx(float(want), rel=1e-12)


def test_the_circle_of_two_points() -> None:
    assert sphere_exponential(1, 3.0) == pytest.approx(math.exp(-3.0) * math.cosh(3.0), rel=1e-15)
    assert sphere_exponential(7, 0.0) == 1.0


# --- mimetic edges --------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1e-150, 1.0, 1e150])
def test_edges_are_the_published_roots_at_every_scale(scale: float) -> None:
    for alpha, beta in ((0.4, 0.8), (0.3, -0.9), (1.0, 1.5)):
        b = (beta / alpha) ** 2
        roots = [
            alpha * math.sqrt((8 * b * b + 20 * b - 1 + sign * (1 + 8 * b) ** 1.5) / (8 * b))
            for sign in (-1, 1)
        ]
        found = singular_edges(scale * alpha, scale * beta)
        assert found == pytest.approx([scale * r for r in roots], rel=1e-12)


def test_the_published_default_is_critical() -> None:
    assert singular_edges(0.7, 0.7)[0] == 0.0
    assert 0.0 < singular_edges(0.7, 0.7001)[0] < 1e-5
    assert singular_edges(0.7, 1e12)[0] == pytest.approx(1e12, rel=1e-11)


# --- particles on the sphere ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "T", "beta", "time"),
    [("SA", 6, 1.0, 4.0), ("USA", 6, 5.0, 0.2), ("SA", 3, 9.0, 200.0), ("USA", 50, 0.0, 1.0)],
)
def test_common_cosine_against_the_differential_equation(
    model: str, T: int, beta: float, time: float
) -> None:
    def speed(t: float, l: np.ndarray) -> np.ndarray:
        g = -np.expm1(-l)
        over = math.exp(beta) + (T - 1) * np.exp(beta * g) if model == "SA" else T
        return np.asarray(2.0 * ((T - 1) * g + 1.0) * np.exp(beta * g) / over)

    run = solve_ivp(speed, (0.0, time), [0.0], method="DOP853", rtol=1e-12, atol=1e-14)
    cosine, rest = one_minus_sphere_cosine(model, T, beta, time)
    assert cosine == pytest.approx(-math.expm1(-run.y[0, -1]), rel=1e-9)
    assert rest == pytest.approx(math.exp(-run.y[0, -1]), rel=1e-9)


def test_extremes_of_time_keep_their_digits() -> None:
    """At first 2 t/(e^beta + T - 1), at last e^(-2 t) up to a constant."""
    first, _ = one_minus_sphere_cosine("SA", 6, 1.0, 1e-200)
    assert first == pytest.approx(2e-200 / (math.e + 5.0), rel=1e-12)
    rests = [one_minus_sphere_cosine("SA", 6, 1.0, t)[1] for t in (100.0, 101.0)]
    assert rests[1] / rests[0] == pytest.approx(math.exp(-2.0), rel=1e-10)
    assert one_minus_sphere_cosine("USA", 10**12, 3.0, 0.0) == (0.0, 1.0)


# --- cosines through depth ------------------------------------------------------------------------


def test_post_norm_halves_and_pre_norm_falls_like_one_over_depth() -> None:
    post = [cosine_after(32, 0.25, L, post=True) for L in (300, 301)]
    assert post[1] / post[0] == pytest.approx(0.5, rel=1e-9)
    pre = [L * cosine_after(32, 0.25, L, post=False) for L in (10_000, 20_000)]
    assert pre[1] == pytest.approx(pre[0], rel=1e-3)


# --- grid attention -------------------------------------------------------------------------------


@given(st.floats(0.05, 30.0))
@settings(max_examples=30, deadline=None)
def test_interpolation_error_is_the_largest_one_found(s: float) -> None:
    keys = np.arange(0.0, 30.0)
    inputs = np.linspace(-2.0, 3.0, 1001)
    errors = [abs(grid_output(keys, s, float(u)) - max(u, 0.0)) for u in inputs]
    bound = interpolation_error(s)
    assert max(errors) <= bound * (1.0 + 1e-12)
    assert max(errors) >= bound - 0.01


@pytest.mark.parametrize("s", [1e-9, 0.3, 2.99, 3.01, 40.0, 1e6, 1e100])
def test_ripple_and_error_at_all_scales(s: float) -> None:
    assert 0.0 <= ripple_exact(s) <= 0.5
    assert interpolation_error(s) >= ripple_exact(s)
    if s < 1.0:
        assert ripple_exact(s) == pytest.approx(ripple_law(s), rel=1e-7, abs=0.0)


@pytest.mark.parametrize("s", [0.02, 0.00999, 0.0101])
def test_wide_weights_against_plain_sums(s: float) -> None:
    k = np.arange(0.0, 200.0)
    weights = np.exp(-s * k * k)
    assert interpolation_error(s) == pytest.approx(weights @ k / weights.sum(), rel=1e-11)


# --- experts --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expert", "generic", "at_zero"),
    [
        ("linear", (11, 8), (5, 5)),
        ("square", (14, 9), (3, 3)),
        ("silu", (14, 14), (8, 5)),
        ("sigmoid", (14, 14), (11, 6)),
        ("tanh", (14, 14), (5, 5)),
    ],
)
def test_ranks_of_experts(expert: str, generic: tuple[int, int], at_zero: tuple[int, int]) -> None:
    """Counted by hand: multiples of s among polynomials of each degree."""
    for a in ([0.7, 0.4], [1e-200, 1.0], [1.0, 0.0]):
        assert expert_columns(expert, a) == generic
    assert expert_columns(expert, [0.0, 0.0]) == at_zero
    assert expert in EXPERTS


# --- layers ---------------------------------------------------------------------------------------


def test_gradients_vanish_exactly_at_rank_one_and_keep_digits_near_it() -> None:
    rng = np.random.default_rng(0)
    v, R = rng.normal(size=3), rng.normal(size=(5, 3))
    weights = [rng.normal(size=(3, 2)) for _ in range(3)]
    G = rng.normal(size=(5, 2))
    exact = attention_gradients(np.tile(v, (5, 1)), *weights, G)
    assert not exact.query.any()
    assert not exact.key.any()
    norms = [
        np.linalg.norm(attention_gradients(v + eps * R, *weights, G).query) / eps**2
        for eps in (2.0**-20, 2.0**-21)
    ]
    assert norms[0] == pytest.approx(norms[1], rel=1e-4)


@pytest.mark.parametrize("scale", [1.0, 20.0, 200.0, 400.0])
def test_gradients_keep_their_digits_where_attention_is_localized(scale: float) -> None:
    """Two scalar tokens: dL/dW_Q = sum_i x_i G_i p_i (1 - p_i) W_V W_K (x_1 - x_2)^2 / t."""
    x, G, w_Q, w_K, w_V, t = np.array([1.0, -0.5]), np.array([0.7, 1.1]), scale, 0.9, 1.3, 0.8
    gap = x[0] - x[1]
    logit = w_Q * w_K * x * gap / t
    slope = 1.0 / ((1.0 + np.exp(logit)) * (1.0 + np.exp(-logit)))
    expected = float(np.sum(x * G * slope)) * w_V * w_K * gap**2 / t
    found = attention_gradients(
        x[:, None], *(np.array([[w]]) for w in (w_Q, w_K, w_V)), G[:, None], t
    )
    assert found.query.item() == pytest.approx(expected, rel=1e-11, abs=0.0)
    assert found.key.item() == pytest.approx(expected * w_Q / w_K, rel=1e-11, abs=0.0)


def test_an_outlier_at_any_number_of_tokens() -> None:
    """The reduced matrix of size 4 against the dense Jacobian, and its growth sqrt(T) log T."""
    for T, gain, height in itertools.product((1, 2, 3, 9), (-1.5, 2.0), (0.0, 0.9, -1.2)):
        X = np.tile([1.0, 0.0], (T, 1))
        X[0] = 0.0, height
        J = attention_jacobian(X, np.array([[0.0, gain], [0.0, 0.0]]), np.eye(2))
        norm, _ = outlier_jacobian_norm(T, gain, height)
        assert norm == pytest.approx(np.linalg.norm(J, 2), rel=1e-10)
    # Half of the weight on the outlier: gain times height is log(T - 1).
    large = [outlier_jacobian_norm(T, 1.25 * math.log(T - 1), 0.8)[0] for T in (10**6, 10**8)]
    assert large[1] / large[0] == pytest.approx(10.0 * 8.0 / 6.0, rel=0.1)


def test_a_vanishing_token_needs_a_norm_eps() -> None:
    none = np.zeros((1, 1, 2, 1))
    ff = np.zeros((1, 2, 1))
    X = np.array([[0.0, 0.0], [1.0, 2.0]])
    arguments = (X, none, none, none, none.transpose(0, 1, 3, 2), ff, ff.transpose(0, 2, 1))
    with pytest.raises(ValueError, match=r"norm_eps = 0\.0: expected a number > 0"):
        network_operator(*arguments, "relu", 0.0)
    found = network_operator(*arguments, "relu", 1e-6)
    np.testing.assert_array_equal(found.operator, np.eye(4))


# --- margins --------------------------------------------------------------------------------------


def separable(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    while True:
        X, Z = rng.normal(size=(2, 3, 2)), rng.normal(size=(2, 2))
        rows = margin_rows(X, Z, [0, 1])
        if frobenius_margin(rows) is not None:
            return rows


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("p", [1.01, 1.2, 1.5, 3.0, 5.0, 8.0])
def test_lp_solutions_are_optimal(seed: int, p: float) -> None:
    """Feasible, and |w|_p^p = sum u for multipliers u >= 0: checked through Hoelder's inequality.

    At the optimum |w|^(p-1) sign w = rows^T u with u on tight rows only.
    """
    rows = separable(seed)
    w = lp_margin(rows, p)
    assert w is not None
    assert np.min(rows @ w) == pytest.approx(1.0, abs=1e-7)
    scale = np.abs(w).max()
    force = (np.abs(w) / scale) ** (p - 1.0) * np.sign(w)
    tight = rows @ w < 1.0 + 1e-5
    u, *_ = np.linalg.lstsq(rows[tight].T, force, rcond=None)
    assert np.abs(rows[tight].T @ u - force).max() < 1e-5
    assert u.min() > -1e-5


@pytest.mark.parametrize("seed", range(5))
def test_nuclear_solutions_lie_between_dual_and_frobenius(seed: int) -> None:
    rows = separable(seed)
    found, shortest = nuclear_margin(rows, 2), frobenius_margin(rows)
    assert found is not None
    assert shortest is not None
    frobenius = np.linalg.svd(shortest.reshape(2, 2), compute_uv=False).sum()
    assert found.nuclear_norm <= frobenius * (1.0 + 1e-9)
    assert np.min(rows @ found.W.ravel()) >= 1.0 - 1e-9
    primal = np.linalg.svd(found.W, compute_uv=False).sum()
    assert primal == pytest.approx(found.nuclear_norm, rel=1e-5)


def test_contradictions_are_seen() -> None:
    for rows in ([[1.0, 0.0], [-1.0, 0.0]], [[0.0, 0.0]], [[1.0, 2.0], [-0.5, -1.0], [0.0, 1.0]]):
        assert frobenius_margin(np.array(rows)) is None
    one = margin_rows(np.ones((1, 1, 2)), np.ones((1, 2)), [0])
    np.testing.assert_array_equal(frobenius_margin(one), np.zeros(4))


def test_descent_keeps_its_direction_where_weights_underflow() -> None:
    """10^4 unit steps: weights of other tokens are far below 1e-308, the angle is still 1/|W|."""
    X = np.array([[[1.0, 0.3], [0.0, 1.0], [-0.5, -1.0]], [[0.2, -1.0], [1.0, 0.5], [0.6, 0.1]]])
    Z, v, y = np.array([[1.0, 0.2], [-0.4, 1.0]]), np.array([1.0, 0.1]), np.ones(2)
    svm = frobenius_margin(margin_rows(X, Z, [0, 1]))
    assert svm is not None
    apart = []
    for steps in (1000, 4000):
        W = normalized_descent(X, Z, v, y, steps, 1.0).ravel()
        gap = W / np.linalg.norm(W) - svm / np.linalg.norm(svm)
        apart.append(0.5 * float(gap @ gap))
    assert apart[1] < apart[0] / 8.0
    assert apart[1] < 1e-6


# --- linear heads ---------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_the_convex_program_is_solved(seed: int) -> None:
    """Optimality: the gradient has norm `penalty`, and equals it on the range of Z."""
    rng = np.random.default_rng(seed)
    X, Y, penalty = rng.normal(size=(4, 2, 2)), rng.normal(size=(4, 2)), 0.4
    found = convex_heads(X, Y, penalty)
    A = head_map(X)
    G = (A.T @ (A @ found.Z.ravel() - Y.ravel())).reshape(found.Z.shape)
    assert np.linalg.norm(G, 2) <= penalty * (1.0 + 1e-7)
    assert np.sum(G * found.Z) == pytest.approx(-penalty * found.nuclear_norm, rel=1e-7, abs=1e-12)
    more = convex_heads(X, Y, 1e6)
    assert (more.rank, more.value) == (0, pytest.approx(0.5 * float(np.sum(Y**2)), rel=1e-14))
