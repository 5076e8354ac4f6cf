"""Random features in a spec, and the kernels they estimate."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from qktheory.attention.attention import Attention
from qktheory.attention.features import FeatureMap
from qktheory.kernels import Stream
from qktheory.numerics.feature_attention import feature_log_weights
from qktheory.simulation.ensemble import Ensemble

STREAM = Stream(key=5, experiment=3, cell=1)


def test_the_table_goes_round() -> None:
    table = {
        "temperature": 2.0,
        "normalizer": "random_features",
        "features": {"count": 7, "kind": "optimal", "directions": "fixed_norm", "factors": "query"},
    }
    attention = Attention.from_dict(table)
    assert attention.features == FeatureMap(7, "optimal", "fixed_norm", "query")
    assert Attention.from_dict(attention.to_dict()) == attention
    ensemble = Ensemble.from_dict({"d": 2, "T": 3, "matrix": {"W": np.eye(2)}, "attention": table})
    assert Ensemble.from_toml(ensemble.to_toml()) == ensemble
    assert "features" not in Attention().to_dict()
    assert Attention(normalizer="random_features").features == FeatureMap()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            {"features": {"count": 4}},
            "attention.normalizer = 'softmax': expected 'random_features'",
        ),
        ({"normalizer": "random_features", "features": 4}, "attention.features = 4"),
        ({"normalizer": "random_features", "query": "all"}, "attention.query = 'all'"),
        ({"normalizer": "random_features", "mask": "causal"}, "attention.mask = 'causal'"),
        (
            {"normalizer": "random_features", "features": {"count": 0}},
            "attention.features.count = 0: expected an integer >= 1",
        ),
        (
            {"normalizer": "random_features", "features": {"kind": "positiv"}},
            "value of attention.features.kind 'positiv'.*did you mean 'positive'",
        ),
        (
            {"normalizer": "random_features", "features": {"direction": "iid"}},
            "unknown parameter of .*'direction'",
        ),
    ],
)
def test_bad_tables_are_refused_by_name(table: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Attention.from_dict(table)


def test_a_network_takes_no_random_features() -> None:
    with pytest.raises(ValueError, match=r"attention.normalizer = 'random_features'"):
        Ensemble.from_dict(
            {
                "d": 2,
                "T": 3,
                "matrix": {"W": np.eye(2)},
                "attention": {"normalizer": "random_features"},
                "network": {"depth": 2, "value": {"model": "ginibre"}},
            }
        )


# --- frequencies ----------------------------------------------------------------------------------


@pytest.mark.parametrize("directions", ["iid", "orthogonal", "fixed_norm"])
def test_frequencies_are_addressed_by_sample(directions: str) -> None:
    features = FeatureMap(count=7, directions=directions)
    whole = features.frequencies(3, STREAM, 0, 6)
    assert whole.shape == (6, 7, 3)
    np.testing.assert_array_equal(whole[4:], features.frequencies(3, STREAM, 4, 2))


def test_orthogonal_frequencies_are_orthogonal_within_blocks_and_keep_the_law_of_norms() -> None:
    omega = FeatureMap(count=6, directions="orthogonal").frequencies(4, STREAM, 0, 20_000)
    gram = omega @ omega.transpose(0, 2, 1)
    for block in (gram[:, :4, :4], gram[:, 4:, 4:]):
        off = block - np.einsum("nii->ni", block)[:, :, None] * np.eye(block.shape[1])
        assert np.abs(off).max() < 1e-12
    assert np.abs(gram[:, :4, 4:]).max() > 1.0
    # |omega|^2 is chi-square of 4 degrees: mean 4, variance 8; six standard errors.
    squares = np.einsum("nii->ni", gram)
    assert squares.mean() == pytest.approx(4.0, abs=6 * np.sqrt(8.0 / squares.size))
    fixed = FeatureMap(count=6, directions="fixed_norm").frequencies(4, STREAM, 0, 5)
    np.testing.assert_allclose(np.sum(fixed**2, axis=2), 4.0, rtol=1e-14)


# --- kernels --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["positive", "hyperbolic", "trig"])
@pytest.mark.parametrize("size", [0.5, 20.0])
def test_kernels_of_a_batch_are_those_of_single_rows(kind: Any, size: float) -> None:
    rng = np.random.default_rng(0)
    q, K = size * rng.normal(size=(9, 3)), size * rng.normal(size=(9, 5, 3))
    omega = rng.normal(size=(9, 4, 3))
    logs, signs = FeatureMap(count=4, kind=kind).kernels(q, K, omega, 1.0)
    for n in range(9):
        want_logs, want_signs = feature_log_weights(q[n], K[n], omega[n], kind)
        np.testing.assert_allclose(logs[n], want_logs, rtol=1e-10, atol=1e-10)
        np.testing.assert_array_equal(signs[n], want_signs)


@pytest.mark.parametrize("kind", ["positive", "hyperbolic", "trig", "optimal"])
def test_features_are_unbiased(kind: str) -> None:
    """Means of 200 000 estimates of a kernel within six standard errors, and not 5 % beside it."""
    n = 50_000
    q, k = np.array([0.3, -0.2]), np.array([0.25, 0.3])
    features = FeatureMap(count=4, kind=kind)
    omega = features.frequencies(2, STREAM, 0, n)
    logs, signs = features.kernels(
        np.tile(q, (n, 1)), np.tile(k, (n, 1, 1)), omega, float((q + k) @ (q + k))
    )
    found = signs * np.exp(logs)
    error = found.std() / np.sqrt(n)
    kernel = np.exp(q @ k)
    assert abs(found.mean() - kernel) < 6 * error
    assert abs(found.mean() - 1.05 * kernel) > 6 * error
