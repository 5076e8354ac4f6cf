"""The index of claims: by chapter, statement by statement, with counts per verdict."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from extension.markdown import plain_text, table
from extension.verdicts import Report
from qktheory.theorems.claim import Claim

__all__ = ["CHAPTERS", "index_page", "statement_of"]

#: Title and page of each chapter, in the order of the index.
CHAPTERS = {
    "LOC": ("Localization", "localization"),
    "ENT": ("Entropy and the random energy model", "entropy"),
    "SPEC": ("Spectra of query-key matrices", "spectra"),
    "RMT": ("Random attention matrices", "random-matrices"),
    "RANK": ("Rank collapse", "rank-collapse"),
    "ZOO": ("The literature", "literature"),
}


def statement_of(claim: str) -> str:
    """Return the statement that a claim is a part of.

    Examples
    --------
    >>> [statement_of(c) for c in ("LOC-3b", "LOC-10-folklore", "ZOO-LIP-1a", "RANK-3")]
    ['LOC-3', 'LOC-10', 'ZOO-LIP-1', 'RANK-3']
    """
    return re.sub(r"(?<=\d)[a-z]$", "", claim.removesuffix("-folklore"))


def _counts(names: Sequence[str], report: Report) -> str:
    found = Counter(report.verdict(name) for name in names)
    return ", ".join(f"{number} {verdict}" for verdict, number in found.most_common())


def index_page(claims: Sequence[Claim], report: Report) -> str:
    """Return the index as MyST Markdown.

    Parameters
    ----------
    claims : sequence of Claim
        The catalogue, in its order.
    report : Report
        Verdicts.

    Returns
    -------
    str
    """
    chapters: dict[str, list[Claim]] = {name: [] for name in CHAPTERS}
    for claim in claims:
        chapters[claim.id.split("-")[0]].append(claim)
    folklore = sum(claim.standing == "folklore" for claim in claims)
    rows = [
        (
            f"[{CHAPTERS[name][0]}](#statement-{name.lower()})",
            str(len(members)),
            str(sum(claim.standing == "folklore" for claim in members)),
            _counts([claim.id for claim in members], report),
        )
        for name, members in chapters.items()
    ]
    parts = [
        "# Claims",
        f"The catalogue holds {len(claims)} claims, {folklore} of them folklore: believed, false, "
        "and kept because refuting them is worth a run. Every page is made from the object that is "
        "evaluated and judged. "
        + (f"Verdicts: {report.words}." if report.claims else "This build has no verdicts."),
        table(("chapter", "claims", "folklore", "verdicts"), rows),
    ]
    for name, members in chapters.items():
        parts += [f"(statement-{name.lower()})=\n## {CHAPTERS[name][0]}"]
        statement = ""
        lines = []
        for claim in members:
            if statement_of(claim.id) != statement:
                statement = statement_of(claim.id)
                parts += ["\n".join(lines)] if lines else []
                lines = []
                if statement != claim.id:
                    parts.append(f"(statement-{statement.lower()})=\n**{statement}**")
            lines.append(
                f"- {{claim}}`{claim.id}` {plain_text(claim.title)} ({claim.standing}, "
                f"{report.verdict(claim.id)})"
            )
        parts.append("\n".join(lines))
    entries = "\n".join(claim.id for claim in claims)
    parts.append(f"```{{toctree}}\n:hidden:\n\n{entries}\n```")
    return "\n\n".join(parts) + "\n"
