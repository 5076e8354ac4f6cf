"""What every normaliser offers: weights of a row and the statistics of a row."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from qktheory.base.registry import Registry
from qktheory.kernels import LogitRows
from qktheory.numerics.softmax_stack import ScoreStack, WeightStack

__all__ = ["NORMALIZERS", "Normalizer", "shares"]

FloatArray = NDArray[np.float64]


class Normalizer(ABC):
    """A map from logits to non-negative attention weights, row by row.

    Subclasses set `name` (as in ``attention.normalizer`` of a spec file), say in `stochastic`
    whether their rows sum to one, and implement `weights`. Rows need not sum to one
    (clipped-linear rows do not); `statistics` describes the row divided by its sum, so that entropy
    and participation keep their ranges. A map of whole score matrices says so in `rowwise` and
    gives the map of the rows of one matrix as `fitted`; `masks` says whether scores may be -inf,
    `of_tokens` whether weights are no function of the scores alone.
    """

    name: ClassVar[str]
    stochastic: ClassVar[bool] = False
    rowwise: ClassVar[bool] = True
    masks: ClassVar[bool] = True
    of_tokens: ClassVar[bool] = False

    def fitted(self, scores: FloatArray) -> Normalizer:
        """Return the map of the rows of one score matrix, shape (T, T): itself if `rowwise`."""
        return self

    @abstractmethod
    def weights(self, logits: FloatArray) -> FloatArray:
        """Return the weights, shape (n, T), of logits of shape (n, T); -inf is a masked key."""

    def split(self, scores: ScoreStack) -> WeightStack:
        """Return the weights of many heads as a common distribution and deviations.

        Parameters
        ----------
        scores : ScoreStack
            Of n networks of H heads.

        Returns
        -------
        WeightStack
            Here the mean row and what rows differ from it by; normalisers override this where
            deviations can be had without subtracting rows that are nearly equal.

        Raises
        ------
        OverflowError
            If scores are beyond double precision.
        """
        S = scores.total()
        if np.isnan(S).any() or np.isposinf(S).any() or (S.max(axis=-1) == -np.inf).any():
            raise OverflowError("scores are beyond double precision")
        n, H, T, _ = S.shape
        if self.rowwise:
            P = self.weights(S.reshape(n * H * T, T)).reshape(S.shape)
        else:
            S = S + scores.v[..., None]
            P = np.stack([self.weights(one) for one in S.reshape(n * H, T, T)]).reshape(S.shape)
        q = P.mean(axis=2)
        excess = None if self.stochastic else P.sum(axis=3) - 1.0
        return WeightStack(q, P - q[:, :, None, :], np.zeros(n, dtype=np.int64), excess)

    def statistics(self, logits: FloatArray) -> dict[str, FloatArray]:
        """Return entropy (nats), participation and max_weight of each row, shape (n,) each.

        Parameters
        ----------
        logits : ndarray of shape (n, T)
            Scores divided by the temperature; -inf is a masked key.

        Returns
        -------
        dict
            ``"entropy"``, ``"participation"`` (sum of squared weights), ``"max_weight"`` of the
            row divided by its sum.
        """
        share = shares(self.weights(logits))
        log_share = np.log(share, out=np.zeros_like(share), where=share > 0.0)
        return {
            "entropy": -(share * log_share).sum(axis=1),
            "participation": (share * share).sum(axis=1),
            "max_weight": share.max(axis=1),
        }

    def segment_weights(self, logits: FloatArray, ends: Sequence[int]) -> FloatArray:
        """Return the weights of stretches of the sequence, up to a factor of each row.

        Parameters
        ----------
        logits : ndarray of shape (n, T)
            Scores divided by the temperature; -inf is a masked key.
        ends : sequence of int
            0 = ends[0] <= ends[1] <= ... <= ends[k] = T.

        Returns
        -------
        ndarray of shape (n, k)
            Sums over the keys ends[i] to ends[i + 1] - 1, counted from 0.
        """
        weights = self.weights(logits)
        return np.stack([weights[:, a:b].sum(axis=1) for a, b in pairwise(ends)], axis=1)

    def unformed_statistics(self, rows: LogitRows) -> dict[str, FloatArray]:
        """Return `statistics` of rows that have not been formed.

        Parameters
        ----------
        rows : LogitRows
            n rows of T logits.

        Returns
        -------
        dict
        """
        return self.statistics(rows.logits())

    def unformed_segment_weights(self, rows: LogitRows, ends: Sequence[int]) -> FloatArray:
        """Return `segment_weights` of rows that have not been formed.

        Parameters
        ----------
        rows : LogitRows
            n rows of T logits.
        ends : sequence of int
            See `segment_weights`.

        Returns
        -------
        ndarray of shape (n, k)
        """
        return self.segment_weights(rows.logits(), ends)

    def unformed_logit_variance(self, rows: LogitRows) -> FloatArray:
        """Return `logit_variance` of rows that have not been formed."""
        return self.logit_variance(rows.logits())

    def logit_variance(self, logits: FloatArray) -> FloatArray:
        """Return the variance of the logits under each row divided by its sum, shape (n,).

        Parameters
        ----------
        logits : ndarray of shape (n, T)
            Scores divided by the temperature; -inf is a masked key.
        """
        share = shares(self.weights(logits))
        visible = np.where(share > 0.0, logits, 0.0)
        mean = (share * visible).sum(axis=1, keepdims=True)
        return np.asarray((share * (visible - mean) ** 2).sum(axis=1))


def shares(weights: FloatArray) -> FloatArray:
    """Return weights divided by the sum of their row.

    Parameters
    ----------
    weights : ndarray of shape (n, T)
        Non-negative, at least one positive in each row.

    Returns
    -------
    ndarray of shape (n, T)

    Examples
    --------
    >>> shares(np.array([[1.0, 1.0, 2.0]]))
    array([[0.25, 0.25, 0.5 ]])
    """
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


NORMALIZERS: Registry[Normalizer] = Registry("normalizer", "qktheory.attention.normalizers")
