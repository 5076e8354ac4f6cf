"""How the axes of a sweep are drawn: their names, scales and edges."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["AXIS_TITLES", "axis_edges", "is_logarithmic", "set_axis"]

FloatArray = NDArray[np.float64]

#: Titles of axes; another one is called by its dotted name.
#:
#: :meta hide-value:
AXIS_TITLES = {
    "network.depth": "layers $L$",
    "network.alpha": r"skip strength $\alpha$",
    "spectrum.xi": r"trace $\xi = \mathrm{tr}\,W$",
    "spectrum.eta": r"spread $\eta = \mathrm{tr}\,W^2$",
    "spectrum.mean": "mean of the eigenvalues",
    "spectrum.variance": "variance of the eigenvalues",
    "matrix.scale": r"width of the logits $s_0$",
    "attention.temperature": "temperature",
    "T": "number of keys $T$",
    "d": "width $d$",
    "s": "width of the logits $s$",
    "s0": r"width of the logits at cosine 0, $s_0$",
    "alpha": r"skip strength $\alpha$",
}


def is_logarithmic(values: FloatArray) -> bool:
    """Return whether values are rather in geometric than in arithmetic progression.

    Examples
    --------
    >>> is_logarithmic(np.array([1.0, 10.0, 100.0])), is_logarithmic(np.array([1.0, 2.0, 3.0]))
    (True, False)
    """
    if values.size < 3 or values.min() <= 0.0:
        return False
    return bool(np.diff(np.log(values)).std() < 1e-3 * np.abs(np.diff(np.log(values))).mean())


def axis_edges(values: FloatArray) -> FloatArray:
    """Return the ends of cells around values, shape (n + 1,).

    Examples
    --------
    >>> axis_edges(np.array([0.0, 1.0, 2.0])).tolist()
    [-0.5, 0.5, 1.5, 2.5]
    """
    log = is_logarithmic(values)
    at = np.log(values) if log else values
    if at.size == 1:
        return np.array([values[0] - 0.5, values[0] + 0.5])
    middle = 0.5 * (at[1:] + at[:-1])
    edges = np.concatenate([[2 * at[0] - middle[0]], middle, [2 * at[-1] - middle[-1]]])
    return np.exp(edges) if log else edges


def set_axis(ax: Axes, which: str, name: str, values: FloatArray, title: str | None = None) -> None:
    """Give an axis ("x" or "y") its title, scale and ends, the edges of the cells."""
    edges = axis_edges(values)
    getattr(ax, f"set_{which}scale")("log" if is_logarithmic(values) else "linear")
    getattr(ax, f"set_{which}lim")(edges.min(), edges.max())
    getattr(ax, f"set_{which}label")(AXIS_TITLES.get(name, name) if title is None else title)
