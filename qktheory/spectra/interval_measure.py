"""Measures with one interval of support, integrated without loss at its edges.

An interval is walked by a coordinate v from -infinity (lower edge) to infinity (upper edge) in
which powers of the distance to an edge become exponentials: v is half the log-odds of the relative
position, or the logarithm of the tangent of half an angle. The weight of the measure in v is then
analytic in a strip whatever the exponents at the edges are, and however close the next singularity
comes to an edge, so Gauss-Legendre panels of unit width reach rounding error, and tails keep their
relative accuracy because every term is positive.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

__all__ = ["IntervalMeasure", "between_edges", "invert_position"]

Array = NDArray[np.float64]
Map = Callable[[NDArray[Any]], NDArray[Any]]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)
#: Panels [-_REACH, -_REACH + 1], ...: an edge where the density grows like distance^(-2/3) still
#: leaves less than 1e-18 of its mass beyond; what is left there follows the power law.
_REACH = 64
_NEWTON_STEPS = 12
#: A step of Newton's method after which the next one would be below rounding.
_CONVERGED = 1e-9
#: Points treated at once: the nodes of one panel for each of them stay below a few megabytes.
_CHUNK = 1 << 14


def between_edges(
    low: float, high: float, density: Callable[..., Any], width: float | None = None
) -> tuple[Map, Map]:
    """Return position and weight in v = log((x - low)/(high - x))/2 of a density.

    Parameters
    ----------
    low, high : float
        Edges of the interval.
    density : callable
        From the distances x - low and high - x to the density; analytic, so that it also accepts
        complex distances.
    width : float, optional
        high - low, where the subtraction would lose digits.

    Returns
    -------
    tuple of two callables
        x(v), and density times dx/dv.
    """
    width = high - low if width is None else width

    def position(v: NDArray[Any]) -> NDArray[Any]:
        # From the nearer edge: the distance to it keeps its relative accuracy.
        return np.where(np.real(v) < 0.0, low + width * _odds(v), high - width * _odds(-v))

    def weight(v: NDArray[Any]) -> NDArray[Any]:
        left, right = _odds(v), _odds(-v)
        return np.asarray(2.0 * width * left * right * density(width * left, width * right))

    return position, weight


def _odds(v: NDArray[Any]) -> NDArray[Any]:
    """Return e^(2v)/(1 + e^(2v)), real or complex, without overflow."""
    if not np.iscomplexobj(v):
        return np.asarray(expit(2.0 * v))
    small = np.exp(-2.0 * np.where(np.real(v) < 0.0, -v, v))
    return np.where(np.real(v) < 0.0, small / (1.0 + small), 1.0 / (1.0 + small))


def invert_position(
    position: Callable[[Array], Array],
    slope: Callable[[Array], Array],
    x: Array,
    low: float,
    high: float,
) -> Array:
    """Return v with position(v) = x, by Newton's method on log((x - low)/(high - x)).

    Parameters
    ----------
    position, slope : callable
        Increasing map from v to x, and dx/dv.
    x : ndarray
        Points inside (low, high).
    low, high : float
        Limits of the position at v = -+infinity.

    Returns
    -------
    ndarray
        As accurate as the distances of x to the edges are.
    """
    tiny = 1e-300

    def logit(at: Array) -> Array:
        left, right = np.maximum(at - low, tiny), np.maximum(high - at, tiny)
        return np.asarray(np.log(left) - np.log(right))

    grid = np.arange(-float(_REACH), float(_REACH) + 0.25, 0.25)
    values = position(grid)
    usable = (values - low > 1e-15 * high) | (low == 0.0)
    usable &= (high - values > 1e-15 * high) & (values > tiny)
    target = logit(x)
    v = np.interp(target, logit(values[usable]), grid[usable])
    for _ in range(_NEWTON_STEPS):
        at = position(v)
        left, right = np.maximum(at - low, tiny), np.maximum(high - at, tiny)
        gain = slope(v) * (1.0 / left + 1.0 / right)
        step = np.clip((logit(at) - target) / np.maximum(gain, tiny), -1.0, 1.0)
        v = v - step
        if float(np.abs(step).max(initial=0.0)) < _CONVERGED:
            break
    return np.asarray(v)


class IntervalMeasure:
    """A positive measure on an interval, from its position and weight in the coordinate v.

    Parameters
    ----------
    position : callable
        Increasing map from v to x; complex v are asked for by `stieltjes` only.
    weight : callable
        Density of the measure with respect to v.
    mass : float, optional
        Known total mass, to which the quadrature is normalised; its own total by default.

    Examples
    --------
    >>> uniform = IntervalMeasure(*between_edges(0.0, 2.0, lambda below, above: 0.5 + 0.0 * below))
    >>> round(float(uniform.lower(np.array([0.0]))[0]), 14), round(uniform.total, 14)
    (0.5, 1.0)
    """

    def __init__(self, position: Map, weight: Map, mass: float | None = None) -> None:
        self.position = position
        self.weight = weight
        self._grid = np.arange(-float(_REACH), float(_REACH) + 1.0)
        nodes = self._grid[:-1, None] + 0.5 * (1.0 + _NODES)
        self._nodes = nodes.ravel()
        self._masses = (0.5 * _WEIGHTS * weight(self._nodes).reshape(nodes.shape)).ravel()
        panels = self._masses.reshape(nodes.shape).sum(axis=1)
        rest_low, rest_high = self._beyond(-1.0), self._beyond(1.0)
        self._from_low = rest_low + np.concatenate([[0.0], np.cumsum(panels)])
        self._from_high = rest_high + np.concatenate([np.cumsum(panels[::-1])[::-1], [0.0]])
        self.total = float(self._from_low[-1] + rest_high)
        self._scale = 1.0 if mass is None else mass / self.total
        if mass is not None:
            self.total = mass
        self._from_low *= self._scale
        self._from_high *= self._scale

    def _beyond(self, side: float) -> float:
        """Return the mass beyond the last panel: the weight decays exponentially there."""
        near, far = (float(self.weight(np.array([side * (_REACH - k)]))[0]) for k in (1.0, 0.0))
        if not 0.0 < far < near:
            return 0.0
        return far / float(np.log(near / far))

    def lower(self, v: Array) -> Array:
        """Return the mass below v, accurate relative to itself towards the lower edge."""
        return self._tail(v, 0)

    def upper(self, v: Array) -> Array:
        """Return the mass above v, accurate relative to itself towards the upper edge."""
        return self._tail(v, 1)

    def _tail(self, v: Array, side: int) -> Array:
        points = np.clip(np.asarray(v, dtype=np.float64), -float(_REACH), float(_REACH))
        panel = np.minimum((points + _REACH).astype(np.int64), 2 * _REACH - 1)
        start, stop = self._grid[panel], points
        if side:
            start, stop = points, self._grid[panel + 1]
        half = 0.5 * (stop - start)
        nodes = start[..., None] + half[..., None] * (1.0 + _NODES)
        inside = self._scale * half * (self.weight(nodes) @ _WEIGHTS)
        base = self._from_high[panel + 1] if side else self._from_low[panel]
        return np.asarray(base + inside)

    def share(self, v: Array) -> Array:
        """Return the mass below v from the tail that is nearer."""
        points = np.asarray(v, dtype=np.float64)
        below = self.lower(points)
        return np.where(below > 0.5 * self.total, self.total - self.upper(points), below)

    def invert(self, below: Array, above: Array) -> Array:
        """Return v with mass `below` under it and `above` over it.

        Parameters
        ----------
        below, above : ndarray of shape (n,)
            Both tails of the level, summing to the total mass; the smaller one is used.

        Returns
        -------
        ndarray of shape (n,)
        """
        out = np.empty(below.size)
        side = above < below
        for flag, target in ((0, below), (1, above)):
            where = np.flatnonzero(side == bool(flag))
            for k in range(0, where.size, _CHUNK):
                part = where[k : k + _CHUNK]
                out[part] = self._invert(np.log(target[part]), flag)
        return out

    def _invert(self, target: Array, side: int) -> Array:
        """Return v at which the logarithm of one tail is `target`, by Newton's method.

        The logarithm of the tail is nearly linear in v on the side where it is the smaller one.
        """
        tails = self._from_high[::-1] if side else self._from_low
        grid = self._grid[::-1] if side else self._grid
        v = np.interp(target, np.log(np.maximum(tails, 1e-300)), grid)
        sign = -1.0 if side else 1.0
        for _ in range(_NEWTON_STEPS):
            mass = self._tail(v, side)
            slope = np.maximum(self._scale * self.weight(v), 1e-300)
            step = np.clip(sign * mass * (np.log(mass) - target) / slope, -1.0, 1.0)
            v = v - step
            if float(np.abs(step).max(initial=0.0)) < _CONVERGED:
                break
        return np.asarray(v)

    def average(self, function: Callable[[Array], Array]) -> float:
        """Return the integral of a function of x against the measure."""
        return float(self._scale * np.sum(self._masses * function(self.position(self._nodes))))

    def stieltjes(self, z: NDArray[Any], angle: float) -> NDArray[Any]:
        """Return int dmu/(z - x) for Im z >= 0, by a path below the axis.

        Parameters
        ----------
        z : ndarray of complex
            Points of the closed upper half-plane; on the support this is the limit from above.
        angle : float
            Shift of v into the complex plane, below the half-width of the strip in which position
            and weight are analytic. The measure is moved away from z, so that the integrand stays
            smooth however near the axis z is.

        Returns
        -------
        ndarray of complex, of the shape of z
        """
        # The images of z lie on the real axis of v: panels as wide as their distance resolve them.
        panels = int(np.ceil(2.0 * _REACH / min(1.0, 1.25 * angle)))
        width = 2.0 * _REACH / panels
        starts = -float(_REACH) + width * np.arange(panels)
        shifted = (starts[:, None] + 0.5 * width * (1.0 + _NODES)).ravel() - 1j * angle
        masses = self._scale * width * np.tile(0.5 * _WEIGHTS, panels) * self.weight(shifted)
        places = self.position(shifted)
        points = np.asarray(z, dtype=np.complex128)
        flat = points.ravel()
        out = np.empty_like(flat)
        step = max(1, (1 << 18) // places.size)
        for k in range(0, flat.size, step):
            out[k : k + step] = (1.0 / (flat[k : k + step, None] - places)) @ masses
        return out.reshape(points.shape)
