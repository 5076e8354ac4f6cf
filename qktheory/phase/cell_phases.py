"""The phase of every cell of a sweep."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from qktheory.phase.classify import PHASES, Cell, Interval, Thresholds, classify

if TYPE_CHECKING:
    import xarray

__all__ = ["cell_phases"]


def cell_phases(
    dataset: xarray.Dataset,
    T: int,
    criteria: Sequence[str] | None = None,
    profile: Sequence[str] = (),
    thresholds: Thresholds | None = None,
) -> xarray.Dataset:
    """Return the phases of the cells of a result.

    Parameters
    ----------
    dataset : xarray.Dataset
        Result of a sweep.
    T : int
        Number of keys.
    criteria, thresholds
        See `qktheory.phase.classify.classify`.
    profile : sequence of str, optional
        Scalar observables along the sequence, from its first key to its last.

    Returns
    -------
    xarray.Dataset
        ``phase`` (its place in `PHASES`, -1 where nothing was drawn), ``decided`` (0 or 1) and
        ``sureness``.
    """
    import xarray

    status = dataset["status"]
    columns = {}
    for name in map(str, dataset):
        observable = name.removesuffix("_mean")
        if name.endswith("_mean") and dataset[name].dims == status.dims:
            parts = [
                dataset[f"{observable}_{part}"].values for part in ("mean", "ci_low", "ci_high")
            ]
            columns[observable] = np.stack(parts, axis=-1)
    code = np.full(status.shape, -1, dtype=np.int64)
    decided, sureness = np.zeros(status.shape, dtype=np.int64), np.full(status.shape, np.nan)
    for index in np.ndindex(*status.shape):
        scalars = {name: Interval(*values[index].tolist()) for name, values in columns.items()}
        if not all(np.isfinite(scalars[name].mean) for name in scalars):
            continue
        cell = Cell(T, scalars, tuple(scalars[name] for name in profile))
        found = classify(cell, thresholds, criteria)
        code[index] = PHASES.index(found.name)
        decided[index], sureness[index] = found.decided, found.sureness
    dims = status.dims
    return xarray.Dataset(
        {"phase": (dims, code), "decided": (dims, decided), "sureness": (dims, sureness)},
        coords={name: dataset[name] for name in dims},
    )
