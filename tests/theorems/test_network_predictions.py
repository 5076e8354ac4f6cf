"""What `compare` says about networks: RMT-2, RMT-6a and RMT-8a where their assumptions hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import qktheory as qk


def first_layer(T: int, d: int, scale: float = 8.0, **network: Any) -> dict[str, Any]:
    return {
        "d": d,
        "T": T,
        "matrix": {"model": "ginibre", "draw": "every_sample", "scale": scale},
        "tokens": {"law": "fixed", "X": np.eye(T, d).tolist()},
        "network": {"depth": 1, "value": {"model": "ginibre"}, **network},
    }


def uniform(**network: Any) -> dict[str, Any]:
    value = {"model": "gaussian_factors", "d_k": 16, "scale": 0.7}
    return {
        "d": 256,
        "T": 8,
        "matrix": {"model": "ginibre", "draw": "every_sample", "scale": 0.0},
        "tokens": {"law": "iid"},
        "network": {"depth": 5, "heads": 2, "skip": "alpha", "alpha": 0.9, "value": value}
        | network,
    }


def predicted(spec: dict[str, Any], name: str, samples: int = 8) -> list[str]:
    compared = qk.compare(spec, [name], samples=samples)[name]
    return [prediction.claim.id for prediction in compared.predictions]


def test_spectrum_and_ranks_of_a_first_layer_come_close_to_their_limits() -> None:
    """T = 16, 64 at T/d = 1/2: what is left of the distance falls, below 3 % of 1 - gap."""
    distances = []
    for T in (16, 64):
        names = ["spectral_gap", "final_log10_token_stable_rank_excess"]
        found = qk.compare(first_layer(T, 2 * T), names, samples=128, seed=4)
        off = []
        for name in names:
            (prediction,) = found[name].predictions
            off.append(abs(float(found[name].estimate.mean[0]) - float(prediction.value[0])))
        distances.append(off)
    assert distances[1][0] < distances[0][0]
    assert distances[1][0] < 0.02
    assert distances[1][1] < 0.05


def test_cosines_under_uniform_attention_follow_the_recursion() -> None:
    """d = 256, 512 samples, every layer within 0.02; a gain 10 % larger is 0.03 off."""
    found = qk.compare(uniform(), ["mean_cosine"], samples=512, seed=4)["mean_cosine"]
    (prediction,) = found.predictions
    assert (prediction.claim.id, prediction.word) == ("RMT-8a", "sharp")
    assert np.abs(found.estimate.mean - prediction.value).max() < 0.02
    gain = 2.0 * (0.7 / 0.9) ** 2
    larger = qk.evaluate("RMT-8a", T=8, cosine_0=0.0, gain=1.1 * gain, layers=[0, 1, 2, 3, 4, 5])
    assert np.abs(found.estimate.mean - larger["cosine"]).max() > 0.03


@pytest.mark.parametrize(
    "change",
    [{"skip": "none", "alpha": None}, {"layer_norm": "pre"}, {"weights": "shared"}],
)
def test_other_networks_are_not_predicted(change: dict[str, Any]) -> None:
    spec = uniform()
    spec["network"] = {k: v for k, v in {**spec["network"], **change}.items() if v is not None}
    assert predicted(spec, "mean_cosine") == []


@pytest.mark.parametrize(
    ("covariance", "isotropic"),
    [
        (np.full((4, 4), 2.0), False),
        (np.arange(1.0, 5.0), False),
        (2.0 * np.eye(4), True),
        (2.0 * np.ones(4), True),
    ],
    ids=["equal entries", "four variances", "matrix", "list"],
)
def test_cosines_are_predicted_of_isotropic_tokens_alone(
    covariance: np.ndarray, isotropic: bool
) -> None:
    """Equal entries do not make a covariance isotropic: that one has rank one."""
    spec = {**uniform(), "d": 4}
    spec["tokens"] = {"law": "iid", "covariance": covariance.tolist()}
    assert predicted(spec, "mean_cosine") == (["RMT-8a"] if isotropic else [])


def test_assumptions_of_a_first_layer() -> None:
    """Two layers, tokens of two lengths, two heads (for ranks) or a causal mask: no prediction."""
    spec = first_layer(6, 8)
    assert predicted(spec, "spectral_gap") == ["RMT-2"]
    assert predicted(first_layer(6, 8, heads=2), "spectral_gap") == ["RMT-2"]
    rank = "final_log10_token_stable_rank_excess"
    assert predicted(spec, rank) == ["RMT-6a"]
    assert predicted(first_layer(6, 8, heads=2), rank) == []
    assert predicted(first_layer(6, 8, depth=2), "spectral_gap") == []
    assert predicted({**spec, "attention": {"mask": "causal"}}, "spectral_gap") == []
    assert predicted(first_layer(6, 8, scale=0.0), "spectral_gap") == []
    spec["tokens"]["X"][0][0] = 2.0
    assert predicted(spec, "spectral_gap") == []
