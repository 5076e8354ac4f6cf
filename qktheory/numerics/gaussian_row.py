"""Exact moments of a softmax row with iid Gaussian logits (ENT-1, ENT-3).

The row has T logits l_j = s g_j, g_j iid N(0, 1), weights A = softmax(l), Z = sum_j e^{l_j},
entropy H = -sum_j A_j log A_j in nats and participations Y_q = sum_j A_j^q. Every function below is
exact at finite T up to rounding; nothing is sampled. T may be any real number >= 1. s = 0 is the
uniform row.

All functions take numbers, and give a float, or arrays that are broadcast against each other.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from qktheory.base.domains import Real, RealList
from qktheory.numerics import gaussian_row_integrals as integrals
from qktheory.numerics.gaussian_row_lattice import RowLattice

__all__ = [
    "GaussianRowMoments",
    "gaussian_row_moments",
    "heat_capacity",
    "mean_entropy",
    "mean_log_partition",
    "mean_participation",
    "mean_participation_product",
    "var_entropy",
    "var_log_partition",
    "var_participation",
]

#: A float for numbers, an array for arrays.
Values: TypeAlias = Any

LARGEST_T = 1e300
_KEYS = Real(low=1.0, high=LARGEST_T)
_STD = Real(low=0.0, high=1e100)
_ORDER = Real(low=1.0, high=1e4)


@lru_cache(maxsize=32)
def _lattice(T: float, s: float, order: float) -> RowLattice:
    return RowLattice.build(T, s, order)


def _pointwise(compute: Callable[..., float], **arguments: tuple[Real, ArrayLike]) -> Values:
    """Check named arguments and evaluate at every point of their broadcast."""
    checked = []
    for name, (domain, value) in arguments.items():
        if np.ndim(value) == 0:
            item = value.item() if isinstance(value, np.ndarray) else value
            checked.append(np.array(domain.check(name, item)))
            continue
        array = np.asarray(value)
        flat = RealList(domain).check(name, array.ravel())
        checked.append(flat.reshape(array.shape))
    points = np.broadcast(*checked)
    # Equal points are computed once, neighbouring ones share their lattice.
    known: dict[tuple[float, ...], float] = {}
    values = []
    for point in points:
        key = tuple(float(x) for x in point)
        if key not in known:
            known[key] = compute(*key)
        values.append(known[key])
    return np.array(values).reshape(points.shape) if points.shape else values[0]


def mean_log_partition(T: ArrayLike, s: ArrayLike) -> Values:
    """Return E log Z.

    Parameters
    ----------
    T : array_like
        Number of keys, 1 <= T <= 1e300.
    s : array_like
        Standard deviation of the logits, >= 0.

    Returns
    -------
    float or ndarray
        Broadcast shape. Relative accuracy 1e-13.

    Raises
    ------
    ValueError
        If an argument is out of its domain.

    Examples
    --------
    >>> round(mean_log_partition(1024, 2.0), 10)
    8.9124276513
    """
    return _pointwise(_mean_log_partition, T=(_KEYS, T), s=(_STD, s))


def _mean_log_partition(T: float, s: float) -> float:
    if T == 1.0 or s == 0.0:
        return math.log(T)
    lattice = _lattice(T, s, 2.0)
    return integrals.entropy_mean(lattice) + s * s * integrals.pair_weight(lattice)


def mean_entropy(T: ArrayLike, s: ArrayLike) -> Values:
    """Return E H, in nats.

    Parameters
    ----------
    T : array_like
        Number of keys, 1 <= T <= 1e300.
    s : array_like
        Standard deviation of the logits, >= 0.

    Returns
    -------
    float or ndarray
        Broadcast shape. Relative accuracy 1e-13 (1e-12 for T above 1e100), also where the row is
        frozen and H is small.

    Raises
    ------
    ValueError
        If an argument is out of its domain.

    Examples
    --------
    >>> round(mean_entropy(1e12, 7.0), 10)
    6.7049050335
    >>> mean_entropy(1024, [0.0, 1.0, 8.0]).round(8)
    array([6.93147181, 6.43327049, 0.89879675])
    """
    return _pointwise(_mean_entropy, T=(_KEYS, T), s=(_STD, s))


def _mean_entropy(T: float, s: float) -> float:
    return math.log(T) if T == 1.0 or s == 0.0 else integrals.entropy_mean(_lattice(T, s, 2.0))


def mean_participation(T: ArrayLike, s: ArrayLike, q: ArrayLike = 2.0) -> Values:
    """Return E Y_q = E sum_j A_j^q.

    Parameters
    ----------
    T : array_like
        Number of keys, 1 <= T <= 1e300.
    s : array_like
        Standard deviation of the logits, >= 0.
    q : array_like, optional
        Order, 1 <= q <= 1e4.

    Returns
    -------
    float or ndarray
        Broadcast shape. Relative accuracy 1e-12; 0 below the range of doubles.

    Raises
    ------
    ValueError
        If an argument is out of its domain.

    Examples
    --------
    >>> round(mean_participation(1024, 2.0), 12), round(mean_participation(1024, 2.0, 3.0), 12)
    (0.028538204684, 0.004762877434)
    """
    return _pointwise(_mean_participation, T=(_KEYS, T), s=(_STD, s), q=(_ORDER, q))


def _mean_participation(T: float, s: float, q: float) -> float:
    if T == 1.0 or q == 1.0:
        return 1.0
    if s == 0.0:
        return float(T ** (1.0 - q))
    return integrals.participation_mean(_lattice(T, s, max(2.0, q)), q)


def mean_participation_product(T: ArrayLike, s: ArrayLike, a: ArrayLike, b: ArrayLike) -> Values:
    """Return E[Y_a Y_b].

    Parameters
    ----------
    T : array_like
        Number of keys, 1 <= T <= 1e300.
    s : array_like
        Standard deviation of the logits, >= 0.
    a, b : array_like
        Orders, 1 to 1e4.

    Returns
    -------
    float or ndarray
        Broadcast shape. Relative accuracy 1e-12.

    Raises
    ------
    ValueError
        If an argument is out of its domain.

    Examples
    --------
    >>> round(mean_participation_product(1024, 2.0, 2.0, 2.0), 12)
    0.00207707647
    """
    return _pointwise(
        _mean_participation_product, T=(_KEYS, T), s=(_STD, s), a=(_ORDER, a), b=(_ORDER, b)
    )


def _mean_participation_product(T: float, s: float, a: float, b: float) -> float:
    if a == 1.0 or b == 1.0:
        return _mean_participation(T, s, max(a, b))
    if T == 1.0:
        return 1.0
    if s == 0.0:
        return float(T ** (2.0 - a - b))
    return integrals.participation_product_mean(_lattice(T, s, a + b), a, b)


def var_log_partition(T: ArrayLike, s: ArrayLike) -> Values:
    """Return Var log Z.

    Parameters
    ----------
    T : array_like
        Number of keys, 1 <= T <= 1e300.
    s : array_like
        Standard deviation of the logits, >= 0.

    Returns
    -------
    float or ndarray
        Broadcast shape. Relative accuracy 1e-10, also where the variance is tiny: below 0.02 it is
        a double integral of positive terms instead of a difference of moments.

    Raises
    ------
    ValueError
        If an argument is out of its domain.

    Examples
    --------
    >>> round(var_log_partition(1024, 4.0), 10)
    0.9216229557
    >>> f"{var_log_partition(1e12, 0.01):.6e}"
    '1.000050e-16'
    """
    return _pointwise(_var_log_partition, T=(_KEYS, T), s=(_STD, s))


def _var_log_partition(T: float, s: float) -> float:
    if T == 1.0 or s == 0.0:
        return s * s
    return integrals.log_partition_variance(_lattice(T, s, 2.0))


def var_entropy(T: ArrayLike, s: ArrayLike) -> Values:
    """Return Var H.

    Parameters
    ----------
    T : array_like
        Number of keys, 1 <= T <= 1e300.
    s : array_like
        Standard deviation of the logits, >= 0.

    Returns
    -------
    float or ndarray
        Broadcast shape. Absolute accuracy 1e-13 (1 + E H).

    Raises
    ------
    ValueError
        If an argument is out of its domain.

    Examples
    --------
    >>> round(var_entropy(1024, 4.0), 10)
    0.7065589885
    """
    return _pointwise(_var_entropy, T=(_KEYS, T), s=(_STD, s))


def _var_entropy(T: float, s: float) -> float:
    return 0.0 if T == 1.0 or s == 0.0 else integrals.entropy_variance(_lattice(T, s, 4.0))


def var_participation(T: ArrayLike, s: ArrayLike) -> Values:
    """Return Var Y_2.

    Parameters
    ----------
    T : array_like
        Number of keys, 1 <= T <= 1e300.
    s : array_like
        Standard deviation of the logits, >= 0.

    Returns
    -------
    float or ndarray
        Broadcast shape. The error is about 1e-13 E[Y_2^2].

    Raises
    ------
    ValueError
        If an argument is out of its domain.

    Examples
    --------
    >>> round(var_participation(1024, 4.0), 12)
    0.046384343992
    """
    return _pointwise(_var_participation, T=(_KEYS, T), s=(_STD, s))


def _var_participation(T: float, s: float) -> float:
    if T == 1.0 or s == 0.0:
        return 0.0
    lattice = _lattice(T, s, 4.0)
    mean = integrals.participation_mean(lattice, 2.0)
    return max(integrals.participation_product_mean(lattice, 2.0, 2.0) - mean * mean, 0.0)


def heat_capacity(T: ArrayLike, s: ArrayLike) -> Values:
    """Return E Var_A(l) = E[sum A_j l_j^2 - (sum A_j l_j)^2], which is -dE H/d log s.

    Parameters
    ----------
    T : array_like
        Number of keys, 1 <= T <= 1e300.
    s : array_like
        Standard deviation of the logits, >= 0.

    Returns
    -------
    float or ndarray
        Broadcast shape. Relative accuracy 1e-12.

    Raises
    ------
    ValueError
        If an argument is out of its domain.

    Examples
    --------
    >>> round(heat_capacity(1024, 2.0), 10)
    3.3828736019
    """
    return _pointwise(_heat_capacity, T=(_KEYS, T), s=(_STD, s))


def _heat_capacity(T: float, s: float) -> float:
    return 0.0 if T == 1.0 or s == 0.0 else integrals.heat_capacity_mean(_lattice(T, s, 2.0))


@dataclass(frozen=True)
class GaussianRowMoments:
    """All first and second moments of a Gaussian row.

    Attributes
    ----------
    mean_log_partition, var_log_partition : float
        Of log Z.
    mean_entropy, var_entropy : float
        Of the entropy, nats.
    mean_participation, var_participation : float
        Of Y_2.
    heat_capacity : float
        E Var_A(l).
    """

    mean_log_partition: float
    var_log_partition: float
    mean_entropy: float
    var_entropy: float
    mean_participation: float
    var_participation: float
    heat_capacity: float


def gaussian_row_moments(T: float, s: float) -> GaussianRowMoments:
    """Return all moments of one row; they share their lattice.

    Parameters
    ----------
    T : float
        Number of keys, 1 <= T <= 1e300.
    s : float
        Standard deviation of the logits, >= 0.

    Returns
    -------
    GaussianRowMoments
        Accuracy as in the functions for the single moments.

    Raises
    ------
    ValueError
        If an argument is out of its domain.

    Examples
    --------
    >>> row = gaussian_row_moments(1024, 4.0)
    >>> round(row.mean_entropy, 8), round(row.var_entropy, 8)
    (2.34864983, 0.70655899)
    """
    keys, std = _KEYS.check("T", T), _STD.check("s", s)
    return GaussianRowMoments(
        _mean_log_partition(keys, std),
        _var_log_partition(keys, std),
        _mean_entropy(keys, std),
        _var_entropy(keys, std),
        _mean_participation(keys, std, 2.0),
        _var_participation(keys, std),
        _heat_capacity(keys, std),
    )
