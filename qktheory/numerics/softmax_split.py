"""Softmax weights less a common distribution, with relative accuracy (RANK-2).

Scores S_ij = u_j + E_ij + (a constant of the row) give P = q e^E / sum with q = softmax(u). The
deviation Z = P - 1 q^T is what remains of attention once the common part of the tokens is taken
out; it is found without subtracting the two distributions, however small or large E is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["log_distribution", "log_ratios", "softmax_deviation"]

Floats = NDArray[np.float64]

#: Below this e^x - 1 is x to double precision.
_LINEAR = 2.0**-60
#: Above this a row is normalised through logarithms.
_LARGE = 300.0


def log_distribution(u: Floats) -> Floats:
    """Return log softmax of one row of scores; -inf is a masked key.

    Parameters
    ----------
    u : ndarray of shape (T,)

    Returns
    -------
    ndarray of shape (T,)

    Examples
    --------
    >>> log_distribution(np.array([0.0, -800.0, -np.inf]))
    array([   0., -800.,  -inf])
    """
    below = u - u.max()
    # log1p of the sum without the largest term keeps small weights beside a dominant one exact.
    others = np.delete(below, int(np.argmax(below)))
    return np.asarray(below - np.log1p(np.exp(others).sum()))


def log_ratios(log_q: Floats, centred: Floats) -> Floats:
    """Return log(P/q) of the rows P = q e^E / sum.

    Parameters
    ----------
    log_q : ndarray of shape (T,)
        -inf is a masked key.
    centred : ndarray of shape (n, T)
        E less its q-mean in each row.

    Returns
    -------
    ndarray of shape (n, T)

    Examples
    --------
    >>> log_ratios(np.log([0.5, 0.5]), np.array([[1e30, -1e30]]))
    array([[ 6.93147181e-01, -2.00000000e+30]])
    """
    ratios = np.empty_like(centred)
    small = np.abs(centred).max(axis=1) <= _LARGE
    # The q-mean of E is 0: by Jensen's inequality the argument of log1p is not negative.
    log_norm = np.log1p(np.expm1(centred[small]) @ np.exp(log_q))
    ratios[small] = centred[small] - log_norm[:, None]
    # Large scores relative to the largest of their row, which then keeps its digits.
    visible = np.isfinite(log_q)
    large = np.where(visible, centred[~small], -np.inf)
    below = np.where(visible, large - large.max(axis=1, keepdims=True, initial=-np.inf), 0.0)
    shares = log_q + below
    top = shares.max(axis=1, keepdims=True, initial=-np.inf)
    ratios[~small] = below - top - np.log(np.exp(shares - top).sum(axis=1, keepdims=True))
    return ratios


def softmax_deviation(log_q: Floats, E: Floats, exponent: int = 0) -> tuple[Floats, Floats, int]:
    """Return the centred scores and Z = P - 1 q^T.

    Parameters
    ----------
    log_q : ndarray of shape (T,)
        Logarithms of the common distribution.
    E : ndarray of shape (n, T)
        Scores beyond those of q, in units of 2^exponent. Relative accuracy for a nearly
        deterministic q asks for entries relative to its largest key: E_ih = 0 there.
    exponent : int, optional
        Scale of E.

    Returns
    -------
    centred : ndarray of shape (n, T)
        E less its q-mean in each row, in units of 2^exponent.
    Z : ndarray of shape (n, T)
        In units of 2^unit; rows sum to zero.
    unit : int
        `exponent` where E is so small that Z = q E, otherwise 0.

    Examples
    --------
    >>> log_q = np.log([0.5, 0.5])
    >>> softmax_deviation(log_q, np.array([[1.0, 0.0]]))[1]
    array([[ 0.23105858, -0.23105858]])
    >>> softmax_deviation(log_q, np.array([[1.0, 0.0]]), exponent=-5000)[1:]
    (array([[ 0.25, -0.25]]), -5000)
    """
    q = np.exp(log_q)
    visible = np.isfinite(log_q)
    E = np.where(visible, E, 0.0)
    centred = np.where(visible, E - (E @ q)[:, None], 0.0)
    largest = float(np.max(np.abs(centred), initial=0.0))
    if largest == 0.0:
        return centred, np.zeros_like(centred), 0
    if np.log2(largest) + exponent < np.log2(_LINEAR):
        return centred, np.asarray(q * centred), exponent
    x = np.ldexp(centred, max(min(exponent, 4000), -4000))
    if not np.isfinite(x).all():
        raise OverflowError("scores are beyond double precision")
    large = np.abs(x).max(axis=1) > _LARGE
    x = log_ratios(log_q, x)
    with np.errstate(over="ignore", invalid="ignore"):
        near = q * np.expm1(np.clip(x, -1.0, 1.0))
        far = np.exp(np.minimum(log_q + x, 0.0)) - q
    Z = np.where(visible, np.where(np.abs(x) <= 1.0, near, far), 0.0)
    hub = int(np.argmax(log_q))
    if q[hub] >= 0.5:
        # Among large scores the logarithm of a weight near one has lost what the others hold.
        Z[large, hub] = 0.0
        Z[large, hub] = -Z[large].sum(axis=1)
    return centred, Z, 0
