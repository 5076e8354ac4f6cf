"""`compare`: the path from an Ensemble to predictions beside estimates, walked once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from qktheory.base.cached import cached_property
from qktheory.observables.observable import Observable, find_observables
from qktheory.simulation.ensemble import Ensemble
from qktheory.simulation.estimate import Estimate
from qktheory.simulation.intervals import DEFAULT_DELTA
from qktheory.simulation.simulate import Simulation
from qktheory.simulation.specification import DEFAULT_OBSERVABLES
from qktheory.theorems.choromanski2021.demand import FeatureDemand, feature_demand
from qktheory.theorems.predictions import Prediction, predictions
from qktheory.verification.verdict import plain

if TYPE_CHECKING:
    import xarray

__all__ = ["Comparison", "ObservableComparison", "Prediction", "compare", "predictions"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ObservableComparison:
    """Predictions of one observable beside its estimate.

    Parameters
    ----------
    observable : Observable
        What was measured.
    estimate : Estimate
        Monte Carlo, with interval.
    predictions : sequence of Prediction
        From the coarsest to the finest: asymptotic, sharp, bounds, exact.
    """

    observable: Observable
    estimate: Estimate
    predictions: Sequence[Prediction]

    @property
    def agrees(self) -> bool | None:
        """Whether all exact predictions and bounds are compatible; None if there is none."""
        found = [p.agrees(self.estimate) for p in self.predictions]
        decided = [answer for answer in found if answer is not None]
        return all(decided) if decided else None

    def to_dict(self) -> dict[str, Any]:
        """Return the entry of the JSON report."""
        estimate = self.estimate
        return {
            "estimate": estimate.plain(estimate.mean),
            "ci": [_ends(estimate, estimate.low), _ends(estimate, estimate.high)],
            "n": estimate.n,
            "guarantee": estimate.guarantee,
            "simulator": estimate.simulator,
            "predictions": [
                {
                    "claim": p.claim.id,
                    "prediction_kind": p.kind,
                    "sharp": p.sharp,
                    "value": _ends(estimate, p.value),
                    "error": p.error,
                }
                for p in self.predictions
            ],
            "agrees": self.agrees,
        }


@dataclass(frozen=True, eq=False)
class Comparison:
    """Predictions beside estimates for one Ensemble.

    Parameters
    ----------
    ensemble : Ensemble
        The experiment.
    observables : mapping of str to ObservableComparison
        By name.
    simulation : Simulation
        Where the estimates come from; can be extended.
    seed : int
        Seed, or the key that a generator supplied.
    samples : int
        Number of samples.
    delta : float
        Error probability of all intervals together.
    interrupted : bool
        Whether there are fewer samples, or predictions, than asked for.
    """

    ensemble: Ensemble
    observables: Mapping[str, ObservableComparison]
    simulation: Simulation
    seed: int
    samples: int
    delta: float
    interrupted: bool = False

    def __getitem__(self, name: str) -> ObservableComparison:
        return self.observables[name]

    @property
    def agrees(self) -> bool | None:
        """Whether all decided observables agree; None if none is decided."""
        decided = [o.agrees for o in self.observables.values() if o.agrees is not None]
        return all(decided) if decided else None

    @cached_property
    def feature_demand(self) -> FeatureDemand | None:
        """Number of random features that the spectrum of W asks for; None without features."""
        return feature_demand(self.simulation.realization)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON report."""
        from qktheory import __version__

        demand = {} if self.feature_demand is None else {"features": self.feature_demand.to_dict()}
        return {
            "version": __version__,
            "ensemble": plain(self.ensemble.to_dict()),
            "seed": self.seed,
            "samples": self.samples,
            "delta": self.delta,
            "observables": {name: o.to_dict() for name, o in self.observables.items()},
            **demand,
        }

    def to_xarray(self) -> xarray.Dataset:
        """Return estimates and predictions as a labelled Dataset."""
        dataset = self.simulation.to_xarray()
        for name, comparison in self.observables.items():
            vector = comparison.estimate.vector
            for p in comparison.predictions:
                value = p.value if vector else p.value[0]
                label = f"{name}_{p.claim.id}" + ("_sharp" if p.sharp else "")
                dataset[label] = ((comparison.observable.index,) if vector else (), value)
        return dataset

    def __repr__(self) -> str:
        answers = {True: "agrees", False: "DISAGREES", None: "no exact prediction"}
        words = ", ".join(f"{n}: {answers[o.agrees]}" for n, o in self.observables.items())
        return f"Comparison({self.ensemble!r}, n={self.samples}; {words})"


def _ends(estimate: Estimate, ends: FloatArray) -> Any:
    """Return numbers for JSON, which has no infinity: None stands for it."""
    finite = [float(end) if np.isfinite(end) else None for end in ends]
    return finite if estimate.vector else finite[0]


def compare(
    ensemble: Ensemble | Mapping[str, Any],
    observables: Iterable[str | Observable] = DEFAULT_OBSERVABLES,
    *,
    samples: int = 10_000,
    seed: int | np.random.Generator = 0,
    delta: float = DEFAULT_DELTA,
    threads: int | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> Comparison:
    """Set predictions of the catalogue beside Monte Carlo estimates.

    Parameters
    ----------
    ensemble : Ensemble or mapping
        The experiment, or the tables of a spec file.
    observables : iterable of str or Observable, optional
        What to measure.
    samples : int, optional
        Number of samples, >= 1.
    seed : int or numpy.random.Generator, optional
        Seed, >= 0.
    delta : float, optional
        Probability that any interval misses its mean.
    threads : int, optional
        Threads; results do not depend on it.
    progress : callable, optional
        Called with a line about what is being done, samples done, samples in all.

    Returns
    -------
    Comparison
        An interrupt returns what was sampled and predicted so far; a second one is passed on.

    Raises
    ------
    ValueError
        For unknown names, values outside their domain, or sizes beyond memory.

    Examples
    --------
    >>> spec = {"d": 8, "T": 16, "spectrum": {"law": "semicircle", "xi": 1.0, "eta": 0.5}}
    >>> compare(spec, ["entropy"], samples=2000).agrees
    True
    """
    found = find_observables(observables)
    simulation = Simulation.prepare(ensemble, found, seed=seed, delta=delta, threads=threads)
    report = progress or (lambda line, done, total: None)
    interrupted = False
    try:
        simulation.extend(samples, lambda done: report("sampling", done, samples))
    except KeyboardInterrupt:
        # What the merged blocks hold is worth reporting; before the first one there is nothing.
        if not simulation.estimates:
            raise
        interrupted = True
    estimates = simulation.estimates
    compared = {}
    predicting = True
    for observable in (o for o in found if o.name in estimates):
        predicted: list[Prediction] = []
        try:
            if predicting:
                report(f"predictions of {observable.name}", samples, samples)
                predicted = predictions(simulation.realization, observable)
        except KeyboardInterrupt:
            # The estimates are worth reporting without predictions; a second interrupt means it.
            if interrupted:
                raise
            interrupted, predicting = True, False
        compared[observable.name] = ObservableComparison(
            observable, estimates[observable.name], predicted
        )
    recorded = seed if isinstance(seed, int | np.integer) else simulation.realization.key
    return Comparison(
        simulation.ensemble,
        compared,
        simulation,
        int(recorded),
        min(estimate.n for estimate in estimates.values()),
        simulation.delta,
        interrupted,
    )
