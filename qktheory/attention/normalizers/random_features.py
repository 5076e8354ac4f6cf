"""Random-feature attention: softmax of logarithms of estimated kernels."""

from __future__ import annotations

from qktheory.attention.normalizer import NORMALIZERS
from qktheory.attention.normalizers.softmax import Softmax

__all__ = ["RandomFeatures"]


class RandomFeatures(Softmax):
    """Weights proportional to a mean of random features instead of e^(x^T W y).

    Estimates depend on queries, keys and frequencies (`qktheory.attention.features`), not on
    scores alone: a simulator forms the logarithms of the estimated kernels, which take the place
    of the logits here.

    Examples
    --------
    >>> RandomFeatures().of_tokens
    True
    """

    name = "random_features"
    of_tokens = True
    masks = False


NORMALIZERS.add("random_features", RandomFeatures())
