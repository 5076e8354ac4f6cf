"""Every code block of README, CONTRIBUTING and docs: executed, or checked in its own way.

Python is executed page by page, in order, in one namespace and one empty folder; commands are run
there, with the numbers of a ``<!-- run: ... -->`` before them where those of the page take long;
spec files are read. What a block prints is compared with the text below it.
"""

from __future__ import annotations

import doctest
import re
import shlex
import tomllib
from pathlib import Path

import pytest

import qktheory as qk
from qktheory.simulation.specification import Specification
from tests.docs.pages import LANGUAGES, ROOT, Block, blocks, documents, printed_by, stands_for
from tests.docs.sessions import PythonSession, run_command

GATE = (ROOT / ".ci" / "run").read_text("utf-8")
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def compare(block: Block, wanted: str | None, printed: str) -> None:
    if wanted is not None:
        assert doctest.OutputChecker().check_output(wanted, printed, OPTIONS), (
            f"line {block.line} prints\n{printed}\nand not\n{wanted}"
        )


def run_shell(block: Block, folder: Path) -> str:
    """Run the commands of a block, or those that stand for them, and return what they print."""
    commands = block.commands
    if block.directive == "gate":
        for command in commands:
            assert command in GATE.replace(" --quiet", ""), f"the gate does not run {command}"
        return ""
    if block.directive == "run":
        instead = [line.strip() for line in block.value.splitlines() if line.strip()]
        assert len(instead) == len(commands), f"line {block.line}: one command for each of these"
        for shown, run in zip(commands, instead, strict=True):
            assert stands_for(shown, run), f"{run!r} does not stand for {shown!r}"
        commands = instead
    return "".join(run_command(shlex.split(command), folder) for command in commands)


def read_spec(block: Block) -> None:
    spec = tomllib.loads(block.text)
    if "sweep" in spec:
        qk.Sweep.from_dict(spec)
    else:
        Specification.from_dict(spec)


@pytest.mark.parametrize("path", documents(), ids=name)
def test_every_block_does_what_the_page_says(path: Path, tmp_path: Path) -> None:
    found = blocks(path)
    session: PythonSession | None = None
    try:
        for number, block in enumerate(found):
            following = found[number + 1] if number + 1 < len(found) else None
            wanted = printed_by(block, following)
            if block.language == "toml":
                read_spec(block)
            if block.directive == "file":
                (tmp_path / block.value).write_text(block.text, "utf-8")
            elif block.language == "python":
                session = session or PythonSession(tmp_path)
                compare(block, wanted, session.run(block.text))
            elif block.language == "sh":
                printed = run_shell(block, tmp_path)
                if block.directive != "gate":
                    compare(block, wanted, printed)
    finally:
        if session is not None:
            session.close()


@pytest.mark.parametrize("path", documents(), ids=name)
def test_blocks_are_in_languages_that_are_checked(path: Path) -> None:
    for block in blocks(path):
        assert block.language in LANGUAGES, f"line {block.line}: a block in {block.language!r}"


# --- the test of the test -------------------------------------------------------------------------


def page(tmp_path: Path, text: str) -> list[Block]:
    path = tmp_path / "page.md"
    path.write_text(text, "utf-8")
    return blocks(path)


def test_a_wrong_output_and_an_error_are_seen(tmp_path: Path) -> None:
    session = PythonSession(tmp_path)
    try:
        first, second = page(tmp_path, "```python\nx = 2\nprint(x)\n```\n\n```text\n3\n```\n")
        printed = session.run(first.text)
        with pytest.raises(AssertionError, match="prints"):
            compare(first, printed_by(first, second), printed)
        assert session.run("print(x + 1)") == "3\n"  # one namespace
        with pytest.raises(AssertionError, match="ZeroDivisionError"):
            session.run("1 / 0")
        with pytest.raises(AssertionError, match="DeprecationWarning"):
            session.run("import warnings; warnings.warn('old', DeprecationWarning)")
    finally:
        session.close()


def test_a_failing_command_is_seen(tmp_path: Path) -> None:
    assert re.search("LOC-3b", run_command(["qktheory", "show", "LOC-3b"], tmp_path))
    with pytest.raises(AssertionError, match="exit status 2"):
        run_command(["qktheory", "show", "LOC-99"], tmp_path)
    with pytest.raises(AssertionError, match="expected a command"):
        run_command(["curl", "somewhere"], tmp_path)


def test_a_command_may_be_replaced_by_one_with_other_numbers_only() -> None:
    shown = "qktheory phase --preset freezing -o freezing"
    assert stands_for(shown, f"{shown} --samples 8 --grid 3x3")
    assert not stands_for(shown, "qktheory phase --preset spectrum -o freezing")
    assert stands_for("qktheory verify LOC", "qktheory verify LOC --budget quick")
    assert not stands_for("qktheory verify LOC", "qktheory verify LOC-1")
    assert not stands_for("qktheory verify LOC", "qktheory show LOC")


def test_directives_and_commands_of_a_block_are_read(tmp_path: Path) -> None:
    (block,) = page(
        tmp_path, "<!-- run:\na\nb\n-->\n```sh\nqktheory verify \\\n  LOC  # a comment\nx\n```\n"
    )
    assert (block.directive, block.value) == ("run", "a\nb")
    assert [" ".join(c.split()) for c in block.commands] == ["qktheory verify LOC", "x"]
    blocks_found = page(tmp_path, "<!-- file: a.toml -->\n```toml\n```\n\ntext\n\n```sh\nb\n```\n")
    assert [b.directive for b in blocks_found] == ["file", ""]
    inside = page(
        tmp_path, "````{dropdown} x\n```python\n1\n```\n````\n:::{note}\n:::\n```text\n```\n"
    )
    assert [b.language for b in inside] == ["python", "text"]
