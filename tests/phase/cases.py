"""A small sweep with everything in it, and what makes two results the same."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import xarray

SPEC: dict[str, Any] = {
    "d": 6,
    "T": 12,
    "observables": ["entropy", "participation", "profile"],
    "spectrum": {"law": "semicircle"},
    "tokens": {"law": "random_walk", "covariance": 0.5},
    "attention": {"temperature": 2.0},
    "sweep": {
        "attention.normalizer": ["softmax", "clipped_linear"],
        "spectrum.xi": [0.0, 1.5, 3.0],
        "spectrum.eta": {"start": 0.5, "stop": 8.0, "num": 4, "scale": "log"},
        "samples": 700,
        "seed": 5,
    },
}
#: Of 24 cells, those with eta < xi^2 / d.
INFEASIBLE = 2 * 2


def spec(**changes: Any) -> dict[str, Any]:
    """The sweep with some entries of its table [sweep] changed; None removes one."""
    table = copy.deepcopy(SPEC)
    for name, value in changes.items():
        table["sweep"].pop(name, None)
        if value is not None:
            table["sweep"][name] = value
    return table


def same(one: xarray.Dataset, other: xarray.Dataset) -> bool:
    """Whether two results agree in every bit of every variable, coordinate and attribute."""
    if list(one.variables) != list(other.variables) or one.attrs != other.attrs:
        return False
    return all(
        one[name].dims == other[name].dims
        and one[name].dtype == other[name].dtype
        and np.asarray(one[name].values).tobytes() == np.asarray(other[name].values).tobytes()
        if one[name].dtype.kind != "O"
        else one[name].values.tolist() == other[name].values.tolist()
        for name in one.variables
    )
