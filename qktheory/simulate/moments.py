"""Mergeable statistics with bits that do not depend on how the work was split.

Samples are grouped into leaves of `LEAF` consecutive samples. The statistics of a leaf depend on
its samples alone, and leaves are merged in the order and shape of a binary counter, which depends
on their number alone. So any split over threads or batches, and any extension of a run, ends in the
same bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["LEAF", "MomentTree", "Moments"]

FloatArray = NDArray[np.float64]

#: Samples of a leaf. Part of the definition of every result: changing it changes last digits.
LEAF = 256


@dataclass(frozen=True)
class Moments:
    """Count, mean, sum of squared deviations and extremes of k observables.

    Parameters
    ----------
    n : int
        Number of samples.
    mean, m2, minimum, maximum : ndarray of shape (k,)
        `m2` is the sum of squared deviations from the mean.
    """

    n: int
    mean: FloatArray
    m2: FloatArray
    minimum: FloatArray
    maximum: FloatArray

    def merge(self, other: Moments) -> Moments:
        """Return the statistics of both sets of samples together (Chan, Golub, LeVeque 1983).

        Examples
        --------
        >>> one, two = (Moments(1, *(np.array([v]) for v in (x, 0, x, x))) for x in (1.0, 3.0))
        >>> both = one.merge(two)
        >>> both.n, both.mean, both.variance
        (2, array([2.]), array([2.]))
        """
        n = self.n + other.n
        difference = other.mean - self.mean
        return Moments(
            n,
            self.mean + difference * (other.n / n),
            self.m2 + other.m2 + difference * difference * (self.n * other.n / n),
            np.minimum(self.minimum, other.minimum),
            np.maximum(self.maximum, other.maximum),
        )

    @property
    def variance(self) -> FloatArray:
        """Unbiased sample variance, 0 for a single sample."""
        return self.m2 / max(self.n - 1, 1)


@dataclass
class MomentTree:
    """Complete leaves merged as a binary counter: at most one subtree of each size."""

    leaves: int = 0
    _stack: list[tuple[int, Moments]] = field(default_factory=list)

    def add(self, leaf: Moments) -> None:
        """Append the next complete leaf."""
        level = 0
        while self._stack and self._stack[-1][0] == level:
            leaf = self._stack.pop()[1].merge(leaf)
            level += 1
        self._stack.append((level, leaf))
        self.leaves += 1

    def total(self, rest: Sequence[Moments] = ()) -> Moments | None:
        """Return the merged statistics, a last incomplete leaf included; None without samples."""
        parts = [moments for _, moments in self._stack] + list(rest)
        if not parts:
            return None
        # The small subtrees are at the end: merging from there keeps the partners of similar size.
        merged = parts[-1]
        for part in reversed(parts[:-1]):
            merged = part.merge(merged)
        return merged
