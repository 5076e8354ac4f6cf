"""The last row by random features, beside the exact one."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from qktheory.base.cached import cached_property
from qktheory.numerics.feature_spectrum import finite_powers
from qktheory.observables.feature_rows import FeatureRows
from qktheory.observables.observable import Observable
from qktheory.simulation.ensemble import Ensemble
from qktheory.simulation.feature_factors import feature_factors
from qktheory.simulation.realization import Realization
from qktheory.simulation.simulator import SIMULATORS, Noise, RowSimulator

__all__ = ["FeatureRow"]

FloatArray = NDArray[np.float64]


class FeatureRow(RowSimulator):
    """Draw all tokens and the frequencies of every sample; estimate the kernels of the last row.

    Tokens are those of simulator ``"full"`` at the same seed, so that rows by features and by
    softmax belong to the same sequences.
    """

    name = "feature_row"
    features = True
    _needs_query = True

    def __init__(self, realization: Realization) -> None:
        super().__init__(realization)
        assert self.attention.features is not None
        self._map = self.attention.features
        self._W_Q, self._W_K = feature_factors(realization)
        self._frequencies = realization.stream("random_features")
        self._mean_square = float(np.sum(self._W_Q**2) + np.sum(self._W_K**2))

    @classmethod
    def obstacle(cls, ensemble: Ensemble, observable: Observable) -> str | None:
        """Only rows at a fixed W; weights of both signs have no entropy."""
        features = ensemble.attention.features
        if features is None:
            return "attention uses no random features"
        if observable.needs not in ("row", "features"):
            return "it needs the whole attention matrix"
        if ensemble.redraws_matrix:
            return "random features need one W"
        if observable.needs == "row" and features.signed:
            return "trigonometric features have weights of both signs"
        if observable.needs == "features" and ensemble.T < 2:
            return "there is no other key"
        return None

    @classmethod
    def cost(cls, ensemble: Ensemble) -> float:
        """T d random numbers, m width frequencies, and a product of both."""
        T, d = ensemble.T, ensemble.d
        count = 1 if ensemble.attention.features is None else ensemble.attention.features.count
        return 2.0 * T * d + float(d) ** 2 + 2.0 * count * d + float(count) * T * (d + 8.0)

    def bytes_per_sample(self) -> int:
        """Tokens, queries, keys, frequencies and their products."""
        T, width, m = self.ensemble.T, int(self._W_Q.shape[1]), self._map.count
        return 8 * (T * (2 * self.ensemble.d + width + 8) + 2 * m * width + 4 * m * T)

    def _law_of_noise(self) -> tuple[Hashable, ...]:
        return (self.ensemble.tokens, self._map, self._W_Q.shape[1])

    def noise(self, first_sample: int, n: int) -> Noise:
        """Draw tokens and frequencies."""
        width = self._W_Q.shape[1]
        omega = self._map.frequencies(width, self._frequencies, first_sample, n)
        return self.realization.tokens(first_sample, n), omega

    def rows_from(self, noise: Noise, first_sample: int) -> FeatureRows:
        """Estimate the last row of each sample."""
        X, omega = noise
        n, T, _ = X.shape
        queries = np.matmul(X[:, -1:, :], self._W_Q)[:, 0, :]
        keys = np.matmul(X, self._W_K)
        exact = np.matmul(keys, queries[:, :, None])[:, :, 0]
        logs, signs = self._map.kernels(queries, keys, omega, self._mean_square)
        query = np.full(n, T - 1)
        return FeatureRows(logs, signs, exact, query, self.attention.normalize)

    @cached_property
    def _finite(self) -> dict[str, int]:
        """How many moments of the kernel errors are finite, for Gaussian tokens."""
        root = self.realization.covariance.apply_root
        W_Q, W_K = (np.asarray(root(W.T).T) for W in (self._W_Q, self._W_K))
        features, width = self._map, self._W_Q.shape[1]
        coefficient = features.coefficient(width, self._mean_square)
        bounded = features.directions == "fixed_norm"
        return finite_powers(W_Q, W_K, features.kind, coefficient, bounded)

    def infinite_moment(self, observable: Observable) -> Literal["mean", "variance"] | None:
        """Say where tails of features, or denominators next to 0, leave no mean or variance.

        Of Gaussian tokens that are independent; of other laws nothing is known here. A pinned
        query is not.
        """
        if self.ensemble.T < 2 or observable.needs != "features":
            return None
        if observable.name == "feature_error":
            return "mean" if self._map.signed else None
        if self.ensemble.tokens.name != "iid" or self.ensemble.query is not None:
            return None
        finite = self._finite[observable.name]
        return None if finite >= 2 else "variance" if finite == 1 else "mean"


SIMULATORS.add(FeatureRow.name, FeatureRow)
