"""Our part of the documentation: pages generated from the catalogue, a bibliography, a role."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config

from extension.api_pages import write_api_pages
from extension.bibliography import write_bibliography
from extension.claim_pages import write_claim_pages
from extension.command_pages import write_command_page
from extension.docstrings import escape_plain_mathematics, skip_aliases
from extension.lessons import write_lessons
from extension.papers import PapersDirective
from extension.roles import ClaimRole

__all__ = ["setup"]


def _generate(app: Sphinx, config: Config) -> None:
    """Write the pages that are made from objects before Sphinx looks for sources."""
    report = config.qktheory_report or os.environ.get("QKTHEORY_REPORT", "")
    docs = Path(app.srcdir)
    write_bibliography(docs / "claims" / "papers.bib")
    write_claim_pages(docs / "claims", Path(report).resolve() if report else None)
    write_api_pages(docs / "reference" / "api")
    write_command_page(docs / "reference" / "cli.md")
    write_lessons(docs.parent / "notebooks", docs / "lessons")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_config_value("qktheory_report", "", "env", types=frozenset({str}))
    app.add_role("claim", ClaimRole())
    app.add_directive("papers", PapersDirective)
    app.connect("config-inited", _generate, priority=100)
    app.connect("autodoc-process-docstring", escape_plain_mathematics, priority=100)
    app.connect("autodoc-skip-member", skip_aliases)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
