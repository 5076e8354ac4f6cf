"""Eigenvalues of an attention matrix in the complex plane beside what W predicts (RMT-4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from qktheory.base.domains import Real
from qktheory.base.errors import bad_value
from qktheory.plots.style import COLOURS, INK, style

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

__all__ = ["plot_attention_spectrum"]

_RADIUS = Real(low=0.0)


def plot_attention_spectrum(
    eigenvalues: ArrayLike, predicted: ArrayLike, ax: Axes, radius: float | None = None
) -> dict[str, Artist]:
    """Draw eigenvalues, predicted outliers and the predicted radius of the bulk.

    Parameters
    ----------
    eigenvalues : array_like of complex
        Of the attention matrix, its eigenvalue 1 included.
    predicted : array_like of complex
        Eigenvalues that a claim predicts.
    ax : matplotlib.axes.Axes
        Where.
    radius : float, optional
        Radius of the disc that the other eigenvalues are predicted to fill.

    Returns
    -------
    dict
        Artists by what they show.

    Raises
    ------
    ValueError
        If there are no eigenvalues, or the radius is negative or not finite.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> axes = Figure().subplots()
    >>> list(plot_attention_spectrum([1.0, 0.5j, -0.5j], [1.0, 0.5j, -0.5j], axes, 0.2))
    ['attention', 'prediction', 'bulk radius']
    """
    found, wanted = (np.asarray(z, dtype=np.complex128).ravel() for z in (eigenvalues, predicted))
    if found.size == 0 or not np.isfinite(found).all():
        raise bad_value("eigenvalues", eigenvalues, "finite complex numbers, at least one")
    artists: dict[str, Artist] = {}
    with style():
        artists["attention"] = ax.plot(
            found.real, found.imag, ".", color=COLOURS[0], markersize=2.5, label="eigenvalues of A"
        )[0]
        artists["prediction"] = ax.plot(
            wanted.real,
            wanted.imag,
            "o",
            markerfacecolor="none",
            color=COLOURS[1],
            markersize=7.0,
            markeredgewidth=1.0,
            label="predicted from W",
        )[0]
        if radius is not None:
            turn = np.exp(2j * np.pi * np.linspace(0.0, 1.0, 241))
            circle = _RADIUS.check("radius", radius) * turn
            artists["bulk radius"] = ax.plot(
                circle.real, circle.imag, "--", color=INK, linewidth=0.9, label="bulk radius"
            )[0]
        ax.set_aspect("equal", adjustable="datalim")
        ax.set_xlabel("real part")
        ax.set_ylabel("imaginary part")
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=3, columnspacing=1.0)
    return artists
