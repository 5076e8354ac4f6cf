"""The role {claim}`LOC-3b`: a link to the page of a claim, a statement or a chapter."""

from __future__ import annotations

from docutils import nodes
from sphinx import addnodes
from sphinx.util.docutils import SphinxRole

from extension.claim_index import statement_of
from qktheory.theorems.claim import CLAIMS

__all__ = ["ClaimRole"]


class ClaimRole(SphinxRole):
    """Link a claim to its page, a statement or a chapter to its place in the index."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Return the link; an unknown name is a warning."""
        name = self.text.strip()
        if name in CLAIMS:
            kind, target = "doc", f"/claims/{name}"
        elif any(name in (statement_of(claim), claim.split("-")[0]) for claim in CLAIMS):
            kind, target = "ref", f"statement-{name.lower()}"
        else:
            message = self.inliner.reporter.error(
                f"no claim, statement or chapter is called {name!r}", line=self.lineno
            )
            return [self.inliner.problematic(self.rawtext, self.rawtext, message)], [message]
        link = addnodes.pending_xref(
            self.rawtext,
            nodes.inline(name, name, classes=["std", "claim"]),
            refdomain="std",
            reftype=kind,
            reftarget=target,
            refexplicit=True,
            refwarn=True,
            refdoc=self.env.docname,
        )
        self.set_source_info(link)
        return [link], []
