"""Gauss rules for integrals of the aliveness profile over the sequence (LOC-7).

Panels end at the positions where z_1 = (1 - xi x)/sqrt(eta v) and z_2 = -xi x/sqrt(eta v) take
given values (roots of a quadratic) and at multiples of 1/4. rho = Phi(z_1) - Phi(z_2) is smooth on
the scale of every panel, for windows of any width and layers of any thickness.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from qktheory.numerics.normal import interval_probability
from qktheory.numerics.offset_interval import offset_interval_probability

__all__ = ["ProfileGrid", "deviation", "gauss_panels", "level_positions", "profile_grid"]

Array = NDArray[np.float64]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(20)
# Values of z that bound the panels: steps of 1.5 where Phi moves, then steps of 20 in z^2/2 for
# tails that matter relative to each other only.
_LEVELS = np.concatenate([np.arange(0.0, 9.0, 1.5), np.sqrt(np.arange(81.0, 1500.0, 40.0))])


class ProfileGrid(NamedTuple):
    """Nodes x in [-1/2, 1/2] with weights, and the profile there, for xi >= 0."""

    xi: float
    eta: float
    x: Array
    weight: Array
    sigma: Array
    upper: Array
    lower: Array
    rho: Array

    def integral(self, values: Array) -> float:
        """Return the integral of nodal values over x."""
        return float(self.weight @ values)


def gauss_panels(breaks: Array) -> tuple[Array, Array]:
    """Return nodes and weights of 20-point Gauss rules between neighbouring breaks."""
    breaks = np.unique(breaks)
    half = 0.5 * np.diff(breaks)
    x = (breaks[:-1] + half)[:, None] + half[:, None] * _NODES
    return x.ravel(), (half[:, None] * _WEIGHTS).ravel()


def level_positions(xi: float, eta: float, offset: float) -> Array:
    """Return all x in (-1/2, 1/2) with |offset - xi x| = z sqrt(eta v(x)) for a level z."""
    # (xi^2 - 2 k) x^2 - 2 offset xi x + offset^2 - k/12 = 0 with k = eta z^2, roots in the
    # stable form; a product below zero or a vanishing denominator means no such position.
    k = eta * _LEVELS**2
    leading, last = xi * xi - 2.0 * k, offset * offset - k / 12.0
    half = offset * xi
    discriminant = 2.0 * k * offset * offset + k * (xi * xi - 2.0 * k) / 12.0
    q = half + np.sqrt(np.maximum(discriminant, 0.0))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        roots = np.concatenate([q / leading, last / q])
    valid = np.concatenate([discriminant >= 0.0] * 2)
    inside = valid & (np.abs(roots) < 0.5)
    return np.asarray(roots[inside])


def profile_grid(xi: float, eta: float) -> ProfileGrid:
    """Return the rule and the profile at its nodes for xi >= 0 and eta > 0."""
    breaks = np.concatenate(
        [
            np.linspace(-0.5, 0.5, 5),
            level_positions(xi, eta, 1.0),
            level_positions(xi, eta, 0.0),
        ]
    )
    x, weight = gauss_panels(breaks)
    sigma = np.sqrt(eta * (2.0 * x * x + 1.0 / 12.0))
    upper, lower = (1.0 - xi * x) / sigma, -xi * x / sigma
    rho = offset_interval_probability(lower, 1.0 / sigma)
    return ProfileGrid(xi, eta, x, weight, sigma, upper, lower, rho)


def deviation(grid: ProfileGrid, mass: float) -> Array:
    """Return rho - R at the nodes, with its digits where the profile is nearly flat."""
    if grid.eta > 1.0 or grid.xi > 1.0:
        return np.asarray(grid.rho - mass)
    # rho = 1/2 + (Phi(-z_2) - 1/2) - Phi(-z_1): an odd function and a small tail.
    odd = np.copysign(
        interval_probability(-np.abs(grid.lower), np.zeros_like(grid.lower)), -grid.lower
    )
    tail = ndtr(-grid.upper)
    return np.asarray(odd - (tail - grid.integral(tail)))
