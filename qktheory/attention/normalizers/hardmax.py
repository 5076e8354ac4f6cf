"""Hardmax: all weight on the largest logit."""

from __future__ import annotations

import numpy as np

from qktheory.attention.normalizer import NORMALIZERS, FloatArray, Normalizer

__all__ = ["Hardmax"]


class Hardmax(Normalizer):
    """Limit of the softmax at zero temperature: equal shares of the keys with the largest logit.

    Examples
    --------
    >>> import numpy as np
    >>> Hardmax().weights(np.array([[0.0, 2.0, 2.0]]))
    array([[0. , 0.5, 0.5]])
    """

    name = "hardmax"
    stochastic = True

    def weights(self, logits: FloatArray) -> FloatArray:
        """Return 1/(number of maxima) at each maximum of a row, 0 elsewhere."""
        largest = logits == logits.max(axis=1, keepdims=True)
        return np.asarray(largest / largest.sum(axis=1, keepdims=True))


NORMALIZERS.add("hardmax", Hardmax())
