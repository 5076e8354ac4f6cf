"""One wording for bad input.

Every function that refuses an argument raises the `ValueError` made here, so a message always
names the argument, its value and what was expected, and an unknown name always comes with the
nearest known one.
"""

from __future__ import annotations

import difflib
import reprlib
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import Any

__all__ = ["UserCodeError", "bad_value", "unknown_name"]

_short = reprlib.Repr()
_short.maxstring = _short.maxother = 80
_short.maxlist = _short.maxtuple = 6


def bad_value(argument: str, value: object, expected: str) -> ValueError:
    """Return the error for an argument whose value is outside its domain.

    Parameters
    ----------
    argument : str
        Name of the argument as the user wrote it, dotted inside a spec (``"spectrum.eta"``).
    value : object
        The offending value; long values are abbreviated.
    expected : str
        What would have been accepted, in words.

    Returns
    -------
    ValueError
        To be raised by the caller.

    Examples
    --------
    >>> raise bad_value("T", 0, "an integer >= 1")
    Traceback (most recent call last):
    ...
    ValueError: T = 0: expected an integer >= 1
    """
    return ValueError(f"{argument} = {_short.repr(value)}: expected {expected}")


def unknown_name(kind: str, name: object, known: Iterable[str]) -> ValueError:
    """Return the error for a name that is not in a catalogue, with the nearest known names.

    Parameters
    ----------
    kind : str
        What the name stands for (``"observable"``, ``"claim"``, ``"parameter of [tokens]"``).
    name : object
        The name that was not found.
    known : iterable of str
        All names that would have been accepted.

    Returns
    -------
    ValueError
        To be raised by the caller.

    Examples
    --------
    >>> raise unknown_name("observable", "entrpy", ["entropy", "rho"])
    Traceback (most recent call last):
    ...
    ValueError: unknown observable 'entrpy'; did you mean 'entropy'?
    """
    known = sorted(known)
    lowered = {k.lower(): k for k in known}
    near = difflib.get_close_matches(str(name).lower(), list(lowered), n=1, cutoff=0.5)
    if near:
        hint = f"did you mean {lowered[near[0]]!r}?"
    elif len(known) <= 24:
        hint = "known: " + ", ".join(known) if known else "none is accepted here"
    else:
        hint = f"there are {len(known)} known ones, e.g. " + ", ".join(known[:6])
    return ValueError(f"unknown {kind} {_short.repr(name)}; {hint}")


class UserCodeError(ValueError):
    """An error in a file of the user's own, reported as theirs.

    Parameters
    ----------
    file : Path
        The file.
    error : BaseException
        What was raised while its code ran.
    doing : str
        What the code was run for, completing "while ...".

    Attributes
    ----------
    details : str
        The traceback, from the first line of the file that is in it.
    """

    def __init__(self, file: Path, error: BaseException, doing: str) -> None:
        frames = traceback.extract_tb(error.__traceback__)
        own = [k for k, frame in enumerate(frames) if Path(frame.filename) == file]
        where = f", line {frames[own[-1]].lineno}" if own else ""
        shown = frames[own[0] :] if own else []
        lines = traceback.format_list(shown) + traceback.format_exception_only(error)
        self.details = "Traceback (most recent call last):\n" + "".join(lines).rstrip()
        super().__init__(f"{file}{where}: {type(error).__name__} while {doing}: {error}")

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the words: frames of a traceback stay in their process."""
        return _user_code_error, (str(self), self.details)


def _user_code_error(message: str, details: str) -> UserCodeError:
    error = UserCodeError.__new__(UserCodeError, message)
    error.details = details
    return error
