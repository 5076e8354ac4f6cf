"""The look of all figures, and writing them to files."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qktheory.base.errors import bad_value
from qktheory.base.files import write_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["COLOURS", "INK", "check_format", "new_figure", "save_figure", "style"]

#: Okabe and Ito (2008): distinguishable with any colour vision. Yellow is left out on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
INK = "#222222"

_FORMATS = (".png", ".svg", ".pdf")
_SETTINGS: dict[Any, Any] = {
    "font.size": 9.0,
    "axes.titlesize": 9.0,
    "axes.labelsize": 9.0,
    "legend.fontsize": 8.0,
    "xtick.labelsize": 8.0,
    "ytick.labelsize": 8.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.linewidth": 0.7,
    "lines.linewidth": 1.4,
    "legend.frameon": False,
    "savefig.dpi": 200,
    # Text stays text in SVG, and the same figure gives the same bytes.
    "svg.fonttype": "none",
    "svg.hashsalt": "qktheory",
    "pdf.fonttype": 42,
}


@contextmanager
def style() -> Iterator[None]:
    """Apply the settings of the package to what is drawn inside, and to nothing else.

    Examples
    --------
    >>> import matplotlib
    >>> with style():
    ...     matplotlib.rcParams["font.size"]
    9.0
    """
    import matplotlib

    with matplotlib.rc_context(_SETTINGS):
        yield


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of a size in inches, independent of pyplot and its state.

    Examples
    --------
    >>> float(new_figure(3.0, 2.0).get_figwidth())
    3.0
    """
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def check_format(argument: str, path: str | Path) -> None:
    """Raise a `ValueError` unless a file name ends in a format that figures have.

    Examples
    --------
    >>> check_format("--plot", "figure.gif")
    Traceback (most recent call last):
    ...
    ValueError: --plot = 'figure.gif': expected a file name ending in .png, .svg or .pdf
    """
    if Path(path).suffix.lower() not in _FORMATS:
        raise bad_value(argument, str(path), "a file name ending in .png, .svg or .pdf")


def save_figure(
    figure: Figure, path: str | Path, caption: str = "", dpi: float | None = None
) -> None:
    """Write a figure to a file, whole or not at all.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        What to write.
    path : str or Path
        Ends in .png, .svg or .pdf.
    caption : str, optional
        What the figure shows, with numbers of samples and error levels: goes into the metadata.
    dpi : float, optional
        Resolution of what has pixels, 200 by default.

    Raises
    ------
    ValueError
        For another format.
    """
    check_format("path", path)
    kind = Path(path).suffix.lower()[1:]
    keys = {"png": "Description", "svg": "Description", "pdf": "Subject"}
    metadata: dict[str, str | None] = {keys[kind]: caption}
    if kind != "png":
        metadata["Date" if kind == "svg" else "CreationDate"] = None
    buffer = io.BytesIO()
    with style():
        figure.savefig(buffer, format=kind, metadata=metadata, dpi=dpi or _SETTINGS["savefig.dpi"])
    write_file(path, buffer.getvalue())
