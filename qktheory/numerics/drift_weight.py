"""The two functions of a drift that run through the softmax of a drifted bridge (LOC-9)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qktheory.base.errors import bad_value

__all__ = ["drift_weight", "half_coth"]


def _finite(m: ArrayLike) -> NDArray[np.float64]:
    drift = np.asarray(m, dtype=np.float64)
    if not np.isfinite(drift).all():
        raise bad_value("m", m, "finite numbers")
    return drift


def drift_weight(m: ArrayLike) -> NDArray[np.float64]:
    """Return m/(1 - exp(-m)), the mean weight T E A_T of the last key at drift m (LOC-9.2).

    The first key has drift_weight(-m), and drift_weight(m) - drift_weight(-m) = m.

    Parameters
    ----------
    m : array_like
        Total drift of the bridge (the self logit), any finite numbers.

    Returns
    -------
    ndarray
        Shape of `m`, in [0, inf), 1 at m = 0; relative error below 1e-15 wherever the value is
        a normal number.

    Raises
    ------
    ValueError
        If an entry is not finite.

    Examples
    --------
    >>> drift_weight([0.0, 2.0, -2.0]).round(10)
    array([1.        , 2.31303529, 0.31303529])
    """
    drift = _finite(m)
    size = np.abs(drift)
    # exp(-size) is split so that a subnormal factor never meets a large one.
    half = np.exp(-0.5 * np.minimum(size, 1600.0))
    denominator = -np.expm1(-size)
    ratio = np.divide(size, denominator, out=np.ones_like(size), where=denominator > 0.0)
    return np.asarray(np.where(drift >= 0.0, ratio, ratio * half * half))


def half_coth(m: ArrayLike) -> NDArray[np.float64]:
    """Return (m/2) coth(m/2), the mean scaled participation of a drift alone (LOC-9.4).

    Parameters
    ----------
    m : array_like
        Total drift of the bridge, any finite numbers.

    Returns
    -------
    ndarray
        Shape of `m`, >= 1; relative error below 1e-15.

    Raises
    ------
    ValueError
        If an entry is not finite.

    Examples
    --------
    >>> half_coth([0.0, 2.0, -2.0]).round(10)
    array([1.        , 1.31303529, 1.31303529])
    >>> float(half_coth(-1e300))
    5e+299
    """
    size = np.abs(_finite(m))
    # |m|/2 + |m|/(exp|m| - 1): both terms are positive.
    return np.asarray(0.5 * size + drift_weight(-size))
