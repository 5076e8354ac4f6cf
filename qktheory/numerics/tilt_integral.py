"""The entropy deficit of a row as an integral over its tilts (ENT-10c)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qktheory.base.domains import RealList

__all__ = ["tilt_integral"]

_ROW = RealList()
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(24)
_PANELS = 4
#: e^-_NO_RIVAL is 0 in double precision.
_NO_RIVAL = 800.0


def tilt_integral(logits: ArrayLike) -> float:
    """Return the integral over t from 0 to 1 of t Var_{A_t}(l), A_t = softmax(t l) (ENT-10c).

    It equals ln T - H. The computation does not use that, so that it can be checked.

    Parameters
    ----------
    logits : array_like, shape (T,)
        One row of logits.

    Returns
    -------
    float
        Relative error below about 1e-13.

    Raises
    ------
    ValueError
        If the logits are not a list of finite numbers.

    Notes
    -----
    Var_{A_t} has its poles where sum_j exp(t l_j) = 0: none within pi/range of the real axis, and
    those with real part t lie about pi t/ln T off it. Gauss-Legendre panels follow that: one up
    to 1/range, then four an octave.

    Examples
    --------
    >>> round(tilt_integral([40.0, -3.0, 0.5]), 12)
    1.098612288668
    """
    row = _ROW.check("logits", logits)
    below = row - row.max()
    spread = -float(below.min())
    if spread == 0.0:
        return 0.0
    nearest = -float(below[below < 0.0].max())
    low, high = 0.0, min(1.0, 1.0 / spread)
    total = 0.0
    while True:
        edges = np.linspace(low, high, _PANELS + 1)
        half = 0.5 * (high - low) / _PANELS
        for edge in edges[:-1]:
            total += half * float(_WEIGHTS @ _integrand(below, edge + half * (1.0 + _NODES)))
        if high >= 1.0 or high * nearest > _NO_RIVAL:
            return total
        low, high = high, min(1.0, 2.0 * high)


def _integrand(below: NDArray[np.float64], t: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return t Var_{A_t}(l) for each t > 0, from l - max l.

    As Var(t l)/t, where logits of no weight may be raised: their squares would overflow.
    """
    tilted = np.maximum(t[:, None] * below, -_NO_RIVAL)
    with np.errstate(under="ignore"):
        weights = np.exp(tilted)
    weights /= weights.sum(axis=1, keepdims=True)
    mean = np.sum(weights * tilted, axis=1, keepdims=True)
    return np.asarray(np.sum(weights * (tilted - mean) ** 2, axis=1) / t)
