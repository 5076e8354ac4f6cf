"""Whole attention matrices from all tokens."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from qktheory.attention.layer import block_bytes, score_blocks, score_buffer
from qktheory.observables.draws import Matrices, Rows, UnformedRows
from qktheory.observables.observable import MatrixObservable, Observable, RowObservable
from qktheory.simulation.ensemble import Ensemble
from qktheory.simulation.simulator import SIMULATORS, Noise, NoiseSimulator

__all__ = ["FullMatrix"]

FloatArray = NDArray[np.float64]


class FullMatrix(NoiseSimulator):
    """Draw all T tokens and form S = X W X^T / temperature, masked.

    Observables of a row are averaged over all rows if ``attention.query = "all"``. Rows are looked
    at in blocks, so that row observables never hold a T x T matrix.
    """

    name = "full_matrix"
    whole_matrix = True
    _needs_query = True

    @classmethod
    def obstacle(cls, ensemble: Ensemble, observable: Observable) -> str | None:
        """Serve everything but averages over logits that a mask removes."""
        attention = ensemble.attention
        masked = attention.mask == "causal" and attention.query == "all"
        if masked and observable.vector and observable.bounds(ensemble.T) is None:
            return "masked keys have no logit to average over all queries"
        return None

    @classmethod
    def cost(cls, ensemble: Ensemble) -> float:
        """T d random numbers, T d^2 + T^2 d multiplications, and W where it is drawn."""
        T, d = ensemble.T, ensemble.d
        return float(T) * d + float(T) * d**2 + float(T) ** 2 * d + ensemble.matrix_work

    def bytes_per_sample(self) -> int:
        """Tokens, W X^T and three matrices."""
        return 8 * self.ensemble.T * (2 * self.ensemble.d + 3 * self.ensemble.T)

    def bytes_for(self, observables: Sequence[Observable]) -> int:
        """Without the matrices, but for a block of their rows, if only rows are looked at."""
        if self._whole(observables):
            return self.bytes_per_sample()
        T, d = self.ensemble.T, self.ensemble.d
        return 8 * T * (3 * d + 3) + 3 * block_bytes(T)

    def _whole(self, observables: Sequence[Observable]) -> bool:
        """Return whether whole matrices are formed."""
        rowwise = self.attention.normalize.rowwise
        return not rowwise or any(o.needs == "matrix" for o in observables)

    def _law_of_noise(self) -> tuple[Hashable, ...]:
        return (self.ensemble.tokens,)

    def noise(self, first_sample: int, n: int) -> Noise:
        """Draw the tokens."""
        return (self.realization.tokens(first_sample, n),)

    def measure_from(
        self, observables: Sequence[Observable], noise: Noise, first_sample: int
    ) -> list[FloatArray]:
        """Return the observables of attention matrices; see `NoiseSimulator.measure_from`."""
        (X,) = noise
        n, T, _ = X.shape
        results = [np.zeros((n, o.size(T))) for o in observables]
        of_rows = [
            (r, cast(RowObservable, o))
            for r, o in zip(results, observables, strict=True)
            if o.needs == "row"
        ]
        of_matrices = [
            (r, cast(MatrixObservable, o))
            for r, o in zip(results, observables, strict=True)
            if o.needs == "matrix"
        ]
        temperature = self.realization.temperature
        buffer = score_buffer(T)
        normalize = self.attention.normalize
        whole = self._whole(observables)
        queries = range(T - 1, T) if self.attention.query == "last" else range(T)
        for sample in range(n):
            matrix = self.realization.matrix_of(first_sample + sample)
            layer = X[sample], matrix, temperature, self.attention, buffer
            # Rows of a rowwise map are looked at in the same way whether or not the whole matrix
            # is needed too: their bits do not depend on it.
            if of_rows and normalize.rowwise:
                for block in score_blocks(*layer, queries):
                    self._add_rows(of_rows, sample, UnformedRows(block, normalize))
            if whole:
                scores = np.concatenate([block.logits().copy() for block in score_blocks(*layer)])
                fitted = normalize.fitted(scores)
                if of_rows and not normalize.rowwise:
                    part = slice(queries.start, queries.stop)
                    rows = Rows(scores[part], np.arange(T)[part], fitted)
                    self._add_rows(of_rows, sample, rows)
                matrices = Matrices(scores[None], fitted)
                for result, of_matrix in of_matrices:
                    result[sample] = of_matrix.compute(matrices)
        return results

    def _add_rows(
        self, of_rows: list[tuple[FloatArray, RowObservable]], sample: int, rows: Rows
    ) -> None:
        share = 1.0 if self.attention.query == "last" else 1.0 / self.ensemble.T
        for result, of_row in of_rows:
            result[sample] += share * of_row.compute(rows).reshape(len(rows), -1).sum(axis=0)


SIMULATORS.add(FullMatrix.name, FullMatrix)
