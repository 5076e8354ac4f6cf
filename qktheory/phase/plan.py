"""Which cells go into a tile, and how far a task brings them.

Cells that can share random numbers are kept together, as many as 64; a task then brings them as far
as takes about three quarters of a second, by the speed measured so far. None of this has an
influence on results, which is why it may depend on the clock.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from qktheory.phase.goal import Goal
from qktheory.phase.sweep import Sweep
from qktheory.simulation.moments import LEAF

__all__ = ["Plan", "Step"]

#: What a task should take.
_TASK_SECONDS = 0.75
_MOST_CELLS = 64
#: Samples of the first task of a group, a single cell's, from which its speed is known.
_PILOT_SAMPLES = 16


@dataclass(frozen=True)
class Step:
    """A task: cells with equally many samples, and the number to bring them to."""

    cells: tuple[int, ...]
    begin: int
    until: int
    group: str


class Plan:
    """Turns cells that are not finished into steps.

    Parameters
    ----------
    sweep : Sweep
        What is being run.
    todo : iterable of (int, int)
        Cells that need more samples, with the number they have.
    workers : int
        Number of workers to keep busy.

    Examples
    --------
    >>> sweep = Sweep.from_dict({"d": 4, "T": 8, "spectrum": {"law": "point"},
    ...                          "sweep": {"spectrum.location": [0.0, 0.1, 0.2], "samples": 500}})
    >>> plan = Plan(sweep, [(0, 0), (1, 0), (2, 0)], workers=1)
    >>> plan.next().cells, plan.next()  # a pilot; what follows waits for its speed
    ((0,), None)
    """

    def __init__(self, sweep: Sweep, todo: Iterable[tuple[int, int]], workers: int) -> None:
        self._goal: Goal = sweep.goal
        self._workers = workers
        self._groups: dict[str, deque[tuple[int, int]]] = {}
        self._seconds: dict[str, float] = {}
        self._pilots: set[str] = set()
        self.pending = 0
        name_of = _grouping(sweep)
        for cell, samples in todo:
            self._groups.setdefault(f"{name_of(cell)} {samples}", deque()).append((cell, samples))
            self.pending += 1

    def next(self) -> Step | None:
        """Return a step of cells that are not worked on, None if there is none for the moment."""
        for group, waiting in self._groups.items():
            speed = self._seconds.get(group)
            if speed is None:
                if group in self._pilots:
                    continue
                self._pilots.add(group)
                size = 1
            else:
                shortest = min(self._goal.samples, LEAF)
                affordable = int(_TASK_SECONDS / (speed * shortest))
                fair = -(-self.pending // (2 * self._workers))
                size = max(1, min(affordable, fair, _MOST_CELLS, len(waiting)))
            taken = [waiting.popleft() for _ in range(size)]
            self.pending -= size
            if not waiting:
                del self._groups[group]
            begin = taken[0][1]
            cells = tuple(cell for cell, _ in taken)
            return Step(cells, begin, self._until(group, size, begin), group)
        return None

    def following(self, step: Step, unfinished: tuple[int, ...], samples: int) -> Step:
        """Return the step after one that left some of its cells unfinished."""
        return Step(
            unfinished, samples, self._until(step.group, len(unfinished), samples), step.group
        )

    def measured(self, step: Step, drawn: int, seconds: float) -> None:
        """Take note of how long a step took."""
        if drawn > 0:
            self._seconds[step.group] = max(seconds / drawn, 1e-9)
        elif step.group not in self._seconds:
            self._pilots.discard(step.group)

    def _until(self, group: str, size: int, begin: int) -> int:
        """Return how far to bring `size` cells of a group that have `begin` samples."""
        speed = self._seconds.get(group)
        if speed is None:
            return min(self._goal.samples, begin + _PILOT_SAMPLES)
        # Whole leaves: an incomplete one is drawn again with the next step.
        leaves = max(1, int(_TASK_SECONDS / (speed * size * LEAF)))
        return min(self._goal.samples, (begin // LEAF + leaves) * LEAF)


def _grouping(sweep: Sweep) -> Callable[[int], str]:
    """Return what tells from a cell which others may share its random numbers."""
    shaping = [
        name
        for name in sweep.names
        if name in ("d", "T") or name.startswith(("tokens.", "attention.query"))
    ]
    if not shaping:
        return lambda cell: ""
    return lambda cell: json.dumps([sweep.values(cell)[name] for name in shaping])
