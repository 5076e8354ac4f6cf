"""The result of a sweep as a labelled Dataset, and the file it is kept in."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from qktheory.base.memory import check_memory
from qktheory.observables.observable import Observable
from qktheory.phase.journal import Journal, Record
from qktheory.phase.sweep import Sweep
from qktheory.simulation.shared import infinite_moments

if TYPE_CHECKING:
    import xarray

__all__ = ["RESULT_NAME", "STATUSES", "read_result", "sweep_dataset", "write_result"]

RESULT_NAME = "result.nc"
#: What may be said about a cell. Missing: nothing has been drawn yet.
STATUSES = ("done", "capped", "partial", "missing", "failed", "infeasible")
#: The statistics of a cell that has none: an empty header.
_NOTHING = b"\x02\x00\x00\x00{}"
_LABELS = ("mean", "std_error", "ci_low", "ci_high")


def sweep_dataset(journal: Journal) -> xarray.Dataset:
    """Return what a journal holds as a Dataset.

    Parameters
    ----------
    journal : Journal
        Of a run that may be unfinished.

    Returns
    -------
    xarray.Dataset
        Dimensions are ``"case"`` (if there are cases), the axes by their dotted names, and
        ``"key"`` for vector observables. Variables of each observable: ``_mean``, ``_std_error``,
        ``_ci_low``, ``_ci_high`` (NaN where nothing was drawn), ``_n`` (0 there), and one by the
        name of each claim that predicts it; ``status`` and ``message`` of each cell. The
        attribute ``guarantee`` says what holds of the intervals of an observable; where that
        depends on the cell, as errors of random features may have an infinite mean or variance,
        it says so by cell in a variable ``_guarantee``. Attributes of the Dataset carry the spec,
        seed, key, error level and versions; equal runs give equal Datasets.
    """
    import xarray

    sweep = journal.sweep
    observables = sweep.found_observables()
    status = np.full(sweep.cells, "missing", dtype=f"<U{max(map(len, STATUSES))}")
    message = np.full(sweep.cells, "", dtype=object)
    columns = {o.name: _Columns(o, sweep) for o in observables}
    predictions: dict[str, tuple[str, NDArray[np.float64]]] = {}
    for record in journal.records():
        status[record.cell] = record.status
        message[record.cell] = record.message.strip().rpartition("\n")[2]
        if record.estimates is not None:
            _fill(record, columns.values())
            for name, moment in infinite_moments(record.state or _NOTHING).items():
                columns[name].infinite[record.cell] = moment
        told = json.loads(record.predictions) if record.predictions else {}
        for name, (kind, value) in told.items():
            found = predictions.setdefault(name, (kind, np.full(sweep.cells, np.nan)))
            found[1][record.cell] = value
    variables: dict[str, Any] = {"status": (sweep.dims, status.reshape(sweep.shape))}
    variables["message"] = (sweep.dims, message.astype(str).reshape(sweep.shape))
    for column in columns.values():
        variables |= column.variables()
    for name, (kind, values) in sorted(predictions.items()):
        attrs = {"prediction_kind": kind}
        variables[name] = (sweep.dims, values.reshape(sweep.shape), attrs)
    indices = {o.index for o in observables if o.vector}
    coordinates = _coordinates(sweep, indices)
    return xarray.Dataset(variables, coords=coordinates, attrs=_attributes(journal))


def _sizes(sweep: Sweep) -> tuple[int, int]:
    """Return T and the depth of the network, 0 without one, of a sweep with vector observables."""
    ensemble = sweep.table(0)
    return int(ensemble["T"]), int(ensemble.get("network", {}).get("depth", 0))


class _Columns:
    """The arrays of one observable, by cell."""

    def __init__(self, observable: Observable, sweep: Sweep) -> None:
        self.observable, self.sweep = observable, sweep
        sizes = _sizes(sweep)
        size = (observable.size(*sizes),) if observable.vector else ()
        check_memory(
            8 * len(_LABELS) * sweep.cells * (size[0] if size else 1),
            f"{observable.name} in {sweep.cells} cells",
        )
        self.arrays = {label: np.full((sweep.cells, *size), np.nan) for label in _LABELS}
        self.n = np.zeros(sweep.cells, dtype=np.int64)
        #: Which moment is infinite, by cell.
        self.infinite: dict[int, str] = {}

    def _guarantees(self, usual: str) -> NDArray[np.str_]:
        """Return what holds in each cell, "" where nothing was drawn."""
        found = np.where(self.n > 0, usual, "").astype("<U17")
        for cell, moment in self.infinite.items():
            found[cell] = f"infinite {moment}"
        return found

    def variables(self) -> dict[str, Any]:
        name, dims = self.observable.name, self.sweep.dims
        bounded = self.observable.bounds(2) is not None
        guarantee = "finite-sample" if bounded else "asymptotic"
        by_cell = self.observable.needs == "features"
        stated = f"by cell, in {name}_guarantee" if by_cell else guarantee
        attrs = {"long_name": self.observable.title, "guarantee": stated}
        inner = (self.observable.index,) if self.observable.vector else ()
        found: dict[str, Any] = {
            f"{name}_{label}": (
                (*dims, *inner),
                array.reshape(*self.sweep.shape, *array.shape[1:]),
                attrs,
            )
            for label, array in self.arrays.items()
        }
        found[f"{name}_n"] = (dims, self.n.reshape(self.sweep.shape))
        if by_cell:
            found[f"{name}_guarantee"] = (
                dims,
                self._guarantees(guarantee).reshape(self.sweep.shape),
            )
        return found


def _fill(record: Record, columns: Iterable[_Columns]) -> None:
    """Write the estimates of one cell into the arrays."""
    values = np.frombuffer(record.estimates or b"", dtype="<f8")
    start = 0
    for column in columns:
        for array in column.arrays.values():
            size = array[record.cell].size
            array[record.cell] = values[start : start + size].reshape(array.shape[1:])
            start += size
        column.n[record.cell] = record.samples


def _coordinates(sweep: Sweep, indices: set[str]) -> dict[str, Any]:
    coordinates: dict[str, Any] = {axis.name: list(axis.values) for axis in sweep.axes}
    if sweep.cases:
        coordinates["case"] = np.arange(len(sweep.cases))
        for name in sweep.cases[0]:
            coordinates[name] = ("case", [case[name] for case in sweep.cases])
    T, depth = _sizes(sweep)
    ends = {"key": (1, T), "state": (0, depth), "layer": (1, depth), "length": (0, depth)}
    for name in indices:
        coordinates[name] = np.arange(ends[name][0], ends[name][1] + 1)
    return coordinates


def _attributes(journal: Journal) -> dict[str, Any]:
    sweep = journal.sweep
    return {
        "spec": json.dumps(sweep.to_dict()),
        "spec_hash": sweep.hash,
        "seed": str(sweep.seed),
        "key": str(sweep.key),
        "delta": sweep.delta,
        "delta_each": sweep.delta_each,
        "versions": json.dumps(journal.versions),
        "qktheory_version": journal.versions["qktheory"],
        "kernel_hash": journal.versions["kernels"],
    }


def write_result(dataset: xarray.Dataset, folder: Path) -> Path:
    """Write ``result.nc``, whole or not at all, and return its path.

    Raises
    ------
    ValueError
        If it cannot be written; the journal keeps everything.
    """
    path = folder / RESULT_NAME
    partial = folder / f".{RESULT_NAME}.partial"
    try:
        try:
            dataset.to_netcdf(partial, engine="h5netcdf")
            with partial.open("rb+") as stream:
                os.fsync(stream.fileno())
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)
    except (OSError, RuntimeError) as error:
        raise ValueError(
            f"{path} cannot be written ({' '.join(str(error).split())}): the samples are safe in "
            "the journal, and the same command writes the result once there is room"
        ) from error
    return path


def read_result(folder: str | Path) -> xarray.Dataset:
    """Read the Dataset of a finished sweep.

    Raises
    ------
    ValueError
        If there is none, or it is damaged.
    """
    import xarray

    path = Path(folder) / RESULT_NAME
    if not path.is_file():
        raise ValueError(
            f"{folder} holds no {RESULT_NAME}: expected the folder of a finished sweep"
        )
    try:
        return xarray.load_dataset(path, engine="h5netcdf")
    except (OSError, ValueError, RuntimeError) as error:
        raise ValueError(f"{path} is damaged or no result ({error})") from None
