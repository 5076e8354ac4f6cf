"""The clipped-linear softmax of Bao, Hataya and Karakida (2024): clip((1 + q_j) / T, 0, 1)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from qktheory.attention.normalizer import NORMALIZERS, FloatArray, Normalizer
from qktheory.kernels import CLIPPED_STATISTICS, clipped_linear_rows, clipped_linear_statistics

__all__ = ["ClippedLinear"]


class ClippedLinear(Normalizer):
    """First-order softmax around the uniform row, clipped to [0, 1] (LOC-0).

    With q the logits minus their mean over the T visible keys, the weight of a key is
    clip((1 + q) / T, 0, 1). Rows do not sum to one.

    Examples
    --------
    >>> import numpy as np
    >>> ClippedLinear().weights(np.array([[0.0, 0.0, 3.0]]))
    array([[0., 0., 1.]])
    """

    name = "clipped_linear"

    def weights(self, logits: FloatArray) -> FloatArray:
        """Return the clipped-linear weights of each row."""
        return clipped_linear_rows(logits)

    def segment_weights(self, logits: FloatArray, ends: Sequence[int]) -> FloatArray:
        """Return the sums of clip(1 + q_j, 0, T) over the stretches."""
        n, T = logits.shape
        if len(set(ends)) < len(ends) or not np.isfinite(logits.sum()):
            return super().segment_weights(logits, ends)
        sums = np.empty((n, len(ends) - 1))
        # Rows that stay in the cache.
        size = max(1, (1 << 15) // T)
        buffer = np.empty((size, T))
        for start in range(0, n, size):
            rows = logits[start : start + size]
            part = buffer[: len(rows)]
            np.subtract(rows, rows.mean(axis=1, keepdims=True) - 1.0, out=part)
            np.maximum(part, 0.0, out=part)
            np.minimum(part, T, out=part)
            for k, (a, b) in enumerate(pairwise(ends)):
                part[:, a:b].sum(axis=1, out=sums[start : start + size, k])
        return sums

    def statistics(self, logits: FloatArray) -> dict[str, FloatArray]:
        """Return the columns of the fused statistic, by name."""
        table = clipped_linear_statistics(logits)
        return {name: table[:, column] for column, name in enumerate(CLIPPED_STATISTICS)}


NORMALIZERS.add("clipped_linear", ClippedLinear())
