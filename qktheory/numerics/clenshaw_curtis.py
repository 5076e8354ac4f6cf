"""The Clenshaw-Curtis rule, whose nodes are kept when their number is doubled."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["clenshaw_curtis"]


def clenshaw_curtis(n: int) -> NDArray[np.float64]:
    """Return the weights on [-1, 1] at the nodes cos(pi j/n), j = 0..n.

    Parameters
    ----------
    n : int
        Number of intervals, even.

    Returns
    -------
    ndarray, shape (n + 1,)
        Positive weights of sum 2; the rule is exact for polynomials of degree n.

    Examples
    --------
    >>> clenshaw_curtis(2)
    array([0.33333333, 1.33333333, 0.33333333])
    """
    j, k = np.arange(n + 1), np.arange(1, n // 2 + 1)
    factor = np.where(k == n // 2, 1.0, 2.0) / (4.0 * k * k - 1.0)
    weights = (1.0 - np.cos(2.0 * math.pi * np.outer(j, k) / n) @ factor) * 2.0 / n
    weights[[0, -1]] *= 0.5
    return np.asarray(weights)
