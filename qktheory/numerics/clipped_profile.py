"""Mean weights and aliveness of clipped-linear attention at finite T, Gaussian law (LOC-12).

With gamma = key - (T+1)/2 the centred logit of a key is q ~ N(xi gamma, sigma^2),
sigma^2 = eta (2 gamma^2 + (T^2 - 1)/12), and the weight is clip((1 + q)/T, 0, 1).
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import erfcx, ndtr

from qktheory.base.blas import serial_blas
from qktheory.base.domains import Integer, Real
from qktheory.base.errors import bad_value
from qktheory.numerics.normal import interval_probability, normal_pdf

__all__ = ["ClippedRow", "clipped_mean_weight", "clipped_row", "rho_linear_regime"]

_Floats = NDArray[np.float64]
_Ints = NDArray[np.int64]
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(20)
_TOKENS = Integer(low=1, high=2**50)
_POSITIVE = Real(low=0.0, low_open=True)
# Nodes of a panel of keys; panels that are not longer are summed key by key.
_RULE = 24
# Beyond this many standard deviations a tail is below the smallest float.
_FAR = 40.0


def clipped_mean_weight(xi: float, eta: float, T: int, key: ArrayLike) -> _Floats:
    """Return E S~_key, the mean clipped-linear weight of a key (LOC-12b).

    Equal to (sigma/T) int_a^b Phi(-t) dt with a = (-1 - xi gamma)/sigma and b = a + T/sigma.

    Parameters
    ----------
    xi : float
        Trace of M, any sign.
    eta : float
        Trace of M^2, >= 0; at 0 the weight is clip((1 + xi gamma)/T, 0, 1).
    T : int
        Number of keys, 1 to 2^50.
    key : array_like of int
        Positions 1..T, any shape.

    Returns
    -------
    ndarray
        Shape of `key`, in [0, 1]; relative error below 1e-11 down to 1e-290.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Examples
    --------
    >>> clipped_mean_weight(1.0, 0.01, 256, [128, 200]).round(10)
    array([0.01251982, 0.28320312])
    """
    xi = Real().check("xi", xi)
    eta = Real(low=0.0).check("eta", eta)
    count = _TOKENS.check("T", T)
    position = np.asarray(key, dtype=np.float64)
    if not ((position >= 1.0) & (position <= count) & (position == np.floor(position))).all():
        raise bad_value("key", key, f"integers from 1 to T = {count}")
    return _mean_weight(xi, eta, count, position - 0.5 * (count + 1))


def _ends(xi: float, eta: float, T: int, gamma: _Floats) -> tuple[_Floats, _Floats, _Floats]:
    """Return a, b and sigma; sigma > 0 is assumed."""
    sigma = math.sqrt(eta) * np.sqrt(2.0 * gamma * gamma + (float(T) - 1.0) * (float(T) + 1.0) / 12)
    mean = xi * gamma
    with np.errstate(over="ignore"):
        a, b = (-1.0 - mean) / sigma, (T - 1.0 - mean) / sigma
    return np.clip(a, -1e150, 1e150), np.clip(b, -1e150, 1e150), sigma


def _mean_weight(xi: float, eta: float, T: int, gamma: _Floats) -> _Floats:
    if eta == 0.0 or T == 1:
        return np.asarray(np.clip((1.0 + xi * gamma) / T, 0.0, 1.0))
    a, b, sigma = _ends(xi, eta, T, gamma)
    length = T / sigma
    result = np.where(b <= 0.0, length - (_loss(-b) - _loss(-a)), _signed_loss(a) - _signed_loss(b))
    middle = 0.5 * (a + b)
    short = length * (1.0 + np.abs(middle)) < 4.0
    if np.any(short):
        t = middle[short, None] + 0.5 * length[short, None] * _NODES
        result[short] = 0.5 * length[short] * (ndtr(-t) @ _WEIGHTS)
    return np.asarray(np.clip(result / length, 0.0, 1.0))


def _loss(x: _Floats) -> _Floats:
    """Return int_x^inf Phi(-t) dt, relatively accurate for x >= 0 and 0 for other x."""
    z = np.clip(x, 0.0, _FAR)
    near = np.minimum(z, 3.0)
    mills = math.sqrt(0.5 * math.pi) * erfcx(near / math.sqrt(2.0))
    value = 1.0 - near * mills
    far = z > 3.0
    if np.any(far):
        # 1 - x R(x) = R/(x + 2/(x + 3/(x + ...))) and R = 1/(x + 1/(x + 2/(x + ...))).
        y = z[far]
        tail = np.zeros_like(y)
        for n in range(60, 1, -1):
            tail = n / (y + tail)
        value = np.array(value)
        value[far] = 1.0 / ((y + 1.0 / (y + tail)) * (y + tail))
    return np.asarray(np.where(x < 0.0, 0.0, normal_pdf(z) * value))


def _signed_loss(x: _Floats) -> _Floats:
    """Return int_x^inf Phi(-t) dt for x of either sign."""
    return np.asarray(np.maximum(-x, 0.0) + _loss(np.abs(x)))


class ClippedRow(NamedTuple):
    """Row sums of clipped-linear attention in the Gaussian law (LOC-12a).

    Attributes
    ----------
    pl_row_sum : float
        sum over keys of E S~.
    mass : float
        Mean over the keys of the aliveness rho.
    rho_quarters : ndarray, shape (4,)
        Shares of the aliveness in the quarters of the sequence, summing to 1.
    """

    pl_row_sum: float
    mass: float
    rho_quarters: _Floats


def clipped_row(xi: float, eta: float, T: int) -> ClippedRow:
    """Return the sums over all keys of the mean weight and of the aliveness (LOC-12a).

    The keys are cut into panels on which the Gaussian ends move little; each panel is summed by
    the Gauss rule of its own discrete uniform measure, which is the plain sum for short panels.
    The cost grows like ln T.

    Parameters
    ----------
    xi : float
        Trace of M, any sign.
    eta : float
        Trace of M^2, > 0.
    T : int
        Number of keys, a multiple of 4 up to 2^50.

    Returns
    -------
    ClippedRow
        Relative error below 1e-11 of every sum and share that is not below 1e-290.

    Raises
    ------
    ValueError
        If an argument is outside its domain, or no key is alive with a probability above 1e-300,
        so that shares have no meaning.

    Examples
    --------
    >>> row = clipped_row(4.0, 0.5, 256)
    >>> round(row.pl_row_sum, 8), row.rho_quarters.round(6)
    (93.94761797, array([3.01000e-04, 8.45550e-02, 7.58855e-01, 1.56289e-01]))
    """
    xi = Real().check("xi", xi)
    eta = _POSITIVE.check("eta", eta)
    count = _TOKENS.check("T", T)
    if count % 4:
        raise bad_value("T", T, "a multiple of 4")
    first, size = _panels(xi, eta, count)
    gamma, weight, panel = _panel_nodes(first, size, count)
    a, b, _ = _ends(xi, eta, count, gamma)
    alive = weight * interval_probability(a, b)
    per_panel = np.bincount(panel, weights=alive, minlength=first.size)
    # Panels never cross the edge of a quarter.
    quarters = [
        math.fsum(per_panel[(first >= k * (count // 4)) & (first < (k + 1) * (count // 4))])
        for k in range(4)
    ]
    total = math.fsum(quarters)
    if total < 1e-300:
        raise bad_value("eta", eta, "a value at which some key is alive with probability > 1e-300")
    return ClippedRow(
        math.fsum(weight * _mean_weight(xi, eta, count, gamma)),
        total / count,
        np.array(quarters) / total,
    )


def _panels(xi: float, eta: float, T: int) -> tuple[_Ints, _Ints]:
    """Return first key (from 0) and number of keys of panels on which the sums are smooth."""
    edges = np.array([(k * T) // 32 for k in range(33)], dtype=np.int64)
    first, size = edges[:-1], np.diff(edges)
    done_first, done_size = [], []
    while first.size:
        rough = (size > _RULE) & _moves(xi, eta, T, first, size)
        done_first.append(first[~rough])
        done_size.append(size[~rough])
        first, size = first[rough], size[rough]
        left = size // 2
        first = np.concatenate([first, first + left])
        size = np.concatenate([left, size - left])
    return np.concatenate(done_first), np.concatenate(done_size)


def _moves(xi: float, eta: float, T: int, first: _Ints, size: _Ints) -> NDArray[np.bool_]:
    """Whether a tail of the normal law changes by more than a polynomial follows."""
    centre = 0.5 * (T + 1)
    points = np.asarray(first + np.outer([0.0, 0.5, 1.0], size - 1.0) + (1.0 - centre))
    rough = np.zeros(first.shape, dtype=bool)
    for end in _ends(xi, eta, T, points)[:2]:
        crosses = (end.min(axis=0) < 0.0) & (end.max(axis=0) > 0.0)
        nearest = np.where(crosses, 0.0, np.abs(end).min(axis=0))
        change = np.abs(np.diff(end, axis=0)).sum(axis=0)
        rough |= (nearest < _FAR) & (change * (1.0 + nearest) > 4.0)
    return rough


def _panel_nodes(first: _Ints, size: _Ints, T: int) -> tuple[_Floats, _Floats, _Ints]:
    """Return gamma and weight of all nodes and the panel each belongs to."""
    gammas, weights, panels = [], [], []
    for n in np.unique(size):
        which = np.flatnonzero(size == n)
        nodes, rule = _discrete_rule(int(n))
        # Twice the centre of a panel relative to the middle of the sequence is an integer.
        middle = 0.5 * (2 * first[which] + (n - T)).astype(np.float64)
        gammas.append((middle[:, None] + nodes).ravel())
        weights.append(np.tile(rule, which.size))
        panels.append(np.repeat(which, nodes.size))
    return np.concatenate(gammas), np.concatenate(weights), np.concatenate(panels)


@lru_cache(maxsize=256)
@serial_blas
def _discrete_rule(n: int) -> tuple[_Floats, _Floats]:
    """Return the Gauss rule of n unit masses at spacing 1 around 0, exact up to degree 47."""
    if n <= _RULE:
        return np.arange(float(n)) - 0.5 * (n - 1), np.ones(n)
    k = np.arange(1.0, _RULE)
    # Recurrence of the discrete Chebyshev (Gram) polynomials.
    off = 0.5 * k * np.sqrt((1.0 - k / n) * (1.0 + k / n) / (4.0 * k * k - 1.0))
    nodes, vectors = np.linalg.eigh(np.diag(off, 1) + np.diag(off, -1))
    return np.asarray(nodes * n), np.asarray(n * vectors[0] ** 2)


def rho_linear_regime(xi: float, eta: float, T: int, theta: ArrayLike) -> _Floats:
    """Return Phi((1 + T xi x)/(T sqrt(eta v))), the aliveness for short logits (LOC-12c).

    It holds for T |xi| and T sqrt(eta) up to about 1, where the upper clip does not matter;
    x = theta - 1/2 and v = 2 x^2 + 1/12.

    Parameters
    ----------
    xi : float
        Trace of M, any sign.
    eta : float
        Trace of M^2, > 0.
    T : int
        Number of keys, >= 1.
    theta : array_like
        Relative positions key/T in [0, 1], any shape.

    Returns
    -------
    ndarray
        Shape of `theta`; relative error below 1e-13 times 1 + z^2, z the argument of Phi.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Examples
    --------
    >>> rho_linear_regime(2 / 256, 4 / 256**2, 256, 1.0).round(12)
    np.float64(0.904784868087)
    """
    xi = Real().check("xi", xi)
    eta = _POSITIVE.check("eta", eta)
    count = _TOKENS.check("T", T)
    position = np.asarray(theta, dtype=np.float64)
    if not ((position >= 0.0) & (position <= 1.0)).all():
        raise bad_value("theta", theta, "numbers in [0, 1]")
    x = position - 0.5
    with np.errstate(over="ignore"):
        z = (1.0 / count + xi * x) / (math.sqrt(eta) * np.sqrt(2.0 * x * x + 1.0 / 12.0))
    return np.asarray(ndtr(z))
