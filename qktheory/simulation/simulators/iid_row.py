"""A row of iid tokens from T numbers instead of T d (LOC-15)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from qktheory.kernels import AffineRows
from qktheory.observables.draws import Rows, UnformedRows
from qktheory.observables.observable import Observable
from qktheory.simulation.ensemble import Ensemble
from qktheory.simulation.query_scales import QueryScales
from qktheory.simulation.realization import Realization
from qktheory.simulation.simulator import SIMULATORS, Noise, StackedRowSimulator

__all__ = ["IidRow"]

FloatArray = NDArray[np.float64]


class IidRow(StackedRowSimulator):
    """Given the query x, the self-logit is m = x^T W x / temperature, the others are N(0, s^2).

    Exact in law for iid Gaussian tokens: s^2 = x^T W Sigma W^T x / temperature^2 is the variance
    of x^T W x_j / temperature for an independent key x_j ~ N(0, Sigma).
    """

    name = "iid_row"

    def __init__(self, realization: Realization) -> None:
        super().__init__(realization)
        self._keys = realization.stream("iid_row.keys")
        self._scales = QueryScales(realization, "iid_row.query")

    @classmethod
    def obstacle(cls, ensemble: Ensemble, observable: Observable) -> str | None:
        """One row of iid Gaussian tokens only."""
        if observable.needs != "row":
            return "it needs the whole attention matrix"
        if ensemble.tokens.name != "iid":
            return f"the tokens are {ensemble.tokens.name!r}, not iid"
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
        """Draw the normals of the query and one for each key."""
        keys = self._keys.normals(first_sample, n, self.ensemble.T)
        return self._scales.noise(first_sample, n), keys

    @classmethod
    def rows_of_each(cls, simulators: Sequence[IidRow], noise: Noise, first_sample: int) -> Rows:
        """Scale the normals of the keys by the standard deviation of each query's logits."""
        query, keys = noise
        scales = [one._scales for one in simulators]
        self_logit, s2 = QueryScales.scales_of_each(scales, query, first_sample)
        rows = AffineRows(keys, np.sqrt(s2), last=self_logit, copies=len(scales))
        return UnformedRows(rows, simulators[0].attention.normalize)


SIMULATORS.add(IidRow.name, IidRow)
