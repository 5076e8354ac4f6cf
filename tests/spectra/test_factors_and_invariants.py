"""Factorisation (SPEC-6) and the traces of M (LOC-1)."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qktheory.spectra.factorize import factorize
from qktheory.spectra.invariants import invariants
from qktheory.spectra.qk_matrix import QKMatrix


def test_the_reference_of_spec_6a() -> None:
    """diag(3, -2, 1) at d_k = 2: squared error 1, cost 2 (3 + 2), factor Gram eigenvalues 3, 2."""
    W = factorize(np.diag([3.0, -2.0, 1.0]), 2, truncate=True)
    assert W.W_Q is not None
    assert W.W_K is not None
    assert math.isclose(np.sum((W.W - np.diag([3.0, -2.0, 1.0])) ** 2), 1.0, rel_tol=1e-14)
    assert math.isclose(np.sum(W.W_Q**2) + np.sum(W.W_K**2), 10.0, rel_tol=1e-14)
    np.testing.assert_allclose(np.linalg.eigvalsh(W.W_Q.T @ W.W_Q), [2.0, 3.0], rtol=1e-14)
    with pytest.raises(ValueError, match="expected at least 3, the rank of W"):
        factorize(np.diag([3.0, -2.0, 1.0]), 2)


@settings(max_examples=30, deadline=None)
@given(
    d=st.integers(1, 9), rank=st.integers(0, 9), extra=st.integers(0, 3), seed=st.integers(0, 999)
)
def test_factors_reproduce_w_and_are_balanced(d: int, rank: int, extra: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rank = min(rank, d)
    matrix = rng.normal(size=(d, rank)) @ rng.normal(size=(rank, d))
    W = factorize(matrix, max(rank, 1) + extra)
    assert W.W_Q is not None
    assert W.W_K is not None
    scale = max(np.abs(matrix).max(), 1.0)
    np.testing.assert_allclose(W.W, matrix, atol=1e-13 * scale)
    np.testing.assert_allclose(W.W_Q.T @ W.W_Q, W.W_K.T @ W.W_K, atol=1e-12 * scale)


def test_the_reference_of_loc_1() -> None:
    assert invariants([[1, 2], [0, -1]], [[2, 1], [1, 3]], 2.0) == (0.5, 2.75, 7.75)


@settings(max_examples=40, deadline=None)
@given(
    d=st.integers(1, 8),
    d_k=st.integers(1, 8),
    kind=st.sampled_from(["number", "diagonal", "matrix", "singular", "none"]),
    symmetric=st.booleans(),
    factors=st.booleans(),
    temperature=st.floats(0.1, 10.0),
    seed=st.integers(0, 999),
)
def test_traces_are_those_of_m_by_its_definition(
    d: int, d_k: int, kind: str, symmetric: bool, factors: bool, temperature: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    half = rng.normal(size=(d, d if kind == "matrix" else max(d - 1, 1)))
    sigma, given_sigma = {
        "number": (0.7 * np.eye(d), 0.7),
        "none": (np.eye(d), None),
        "diagonal": (np.diag(np.arange(d) + 0.0), (np.arange(d) + 0.0).tolist()),
        "matrix": (half @ half.T, half @ half.T),
        "singular": (half @ half.T, (half @ half.T).tolist()),
    }[kind]
    if factors:
        W_Q = rng.normal(size=(d, d_k))
        W_K = W_Q if symmetric else rng.normal(size=(d, d_k))
        W = QKMatrix(d, W_Q=W_Q, W_K=W_K.copy(), symmetric=symmetric)
    else:
        dense = rng.normal(size=(d, d))
        W = QKMatrix.of(dense + dense.T if symmetric else dense)
    values, vectors = np.linalg.eigh(sigma)
    root = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    M = root @ W.W @ root / temperature
    expected = [np.trace(M), np.trace(M @ M), np.trace(M @ M.T)]
    scale = np.sum(M * M) + np.sqrt(np.sum(M * M))
    np.testing.assert_allclose(
        invariants(W, given_sigma, temperature), expected, atol=1e-11 * scale + 1e-300
    )
    np.testing.assert_allclose(
        invariants(W.W, given_sigma, temperature), expected, atol=1e-11 * scale + 1e-300
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[1.0, 2.0]],), "square matrix"),
        ((np.eye(2), [[1.0, 2.0], [2.0, 1.0]]), "Sigma has the negative eigenvalue -1"),
        ((np.eye(2), [1.0, 1.0, 1.0]), "size d = 2"),
        ((np.eye(2), -1.0), "Sigma has the negative number entry -1"),
        ((np.eye(2), None, 0.0), "temperature = 0.0"),
    ],
)
def test_bad_input_is_refused(arguments: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        invariants(*arguments)


def test_a_qk_matrix_needs_one_complete_description() -> None:
    with pytest.raises(ValueError, match="together"):
        QKMatrix(2, W_Q=np.ones((2, 1)))
    with pytest.raises(ValueError, match="factors or a function"):
        QKMatrix(2)
    with pytest.raises(ValueError, match=r"both of shape \(3, d_k\)"):
        QKMatrix(3, W_Q=np.ones((2, 1)), W_K=np.ones((2, 1)))
    with pytest.raises(ValueError, match="rows of length 2"):
        QKMatrix.of(np.eye(2)).apply(np.ones(3))
