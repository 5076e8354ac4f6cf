"""``qktheory falsify``: search for an input that violates a claim."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from qktheory.cli.options import budget_option, check_seed, json_file_option, run_options

if TYPE_CHECKING:
    from qktheory.verification.falsify import Attack, Falsification

__all__ = ["falsify"]


@click.command(short_help="Search for an input that violates a claim.")
@click.argument("claim", metavar="ID")
@budget_option
@run_options
@json_file_option
@click.option(
    "--inputs",
    metavar="FILE",
    help="Write the worst inputs as a batch that 'qktheory evaluate --batch FILE --json' takes.",
)
def falsify(
    claim: str,
    budget: str,
    seed: int,
    delta: float,
    threads: int | None,
    json_file: str | None,
    inputs: str | None,
) -> int:
    """Search the inputs of claim ID, and of all parts of a statement, for a violation.

    For every bound and ordering: random inputs, extreme relatives of them (spikes, hubs, rank one,
    huge and tiny scales and sizes), gradient-free climbs from the best. A violation is looked at
    again, in 50 digits where the claim has such a route, by independent samples where it is about
    means. Tightness is the largest smaller/larger found. That nothing was found is no proof.

    Exit status: 1 only if a theorem, corrected or derived claim is violated, 2 for bad input, 130
    if interrupted.
    """
    from qktheory.base.files import check_writable
    from qktheory.cli.output import echo, emit_json, plain_table, progress_line
    from qktheory.verification.falsify import falsify as run

    check_seed(seed)
    for option, file in (("--json", json_file), ("--inputs", inputs)):
        if file is not None and file != "-":
            check_writable(option, file)
    with progress_line("claims") as progress:
        found = run(
            claim, budget=budget, seed=seed, delta=delta, threads=threads, progress=progress
        )
    if inputs is not None:
        emit_json(found.inputs(), inputs)
    if json_file != "-":
        table = plain_table(
            "claim", "standing", "found", "tightness", "tried", "inequality", right=("tightness",)
        )
        for part in found.parts:
            for attack in part.attacks:
                table.add_row(
                    part.claim.id,
                    part.claim.standing,
                    "violated" if attack.violated else "nothing",
                    "-" if attack.tightness is None else f"{attack.tightness:.6g}",
                    f"{attack.evaluations}{'' if attack.in_time else ' (time is up)'}",
                    attack.inequality or "the worst",
                )
        echo(table, width=200)
        _echo_violations(found)
    if json_file is not None:
        emit_json(found.to_dict(), json_file)
    if found.missing:
        return 130
    return 0 if found.success else 1


def _echo_violations(found: Falsification) -> None:
    """Print every violation in full, with the command that evaluates the claim there."""
    from qktheory.report.verdicts import evaluate_command

    for part in found.parts:
        for attack in part.attacks:
            if attack.violated:
                click.echo(f"{part.claim.id} violated: {_words(attack)}")
                click.echo(f"    {evaluate_command(part.claim.id, attack.parameters)}")


def _words(attack: Attack) -> str:
    certificate = dict(attack.certificate or {})
    arithmetic = certificate.get("arithmetic")
    if arithmetic == "Monte Carlo":
        low, high = certificate["ci"]
        return (
            f"{certificate['prediction']!r} predicted, mean {certificate['estimate']!r} in "
            f"[{low:g}, {high:g}] (n = {certificate['n']}, {certificate['guarantee']})"
        )
    smaller, larger = certificate["smaller"], certificate["larger"]
    return f"{smaller} <= {larger} is claimed; looked at again in {arithmetic}"
