"""The chapters of the theory: all claims are met in them, and no formula splits a table."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from qktheory.theorems.catalogue import claims
from tests.docs.pages import ROOT

THEORY = ROOT / "docs" / "theory"
PAGES = {
    "LOC": "localization.md",
    "ENT": "entropy.md",
    "SPEC": "spectra.md",
    "RMT": "random-matrices.md",
    "RANK": "rank-collapse.md",
    "ZOO": "literature.md",
}


def linked(page: str) -> set[str]:
    """Claims, statements and chapters that a page links."""
    return set(re.findall(r"\{claim\}`([^`]+)`", (THEORY / page).read_text("utf-8")))


@pytest.mark.parametrize("chapter", PAGES)
def test_every_claim_is_met_in_its_chapter(chapter: str) -> None:
    ids = {claim.id for claim in claims() if claim.id.split("-")[0] == chapter}
    assert ids
    assert ids - linked(PAGES[chapter]) == set()


def test_findings_name_everything_that_is_believed_and_false_or_was_corrected() -> None:
    named = linked("findings.md")
    for standing in ("folklore", "conjecture"):
        assert {claim.id for claim in claims() if claim.standing == standing} <= named
    folklore = [claim for claim in claims() if claim.standing == "folklore"]
    numbers = {12: "Twelve", 13: "Thirteen", 14: "Fourteen", 15: "Fifteen", 16: "Sixteen"}
    title = f"## {numbers[len(folklore)]} sentences that are believed and false"
    assert title in (THEORY / "findings.md").read_text("utf-8")


def split_rows(text: str) -> list[str]:
    """Rows of tables that have more or fewer cells than the row above them."""
    found, cells = [], 0
    for line in text.splitlines():
        if not line.startswith("|"):
            cells = 0
            continue
        number = len(re.findall(r"(?<!\\)\|", line))
        if cells and number != cells:
            found.append(line)
        cells = cells or number
    return found


@pytest.mark.parametrize(
    "path", sorted((ROOT / "docs").glob("[gt]*/*.md")), ids=lambda path: path.name
)
def test_no_bar_of_a_formula_splits_a_row_of_a_table(path: Path) -> None:
    assert split_rows(path.read_text("utf-8")) == []


def test_a_split_row_is_seen() -> None:
    assert split_rows("| a | b |\n|---|---|\n| $|x|$ | y |\n") == ["| $|x|$ | y |"]
