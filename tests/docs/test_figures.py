"""Every figure of documents and lessons says in words what it shows."""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import ROOT, documents

IMAGE = re.compile(r"!\[([^\]]*)\]\(([^)\s]*)\)")
#: Words below which a text names a figure and does not describe it.
FEWEST = 15
LESSONS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.py"))


def cells(lesson: Path) -> list[str]:
    """Sources of the code cells of a lesson."""
    parts = re.split(r"^# %%(.*)\n", lesson.read_text("utf-8"), flags=re.M)
    return [
        source for kind, source in zip(parts[1::2], parts[2::2], strict=True) if not kind.strip()
    ]


@pytest.fixture(scope="module")
def describe_figure() -> Any:
    """What the build of the documentation does with the comment of a figure."""
    before = list(sys.path)
    sys.path.insert(0, str(ROOT / "docs"))
    try:
        return runpy.run_path(str(ROOT / "docs" / "extension" / "lessons.py"))["describe_figure"]
    finally:
        sys.path[:] = before


@pytest.mark.parametrize("page", documents(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_figures_of_a_page_exist_and_are_described(page: Path) -> None:
    for text, target in IMAGE.findall(page.read_text("utf-8")):
        assert (page.parent / target).is_file(), target
        assert len(text.split()) >= FEWEST, f"{target}: {text}"


def test_pages_have_figures() -> None:
    assert sum(len(IMAGE.findall(page.read_text("utf-8"))) for page in documents()) >= 20


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_figures_of_a_lesson_are_described(lesson: Path, describe_figure: Any) -> None:
    drawing = [source for source in cells(lesson) if "plt.subplots" in source]
    assert drawing
    for source in drawing:
        cell = {"cell_type": "code", "source": source, "metadata": {}}
        describe_figure(cell)
        assert len(cell["metadata"]["mystnb"]["image"]["alt"].split()) >= FEWEST
        assert "# Figure" not in cell["source"]
        compile(cell["source"], lesson.name, "exec")


def test_a_comment_becomes_the_text_of_the_figure(describe_figure: Any) -> None:
    cell = {"cell_type": "code", "source": "# Figure: a line\n# that falls.\nx = 1\n# y\n"}
    cell["metadata"] = {}
    describe_figure(cell)
    assert cell["metadata"] == {"mystnb": {"image": {"alt": "a line that falls."}}}
    assert cell["source"] == "x = 1\n# y\n"
    plain: dict[str, Any] = {"cell_type": "code", "source": "x = 1\n", "metadata": {}}
    describe_figure(plain)
    assert plain == {"cell_type": "code", "source": "x = 1\n", "metadata": {}}
