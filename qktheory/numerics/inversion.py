"""Interval probabilities of quadratic forms by the half-integer Gil-Pelaez sum of LOC-3(b).

The plain route, kept as an independent check of the contour route: no saddle points, no deformed
contour, only the characteristic function on the real axis.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from qktheory.base.errors import bad_value
from qktheory.numerics.cumulant import log_moment_generating

__all__ = ["chernoff_reach", "half_integer_inversion"]

_Floats = NDArray[np.float64]
_MAX_TERMS = 2_000_000
_BLOCK_ENTRIES = 1 << 20


def chernoff_reach(weights: _Floats, multiplicities: _Floats, level: float = 1e-15) -> float:
    """Return x >= 0 with P(q > x) <= level by Chernoff's bound, 0 if q never is positive.

    Parameters
    ----------
    weights, multiplicities : ndarray, shape (J,)
        Distinct non-zero weights and how often each occurs.
    level : float
        Probability, in (0, 1).

    Returns
    -------
    float
        The smallest of (K(s) + log(1/level))/s over a grid of s in (0, 1/(2 max w)).

    Examples
    --------
    >>> x = chernoff_reach(np.array([0.5]), np.array([2.0]), 1e-15)
    >>> 34.5 < x < 40.0
    True
    """
    top = float(weights.max())
    if top <= 0.0:
        return 0.0
    share = 1.0 / (1.0 + np.exp(-np.linspace(-14.0, 9.0, 93)))
    s = share * (0.5 / top)
    k = log_moment_generating(weights, multiplicities, s.astype(np.complex128)).real
    return max(0.0, float(np.min((k - math.log(level)) / s)))


def half_integer_inversion(weights: _Floats, multiplicities: _Floats, a: float, b: float) -> float:
    """Return P(a < q < b) by the trapezoidal sum at half-integer nodes.

    Parameters
    ----------
    weights, multiplicities : ndarray, shape (J,)
        Distinct non-zero weights and how often each occurs.
    a, b : float
        Ends, a < b; infinite ends are replaced by the reach of Chernoff's bound.

    Returns
    -------
    float
        Absolute accuracy 1e-12.

    Raises
    ------
    ValueError
        If the characteristic function decays too slowly (fewer than about four degrees of
        freedom).

    Examples
    --------
    >>> law = (np.array([-0.5, 0.5]), np.array([4.0, 4.0]))
    >>> round(half_integer_inversion(*law, 0.0, np.inf), 12)
    0.5
    """
    up = chernoff_reach(weights, multiplicities)
    down = chernoff_reach(-weights, multiplicities)
    # An end beyond the reach of the law says nothing more than the reach itself.
    low, high = max(a, -down), min(b, up)
    if low >= high:
        return 0.0
    period = up + down + 0.01 * max(up, down)
    spacing = 2.0 * math.pi / period
    largest_block = max(256, _BLOCK_ENTRIES // weights.size)
    block = 256
    total: list[float] = []
    start = 0
    while start < _MAX_TERMS:
        k = np.arange(start, start + block) + 0.5
        tau = k * spacing
        log_phi = log_moment_generating(
            weights, multiplicities, np.asarray(1j * tau, dtype=np.complex128)
        )
        phi = np.exp(log_phi)
        wave = np.exp(-1j * tau * low) - np.exp(-1j * tau * high)
        total.append(math.fsum((phi * wave).imag / (math.pi * k)))
        if abs(phi[-1]) < 1e-15:
            return min(1.0, max(0.0, math.fsum(total)))
        start += block
        block = min(2 * block, largest_block)
    raise bad_value(
        "method", "inversion", "'contour' for this law: its characteristic function decays slowly"
    )
