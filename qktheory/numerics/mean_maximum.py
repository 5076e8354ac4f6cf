"""Mean of the largest of T standard normal variables, for real T (ENT-7b)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import log_ndtr, ndtr

from qktheory.base.arrays import real_array
from qktheory.base.domains import Real

__all__ = ["mean_maximum"]

_COUNT = Real(low=1.0, high=1e300)
#: No mass of the normal law is left below.
_LOWEST = -9.5


def mean_maximum(T: ArrayLike) -> NDArray[np.float64]:
    """Return mu_T, the mean of the law Phi^T; for integers, E max of T standard normals (ENT-7b).

    Parameters
    ----------
    T : array_like
        Numbers from 1 to 1e300, not necessarily integers; any shape.

    Returns
    -------
    ndarray
        Shape of `T`. Relative error below 1e-13, also as T tends to 1, where mu_T tends to 0.

    Raises
    ------
    ValueError
        If an entry is not a number of that range.

    Notes
    -----
    mu_T = int (Phi - Phi^T) dx, since the standard normal law has mean 0. The integrand is smooth,
    so the trapezoidal rule converges exponentially: Phi^T is close to exp(-T e^(-x^2/2)) where it
    matters, which bounds the step by pi^2/(37 s_c) for an error of e^-37.

    Examples
    --------
    >>> mean_maximum([1, 2, 1024]).round(8)
    array([0.        , 0.56418958, 3.2482396 ])
    """
    counts = real_array("T", T, _COUNT)
    excess = counts[..., None] - 1.0
    log_most = math.log(float(counts.max()))
    step = 0.2 / max(1.0, math.sqrt(2.0 * log_most))
    highest = math.sqrt(2.0 * (log_most + 42.0))
    x = _LOWEST + step * np.arange(math.ceil((highest - _LOWEST) / step) + 1)
    # ln Phi from 1 - Phi where that is small: T ln Phi needs its relative accuracy.
    log_cdf = np.where(x < 0.0, log_ndtr(np.minimum(x, 0.0)), np.log1p(-ndtr(-np.maximum(x, 0.0))))
    return np.asarray(step * np.sum(ndtr(x) * -np.expm1(excess * log_cdf), axis=-1))
