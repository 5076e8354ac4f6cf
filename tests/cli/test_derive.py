"""``qktheory derive``: steps, JSON and a LaTeX document."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from tests.cli.conftest import strict_json

Run = Callable[..., Result]


def test_a_derivation_is_printed_with_the_status_of_every_step(run: Run) -> None:
    result = run("derive", "LOC-1b")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].startswith("LOC-1b")
    assert sum("[proved]" in line for line in lines) == 2
    assert "2 steps: 2 proved" in result.stdout


def test_json_has_the_promised_form(run: Run) -> None:
    entry = strict_json(run("derive", "LOC-8b", "--json", "-").stdout)
    assert set(entry) >= {"claim", "steps", "statement"}
    assert entry["claim"] == "LOC-8b"
    assert entry["steps"][-1]["expression"] == entry["statement"] == "T*eta_F"
    for step in entry["steps"]:
        assert set(step) >= {"expression", "relation", "reason", "status"}


def test_a_statement_stands_for_all_its_parts(run: Run) -> None:
    entry = strict_json(run("derive", "loc-8", "--json", "-").stdout)
    assert [part["claim"] for part in entry["parts"]] == ["LOC-8a", "LOC-8b"]
    assert len(entry["steps"]) == sum(len(part["steps"]) for part in entry["parts"])


def test_bad_input_is_named(run: Run) -> None:
    for arguments, words in (
        (("derive", "LOC-4d"), "a claim with a derivation"),
        (("derive", "LOC-99"), "LOC-99"),
    ):
        result = run(*arguments)
        assert result.exit_code == 2
        assert words in result.stderr


def test_the_document_is_well_formed_latex(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "loc.tex"
    assert run("derive", "LOC-8", "--latex", str(file)).exit_code == 0
    text = file.read_text("utf-8")
    text.encode("ascii")
    body = re.sub(r"\\[{}]", "", text)
    depth = 0
    for character in body:
        depth += {"{": 1, "}": -1}.get(character, 0)
        assert depth >= 0
    assert depth == 0
    opened = re.findall(r"\\begin\{(\w+)\}", text)
    assert sorted(opened) == sorted(re.findall(r"\\end\{(\w+)\}", text))
    assert text.count("\\left") - text.count("\\leftarrow") == text.count("\\right")
    assert text.count("\n\\[\n") == text.count("\n\\]\n") == 7


@pytest.mark.parametrize("compiler", ["tectonic", "pdflatex"])
def test_the_document_compiles_where_latex_is_installed(
    run: Run, tmp_path: Path, compiler: str
) -> None:
    program = shutil.which(compiler)
    file = tmp_path / "loc.tex"
    assert run("derive", "LOC-8b", "--latex", str(file)).exit_code == 0
    if program is not None:
        done = subprocess.run([program, file.name], cwd=tmp_path, capture_output=True, check=False)
        assert done.returncode == 0, done.stdout[-2000:]
    assert file.stat().st_size > 500
