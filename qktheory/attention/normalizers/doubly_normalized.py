"""Doubly normalised attention (Ding et al. 2020): columns of e^S first, then rows (RANK-10a)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.special import logsumexp

from qktheory.attention.key_shifted import MatrixNormalizer
from qktheory.attention.normalizer import NORMALIZERS, FloatArray
from qktheory.numerics.softmax_stack import ScoreStack

__all__ = ["DoublyNormalized"]


class DoublyNormalized(MatrixNormalizer):
    """Columns of e^S divided by their sums, then rows: no key has a total weight below 1/T.

    Examples
    --------
    >>> scores = np.array([[10.0, 20.0], [20.0, 40.0]])
    >>> DoublyNormalized().weights(scores).sum(axis=0).round(6)
    array([1.499943, 0.500057])
    """

    name = "doubly_normalized"

    def potentials(self, scores: FloatArray) -> FloatArray:
        """Return minus log of the column sums of e^S."""
        top = scores.max(axis=0)
        top = np.where(np.isneginf(top), 0.0, top)  # a key that nobody sees
        sums = np.exp(scores - top).sum(axis=0)
        return np.asarray(-(top + np.log(np.where(sums == 0.0, 1.0, sums))))

    def common_shift(self, scores: ScoreStack) -> FloatArray:
        """Return minus log sum_i p_i e^E_ij, p the softmax of the parts of the query."""
        E = replace(scores, u=np.zeros_like(scores.u)).total()
        log_p = scores.v - scores.v.max(axis=-1, keepdims=True)
        log_p = log_p - np.log(np.exp(log_p).sum(axis=-1, keepdims=True))
        return np.asarray(-logsumexp(E + log_p[..., None], axis=2))


NORMALIZERS.add("doubly_normalized", DoublyNormalized())
