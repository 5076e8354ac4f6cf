"""Where output goes: stdout for results, stderr for progress, files on request."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

__all__ = ["STYLES", "echo", "emit_json", "plain_table", "progress_line", "terminal_width"]

#: Terminal styles of verdicts and of answers about agreement.
STYLES = {
    "proved": "green",
    "supported": "green",
    "refuted": "bold red",
    "undecided": "yellow",
    "not applicable": "dim",
}

#: Columns whose text may take several lines.
_WRAPPED = ("title", "source", "statement", "failing assumption")

Progress = Callable[[str, int, int], None]


def terminal_width() -> int:
    """Return the width to write for: that of the terminal, 140 columns in a pipe or file."""
    return max(40, shutil.get_terminal_size((140, 24)).columns)


def plain_table(*columns: str, right: tuple[str, ...] = (), gap: int = 2) -> Table:
    """Return an empty table without frames; columns named in `right` are aligned to the right."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, gap, 0, 0), header_style="bold")
    for name in columns:
        table.add_column(
            name, justify="right" if name in right else "left", no_wrap=name not in _WRAPPED
        )
    return table


def echo(*renderables: RenderableType, width: int | None = None) -> None:
    """Print text and tables on stdout, with colours if it is a terminal."""
    from rich.console import Console

    console = Console(
        file=sys.stdout, width=width or terminal_width(), highlight=False, soft_wrap=False
    )
    with console.capture() as captured:
        for renderable in renderables:
            console.print(renderable, markup=False)
    lines = captured.get().split("\n")
    click.echo("\n".join(line.rstrip() for line in lines), nl=False)


def emit_json(value: Any, destination: str | None = None) -> None:
    """Write JSON to stdout (``None`` or ``"-"``) or to a file."""
    from qktheory.base.files import json_text, write_file

    if destination is None or destination == "-":
        click.echo(json_text(value), nl=False)
    else:
        write_file(destination, json_text(value))


@contextmanager
def progress_line(unit: str) -> Iterator[Progress | None]:
    """Provide a progress callback that draws on stderr, None if stderr is no terminal.

    Parameters
    ----------
    unit : str
        What is counted (``"claims"``).

    Yields
    ------
    callable or None
        Takes a line about what is being done, how much is done, how much in all.
    """
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.completed:,}/{task.total:,} " + unit),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
        TextColumn("{task.description}", markup=False),
    )
    console = Console(file=sys.stderr, stderr=True)
    with Progress(*columns, console=console, transient=True, refresh_per_second=5) as bar:
        task = bar.add_task("", total=None)

        def report(line: str, done: int, total: int) -> None:
            bar.update(task, description=line, completed=done, total=total)

        yield report
