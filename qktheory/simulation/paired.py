"""Differences of the same observable on two Ensembles, drawn with common random numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from qktheory.observables.observable import Observable
from qktheory.simulation.ensemble import Ensemble
from qktheory.simulation.simulator import Simulator

__all__ = ["PairedDifference", "difference_of"]

FloatArray = NDArray[np.float64]


def difference_of(observable: Observable) -> Observable:
    """Return an observable with the range that differences of it have.

    Examples
    --------
    >>> from qktheory.observables.observable import OBSERVABLES
    >>> difference_of(OBSERVABLES["participation"]).bounds(2)
    (-0.5, 0.5)
    """

    def bounds(T: int) -> tuple[float, float] | None:
        ends = observable.bounds(T)
        return None if ends is None else (ends[0] - ends[1], ends[1] - ends[0])

    return replace(observable, bounds=bounds)


class PairedDifference(Simulator):
    """Draws observable(second) - observable(first), sample by sample.

    Both realisations must have the same key and cell: then sample k of both uses the same random
    numbers, and differences vary far less than the observables themselves.

    Parameters
    ----------
    first, second : Simulator
        Of Ensembles with the same T.
    """

    name = "paired_difference"

    def __init__(self, first: Simulator, second: Simulator) -> None:
        super().__init__(second.realization)
        places = {(s.realization.key, s.realization.cell, s.ensemble.T) for s in (first, second)}
        if len(places) > 1:
            raise ValueError("paired simulators must share key, cell and T")
        self._first, self._second = first, second

    @classmethod
    def obstacle(cls, ensemble: Ensemble, observable: Observable) -> str | None:
        """Never chosen by itself."""
        return "it needs two Ensembles"

    @classmethod
    def cost(cls, ensemble: Ensemble) -> float:
        """Return the order of magnitude: two rows of T numbers."""
        return 2.0 * ensemble.T

    def work_per_sample(self) -> float:
        """Return what both simulators take."""
        return self._first.work_per_sample() + self._second.work_per_sample()

    def bytes_per_sample(self) -> int:
        """Return what both simulators need."""
        return self._first.bytes_per_sample() + self._second.bytes_per_sample()

    def measure(
        self, observables: Sequence[Observable], first_sample: int, n: int
    ) -> list[FloatArray]:
        """Return the differences of n samples; see `Simulator.measure`."""
        pairs = zip(
            self._first.measure(observables, first_sample, n),
            self._second.measure(observables, first_sample, n),
            strict=True,
        )
        return [later - earlier for earlier, later in pairs]
