"""Paths through networks: the law of their lengths, and what they carry (RANK-8)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

import qktheory as qk
from qktheory.numerics.attention_paths import path_decomposition
from qktheory.simulation.simulate import Simulation


def table(**network: Any) -> dict[str, Any]:
    head = {"model": "gaussian_factors", "d_k": 3, "scale": 0.8}
    return {
        "d": 6,
        "T": 5,
        "matrix": {**head, "draw": "every_sample"},
        "attention": {"temperature": 1.7},
        "network": {"depth": 4, "heads": 2, "skip": "plain", "value": head, **network},
    }


@pytest.mark.parametrize("alpha", [1.0, 0.6])
def test_shares_are_those_of_the_decomposition(alpha: float) -> None:
    """Sample by sample against the sums of RANK-8b, which enumeration confirms."""
    spec = table(skip="alpha", alpha=alpha)
    simulation = Simulation.prepare(spec, ["path_residual_share"], seed=5)
    found = simulation.draws(0, 3)["path_residual_share"]
    run = simulation.runs[0].simulator
    X = simulation.realization.tokens(0, 3)
    layers = [run.weights(layer, 0, 3) for layer in range(4)]
    for k in range(3):
        A = np.array([w.query_key.left[k] @ w.query_key.right[k].swapaxes(1, 2) for w in layers])
        W = np.array([w.value.left[k] @ w.value.right[k].swapaxes(1, 2) for w in layers])
        if alpha == 1.0:
            exact = path_decomposition(X[k], A, W, 1.7, np.zeros((4, 6)), True)
            squares = np.square(exact.frobenius_by_length)
        else:
            squares = _enumerated(X[k], A, W, 1.7, alpha)
        assert found[k] == pytest.approx(squares / squares.sum(), rel=1e-10)


def _enumerated(
    X: np.ndarray, A: np.ndarray, W: np.ndarray, temperature: float, alpha: float
) -> np.ndarray:
    """Squared spreads of the sums of all paths of a length, path by path."""
    paths = [(0, X)]
    current = X
    for a, w in zip(A, W, strict=True):
        heads = []
        for one, value in zip(a, w, strict=True):
            weights = np.exp(current @ one @ current.T / temperature)
            heads.append((weights / weights.sum(axis=1, keepdims=True), value))
        longer = [(k + 1, P @ Y @ V) for k, Y in paths for P, V in heads]
        paths = [(k, alpha * Y) for k, Y in paths] + longer
        current = sum(Y for _, Y in paths)
    sums = np.zeros((len(A) + 1, *X.shape))
    for k, Y in paths:
        sums[k] += Y - Y.mean(axis=0)
    return np.asarray((sums**2).sum(axis=(1, 2)))


@pytest.mark.parametrize("scale", [1e-60, 1e60])
def test_shares_of_a_deep_network_have_no_scale(scale: float) -> None:
    """Sums over 8 layers are 1e480 or 1e-480 times others, which no float holds.

    Attention is given by positions, so that it does not feel the scale.
    """

    def shares(factor: float) -> np.ndarray:
        value = {"model": "gaussian_factors", "d_k": 3, "scale": 0.8 * factor}
        spec = table(skip="alpha", alpha=factor, depth=8, value=value, position_bias=0.5)
        spec["matrix"]["scale"] = 0.0
        drawn = Simulation.prepare(spec, ["path_residual_share"], seed=5).draws(0, 3)
        return drawn["path_residual_share"]

    assert shares(scale) == pytest.approx(shares(1.0), rel=1e-9)


def test_lengths_follow_the_law_and_nothing_else() -> None:
    """20,000 paths, chi-squared with 8 degrees of freedom below 40: false alarm 3e-6.

    The law of a network with one head fewer is far beyond it.
    """
    n, L, H = 20_000, 8, 3
    spec = table(depth=L, heads=H)
    drawn = Simulation.prepare(spec, ["path_length"], seed=2).draws(0, n)["path_length"]
    assert np.array_equal(drawn.sum(axis=1), np.ones(n))
    counts = drawn.sum(axis=0)

    def distance(heads: int) -> float:
        expected = n * binom.pmf(np.arange(L + 1), L, heads / (1 + heads))
        rare = expected < 5.0
        seen = np.append(counts[~rare], counts[rare].sum())
        mean = np.append(expected[~rare], expected[rare].sum())
        return float(((seen - mean) ** 2 / mean).sum())

    assert distance(H) < 40.0 < 400.0 < distance(H - 1)


def test_without_skips_all_paths_use_all_layers() -> None:
    spec = table(skip="none")
    drawn = Simulation.prepare(spec, ["path_length"], seed=2).draws(0, 50)["path_length"]
    assert drawn.sum(axis=0).tolist() == [0.0, 0.0, 0.0, 0.0, 50.0]
    compared = qk.compare(spec, ["path_length"], samples=50)["path_length"]
    assert not compared.predictions


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"skip": "none"}, "without skip connections all paths use all layers"),
        ({"layer_norm": "pre"}, "no sum over paths"),
        ({"mlp": {"width": 8}}, "no sum over paths"),
    ],
)
def test_residuals_of_paths_need_a_sum_over_paths(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Simulation.prepare(table(**change), ["path_residual_share"])


def test_the_preset_is_predicted_and_agrees() -> None:
    """512 samples: intervals that miss with probability 1e-6 a variant."""
    from qktheory.simulation.specification import read_preset

    preset = read_preset("path-lengths")
    for title, ensemble in list(preset.variants.items())[:3]:
        found = qk.compare(ensemble, preset.observables, samples=512, seed=1)
        (prediction,) = found["path_length"].predictions
        assert prediction.claim.id == "RANK-8c", title
        assert found["path_length"].agrees
        # The message of the figure: long paths are many, short ones carry the residual.
        lengths = np.arange(13)
        shares = found["path_residual_share"].estimate.mean
        assert shares @ lengths + 2.0 < prediction.value @ lengths
