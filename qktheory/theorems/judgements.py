"""How claims are judged: one description for each kind of claim.

A judgement says what to draw and what to compare; the rules of the verdict itself (intervals,
tolerances, rates) are in `qktheory.verification`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from qktheory.observables.observable import RowObservable
from qktheory.simulation.ensemble import Ensemble

__all__ = ["Asymptotic", "Expectation", "Identity", "Judgement", "PathwiseBound"]

Parameters = Mapping[str, Any]
Evaluate = Callable[[Mapping[str, Any]], Mapping[str, Any]]


class Judgement:
    """Base of the judgements; `kind` is the word that tables and JSON use."""

    kind: ClassVar[str]


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
    observables: Callable[[Parameters, Mapping[str, Any]], Mapping[str, RowObservable]]
    model_error: Callable[[Parameters], float] = lambda parameters: 0.0
    simulator: str | None = "full"


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
    """

    kind: ClassVar[str] = "identity"

    other_route: Callable[[Parameters], Mapping[str, Any]]
    draw: Callable[[np.random.Generator], Parameters]
    tolerance: float = 1e-10


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
    """

    kind: ClassVar[str] = "pathwise bound"

    sides: Callable[
        [Parameters, Mapping[str, Any], np.random.Generator], Sequence[tuple[float, float]]
    ]
    draw: Callable[[np.random.Generator], Parameters]
    rounding: float = 1e-12


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
