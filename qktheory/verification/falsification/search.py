"""The search: many starts, gradient-free climbs from the best of them, a polish at the end."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from qktheory.verification.falsification.coordinates import Coordinates, given_parameters
from qktheory.verification.falsification.starts import random_inputs, structured_inputs
from qktheory.verification.falsification.targets import Inequality, Target

__all__ = ["Finding", "attack"]

Floats = NDArray[np.float64]
Parameters = Mapping[str, Any]

#: Shares of the budget: random inputs, and relatives of the best ones; the rest climbs.
_RANDOM, _STRUCTURED = 0.15, 0.15
#: From how many starts the search climbs, and how often it starts again from the best point.
_CLIMBS = 5
#: A simplex needs about so many steps for each coordinate; beyond that other methods do better.
_SIMPLEX_DIMENSION = 10
#: An excess so large, or this many times the rounding, needs no further search.
_BLATANT, _ROUNDINGS = 1e-3, 100.0
#: Seconds after which larger relatives of an input are not tried.
_SLOW = 0.5
#: Where a point is no input of the claim.
_NOWHERE = -4.0


class _SpentError(Exception):
    """The budget of an inequality is used up, or nothing is left to find."""


@dataclass(frozen=True)
class Finding:
    """The worst input that was found for one inequality.

    Parameters
    ----------
    name : str
        What the inequality says, empty for the worst of several.
    number : int
        Its place among the inequalities at the input.
    parameters : mapping
        The input, canonical.
    pair : Inequality
        The sides there.
    evaluations : int
        Inputs tried for it.
    in_time : bool
        Whether the number of evaluations ended the search, and not the clock.
    """

    name: str
    number: int
    parameters: Parameters
    pair: Inequality
    evaluations: int
    in_time: bool = True


def attack(
    target: Target,
    rng: np.random.Generator,
    evaluations: int,
    deadline: float,
    progress: Callable[[str], None] = lambda line: None,
) -> Iterator[Finding]:
    """Search the inputs of a target, one inequality after the other.

    Parameters
    ----------
    target : Target
        What is attacked.
    rng : numpy.random.Generator
        Starts of the search.
    evaluations : int
        How many inputs may be tried for all inequalities together.
    deadline : float
        Time of `time.monotonic` at which the search ends in any case.
    progress : callable, optional
        Called with a line about what is being done.

    Yields
    ------
    Finding
        One for each inequality of which any input was found.
    """
    allowed = max(2, evaluations // target.cost)
    pool = _Pool(target, deadline)
    pool.fill(rng, round(_RANDOM * allowed), round(_STRUCTURED * allowed))
    numbers: list[int | None] = list(range(len(target.names))) or [None]
    for place, number in enumerate(numbers):
        left = max(1, (allowed - pool.tried) // (len(numbers) - place))
        name = "" if number is None else target.names[number]
        progress(f"{target.claim.id}: {name or 'the worst inequality'}, {left} inputs")
        # Each inequality has its share of the time that is left, as of the evaluations.
        now = time.monotonic()
        until = now + max(0.0, deadline - now) / (len(numbers) - place)
        search = _Search(target, number, left, until)
        search.run(pool)
        if search.best is not None:
            parameters, at, pair = search.best
            tried = pool.tried + search.tried
            in_time = time.monotonic() < until
            yield Finding(name, at, parameters, pair, tried * target.cost, in_time)


def _pairs(target: Target, parameters: Parameters) -> list[Inequality]:
    """Return the inequalities at an input, none where the claim, or a value of it, has none."""
    try:
        with np.errstate(all="ignore"):
            return list(target.inequalities(parameters))
    except (ArithmeticError, KeyError, ValueError, MemoryError):
        return []


class _Pool:
    """Starts that all inequalities of a target share."""

    def __init__(self, target: Target, deadline: float) -> None:
        self._target = target
        self._deadline = deadline
        self.tried = 0
        self.starts: list[tuple[Parameters, list[Inequality]]] = []

    def fill(self, rng: np.random.Generator, random: int, structured: int) -> None:
        claim = self._target.claim
        for parameters in random_inputs(claim, self._target.draw, rng, random):
            if not self._add(parameters):
                return
        # Relatives of the best inputs, and of those with the smallest arrays.
        ranked = sorted(self.starts, key=lambda s: -max((p.excess for p in s[1]), default=-9.0))
        ranked = ranked[:6] + sorted(self.starts, key=lambda s: _size(s[0]))[:3]
        relatives = [structured_inputs(claim, parameters, rng) for parameters, _ in ranked]
        for _ in range(structured):
            if not relatives:
                return
            family = relatives.pop(0)
            found = list(islice(family, 1))
            started = time.monotonic()
            if found and not self._add(found[0]):
                return
            # Relatives grow: one that is slow is the last.
            if found and time.monotonic() - started < _SLOW:
                relatives.append(family)

    def _add(self, parameters: Parameters) -> bool:
        self.tried += 1
        if pairs := _pairs(self._target, parameters):
            self.starts.append((parameters, pairs))
        return time.monotonic() < self._deadline


def _kind(parameters: Parameters) -> tuple[Any, ...]:
    """Return the shapes of arrays and the orders of magnitude of integers."""
    return tuple(
        round(math.log10(1 + abs(value))) if isinstance(value, int) else np.shape(value)
        for value in parameters.values()
    )


def _size(parameters: Parameters) -> int:
    return sum(np.size(value) for value in parameters.values())


class _Search:
    """The search for the worst input of one inequality."""

    def __init__(self, target: Target, number: int | None, allowed: int, deadline: float) -> None:
        self._target = target
        self._number = number
        self._allowed = allowed
        self._deadline = deadline
        self.tried = 0
        self.best: tuple[Parameters, int, Inequality] | None = None

    def run(self, pool: _Pool) -> None:
        """Look at all starts, climb from the best, polish, and shorten the numbers found."""
        ranked = []
        for parameters, pairs in pool.starts:
            score = self._note(parameters, pairs)
            if score > _NOWHERE:
                ranked.append((score, parameters))
        ranked.sort(key=lambda item: -item[0])
        chosen = _different(ranked)
        try:
            for left, parameters in zip(range(len(chosen), 0, -1), chosen, strict=True):
                self._climb(parameters, (self._allowed - self.tried) // (left + 1))
            while self.best is not None and self.tried < self._allowed:
                before = self.tried
                self._climb(self.best[0], self._allowed - self.tried, step=0.02)
                if self.tried - before < 4:
                    break
        except _SpentError:
            pass
        if self.best is not None and self._violated(self.best[2]):
            self._shorten()

    def _worst(self, pairs: list[Inequality]) -> tuple[int, Inequality] | None:
        """Return the inequality in question, unless it is degenerate and holds."""
        numbers = range(len(pairs)) if self._number is None else [self._number]
        found = [(k, pairs[k]) for k in numbers if k < len(pairs)]
        found = [(k, p) for k, p in found if not p.degenerate or self._violated(p) or p.excess < 0]
        proper = [(k, p) for k, p in found if not p.degenerate or self._violated(p)]
        return max(proper or found, key=lambda item: item[1].excess) if found else None

    def _violated(self, pair: Inequality) -> bool:
        return pair.excess > self._target.rounding

    def _note(self, parameters: Parameters, pairs: list[Inequality]) -> float:
        """Remember an input if it is the worst so far; return its score."""
        worst = self._worst(pairs)
        if worst is None:
            return _NOWHERE
        number, pair = worst
        score = pair.excess
        if pair.degenerate and not self._violated(pair):
            score -= 2.0  # a place to leave, not to look for
        elif self.best is None or score > self._score(self.best[2]):
            self.best = (parameters, number, pair)
        return max(score, _NOWHERE)

    def _score(self, pair: Inequality) -> float:
        return pair.excess

    def _blatant(self) -> bool:
        if self.best is None:
            return False
        enough = max(_BLATANT, _ROUNDINGS * self._target.rounding)
        return self.best[2].excess > enough

    def _climb(self, start: Parameters, allowed: int, step: float = 0.3) -> None:
        """Climb from a start by the method that suits its number of coordinates."""
        chart = Coordinates(self._target.claim, start)
        if chart.dimension == 0 or allowed < 4:
            return
        end = self.tried + allowed

        def minus_score(point: Floats) -> float:
            if self.tried >= self._allowed or time.monotonic() >= self._deadline:
                raise _SpentError
            if self.tried >= end:
                raise StopIteration
            self.tried += 1
            try:
                parameters = self._target.claim.checked(chart.parameters(point))
            except (ValueError, ArithmeticError):
                return -_NOWHERE
            score = self._note(parameters, _pairs(self._target, parameters))
            if self._blatant():
                raise _SpentError
            return -score

        try:
            _minimise(minus_score, chart.origin, allowed, step)
        except StopIteration:
            return

    def _shorten(self) -> None:
        """Round the numbers of a violation to as few digits as keep half of it."""
        assert self.best is not None
        parameters, _, pair = self.best
        enough = max(0.5 * pair.excess, 2.0 * self._target.rounding)
        for digits in (2, 3, 4, 6, 9):
            try:
                given = given_parameters(self._target.claim, parameters)
                shorter = self._target.claim.checked(
                    {name: _rounded(value, digits) for name, value in given.items()}
                )
            except ValueError:
                continue
            worst = self._worst(_pairs(self._target, shorter))
            if worst is not None and worst[1].excess >= enough:
                self.best = (shorter, *worst)
                return


def _rounded(value: Any, digits: int) -> Any:
    """Round the entries of an array, or a number, to significant digits of the largest one."""
    if not isinstance(value, float | np.ndarray):
        return value
    array = np.asarray(value, dtype=np.float64)
    largest = float(np.abs(array[np.isfinite(array)]).max(initial=0.0))
    decimals = digits - 1 - math.floor(math.log10(largest)) if largest > 0.0 else 0
    rounded = np.round(array, decimals) + 0.0 if abs(decimals) < 300 else array  # no -0.0
    return float(rounded) if isinstance(value, float) else rounded


def _different(ranked: list[tuple[float, Parameters]]) -> list[Parameters]:
    """Return the best starts, of each kind two at most."""
    chosen: list[Parameters] = []
    seen: dict[tuple[Any, ...], int] = {}
    for _, parameters in ranked:
        kind = _kind(parameters)
        if seen.get(kind, 0) < 2:
            seen[kind] = seen.get(kind, 0) + 1
            chosen.append(parameters)
        if len(chosen) == _CLIMBS:
            break
    return chosen


def _minimise(
    function: Callable[[Floats], float], start: Floats, allowed: int, step: float
) -> None:
    """Minimise; the function remembers the best point and ends the search by an exception."""
    if start.size <= _SIMPLEX_DIMENSION:
        simplex = np.vstack([start, start + step * np.eye(start.size)])
        minimize(
            function,
            start,
            method="Nelder-Mead",
            options={"maxfev": allowed, "adaptive": True, "initial_simplex": simplex},
        )
        return
    try:
        import cma
    except ImportError:
        minimize(function, start, method="Powell", options={"maxfev": allowed})
        return
    settings = {"maxfevals": allowed, "verbose": -9, "seed": 1 + start.size, "tolfun": 0.0}
    strategy = cma.CMAEvolutionStrategy(start, step, settings)
    while not strategy.stop():
        points = strategy.ask()
        strategy.tell(points, [function(np.asarray(point)) for point in points])
