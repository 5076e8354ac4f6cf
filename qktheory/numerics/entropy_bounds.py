"""Smallest entropy of a softmax row of bounded logits: in a ball (ENT-9), of a range (ENT-10).

A row with k logits higher by Delta than the other T - k has the entropy

    H_k = ln k + ln(1 + e^L) + Delta sigma(L),   L = ln((T - k)/k) - Delta,

with the logistic function sigma; both minima are of this form.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from qktheory.base.domains import Integer, Real
from qktheory.base.errors import bad_value
from qktheory.numerics.logarithm import scaled_log_remainder

__all__ = [
    "RangeMinimum",
    "RelaxedDeficit",
    "ball_min_entropy",
    "range_min_entropy",
    "relaxed_range_deficit",
    "two_level_entropy",
]

_COUNT = Integer(low=2, high=10**30)
_RADIUS = Real(low=0.0)
_RANGE = Real(low=0.0, low_open=True)
#: Beyond this gap the lower level has no weight left in double precision.
_ALL = 2000.0


class RangeMinimum(NamedTuple):
    """Smallest entropy at a given range of the logits.

    Attributes
    ----------
    min_entropy : float
        In nats.
    k_best : int
        Number of high logits of the row that attains it.
    """

    min_entropy: float
    k_best: int


class RelaxedDeficit(NamedTuple):
    """Largest ln T - H at a given range of the logits over all T.

    Attributes
    ----------
    kl_star : float
        M - 1 - ln M with M = Delta/(1 - e^-Delta).
    p_star : float
        Fraction of high logits that attains it, (M - 1)/(e^Delta - 1).
    """

    kl_star: float
    p_star: float


def two_level_entropy(T: int, high: int, gap: float) -> float:
    """Return the entropy of a row with `high` logits that lie `gap` above the other ones.

    Parameters
    ----------
    T : int
        Number of keys, >= 2.
    high : int
        How many are high, 1 to T - 1.
    gap : float
        Distance of the two levels, >= 0.

    Returns
    -------
    float
        In nats; relatively accurate down to the smallest normal numbers.

    Raises
    ------
    ValueError
        If an argument is out of its domain.

    Examples
    --------
    >>> two_level_entropy(4, 1, 0.0) == math.log(4)
    True
    >>> two_level_entropy(8, 1, 50.0)
    6.88...e-20
    """
    T, gap = _COUNT.check("T", T), _RADIUS.check("gap", gap)
    high = Integer(low=1).check("high", high)
    if high >= T:
        raise bad_value("high", high, f"an integer < T = {T}")
    if gap == 0.0:
        return math.log(T)
    if gap > _ALL:
        return math.log(high)
    odds = math.log(T - high) - math.log(high) - gap
    if odds > 0.0:
        # The lower level is the heavier one: in terms of e^-L the same sum has no cancellation.
        other = math.exp(-odds)
        return math.log(T - high) + math.log1p(other) - gap * other / (1.0 + other)
    other = math.exp(odds)
    return math.log(high) + math.log1p(other) + gap * other / (1.0 + other)


def ball_min_entropy(T: int, radius: float) -> float:
    """Return the smallest entropy of a row with |l - mean l| <= radius (ENT-9a).

    Attained by one high logit, the others equal, at distance `radius`.

    Parameters
    ----------
    T : int
        Number of keys, from 2 to 1e30.
    radius : float
        Largest Euclidean norm of the centred logits, >= 0.

    Returns
    -------
    float
        In nats; relative error below about (1 + gap) epsilons, gap = radius sqrt(T/(T - 1)).

    Raises
    ------
    ValueError
        If an argument is out of its domain.

    References
    ----------
    Zhai et al. (2023), arXiv:2303.06296, Theorem 3.1.

    Examples
    --------
    >>> round(ball_min_entropy(64, 8.0), 13)
    0.1764992799338
    """
    T, radius = _COUNT.check("T", T), _RADIUS.check("radius", radius)
    # T/(T - 1) of integers, so that no digit is lost; min keeps the product finite.
    return two_level_entropy(T, 1, min(radius, _ALL) * math.sqrt(T / (T - 1)))


def _relative_maximum(gap: float) -> float:
    """Return M - 1 for M = gap/(1 - e^-gap), relatively accurate."""
    if gap < 0.5:
        # sum B_2k gap^2k/(2k)!, up to the term that is at rounding at gap = 1/2.
        square = gap * gap
        series = 1.0 / 47900160 - square * (691.0 / 1307674368000)
        for coefficient in (-1.0 / 1209600, 1.0 / 30240, -1.0 / 720, 1.0 / 12):
            series = coefficient + square * series
        return gap / 2.0 + square * series
    return (gap + math.expm1(-gap)) / -math.expm1(-gap)


def relaxed_range_deficit(logit_range: float) -> RelaxedDeficit:
    """Return the largest ln T - H of rows with max l - min l <= logit_range, over all T (ENT-10b).

    Parameters
    ----------
    logit_range : float
        Range Delta of the logits, > 0.

    Returns
    -------
    RelaxedDeficit
        Both relatively accurate: Delta^2/8 and 1/2 for small Delta, about Delta - 1 - ln Delta and
        (Delta - 1) e^-Delta (0 where that underflows) for large.

    Raises
    ------
    ValueError
        If the range is not a number > 0.

    Examples
    --------
    >>> round(relaxed_range_deficit(2.0).kl_star, 12)
    0.474474647071
    >>> round(relaxed_range_deficit(1e-8).kl_star / 1e-16 * 8.0, 12)
    1.0
    """
    gap = _RANGE.check("logit_range", logit_range)
    excess = _relative_maximum(gap)
    share = excess * math.exp(-min(gap, _ALL)) / -math.expm1(-gap)
    if excess < 1.0:
        deficit = excess * excess * float(scaled_log_remainder(excess))
    else:
        deficit = excess - math.log1p(excess)
    return RelaxedDeficit(deficit, share)


def range_min_entropy(T: int, logit_range: float) -> RangeMinimum:
    """Return the smallest entropy of a row with max l - min l <= logit_range (ENT-10a).

    Parameters
    ----------
    T : int
        Number of keys, from 2 to 1e30.
    logit_range : float
        Range Delta of the logits, > 0.

    Returns
    -------
    RangeMinimum
        The smaller number of high logits if two of them tie.

    Raises
    ------
    ValueError
        If an argument is out of its domain.

    Notes
    -----
    In y = 1 + (k/T)(e^Delta - 1) the deficit is ln T - H_k = M (1 - 1/y) - ln y, which rises for
    y < M and falls for y > M. So the best integer is a neighbour of the best real number T p_star,
    or the end of 1..T-1 on its side: two candidates, whatever T.

    Examples
    --------
    >>> range_min_entropy(64, 2.0).k_best
    13
    >>> range_min_entropy(10**12, 1.0).k_best
    338696887338
    """
    T, gap = _COUNT.check("T", T), _RANGE.check("logit_range", logit_range)
    low = math.floor(T * relaxed_range_deficit(gap).p_star)
    low = min(max(low, 1), T - 1)
    best = low + 1 if low + 1 < T and _gains(T, low, gap) else low
    return RangeMinimum(two_level_entropy(T, best, gap), best)


def _gains(T: int, k: int, gap: float) -> bool:
    """Return whether k + 1 high logits have a smaller entropy than k.

    The deficits differ by M eps/y' - ln(1 + eps) with y' = y + step, eps = step/y, and this is
    eps ((M - y')/y' + eps R) with R the scaled remainder of the logarithm: only small numbers.
    """
    if gap > 700.0:  # T p_star < 1: one high logit is best.
        return False
    rise = math.expm1(gap)
    after = (k + 1) / T * rise
    eps = rise / (T + k * rise)
    slope = (_relative_maximum(gap) - after) / (1.0 + after)
    return slope + eps * float(scaled_log_remainder(eps)) > 0.0
