"""One attention layer: scores of all queries, a cache-sized block of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from qktheory.attention.attention import Attention

__all__ = ["score_blocks"]

FloatArray = NDArray[np.float64]

#: Bytes of a block of scores: half of a typical second-level cache, so that the statistics of a
#: block find it there.
_BLOCK_BYTES = 1 << 19


class _Map(Protocol):
    def apply(self, x: FloatArray) -> FloatArray: ...


def score_blocks(
    X: FloatArray, matrix: _Map, temperature: float, attention: Attention
) -> Iterator[tuple[int, FloatArray]]:
    """Yield the masked scores S = X W X^T / temperature in blocks of rows.

    Parameters
    ----------
    X : ndarray of shape (T, d)
        Tokens as rows.
    matrix : QKMatrix
        The QK map; ``matrix.apply(X)`` is X W.
    temperature : float
        Divisor of the scores.
    attention : Attention
        Supplies the mask.

    Yields
    ------
    first_row : int
        Index of the query of the first row of the block.
    scores : ndarray of shape (rows, T)
        A buffer that the next block overwrites.
    """
    T = X.shape[0]
    queries = matrix.apply(X) / temperature
    rows = max(1, min(T, _BLOCK_BYTES // (8 * T)))
    buffer = np.empty((rows, T))
    keys = np.arange(T)
    for first in range(0, T, rows):
        block = buffer[: min(rows, T - first)]
        np.matmul(queries[first : first + rows], X.T, out=block)
        if attention.mask == "causal":
            block[keys[None, :] > np.arange(first, first + len(block))[:, None]] = -np.inf
        yield first, block
