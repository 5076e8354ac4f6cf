"""``qktheory show``: a claim as a page."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from qktheory.cli.options import json_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qktheory.theorems.claim import Claim

__all__ = ["show"]


@click.command(short_help="Show a claim: statement, formulas, parameters, source, cases.")
@click.argument("claim", metavar="ID")
@json_option
@click.option("--latex", is_flag=True, help="Print statement and formulas as LaTeX for a paper.")
def show(claim: str, as_json: bool, latex: bool) -> int:
    """Show claim ID: statement, formulas, parameters, assumptions, source, wrong twin, cases.

    The ID of a statement or chapter (LOC-3, LOC), or a FILE.py with claims of your own, lists its
    parts, and shows it if there is one only. With --json, formulas are LaTeX.
    """
    from qktheory.cli.output import emit_json, terminal_width
    from qktheory.report.claim_card import claim_card
    from qktheory.theorems.catalogue import claims

    found = claims([claim])
    if latex:
        from qktheory.report.claim_card import claim_latex

        click.echo("\n".join(claim_latex(one) for one in found), nl=False)
        return 0
    exact = [one for one in found if one.id.lower() == claim.lower()]
    if len(found) > 1 and not exact:
        _show_parts(claim, found, as_json)
        return 0
    shown = (exact or found)[0]
    if as_json:
        emit_json(claim_card(shown))
        return 0
    _show_claim(shown, min(terminal_width(), 110))
    others = [one.id for one in found if one is not shown]
    if others:
        click.echo(f"\nBeside it: {', '.join(others)}")
    return 0


def _show_parts(name: str, parts: Sequence[Claim], as_json: bool) -> None:
    from qktheory.cli.output import echo, emit_json, plain_table

    if as_json:
        emit_json(
            {
                "id": name,
                "parts": [
                    {"id": p.id, "title": p.title, "standing": p.standing, "claim_kind": p.kind}
                    for p in parts
                ],
            }
        )
        return
    table = plain_table("claim", "standing", "title")
    for part in parts:
        table.add_row(part.id, part.standing, part.title)
    echo(table)


def _show_claim(claim: Claim, width: int) -> None:
    from qktheory.report.claim_card import claim_card, formula_text

    ascii_only = not (getattr(sys.stdout, "encoding", None) or "").lower().startswith("utf")

    def words(text: str, indent: str = "  ") -> None:
        click.echo(
            click.wrap_text(text, width, initial_indent=indent, subsequent_indent=indent + "  ")
        )

    def formulas(title: str, definitions: object) -> None:
        assert isinstance(definitions, dict)
        if definitions:
            click.echo(f"\n{title}")
        for name, definition in definitions.items():
            drawn = formula_text(name, definition, width - 2, ascii_only)
            click.echo("\n".join(f"  {line}" for line in drawn.split("\n")) + "\n")

    card = claim_card(claim)
    click.echo(f"{claim.id}  {claim.title}")
    click.echo(f"{claim.standing}, {claim.kind}; about {claim.observable}\n")
    click.echo(click.wrap_text(claim.statement, width))
    click.echo("\nSource")
    words(f"{claim.source}: {claim.source.title}")
    click.echo("\nParameters")
    for parameter in card["parameters"]:
        default = "" if parameter["required"] else f" (default: {_default(parameter['default'])})"
        words(f"{parameter['name']}: {parameter['description']}; {parameter['domain']}{default}")
    if not card["parameters"]:
        click.echo("  none")
    formulas("Where", dict(claim.where))
    formulas("Values", dict(claim.values))
    if claim.proof:
        click.echo("Proof")
        words(claim.proof)
        click.echo("")
    if claim.derivation is not None:
        counts = ", ".join(f"{n} {status}" for status, n in claim.derivation.counts.items())
        click.echo("Derivation")
        words(f"steps: {counts}; see them with: qktheory derive {claim.id}")
        click.echo("")
    if card["assumptions"]:
        click.echo("Speaks about an Ensemble when")
        for assumption in card["assumptions"]:
            words(f"{assumption['name']}: {assumption['text']}")
    if card["predicts"]:
        click.echo("\nPredicts")
        for p in card["predicts"]:
            kind = "sharp" if p["sharp"] else p["prediction_kind"]
            words(f"{p['observable']} ({kind}), by {p['value']}")
    click.echo("\nWrong twin, which verification must refute")
    words(claim.wrong_twin.error)
    click.echo("\nCases")
    for case in card["cases"]:
        text = ", ".join(f"{name} = {json.dumps(value)}" for name, value in case.items())
        words(text or "the claim has no parameters")


def _default(value: object) -> str:
    return "decided from the others" if value is None else str(value)
