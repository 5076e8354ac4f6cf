"""Weights of stretches, mean logits and drifted bridges: definitions, exact cases, twins, bits."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from qktheory.kernels import (
    AffineRows,
    DriftedBridges,
    alive_rows,
    bridge_rows,
    clipped_linear_rows,
    clipped_segments,
    drifted_rows,
    quadratic_sums,
    reference,
    row_statistics,
    softmax_rows,
    softmax_segments,
    visible_means,
)

Float = NDArray[np.float64]
INF = np.inf


def sums(weights: Float, ends: list[int]) -> Float:
    return np.stack([weights[:, a:b].sum(axis=1) for a, b in pairwise(ends)], axis=1)


def shares(values: Float) -> Float:
    return values / values.sum(axis=1, keepdims=True)


@st.composite
def cases(draw):
    """Rows of logits with masked keys, all sizes, and the ends of stretches, some of them empty."""
    T = draw(st.integers(1, 300))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    rows = draw(st.sampled_from([1e-3, 1.0, 30.0, 1e4])) * rng.standard_normal((3, T))
    rows[rng.random((3, T)) < draw(st.sampled_from([0.0, 0.0, 0.4]))] = -INF
    rows[:, draw(st.integers(0, T - 1))] = 0.5
    inner = draw(st.lists(st.integers(0, T), max_size=4))
    return rows, [0, *sorted(inner), T]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(cases())
def test_stretches_are_sums_of_weights(case) -> None:
    rows, ends = case
    exact = sums(softmax_rows(rows), ends)
    np.testing.assert_allclose(shares(softmax_segments(rows, ends)), exact, rtol=1e-13, atol=1e-300)
    count = (rows > -INF).sum(axis=1, keepdims=True)
    exact = sums(clipped_linear_rows(rows), ends) * count
    # 1 + q is rounded at the size of the mean logit.
    size = np.abs(np.where(rows > -INF, rows, 0.0)).max()
    atol = 1e-15 * (1.0 + size) * rows.shape[1]
    np.testing.assert_allclose(clipped_segments(rows, ends), exact, rtol=1e-13, atol=atol)
    means = visible_means(rows)
    np.testing.assert_array_equal(means[:, 1:], count)
    exact = np.where(rows > -INF, rows, 0.0).sum(axis=1) / count[:, 0]
    np.testing.assert_allclose(means[:, 0], exact, rtol=1e-12, atol=1e-14 * size)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(cases())
def test_kernels_agree_with_their_twins(case) -> None:
    rows, given_ends = case
    ends = np.array(given_ends)
    out = np.empty((len(rows), ends.size - 1))
    assert reference.softmax_segments(rows, ends, out) == -1
    np.testing.assert_allclose(softmax_segments(rows, ends), out, rtol=1e-13, atol=1e-300)
    assert reference.clipped_segments(rows, ends, out) == -1
    atol = 1e-15 * (1.0 + np.abs(np.where(rows > -INF, rows, 0.0)).max()) * rows.shape[1]
    np.testing.assert_allclose(clipped_segments(rows, ends), out, rtol=1e-13, atol=atol)
    out = np.empty((len(rows), 2))
    assert reference.visible_means(rows, out) == -1
    np.testing.assert_allclose(visible_means(rows), out, rtol=1e-12, atol=atol)
    finite = np.where(rows > -INF, rows, 0.0)
    eigenvalues = np.linspace(-1.0, 2.0, rows.shape[1])
    spectra = np.stack([eigenvalues, eigenvalues**2])
    out = np.empty((2, 2, len(rows)))
    reference.quadratic_sums(finite, spectra, out)
    size = (finite**2).sum()
    np.testing.assert_allclose(quadratic_sums(finite, spectra), out, rtol=1e-12, atol=1e-14 * size)


@pytest.mark.parametrize("T", [4, 1024, 4097, 20_000])
def test_uniform_and_one_hot_rows_are_exact(T: int) -> None:
    ends = [k * T // 4 for k in range(5)]
    sizes = np.diff(ends).astype(float)
    flat = np.full((1, T), -7.5)
    np.testing.assert_array_equal(softmax_segments(flat, ends)[0], sizes)
    np.testing.assert_array_equal(clipped_segments(flat, ends)[0], sizes)
    assert visible_means(flat).tolist() == [[-7.5, T]]
    hot = np.full((1, T), -INF)
    hot[0, T // 2] = 1e4
    np.testing.assert_array_equal(softmax_segments(hot, ends)[0], [0.0, 0.0, 1.0, 0.0])
    np.testing.assert_array_equal(clipped_segments(hot, ends)[0], [0.0, 0.0, 1.0, 0.0])
    assert visible_means(hot).tolist() == [[1e4, 1.0]]


@pytest.mark.parametrize("T", [1, 2, 3, 8, 17, 64, 100, 1024])
def test_a_drifted_row_need_not_be_formed(T: int) -> None:
    rng = np.random.default_rng(T)
    bridges = rng.standard_normal((5, T))
    bridge_rows(bridges)
    m, s = 3.0 * rng.standard_normal(5), np.abs(rng.standard_normal(5))
    rows = drifted_rows(bridges, m, s)
    drifted = DriftedBridges(bridges, m, s)
    np.testing.assert_allclose(drifted.mean, visible_means(rows)[:, 0], rtol=0, atol=1e-13)
    assert drifted.logits().tobytes() == rows.tobytes()
    ends = [k * T // 4 for k in range(5)]
    # The same bits: the same row passes through the same loops.
    np.testing.assert_array_equal(drifted.softmax_segments(ends), softmax_segments(rows, ends))
    np.testing.assert_allclose(
        drifted.clipped_segments(ends),
        clipped_segments(rows, ends),
        rtol=1e-12,
        atol=1e-12 * T,
    )
    alive = alive_rows(rows)
    for key in range(T):
        np.testing.assert_array_equal(drifted.alive(key), alive[:, key])
    # The wrong twin: with another mean the answers differ.
    wrong = DriftedBridges(bridges, m, s, np.zeros(5))
    others = [wrong.alive(key) for key in range(T)]
    assert T < 8 or (alive != np.array(others).T).any()


def test_rows_do_not_depend_on_their_company() -> None:
    rng = np.random.default_rng(1)
    rows, eigenvalues = rng.standard_normal((11, 333)), rng.standard_normal(333)
    ends = [0, 10, 100, 333]
    ones = np.ones(11)
    for function in (
        lambda part, one: softmax_segments(part, ends),
        lambda part, one: clipped_segments(part, ends),
        lambda part, one: visible_means(part),
        lambda part, one: quadratic_sums(part, eigenvalues).T,
        lambda part, one: quadratic_sums(part, np.stack([-eigenvalues, eigenvalues]))[:, 1].T,
        lambda part, one: DriftedBridges(part, one, one).softmax_segments(ends),
        lambda part, one: DriftedBridges(part, one, one).clipped_segments(ends),
    ):
        whole = function(rows, ones)
        for k in (0, 3, 10):
            alone = function(rows[k : k + 1].copy(), ones[:1])
            assert alone.tobytes() == np.ascontiguousarray(whole[k : k + 1]).tobytes()


@pytest.mark.parametrize("T", [1, 5, 64, 1000])
def test_rows_made_from_shared_numbers_have_the_bits_of_rows_made_alone(T: int) -> None:
    """Whatever the company: rows of one call, and rows that were written to memory before."""
    rng = np.random.default_rng(T)
    base = rng.standard_normal((3, T))
    factor, slope, level, last = rng.standard_normal((4, 6))
    rows = AffineRows(base, factor, slope, level, last, copies=2)
    free = AffineRows(base, factor, slope, level, copies=2)
    logits = rows.logits()
    position = np.arange(1, T + 1)
    source = np.concatenate([base, base])
    expected = factor[:, None] * source + slope[:, None] * position + level[:, None]
    np.testing.assert_allclose(free.logits(), expected, rtol=0, atol=1e-15 * (T + 9))
    np.testing.assert_array_equal(free.own_logit(), free.logits()[:, -1])
    np.testing.assert_array_equal(logits[:, :-1], free.logits()[:, :-1])
    np.testing.assert_array_equal(logits[:, -1], last)
    np.testing.assert_array_equal(rows.own_logit(), last)
    ends = [0, T // 3, T]
    np.testing.assert_array_equal(rows.softmax_segments(ends), softmax_segments(logits, ends))
    for variance in (True, False):
        np.testing.assert_array_equal(
            rows.softmax_statistics(variance=variance), row_statistics(logits, variance=variance)
        )
    for i in range(6):
        one = AffineRows(base[[i % 3]], *(part[[i]] for part in (factor, slope, level, last)))
        assert one.logits().tobytes() == logits[[i]].tobytes()
        assert one.softmax_statistics().tobytes() == rows.softmax_statistics()[[i]].tobytes()


def test_bridges_with_many_drifts() -> None:
    bridges = np.random.default_rng(2).standard_normal((4, 60))
    bridge_rows(bridges)
    m, s = np.linspace(-3.0, 3.0, 12), np.linspace(0.1, 2.0, 12)
    together = DriftedBridges(bridges, m, s, copies=3)
    for c in range(3):
        part = slice(4 * c, 4 * c + 4)
        alone = DriftedBridges(bridges, m[part], s[part])
        np.testing.assert_array_equal(together.mean[part], alone.mean)
        np.testing.assert_array_equal(together.alive(17)[part], alone.alive(17))
        segments = together.clipped_segments([0, 15, 60])[part]
        np.testing.assert_array_equal(segments, alone.clipped_segments([0, 15, 60]))


def test_bad_affine_rows() -> None:
    base = np.zeros((2, 3))
    with pytest.raises(ValueError, match=r"base = .*: expected a writeable C-contiguous"):
        AffineRows(base.T, 1.0)
    with pytest.raises(ValueError, match=r"factor = .*: expected a finite number or 4 of them"):
        AffineRows(base, np.ones(2), copies=2)
    with pytest.raises(ValueError, match="copies = 0: expected an integer >= 1"):
        AffineRows(base, 1.0, copies=0)
    with pytest.raises(ValueError, match="level = inf: expected a finite number"):
        AffineRows(base, 1.0, level=np.inf)
    base[1, 2] = np.nan
    rows = AffineRows(base, 1.0, copies=2)
    for function in (lambda: rows.softmax_segments([0, 3]), rows.softmax_statistics):
        with pytest.raises(ValueError, match=r"row 1.*(finite numbers|has a NaN)"):
            function()


BAD_ENDS = ([0], [1, 4], [0, 3], [0, 3, 2, 4], [0.0, 4.0], [[0, 4]], [0, 4, 5])


@pytest.mark.parametrize("ends", BAD_ENDS)
def test_bad_ends(ends) -> None:
    rows, one = np.zeros((1, 4)), np.ones(1)
    for function in (
        lambda: softmax_segments(rows, ends),
        lambda: clipped_segments(rows, ends),
        lambda: DriftedBridges(rows, one, one).softmax_segments(ends),
        lambda: DriftedBridges(rows, one, one).clipped_segments(ends),
    ):
        with pytest.raises(ValueError, match=r"ends = .*: expected integers that rise from 0 to T"):
            function()


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ([0.0, np.nan], "row 1 has a NaN"),
        ([0.0, INF], "row 1 has the entry inf"),
        ([-INF, -INF], "row 1 is entirely -inf"),
    ],
)
def test_bad_rows(row: list[float], message: str) -> None:
    rows = [[0.0, 1.0], row]
    for function in (softmax_segments, clipped_segments):
        with pytest.raises(ValueError, match=message):
            function(rows, [0, 1, 2])
    with pytest.raises(ValueError, match=message):
        visible_means(rows)


def test_bad_arrays_of_drifted_rows() -> None:
    bridges, one = np.zeros((2, 4)), np.ones(2)
    with pytest.raises(ValueError, match=r"bridges = .*: expected a writeable C-contiguous"):
        DriftedBridges(bridges.T[::2].T, one, one)
    with pytest.raises(ValueError, match=r"s = .*: expected a nonnegative finite number or 2"):
        DriftedBridges(bridges, one, np.ones(3))
    with pytest.raises(ValueError, match=r"s = -1.0: expected a nonnegative"):
        DriftedBridges(bridges, one, -one)
    with pytest.raises(ValueError, match=r"self_logit = nan: expected a finite number"):
        DriftedBridges(bridges, np.nan, one)
    with pytest.raises(ValueError, match="key = 4: expected an integer >= 0 and < 4"):
        DriftedBridges(bridges, one, one).alive(4)
    with pytest.raises(ValueError, match=r"bridges = .*: expected shape \(n, T\) with T >= 1"):
        DriftedBridges(np.zeros((2, 0)), one, one)
    bridges[1, 2] = np.nan
    rows = DriftedBridges(bridges, one, one, one)
    for segments in (rows.softmax_segments, rows.clipped_segments):
        with pytest.raises(ValueError, match=r"expected finite numbers|row 1 has a NaN"):
            segments([0, 4])
    with pytest.raises(ValueError, match=r"eigenvalues = .*: expected shape \(4,\)"):
        quadratic_sums(bridges, one)
