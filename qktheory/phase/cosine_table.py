"""The recursion (R) of ENT-15 on whole grids: row averages from a table, layers in arrays."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import ArrayLike, NDArray

from qktheory.numerics.gaussian_row import mean_participation
from qktheory.numerics.row_overlap import row_overlap

__all__ = ["RowTable", "final_cosine"]

FloatArray = NDArray[np.float64]

_WIDTHS, _COSINES = 28, 12


class RowTable:
    """Y = E sum_j A_j^2 and the overlap C of two rows of T keys, interpolated in (s, cosine).

    Chebyshev in both, of log(T Y) and of log(T C)/log(T Y), which runs from 0 at cosine 0 to 1 at
    cosine 1 for all s.

    Parameters
    ----------
    T : float
        Number of keys.
    largest : float
        Largest width s of the table.
    """

    def __init__(self, T: float, largest: float) -> None:
        self.T, self.largest = T, largest
        unit_s, unit_rho = (chebyshev.chebpts1(n) for n in (_WIDTHS, _COSINES))
        widths, cosines = 0.5 * largest * (1.0 + unit_s), 0.5 * (1.0 + unit_rho)
        log_y = np.log(T * np.asarray(mean_participation(T, widths)))
        ratio = np.array(
            [
                [math.log(T * float(row_overlap(T, s, rho))) / log for rho in cosines.tolist()]
                for s, log in zip(widths.tolist(), log_y.tolist(), strict=True)
            ]
        )
        # log(T Y) starts as s^2 at s = 0.
        self._log_y = chebyshev.chebfit(unit_s, log_y / widths**2, _WIDTHS - 1)
        by_s = chebyshev.chebfit(unit_s, ratio, _WIDTHS - 1)
        self._ratio = chebyshev.chebfit(unit_rho, by_s.T, _COSINES - 1).T

    def averages(self, s: ArrayLike, cosine: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Return Y and Y - C."""
        width, rho = np.broadcast_arrays(np.asarray(s, float), np.asarray(cosine, float))
        unit_s, unit_rho = 2.0 * width / self.largest - 1.0, 2.0 * rho - 1.0
        log_y = width**2 * chebyshev.chebval(unit_s, self._log_y)
        ratio = chebyshev.chebval2d(unit_s, unit_rho, self._ratio)
        Y = np.exp(log_y) / self.T
        return Y, -Y * np.expm1(np.minimum(ratio - 1.0, 0.0) * log_y)


@lru_cache(maxsize=4)
def _table(T: float, largest: float) -> RowTable:
    return RowTable(T, largest)


def final_cosine(
    T: float,
    s0: ArrayLike,
    alpha: ArrayLike,
    cosine_0: float,
    L: int,
    sigma_V: float = 1.0,
    largest: float | None = None,
) -> FloatArray:
    """Return 1 - cosine after L layers, on a grid of (s0, alpha).

    Parameters
    ----------
    T : float
        Number of keys.
    s0, alpha : array_like
        Widths of the logits at cosine 0, > 0, and weights of the skip, > 0; broadcast.
    cosine_0 : float
        Cosine before the first layer, in (0, 1).
    L : int
        Number of layers.
    sigma_V : float, optional
        Weight of the values.
    largest : float, optional
        Largest s0 of the table, that of `s0` by default.

    Returns
    -------
    ndarray
        Within 3e-4 relative of the recursion itself (ENT-15a) for `largest` up to 8, T = 256 and
        L = 12, where it exceeds 1e-9; the worst of 46 points of the plane was off by 7e-5.

    Examples
    --------
    >>> from qktheory.numerics.depth_recursion import cosine_layers
    >>> exact = 1.0 - cosine_layers(64, 2.0, 1.0, 1.0, 0.1, 4)[-1]
    >>> bool(abs(final_cosine(64, 2.0, 1.0, 0.1, 4) / exact - 1.0) < 1e-5)
    True
    """
    widths, skips = np.broadcast_arrays(np.asarray(s0, float), np.asarray(alpha, float))
    table = _table(float(T), float(widths.max() if largest is None else largest))
    return _final(table.averages, widths, skips, cosine_0, L, sigma_V)


def _final(
    averages: Callable[[ArrayLike, ArrayLike], tuple[FloatArray, FloatArray]],
    s0: FloatArray,
    alpha: FloatArray,
    cosine_0: float,
    L: int,
    sigma_V: float,
) -> FloatArray:
    gap = np.full(s0.shape, 1.0 - cosine_0)
    skip, value = alpha**2, sigma_V**2
    for _ in range(L):
        Y, difference = averages(s0 * np.sqrt(gap), 1.0 - gap)
        gap = gap * (skip + value * difference) / (skip + value * (1.0 - gap + gap * Y))
    return gap
