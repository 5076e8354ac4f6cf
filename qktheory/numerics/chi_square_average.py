"""Averages over products of independent chi-squares, each divided by its degrees of freedom.

The variance of the logits of a row is such a product for Gaussian queries and Gaussian W (ENT-11,
ENT-13). In t = log(chi^2_nu/nu) the density is proportional to exp(-nu/2 (e^t - 1 - t)): analytic,
with tails that make the trapezoid rule converge exponentially. Factors are merged one by one, from
the narrowest to the widest, each into a lattice that resolves the next one, so that the cost does
not grow with the number of factors and the function is evaluated on one lattice only.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln, lambertw

from qktheory.base.domains import Real, RealList

__all__ = ["ChiSquareAverage", "chi_square_average"]

_Floats = NDArray[np.float64]
_DOFS = RealList(Real(low=0.5, high=1e15))
_GROWTH = Real(low=1.0, high=1e300)
#: Minus the log of the density, relative to the largest, below which points are left out.
_DEPTH = 44.0
#: The error of the trapezoid rule is about the square of what halving the step changes.
_CHANGE = 3e-8
_MOST_HALVINGS = 7
#: Convergence has to happen within this change for the value to be given at all.
_FAILURE = 1e-4
#: A change below this share of the largest value at small ratios is within the mass left out.
_LEFT_OUT = 1e-19


class ChiSquareAverage(NamedTuple):
    """An average and what the last halving of the step changed.

    Attributes
    ----------
    value : ndarray, shape (k,)
        The averages.
    change : ndarray, shape (k,)
        Absolute change by the last halving; the error is about its square in units of the value,
        never above it.
    evaluations : int
        Number of points at which the function was evaluated.
    """

    value: _Floats
    change: _Floats
    evaluations: int


def chi_square_average(
    function: Callable[[_Floats], ArrayLike], dofs: ArrayLike, growth: float = 1.0
) -> ChiSquareAverage:
    """Return E f(prod_k chi^2_(nu_k)/nu_k) for independent chi-squares.

    Parameters
    ----------
    function : callable
        From an array of ratios, shape (N,), all > 0, to values of shape (N,) or (N, k). Smooth in
        the logarithm of the ratio, and growing no faster than a power of it, but for `growth`.
    dofs : array_like of shape (m,)
        Degrees of freedom nu_k, 0.5 <= nu_k <= 1e15, not necessarily integers; m >= 1.
    growth : float, optional
        How many times its mean the function may reach at rare ratios, large or small, 1 to 1e300:
        they are kept as long as they could matter.

    Returns
    -------
    ChiSquareAverage
        Relative accuracy about 1e-12 for functions of the scale of one in log(ratio).

    Raises
    ------
    ValueError
        For degrees of freedom outside their range, or a function that the finest lattice does not
        resolve.

    Notes
    -----
    Moments are exact: E chi^2_nu/nu = 1, E (chi^2_nu/nu)^2 = 1 + 2/nu. About 50 evaluations for
    each factor of large nu, 300 for nu = 1.

    Examples
    --------
    >>> average = chi_square_average(lambda r: r**2, [8.0, 4.0])
    >>> round(float(average.value[0]), 12)
    1.875
    """
    nus = np.sort(_DOFS.check("dofs", dofs))[::-1]
    law = _Product(_DEPTH + math.log(_GROWTH.check("growth", growth)))
    # The partial product of all factors but the widest one, as points and weights in log ratio.
    for nu in nus[:-1].tolist():
        law.merge(nu)
    widest = float(nus[-1])
    step = _width(widest)
    change, least = np.full(1, np.inf), np.zeros(1)
    total, mass, evaluations = law.sums(function, widest, step, 0.0)
    value = total / mass
    for _ in range(_MOST_HALVINGS):
        more, more_mass, count = law.sums(function, widest, step, 0.5 * step)
        total, mass, evaluations = total + more, mass + more_mass, evaluations + count
        step *= 0.5
        previous, value = value, total / mass
        change = np.abs(value - previous)
        least = _LEFT_OUT * law.largest
        if (change <= np.maximum(_CHANGE * np.abs(value), least)).all():
            break
    if not (change <= np.maximum(_FAILURE * np.abs(value), least)).all():
        raise ValueError(
            f"the average over chi-squares with dofs = {nus.tolist()} did not converge: halving "
            f"the step still changes it by {float(change.max()):.3g}"
        )
    return ChiSquareAverage(value, change, evaluations)


def _width(nu: float) -> float:
    """Return the scale of the density in t: its Gaussian width, bounded by the strip |Im t|."""
    return min(math.sqrt(2.0 / nu), 0.7)


def _edges(nu: float, depth: float) -> tuple[float, float]:
    """Return where nu/2 (e^t - 1 - t) reaches `depth` on the left and on the right."""
    ends = []
    level = 2.0 * depth / nu
    for branch in (0, -1):
        if level < 1e-4:  # the branches of Lambert's W meet at 0
            reach = math.sqrt(2.0 * level) * (1.0 + math.sqrt(2.0 * level))
            ends.append(-reach if branch == 0 else reach)
        elif level > 600.0 and branch == -1:  # e^(-level) vanishes; iterate e^t = 1 + level + t
            t = math.log(level)
            for _ in range(8):
                t = math.log(1.0 + level + t)
            ends.append(t)
        else:
            argument = -math.exp(-(1.0 + level))
            ends.append(-(1.0 + level) - float(lambertw(argument, branch).real))
    return ends[0], ends[1]


def _log_density(nu: float, t: _Floats) -> _Floats:
    """Return the log density of log(chi^2_nu/nu)."""
    half = 0.5 * nu
    # Stirling's series, where the difference below would cancel.
    constant = (
        half * math.log(half) - half - float(gammaln(half))
        if half < 1e3
        else 0.5 * math.log(half / (2.0 * math.pi)) - 1.0 / (12.0 * half)
    )
    small = np.abs(t) < 1e-2
    near = np.where(small, t, 0.0)
    # e^t - 1 - t without cancellation for small t.
    series = near**2 * (0.5 + near * (1 / 6 + near * (1 / 24 + near * (1 / 120 + near / 720))))
    excess: _Floats = np.where(small, series, np.expm1(np.where(small, 0.0, t)) - t)
    return np.asarray(constant - half * excess)


class _Product:
    """The law of the sum of the logarithms of some factors, as points and weights.

    Parameters
    ----------
    depth : float
        Minus the log of the density, relative to the largest, that still matters.
    """

    def __init__(self, depth: float) -> None:
        self._depth = depth
        self._points, self._weights = np.zeros(1), np.ones(1)
        #: Largest moduli of the function at ratios below the most probable one.
        self.largest = np.zeros(1)

    def _lattice(self, nu: float, step: float, offset: float) -> tuple[_Floats, _Floats]:
        """Return a lattice that covers the product with another factor, and the density there."""
        left, right = _edges(nu, self._depth)
        first = math.floor((left + float(self._points.min())) / step)
        last = math.ceil((right + float(self._points.max())) / step)
        lattice: _Floats = step * np.arange(first, last + 1, dtype=np.float64) + offset
        density = np.zeros(lattice.size)
        # Blocks bound the memory of the table of differences.
        block = max(1, (1 << 20) // self._points.size)
        for start in range(0, lattice.size, block):
            part = lattice[start : start + block]
            table = np.exp(_log_density(nu, part[:, None] - self._points[None, :]))
            density[start : start + block] = table @ self._weights
        kept = density > math.exp(-self._depth) * density.max()
        return lattice[kept], density[kept]

    def merge(self, nu: float) -> None:
        """Multiply by a factor that is narrower than the ones to come."""
        lattice, density = self._lattice(nu, 0.3 * _width(nu), 0.0)
        self._points, self._weights = lattice, np.asarray(density / float(density.sum()))

    def sums(
        self, function: Callable[[_Floats], ArrayLike], nu: float, step: float, offset: float
    ) -> tuple[_Floats, float, int]:
        """Return sum of f density and of the density over a lattice, and its number of points."""
        lattice, density = self._lattice(nu, step, offset)
        values = np.asarray(function(np.exp(lattice)), dtype=np.float64)
        values = values.reshape(lattice.size, -1)
        small = slice(0, int(np.argmax(density)) + 1)
        self.largest = np.maximum(self.largest, np.abs(values[small]).max(axis=0))
        return density @ values, float(density.sum()), int(lattice.size)
