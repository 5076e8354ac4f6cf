"""Second routes to the functions of a spectral law, from its density alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from qktheory.spectra.law import Law, free_cumulants_from_moments

__all__ = ["law_by_quadrature"]

Array = NDArray[np.float64]
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)
#: x - low = s^4 (high - low).
_POWER = 4
#: Distance from the axis at which Stieltjes transforms show the density.
_ABOVE_AXIS = 1e-11


def _panels(function: Callable[[Array], Array], end: float) -> float:
    """Return the integral over (0, end) by panels that halve towards 0."""
    if end <= 0.0:
        return 0.0
    stops = end * 0.5 ** np.arange(24.0)
    starts = np.append(stops[1:], 0.0)
    half = 0.5 * (stops - starts)[:, None]
    nodes = starts[:, None] + half * (1.0 + _NODES)
    return float(np.sum(half * _WEIGHTS * function(nodes)))


def _integral(law: Law, function: Callable[[Any], Any], upper: float | None = None) -> float:
    """Return int f dmu below `upper`, by quadrature of the density and sums over atoms.

    Powers of a new variable weaken the edges; panels that halve towards them do the rest.
    """
    total = math.fsum(
        mass * function(place) for place, mass in law.atoms if upper is None or place <= upper
    )
    low, high = law.edges
    if math.isinf(high):

        def far(s: Array) -> Array:
            # x = s^-8 turns the tail into a positive power of s.
            x = s**-8.0
            return np.asarray(function(x) * law.pdf(x) * 8.0 * s**-9.0)

        rest = 0.0 if upper is None else _panels(far, max(upper, low) ** -0.125)
        return total + _panels(far, low**-0.125) - rest
    if law.continuous_measure() is None:
        return total
    width = high - low
    stop = high if upper is None else min(max(upper, low), high)

    def left(s: Array) -> Array:
        x = low + width * s**_POWER
        return np.asarray(function(x) * _density(law, x) * (_POWER * width) * s ** (_POWER - 1))

    def right(s: Array) -> Array:
        x = high - width * s**2
        return np.asarray(function(x) * _density(law, x) * 2.0 * width * s)

    middle = low + 0.5 * width
    total += _panels(left, ((min(stop, middle) - low) / width) ** (1.0 / _POWER))
    if stop > middle:
        total += _panels(right, 0.5**0.5) - _panels(right, ((high - stop) / width) ** 0.5)
    return total


def _density(law: Law, x: Array) -> Array:
    """Return the density, 0 where a point was rounded to an edge at which it diverges."""
    values = law.pdf(x)
    return np.where(np.isfinite(values), values, 0.0)


def law_by_quadrature(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of SPEC-8a from density and atoms, and inverse functions by bisection.

    Densities themselves are compared with the Stieltjes transform just above the axis.
    """
    law: Law = parameters["law"]
    found: dict[str, Any] = {}
    if parameters["x"] is not None:
        x = np.asarray(parameters["x"])
        if law.name not in ("point", "two_point"):
            found["pdf"] = -np.imag(law.stieltjes(x + 1j * _ABOVE_AXIS)) / math.pi
            if law.name == "product_modulus":
                # The planar law is isotropic: 2 pi r rho(r) dr is the law of the modulus.
                found["planar_density"] = found["pdf"] / (2.0 * math.pi * x)
        if law.name != "product_squared_singular":
            found["cdf"] = [_integral(law, np.ones_like, upper=point) for point in x]
    if parameters["u"] is not None and law.name != "product_squared_singular":
        found["quantile"] = [_level(law, float(u)) for u in parameters["u"]]
    if parameters["k"] is not None and law.name != "product_modulus":
        top = max(parameters["k"])
        moments = [_integral(law, partial(_power, k)) for k in range(1, top + 1)]
        found["moments"] = [moments[k - 1] for k in parameters["k"]]
        if law.name != "product_squared_singular":
            kappa = free_cumulants_from_moments(moments)
            found["free_cumulants"] = [kappa[k - 1] for k in parameters["k"]]
    if parameters["z"] is not None:
        found["stieltjes"] = [_integral(law, partial(_resolvent, z)) for z in parameters["z"]]
    if parameters["w"] is not None:
        found["r_transform"] = [_inverse(law, float(w)) for w in parameters["w"]]
    return found


def _power(order: int, x: Any) -> Any:
    return x**order


def _resolvent(z: float, x: Any) -> Any:
    return 1.0 / (z - x)


def _level(law: Law, u: float) -> float:
    """Return the quantile by bisection of the quadrature, to its accuracy."""
    low, high = law.support
    if math.isinf(high):
        high = 1.0
        while float(law.cdf(high)) < u:
            high *= 2.0
    if float(law.cdf(low)) >= u:
        return low
    return float(brentq(lambda x: float(law.cdf(x)) - u, low, high, xtol=1e-14, rtol=1e-13))


def _inverse(law: Law, w: float) -> float:
    """Return z - 1/w with G(z) = w, by bisection outside the support."""
    if w == 0.0:
        return _integral(law, lambda t: t)
    low, high = law.support
    scale = max(abs(low), abs(high), high - low)
    if w > 0.0:
        near, far = high + 1e-12 * scale, 2.0 * scale + 2.0 / w
    else:
        near, far = low - 1e-12 * scale, -2.0 * scale + 2.0 / w
    z = brentq(lambda at: float(law.stieltjes(at)) - w, near, far, xtol=1e-14, rtol=1e-14)
    return float(z) - 1.0 / w
