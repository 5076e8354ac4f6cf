"""Observables of networks against depth, several networks beside each other (RANK-11)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from qktheory.plots.style import COLOURS, INK, new_figure, style
from qktheory.verification.compare import Comparison

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

__all__ = ["plot_depth", "plot_networks"]

_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*")
#: Below this, in powers of ten, curves that fall as 3^l would flatten all others.
_FLOOR = -20.0
#: Shares of paths below this are not drawn.
_RAREST = 1e-6


def _style(number: int) -> str:
    return "-" if number <= len(COLOURS) else "--"


def plot_depth(comparisons: Mapping[str, Comparison], name: str, ax: Axes) -> list[Line2D]:
    """Draw one vector observable of several networks over the layer.

    Parameters
    ----------
    comparisons : mapping of str to Comparison
        By title.
    name : str
        Name of the observable.
    ax : matplotlib.axes.Axes
        Where.

    Returns
    -------
    list of Line2D
        One line a network, with its simultaneous intervals as bars; what claims predict is a thin
        line of the same colour, dashed for a limit.
    """
    lines: list[Line2D] = []
    observable = next(iter(comparisons.values()))[name].observable
    shares = observable.index == "length"
    lowest, highest = 0.0, -np.inf
    for number, (title, comparison) in enumerate(comparisons.items()):
        compared = comparison[name]
        estimate = compared.estimate
        first = float(compared.observable.index == "layer")
        layers = np.arange(estimate.mean.size) + first
        colour = (*COLOURS, INK)[number % (len(COLOURS) + 1)]
        half = np.nan_to_num((estimate.high - estimate.low) / 2.0, posinf=0.0)
        if shares:
            # A logarithmic axis has no place for an interval that reaches 0.
            half = np.where(estimate.low > 0.0, half, 0.0)
        bars = ax.errorbar(
            layers,
            estimate.mean,
            yerr=half,
            marker=_MARKERS[number % len(_MARKERS)],
            markersize=4.0,
            linestyle="none" if compared.predictions else _style(number),
            color=colour,
            elinewidth=0.8,
            label=title,
        )
        lines.append(bars.lines[0])
        for prediction in compared.predictions:
            dash = "-" if prediction.word in ("exact", "sharp") else "--"
            ax.plot(layers, prediction.value, dash, color=colour, linewidth=1.0)
        lowest = min(lowest, float(estimate.mean.min()))
        highest = max(highest, float(estimate.mean.max()))
    if shares:
        ax.set_yscale("log")
        ax.set_ylim(_RAREST, 2.0)
    elif lowest < _FLOOR:
        ax.set_ylim(_FLOOR, highest + 1.0)
        ax.text(0.02, 0.03, "some fall on,\nas $3^l$", transform=ax.transAxes)
    ax.set_xlabel("layers used by a path" if shares else "layer $l$")
    ax.set_ylabel(observable.title)
    return lines


def plot_networks(comparisons: Mapping[str, Comparison]) -> tuple[Figure, str]:
    """Draw all vector observables of several networks, one panel each.

    Parameters
    ----------
    comparisons : mapping of str to Comparison
        By title; the same observables in each.

    Returns
    -------
    figure : matplotlib.figure.Figure
        Independent of pyplot.
    caption : str
        What it shows, with the number of samples and the error level.

    Raises
    ------
    ValueError
        If no observable has a component a layer.

    Examples
    --------
    >>> from qktheory import compare
    >>> spec = {"d": 4, "T": 4, "matrix": {"model": "ginibre"},
    ...         "network": {"depth": 2, "value": {"model": "ginibre"}}}
    >>> found = compare(spec, ["log10_residual"], samples=20)
    >>> figure, caption = plot_networks({"attention alone": found})
    >>> len(figure.axes), "20 samples" in caption
    (1, True)
    """
    some = next(iter(comparisons.values()))
    names = [
        name
        for name, one in some.observables.items()
        if one.estimate.vector and one.observable.index != "key"
    ]
    if not names:
        raise ValueError("no figure: no observable has a component a layer")
    with style():
        columns = min(len(names), 2)
        rows = -(-len(names) // columns)
        figure = new_figure(4.2 * columns, 3.2 * rows + 0.6)
        axes = figure.subplots(rows, columns, squeeze=False)
        for ax, name in zip(axes.ravel(), names, strict=False):
            lines = plot_depth(comparisons, name, ax)
        for ax in axes.ravel()[len(names) :]:
            ax.remove()
        titles = list(comparisons)
        figure.legend(lines, titles, loc="outside lower center", ncols=2)
    drawn = {p.claim.id for one in comparisons.values() for n in names for p in one[n].predictions}
    lines_are = f"; thin lines: {', '.join(sorted(drawn))}" if drawn else ""
    return figure, (
        f"{some.ensemble!r} and variants. Monte Carlo: {some.samples} samples, seed "
        f"{some.seed}; bars are intervals simultaneous over observables and layers of a network, "
        f"error probability {some.delta:g}, where they leave 0 on logarithmic axes; means of "
        f"logarithms are geometric means{lines_are}."
    )
