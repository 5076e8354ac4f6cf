"""Entropy collapse and rank collapse at initialisation, in (s0, skip strength) (ENT-16).

The plane's template gives T, cosine_0, L, epsilon and sigma_V.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from qktheory.phase.boundary import BOUNDARIES, Boundary, Curve, CurveKind, Plane
from qktheory.phase.cosine_table import final_cosine
from qktheory.theorems.catalogue import evaluate

FloatArray = NDArray[np.float64]

_POINTS = 33
_NEEDED = ("T", "cosine_0", "L", "epsilon", "sigma_V")


def _obstacle(plane: Plane) -> str | None:
    if plane.axes != {"s0", "alpha"}:
        return "its axes are not s0 and alpha"
    missing = [name for name in _NEEDED if name not in plane.template]
    return f"its template lacks {', '.join(missing)}" if missing else None


def _entropy(plane: Plane) -> list[Curve]:
    given = plane.template
    values = evaluate("ENT-16b", T=given["T"], cosine_0=given["cosine_0"])
    alpha = np.linspace(*plane.range_of("alpha"), 2)
    lines: tuple[tuple[str, CurveKind, str], ...] = (
        ("s0_collapse", "finite size", f"entropy collapse, $T = {given['T']}$"),
        ("s0_critical", "asymptotic", r"entropy collapse, $T \to \infty$"),
    )
    found = []
    for name, kind, label in lines:
        x, y = plane.points(s0=np.full(2, values[name]), alpha=alpha)
        found.append(Curve("entropy_collapse", "ENT-16b", kind, label, x, y))
    return found


def _rank(plane: Plane) -> list[Curve]:
    given = plane.template
    low, high = plane.range_of("s0")
    s0 = np.linspace(max(low, 1e-3), high, _POINTS)
    ends = np.maximum(plane.range_of("alpha"), 1e-3)

    def excess(width: float, alpha: float) -> float:
        gap = final_cosine(
            given["T"], width, alpha, given["cosine_0"], given["L"], given["sigma_V"], high
        )
        return float(gap) - float(given["epsilon"])

    exact = [_root(partial(excess, width), ends) for width in s0.tolist()]
    limit = evaluate("ENT-16a", alpha=1.0, **{n: given[n] for n in _NEEDED if n != "T"})
    label = rf"rank collapse, (R), $T = {given['T']}$, $L = {given['L']}$"
    return [
        Curve(
            "rank_collapse",
            "ENT-15a",
            "finite size",
            label,
            *plane.points(s0=s0, alpha=np.array(exact)),
        ),
        Curve(
            "rank_collapse",
            "ENT-16a",
            "asymptotic",
            r"rank collapse, diffuse, $T \to \infty$",
            *plane.points(s0=np.array([low, high]), alpha=np.full(2, limit["alpha_min"])),
        ),
    ]


def _root(function: Callable[[float], float], ends: FloatArray) -> float:
    low, high = ends.tolist()
    if function(low) * function(high) > 0.0:
        return float("nan")
    return float(brentq(function, low, high, xtol=1e-6))


BOUNDARIES.add(
    "entropy_collapse",
    Boundary("entropy_collapse", "freezing of the first layer", ("ENT-16b",), _obstacle, _entropy),
)
BOUNDARIES.add(
    "rank_collapse",
    Boundary(
        "rank_collapse",
        "the cosine reaches 1 - epsilon within L layers",
        ("ENT-15a", "ENT-16a"),
        _obstacle,
        _rank,
    ),
)
