"""The report of a verification run, as the pages of claims read it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["VERDICTS", "Report", "read_report"]

#: From best to worst, with what is said where nothing was judged.
VERDICTS = ("proved", "supported", "refuted", "undecided", "not_applicable")


@dataclass(frozen=True)
class Report:
    """Verdicts by claim, and the folder in which their figures are; empty without a report."""

    claims: dict[str, dict[str, Any]]
    folder: Path | None = None
    words: str = ""

    def verdict(self, claim: str) -> str:
        """Return the verdict in words."""
        entry = self.claims.get(claim)
        return "not judged" if entry is None else str(entry["verdict"]).replace("_", " ")

    def figure(self, claim: str) -> Path | None:
        """Return the figure of a claim, None if there is none."""
        if self.folder is None:
            return None
        path = self.folder / "figures" / f"{claim}.png"
        return path if path.is_file() else None


def read_report(folder: Path | None) -> Report:
    """Read what `qktheory verify --report` has written.

    Parameters
    ----------
    folder : Path or None
        None for a build without verdicts.

    Returns
    -------
    Report
    """
    if folder is None:
        return Report({})
    found = json.loads((folder / "verdicts.json").read_text("utf-8"))
    words = (
        f"qktheory {found['version']}, budget {found['budget']}, seed {found['seed']}, "
        f"error level {found['delta']:g} shared by all sampled numbers of the run"
    )
    return Report({entry["id"]: entry for entry in found["claims"]}, folder, words)
