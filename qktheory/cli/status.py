"""``qktheory status``: done, failed and missing cells of a sweep."""

from __future__ import annotations

import click

__all__ = ["status"]


@click.command(short_help="Show done, failed and missing cells of a sweep.")
@click.argument("folder", metavar="DIR")
def status(folder: str) -> int:
    """Show how far the sweep in DIR is; another process may be at work on it.

    Exit status: 0, or 2 if DIR holds no sweep.
    """
    from qktheory.cli.output import terminal_width
    from qktheory.phase.status import sweep_status

    found = sweep_status(folder)
    width = min(terminal_width(), 100)
    click.echo(click.wrap_text(repr(found.sweep), width, subsequent_indent="  "))
    for name, count in found.counts.items():
        click.echo(f"{count:>10} {name}")
    click.echo(f"{found.sweep.cells:>10} cells in all, {found.samples} samples drawn")
    for place, reason in found.failures:
        click.echo(click.wrap_text(f"failed: {place}: {reason}", width, subsequent_indent="  "))
    if not found.complete:
        click.echo(f"qktheory phase {folder}/spec.toml -o {folder} goes on with it.")
    elif not found.has_result:
        click.echo(f"qktheory phase {folder}/spec.toml -o {folder} writes the result.")
    return 0
