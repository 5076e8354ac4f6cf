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
#: Weights below this one, relative to the largest, are left out.
_NEGLIGIBLE = 1e-20
#: The error of the trapezoid rule is about the square of what halving the step changes.
_CHANGE = 3e-8
_MOST_HALVINGS = 7
#: Convergence has to happen within this change for the value to be given at all.
_FAILURE = 1e-4


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
    function: Callable[[_Floats], ArrayLike], dofs: ArrayLike
) -> ChiSquareAverage:
    """Return E f(prod_k chi^2_(nu_k)/nu_k) for independent chi-squares.

    Parameters
    ----------
    function : callable
        From an array of ratios, shape (N,), all > 0, to values of shape (N,) or (N, k). Smooth in
        the logarithm of the ratio, and growing no faster than a power of it.
    dofs : array_like of shape (m,)
        Degrees of freedom nu_k, 0.5 <= nu_k <= 1e15, not necessarily integers; m >= 1.

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
    # The partial product of all factors but the widest one, as points and weights in log ratio.
    points, weights = np.zeros(1), np.ones(1)
    for nu in nus[:-1].tolist():
        step = 0.3 * _width(nu)
        lattice = _lattice(nu, points, step, 0.0)
        points, weights = _kept(lattice, _density(nu, lattice, points, weights))
    widest = float(nus[-1])
    step = _width(widest)
    change = np.full(1, np.inf)
    total, mass, evaluations = _sums(function, widest, points, weights, step, 0.0)
    value = total / mass
    for _ in range(_MOST_HALVINGS):
        more, more_mass, count = _sums(function, widest, points, weights, step, 0.5 * step)
        total, mass, evaluations = total + more, mass + more_mass, evaluations + count
        step *= 0.5
        previous, value = value, total / mass
        change = np.abs(value - previous)
        if (change <= _CHANGE * np.abs(value)).all():
            break
    if not (change <= _FAILURE * np.abs(value)).all():
        raise ValueError(
            f"the average over chi-squares with dofs = {nus.tolist()} did not converge: halving "
            f"the step still changes it by {float(change.max()):.3g}"
        )
    return ChiSquareAverage(value, change, evaluations)


def _width(nu: float) -> float:
    """Return the scale of the density in t: its Gaussian width, bounded by the strip |Im t|."""
    return min(math.sqrt(2.0 / nu), 0.7)


def _edges(nu: float) -> tuple[float, float]:
    """Return where nu/2 (e^t - 1 - t) reaches 44: beyond, the density is below 1e-19."""
    level = 88.0 / nu
    if level < 1e-4:  # the branches of Lambert's W meet at 0
        reach = math.sqrt(2.0 * level)
        return -reach * (1.0 + reach), reach * (1.0 + reach)
    argument = -math.exp(-(1.0 + level))
    left = -(1.0 + level) - float(lambertw(argument, 0).real)
    right = -(1.0 + level) - float(lambertw(argument, -1).real)
    return left, right


def _lattice(nu: float, points: _Floats, step: float, offset: float) -> _Floats:
    """Return the lattice of a step that covers the sums of the points and a factor."""
    left, right = _edges(nu)
    first = math.floor((left + float(points.min())) / step)
    last = math.ceil((right + float(points.max())) / step)
    lattice: _Floats = step * np.arange(first, last + 1, dtype=np.float64) + offset
    return lattice


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


def _density(nu: float, lattice: _Floats, points: _Floats, weights: _Floats) -> _Floats:
    """Return the density of the partial product times the next factor on a lattice."""
    density = np.zeros(lattice.size)
    # Blocks bound the memory of the table of differences.
    block = max(1, (1 << 20) // points.size)
    for start in range(0, lattice.size, block):
        part = lattice[start : start + block]
        density[start : start + block] = (
            np.exp(_log_density(nu, part[:, None] - points[None, :])) @ weights
        )
    return density


def _kept(lattice: _Floats, density: _Floats) -> tuple[_Floats, _Floats]:
    """Return points with weights that matter, normalised to one."""
    kept = density > _NEGLIGIBLE * density.max()
    weights = density[kept]
    return lattice[kept], np.asarray(weights / float(weights.sum()))


def _sums(
    function: Callable[[_Floats], ArrayLike],
    nu: float,
    points: _Floats,
    weights: _Floats,
    step: float,
    offset: float,
) -> tuple[_Floats, float, int]:
    """Return sum of f density and of the density over a lattice, and its number of points."""
    lattice = _lattice(nu, points, step, offset)
    density = _density(nu, lattice, points, weights)
    kept = density > _NEGLIGIBLE * density.max()
    values = np.asarray(function(np.exp(lattice[kept])), dtype=np.float64)
    values = values.reshape(int(kept.sum()), -1)
    return density[kept] @ values, float(density[kept].sum()), int(kept.sum())
