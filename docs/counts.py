"""The table of claims by chapter in README.md: python docs/counts.py REPORT [--check].

REPORT is a folder that `qktheory verify --report` has written. With --check nothing is written, and
a table that differs is an error.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
START, END = "<!-- counts -->\n", "<!-- end of counts -->"
#: What each chapter is about.
CHAPTERS = {
    "LOC": "localization of random-walk and iid tokens: exact laws, the profile and phase map of "
    "Bao et al. (2024), the true softmax, the argmax law",
    "ENT": "a softmax row as a random energy model at every T; entropy bounds, overlaps, depth, "
    "trainability (Zhai et al. 2023, Giorlandino and Goldt 2025)",
    "SPEC": "spectra of W_QK: Haar and Gaussian moments, exact targets, laws, products, spikes",
    "RMT": "random attention matrices: bulk, outliers, stable rank (Saada et al. 2025), cosines "
    "and gradients (Noci et al. 2022)",
    "RANK": "rank collapse (Dong et al. 2021): cubic bound, counterexample, depth, skips, masks, "
    "LayerNorm, other normalisers",
    "ZOO": "statements from some thirty more papers, each in checkable form",
}
_COLUMNS = ("proved", "supported", "refuted", "undecided")


def counts(verdicts: Mapping[str, str]) -> str:
    """Return the table for verdicts by claim."""
    lines = [
        "| chapter | subject | claims | proved | supported | refuted | undecided |",
        "|---|---|---|---|---|---|---|",
    ]
    total: Counter[str] = Counter()
    for chapter, subject in CHAPTERS.items():
        found = Counter(v for claim, v in verdicts.items() if claim.split("-")[0] == chapter)
        total += found
        cells = [f"{found[name]}" for name in _COLUMNS]
        lines.append(f"| {chapter} | {subject} | {found.total()} | {' | '.join(cells)} |")
    cells = [f"{total[name]}" for name in _COLUMNS]
    lines.append(f"| all | | {total.total()} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write or check the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("report", type=Path)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    claims = json.loads((arguments.report / "verdicts.json").read_text("utf-8"))["claims"]
    readme = ROOT / "README.md"
    text = readme.read_text("utf-8")
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    written = before + START + counts({c["id"]: c["verdict"] for c in claims}) + END + after
    if arguments.check:
        if written != text:
            print("the table of README.md is stale: python docs/counts.py REPORT", file=sys.stderr)
        return int(written != text)
    readme.write_text(written, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
