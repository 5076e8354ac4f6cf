"""Cosines of tokens through layers of uniform attention and ReLU branches (RMT-8)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qktheory.base.domains import Integer, IntegerList, Real, RealList

__all__ = ["arc_cosine_kernel", "cosines_with_mlp"]

FloatArray = NDArray[np.float64]

_COSINES = RealList(Real(-1.0, 1.0))
_LAYERS = IntegerList(Integer(low=0, high=10**6))
_GAIN = Real(low=0.0)


def arc_cosine_kernel(cosine: ArrayLike) -> FloatArray:
    """Return 2 E relu(u) relu(v) for standard normal u, v of the given correlations.

    Parameters
    ----------
    cosine : array_like of shape (n,)
        Correlations, -1 <= cosine <= 1.

    Returns
    -------
    ndarray of shape (n,)
        (sqrt(1 - c^2) + (pi - arccos c) c)/pi, from 0 at -1 to 1 at 1; accurate near -1 too.

    Raises
    ------
    ValueError
        For correlations outside [-1, 1].

    Notes
    -----
    Arc-cosine kernel of order one (RMT-8d).

    Examples
    --------
    >>> arc_cosine_kernel([-1.0, 0.5]).round(12).tolist()
    [0.0, 0.608997781044]
    """
    values = _COSINES.check("cosine", cosine)
    return np.array([_kernel(float(c)) for c in values])


def _kernel(cosine: float) -> float:
    # With phi = pi - arccos c: (sin phi - phi cos phi)/pi.
    phi = (
        2.0 * math.asin(math.sqrt(0.5 * (1.0 + cosine)))
        if cosine < 0.0
        else math.pi - 2.0 * math.asin(math.sqrt(0.5 * (1.0 - cosine)))
    )
    if phi > 0.3:
        return (math.sqrt((1.0 - cosine) * (1.0 + cosine)) + phi * cosine) / math.pi
    # phi^3 sum_k (-phi^2)^k 2(k + 1)/(2k + 3)!
    square, power, total = phi * phi, phi**3, 0.0
    for k in range(8):
        total += power * 2.0 * (k + 1) / math.factorial(2 * k + 3)
        power *= -square
    return total / math.pi


def cosines_with_mlp(
    T: int, cosine_0: float, gain: float, gain_mlp: float, layers: Sequence[int]
) -> tuple[FloatArray, FloatArray]:
    """Return cosines and squared norms after layers of uniform attention and a ReLU branch.

    Parameters
    ----------
    T : int
        Number of tokens, >= 2.
    cosine_0 : float
        Cosine of two tokens at the start, from -1/(T - 1) to 1.
    gain, gain_mlp : float
        Variance gains a and a_2 of the two branches, >= 0.
    layers : sequence of int
        Layers at which the values are wanted, 0 being the start.

    Returns
    -------
    cosine, norm_squared_ratio : ndarray of shape (len(layers),)
        Mean inner product over mean squared norm, and the latter in units of its start.

    Raises
    ------
    ValueError
        If an argument is out of its domain.

    Notes
    -----
    (q, o) -> (q + a m, o + a m), m = (q + (T - 1) o)/T, then
    (q, o) -> (q (1 + a_2), o + a_2 q kappa(o/q)) (RMT-8b).

    Examples
    --------
    >>> cosine, ratio = cosines_with_mlp(12, 0.3, 0.5, 0.5, [1])
    >>> round(float(cosine[0]), 12), round(float(ratio[0]), 12)
    (0.453624341748, 1.76875)
    """
    wanted = _LAYERS.check("layers", layers)
    count = Integer(low=2).check("T", T)
    rho = Real(-1.0, 1.0).check("cosine_0", cosine_0)
    a, a2 = _GAIN.check("gain", gain), _GAIN.check("gain_mlp", gain_mlp)
    # The distance 1 - cosine is carried along: it is what becomes small.
    distance, ratio = 1.0 - rho, 1.0
    cosines, ratios = {0: rho}, {0: 1.0}
    for layer in range(1, max(wanted) + 1):
        common = max(0.0, 1.0 - distance * (1.0 - 1.0 / count))
        growth = 1.0 + a * common
        distance /= growth
        kernel = _kernel(min(1.0, max(-1.0, 1.0 - distance)))
        distance = (distance + a2 * (1.0 - kernel)) / (1.0 + a2)
        ratio *= growth * (1.0 + a2)
        cosines[layer], ratios[layer] = 1.0 - distance, ratio
    return (
        np.array([cosines[k] for k in wanted]),
        np.array([ratios[k] for k in wanted]),
    )
