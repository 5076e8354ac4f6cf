"""Extreme entropies of T weights with a given participation or largest weight (ENT-10)."""

from __future__ import annotations

import math
from typing import NamedTuple

from qktheory.base.domains import Integer, Real
from qktheory.base.errors import bad_value

__all__ = ["EntropyRange", "entropy_range_at_max_weight", "entropy_range_at_participation"]

_COUNT = Integer(low=2, high=10**30)
_UNIT = Real(low=0.0, high=1.0, low_open=True)
#: Excess below 1/T that counts as the rounding of 1/T itself.
_ROUNDING = 1e-12


class EntropyRange(NamedTuple):
    """Smallest and largest entropy, in nats."""

    min_entropy: float
    max_entropy: float


def _checked(name: str, T: int, value: float) -> tuple[int, float]:
    T, value = _COUNT.check("T", T), _UNIT.check(name, value)
    if value * T < 1.0 - _ROUNDING:
        raise bad_value(name, value, f"a number >= 1/T = {1.0 / T:g}")
    return T, value


def _x_log_x(x: float, missing: float) -> float:
    """Return -x ln x from x and 1 - x, whichever is the smaller one."""
    if x <= 0.0:
        return 0.0
    return -x * (math.log1p(-missing) if missing < 0.5 else math.log(x))


def entropy_range_at_participation(T: int, participation: float) -> EntropyRange:
    """Return the extreme entropies of T weights with sum of squares `participation` (ENT-10d).

    The largest has one high weight and T - 1 equal ones; the smallest floor(1/participation) equal
    weights and the rest on one more.

    Parameters
    ----------
    T : int
        Number of weights, from 2 to 1e30.
    participation : float
        Sum of the squares, from 1/T (up to rounding) to 1.

    Returns
    -------
    EntropyRange

    Raises
    ------
    ValueError
        If an argument is out of its domain.

    Examples
    --------
    >>> entropy_range_at_participation(8, 0.5).min_entropy == math.log(2)
    True
    >>> round(entropy_range_at_participation(8, 0.5).max_entropy, 12)
    1.200709780986
    """
    T, y = _checked("participation", T, participation)
    # One weight a, T - 1 of (1 - a)/(T - 1).
    over = math.sqrt(max(T * y - 1.0, 0.0))
    root = math.sqrt(T - 1)
    high = min((1.0 + root * over) / T, 1.0)
    rest = min(root / (root + over) * (1.0 - y), 1.0 - 1.0 / T)
    largest = _x_log_x(high, rest) + _x_log_x(rest, high) + rest * math.log(T - 1)
    # k weights x, one of 1 - k x; 1 - y k is small and exact where y is close to 1/k.
    k = min(math.floor(1.0 / y), T - 1)
    root = math.sqrt(k * max((k + 1) * y - 1.0, 0.0))
    last = min(max(1.0 - k * y, 0.0) / (1.0 + root), 1.0 / (k + 1))
    smallest = (1.0 - last) * math.log(k) + _x_log_x(last, 1.0 - last) + _x_log_x(1.0 - last, last)
    return EntropyRange(smallest, max(largest, smallest))


def entropy_range_at_max_weight(T: int, max_weight: float) -> EntropyRange:
    """Return the extreme entropies of T weights whose largest one is `max_weight` (ENT-10e).

    The smallest has as many weights of that size as fit and one more; the largest has one and
    T - 1 equal ones.

    Parameters
    ----------
    T : int
        Number of weights, from 2 to 1e30.
    max_weight : float
        The largest weight, from 1/T (up to rounding) to 1.

    Returns
    -------
    EntropyRange

    Raises
    ------
    ValueError
        If an argument is out of its domain.

    Examples
    --------
    >>> entropy_range_at_max_weight(8, 0.5).min_entropy == math.log(2)
    True
    >>> round(entropy_range_at_max_weight(8, 0.5).max_entropy, 12)
    1.666102255088
    """
    T, p = _checked("max_weight", T, max_weight)
    rest = 1.0 - p
    own = _x_log_x(p, rest)
    largest = own + _x_log_x(rest, p) + rest * math.log(T - 1)
    k = min(math.floor(1.0 / p), T)
    last = min(max(1.0 - k * p, 0.0), p)
    smallest = k * own + _x_log_x(last, 1.0 - last)
    return EntropyRange(min(smallest, largest), largest)
