"""verify: the table, the JSON, the exit status, the interrupt."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import Result

import qktheory as qk
from tests.cli.conftest import strict_json

Run = Callable[..., Result]
Shell = Callable[..., subprocess.CompletedProcess[str]]

#: A claim file whose only claim is a wrong twin, with a standing to fill in.
FILE = """
from dataclasses import replace
from qktheory.theorems.claim import CLAIMS, register
register(replace(CLAIMS["{claim}"]{twin}, id="MY-1", standing="{standing}"))
"""

#: A claim file whose wrong twin is off by a factor.
POWER = """
from dataclasses import replace
from qktheory.theorems.claim import CLAIMS, WrongTwin, register
claim = CLAIMS["LOC-4d"]
wrong = {{name: {factor} * value for name, value in claim.values.items()}}
register(replace(claim, id="MY-2", wrong_twin=WrongTwin("too large", wrong)))
"""


def test_the_report_has_the_promised_form(run: Run) -> None:
    result = run("verify", "LOC-4d", "LOC-8b", "--json", "-")
    assert result.exit_code == 0
    report = strict_json(result.stdout)
    assert set(report) >= {"version", "seed", "delta", "claims"}
    assert (report["seed"], report["delta"]) == (0, 1e-6)
    assert [c["id"] for c in report["claims"]] == ["LOC-4d", "LOC-8b"]
    assert [c["derivation"] for c in report["claims"]] == ["none", "proved"]
    for claim in report["claims"]:
        assert set(claim) == {
            *("id", "title", "standing", "claim_kind", "verdict", "tightness", "derivation"),
            "cases",
        }
        # Sampling never proves: only a derivation does, whose steps were computed again.
        assert claim["verdict"] == ("proved" if claim["derivation"] == "proved" else "supported")
        assert len(claim["cases"]) >= 3
        for case in claim["cases"]:
            assert set(case) >= {
                *("parameters", "prediction", "estimate", "ci", "n", "guarantee", "verdict"),
            }
            assert case["ci"][0] <= case["estimate"] <= case["ci"][1]
    assert {c["guarantee"] for c in report["claims"][1]["cases"]} == {"asymptotic"}


def test_the_report_is_that_of_the_function(run: Run) -> None:
    report = strict_json(run("verify", "LOC-8b", "--seed", 3, "--json", "-").stdout)
    assert report == strict_json(json.dumps(qk.verify(["LOC-8b"], seed=3).to_dict()))


def test_threads_change_no_bit_and_seeds_do(run: Run) -> None:
    def report(*options: object) -> str:
        return run("verify", "LOC-8b", "LOC-15a", "--json", "-", *options).stdout

    assert report("--threads", 1) == report("--threads", 2)
    assert report("--seed", 0) == report()
    assert report("--seed", 1) != report()


@pytest.mark.parametrize("width", [80, 100, 140, 230])
def test_the_table_fits_and_is_not_cut(
    run: Run, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    result = run("verify", "LOC-4", "LOC-8b")
    lines = result.stdout.splitlines()
    assert max(len(line) for line in lines) <= width
    assert "…" not in result.stdout
    header = lines[0].split()
    for name in ("claim", "verdict", "prediction", "estimate", "tight", "level"):
        assert name in header
    if width >= 140:
        assert {"n", "guarantee", "interval", "standing", "kind"} <= set(header)
    if width >= 230:
        assert {"cases", "value", "title"} <= set(header)
    rows = [line.split() for line in lines if line.startswith("LOC-")]
    assert [row[0] for row in rows] == [*(f"LOC-4{letter}" for letter in "abcdef"), "LOC-8b"]
    assert all("supported" in row or "proved" in row for row in rows)


def test_the_closing_words_claim_no_more_than_was_found(run: Run) -> None:
    words = " ".join(run("verify", "LOC-4d", "LOC-3c").stdout.split())
    assert "2 claims: 2 supported." in words
    assert "probability at least 1 - 1e-06" in words
    assert "Supported means that nothing was found against a claim: that is no proof." in words
    assert "Seed 0, budget quick," in words
    assert "proved" not in words.replace("that is no proof", "")
    words = " ".join(run("verify", "LOC-8b").stdout.split())
    assert "1 claim: 1 proved." in words
    assert "Derivations computed again, by their weakest step: 1 proved." in words
    assert "every step of a derivation of the whole statement was computed again" in words


@pytest.mark.parametrize(
    ("claim", "twin", "standing", "status", "verdict"),
    [
        ("LOC-4d", ".twin()", "theorem", 1, "refuted"),
        ("LOC-4d", ".twin()", "conjecture", 0, "refuted"),
        ("LOC-4d", ".twin()", "folklore", 0, "refuted"),
        ("LOC-4d", "", "folklore", 1, "supported"),
        ("LOC-8b", ".twin()", "theorem", 1, "refuted"),
    ],
)
def test_a_users_claim_and_the_exit_status(
    shell: Shell, tmp_path: Path, claim: str, twin: str, standing: str, status: int, verdict: str
) -> None:
    (tmp_path / "mine.py").write_text(FILE.format(claim=claim, twin=twin, standing=standing))
    result = shell("verify", "mine.py", "--json", "out.json")
    assert result.returncode == status, result.stderr
    report = strict_json((tmp_path / "out.json").read_text())
    assert [(c["id"], c["verdict"]) for c in report["claims"]] == [("MY-1", verdict)]
    assert ("MY-1 refuted: " in result.stdout) == (verdict == "refuted")
    assert sorted(p.name for p in tmp_path.iterdir() if p.name != "__pycache__") == [
        "mine.py",
        "out.json",
        "spec.toml",
    ]


@pytest.mark.parametrize(("factor", "told"), [("1.05", True), ("1.0000000000001", False)])
def test_a_check_of_ones_own_that_cannot_tell_its_twin_is_named(
    shell: Shell, tmp_path: Path, factor: str, told: bool
) -> None:
    (tmp_path / "mine.py").write_text(POWER.format(factor=factor))
    result = shell("verify", "mine.py", "--json", "-")
    assert result.returncode == 0, result.stderr
    assert strict_json(result.stdout)["claims"][0]["verdict"] == "supported"
    assert ("MY-2: its wrong twin (too large) is supported" in result.stderr) == (not told)


def test_a_counterexample_can_be_checked_again(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The printed command evaluates the claim at exactly the parameters that refuted it."""
    room = sys.modules["qktheory.verification.verify"]

    twins = [claim.twin() for claim in qk.claims(["LOC-4d"])]
    monkeypatch.setattr(room, "claims", lambda chosen: twins)
    monkeypatch.setattr(qk.Claim, "twin", lambda self: self)
    result = run("verify", "LOC-4d", "--json", "out.json")
    assert result.exit_code == 1
    refuted = [
        case
        for case in strict_json(Path("out.json").read_text())["claims"][0]["cases"]
        if case["verdict"] == "refuted"
    ]
    commands = [line.strip() for line in result.stdout.splitlines() if "qktheory evaluate" in line]
    assert len(commands) == len(refuted) > 0
    for command, case in zip(commands, refuted, strict=True):
        again = run(*shlex.split(command)[1:], "--json")
        assert strict_json(again.stdout)["parameters"] == case["parameters"]


def test_an_interrupt_keeps_what_was_judged(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    import qktheory.cli.output as output

    def report(line: str, done: int, total: int) -> None:
        if line.startswith("LOC-4c"):
            raise KeyboardInterrupt

    @contextmanager
    def interrupting(unit: str):
        yield report

    monkeypatch.setattr(output, "progress_line", interrupting)
    result = run("verify", "LOC-4", "--json", "out.json")
    assert result.exit_code == 130
    report_file = strict_json(Path("out.json").read_text())
    judged = [c["id"] for c in report_file["claims"]]
    assert set(judged) >= {"LOC-4a", "LOC-4b"}
    assert set(judged) | set(report_file["missing"]) == {f"LOC-4{x}" for x in "abcdef"}
    assert "Interrupted, not judged: " in " ".join(result.stdout.split())


def test_a_report_folder(run: Run, tmp_path: Path) -> None:
    result = run("verify", "LOC-4d", "--report", "deep/report", "--json", "out.json")
    assert result.exit_code == 0
    folder = tmp_path / "deep" / "report"
    assert sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*")) == [
        "figures",
        "figures/LOC-4d.png",
        "figures/LOC-4d.svg",
        "report.md",
        "verdicts.json",
    ]
    assert (folder / "verdicts.json").read_text() == (tmp_path / "out.json").read_text()


def test_nothing_is_written_unless_asked(run: Run, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    assert run("verify", "LOC-4d").exit_code == 0
    assert sorted(tmp_path.rglob("*")) == before
