"""How many random features a given error takes, by the singular values of W_QK (ZOO-RF-6)."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from qktheory.numerics.feature_spectrum import (
    factor_errors,
    features_needed,
    product_singular_values,
)
from qktheory.simulation.realization import Realization
from qktheory.theorems.choromanski2021.predictions import whitened_factors

__all__ = ["FeatureDemand", "feature_demand"]

#: Beyond this the nuclear norm law is no number of features.
_LARGEST_EXPONENT = 700.0


@dataclass(frozen=True)
class FeatureDemand:
    """Independent positive features for a mean squared relative error of the kernels.

    Parameters
    ----------
    error : float
        The aim.
    needed : int or None
        Features by the factors in use, for independent Gaussian tokens (ZOO-RF-6b); None if no
        number is enough, because the mean is infinite.
    nuclear_law : float or None
        Features by the law e^(2 ||W||_*) - 1 of small singular values; None beyond double
        precision.
    nuclear_norm, largest : float
        Nuclear norm and largest singular value of W_QK/temperature on the tokens.
    """

    error: float
    needed: int | None
    nuclear_law: float | None
    nuclear_norm: float
    largest: float

    @property
    def text(self) -> str:
        """The demand in words."""
        if self.needed is None:
            found = "no number of positive features is enough: the mean is infinite"
        else:
            found = f"{self.needed} independent positive features"
        law = "" if self.nuclear_law is None else f", {self.nuclear_law:.5g} by e^(2 ||W||_*) - 1"
        return (
            f"For a mean squared relative error of the kernels of {self.error:g}, {found}{law} "
            f"(||W||_* = {self.nuclear_norm:.5g}, sigma_1 = {self.largest:.5g}; independent "
            "Gaussian tokens, ZOO-RF-6)."
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the entry of the JSON report."""
        return asdict(self)


def feature_demand(realization: Realization, error: float = 0.1) -> FeatureDemand | None:
    """Return how many features the QK map of an experiment asks for.

    Parameters
    ----------
    realization : Realization
        The experiment.
    error : float, optional
        Mean squared relative error of the kernels, > 0.

    Returns
    -------
    FeatureDemand or None
        None if attention uses no random features.

    Examples
    --------
    >>> from qktheory.simulation.ensemble import Ensemble
    >>> ensemble = Ensemble.from_dict({"d": 2, "T": 4, "matrix": {"W": [[0.1, 0.0], [0.0, 0.05]]},
    ...     "tokens": {"law": "iid"}, "attention": {"normalizer": "random_features"}})
    >>> demand = feature_demand(Realization(ensemble, 0))
    >>> demand.needed, round(demand.nuclear_law, 2)
    (5, 3.5)
    """
    if realization.ensemble.attention.features is None:
        return None
    factors = whitened_factors(realization)
    singular = product_singular_values(*factors)
    nuclear = float(np.sum(singular))
    return FeatureDemand(
        error,
        features_needed(factor_errors(*factors).relative, error),
        math.expm1(2.0 * nuclear) / error if 2.0 * nuclear < _LARGEST_EXPONENT else None,
        nuclear,
        float(singular[0]),
    )
