"""Names and colours of phases, and where a name has room in a diagram."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from qktheory.phase.boundary import Curve
from qktheory.phase.classify import PHASES
from qktheory.plots.style import INK

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

__all__ = ["PHASE_COLOURS", "PHASE_TITLES", "name_phases"]

FloatArray = NDArray[np.float64]

#: Pale versions of the Okabe-Ito colours, in the order of `PHASES`.
PHASE_COLOURS = (
    "#EFEFEF",
    "#F8DCC8",
    "#DDE5B6",
    "#D9C8E3",
    "#CFE3F1",
    "#F6E3A8",
    "#F2C4D8",
    "#C7E6DA",
)
PHASE_TITLES = (
    "uniform",
    "localized: middle",
    "localized: both ends",
    "localized: early",
    "localized: late",
    "rank-collapsed",
    "entropy-collapsed",
    "self-localized",
)
#: A name is about this much wider than high, and needs this share of the height around its middle.
_ASPECT, _ROOM = 2.6, 0.055


def name_phases(
    ax: Axes,
    code: NDArray[np.int64],
    at_x: FloatArray,
    at_y: FloatArray,
    curves: Sequence[Curve] = (),
    hatched: NDArray[np.bool_] | None = None,
) -> dict[str, Artist]:
    """Write the name of each phase into the parts of it that have room, away from lines.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where; its scales are set.
    code : ndarray of int, shape (n, m)
        Places of the phases in `PHASES`, -1 where there is none.
    at_x, at_y : ndarray of shape (m,), (n,)
        Middles of the cells.
    curves : sequence of Curve, optional
        The lines.
    hatched : ndarray of bool, shape (n, m), optional
        Cells in which a name could not be read.

    Returns
    -------
    dict
        Texts, by phase and number of the part.
    """
    from scipy.ndimage import distance_transform_edt, label

    texts: dict[str, Artist] = {}
    free = ~_crossed(ax, code.shape, at_x, at_y, curves)
    if hatched is not None:
        free &= ~hatched
    steps = (1.0 / code.shape[0], 1.0 / (_ASPECT * code.shape[1]))
    for number, name in enumerate(PHASES):
        areas, count = label(code == number)
        for area in range(1, count + 1):
            padded = np.pad((areas == area) & free, 1)
            depth = distance_transform_edt(padded, sampling=steps)[1:-1, 1:-1]
            if depth.max() < _ROOM:
                continue
            # In the middle of the places that are equally deep.
            places = np.argwhere(depth > 0.999 * depth.max())
            row, column = places[((places - places.mean(axis=0)) ** 2).sum(axis=1).argmin()]
            texts[f"{name} {area}"] = ax.text(
                at_x[column],
                at_y[row],
                PHASE_TITLES[number].replace(": ", ":\n").replace("-", "-\n"),
                ha="center",
                va="center",
                color=INK,
                fontsize=8.0,
            )
    return texts


def _crossed(
    ax: Axes,
    shape: tuple[int, ...],
    at_x: FloatArray,
    at_y: FloatArray,
    curves: Sequence[Curve],
) -> NDArray[np.bool_]:
    """Return which cells lines pass through."""
    crossed = np.zeros(shape, dtype=bool)
    for curve in curves:
        # In numbers of cells, where pieces of lines are straight.
        columns, rows = (
            np.interp(transform(values), transform(at), np.arange(at.size), np.nan, np.nan)
            for values, at, transform in (
                (curve.x, at_x, ax.xaxis.get_transform().transform),
                (curve.y, at_y, ax.yaxis.get_transform().transform),
            )
        )
        share = np.linspace(0.0, 1.0, 64)[:, None]
        along = [np.rint(c[:-1] + share * np.diff(c)).ravel() for c in (rows, columns)]
        known = np.isfinite(along[0]) & np.isfinite(along[1])
        crossed[along[0][known].astype(int), along[1][known].astype(int)] = True
    return crossed
