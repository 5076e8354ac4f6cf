"""`verify`: walk the path from claim to verdict for a selection of the catalogue."""

from __future__ import annotations

import importlib.util
import re
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from qktheory.base.errors import bad_value, unknown_name
from qktheory.kernels import seed_key
from qktheory.simulate.engine import worker_threads
from qktheory.simulate.intervals import DEFAULT_DELTA, DELTA
from qktheory.theorems.claim import CLAIMS, Claim
from qktheory.verify.judge import Context, find_budget, judge, sampled_targets
from qktheory.verify.verdict import ClaimResult, Verification

__all__ = ["find_claims", "load_claims", "verify"]


def load_claims(path: str | Path) -> list[str]:
    """Run a Python file that registers claims and return their ids.

    Parameters
    ----------
    path : str or Path
        The file; it calls `register` as the modules of the catalogue do.

    Returns
    -------
    list of str
        Ids of the claims that the file added. Nothing for a file that was loaded before.

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
    specification = importlib.util.spec_from_file_location(name, path)
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    try:
        specification.loader.exec_module(module)
    except Exception as error:
        raise ValueError(f"{path} failed: {type(error).__name__}: {error}") from error
    added = [claim for claim in CLAIMS if claim not in before]
    if not added:
        raise ValueError(f"{path} adds no claim: expected calls of qktheory.theorems.register")
    module.__dict__["_claims"] = added
    sys.modules[name] = module
    return added


def _order(claim: str) -> tuple[str, int, str]:
    chapter, _, rest = claim.partition("-")
    number = re.match(r"\d+", rest)
    return chapter, int(number.group()) if number else 0, rest


def find_claims(selection: Iterable[str] = ()) -> list[Claim]:
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
    >>> [claim.id for claim in find_claims(["LOC-1"])]
    ['LOC-1a', 'LOC-1b']
    """
    if isinstance(selection, str):
        raise bad_value("selection", selection, "a list of ids")
    wanted: list[str] = []
    selection = list(selection)
    for item in selection:
        if str(item).endswith(".py"):
            wanted += load_claims(item)
            continue
        pattern = re.compile(rf"{re.escape(str(item))}([a-z]?$|-.*)", re.IGNORECASE)
        parts = [claim for claim in CLAIMS if pattern.fullmatch(claim)]
        if not parts:
            raise unknown_name("claim", item, list(CLAIMS))
        wanted += parts
    if not selection:
        wanted = list(CLAIMS)
    return [CLAIMS[name] for name in sorted(set(wanted), key=_order)]


def verify(
    selection: Sequence[str] = (),
    *,
    budget: str = "quick",
    seed: int | np.random.Generator = 0,
    delta: float = DEFAULT_DELTA,
    threads: int | None = None,
    wrong_twins: bool = False,
    progress: Callable[[str, int, int], None] | None = None,
) -> Verification:
    """Judge claims on their own cases.

    Parameters
    ----------
    selection : sequence of str, optional
        Ids, statements, chapters or files; see `find_claims`. All claims by default.
    budget : {"quick", "standard", "thorough"}, optional
        How much work is allowed.
    seed : int or numpy.random.Generator, optional
        Seed, >= 0.
    delta : float, optional
        Bound on the probability that any sampled case of this run is decided wrongly, shared
        equally (Bonferroni) over all sampled numbers.
    threads : int, optional
        Threads, all available processors by default; verdicts do not depend on it.
    wrong_twins : bool, optional
        Judge the deliberately wrong twins instead: all must come out refuted.
    progress : callable, optional
        Called with a line about what is being done, claims done, claims in all.

    Returns
    -------
    Verification
        An interrupt returns what was judged so far, with the rest in ``missing``.

    Raises
    ------
    ValueError
        For unknown ids or budgets, or values outside their domain.

    Examples
    --------
    >>> result = verify(["LOC-4d"])
    >>> result["LOC-4d"].verdict, result.success
    ('supported', True)
    """
    claims = find_claims(selection)
    level = find_budget(budget)
    delta = DELTA.check("delta", delta)
    key = seed_key(seed)
    share = delta / max(1, sum(sampled_targets(claim) for claim in claims))
    results: list[ClaimResult] = []
    try:
        with worker_threads(threads) as workers:
            for number, claim in enumerate(claims):
                context = Context(
                    level, key, share, workers, _reporter(progress, number, len(claims))
                )
                context.progress(claim.id)
                subject, rival = claim, claim.twin()
                if wrong_twins:
                    subject, rival = rival, subject
                started = time.perf_counter()
                cases = judge(subject, rival, context)
                results.append(ClaimResult(subject, cases, time.perf_counter() - started))
    except KeyboardInterrupt:
        pass
    missing = tuple(claim.id for claim in claims[len(results) :])
    recorded = seed if isinstance(seed, int) else key
    return Verification(tuple(results), int(recorded), delta, budget, missing)


def _reporter(
    progress: Callable[[str, int, int], None] | None, done: int, total: int
) -> Callable[[str], None]:
    if progress is None:
        return lambda line: None
    return lambda line: progress(line, done, total)
