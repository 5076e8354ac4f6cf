"""Axes of a sweep: a dotted name into the tables of a spec, and the values it takes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from qktheory.attention.attention import Attention
from qktheory.attention.network import Network
from qktheory.base.domains import Choice, Integer, Parameter, Real, check_parameters
from qktheory.base.errors import bad_value, unknown_name
from qktheory.spectra.law import LAWS
from qktheory.spectra.matrix_model import MATRIX_MODELS
from qktheory.tokens.law import TOKEN_LAWS

__all__ = ["Axis", "AxisValue", "axis_names", "check_axis_name", "set_dotted"]

AxisValue = float | int | str

#: More values than this in one axis are a slip of the pen.
_MOST_VALUES = 1_000_000
#: Names that stand for integers: values of a range are rounded.
_INTEGERS = ("d", "T", "d_k", "depth", "heads", "window", "width")
_RANGE = (
    Parameter("start", Real(), "first value"),
    Parameter("stop", Real(), "last value"),
    Parameter("num", Integer(low=1, high=_MOST_VALUES), "number of values"),
    Parameter("scale", Choice(("linear", "log")), "spacing", default="linear"),
)


@cache
def axis_names() -> tuple[str, ...]:
    """Return the names that an axis can have, without those of nested tables.

    Examples
    --------
    >>> {"d", "T", "spectrum.eta", "tokens.phi", "attention.temperature"} <= set(axis_names())
    True
    """
    names = ["d", "T"]
    own = {"law", "draw", "mean", "variance", "xi", "eta"}
    names += [f"spectrum.{n}" for n in own | _declared(LAWS[law] for law in LAWS)]
    models = {"model", "draw"} | _declared(MATRIX_MODELS[model] for model in MATRIX_MODELS)
    names += [f"matrix.{n}" for n in models]
    laws = {"law", "query"} | _declared(TOKEN_LAWS[law] for law in TOKEN_LAWS)
    names += [f"tokens.{n}" for n in laws]
    names += [f"attention.{n}" for n in Attention.__dataclass_fields__]
    names += [f"network.{n}" for n in Network.__dataclass_fields__]
    return tuple(sorted(names))


def _declared(kinds: Iterable[Any]) -> set[str]:
    return {parameter.name for kind in kinds for parameter in kind.parameters}


def check_axis_name(name: str) -> str:
    """Return the name of an axis, or raise a `ValueError` with the nearest known one.

    Examples
    --------
    >>> check_axis_name("spectrum.etta")
    Traceback (most recent call last):
    ...
    ValueError: unknown axis 'spectrum.etta'; did you mean 'spectrum.eta'?
    """
    # "spectrum.bulk.std" names an entry of a table inside a table.
    known = name in axis_names() or (
        name.count(".") >= 2 and name.rpartition(".")[2] and _parent(name) in axis_names()
    )
    if not known:
        raise unknown_name("axis", name, axis_names())
    return name


def _parent(name: str) -> str:
    return ".".join(name.split(".")[:2])


def set_dotted(table: dict[str, Any], name: str, value: AxisValue) -> None:
    """Set the entry of nested tables that a dotted name stands for; tables on the way are copied.

    Examples
    --------
    >>> table = {"d": 4, "spectrum": {"law": "point"}}
    >>> set_dotted(table, "spectrum.xi", 1.0)
    >>> table
    {'d': 4, 'spectrum': {'law': 'point', 'xi': 1.0}}
    """
    *path, last = name.split(".")
    for step in path:
        inner = table.get(step, {})
        if not isinstance(inner, Mapping):
            raise bad_value(name.rpartition(".")[0], inner, "a table")
        table[step] = dict(inner)
        table = table[step]
    table[last] = value


@dataclass(frozen=True)
class Axis:
    """One axis of a sweep.

    Parameters
    ----------
    name : str
        Dotted name into the tables of a spec: ``"T"``, ``"spectrum.eta"``,
        ``"attention.normalizer"``.
    values : tuple of float, int or str
        What it takes, each once, in this order: numbers or names.

    Raises
    ------
    ValueError
        For an unknown name, no values, values of other types, or a value twice.

    Examples
    --------
    >>> Axis.from_table("T", {"start": 64, "stop": 1024, "num": 5, "scale": "log"}).values
    (64, 128, 256, 512, 1024)
    >>> Axis.from_table("attention.normalizer", ["softmax", "clipped_linear"]).values
    ('softmax', 'clipped_linear')
    """

    name: str
    values: tuple[AxisValue, ...]

    def __post_init__(self) -> None:
        check_axis_name(self.name)
        if not 1 <= len(self.values) <= _MOST_VALUES:
            raise bad_value(self.name, list(self.values), f"1 to {_MOST_VALUES} values")
        words = all(isinstance(value, str) for value in self.values)
        if not words:
            for value in self.values:
                _check_number(self.name, value)
        if len(set(self.values)) < len(self.values):
            twice = next(v for k, v in enumerate(self.values) if v in self.values[:k])
            raise bad_value(self.name, list(self.values), f"each value once, {twice!r} is twice")

    @classmethod
    def from_table(cls, name: str, given: object) -> Axis:
        """Read ``{start, stop, num, scale = "linear"|"log"}`` or a list of values.

        Values of a range of integers (d, T, d_k) are rounded; what then coincides is taken once.
        """
        check_axis_name(name)
        if isinstance(given, Mapping):
            return cls(name, _range_values(name, given))
        if isinstance(given, np.ndarray):
            given = given.tolist()
        if not isinstance(given, list | tuple):
            raise bad_value(name, given, "a list of values, or {start, stop, num, scale}")
        return cls(name, tuple(_plain(value) for value in given))

    def __len__(self) -> int:
        return len(self.values)

    @property
    def numeric(self) -> bool:
        """Whether the values are numbers."""
        return not isinstance(self.values[0], str)

    def to_list(self) -> list[AxisValue]:
        """Return the values as `from_table` reads them."""
        return list(self.values)


def _plain(value: object) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _check_number(name: str, value: object) -> None:
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise bad_value(name, value, "finite numbers, or names, throughout the list")


def _range_values(name: str, given: Mapping[str, object]) -> tuple[AxisValue, ...]:
    declared = check_parameters(_RANGE, given, f"the axis {name!r}", f"{name}.")
    start, stop, num = declared["start"], declared["stop"], declared["num"]
    if num == 1 and start != stop:
        raise bad_value(f"{name}.num", num, "at least 2 values from start to another stop")
    if declared["scale"] == "log":
        for end, value in (("start", start), ("stop", stop)):
            Real(low=0.0, low_open=True).check(f"{name}.{end}", value)
        numbers = np.geomspace(start, stop, num)
    else:
        numbers = np.linspace(start, stop, num)
    if name.rpartition(".")[2] in _INTEGERS:
        return tuple(dict.fromkeys(int(value) for value in np.rint(numbers)))
    return tuple(float(value) for value in numbers)
