"""Where a Gaussian row freezes (ENT-8): in (s, T), and for iid tokens in a plane of spectra."""

from __future__ import annotations

import math

import numpy as np

from qktheory.phase.boundary import BOUNDARIES, Boundary, Curve, CurveKind, Plane
from qktheory.phase.spectral_plane import SpectralPlane
from qktheory.theorems.catalogue import evaluate

__all__ = ["freezing_width"]

_POINTS, _LEAST_T = 61, 8.0


def freezing_width(T: float) -> float:
    """Return the width at which the heat capacity of a row of T keys is s^2/2 (ENT-8a).

    Examples
    --------
    >>> round(freezing_width(1024), 8)
    2.88063759
    """
    return float(evaluate("ENT-8a", T=T)["s_half_capacity"])


def _row_obstacle(plane: Plane) -> str | None:
    if plane.axes != {"s", "T"}:
        return "its axes are not s and T"
    return None if plane.range_of("T")[1] > _LEAST_T else "its T end below 8"


def _row_curves(plane: Plane) -> list[Curve]:
    low, high = plane.range_of("T")
    T = np.geomspace(max(low, _LEAST_T), high, _POINTS)
    # The window of freezing is of unit width in s (ENT-7).
    lines: tuple[tuple[str, CurveKind, str, str], ...] = (
        ("ENT-8a", "finite size", r"$s^*(T)$: $C/s^2 = 1/2$", "s_half_capacity"),
        ("ENT-7b", "finite size", r"$\mu_T$: mean of the largest of $T$ normals", "mean_max"),
        ("ENT-0b", "asymptotic", r"$s_c = \sqrt{2 \ln T}$", "s_c"),
    )
    found = []
    for claim, kind, label, value in lines:
        extra = {"s": 1.0} if claim == "ENT-0b" else {}
        s = np.array([float(evaluate(claim, T=at, **extra)[value]) for at in T.tolist()])
        x, y = plane.points(s=s, T=T)
        # The crossover is a band of unit width in s, ENT-8.
        band = (s - 0.5, s + 0.5) if claim == "ENT-8a" else None
        found.append(Curve("freezing", claim, kind, label, x, y, band))
    return found


def _iid_curves(plane: Plane) -> list[Curve]:
    spectral = SpectralPlane.of(plane)
    xi = np.linspace(*spectral.xi_range, _POINTS)
    # Other keys than the query itself.
    n = spectral.T - 1
    star = rf"freezing, $\eta_F = s^{{*2}}$, $T = {n + 1}$"
    lines: tuple[tuple[str, CurveKind, str, float], ...] = (
        ("ENT-8a", "finite size", star, freezing_width(n)),
        ("ENT-0b", "asymptotic", r"$\eta_F = 2 \ln T$", math.sqrt(2.0 * math.log(n))),
    )
    found = []
    for claim, kind, label, s in lines:
        x, y = spectral.place(xi, np.full_like(xi, s * s))
        found.append(Curve("freezing_of_iid", claim, kind, label, x, y))
    return found


def _iid_obstacle(plane: Plane) -> str | None:
    reason = SpectralPlane.obstacle(plane, tokens="iid", normalizer="softmax")
    if reason is None and SpectralPlane.of(plane).T < _LEAST_T + 1:
        return "fewer than 9 tokens"
    return reason


BOUNDARIES.add(
    "freezing",
    Boundary(
        "freezing",
        "freezing of a Gaussian row",
        ("ENT-8a", "ENT-7b", "ENT-0b"),
        _row_obstacle,
        _row_curves,
    ),
)
BOUNDARIES.add(
    "freezing_of_iid",
    Boundary(
        "freezing_of_iid",
        "freezing of a row of iid tokens on random keys",
        ("ENT-8a", "ENT-0b"),
        _iid_obstacle,
        _iid_curves,
    ),
)
