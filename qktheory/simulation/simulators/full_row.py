"""The last row from all tokens: what the reductions are tested against."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np

from qktheory.observables.draws import Rows
from qktheory.observables.observable import Observable
from qktheory.simulation.ensemble import Ensemble
from qktheory.simulation.simulator import SIMULATORS, Noise, RowSimulator

__all__ = ["FullRow"]


class FullRow(RowSimulator):
    """Draw all T tokens and form the logits w_i = x_T^T W x_i / temperature of the last one."""

    name = "full"
    _needs_query = True

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
        """Tokens and three rows, and W where it is drawn."""
        own = 3 * self.ensemble.d**2 if self.ensemble.redraws_matrix else 0
        return 8 * (self.ensemble.T * (self.ensemble.d + 3) + own)

    def _law_of_noise(self) -> tuple[Hashable, ...]:
        return (self.ensemble.tokens,)

    def noise(self, first_sample: int, n: int) -> Noise:
        """Draw the tokens."""
        return (self.realization.tokens(first_sample, n),)

    def rows_from(self, noise: Noise, first_sample: int) -> Rows:
        """Form the last row of each sample."""
        (X,) = noise
        n, T, _ = X.shape
        # Stacks of products, one a sample: the bits of a single large product would depend on n.
        direction = (
            self.realization.images(X[:, -1:, :], first_sample) / self.realization.temperature
        )
        logits = np.matmul(direction, X.transpose(0, 2, 1))[:, 0, :]
        return Rows(logits, np.full(n, T - 1), self.attention.normalize)


SIMULATORS.add(FullRow.name, FullRow)
