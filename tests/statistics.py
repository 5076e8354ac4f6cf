"""Statistical comparisons with a stated false-alarm rate and a stated power.

A `Distance` says how far two samples (or a sample and a number) are apart, the threshold that equal
laws exceed with probability `ALARM` at most, and the smallest true distance that the comparison
overlooks with probability `MISS` at most. A specification asserts `agrees` for what must be equal,
`differs` for the planted error, and may assert that `visible` is as small as it claims.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

__all__ = ["ALARM", "MISS", "Distance", "distance_of_laws", "distance_of_means", "too_many"]

#: False-alarm rate of one comparison at a fresh seed; six standard errors for means.
ALARM = 2e-9
#: Probability of overlooking a true distance of `visible`.
MISS = 1e-3


@dataclass(frozen=True)
class Distance:
    """What was found, what chance explains, and what could have been seen."""

    found: float
    threshold: float
    visible: float

    @property
    def agrees(self) -> bool:
        return self.found <= self.threshold

    @property
    def differs(self) -> bool:
        return self.found > self.threshold


def distance_of_means(a: ArrayLike, b: ArrayLike | float) -> Distance:
    """Compare the mean of a sample with that of another one, or with a number.

    Normal approximation: right as samples grow, so use a thousand or more of variables without
    extreme tails. Samples that do not vary at all must be equal to 1e-12 of their size, and to
    1e-14 if they should vanish.
    """
    first = np.asarray(a, dtype=np.float64).ravel()
    second = np.asarray(b, dtype=np.float64).ravel()
    variance = first.var(ddof=1) / first.size
    if second.size > 1:
        variance += second.var(ddof=1) / second.size
    error = math.sqrt(variance) + max(1e-12 * float(np.abs(second).max()), 1e-14) / 6.0
    alarm, miss = -float(ndtri(ALARM / 2.0)), -float(ndtri(MISS))
    found = abs(float(first.mean() - second.mean()))
    return Distance(found, alarm * error, (alarm + miss) * error)


def distance_of_laws(a: ArrayLike, b: ArrayLike) -> Distance:
    """Compare two samples of equal size n by the Kolmogorov distance of their empirical laws.

    Finite-sample, for any laws: P(D > t) <= 2 exp(-n t^2) for n >= 458 (Wei and Dudley 2012,
    Theorem 1).
    """
    first, second = (np.sort(np.asarray(x, dtype=np.float64).ravel()) for x in (a, b))
    n = first.size
    assert second.size == n >= 458
    points = np.concatenate([first, second])
    # A step aside for values that should be equal but differ in their last bits: it can only make
    # the distance smaller.
    aside = points + 1e-10 * (1.0 + np.abs(points))
    here, there = (
        [np.searchsorted(x, where, "right") for x in (first, second)] for where in (points, aside)
    )
    found = max(int((here[0] - there[1]).max()), int((here[1] - there[0]).max()), 0) / n
    threshold = math.sqrt(math.log(2.0 / ALARM) / n)
    # One-sample Dvoretzky-Kiefer-Wolfowitz for both empirical laws.
    overlooked = 2.0 * math.sqrt(math.log(4.0 / MISS) / (2.0 * n))
    return Distance(found, threshold, threshold + overlooked)


def too_many(count: int, trials: int, rate: float) -> bool:
    """Whether a count is more than chance explains if events have probability `rate` at most.

    Chernoff's bound in the form of Hoeffding (1963): P(count >= c) <= exp(-trials KL(c/n, rate)).
    """
    share = count / trials
    if share <= rate:
        return False
    rest = 0.0 if share == 1.0 else (1.0 - share) * math.log((1.0 - share) / (1.0 - rate))
    return math.exp(-trials * (share * math.log(share / rate) + rest)) < ALARM
