"""The nearest-neighbour task on the sphere and the rank of a head (ZOO-RANK)."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import poch, polygamma

from qktheory.base.domains import Integer, Real

__all__ = [
    "density_at_zero",
    "mean_distance",
    "rank_one_floor",
    "sign_correlation",
    "softmax_error",
    "sphere_mean",
]

FloatArray = NDArray[np.float64]

_SIZE = Integer(low=2, high=10**15)
_SHARPNESS = Real(low=0.0, high=1e100)
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)


def density_at_zero(d: int) -> float:
    """Return the density at 0 of a coordinate of a uniform point of the unit sphere in R^d.

    Parameters
    ----------
    d : int
        Dimension, >= 2.

    Returns
    -------
    float
        Gamma(d/2)/(sqrt(pi) Gamma((d - 1)/2)) (ZOO-RANK-1a).

    Examples
    --------
    >>> round(density_at_zero(4) * math.pi, 12)
    2.0
    """
    x = 0.5 * (_SIZE.check("d", d) - 1)
    # Gamma(x + 1/2)/Gamma(x) = sqrt(x) (1 - 1/(8 x) + 1/(128 x^2) + ...).
    if x > 50.0:
        y = 1.0 / x
        series = -399.0 / 262144.0 + y * 869.0 / 4194304.0
        series = 1.0 / 128.0 + y * (5.0 / 1024.0 + y * (-21.0 / 32768.0 + y * series))
        rise = math.sqrt(x) * (1.0 + y * (-1.0 / 8.0 + y * series))
    else:
        rise = float(poch(x, 0.5))
    return rise / math.sqrt(math.pi)


def mean_distance(d: int) -> float:
    """Return the mean distance of two independent uniform points of the unit sphere in R^d.

    Parameters
    ----------
    d : int
        Dimension, >= 2.

    Returns
    -------
    float
        sqrt(2) Gamma(d/2)^2/(Gamma(d/2 - 1/4) Gamma(d/2 + 1/4)), towards sqrt(2) (ZOO-RANK-1a).

    Examples
    --------
    >>> round(mean_distance(2) * math.pi, 12)
    4.0
    """
    x = 0.5 * _SIZE.check("d", d)
    shift, log = 0, 0.0
    while x + shift < 12.0:  # Gamma(x) = Gamma(x + 1)/x
        y = x + shift
        log += math.log((y - 0.25) * (y + 0.25) / y**2)
        shift += 1
    # log of the ratio at y, by even derivatives of log Gamma.
    y = x + shift
    for k in range(1, 9):
        log -= 2.0 * float(polygamma(2 * k - 1, y)) * 0.25 ** (2 * k) / math.factorial(2 * k)
    return math.sqrt(2.0) * math.exp(log)


def _panels(edges: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return nodes and weights of Gauss rules between consecutive edges."""
    half = 0.5 * np.diff(edges)
    nodes = (0.5 * (edges[1:] + edges[:-1]))[:, None] + half[:, None] * _NODES
    return nodes.ravel(), (half[:, None] * _WEIGHTS).ravel()


def _doubling(smallest: float, end: float) -> FloatArray:
    """Return 0 and edges up to `end`, each twice the one before, from below `smallest`."""
    count = max(3, math.ceil(math.log2(end / smallest)) + 1)
    return np.concatenate([[0.0], end * 2.0 ** np.arange(-count, 0.5)])


def _log_cosine(psi: FloatArray) -> FloatArray:
    """Return log cos psi for |psi| < pi/2, with the digits of log1p for small angles."""
    small = np.abs(psi) < 0.8
    near = 0.5 * np.log1p(-(np.sin(np.where(small, psi, 0.0)) ** 2))
    return np.where(small, near, np.log(np.cos(psi)))


def _latitudes(d: int, scale: float = 1.0) -> tuple[FloatArray, FloatArray]:
    """Return latitudes psi in (0, pi/2) and probabilities of |t| = sin psi on the sphere in R^d.

    Functions may vary over angles down to `scale`.
    """
    psi, weights = _panels(_doubling(0.5 * min(scale, 1.0 / math.sqrt(d)), 0.5 * math.pi))
    density = weights * np.exp((d - 2.0) * _log_cosine(psi))
    kept = density > 0.0
    return psi[kept], density[kept] / density.sum()


def sphere_mean(d: int, function: Callable[[FloatArray], FloatArray]) -> float:
    """Return the mean of a function of psi = arcsin|t|, t a coordinate of the sphere in R^d.

    Parameters
    ----------
    d : int
        Dimension, >= 2.
    function : callable
        Of an array of latitudes in (0, pi/2); smooth but at 0.

    Returns
    -------
    float

    Examples
    --------
    >>> round(sphere_mean(3, np.sin), 12)
    0.5
    """
    psi, weights = _latitudes(_SIZE.check("d", d))
    return float(weights @ function(psi))


def rank_one_floor(d: int) -> float:
    """Return the least mean square error of any number of symmetric hardmax heads of rank one.

    Parameters
    ----------
    d : int
        Dimension, >= 2.

    Returns
    -------
    float
        1 - (E|arcsin t|)^2/E arcsin^2 t, from 1/4 to 1 - 2/pi (ZOO-RANK-3).

    Examples
    --------
    >>> round(rank_one_floor(2), 12), round(rank_one_floor(8), 6)
    (0.25, 0.347077)
    """
    first = sphere_mean(d, lambda psi: psi)
    return 1.0 - first**2 / sphere_mean(d, np.square)


def sign_correlation(d: int, rank: int) -> float:
    """Return the mean product of signs of x^T P y and x^T y, P a random projector.

    Parameters
    ----------
    d : int
        Dimension, from 2 to 10^6.
    rank : int
        Rank of the projector, 1 <= rank <= d.

    Returns
    -------
    float
        E (2/pi) arcsin sqrt(B), B ~ Beta(rank/2, (d - rank)/2) the share of |y|^2 that P keeps:
        the exact correlation, of which ZOO-RANK-2 has the limits.

    Examples
    --------
    >>> round(sign_correlation(16, 8), 12), sign_correlation(4, 4)
    (0.5, 1.0)
    """
    d = Integer(low=2, high=10**6).check("d", d)
    r = Integer(low=1, high=d).check("rank", rank)
    if r == d:
        return 1.0
    # B = sin^2 psi, of density sin^(r - 1) cos^(d - r - 1), resolved on both sides of its peak.
    top = math.asin(math.sqrt((r - 1.0) / (d - 2.0))) if d > 2 else 0.25 * math.pi
    fine, edges = 0.5 / math.sqrt(d), [np.array([top])]
    if top > 0.0:
        edges.insert(0, top - _doubling(fine, top)[:0:-1])
    if top < 0.5 * math.pi:
        edges.append(top + _doubling(fine, 0.5 * math.pi - top)[1:])
    psi, weights = _panels(np.concatenate(edges))
    logs = (r - 1.0) * np.log(np.sin(psi)) + (d - r - 1.0) * _log_cosine(psi)
    density = weights * np.exp(logs - logs.max())
    return 2.0 / math.pi * float(density @ psi) / float(density.sum())


def softmax_error(d: int, inverse_temperature: float) -> float:
    """Return the error of the full-rank softmax head W = c I on the nearest of two tokens.

    Parameters
    ----------
    d : int
        Dimension, >= 2.
    inverse_temperature : float
        c >= 0.

    Returns
    -------
    float
        E [r^2 sigmoid(-c r |t|)^2], r the distance of the tokens, t an independent coordinate of
        the sphere (ZOO-RANK-1b); relative accuracy about 1e-12 up to c = 1e12.

    Examples
    --------
    >>> softmax_error(4, 0.0).__round__(12), round(1e4 * softmax_error(4, 1e4), 9)
    (0.5, 0.333992975)
    """
    d = _SIZE.check("d", d)
    c = _SHARPNESS.check("inverse_temperature", inverse_temperature)
    scale = 1.0 / max(1.0, c)
    psi, weights = _latitudes(d, scale)
    t = np.sin(psi)
    # Points at the angles phi and pi - phi, resolved next to 0, where they meet, and next to
    # pi/2, where large spheres concentrate.
    meeting = _doubling(0.5 * scale, 0.25 * math.pi)
    middle = 0.5 * math.pi - _doubling(0.5 / math.sqrt(d), 0.25 * math.pi)[::-1]
    phi, phi_weights = _panels(np.concatenate([meeting, middle[1:]]))
    density = phi_weights * np.exp((d - 2.0) * _log_cosine(0.5 * math.pi - phi))
    total = 0.0
    for r in (2.0 * np.sin(0.5 * phi), 2.0 * np.cos(0.5 * phi)):
        odds = np.exp(-c * np.outer(r, t))
        total += float((density * r**2) @ ((odds / (1.0 + odds)) ** 2 @ weights))
    return 0.5 * total / float(density.sum())
