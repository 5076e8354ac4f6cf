"""Bounds on residuals at depth L, in logarithms (RANK-4, RANK-7)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

__all__ = ["a_priori_norms", "closed_form", "diameter_recursion", "log_tanh"]

Floats = NDArray[np.float64]


def log_tanh(log_t: Floats) -> Floats:
    """Return log tanh(t) for t given by its logarithm.

    Parameters
    ----------
    log_t : ndarray

    Returns
    -------
    ndarray

    Examples
    --------
    >>> log_tanh(np.array([-1e5, 50.0]))
    array([-100000.,       0.])
    """
    log_t = np.asarray(log_t, dtype=np.float64)
    t = np.exp(np.clip(log_t, -20.0, 6.0))
    return np.asarray(np.where(log_t < -20.0, log_t, np.log(np.tanh(t))))


def closed_form(cubic_constant: float, residual: float, L: int) -> float:
    """Return log10 of K^((3^L - 1)/2) rho^(3^L).

    Parameters
    ----------
    cubic_constant, residual : float
        K and rho, positive.
    L : int
        Number of layers.

    Returns
    -------
    float

    Raises
    ------
    OverflowError
        If the logarithm is beyond double precision.

    Examples
    --------
    >>> round(closed_form(0.5, 1.25, 8), 9)
    -351.551790432
    """
    half = 0.5 * math.log10(cubic_constant)
    if L == 0:
        return math.log10(residual)
    return float(3**L) * (half + math.log10(residual)) - half


def a_priori_norms(
    T: int,
    norm_1: float,
    norm_inf: float,
    kappa: Sequence[Floats],
    values_1: Sequence[Floats],
    values_inf: Sequence[Floats],
) -> tuple[list[float], list[float]] | None:
    """Return log10 of a_l >= norm_1(R) and b_l >= norm_inf(R) from the weights alone.

    Parameters
    ----------
    T : int
        Number of tokens.
    norm_1, norm_inf : float
        Of the residual at the input.
    kappa, values_1, values_inf : sequence of ndarray of shape (H,)
        norm_1(A)/temperature, norm_1(W) and norm_inf(W) of the heads, layer by layer.

    Returns
    -------
    log10_a, log10_b : list of float
        For layers 0..L; None if a bound becomes 0.

    Examples
    --------
    >>> one = [np.ones(1)]
    >>> a, b = a_priori_norms(4, 1.0, 1.0, one, one, one)
    >>> round(a[1], 4), round(b[1], 4)
    (0.2668, -0.0342)
    """
    with np.errstate(divide="ignore"):
        log_a, log_b = float(np.log(norm_1)), float(np.log(norm_inf))
        path = [(log_a, log_b)]
        for k, w_1, w_inf in zip(kappa, values_1, values_inf, strict=True):
            log_t = np.log(k) + log_a + log_b
            tanh = log_tanh(log_t - math.log(2.0))
            smooth = log_t - math.log(2.0) + 2.0 * np.exp(np.minimum(log_t, 650.0))
            log_a += float(logsumexp(np.minimum(math.log(T) + tanh, smooth) + np.log(w_1)))
            log_b += float(logsumexp(math.log(2.0) + tanh + np.log(w_inf)))
            path.append((log_a, log_b))
    steps = np.array(path) / math.log(10.0)
    if np.isneginf(steps).any():
        return None
    return steps[:, 0].tolist(), steps[:, 1].tolist()


def diameter_recursion(
    diameter: float, scores: Floats, values: Floats, L: int
) -> list[float] | None:
    """Return log10 of D_l, D' = D sum_h values_h tanh(scores_h D^2).

    Parameters
    ----------
    diameter : float
        D_0 >= 0.
    scores, values : ndarray of shape (H,)
        norm_2(A_h)/(4 temperature) and norm_2(W_h).
    L : int
        Number of layers.

    Returns
    -------
    list of float or None
        For layers 0..L; None if D becomes 0.

    Examples
    --------
    >>> diameter_recursion(1.0, np.array([0.25]), np.array([1.0]), 2)
    [0.0, -0.610978121..., -2.435026908...]
    """
    with np.errstate(divide="ignore"):
        log_d = float(np.log(diameter))
        path = [log_d]
        for _ in range(L):
            log_d += float(logsumexp(log_tanh(np.log(scores) + 2.0 * log_d) + np.log(values)))
            path.append(log_d)
    if any(math.isinf(x) for x in path):
        return None
    return [x / math.log(10.0) for x in path]
