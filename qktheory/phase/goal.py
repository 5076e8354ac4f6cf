"""How much is to be drawn in each cell: a number of samples, or an accuracy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from qktheory.base.domains import Integer, Real
from qktheory.base.errors import bad_value
from qktheory.simulation.estimate import Estimate

__all__ = ["DEFAULT_SAMPLES", "Goal"]

DEFAULT_SAMPLES = 10_000
DEFAULT_MAX_SAMPLES = 1 << 20
#: Samples after which an accuracy is looked at for the first time, and then at each doubling.
_FIRST_ROUND = 1 << 10
_SAMPLES = Integer(low=1, high=10**15)
_WIDTH = Real(low=0.0, low_open=True)


@dataclass(frozen=True)
class Goal:
    """When a cell has samples enough.

    Parameters
    ----------
    samples : int
        Samples of each cell; with a target, the most that a cell may take.
    target_half_width : float, optional
        Half-width of its interval that every observable is to reach, in all its components. It is
        looked at after 1024, 2048, 4096, ... samples, so no result depends on how the work was
        split.

    Examples
    --------
    >>> list(Goal(5000, 0.01).rounds(after=1500))
    [2048, 4096, 5000]
    >>> list(Goal(5000).rounds())
    [5000]
    """

    samples: int = DEFAULT_SAMPLES
    target_half_width: float | None = None

    def __post_init__(self) -> None:
        name = "samples" if self.target_half_width is None else "max_samples"
        object.__setattr__(self, "samples", _SAMPLES.check(name, self.samples))
        if self.target_half_width is not None:
            width = _WIDTH.check("target_half_width", self.target_half_width)
            object.__setattr__(self, "target_half_width", width)

    @classmethod
    def from_dict(cls, table: Mapping[str, Any]) -> Goal:
        """Read ``samples``, or ``target_half_width`` with ``max_samples``."""
        samples, target = table.get("samples"), table.get("target_half_width")
        most = table.get("max_samples")
        if samples is not None and target is not None:
            raise bad_value("samples", samples, "samples or target_half_width, not both")
        if target is None and most is not None:
            raise bad_value("max_samples", most, "a target_half_width beside it")
        if target is None:
            return cls(DEFAULT_SAMPLES if samples is None else samples)
        return cls(DEFAULT_MAX_SAMPLES if most is None else most, target)

    def to_dict(self) -> dict[str, Any]:
        """Return the table that `from_dict` reads."""
        if self.target_half_width is None:
            return {"samples": self.samples}
        return {"target_half_width": self.target_half_width, "max_samples": self.samples}

    def rounds(self, after: int = 0) -> Iterator[int]:
        """Yield the numbers of samples > `after` at which a cell may be finished."""
        look = _FIRST_ROUND
        while self.target_half_width is not None and look < self.samples:
            if look > after:
                yield look
            look *= 2
        if self.samples > after:
            yield self.samples

    def is_round(self, n: int) -> bool:
        """Return whether a cell may be finished at n samples."""
        return n >= self.samples or next(self.rounds(n - 1)) == n

    def met(self, estimates: Mapping[str, Estimate]) -> bool:
        """Return whether estimates are as accurate as asked for."""
        if self.target_half_width is None:
            return all(estimate.n >= self.samples for estimate in estimates.values())
        return all(
            float(np.max(estimate.high - estimate.low)) <= 2.0 * self.target_half_width
            for estimate in estimates.values()
        )

    def beyond(self, earlier: Goal) -> Goal:
        """Return what to aim at after an earlier goal: numbers of samples never shrink."""
        if self.target_half_width is None and earlier.target_half_width is None:
            return self if self.samples >= earlier.samples else earlier
        return self
