"""Sums over the keys of the weights of many queries, of scores that never leave the cache.

A matrix product writes T^2 scores to memory for the sums of their exponentials to read them again.
Here a panel of 32 queries, one in each lane of four registers, meets four keys at a time, which
makes 128 scores in registers; once a panel has met all keys its scores are summed and forgotten.
The operations of a lane do not depend on the other lanes, so a row has the same bits whichever rows
are beside it. For CPUs with 512-bit registers.
"""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qktheory.kernels.policy import elementary, wide_vectors
from qktheory.kernels.vectors import (
    LANES,
    below,
    broadcast,
    fused,
    gather,
    load,
    maximum,
    splat,
    store,
)
from qktheory.kernels.weights import LOWEST_TERM, eight_terms

__all__ = ["PANEL", "panel_sums"]

Float = NDArray[np.float64]
Counts = NDArray[np.int64]

PANEL = 32
"""Queries that are treated together."""
_KEYS = 4
# The scores of a panel with so many keys stay in the first-level cache.
_CHUNK = 64
_SUMS_OF_WEIGHTS = 5
# The top of no keys: finite, because sums that are 0 stay 0 when they are lowered by it.
_BELOW_ALL = -sys.float_info.max


@elementary
def _pack(queries: Float, start: int, rows: int, width: int, panel: Float) -> None:
    """Write component k of all queries beside each other, 0 for queries that are not there."""
    wide_vectors()
    for query in range(0, PANEL, LANES):
        begin = (start + query) * width
        if query + LANES <= rows:
            for k in range(width):
                store(panel, PANEL * k + query, gather(queries, begin + k, width))
            continue
        for i in range(LANES):
            for k in range(width):
                q = queries[begin + i * width + k] if query + i < rows else 0.0
                panel[PANEL * k + query + i] = q


@elementary
def _products(q: Any, x: Any, s: Any) -> Any:
    """Add the products of one component of eight queries and of four keys to their scores."""
    return fused(q, x[0], s[0]), fused(q, x[1], s[1]), fused(q, x[2], s[2]), fused(q, x[3], s[3])


@elementary
def _score(panel: Float, keys: Float, width: int, first: int, last: int) -> Any:
    """Return the scores of a panel with four keys; `last` stands for the keys beyond it."""
    k0 = first * width
    k1 = min(first + 1, last) * width
    k2 = min(first + 2, last) * width
    k3 = min(first + 3, last) * width
    zero = splat(0.0)
    s0 = (zero, zero, zero, zero)
    s1, s2, s3 = s0, s0, s0
    for k in range(width):
        x = (
            broadcast(keys, k0 + k),
            broadcast(keys, k1 + k),
            broadcast(keys, k2 + k),
            broadcast(keys, k3 + k),
        )
        s0 = _products(load(panel, PANEL * k), x, s0)
        s1 = _products(load(panel, PANEL * k + LANES), x, s1)
        s2 = _products(load(panel, PANEL * k + 2 * LANES), x, s2)
        s3 = _products(load(panel, PANEL * k + 3 * LANES), x, s3)
    return s0, s1, s2, s3


@elementary
def _write_scores(
    s: Any, first: int, query: int, masked: bool, visible: Float, tops: Float, out: Float
) -> None:
    """Write the scores of eight queries with four keys, -inf where masked, and raise their tops."""
    seen, hidden, top = load(visible, query), splat(-math.inf), load(tops, query)
    for i in range(_KEYS):
        w = s[i]
        if masked:
            w = below(splat(float(first + i)), seen, w, hidden)
        # In this order NaN is no top.
        top = maximum(w, top)
        store(out, PANEL * i + query, w)
    store(tops, query, top)


@elementary
def _sum(scores: Float, query: int, count: int, top: Any) -> Any:
    """Return, for z = w - top and e = e^z, the sums of e below the top, of ties, e^2, ez and ez^2.

    Of eight queries, over the keys of a chunk. A masked key adds nothing. Keeping the ties with the
    top apart lets the entropy of a row with one dominant key keep its relative accuracy.
    """
    lowest, zero, one = splat(LOWEST_TERM), splat(0.0), splat(1.0)
    total, ties, squares, first, second = zero, zero, zero, zero, zero
    for j in range(count):
        z = load(scores, PANEL * j + query) - top
        # In this order NaN stays, and makes the sums NaN.
        y = maximum(lowest, z)
        e = below(z, lowest, zero, eight_terms(y))
        ey = e * y
        total = below(z, zero, total + e, total)
        ties = below(z, zero, ties, ties + one)
        squares = fused(e, e, squares)
        first = first + ey
        second = fused(ey, y, second)
    return total, ties, squares, first, second


@elementary
def _lower(sums: Any, rise: Any) -> Any:
    """Return sums relative to a top that is higher by `rise`; without rise, the same bits.

    All terms of a sum have the same sign: nothing cancels.
    """
    total, ties, squares, first, second = sums
    zero, lowest = splat(0.0), splat(LOWEST_TERM)
    factor = below(-rise, lowest, zero, eight_terms(maximum(lowest, -rise)))
    whole = below(zero, rise, total + ties, total)
    shifted = fused(-rise, total + ties, first)
    return (
        factor * whole,
        below(zero, rise, zero, ties),
        factor * factor * squares,
        factor * shifted,
        factor * fused(-rise, first + shifted, second),
    )


@elementary
def _add_chunk(scores: Float, query: int, count: int, old: Float, tops: Float, sums: Float) -> None:
    """Add the weights of a chunk of keys to the sums of eight queries."""
    top = load(tops, query)
    t0, n0, q0, f0, s0 = _lower(_read_sums(sums, query), top - load(old, query))
    t1, n1, q1, f1, s1 = _sum(scores, query, count, top)
    _write_sums(sums, query, (t0 + t1, n0 + n1, q0 + q1, f0 + f1, s0 + s1))


@elementary
def _read_sums(sums: Float, query: int) -> Any:
    return (
        load(sums, query),
        load(sums, PANEL + query),
        load(sums, 2 * PANEL + query),
        load(sums, 3 * PANEL + query),
        load(sums, 4 * PANEL + query),
    )


@elementary
def _write_sums(sums: Float, query: int, values: Any) -> None:
    for k in range(_SUMS_OF_WEIGHTS):
        store(sums, PANEL * k + query, values[k])


@elementary
def _sum_panel(
    panel: Float,
    keys: Float,
    width: int,
    fewest: int,
    most: int,
    visible: Float,
    scores: Float,
    old: Float,
    tops: Float,
    sums: Float,
) -> None:
    """Fill tops and sums of a panel whose queries see between `fewest` and `most` keys."""
    wide_vectors()
    for query in range(0, PANEL, LANES):
        store(tops, query, splat(_BELOW_ALL))
    for at in range(0, _SUMS_OF_WEIGHTS * PANEL, LANES):
        store(sums, at, splat(0.0))
    for start in range(0, most, _CHUNK):
        end = min(start + _CHUNK, most)
        for query in range(0, PANEL, LANES):
            store(old, query, load(tops, query))
        for first in range(start, end, _KEYS):
            s0, s1, s2, s3 = _score(panel, keys, width, first, most - 1)
            masked = first + _KEYS > fewest
            part = scores[PANEL * (first - start) :]
            _write_scores(s0, first, 0, masked, visible, tops, part)
            _write_scores(s1, first, LANES, masked, visible, tops, part)
            _write_scores(s2, first, 2 * LANES, masked, visible, tops, part)
            _write_scores(s3, first, 3 * LANES, masked, visible, tops, part)
        for query in range(0, PANEL, LANES):
            _add_chunk(scores, query, end - start, old, tops, sums)


@elementary
def panel_sums(queries: Float, keys: Float, width: int, visible: Counts, sums: Float) -> int:
    """Fill the sums that `qktheory.kernels.rows.finish_statistics` takes of all rows.

    In compiled code. Queries and keys are rows of `width` numbers, given flat; query i sees the
    first ``visible[i]`` keys, at least one. Returns the first row whose sums are no numbers, or -1.
    """
    n = visible.size
    panel = np.empty(PANEL * width)
    scores = np.empty(PANEL * _CHUNK)
    seen, old, tops = np.empty(PANEL), np.empty(PANEL), np.empty(PANEL)
    found = np.empty(_SUMS_OF_WEIGHTS * PANEL)
    for start in range(0, n, PANEL):
        rows = min(PANEL, n - start)
        fewest, most = visible[start], visible[start]
        for i in range(PANEL):
            count = visible[start + min(i, rows - 1)]
            fewest, most = min(fewest, count), max(most, count)
            seen[i] = count
        _pack(queries, start, rows, width, panel)
        _sum_panel(panel, keys, width, fewest, most, seen, scores, old, tops, found)
        for i in range(rows):
            row = sums[start + i]
            row[0] = tops[i]
            row[1] = 1.0
            for k in range(_SUMS_OF_WEIGHTS):
                row[2 + k] = found[PANEL * k + i]
            # False also for NaN. A row whose scores are all -inf has no top.
            if not (row[5] > -math.inf and row[0] < math.inf and row[3] > 0.0):
                return start + i
    return -1
