"""`simulate`: draw observables of an Ensemble."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from qktheory.base.blas import serial_blas
from qktheory.observables.observable import Observable, find_observables
from qktheory.simulation.engine import THREADS, Run, worker_threads
from qktheory.simulation.ensemble import Ensemble
from qktheory.simulation.estimate import Estimate
from qktheory.simulation.intervals import DEFAULT_DELTA, DELTA
from qktheory.simulation.realization import Realization
from qktheory.simulation.simulator import Simulator, choose

if TYPE_CHECKING:
    import xarray

__all__ = ["Simulation", "index_coordinates", "simulate"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Simulation:
    """Estimates of observables of one Ensemble, refined in place by `extend`.

    Parameters
    ----------
    realization : Realization
        The Ensemble with its seed and its QK map.
    runs : tuple of Run
        One run for each simulator in use.
    delta : float
        Error probability of all intervals together.
    threads : int or None
        Threads of the engine.

    Examples
    --------
    >>> ensemble = Ensemble.from_dict({"d": 4, "T": 8, "spectrum": {"law": "point", "xi": 1.0,
    ...                                "eta": 0.25}, "tokens": {"law": "iid"}})
    >>> simulation = simulate(ensemble, ["entropy"], samples=500, seed=0)
    >>> simulation.extend(1000)["entropy"].n
    1000
    """

    realization: Realization
    runs: tuple[Run, ...]
    delta: float
    threads: int | None = None

    @classmethod
    def prepare(
        cls,
        ensemble: Ensemble | Mapping[str, Any],
        observables: Iterable[str | Observable],
        *,
        seed: int | np.random.Generator | None = 0,
        delta: float = DEFAULT_DELTA,
        threads: int | None = None,
        batch: int | None = None,
        simulator: str | None = None,
    ) -> Simulation:
        """Set a simulation up without drawing anything yet; parameters as in `simulate`."""
        if not isinstance(ensemble, Ensemble):
            ensemble = Ensemble.from_dict(ensemble)
        delta = DELTA.check("delta", delta)
        if threads is not None:
            THREADS.check("threads", threads)
        realization = Realization(ensemble, seed)
        groups: dict[type[Simulator], list[Observable]] = {}
        for observable in find_observables(observables):
            groups.setdefault(choose(ensemble, observable, simulator), []).append(observable)
        runs = tuple(Run(kind(realization), members, batch) for kind, members in groups.items())
        return cls(realization, runs, delta, threads)

    @property
    def ensemble(self) -> Ensemble:
        """The Ensemble."""
        return self.realization.ensemble

    @property
    def estimates(self) -> dict[str, Estimate]:
        """Estimates by name of the observable; the error probability is shared equally.

        After an interrupt some observables may have no samples yet; they are left out.
        """
        share = self.delta / sum(len(run.observables) for run in self.runs)
        begun = [run for run in self.runs if run.n > 0]
        return {k: v for run in begun for k, v in run.estimates(share).items()}

    def __getitem__(self, name: str) -> Estimate:
        return self.estimates[name]

    @property
    def samples(self) -> int:
        """Number of samples of the observable that has fewest."""
        return min(run.n for run in self.runs)

    def extend(self, samples: int, progress: Callable[[int], None] | None = None) -> Simulation:
        """Bring all observables to `samples` samples and return self.

        The result has the same bits as a simulation of `samples` samples from the start. An
        interrupt leaves what is done so far in place.
        """
        with worker_threads(self.threads) as workers:
            for run in self.runs:
                run.extend(samples, workers, progress)
        return self

    @serial_blas
    def draws(self, first_sample: int = 0, n: int = 1) -> dict[str, FloatArray]:
        """Return raw draws: arrays of shape (n,), or (n, T) for vector observables."""
        values: dict[str, FloatArray] = {}
        for run in self.runs:
            drawn = run.simulator.measure(run.observables, first_sample, n)
            for observable, array in zip(run.observables, drawn, strict=True):
                values[observable.name] = array if observable.vector else array[:, 0]
        return values

    def to_xarray(self) -> xarray.Dataset:
        """Return mean, std_error, ci_low, ci_high and n as a labelled Dataset.

        The attribute ``guarantee`` of each says what holds of the interval, or which moment is
        infinite, so that none is given.
        """
        import xarray

        from qktheory import __version__

        variables: dict[str, Any] = {}
        indices = {o.name: o.index for run in self.runs for o in run.observables}
        for name, estimate in self.estimates.items():
            dims = (indices[name],) if estimate.vector else ()
            for label, array in (
                ("mean", estimate.mean),
                ("std_error", estimate.std_error),
                ("ci_low", estimate.low),
                ("ci_high", estimate.high),
            ):
                shown = array if estimate.vector else array[0]
                variables[f"{name}_{label}"] = (dims, shown, {"guarantee": estimate.guarantee})
            variables[f"{name}_n"] = ((), estimate.n)
        return xarray.Dataset(
            variables,
            coords=index_coordinates(set(indices.values()), self.ensemble),
            attrs={
                "ensemble": json.dumps(self.ensemble.to_dict()),
                "key": str(self.realization.key),
                "delta": self.delta,
                "qktheory_version": __version__,
            },
        )

    def __repr__(self) -> str:
        names = ", ".join(o.name for run in self.runs for o in run.observables)
        return f"Simulation({self.ensemble!r}, n={self.samples}: {names})"


def index_coordinates(indices: Iterable[str], ensemble: Ensemble) -> dict[str, Any]:
    """Return the values of the indices of vector observables.

    Parameters
    ----------
    indices : iterable of str
        Some of ``"key"`` (1..T), ``"state"`` (tokens after 0..L layers), ``"layer"`` (1..L),
        ``"length"`` (paths that use 0..L layers).
    ensemble : Ensemble
        Supplies T and L.
    """
    T, L = ensemble.T, ensemble.depth
    ends = {"key": (1, T), "state": (0, L), "layer": (1, L), "length": (0, L)}
    wanted = {"key", *indices} if ensemble.network is None else set(indices)
    return {name: np.arange(a, b + 1) for name, (a, b) in ends.items() if name in wanted}


def simulate(
    ensemble: Ensemble | Mapping[str, Any],
    observables: Iterable[str | Observable],
    *,
    samples: int = 10_000,
    seed: int | np.random.Generator | None = 0,
    delta: float = DEFAULT_DELTA,
    threads: int | None = None,
    batch: int | None = None,
    simulator: str | None = None,
    progress: Callable[[int], None] | None = None,
) -> Simulation:
    """Draw observables of an Ensemble.

    Parameters
    ----------
    ensemble : Ensemble or mapping
        The experiment, or the tables of a spec file.
    observables : iterable of str or Observable
        What to measure.
    samples : int, optional
        Number of samples, >= 1.
    seed : int, numpy.random.Generator or None, optional
        Seed, >= 0 (0 is a seed); None takes fresh entropy.
    delta : float, optional
        Probability that any interval misses its mean, at any number of samples.
    threads : int, optional
        Threads, all available processors by default. Results do not depend on it.
    batch : int, optional
        Samples of a task. Results do not depend on it.
    simulator : str, optional
        Name of the simulator to use; the cheapest one by default.
    progress : callable, optional
        Called with the number of samples done so far.

    Returns
    -------
    Simulation

    Raises
    ------
    ValueError
        For unknown names, values outside their domain, or sizes beyond memory.

    Examples
    --------
    >>> spec = {"d": 8, "T": 16, "spectrum": {"law": "semicircle", "xi": 1.0, "eta": 0.5},
    ...         "tokens": {"law": "random_walk"}}
    >>> simulation = simulate(spec, ["entropy", "rho"], samples=1000, seed=0)
    >>> simulation["rho"].mean.shape, 0.0 < float(simulation["entropy"]) < 2.8
    ((16,), True)
    """
    return Simulation.prepare(
        ensemble,
        observables,
        seed=seed,
        delta=delta,
        threads=threads,
        batch=batch,
        simulator=simulator,
    ).extend(samples, progress)
