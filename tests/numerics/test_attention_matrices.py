"""Numerics of random attention matrices against mpmath, quadrature and brute force (RMT-1 .. 9)."""

from __future__ import annotations

import itertools
import math

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qktheory.numerics.arc_cosine import arc_cosine_kernel, cosines_with_mlp
from qktheory.numerics.attention_operator import largest_products, mehler_factors
from qktheory.numerics.gaussian_attention import product_norm_squared, relative_variance
from qktheory.numerics.gaussian_row import mean_participation
from qktheory.numerics.noisy_kernel import kernel_edge, linear_share
from qktheory.numerics.self_weight import mean_self_weight_sigmoid
from qktheory.numerics.stable_rank import stable_ranks

# --- relative variance (RMT-1) --------------------------------------------------------------------


def two_keys(s2: float) -> float:
    """T = 2: 4 E A_1^2 - 1 = E tanh^2(s g/sqrt 2), an integral over one normal variable."""
    with mpmath.workdps(30):
        scale = mpmath.sqrt(mpmath.mpf(s2) / 2)
        return float(
            mpmath.quad(
                lambda g: mpmath.tanh(scale * g) ** 2 * mpmath.npdf(g),
                [-12, -6, -3, -1, 0, 1, 3, 6, 12],
            )
        )


@pytest.mark.parametrize("s2", [1e-12, 1e-4, 0.05, 0.0999, 0.1, 1.0, 9.0])
def test_two_keys_are_one_integral(s2: float) -> None:
    assert relative_variance(2, s2) == pytest.approx(two_keys(s2), rel=1e-12, abs=0)


@pytest.mark.parametrize("T", [2, 3, 50, 10**6, 10**12])
def test_both_routes_meet_where_one_takes_over(T: int) -> None:
    """The sum of positive terms just below s2 = 0.1, the difference T E Y_2 - 1 at the same s2."""
    s2 = 0.0999999
    difference = T * float(mean_participation(T, math.sqrt(s2))) - 1.0
    assert relative_variance(T, s2) == pytest.approx(difference, rel=2e-12)


def test_small_variance_keeps_its_digits() -> None:
    """c_T^2 = (1 - 1/T) s2 + O(s2^2), far below the rounding of T E Y_2 - 1."""
    for T in (2, 7, 10**9):
        assert relative_variance(T, 1e-18) == pytest.approx((1 - 1 / T) * 1e-18, rel=1e-12, abs=0)
    # What the difference gives there is noise.
    assert abs(7 * float(mean_participation(7, 1e-9)) - 1.0) != pytest.approx(
        6e-18 / 7, rel=0.1, abs=0
    )


@pytest.mark.parametrize(
    ("T", "s2", "want"),
    [
        (20, math.log(2.0), 0.79081997937),
        (100, math.log(2.0), 0.9457113339),
        (1000, math.log(2.0), 0.99406826221),
        (200, 0.25, 0.28118719676),
        (200, 1.0, 1.6275763332),
        (20, 4.0, 4.7121300355),
    ],
)
def test_table_of_the_chapter(T: int, s2: float, want: float) -> None:
    assert relative_variance(T, s2) == pytest.approx(want, rel=6e-11)


@given(T=st.floats(1.0, 1e15), log_s2=st.floats(-40.0, 12.0))
@settings(max_examples=60, deadline=None)
def test_it_lies_between_its_bounds(T: float, log_s2: float) -> None:
    found = relative_variance(T, math.exp(log_s2))
    assert 0.0 <= found <= min(T - 1.0, math.expm1(min(math.exp(log_s2), 700.0))) * (1 + 1e-9)


@given(T=st.integers(1, 10**6), r=st.floats(0.0, 1.0), L=st.integers(0, 30))
@settings(max_examples=100, deadline=None)
def test_norms_are_geometric_sums(T: int, r: float, L: int) -> None:
    whole, perp = product_norm_squared(T, r, L, 0.5)
    assert perp == pytest.approx(0.25**L * T * r**L, rel=1e-12, abs=1e-300)
    common = math.fsum(r**k for k in range(L))
    assert whole == pytest.approx(0.25**L * (common + T * r**L), rel=1e-12)


# --- vector autoregression (RMT-4a) ---------------------------------------------------------------


@given(
    factors=st.lists(st.floats(0.0, 0.97), min_size=1, max_size=4),
    count=st.integers(1, 30),
)
@settings(max_examples=60, deadline=None)
def test_products_come_in_order_with_multiplicity(factors: list[float], count: int) -> None:
    found = largest_products(factors, count)
    # The count largest products have exponents below count.
    powers = range(min(count, 8))
    some = sorted(
        (math.prod(f**k for f, k in zip(factors, ks, strict=True)))
        for ks in itertools.product(powers, repeat=len(factors))
    )[::-1]
    assert (np.diff(found) <= 0.0).all()
    assert found[0] == 1.0
    assert len(found) == count
    # Products with small exponents can only be beaten, never missed.
    for got, least in zip(found, some, strict=False):
        assert got >= least * (1.0 - 1e-12)
    if count <= 8:
        assert found == pytest.approx(np.array(some[:count]), rel=1e-12, abs=1e-300)


@pytest.mark.parametrize("factors", [[1.0], [-0.1], [0.2, math.nan]])
def test_other_factors_are_refused(factors: list[float]) -> None:
    with pytest.raises(ValueError, match="factors"):
        largest_products(factors, 3)


@pytest.mark.parametrize("tau", [1e-300, 1e-9, 0.2025, 0.36, 0.4999])
def test_mehler_against_long_arithmetic(tau: float) -> None:
    with mpmath.workdps(700):
        t = mpmath.mpf(tau)
        rho = (1 - mpmath.sqrt(1 - 4 * t * t)) / (2 * t)
        want = float((rho / t) ** mpmath.mpf("0.25")), float(mpmath.sqrt(rho))
    top, ratios = mehler_factors([tau])
    assert (top, float(ratios[0])) == pytest.approx(want, rel=1e-13)
    # ||A||_F^2 is the sum of squares: (1 - 2 tau)^(-1/2).
    square = top**2 / (1.0 - float(ratios[0]) ** 2)
    assert square == pytest.approx((1.0 - 2.0 * tau) ** -0.5, rel=1e-12)


# --- linear part and noise (RMT-4b) ---------------------------------------------------------------


@pytest.mark.parametrize("s2", [1e-15, 1e-6, 0.3, 0.5, 0.7, 30.0])
def test_shares_of_the_linear_part_and_the_noise(s2: float) -> None:
    with mpmath.workdps(50):
        share = mpmath.mpf(s2) / mpmath.expm1(mpmath.mpf(s2))
        want = float(share), float(1 - share)
    assert linear_share(s2) == pytest.approx(want, rel=1e-14)


@pytest.mark.parametrize("ensemble", ["equal", "ginibre"])
@pytest.mark.parametrize("delta", [1e-6, 0.02, 1.0, 1e6])
@pytest.mark.parametrize("s2", [1e-8, 0.25, 3.0, 60.0])
def test_the_edge_is_the_least_value(s2: float, delta: float, ensemble: str) -> None:
    """Brute force in long arithmetic around the minimum found on a grid."""
    power = 1 if ensemble == "equal" else 2
    with mpmath.workdps(40):
        x, e = mpmath.mpf(s2), mpmath.mpf(delta)
        noise = mpmath.expm1(x) - x

        def height(t: mpmath.mpf) -> mpmath.mpf:
            y = mpmath.exp(t)
            omega = mpmath.sqrt(x * (1 + y) ** 2 / y * (1 + y / e) ** power)
            return omega + noise * (1 + y) / omega

        grid = [mpmath.mpf(k) / 4 for k in range(-280, 81)]
        best = min(grid, key=height)
        root = mpmath.findroot(lambda t: mpmath.diff(height, t), best)
        want = float(height(root))
    assert kernel_edge(s2, delta, ensemble) == pytest.approx(want, rel=1e-10)  # type: ignore[arg-type]


def test_without_a_linear_part_the_edge_is_twice_the_noise() -> None:
    assert kernel_edge(200.0, 1.0, "equal") == pytest.approx(2.0 * math.exp(100.0), rel=1e-12)
    # Many dimensions a token: independent scores.
    assert kernel_edge(0.25, 1e9, "ginibre") == pytest.approx(
        2.0 * math.sqrt(math.expm1(0.25)), rel=1e-8
    )


# --- self-weight (RMT-4e) -------------------------------------------------------------------------


def self_weight(T: int, d: int, s2: float) -> float:
    with mpmath.workdps(30):
        s, keys, size = mpmath.sqrt(s2), mpmath.mpf(T - 1), mpmath.mpf(d)

        def integrand(t: mpmath.mpf) -> mpmath.mpf:
            n = mpmath.exp(t)
            density = mpmath.exp(size / 2 * t - n / 2 - size / 2 * mpmath.log(2))
            density /= mpmath.gamma(size / 2)
            return density / (
                1 + keys * mpmath.exp(s2 * n / (2 * size) - s * n / mpmath.sqrt(size))
            )

        centre, width = math.log(d), 14.0 * math.sqrt(2.0 / d)
        left = centre - max(width, 90.0 / d)
        right = centre + min(width, 5.0) + 1.0
        return float(mpmath.quad(integrand, mpmath.linspace(left, right, 60)))


@pytest.mark.parametrize(
    ("T", "d", "s2"),
    [(600, 64, 0.5), (2, 1, 1.0), (10**12, 2, 1.0), (50, 10, 30.0), (10**6, 400, 0.4)],
)
def test_self_weight_by_quadrature(T: int, d: int, s2: float) -> None:
    assert mean_self_weight_sigmoid(T, d, s2) == pytest.approx(
        self_weight(T, d, s2), rel=1e-10, abs=0
    )


def test_ends_of_the_self_weight() -> None:
    assert mean_self_weight_sigmoid(1, 7, 2.0) == 1.0
    assert mean_self_weight_sigmoid(40, 7, 0.0) == pytest.approx(1 / 40, rel=1e-14)
    assert mean_self_weight_sigmoid(10**12, 10**12, 4.0) == 1.0
    # Huge scores at few dimensions: E of a moment generating function, (1 + 2 b/d)^(-d/2) / 2.
    slope = 0.5 * 1e8 - 1e4 * math.sqrt(3.0)
    leading = (1.0 + 2.0 * slope / 3.0) ** -1.5 / 10**9
    assert mean_self_weight_sigmoid(10**9 + 1, 3, 1e8) == pytest.approx(leading, rel=1e-8, abs=0)


# --- stable ranks (RMT-6c) ------------------------------------------------------------------------


@pytest.mark.parametrize("spread", [1.0, 1e-2, 1e-5, 1e-9, 1e-14])
def test_stable_ranks_of_nearly_equal_tokens(spread: float) -> None:
    rng = np.random.default_rng(3)
    X = rng.normal(size=6) + spread * rng.normal(size=(5, 6))
    with mpmath.workdps(60):
        s = sorted(mpmath.svd_r(mpmath.matrix(X.tolist()), compute_uv=False), reverse=True)
        want = [float(mpmath.fsum((x / s[0]) ** k for x in s[1:])) for k in (2, 4)]
    found = stable_ranks(X * 2.0**600)
    assert found.sr_x_minus_1 == pytest.approx(want[0], rel=1e-11, abs=0)
    assert found.sr_sigma_minus_1 == pytest.approx(want[1], rel=1e-11, abs=0)
    assert (found.sr_x, found.sr_sigma) == pytest.approx((1 + want[0], 1 + want[1]), rel=1e-13)
    if spread < 1e-8:
        # What eigenvalues of X X^T leave is rounding.
        eigenvalues = np.linalg.eigvalsh(X @ X.T)[::-1]
        naive = float(np.sum((eigenvalues[1:] / eigenvalues[0]) ** 2))
        assert naive != pytest.approx(want[1], rel=0.5, abs=0)


def test_equal_tokens_have_no_excess() -> None:
    found = stable_ranks(np.outer(np.ones(7), [1.0, 0.1, -3.0]))
    assert found.sr_x_minus_1 < 1e-30
    assert stable_ranks([[2.0]]).sr_x_minus_1 == 0.0


# --- arc-cosine kernel (RMT-8) --------------------------------------------------------------------


@pytest.mark.parametrize(
    "cosine", [-1.0, -1 + 1e-14, -0.999999, -0.96, -0.5, 0.0, 0.3, 1 - 1e-12, 1]
)
def test_kernel_against_long_arithmetic(cosine: float) -> None:
    with mpmath.workdps(60):
        c = mpmath.mpf(cosine)
        want = float((mpmath.sqrt(1 - c * c) + (mpmath.pi - mpmath.acos(c)) * c) / mpmath.pi)
    assert arc_cosine_kernel([cosine])[0] == pytest.approx(want, rel=1e-13, abs=1e-300)


@given(rho=st.floats(0.0, 1.0), gain=st.floats(0.0, 3.0), gain_mlp=st.floats(0.0, 3.0))
@settings(max_examples=60, deadline=None)
def test_layers_compose_and_bring_tokens_together(rho: float, gain: float, gain_mlp: float) -> None:
    cosine, ratio = cosines_with_mlp(9, rho, gain, gain_mlp, [0, 1, 2])
    assert cosine[0] == rho
    assert (np.diff(cosine) >= -1e-12).all()
    again, more = cosines_with_mlp(9, float(cosine[1]), gain, gain_mlp, [1])
    assert again[0] == pytest.approx(cosine[2], rel=1e-12)
    assert more[0] * ratio[1] == pytest.approx(ratio[2], rel=1e-12)
