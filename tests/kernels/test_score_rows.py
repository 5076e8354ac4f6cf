"""Rows of scores: what is read off them unformed is what the formed rows say."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from qktheory.kernels import ROW_STATISTICS, ScoreRows, row_statistics
from qktheory.kernels.panels import PANEL, panel_sums
from qktheory.kernels.policy import jit_enabled, wide_registers
from qktheory.kernels.rows import finish_statistics

Float = NDArray[np.float64]

in_registers = pytest.mark.skipif(
    not (jit_enabled and wide_registers), reason="sums in registers of 512 bits; others form rows"
)


def dyadic(rng: np.random.Generator, shape: tuple[int, int], scale: float = 1.0) -> Float:
    """Numbers of few digits, whose products and sums are exact in any order."""
    return scale * rng.integers(-32, 33, shape) / 16.0


def by_panels(queries: Float, keys: Float, visible: Float | None = None) -> Float:
    """Statistics by panels, however few queries there are."""
    n, T = len(queries), len(keys)
    seen = np.full(n, T) if visible is None else np.asarray(visible, dtype=np.int64)
    sums, out = np.empty((n, 7)), np.empty((n, 6))
    flat = np.ascontiguousarray(queries).reshape(-1), np.ascontiguousarray(keys).reshape(-1)
    assert panel_sums(*flat, queries.shape[1], seen, sums) == -1
    finish_statistics(sums, out)
    return out


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("scale", [0.1, 1.0, 64.0])
@pytest.mark.parametrize(
    ("T", "width"), [(16, 1), (17, 3), (31, 8), (64, 5), (130, 64), (515, 16), (1100, 2)]
)
def test_statistics_are_those_of_the_formed_rows(
    T: int, width: int, scale: float, causal: bool
) -> None:
    """Scores are exact here, so the two differ by the errors of the sums alone."""
    rng = np.random.default_rng(T)
    queries, keys = dyadic(rng, (T, width), scale), dyadic(rng, (T, width))
    rows = ScoreRows(queries, keys, causal=causal)
    scores = queries @ keys.T
    if causal:
        scores[np.triu_indices(T, 1)] = -np.inf
    np.testing.assert_array_equal(rows.logits(), scores)
    expected = row_statistics(scores)
    found = rows.softmax_statistics()
    for k, name in enumerate(ROW_STATISTICS):
        tolerance = 1e-11 if name == "var_logit" else 3e-13
        size = 1e-12 * np.abs(expected[:, k]).max() if "logit" in name else 1e-300
        np.testing.assert_allclose(found[:, k], expected[:, k], rtol=tolerance, atol=size)
    np.testing.assert_array_equal(rows.softmax_statistics(variance=False), found[:, :5])
    if T > 16 and scale == 1.0:
        # The wrong twin: queries and keys exchanged.
        assert not np.allclose(ScoreRows(keys, queries).softmax_statistics(), expected, rtol=1e-3)


@in_registers
@pytest.mark.parametrize("gap", [1e-3, 1.0, 30.0, 300.0, 700.0, 720.0])
@pytest.mark.parametrize("place", [0, 5, 63, 64, 129])
def test_entropy_keeps_its_relative_accuracy_next_to_a_dominant_key(gap: float, place: int) -> None:
    """One key is `gap` above the others, wherever it is met; against mpmath."""
    T = 130
    keys = np.linspace(-0.5, 0.0, T)[:, None].copy()
    keys[place] = gap
    found = by_panels(np.ones((PANEL, 1)), keys)
    with mpmath.workdps(400):
        e = [mpmath.exp(mpmath.mpf(float(w))) for w in keys[:, 0]]
        Z = mpmath.fsum(e)
        entropy = float(-mpmath.fsum(x / Z * mpmath.log(x / Z) for x in e))
        rest = float(mpmath.fsum(x for j, x in enumerate(e) if j != place) / Z)
    assert found[0, 1] == pytest.approx(entropy, rel=1e-13, abs=1e-304)
    assert 1.0 - found[0, 3] == pytest.approx(rest, abs=2e-16)
    assert (found == found[0]).all()


@in_registers
@pytest.mark.parametrize("slope", [-2.0, 2.0**-10, 0.125, 2.0, 20.0])
def test_a_top_that_rises_from_chunk_to_chunk_costs_no_digits(slope: float) -> None:
    """Logits that rise along the row; with a slope of -2 they fall."""
    T = 1000
    w = slope * np.arange(T)
    found = by_panels(np.ones((1, 1)), w[:, None])[0]
    with mpmath.workdps(60):
        e = [mpmath.exp(mpmath.mpf(float(x)) - mpmath.mpf(float(w.max()))) for x in w]
        Z = mpmath.fsum(e)
        mean = mpmath.fsum(x * mpmath.mpf(float(y)) for x, y in zip(e, w, strict=True)) / Z
        expected = {
            "log_partition": mpmath.log(Z) + mpmath.mpf(float(w.max())),
            "entropy": -mpmath.fsum(x / Z * mpmath.log(x / Z) for x in e),
            "participation": mpmath.fsum(x * x for x in e) / Z**2,
            "max_weight": 1 / Z,
            "mean_logit": mean,
            "var_logit": mpmath.fsum(
                x * (mpmath.mpf(float(y)) - mean) ** 2 for x, y in zip(e, w, strict=True)
            )
            / Z,
        }
    for name, value in zip(ROW_STATISTICS, found, strict=True):
        accuracy = 1e-12 if name == "var_logit" else 1e-14
        assert value == pytest.approx(float(expected[name]), rel=accuracy, abs=1e-300), name


@in_registers
def test_ties_with_the_largest_score_count_as_such() -> None:
    """Two, three, ... equal keys far above the rest: the entropy is that of so many keys."""
    for ties in range(1, 9):
        keys = np.full((200, 1), -1e4)
        keys[np.arange(ties) * 25] = 0.0
        found = by_panels(np.ones((3, 1)), keys)
        np.testing.assert_array_equal(found[:, 1], 0.0 if ties == 1 else found[0, 1])
        assert found[0, 1] == pytest.approx(math.log(ties), rel=1e-15)
        assert found[0, 2] == pytest.approx(1.0 / ties, rel=1e-15)


@in_registers
@given(
    st.integers(1, 70), st.integers(1, 200), st.integers(1, 9), st.integers(0, 2**32 - 1), st.data()
)
def test_a_row_has_the_same_bits_in_any_company(
    n: int, T: int, width: int, seed: int, data: st.DataObject
) -> None:
    """Alone, among others, and with others that see more or fewer keys."""
    rng = np.random.default_rng(seed)
    queries, keys = 9.0 * rng.standard_normal((n, width)), rng.standard_normal((T, width))
    visible = rng.integers(1, T + 1, n)
    together = by_panels(queries, keys, visible)
    i = data.draw(st.integers(0, n - 1))
    alone = by_panels(queries[i : i + 1], keys, visible[i : i + 1])
    assert alone.tobytes() == together[i : i + 1].tobytes()
    short = by_panels(queries[i : i + 1], keys[: visible[i]])
    assert short.tobytes() == alone.tobytes()


@in_registers
def test_long_rows() -> None:
    """Sums over 10^5 equal weights are exact, and log T is right to the last digits."""
    T = 100_003
    found = by_panels(np.zeros((2, 1)), np.ones((T, 1)))
    np.testing.assert_allclose(found[:, 1], math.log(T), rtol=1e-15)
    np.testing.assert_allclose(found[:, 2], 1.0 / T, rtol=1e-15)
    rng = np.random.default_rng(0)
    w = rng.standard_normal((T, 1))
    with mpmath.workdps(30):
        log_Z = float(mpmath.log(mpmath.fsum(mpmath.exp(mpmath.mpf(float(x))) for x in w[:, 0])))
    assert by_panels(np.ones((1, 1)), w)[0, 0] == pytest.approx(log_Z, rel=1e-15)


def test_few_or_wide_queries_form_their_rows() -> None:
    rng = np.random.default_rng(1)
    for n, width in ((1, 4), (15, 4), (20, 300)):
        queries, keys = dyadic(rng, (n, width), 1 / 32), dyadic(rng, (40, width))
        rows = ScoreRows(queries, keys, 3)
        found = rows.softmax_statistics()
        np.testing.assert_array_equal(found, row_statistics(queries @ keys.T))


def test_statistics_do_not_depend_on_what_has_been_formed() -> None:
    rng = np.random.default_rng(2)
    X = rng.standard_normal((50, 7))
    buffer = np.empty((50, 50))
    fresh, formed = ScoreRows(X, X), ScoreRows(X, X, out=buffer)
    assert formed.logits() is formed.logits()
    assert np.shares_memory(formed.logits(), buffer)
    kept = formed.logits().copy()
    assert formed.softmax_statistics().tobytes() == fresh.softmax_statistics().tobytes()
    np.testing.assert_array_equal(formed.logits(), kept)


def test_own_keys_and_their_logits() -> None:
    rng = np.random.default_rng(3)
    X = dyadic(rng, (30, 4))
    rows = ScoreRows(2.0 * X[10:28], X, 10, causal=True)
    assert (len(rows), rows.T) == (18, 30)
    np.testing.assert_array_equal(rows.own_key, np.arange(10, 28))
    np.testing.assert_array_equal(rows.own_logit(), 2.0 * (X[10:28] ** 2).sum(axis=1))
    np.testing.assert_array_equal(rows.own_logit(), rows.logits()[np.arange(18), rows.own_key])
    segments = rows.softmax_segments([0, 10, 30])
    A = np.exp(rows.logits() - rows.logits().max(axis=1, keepdims=True))
    np.testing.assert_allclose(segments[:, 0], A[:, :10].sum(axis=1), rtol=1e-13)


def test_read_only_tokens_and_other_numbers_are_taken() -> None:
    X = np.arange(80).reshape(20, 4) % 7
    rows = ScoreRows(X, X)
    fixed = X.astype(float)
    fixed.flags.writeable = False
    np.testing.assert_array_equal(
        rows.softmax_statistics(), ScoreRows(fixed, fixed).softmax_statistics()
    )


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_row_that_is_no_row_is_named(bad: float) -> None:
    X = np.ones((40, 3))
    X[33, 1] = bad
    with pytest.raises(ValueError, match=r"logits: row 33 (has a NaN|has the entry inf|is entire)"):
        ScoreRows(X, np.ones((40, 3))).softmax_statistics()
    # A key that is no number spoils all rows; one of -inf is a masked key to every query.
    if bad != -np.inf:
        with pytest.raises(ValueError, match=r"logits: row 0 has"):
            ScoreRows(np.ones((40, 3)), X).softmax_statistics()


def test_bad_score_rows() -> None:
    X = np.zeros((5, 3))
    with pytest.raises(ValueError, match=r"queries = .*: expected shape \(n, m\) with m >= 1"):
        ScoreRows(np.zeros(3), X)
    with pytest.raises(ValueError, match=r"keys = .*: expected real numbers"):
        ScoreRows(X, X + 1j)
    with pytest.raises(ValueError, match=r"queries and keys = .*\(5, 3\) and \(5, 2\)"):
        ScoreRows(X, X[:, :2])
    with pytest.raises(ValueError, match=r"first = 1: expected an integer from 0 to T - n = 0"):
        ScoreRows(X, X, 1)
    with pytest.raises(ValueError, match=r"first = -1"):
        ScoreRows(X[:2], X, -1)
    with pytest.raises(ValueError, match=r"out = .*: expected shape \(2, 5\)"):
        ScoreRows(X[:2], X, out=np.empty((2, 3)))
