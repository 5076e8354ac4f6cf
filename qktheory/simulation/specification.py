"""Spec files: an Ensemble with the observables to measure, from TOML or a preset."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from qktheory.base.errors import bad_value, unknown_name
from qktheory.observables.observable import Observable, find_observables
from qktheory.simulation.ensemble import Ensemble

__all__ = ["Specification", "preset_names", "read_preset", "read_specification"]

DEFAULT_OBSERVABLES = ("entropy", "participation", "max_weight", "self_weight")


@dataclass(frozen=True)
class Specification:
    """What a spec file says.

    Parameters
    ----------
    ensemble : Ensemble
        The experiment.
    observables : tuple of Observable
        What to measure; entropy, participation, max_weight and self_weight by default.
    """

    ensemble: Ensemble
    observables: tuple[Observable, ...]

    @classmethod
    def from_dict(cls, table: Mapping[str, Any], folder: Path | None = None) -> Specification:
        """Build from the tables of a spec file.

        Examples
        --------
        >>> table = {"d": 4, "T": 8, "spectrum": {"law": "point", "location": 0.1}}
        >>> [o.name for o in Specification.from_dict(table).observables]
        ['entropy', 'participation', 'max_weight', 'self_weight']
        """
        rest = dict(table)
        names = rest.pop("observables", list(DEFAULT_OBSERVABLES))
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise bad_value("observables", names, "a list of names of observables")
        observables = find_observables(names)
        return cls(Ensemble.from_dict(rest, folder), observables)


def read_specification(path: str | Path) -> Specification:
    """Read a spec file.

    Parameters
    ----------
    path : str or Path
        A TOML file; relative ``"@file.npy"`` paths in it start at its folder.

    Returns
    -------
    Specification

    Raises
    ------
    ValueError
        If the file is missing or no TOML, or for a bad key or value in it.
    """
    path = Path(path)
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise bad_value("SPEC", str(path), f"a readable TOML file ({reason})") from None
    try:
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise ValueError(f"{path} is not valid TOML: {error}") from None
    return Specification.from_dict(table, path.parent)


def preset_names() -> list[str]:
    """Return the names of the presets.

    Examples
    --------
    >>> preset_names()
    ['iid', 'random_walk']
    """
    folder = files("qktheory.simulation") / "presets"
    return sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir())


def read_preset(name: str) -> Specification:
    """Return a preset by name; a hyphen is accepted for an underscore.

    Raises
    ------
    ValueError
        For an unknown name, with the nearest known one.

    Examples
    --------
    >>> read_preset("random-walk").ensemble.tokens.name
    'random_walk'
    """
    wanted = name.replace("-", "_")
    if wanted not in preset_names():
        raise unknown_name("preset", name, preset_names())
    text = (files("qktheory.simulation") / "presets" / f"{wanted}.toml").read_text("utf-8")
    return Specification.from_dict(tomllib.loads(text))
