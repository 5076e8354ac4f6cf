"""What observables look at: batches of attention rows and of attention matrices.

Everything that several observables share (the fused row statistic, the weights, the singular
values) is computed at most once a batch, on first use.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from qktheory.attention.normalizer import Normalizer, shares
from qktheory.base.cached import cached_property
from qktheory.kernels import DriftedBridges, LogitRows, alive_rows, visible_means

__all__ = ["DriftedRows", "Matrices", "Rows", "UnformedRows"]

FloatArray = NDArray[np.float64]


class Rows:
    """A batch of attention rows given by their logits.

    Parameters
    ----------
    logits : ndarray of shape (n, T)
        Scores divided by the temperature; -inf is a masked key.
    query : ndarray of int, shape (n,)
        Index, from 0, of the query among the keys of each row.
    normalizer : Normalizer
        The map from logits to weights.
    """

    def __init__(self, logits: FloatArray, query: NDArray[np.intp], normalizer: Normalizer) -> None:
        self.logits = logits
        self.query = query
        self.normalizer = normalizer

    def __len__(self) -> int:
        return int(self.logits.shape[0])

    @property
    def T(self) -> int:
        """Number of keys of a row, masked ones included."""
        return int(self.logits.shape[1])

    @cached_property
    def weights(self) -> FloatArray:
        """Attention weights, shape (n, T)."""
        return self.normalizer.weights(self.logits)

    @cached_property
    def shares(self) -> FloatArray:
        """Weights divided by the sum of their row, shape (n, T)."""
        if self.normalizer.stochastic:
            return self.weights
        return shares(self.weights)

    @cached_property
    def statistics(self) -> dict[str, FloatArray]:
        """Entropy, participation, max_weight (and more for softmax), shape (n,) each."""
        return self.normalizer.statistics(self.logits)

    @cached_property
    def logit_variance(self) -> FloatArray:
        """Variance of the logits under the shares, shape (n,)."""
        return self.normalizer.logit_variance(self.logits)

    @cached_property
    def own_logit(self) -> FloatArray:
        """Logit of the query's own key, shape (n,)."""
        return np.asarray(self.logits[np.arange(len(self)), self.query])

    @cached_property
    def self_weight(self) -> FloatArray:
        """Weight of the query's own key, shape (n,)."""
        if "log_partition" in self.statistics:
            # The two may come from scores that were rounded in another order.
            weight = np.exp(self.own_logit - self.statistics["log_partition"])
            return np.asarray(np.minimum(weight, 1.0))
        return np.asarray(self.weights[np.arange(len(self)), self.query])

    @cached_property
    def mean_logit(self) -> tuple[FloatArray, FloatArray]:
        """Mean of the logits of the visible keys and the number of these, shape (n,) each."""
        table = visible_means(self.logits)
        return table[:, 0], table[:, 1]

    @cached_property
    def centred(self) -> FloatArray:
        """Logits minus their mean over the visible keys, shape (n, T)."""
        return np.asarray(self.logits - self.mean_logit[0][:, None])

    def alive_at(self, key: int) -> FloatArray:
        """Return 1.0 where a key, numbered from 0, is alive, shape (n,): a column of `alive`."""
        mean, count = self.mean_logit
        q = self.logits[:, key] - mean
        return np.asarray((q > -1.0) & (q < count - 1.0), dtype=np.float64)

    @cached_property
    def quarter_shares(self) -> FloatArray:
        """Shares of the weight on the quarters of the sequence, shape (n, 4)."""
        return shares(self.segment_weights([k * self.T // 4 for k in range(5)]))

    def segment_weights(self, ends: Sequence[int]) -> FloatArray:
        """Return weights of stretches; see `Normalizer.segment_weights`."""
        return self.normalizer.segment_weights(self.logits, ends)

    @cached_property
    def alive(self) -> FloatArray:
        """Return 1.0 where -1 < centred logit < T - 1 (T the visible keys), shape (n, T)."""
        return alive_rows(self.logits)

    @cached_property
    def alive_fraction(self) -> FloatArray:
        """Share of the keys that are alive, shape (n,)."""
        if "alive_fraction" in self.statistics:
            return self.statistics["alive_fraction"]
        return np.asarray(self.alive.mean(axis=1))


class UnformedRows(Rows):
    """Rows that are made from fewer numbers; logits are formed when asked for.

    Statistics, weights of stretches and single keys need not ask: writing each row to memory and
    reading it back would take longer than much else.

    Parameters
    ----------
    rows : LogitRows
        n rows of T logits.
    normalizer : Normalizer
        The map from logits to weights.
    """

    def __init__(self, rows: LogitRows, normalizer: Normalizer) -> None:
        self._rows = rows
        self.query = rows.own_key
        self.normalizer = normalizer

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def T(self) -> int:
        """Number of keys of a row."""
        return self._rows.T

    @cached_property
    def logits(self) -> FloatArray:
        """Scores divided by the temperature, shape (n, T)."""
        return self._rows.logits()

    @cached_property
    def statistics(self) -> dict[str, FloatArray]:
        """Entropy, participation, max_weight (and more for softmax), shape (n,) each."""
        return self.normalizer.unformed_statistics(self._rows)

    @cached_property
    def logit_variance(self) -> FloatArray:
        """Variance of the logits under the shares, shape (n,)."""
        return self.normalizer.unformed_logit_variance(self._rows)

    @cached_property
    def own_logit(self) -> FloatArray:
        """Logit of the query's own key, shape (n,)."""
        return self._rows.own_logit()

    def segment_weights(self, ends: Sequence[int]) -> FloatArray:
        """Return weights of stretches; see `Normalizer.segment_weights`."""
        return self.normalizer.unformed_segment_weights(self._rows, ends)


class DriftedRows(UnformedRows):
    """Rows of the last query of a random walk (LOC-8): means and single keys are cheap as well.

    Parameters
    ----------
    rows : DriftedBridges
        n rows of T logits.
    normalizer : Normalizer
        The map from logits to weights.
    """

    def __init__(self, rows: DriftedBridges, normalizer: Normalizer) -> None:
        super().__init__(rows, normalizer)
        self._bridges = rows

    @cached_property
    def mean_logit(self) -> tuple[FloatArray, FloatArray]:
        """Mean of the logits and their number, shape (n,) each."""
        return self._bridges.mean, np.full(len(self), float(self.T))

    def alive_at(self, key: int) -> FloatArray:
        """Return 1.0 where a key, numbered from 0, is alive, shape (n,): a column of `alive`."""
        return self._bridges.alive(key)


class Matrices:
    """A batch of whole attention matrices.

    Parameters
    ----------
    logits : ndarray of shape (n, T, T)
        Score matrices divided by the temperature, queries along axis 1; -inf is masked.
    normalizer : Normalizer
        The map from logits to weights.
    """

    def __init__(self, logits: FloatArray, normalizer: Normalizer) -> None:
        self.logits = logits
        self.normalizer = normalizer

    def __len__(self) -> int:
        return int(self.logits.shape[0])

    @cached_property
    def rows(self) -> Rows:
        """All rows of all matrices, shape (n T, T), row i of each matrix with query i."""
        n, T, _ = self.logits.shape
        query = np.tile(np.arange(T), n)
        return Rows(self.logits.reshape(n * T, T), query, self.normalizer)

    @cached_property
    def weights(self) -> FloatArray:
        """Attention matrices, shape (n, T, T)."""
        return self.rows.weights.reshape(self.logits.shape)

    @cached_property
    def singular_values(self) -> FloatArray:
        """Singular values of each attention matrix in decreasing order, shape (n, T)."""
        return np.asarray(np.linalg.svd(self.weights, compute_uv=False))
