"""Statistics of softmax rows: log Z, entropy, participations, moments under the weights (ENT-0)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qktheory.base.cached import cached_property
from qktheory.kernels.rows import ROW_STATISTICS, row_statistics

__all__ = ["SoftmaxRows"]

Floats = NDArray[np.float64]


class SoftmaxRows:
    """Rows of logits l with weights A = softmax(l), and their statistics in nats.

    Parameters
    ----------
    logits : array_like, shape (n, T) or (T,)
        Finite logits; a single row counts as a batch of one.

    Examples
    --------
    >>> row = SoftmaxRows([0.3, -1.2, 2.5, 0.0, 0.7])
    >>> row.entropy.round(8), row.y(2.0).round(8)
    (array([0.93015473]), array([0.54744168]))
    """

    def __init__(self, logits: ArrayLike) -> None:
        self.logits = np.ascontiguousarray(np.atleast_2d(np.asarray(logits, dtype=np.float64)))

    @cached_property
    def _statistics(self) -> dict[str, Floats]:
        return dict(
            zip(ROW_STATISTICS, np.moveaxis(row_statistics(self.logits), -1, 0), strict=True)
        )

    @cached_property
    def _relative(self) -> Floats:
        """Logits less the largest of their row."""
        return np.asarray(self.logits - self.logits.max(axis=1, keepdims=True))

    @cached_property
    def weights(self) -> Floats:
        """A, shape (n, T)."""
        unnormalised = np.exp(self._relative)
        return np.asarray(unnormalised / unnormalised.sum(axis=1, keepdims=True))

    @property
    def log_z(self) -> Floats:
        """Log Z, shape (n,)."""
        return self._statistics["log_partition"]

    @property
    def entropy(self) -> Floats:
        """H = -sum_j A_j log A_j, relatively accurate, shape (n,)."""
        return self._statistics["entropy"]

    @property
    def participation(self) -> Floats:
        """Y_2, shape (n,)."""
        return self._statistics["participation"]

    def y(self, q: float) -> Floats:
        """Return Y_q = sum_j A_j^q, shape (n,)."""
        return np.asarray(np.sum(self.weights**q, axis=1))

    @cached_property
    def _mean_below_top(self) -> Floats:
        return np.asarray(np.einsum("ij,ij->i", self.weights, self._relative))

    @property
    def weighted_mean(self) -> Floats:
        """<l> = sum_j A_j l_j, shape (n,)."""
        return np.asarray(self._mean_below_top + self.logits.max(axis=1))

    @property
    def weighted_variance(self) -> Floats:
        """Var_A(l) = <l^2> - <l>^2, shape (n,)."""
        centred = self._relative - self._mean_below_top[:, None]
        return np.asarray(np.einsum("ij,ij->i", self.weights, centred * centred))

    @property
    def weighted_covariance(self) -> Floats:
        """Cov_A(A, l) = <A l> - <A><l>, shape (n,)."""
        centred = self._relative - self._mean_below_top[:, None]
        return np.asarray(np.einsum("ij,ij->i", self.weights * self.weights, centred))
