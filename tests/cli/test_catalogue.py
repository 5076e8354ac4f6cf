"""claims and show: what the catalogue says about itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from qktheory.theorems.catalogue import claims
from qktheory.theorems.claim import CLAIMS
from tests.cli.conftest import strict_json

Run = Callable[..., Result]


def test_claims_as_json(run: Run) -> None:
    report = strict_json(run("claims", "--json").stdout)
    assert [c["id"] for c in report["claims"]] == [c.id for c in claims()]
    for entry in report["claims"]:
        assert set(entry) == {"id", "title", "claim_kind", "standing", "source"}
        assert set(entry["source"]) == {"authors", "year", "title", "statement", "arxiv"}


def test_claims_by_paper(run: Run) -> None:
    papers = strict_json(run("claims", "--papers", "--json").stdout)["papers"]
    assert sum(len(p["claims"]) for p in papers) == len(claims())
    assert "arXiv:2402.02098" in run("claims", "--papers").stdout


def test_papers_say_what_cannot_be_checked_and_why(run: Run) -> None:
    papers = strict_json(run("claims", "--papers", "--json").stdout)["papers"]
    by_title = {p["paper"]: p for p in papers}
    assert len(by_title) == len(papers)
    (hybrid,) = (p for p in papers if "arXiv:2602.01763" in p["paper"])
    assert [c["id"] for c in hybrid["claims"]] == ["ZOO-HYB-1"]
    assert "communication lower bound" in hybrid["unchecked"]
    without = [p for p in papers if not p["claims"]]
    assert all(p["unchecked"] for p in without)
    assert any("engineering" in p["unchecked"] for p in without)
    assert any("sample-complexity" in p["unchecked"] for p in papers)
    words = run("claims", "--papers").stdout
    assert "no checkable claim: an engineering paper" in words
    assert "not checked: " in words


def test_papers_with_the_verdicts_of_a_report(run: Run, tmp_path: Path) -> None:
    report = tmp_path / "verdicts.json"
    report.write_text(run("verify", "LOC-4d", "--json", "-").stdout, "utf-8")
    papers = strict_json(run("claims", "--papers", "--verdicts", str(report), "--json").stdout)
    found = {c["id"]: c.get("verdict") for p in papers["papers"] for c in p["claims"]}
    assert found["LOC-4d"] == "supported"
    assert found["LOC-4a"] is None
    words = run("claims", "--papers", "--verdicts", str(report)).stdout
    assert "supported" in words
    assert "not judged" in words
    for arguments in (("--verdicts", str(report)), ("--papers", "--verdicts", "missing.json")):
        refused = run("claims", *arguments)
        assert refused.exit_code == 2
        assert "--verdicts = " in refused.stderr


def test_which_claims_apply_and_which_assumption_fails(run: Run) -> None:
    entries = strict_json(run("claims", "--for", "spec.toml", "--json").stdout)["claims"]
    by_id = {entry["id"]: entry for entry in entries}
    assert by_id["LOC-3b"]["applies"] is True
    assert by_id["LOC-3b"]["failing_assumption"] is None
    assert by_id["LOC-15b"]["applies"] is False
    assert by_id["LOC-15b"]["failing_assumption"].startswith("iid tokens")
    words = run("claims", "--for", "spec.toml").stdout.splitlines()
    assert [line.split()[1] for line in words if line.startswith("LOC-15b")] == ["no"]


@pytest.mark.parametrize("width", ["60", "80", "140"])
def test_every_claim_is_listed_at_every_width(
    run: Run, monkeypatch: pytest.MonkeyPatch, width: str
) -> None:
    monkeypatch.setenv("COLUMNS", width)
    first = [line.split(" ")[0] for line in run("claims").stdout.splitlines()]
    ids = [c.id for c in claims()]
    assert [word for word in first if word in ids] == ids


@pytest.mark.parametrize("claim", [c.id for c in claims()])
def test_every_claim_can_be_shown(run: Run, claim: str) -> None:
    card = strict_json(run("show", claim, "--json").stdout)
    original = CLAIMS[claim]
    assert card["id"] == claim
    assert card["statement"] == original.statement
    assert list(card["values"]) == list(original.values)
    assert [p["name"] for p in card["parameters"]] == [p.name for p in original.parameters]
    assert len(card["cases"]) == len(original.cases)
    assert card["proof"] == original.proof
    assert card["wrong_twin"]["error"]
    page = run("show", claim).stdout
    assert page.startswith(f"{claim}  {original.title}\n")
    assert max(len(line) for line in page.splitlines()) <= 140
    for name in original.values:
        assert f"{name} =" in page
    assert ("\nProof\n" in page) == bool(original.proof)
    assert " ".join(original.proof.split()) in " ".join(page.split())


def test_a_statement_lists_its_parts(run: Run) -> None:
    report = strict_json(run("show", "LOC-3", "--json").stdout)
    parts = [f"LOC-3{letter}" for letter in "abcdef"]
    assert [p["id"] for p in report["parts"]] == parts
    assert [line.split(" ")[0] for line in run("show", "loc-3").stdout.splitlines()[1:]] == parts
