"""``qktheory verify``: judge claims and print the table of verdicts."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

import click

from qktheory.cli.options import budget_option, check_seed, json_file_option, run_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from qktheory.report.verdicts import VerdictRow
    from qktheory.verification.verdict import Verification

__all__ = ["verify"]

#: Columns of the table in their order: field of the row, heading, and rank. A terminal gets the
#: columns of rank 0 and as many of the others, in the order of their ranks, as fit.
_COLUMNS = (
    ("claim", "claim", 0),
    ("standing", "standing", 4),
    ("kind", "kind", 5),
    ("verdict", "verdict", 0),
    ("value", "value", 7),
    ("prediction", "prediction", 0),
    ("margin", "estimate", 0),
    ("estimate", "estimate", 3),
    ("interval", "interval", 3),
    ("n", "n", 1),
    ("cases", "cases", 6),
    ("tightness", "tight", 0),
    ("level", "level", 0),
    ("guarantee", "guarantee", 2),
    ("derivation", "derived", 2),
    ("title", "title", 8),
)
_NUMBERS = ("prediction", "estimate", "n", "cases", "tight", "level")
_GAP = 2


@click.command(short_help="Judge claims: all of them, or some by id, chapter or file.")
@click.argument("selection", nargs=-1, metavar="[ID|FILE.py ...]")
@budget_option
@run_options
@click.option(
    "--workers",
    type=int,
    metavar="N",
    help="Processes that share the claims; by default as many as pay, at most one a thread. "
    "Results do not depend on it.",
)
@json_file_option
@click.option(
    "--report", metavar="DIR", help="Write report.md, figures and verdicts.json into a folder."
)
def verify(
    selection: tuple[str, ...],
    budget: str,
    seed: int,
    delta: float,
    threads: int | None,
    workers: int | None,
    json_file: str | None,
    report: str | None,
) -> int:
    """Judge claims on their own cases and print a table of verdicts.

    An ID is a claim (LOC-3b), a statement with all its parts (LOC-3) or a chapter (LOC); FILE.py
    registers claims of your own. Each row shows the case that decided the claim, the first one
    unless one failed: prediction, estimate with interval, samples n, tightness of a bound, error
    level of the claim's verdict. "Supported" says that nothing was found against a claim at that
    error level; sampling supports, it never proves. Of claims in FILE.py the wrong twins are judged
    as well: a twin that is not refuted shows that the check has no power, and is named.

    Exit status: 0 if every verdict agrees with the standing of its claim, 1 if a theorem, corrected
    or derived claim is refuted or a folklore claim is not, 2 for bad input, 130 if interrupted.
    """
    from qktheory.base.files import check_folder, check_writable
    from qktheory.cli.output import echo, emit_json, progress_line, terminal_width
    from qktheory.report.verdicts import closing_words, verdicts_dict
    from qktheory.verification.verify import verify as run

    started = time.perf_counter()
    check_seed(seed)
    if json_file is not None and json_file != "-":
        check_writable("--json", json_file)
    if report is not None:
        # Loaded before the work, so that nothing can be missing after it.
        from qktheory.report.write_report import write_report

        check_folder("--report", report)
    judge = partial(run, budget=budget, seed=seed, delta=delta, threads=threads, workers=workers)
    files = tuple(name for name in selection if name.endswith(".py"))
    with progress_line("claims") as progress:
        result = judge(selection, progress=progress)
    twins = None
    if files and not result.missing:
        with progress_line("wrong twins") as progress:
            twins = judge(files, wrong_twins=True, progress=progress)
    seconds = time.perf_counter() - started
    if json_file != "-":
        width = terminal_width()
        if result.results:
            # Wider than the terminal at worst: nothing is cut.
            echo(_table(result, width), width=max(width, 200))
        _echo_counterexamples(result, user_files=bool(files))
        click.echo(click.wrap_text(closing_words(result, seconds), min(width, 100)))
    _warn_without_power(result, twins)
    if json_file is not None:
        emit_json(verdicts_dict(result), json_file)
    if report is not None:
        write_report(result, report)
    if result.missing:
        return 130
    for failed in result.results:
        if failed.error is not None:
            click.echo(f"{failed.error.details}\nqktheory: error: {failed.error}", err=True)
    if any(failed.error for failed in result.results):
        return 2
    return 0 if result.success else 1


def _chosen_columns(rows: Sequence[VerdictRow], width: int) -> list[tuple[str, str]]:
    """Return (field, heading) of the columns that fit, by their ranks, in their order."""
    widths = {
        field: max(len(heading), *(len(getattr(row, field)) for row in rows))
        for field, heading, _ in _COLUMNS
    }

    def chosen(rank: int) -> list[tuple[str, str]]:
        columns = [(field, heading) for field, heading, own in _COLUMNS if own <= rank]
        if ("interval", "interval") in columns:
            columns.remove(("margin", "estimate"))
        return columns

    columns = chosen(0)
    for rank in range(1, 9):
        wider = chosen(rank)
        if sum(widths[field] + _GAP for field, _ in wider) - _GAP > width:
            break
        columns = wider
    return columns


def _table(result: Verification, width: int) -> Table:
    """Return the table of verdicts with the columns that fit."""
    from rich.text import Text

    from qktheory.cli.output import STYLES, plain_table
    from qktheory.report.verdicts import verdict_rows

    rows = verdict_rows(result)
    columns = _chosen_columns(rows, width)
    table = plain_table(*(heading for _, heading in columns), right=_NUMBERS, gap=_GAP)
    for row in rows:
        cells = [getattr(row, field) for field, _ in columns]
        table.add_row(*(Text(cell, style=STYLES.get(cell, "")) for cell in cells))
    return table


def _echo_counterexamples(result: Verification, user_files: bool) -> None:
    """Print refuted and undecided cases in full, so that anyone can check them again."""
    from qktheory.base.numbers import interval_text
    from qktheory.report.verdicts import counterexamples, recheck_command

    for claim, case in counterexamples(result):
        estimate, interval = interval_text(case.estimate, case.low, case.high)
        click.echo(
            f"{claim.claim.id} {case.verdict}: {case.value} = {case.prediction!r} predicted, "
            f"{estimate} in {interval} found (n = {case.n}, {case.guarantee})"
        )
        if user_files:
            click.echo(f"    {case.to_dict()['parameters']}")
        else:
            click.echo(f"    {recheck_command(claim, case)}")


def _warn_without_power(result: Verification, twins: Verification | None) -> None:
    """Name the claims that stand and whose wrong twins stand as well."""
    for twin in twins.results if twins is not None else ():
        if twin.error is None and "refuted" not in (twin.verdict, result[twin.claim.id].verdict):
            error = twin.claim.wrong_twin.error
            click.echo(
                f"qktheory: warning: {twin.claim.id}: its wrong twin ({error}) is {twin.verdict}: "
                "this check could not have told it from the claim; allow more work (--budget), or "
                "state cases in which the two differ more",
                err=True,
            )
