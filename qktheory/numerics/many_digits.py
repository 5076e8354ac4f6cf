"""Rows, layers and norms in mpmath numbers of the working precision.

Written as on paper, for small inputs: what a violation found in double precision is looked at
again with.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial
from typing import Any

import mpmath
import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "attention_of",
    "diameter",
    "entropy_of_logits",
    "gaussian_contrast",
    "hub_residual",
    "many_digits",
    "spectral_norm",
]

Numbers = NDArray[Any]

_exp: Callable[..., Any] = np.frompyfunc(mpmath.exp, 1, 1)


def many_digits(values: ArrayLike) -> Numbers:
    """Return an array of mpmath numbers with exactly the given values.

    Parameters
    ----------
    values : array_like of float

    Returns
    -------
    ndarray of object, same shape

    Examples
    --------
    >>> many_digits([0.5])[0]
    mpf('0.5')
    """
    array = np.asarray(values, dtype=np.float64)
    numbers = np.empty(array.size, dtype=object)
    numbers[:] = [mpmath.mpf(x) for x in array.ravel().tolist()]
    return numbers.reshape(array.shape)


def entropy_of_logits(logits: ArrayLike) -> Any:
    """Return the entropy of softmax(logits) in nats.

    Parameters
    ----------
    logits : array_like of shape (T,)

    Returns
    -------
    mpf

    Examples
    --------
    >>> float(entropy_of_logits([1.0, 1.0])) == float(np.log(2.0))
    True
    """
    w = many_digits(logits)
    z = w - w.max()
    e = _exp(z)
    total = mpmath.fsum(e)
    return mpmath.log(total) - mpmath.fsum(e * z) / total


def attention_of(scores: Numbers) -> Numbers:
    """Return the row-wise softmax of scores of many digits.

    Parameters
    ----------
    scores : ndarray of object, shape (n, T)

    Returns
    -------
    ndarray of object, shape (n, T)

    Examples
    --------
    >>> attention_of(many_digits([[3.0, 3.0]]))[0, 0]
    mpf('0.5')
    """
    weights = _exp(scores - scores.max(axis=1)[:, None])
    return np.asarray(weights / weights.sum(axis=1)[:, None])


def spectral_norm(M: Numbers) -> Any:
    """Return the largest singular value of a matrix of many digits.

    Parameters
    ----------
    M : ndarray of object, shape (n, m)

    Returns
    -------
    mpf

    Examples
    --------
    >>> float(spectral_norm(many_digits([[3.0, 0.0], [0.0, 4.0]])))
    4.0
    """
    return max(mpmath.svd_r(mpmath.matrix(M.tolist()), compute_uv=False))


def diameter(X: Numbers) -> Any:
    """Return the largest Euclidean distance of two rows of many digits.

    Parameters
    ----------
    X : ndarray of object, shape (T, d)

    Returns
    -------
    mpf

    Examples
    --------
    >>> diameter(many_digits([[0.0, 0.0], [3.0, 4.0]]))
    mpf('5.0')
    """
    squares = [((X[i + 1 :] - X[i]) ** 2).sum(axis=1).max() for i in range(len(X) - 1)]
    return mpmath.sqrt(max(squares, default=mpmath.mpf(0)))


def gaussian_contrast(xi: float, eta: float, theta_max: float) -> Any:
    """Return rho at theta_max less the smaller of rho at 0 and 1 (LOC-4a).

    Parameters
    ----------
    xi, eta : float
        Traces of M and of M^2, eta > 0.
    theta_max : float
        Where the profile is largest: an error there enters to second order, and lowers the result.

    Returns
    -------
    mpf

    Examples
    --------
    >>> float(gaussian_contrast(1.0, 10.0, 0.52))
    0.2153...
    """
    trace, trace_2 = mpmath.mpf(xi), mpmath.mpf(eta)

    def rho(theta: float) -> Any:
        x = mpmath.mpf(theta) - mpmath.mpf(1) / 2
        sigma = mpmath.sqrt(trace_2 * (2 * x**2 + mpmath.mpf(1) / 12))
        return mpmath.ncdf((1 - trace * x) / sigma) - mpmath.ncdf(-trace * x / sigma)

    ends = rho(0.0), rho(1.0)
    return max(rho(theta_max), *ends) - min(ends)


def hub_residual(
    neutral_tokens: int, active_tokens: int, hub_log_weight: float, active_score: float
) -> Any:
    """Return the least norm_1inf of the output of the hub family less a common row (RANK-3).

    The minimum over rows (x, z, .., z) of sqrt(alpha beta), from the five entries as they stand:
    alpha and beta are convex and piecewise linear, so it lies at a crossing of two lines along
    which one of their pieces changes.

    Parameters
    ----------
    neutral_tokens, active_tokens : int
    hub_log_weight, active_score : float

    Returns
    -------
    mpf

    Examples
    --------
    >>> float(hub_residual(3900, 2099, 10.5, 13.25) / (4 * 13.25))
    1.01596...
    """
    m_0, m_1 = mpmath.mpf(neutral_tokens), mpmath.mpf(active_tokens)
    hub, own = mpmath.exp(hub_log_weight), mpmath.exp(active_score)
    b, q = (weight / (hub + m_0 + m_1) for weight in (hub, mpmath.mpf(1)))
    a, p, u = (w / (hub + m_0 + m_1 + own - 1) for w in (hub, own, mpmath.mpf(1)))

    def hub_row(x: Any, z: Any) -> Any:
        return abs(b - x) + m_1 * abs(q - z)

    def active_row(x: Any, z: Any) -> Any:
        return abs(a - x) + abs(p - z) + (m_1 - 1) * abs(u - z)

    def lead(x: Any, z: Any) -> Any:
        return hub_row(x, z) - active_row(x, z)

    def product(x: Any, z: Any) -> Any:
        return (m_1 * abs(x - a) + (m_0 + 1) * abs(b - x)) * max(hub_row(x, z), active_row(x, z))

    def balanced(along: Callable[[Any], Any], breaks: list[Any]) -> list[Any]:
        """Return the zeros of a function that is linear between breaks."""
        zeros = []
        for low, high in itertools.pairwise(breaks):
            start, end = along(low), along(high)
            if start * end < 0:
                zeros.append(low + (high - low) * start / (start - end))
        return zeros

    xs, zs = sorted([a, b]), sorted([q, p, u])
    points = [(x, z) for x in xs for z in zs]
    for x in xs:
        points += [(x, z) for z in balanced(partial(lead, x), zs)]
    for z in zs:
        points += [(x, z) for x in balanced(partial(lead, z=z), xs)]
    return mpmath.sqrt(min(product(x, z) for x, z in points))
