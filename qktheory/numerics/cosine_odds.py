"""The odds of the cosine of two tokens in depth, where no two rows share a key (ENT-15b, d).

As T grows rows overlap in no key; the odds o = cosine/(1 - cosine) then grow by a factor a layer,
the same one at every depth as long as attention is diffuse.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from qktheory.base.errors import bad_value

__all__ = ["branch_shares", "cosine_layers_diffuse", "cosine_layers_large_t", "log_odds_growth"]

FloatArray = NDArray[np.float64]


def branch_shares(alpha: float, sigma_V: float) -> tuple[float, float]:
    """Return the shares of the skip and of the values, alpha^2 and sigma_V^2 over their sum.

    Parameters
    ----------
    alpha, sigma_V : float
        Weights, >= 0.

    Returns
    -------
    tuple of float

    Raises
    ------
    ValueError
        If both are 0.

    Examples
    --------
    >>> branch_shares(1e-200, 1e-200)
    (0.5000000000000001, 0.5000000000000001)
    """
    size = math.hypot(alpha, sigma_V)
    if size == 0.0:
        raise bad_value("sigma_V", sigma_V, "a number > 0 where alpha = 0: the layer returns 0")
    return (alpha / size) ** 2, (sigma_V / size) ** 2


def cosine_layers_large_t(
    T: float, s0: float, alpha: float, sigma_V: float, cosine_0: float, L: int
) -> FloatArray:
    """Return the cosines after layers 1..L with C = 0, Y = max(0, 1 - s_c/s) (ENT-15b).

    The odds o = cosine/(1 - cosine) obey o' = o (1 + v)/(1 + v Y), v = sigma_V^2/alpha^2.

    Parameters
    ----------
    T : float
        Number of keys, >= 1; it enters through s_c = sqrt(2 log T) alone.
    s0 : float
        Logit width at cosine 0, >= 0.
    alpha, sigma_V : float
        Weights of the skip and of the values, >= 0, not both 0.
    cosine_0 : float
        Cosine before the first layer, in [0, 1].
    L : int
        Number of layers, >= 1.

    Returns
    -------
    ndarray of shape (L,)

    Raises
    ------
    ValueError
        For alpha = sigma_V = 0, and for alpha = 0 and cosine 0 in the diffuse phase, where the map
        is 0/0.

    Examples
    --------
    >>> cosine_layers_large_t(512, 6.0, 0.5, 1.0, 0.1, 2).round(8)
    array([0.18076504, 0.31507375])
    """
    a, v = branch_shares(alpha, sigma_V)
    freezing = math.sqrt(2.0 * math.log(T))
    cosine, gap, found = cosine_0, 1.0 - cosine_0, np.empty(L)
    for layer in range(L):
        s = s0 * math.sqrt(gap)
        Y = max(0.0, 1.0 - freezing / s) if s > 0.0 else 0.0
        kept = gap * (a + v * Y)
        if cosine + kept == 0.0:
            raise ValueError("the layer maps every token to 0: no cosine is left")
        cosine, gap = cosine / (cosine + kept), kept / (cosine + kept)
        found[layer] = cosine
    return found


def log_odds_growth(alpha: float, sigma_V: float) -> float:
    """Return log(1 + sigma_V^2/alpha^2), what a diffuse layer adds to the log-odds (ENT-15d).

    Parameters
    ----------
    alpha, sigma_V : float
        Weights of the skip and of the values, >= 0.

    Returns
    -------
    float
        Infinite for alpha = 0.

    Examples
    --------
    >>> round(log_odds_growth(1.0, 1.0), 12), log_odds_growth(1e-200, 1e200) > 1800.0
    (0.69314718056, True)
    """
    if alpha == 0.0 or sigma_V == 0.0:
        return 0.0 if sigma_V == 0.0 else math.inf
    log_ratio = 2.0 * (math.log(sigma_V) - math.log(alpha))
    return math.log1p((sigma_V / alpha) ** 2) if log_ratio < 600.0 else log_ratio


def cosine_layers_diffuse(alpha: float, sigma_V: float, cosine_0: float, L: int) -> FloatArray:
    """Return the cosines after layers 1..L of diffuse attention (ENT-15d).

    The odds grow by 1 + sigma_V^2/alpha^2 a layer.

    Parameters
    ----------
    alpha, sigma_V : float
        Weights of the skip, > 0, and of the values, >= 0.
    cosine_0 : float
        Cosine before the first layer, in [0, 1].
    L : int
        Number of layers, >= 1.

    Returns
    -------
    ndarray of shape (L,)

    Examples
    --------
    >>> cosine_layers_diffuse(1.0, 1.0, 0.1, 3).round(8)
    array([0.18181818, 0.30769231, 0.47058824])
    """
    growth = log_odds_growth(alpha, sigma_V)
    return np.asarray(expit(logit(cosine_0) + growth * np.arange(1, L + 1)))
