"""`phase_diagram`: a sweep from its description to its result."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qktheory.base.errors import bad_value
from qktheory.phase.goal import Goal
from qktheory.phase.run import Progress, run_sweep
from qktheory.phase.specification import read_sweep
from qktheory.phase.sweep import Sweep
from qktheory.simulation.ensemble import Ensemble

if TYPE_CHECKING:
    import xarray

__all__ = ["PhaseDiagram", "phase_diagram"]


@dataclass(frozen=True, eq=False)
class PhaseDiagram:
    """The result of a sweep.

    Parameters
    ----------
    sweep : Sweep
        What was run.
    folder : Path
        Where journal and result are.
    dataset : xarray.Dataset
        The estimates, see `qktheory.phase.result.sweep_dataset`.
    """

    sweep: Sweep
    folder: Path
    dataset: xarray.Dataset = field(repr=False)

    def to_xarray(self) -> xarray.Dataset:
        """Return the estimates as a labelled Dataset."""
        return self.dataset

    def ensemble(self, **values: Any) -> Ensemble:
        """Return the experiment of a cell, for raw draws or a comparison of its own.

        Parameters
        ----------
        **values
            Position (from 0) in each dimension, by its name, given as a mapping of dotted names:
            ``ensemble(**{"spectrum.eta": 3})``; 0 where none is given.
        """
        for name in values:
            if name not in self.sweep.dims:
                raise bad_value("cell", name, f"one of {', '.join(self.sweep.dims)}")
        index = tuple(int(values.get(name, 0)) for name in self.sweep.dims)
        return self.sweep.ensemble(int(np.ravel_multi_index(index, self.sweep.shape)))

    @property
    def counts(self) -> dict[str, int]:
        """Number of cells by status."""
        return dict(Counter(self.dataset["status"].values.ravel().tolist()))

    def __repr__(self) -> str:
        dims = " x ".join(map(str, self.sweep.shape))
        words = ", ".join(f"{count} {status}" for status, count in self.counts.items())
        return f"PhaseDiagram({dims} cells, {words}; {', '.join(self.sweep.observables)})"


def phase_diagram(
    sweep: Sweep | Mapping[str, Any] | str | Path,
    folder: str | Path,
    *,
    samples: int | None = None,
    target_half_width: float | None = None,
    refine: str | None = None,
    max_samples: int | None = None,
    seed: int | np.random.Generator | None = None,
    executor: str | Executor | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> PhaseDiagram:
    """Run a sweep, or what is left of it, and return its result.

    Parameters
    ----------
    sweep : Sweep, mapping, str or Path
        The sweep, its tables, or its spec file.
    folder : str or Path
        Output folder; it gets ``spec.toml``, ``journal.sqlite`` and ``result.nc``. A run that was
        interrupted is resumed, a finished one extended if more samples are asked for.
    samples : int, optional
        Samples of each cell, instead of those of the sweep.
    target_half_width : float, optional
        Or the half-width that all intervals are to reach.
    refine : {"phase"}, optional
        Or: sample each cell until its phase is decided.
    max_samples : int, optional
        Beside one of these two, the most samples of a cell.
    seed : int or numpy.random.Generator, optional
        Seed, >= 0, instead of that of the sweep; a Generator supplies one, which is recorded.
    executor : {"threads", "processes", "dask", "dask=ADDRESS"} or Executor, optional
        Where cells are worked on; threads of this process by default. Results do not depend on it.
    workers : int, optional
        Number of workers, all processors by default.
    progress : callable, optional
        Called with a line about speed, cells finished, cells in all.

    Returns
    -------
    PhaseDiagram

    Raises
    ------
    ValueError
        See `qktheory.phase.run.run_sweep`.

    Examples
    --------
    >>> import tempfile
    >>> spec = {"d": 8, "T": 16, "spectrum": {"law": "semicircle"}, "observables": ["entropy"],
    ...         "sweep": {"spectrum.xi": [0.0, 8.0], "spectrum.eta": [1.0, 10.0]}}
    >>> diagram = phase_diagram(spec, tempfile.mkdtemp(), samples=1000, workers=1)
    >>> diagram
    PhaseDiagram(2 x 2 cells, 3 done, 1 infeasible; entropy)
    >>> float(diagram.to_xarray()["entropy_mean"][0, 0].round(2))
    2.36
    """
    goal = asked_goal(samples, target_half_width, refine, max_samples)
    sweep = settled(_sweep(sweep), goal, seed)
    sweep, dataset = run_sweep(sweep, folder, executor=executor, workers=workers, progress=progress)
    return PhaseDiagram(sweep, Path(folder), dataset)


def _sweep(sweep: Sweep | Mapping[str, Any] | str | Path) -> Sweep:
    if isinstance(sweep, Sweep):
        return sweep
    if isinstance(sweep, str | Path):
        return read_sweep(sweep)
    if isinstance(sweep, Mapping):
        return Sweep.from_dict(sweep)
    raise bad_value("sweep", sweep, "a Sweep, its tables, or the path of a spec file")


def asked_goal(
    samples: int | None = None,
    target_half_width: float | None = None,
    refine: str | None = None,
    max_samples: int | None = None,
) -> dict[str, Any]:
    """Return what a call asks for, as a table of a goal."""
    asked = {"samples": samples, "target_half_width": target_half_width, "refine": refine}
    return {k: v for k, v in {**asked, "max_samples": max_samples}.items() if v is not None}


def settled(
    sweep: Sweep,
    goal: Mapping[str, Any] | None = None,
    seed: int | np.random.Generator | None = None,
) -> Sweep:
    """Return a sweep with the goal (of `asked_goal`) and seed of a call put in.

    What the call leaves open is taken from the goal of the sweep, if that is of the same kind.
    """
    if goal:
        asked, own = dict(goal), sweep.goal.to_dict()
        kinds = {"samples", "target_half_width", "refine"}
        if not set(asked) & kinds or set(asked) & kinds == set(own) & kinds:
            asked = {**own, **asked}
        sweep = sweep.replace(goal=Goal.from_dict(asked))
    if isinstance(seed, np.random.Generator):
        seed = int(seed.integers(2**63))
    return sweep if seed is None else sweep.replace(seed=seed)
