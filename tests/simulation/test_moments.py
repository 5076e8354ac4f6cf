"""The moment tree against exactly rounded sums."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from qktheory.kernels import Moments, leaf_moments, merge_moments
from qktheory.simulation.moments import LEAF, MomentTree


def tree_of(values: NDArray[np.float64]) -> Moments:
    tree = MomentTree()
    tree.extend(leaf_moments(values, LEAF))
    assert tree.samples == len(values)
    total = tree.total()
    assert total is not None
    return total


def reference(values: NDArray[np.float64]) -> tuple[float, float]:
    """Mean and sum of squared deviations, in rational arithmetic."""
    exact = [Fraction(float(x)) for x in values]
    mean = sum(exact) / len(exact)
    return float(mean), float(sum((x - mean) ** 2 for x in exact))


@pytest.mark.parametrize("n", [1, 2, 255, 256, 257, 1000, 5 * 256, 7 * 256 + 13])
@pytest.mark.parametrize(("offset", "scale"), [(0.0, 1.0), (1e8, 1.0), (-3e5, 1e-3), (0.0, 1e-150)])
def test_mean_and_spread_are_those_of_exact_sums(n: int, offset: float, scale: float) -> None:
    """Rounding of the mean: a few ulp of the largest value; of M2: that, relative to the spread."""
    values = offset + scale * np.random.default_rng(n).normal(size=n)
    found, (mean, m2) = tree_of(values[:, None]), reference(values)
    ulp = 2.3e-16 * float(np.abs(values).max())
    assert found.count[0] == n
    assert abs(found.mean[0] - mean) <= 3.0 * ulp
    spread = math.sqrt(m2 / n)
    assert abs(found.m2[0] - m2) <= 1e-14 * m2 + n * (4.0 * ulp * spread + ulp**2)
    assert (found.minimum[0], found.maximum[0]) == (values.min(), values.max())


def test_the_textbook_formula_would_not_pass() -> None:
    """Sum of squares minus n mean^2: the planted error that a large offset reveals."""
    values = 1e8 + np.random.default_rng(0).normal(size=1000)
    _, m2 = reference(values)
    assert abs(np.sum(values**2) - 1000 * values.mean() ** 2 - m2) > 1e-2 * m2
    assert abs(tree_of(values[:, None]).m2[0] - m2) < 1e-8 * m2


@given(sizes=st.lists(st.integers(1, 700), min_size=1, max_size=6), seed=st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_groups_merge_to_the_moments_of_their_union(sizes: list[int], seed: int) -> None:
    values = np.random.default_rng(seed).normal(3.0, 2.0, size=(sum(sizes), 2))
    parts = [tree_of(part) for part in np.split(values, np.cumsum(sizes)[:-1])]
    merged = parts[0]
    for part in parts[1:]:
        merged = merge_moments(merged, part)
    whole = tree_of(values)
    np.testing.assert_array_equal(merged.count, whole.count)
    np.testing.assert_allclose(merged.mean, whole.mean, rtol=1e-14)
    np.testing.assert_allclose(merged.m2, whole.m2, rtol=1e-13)
    np.testing.assert_array_equal(merged.maximum, whole.maximum)
    np.testing.assert_array_equal(merged.minimum, whole.minimum)


def test_a_constant_has_no_spread() -> None:
    found = tree_of(np.full((1000, 1), 0.1))
    assert (found.mean[0], found.m2[0], found.variance[0]) == (0.1, 0.0, 0.0)


def test_a_copy_grows_on_its_own() -> None:
    tree = MomentTree()
    leaf = leaf_moments(np.random.default_rng(0).normal(size=(LEAF, 1)), LEAF)
    tree.extend(leaf)
    copy = tree.copy()
    copy.extend(leaf)
    assert (tree.leaves, copy.leaves) == (1, 2)
    total = tree.total()
    assert total is not None
    assert total.count[0] == LEAF


@given(cuts=st.lists(st.integers(0, 11), max_size=4), n=st.integers(1, 12 * LEAF))
@settings(max_examples=60, deadline=None)
def test_bits_do_not_depend_on_how_leaves_arrive(cuts: list[int], n: int) -> None:
    """Leaf by leaf, all at once, after a reload, or with an incomplete leaf drawn again."""
    values = np.random.default_rng(n).normal(size=(n, 2))
    whole = tree_of(values)
    tree = MomentTree()
    for stop in [*sorted(LEAF * cut for cut in cuts), n]:
        begin = tree.leaves * LEAF
        if begin < min(stop, n):
            tree.extend(leaf_moments(values[begin : min(stop, n)], LEAF))
            tree = MomentTree.from_arrays(*tree.arrays())
    total = tree.total()
    assert total is not None
    for name in ("count", "mean", "m2", "minimum", "maximum"):
        np.testing.assert_array_equal(getattr(total, name), getattr(whole, name))


def test_pairs_are_merged_like_the_digits_of_a_binary_counter() -> None:
    """Five leaves: ((1, 2), (3, 4)), 5."""
    values = np.random.default_rng(0).normal(size=(5 * LEAF, 1))
    leaves = leaf_moments(values, LEAF)
    one, two, three, four, five = (leaves.group(k) for k in range(5))
    four_together = merge_moments(merge_moments(one, two), merge_moments(three, four))
    expected = merge_moments(four_together, five)
    assert tree_of(values).m2 == expected.m2
    assert tree_of(values).mean == expected.mean


def test_an_empty_tree_has_no_total() -> None:
    assert MomentTree().total() is None
