"""A tile: cells that are worked on together, in one task of an executor."""

from __future__ import annotations

import json
import pickle
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from qktheory.base.blas import serial_blas
from qktheory.observables.observable import Observable, find_observables
from qktheory.phase.decided import phase_is_decided
from qktheory.phase.goal import Goal
from qktheory.phase.journal import Record
from qktheory.phase.versions import versions
from qktheory.simulation.ensemble import Ensemble
from qktheory.simulation.estimate import Estimate
from qktheory.simulation.realization import Realization
from qktheory.simulation.shared import Experiment, SampleState, sample_together
from qktheory.theorems.predictions import predictions

__all__ = ["CellRequest", "TileOutcome", "TileRequest", "run_tile"]


@dataclass(frozen=True)
class CellRequest:
    """One cell of a tile.

    Parameters
    ----------
    cell : int
        Number of the cell.
    ensemble : bytes
        Its experiment, pickled.
    stream_cell : int
        Cell number that its random numbers are addressed by.
    earlier : Record or None
        What has been done before.
    """

    cell: int
    ensemble: bytes
    stream_cell: int
    earlier: Record | None = None


@dataclass(frozen=True)
class TileRequest:
    """A task: cells, and how far to bring them. Plain data, so that it can go to any process.

    Parameters
    ----------
    cells : tuple of CellRequest
        The cells.
    observables : tuple of str
        What is measured.
    key : int
        Key of all random numbers.
    goal : Goal
        When a cell is finished.
    until : int
        Samples at which this task stops, finished or not.
    delta_each : float
        Error probability of one interval.
    predictions : bool
        Whether finished cells ask the claims of the catalogue.
    """

    cells: tuple[CellRequest, ...]
    observables: tuple[str, ...]
    key: int
    goal: Goal
    until: int
    delta_each: float
    predictions: bool = False


@dataclass(frozen=True)
class TileOutcome:
    """What a task has done.

    Parameters
    ----------
    records : tuple of Record
        One for each cell of the request.
    drawn : int
        Samples drawn, of all cells together.
    seconds : float
        Time taken.
    versions : mapping
        What they were drawn with, see `qktheory.phase.versions`.
    work : float
        Processor time taken, which other programs on the machine have no part in; 0 if unknown.
    """

    records: tuple[Record, ...]
    drawn: int
    seconds: float
    versions: Mapping[str, str]
    work: float = 0.0


@serial_blas
def run_tile(request: TileRequest) -> TileOutcome:
    """Bring the cells of a tile further, in this thread.

    A cell that fails keeps its traceback and does not stop the others. One that turns out to be no
    experiment once its W is there (a `ValueError`, by which the package refuses input) is
    infeasible and keeps the reason.

    Parameters
    ----------
    request : TileRequest
        The task.

    Returns
    -------
    TileOutcome

    Examples
    --------
    >>> ensemble = Ensemble.from_dict({"d": 4, "T": 8, "spectrum": {"law": "point", "xi": 1.0,
    ...                                "eta": 0.25}})
    >>> cell = CellRequest(7, pickle.dumps(ensemble), stream_cell=0)
    >>> outcome = run_tile(TileRequest((cell,), ("entropy",), 1, Goal(500), 500, 1e-6))
    >>> [(r.cell, r.status, r.samples) for r in outcome.records]
    [(7, 'done', 500)]
    """
    started, work = time.perf_counter(), time.thread_time()
    observables = find_observables(request.observables)
    try:
        states = _sample(request, request.cells, observables)
        failures: dict[int, tuple[str, str]] = {}
    except Exception:
        # One of them fails: each on its own, and the faulty ones are found.
        states, failures = _one_by_one(request, observables)
    share = (time.perf_counter() - started) / len(request.cells)
    records = []
    drawn = 0
    for cell in request.cells:
        before = 0 if cell.earlier is None else cell.earlier.samples
        spent = share + (0.0 if cell.earlier is None else cell.earlier.seconds)
        if cell.cell in failures:
            status, message = failures[cell.cell]
            records.append(Record(cell.cell, status, message=message, seconds=spent))
            continue
        state = states[cell.cell]
        drawn += state.n - before
        estimates = state.estimates(request.delta_each)
        status, told, message = _status(request, state, estimates), "", ""
        if status != "partial" and request.predictions:
            try:
                told = _predictions(request, cell, observables)
            except Exception:
                # The samples are worth keeping without predictions.
                message = _printable(traceback.format_exc())
        shown = packed_estimates(estimates)
        done = (status, state.n, state.to_bytes(), shown, message, told, spent)
        records.append(Record(cell.cell, *done))
    seconds, work = time.perf_counter() - started, time.thread_time() - work
    return TileOutcome(tuple(records), drawn, seconds, versions(), work)


def _sample(
    request: TileRequest, cells: Sequence[CellRequest], observables: tuple[Observable, ...]
) -> dict[int, SampleState]:
    """Return the states of cells after the task, by number of the cell."""
    states: dict[int, SampleState | None] = {}
    experiments: dict[int, Experiment] = {}
    for cell in cells:
        experiment = Experiment(_ensemble(cell), observables)
        experiments[cell.cell] = experiment
        earlier = None if cell.earlier is None else cell.earlier.state
        states[cell.cell] = None if earlier is None else SampleState.from_bytes(experiment, earlier)
    start = min((state.n if state is not None else 0) for state in states.values())
    looks = [n for n in request.goal.rounds(start) if n < request.until]
    # An earlier goal may have been stricter.
    left = [c for c in cells if (s := states[c.cell]) is None or not _finished(request, s)]
    for look in (*looks, request.until):
        if not left:
            break
        extended = sample_together(
            [experiments[cell.cell] for cell in left],
            request.key,
            [cell.stream_cell for cell in left],
            look,
            [states[cell.cell] for cell in left],
        )
        states.update(zip((cell.cell for cell in left), extended, strict=True))
        left = [c for c, state in zip(left, extended, strict=True) if not _finished(request, state)]
    return {number: state for number, state in states.items() if state is not None}


def _finished(request: TileRequest, state: SampleState) -> bool:
    """Return whether a cell has samples enough; accuracy is looked at after rounds only."""
    goal = request.goal
    if state.n >= goal.samples:
        return True
    if not goal.looks or not goal.is_round(state.n):
        return False
    return _met(request, state, state.estimates(request.delta_each))


def _met(request: TileRequest, state: SampleState, estimates: Mapping[str, Estimate]) -> bool:
    """Return whether a cell is as accurate, or as decided, as asked for."""
    if request.goal.refine is None:
        return request.goal.accurate(estimates)
    ensemble = state.experiment.ensemble
    return phase_is_decided(ensemble.T, ensemble.attention.normalizer, estimates)


def _status(request: TileRequest, state: SampleState, estimates: Mapping[str, Estimate]) -> str:
    if not _finished(request, state):
        return "partial"
    if not request.goal.looks:
        return "done"
    return "done" if _met(request, state, estimates) else "capped"


def packed_estimates(estimates: Mapping[str, Estimate]) -> bytes:
    """Return what a result shows of estimates, see `Record`."""
    m2 = np.concatenate([e.moments.m2 for e in estimates.values()])
    n = np.concatenate([e.moments.count for e in estimates.values()])
    # Those of `Estimate.std_error`, of all observables at once.
    std_error = np.sqrt(m2 / np.maximum(n - 1.0, 1.0) / n)
    parts, start = [], 0
    for e in estimates.values():
        stop = start + e.mean.size
        error = std_error[start:stop] if e.has_interval else e.std_error
        parts += [e.mean, error, e.low, e.high]
        start = stop
    return np.concatenate(parts, dtype="<f8").tobytes()


def _ensemble(cell: CellRequest) -> Ensemble:
    ensemble: Ensemble = pickle.loads(cell.ensemble)
    return ensemble


def _one_by_one(
    request: TileRequest, observables: tuple[Observable, ...]
) -> tuple[dict[int, SampleState], dict[int, tuple[str, str]]]:
    """Return states and, of the cells that have none, status and message."""
    states: dict[int, SampleState] = {}
    failures: dict[int, tuple[str, str]] = {}
    for cell in request.cells:
        try:
            states |= _sample(request, (cell,), observables)
        except Exception as error:
            # Subclasses, such as those of linear algebra, are no refusals.
            if type(error) is ValueError:
                failures[cell.cell] = "infeasible", _printable(str(error))
            else:
                failures[cell.cell] = "failed", _printable(traceback.format_exc())
    return states, failures


def _predictions(
    request: TileRequest, cell: CellRequest, observables: tuple[Observable, ...]
) -> str:
    """Return what the catalogue predicts of scalar observables, as JSON."""
    realization = Realization.from_key(_ensemble(cell), request.key, cell.stream_cell)
    found = {
        f"{observable.name}_{prediction.claim.id}": [prediction.kind, float(prediction.value[0])]
        for observable in observables
        if not observable.vector
        for prediction in predictions(realization, observable)
    }
    return json.dumps(found)


def _printable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
