"""Row statistics and normalisers: exact rows, references of many digits, kernels against twins."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from qktheory.kernels import (
    ROW_STATISTICS,
    alive_rows,
    clipped_linear_rows,
    clipped_linear_statistics,
    reference,
    row_statistics,
    softmax_rows,
)

Float = NDArray[np.float64]
INF = np.inf


def statistics(row: list[float] | Float) -> dict[str, float]:
    values = row_statistics(np.asarray(row, dtype=float)[None])[0]
    return dict(zip(ROW_STATISTICS, map(float, values), strict=True))


def by_definition(row: list[float]) -> dict[str, float]:
    """Evaluate the definitions with 300 digits: a weight may differ from 1 by 1e-90."""
    with mpmath.workdps(300):
        w = [mpmath.mpf(float(x)) for x in row if x > -INF]
        z = mpmath.fsum(mpmath.exp(x) for x in w)
        a = [mpmath.exp(x) / z for x in w]
        mean = mpmath.fsum(p * x for p, x in zip(a, w, strict=True))
        return {
            "log_partition": float(mpmath.log(z)),
            "entropy": float(-mpmath.fsum(p * mpmath.log(p) for p in a)),
            "participation": float(mpmath.fsum(p * p for p in a)),
            "max_weight": float(max(a)),
            "mean_logit": float(mean),
            "var_logit": float(mpmath.fsum(p * (x - mean) ** 2 for p, x in zip(a, w, strict=True))),
        }


RNG = np.random.default_rng(7)
ROWS: dict[str, list[float]] = {
    "one key": [3.5],
    "two keys": [0.0, 1.0],
    "ties": [2.0, 2.0, -1.0, 2.0],
    "masked": [-INF, 0.3, -INF, -0.2, 1.1],
    "large and far apart": [1e4, -1e4, 9999.0],
    "large negative": [-1e4, -1e4 - 2.0],
    "one dominant key": [0.0, -30.0, -35.0, -40.0],
    "dominant beyond rounding": [0.0, -200.0, -210.0],
    "nearly uniform": list(1.0 + 1e-3 * RNG.standard_normal(100)),
    "random": list(2.0 * RNG.standard_normal(257)),
    "cold": list(30.0 * RNG.standard_normal(64)),
} | {
    # The shift is the largest of a few keys; the largest of all may stand far above it.
    f"a peak of {peak} between zeros": [0.0] * 7 + [peak] + [0.0] * 192
    for peak in (1.0, 5.0, 9.7, 10.0, 15.9, 16.1, 40.0, 600.0, 1e4)
}


@pytest.mark.parametrize("name", ROWS)
def test_statistics_match_the_definition(name: str) -> None:
    got, exact = statistics(ROWS[name]), by_definition(ROWS[name])
    for column in ROW_STATISTICS:
        scale = 1e-13 * max(1.0, max(abs(x) for x in ROWS[name] if x > -INF))
        atol = {"log_partition": scale, "mean_logit": scale, "var_logit": 1e-30}.get(column, 0.0)
        assert got[column] == pytest.approx(exact[column], rel=1e-13, abs=atol), column


def test_entropy_keeps_its_relative_accuracy_where_the_naive_difference_loses_it() -> None:
    row = ROWS["dominant beyond rounding"]
    exact = by_definition(row)["entropy"]
    assert 0 < exact < 1e-80
    assert statistics(row)["entropy"] == pytest.approx(exact, rel=1e-14, abs=0)
    weights = softmax_rows([row])[0]
    naive = np.log(np.exp(row).sum()) - weights @ np.array(row)
    assert abs(naive / exact - 1) > 1e-3  # log Z has rounded to zero


@pytest.mark.parametrize("T", [1, 2, 3, 7, 8, 9, 31, 64, 100, 4096, 4097, 10_000])
def test_uniform_and_one_hot_rows_are_exact(T: int) -> None:
    flat = statistics(np.full(T, -3.25))
    assert flat["entropy"] == pytest.approx(np.log(T), rel=5e-16, abs=0)
    assert flat["max_weight"] == 1.0 / T
    assert flat["participation"] == pytest.approx(1.0 / T, rel=3e-16)
    assert flat["var_logit"] == 0.0
    assert flat["mean_logit"] == -3.25
    hot = np.full(T, -INF)
    hot[T // 2] = 1e4
    assert statistics(hot) == {
        "log_partition": 1e4,
        "entropy": 0.0,
        "participation": 1.0,
        "max_weight": 1.0,
        "mean_logit": 1e4,
        "var_logit": 0.0,
    }


finite = st.floats(-1e4, 1e4)
logits = hnp.arrays(
    np.float64,
    hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=40),
    elements=st.one_of(finite, st.sampled_from([0.0, 1.0, -0.0, -INF, 1e4, -1e4])),
)


def unmask_one(w: Float) -> Float:
    w = w.copy()
    w[np.all(w == -INF, axis=1), 0] = 0.0
    return w


@settings(max_examples=150, deadline=None, derandomize=True)
@given(logits)
def test_kernels_agree_with_their_twins(w: Float) -> None:
    w = unmask_one(w)
    scale = np.max(np.abs(np.where(w > -INF, w, 0.0)), axis=1, keepdims=True)
    twin = np.empty((w.shape[0], 6))
    assert reference.row_statistics(w, twin) == -1
    # Sums of T terms; the logits themselves are only known to the rounding of their size.
    np.testing.assert_allclose(
        row_statistics(w), twin, rtol=1e-13, atol=1e-300 + 1e-15 * float(scale.max())
    )
    twin = np.empty_like(w)
    assert reference.softmax_rows(w, twin) == -1
    np.testing.assert_allclose(softmax_rows(w), twin, rtol=1e-14, atol=1e-322)
    assert reference.clipped_linear_rows(w, twin) == -1
    np.testing.assert_allclose(
        clipped_linear_rows(w), twin, rtol=1e-13, atol=1e-14 * (1 + float(scale.max()))
    )


@settings(max_examples=100, deadline=None, derandomize=True)
@given(logits, st.integers(-60, 60))
def test_invariances(w: Float, shift: int) -> None:
    """A common shift moves the partition function and nothing else; order does not matter."""
    w = np.round(unmask_one(w) * 64) / 64  # sums with the shift are exact
    base, moved = row_statistics(w), row_statistics(w + shift)
    np.testing.assert_array_equal(base[:, 1:4], moved[:, 1:4])
    np.testing.assert_allclose(moved[:, 0], base[:, 0] + shift, rtol=1e-15, atol=1e-11)
    turned = row_statistics(w[:, ::-1])
    np.testing.assert_allclose(turned[:, 1:4], base[:, 1:4], rtol=1e-13, atol=1e-300)
    H, Y2, top = base[:, 1], base[:, 2], base[:, 3]
    T = (w > -INF).sum(axis=1)
    assert np.all((H >= 0) & (np.log(T) * (1 + 1e-14) + 1e-300 >= H))
    assert np.all((Y2 >= (1 - 1e-14) / T) & (top * (1 + 1e-14) >= Y2))


def test_rows_do_not_depend_on_their_neighbours_or_the_layout() -> None:
    w = 3.0 * RNG.standard_normal((20, 300))
    whole = row_statistics(w)
    for r in range(20):
        np.testing.assert_array_equal(row_statistics(w[r : r + 1])[0], whole[r])
    np.testing.assert_array_equal(row_statistics(w[::3]), whole[::3])
    wide = np.full((20, 400), 1e9)
    wide[:, 50:350] = w
    np.testing.assert_array_equal(row_statistics(wide[:, 50:350]), whole)
    np.testing.assert_array_equal(row_statistics(np.asfortranarray(w)), whole)
    np.testing.assert_array_equal(row_statistics(w[::-1])[::-1], whole)
    readonly = w.copy()
    readonly.flags.writeable = False
    np.testing.assert_array_equal(row_statistics(readonly), whole)
    np.testing.assert_array_equal(softmax_rows(wide[:, 50:350]), softmax_rows(w))
    np.testing.assert_array_equal(row_statistics(np.broadcast_to(w[0], (3, 300)))[2], whole[0])


def test_other_number_types_and_empty_batches() -> None:
    assert row_statistics([[1, 1]])[0, 1] == np.log(2.0)
    assert row_statistics(np.zeros((1, 4), np.float32))[0, 3] == 0.25
    assert row_statistics(np.zeros((1, 4), ">f8"))[0, 3] == 0.25
    assert row_statistics(np.empty((0, 3))).shape == (0, 6)


def test_long_rows_are_summed_in_blocks() -> None:
    w = np.zeros(10**6)
    w[::2] = np.log(0.1)
    got = statistics(w)
    assert got["log_partition"] == pytest.approx(np.log(5e5 * 1.1), rel=1e-15)
    assert got["participation"] == pytest.approx(1.01 / (5e5 * 1.21), rel=1e-14)


def test_softmax_edges() -> None:
    np.testing.assert_array_equal(softmax_rows([[-INF, 5.0, 5.0]]), [[0.0, 0.5, 0.5]])
    small = softmax_rows([[0.0, -740.0]])[0, 1]
    assert small == pytest.approx(np.exp(-740.0), rel=1e-2)
    assert small > 0
    w = RNG.standard_normal((5, 33))
    expected = softmax_rows(w)
    np.testing.assert_allclose(expected.sum(axis=1), 1.0, rtol=1e-15)
    assert softmax_rows(w, w) is w
    np.testing.assert_array_equal(w, expected)


def test_clipped_attention_and_alive_tokens() -> None:
    """LOC-0: alive means strictly between the two kinks; masked keys do not count."""
    w = np.array([[0.5, -0.5, 0.0], [4.0, 0.0, -4.0], [-INF, 1.0, -INF]])
    np.testing.assert_allclose(
        clipped_linear_rows(w),
        [[0.5, 1 / 6, 1 / 3], [1.0, 1 / 3, 0.0], [0.0, 1.0, 0.0]],
        rtol=1e-15,
    )
    np.testing.assert_array_equal(alive_rows(w), [[1, 1, 1], [0, 1, 0], [0, 0, 0]])
    # On the kinks themselves a token is not alive: q = -1 and q = T - 1.
    np.testing.assert_array_equal(alive_rows([[1.0, -1.0]]), [[0, 0]])
    twin = np.empty((50, 40))
    w = 3.0 * RNG.standard_normal((50, 40))
    w[RNG.random(w.shape) < 0.2] = -INF
    reference.alive_rows(w, twin)
    np.testing.assert_array_equal(alive_rows(w), twin)
    inside = (clipped_linear_rows(w) > 0) & (clipped_linear_rows(w) < 1)
    np.testing.assert_array_equal(inside, twin == 1)


@pytest.mark.parametrize(
    "function",
    [row_statistics, softmax_rows, clipped_linear_rows, clipped_linear_statistics, alive_rows],
)
@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ([[0.0, 0.0], [-INF, -INF]], "row 1 is entirely -inf"),
        ([[0.0, INF]], "row 0 has the entry inf"),
        ([[0.0, np.nan]], "row 0 has a NaN"),
        ([[np.nan, -INF]], "row 0 has a NaN"),
        ([[-np.nan, 1.0]], "row 0 has a NaN"),
        ([0.0, 1.0], r"shape \(n, T\)"),
        (np.empty((3, 0)), r"shape \(n, T\)"),
        ([[1j]], "real numbers"),
        ([["a"]], "real numbers"),
        ([[True]], "real numbers"),
    ],
)
def test_bad_logits_are_refused(function, bad: object, message: str) -> None:
    with pytest.raises(ValueError, match=f"logits.*{message}"):
        function(bad)


@pytest.mark.parametrize(
    "out", [np.empty((2, 5)), np.empty((2, 6), np.float32), np.empty((6, 2)).T, [0.0]]
)
def test_bad_destinations_are_refused(out: object) -> None:
    with pytest.raises(ValueError, match=r"^out = "):
        row_statistics(np.zeros((2, 3)), out)  # type: ignore[arg-type]


@pytest.mark.parametrize("T", [1, 3, 64, 5000])
def test_the_variance_can_be_left_out(T: int) -> None:
    w = 2.0 * RNG.standard_normal((9, T))
    w[:, 1:2] = -INF
    fewer = row_statistics(w, variance=False)
    assert fewer.shape == (9, 5)
    np.testing.assert_allclose(fewer, row_statistics(w)[:, :5], rtol=1e-14, atol=1e-14)
    with pytest.raises(ValueError, match="out"):
        row_statistics(w, np.empty((9, 6)), variance=False)


@pytest.mark.parametrize("T", [1, 2, 3, 64, 1000])
@pytest.mark.parametrize("scale", [0.0, 0.1, 3.0, 1e3])
def test_statistics_of_clipped_rows_are_those_of_their_shares(T: int, scale: float) -> None:
    w = scale * RNG.standard_normal((11, T))
    if T > 3:
        w[:, ::3] = -INF
    found = clipped_linear_statistics(w)
    weights = clipped_linear_rows(w)
    shares = weights / weights.sum(axis=1, keepdims=True)
    logs = np.log(np.where(shares > 0.0, shares, 1.0))
    np.testing.assert_allclose(found[:, 0], -(shares * logs).sum(axis=1), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(found[:, 1], (shares**2).sum(axis=1), rtol=1e-13)
    np.testing.assert_allclose(found[:, 2], shares.max(axis=1), rtol=1e-13)
    np.testing.assert_allclose(found[:, 3], alive_rows(w).mean(axis=1), rtol=1e-15)
    twin = np.empty_like(found)
    assert reference.clipped_linear_statistics(w, twin) == -1
    np.testing.assert_allclose(found, twin, rtol=1e-12, atol=1e-13)
