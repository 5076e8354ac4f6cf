"""What ZOO-RF-5 and ZOO-RF-6b predict of an experiment with random features."""

from __future__ import annotations

import math

import numpy as np

from qktheory.numerics.feature_attention import row_error
from qktheory.numerics.feature_spectrum import factor_errors, finite_powers
from qktheory.numerics.random_features import FeatureKind
from qktheory.simulation.feature_factors import feature_factors
from qktheory.simulation.realization import Realization
from qktheory.theorems.bao2024.setting import AT_LEAST_TWO_TOKENS, FREE_QUERY, IID
from qktheory.theorems.choromanski2021.setting import FloatArray
from qktheory.theorems.claim import RANDOM_FEATURES, PredictionKind, Predicts

__all__ = ["ASSUMPTIONS", "PREDICTS_KERNELS", "PREDICTS_ROWS", "whitened_factors"]

ASSUMPTIONS = (RANDOM_FEATURES, IID, FREE_QUERY, AT_LEAST_TWO_TOKENS)

#: Tokens of the average of ZOO-RF-5, far from those of any simulation.
_FIRST, _TOKENS = 1 << 31, 512


def whitened_factors(realization: Realization) -> tuple[FloatArray, FloatArray]:
    """Return the factors that act on standard normal tokens: Sigma^(1/2) W_Q, Sigma^(1/2) W_K."""
    root = realization.covariance.apply_root
    W_Q, W_K = feature_factors(realization)
    return np.asarray(root(W_Q.T).T), np.asarray(root(W_K.T).T)


def _is(kind: str, directions: str, realization: Realization) -> bool:
    features = realization.ensemble.attention.features
    return features is not None and (features.kind, features.directions) == (kind, directions)


def _mean_error(kind: str, realization: Realization) -> tuple[float, float]:
    """Return the expected error of ZOO-RF-6b with m features, inf if it is infinite."""
    features = realization.ensemble.attention.features
    assert features is not None
    found = getattr(factor_errors(*whitened_factors(realization)), kind)
    return (math.inf if found is None else found / features.count), 0.0


def _kernels(
    observable: str, value: str, error: str, kind: str, directions: str, sense: PredictionKind
) -> Predicts:
    return Predicts(
        observable,
        value,
        sense,
        compute=lambda realization: _mean_error(error, realization),
        when=lambda realization: _is(kind, directions, realization),
    )


_LAWS = (
    ("kernel_error", "scaled_mean_mse_positive", "positive", "positive"),
    ("kernel_error", "scaled_mean_mse_hyperbolic", "hyperbolic", "hyperbolic"),
    ("kernel_error", "scaled_mean_mse_trig", "trig", "trig"),
    ("kernel_relative_error", "scaled_mean_relative_mse_positive", "relative", "positive"),
)
#: Exact for independent frequencies; orthogonal blocks of positive features gain (ZOO-RF-2).
PREDICTS_KERNELS: tuple[Predicts, ...] = (
    *(_kernels(*law, "iid", "exact") for law in _LAWS),
    *(_kernels(*law, "orthogonal", "upper") for law in _LAWS if law[3] != "trig"),
)


def _mean_row_error(kind: FeatureKind, realization: Realization) -> tuple[float, float]:
    """Average ZOO-RF-5 over tokens: a mean over draws with its standard error."""
    features = realization.ensemble.attention.features
    assert features is not None
    W_Q, W_K = feature_factors(realization)
    X = realization.tokens(_FIRST, _TOKENS)
    with np.errstate(over="ignore", invalid="ignore"):
        errors = np.array([row_error(x[-1] @ W_Q, x @ W_K, kind).mse for x in X]) / features.count
    return float(errors.mean()), float(errors.std() / math.sqrt(_TOKENS))


def _rows(kind: FeatureKind) -> Predicts:
    def applies(realization: Realization) -> bool:
        if not _is(kind, "iid", realization):
            return False
        factors = whitened_factors(realization)
        return finite_powers(*factors, kind)["kernel_relative_error"] > 0

    return Predicts(
        "feature_error",
        f"scaled_mse_{kind}",
        "asymptotic",
        compute=lambda realization: _mean_row_error(kind, realization),
        when=applies,
    )


PREDICTS_ROWS = (_rows("positive"), _rows("trig"))
