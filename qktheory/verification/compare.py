"""`compare`: the path from an Ensemble to predictions beside estimates, walked once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from qktheory.observables.observable import Observable, find_observables
from qktheory.simulation.ensemble import Ensemble
from qktheory.simulation.estimate import Estimate
from qktheory.simulation.intervals import DEFAULT_DELTA
from qktheory.simulation.realization import Realization
from qktheory.simulation.simulate import Simulation
from qktheory.simulation.specification import DEFAULT_OBSERVABLES
from qktheory.theorems.catalogue import claims
from qktheory.theorems.claim import Claim, PredictionKind, Predicts, Routine
from qktheory.verification.verdict import plain

if TYPE_CHECKING:
    import xarray

__all__ = ["Comparison", "ObservableComparison", "Prediction", "compare", "predictions"]

FloatArray = NDArray[np.float64]

#: Multiple of its standard error that a randomised quadrature may be off by.
_QUADRATURE_MARGIN = 10.0


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a claim says about the mean of an observable of an Ensemble.

    Parameters
    ----------
    claim : Claim
        Who says it.
    kind : {"exact", "asymptotic", "lower", "upper"}
        Sense of the prediction.
    value : ndarray of shape (k,)
        By component of the observable.
    error : float
        Standard error of the numerical evaluation, 0 where there is none to speak of.
    sharp : bool
        Of an asymptotic one: whether it is exact at this T but for a quantity at its mean.
    """

    claim: Claim
    kind: PredictionKind
    value: FloatArray
    error: float = 0.0
    sharp: bool = False

    @property
    def word(self) -> str:
        """Kind of the prediction for tables and figures."""
        return "sharp" if self.sharp else self.kind

    def agrees(self, estimate: Estimate) -> bool | None:
        """Return whether an interval is compatible, None for an asymptotic prediction."""
        margin = _QUADRATURE_MARGIN * self.error + 1e-9 * np.abs(self.value)
        above = bool((self.value >= estimate.low - margin).all())
        below = bool((self.value <= estimate.high + margin).all())
        if self.kind == "exact":
            return above and below
        if self.kind == "lower":
            return below
        if self.kind == "upper":
            return above
        return None


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
                    "value": estimate.plain(p.value),
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

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON report."""
        from qktheory import __version__

        return {
            "version": __version__,
            "ensemble": plain(self.ensemble.to_dict()),
            "seed": self.seed,
            "samples": self.samples,
            "delta": self.delta,
            "observables": {name: o.to_dict() for name, o in self.observables.items()},
        }

    def to_xarray(self) -> xarray.Dataset:
        """Return estimates and predictions as a labelled Dataset."""
        dataset = self.simulation.to_xarray()
        for name, comparison in self.observables.items():
            vector = comparison.estimate.vector
            for p in comparison.predictions:
                value = p.value if vector else p.value[0]
                label = f"{name}_{p.claim.id}" + ("_sharp" if p.sharp else "")
                dataset[label] = (("key",) if vector else (), value)
        return dataset

    def __repr__(self) -> str:
        answers = {True: "agrees", False: "DISAGREES", None: "no exact prediction"}
        words = ", ".join(f"{n}: {answers[o.agrees]}" for n, o in self.observables.items())
        return f"Comparison({self.ensemble!r}, n={self.samples}; {words})"


def _ends(estimate: Estimate, ends: FloatArray) -> Any:
    """Return interval ends for JSON, which has no infinity."""
    finite = [float(end) if np.isfinite(end) else None for end in ends]
    return finite if estimate.vector else finite[0]


def predictions(realization: Realization, observable: Observable) -> list[Prediction]:
    """Return what the catalogue predicts for an observable of an experiment.

    Parameters
    ----------
    realization : Realization
        The experiment with its QK map.
    observable : Observable
        What is predicted.

    Returns
    -------
    list of Prediction
        Of all claims whose assumptions hold, from the coarsest to the finest: asymptotic, sharp,
        bounds, exact.

    Examples
    --------
    >>> from qktheory.observables.observable import OBSERVABLES
    >>> ensemble = Ensemble.from_dict({"d": 4, "T": 8, "spectrum": {"law": "point", "xi": 1.0,
    ...                                "eta": 0.25}, "tokens": {"law": "iid"}})
    >>> [p.claim.id for p in predictions(Realization(ensemble, 0), OBSERVABLES["entropy"])]
    ['ENT-4', 'ENT-12a', 'LOC-15b']
    """
    found = []
    for claim in claims():
        for says in claim.predicts:
            if says.observable != observable.name:
                continue
            if claim.failing_assumption(realization) is None and says.when(realization):
                found.append(_predict(realization, observable, claim, says))
    order = ("asymptotic", "sharp", "lower", "upper", "exact")
    return sorted(found, key=lambda prediction: order.index(prediction.word))


def _predict(
    realization: Realization, observable: Observable, claim: Claim, says: Predicts
) -> Prediction:
    error = 0.0
    if says.compute is not None:
        value, error = says.compute(realization)
    else:
        assert says.parameters is not None
        parameters = dict(says.parameters(realization))
        value = _values(claim, says.value, parameters, realization.ensemble.T)
    size = observable.size(realization.ensemble.T)
    array = np.broadcast_to(np.asarray(value, dtype=np.float64), (size,))
    return Prediction(claim, says.kind, array, error, says.sharp)


def _values(claim: Claim, value: str, parameters: dict[str, Any], T: int) -> Any:
    """Evaluate at given parameters, for all keys at once or one by one if there is a key."""
    if "key" not in {parameter.name for parameter in claim.parameters}:
        return claim.values_at(parameters)[value]
    definitions = [*claim.where.values(), *claim.values.values()]
    if not any(isinstance(definition, Routine) for definition in definitions):
        keys = np.arange(1, T + 1, dtype=np.float64)
        return claim.values_at({**parameters, "key": keys})[value]
    return np.array(
        [float(claim.values_at({**parameters, "key": key})[value]) for key in range(1, T + 1)]
    )


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
