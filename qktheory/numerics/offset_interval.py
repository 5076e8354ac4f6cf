"""Normal probability of an interval given by its start and its length.

Next to a far start a short length cannot be read off the two ends; the aliveness of profiles with
large |xi| needs it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qktheory.base.errors import bad_value
from qktheory.numerics.normal import interval_probability, normal_pdf

__all__ = ["offset_interval_probability"]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(20)


def offset_interval_probability(low: ArrayLike, length: ArrayLike) -> NDArray[np.float64]:
    """Return Phi(low + length) - Phi(low).

    Parameters
    ----------
    low : array_like
        Finite starts.
    length : array_like
        Finite lengths >= 0, broadcast against `low`.

    Returns
    -------
    ndarray
        Probabilities, broadcast shape. The relative error is about 1e-15 plus low^2 epsilons for
        any length, also where low + length rounds to low.

    Raises
    ------
    ValueError
        If a start is not finite or a length is negative or not finite.

    Examples
    --------
    >>> f"{float(offset_interval_probability(1.0, 1e-20)):.10e}"
    '2.4197072452e-21'
    """
    start, width = np.broadcast_arrays(
        np.asarray(low, dtype=np.float64), np.asarray(length, dtype=np.float64)
    )
    if not np.isfinite(start).all():
        raise bad_value("low", low, "finite numbers")
    if not (np.isfinite(width) & (width >= 0.0)).all():
        raise bad_value("length", length, "finite numbers >= 0")
    middle = start + 0.5 * width
    short = width * (1.0 + np.abs(middle)) < 4.0
    if not short.any():
        return interval_probability(start, start + width)
    half = np.where(short, 0.5 * width, 0.0)
    near = np.where(short, middle, 0.0)
    t = half[..., None] * _NODES
    inner = np.exp(-t * (near[..., None] + 0.5 * t)) @ _WEIGHTS
    result = np.asarray(normal_pdf(near) * half * inner)
    if short.all():
        return result
    long = ~short
    result[long] = interval_probability(start[long], start[long] + width[long])
    return result
