"""What users write on the command line: ids of claims, NAME=VALUE, JSON text."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

__all__ = ["parse_assignments", "parse_json", "parse_value", "single_claim"]


def parse_json(text: str) -> Any:
    """Return the value of JSON text.

    NaN and infinities, which are no JSON but which some writers produce, are read as such: the
    domains of the parameters refuse them with a message that names the parameter.

    Raises
    ------
    ValueError
        If it is no JSON, in any way.

    Examples
    --------
    >>> parse_json("[1, 2.5]")
    [1, 2.5]
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except ValueError as error:  # Also integers of more digits than Python converts.
        raise ValueError(str(error)) from None


def parse_value(text: str) -> Any:
    """Return a value given on the command line: JSON, or the text itself if it is none.

    Examples
    --------
    >>> parse_value("0.5"), parse_value("[1, 2]"), parse_value("@w.npy"), parse_value("causal")
    (0.5, [1, 2], '@w.npy', 'causal')
    """
    try:
        return parse_json(text)
    except ValueError:
        return text


def parse_assignments(words: Iterable[str]) -> dict[str, Any]:
    """Return the parameters of words NAME=VALUE; a hyphen in a name stands for an underscore.

    Raises
    ------
    ValueError
        For a word without "=" or without a name, or a name that is given twice.

    Examples
    --------
    >>> parse_assignments(["T=8", "key-2=3"])
    {'T': 8, 'key_2': 3}
    """
    parameters: dict[str, Any] = {}
    for word in words:
        name, equals, text = word.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or not name:
            raise ValueError(f"{word!r}: expected NAME=VALUE")
        if name in parameters:
            raise ValueError(f"{name} is given twice: expected each parameter once")
        parameters[name] = parse_value(text)
    return parameters


def single_claim(text: str) -> str:
    """Return the id of the one claim that is meant.

    Raises
    ------
    ValueError
        If there is none (with the nearest), or if it has several parts.

    Examples
    --------
    >>> single_claim("loc-4d")
    'LOC-4d'
    """
    from qktheory.theorems.catalogue import claims

    found = claims([text]) if not text.endswith(".py") else []
    # A statement that is a claim itself, with folklore beside it, is meant by its own id.
    exact = [claim.id for claim in found if claim.id.lower() == text.lower()]
    if exact or len(found) == 1:
        return (exact or [found[0].id])[0]
    if not found:
        raise ValueError(f"{text!r} is a file: expected the id of a claim")
    parts = ", ".join(claim.id for claim in found[:8])
    more = ", ..." if len(found) > 8 else ""
    raise ValueError(f"{text} has {len(found)} parts: expected one of {parts}{more}")
