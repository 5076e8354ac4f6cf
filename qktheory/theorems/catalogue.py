"""The catalogue as a whole: selecting claims, evaluating them, asking which ones apply."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from qktheory.base.arrays import load_array
from qktheory.base.errors import UserCodeError, bad_value, unknown_name
from qktheory.simulation.ensemble import Ensemble
from qktheory.simulation.realization import Realization
from qktheory.theorems.claim import CLAIMS, Claim

__all__ = ["applicability", "claims", "evaluate", "evaluate_batch", "load_claims", "user_file"]


#: Where the claims of the user's own come from, by id.
_FILES: dict[str, Path] = {}


def user_file(claim: str) -> Path | None:
    """Return the file of the user's own that states a claim, None for the catalogue's.

    Examples
    --------
    >>> user_file("LOC-3b") is None
    True
    """
    return _FILES.get(claim)


def load_claims(path: str | Path) -> list[str]:
    """Run a Python file that registers claims and return their ids.

    Parameters
    ----------
    path : str or Path
        The file; it calls `qktheory.theorems.claim.register` as the modules of the catalogue do.

    Returns
    -------
    list of str
        Ids of the claims that the file adds.

    Raises
    ------
    ValueError
        If the file is missing, fails, or adds no claim.
    """
    path = Path(path)
    if not path.is_file():
        raise bad_value("FILE", str(path), "an existing Python file")
    name = "qktheory_user_" + re.sub(r"\W", "_", str(path.resolve()))
    if name in sys.modules:
        return list(sys.modules[name].__dict__["_claims"])
    before = set(CLAIMS)
    # By its full path, which is how tracebacks name the file.
    specification = importlib.util.spec_from_file_location(name, path.resolve())
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module  # where dataclasses of the file look up their annotations
    try:
        specification.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # A file that exits must not end the run with it.
        del sys.modules[name]
        raise UserCodeError(path.resolve(), error, "the file was read") from error
    added = [claim for claim in CLAIMS if claim not in before]
    if not added:
        del sys.modules[name]
        raise ValueError(f"{path} adds no claim: expected calls of qktheory.theorems.register")
    module.__dict__["_claims"] = added
    _FILES.update(dict.fromkeys(added, path.resolve()))
    return added


def _order(claim: str) -> tuple[str, int, str]:
    chapter, _, rest = claim.partition("-")
    number = re.match(r"\d+", rest)
    return chapter, int(number.group()) if number else 0, rest


def claims(selection: Iterable[str] = ()) -> list[Claim]:
    """Return the claims of a selection, in the order of the catalogue.

    Parameters
    ----------
    selection : iterable of str, optional
        Ids (``"LOC-3b"``), statements with all their parts (``"LOC-3"``), chapters (``"LOC"``) or
        files of claims of the user's own (``"mine.py"``); all claims by default.

    Returns
    -------
    list of Claim

    Raises
    ------
    ValueError
        For an id that does not exist, with the nearest one.

    Examples
    --------
    >>> [claim.id for claim in claims(["LOC-1"])]
    ['LOC-1a', 'LOC-1b']
    """
    if isinstance(selection, str):
        raise bad_value("selection", selection, "a list of ids")
    selection = list(selection)
    wanted: list[str] = [] if selection else list(CLAIMS)
    for item in selection:
        if str(item).endswith(".py"):
            wanted += load_claims(item)
            continue
        pattern = re.compile(rf"{re.escape(str(item))}([a-z]?$|-.*)", re.IGNORECASE)
        parts = [claim for claim in CLAIMS if pattern.fullmatch(claim)]
        if not parts:
            raise unknown_name("claim", item, list(CLAIMS))
        wanted += parts
    return [CLAIMS[name] for name in sorted(set(wanted), key=_order)]


def evaluate(claim: str, /, **parameters: object) -> dict[str, Any]:
    """Return a claim's own values at given parameters.

    Parameters
    ----------
    claim : str
        Id of one claim, ``"LOC-3b"``.
    **parameters
        By name; a matrix or list may be given as ``"@file.npy"``.

    Returns
    -------
    dict
        Numbers or (nested) lists by name.

    Raises
    ------
    ValueError
        For an unknown claim or parameter, a bad value, or a result that is not finite.

    Examples
    --------
    >>> evaluate("LOC-4d", eta=1e4, theta=0.5)
    {'rho_large_eta': 0.0138197...}
    """
    given = {
        name: load_array(name, value) if isinstance(value, str) and value.startswith("@") else value
        for name, value in parameters.items()
    }
    return CLAIMS[claim].evaluate(**given)


def evaluate_batch(entries: Sequence[object]) -> list[dict[str, Any]]:
    """Evaluate many claims; an entry that fails carries its error and stops nothing.

    Parameters
    ----------
    entries : sequence
        Of ``{"id": str, "parameters": {...}}``; more keys are ignored.

    Returns
    -------
    list of dict
        ``{"claim", "parameters", "values"}`` or ``{"claim", "parameters", "error"}``, in order.

    Examples
    --------
    >>> evaluate_batch([{"id": "LOC-4d", "parameters": {"eta": -1.0, "theta": 0.5}}])[0]["error"]
    'eta = -1.0: expected a finite number > 0'
    """
    return [_evaluate_entry(entry) for entry in entries]


def _evaluate_entry(entry: object) -> dict[str, Any]:
    if not isinstance(entry, Mapping):
        error = bad_value("entry", entry, 'an object {"id": ..., "parameters": {...}}')
        return {"claim": None, "parameters": None, "error": str(error)}
    claim, parameters = entry.get("id"), entry.get("parameters", {})
    result: dict[str, Any] = {"claim": claim, "parameters": parameters}
    try:
        if not isinstance(claim, str):
            raise bad_value("id", claim, "the id of a claim")
        if not isinstance(parameters, Mapping):
            raise bad_value("parameters", parameters, "an object of names and values")
        result["values"] = evaluate(claim, **parameters)
    except Exception as error:
        # A batch goes on whatever happens to one entry; anything but a ValueError is a fault of
        # ours and keeps its type in the message.
        known = isinstance(error, ValueError)
        result["error"] = str(error) if known else f"{type(error).__name__}: {error}"
    return result


def applicability(
    ensemble: Ensemble, seed: int | np.random.Generator | None = 0
) -> dict[str, str | None]:
    """Return, for every claim, the assumption that an Ensemble fails, None where all hold.

    Parameters
    ----------
    ensemble : Ensemble
        The experiment.
    seed : int, optional
        Seed of the QK map, for assumptions about W itself.

    Returns
    -------
    dict
        By id of the claim.

    Examples
    --------
    >>> ensemble = Ensemble.from_dict({"d": 4, "T": 8, "spectrum": {"law": "point", "xi": 1.0,
    ...                                "eta": 0.25}, "tokens": {"law": "iid"}})
    >>> applicability(ensemble)["LOC-3b"]
    'random_walk tokens: tokens are a Gaussian random walk'
    """
    realization = Realization(ensemble, seed)
    failing = {claim.id: claim.failing_assumption(realization) for claim in claims()}
    return {
        name: None if assumption is None else f"{assumption.name}: {assumption.text}"
        for name, assumption in failing.items()
    }
