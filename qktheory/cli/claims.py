"""``qktheory claims``: the catalogue, by paper, or as it applies to an experiment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from qktheory.cli.options import json_option

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from qktheory.theorems.claim import Claim

__all__ = ["claims"]


@click.command(short_help="List the claims, by paper, or those that apply to an experiment.")
@click.option("--papers", is_flag=True, help="Group the claims by the paper they come from.")
@click.option(
    "--for",
    "spec",
    metavar="SPEC.toml",
    help="Say which claims apply to an experiment and, where not, which assumption fails.",
)
@json_option
def claims(papers: bool, spec: str | None, as_json: bool) -> int:
    """List ids, titles, kinds, standings and sources of all claims."""
    from qktheory.cli.output import emit_json
    from qktheory.theorems.catalogue import claims as all_claims

    found = all_claims()
    failing = None if spec is None else _failing(spec)
    if as_json:
        emit_json(_report(found, failing, papers))
    else:
        _echo(found, failing, papers)
    return 0


def _failing(spec: str) -> Mapping[str, str | None]:
    from qktheory.simulation.specification import read_specification
    from qktheory.theorems.catalogue import applicability

    return applicability(read_specification(spec).ensemble)


def _by_paper(found: Sequence[Claim]) -> dict[str, list[Claim]]:
    papers: dict[str, list[Claim]] = {}
    for claim in found:
        source = claim.source
        paper = f"{source.authors} ({source.year}): {source.title}"
        papers.setdefault(f"{paper}, arXiv:{source.arxiv}" if source.arxiv else paper, []).append(
            claim
        )
    return papers


def _entry(claim: Claim, failing: Mapping[str, str | None] | None) -> dict[str, Any]:
    from qktheory.report.claim_card import source_dict

    entry: dict[str, Any] = {
        "id": claim.id,
        "title": claim.title,
        "claim_kind": claim.kind,
        "standing": claim.standing,
        "source": source_dict(claim.source),
    }
    if failing is not None:
        entry["applies"] = failing[claim.id] is None
        entry["failing_assumption"] = failing[claim.id]
    return entry


def _report(
    found: Sequence[Claim], failing: Mapping[str, str | None] | None, papers: bool
) -> dict[str, Any]:
    from qktheory import __version__

    if not papers:
        return {"version": __version__, "claims": [_entry(c, failing) for c in found]}
    return {
        "version": __version__,
        "papers": [
            {"paper": paper, "claims": [_entry(c, failing) for c in group]}
            for paper, group in _by_paper(found).items()
        ],
    }


def _echo(found: Sequence[Claim], failing: Mapping[str, str | None] | None, papers: bool) -> None:
    from qktheory.cli.output import echo, plain_table

    groups = _by_paper(found) if papers else {"": list(found)}
    for paper, group in groups.items():
        if failing is not None:
            table = plain_table("claim", "applies", "failing assumption", "title")
            for claim in group:
                reason = failing[claim.id]
                answer = ("yes", "") if reason is None else ("no", reason.partition(":")[0])
                table.add_row(claim.id, *answer, claim.title)
        elif papers:
            table = plain_table("claim", "standing", "kind", "statement", "title")
            for claim in group:
                table.add_row(
                    claim.id, claim.standing, claim.kind, claim.source.statement, claim.title
                )
        else:
            table = plain_table("claim", "standing", "kind", "title", "source")
            for claim in group:
                table.add_row(
                    claim.id, claim.standing, claim.kind, claim.title, _short_source(claim)
                )
        if paper:
            click.echo(f"\n{paper}")
        echo(table)


def _short_source(claim: Claim) -> str:
    source = claim.source
    return f"{source.authors.split(',')[0]} {source.year}, {source.statement}"
