"""Mergeable statistics with bits that do not depend on how the work was split.

Samples are grouped into leaves of `LEAF` consecutive samples. The statistics of a leaf depend on
its samples alone, and leaves are merged in the order and shape of a binary counter, which depends
on their number alone. So any split over threads or batches, and any extension of a run, ends in the
same bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from qktheory.kernels import Moments, merge_moments

__all__ = ["LEAF", "MomentTree"]

#: Samples of a leaf. Part of the definition of every result: changing it changes last digits.
LEAF = 256


@dataclass
class MomentTree:
    """Complete leaves merged as a binary counter: at most one subtree of each size."""

    leaves: int = 0
    _stack: list[tuple[int, Moments]] = field(default_factory=list)

    def copy(self) -> MomentTree:
        """Return a tree that grows on its own."""
        return MomentTree(self.leaves, list(self._stack))

    def add(self, leaf: Moments) -> None:
        """Append the next complete leaf."""
        level = 0
        while self._stack and self._stack[-1][0] == level:
            leaf = merge_moments(self._stack.pop()[1], leaf)
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
            merged = merge_moments(part, merged)
        return merged
