"""What a sweep is: an Ensemble template, axes, observables, and how much to draw."""

from __future__ import annotations

import copy
import hashlib
import json
import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w

from qktheory.base.arrays import load_array
from qktheory.base.cached import cached_property
from qktheory.base.domains import Choice, Integer
from qktheory.base.errors import bad_value
from qktheory.kernels import seed_key
from qktheory.observables.observable import Observable, find_observables
from qktheory.phase.axis import Axis, AxisValue, check_axis_name, set_dotted
from qktheory.phase.decided import check_phase_is_measured
from qktheory.phase.goal import GOAL_NAMES, Goal
from qktheory.simulation.ensemble import Ensemble
from qktheory.simulation.intervals import DEFAULT_DELTA, DELTA
from qktheory.simulation.specification import DEFAULT_OBSERVABLES

__all__ = ["Sweep"]

_OPTIONS = ("seed", "delta", "draws", "predictions")
_SETTINGS = (*GOAL_NAMES, *_OPTIONS, "cases", "combos")
_DRAWS = Choice(("common", "independent"))
_SEED = Integer(low=0)
_MOST_CELLS = 10_000_000
_RANGE = {"start", "stop", "num", "scale"}


@dataclass(frozen=True, eq=False)
class Sweep:
    """A grid of experiments: every combination of axes, for each of a list of cases.

    Parameters
    ----------
    template : mapping
        Tables of a spec as `Ensemble.from_dict` reads them, without what the axes supply.
    axes : tuple of Axis
        Their outer product is taken; the last one runs fastest.
    observables : tuple of str
        Names of what is measured. A vector observable needs the same T in all cells.
    cases : tuple of mapping, optional
        Settings of several names at a time, by dotted name, all with the same names.
    goal : Goal, optional
        Samples of a cell, or the accuracy to reach.
    seed : int, optional
        Seed, >= 0.
    delta : float, optional
        Probability that any interval of any cell and observable misses its mean; it is shared
        equally.
    draws : {"common", "independent"}
        Common: all cells are cell number 0 of the seed, so each is what `qktheory compare` draws
        for its own spec, and neighbours share random numbers where they can. Independent: cells
        have numbers, and random numbers, of their own.
    predictions : bool, optional
        Whether the claims of the catalogue are asked for what they predict of scalar observables.

    Raises
    ------
    ValueError
        For bad names, with the nearest known one, and values outside their domain.

    Examples
    --------
    >>> sweep = Sweep.from_dict({"d": 4, "T": 8, "spectrum": {"law": "semicircle"},
    ...     "observables": ["entropy"],
    ...     "sweep": {"spectrum.xi": [0.0, 2.0], "spectrum.eta": [0.5, 1.0, 2.0], "samples": 500}})
    >>> sweep.shape, sweep.values(4), sweep.ensemble(4).spectrum.eta
    ((2, 3), {'spectrum.xi': 2.0, 'spectrum.eta': 1.0}, 1.0)
    >>> sweep == Sweep.from_toml(sweep.to_toml())
    True
    """

    template: Mapping[str, Any]
    axes: tuple[Axis, ...]
    observables: tuple[str, ...] = DEFAULT_OBSERVABLES
    cases: tuple[Mapping[str, AxisValue], ...] = ()
    goal: Goal = field(default_factory=Goal)
    seed: int = 0
    delta: float = DEFAULT_DELTA
    draws: str = "common"
    predictions: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "seed", _SEED.check("sweep.seed", self.seed))
        object.__setattr__(self, "delta", DELTA.check("sweep.delta", self.delta))
        _DRAWS.check("sweep.draws", self.draws)
        if not isinstance(self.predictions, bool):
            raise bad_value("sweep.predictions", self.predictions, "true or false")
        found = find_observables(self.observables)
        object.__setattr__(self, "observables", tuple(o.name for o in found))
        self._check_names()
        if not 1 <= self.cells <= _MOST_CELLS:
            raise bad_value("cells", self.cells, f"1 to {_MOST_CELLS} cells")
        vector = [o.name for o in found if o.vector]
        if vector and len(self._taken("T")) > 1:
            raise bad_value("observables", vector, "scalar ones: T, the number of keys, varies")
        if vector and len(self._taken("network.depth")) > 1:
            raise bad_value("observables", vector, "scalar ones (final_...): the depth varies")
        if self.goal.refine is not None:
            check_phase_is_measured(self.observables, self._normalizers())

    def _normalizers(self) -> set[str]:
        """Return the names that the normaliser takes."""
        name = "attention.normalizer"
        along = {str(v) for axis in self.axes if axis.name == name for v in axis.values}
        along |= {str(case[name]) for case in self.cases if name in case}
        attention = self.template.get("attention", {})
        own = attention.get("normalizer", "softmax") if isinstance(attention, Mapping) else ""
        return along or {str(own)}

    def _taken(self, name: str) -> set[AxisValue]:
        """Return the values that a name takes, none if only the template has it."""
        along = [axis.values for axis in self.axes if axis.name == name]
        return {value for values in along for value in values} | {
            case[name] for case in self.cases if name in case
        }

    def _check_names(self) -> None:
        names = self.names
        if not names:
            raise ValueError("[sweep] has no axis: expected a dotted name such as 'spectrum.eta'")
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"axis {name!r} is given twice: expected once")
        for case in self.cases:
            if set(case) != set(self.cases[0]) or not case:
                raise bad_value("sweep.cases", dict(case), "the same names in each case")
        for name in self.cases[0] if self.cases else ():
            _same_kind(name, [case[name] for case in self.cases])

    # --- reading and writing ---------------------------------------------------------------------

    @classmethod
    def from_dict(
        cls,
        table: Mapping[str, Any],
        folder: Path | None = None,
        grid: Sequence[int] | None = None,
    ) -> Sweep:
        """Build from the tables of a spec file.

        Parameters
        ----------
        table : mapping
            An Ensemble's tables, ``observables`` and the table ``sweep``: axes by dotted name, in
            it or in its table ``combos``; ``cases``, a list of tables; settings.
        folder : Path, optional
            Where relative ``"@file.npy"`` paths start. Arrays become part of the sweep.
        grid : sequence of int, optional
            Number of values of each axis that is a range, in their order, instead of ``num``.

        Raises
        ------
        ValueError
            Naming the key, its value and what was expected.
        """
        rest = dict(table)
        section = rest.pop("sweep", None)
        if not isinstance(section, Mapping):
            raise bad_value("sweep", section, "a table of axes")
        observables = rest.pop("observables", list(DEFAULT_OBSERVABLES))
        if not isinstance(observables, list | tuple):
            raise bad_value("observables", observables, "a list of names of observables")
        combos = section.get("combos", {})
        if not isinstance(combos, Mapping):
            raise bad_value("sweep.combos", combos, "a table of axes")
        axes: dict[str, Any] = {}
        own = {key: value for key, value in section.items() if key not in _SETTINGS}
        for name, given in (*_flattened(own), *_flattened(combos)):
            if name in axes:
                raise ValueError(f"axis {name!r} is given twice: expected once")
            axes[name] = given
        cases = section.get("cases", [])
        if not isinstance(cases, list | tuple) or not all(isinstance(c, Mapping) for c in cases):
            raise bad_value("sweep.cases", cases, "a list of tables")
        settings = {name: section[name] for name in _OPTIONS if name in section}
        return cls(
            template=_resolved(rest, folder),
            axes=tuple(Axis.from_table(n, v) for n, v in _with_grid(axes, grid).items()),
            observables=tuple(observables),
            cases=tuple(dict(_flattened(case)) for case in cases),
            goal=Goal.from_dict(section),
            **settings,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the tables that `from_dict` reads, with every value written out."""
        sweep: dict[str, Any] = {axis.name: axis.to_list() for axis in self.axes}
        if self.cases:
            sweep["cases"] = [dict(case) for case in self.cases]
        sweep |= {**self.goal.to_dict(), "seed": self.seed, "delta": self.delta}
        sweep |= {"draws": self.draws, "predictions": self.predictions}
        table = copy.deepcopy(dict(self.template))
        return {**table, "observables": list(self.observables), "sweep": sweep}

    @classmethod
    def from_toml(cls, text: str) -> Sweep:
        """Build from TOML text; `qktheory.phase.specification` reads files."""
        return cls.from_dict(tomllib.loads(text))

    def to_toml(self) -> str:
        """Return the TOML text that `from_toml` reads."""
        table = self.to_dict()
        # TOML wants plain entries before tables.
        return tomli_w.dumps(dict(sorted(table.items(), key=lambda e: isinstance(e[1], Mapping))))

    def replace(self, **changes: Any) -> Sweep:
        """Return a copy with some fields changed; everything is checked again."""
        return replace(self, **changes)

    @cached_property
    def hash(self) -> str:
        """Hash of everything but the goal: sweeps of one hash can share samples."""
        table = self.to_dict()
        for name in GOAL_NAMES:
            table["sweep"].pop(name, None)
        text = json.dumps(table, sort_keys=True, allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def _key(self) -> tuple[str, Goal, tuple[str, ...]]:
        return self.hash, self.goal, self.names

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sweep) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        dims = ", ".join(f"{n}: {size}" for n, size in zip(self.dims, self.shape, strict=True))
        return f"Sweep({dims}; {', '.join(self.observables)})"

    # --- cells -----------------------------------------------------------------------------------

    @property
    def names(self) -> tuple[str, ...]:
        """Dotted names that vary: those of the cases, then the axes."""
        return (*(self.cases[0] if self.cases else ()), *(axis.name for axis in self.axes))

    @property
    def dims(self) -> tuple[str, ...]:
        """Dimensions of the result: ``"case"`` if there are cases, then the axes."""
        return (*(("case",) if self.cases else ()), *(axis.name for axis in self.axes))

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of `dims`."""
        return (*((len(self.cases),) if self.cases else ()), *(len(axis) for axis in self.axes))

    @property
    def cells(self) -> int:
        """Number of cells."""
        return math.prod(self.shape)

    @property
    def delta_each(self) -> float:
        """Error probability of one interval of one cell."""
        return self.delta / (self.cells * len(self.observables))

    @property
    def key(self) -> int:
        """Key of all random numbers."""
        return seed_key(self.seed)

    def stream_cell(self, cell: int) -> int:
        """Return the cell number that the random numbers of a cell are addressed by."""
        return 0 if self.draws == "common" else cell

    def found_observables(self) -> tuple[Observable, ...]:
        """Return the observables themselves."""
        return find_observables(self.observables)

    def values(self, cell: int) -> dict[str, AxisValue]:
        """Return the values of all names in a cell."""
        index = [int(i) for i in np.unravel_index(cell, self.shape)]
        found: dict[str, AxisValue] = dict(self.cases[index.pop(0)]) if self.cases else {}
        found |= {axis.name: axis.values[i] for axis, i in zip(self.axes, index, strict=True)}
        return found

    def table(self, cell: int) -> dict[str, Any]:
        """Return the tables of the spec of a cell."""
        table = dict(self.template)
        for name, value in self.values(cell).items():
            set_dotted(table, name, value)
        return table

    def ensemble(self, cell: int) -> Ensemble:
        """Return the experiment of a cell.

        Raises
        ------
        ValueError
            If the cell is infeasible.
        """
        return Ensemble.from_dict(self.table(cell))


def _flattened(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield dotted names with their values; TOML reads an unquoted ``spectrum.eta`` as tables."""
    for name, value in table.items():
        dotted = f"{prefix}{name}"
        if isinstance(value, Mapping) and not _RANGE & set(value):
            tables = ("spectrum", "matrix", "tokens", "attention", "network")
            if dotted not in tables and not prefix:
                check_axis_name(dotted)
            yield from _flattened(value, f"{dotted}.")
        else:
            yield dotted, value


def _with_grid(axes: dict[str, Any], grid: Sequence[int] | None) -> dict[str, Any]:
    if grid is None:
        return axes
    ranges = [name for name, given in axes.items() if isinstance(given, Mapping)]
    if len(grid) != len(ranges):
        words = ", ".join(ranges) or "none"
        raise bad_value(
            "grid", "x".join(map(str, grid)), f"a number for each axis that is a range ({words})"
        )
    sizes = dict(zip(ranges, grid, strict=True))
    return {n: {**v, "num": sizes[n]} if n in sizes else v for n, v in axes.items()}


def _same_kind(name: str, values: Sequence[AxisValue]) -> None:
    """Check the values of a name in all cases as an axis would, repetitions allowed."""
    distinct = [v for k, v in enumerate(values) if v not in values[:k]]
    Axis(name, tuple(distinct))


def _resolved(value: Any, folder: Path | None, name: str = "") -> Any:
    """Return nested tables with arrays read from their files, as plain lists."""
    if isinstance(value, Mapping):
        return {
            k: _resolved(v, folder, f"{name}.{k}" if name else str(k)) for k, v in value.items()
        }
    if isinstance(value, str) and value.startswith("@"):
        return load_array(name, value, folder).tolist()
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, list | tuple):
        return [_resolved(entry, folder, name) for entry in value]
    return value
