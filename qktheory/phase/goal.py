"""How much is to be drawn in each cell: a number of samples, an accuracy, or a decided phase."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from qktheory.base.domains import Choice, Integer, Real
from qktheory.base.errors import bad_value
from qktheory.simulation.estimate import Estimate

__all__ = ["DEFAULT_SAMPLES", "GOAL_NAMES", "Goal"]

DEFAULT_SAMPLES = 10_000
DEFAULT_MAX_SAMPLES = 1 << 20
#: A cell on a boundary is never decided: this is what it costs.
DEFAULT_MAX_UNDECIDED = 1 << 16
#: Samples after which a goal is looked at for the first time, and then at each doubling.
_FIRST_ROUND = 1 << 10
_SAMPLES = Integer(low=1, high=10**15)
_WIDTH = Real(low=0.0, low_open=True)
_REFINE = Choice(("phase",))
#: Names of a table that belong to a goal.
GOAL_NAMES = ("samples", "target_half_width", "refine", "min_samples", "max_samples")


@dataclass(frozen=True)
class Goal:
    """When a cell has samples enough.

    Parameters
    ----------
    samples : int
        Samples of each cell; with a target or a refinement, the most that a cell may take.
    target_half_width : float, optional
        Half-width of its interval that every observable is to reach, in all its components. It is
        looked at after 1024, 2048, 4096, ... samples, so no result depends on how the work was
        split.
    refine : {"phase"}, optional
        Sample a cell until its phase is decided, see `qktheory.phase.decided`, looked at after the
        same numbers: samples go where phases meet.
    min_samples : int, optional
        With a refinement, samples before which no cell is finished.

    Examples
    --------
    >>> list(Goal(5000, 0.01).rounds(after=1500))
    [2048, 4096, 5000]
    >>> list(Goal(5000).rounds())
    [5000]
    >>> list(Goal(5000, refine="phase", min_samples=2000).rounds())
    [2048, 4096, 5000]
    """

    samples: int = DEFAULT_SAMPLES
    target_half_width: float | None = None
    refine: str | None = None
    min_samples: int = 1

    def __post_init__(self) -> None:
        name = "max_samples" if self.looks else "samples"
        object.__setattr__(self, "samples", _SAMPLES.check(name, self.samples))
        least = Integer(low=1, high=self.samples).check("min_samples", self.min_samples)
        object.__setattr__(self, "min_samples", least)
        if self.refine is not None:
            object.__setattr__(self, "refine", _REFINE.check("refine", self.refine))
        if self.target_half_width is not None:
            width = _WIDTH.check("target_half_width", self.target_half_width)
            object.__setattr__(self, "target_half_width", width)

    @property
    def looks(self) -> bool:
        """Whether a cell may be finished before it has taken all its samples."""
        return self.target_half_width is not None or self.refine is not None

    @classmethod
    def from_dict(cls, table: Mapping[str, Any]) -> Goal:
        """Read ``samples``, or ``target_half_width`` or ``refine`` with ``max_samples``."""
        given = {name: table[name] for name in GOAL_NAMES if table.get(name) is not None}
        kinds = [name for name in ("samples", "target_half_width", "refine") if name in given]
        if len(kinds) > 1:
            words = f"{kinds[0]} or {kinds[1]}, not both"
            raise bad_value(kinds[0], given[kinds[0]], words)
        kind = kinds[0] if kinds else "samples"
        for name, beside in (
            ("max_samples", ("target_half_width", "refine")),
            ("min_samples", ("refine",)),
        ):
            if name in given and kind not in beside:
                raise bad_value(name, given[name], f"a {' or a '.join(beside)} beside it")
        if kind == "samples":
            return cls(given.get("samples", DEFAULT_SAMPLES))
        if kind == "target_half_width":
            return cls(given.get("max_samples", DEFAULT_MAX_SAMPLES), given[kind])
        return cls(
            given.get("max_samples", DEFAULT_MAX_UNDECIDED),
            refine=given[kind],
            min_samples=given.get("min_samples", 1),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the table that `from_dict` reads."""
        if self.refine is not None:
            least = {"min_samples": self.min_samples, "max_samples": self.samples}
            return {"refine": self.refine, **least}
        if self.target_half_width is None:
            return {"samples": self.samples}
        return {"target_half_width": self.target_half_width, "max_samples": self.samples}

    def rounds(self, after: int = 0) -> Iterator[int]:
        """Yield the numbers of samples > `after` at which a cell may be finished."""
        look = _FIRST_ROUND
        while self.looks and look < self.samples:
            if look > after and look >= self.min_samples:
                yield look
            look *= 2
        if self.samples > after:
            yield self.samples

    def is_round(self, n: int) -> bool:
        """Return whether a cell may be finished at n samples."""
        return n >= self.samples or next(self.rounds(n - 1)) == n

    def accurate(self, estimates: Mapping[str, Estimate]) -> bool:
        """Return whether estimates are as accurate as asked for."""
        if self.target_half_width is None:
            return all(estimate.n >= self.samples for estimate in estimates.values())
        return all(
            float(np.max(estimate.high - estimate.low)) <= 2.0 * self.target_half_width
            for estimate in estimates.values()
        )

    def beyond(self, earlier: Goal) -> Goal:
        """Return what to aim at after an earlier goal: numbers of samples never shrink."""
        if not self.looks and not earlier.looks:
            return self if self.samples >= earlier.samples else earlier
        return self
