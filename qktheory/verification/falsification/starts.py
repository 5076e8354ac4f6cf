"""Where the search starts: random inputs of a claim, and the structures that break bounds.

The cases of a claim are not among them: what is found is found without being told.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qktheory.base.domains import Integer, Real
from qktheory.theorems.claim import Claim
from qktheory.verification.falsification.coordinates import given_parameters

__all__ = ["random_inputs", "structured_inputs"]

Floats = NDArray[np.float64]
Draw = Callable[[np.random.Generator], Mapping[str, Any]]


def random_inputs(
    claim: Claim, draw: Draw | None, rng: np.random.Generator, count: int
) -> Iterator[dict[str, Any]]:
    """Yield canonical random parameters.

    Parameters
    ----------
    claim : Claim
        Its domains supply what `draw` leaves out.
    draw : callable or None
        The claim's own random inputs; without it every required parameter is drawn from its
        domain, and every second time the others too.
    rng : numpy.random.Generator
        Random numbers.
    count : int
        How many are tried; inputs that the claim refuses are left out.

    Yields
    ------
    dict
        Parameters as `Claim.checked` returns them.
    """
    for attempt in range(count):
        given: Mapping[str, Any]
        if draw is not None:
            given = draw(rng)
        else:
            given = {
                p.name: p.domain.sample(rng) for p in claim.parameters if p.required or attempt % 2
            }
        try:
            yield claim.checked(given)
        except ValueError:
            continue


def structured_inputs(
    claim: Claim, base: Mapping[str, Any], rng: np.random.Generator
) -> Iterator[dict[str, Any]]:
    """Yield extreme relatives of an input, one parameter changed at a time, and all arrays at once.

    Arrays: tiny and huge scales, a single direction (rank one), one spike, a hub (one row apart
    from all others, which agree), two levels, few non-zero entries. Numbers: near the ends of their
    domain, and far out. Integers: the smallest, and all together ten to a thousand times larger.

    Parameters
    ----------
    claim : Claim
        Refuses relatives outside its domain, which are left out.
    base : mapping
        Canonical parameters.
    rng : numpy.random.Generator
        Where spikes and hubs are.

    Yields
    ------
    dict
        Parameters as `Claim.checked` returns them.
    """
    base = given_parameters(claim, base)
    arrays = [n for n, v in base.items() if isinstance(v, np.ndarray) and v.dtype == np.float64]
    for change in _ARRAYS:
        for names in [[name] for name in arrays] + ([arrays] if len(arrays) > 1 else []):
            yield from _accepted(claim, {**base, **{n: change(base[n], rng) for n in names}})
    for parameter in claim.parameters:
        for other in _other_numbers(parameter.domain, base.get(parameter.name)):
            yield from _accepted(claim, {**base, parameter.name: other})
    sizes = [n for n, v in base.items() if isinstance(v, int) and not isinstance(v, bool)]
    for factor in (10, 100, 1000) if sizes else ():
        yield from _accepted(claim, {**base, **{name: factor * base[name] for name in sizes}})


def _accepted(claim: Claim, given: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    try:
        yield claim.checked(given)
    except ValueError:
        return


def _scaled(factor: float) -> Callable[[Floats, np.random.Generator], Floats]:
    return lambda array, rng: factor * array


def _rank_one(array: Floats, rng: np.random.Generator) -> Floats:
    if array.ndim < 2 or not np.isfinite(array).all():
        return array
    left, sizes, right = np.linalg.svd(array, full_matrices=False)
    return np.asarray(left[..., :, :1] * sizes[..., None, :1] * right[..., :1, :])


def _spike(array: Floats, rng: np.random.Generator) -> Floats:
    spiked = array.copy()
    place = tuple(rng.integers(0, n) for n in array.shape)
    spiked[place] = 10.0 * (np.abs(array[np.isfinite(array)]).max(initial=0.0) or 1.0)
    return spiked


def _hub(array: Floats, rng: np.random.Generator) -> Floats:
    """Let all rows (or entries) agree but one."""
    alike = array.copy()
    alike[1:] = array[-1:]
    return alike


def _two_levels(array: Floats, rng: np.random.Generator) -> Floats:
    finite = array[np.isfinite(array)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    return np.where(rng.random(array.shape) < 0.5, low, high)


def _sparse(array: Floats, rng: np.random.Generator) -> Floats:
    return np.where(rng.random(array.shape) < 0.7, 0.0, array)


_ARRAYS: tuple[Callable[[Floats, np.random.Generator], Floats], ...] = (
    *(_scaled(factor) for factor in (1e-3, 0.1, 10.0, 1e3)),
    _rank_one,
    _spike,
    _hub,
    _two_levels,
    _sparse,
)


def _other_numbers(domain: Any, value: Any) -> list[float] | list[int]:
    if isinstance(domain, Real) and isinstance(value, float):
        steps = [1e-6, 1e-2, 1.0, 1e2]
        if math.isfinite(domain.low):
            others = [domain.low, *(domain.low + step for step in steps)]
        elif math.isfinite(domain.high):
            others = [domain.high, *(domain.high - step for step in steps)]
        else:
            others = [0.0, -value, *(0.1 * value, 10.0 * value)]
        return others + ([domain.high] if math.isfinite(domain.high) else [])
    if isinstance(domain, Integer) and isinstance(value, int) and domain.low is not None:
        return [domain.low, domain.low + 1]
    return []
