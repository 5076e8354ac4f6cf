"""The tables of the reference that scripts have measured: they are whole, and not out of date."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from collections import Counter

import qktheory as qk
from tests.docs.pages import ROOT
from tests.planted import Fault, kernel_faults

REFERENCE = ROOT / "docs" / "reference"


def test_page_of_planted_errors_has_every_claim_and_kernel_and_all_are_caught() -> None:
    page = (REFERENCE / "planted_faults.md").read_text("utf-8")
    rows = re.findall(r"^\| (.+) \| (\d+) \| (\d+) \|$", page, re.M)
    planted = {where: int(number) for where, number, _ in rows}
    assert [where for where, number, caught in rows if number != caught] == []
    chapters = Counter(claim.id.split("-")[0] for claim in qk.claims())
    assert {c: planted[f"wrong twins, {c}"] for c in chapters} == chapters
    _, *kernels = kernel_faults()
    for where, number in Counter(fault.where for fault in kernels).items():
        assert planted[where] == number
    assert planted.pop("all") == sum(planted.values())


def test_an_error_that_is_missed_is_counted_as_missed() -> None:
    script = runpy.run_path(str(REFERENCE / "planted_faults.py"))
    fault = Fault("LOC-3b, step 2", "sign", lambda: False)
    assert script["group"](fault) == "derivations, LOC"
    assert script["rows"]([("exp", True), ("exp", False)]).splitlines()[0] == "| exp | 2 | 1 |"


def test_page_of_benchmarks_names_machine_date_and_every_script() -> None:
    page = (REFERENCE / "benchmarks.md").read_text("utf-8")
    assert re.search(r"^Measured on \d{4}-\d{2}-\d{2}: .+ processors", page, re.M)
    script = runpy.run_path(str(REFERENCE / "benchmarks.py"))
    assert re.findall(r"^## benchmarks/(\w+)\.py$", page, re.M) == list(script["RUNS"])
    done = subprocess.run(
        [sys.executable, str(REFERENCE / "benchmarks.py"), "--help"],
        capture_output=True,
        check=True,
    )
    assert b"--quick" in done.stdout
