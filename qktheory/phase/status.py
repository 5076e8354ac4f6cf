"""How far a sweep is, from its journal alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from qktheory.phase.journal import Journal
from qktheory.phase.result import RESULT_NAME
from qktheory.phase.sweep import Sweep

__all__ = ["SweepStatus", "sweep_status"]

#: Failed cells that are described.
_SHOWN = 5


@dataclass(frozen=True)
class SweepStatus:
    """How far a sweep is.

    Parameters
    ----------
    sweep : Sweep
        What is run.
    counts : dict of str to int
        Number of cells by status, in the order of `qktheory.phase.result.STATUSES`.
    samples : int
        Samples that have been drawn, of all cells together.
    failures : tuple of (str, str)
        Values of the axes and last line of the traceback, of the first failed cells.
    has_result : bool
        Whether there is a ``result.nc``.
    """

    sweep: Sweep
    counts: dict[str, int]
    samples: int
    failures: tuple[tuple[str, str], ...]
    has_result: bool

    @property
    def complete(self) -> bool:
        """Whether nothing is left to be drawn."""
        return not self.counts.get("missing") and not self.counts.get("partial")


def sweep_status(folder: str | Path) -> SweepStatus:
    """Return how far the sweep of a folder is; a runner may be at work on it.

    Raises
    ------
    ValueError
        If the folder holds no sweep, or its journal is damaged.
    """
    folder = Path(folder)
    with Journal.read(folder) as journal:
        sweep = journal.sweep
        overview = journal.overview()
        failed = [cell for cell, status, _ in overview if status == "failed"]
        records = list(journal.records(failed[:_SHOWN]))
    counts = Counter(status for _, status, _ in overview)
    counts["missing"] = sweep.cells - len(overview)
    order = ("done", "capped", "partial", "missing", "failed", "infeasible")
    return SweepStatus(
        sweep,
        {status: counts[status] for status in order if counts[status]},
        sum(samples for _, _, samples in overview),
        tuple((_place(sweep, r.cell), r.message.strip().rpartition("\n")[2]) for r in records),
        (folder / RESULT_NAME).is_file(),
    )


def _place(sweep: Sweep, cell: int) -> str:
    def shown(value: float | str) -> str:
        return value if isinstance(value, str) else f"{value:.6g}"

    return ", ".join(f"{name} = {shown(value)}" for name, value in sweep.values(cell).items())
