"""How claims are judged: one description for each kind of claim.

A judgement says what to draw and what to compare; the rules of the verdict itself (intervals,
tolerances, rates) are in `qktheory.verification`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from qktheory.kernels import Stream
from qktheory.observables.observable import Observable
from qktheory.simulation.ensemble import Ensemble

__all__ = [
    "Asymptotic",
    "DrawnExpectation",
    "DrawnLimit",
    "Expectation",
    "ExpectationBound",
    "Identity",
    "Judgement",
    "Law",
    "Limit",
    "Ordering",
    "PathwiseBound",
    "SampledOrdering",
]

Parameters = Mapping[str, Any]
Evaluate = Callable[[Mapping[str, Any]], Mapping[str, Any]]


class Judgement:
    """Base of the judgements; `kind` is the word that tables and JSON use."""

    kind: ClassVar[str]

    def sampled_numbers(self, parameters: Parameters, values: Mapping[str, Any]) -> int:
        """Return how many intervals a case needs: each gets a share of the error level."""
        return 0

    def of_a_twin(self) -> Judgement:
        """Return the judgement without the routes that know nothing of a twin's values."""
        return self


@dataclass(frozen=True)
class Expectation(Judgement):
    """E[observable] = value, by Monte Carlo at each case.

    Parameters
    ----------
    ensemble : callable
        From the parameters of a case to the Ensemble that is drawn.
    observables : callable
        From parameters and values to the observables whose means are the values, by name of value.
    model_error : callable, optional
        From the parameters to how far the value may be from the mean (0 for exact claims).
    simulator : str, optional
        The simulator to draw with: the full one by default, so that a verdict never rests on a
        reduction that the claim itself may state.
    """

    kind: ClassVar[str] = "expectation"

    ensemble: Callable[[Parameters], Ensemble]
    observables: Callable[[Parameters, Mapping[str, Any]], Mapping[str, Observable]]
    model_error: Callable[[Parameters], float] = lambda parameters: 0.0
    simulator: str | None = "full"

    def sampled_numbers(self, parameters: Parameters, values: Mapping[str, Any]) -> int:
        """Return one for each observable."""
        return len(self.observables(parameters, values))


@dataclass(frozen=True)
class DrawnExpectation(Judgement):
    """E[functional of random matrices or vectors] = value, where no Ensemble draws them.

    Parameters
    ----------
    names : tuple of str
        The values that are means. One that does not exist at a case is left out; of a list every
        entry is judged.
    draw : callable
        From the parameters, the values, a stream, a first sample and a number n to the functionals
        of n samples by name, arrays of shape (n,), or (n, k) for a list. Sample k must depend on
        the stream and on k alone.
    cost : callable
        From the parameters to the random numbers and multiplications of a sample.
    """

    kind: ClassVar[str] = "expectation"

    names: tuple[str, ...]
    draw: Callable[[Parameters, Mapping[str, Any], Stream, int, int], Mapping[str, np.ndarray]]
    cost: Callable[[Parameters], float]

    def sampled_numbers(self, parameters: Parameters, values: Mapping[str, Any]) -> int:
        """Return the number of entries of all values."""
        return sum(np.size(values[name]) for name in self.names if name in values)


@dataclass(frozen=True)
class DrawnLimit(Judgement):
    """E[functional of random matrices] approaches the value as they grow, where no Ensemble draws.

    Few large draws instead of many: spectra of matrices. Supported as for `Limit`, with relative
    distances, absolute ones to values that are 0; a case that stays undecided gets more draws.

    Parameters
    ----------
    names : tuple of str
        The values that are limits, or asymptotically equal to means. One that does not exist at a
        case is left out; of a list every entry is judged.
    size : str
        What grows, for tables.
    ladder : sequence of (int, int)
        Increasing sizes, each with its number of draws to begin with.
    at : callable
        From the parameters of a case and a size to the parameters of that rung.
    draw : callable
        From the parameters of the rung, the values there, a stream, a first sample and a number n
        to the functionals of n draws by name, arrays of shape (n,), or (n, k) for a list. Sample k
        must depend on the stream and on k alone.
    rate : float
        Relative distances shrink at least like size^(-rate).
    aim : float, optional
        Relative distance that the last rung may keep, where the wrong twin says the same; to be
        chosen after the corrections that are left there.
    """

    kind: ClassVar[str] = "sampled limit"

    names: tuple[str, ...]
    size: str
    ladder: Sequence[tuple[int, int]]
    at: Callable[[Parameters, int], Parameters]
    draw: Callable[[Parameters, Mapping[str, Any], Stream, int, int], Mapping[str, np.ndarray]]
    rate: float
    aim: float = 0.05

    def sampled_numbers(self, parameters: Parameters, values: Mapping[str, Any]) -> int:
        """Return the number of entries of all values, at every rung."""
        entries = sum(np.size(values[name]) for name in self.names if name in values)
        return len(self.ladder) * entries


@dataclass(frozen=True)
class Identity(Judgement):
    """Value = another route to it, at each case and on random draws.

    Parameters
    ----------
    other_route : callable
        From parameters to the values by an independent computation, by name of value.
    draw : callable
        From a NumPy Generator to random parameters.
    tolerance : float
        Largest relative error, from the conditioning of both routes.
    most_draws : int, optional
        Random inputs at most, where the other route is slow; the budget decides by default.
    """

    kind: ClassVar[str] = "identity"

    other_route: Callable[[Parameters], Mapping[str, Any]]
    draw: Callable[[np.random.Generator], Parameters]
    tolerance: float = 1e-10
    most_draws: int | None = None


@dataclass(frozen=True)
class PathwiseBound(Judgement):
    """Smaller <= larger on every draw.

    Parameters
    ----------
    sides : callable
        From parameters, values and a Generator to a list of pairs (smaller, larger).
    draw : callable
        From a NumPy Generator to random parameters.
    rounding : float
        Relative excess that counts as rounding.
    most_draws : int, optional
        Random inputs at most, where one is slow; the budget decides by default.
    inequalities : sequence of str, optional
        What each pair says, where every input has the same ones: a search for violations then
        attacks each by itself. Otherwise it attacks the pair that is worst.
    trivial : callable, optional
        From parameters and values to a number for each pair, or None: how tight a bound is, is
        asked only where both sides differ from that number by at least a tenth of it.
    precise : callable, optional
        From parameters to the pairs in mpmath numbers of the working precision, None for those
        without a precise route; what a violation is looked at again with.
    """

    kind: ClassVar[str] = "pathwise bound"

    sides: Callable[
        [Parameters, Mapping[str, Any], np.random.Generator], Sequence[tuple[float, float]]
    ]
    draw: Callable[[np.random.Generator], Parameters]
    rounding: float = 1e-12
    most_draws: int | None = None
    inequalities: Sequence[str] = ()
    trivial: Callable[[Parameters, Mapping[str, Any]], Sequence[float | None]] | None = None
    precise: Callable[[Parameters], Sequence[tuple[Any, Any] | None]] | None = None

    def of_a_twin(self) -> Judgement:
        """Return the judgement without its precise route."""
        return replace(self, precise=None)


@dataclass(frozen=True)
class Asymptotic(Judgement):
    """A finite-size quantity tends to the value, at a stated rate, along a ladder of sizes.

    Parameters
    ----------
    value : str
        Name of the limit among the values.
    size : str
        What grows, for tables (``"T"``, ``"d"``, ``"1/eta"``).
    ladder : sequence of float
        Increasing sizes.
    finite : callable
        From the claim's evaluation (parameters to values), the parameters of the case and a size to
        the finite-size quantity and the value it tends to, or is asymptotically equal to, at that
        size. Both are computed, not sampled.
    rate : float
        Errors shrink at least like size^(-rate).
    slack : float
        Factor by which a single step may fall behind the rate.
    floor : float
        Error, relative to the limit (absolute if that is 0), below which rounding decides and the
        rate is not asked for.
    """

    kind: ClassVar[str] = "asymptotic"

    value: str
    size: str
    ladder: Sequence[float]
    finite: Callable[[Evaluate, Parameters, float], tuple[float, float]]
    rate: float
    slack: float = 1.3
    floor: float = 1e-10


@dataclass(frozen=True)
class ExpectationBound(Judgement):
    """E[observable] <= value (or >= value), by Monte Carlo at each case.

    Parameters
    ----------
    ensemble : callable
        From the parameters of a case to the Ensemble that is drawn.
    observables : callable
        From parameters and values to the observables whose means are bounded, by name of value.
    side : callable
        From parameters to ``"upper"`` or ``"lower"``: which side of the mean the value bounds.
    model_error : callable, optional
        From parameters to a slack that the statement itself allows (0 for exact bounds).
    simulator : str, optional
        The simulator to draw with.
    """

    kind: ClassVar[str] = "expectation bound"

    ensemble: Callable[[Parameters], Ensemble]
    observables: Callable[[Parameters, Mapping[str, Any]], Mapping[str, Observable]]
    side: Callable[[Parameters], str]
    model_error: Callable[[Parameters], float] = lambda parameters: 0.0
    simulator: str | None = "full"

    def sampled_numbers(self, parameters: Parameters, values: Mapping[str, Any]) -> int:
        """Return one for each observable."""
        return len(self.observables(parameters, values))


@dataclass(frozen=True)
class Limit(Judgement):
    """E[observable] tends to the value as a size grows, by Monte Carlo along a ladder of sizes.

    Supported if the distance to the value shrinks at the stated rate as far as the intervals tell,
    and the last interval, widened by what the rate leaves of the distance before it, contains the
    value and excludes the wrong twin.

    Parameters
    ----------
    size : str
        What grows, for tables.
    ladder : sequence of int
        Increasing sizes.
    ensemble : callable
        From the parameters of a case and a size to the Ensemble that is drawn.
    observables : callable
        From parameters, values and a size to the observables, by name of value.
    rate : float
        The distance shrinks at least like size^(-rate).
    simulator : str, optional
        The simulator to draw with; the cheapest one by default, because ladders climb high.
    aim : float, optional
        Relative distance to the value that the last rung may keep, where the wrong twin says the
        same; to be chosen after the corrections that are left there.
    """

    kind: ClassVar[str] = "sampled limit"

    size: str
    ladder: Sequence[int]
    ensemble: Callable[[Parameters, int], Ensemble]
    observables: Callable[[Parameters, Mapping[str, Any], int], Mapping[str, Observable]]
    rate: float
    simulator: str | None = None
    aim: float = 0.05

    def sampled_numbers(self, parameters: Parameters, values: Mapping[str, Any]) -> int:
        """Return one for each observable and rung."""
        return len(self.ladder) * len(self.observables(parameters, values, self.ladder[0]))


@dataclass(frozen=True)
class Law(Judgement):
    """The observable has the claimed distribution, by its empirical CDF.

    Parameters
    ----------
    ensemble : callable
        From the parameters of a case to the Ensemble that is drawn.
    observable : callable
        From parameters to the observable.
    distribution : callable
        From the claim's evaluation, parameters and points to the claimed CDF there.
    model_error : float
        Kolmogorov distance that the statement itself allows (0 for exact laws).
    simulator : str, optional
        The simulator to draw with.
    """

    kind: ClassVar[str] = "law"

    ensemble: Callable[[Parameters], Ensemble]
    observable: Callable[[Parameters], Observable]
    distribution: Callable[[Evaluate, Parameters, np.ndarray], np.ndarray]
    model_error: float = 0.0
    simulator: str | None = "full"

    def sampled_numbers(self, parameters: Parameters, values: Mapping[str, Any]) -> int:
        """Return one: the whole distribution is tested at once."""
        return 1


@dataclass(frozen=True)
class SampledOrdering(Judgement):
    """E[observable] increases along a chain of Ensembles, by paired differences.

    Consecutive Ensembles are drawn with common random numbers, and the interval of the mean
    difference must have the stated sign.

    Parameters
    ----------
    chain : callable
        From the parameters of a case and the values to the Ensembles, in the order in which the
        claim says that the mean increases.
    observable : callable
        From parameters to the observable.
    simulator : str, optional
        The simulator to draw with; the cheapest one by default.
    meant_for : callable, optional
        From parameters to whether the ordering is asserted there: one of the limit of long
        sequences says nothing about short ones.
    """

    kind: ClassVar[str] = "ordering"

    chain: Callable[[Parameters, Mapping[str, Any]], Sequence[Ensemble]]
    observable: Callable[[Parameters], Observable]
    simulator: str | None = None
    meant_for: Callable[[Parameters], bool] = lambda parameters: True

    def sampled_numbers(self, parameters: Parameters, values: Mapping[str, Any]) -> int:
        """Return one for each difference along the chain."""
        return max(0, len(self.chain(parameters, values)) - 1)


@dataclass(frozen=True)
class Ordering(Judgement):
    """A computed quantity increases along a chain of inputs.

    Parameters
    ----------
    value : str
        Name of the value that the claim orders.
    chain : callable
        From the claim's evaluation and the parameters of a case to the parameters along the chain,
        in the order in which the claim says that the value increases.
    draw : callable, optional
        From a NumPy Generator to the parameters of a random case.
    measure : callable, optional
        From the claim's evaluation and parameters to the quantity; the value by default.
    rounding : float
        Relative decrease that counts as rounding.
    most_draws : int, optional
        Random cases at most; the budget decides by default.
    precise : callable, optional
        From parameters of the chain to the quantity as an mpmath number of the working precision.
    """

    kind: ClassVar[str] = "ordering"

    value: str
    chain: Callable[[Evaluate, Parameters], Sequence[Parameters]]
    draw: Callable[[np.random.Generator], Parameters] | None = None
    measure: Callable[[Evaluate, Parameters], float] | None = None
    rounding: float = 1e-10
    most_draws: int | None = None
    precise: Callable[[Parameters], Any] | None = None

    def of_a_twin(self) -> Judgement:
        """Return the judgement without its precise route."""
        return replace(self, precise=None)
