"""The preset ``freezing``: exact means of Gaussian rows up to T = 10^12 (ENT-1, ENT-3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from qktheory.numerics.gaussian_row import heat_capacity, mean_entropy, mean_participation
from qktheory.phase.preset import PRESETS, Preset
from qktheory.phase.sweep import Sweep

if TYPE_CHECKING:
    import xarray

__all__ = ["exact_rows"]

LARGEST_T = 1e12
#: Steps of the exact grid for one of the sweep, in s and in log T, where the sweep is coarse, and
#: the most there are in all: an exact point takes a millisecond.
_FINER, _COUNTS, _STEPS = 6, 12, 96


def exact_rows(sweep: Sweep) -> xarray.Dataset:
    """Return E H, E Y_2 and the heat capacity on a grid of (T, s).

    Parameters
    ----------
    sweep : Sweep
        Its axes ``matrix.scale`` and ``T`` give the range of s, the least T and the resolution.

    Returns
    -------
    xarray.Dataset
        Dimensions ``T`` (up to 1e12) and ``s``.
    """
    import xarray

    axes = {axis.name: np.array(axis.values, dtype=np.float64) for axis in sweep.axes}
    widths, counts = axes["matrix.scale"], axes["T"]
    s = np.linspace(widths.min(), widths.max(), _steps(widths.size, _FINER) + 1)
    T = np.geomspace(counts.min(), LARGEST_T, _steps(counts.size, _COUNTS) + 1)
    grid = (T[:, None], s[None, :])
    values = {
        "entropy": (mean_entropy(*grid), "mean entropy $E H$ (nats)", "ENT-1"),
        "participation": (mean_participation(*grid), "mean participation $E Y_2$", "ENT-1"),
        "heat_capacity": (heat_capacity(*grid), "heat capacity $C = E Var_A(l)$", "ENT-3b"),
    }
    return xarray.Dataset(
        {
            name: (("T", "s"), array, {"long_name": title, "claim": claim})
            for name, (array, title, claim) in values.items()
        },
        coords={"T": T, "s": s},
    )


def _steps(points: int, finer: int) -> int:
    """Return the steps of the exact grid beside an axis of so many points."""
    steps = max(points - 1, 1)
    return steps * max(1, min(finer, _STEPS // steps))


PRESETS.add("freezing", Preset("freezing", exact=exact_rows))
