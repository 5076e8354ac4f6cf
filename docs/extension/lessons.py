"""Lessons: percent scripts become notebooks, which are executed while the site is built."""

from __future__ import annotations

from pathlib import Path

from extension.files import write_if_changed, write_pages

__all__ = ["write_lessons"]

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


def write_lessons(scripts: Path, folder: Path) -> None:
    """Write a notebook a lesson, and the page that lists them."""
    import jupytext

    pages = {}
    for script in sorted(scripts.glob("[0-9]*.py")):
        notebook = jupytext.read(script, fmt="py:percent")
        for number, cell in enumerate(notebook.cells):
            cell["id"] = f"cell-{number}"  # the same in every build
        pages[f"{script.stem}.ipynb"] = jupytext.writes(notebook, fmt="ipynb")
    write_pages(folder, pages, "*.ipynb")
    write_if_changed(folder / "index.md", _INDEX)
