"""``qktheory claims``: the catalogue, by paper, or as it applies to an experiment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from qktheory.cli.options import json_option

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from qktheory.theorems.claim import Claim
    from qktheory.theorems.papers import Paper

__all__ = ["claims"]


@click.command(short_help="List the claims, by paper, or those that apply to an experiment.")
@click.option(
    "--papers",
    is_flag=True,
    help="Group the claims by paper, and name what of each paper cannot be checked and why.",
)
@click.option(
    "--verdicts",
    "report",
    metavar="REPORT.json",
    help="With --papers: add the verdicts of a report that `qktheory verify --json` wrote.",
)
@click.option(
    "--for",
    "spec",
    metavar="SPEC.toml",
    help="Say which claims apply to an experiment and, where not, which assumption fails.",
)
@json_option
def claims(papers: bool, report: str | None, spec: str | None, as_json: bool) -> int:
    """List ids, titles, kinds, standings and sources of all claims."""
    from qktheory.cli.output import emit_json
    from qktheory.theorems.catalogue import claims as all_claims

    found = all_claims()
    failing = None if spec is None else _failing(spec)
    verdicts = _verdicts(report, papers)
    if as_json:
        emit_json(_report(found, failing, papers, verdicts))
    else:
        _echo(found, failing, papers, verdicts)
    return 0


def _verdicts(report: str | None, papers: bool) -> dict[str, str]:
    """Return verdicts by claim from a report of `qktheory verify`, none without one."""
    import json
    from pathlib import Path

    from qktheory.base.errors import bad_value

    if report is None:
        return {}
    if not papers:
        raise bad_value("--verdicts", report, "--papers beside it")
    expected = "a report written by `qktheory verify --json`"
    try:
        entries = json.loads(Path(report).read_text("utf-8"))["claims"]
        return {str(entry["id"]): str(entry["verdict"]) for entry in entries}
    except (OSError, ValueError, KeyError, TypeError):
        raise bad_value("--verdicts", report, expected) from None


def _failing(spec: str) -> Mapping[str, str | None]:
    from qktheory.simulation.specification import read_specification
    from qktheory.theorems.catalogue import applicability

    return applicability(read_specification(spec).ensemble)


def _groups(found: Sequence[Claim]) -> list[tuple[Paper, list[Claim]]]:
    from qktheory.theorems.papers import by_paper

    return by_paper(found)


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
    found: Sequence[Claim],
    failing: Mapping[str, str | None] | None,
    papers: bool,
    verdicts: Mapping[str, str],
) -> dict[str, Any]:
    from qktheory import __version__

    entries = {claim.id: _entry(claim, failing) for claim in found}
    for name in entries.keys() & verdicts.keys():
        entries[name]["verdict"] = verdicts[name]
    if not papers:
        return {"version": __version__, "claims": list(entries.values())}
    return {
        "version": __version__,
        "papers": [
            {
                "paper": str(paper),
                "unchecked": paper.unchecked,
                "claims": [entries[claim.id] for claim in group],
            }
            for paper, group in _groups(found)
        ],
    }


def _echo(
    found: Sequence[Claim],
    failing: Mapping[str, str | None] | None,
    papers: bool,
    verdicts: Mapping[str, str],
) -> None:
    from qktheory.cli.output import echo, plain_table

    groups: list[tuple[Paper | None, list[Claim]]] = [(None, list(found))]
    if papers:
        groups = [*_groups(found)]
    for paper, group in groups:
        if paper is not None:
            click.echo(f"\n{paper}")
        if failing is not None:
            table = plain_table("claim", "applies", "failing assumption", "title")
            for claim in group:
                reason = failing[claim.id]
                answer = ("yes", "") if reason is None else ("no", reason.partition(":")[0])
                table.add_row(claim.id, *answer, claim.title)
        elif papers:
            last = ("verdict",) if verdicts else ()
            table = plain_table("claim", "standing", "kind", *last, "statement", "title")
            for claim in group:
                verdict = (verdicts.get(claim.id, "not judged"),) if verdicts else ()
                table.add_row(
                    claim.id,
                    claim.standing,
                    claim.kind,
                    *verdict,
                    claim.source.statement,
                    claim.title,
                )
        else:
            table = plain_table("claim", "standing", "kind", "title", "source")
            for claim in group:
                table.add_row(
                    claim.id, claim.standing, claim.kind, claim.title, _short_source(claim)
                )
        if group:
            echo(table)
        if paper is not None and paper.unchecked:
            what = "no checkable claim" if not group else "not checked"
            click.echo(f"  {what}: {paper.unchecked}")


def _short_source(claim: Claim) -> str:
    source = claim.source
    return f"{source.authors.split(',')[0]} {source.year}, {source.statement}"
