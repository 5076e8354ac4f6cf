"""``qktheory evaluate``: a claim's own values, at given parameters or for a whole file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from qktheory.cli.options import json_option
from qktheory.cli.parameters import parse_assignments, parse_json, single_claim

__all__ = ["evaluate"]


@click.command(short_help="Evaluate a claim at given parameters.")
@click.argument("claim", required=False, metavar="[ID]")
@click.argument("assignments", nargs=-1, metavar="[NAME=VALUE ...]")
@click.option(
    "--batch",
    metavar="FILE",
    help='Evaluate all entries of a JSON file [{"id", "parameters"}, ...] ("-" is stdin).',
)
@json_option
def evaluate(
    claim: str | None, assignments: tuple[str, ...], batch: str | None, as_json: bool
) -> int:
    """Print the values of claim ID at given parameters.

    A VALUE is a number, JSON text such as [[1, 2], [3, 4]], a bare word, or @FILE.npy. A hyphen in
    a NAME stands for an underscore. `qktheory show ID` lists the parameters.

    With --batch, the list of results is printed as JSON in the order of the file; an entry that
    fails carries an "error" and does not stop the rest, and the exit status is 0 unless FILE itself
    is unusable.
    """
    from qktheory.cli.output import emit_json
    from qktheory.theorems.catalogue import evaluate as value_of
    from qktheory.theorems.catalogue import evaluate_batch

    if batch is not None:
        if claim is not None:
            raise ValueError("--batch takes its ids from the file: expected no ID beside it")
        emit_json(evaluate_batch(_read_batch(batch)))
        return 0
    if claim is None:
        raise ValueError("the ID of a claim is missing: try qktheory claims")
    claim = single_claim(claim)
    parameters = parse_assignments(assignments)
    values = value_of(claim, **parameters)
    if as_json:
        emit_json({"claim": claim, "parameters": parameters, "values": values})
    else:
        for name, value in values.items():
            click.echo(f"{name} = {value!r}")
    return 0


def _read_batch(file: str) -> list[Any]:
    """Return the entries of a batch file, or raise if it holds no list."""
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ValueError(f"--batch = {file!r}: expected a readable JSON file ({reason})") from None
    try:
        entries = parse_json(text)
    except ValueError as error:
        raise ValueError(f"--batch = {file!r}: expected JSON ({error})") from None
    if not isinstance(entries, list):
        raise ValueError(
            f'--batch = {file!r}: expected a list of {{"id": ..., "parameters": {{...}}}}'
        )
    return entries
