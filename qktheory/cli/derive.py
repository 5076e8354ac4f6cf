"""``qktheory derive``: how a claim is known, each step computed again."""

from __future__ import annotations

import textwrap
import time
from typing import TYPE_CHECKING

import click

from qktheory.cli.options import json_file_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qktheory.symbolic.derivation import Derivation

__all__ = ["derive"]


@click.command(short_help="Show how a claim is derived; every step is computed again.")
@click.argument("claim", metavar="ID")
@click.option("--latex", "latex_file", metavar="FILE", help="Write a LaTeX document.")
@json_file_option
def derive(claim: str, latex_file: str | None, json_file: str | None) -> int:
    """Print the derivation of claim ID; each step is computed again while it is printed.

    Proved: SymPy and the trace calculus reduce the step to an identity. Certified: ball arithmetic
    proves an inequality on the stated box. Sampled: both sides were compared at random points to
    50 digits. The ID of a statement (LOC-1) prints all its parts that have a derivation.

    Exit status: 0, 1 if a step fails, 2 for bad input.
    """
    from qktheory.base.files import check_writable, write_file
    from qktheory.cli.output import emit_json, terminal_width
    from qktheory.report.derivation_document import derivation_document, derivations_dict
    from qktheory.theorems.catalogue import claims

    found = claims([claim])
    exact = [one for one in found if one.id.lower() == claim.lower()]
    derivations = [d for one in exact or found if (d := one.derivation) is not None]
    if not derivations:
        raise ValueError(f"claim = {claim!r}: expected a claim with a derivation, this has none")
    for option, file in (("--json", json_file), ("--latex", latex_file)):
        if file is not None and file != "-":
            check_writable(option, file)
    failing = 0
    for derivation in derivations:
        started = time.perf_counter()
        failing += len(derivation.recheck())
        if json_file != "-":
            _echo(derivation, time.perf_counter() - started, min(terminal_width(), 110))
    if latex_file is not None:
        write_file(latex_file, derivation_document(derivations))
    if json_file is not None:
        emit_json(derivations_dict(claim, derivations), json_file)
    return 1 if failing else 0


def _echo(derivation: Derivation, seconds: float, width: int) -> None:
    from qktheory.theorems.claim import CLAIMS

    failing = derivation.recheck()
    click.echo(f"{derivation.claim}  {CLAIMS[derivation.claim].title}")
    for number, step in enumerate(derivation.steps, 1):
        status = "FAILED" if step in failing else step.status
        _echo_lines(f"{number:3d}. [{status}] {step.reason}", width, 5)
        _echo_lines(f"     {step.statement}", width, 9)
    counts = ", ".join(f"{count} {status}" for status, count in derivation.counts.items())
    words = f"{len(derivation.steps)} steps: {counts}"
    if derivation.uses:
        words += f"; cited, not derived: {', '.join(derivation.uses)}"
    if not derivation.complete:
        words += "; these steps are not the whole statement"
    _echo_lines(f"{words}. Computed again in {seconds:.1f} s.", width, 0)
    click.echo("")


def _echo_lines(text: str, width: int, indent: int) -> None:
    lines: Sequence[str] = textwrap.wrap(
        text, width, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False
    )
    click.echo("\n".join(lines))
