"""Token covariances: roots, singular cases, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qktheory.tokens.covariance import Covariance, CovarianceDomain


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_the_root_squares_to_sigma_and_acts_on_rows(seed: int) -> None:
    rng = np.random.default_rng(seed)
    value = CovarianceDomain().sample(rng)
    d = len(value) if isinstance(value, list) else 3
    sigma = Covariance.of(value, d)
    R, full = sigma.root(), sigma.matrix()
    scale = max(1.0, float(np.abs(full).max()))
    np.testing.assert_allclose(R @ R.T, full, atol=1e-14 * d * scale)
    z = rng.normal(size=(2, 4, d))
    np.testing.assert_allclose(sigma.apply_root(z), z @ R.T, atol=1e-13 * scale)
    W = rng.normal(size=(d, d))
    np.testing.assert_allclose(sigma.trace_with(W), np.trace(W @ full), atol=1e-12 * scale * d)
    np.testing.assert_allclose(sigma.trace(), np.trace(full), rtol=1e-12)
    assert sigma.is_isotropic == bool(np.array_equal(full, full[0, 0] * np.eye(d)))
    assert Covariance.of(sigma.to_value(), d) == sigma


def test_a_rank_one_covariance_keeps_tokens_on_a_line() -> None:
    sigma = Covariance.of(np.outer([3.0, 4.0], [3.0, 4.0]), 2)
    x = sigma.apply_root(np.random.default_rng(0).normal(size=(100, 2)))
    np.testing.assert_allclose(x[:, 0] * 4.0, x[:, 1] * 3.0, atol=1e-6)


def test_the_identity_is_known_in_all_its_forms() -> None:
    forms = [None, 1, [1.0, 1.0], np.eye(2)]
    for value in forms:
        sigma = Covariance.of(value, 2)
        assert sigma.is_identity
        assert sigma == Covariance.of(None, 2)
        assert hash(sigma) == hash(Covariance.of(None, 2))
    assert not Covariance.of(2.0, 2).is_identity
    assert not Covariance.of([1.0, 2.0], 2).is_isotropic


@pytest.mark.parametrize(
    ("value", "d", "message"),
    [
        ([1.0, 1.0], 3, "a number, or size d = 3"),
        (np.eye(2), 3, "a number, or size d = 3"),
        (-0.1, 3, "covariance has the negative number entry -0.1"),
        ([[1.0, 2.0], [2.0, 1.0]], 2, "negative eigenvalue"),
        (1.0, 0, "d = 0"),
        ("one", 2, "covariance = 'one'"),
    ],
)
def test_bad_covariances_are_refused(value: object, d: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Covariance.of(value, d)


def test_shapes_are_checked() -> None:
    sigma = Covariance.of(1.0, 3)
    with pytest.raises(ValueError, match="rows of length d = 3"):
        sigma.apply_root(np.ones((2, 2)))
    with pytest.raises(ValueError, match=r"shape \(3, 3\)"):
        sigma.trace_with(np.eye(2))
