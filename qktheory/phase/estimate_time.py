"""What a sweep will take, from a few cells and samples."""

from __future__ import annotations

from dataclasses import dataclass

from qktheory.phase.cells import Cells
from qktheory.phase.sweep import Sweep
from qktheory.phase.tile import CellRequest, TileRequest, run_tile
from qktheory.simulation.engine import available_threads
from qktheory.simulation.moments import LEAF

__all__ = ["TimeEstimate", "estimate_time"]

#: Cells that are tried, spread over the sweep.
_TRIED = 8
#: Seconds after which no more samples are tried.
_TRIAL_SECONDS = 2.0


@dataclass(frozen=True)
class TimeEstimate:
    """What a sweep will take.

    Parameters
    ----------
    cells, infeasible : int
        Number of cells, and of those among them that are no experiment.
    seconds : float
        Time with `workers` workers; with a target half-width, if all cells take the most samples.
    workers : int
        Number of workers.
    """

    cells: int
    infeasible: int
    seconds: float
    workers: int


def estimate_time(sweep: Sweep, workers: int | None = None) -> TimeEstimate:
    """Time some cells of a sweep and say what all of them will take.

    Parameters
    ----------
    sweep : Sweep
        The sweep; nothing is written.
    workers : int, optional
        Number of workers, all processors by default.

    Returns
    -------
    TimeEstimate

    Examples
    --------
    >>> sweep = Sweep.from_dict({"d": 4, "T": 8, "spectrum": {"law": "point"},
    ...                          "sweep": {"spectrum.location": [0.0, 0.1, 0.2], "samples": 500}})
    >>> estimate = estimate_time(sweep, workers=2)
    >>> estimate.cells, estimate.infeasible, 0.0 < estimate.seconds < 60.0
    (3, 0, True)
    """
    cells = Cells(sweep)
    feasible = [cell for cell in range(sweep.cells) if cell not in cells.infeasible]
    tried = feasible[:: max(1, len(feasible) // _TRIED)][:_TRIED]
    requests = tuple(CellRequest(c, cells.packed(c), sweep.stream_cell(c)) for c in tried)
    seconds, samples = 0.0, 1
    # The first samples load or compile kernels; then as many as fit into the time.
    for warm, until in enumerate((1, 1, 4, 16, 64, LEAF, 4 * LEAF, 16 * LEAF)):
        until = min(until, sweep.goal.samples)
        outcome = run_tile(
            TileRequest(requests, sweep.observables, sweep.key, sweep.goal, until, sweep.delta_each)
        )
        seconds, samples = outcome.seconds / len(tried), until
        if warm and (until == sweep.goal.samples or outcome.seconds > _TRIAL_SECONDS / 4.0):
            break
    number = workers or available_threads()
    total = seconds * sweep.goal.samples / samples * len(feasible) / min(number, len(feasible))
    return TimeEstimate(sweep.cells, len(cells.infeasible), total, number)
