"""Parameters of a claim as points of a vector space, so that any optimiser can move them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qktheory.base.domains import Integer, Matrix, Parameter, Real, RealList
from qktheory.theorems.claim import Claim

__all__ = ["Coordinates", "given_parameters"]

Floats = NDArray[np.float64]

#: Ends of an interval and zeros of a distribution, in the space where they would be infinite.
_SMALLEST = 1e-9
_LARGEST_EXPONENT = 46.0
#: Intervals longer than this many times their lower end are explored in orders of magnitude.
_WIDE = 1e3


@dataclass(frozen=True)
class _Leaf:
    """One parameter: where its coordinates start, and how they become a value again."""

    name: str
    origin: Floats
    value: Callable[[Floats], Any]


def _bounded_exp(u: Floats) -> Floats:
    return np.asarray(np.exp(np.clip(u, -_LARGEST_EXPONENT, _LARGEST_EXPONENT)))


def _real(name: str, domain: Real, value: float) -> _Leaf:
    low, high = domain.low, domain.high
    width = high - low
    if width < _WIDE * (1.0 + abs(low)):
        share = min(max((value - low) / width, _SMALLEST), 1.0 - _SMALLEST)

        def inside(u: Floats) -> float:
            return float(low + width / (1.0 + math.exp(-float(np.clip(u[0], -40.0, 40.0)))))

        return _Leaf(name, np.array([math.log(share / (1.0 - share))]), inside)
    if math.isfinite(low) or math.isfinite(high):
        end, sign = (low, 1.0) if math.isfinite(low) else (high, -1.0)
        distance = max(sign * (value - end), _SMALLEST)

        def beyond(u: Floats) -> float:
            return float(np.clip(end + sign * float(_bounded_exp(u)[0]), low, high))

        return _Leaf(name, np.array([math.log(distance)]), beyond)
    # Linear near 0 and logarithmic far from it.
    return _Leaf(
        name,
        np.array([math.asinh(value)]),
        lambda u: math.sinh(float(np.clip(u[0], -_LARGEST_EXPONENT, _LARGEST_EXPONENT))),
    )


def _integer(name: str, domain: Integer, value: int) -> _Leaf:
    low = domain.low
    assert low is not None
    high = math.inf if domain.high is None else domain.high
    return _Leaf(
        name,
        np.array([math.log(value - low + 1.0)]),
        lambda u: int(min(high, low - 1 + round(float(_bounded_exp(u)[0])))),
    )


def _distribution(name: str, array: Floats) -> _Leaf:
    """Return rows that stay probability vectors."""

    def rows(u: Floats) -> Floats:
        weights = _bounded_exp(u.reshape(array.shape))
        return np.asarray(weights / weights.sum(axis=-1, keepdims=True))

    return _Leaf(name, np.log(np.maximum(array, _SMALLEST)).ravel(), rows)


def _covariance(name: str, array: Floats) -> _Leaf:
    """Return a matrix that stays positive semidefinite, by a factor of it."""
    eigenvalues, vectors = np.linalg.eigh(array)
    factor = vectors * np.sqrt(np.maximum(eigenvalues, 0.0))

    def matrix(u: Floats) -> Floats:
        moved = u.reshape(array.shape)
        return np.asarray(moved @ moved.T)

    return _Leaf(name, factor.ravel(), matrix)


def _array(name: str, array: Floats, low: float, high: float) -> _Leaf:
    """Return free entries with a common scale; masked (infinite) ones stay as they are."""
    free = np.isfinite(array)
    scale = float(np.sqrt(np.mean(array[free] ** 2))) if free.any() else 0.0
    scale = scale or 1.0

    def entries(u: Floats) -> Floats:
        moved = array.copy()
        moved[free] = np.clip(u[1:] * scale * float(_bounded_exp(u[:1])[0]), low, high)
        return moved

    return _Leaf(name, np.concatenate([[0.0], array[free] / scale]), entries)


def _leaf(parameter: Parameter, value: Any) -> _Leaf | None:
    """Return the coordinates of a parameter, None for one that cannot be moved."""
    name, domain = parameter.name, parameter.domain
    if isinstance(domain, Real) and isinstance(value, float):
        return _real(name, domain, value)
    if isinstance(domain, Integer) and isinstance(value, int) and domain.low is not None:
        return _integer(name, domain, value)
    if not isinstance(value, np.ndarray) or value.dtype != np.float64 or value.size == 0:
        return None
    if isinstance(domain, Matrix) and domain.positive_semidefinite:
        return _covariance(name, value)
    if value.shape[-1] > 1 and (value >= 0.0).all():
        sums = value.sum(axis=-1)
        if np.abs(sums - 1.0).max() < 1e-9:
            return _distribution(name, value)
    element = domain.element if isinstance(domain, RealList) else Real()
    return _array(name, value, element.low, element.high)


def given_parameters(claim: Claim, checked: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `Claim.checked` takes again: the declared parameters that are not left open."""
    names = (parameter.name for parameter in claim.parameters)
    return {name: checked[name] for name in names if checked[name] is not None}


class Coordinates:
    """A chart of the parameters of a claim around one input.

    Bounded numbers move on a logistic scale, half-bounded ones and integers on a logarithmic one,
    entries of arrays freely and with a common scale, distributions through the logarithms of their
    weights, covariances through a factor. Sizes of arrays, names and flags do not move.

    Parameters
    ----------
    claim : Claim
        Declares the domains.
    start : mapping
        Canonical parameters, as `Claim.checked` returns them.

    Examples
    --------
    >>> from qktheory.theorems.claim import CLAIMS
    >>> claim = CLAIMS["LOC-4b"]
    >>> chart = Coordinates(claim, claim.checked({"xi": 0.5, "eta": 2.0}))
    >>> chart.dimension, chart.parameters(chart.origin)
    (2, {'xi': 0.5, 'eta': 2.0})
    """

    def __init__(self, claim: Claim, start: Mapping[str, Any]) -> None:
        self._fixed = given_parameters(claim, start)
        found = (_leaf(p, start[p.name]) for p in claim.parameters)
        self._leaves = [leaf for leaf in found if leaf is not None]
        parts = [leaf.origin for leaf in self._leaves]
        self.origin: Floats = np.concatenate(parts) if parts else np.empty(0)

    @property
    def dimension(self) -> int:
        """Number of coordinates."""
        return int(self.origin.size)

    def parameters(self, point: Floats) -> dict[str, Any]:
        """Return the parameters at a point, not yet checked."""
        values, first = dict(self._fixed), 0
        for leaf in self._leaves:
            here = point[first : first + leaf.origin.size]
            first += leaf.origin.size
            # What has not moved keeps its digits.
            if not np.array_equal(here, leaf.origin):
                values[leaf.name] = leaf.value(here)
        return values
