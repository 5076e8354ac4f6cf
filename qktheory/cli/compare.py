"""``qktheory compare``: predictions beside a simulation, observable by observable."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from qktheory.cli.options import check_seed, json_file_option, run_options

if TYPE_CHECKING:
    from rich.table import Table

    from qktheory.simulation.specification import Specification
    from qktheory.verification.compare import Comparison, ObservableComparison

__all__ = ["compare"]


@click.command(short_help="Set predictions beside a simulation of an experiment.")
@click.argument("spec", required=False, metavar="[SPEC.toml]")
@click.option(
    "--preset",
    metavar="NAME",
    help="A built-in experiment: random_walk, iid, rank-collapse, path-lengths, circle.",
)
@click.option(
    "--samples", type=int, metavar="N", help="Samples, >= 1.  [default: 10000, fewer of networks]"
)
@run_options
@json_file_option
@click.option("--plot", metavar="FILE", help="Draw a figure: .png, .svg or .pdf.")
def compare(
    spec: str | None,
    preset: str | None,
    samples: int | None,
    seed: int,
    delta: float,
    threads: int | None,
    json_file: str | None,
    plot: str | None,
) -> int:
    """Set what the claims predict about an experiment beside a simulation of it.

    For each observable: its range, the Monte Carlo mean with its interval, and the predictions of
    all claims that apply: exact values, bounds, asymptotic values, with their distance from the
    mean in half-widths (hw) of the interval. Of a vector observable, the first, the middle and
    the last key (or layer) are shown, and the largest distance over all. A spec with variants, such
    as the eight networks of rank-collapse, is compared variant by variant.

    Exit status: 0 whether predictions and simulation agree or not, 2 for bad input, 130 if
    interrupted (the samples drawn so far are reported).
    """
    from qktheory.base.files import check_writable
    from qktheory.cli.output import emit_json, progress_line
    from qktheory.verification.compare import compare as run

    started = time.perf_counter()
    check_seed(seed)
    specification = _specification(spec, preset)
    if json_file is not None and json_file != "-":
        check_writable("--json", json_file)
    if plot is not None:
        from qktheory.plots.comparison import plot_comparison
        from qktheory.plots.depth_curves import plot_networks
        from qktheory.plots.style import check_format, save_figure

        check_format("--plot", plot)
        check_writable("--plot", plot)
    results: dict[str, Comparison] = {}
    for title, ensemble in (specification.variants or {"": specification.ensemble}).items():
        with progress_line("samples") as progress:
            results[title] = run(
                ensemble,
                specification.observables,
                samples=specification.samples if samples is None else samples,
                seed=seed,
                delta=delta,
                threads=threads,
                progress=progress,
            )
        result = results[title]
        if json_file != "-":
            if title:
                click.echo(f"== {title}")
            asked = specification.samples if samples is None else samples
            _echo(result, asked, time.perf_counter() - started)
        if result.interrupted:
            break
    if json_file is not None:
        reports = {title: one.to_dict() for title, one in results.items()}
        emit_json(reports.get("", {"variants": reports}), json_file)
    if plot is not None:
        figure, caption = plot_comparison(result) if "" in results else plot_networks(results)
        save_figure(figure, plot, caption)
    return 130 if result.interrupted else 0


def _specification(spec: str | None, preset: str | None) -> Specification:
    from qktheory.simulation.specification import read_preset, read_specification

    if preset is not None and spec is not None:
        raise ValueError("SPEC.toml and --preset are both given: expected one of them")
    if preset is not None:
        return read_preset(preset)
    if spec is None:
        raise ValueError("the experiment is missing: expected SPEC.toml or --preset NAME")
    return read_specification(spec)


def _echo(result: Comparison, asked: int, seconds: float) -> None:
    from qktheory.cli.output import echo, terminal_width
    from qktheory.report.comparison import comparison_closing

    width = terminal_width()
    click.echo(click.wrap_text(repr(result.ensemble), width, subsequent_indent="  "))
    for name, compared in result.observables.items():
        bounds = compared.observable.bounds(result.ensemble.T)
        reach = "unbounded" if bounds is None else f"range [{bounds[0]:.5g}, {bounds[1]:.5g}]"
        estimate = compared.estimate
        interval = " interval" if estimate.has_interval else ": no interval holds"
        heading = (
            f"{name}: {reach}, n = {estimate.n}, {estimate.guarantee}{interval}, simulator "
            f"{estimate.simulator}"
        )
        click.echo("\n" + click.wrap_text(heading, width, subsequent_indent="  "))
        echo(_grid(compared))
        if not compared.predictions:
            click.echo("  no claim of the catalogue predicts it here")
    if result.feature_demand is not None:
        click.echo("\n" + click.wrap_text(result.feature_demand.text, min(width, 100)))
    click.echo()
    click.echo(click.wrap_text(comparison_closing(result, asked, seconds), min(width, 100)))


def _grid(compared: ObservableComparison) -> Table:
    """Return the lines of an observable in columns."""
    from rich.table import Table
    from rich.text import Text

    from qktheory.report.comparison import comparison_lines, index_word, shown_keys

    keys = shown_keys(compared)
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(min_width=13)
    table.add_column(min_width=10)
    for _ in keys or (0,):
        table.add_column(justify="right" if keys else "left")
    table.add_column()
    table.add_column()
    if keys:
        word, first = index_word(compared)
        heads = (f"{word} {key - 1 + first}" for key in keys)
        table.add_row("", "", *heads, "off by (hw)", "")
    for line in comparison_lines(compared):
        style = {"agrees": "green", "holds": "green"}.get(line.answer, "")
        style = "bold red" if line.answer in ("DISAGREES", "VIOLATED") else style
        table.add_row(
            f"  {line.source}",
            line.kind,
            *line.values,
            line.deviation,
            Text(line.answer, style=style),
        )
    return table
