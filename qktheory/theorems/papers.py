"""The papers around self-attention: how each is cited, and what of it no computation can check.

They are listed in ``papers.toml``, one home for each. Claims of the catalogue take their source
from there by `cite`; a claim of a file of your own may bring a `Source` instead. A paper without a
claim is listed all the same, with the reason. `qktheory claims --papers` reads both.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources

from qktheory.base.errors import unknown_name
from qktheory.theorems.claim import Claim, Source

__all__ = ["PAPERS", "Paper", "by_paper", "cite"]


@dataclass(frozen=True)
class Paper:
    """A paper of the literature on attention.

    Parameters
    ----------
    authors, title : str
        As cited.
    year : int
        Year of publication.
    arxiv : str
        arXiv id, empty if there is none.
    unchecked : str, optional
        What it states that is no checkable claim of the catalogue, and why; empty if nothing.
    venue, doi : str, optional
        Where it was published, empty if its arXiv id says enough.
    """

    authors: str
    year: int
    title: str
    arxiv: str = ""
    unchecked: str = ""
    venue: str = ""
    doi: str = ""

    def source(self, statement: str) -> Source:
        """Return the paper as the source of a statement."""
        return Source(self.authors, self.year, self.title, statement, self.arxiv)

    def __str__(self) -> str:
        cited = f"{self.authors} ({self.year}): {self.title}"
        if self.arxiv:
            return f"{cited}, arXiv:{self.arxiv}"
        return f"{cited}, {self.venue}" if self.venue else cited


def _listed() -> dict[str, Paper]:
    table = resources.files("qktheory.theorems").joinpath("papers.toml").read_text("utf-8")
    return {name: Paper(**row) for name, row in tomllib.loads(table).items()}


#: Papers by first author and year, the keys of the bibliography.
PAPERS: dict[str, Paper] = _listed()


def cite(name: str, statement: str = "") -> Source:
    """Return a paper of the list as the source of a statement.

    Parameters
    ----------
    name : str
        First author and year, for example ``"noci2023"``.
    statement : str, optional
        Theorem or equation, or what part the statement extends.

    Returns
    -------
    Source

    Raises
    ------
    ValueError
        For a paper that is not listed.

    Examples
    --------
    >>> str(cite("trockman2023", "edges of the spectrum"))
    'Trockman, Kolter (2023), edges of the spectrum, arXiv:2305.09828'
    """
    if name not in PAPERS:
        raise unknown_name("paper", name, PAPERS)
    return PAPERS[name].source(statement)


def by_paper(claims: Iterable[Claim]) -> list[tuple[Paper, list[Claim]]]:
    """Return the papers that claims come from, each with its claims, then those without any.

    Parameters
    ----------
    claims : iterable of Claim
        Each comes up exactly once, under the paper of its source. A source that a file of your own
        brings is a paper of the list if it has its arXiv id, or its authors, year and title.

    Returns
    -------
    list of (Paper, list of Claim)
        Papers in the order of their first claim; papers of the list without a claim last.

    Examples
    --------
    >>> papers = by_paper([])
    >>> [paper.arxiv for paper, _ in papers if "translation" in paper.unchecked]
    ['2205.07100']
    """
    by_arxiv = {paper.arxiv: paper for paper in PAPERS.values() if paper.arxiv}
    by_title = {(paper.authors, paper.year, paper.title): paper for paper in PAPERS.values()}
    groups: dict[Paper, list[Claim]] = {}
    for claim in claims:
        s = claim.source
        paper = by_arxiv.get(s.arxiv) or by_title.get((s.authors, s.year, s.title))
        paper = paper or Paper(s.authors, s.year, s.title, s.arxiv)
        groups.setdefault(paper, []).append(claim)
    return [*groups.items(), *((paper, []) for paper in PAPERS.values() if paper not in groups)]
