"""The code blocks of the documents, and what is to be done with each."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

import click

from qktheory.cli.program import main

ROOT = Path(__file__).resolve().parents[2]
#: Written by the build of the documentation, from objects that have tests of their own.
GENERATED = ("claims", "lessons", "reference/api", "reference/cli.md", "_build")
#: What a block may be fenced with, beside directives in braces.
LANGUAGES = {"python", "sh", "text", "toml"}

_FENCE = re.compile(r"^(\s*)(`{3,}|:{3,})(.*)$")
_DIRECTIVE = re.compile(r"<!--\s*(file|run|gate):?\s*(.*?)\s*-->\s*$", re.S)


@dataclass(frozen=True)
class Block:
    """A fenced block of code: language, text, first line, directive before it, last line."""

    language: str
    text: str
    line: int
    directive: str = ""
    value: str = ""
    end: int = 0

    @property
    def commands(self) -> list[str]:
        """The command lines of a sh block, without comments, with continued lines joined."""
        lines = self.text.replace("\\\n", " ").splitlines()
        stripped = [re.sub(r"(^|\s)#.*$", "", line).strip() for line in lines]
        return [line for line in stripped if line]


def documents() -> list[Path]:
    """Return README, CONTRIBUTING and the pages of the documentation that people write."""
    docs = ROOT / "docs"
    generated = [docs / name for name in GENERATED]
    pages = [
        path
        for path in sorted(docs.rglob("*.md"))
        if not any(path == folder or path.is_relative_to(folder) for folder in generated)
    ]
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *pages]


def _directive(lines: list[str]) -> tuple[str, str]:
    """Return kind and text of the comment that ends right before a block."""
    before = "\n".join(lines)
    start = before.rfind("<!--")
    found = _DIRECTIVE.match(before[start:]) if start >= 0 else None
    return (found[1], found[2]) if found else ("", "")


def blocks(path: Path) -> list[Block]:
    """Return the fenced blocks of code of a document, those within directives included."""
    lines = path.read_text("utf-8").splitlines()
    found: list[Block] = []
    #: Directives that are open, outermost first, by their fences.
    around: list[str] = []
    code: tuple[str, str, int] | None = None
    for number, line in enumerate(lines, 1):
        fence = _FENCE.match(line)
        if fence is None:
            continue
        marks, rest = fence[2], fence[3].strip()
        if code is not None:
            opened, language, start = code
            if marks.startswith(opened) and not rest:
                text = "\n".join(lines[start : number - 1]) + "\n"
                kind, value = _directive(lines[: start - 1])
                found.append(Block(language, text, start, kind, value, number))
                code = None
        elif around and not rest and marks.startswith(around[-1]):
            around.pop()
        elif rest.startswith("{") and not rest.startswith("{code"):
            around.append(marks)
        else:
            code = (marks, rest, number)
    assert code is None, f"{path.name}: the block at line {code[2]} does not end"
    return found


def printed_by(block: Block, following: Block | None) -> str | None:
    """Return what a block prints as the document has it, None if nothing is said."""
    if following is None or following.language != "text":
        return None
    return following.text if following.line - block.end <= 2 else None


def stands_for(shown: str, run: str) -> bool:
    """Return whether a command is another one with other numbers: same preset, ids and files."""
    words, others = shlex.split(shown), shlex.split(run)
    if words[0] != others[0] or words[1] != others[1]:
        return False
    return words[0] == "python" or _essence(words[1:]) == _essence(others[1:])


def _essence(words: list[str]) -> tuple[object, ...]:
    command = main.commands[words[0]]
    context = command.make_context(words[0], words[1:], resilient_parsing=True)
    arguments = [p.name for p in command.params if isinstance(p, click.Argument)]
    return (words[0], *(context.params.get(name) for name in (*arguments, "preset")))
