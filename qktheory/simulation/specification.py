"""Spec files: an Ensemble with the observables to measure, from TOML or a preset."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from qktheory.base.errors import bad_value, unknown_name
from qktheory.observables.observable import Observable, find_observables
from qktheory.simulation.ensemble import Ensemble

__all__ = ["Specification", "preset_names", "read_preset", "read_specification"]

#: Of an experiment with a [network].
NETWORK_OBSERVABLES = ("log10_relative_residual", "log10_residual", "mean_cosine")
DEFAULT_OBSERVABLES = ("entropy", "participation", "max_weight", "self_weight")


@dataclass(frozen=True)
class Specification:
    """What a spec file says.

    Parameters
    ----------
    ensemble : Ensemble
        The experiment.
    observables : tuple of Observable
        What to measure; entropy, participation, max_weight and self_weight by default, residuals
        of all layers of a network.
    variants : dict of str to Ensemble
        Experiments that differ from it in some keys, by title: ``[[variants]]`` with a ``title``
        and dotted names such as ``"network.skip"``. Those are then drawn, and not `ensemble`.
    """

    ensemble: Ensemble
    observables: tuple[Observable, ...]
    variants: dict[str, Ensemble] = field(default_factory=dict, hash=False)

    @property
    def samples(self) -> int:
        """Samples that are drawn where none are asked for: fewer of networks, which are dear."""
        if self.ensemble.network is None:
            return 10_000
        return 256 if self.ensemble.redraws_matrix or self.ensemble.tokens.name != "fixed" else 2

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
        default = NETWORK_OBSERVABLES if "network" in rest else DEFAULT_OBSERVABLES
        names = rest.pop("observables", list(default))
        given = rest.pop("variants", [])
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise bad_value("observables", names, "a list of names of observables")
        observables = find_observables(names)
        if not isinstance(given, list) or not all(isinstance(one, Mapping) for one in given):
            raise bad_value("variants", given, "a list of tables")
        variants: dict[str, Ensemble] = {}
        for changes in given:
            title = changes.get("title")
            if not isinstance(title, str) or title in variants:
                raise bad_value("variants.title", title, "a name of its own for each variant")
            changed = _changed(rest, {k: v for k, v in changes.items() if k != "title"})
            variants[title] = Ensemble.from_dict(changed, folder)
        return cls(Ensemble.from_dict(rest, folder), observables, variants)


def _changed(table: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return nested tables with some entries set, by dotted name."""
    found = dict(table)
    for name, value in changes.items():
        head, _, tail = name.partition(".")
        if not tail:
            found[head] = value
            continue
        inner = found.get(head, {})
        if not isinstance(inner, Mapping):
            raise bad_value(head, inner, "a table")
        found[head] = _changed(inner, {tail: value})
    return found


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
    ['circle', 'iid', 'path_lengths', 'random_walk', 'rank_collapse']
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
