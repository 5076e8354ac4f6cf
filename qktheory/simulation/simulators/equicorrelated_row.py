"""A row of a Gaussian cloud of equal correlations, from T numbers instead of T d."""

from __future__ import annotations

import numpy as np

from qktheory.observables.draws import Rows
from qktheory.observables.observable import Observable
from qktheory.simulation.ensemble import Ensemble
from qktheory.simulation.query_scales import QueryScales
from qktheory.simulation.realization import Realization
from qktheory.simulation.simulator import SIMULATORS, Noise, RowSimulator
from qktheory.tokens.laws.equicorrelated import Equicorrelated, exchangeable

__all__ = ["EquicorrelatedRow"]


class EquicorrelatedRow(RowSimulator):
    """Given the query x, with self-logit m and scale s, the n = T - 1 other logits are Gaussian.

    Keys given the query are c x + e_j with Cov(e_j, e_k) = (1 - c) (c + delta_jk) Sigma, c the
    cosine: w_j = c m + s sqrt(1 - c) [g_j - g + sqrt(1 + n c) g], g the mean of n normals g_j.
    Exact in law for every cosine, negative ones included.
    """

    name = "equicorrelated_row"

    def __init__(self, realization: Realization) -> None:
        super().__init__(realization)
        tokens = realization.ensemble.tokens
        assert isinstance(tokens, Equicorrelated)
        self._cosine = tokens.cosine
        self._keys = realization.stream("equicorrelated_row.keys")
        self._scales = QueryScales(realization, "equicorrelated_row.query")

    @classmethod
    def obstacle(cls, ensemble: Ensemble, observable: Observable) -> str | None:
        """One row of equicorrelated Gaussian tokens only."""
        if observable.needs != "row":
            return "it needs the whole attention matrix"
        if ensemble.tokens.name != "equicorrelated":
            return f"the tokens are {ensemble.tokens.name!r}, not equicorrelated"
        if ensemble.attention.query != "last":
            return "it draws the row of the last token only"
        return None

    @classmethod
    def cost(cls, ensemble: Ensemble) -> float:
        """T random numbers, and those of the query."""
        return float(ensemble.T) + QueryScales.cost(ensemble)

    def work_per_sample(self) -> float:
        """Return T random numbers and the work for the query."""
        return float(self.ensemble.T) + self._scales.work_per_query()

    def bytes_per_sample(self) -> int:
        """Four rows."""
        return 8 * (4 * self.ensemble.T + 2 * self.ensemble.d)

    def noise(self, first_sample: int, n: int) -> Noise:
        """Draw the normals of the query and one for each other token."""
        keys = self._keys.normals(first_sample, n, self.ensemble.T - 1)
        return self._scales.noise(first_sample, n), keys

    def rows_from(self, noise: Noise, first_sample: int) -> Rows:
        """Give the normals of the keys their covariance, and the scale of each query."""
        query, g = noise
        T, c, n = self.ensemble.T, self._cosine, len(query)
        self_logit, s2 = self._scales.scales(query, first_sample)
        logits = np.empty((n, T))
        logits[:, -1] = self_logit
        if T > 1:
            keys = exchangeable(g, 1.0 - c, (1.0 - c) * (1.0 + (T - 1) * c))
            logits[:, :-1] = c * self_logit[:, None] + np.sqrt(s2)[:, None] * keys
        return Rows(logits, np.full(n, T - 1), self.attention.normalize)


SIMULATORS.add(EquicorrelatedRow.name, EquicorrelatedRow)
