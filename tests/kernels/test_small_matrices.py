"""Stacks of small matrices: singular values, spectral radii, row distances, powers of two."""

from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qktheory.kernels import (
    jit_enabled,
    normal_forms,
    reference,
    singular_values,
    spectral_radii,
    times_powers,
    widest_l1,
    widest_l2,
    widest_range,
)
from qktheory.kernels.scaling import NO_DIGITS


def _stack(seed: int, n: int, rows: int, columns: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, rows, columns))


def _orthogonal(seed: int, m: int) -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((m, m)))[0]


# --- singular values -----------------------------------------------------------------------------


@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 19),
    st.integers(1, 17),
    st.integers(1, 17),
    st.sampled_from([1.0, 1e-300, 1e290]),
)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_singular_values_are_those_of_lapack(
    seed: int, n: int, rows: int, columns: int, size: float
) -> None:
    stack = size * _stack(seed, n, rows, columns)
    found, expected = singular_values(stack), np.linalg.svd(stack, compute_uv=False)
    assert np.all(np.diff(found, axis=1) <= 0.0)
    assert found == pytest.approx(expected, abs=2e-14 * expected.max())


@pytest.mark.skipif(not jit_enabled, reason="the twin without compiled functions is LAPACK")
def test_singular_values_of_scaled_columns_keep_their_relative_accuracy() -> None:
    """Columns of sizes 1 to 1e-30 in any order: bidiagonalisation loses all digits of the last."""
    scales = 10.0 ** -np.array([15.0, 30.0, 6.0, 0.0, 27.0, 9.0, 21.0, 12.0, 24.0, 3.0, 18.0])
    stack = _stack(3, 9, 11, 11) * scales
    with mp.workdps(60):
        exact = mp.svd_r(mp.matrix(stack[4].tolist()), compute_uv=False)
    expected = np.array([float(value) for value in exact])
    assert np.abs(singular_values(stack)[4] / expected - 1.0).max() < 1e-13
    assert np.abs(np.linalg.svd(stack[4], compute_uv=False) / expected - 1.0).max() > 1e-6


@pytest.mark.parametrize("m", [2, 5, 16, 31])
def test_equal_and_vanishing_singular_values(m: int) -> None:
    one = np.ones((m, m)) / m
    found = singular_values(np.stack([np.eye(m), _orthogonal(m, m), one, np.zeros((m, m))]))
    assert found[:2] == pytest.approx(np.ones((2, m)), abs=1e-14)
    assert found[2] == pytest.approx([1.0] + [0.0] * (m - 1), abs=1e-14)
    assert not found[3].any()


def test_entries_far_below_the_smallest_normal_number() -> None:
    """Entries of 2^-1060 and less: the power of two that brings them to 1 is not a number."""
    stack = np.array([[[3.0, 1.0], [-2.0, 5.0]]]) * 2.0 ** np.array([-1060, -900, 0])[:, None, None]
    for function in (singular_values, spectral_radii):
        found = function(stack).reshape(3, -1)
        assert found[:2] == pytest.approx(
            found[2] * 2.0 ** np.array([[-1060], [-900]]), rel=1e-3, abs=0.0
        )
        assert not function(np.full((1, 2, 2), 5e-324)).max() > 2e-323


# --- spectral radii ------------------------------------------------------------------------------


@given(st.integers(0, 2**32 - 1), st.integers(1, 19), st.integers(1, 17), st.booleans())
@settings(max_examples=60, deadline=None, derandomize=True)
def test_spectral_radii_are_backward_stable(seed: int, n: int, m: int, graded: bool) -> None:
    """Against LAPACK, up to the change that a rounding error makes: condition of the eigenvalue."""
    stack = _stack(seed, n, m, m)
    if graded:
        stack = np.exp(6.0 * stack)
    values, vectors = np.linalg.eig(stack)
    expected = np.abs(values).max(axis=1)
    allowed = 1e-13 * np.linalg.cond(vectors) * np.linalg.norm(stack, axis=(1, 2))
    assert np.all(np.abs(spectral_radii(stack) - expected) <= allowed)


@pytest.mark.parametrize("size", [1e-150, 1e-158, 3e-162, 1e-170])
def test_reflections_are_not_made_of_squares_that_underflow(size: float) -> None:
    """A vertex with hardly any edges: what a reflection loses by underflow reaches all others."""
    m, n = 6, 24
    stack = np.random.default_rng(5).uniform(0.5, 1.5, (n, m, m))
    expected = np.abs(np.linalg.eigvals(stack[:, 1:, 1:])).max(axis=1)
    edges = size * np.random.default_rng(6).uniform(0.3, 3.0, (n, 2, m))
    stack[:, 0], stack[:, :, 0] = edges[:, 0], edges[:, 1]
    assert spectral_radii(stack) == pytest.approx(expected, rel=1e-13)


def test_softmax_quotients_have_the_radii_of_many_digits() -> None:
    """Quotients of softmax attention of spread 3, T = 16: the use in the spectral gap."""
    weights = np.exp(3.0 * _stack(7, 24, 16, 16))
    weights /= weights.sum(axis=2, keepdims=True)
    quotients = weights[:, 1:, 1:] - weights[:, :1, 1:]
    found = spectral_radii(quotients)
    for k in range(0, 24, 8):
        with mp.workdps(40):
            values = mp.eig(mp.matrix(quotients[k].tolist()), left=False, right=False)
            expected = float(max(abs(value) for value in values))
        assert found[k] == pytest.approx(expected, abs=2e-14)


@pytest.mark.parametrize("m", [3, 4, 8, 15, 32])
def test_rotated_cycles_need_shifts_of_another_kind(m: int) -> None:
    """All eigenvalues of a cycle have modulus one; plain double shifts leave a cycle as it is."""
    cycle = np.roll(np.eye(m), 1, axis=1)
    Q = _orthogonal(m, m)
    found = spectral_radii(np.stack([cycle, Q @ cycle @ Q.T, 3e200 * cycle, Q @ Q.T]))
    assert found == pytest.approx([1.0, 1.0, 3e200, 1.0], rel=2e-14)


@pytest.mark.parametrize("m", [2, 4, 9])
def test_defective_matrices(m: int) -> None:
    """A Jordan block moves by the m-th root of a rounding error, and stays exact if triangular."""
    block = 0.5 * np.eye(m) + np.eye(m, k=1)
    Q = _orthogonal(m, m)
    found = spectral_radii(np.stack([block, Q @ block @ Q.T]))
    assert found[0] == 0.5
    assert abs(found[1] - 0.5) < 4.0 * (m * 2.0**-52) ** (1.0 / m)


def test_masked_attention_has_its_spectrum_on_the_diagonal() -> None:
    """Zeros beside the diagonal are found by permutations: a nilpotent quotient has radius 0."""
    lower = np.tril(np.random.default_rng(2).uniform(0.1, 1.0, (5, 12, 12)))
    assert spectral_radii(lower).tolist() == lower.diagonal(0, 1, 2).max(axis=1).tolist()
    shift = np.eye(12, k=1)[None] * 0.9
    order = np.random.default_rng(3).permutation(12)
    assert spectral_radii(shift[:, order][:, :, order]).tolist() == [0.0]


@pytest.mark.parametrize("function", [singular_values, spectral_radii, widest_l1, widest_range])
def test_no_matrix_feels_the_others(function) -> None:
    """Bits of a matrix do not depend on the stack it is in: what results of any batch rest on."""
    stack = np.concatenate([_stack(1, 13, 9, 9), np.exp(4.0 * _stack(2, 14, 9, 9))])
    together = function(stack)
    for k in (0, 5, 12, 13, 20, 26):
        assert np.array_equal(function(stack[k : k + 1])[0], together[k])
    assert np.array_equal(function(stack[::-1]), together[::-1])
    assert np.array_equal(function(np.asfortranarray(stack)), together)


@pytest.mark.parametrize(
    "function", [singular_values, spectral_radii, widest_l1, widest_l2, widest_range]
)
@pytest.mark.parametrize("m", [3, 80])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_named(function, m: int, bad: float) -> None:
    stack = _stack(0, 10, m, m)
    stack[9, 1, 2] = bad
    with pytest.raises(ValueError, match=r"matrices = 'matrix 9 .*not finite"):
        function(stack)
    with pytest.raises(ValueError, match=r"matrices = .*shape"):
        function(stack[0])
    with pytest.raises(ValueError, match=r"matrices = .*expected real numbers"):
        function(stack + 1j)
    if function is spectral_radii:
        with pytest.raises(ValueError, match=r"expected shape \(n, m, m\)"):
            function(stack[:, 1:])


# --- row distances and powers of two -------------------------------------------------------------


@pytest.mark.parametrize(("kind", "function"), [(0, widest_l1), (1, widest_l2), (2, widest_range)])
@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(1, 12), st.integers(1, 20))
@settings(max_examples=30, deadline=None, derandomize=True)
def test_row_distances_are_those_of_numpy(
    kind, function, seed: int, n: int, rows: int, columns: int
) -> None:
    stack = _stack(seed, n, rows, columns)
    expected = np.empty(n)
    reference.widest(stack, kind, expected)
    found = function(stack) ** 2 if function is widest_l2 else function(stack)
    assert found == pytest.approx(expected, rel=1e-13, abs=0.0)


@given(
    st.integers(0, 2**32 - 1),
    st.lists(st.sampled_from([0, 1, -1, 40, -1000, 1020, -1074, -5000]), min_size=1, max_size=5),
)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_normal_forms_are_exact(seed: int, exponents: list[int]) -> None:
    digits = np.array(exponents, dtype=np.int64)
    values = times_powers(_stack(seed, len(digits), 3, 4), digits)
    assert np.array_equal(values, reference.times_powers(_stack(seed, len(digits), 3, 4), digits))
    found = normal_forms(values)
    assert found is not None
    mantissas, exponents_found = found
    largest = np.abs(mantissas).max(axis=(1, 2))
    zero = np.abs(values).max(axis=(1, 2)) == 0.0
    assert np.all((largest[~zero] >= 0.5) & (largest[~zero] < 1.0))
    assert np.all(exponents_found[zero] == NO_DIGITS)
    assert np.array_equal(times_powers(mantissas, exponents_found), values)
    plain = reference.normal_forms(values)
    assert plain is not None
    assert np.array_equal(plain[0], mantissas)
    assert np.array_equal(plain[1], exponents_found)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_normal_forms_of_what_is_not_finite(bad: float) -> None:
    values = np.ones((3, 9))
    values[1, 8] = bad
    assert normal_forms(values) is None
    assert reference.normal_forms(values) is None


def test_powers_take_one_exponent_an_array() -> None:
    with pytest.raises(ValueError, match=r"digits = .*shape \(2,\)"):
        times_powers(np.ones((2, 3)), np.zeros(3, dtype=np.int64))
