"""Sinkhorn attention: the doubly stochastic diag e^S diag (RANK-10)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from qktheory.attention.key_shifted import MatrixNormalizer
from qktheory.attention.normalizer import NORMALIZERS, FloatArray
from qktheory.numerics.doubly_normalized import sinkhorn_potentials
from qktheory.numerics.softmax_stack import ScoreStack

__all__ = ["Sinkhorn"]


class Sinkhorn(MatrixNormalizer):
    """The doubly stochastic matrix diag e^S diag; needs finite scores, hence no mask.

    Examples
    --------
    >>> Sinkhorn().weights(np.array([[10.0, 20.0], [20.0, 40.0]])).sum(axis=0)
    array([1., 1.])
    """

    name = "sinkhorn"
    masks = False

    def potentials(self, scores: FloatArray) -> FloatArray:
        """Return the key potentials, of mean 0; an `ArithmeticError` if scaling does not settle."""
        return sinkhorn_potentials(scores)

    def common_shift(self, scores: ScoreStack) -> FloatArray:
        """Return the potentials of every matrix."""
        E = replace(scores, u=np.zeros_like(scores.u)).total()
        if not np.isfinite(E).all():
            raise OverflowError("scores are beyond double precision")
        flat = E.reshape(-1, *E.shape[-2:])
        return np.stack([sinkhorn_potentials(one) for one in flat]).reshape(scores.u.shape)


NORMALIZERS.add("sinkhorn", Sinkhorn())
