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

from qktheory.kernels import Moments, merge_moments

__all__ = ["LEAF", "MomentTree"]

FloatArray = NDArray[np.float64]

#: Samples of a leaf. Part of the definition of every result: changing it changes last digits.
LEAF = 256


@dataclass
class MomentTree:
    """Complete leaves merged as a binary counter: at most one subtree of each size.

    An incomplete last leaf is kept beside the tree, until a longer run draws it again.
    """

    leaves: int = 0
    _stack: list[tuple[int, Moments]] = field(default_factory=list)
    _rest: Moments | None = None

    def copy(self) -> MomentTree:
        """Return a tree that grows on its own."""
        return MomentTree(self.leaves, list(self._stack), self._rest)

    @property
    def samples(self) -> int:
        """Number of samples, those of the incomplete leaf included."""
        return self.leaves * LEAF + (0 if self._rest is None else int(self._rest.count[0]))

    def extend(self, leaves: Moments) -> None:
        """Append leaves in order, fields of shape (leaves, columns); only the last may be short.

        An incomplete leaf from before is dropped: the first new one must begin where it began.
        """
        whole = int(np.count_nonzero(leaves.count[:, 0] == LEAF))
        self._rest = leaves.group(whole) if whole < len(leaves.count) else None
        self._add(_slice(leaves, 0, 1, whole))

    def _add(self, leaves: Moments) -> None:
        """Append complete leaves.

        Level by level, all pairs of a level at once: the merges are those of adding one leaf after
        the other, and so are their bits.
        """
        count, position, level = len(leaves.count), self.leaves, 0
        self.leaves += count
        ends: list[tuple[int, Moments]] = []
        while count:
            if position % 2:
                # The partner of the first one has been waiting for it.
                partner = self._stack.pop()[1]
                first = merge_moments(partner, leaves.group(0))
                pairs = _pairs(leaves, 1)
                if count % 2 == 0:
                    ends.append((level, leaves.group(count - 1)))
                leaves = _joined(first, pairs)
                count = 1 + (count - 1) // 2
            else:
                if count % 2:
                    ends.append((level, leaves.group(count - 1)))
                leaves = _pairs(leaves, 0)
                count //= 2
            position //= 2
            level += 1
        self._stack.extend(reversed(ends))

    def total(self) -> Moments | None:
        """Return the merged statistics, fields of shape (columns,); None without samples."""
        parts = [moments for _, moments in self._stack]
        if self._rest is not None:
            parts.append(self._rest)
        if not parts:
            return None
        # The small subtrees are at the end: merging from there keeps the partners of similar size.
        merged = parts[-1]
        for part in reversed(parts[:-1]):
            merged = merge_moments(part, merged)
        return merged

    def arrays(self) -> tuple[list[int], FloatArray]:
        """Return the levels of the subtrees, -1 for the incomplete leaf, and their statistics.

        Returns
        -------
        levels : list of int
        statistics : ndarray of shape (len(levels), 5, columns)
            In the order of the fields of `Moments`; see `from_arrays`.
        """
        parts = list(self._stack)
        if self._rest is not None:
            parts.append((-1, self._rest))
        fields = [[p.count, p.mean, p.m2, p.minimum, p.maximum] for _, p in parts]
        return [level for level, _ in parts], np.array(fields)

    @classmethod
    def from_arrays(cls, levels: Sequence[int], statistics: FloatArray) -> MomentTree:
        """Build from what `arrays` returned."""
        parts = [(level, Moments(*part)) for level, part in zip(levels, statistics, strict=True)]
        rest = parts.pop()[1] if parts and parts[-1][0] < 0 else None
        return cls(sum(2**level for level, _ in parts), parts, rest)


def _slice(moments: Moments, start: int, step: int, stop: int) -> Moments:
    part = slice(start, stop, step)
    return Moments(
        moments.count[part],
        moments.mean[part],
        moments.m2[part],
        moments.minimum[part],
        moments.maximum[part],
    )


def _pairs(moments: Moments, start: int) -> Moments:
    """Merge neighbours from entry `start` on; a last one without a partner is left out."""
    stop = start + 2 * ((len(moments.count) - start) // 2)
    return merge_moments(_slice(moments, start, 2, stop), _slice(moments, start + 1, 2, stop))


def _joined(first: Moments, rest: Moments) -> Moments:
    """Put one entry in front of others."""

    def joined(a: FloatArray, b: FloatArray) -> FloatArray:
        return np.concatenate([a[None], b])

    return Moments(
        joined(first.count, rest.count),
        joined(first.mean, rest.mean),
        joined(first.m2, rest.m2),
        joined(first.minimum, rest.minimum),
        joined(first.maximum, rest.maximum),
    )
