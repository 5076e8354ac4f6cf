"""Softmax: A_j = exp(w_j) / sum_k exp(w_k)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qktheory.attention.normalizer import NORMALIZERS, FloatArray, Normalizer
from qktheory.kernels import (
    ROW_STATISTICS,
    LogitRows,
    row_statistics,
    softmax_rows,
    softmax_segments,
)
from qktheory.numerics.softmax_stack import ScoreStack, WeightStack, softmax_stack

__all__ = ["Softmax"]


class Softmax(Normalizer):
    """Softmax over the keys; rows sum to one.

    Examples
    --------
    >>> import numpy as np
    >>> Softmax().weights(np.array([[0.0, 0.0, -np.inf]]))
    array([[0.5, 0.5, 0. ]])
    """

    name = "softmax"
    stochastic = True

    def weights(self, logits: FloatArray) -> FloatArray:
        """Return the softmax of each row."""
        return softmax_rows(logits)

    def split(self, scores: ScoreStack) -> WeightStack:
        """Return weights with the relative accuracy of deviations; see `Normalizer.split`."""
        if scores.bias is not None and not np.isfinite(scores.bias).all():
            return super().split(scores)
        return softmax_stack(scores)

    def statistics(self, logits: FloatArray) -> dict[str, FloatArray]:
        """Return the columns of the fused row statistic, by name, without the variance."""
        return _named(row_statistics(logits, variance=False))

    def segment_weights(self, logits: FloatArray, ends: Sequence[int]) -> FloatArray:
        """Return the sums of exp(w_j - max w) over the stretches."""
        return softmax_segments(logits, ends)

    def unformed_statistics(self, rows: LogitRows) -> dict[str, FloatArray]:
        """Return `statistics`, as far as possible without forming the rows."""
        return _named(rows.softmax_statistics(variance=False))

    def unformed_segment_weights(self, rows: LogitRows, ends: Sequence[int]) -> FloatArray:
        """Return `segment_weights`, as far as possible without forming the rows."""
        return rows.softmax_segments(ends)

    def unformed_logit_variance(self, rows: LogitRows) -> FloatArray:
        """Return `logit_variance`, as far as possible without forming the rows."""
        return rows.softmax_statistics()[:, -1]

    def logit_variance(self, logits: FloatArray) -> FloatArray:
        """Return the last column of the fused row statistic."""
        return row_statistics(logits)[:, -1]


def _named(table: FloatArray) -> dict[str, FloatArray]:
    names = ROW_STATISTICS[: table.shape[1]]
    return {name: table[:, column] for column, name in enumerate(names)}


NORMALIZERS.add("softmax", Softmax())
