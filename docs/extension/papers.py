"""The directive ``papers``: each paper with its claims, and what of it no computation can check."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from extension.bibliography import citation_key
from extension.claim_index import statement_of
from extension.markdown import plain_text
from qktheory.theorems.catalogue import claims
from qktheory.theorems.claim import Claim
from qktheory.theorems.papers import Paper, by_paper

__all__ = ["PapersDirective", "papers_text"]

_ID = re.compile(r"\b[A-Z]+-[A-Z]*-?\d+[a-z]?\b")


def _linked(text: str) -> str:
    return _ID.sub(lambda found: f"{{claim}}`{found.group()}`", plain_text(text))


def _entry(paper: Paper, found: Sequence[Claim]) -> str:
    words = [f"{{cite:t}}`{citation_key(paper)}`, *{plain_text(paper.title)}*."]
    if found:
        standings = Counter(claim.standing for claim in found)
        counts = ", ".join(f"{standing}: {number}" for standing, number in standings.items())
        statements = dict.fromkeys(statement_of(claim.id) for claim in found)
        links = " ".join(f"{{claim}}`{statement}`" for statement in statements)
        words.append(f"{links} ({counts}).")
    if paper.unchecked:
        words.append(f"Not checked: {_linked(paper.unchecked)}.")
    return "- " + " ".join(words)


def papers_text() -> str:
    """Return the two lists as Markdown."""
    with_claims, without = [], []
    for paper, found in by_paper(claims()):
        (with_claims if found else without).append(_entry(paper, found))
    return "\n".join(
        [*with_claims, "", "**Without a checkable claim**", "", *without],
    )


class PapersDirective(SphinxDirective):
    """Write the papers of the catalogue, then those that have no checkable claim."""

    def run(self) -> list[nodes.Node]:
        """Return the parsed lists."""
        return self.parse_text_to_nodes(papers_text())
