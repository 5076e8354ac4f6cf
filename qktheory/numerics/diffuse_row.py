"""Expansion of the moments of a Gaussian row in 1/T at fixed s (ENT-4)."""

from __future__ import annotations

import math

__all__ = ["entropy_influence", "participation_bracket", "scaled_variance"]


def scaled_variance(s: float) -> float:
    """Return e^{s^2} - 1, the limit of T Var log Z.

    Parameters
    ----------
    s : float
        Standard deviation of the logits.

    Returns
    -------
    float

    Raises
    ------
    OverflowError
        Above s = 26.6.

    Examples
    --------
    >>> scaled_variance(0.5)
    0.284025416687...
    """
    return math.expm1(s * s)


def entropy_influence(s: float) -> float:
    """Return e^{s^2} (1 - s^2 + s^4) - 1, the limit of T Var H.

    Parameters
    ----------
    s : float
        Standard deviation of the logits.

    Returns
    -------
    float
        Relative accuracy of rounding for any s; s^4/2 + 2 s^6/3 + ... for small s.

    Raises
    ------
    OverflowError
        Above s = 26.6.

    Examples
    --------
    >>> entropy_influence(1e-3)
    5.00000666667...e-13
    """
    x = s * s
    if x > 1.0:
        return math.exp(x) * (1.0 - x + x * x) - 1.0
    # The coefficient of x^k is (k - 1)^2/k!.
    return math.fsum((k - 1) ** 2 / math.factorial(k) * x**k for k in range(24, 1, -1))


def participation_bracket(s: float) -> float:
    """Return -1 + 3 e^{s^2} - 2 e^{2 s^2}, which over T is the relative correction of E Y_2.

    Parameters
    ----------
    s : float
        Standard deviation of the logits.

    Returns
    -------
    float
        Relative accuracy of rounding for any s; it is (e^{s^2} - 1)(1 - 2 e^{s^2}).

    Raises
    ------
    OverflowError
        Above s = 18.8.

    Examples
    --------
    >>> participation_bracket(1e-8)
    -1.00...e-16
    """
    grown = math.expm1(s * s)
    return -grown * (1.0 + 2.0 * grown)
