"""Plant errors, count those that are caught, and write docs/reference/planted_faults.md.

Usage: python docs/reference/planted_faults.py [--twins REPORT.json]

Errors in kernels and estimators, and in the right side of every equality of every derivation, are
those of tests/planted.py; it takes some minutes. --twins takes the verdicts of all wrong twins from
a file of `{claim: verdict}`, instead of judging them again.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import qktheory as qk  # noqa: E402
from tests.planted import Fault, derivation_faults, kernel_faults  # noqa: E402

PAGE = Path(__file__).with_suffix(".md")
HEADER = "| where | planted | caught |"
_TEXT = """# Planted errors

A green test means something if it would have been red. Errors are planted on purpose, and must be
caught:

- in *kernels and estimators*: a factor, a sign, an exponent, bits for nats, a dropped key, a shared
  seed, in what a kernel returns; caught if its comparison with an independent reference fails;
- in *derivations*: in the right side of every equality of a derivation, a factor 11/10, the sign
  of a term, an exponent off by 1/4; caught if the step no longer checks;
- in *claims*: the wrong twin of every claim, which has a constant off by at most 10 %, a sign or an
  exponent off by at most 1/4; caught if the claim's own judgement refutes it.

The tests that do this are `tests/test_planted_faults.py` and `tests/theorems/test_catalogue.py`;
`python docs/reference/planted_faults.py` makes the table.

"""


def group(fault: Fault) -> str:
    """Return the row of the table for an error: its kernel, or the chapter of its claim."""
    where = fault.where.split(",")[0]
    return f"derivations, {where.split('-')[0]}" if "-" in where else where


def rows(found: Iterable[tuple[str, bool]]) -> str:
    """Return the rows of (where, whether caught)."""
    planted: Counter[str] = Counter()
    caught: Counter[str] = Counter()
    for where, hit in found:
        planted[where] += 1
        caught[where] += hit
    lines = [f"| {where} | {count} | {caught[where]} |" for where, count in planted.items()]
    return "\n".join([*lines, f"| all | {planted.total()} | {caught.total()} |"])


def twins(report: str | None) -> list[tuple[str, bool]]:
    """Judge all wrong twins."""
    if report is not None:
        verdicts = json.loads(Path(report).read_text("utf-8"))
    else:
        verdicts = {r.claim.id: r.verdict for r in qk.verify(wrong_twins=True).results}
    return [(f"wrong twins, {c.split('-')[0]}", v == "refuted") for c, v in verdicts.items()]


def main() -> None:
    """Plant everything and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--twins")
    arguments = parser.parse_args()
    _, *planted = kernel_faults()
    planted += derivation_faults()
    found = [(group(fault), fault.caught()) for fault in planted] + twins(arguments.twins)
    PAGE.write_text(f"{_TEXT}{HEADER}\n|---|---|---|\n{rows(found)}\n", "utf-8")


if __name__ == "__main__":
    main()
