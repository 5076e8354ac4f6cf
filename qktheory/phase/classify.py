"""Which phase a cell is in, and how sure that is.

Each phase is a comparison of means with named thresholds. Means are known as intervals, so each
comparison is true, false or open, and a cell is in one phase or in one of several.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qktheory.base.domains import Parameter, Real
from qktheory.base.errors import bad_value, unknown_name
from qktheory.simulation.estimate import Estimate

__all__ = [
    "CRITERIA",
    "PHASES",
    "Cell",
    "Interval",
    "Phase",
    "Thresholds",
    "classify",
]

FloatArray = NDArray[np.float64]
PhaseName = Literal[
    "uniform",
    "localized_late",
    "localized_early",
    "localized_middle",
    "localized_ends",
    "entropy_collapsed",
    "rank_collapsed",
    "self_localized",
]
#: In the order in which they are asked for, last to first: where several hold, the last one here is
#: the name of the cell.
PHASES: tuple[PhaseName, ...] = (
    "uniform",
    "localized_middle",
    "localized_ends",
    "localized_early",
    "localized_late",
    "rank_collapsed",
    "entropy_collapsed",
    "self_localized",
)
#: What may be asked of a cell, and the phases that the answer decides between.
CRITERIA: dict[str, tuple[PhaseName, ...]] = {
    "self_weight": ("self_localized",),
    "entropy": ("entropy_collapsed",),
    "rank": ("rank_collapsed",),
    "profile": ("localized_late", "localized_early", "localized_ends", "localized_middle"),
}

_SHARE = Real(low=0.0, high=1.0, low_open=True, high_open=True)


@dataclass(frozen=True)
class Thresholds:
    """Levels at which phases are separated.

    Parameters
    ----------
    contrast : float
        Of a profile, largest less smallest mean; below it a cell is uniform (LOC-6: 1/4, above
        all that the axis xi = 0 reaches).
    lateness : float
        Of a profile, (last - first)/contrast; at least so much is localized at one end (LOC-6:
        1/2). Less is localized in the middle, or at both ends, wherever the largest mean is; for
        aliveness it is never at an end then.
    entropy : float
        E H/ln T below which a row is collapsed on few keys (1/4).
    stable_rank : float
        E of the stable rank below which the matrix is collapsed on one direction (3/2).
    self_weight : float
        E A_ii at which a query looks at itself (1/2, LOC-15c).

    Examples
    --------
    >>> Thresholds(contrast=0.0)
    Traceback (most recent call last):
    ...
    ValueError: contrast = 0.0: expected a finite number > 0 and < 1
    """

    contrast: float = 0.25
    lateness: float = 0.5
    entropy: float = 0.25
    stable_rank: float = 1.5
    self_weight: float = 0.5

    def __post_init__(self) -> None:
        domains = dict.fromkeys(("contrast", "lateness", "entropy", "self_weight"), _SHARE)
        domains["stable_rank"] = Real(low=1.0, low_open=True)
        for name, domain in domains.items():
            value = Parameter(name, domain, "a threshold").check(getattr(self, name))
            object.__setattr__(self, name, value)


class Interval(NamedTuple):
    """A mean, with the ends of its interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Cell:
    """What is known about a cell.

    Parameters
    ----------
    T : int
        Number of keys.
    scalars : mapping of str to Interval
        Means of ``entropy``, ``stable_rank``, ``self_weight``, as far as they were measured.
    profile : sequence of Interval
        Means along the sequence, from its first key to its last: aliveness at positions, or weights
        of equal parts.
    """

    T: int
    scalars: Mapping[str, Interval] = field(default_factory=dict)
    profile: Sequence[Interval] = ()

    @classmethod
    def of_estimates(
        cls, T: int, estimates: Mapping[str, Estimate], profile: Sequence[str] = ()
    ) -> Cell:
        """Build from estimates by name; `profile` names the scalar ones along the sequence."""
        scalars = {
            name: Interval(float(e.mean[0]), float(e.low[0]), float(e.high[0]))
            for name, e in estimates.items()
            if not e.vector
        }
        for name in profile:
            if name not in scalars:
                raise unknown_name("observable of the profile", name, scalars)
        return cls(T, scalars, tuple(scalars[name] for name in profile))


@dataclass(frozen=True)
class Phase:
    """The phase of a cell.

    Parameters
    ----------
    name : str
        The phase that the means are in.
    competing : tuple of str
        All phases that the intervals allow, in the order of `PHASES`; one if it is decided.
    sureness : float
        Share of the box of intervals on the side of the means, of the most doubtful comparison; 1
        if the phase is decided.
    """

    name: PhaseName
    competing: tuple[PhaseName, ...]
    sureness: float

    @property
    def decided(self) -> bool:
        """Whether the intervals allow one phase only."""
        return len(self.competing) == 1


class _Answer(NamedTuple):
    """Whether a comparison holds for the means, which answers are possible, how sure it is."""

    holds: bool
    possible: frozenset[bool]
    sureness: float


def _at_least(value: Interval, threshold: float) -> _Answer:
    """Compare value >= threshold."""
    holds = value.mean >= threshold
    possible = frozenset((value.low >= threshold, value.high >= threshold))
    if len(possible) == 1:
        return _Answer(holds, possible, 1.0)
    if not (math.isfinite(value.low) and math.isfinite(value.high)):
        return _Answer(holds, possible, 0.5)
    share = (value.high - threshold) / (value.high - value.low)
    return _Answer(holds, possible, share if holds else 1.0 - share)


def _spread(low: FloatArray, high: FloatArray) -> float:
    """Return the largest max - min of values in a box."""
    top, bottom = int(high.argmax()), int(low.argmin())
    if top != bottom:
        return float(high[top] - low[bottom])
    # One value cannot be both.
    return float(
        max(high[top] - np.delete(low, top).min(), np.delete(high, top).max() - low[bottom])
    )


def _columns(profile: Sequence[Interval]) -> tuple[FloatArray, FloatArray, FloatArray]:
    table = np.array(profile, dtype=np.float64)
    return table[:, 0], table[:, 1], table[:, 2]


def _contrast(profile: Sequence[Interval]) -> Interval:
    """Return the range of max - min over the box of a profile."""
    mean, low, high = _columns(profile)
    return Interval(
        float(mean.max() - mean.min()), max(0.0, float(low.max() - high.min())), _spread(low, high)
    )


def _end_excess(profile: Sequence[Interval], lateness: float) -> Interval:
    """Return the range of (last - first) - lateness (max - min) over the box.

    It grows with the last mean and falls with the first one; those between only take from it.
    """
    mean, low, high = _columns(profile)
    at_mean = mean[-1] - mean[0] - lateness * (mean.max() - mean.min())
    # Largest: those between stay within the ends as far as they can.
    first, last = low[0], high[-1]
    values = np.clip((first + last) / 2.0, low, high)
    values[[0, -1]] = first, last
    best = last - first - lateness * (values.max() - values.min())
    # Smallest: they spread.
    first, last = high[0], low[-1]
    low, high = low.copy(), high.copy()
    low[0] = high[0] = first
    low[-1] = high[-1] = last
    worst = last - first - lateness * _spread(low, high)
    return Interval(float(at_mean), float(worst), float(best))


def _rise_of_ends(profile: Sequence[Interval]) -> Interval:
    """Return the range of the larger end less the largest mean between them."""
    columns = _columns(profile)
    if len(profile) < 3:
        return Interval(math.inf, math.inf, math.inf)
    (end, end_low, end_high), (inner, inner_low, inner_high) = (
        [float(column[part].max()) for column in columns] for part in ([0, -1], slice(1, -1))
    )
    return Interval(end - inner, end_low - inner_high, end_high - inner_low)


def _mirrored(profile: Sequence[Interval]) -> Sequence[Interval]:
    return tuple(reversed(profile))


def _comparisons(cell: Cell, thresholds: Thresholds, criteria: Sequence[str]) -> dict[str, _Answer]:
    answers: dict[str, _Answer] = {}
    scalars = cell.scalars
    if "self_weight" in criteria:
        answers["self_localized"] = _at_least(scalars["self_weight"], thresholds.self_weight)
    if "entropy" in criteria:
        least = thresholds.entropy * math.log(cell.T)
        answers["entropy_collapsed"] = _below(scalars["entropy"], least)
    if "rank" in criteria:
        answers["rank_collapsed"] = _below(scalars["stable_rank"], thresholds.stable_rank)
    if "profile" in criteria:
        answers["localized"] = _at_least(_contrast(cell.profile), thresholds.contrast)
        for name, profile in (("late", cell.profile), ("early", _mirrored(cell.profile))):
            answers[name] = _at_least(_end_excess(profile, thresholds.lateness), 0.0)
        answers["ends"] = _at_least(_rise_of_ends(cell.profile), 0.0)
    return answers


def _below(value: Interval, threshold: float) -> _Answer:
    """Compare value < threshold."""
    return _at_least(
        Interval(-value.mean, -value.high, -value.low), math.nextafter(-threshold, 1.0)
    )


def _name(truth: Mapping[str, bool]) -> PhaseName:
    """Return the phase from the answers, the first one that holds."""
    for name in ("self_localized", "entropy_collapsed", "rank_collapsed"):
        if truth.get(name, False):
            return name
    if truth.get("localized", False):
        if truth["late"]:
            return "localized_late"
        if truth["early"]:
            return "localized_early"
        return "localized_ends" if truth["ends"] else "localized_middle"
    return "uniform"


def _criteria(cell: Cell, criteria: Sequence[str] | None) -> tuple[str, ...]:
    names = {"rank": "stable_rank", "entropy": "entropy", "self_weight": "self_weight"}
    measured = [c for c, observable in names.items() if observable in cell.scalars]
    measured += ["profile"] if len(cell.profile) > 1 else []
    if criteria is None:
        criteria = measured
    for name in criteria:
        if name not in CRITERIA:
            raise unknown_name("criterion", name, CRITERIA)
        if name not in measured:
            what = names.get(name, "a profile of two positions or more")
            raise bad_value("criteria", name, f"one that was measured; the cell has no {what}")
    if not criteria:
        raise bad_value("criteria", list(criteria), "at least one, and a cell that measures it")
    return tuple(criteria)


def classify(
    cell: Cell,
    thresholds: Thresholds | None = None,
    criteria: Sequence[str] | None = None,
) -> Phase:
    """Return the phase of a cell.

    Parameters
    ----------
    cell : Cell
        Its means, with intervals.
    thresholds : Thresholds, optional
        Where phases end.
    criteria : sequence of {"self_weight", "entropy", "rank", "profile"}, optional
        What the phase is judged by; everything that was measured by default. Where several phases
        hold, self-localized goes before entropy-collapsed, rank-collapsed and localized.

    Returns
    -------
    Phase

    Raises
    ------
    ValueError
        For an unknown criterion, or one that was not measured.

    Notes
    -----
    If the intervals are simultaneous at level delta, a decided phase is wrong with probability at
    most delta. Comparisons are combined as if they varied independently of each other, which can
    only add to the competing phases.

    Examples
    --------
    >>> late = Cell(64, profile=[Interval(0.1, 0.0, 0.2), Interval(0.9, 0.8, 1.0)])
    >>> classify(late)
    Phase(name='localized_late', competing=('localized_late',), sureness=1.0)
    >>> open_ = Cell(64, {"self_weight": Interval(0.55, 0.48, 0.62)})
    >>> classify(open_).competing, round(classify(open_).sureness, 3)
    (('uniform', 'self_localized'), 0.857)
    """
    thresholds = thresholds or Thresholds()
    answers = _comparisons(cell, thresholds, _criteria(cell, criteria))
    name = _name({key: answer.holds for key, answer in answers.items()})
    outcomes = [sorted(answer.possible) for answer in answers.values()]
    possible = {_name(dict(zip(answers, truth, strict=True))) for truth in product(*outcomes)}
    competing = tuple(phase for phase in PHASES if phase in possible)
    if len(competing) == 1:
        return Phase(name, competing, 1.0)
    # A comparison counts if another answer to it, all else equal, changes the phase.
    doubts = set()
    for truth in product(*outcomes):
        named = dict(zip(answers, truth, strict=True))
        for key, answer in answers.items():
            flipped = {**named, key: not named[key]}
            if len(answer.possible) > 1 and _name(flipped) != _name(named):
                doubts.add(answer.sureness)
    return Phase(name, competing, min(doubts))
