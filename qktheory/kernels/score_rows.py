"""Rows of scores of queries with keys, looked at without being written to memory."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qktheory.base.cached import cached_property
from qktheory.base.errors import bad_value
from qktheory.kernels.layout import destination, real_rows
from qktheory.kernels.logit_rows import LogitRows
from qktheory.kernels.panels import panel_sums
from qktheory.kernels.policy import jit_enabled, wide_registers
from qktheory.kernels.rows import SUMS, finish_statistics, statistic_columns

__all__ = ["ScoreRows"]

Float = NDArray[np.float64]

# Fewer queries leave much of a panel empty, and wider ones leave the first-level cache: products
# that form the rows are then as fast or faster.
_FEWEST_QUERIES = 16
_WIDEST = 256


class ScoreRows(LogitRows):
    """Rows of scores S_ij = q_i . k_j, formed when asked for.

    Parameters
    ----------
    queries : array_like of shape (n, m)
        m >= 1 numbers of each query.
    keys : array_like of shape (T, m)
        T >= 1.
    first : int
        Number, from 0, of the first query among the keys: query i is that of token first + i.
    causal : bool
        Whether query i sees only the keys up to its own, first + i.
    out : ndarray of shape (n, T), optional
        Where rows are formed if they are asked for.

    Raises
    ------
    ValueError
        For arrays of the wrong kind, or more queries than keys from the first query on.

    Examples
    --------
    >>> x = np.array([[1.0], [2.0], [3.0]])
    >>> rows = ScoreRows(x[1:], x, 1, causal=True)
    >>> rows.logits()
    array([[ 2.,  4., -inf],
           [ 3.,  6.,  9.]])
    >>> rows.own_key, rows.softmax_statistics()[:, 1].round(6)
    (array([1, 2]), array([0.365334, 0.207022]))
    """

    def __init__(
        self,
        queries: ArrayLike,
        keys: ArrayLike,
        first: int = 0,
        *,
        causal: bool = False,
        out: Float | None = None,
    ) -> None:
        self._queries = np.ascontiguousarray(real_rows("queries", queries, "m"))
        self._keys = np.ascontiguousarray(real_rows("keys", keys, "m"))
        n, width = self._queries.shape
        T = len(self._keys)
        if T < 1 or self._keys.shape[1] != width:
            shapes = f"arrays of shapes {self._queries.shape} and {self._keys.shape}"
            raise bad_value("queries and keys", shapes, "shapes (n, m) and (T, m), T >= 1")
        if not 0 <= first <= T - n:
            raise bad_value("first", first, f"an integer from 0 to T - n = {T - n}")
        self._first = first
        self._causal = causal
        self._out = out if out is None else destination("out", out, (n, T))
        self._formed: Float | None = None

    def __len__(self) -> int:
        """Return the number of queries."""
        return len(self._queries)

    @property
    def T(self) -> int:
        """Number of keys, masked ones included."""
        return len(self._keys)

    @property
    def own_key(self) -> NDArray[np.intp]:
        """Number, from 0, of each query among the keys."""
        return np.arange(self._first, self._first + len(self))

    def logits(self) -> Float:
        """Return the rows, shape (n, T), -inf for masked keys: always the same array."""
        if self._formed is None:
            self._formed = np.matmul(self._queries, self._keys.T, out=self._out)
            if self._causal:
                self._formed[np.arange(self.T)[None, :] > self.own_key[:, None]] = -np.inf
        return self._formed

    def own_logit(self) -> Float:
        """Return the score of each query with its own key, shape (n,)."""
        own = self._keys[self._first : self._first + len(self)]
        return np.asarray(np.einsum("ij,ij->i", self._queries, own))

    def softmax_statistics(self, *, variance: bool = True) -> Float:
        """Return `qktheory.kernels.row_statistics` of the rows, within rounding of the scores.

        Many queries are treated without forming their rows, even if these have been formed: the
        bits of a statistic do not depend on what else has been asked for.
        """
        sums = self._sums
        if sums is None:
            return super().softmax_statistics(variance=variance)
        out = np.empty((len(self), statistic_columns(variance)))
        finish_statistics(sums, out)
        return out

    @cached_property
    def _sums(self) -> Float | None:
        """Sums of the weights; None where rows are to be formed.

        So they are where a row has no sums: what is wrong with it is worded by those who form it.
        """
        n, width = self._queries.shape
        pays = n >= _FEWEST_QUERIES and width <= _WIDEST
        if not (jit_enabled and wide_registers and pays):
            return None
        visible = self.own_key + 1 if self._causal else np.full(n, self.T)
        sums = np.empty((n, SUMS))
        flat = self._queries.reshape(-1), self._keys.reshape(-1)
        return None if panel_sums(*flat, width, visible, sums) >= 0 else sums
