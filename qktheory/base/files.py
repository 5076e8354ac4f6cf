"""Writing results: strict JSON, and files that are whole or not there."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from qktheory.base.errors import bad_value

__all__ = ["check_folder", "check_writable", "json_text", "write_file"]


def _strict(value: Any) -> Any:
    """Return what strict JSON can hold: no NaN, no infinity, no NumPy types."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(name): _strict(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)


def json_text(value: Any, indent: int | None = 2) -> str:
    r"""Return a value as JSON text that every parser reads.

    Parameters
    ----------
    value : object
        Mappings, sequences, numbers, strings, NumPy arrays. NaN and infinities become null.
    indent : int or None, optional
        Spaces of a level; None writes one line.

    Returns
    -------
    str
        With a newline at the end.

    Examples
    --------
    >>> json_text({"low": float("-inf"), "T": np.int64(8)}, indent=None)
    '{"low": null, "T": 8}\n'
    """
    return json.dumps(_strict(value), indent=indent, allow_nan=False) + "\n"


def check_writable(argument: str, path: str | Path) -> Path:
    """Return a path as `Path`, or raise before any work is done for a file that cannot be written.

    Parameters
    ----------
    argument : str
        Name for the message (``"--json"``).
    path : str or Path
        The file to be.

    Returns
    -------
    Path

    Raises
    ------
    ValueError
        If it is a folder, or its folder does not exist or cannot be written to.

    Examples
    --------
    >>> check_writable("--json", "no/such/folder/verdicts.json")
    Traceback (most recent call last):
    ...
    ValueError: --json = 'no/such/folder/verdicts.json': expected a file in an existing folder
    """
    path = Path(path)
    try:
        target = path.resolve()
        if target.is_dir():
            raise bad_value(argument, str(path), "a file, not a folder")
        if not target.parent.is_dir():
            raise bad_value(argument, str(path), "a file in an existing folder")
        place = target if target.exists() and not target.is_file() else target.parent
        if not os.access(place, os.W_OK):
            raise bad_value(argument, str(path), "a place that can be written to")
    except (OSError, RuntimeError) as error:  # Too long a name, a loop of symbolic links.
        raise bad_value(argument, str(path), f"the path of a file ({error})") from None
    return path


def check_folder(argument: str, path: str | Path) -> Path:
    """Return a folder that exists or can be made, or raise.

    Parameters
    ----------
    argument : str
        Name for the message (``"--report"``).
    path : str or Path
        The folder to be.

    Returns
    -------
    Path

    Raises
    ------
    ValueError
        If it is a file, or lies where nothing can be written.

    Examples
    --------
    >>> check_folder("--report", ".")
    PosixPath('.')
    """
    path = Path(path)
    try:
        nearest = path.resolve()
        if nearest.exists() and not nearest.is_dir():
            raise bad_value(argument, str(path), "a folder, not a file")
        while not nearest.exists():
            nearest = nearest.parent
        if not nearest.is_dir() or not os.access(nearest, os.W_OK):
            raise bad_value(argument, str(path), "a folder that can be written to")
    except (OSError, RuntimeError) as error:
        raise bad_value(argument, str(path), f"the path of a folder ({error})") from None
    return path


def write_file(path: str | Path, content: str | bytes) -> None:
    """Write a file so that it is there as a whole or not at all.

    Parameters
    ----------
    path : str or Path
        Where; a symbolic link keeps pointing to the file it names. Devices and pipes are written
        to directly.
    content : str or bytes
        What; text as UTF-8.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> write_file(folder / "a.txt", "text")
    >>> [entry.name for entry in folder.iterdir()]
    ['a.txt']
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    target = Path(path).resolve()
    if target.exists() and not target.is_file():
        target.write_bytes(data)
        return
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
