"""The preset ``trainability``: the cosine after L layers over (s0, skip), exact (ENT-15a)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from qktheory.numerics.gaussian_row import mean_entropy
from qktheory.phase.cosine_table import final_cosine
from qktheory.phase.preset import PRESETS, Preset
from qktheory.phase.sweep import Sweep

if TYPE_CHECKING:
    import xarray

__all__ = ["DEPTH", "EPSILON", "exact_cosines"]

#: Layers, and the distance of the cosine to 1 at which rank has collapsed.
DEPTH, EPSILON = 12, 0.05
_LEAST_SKIP, _LARGEST_SKIP = 0.05, 4.0
_FINER = 3


def exact_cosines(sweep: Sweep) -> xarray.Dataset:
    """Return the cosine after `DEPTH` layers and the entropy of the first one.

    Parameters
    ----------
    sweep : Sweep
        Its axis ``matrix.scale`` is s0; T and the cosine are those of its template.

    Returns
    -------
    xarray.Dataset
        Dimensions ``alpha`` and ``s0``.
    """
    import xarray

    T, cosine = int(sweep.template["T"]), float(sweep.template["tokens"]["cosine"])
    (axis,) = sweep.axes
    widths = np.array(axis.values, dtype=np.float64)
    s0 = np.linspace(widths.min(), widths.max(), _FINER * (widths.size - 1) + 1)
    alpha = np.linspace(_LEAST_SKIP, _LARGEST_SKIP, s0.size)
    gap = final_cosine(T, s0[None, :], alpha[:, None], cosine, DEPTH)
    title = f"cosine after {DEPTH} layers"
    return xarray.Dataset(
        {
            "one_minus_cosine": (
                ("alpha", "s0"),
                gap,
                {"long_name": f"1 - {title}", "claim": "ENT-15a"},
            ),
            "entropy": (
                ("s0",),
                mean_entropy(T, s0 * np.sqrt(1.0 - cosine)),
                {"long_name": "mean entropy of the first layer (nats)", "claim": "ENT-13a"},
            ),
        },
        coords={"alpha": alpha, "s0": s0},
        attrs={"T": T, "cosine_0": cosine, "L": DEPTH, "epsilon": EPSILON, "sigma_V": 1.0},
    )


PRESETS.add("trainability", Preset("trainability", exact=exact_cosines))
