"""Running a sweep: start, resume, extend; whatever happens, finished work is kept."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from qktheory.base.files import check_folder, write_file
from qktheory.phase.cells import Cells
from qktheory.phase.executors import InFlight, sweep_workers
from qktheory.phase.journal import JOURNAL_NAME, Journal, Record
from qktheory.phase.lock import exclusive
from qktheory.phase.plan import Plan, Step
from qktheory.phase.result import sweep_dataset, write_result
from qktheory.phase.sweep import Sweep
from qktheory.phase.tile import CellRequest, TileOutcome, TileRequest, run_tile
from qktheory.phase.versions import differing, versions
from qktheory.simulation.engine import Workers

if TYPE_CHECKING:
    import xarray

__all__ = ["SPEC_NAME", "Progress", "run_sweep"]

SPEC_NAME = "spec.toml"
#: Statuses of cells without samples that a repeated run tries again: what was in the way, such as
#: too little memory, may be gone.
_TRIED_AGAIN = ("missing", "failed", "infeasible")

Progress = Callable[[str, int, int], None]


def run_sweep(
    sweep: Sweep,
    folder: str | Path,
    *,
    executor: str | Executor | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> tuple[Sweep, xarray.Dataset]:
    """Draw what a sweep lacks, into the journal of a folder, and write its result.

    A folder that holds an unfinished run of the same sweep is gone on with; one that holds a
    finished run is given more samples if more are asked for. Cells that failed, or turned out
    infeasible only when they were to be drawn, are tried again. Values do not depend on any of
    this, nor on executor and workers.

    Parameters
    ----------
    sweep : Sweep
        What to run.
    folder : str or Path
        Where the journal is, or is to be; made if necessary.
    executor, workers
        See `qktheory.phase.executors.sweep_workers`.
    progress : callable, optional
        Called with a line about speed and remaining time, cells finished, cells in all.

    Returns
    -------
    sweep : Sweep
        With the goal that was aimed at: a number of samples never shrinks.
    result : xarray.Dataset
        What ``result.nc`` holds, see `qktheory.phase.result.sweep_dataset`.

    Raises
    ------
    ValueError
        If no cell is feasible; if the folder is that of another sweep, in use, damaged or cannot be
        written to; if the disk is full, or a worker process dies. What was committed is kept.
    KeyboardInterrupt
        Passed on; all work that came back from the workers is committed.
    """
    folder = check_folder("folder", folder)
    report = progress or (lambda line, done, total: None)
    report("validating cells", 0, sweep.cells)
    cells = Cells(sweep)
    with sweep_workers(executor, workers) as pool, _opened(sweep, folder, cells) as journal:
        sweep = sweep.replace(goal=sweep.goal.beyond(journal.sweep.goal))
        if sweep.goal != journal.sweep.goal:
            journal.set_goal(sweep)
        write_file(folder / SPEC_NAME, sweep.to_toml())
        _Runner(sweep, cells, journal, pool, report).run()
        # Still locked: what is written is what was run.
        dataset = sweep_dataset(journal)
        write_result(dataset, folder)
    return sweep, dataset


@contextmanager
def _opened(sweep: Sweep, folder: Path, cells: Cells) -> Iterator[Journal]:
    """Hold a folder, with its journal open."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"{folder} cannot be made ({error.strerror})") from None
    with exclusive(folder):
        for left_over in folder.glob(".*.partial"):
            left_over.unlink(missing_ok=True)
        if (folder / JOURNAL_NAME).exists():
            journal = Journal.open(folder)
        else:
            journal = Journal.create(folder, sweep, cells.infeasible)
        with journal:
            if journal.meta["hash"] != sweep.hash:
                raise ValueError(
                    f"{folder} holds another sweep ({journal.sweep!r}): expected a folder of its "
                    "own for each sweep; only the number of samples may change"
                )
            yield journal


class _Runner:
    """Works through the cells of a journal."""

    def __init__(
        self, sweep: Sweep, cells: Cells, journal: Journal, workers: Workers, report: Progress
    ) -> None:
        self._sweep, self._cells, self._journal, self._report = sweep, cells, journal, report
        known = {cell: (status, samples) for cell, status, samples in journal.overview()}
        todo = []
        for cell in range(sweep.cells):
            status, samples = known.get(cell, ("missing", 0))
            if status == "partial":
                todo.append((cell, samples))
            elif status in _TRIED_AGAIN and cell not in cells.infeasible:
                todo.append((cell, 0))
        self._finished = sweep.cells - len(todo)
        self._plan = Plan(sweep, todo, workers.number)
        self._tasks: InFlight[Step, TileRequest, TileOutcome] = InFlight(workers, run_tile)
        self._pace = _Pace(len(todo))

    def run(self) -> None:
        """Draw until every cell is finished or has failed."""
        if not self._plan.pending:
            self._report("", self._finished, self._sweep.cells)
            return
        self._check_versions(versions())
        try:
            while True:
                while not self._tasks.full and (step := self._plan.next()) is not None:
                    earlier = self._journal.records(step.cells) if step.begin else ()
                    self._submit(step, {record.cell: record for record in earlier})
                if not len(self._tasks):
                    break
                for step, future in self._tasks.finished(self._journal.due_in):
                    self._merge(step, future)
                if self._journal.due_in == 0.0:
                    self._journal.commit()
        finally:
            self._tasks.cancel()
            self._journal.commit()

    def _submit(self, step: Step, earlier: dict[int, Record]) -> None:
        sweep = self._sweep
        cells = tuple(
            CellRequest(cell, self._cells.packed(cell), sweep.stream_cell(cell), earlier.get(cell))
            for cell in step.cells
        )
        request = TileRequest(
            cells,
            sweep.observables,
            sweep.key,
            sweep.goal,
            step.until,
            sweep.delta_each,
            sweep.predictions,
        )
        self._tasks.submit(step, request)

    def _merge(self, step: Step, future: Future[TileOutcome]) -> None:
        try:
            outcome = future.result()
        except BrokenExecutor as error:
            raise ValueError(
                f"a worker process died ({error}), perhaps for want of memory: what was committed "
                "is kept; run it again with fewer workers"
            ) from error
        except Exception:
            # The executor gave the task up: its cells have failed, the others go on.
            text = traceback.format_exc()
            outcome = TileOutcome(
                tuple(Record(cell, "failed", message=text) for cell in step.cells), 0, 0.0, {}
            )
        else:
            self._check_versions(outcome.versions)
        self._journal.add(outcome.records)
        # By the clock a busy machine would cut the work ever finer, with more to do for each piece.
        self._plan.measured(step, outcome.drawn, outcome.work or outcome.seconds)
        unfinished = {r.cell: r for r in outcome.records if r.status == "partial"}
        if unfinished:
            samples = next(iter(unfinished.values())).samples
            self._submit(self._plan.following(step, tuple(unfinished), samples), unfinished)
        self._finished += len(step.cells) - len(unfinished)
        self._report(
            self._pace.line(self._finished, self._sweep.cells), self._finished, self._sweep.cells
        )

    def _check_versions(self, here: Mapping[str, str]) -> None:
        """Refuse to mix samples whose bits may differ."""
        there = self._journal.versions
        if here != there:
            raise ValueError(
                f"{self._journal.path}: samples drawn here may differ in their last bits "
                f"({differing(here, there)}), so they cannot be mixed: go on with the versions it "
                "was begun with, or start again in another folder"
            )


class _Pace:
    """Cells a second, and the time that the rest will take."""

    def __init__(self, todo: int) -> None:
        self._todo = todo
        self._started = time.monotonic()

    def line(self, finished: int, total: int) -> str:
        """Return the speed and the remaining time in words."""
        left = total - finished
        done = self._todo - left
        seconds = time.monotonic() - self._started
        if done < 1 or seconds <= 0.0:
            return "measuring"
        rate = done / seconds
        return f"{rate:.3g} cells/s, {duration(left / rate)} left"


def duration(seconds: float) -> str:
    """Return a time in words for people who wait.

    Examples
    --------
    >>> duration(7.2), duration(83.0), duration(7500.0)
    ('8 s', '1 min 23 s', '2 h 05 min')
    """
    whole = int(-(-seconds // 1))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
