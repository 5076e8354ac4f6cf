"""What a boundary is: lines that a claim draws into a plane of two axes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qktheory.base.domains import Real
from qktheory.base.errors import bad_value
from qktheory.base.registry import Registry

__all__ = ["BOUNDARIES", "Boundary", "Curve", "CurveKind", "Plane", "curves_in"]

FloatArray = NDArray[np.float64]
CurveKind = Literal["finite size", "asymptotic"]

_END = Real()


@dataclass(frozen=True)
class Plane:
    """Two axes, and the experiment that they belong to.

    Parameters
    ----------
    x, y : str
        Names of the axes: dotted names of a spec (``"spectrum.xi"``), or names of the parameters of
        a claim (``"s0"``).
    x_range, y_range : (float, float)
        Ends of the axes.
    template : mapping
        Everything else: tables of a spec, or parameters of a claim.

    Raises
    ------
    ValueError
        For an axis whose ends are not increasing numbers.

    Examples
    --------
    >>> Plane("s", "T", (0.1, 8.0), (16, 1e12), {}).inside([1.0, 9.0], [100.0, 100.0])
    array([ True, False])
    """

    x: str
    y: str
    x_range: tuple[float, float]
    y_range: tuple[float, float]
    template: Mapping[str, Any]

    def __post_init__(self) -> None:
        for field, name in (("x_range", self.x), ("y_range", self.y)):
            low, high = (_END.check(name, end) for end in getattr(self, field))
            if not low < high:
                raise bad_value(name, (low, high), "a lower and a larger upper end")
            object.__setattr__(self, field, (low, high))

    def text(self) -> str:
        """Return the plane as JSON, equal for equal planes."""
        return json.dumps(asdict(self), sort_keys=True)

    @property
    def axes(self) -> frozenset[str]:
        """The two names, in no order."""
        return frozenset((self.x, self.y))

    def range_of(self, name: str) -> tuple[float, float]:
        """Return the ends of an axis by its name."""
        return self.x_range if name == self.x else self.y_range

    def points(self, **named: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Return coordinates in the order of the axes; dots of names are underscores here."""
        by_name = {name: np.asarray(values, dtype=np.float64) for name, values in named.items()}
        x, y = (by_name[name.replace(".", "_")] for name in (self.x, self.y))
        return x, y

    def inside(self, x: ArrayLike, y: ArrayLike) -> NDArray[np.bool_]:
        """Return which points are between the ends of both axes."""
        at_x, at_y = np.asarray(x), np.asarray(y)
        return np.asarray(
            (at_x >= self.x_range[0])
            & (at_x <= self.x_range[1])
            & (at_y >= self.y_range[0])
            & (at_y <= self.y_range[1])
        )


@dataclass(frozen=True, eq=False)
class Curve:
    """A line in a plane.

    Parameters
    ----------
    boundary : str
        Name of the boundary.
    claim : str
        Id of the claim that its values come from.
    kind : {"finite size", "asymptotic"}
        Whether it is that of the plane's own T and d, or the limit of large ones.
    label : str
        For a legend.
    x, y : ndarray of shape (n,)
        Its points in order; NaN where the line is interrupted.
    band : tuple of ndarray or None
        Lower and upper ends in y, shape (n,) each, where the line stands for a crossover.
    """

    boundary: str
    claim: str
    kind: CurveKind
    label: str
    x: FloatArray
    y: FloatArray
    band: tuple[FloatArray, FloatArray] | None = None

    def __repr__(self) -> str:
        return f"Curve({self.boundary}, {self.claim}, {self.kind}: {self.x.size} points)"


@dataclass(frozen=True)
class Boundary:
    """A boundary of phases.

    Parameters
    ----------
    name : str
        Its name in the catalogue.
    title : str
        What changes there.
    claims : tuple of str
        Where its values come from.
    obstacle : callable
        From a `Plane` to the reason why the boundary does not exist there, None if it does.
    curves : callable
        From a `Plane` without obstacle to its curves.
    """

    name: str
    title: str
    claims: tuple[str, ...]
    obstacle: Callable[[Plane], str | None]
    curves: Callable[[Plane], Sequence[Curve]]


BOUNDARIES: Registry[Boundary] = Registry("boundary", "qktheory.phase.boundaries")


def curves_in(plane: Plane, names: Sequence[str] | None = None) -> list[Curve]:
    """Return the lines of all boundaries that exist in a plane and cross it.

    Parameters
    ----------
    plane : Plane
        Where.
    names : sequence of str, optional
        Boundaries that are wanted, all by default.

    Returns
    -------
    list of Curve
        With at least one point in the plane each; a point outside becomes NaN unless a neighbour
        is inside, so that lines reach the frame.

    Raises
    ------
    ValueError
        For an unknown name, or a wanted boundary that does not exist in the plane.

    Examples
    --------
    >>> plane = Plane("s", "T", (0.1, 8.0), (16.0, 1e12), {})
    >>> [(curve.claim, curve.kind) for curve in curves_in(plane)]
    [('ENT-8a', 'finite size'), ('ENT-7b', 'finite size'), ('ENT-0b', 'asymptotic')]
    """
    found: list[Curve] = []
    for name in BOUNDARIES if names is None else names:
        boundary = BOUNDARIES[name]
        reason = boundary.obstacle(plane)
        if reason is None:
            found += _curves(name, plane.text())
        elif names is not None:
            raise bad_value("boundary", name, f"another one in this plane: {reason}")
    clipped = [_clipped(curve, plane) for curve in found]
    return [curve for curve in clipped if curve is not None]


@lru_cache(maxsize=64)
def _curves(name: str, plane: str) -> tuple[Curve, ...]:
    """Return the curves of a boundary; some take seconds, and panels share them."""
    given = json.loads(plane)
    return tuple(BOUNDARIES[name].curves(Plane(**given)))


def _clipped(curve: Curve, plane: Plane) -> Curve | None:
    inside = plane.inside(curve.x, curve.y)
    if not inside.any():
        return None
    wanted = inside.copy()
    wanted[1:] |= inside[:-1]
    wanted[:-1] |= inside[1:]
    x, y = (np.where(wanted, values, np.nan) for values in (curve.x, curve.y))
    return Curve(curve.boundary, curve.claim, curve.kind, curve.label, x, y, curve.band)
