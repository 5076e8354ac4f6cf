"""The clipped-linear softmax of Bao, Hataya and Karakida (2024): clip((1 + q_j) / T, 0, 1)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qktheory.attention.normalizer import NORMALIZERS, FloatArray, Normalizer
from qktheory.kernels import (
    CLIPPED_STATISTICS,
    DriftedBridges,
    LogitRows,
    clipped_linear_rows,
    clipped_linear_statistics,
    clipped_segments,
)
from qktheory.numerics.scaled_stack import shifted
from qktheory.numerics.softmax_stack import ScoreStack, WeightStack

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

    def split(self, scores: ScoreStack) -> WeightStack:
        """Return exact linear deviations where nothing is clipped; see `Normalizer.split`."""
        if scores.bias is not None:
            return super().split(scores)
        T = scores.u.shape[-1]
        u = scores.u - scores.u.mean(axis=-1, keepdims=True)
        E = scores.E - scores.E.mean(axis=-1, keepdims=True)
        logits = u[:, :, None, :] + shifted(E, scores.exponent)
        linear = ((logits >= -1.0) & (logits <= T - 1.0)).all(axis=(1, 2, 3))
        if not linear.any():
            return super().split(scores)
        plain = None if linear.all() else super().split(scores)
        q, Z, unit = (1.0 + u) / T, E / T, scores.exponent
        if plain is None:
            return WeightStack(q, Z, unit)
        assert plain.excess is not None
        return WeightStack(
            np.where(linear[:, None, None], q, plain.q),
            np.where(linear[:, None, None, None], Z, plain.Z),
            np.where(linear, unit, plain.unit),
            np.where(linear[:, None, None], 0.0, plain.excess),
        )

    def segment_weights(self, logits: FloatArray, ends: Sequence[int]) -> FloatArray:
        """Return the sums of clip(1 + q_j, 0, T) over the stretches."""
        return clipped_segments(logits, ends)

    def unformed_segment_weights(self, rows: LogitRows, ends: Sequence[int]) -> FloatArray:
        """Return `segment_weights`, of drifted bridges without forming the rows."""
        if isinstance(rows, DriftedBridges):
            return rows.clipped_segments(ends)
        return super().unformed_segment_weights(rows, ends)

    def statistics(self, logits: FloatArray) -> dict[str, FloatArray]:
        """Return the columns of the fused statistic, by name."""
        table = clipped_linear_statistics(logits)
        return {name: table[:, column] for column, name in enumerate(CLIPPED_STATISTICS)}


NORMALIZERS.add("clipped_linear", ClippedLinear())
