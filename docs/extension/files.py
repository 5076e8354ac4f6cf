"""Generated files: written when they change, so that Sphinx reads again only what is new."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

__all__ = ["write_if_changed", "write_pages"]


def write_if_changed(path: Path, text: str) -> None:
    """Write a text file unless it holds the text already."""
    if not path.is_file() or path.read_text("utf-8") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


def write_pages(folder: Path, pages: Mapping[str, str], pattern: str) -> None:
    """Write pages by file name and remove those of an earlier run that match the pattern."""
    for path in folder.glob(pattern):
        if path.name not in pages:
            path.unlink()
    for name, text in pages.items():
        write_if_changed(folder / name, text)
