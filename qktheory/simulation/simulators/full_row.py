"""The last row from all tokens: what the reductions are tested against."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qktheory.observables.draws import Rows
from qktheory.observables.observable import Observable
from qktheory.simulation.ensemble import Ensemble
from qktheory.simulation.realization import Realization
from qktheory.simulation.simulator import SIMULATORS, RowSimulator

__all__ = ["FullRow"]

FloatArray = NDArray[np.float64]


class FullRow(RowSimulator):
    """Draw all T tokens and form the logits w_i = x_T^T W x_i / temperature of the last one."""

    name = "full"

    def __init__(self, realization: Realization) -> None:
        super().__init__(realization)
        self._stream = realization.stream("tokens")

    @classmethod
    def obstacle(cls, ensemble: Ensemble, observable: Observable) -> str | None:
        """Only rows, and only the last one."""
        if observable.needs != "row":
            return "it needs the whole attention matrix"
        if ensemble.attention.query != "last":
            return "it draws the row of the last token only"
        return None

    @classmethod
    def cost(cls, ensemble: Ensemble) -> float:
        """T d random numbers, T d + d^2 multiplications, and W where it is drawn."""
        return 2.0 * ensemble.T * ensemble.d + ensemble.d**2 + ensemble.matrix_work

    def bytes_per_sample(self) -> int:
        """Tokens and three rows."""
        return 8 * self.ensemble.T * (self.ensemble.d + 3)

    def rows(self, first_sample: int, n: int) -> Rows:
        """Draw tokens and form the last row of each sample."""
        T, d = self.ensemble.T, self.ensemble.d
        X = self.ensemble.tokens.draw(self._stream, first_sample, n, T, d)
        if self.realization.query is not None:
            X = self.ensemble.tokens.pin_last(X, self.realization.query)
        # Stacks of products, one a sample: the bits of a single large product would depend on n.
        direction = self._images(X[:, -1:, :], first_sample) / self.realization.temperature
        logits = np.matmul(direction, X.transpose(0, 2, 1))[:, 0, :]
        return Rows(logits, np.full(n, T - 1), self.attention.normalize)

    def _images(self, queries: FloatArray, first_sample: int) -> FloatArray:
        """Return x W for the query of each sample, shape (n, 1, d)."""
        if not self.ensemble.redraws_matrix:
            return self.realization.matrix.apply(queries)
        images = [
            self.realization.matrix_of(first_sample + k).apply(x) for k, x in enumerate(queries)
        ]
        return np.stack(images)


SIMULATORS.add(FullRow.name, FullRow)
