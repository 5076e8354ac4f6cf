"""What ZOO-SINK-1 predicts of the sink score of an experiment with causal attention."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from qktheory.simulation.realization import Realization
from qktheory.theorems.bao2024.setting import FREE_QUERY
from qktheory.theorems.claim import Assumption, Predicts

__all__ = ["ASSUMPTIONS", "PREDICTS_EXCHANGEABLE", "PREDICTS_IID_TOKENS"]

FloatArray = NDArray[np.float64]

ASSUMPTIONS = (
    Assumption(
        "independent tokens",
        "tokens are independent with one law",
        lambda r: r.ensemble.tokens.name in ("iid", "sphere"),
    ),
    Assumption(
        "causal mask", "a query sees no later key", lambda r: r.ensemble.attention.mask == "causal"
    ),
    Assumption(
        "softmax", "weights are a softmax", lambda r: r.ensemble.attention.normalizer == "softmax"
    ),
    FREE_QUERY,
)

#: Maps W = O W in law: with a W of its own in every sample, no direction of the query is left.
_LEFT_INVARIANT = ("ginibre", "gaussian_factors", "singular_values")


def _forgets_the_query(realization: Realization) -> bool:
    ensemble = realization.ensemble
    return ensemble.redraws_matrix and ensemble.matrix.name in _LEFT_INVARIANT


def _on_sphere(realization: Realization) -> bool:
    return realization.ensemble.tokens.name == "sphere"


#: The query's own key is one of i exchangeable ones if it says nothing about W^T x_i: exactly so
#: where norms are equal, and for Gaussian tokens as d grows.
PREDICTS_EXCHANGEABLE = (
    Predicts(
        "sink_score",
        "sink_score_uniform",
        "exact",
        parameters=lambda r: {"T": r.ensemble.T},
        when=lambda r: _forgets_the_query(r) and _on_sphere(r),
    ),
    Predicts(
        "sink_score",
        "sink_score_uniform",
        "asymptotic",
        parameters=lambda r: {"T": r.ensemble.T},
        when=lambda r: _forgets_the_query(r) and not _on_sphere(r),
    ),
)

#: Samples of the mean own weights, far from those of any simulation, and what they may cost.
_FIRST, _MOST_SAMPLES, _WORK = 1 << 31, 512, 1e9
_LARGEST = 2048


def _own_weights(X: FloatArray, images: FloatArray) -> FloatArray:
    """Return the causal softmax weights of every query on itself, (T,)."""
    scores = images @ X.T
    scores[np.triu_indices(len(X), 1)] = -np.inf
    own = np.diagonal(scores).copy()
    top = scores.max(axis=1)
    return np.asarray(np.exp(own - top) / np.exp(scores - top[:, None]).sum(axis=1))


def _score(realization: Realization) -> tuple[float, float]:
    """Draw the mean own weights; return the score of ZOO-SINK-1b and its standard error."""
    ensemble = realization.ensemble
    T, d = ensemble.T, ensemble.d
    samples = int(min(_MOST_SAMPLES, max(16.0, _WORK / (T * T * d))))
    before = np.arange(1, T)
    scores = np.empty(samples)
    for k in range(samples):
        X = realization.tokens(_FIRST + k, 1)
        images = realization.images(X, _FIRST + k)[0] / realization.temperature
        own = _own_weights(X[0], images)
        scores[k] = (1.0 + np.sum((1.0 - own[1:]) / before)) / T
    return float(scores.mean()), float(scores.std(ddof=1) / math.sqrt(samples))


PREDICTS_IID_TOKENS = (
    Predicts(
        "sink_score",
        "sink_score",
        "exact",
        compute=_score,
        when=lambda r: r.ensemble.T <= _LARGEST,
    ),
)
