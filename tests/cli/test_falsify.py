"""falsify, new-claim, and what happens when code of the user's own fails."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from tests.cli.conftest import strict_json

Run = Callable[..., Result]


def test_a_true_bound(run: Run, tmp_path: Path) -> None:
    result = run("falsify", "ENT-10e", "--json", "out.json", "--inputs", "worst.json")
    assert result.exit_code == 0, result.stderr
    assert "nothing" in result.stdout
    report = strict_json((tmp_path / "out.json").read_text())
    assert report["claim"] == "ENT-10e"
    (part,) = report["parts"]
    assert part["id"] == "ENT-10e"
    assert part["standing"] == "derived"
    assert not part["violated"]
    assert 0.99 < part["tightness"] <= 1.0 + 1e-9
    assert report["tightness"] == part["tightness"]
    assert part["evaluations"] > 100
    again = run("evaluate", "--batch", "worst.json", "--json")
    assert [entry["claim"] for entry in strict_json(again.stdout)] == ["ENT-10e"]


def test_folklore_falls_and_that_is_success(run: Run) -> None:
    result = run("falsify", "ENT-9-folklore", "--json", "-")
    assert result.exit_code == 0
    report = strict_json(result.stdout)
    (part,) = report["parts"]
    assert part["violated"]
    assert part["certificate"]["arithmetic"] == "50 decimal digits"
    # Folklore has no say in how tight the statement's own bounds are.
    assert report["tightness"] is None
    shown = run("falsify", "ENT-9-folklore").stdout
    assert "ENT-9-folklore violated" in shown
    assert "qktheory evaluate ENT-9-folklore 'logits=" in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["LOC-1a"], "asserts no inequality"),
        (["RANK-7z"], "unknown claim"),
        (["ENT-10e", "--budget", "huge"], "unknown budget"),
        (["ENT-10e", "--seed", "-1"], "seed = -1"),
        (["ENT-10e", "--json", "nowhere/out.json"], "--json"),
    ],
)
def test_bad_input(run: Run, arguments: list[str], message: str) -> None:
    result = run("falsify", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert len(result.stderr.strip().split("\n")) == 1


def test_a_new_claim_is_verified_shown_and_attacked(run: Run, tmp_path: Path) -> None:
    assert run("new-claim", "Mine").exit_code == 0
    text = (tmp_path / "mine.py").read_text()
    assert 40 < len(text.split("\n")) < 80
    assert 'id="MINE-1a"' in text
    result = run("verify", "mine.py", "--json", "-")
    assert result.exit_code == 0, result.stderr
    (claim,) = strict_json(result.stdout)["claims"]
    assert claim["verdict"] == "supported"
    assert claim["tightness"] == pytest.approx(1.0, abs=1e-9)
    latex = run("show", "mine.py", "--latex").stdout
    assert r"\begin{align*}" in latex
    assert r"\log{\left(\mathrm{participation} \right)}" in latex
    assert run("falsify", "mine.py").exit_code == 0
    assert "does not exist yet" in run("new-claim", "Mine").stderr
    assert run("new-claim", "my claim").exit_code == 2


def test_a_violated_claim_of_ones_own_gives_status_1(run: Run, tmp_path: Path) -> None:
    run("new-claim", "Wrong")
    text = (tmp_path / "wrong.py").read_text()
    (tmp_path / "wrong.py").write_text(
        text.replace('"bound": -sp.log(Y_2)', '"bound": -2 * sp.log(Y_2)')
    )
    result = run("falsify", "wrong.py")
    assert result.exit_code == 1, result.output
    assert "WRONG-1a violated" in result.stdout


def test_errors_of_the_users_code_are_theirs(run: Run, tmp_path: Path) -> None:
    run("new-claim", "Broken")
    text = (tmp_path / "broken.py").read_text()
    (tmp_path / "broken.py").write_text(text.replace("[0, 1])", "[0, 1] + undefined)"))
    result = run("verify", "broken.py", "--json", "out.json")
    assert result.exit_code == 2
    lines = result.stderr.strip().split("\n")
    line = text[: text.index("[0, 1])")].count("\n") + 1
    assert lines[0].startswith("Traceback")
    assert f'broken.py", line {line}, in entropy' in result.stderr
    assert lines[-1].endswith("name 'undefined' is not defined")
    assert f"broken.py, line {line}: NameError while BROKEN-1a was judged" in lines[-1]
    (claim,) = json.loads((tmp_path / "out.json").read_text())["claims"]
    assert claim["verdict"] == "undecided"

    (tmp_path / "unreadable.py").write_text("import nothing_of_this_name\n")
    result = run("verify", "unreadable.py")
    assert result.exit_code == 2
    assert "unreadable.py, line 1: ModuleNotFoundError while the file was read" in result.stderr
