"""Rows of logits and walks made in place: exact small cases, covariances, order of the sums."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from qktheory.kernels import (
    Stream,
    bridge_rows,
    drifted_rows,
    random_walk_rows,
    reference,
    seed_key,
)

RNG = np.random.default_rng(3)


@pytest.mark.parametrize(("n", "T"), [(1, 1), (1, 5), (7, 1), (8, 3), (9, 64), (23, 257)])
def test_kernels_agree_with_their_twins(n: int, T: int) -> None:
    g = RNG.standard_normal((n, T))
    logit, s = RNG.standard_normal(n) * 10, RNG.random(n) * 3
    bridges, expected = g.copy(), g.copy()
    bridge_rows(bridges)
    reference.bridge_rows(expected)
    np.testing.assert_allclose(bridges, expected, rtol=1e-13, atol=1e-13 * T)
    reference.affine_rows(bridges, s, logit / T, np.zeros(n), logit, expected)
    np.testing.assert_allclose(
        drifted_rows(bridges, logit, s), expected, rtol=1e-13, atol=1e-13 * T
    )


def test_numbers_are_broadcast_over_rows() -> None:
    ones = np.ones((3, 4))
    expected = drifted_rows(ones, np.full(3, 2.0), np.full(3, 0.5))
    np.testing.assert_array_equal(drifted_rows(ones, 2.0, 0.5), expected)
    np.testing.assert_array_equal(expected, [[1.0, 1.5, 2.0, 2.0]] * 3)


def bridge_covariance(samples: int, T: int) -> NDArray[np.float64]:
    w = Stream(seed_key(5)).normals(0, samples, T)
    bridge_rows(w)
    return w.T @ w / samples


def test_bridge_has_the_covariance_of_loc_8() -> None:
    """Cov(B_i, B_j) = min(i, j) - ij/T; all entries within 6.5 standard errors (alarm < 1e-8)."""
    samples, T = 200_000, 8
    i = np.arange(1, T + 1)
    exact = np.minimum.outer(i, i) - np.outer(i, i) / T
    error = np.sqrt((np.outer(np.diag(exact), np.diag(exact)) + exact**2) / samples)
    found = bridge_covariance(samples, T)
    assert np.all(np.abs(found - exact) <= 6.5 * error + 1e-12)
    # Twin: the bridge pinned one step earlier at its start, as if key 1 were the origin.
    wrong = np.minimum.outer(i - 1, i - 1) - np.outer(i - 1, i - 1) / (T - 1)
    assert np.any(np.abs(found - wrong) > 6.5 * error + 1e-12)


def test_rows_end_exactly_at_the_drift() -> None:
    w = RNG.standard_normal((20, 100))
    logit = RNG.standard_normal(20)
    bridge_rows(w)
    np.testing.assert_array_equal(w[:, -1], 0.0)
    np.testing.assert_array_equal(drifted_rows(w, logit, 1e3)[:, -1], logit)


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 50, 1), (17, 20, 1), (2, 30, 2), (4, 9, 64)])
def test_walks_are_sums_in_the_order_of_the_tokens(shape: tuple[int, int, int]) -> None:
    steps = RNG.standard_normal(shape)
    expected = np.empty_like(steps)
    for r in range(shape[0]):
        x = np.zeros(shape[2])
        for t in range(shape[1]):
            x = x + steps[r, t]
            expected[r, t] = x
    random_walk_rows(steps)
    np.testing.assert_array_equal(steps, expected)


def test_rows_do_not_depend_on_their_neighbours() -> None:
    g = RNG.standard_normal((21, 90))
    together = g.copy()
    bridge_rows(together)
    moved = drifted_rows(together, 0.7, 1.3)
    for r in range(21):
        alone = g[r : r + 1].copy()
        bridge_rows(alone)
        np.testing.assert_array_equal(alone[0], together[r])
        np.testing.assert_array_equal(drifted_rows(alone, 0.7, 1.3)[0], moved[r])


def test_empty_batches() -> None:
    bridge_rows(np.empty((0, 3)))
    assert drifted_rows(np.empty((0, 3)), 0.0, 1.0).shape == (0, 3)
    for shape in ((0, 2, 2), (2, 0, 2), (2, 2, 0), (0, 2, 1), (2, 0, 1)):
        random_walk_rows(np.empty(shape))


G = np.ones((2, 3))


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (drifted_rows, (G, np.nan, 1.0), "self_logit = nan"),
        (drifted_rows, (G, np.inf, 1.0), "self_logit = inf"),
        (drifted_rows, (G, 0.0, -1.0), "s = -1.0: expected a nonnegative"),
        (drifted_rows, (G, 0.0, [1.0, 1.0, 1.0]), "s = "),
        (drifted_rows, (G, 0.0, "a"), "s = 'a'"),
        (drifted_rows, (G, 0.0, 1.0, np.empty((2, 4))), "out = "),
        (drifted_rows, (np.empty((2, 0)), 0.0, 1.0), "T >= 1"),
        (bridge_rows, (G.T,), "buffer = "),
        (bridge_rows, (G.astype(int),), "buffer = "),
        (bridge_rows, ([[1.0]],), "buffer = "),
        (bridge_rows, (np.empty((2, 0)),), "T >= 1"),
        (random_walk_rows, (G,), "steps = "),
    ],
)
def test_bad_arguments_are_refused(function, arguments, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        function(*arguments)


def test_read_only_arrays_are_refused() -> None:
    g = np.ones((2, 3))
    g.flags.writeable = False
    with pytest.raises(ValueError, match="writeable"):
        bridge_rows(g)


def test_bits_of_a_drifted_row_do_not_depend_on_where_arrays_lie() -> None:
    """Loops over two arrays exist twice, once for arrays that may overlap: both round alike."""
    rng = np.random.default_rng(3)
    bridges = rng.standard_normal((12, 9))
    m, s = rng.standard_normal(12), np.abs(rng.standard_normal(12))
    whole = drifted_rows(bridges, m, s)
    rubbish: list[bytearray] = []
    for trial in range(3000):
        # Small arrays of many places and distances.
        rubbish.append(bytearray(int(rng.integers(1, 400))))
        if trial % 50 == 49:
            rubbish = [rubbish[k] for k in rng.permutation(len(rubbish))[:25]]
        k = trial % 12
        row = drifted_rows(bridges[k : k + 1].copy(), m[k : k + 1].copy(), s[k : k + 1].copy())
        assert row.tobytes() == whole[k : k + 1].tobytes()
