"""Lessons: percent scripts become notebooks, which are executed while the site is built."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from extension.files import write_if_changed, write_pages

__all__ = ["describe_figure", "write_lessons"]

#: The comment at the head of a cell that says what its figure shows.
_FIGURE = re.compile(r"\A# Figure: ((?:.*\n# )*.*)\n")

_INDEX = """# Lessons

Each lesson is a question, a derivation whose symbols are live objects, a number, a simulation, a
figure, and exercises. Their sources are the scripts `notebooks/NN_*.py`, which any Jupyter opens
with [jupytext](https://jupytext.readthedocs.io); exercises are checked by `notebooks/checks`, which
says whether an answer is right and does not give it away.

```{toctree}
:maxdepth: 1
:glob:

[0-9]*
```
"""


def describe_figure(cell: dict[str, Any]) -> None:
    """Make the comment ``# Figure: ...`` at the head of a cell the alternative text of its figure.

    Parameters
    ----------
    cell : dict
        A cell of a notebook. Its source loses the comment, its metadata gain the text.
    """
    found = _FIGURE.match(cell["source"])
    if cell["cell_type"] == "code" and found:
        text = " ".join(found.group(1).replace("\n# ", " ").split())
        cell["metadata"]["mystnb"] = {"image": {"alt": text}}
        cell["source"] = cell["source"][found.end() :]


def write_lessons(scripts: Path, folder: Path) -> None:
    """Write a notebook a lesson, and the page that lists them."""
    import jupytext

    pages = {}
    for script in sorted(scripts.glob("[0-9]*.py")):
        notebook = jupytext.read(script, fmt="py:percent")
        for number, cell in enumerate(notebook.cells):
            cell["id"] = f"cell-{number}"  # the same in every build
            describe_figure(cell)
        pages[f"{script.stem}.ipynb"] = jupytext.writes(notebook, fmt="ipynb")
    write_pages(folder, pages, "*.ipynb")
    write_if_changed(folder / "index.md", _INDEX)
