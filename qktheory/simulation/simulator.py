"""What a simulator is: a way to draw observables of an Ensemble.

Several simulators may serve the same Ensemble: the full one, and reductions that are exact in law
and much cheaper. `choose` picks the cheapest.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, cast

import numpy as np
from numpy.typing import NDArray

from qktheory.base.registry import Registry
from qktheory.observables.draws import Rows
from qktheory.observables.observable import Observable, RowObservable
from qktheory.simulation.ensemble import Ensemble
from qktheory.simulation.realization import Realization

__all__ = ["SIMULATORS", "RowSimulator", "Simulator", "choose"]

FloatArray = NDArray[np.float64]


class Simulator(ABC):
    """Draws samples of observables of a realised Ensemble.

    Parameters
    ----------
    realization : Realization
        The experiment with its QK map.

    Raises
    ------
    ValueError
        If logits would leave the range of double precision.

    Notes
    -----
    Sample k depends on the realisation and on k alone, never on what was drawn before.
    """

    name: ClassVar[str]

    def __init__(self, realization: Realization) -> None:
        realization.check_scale()
        self.realization = realization
        self.ensemble = realization.ensemble
        self.attention = self.ensemble.attention

    @classmethod
    @abstractmethod
    def obstacle(cls, ensemble: Ensemble, observable: Observable) -> str | None:
        """Say why this simulator cannot draw the observable, or return None if it can."""

    @classmethod
    @abstractmethod
    def cost(cls, ensemble: Ensemble) -> float:
        """Return the cost of a sample, in random numbers drawn and multiplications."""

    def work_per_sample(self) -> float:
        """Return the cost of a sample as far as the QK map makes it known; see `cost`."""
        return self.cost(self.ensemble)

    @abstractmethod
    def bytes_per_sample(self) -> int:
        """Return the working memory of a sample."""

    @abstractmethod
    def measure(
        self, observables: Sequence[Observable], first_sample: int, n: int
    ) -> list[FloatArray]:
        """Return the observables of samples first_sample ... first_sample + n - 1.

        Returns
        -------
        list of ndarray
            One array of shape (n, size) for each observable, size = T or 1.
        """


class RowSimulator(Simulator):
    """A simulator that draws one attention row a sample."""

    @abstractmethod
    def rows(self, first_sample: int, n: int) -> Rows:
        """Draw the rows of n samples."""

    def measure(
        self, observables: Sequence[Observable], first_sample: int, n: int
    ) -> list[FloatArray]:
        """Return the observables of n rows; see `Simulator.measure`."""
        rows = self.rows(first_sample, n)
        return [cast(RowObservable, o).compute(rows).reshape(n, -1) for o in observables]


SIMULATORS: Registry[type[Simulator]] = Registry("simulator", "qktheory.simulation.simulators")


def choose(
    ensemble: Ensemble, observable: Observable, simulator: str | None = None
) -> type[Simulator]:
    """Return the cheapest simulator for an observable, or the named one.

    Parameters
    ----------
    ensemble : Ensemble
        The experiment.
    observable : Observable
        What to draw.
    simulator : str, optional
        Name of the simulator to use.

    Returns
    -------
    type of Simulator

    Raises
    ------
    ValueError
        If the named simulator cannot draw the observable, with the reason.

    Examples
    --------
    >>> from qktheory.observables.observable import OBSERVABLES
    >>> ensemble = Ensemble.from_dict({"d": 4, "T": 8, "spectrum": {"law": "point", "xi": 1.0,
    ...                                "eta": 0.25}, "tokens": {"law": "random_walk"}})
    >>> choose(ensemble, OBSERVABLES["entropy"]).name
    'bridge_row'
    >>> choose(ensemble, OBSERVABLES["stable_rank"]).name
    'full_matrix'
    """
    if simulator is not None:
        chosen = SIMULATORS[simulator]
        obstacle = chosen.obstacle(ensemble, observable)
        if obstacle is not None:
            raise ValueError(
                f"simulator {simulator!r} cannot draw {observable.name!r} here: {obstacle}"
            )
        return chosen
    able = [
        SIMULATORS[name]
        for name in SIMULATORS
        if SIMULATORS[name].obstacle(ensemble, observable) is None
    ]
    if not able:
        raise ValueError(f"no simulator can draw {observable.name!r} of {ensemble!r}")
    return min(able, key=lambda candidate: candidate.cost(ensemble))
