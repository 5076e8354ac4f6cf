"""What rows of logits offer that are made from fewer numbers and formed when asked for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from qktheory.kernels.rows import row_statistics
from qktheory.kernels.segments import softmax_segments

__all__ = ["LogitRows"]

Float = NDArray[np.float64]


class LogitRows(ABC):
    """n rows of T logits.

    Here everything is read off the rows once they are formed; subclasses override what they can
    have without forming them.
    """

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of rows."""

    @property
    @abstractmethod
    def T(self) -> int:
        """Number of keys of a row."""

    @property
    @abstractmethod
    def own_key(self) -> NDArray[np.intp]:
        """Number, from 0, of the query among the keys of each row, shape (n,)."""

    @abstractmethod
    def logits(self) -> Float:
        """Return the rows, shape (n, T)."""

    def own_logit(self) -> Float:
        """Return the logit of each query with its own key, shape (n,)."""
        return np.asarray(self.logits()[np.arange(len(self)), self.own_key])

    def softmax_segments(self, ends: Sequence[int]) -> Float:
        """Return `qktheory.kernels.softmax_segments` of the rows."""
        return softmax_segments(self.logits(), ends)

    def softmax_statistics(self, *, variance: bool = True) -> Float:
        """Return `qktheory.kernels.row_statistics` of the rows."""
        return row_statistics(self.logits(), variance=variance)
