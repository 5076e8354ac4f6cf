"""What the catalogue predicts about an observable of an experiment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qktheory.observables.observable import Observable
from qktheory.simulation.estimate import Estimate
from qktheory.simulation.realization import Realization
from qktheory.theorems.catalogue import claims
from qktheory.theorems.claim import Claim, PredictionKind, Predicts, Routine

__all__ = ["Prediction", "predictions"]

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
        """Return whether an interval is compatible, None if there is none, or nothing to judge.

        Nothing is to judge about an asymptotic prediction.
        """
        if not estimate.has_interval:
            return None
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
    >>> from qktheory.simulation.ensemble import Ensemble
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
    size = observable.size(realization.ensemble.T, realization.ensemble.depth)
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
