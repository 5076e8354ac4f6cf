"""Spec files and presets of sweeps."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from qktheory.base.errors import bad_value, unknown_name
from qktheory.phase.sweep import Sweep

__all__ = ["read_sweep", "read_sweep_preset", "sweep_preset_names"]


def read_sweep(path: str | Path, grid: Sequence[int] | None = None) -> Sweep:
    """Read the spec file of a sweep.

    Parameters
    ----------
    path : str or Path
        A TOML file with a table ``sweep``; relative ``"@file.npy"`` paths start at its folder.
    grid : sequence of int, optional
        See `Sweep.from_dict`.

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
    return Sweep.from_dict(table, path.parent, grid)


def sweep_preset_names() -> list[str]:
    """Return the names of the presets.

    Examples
    --------
    >>> "localization" in sweep_preset_names()
    True
    """
    folder = files("qktheory.phase") / "presets"
    names = [entry.name for entry in folder.iterdir()]
    return sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml"))


def read_sweep_preset(name: str, grid: Sequence[int] | None = None) -> Sweep:
    """Return a preset by name; a hyphen is accepted for an underscore.

    Raises
    ------
    ValueError
        For an unknown name, with the nearest known one.

    Examples
    --------
    >>> read_sweep_preset("localization", grid=(3, 2)).shape
    (2, 3, 2)
    """
    wanted = name.replace("-", "_")
    if wanted not in sweep_preset_names():
        raise unknown_name("preset", name, sweep_preset_names())
    text = (files("qktheory.phase") / "presets" / f"{wanted}.toml").read_text("utf-8")
    return Sweep.from_dict(tomllib.loads(text), None, grid)
