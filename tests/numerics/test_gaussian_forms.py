"""Moments of forms: brute-force pairings, exact cubature, references of SPEC-2, SPEC-4, SPEC-13."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qktheory.numerics.gaussian_cubature import gaussian_nodes, polynomial_mean
from qktheory.numerics.gaussian_forms import (
    bilinear_product_mean,
    cumulants_to_moments,
    form_cumulants,
    quadratic_product_mean,
    sphere_factors,
    sphere_variance,
)
from qktheory.numerics.haar_moments import PAIRINGS, haar_fourth_moment, weingarten
from qktheory.numerics.non_normality import commutator_norm, departure_squared

W = np.array([[1.0, 2.0, 0.0], [0.0, -1.0, 1.0], [3.0, 0.0, 2.0]])
V = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 2.0], [0.0, 0.0, 1.0]])


def pairings(items: list[int]) -> Iterator[list[tuple[int, int]]]:
    """All ways to pair the items: (2n - 1)!! of 2n."""
    if not items:
        yield []
        return
    first, *rest = items
    for k, partner in enumerate(rest):
        for others in pairings(rest[:k] + rest[k + 1 :]):
            yield [(first, partner), *others]


def contracted(forms: np.ndarray, pairs: list[tuple[int, int]]) -> float:
    """The product of the four forms with its eight indices set equal in pairs."""
    letters = [""] * 8
    for letter, (a, b) in zip("abcd", pairs, strict=True):
        letters[a] = letters[b] = letter
    subscripts = ",".join(letters[2 * k] + letters[2 * k + 1] for k in range(4))
    return float(np.einsum(f"{subscripts}->", *forms))


@pytest.mark.parametrize("seed", range(4))
def test_four_quadratic_forms_are_the_sum_over_105_pairings(seed: int) -> None:
    forms = np.random.default_rng(seed).normal(size=(4, 1 + seed, 1 + seed))
    every = list(pairings(list(range(8))))
    assert len(every) == 105
    terms = [contracted(forms, pairs) for pairs in every]
    assert quadratic_product_mean(forms) == pytest.approx(
        math.fsum(terms), abs=1e-13 * sum(map(abs, terms))
    )


@pytest.mark.parametrize("seed", range(4))
def test_four_bilinear_forms_are_the_sum_over_9_pairings(seed: int) -> None:
    """x's indices are the even ones, y's the odd ones: x pairs with x only."""
    forms = np.random.default_rng(seed).normal(size=(4, 1 + seed, 1 + seed))
    rows, columns = list(pairings([0, 2, 4, 6])), list(pairings([1, 3, 5, 7]))
    terms = [contracted(forms, [*p, *q]) for p in rows for q in columns]
    assert len(terms) == 9
    assert bilinear_product_mean(forms) == pytest.approx(
        math.fsum(terms), abs=1e-13 * sum(map(abs, terms))
    )


def test_references_of_the_chapter() -> None:
    cumulants = form_cumulants(W, np.eye(3), 4)
    assert cumulants.tolist()[:3] == [2.0, 26.0, 268.0]
    assert cumulants_to_moments(cumulants)[3] == 10788.0
    assert quadratic_product_mean([W] * 4) == 10788.0
    assert quadratic_product_mean([W, V, W, V]) == 2226.0
    assert bilinear_product_mean([W] * 4) == 2592.0
    assert sphere_variance(W) == pytest.approx(14.0, rel=1e-14)
    assert sphere_variance(5.0 * np.eye(7)) == 0.0


@pytest.mark.parametrize("order", [1, 2, 5])
def test_cumulants_of_a_chi_square(order: int) -> None:
    """x^T I x of d = 3: 2^(k-1) (k-1)! d; with Sigma = s I times s^k."""
    found = form_cumulants(np.eye(3), 0.25 * np.eye(3), order)[-1]
    want = 3.0 * 2.0 ** (order - 1) * math.factorial(order - 1) * 0.25**order
    assert found == pytest.approx(want, rel=1e-14)


def test_high_orders_leave_double_precision_only_when_they_must() -> None:
    """(2 w)^(k-1) (k-1)! w: 300 factorial alone is 1e614."""
    w = 1e-3
    logs = 300 * math.log(w) + 299 * math.log(2.0) + math.lgamma(300)
    assert form_cumulants([[w]], [[1.0]], 300)[-1] == pytest.approx(
        math.exp(logs), rel=1e-10, abs=0.0
    )
    assert not np.isfinite(form_cumulants([[1.0]], [[1.0]], 300)[-1])


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_sphere_moments_are_gaussian_ones_by_the_radius(d: int, k: int) -> None:
    """Radius and direction are independent: E (xSx)^k = E |x|^2k/d^k times the sphere's mean."""
    radius = polynomial_mean(lambda x: (x**2).sum(axis=1) ** k, [d], [2 * k])
    assert sphere_factors(d, k)[-1] == pytest.approx(d**k / float(radius), rel=1e-12)


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_the_cubature_is_exact_for_monomials(data: st.DataObject) -> None:
    """E x^2a y^2b z^2c = (2a - 1)!! (2b - 1)!! (2c - 1)!!, odd ones vanish."""
    powers = data.draw(st.lists(st.integers(0, 7), min_size=3, max_size=3))
    a, b, c = powers
    found = polynomial_mean(
        lambda x, y: x[:, 0] ** a * x[:, 1] ** b * y[:, 0] ** c, [2, 1], [max(a, b), c]
    )
    want = 0.0
    if not any(p % 2 for p in powers):
        want = float(math.prod(math.prod(range(1, p, 2)) for p in powers))
    assert float(found) == pytest.approx(want, rel=1e-12, abs=1e-9)


def test_too_many_nodes_are_refused() -> None:
    with pytest.raises(ValueError, match="nodes"):
        gaussian_nodes([12], [8])
    with pytest.raises(ValueError, match="degrees"):
        gaussian_nodes([1, 1], [8])


# --- Haar moments ---------------------------------------------------------------------------------


@pytest.mark.parametrize("d", [2, 3, 7, 10**9])
def test_weingarten_is_the_inverse_of_the_gram_matrix_of_pairings(d: int) -> None:
    """Gram(p, q) = d^loops: d^2 on the diagonal, d elsewhere; exactly, in fractions."""
    equal, different = weingarten(d)
    for p in range(3):
        for q in range(3):
            entry = sum(
                (d * d if p == r else d) * (equal if r == q else different) for r in range(3)
            )
            assert entry == Fraction(int(p == q))


@given(d=st.integers(2, 6), data=st.data())
@settings(deadline=None)
def test_sums_over_an_index_contract_to_orthogonality(d: int, data: st.DataObject) -> None:
    """sum_j O_1j O_2j (...) = delta_(i1 i2) E O O, for any indices."""
    index = st.integers(0, d - 1)
    rows = [data.draw(index) for _ in range(4)]
    a, b = data.draw(index), data.draw(index)
    total = math.fsum(haar_fourth_moment(d, rows, [j, j, a, b]) for j in range(d))
    want = float(rows[0] == rows[1]) * float(rows[2] == rows[3] and a == b) / d
    assert total == pytest.approx(want, abs=1e-15)


def test_two_dimensions_by_the_angle() -> None:
    """Rotations and reflections of the plane: trapezoid in the angle is exact."""
    angle = 2.0 * math.pi * np.arange(16) / 16
    c, s = np.cos(angle), np.sin(angle)
    turned = np.array([[c, -s], [s, c]])
    mirrored = np.array([[c, s], [s, -c]])
    O = np.concatenate([turned, mirrored], axis=2)
    for rows in np.ndindex(2, 2, 2, 2):
        for columns in np.ndindex(2, 2, 2, 2):
            product = np.prod([O[i, j] for i, j in zip(rows, columns, strict=True)], axis=0)
            assert haar_fourth_moment(2, rows, columns) == pytest.approx(
                float(product.mean()), abs=1e-15
            )


@pytest.mark.parametrize(
    ("rows", "message"),
    [([0, 1, 2], "rows"), ([0, 0, 0, 3], r"rows = 3"), ([0, 0, 0, -1], r"rows = -1")],
)
def test_bad_indices_are_refused(rows: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        haar_fourth_moment(3, rows, [0, 0, 0, 0])
    with pytest.raises(ValueError, match="d = 1"):
        haar_fourth_moment(1, [0] * 4, [0] * 4)
    assert len(PAIRINGS) == 3


# --- normality ------------------------------------------------------------------------------------


@given(seed=st.integers(0, 2**32), scale=st.sampled_from([1e-100, 1.0, 1e100]))
@settings(max_examples=40, deadline=None)
def test_the_departure_is_what_was_put_above_the_diagonal(seed: int, scale: float) -> None:
    """Real eigenvalues and a complex pair in a rotated block form."""
    rng = np.random.default_rng(seed)
    T = np.diag(rng.normal(size=5))
    T[0, 1], T[1, 0], T[1, 1] = 1.3, -1.3, T[0, 0]
    N = np.triu(rng.normal(size=(5, 5)), 1)
    N[0, 1] = 0.0
    O = np.linalg.qr(rng.normal(size=(5, 5)))[0]
    found = departure_squared(scale * (O @ (T + N) @ O.T))
    assert found / scale**2 == pytest.approx(float(np.sum(N**2)), rel=1e-9)


def test_a_tiny_departure_is_not_lost_in_a_difference() -> None:
    """[[a, h], [0, b]]: eta_F - sum |lambda|^2 would be h^2 +- 1e-16."""
    W = np.array([[1.0, 1e-7], [0.0, 2.0]])
    assert 1e14 * departure_squared(W) == pytest.approx(1.0, rel=1e-8)
    rotated = np.array([[0.6, -0.8], [0.8, 0.6]])
    assert 1e14 * departure_squared(rotated @ W @ rotated.T) == pytest.approx(1.0, rel=1e-7)
    assert abs(1e14 * (np.sum(W**2) - 5.0) - 1.0) > 1e-3


def test_normal_matrices_do_not_depart() -> None:
    rng = np.random.default_rng(0)
    for W in (rng.normal(size=(1, 1)), np.diag(rng.normal(size=4)), [[0.0, 2.0], [-2.0, 0.0]]):
        assert departure_squared(W) == 0.0
        assert commutator_norm(W) == 0.0
    S = rng.normal(size=(6, 6))
    assert departure_squared(S + S.T) < 1e-28 * np.sum(S**2)
    assert departure_squared(np.zeros((3, 3))) == 0.0
