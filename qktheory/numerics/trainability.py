"""Where attention at initialisation can be trained: lines of entropy and rank collapse (ENT-16).

Entropy collapses where logits of width s0 sqrt(1 - cosine) are frozen, rank where the cosine
reaches 1 - epsilon within L layers. Closed forms are those of the diffuse phase, in which the
log-odds of the cosine grow by log(1 + sigma_V^2/alpha^2) a layer.
"""

from __future__ import annotations

import math

from scipy.optimize import brentq
from scipy.special import expit, logit

from qktheory.numerics.cosine_odds import log_odds_growth
from qktheory.numerics.depth_recursion import cosine_layers

__all__ = [
    "branch_scaled_cosine",
    "collapse_width",
    "critical_depth",
    "exit_cosine",
    "least_skip",
    "least_skip_deep",
    "least_skip_of_rows",
    "odds_to_gain",
]


def odds_to_gain(cosine_0: float, epsilon: float) -> float:
    """Return R, the growth of the log-odds from cosine_0 to 1 - epsilon.

    Parameters
    ----------
    cosine_0, epsilon : float
        In (0, 1).

    Returns
    -------
    float
        Negative if cosine_0 is beyond 1 - epsilon already.

    Examples
    --------
    >>> round(odds_to_gain(0.1, 0.01), 12)
    6.792344427471
    """
    return float(-logit(epsilon) - logit(cosine_0))


def critical_depth(cosine_0: float, epsilon: float, alpha: float, sigma_V: float) -> float:
    """Return the number of diffuse layers, a real number, after which the cosine is 1 - epsilon.

    Parameters
    ----------
    cosine_0, epsilon : float
        Cosine before the first layer and tolerance, in (0, 1).
    alpha, sigma_V : float
        Weights of the skip, >= 0, and of the values, > 0.

    Returns
    -------
    float
        0 for alpha = 0, where one layer collapses everything; infinite for sigma_V = 0.

    Examples
    --------
    >>> round(critical_depth(0.1, 0.01, 1.0, 1.0), 9)
    9.799281622
    """
    growth = log_odds_growth(alpha, sigma_V)
    gain = odds_to_gain(cosine_0, epsilon)
    return gain / growth if growth > 0.0 else math.copysign(math.inf, gain)


def least_skip(cosine_0: float, epsilon: float, sigma_V: float, L: float) -> float | None:
    """Return the skip alpha_min below which L diffuse layers reach 1 - epsilon.

    Parameters
    ----------
    cosine_0, epsilon : float
        In (0, 1).
    sigma_V : float
        Weight of the values, >= 0.
    L : float
        Number of layers, > 0.

    Returns
    -------
    float or None
        sigma_V/sqrt(e^(R/L) - 1); None where the cosine starts beyond 1 - epsilon, which no skip
        mends.

    Examples
    --------
    >>> round(least_skip(0.1, 0.01, 1.0, 12), 9), least_skip(0.95, 0.1, 1.0, 12)
    (1.146129989, None)
    """
    rate = odds_to_gain(cosine_0, epsilon) / L
    if rate <= 0.0:
        return None
    return sigma_V * math.exp(-rate / 2.0) / math.sqrt(-math.expm1(-rate))


def least_skip_deep(cosine_0: float, epsilon: float, sigma_V: float, L: float) -> float | None:
    """Return sigma_V sqrt(L/R), what `least_skip` is for many layers; same arguments.

    Examples
    --------
    >>> round(least_skip_deep(0.1, 0.01, 1.0, 12), 9)
    1.329170742
    """
    gain = odds_to_gain(cosine_0, epsilon)
    return sigma_V * math.sqrt(L / gain) if gain > 0.0 else None


def least_skip_of_rows(
    T: float, s0: float, cosine_0: float, epsilon: float, sigma_V: float, L: int
) -> float | None:
    """Return alpha_min by the recursion with exact rows of T keys instead of the diffuse form.

    Parameters
    ----------
    T, s0, L
        As in `qktheory.numerics.depth_recursion.cosine_layers`, whose cosine after L layers is
        1 - epsilon at this skip. It costs about twenty evaluations of it.
    cosine_0, epsilon, sigma_V
        As in `least_skip`.

    Returns
    -------
    float or None
        0 where L layers stay below 1 - epsilon without any skip; None as in `least_skip`.
        Relative accuracy 1e-8.

    Examples
    --------
    >>> least_skip_of_rows(1e9, 0.5, 0.1, 0.01, 1.0, 4), least_skip(0.1, 0.01, 1.0, 4)
    (0.47332905..., 0.47332905...)
    """
    diffuse = least_skip(cosine_0, epsilon, sigma_V, L)
    if diffuse is None:
        return None

    def excess(alpha: float) -> float:
        return float(cosine_layers(T, s0, alpha, sigma_V, cosine_0, L)[-1]) - (1.0 - epsilon)

    if sigma_V == 0.0 or excess(0.0) <= 0.0:
        return 0.0
    # Finite rows overlap, so that cosines may also grow faster than in the diffuse form.
    above = diffuse
    while excess(above) > 0.0:
        above *= 2.0
    return float(brentq(excess, 0.0, above, xtol=1e-9 * above, rtol=1e-9))


def branch_scaled_cosine(cosine_0: float, sigma_V: float, L: float = math.inf) -> float:
    """Return the cosine after L diffuse layers whose branches are scaled by L^(-1/2) (ENT-16d).

    Parameters
    ----------
    cosine_0 : float
        In [0, 1].
    sigma_V : float
        Weight of the values, >= 0; the skip is sqrt(L).
    L : float, optional
        Number of layers; infinitely many by default, where odds grow by exp(sigma_V^2) in all.

    Returns
    -------
    float

    Examples
    --------
    >>> round(branch_scaled_cosine(0.1, 1.0, 12), 9), round(branch_scaled_cosine(0.1, 1.0), 9)
    (0.225008813, 0.231969317)
    """
    variance = sigma_V * sigma_V
    growth = variance if math.isinf(L) else L * log_odds_growth(math.sqrt(L), sigma_V)
    return float(expit(logit(cosine_0) + growth))


def collapse_width(s_half_capacity: float, cosine: float) -> float:
    """Return the s0 beyond which tokens of a cosine < 1 freeze: s_half_capacity/sqrt(1 - cosine).

    Parameters
    ----------
    s_half_capacity : float
        Width of the freezing of a row of T keys (ENT-8a), or s_c for its large-T asymptote.
    cosine : float
        Below 1.

    Returns
    -------
    float

    Examples
    --------
    >>> round(collapse_width(2.8806375943, 0.5), 8)
    4.07383675
    """
    return s_half_capacity / math.sqrt(1.0 - cosine)


def exit_cosine(s_half_capacity: float, s0: float) -> float:
    """Return the cosine at which layers of width s0 leave the frozen phase (ENT-16c).

    Parameters
    ----------
    s_half_capacity : float
        As in `collapse_width`.
    s0 : float
        Logit width at cosine 0, > 0.

    Returns
    -------
    float
        Negative where no cosine is frozen.

    Examples
    --------
    >>> round(exit_cosine(2.8806375943, 6.0), 8)
    0.76949797
    """
    ratio = s_half_capacity / s0
    return (1.0 - ratio) * (1.0 + ratio)
