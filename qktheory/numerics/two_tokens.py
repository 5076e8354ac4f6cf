"""Two tokens c +- r in one dimension: attention in closed form (RANK-5)."""

from __future__ import annotations

import math

__all__ = [
    "antipodal_trajectory",
    "collapse_threshold",
    "gap_ratio",
    "skip_half_gap",
    "slope_of_log",
]

#: Below this tanh(y) is y to double precision, and so is every odd function with slope 1.
_LINEAR = 1e-9


def antipodal_trajectory(
    half_gap: float, score_gain: float, value_gain: float, L: int
) -> list[float] | None:
    """Return log10 |r_l|, l = 0..L, of r' = w r tanh(a r^2).

    Parameters
    ----------
    half_gap, score_gain, value_gain : float
        r_0, a and w.
    L : int
        Number of layers.

    Returns
    -------
    list of float or None
        None if some r_l is 0.

    Raises
    ------
    OverflowError
        If the exponent of r_L is beyond double precision.

    Examples
    --------
    >>> antipodal_trajectory(0.5, 1.0, 1.0, 7)[-1]
    -664.86182779...
    """
    if half_gap == 0.0 or (L > 0 and score_gain * value_gain == 0.0):
        return None
    r, exponent = math.frexp(abs(half_gap))
    a, a_exponent = math.frexp(abs(score_gain))
    w, w_exponent = math.frexp(abs(value_gain))
    trajectory = [math.log10(abs(half_gap))]
    for _ in range(L):
        y, y_exponent = a * r * r, a_exponent + 2 * exponent
        if y_exponent > 8:
            y, y_exponent = 1.0, 0  # the tanh of more than 32
        elif y_exponent > -30:
            y, y_exponent = math.tanh(math.ldexp(y, y_exponent)), 0
        r, shift = math.frexp(r * w * y)
        exponent += w_exponent + y_exponent + shift
        trajectory.append(
            math.log10(math.ldexp(r, exponent))
            if abs(exponent) < 900
            else math.log10(r) + exponent * math.log10(2.0)
        )
    return trajectory


def gap_ratio(center: float, half_gap: float, score_gain: float) -> float:
    """Return sigma(2ar(c + r)) - sigma(2ar(c - r)) for the logistic function sigma.

    Parameters
    ----------
    center, half_gap, score_gain : float
        c, r and a.

    Returns
    -------
    float
        With relative accuracy: sinh(D)/(cosh(D) + cosh(m)), D = 2 a r^2, m = 2 a r c.

    Examples
    --------
    >>> gap_ratio(0.0, 0.5, 1.0) == math.tanh(0.25)
    True
    """
    width, middle = 2.0 * score_gain * half_gap**2, abs(2.0 * score_gain * half_gap * center)
    size = abs(width)
    # Numerator and denominator divided by e^size/2.
    above = -math.expm1(-2.0 * size)
    below = 1.0 + math.exp(-2.0 * size) + math.exp(-middle - size)
    if middle - size > 700.0:
        return math.copysign(above * math.exp(size - middle), width)
    return math.copysign(above / (below + math.exp(middle - size)), width)


def collapse_threshold(score_gain: float, value_gain: float) -> float:
    """Return r* = sqrt(artanh(1/|w|)/|a|), above which tokens do not collapse.

    Parameters
    ----------
    score_gain : float
        a, not 0.
    value_gain : float
        w, above 1 in modulus.

    Returns
    -------
    float

    Examples
    --------
    >>> round(collapse_threshold(1.0, 1.3), 12)
    1.009178360663
    """
    return math.sqrt(0.5 * math.log1p(2.0 / (abs(value_gain) - 1.0)) / abs(score_gain))


def slope_of_log(y: float) -> float:
    """Return d log r'/d log r = 1 + 4y/sinh(2y), y = a r^2.

    Parameters
    ----------
    y : float

    Returns
    -------
    float

    Examples
    --------
    >>> slope_of_log(0.0), slope_of_log(500.0)
    (3.0, 1.0)
    """
    if abs(y) < _LINEAR:
        return 3.0
    if abs(y) > 350.0:
        return 1.0
    return 1.0 + 4.0 * y / math.sinh(2.0 * y)


def skip_half_gap(half_gap: float, score_gain: float, value_gain: float, L: int) -> float:
    """Return r_L of r' = r (1 + w tanh(a r^2)), two tokens with a skip connection.

    Parameters
    ----------
    half_gap, score_gain, value_gain : float
        r_0, a and w.
    L : int
        Number of layers.

    Returns
    -------
    float

    Raises
    ------
    OverflowError
        If r grows beyond double precision.

    Examples
    --------
    >>> round(skip_half_gap(0.5, 1.0, -1.0, 100), 12)
    0.068962573061
    """
    r = half_gap
    for _ in range(L):
        r = r * (1.0 + value_gain * math.tanh(score_gain * r * r))
    if not math.isfinite(r):
        raise OverflowError("the half gap grows beyond double precision")
    return r
