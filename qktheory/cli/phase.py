"""``qktheory phase``: a grid of experiments, resumed where it was left."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from qktheory.phase.diagram import PhaseDiagram
    from qktheory.phase.preset import PresetResult
    from qktheory.phase.sweep import Sweep

__all__ = ["phase"]


@click.command(short_help="Run a grid of experiments; resumes what was interrupted.")
@click.argument("spec", required=False, metavar="[SPEC.toml]")
@click.option("--preset", metavar="NAME", help="A built-in sweep, such as localization.")
@click.option("-o", "--output", metavar="DIR", help="Folder of the sweep.")
@click.option("--samples", type=int, metavar="N", help="Samples of each cell, >= 1.")
@click.option(
    "--target-half-width",
    type=float,
    metavar="X",
    help="Sample until all intervals have this half-width.",
)
@click.option(
    "--refine",
    metavar="WHAT",
    help="phase: sample each cell until its phase is decided, most where phases meet.",
)
@click.option(
    "--max-samples",
    type=int,
    metavar="N",
    help="Most samples of a cell, beside --target-half-width or --refine.",
)
@click.option("--seed", type=int, metavar="N", help="Seed of all random numbers, >= 0.")
@click.option("--grid", metavar="NXxNY", help="Values of each axis that is a range, in order.")
@click.option(
    "--executor",
    metavar="NAME",
    default="threads",
    show_default=True,
    help="threads, processes, dask or dask=ADDRESS. Results do not depend on it.",
)
@click.option("--workers", type=int, metavar="N", help="Workers; all processors by default.")
@click.option(
    "--figure",
    multiple=True,
    metavar="FILE",
    help="Write the figure there too: .png, .svg or .pdf. DIR/figure.png is always written.",
)
@click.option("--dry-run", is_flag=True, help="Print cells and estimated time, and stop.")
def phase(
    spec: str | None,
    preset: str | None,
    output: str | None,
    samples: int | None,
    target_half_width: float | None,
    refine: str | None,
    max_samples: int | None,
    seed: int | None,
    grid: str | None,
    executor: str,
    workers: int | None,
    figure: tuple[str, ...],
    dry_run: bool,
) -> int:
    """Draw the observables of a grid of experiments, with intervals, into a folder.

    SPEC.toml is an experiment with a table [sweep]: axes by dotted name, such as
    "spectrum.eta" = {start, stop, num, scale} or a list. DIR gets spec.toml, journal.sqlite,
    result.nc and figure.png. The same command goes on where an earlier one was stopped, in whatever
    way, and draws more if more samples are asked for; cells that failed are tried again.

    Exit status: 0, also if cells have failed, 2 for bad input, 130 if interrupted (finished work is
    kept).
    """
    from qktheory.cli.output import progress_line
    from qktheory.phase.diagram import asked_goal, phase_diagram, settled
    from qktheory.phase.preset import PresetResult, run_preset
    from qktheory.plots.style import check_format

    started = time.perf_counter()
    for name in figure:
        check_format("--figure", name)
    goal = asked_goal(samples, target_half_width, refine, max_samples)
    sweep = settled(_read(spec, preset, grid), goal, seed)
    if dry_run:
        return _dry_run(sweep, workers)
    if output is None:
        raise ValueError("the folder of the sweep is missing: expected -o DIR")
    how: dict[str, Any] = {"executor": executor, "workers": workers}
    try:
        with progress_line("cells") as progress:
            if preset is None:
                found = PresetResult("", phase_diagram(sweep, output, progress=progress, **how))
            else:
                found = run_preset(
                    preset,
                    output,
                    grid=None if grid is None else _grid(grid),
                    seed=seed,
                    **goal,
                    progress=progress,
                    **how,
                )
    except KeyboardInterrupt:
        click.echo(
            f"qktheory: interrupted: finished work is kept in {output}; the same command goes on "
            "from there",
            err=True,
        )
        return 130
    _draw(found, [Path(output) / "figure.png", *map(Path, figure)])
    _echo(found.diagram, time.perf_counter() - started)
    return 0


def _draw(found: PresetResult, paths: list[Path]) -> None:
    """Write the figure; a sweep that has none, without a numeric axis say, says so."""
    from qktheory.plots.phase_diagram import draw_preset, obstacle
    from qktheory.plots.style import save_figure

    reason = obstacle(found)
    if reason is not None:
        click.echo(f"no figure: {reason}", err=True)
        return
    figure, caption = draw_preset(found)
    for path in paths:
        save_figure(figure, path, caption)


def _read(spec: str | None, preset: str | None, grid: str | None) -> Sweep:
    from qktheory.phase.specification import read_sweep, read_sweep_preset

    numbers = None if grid is None else _grid(grid)
    if preset is not None and spec is not None:
        raise ValueError("SPEC.toml and --preset are both given: expected one of them")
    if preset is not None:
        return read_sweep_preset(preset, numbers)
    if spec is None:
        raise ValueError("the sweep is missing: expected SPEC.toml or --preset NAME")
    return read_sweep(spec, numbers)


def _grid(text: str) -> list[int]:
    from qktheory.base.errors import bad_value

    if not re.fullmatch(r"[0-9]{1,7}(x[0-9]{1,7})*", text):
        raise bad_value("--grid", text, "numbers such as 64x64")
    return [int(number) for number in text.split("x")]


def _dry_run(sweep: Sweep, workers: int | None) -> int:
    from qktheory.phase.estimate_time import estimate_time
    from qktheory.phase.run import duration

    estimate = estimate_time(sweep, workers)
    dims = " x ".join(f"{n} ({s})" for n, s in zip(sweep.dims, sweep.shape, strict=True))
    goal = sweep.goal
    if goal.refine is not None:
        each = f"until the {goal.refine} is decided, {goal.samples} samples at most"
    elif goal.target_half_width is not None:
        each = f"half-width {goal.target_half_width:g}, {goal.samples} samples at most"
    else:
        each = f"{goal.samples} samples each"
    most = "at most " if goal.looks else ""
    click.echo(f"{dims}: {estimate.cells} cells, {estimate.infeasible} infeasible, {each}")
    click.echo(
        f"estimated time: {most}{duration(estimate.seconds)} with {estimate.workers} workers"
    )
    return 0


def _echo(diagram: PhaseDiagram, seconds: float) -> None:
    from qktheory.cli.output import terminal_width
    from qktheory.phase.result import STATUSES
    from qktheory.phase.run import duration

    counts = diagram.counts
    words = ", ".join(f"{counts[s]} {s}" for s in STATUSES if s in counts)
    n = diagram.dataset[f"{diagram.sweep.observables[0]}_n"].values
    drawn = n[n > 0]
    width = min(terminal_width(), 100)
    click.echo(click.wrap_text(f"{diagram.sweep!r}", width, subsequent_indent="  "))
    if drawn.size:
        low, high = int(drawn.min()), int(drawn.max())
        words += f"; {low if low == high else f'{low} to {high}'} samples a cell"
    closing = (
        f"{diagram.sweep.cells} cells: {words}. All intervals of all cells together miss with "
        f"probability at most {diagram.sweep.delta:g}. {duration(seconds)}; written to "
        f"{diagram.folder}."
    )
    click.echo(click.wrap_text(closing, width))
    if "failed" in counts:
        click.echo(f"qktheory status {diagram.folder} shows why cells have failed.")
