"""What a simulator is: a way to draw observables of an Ensemble.

Several simulators may serve the same Ensemble: the full one, and reductions that are exact in law
and much cheaper. `choose` picks the cheapest. Most of them work in two steps, random numbers that
know nothing of the QK map first, so that many experiments can be made from the same numbers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from typing import ClassVar, Literal, Self, cast

import numpy as np
from numpy.typing import NDArray

from qktheory.base.registry import Registry
from qktheory.observables.draws import Rows
from qktheory.observables.observable import Observable, RowObservable
from qktheory.simulation.ensemble import Ensemble
from qktheory.simulation.realization import Realization

__all__ = [
    "SIMULATORS",
    "Noise",
    "NoiseSimulator",
    "RowSimulator",
    "Simulator",
    "StackedRowSimulator",
    "choose",
    "choose_each",
]

FloatArray = NDArray[np.float64]
Noise = tuple[FloatArray, ...]


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
    #: Working memory of one call. A quarter would stay in the second-level cache, but the
    #: interpreter's share of a call, during which other threads wait, doubles the time of short
    #: rows.
    call_bytes: ClassVar[int] = 1 << 22
    #: Whether it forms score matrices, for normalisers that are no maps of single rows.
    whole_matrix: ClassVar[bool] = False
    #: Whether it draws networks, and nothing else.
    networks: ClassVar[bool] = False
    #: Whether it estimates kernels by random features, and nothing else.
    features: ClassVar[bool] = False

    def __init__(self, realization: Realization) -> None:
        realization.check_scale()
        self.realization = realization
        self.ensemble = realization.ensemble
        self.attention = self.ensemble.attention

    @classmethod
    @abstractmethod
    def obstacle(cls, ensemble: Ensemble, observable: Observable) -> str | None:
        """Say why this simulator cannot draw the observable, or return None if it can.

        Of the observable it may look at `Observable.kind` alone.
        """

    @classmethod
    @abstractmethod
    def cost(cls, ensemble: Ensemble) -> float:
        """Return the cost of a sample, in random numbers drawn and multiplications."""

    def infinite_moment(self, observable: Observable) -> Literal["mean", "variance"] | None:
        """Return the lowest of mean and variance of an observable that is infinite.

        Estimates of such an observable carry no interval: none would hold.
        """
        return None

    def work_per_sample(self) -> float:
        """Return the cost of a sample as far as the QK map makes it known; see `cost`."""
        return self.cost(self.ensemble)

    @abstractmethod
    def bytes_per_sample(self) -> int:
        """Return the working memory of a sample."""

    def bytes_for(self, observables: Sequence[Observable]) -> int:
        """Return the working memory of a sample of these observables; see `bytes_per_sample`."""
        return self.bytes_per_sample()

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


class NoiseSimulator(Simulator):
    """A simulator that makes its samples from random numbers drawn before W enters."""

    @property
    def noise_key(self) -> Hashable:
        """What the noise depends on beside the sample: equal keys draw equal noise."""
        ensemble, realization = self.ensemble, self.realization
        query = ensemble.query if self._needs_query else ensemble.query is None
        return (
            (self.name, realization.key, realization.cell, ensemble.T, ensemble.d, query),
            *self._law_of_noise(),
        )

    #: Whether a pinned query enters the noise by value, and not only by being there.
    _needs_query: ClassVar[bool] = False

    def _law_of_noise(self) -> tuple[Hashable, ...]:
        """Return what the noise depends on beyond sizes, seed and query."""
        return ()

    @abstractmethod
    def noise(self, first_sample: int, n: int) -> Noise:
        """Draw the noise of n samples."""

    @abstractmethod
    def measure_from(
        self, observables: Sequence[Observable], noise: Noise, first_sample: int
    ) -> list[FloatArray]:
        """Return the observables of the samples made from `noise`, which is left as it is.

        Parameters
        ----------
        observables : sequence of Observable
            What to measure.
        noise : tuple of ndarray
            From `noise`, of this simulator or of another one with the same `noise_key`.
        first_sample : int
            Number of its first sample.
        """

    @property
    def stack_key(self) -> Hashable:
        """Equal for simulators of equal `noise_key` that `measure_stack` takes in one call."""
        return id(self)

    @classmethod
    def measure_stack(
        cls,
        simulators: Sequence[Self],
        observables: Sequence[Observable],
        noise: Noise,
        first_sample: int,
    ) -> list[FloatArray]:
        """Return the observables of the samples that each of several simulators makes from `noise`.

        Parameters
        ----------
        simulators : sequence of NoiseSimulator
            Of this class, with equal `stack_key`.
        observables, noise, first_sample
            See `measure_from`.

        Returns
        -------
        list of ndarray
            One array of shape (simulators, n, size) for each observable, to the same bits as
            `measure_from`.
        """
        each = [one.measure_from(observables, noise, first_sample) for one in simulators]
        return [np.stack(values) for values in zip(*each, strict=True)]

    def measure(
        self, observables: Sequence[Observable], first_sample: int, n: int
    ) -> list[FloatArray]:
        """Return the observables of n samples; see `Simulator.measure`."""
        return self.measure_from(observables, self.noise(first_sample, n), first_sample)


class RowSimulator(NoiseSimulator):
    """A simulator that draws one attention row a sample."""

    @abstractmethod
    def rows_from(self, noise: Noise, first_sample: int) -> Rows:
        """Make rows from noise, which is left as it is."""

    def rows(self, first_sample: int, n: int) -> Rows:
        """Draw the rows of n samples."""
        return self.rows_from(self.noise(first_sample, n), first_sample)

    def measure_from(
        self, observables: Sequence[Observable], noise: Noise, first_sample: int
    ) -> list[FloatArray]:
        """Return the observables of the rows; see `NoiseSimulator.measure_from`."""
        rows = self.rows_from(noise, first_sample)
        return [cast(RowObservable, o).compute(rows).reshape(len(rows), -1) for o in observables]


class StackedRowSimulator(RowSimulator):
    """A row simulator that makes the rows of many QK maps from one noise in one call."""

    @property
    def stack_key(self) -> Hashable:
        """Simulators with equal normalisers can be stacked."""
        return self.name, self.attention.normalizer

    @classmethod
    @abstractmethod
    def rows_of_each(cls, simulators: Sequence[Self], noise: Noise, first_sample: int) -> Rows:
        """Make n rows for each simulator from noise of n samples: row c n + r is of number c."""

    def rows_from(self, noise: Noise, first_sample: int) -> Rows:
        """Make rows from noise, which is left as it is."""
        return self.rows_of_each((self,), noise, first_sample)

    @classmethod
    def measure_stack(
        cls,
        simulators: Sequence[Self],
        observables: Sequence[Observable],
        noise: Noise,
        first_sample: int,
    ) -> list[FloatArray]:
        """Return the observables of all rows; see `NoiseSimulator.measure_stack`."""
        rows = cls.rows_of_each(simulators, noise, first_sample)
        shape = (len(simulators), len(rows) // len(simulators), -1)
        return [cast(RowObservable, o).compute(rows).reshape(shape) for o in observables]


SIMULATORS: Registry[type[Simulator]] = Registry("simulator", "qktheory.simulation.simulators")


def _obstacle(kind: type[Simulator], ensemble: Ensemble, observable: Observable) -> str | None:
    """Say why a simulator cannot draw an observable: the general reasons, then its own."""
    if observable.needs == "network" and ensemble.network is None:
        return "the experiment has no [network]"
    if ensemble.network is not None and observable.needs != "network":
        return "it looks at a single layer, and the experiment is a network"
    if (ensemble.network is not None) != kind.networks:
        return f"it draws {'networks' if kind.networks else 'a single layer'}"
    if observable.needs == "features" and not ensemble.attention.normalize.of_tokens:
        return "attention uses no random features"
    if ensemble.attention.normalize.of_tokens != kind.features:
        return f"it {'only' if kind.features else 'never'} estimates kernels by random features"
    if not (kind.whole_matrix or kind.networks or ensemble.attention.normalize.rowwise):
        return f"normaliser {ensemble.attention.normalizer!r} needs the whole score matrix"
    return kind.obstacle(ensemble, observable)


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
        obstacle = _obstacle(chosen, ensemble, observable)
        if obstacle is not None:
            raise ValueError(
                f"simulator {simulator!r} cannot draw {observable.name!r} here: {obstacle}"
            )
        return chosen
    able = [
        kind
        for kind in map(SIMULATORS.__getitem__, SIMULATORS)
        if _obstacle(kind, ensemble, observable) is None
    ]
    if not able:
        # Of those that draw this kind of experiment.
        kinds = [
            kind
            for kind in map(SIMULATORS.__getitem__, SIMULATORS)
            if kind.networks == (ensemble.network is not None)
        ]
        reasons = {_obstacle(kind, ensemble, observable) for kind in kinds}
        why = f": {reasons.pop()}" if len(reasons) == 1 else ""
        raise ValueError(f"no simulator can draw {observable.name!r} of {ensemble!r}{why}")
    return min(able, key=lambda candidate: candidate.cost(ensemble))


def choose_each(ensemble: Ensemble, observables: Sequence[Observable]) -> list[type[Simulator]]:
    """Return the cheapest simulator for each observable; many of one kind cost no more than one.

    Raises
    ------
    ValueError
        If no simulator can draw one of them.

    Examples
    --------
    >>> from qktheory.observables.observable import find_observables
    >>> ensemble = Ensemble.from_dict({"d": 4, "T": 8, "spectrum": {"law": "point", "xi": 1.0,
    ...                                "eta": 0.25}, "tokens": {"law": "random_walk"}})
    >>> [s.name for s in choose_each(ensemble, find_observables(["entropy", "stable_rank"]))]
    ['bridge_row', 'full_matrix']
    """
    chosen: dict[object, type[Simulator]] = {}
    found = []
    for observable in observables:
        kind = observable.kind(ensemble.T)
        if kind not in chosen:
            chosen[kind] = choose(ensemble, observable)
        found.append(chosen[kind])
    return found
