"""The null model of attention sinks beside measured sink scores (ZOO-SINK-1)."""

from __future__ import annotations

from typing import Any

import pytest

import qktheory as qk

FIXED = {
    "d": 2,
    "T": 10,
    "matrix": {"W": [[-1.0, 0.5], [0.0, -0.7]]},
    "tokens": {"law": "sphere"},
    "attention": {"mask": "causal"},
}
REDRAWN = {
    **FIXED,
    "d": 5,
    "matrix": {"model": "ginibre", "scale": 1.5, "draw": "every_sample"},
}
ANISOTROPIC = {
    **FIXED,
    "matrix": {"W": [[1.0, 0.5], [0.0, 0.7]]},
    "tokens": {"law": "iid", "covariance": [1.0, 2.0]},
    "attention": {"mask": "causal", "temperature": 1.4},
}


def kinds(spec: dict[str, Any], samples: int = 50) -> dict[str, str]:
    found = qk.compare(spec, ["sink_score"], samples=samples)["sink_score"]
    return {p.claim.id: p.kind for p in found.predictions}


def test_the_null_model_is_exact_where_the_query_says_nothing_about_its_key() -> None:
    assert kinds(REDRAWN) == {"ZOO-SINK-1a": "exact", "ZOO-SINK-1b": "exact"}
    gaussian = {**REDRAWN, "tokens": {"law": "iid"}}
    assert kinds(gaussian) == {"ZOO-SINK-1a": "asymptotic", "ZOO-SINK-1b": "exact"}
    assert kinds(FIXED) == {"ZOO-SINK-1b": "exact"}


@pytest.mark.parametrize("spec", [FIXED, REDRAWN, ANISOTROPIC], ids=["W", "redrawn", "Sigma"])
def test_predictions_agree_with_the_measured_score(spec: dict[str, Any]) -> None:
    """Intervals miss with probability 1e-6; quadratures have ten standard errors."""
    found = qk.compare(spec, ["sink_score"], samples=3000)["sink_score"]
    assert [p.agrees(found.estimate) for p in found.predictions] == [True] * len(found.predictions)


def test_the_uniform_score_is_refuted_where_queries_avoid_themselves() -> None:
    """Wrong twin: W = -|W| pushes attention off the own key, so H_T/T = 0.293 is too small."""
    found = qk.compare(FIXED, ["sink_score"], samples=3000)["sink_score"]
    uniform = qk.evaluate("ZOO-SINK-1a", T=10)["sink_score_uniform"]
    assert uniform < float(found.estimate.low[0])


@pytest.mark.parametrize(
    "change",
    [
        {"attention": {}},
        {"tokens": {"law": "random_walk"}},
        {"attention": {"mask": "causal", "normalizer": "hardmax"}},
    ],
    ids=["no mask", "dependent tokens", "no softmax"],
)
def test_nothing_is_predicted_elsewhere(change: dict[str, Any]) -> None:
    assert kinds({**FIXED, **change}) == {}
