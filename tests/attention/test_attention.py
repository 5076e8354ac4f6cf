"""Normalisers, masks and temperature against their definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from qktheory.attention.attention import Attention
from qktheory.attention.layer import score_blocks
from qktheory.attention.normalizer import NORMALIZERS, shares
from qktheory.spectra.qk_matrix import QKMatrix

Array = NDArray[np.float64]
INF = math.inf

ROWS = st.lists(st.one_of(st.floats(-30.0, 30.0), st.just(-INF)), min_size=1, max_size=9).filter(
    lambda row: max(row) > -INF
)


def softmax(row: list[float]) -> list[float]:
    """exp(w_j)/sum_k exp(w_k), with exactly rounded sums."""
    terms = [math.exp(w - max(row)) for w in row]
    return [term / math.fsum(terms) for term in terms]


def clipped_linear(row: list[float]) -> list[float]:
    """clip((1 + q_j)/T, 0, 1) over the T visible keys, q_j = w_j minus their mean (LOC-0)."""
    visible = [w for w in row if w > -INF]
    T, mean = len(visible), math.fsum(visible) / len(visible)
    return [min(max((1.0 + w - mean) / T, 0.0), 1.0) if w > -INF else 0.0 for w in row]


def hardmax(row: list[float]) -> list[float]:
    """Equal shares of the largest logits."""
    return [float(w == max(row)) / row.count(max(row)) for w in row]


DEFINITIONS = {"softmax": softmax, "clipped_linear": clipped_linear, "hardmax": hardmax}
OF_MATRICES = ("doubly_normalized", "sinkhorn")


def test_every_normaliser_has_a_definition_here() -> None:
    of_scores = [name for name in NORMALIZERS if not NORMALIZERS[name].of_tokens]
    assert sorted(of_scores) == sorted([*DEFINITIONS, *OF_MATRICES])


# --- normalisers of whole matrices (RANK-10) ------------------------------------------------------

X_4 = np.array([[1.0, 0, 2], [0, 1, -1], [2, -1, 0], [-1, 1, 1]])
A_1 = np.array([[1.0, 0, -1], [0, 2, 1], [1, -1, 0]])
SCORES = (0.5 * X_4) @ A_1 @ (0.5 * X_4).T / 2.0


def test_reference_weights_of_doubly_normalised_attention() -> None:
    """The table of RANK-10."""
    P = NORMALIZERS["doubly_normalized"].weights(SCORES)
    masses = [0.981602097005, 1.011980368536, 1.044493813993, 0.961923720466]
    np.testing.assert_allclose(P.sum(axis=0), masses, rtol=0, atol=1e-12)
    row = [0.248504866756, 0.209241133004, 0.431060846067, 0.111193154173]
    np.testing.assert_allclose(P[0], row, rtol=0, atol=1e-12)


def test_reference_weights_of_sinkhorn_attention() -> None:
    """The table of RANK-10."""
    P = NORMALIZERS["sinkhorn"].weights(SCORES)
    row = [0.257396666007, 0.209566455292, 0.414847116855, 0.118189761845]
    np.testing.assert_allclose(P[0], row, rtol=0, atol=1e-12)
    np.testing.assert_allclose(P.sum(axis=0), 1.0, rtol=0, atol=1e-14)


def test_a_causal_mask_goes_through_the_columns() -> None:
    """Queries below the diagonal share the mass of a key; what is masked stays zero."""
    S = np.array([[0.3, -INF, -INF], [1.0, -0.5, -INF], [0.2, 0.7, 2.0]])
    C = np.exp(S) / np.exp(S).sum(axis=0)
    P = NORMALIZERS["doubly_normalized"].weights(S)
    np.testing.assert_allclose(P, C / C.sum(axis=1, keepdims=True), rtol=1e-13)


@pytest.mark.parametrize("name", OF_MATRICES)
def test_single_rows_have_no_weights(name: str) -> None:
    with pytest.raises(ValueError, match="square score matrix"):
        NORMALIZERS[name].weights(np.zeros((2, 3)))


def test_sinkhorn_refuses_masks() -> None:
    with pytest.raises(ValueError, match=r"attention.mask = 'causal': expected 'none'"):
        Attention(normalizer="sinkhorn", mask="causal")


@pytest.mark.parametrize("name", DEFINITIONS)
@given(row=ROWS)
@settings(max_examples=80, deadline=None)
def test_weights_are_those_of_the_definition(name: str, row: list[float]) -> None:
    found = NORMALIZERS[name].weights(np.array([row]))[0]
    np.testing.assert_allclose(found, DEFINITIONS[name](row), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", DEFINITIONS)
@given(row=ROWS)
@settings(max_examples=100, deadline=None)
def test_statistics_are_those_of_the_row_divided_by_its_sum(name: str, row: list[float]) -> None:
    weights = DEFINITIONS[name](row)
    share = [w / math.fsum(weights) for w in weights]
    found = NORMALIZERS[name].statistics(np.array([row]))
    entropy = -math.fsum(p * math.log(p) for p in share if p > 0.0)
    assert found["entropy"][0] == pytest.approx(entropy, rel=1e-12, abs=1e-13)
    assert found["participation"][0] == pytest.approx(math.fsum(p * p for p in share), rel=1e-12)
    assert found["max_weight"][0] == pytest.approx(max(share), rel=1e-12)


@given(row=ROWS)
def test_whether_rows_sum_to_one_is_declared(row: list[float]) -> None:
    for name in DEFINITIONS:
        weights = NORMALIZERS[name].weights(np.array([row]))
        if NORMALIZERS[name].stochastic:
            assert weights.sum() == pytest.approx(1.0, rel=1e-13)
        assert shares(weights).sum() == pytest.approx(1.0, rel=1e-13)


def test_clipped_linear_rows_do_not_sum_to_one_and_saturate() -> None:
    """q = (4, -2, -2): weights (1, 0, 0) after clipping at both ends; q = (1, -1): (1, 0)."""
    normalizer = NORMALIZERS["clipped_linear"]
    np.testing.assert_array_equal(normalizer.weights(np.array([[6.0, 0.0, 0.0]])), [[1, 0, 0]])
    q = np.array([[1.5, 0.5, -2.0]])
    np.testing.assert_allclose(normalizer.weights(q), [[2.5 / 3, 1.5 / 3, 0.0]], rtol=1e-15)
    assert normalizer.weights(q).sum() > 1.3
    assert not normalizer.stochastic


@pytest.mark.parametrize(
    ("temperature", "scale"), [(1.0, 1.0), (2, 2.0), (0.25, 0.25), ("sqrt_d", 4.0), ("d", 16.0)]
)
def test_temperatures(temperature: float | str, scale: float) -> None:
    assert Attention(temperature=temperature).scale(16) == scale


def test_the_default_table_and_back() -> None:
    assert Attention.from_dict({}) == Attention(1.0, "softmax", "none", "last")
    table = {"temperature": "d", "normalizer": "clipped_linear", "mask": "causal", "query": "all"}
    assert Attention.from_dict(table).to_dict() == table


def scores(X: Array, W: Array, temperature: float, mask: str) -> Array:
    """S_ij = x_i^T W x_j / temperature, entry by entry."""
    T = len(X)
    S = np.array([[X[i] @ W @ X[j] for j in range(T)] for i in range(T)]) / temperature
    if mask == "causal":
        S[np.triu_indices(T, 1)] = -INF
    return S


@pytest.mark.parametrize("mask", ["none", "causal"])
@pytest.mark.parametrize("T", [1, 2, 7, 500])
def test_blocks_of_scores_are_the_rows_of_the_score_matrix(T: int, mask: str) -> None:
    """i is the query and j the key: the wrong twin is the transposed W. Row t sees t keys."""
    rng = np.random.default_rng(T)
    X, W = rng.normal(size=(T, 3)), rng.normal(size=(3, 3))
    found = np.empty((T, T))
    firsts = []
    for block in score_blocks(X, QKMatrix.of(W), 0.7, Attention(mask=mask)):
        firsts.append(block.own_key[0])
        found[block.own_key] = block.logits()
    assert len(firsts) == (2 if T == 500 else 1)
    np.testing.assert_allclose(found, scores(X, W, 0.7, mask), rtol=1e-12, atol=1e-12)
    if mask == "causal":
        assert [int(np.isfinite(row).sum()) for row in found] == list(range(1, T + 1))
    if T > 1:
        assert not np.allclose(found, scores(X, W.T, 0.7, mask), rtol=1e-3)


@pytest.mark.parametrize("d_k", [1, 2, 4, 5, 9])
def test_scores_through_factors_are_those_of_their_product(d_k: int) -> None:
    """The wrong twin exchanges the factors."""
    rng = np.random.default_rng(d_k)
    X, W_Q, W_K = rng.normal(size=(40, 4)), rng.normal(size=(4, d_k)), rng.normal(size=(4, d_k))
    matrix = QKMatrix(4, W_Q=W_Q, W_K=W_K)
    (block,) = score_blocks(X, matrix, 0.7, Attention())
    expected = scores(X, W_Q @ W_K.T, 0.7, "none")
    np.testing.assert_allclose(block.logits(), expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(block.own_logit(), np.diag(expected), rtol=1e-12, atol=1e-12)
    (twin,) = score_blocks(X, QKMatrix(4, W_Q=W_K, W_K=W_Q), 0.7, Attention())
    assert not np.allclose(twin.logits(), expected, rtol=1e-3)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"temperature": 0}, "attention.temperature = 0: expected a finite number > 0"),
        ({"temperature": "sqrt_D"}, "'sqrt_d'"),
        ({"normalizer": "hard"}, "unknown value of attention.normalizer 'hard'"),
        ({"mask": None}, "value of attention.mask None"),
    ],
)
def test_bad_tables(table: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Attention.from_dict(table)
