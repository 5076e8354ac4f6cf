"""Below eta = xi^2/d no spectrum exists (LOC-4)."""

from __future__ import annotations

import numpy as np

from qktheory.phase.boundary import BOUNDARIES, Boundary, Curve, Plane
from qktheory.phase.spectral_plane import SpectralPlane
from qktheory.theorems.catalogue import evaluate

_POINTS = 201


def _curves(plane: Plane) -> list[Curve]:
    spectral = SpectralPlane.of(plane)
    xi = np.linspace(*spectral.xi_range, _POINTS)
    # The least eta at a trace is that of d equal eigenvalues.
    unit = evaluate("LOC-14d", eigenvalues=[1.0 / spectral.d] * spectral.d, time=0.0)["eta_min"]
    x, y = spectral.place(xi, unit * xi**2)
    label = r"feasible: $\eta \geq \xi^2/d$"
    return [Curve("feasibility", "LOC-14d", "finite size", label, x, y)]


BOUNDARIES.add(
    "feasibility",
    Boundary(
        "feasibility",
        "equal eigenvalues: the least eta at a trace",
        ("LOC-14d",),
        SpectralPlane.obstacle,
        _curves,
    ),
)
