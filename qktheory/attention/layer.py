"""One attention layer: scores of all queries, a cache-sized block of rows at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from qktheory.attention.attention import Attention

__all__ = ["block_bytes", "score_blocks", "score_buffer"]

FloatArray = NDArray[np.float64]

#: Bytes of a block of scores: it stays in the second-level cache until its statistics are taken.
#: Smaller blocks cost more in the products, which pack the keys anew for each block.
_BLOCK_BYTES = 1 << 20


class _Map(Protocol):
    def apply(self, x: FloatArray) -> FloatArray: ...


def score_buffer(T: int) -> FloatArray:
    """Return working memory of `score_blocks` for sequences of T tokens.

    Parameters
    ----------
    T : int
        Number of tokens, >= 1.

    Returns
    -------
    ndarray of shape (rows, T)
        Uninitialised; `rows` is the number of queries of a block.

    Examples
    --------
    >>> score_buffer(512).shape, score_buffer(8).shape
    ((256, 512), (8, 8))
    """
    return np.empty(_block_shape(T))


def _block_shape(T: int) -> tuple[int, int]:
    return max(1, min(T, _BLOCK_BYTES // (8 * T))), T


def block_bytes(T: int) -> int:
    """Return the size of `score_buffer`, without allocating it.

    Examples
    --------
    >>> block_bytes(512)
    1048576
    """
    return 8 * math.prod(_block_shape(T))


def score_blocks(
    X: FloatArray,
    matrix: _Map,
    temperature: float,
    attention: Attention,
    buffer: FloatArray | None = None,
    queries: range | None = None,
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
    buffer : ndarray of shape (rows, T), optional
        From `score_buffer`. A caller with many samples passes the same one each time: the page
        faults of fresh memory cost a tenth of a layer.
    queries : range, optional
        Consecutive rows of S to form, all by default: the share of a thread, or the last one.

    Yields
    ------
    first_row : int
        Index of the query of the first row of the block.
    scores : ndarray of shape (rows, T)
        The buffer, or its first rows; the next block overwrites it.

    Examples
    --------
    >>> from qktheory.spectra.qk_matrix import QKMatrix
    >>> X = np.array([[1.0, 0.0], [1.0, 2.0]])
    >>> for first, block in score_blocks(X, QKMatrix.of(np.eye(2)), 2.0, Attention(mask="causal")):
    ...     print(first, block.tolist())
    0 [[0.5, -inf], [0.5, 2.5]]
    """
    T = X.shape[0]
    if queries is None:
        queries = range(T)
    directions = matrix.apply(X[queries.start : queries.stop])
    if temperature != 1.0:
        directions = directions / temperature
    if buffer is None:
        buffer = score_buffer(T)
    rows = len(buffer)
    keys = np.arange(T)
    for first in range(queries.start, queries.stop, rows):
        block = buffer[: min(rows, queries.stop - first)]
        offset = first - queries.start
        np.matmul(directions[offset : offset + rows], X.T, out=block)
        if attention.mask == "causal":
            block[keys[None, :] > np.arange(first, first + len(block))[:, None]] = -np.inf
        yield first, block
