"""A preset: a sweep, the parts and exact data that belong to it, and all of it run."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from qktheory.base.registry import Registry
from qktheory.phase.diagram import PhaseDiagram, asked_goal, phase_diagram, settled
from qktheory.phase.run import Progress
from qktheory.phase.specification import read_sweep_preset
from qktheory.phase.sweep import Sweep

if TYPE_CHECKING:
    import xarray

__all__ = ["EXACT_NAME", "PRESETS", "Preset", "PresetResult", "preset_sweeps", "run_preset"]

EXACT_NAME = "exact.nc"


@dataclass(frozen=True)
class Preset:
    """What a preset has beside its main sweep.

    Parameters
    ----------
    name : str
        Name of the preset, that of its spec file.
    parts : tuple of str
        Further sweeps, ``presets/parts/<name>_<part>.toml``; each gets a folder of its own inside
        the output folder.
    exact : callable or None
        From the main sweep to exact data on a grid of their own.
    """

    name: str
    parts: tuple[str, ...] = ()
    exact: Callable[[Sweep], xarray.Dataset] | None = None


PRESETS: Registry[Preset] = Registry("preset with parts", "qktheory.phase.presets")


@dataclass(frozen=True, eq=False)
class PresetResult:
    """Everything that a preset has computed.

    Parameters
    ----------
    name : str
        Name of the preset.
    diagram : PhaseDiagram
        Its main sweep.
    parts : dict of str to PhaseDiagram
        Its other sweeps.
    exact : xarray.Dataset or None
        Its exact data.
    """

    name: str
    diagram: PhaseDiagram
    parts: dict[str, PhaseDiagram] = field(default_factory=dict)
    exact: xarray.Dataset | None = field(default=None, repr=False)


def _preset(name: str) -> Preset:
    return PRESETS[name] if name in PRESETS else Preset(name)


def preset_sweeps(name: str, grid: Sequence[int] | None = None) -> dict[str, Sweep]:
    """Return the sweeps of a preset: the main one by the name "", its parts by their names.

    Parameters
    ----------
    name : str
        Name of the preset; a hyphen is accepted for an underscore.
    grid : sequence of int, optional
        Number of values of each axis that is a range, of all parts.

    Raises
    ------
    ValueError
        For an unknown name, or a grid that does not fit.

    Examples
    --------
    >>> {part: sweep.shape for part, sweep in preset_sweeps("spectrum", (3, 2)).items()}
    {'': (2, 3, 2), 'rank': (2, 3, 2)}
    """
    main = read_sweep_preset(name, grid)
    stem = name.replace("-", "_")
    sweeps = {"": main}
    for part in _preset(stem).parts:
        path = files("qktheory.phase") / "presets" / "parts" / f"{stem}_{part}.toml"
        sweeps[part] = Sweep.from_dict(tomllib.loads(path.read_text("utf-8")), None, grid)
    return sweeps


def run_preset(
    name: str,
    folder: str | Path,
    *,
    grid: Sequence[int] | None = None,
    samples: int | None = None,
    target_half_width: float | None = None,
    refine: str | None = None,
    max_samples: int | None = None,
    seed: int | None = None,
    executor: str | Executor | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> PresetResult:
    """Run a preset, or what is left of it: its sweeps, then its exact data.

    Parameters
    ----------
    name : str
        Name of the preset.
    folder : str or Path
        Output folder; parts get folders in it, exact data go to ``exact.nc``.
    grid, samples, target_half_width, refine, max_samples, seed, executor, workers, progress
        See `qktheory.phase.diagram.phase_diagram`. A part never takes more samples than its own
        spec asks for: its draws are dear.

    Returns
    -------
    PresetResult

    Raises
    ------
    ValueError
        See `qktheory.phase.run.run_sweep`.

    Examples
    --------
    >>> import tempfile
    >>> result = run_preset("self-attention", tempfile.mkdtemp(), grid=(2, 2), samples=64)
    >>> result.diagram.counts
    {'done': 3, 'infeasible': 1}
    """
    sweeps = preset_sweeps(name, grid)
    stem = name.replace("-", "_")
    found = {}
    for part, sweep in sweeps.items():
        goal = asked_goal(samples, target_half_width, refine, max_samples)
        if part:
            goal = {"samples": min(samples or sweep.goal.samples, sweep.goal.samples)}
        found[part] = phase_diagram(
            settled(sweep, goal, seed),
            Path(folder) / part,
            executor=executor,
            workers=workers,
            progress=progress,
        )
    exact = _preset(stem).exact
    data = None
    if exact is not None:
        data = exact(sweeps[""])
        _write(data, Path(folder))
    return PresetResult(stem, found.pop(""), found, data)


def _write(data: xarray.Dataset, folder: Path) -> None:
    """Write the exact data, whole or not at all."""
    partial = folder / f".{EXACT_NAME}.partial"
    try:
        data.to_netcdf(partial, engine="h5netcdf")
        os.replace(partial, folder / EXACT_NAME)
    finally:
        partial.unlink(missing_ok=True)
