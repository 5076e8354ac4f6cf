"""The table of docs/reference/accuracy.md: its script runs, figures are those of docstrings."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs" / "reference"


@pytest.fixture(scope="module")
def script() -> dict[str, object]:
    return runpy.run_path(str(DOCS / "accuracy.py"))


def test_script_measures_what_the_page_says(script: dict, capsys: pytest.CaptureFixture) -> None:
    found = script["errors"]([(2.0, 1.0), (5.0, 0.7)])
    assert set(found) == set(script["QUANTITIES"])
    assert max(max(values) for values in found.values()) < 1e-12
    rows = script["table"]({"a region": found}).splitlines()
    assert rows[0] == script["HEADER"]
    assert len(rows) == 2 + len(script["QUANTITIES"])


def test_the_reference_is_right_and_sees_a_wrong_width(script: dict) -> None:
    """T = 2 by a one-dimensional integral: E H and Var log Z of the chapter's table."""
    wanted = script["reference"](2.0, 1.0)
    assert wanted["mean_entropy"] == pytest.approx(0.5395000616883964, rel=1e-15)
    assert wanted["var_log_partition"] == pytest.approx(0.5671298989349363, rel=1e-13)
    assert abs(script["reference"](2.0, 1.01)["mean_entropy"] / wanted["mean_entropy"] - 1) > 1e-3


def test_page_has_a_row_for_every_quantity_and_region(script: dict) -> None:
    page = (DOCS / "accuracy.md").read_text("utf-8")
    rows = page.partition(script["HEADER"])[2].partition("\n\n")[0].splitlines()[2:]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    assert [row[:3] for row in cells] == [
        [label, region, str(len(points))]
        for label in script["QUANTITIES"].values()
        for region, points in script["REGIONS"].items()
    ]
    for label, region, _, largest, mean in cells:
        assert 0.0 <= float(mean) <= float(largest)
        if label not in ("Var H", "Var Y_2"):
            assert float(largest) < 1e-10, (label, region)
