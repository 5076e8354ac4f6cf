"""Spectra with exact first and second moments (SPEC-7)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qktheory.base.errors import bad_value

__all__ = ["affine_to_targets", "is_constant", "standardised"]

Array = NDArray[np.float64]

_ULPS = 8.0 * float(np.finfo(np.float64).eps)


def is_constant(shape: ArrayLike) -> bool:
    """Return whether all entries agree up to rounding (8 eps of the largest modulus).

    Examples
    --------
    >>> is_constant([0.1 + 0.2, 0.3]), is_constant([1.0, 2.0])
    (True, False)
    """
    values = np.asarray(shape, dtype=np.float64)
    if values.size == 0:
        return True
    return bool(np.ptp(values) <= _ULPS * np.abs(values).max())


def affine_to_targets(shape: ArrayLike, mean: float, variance: float) -> Array:
    """Map `shape` by x -> mean + scale (x - its mean), scale >= 0, to given moments (SPEC-7).

    Parameters
    ----------
    shape : array_like of shape (n,)
        Base shape; not constant unless `variance` is 0.
    mean, variance : float
        Population mean and variance (divided by n, not n - 1) of the result; variance >= 0.

    Returns
    -------
    ndarray of shape (n,)
        In the order of `shape`. The sum is n mean up to a few eps of sum |x|, the sum of squares
        n (mean^2 + variance) up to a few eps of itself: no worse than rounding the n values.
        For variance 0 every entry is `mean` exactly.

    Raises
    ------
    ValueError
        For a negative variance, or a positive one with a constant shape.

    Examples
    --------
    The reference of SPEC-7: d = 6, xi = 1, eta = 4.

    >>> shape = (2 * np.arange(6) - 5) / 6
    >>> affine_to_targets(shape, 1 / 6, 4 / 6 - 1 / 36).round(10)
    array([-1.00339642, -0.53537118, -0.06734595,  0.40067928,  0.86870452,  1.33672975])
    """
    values = np.asarray(shape, dtype=np.float64)
    if not (math.isfinite(variance) and variance >= 0.0):
        raise bad_value("variance", variance, "a finite number >= 0")
    if variance == 0.0:
        return np.full(values.shape, float(mean))
    if is_constant(values):
        raise bad_value("variance", variance, "0, the only variance of a shape with one eigenvalue")
    deviation, spread = standardised(values)
    return np.asarray(mean + math.sqrt(variance) / spread * deviation)


def standardised(values: Array) -> tuple[Array, float]:
    """Return deviations of a shape from its mean, of size at most about 1, and their spread.

    Parameters
    ----------
    values : ndarray of shape (n,)
        Not constant.

    Returns
    -------
    deviation : ndarray of shape (n,)
    spread : float
        Root of the mean square of the deviations.

    Examples
    --------
    >>> standardised(np.array([1.0, 3.0]))
    (array([-1.,  1.]), 1.0)
    """
    unit = values / np.abs(values).max()
    deviation = unit - math.fsum(unit) / unit.size
    deviation /= np.abs(deviation).max()
    deviation -= math.fsum(deviation) / deviation.size
    return deviation, math.sqrt(math.fsum(deviation * deviation) / deviation.size)
