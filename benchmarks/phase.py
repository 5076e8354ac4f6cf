"""Cost of sweeps: of a logit, and of a cell beyond its samples.

Usage: python benchmarks/phase.py [--preset NAME] [--turns N] [--only SECTION ...]

Sections: cell (all that a sweep does for a cell but draw samples: validation, simulators,
intervals, journal, result, phase), logit (whole tiles at T = 1024). Processor time of one thread,
the least of some turns; what else runs on a machine slows processor time down too, so a loop of
plain Python is timed beside it.
"""

from __future__ import annotations

import argparse
import platform
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import partial
from typing import Any

from qktheory.phase.cell_phases import cell_phases
from qktheory.phase.cells import Cells
from qktheory.phase.diagram import phase_diagram, settled
from qktheory.phase.preset import preset_sweeps
from qktheory.phase.sweep import Sweep
from qktheory.phase.tile import CellRequest, TileRequest, run_tile

PRESETS = ("localization", "freezing", "self_attention")
#: Two grids, whose difference has no start-up in it.
GRIDS = ((8, 8), (32, 32))
TILE, SAMPLES = 64, 2560


class Inline(Executor):
    """Works at once, in this thread."""

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(function(*args, **kwargs))
        return future


def least(task: Callable[[], object], turns: int) -> float:
    times = []
    for _ in range(turns):
        start = time.process_time()
        task()
        times.append(time.process_time() - start)
    return min(times)


def plain_python() -> None:
    for _ in range(10**6):
        pass


def drawn_cells(sweep: Sweep) -> int:
    return sweep.cells - len(Cells(sweep).infeasible)


def whole(sweep: Sweep) -> None:
    """Run a sweep in a new folder, and name the phase of each cell."""
    with tempfile.TemporaryDirectory() as folder:
        data = phase_diagram(sweep, folder, executor=Inline(), workers=1).dataset
        if "quarter_weight_1_mean" in data:
            profile = [f"quarter_weight_{k}" for k in range(1, 5)]
            cell_phases(data, int(sweep.template["T"]), ["profile"], profile)


def cell(name: str, turns: int) -> None:
    small, large = (settled(preset_sweeps(name, grid)[""], {"samples": 1}) for grid in GRIDS)
    whole(small)
    seconds = least(lambda: whole(large), turns) - least(lambda: whole(small), turns)
    cells = drawn_cells(large) - drawn_cells(small)
    validation = least(lambda: Cells(large), turns) / large.cells
    print(
        f"| {name} | {len(large.observables)} | {1e3 * seconds / cells:.2f} | "
        f"{1e3 * validation:.2f} |"
    )


def logit(name: str, turns: int) -> None:
    sweep = preset_sweeps(name, (64, 64))[""]
    cells = Cells(sweep)
    groups: dict[tuple[str, int], list[int]] = {}
    for number in range(sweep.cells):
        if number in cells.infeasible:
            continue
        ensemble = sweep.ensemble(number)
        if abs(ensemble.T - 1024) < 64:
            groups.setdefault((ensemble.attention.normalizer, ensemble.T), []).append(number)
    seen = set()
    for (normalizer, T), numbers in groups.items():
        if normalizer in seen or len(numbers) < TILE:
            continue
        seen.add(normalizer)
        picked = numbers[len(numbers) // 3 :][:TILE]
        tile = tuple(CellRequest(c, cells.packed(c), sweep.stream_cell(c)) for c in picked)
        request = TileRequest(
            tile, sweep.observables, sweep.key, sweep.goal, SAMPLES, sweep.delta_each
        )
        run_tile(request)
        seconds = least(partial(run_tile, request), turns)
        print(f"| {name} | {normalizer} | {1e9 * seconds / (len(tile) * SAMPLES * T):.2f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", choices=PRESETS, nargs="+", default=PRESETS)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--only", choices=("cell", "logit"), nargs="+", default=("cell", "logit"))
    arguments = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}")
    print(f"a million turns of an empty loop: {1e3 * least(plain_python, 9):.0f} ms")
    if "cell" in arguments.only:
        print("\n| preset | observables | ms a cell | of it validation |\n|---|---|---|---|")
        for name in arguments.preset:
            cell(name, arguments.turns)
    if "logit" in arguments.only:
        print("\n| preset | normaliser | ns a logit |\n|---|---|---|")
        for name in arguments.preset:
            logit(name, arguments.turns)


if __name__ == "__main__":
    main()
