"""One attention layer: scores of all queries, a block of rows at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from qktheory.attention.attention import Attention
from qktheory.kernels import ScoreRows

__all__ = ["block_bytes", "score_blocks", "score_buffer"]

FloatArray = NDArray[np.float64]

#: Bytes of a block of scores: where it is formed, it stays in the second-level cache until it has
#: been looked at. Smaller blocks cost more in the products, which pack the keys anew for each.
_BLOCK_BYTES = 1 << 20
#: Fewer rows cost more than what leaves the cache, with the keys of long sequences packed for each.
_FEWEST_ROWS = 32


class _Map(Protocol):
    def queries(self, x: FloatArray) -> FloatArray: ...

    def keys(self, y: FloatArray) -> FloatArray: ...


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
    return min(T, max(_FEWEST_ROWS, _BLOCK_BYTES // (8 * T))), T


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
) -> Iterator[ScoreRows]:
    """Yield the masked scores S = X W X^T / temperature in blocks of rows.

    Parameters
    ----------
    X : ndarray of shape (T, d)
        Tokens as rows.
    matrix : QKMatrix
        The QK map, as `QKMatrix.queries` and `QKMatrix.keys` of tokens.
    temperature : float
        Divisor of the scores.
    attention : Attention
        Supplies the mask.
    buffer : ndarray of shape (rows, T), optional
        From `score_buffer`. A caller with many samples passes the same one each time: the page
        faults of fresh memory cost a tenth of a layer.
    queries : range, optional
        Consecutive rows of S to look at, all by default: the share of a thread, or the last one.

    Yields
    ------
    ScoreRows
        The next rows. If they are formed, it is in the buffer: the next block overwrites them.

    Examples
    --------
    >>> from qktheory.spectra.qk_matrix import QKMatrix
    >>> X = np.array([[1.0, 0.0], [1.0, 2.0]])
    >>> for rows in score_blocks(X, QKMatrix.of(np.eye(2)), 2.0, Attention(mask="causal")):
    ...     print(rows.own_key, rows.logits().tolist())
    [0 1] [[0.5, -inf], [0.5, 2.5]]
    """
    T = X.shape[0]
    if queries is None:
        queries = range(T)
    rows = matrix.queries(X[queries.start : queries.stop])
    if temperature != 1.0:
        rows = rows / temperature
    keys = matrix.keys(X)
    if buffer is None:
        buffer = score_buffer(T)
    causal = attention.mask == "causal"
    for first in range(0, len(queries), len(buffer)):
        block = rows[first : first + len(buffer)]
        yield ScoreRows(block, keys, queries.start + first, causal=causal, out=buffer[: len(block)])
