"""The last row of random-walk tokens as a drifted Brownian bridge (LOC-8)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from qktheory.kernels import DriftedBridges, bridge_rows, visible_means
from qktheory.observables.draws import DriftedRows, Rows
from qktheory.observables.observable import Observable
from qktheory.simulation.ensemble import Ensemble
from qktheory.simulation.query_scales import QueryScales
from qktheory.simulation.realization import Realization
from qktheory.simulation.simulator import SIMULATORS, Noise, StackedRowSimulator

__all__ = ["BridgeRow"]

FloatArray = NDArray[np.float64]


class BridgeRow(StackedRowSimulator):
    """Given the query x = x_T, the logits are w_i = m i / T + s B_i with a discrete bridge B.

    Exact in law at every T: m = x^T W x / temperature, s^2 = x^T W Sigma W^T x / temperature^2,
    Cov(B_i, B_j) = min(i, j) - i j / T.
    """

    name = "bridge_row"

    def __init__(self, realization: Realization) -> None:
        super().__init__(realization)
        self._steps = realization.stream("bridge_row.steps")
        # The last token of the walk is sqrt(T) times a single step in law.
        self._scales = QueryScales(
            realization, "bridge_row.query", scale=float(realization.ensemble.T)
        )

    @classmethod
    def obstacle(cls, ensemble: Ensemble, observable: Observable) -> str | None:
        """Serve the last row of a random walk only."""
        if observable.needs != "row":
            return "it needs the whole attention matrix"
        if ensemble.tokens.name != "random_walk":
            return f"the tokens are {ensemble.tokens.name!r}, not a random walk"
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
        """Two rows and the query."""
        return 16 * (self.ensemble.T + self.ensemble.d)

    def noise(self, first_sample: int, n: int) -> Noise:
        """Draw the normals of the query and a bridge of unit increments, with its mean."""
        bridges = self._steps.normals(first_sample, n, self.ensemble.T)
        bridge_rows(bridges)
        return self._scales.noise(first_sample, n), bridges, visible_means(bridges)[:, 0]

    @classmethod
    def rows_of_each(cls, simulators: Sequence[BridgeRow], noise: Noise, first_sample: int) -> Rows:
        """Give the bridges the drift and the increments of each query under each QK map."""
        query, bridges, means = noise
        scales = [one._scales for one in simulators]
        self_logit, s2 = QueryScales.scales_of_each(scales, query, first_sample)
        rows = DriftedBridges(bridges, self_logit, np.sqrt(s2), means, copies=len(scales))
        return DriftedRows(rows, simulators[0].attention.normalize)


SIMULATORS.add(BridgeRow.name, BridgeRow)
