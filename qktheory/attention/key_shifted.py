"""Normalisers of whole score matrices: a softmax of rows after a shift of the keys (RANK-10)."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace

import numpy as np

from qktheory.attention.normalizer import FloatArray, Normalizer
from qktheory.base.errors import bad_value
from qktheory.kernels import softmax_rows
from qktheory.numerics.softmax_stack import ScoreStack, WeightStack, softmax_stack

__all__ = ["KeyShifted", "MatrixNormalizer"]


class KeyShifted(Normalizer):
    """Softmax of logits plus one number a key.

    Parameters
    ----------
    shift : ndarray of shape (T,)
        Added to the logits of every row.

    Examples
    --------
    >>> KeyShifted(np.log([1.0, 3.0])).weights(np.zeros((1, 2)))
    array([[0.25, 0.75]])
    """

    name = "key_shifted"
    stochastic = True

    def __init__(self, shift: FloatArray) -> None:
        self.shift = shift

    def weights(self, logits: FloatArray) -> FloatArray:
        """Return softmax(logits + shift) of each row."""
        return softmax_rows(np.ascontiguousarray(logits + self.shift))


class MatrixNormalizer(Normalizer):
    """A map of whole score matrices to weights diag e^S diag, rows summing to one."""

    stochastic = True
    rowwise = False

    @abstractmethod
    def potentials(self, scores: FloatArray) -> FloatArray:
        """Return what is added to the scores of the keys of a (T, T) matrix, shape (T,)."""

    def fitted(self, scores: FloatArray) -> Normalizer:
        """Return the map of the rows of one score matrix; see `Normalizer.fitted`."""
        return KeyShifted(self.potentials(scores))

    @abstractmethod
    def common_shift(self, scores: ScoreStack) -> FloatArray:
        """Return the potentials of many matrices with parts of the key left out, (n, H, T)."""

    def split(self, scores: ScoreStack) -> WeightStack:
        """Return weights with the relative accuracy of deviations; see `Normalizer.split`.

        Parts of the key alone cancel; an error of the potentials shifts all rows alike.
        """
        if scores.bias is not None and not np.isfinite(scores.bias).all():
            return super().split(scores)
        return softmax_stack(replace(scores, u=self.common_shift(scores)))

    def weights(self, logits: FloatArray) -> FloatArray:
        """Return the weights of one whole score matrix, shape (T, T).

        Raises
        ------
        ValueError
            If `logits` is not square: rows alone do not determine their weights.
        """
        if logits.shape[0] != logits.shape[1]:
            raise bad_value(
                "logits",
                f"array of shape {logits.shape}",
                f"a square score matrix: {self.name!r} is no map of single rows",
            )
        return self.fitted(logits).weights(logits)
