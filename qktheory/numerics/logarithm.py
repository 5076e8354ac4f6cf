"""The remainder u - ln(1 + u) without cancellation."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qktheory.base.arrays import real_array
from qktheory.base.domains import Real

__all__ = ["scaled_log_remainder"]

_DOMAIN = Real(low=-1.0, low_open=True)
# With r = u/(2 + u), |r| <= 1/3 below, so r^(2 n) is at rounding after this many terms.
_TERMS = 18


def scaled_log_remainder(u: ArrayLike) -> NDArray[np.float64]:
    """Return (u - ln(1 + u))/u^2, which is 1/2 at u = 0.

    Parameters
    ----------
    u : array_like
        Numbers > -1, any shape.

    Returns
    -------
    ndarray
        Shape of `u`; relative error below 1e-14.

    Raises
    ------
    ValueError
        If an entry is not a finite number > -1.

    Examples
    --------
    >>> scaled_log_remainder([0.0, 0.01, 1.0]).round(8)
    array([0.5       , 0.49669147, 0.30685282])
    """
    v = real_array("u", u, _DOMAIN)
    # ln(1 + u) = 2 artanh r with u = 2 r/(1 - r): u - ln(1 + u) = 2 r^2 (1/(1 - r) - r S),
    # S = sum_k r^(2k)/(2k + 3).
    near = np.where(np.abs(v) < 0.5, v, 0.0)
    r = near / (2.0 + near)
    series = np.polynomial.polynomial.polyval(r * r, 1.0 / (2.0 * np.arange(_TERMS) + 3.0))
    close = 2.0 / (2.0 + near) ** 2 * (1.0 / (1.0 - r) - r * series)
    far = np.where(np.abs(v) < 0.5, 1.0, v)
    return np.asarray(np.where(np.abs(v) < 0.5, close, (1.0 - np.log1p(far) / far) / far))
