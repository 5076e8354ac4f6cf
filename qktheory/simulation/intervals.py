"""Confidence intervals that may be looked at after any number of samples.

An error budget delta is spent over the numbers n of samples at which an interval could be looked
at, once and for all (`spent`), and the interval at n is a fixed-n interval at level `spent(n)`. By
the union bound all intervals together cover with probability at least 1 - delta, whatever rule
decides when to stop. Only (n, mean, variance, range) enter, so estimates merge.

The share of a number on the schedule (powers of two, and 1, 2, 5 times powers of ten) is large;
other numbers are covered too, at a price of 20 to 30 % in width.
"""

from __future__ import annotations

import bisect
import math
from functools import cache, lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from qktheory.base.domains import Real
from qktheory.kernels import Moments

__all__ = ["Guarantee", "confidence_interval", "spent"]

FloatArray = NDArray[np.float64]
Guarantee = Literal["finite-sample", "asymptotic", "infinite variance", "infinite mean"]

#: Error probability per run, unless the user asks for another one.
DEFAULT_DELTA = 1e-6
DELTA = Real(low=0.0, high=1.0, low_open=True, high_open=True)

_FIRST_ON_SCHEDULE = 64
_SHARE_OFF_SCHEDULE = 0.1


@cache
def _schedule() -> tuple[int, ...]:
    numbers = {2**k for k in range(60)} | {m * 10**e for m in (1, 2, 5) for e in range(18)}
    return tuple(sorted(n for n in numbers if n >= _FIRST_ON_SCHEDULE))


@lru_cache(maxsize=1024)
def spent(n: int) -> float:
    """Return the share of the error budget that is spent on looking after n samples.

    Parameters
    ----------
    n : int
        Number of samples, >= 1.

    Returns
    -------
    float
        0.9/(j (j + 1)) for the j-th number of the schedule plus 0.1/(n (n + 1)); the shares of all
        n sum to at most one.

    Examples
    --------
    >>> sum(spent(n) for n in range(1, 100_000)) < 1.0
    True
    >>> spent(10_000) / spent(10_001) > 1e5
    True
    """
    share = _SHARE_OFF_SCHEDULE / (n * (n + 1.0))
    schedule = _schedule()
    place = bisect.bisect_left(schedule, n)
    if place < len(schedule) and schedule[place] == n:
        share += (1.0 - _SHARE_OFF_SCHEDULE) / ((place + 1.0) * (place + 2.0))
    return share


def confidence_interval(
    moments: Moments,
    delta: float,
    bounds: tuple[float, float] | None,
    components: int | None = None,
) -> tuple[FloatArray, FloatArray, Guarantee]:
    """Return intervals for the means that hold simultaneously over components and over time.

    Parameters
    ----------
    moments : Moments
        Statistics of n independent samples of k components.
    delta : float
        Probability that any component is missed at any n, in (0, 1).
    bounds : tuple of float or None
        Range of every component. With a range: the empirical Bernstein bound of Maurer and Pontil
        (2009, Theorem 4), valid for every n. Without: the normal approximation with a first-order
        allowance for skewness from the observed extremes, valid as n grows.
    components : int, optional
        Over how many of the k components intervals hold simultaneously, all by default: many
        observables of the same range are served by one call.

    Returns
    -------
    low, high : ndarray of shape (k,)
        Ends of the intervals, cut to the range.
    guarantee : {"finite-sample", "asymptotic"}
        What the error probability rests on.

    Examples
    --------
    >>> sample = Moments(*(np.array([x]) for x in (10_000.0, 0.5, 2500.0, 0.0, 1.0)))
    >>> low, high, guarantee = confidence_interval(sample, 1e-6, (0.0, 1.0))
    >>> bool(0.46 < low[0] < 0.5 < high[0] < 0.54), guarantee
    (True, 'finite-sample')
    """
    n = int(moments.count[0])
    together = moments.mean.size if components is None else components
    level = DELTA.check("delta", delta) * spent(n) / together
    variance = moments.variance
    if bounds is None:
        if n < 2:
            infinite = np.full_like(moments.mean, np.inf)
            return -infinite, infinite, "asymptotic"
        quantile = -float(ndtri(level / 2.0))
        half = quantile * np.sqrt(variance / n)
        # Skewness shifts the quantile of the standardised mean by skewness (2 z^2 + 1)/(6 sqrt n)
        # to first order (Hall 1992, section 2.5), and is at most the largest deviation in standard
        # deviations. A sample that lacks its large values has too small a mean and variance.
        shift = (2.0 * quantile**2 + 1.0) / (6.0 * n)
        below = half + shift * (moments.mean - moments.minimum)
        above = half + shift * (moments.maximum - moments.mean)
        return moments.mean - below, moments.mean + above, "asymptotic"
    low, high = bounds
    if n < 2:
        return np.full_like(moments.mean, low), np.full_like(moments.mean, high), "finite-sample"
    log_level = math.log(4.0 / level)
    half = np.sqrt(2.0 * variance * log_level / n)
    half += (high - low) * 7.0 * log_level / (3.0 * (n - 1))
    # The mean itself may leave the range by a rounding error; the interval must contain it.
    lower = np.minimum(np.maximum(moments.mean - half, low), moments.mean)
    upper = np.maximum(np.minimum(moments.mean + half, high), moments.mean)
    return lower, upper, "finite-sample"
