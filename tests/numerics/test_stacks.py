"""Stacks of tokens and weights against the single forms, at any scale."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from qktheory.numerics.layer_norm import layer_norm_spread
from qktheory.numerics.scaled import Scaled
from qktheory.numerics.scaled_stack import NOTHING, ScaledStack, shifted, total
from qktheory.numerics.softmax_split import log_distribution, softmax_deviation
from qktheory.numerics.softmax_stack import ScoreStack, softmax_stack
from qktheory.numerics.spread_stack import SpreadStack, layer_norm_stack, rowwise_stack
from qktheory.numerics.token_spread import TokenSpread, relu_network

Floats = NDArray[np.float64]
#: Exponents of the spread relative to the common row, from wide to invisible and far beyond.
DIGITS = (0, -3, -30, -70, -600, -5000, -(10**9))


def stack_of(rng: np.random.Generator, T: int = 5, d: int = 4) -> SpreadStack:
    n = len(DIGITS)
    center = ScaledStack.of(rng.normal(size=(n, d)), np.array([2, 0, -40, 3, 0, 700, 0]))
    residual = ScaledStack.of(rng.normal(size=(n, T, d)), center.exponent + np.array(DIGITS))
    return SpreadStack.around(center, residual)


def single(stack: SpreadStack, k: int) -> TokenSpread:
    c, R = stack.center, stack.residual
    return TokenSpread(
        Scaled.of(c.mantissa[k], int(c.exponent[k])), Scaled.of(R.mantissa[k], int(R.exponent[k]))
    )


def assert_same(stack: ScaledStack, k: int, want: Scaled) -> None:
    found = Scaled.of(stack.mantissa[k], int(stack.exponent[k]))
    np.testing.assert_allclose(found.at(want.exponent), want.mantissa, rtol=0, atol=3e-13)


def test_numbers_far_beyond_floats_add_up() -> None:
    one = ScaledStack.of(np.array([[3.0], [1.0], [0.0]]), np.array([-9000, -9000, 5]))
    two = ScaledStack.of(np.array([[1.0], [-1.0], [0.0]]), np.array([-9001, -9000, 7]))
    found = total((one, two))
    assert found.exponent.tolist() == [-8998, NOTHING, NOTHING]
    assert found.mantissa.tolist() == [[0.875], [0.0], [0.0]]
    assert found.log10(np.abs(found.mantissa[:, 0]))[1] == -np.inf


def test_shifts_reach_subnormal_numbers_and_zero() -> None:
    found = shifted(np.full((4, 1), 0.75), np.array([-1073, -1080, 1023, 5000]))
    assert found[:, 0].tolist() == [0.75 * 2.0**-1073, 0.0, 0.75 * 2.0**1023, np.inf]


def test_what_is_not_finite_is_refused() -> None:
    with pytest.raises(OverflowError):
        ScaledStack.of(np.array([[np.inf]]))
    with pytest.raises(OverflowError):
        ScaledStack.of(np.ones((1, 1)), np.array([1024])).value()


@pytest.mark.parametrize("eps", [0.0, 0.3])
@pytest.mark.parametrize("seed", range(3))
def test_layer_norm_is_that_of_single_sequences(seed: int, eps: float) -> None:
    stack = stack_of(np.random.default_rng(seed))
    found = layer_norm_stack(stack, eps)
    for k in range(len(DIGITS)):
        want = layer_norm_spread(single(stack, k), eps)
        assert_same(found.residual, k, want.residual)
        scale = Scaled.of(found.center.mantissa[k], int(found.center.exponent[k]))
        np.testing.assert_allclose(scale.value(), want.center.value(), rtol=0, atol=1e-12)


def test_layer_norm_refuses_constant_features() -> None:
    with pytest.raises(ArithmeticError, match="constant features"):
        layer_norm_stack(SpreadStack.of(np.ones((1, 2, 3))))


@pytest.mark.parametrize("seed", range(3))
def test_relu_networks_are_those_of_single_sequences(seed: int) -> None:
    rng = np.random.default_rng(seed)
    stack = stack_of(rng)
    M_in, M_out = rng.normal(size=(len(DIGITS), 4, 6)), rng.normal(size=(len(DIGITS), 6, 3))
    found = rowwise_stack(stack, M_in, M_out)
    for k in range(len(DIGITS)):
        want = relu_network(single(stack, k), M_in[k], M_out[k])
        if want.residual.zero:
            assert found.residual.zero[k]
        else:
            assert_same(found.residual, k, want.residual)
            assert_same(found.center, k, want.center)


def test_gelu_of_nearly_equal_tokens_is_its_derivative() -> None:
    """sigma'(x) = Phi(x) + x phi(x) against the increment at a spread of 2^-5000, and plainly."""
    from scipy.stats import norm

    x = np.array([-3.0, -0.7, 0.0, 0.4, 2.0])
    ones = np.ones((5, 1, 1))
    spread = ScaledStack.of(np.tile([[1.0], [-1.0]], (5, 1, 1)), np.full(5, -5000))
    tokens = SpreadStack(ScaledStack.of(x[:, None]), spread)
    found = rowwise_stack(tokens, ones, ones, "gelu").residual
    slope = norm.cdf(x) + x * norm.pdf(x)
    np.testing.assert_allclose(
        np.ldexp(found.mantissa[:, 0, 0], (found.exponent + 5000).astype(int)), slope, rtol=1e-13
    )
    X = np.random.default_rng(0).normal(0.0, 4.0, size=(3, 4, 2))
    M_in, M_out = np.random.default_rng(1).normal(size=(2, 1, 2, 2))
    plain = X @ M_in
    np.testing.assert_allclose(
        rowwise_stack(SpreadStack.of(X), M_in, M_out, "gelu").tokens().value(),
        (plain * norm.cdf(plain)) @ M_out,
        rtol=0,
        atol=1e-13,
    )


def test_deviations_of_a_dominant_key_among_large_scores() -> None:
    """Both rows leave e^-124 or less to the other key; differences of weights near one are 0."""
    u = np.array([[[0.0, -1908.3224783]]])
    E = np.array([[[[0.0, 1784.61513523], [0.0, -1784.61513523]]]])
    Z = softmax_stack(ScoreStack(u, np.zeros_like(u), E, np.array([0]))).Z[0, 0]
    assert Z[0, 1] == pytest.approx(np.exp(1784.61513523 - 1908.3224783), rel=1e-12, abs=0.0)
    np.testing.assert_array_equal(Z[:, 0], -Z[:, 1])


@pytest.mark.parametrize("exponent", [6, 0, -20, -70, -4000])
@pytest.mark.parametrize("size", [0.0, 1.0, 40.0, 900.0])
def test_softmax_deviations_are_those_of_single_heads(size: float, exponent: int) -> None:
    rng = np.random.default_rng(7)
    u, E = size * rng.normal(size=(2, 3, 5)), rng.normal(size=(2, 3, 5, 5))
    scores = ScoreStack(u, np.zeros_like(u), E, np.array([exponent, 0]))
    found = softmax_stack(scores)
    for n, digits in enumerate((exponent, 0)):
        for h in range(3):
            log_q = log_distribution(u[n, h])
            hub = int(np.argmax(log_q))
            _, Z, unit = softmax_deviation(log_q, E[n, h] - E[n, h][:, [hub]], digits)
            mine = shifted(found.Z[n, h][None], found.unit[[n]] - unit)[0]
            np.testing.assert_allclose(mine, Z, rtol=1e-11, atol=1e-15 * np.abs(Z).max())
            np.testing.assert_allclose(found.q[n, h], np.exp(log_q), rtol=1e-12, atol=1e-300)
