"""Boundaries read off the data where no formula exists: level lines with their uncertainty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qktheory.base.domains import Real
from qktheory.base.errors import bad_value, unknown_name

if TYPE_CHECKING:
    import xarray

__all__ = ["LevelLine", "contour_with_uncertainty", "level_segments"]

FloatArray = NDArray[np.float64]

_LEVEL = Real()


@dataclass(frozen=True, eq=False)
class LevelLine:
    """Where the mean of an observable crosses a level.

    Parameters
    ----------
    observable : str
        Its name.
    level : float
        The level.
    x, y : str
        Names of the axes.
    lines : list of ndarray of shape (n, 2)
        Pieces of the line through the means, linearly interpolated between cells.
    band : xarray.DataArray of bool
        Cells whose interval contains the level, or that have a neighbour on its other side: where
        the line of the true means, as far as it passes between cells, can be.
    """

    observable: str
    level: float
    x: str
    y: str
    lines: list[FloatArray]
    band: xarray.DataArray


def level_segments(x: ArrayLike, y: ArrayLike, values: ArrayLike, level: float) -> list[FloatArray]:
    """Return the level line of values on a grid, in the coordinates of its axes.

    Parameters
    ----------
    x, y : array_like
        Coordinates, shapes (m,) and (n,).
    values : array_like of shape (n, m)
        Values; a cell that is NaN interrupts lines.
    level : float
        The level.

    Returns
    -------
    list of ndarray of shape (k, 2)
        Pieces, each a chain of points (x, y).

    Examples
    --------
    >>> (line,) = level_segments([0.0, 1.0], [0.0, 1.0], [[0.0, 1.0], [0.0, 1.0]], 0.25)
    >>> sorted(line.tolist())
    [[0.25, 0.0], [0.25, 1.0]]
    """
    from contourpy import contour_generator

    masked = np.ma.masked_invalid(np.asarray(values, dtype=np.float64))
    lines = contour_generator(np.asarray(x, float), np.asarray(y, float), masked).lines(level)
    return [np.asarray(line) for line in lines]


def contour_with_uncertainty(
    dataset: xarray.Dataset,
    observable: str,
    level: float,
    x: str,
    y: str,
) -> LevelLine:
    """Return the level line of an observable, with the cells in which it can be.

    Parameters
    ----------
    dataset : xarray.Dataset
        Result of a sweep, with all other dimensions selected away.
    observable : str
        Name of a scalar observable.
    level : float
        The level.
    x, y : str
        The two axes.

    Returns
    -------
    LevelLine
        If the intervals are simultaneous at level delta, then with probability 1 - delta at least
        every edge of the grid along which the true means cross the level has an end in the band.

    Raises
    ------
    ValueError
        If the dataset lacks the observable or has other dimensions.
    """
    level = _LEVEL.check("level", level)
    known = [name.removesuffix("_mean") for name in map(str, dataset) if name.endswith("_mean")]
    if observable not in known:
        raise unknown_name("observable of the dataset", observable, known)
    mean = dataset[f"{observable}_mean"]
    if set(mean.dims) != {x, y}:
        raise bad_value("x, y", (x, y), f"the dimensions of the dataset, {mean.dims}")
    mean = mean.transpose(y, x)
    low, high = (dataset[f"{observable}_ci_{end}"].transpose(y, x) for end in ("low", "high"))
    lines = level_segments(dataset[x].values, dataset[y].values, mean.values, level)
    # Above for sure, below for sure, open.
    side = np.where(low.values > level, 1, np.where(high.values < level, -1, 0))
    known_cells = np.isfinite(mean.values)
    band = (side == 0) & known_cells
    for axis in (0, 1):
        ahead = np.take(side, range(1, side.shape[axis]), axis)
        behind = np.take(side, range(side.shape[axis] - 1), axis)
        both = np.take(known_cells, range(1, side.shape[axis]), axis) & np.take(
            known_cells, range(side.shape[axis] - 1), axis
        )
        crossing = (ahead * behind < 0) & both
        before = [(0, 1), (0, 0)] if axis == 0 else [(0, 0), (0, 1)]
        after = [pair[::-1] for pair in before]
        band |= np.pad(crossing, before) | np.pad(crossing, after)
    return LevelLine(observable, level, x, y, lines, mean.copy(data=band))
