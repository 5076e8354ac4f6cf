"""Attention rows that random features estimate, beside the exact ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qktheory.attention.normalizer import Normalizer
from qktheory.base.cached import cached_property
from qktheory.kernels import softmax_rows
from qktheory.observables.draws import Rows

__all__ = ["FeatureRows"]

FloatArray = NDArray[np.float64]


class FeatureRows(Rows):
    """Rows whose logits are logarithms of estimated kernels.

    Parameters
    ----------
    logs : ndarray of shape (n, T)
        Logarithms of the moduli of the estimated kernels.
    signs : ndarray of shape (n, T)
        Their signs.
    exact : ndarray of shape (n, T)
        The logits that they estimate.
    query : ndarray of int, shape (n,)
        Index, from 0, of the query among the keys of each row.
    normalizer : Normalizer
        Softmax of the logarithms.
    """

    def __init__(
        self,
        logs: FloatArray,
        signs: FloatArray,
        exact: FloatArray,
        query: NDArray[np.intp],
        normalizer: Normalizer,
    ) -> None:
        super().__init__(logs, query, normalizer)
        self.signs = signs
        self.exact = exact

    @cached_property
    def weights(self) -> FloatArray:
        """Estimated weights, shape (n, T), which sum to one; of either sign where kernels are."""
        moduli = np.exp(self.logits - self.logits.max(axis=1, keepdims=True))
        weights = self.signs * moduli
        return np.asarray(weights / weights.sum(axis=1, keepdims=True))

    @cached_property
    def squared_error(self) -> FloatArray:
        """Squared distance of the estimated row to softmax, shape (n,)."""
        return np.asarray(np.sum((self.weights - softmax_rows(self.exact)) ** 2, axis=1))

    @cached_property
    def _relative(self) -> tuple[FloatArray, FloatArray]:
        """Relative errors of the kernels of all other keys, and their logits, (n, T - 1) each."""
        n, T = self.logits.shape
        others = np.ones((n, T), dtype=bool)
        others[np.arange(n), self.query] = False
        exact = self.exact[others].reshape(n, T - 1)
        logs, signs = (a[others].reshape(n, T - 1) for a in (self.logits, self.signs))
        with np.errstate(over="ignore"):
            return signs * np.exp(logs - exact) - 1.0, exact

    @cached_property
    def kernel_error(self) -> FloatArray:
        """Mean squared error of the kernels of all other keys, shape (n,)."""
        relative, exact = self._relative
        with np.errstate(over="ignore"):
            return np.asarray(np.mean((relative * np.exp(exact)) ** 2, axis=1))

    @cached_property
    def kernel_relative_error(self) -> FloatArray:
        """Mean squared relative error of the kernels of all other keys, shape (n,)."""
        return np.asarray(np.mean(self._relative[0] ** 2, axis=1))
