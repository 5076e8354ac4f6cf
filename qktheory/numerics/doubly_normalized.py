"""Doubly normalised and Sinkhorn attention (RANK-10)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qktheory.numerics.ergodicity import softmax
from qktheory.numerics.layer_split import exp_remainder
from qktheory.numerics.matrix_norms import centred
from qktheory.numerics.softmax_split import log_ratios, softmax_deviation

__all__ = [
    "column_normalised",
    "doubly_normalised",
    "kernel_residual",
    "key_potentials",
    "sinkhorn_potentials",
]

Floats = NDArray[np.float64]

_SWEEPS, _NEWTON_STEPS = 4, 200


def _log_sums(M: Floats, axis: int) -> Floats:
    """Return log of the sums of e^M, faster on small matrices than scipy's."""
    top = M.max(axis=axis, keepdims=True)
    return np.asarray(np.log(np.exp(M - top).sum(axis=axis)) + np.squeeze(top, axis))


def column_normalised(S: ArrayLike) -> Floats:
    """Return log C, C_ij = e^S_ij / sum over queries i' of e^S_i'j.

    Parameters
    ----------
    S : array_like of shape (T, T)
        Finite scores.

    Returns
    -------
    ndarray of shape (T, T)

    Examples
    --------
    >>> np.exp(column_normalised([[0.0, 0.0], [0.0, 800.0]]))
    array([[0.5, 0. ],
           [0.5, 1. ]])
    """
    S = np.asarray(S, dtype=np.float64)
    below = S - S.max(axis=0)
    return np.asarray(below - np.log(np.exp(below).sum(axis=0)))


def doubly_normalised(S: ArrayLike) -> Floats:
    """Return D: columns of e^S normalised first, then rows.

    Parameters
    ----------
    S : array_like of shape (T, T)
        Finite scores.

    Returns
    -------
    ndarray of shape (T, T)
        Rows sum to one; every key keeps a mass of at least 1/T.

    Examples
    --------
    >>> doubly_normalised([[10.0, 20.0], [20.0, 40.0]]).sum(axis=0).round(6)
    array([1.499943, 0.500057])
    """
    return softmax(column_normalised(S))


def key_potentials(E: Floats, log_p: Floats) -> Floats:
    """Return log sum_i p_i e^E_ij, which the normalisation of columns takes off key j.

    Parameters
    ----------
    E : ndarray of shape (T, T)
        Scores beyond those that depend on the query or the key alone.
    log_p : ndarray of shape (T,)
        Logarithms of the distribution over queries that the query scores give.

    Returns
    -------
    ndarray of shape (T,)

    Examples
    --------
    >>> key_potentials(np.array([[1e-9], [-1e-9]]), np.log([0.5, 0.5]))
    array([5.e-19])
    """
    mean = np.exp(log_p) @ E
    around = E - mean
    small = np.log1p(np.exp(log_p) @ exp_remainder(np.minimum(around, 300.0)))
    large = _log_sums(around + log_p[:, None], 0)
    return np.asarray(mean + np.where(np.abs(around).max(axis=0) <= 300.0, small, large))


def kernel_residual(E: Floats, potentials: Floats, R: Floats) -> tuple[Floats, Floats]:
    """Return Pi softmax(E + potentials) R, and what is left of it beyond Pi E R/T.

    Parameters
    ----------
    E : ndarray of shape (T, T)
        Scores beyond those that depend on the query or the key alone.
    potentials : ndarray of shape (T,)
        Added to the scores of the keys, of the order of E.
    R : ndarray of shape (T, d)
        Tokens less their mean.

    Returns
    -------
    residual, beyond : ndarray of shape (T, d)
        Without subtracting the leading part from the residual.

    Examples
    --------
    >>> R = np.array([[1e-3], [-1e-3]])
    >>> residual, beyond = kernel_residual(R @ R.T, np.zeros(2), R)
    >>> float(residual[0, 0]), float(beyond[0, 0])
    (9.99999999999...e-10, -3.3333333...e-22)
    """
    T = len(R)
    uniform = np.full(T, -np.log(T))
    centred_scores, Z, _ = softmax_deviation(uniform, E + potentials)
    x = log_ratios(uniform, centred_scores)
    # The linear part differs from E by terms of the query, or of the key, alone: Pi and the sum
    # over R remove both.
    return centred(Z @ R), centred(exp_remainder(x) @ R / T)


def sinkhorn_potentials(S: ArrayLike) -> Floats:
    """Return g with softmax(S + 1 g^T) doubly stochastic.

    Parameters
    ----------
    S : array_like of shape (T, T)
        Finite scores.

    Returns
    -------
    ndarray of shape (T,)
        Of mean 0.

    Raises
    ------
    ArithmeticError
        If columns do not come to 1 within 1e-10.

    Notes
    -----
    Newton's method on the concave dual sum(g) - sum_i log sum_j e^(S_ij + g_j), with the scores
    raised by factors of two from where a few Sinkhorn sweeps converge. Two tokens have a closed
    form, g_1 - g_2 = (S_12 + S_22 - S_11 - S_21)/2.

    Examples
    --------
    >>> S = np.array([[0.0, 1.0, 3.0], [2.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    >>> softmax(S + sinkhorn_potentials(S)).sum(axis=0)
    array([1., 1., 1.])
    """
    S = np.asarray(S, dtype=np.float64)
    T = S.shape[0]
    if T == 1:
        return np.zeros(1)
    if T == 2:
        half = 0.25 * ((S[0, 1] - S[0, 0]) + (S[1, 1] - S[1, 0]))
        return np.array([half, -half])
    spread = float((S.max(axis=1) - S.min(axis=1)).max())
    doublings = max(0, int(np.ceil(np.log2(max(spread, 1.0)))) - 1)
    g = np.zeros(T)
    for k in range(doublings, -1, -1):
        part = S * 0.5**k
        if k < doublings:
            g = 2.0 * g
        g = _newton(part, g)
    defect = float(np.abs(softmax(S + g).sum(axis=0) - 1.0).max())
    if defect > 1e-10:
        raise ArithmeticError(f"Sinkhorn scaling left columns {defect:.3g} away from 1")
    return g


def _dual(S: Floats, g: Floats) -> float:
    return float(g.sum() - _log_sums(S + g, 1).sum())


def _newton(S: Floats, g: Floats) -> Floats:
    """Improve potentials until columns sum to one up to rounding."""
    T = len(g)
    for _ in range(_SWEEPS):  # a sweep: columns to 1 with the row factors held
        g = -_log_sums(S - _log_sums(S + g, 1)[:, None], 0)
        g = g - g.mean()
    best, best_defect, stalled = g, np.inf, 0
    for _ in range(_NEWTON_STEPS):
        P = softmax(S + g)
        gap = 1.0 - P.sum(axis=0)
        defect = float(np.abs(gap).max())
        if defect < best_defect:
            best, best_defect, stalled = g, defect, 0
        else:
            stalled += 1
        if defect < 4.0 * T * np.finfo(float).eps or stalled > 3:
            break
        hessian = np.diag(P.sum(axis=0)) - P.T @ P + 1.0 / T
        step = np.linalg.lstsq(hessian, gap, rcond=None)[0]
        value, size = _dual(S, g), 1.0
        while size > 1e-6 and _dual(S, g + size * step) < value - 1e-14 * abs(value):
            size *= 0.5
        g = g + size * step
        g = g - g.mean()
    return best
