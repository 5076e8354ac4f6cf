"""Where a row of iid tokens gives half of its weight to its own key (LOC-15, ENT-12).

Finite size: the mean self-weight at the plane's own T is 1/2, given a query of typical length,
whose self-logit is xi and whose other logits have variance eta_F. Asymptotic: xi = ln T + eta_F/2
in the diffuse phase, xi = sqrt(2 eta_F ln T) in the frozen one.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from qktheory.phase.boundary import BOUNDARIES, Boundary, Curve, Plane
from qktheory.phase.spectral_plane import SpectralPlane
from qktheory.theorems.catalogue import evaluate

__all__ = ["half_weight_trace", "large_t_trace"]

_POINTS = 49


def half_weight_trace(eta_F: float, T: int) -> float:
    """Return the self-logit that takes half the weight of a row, the others of variance eta_F.

    Examples
    --------
    >>> round(half_weight_trace(0.25, 64), 3), round(large_t_trace(0.25, 64), 3)
    (4.266, 4.268)
    """
    s = math.sqrt(eta_F)
    start = large_t_trace(eta_F, T)

    def excess(m: float) -> float:
        return float(evaluate("LOC-15b", self_logit=m, s=s, T=T)["mean_self_weight"]) - 0.5

    low, high = start - 1.0 - s, start + 1.0 + s
    return float(brentq(excess, low, high, xtol=1e-4))


def large_t_trace(eta_F: float, T: int) -> float:
    """Return the large-T form of `half_weight_trace` (LOC-15c)."""
    s = math.sqrt(eta_F)
    values = evaluate("LOC-15c", self_logit=0.0, s=s, T=T)
    if s > values["frozen_s"]:
        return float(values["frozen_threshold_self_logit"])
    return math.log(T - 1.0) + 0.5 * eta_F


def _curves(plane: Plane) -> list[Curve]:
    spectral = SpectralPlane.of(plane)
    low, high = spectral.eta_range
    eta = np.geomspace(max(low, 1e-4), high, _POINTS)
    T = spectral.T

    def placed(xi: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return spectral.place(xi, eta)

    exact = np.array([half_weight_trace(value, T) for value in eta.tolist()])
    limit = np.array([large_t_trace(value, T) for value in eta.tolist()])
    return [
        Curve(
            "self_localization",
            "LOC-15b",
            "finite size",
            rf"self-weight $1/2$, $T = {T}$",
            *placed(exact),
        ),
        Curve(
            "self_localization",
            "LOC-15c",
            "asymptotic",
            r"self-weight $1/2$, $T \to \infty$",
            *placed(limit),
        ),
    ]


def _obstacle(plane: Plane) -> str | None:
    reason = SpectralPlane.obstacle(plane, tokens="iid", normalizer="softmax")
    if reason is None and SpectralPlane.of(plane).T < 3:
        return "fewer than 3 tokens"
    return reason


BOUNDARIES.add(
    "self_localization",
    Boundary(
        "self_localization",
        "half of the weight on the query's own key",
        ("LOC-15b", "LOC-15c"),
        _obstacle,
        _curves,
    ),
)
