"""A row of simplex tokens under a Gaussian QK map, from T + 1 numbers (ENT-13)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import special

from qktheory.kernels import AffineRows, visible_means
from qktheory.observables.draws import Rows, UnformedRows
from qktheory.observables.observable import Observable
from qktheory.simulation.ensemble import Ensemble
from qktheory.simulation.realization import Realization
from qktheory.simulation.simulator import SIMULATORS, Noise, StackedRowSimulator
from qktheory.spectra.matrices.gaussian_factors import GaussianFactors
from qktheory.spectra.matrices.ginibre import Ginibre
from qktheory.tokens.laws.simplex import Simplex

__all__ = ["SimplexRow"]

FloatArray = NDArray[np.float64]


class SimplexRow(StackedRowSimulator):
    """Logits are Gaussian with covariance s^2 [cosine + (1 - cosine) delta_jk], s random.

    Exact in law where W is drawn for every sample. With factors G_Q, G_K of width d_k, the query
    image G_Q^T x has iid normal entries, and given it the scores are Gaussian over the keys:
    s^2 = s0^2 chi^2_(d_k)/d_k with s0 = scale sqrt(d)/temperature. For a W with iid entries
    s = s0. The common part of the keys leaves softmax alone and is drawn all the same, because the
    logits show it.
    """

    name = "simplex_row"

    def __init__(self, realization: Realization) -> None:
        super().__init__(realization)
        tokens, matrix = realization.ensemble.tokens, realization.ensemble.matrix
        assert isinstance(tokens, Simplex)
        assert isinstance(matrix, GaussianFactors | Ginibre)
        self._cosine = tokens.cosine
        self._d_k = matrix.d_k if isinstance(matrix, GaussianFactors) else None
        self._s0 = matrix.scale * math.sqrt(realization.ensemble.d) / realization.temperature
        self._keys = realization.stream("simplex_row.keys")
        self._query = realization.stream("simplex_row.query")

    @classmethod
    def obstacle(cls, ensemble: Ensemble, observable: Observable) -> str | None:
        """One row of simplex tokens and a redrawn Gaussian W only."""
        if observable.needs != "row":
            return "it needs the whole attention matrix"
        if ensemble.tokens.name != "simplex":
            return f"the tokens are {ensemble.tokens.name!r}, not a simplex"
        if ensemble.matrix.name not in ("gaussian_factors", "ginibre"):
            return f"W is {ensemble.matrix.name!r}, not Gaussian"
        if not ensemble.redraws_matrix:
            return "W is held fixed"
        if ensemble.attention.query != "last":
            return "it draws the row of the last token only"
        return None

    @classmethod
    def cost(cls, ensemble: Ensemble) -> float:
        """T + 1 random numbers, the last one through the inverse of a law."""
        return float(ensemble.T) + 100.0

    def bytes_per_sample(self) -> int:
        """Two rows."""
        return 16 * (self.ensemble.T + 1)

    def noise(self, first_sample: int, n: int) -> Noise:
        """Draw a normal for each key, with their mean, and a uniform for the query."""
        keys = self._keys.normals(first_sample, n, self.ensemble.T)
        return self._query.uniforms(first_sample, n, 1), keys, visible_means(keys)[:, 0]

    @classmethod
    def rows_of_each(
        cls, simulators: Sequence[SimplexRow], noise: Noise, first_sample: int
    ) -> Rows:
        """Give the normals of the keys their covariance, and the scale of each query."""
        uniforms, g, common = noise
        T = simulators[0].ensemble.T
        factors, levels = [], []
        for one in simulators:
            s, c = one._scales(uniforms[:, 0]), one._cosine
            # What the keys have in common is spread by another factor than their deviations.
            across, along = math.sqrt(1.0 - c), math.sqrt(max(1.0 + (T - 1) * c, 0.0))
            factors.append(s * across)
            levels.append(s * ((along - across) * common))
        rows = AffineRows(
            g, np.concatenate(factors), level=np.concatenate(levels), copies=len(simulators)
        )
        return UnformedRows(rows, simulators[0].attention.normalize)

    def _scales(self, uniforms: FloatArray) -> FloatArray:
        """Return s of each query, shape (n,)."""
        if self._d_k is None:
            return np.full(len(uniforms), self._s0)
        shape = 0.5 * self._d_k
        return np.asarray(self._s0 * np.sqrt(special.gammaincinv(shape, uniforms) / shape))


SIMULATORS.add(SimplexRow.name, SimplexRow)
