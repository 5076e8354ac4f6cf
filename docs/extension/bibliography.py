"""The bibliography: every paper that a claim cites, and those of the list that none does."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

from extension.files import write_if_changed
from qktheory.theorems.catalogue import claims
from qktheory.theorems.claim import Source
from qktheory.theorems.papers import PAPERS, Paper, by_paper

__all__ = ["citation_key", "write_bibliography"]


def citation_key(source: Source | Paper) -> str:
    """Return the key of a paper: that of the list of papers, else first author and year."""
    for key, paper in PAPERS.items():
        if (paper.authors, paper.year, paper.title) == (source.authors, source.year, source.title):
            return key
    first = unicodedata.normalize("NFKD", source.authors.split(",")[0])
    return re.sub(r"[^a-z-]", "", first.lower()) + str(source.year)


def _entry(paper: Paper) -> str:
    authors = " and ".join(f"{{{name.strip()}}}" for name in paper.authors.split(","))
    fields = {"author": authors, "title": f"{{{paper.title}}}", "year": str(paper.year)}
    if paper.arxiv:
        fields |= {"note": f"arXiv:{paper.arxiv}", "url": f"https://arxiv.org/abs/{paper.arxiv}"}
    if paper.venue:
        fields["howpublished"] = paper.venue
    if paper.doi:
        fields["doi"] = paper.doi
    lines = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items())
    return f"@misc{{{citation_key(paper)},\n{lines}\n}}\n"


def write_bibliography(path: Path) -> None:
    """Write the BibTeX file that Sphinx reads."""
    entries: dict[str, str] = {}
    for paper, _ in by_paper(claims()):
        key = citation_key(paper)
        if key in entries and entries[key] != _entry(paper):
            raise ValueError(f"two papers have the key {key!r}: {paper} is the second")
        entries[key] = _entry(paper)
    write_if_changed(path, "\n".join(entries[key] for key in sorted(entries)))
