"""Moments of blocks: against exact fractions, merging in any tree, bits of a block."""

from __future__ import annotations

from dataclasses import astuple
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from qktheory.kernels import Moments, leaf_moments, merge_moments

Float = NDArray[np.float64]
RNG = np.random.default_rng(9)


def exact(column: Float) -> tuple[float, float]:
    """Return mean and sum of squared deviations, in rational arithmetic."""
    x = [Fraction(float(v)) for v in column]
    mean = sum(x) / len(x)
    return float(mean), float(sum((v - mean) ** 2 for v in x))


samples = hnp.arrays(
    np.float64,
    st.tuples(st.integers(1, 40), st.integers(1, 4)),
    elements=st.floats(-1e6, 1e6, allow_subnormal=False),
)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(samples, st.integers(1, 50))
def test_leaves_are_exact_up_to_rounding(x: Float, leaf: int) -> None:
    moments = leaf_moments(x, leaf)
    assert moments.count.shape == (-(-x.shape[0] // leaf), x.shape[1])
    for b in range(moments.count.shape[0]):
        part = x[b * leaf : (b + 1) * leaf]
        assert np.all(moments.count[b] == len(part))
        np.testing.assert_array_equal(moments.minimum[b], part.min(axis=0))
        np.testing.assert_array_equal(moments.maximum[b], part.max(axis=0))
        for j in range(x.shape[1]):
            mean, m2 = exact(part[:, j])
            size = float(np.max(np.abs(part[:, j])))
            assert moments.mean[b, j] == pytest.approx(mean, rel=1e-14, abs=1e-15 * size)
            assert moments.m2[b, j] == pytest.approx(m2, rel=1e-12, abs=1e-28 * size**2 + 1e-300)


def test_a_large_offset_does_not_spoil_the_variance() -> None:
    x = 1e8 + RNG.standard_normal((1000, 1))
    _, m2 = exact(x[:, 0])
    assert leaf_moments(x, 1000).m2[0, 0] == pytest.approx(m2, rel=1e-14)
    one_pass = float((x**2).sum() - x.sum() ** 2 / 1000)
    assert one_pass != pytest.approx(m2, rel=1e-4)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(samples, st.integers(1, 10), st.randoms(use_true_random=False))
def test_merging_in_any_order_gives_the_whole(x: Float, leaf: int, random) -> None:
    leaves = leaf_moments(x, leaf)
    parts = [Moments(*(f[b] for f in astuple(leaves))) for b in range(leaves.count.shape[0])]
    while len(parts) > 1:
        a = parts.pop(random.randrange(len(parts)))
        b = parts.pop(random.randrange(len(parts)))
        parts.append(merge_moments(a, b))
    whole = leaf_moments(x, x.shape[0])
    size = float(np.max(np.abs(x)))
    np.testing.assert_array_equal(parts[0].count, whole.count[0])
    np.testing.assert_array_equal(parts[0].minimum, whole.minimum[0])
    np.testing.assert_array_equal(parts[0].maximum, whole.maximum[0])
    np.testing.assert_allclose(parts[0].mean, whole.mean[0], rtol=1e-13, atol=1e-14 * size)
    np.testing.assert_allclose(parts[0].m2, whole.m2[0], rtol=1e-11, atol=1e-26 * size**2)


def test_merging_with_nothing_changes_nothing() -> None:
    part = leaf_moments(RNG.standard_normal((10, 3)), 10)
    zero = np.zeros((1, 3))
    empty = Moments(zero, zero, zero, zero + np.inf, zero - np.inf)
    for merged in (merge_moments(part, empty), merge_moments(empty, part)):
        for field, expected in zip(astuple(merged), astuple(part), strict=True):
            np.testing.assert_array_equal(field, expected)
    nothing = merge_moments(empty, empty)
    assert np.all(nothing.count == 0)
    assert np.all(nothing.m2 == 0)


def test_bits_of_a_leaf_depend_on_its_rows_only() -> None:
    x = RNG.standard_normal((100, 13))
    whole = leaf_moments(x, 16)
    for columns in (slice(0, 1), slice(3, 5), slice(2, 11)):
        part = leaf_moments(x[32:80, columns], 16)
        for field, expected in zip(astuple(part), astuple(whole), strict=True):
            np.testing.assert_array_equal(field, expected[2:5, columns])


def test_refusals_and_empty_batches() -> None:
    assert leaf_moments(np.empty((0, 2)), 4).mean.shape == (0, 2)
    with pytest.raises(ValueError, match="leaf = 0"):
        leaf_moments([[1.0]], 0)
    with pytest.raises(ValueError, match=r"values = .*shape \(n, k\)"):
        leaf_moments([1.0], 1)
    with pytest.raises(ValueError, match=r"^b = .moments of shape"):
        merge_moments(leaf_moments(np.ones((2, 2)), 2), leaf_moments(np.ones((2, 3)), 2))
