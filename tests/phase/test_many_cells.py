"""Ten thousand cells: few tasks in flight, flat memory."""

from __future__ import annotations

import struct
import threading
import tracemalloc
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import qktheory as qk
import qktheory.phase.run as run_room
from qktheory.phase.journal import Record
from qktheory.phase.status import sweep_status
from qktheory.phase.tile import TileOutcome, TileRequest
from qktheory.phase.versions import versions
from tests.phase.cases import spec


class Counting(Executor):
    """Two threads, and how many tasks were handed over and not finished at most."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(2)
        self._max_workers = 2
        self._lock = threading.Lock()
        self.now = self.most = self.tasks = 0

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        with self._lock:
            self.now += 1
            self.tasks += 1
            self.most = max(self.most, self.now)
        return self._pool.submit(self._counted, fn, *args, **kwargs)

    def _counted(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        try:
            return fn(*args, **kwargs)
        finally:
            # Before the future is done: whoever waits for it may hand over the next task at once,
            # ahead of callbacks of the future.
            with self._lock:
                self.now -= 1


def pretend(request: TileRequest) -> TileOutcome:
    """A task with the size of a real one's answer, and none of its work."""
    state = struct.pack("<I", 2) + b"{}" + bytes(394)  # A header that tells nothing, and numbers.
    records = tuple(
        Record(cell.cell, "done", request.until, state, bytes(32), seconds=1e-6)
        if request.until >= request.goal.samples
        else Record(cell.cell, "partial", request.until, state, bytes(32))
        for cell in request.cells
    )
    return TileOutcome(records, len(records) * request.until, 1e-6, versions())


@pytest.mark.slow
def test_ten_thousand_cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = spec(**{"attention.normalizer": ["softmax"], "spectrum.xi": None})
    table |= {"observables": ["entropy"]}
    table["sweep"]["spectrum.eta"] = {"start": 1.5, "stop": 8.0, "num": 100}
    table["sweep"]["spectrum.xi"] = {"start": -3.0, "stop": 3.0, "num": 100}
    monkeypatch.setattr(run_room, "run_tile", pretend)
    grown: list[int] = []

    def watch(line: str, done: int, total: int) -> None:
        if done and not grown:
            tracemalloc.start()  # Cells have been validated; from here on memory is to stay flat.
        if done:
            grown.append(tracemalloc.get_traced_memory()[0])

    executor = Counting()
    try:
        diagram = qk.phase_diagram(table, tmp_path, executor=executor, progress=watch)
    finally:
        tracemalloc.stop()
    assert diagram.counts == {"done": 10_000}
    assert sweep_status(tmp_path).counts == {"done": 10_000}
    assert executor.most <= 2 * 2
    assert 10_000 / 64 <= executor.tasks < 500
    # A list of all answers would have added 10 MB.
    assert len(grown) > 100
    assert max(grown) < 3e6


def test_the_twin_that_hands_everything_over_is_seen() -> None:
    """The counting executor counts: submitting all at once shows."""
    executor = Counting()
    barrier = threading.Event()
    for _ in range(10):
        executor.submit(barrier.wait)
    assert executor.most == 10
    barrier.set()
