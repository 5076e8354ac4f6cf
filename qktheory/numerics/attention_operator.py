"""Spectrum of attention between Gaussian tokens at fixed dimension, T -> infinity (RMT-4a, c).

Tilting N(0, I) by e^(q x) gives N(q, I): attention becomes the Markov operator
f -> E f(M x + Z) of a vector autoregression, M = Sigma^(1/2) W^T Sigma^(1/2)/temperature.
"""

from __future__ import annotations

import heapq
import itertools
import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qktheory.base.domains import Integer, RealList
from qktheory.base.errors import bad_value

__all__ = ["largest_products", "mehler_factors"]

FloatArray = NDArray[np.float64]

_FACTORS = RealList()
_COUNT = Integer(low=1, high=10**6)


def largest_products(factors: ArrayLike, count: int) -> FloatArray:
    """Return the largest products prod_k f_k^(n_k) over n_k = 0, 1, 2, ...

    Parameters
    ----------
    factors : array_like of shape (d,)
        0 <= f_k < 1.
    count : int
        How many.

    Returns
    -------
    ndarray of shape (count,)
        Decreasing, with multiplicity, the empty product 1 first; padded with zeros if there are
        fewer that do not vanish.

    Raises
    ------
    ValueError
        For factors outside [0, 1) or a count below 1.

    Examples
    --------
    >>> largest_products([0.5, 0.25], 6).tolist()
    [1.0, 0.5, 0.25, 0.25, 0.125, 0.125]
    """
    values = np.sort(_FACTORS.check("factors", factors))[::-1]
    n = _COUNT.check("count", count)
    if values[-1] < 0.0 or values[0] >= 1.0:
        raise bad_value("factors", values.tolist(), "numbers >= 0 and < 1")
    positive = [float(v) for v in values if v > 0.0]
    found = [1.0]
    order = itertools.count()
    # A product whose last factor is number k is followed by itself times f_k, and by itself with
    # that last factor changed to f_(k+1): every multiset of factors comes up exactly once.
    heap = [(-positive[0], next(order), 0, 1.0)] if positive else []
    while heap and len(found) < n:
        negative, _, k, rest = heapq.heappop(heap)
        product = -negative
        found.append(product)
        heapq.heappush(heap, (-product * positive[k], next(order), k, product))
        if k + 1 < len(positive):
            heapq.heappush(heap, (-rest * positive[k + 1], next(order), k + 1, rest))
    return np.array(found + [0.0] * (n - len(found)))


def mehler_factors(tau: ArrayLike) -> tuple[float, FloatArray]:
    """Return the singular values of the operator: the largest one and the ratios that follow.

    Parameters
    ----------
    tau : array_like of shape (d,)
        Squared singular values of M, 0 <= tau_k < 1/2.

    Returns
    -------
    top : float
        prod_k (rho_k/tau_k)^(1/4), rho = (1 - sqrt(1 - 4 tau^2))/(2 tau).
    ratios : ndarray of shape (d,)
        sqrt(rho_k); the singular values are top times the products of powers of the ratios.

    Raises
    ------
    ValueError
        For tau outside [0, 1/2), where the operator is not Hilbert-Schmidt.

    Notes
    -----
    Mehler's expansion of A A^*, of kernel e^(q q') (RMT-4a).

    Examples
    --------
    >>> top, ratios = mehler_factors([0.25])
    >>> round(top, 12), round(top * float(ratios[0]), 12)
    (1.017485223681, 0.526689107998)
    """
    values = _FACTORS.check("tau", tau)
    if values.min() < 0.0 or values.max() >= 0.5:
        raise bad_value("tau", values.tolist(), "numbers >= 0 and < 1/2")
    # rho/tau = 2/(1 + sqrt(1 - 4 tau^2)).
    halves = 0.5 * (1.0 + np.sqrt((1.0 - 2.0 * values) * (1.0 + 2.0 * values)))
    top = math.exp(-0.25 * math.fsum(np.log(halves)))
    return top, np.sqrt(values / halves)
