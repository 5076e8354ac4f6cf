"""Limits of a Gaussian row in the random energy model: frozen weights, single spikes, the window.

The row has T logits s g_j; s_c = sqrt(2 ln T), b = s/s_c, m = 1/b. Above freezing (b > 1) the
weights tend to the Poisson-Dirichlet law PD(m, 0) (ENT-5); below it one spike makes the mean
participation (ENT-6); around it the partition function is a truncated mean (ENT-7).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import beta, digamma, log_expit, log_ndtr, zeta

from qktheory.base.arrays import real_array
from qktheory.base.domains import Real
from qktheory.base.errors import bad_value
from qktheory.numerics.logarithm import scaled_log_remainder
from qktheory.numerics.mills import (
    inverse_mills,
    log_scaled_cdf,
    mills_excess,
    one_minus_mills_slope,
)

__all__ = [
    "SpikeValues",
    "WindowValues",
    "freezing_scale",
    "frozen_entropy",
    "frozen_power_sum",
    "laplace_participation",
    "single_spike",
    "window_of_freezing",
]

_Floats = NDArray[np.float64]

_COUNT = Real(low=1.0, high=1e300)
_STD = Real(low=0.0, high=1e100)
_SHARE = Real(low=0.0, high=1.0, low_open=True, high_open=True)
_ORDER = Real(low=0.0, high=1e4, low_open=True)
_ZETA = zeta(np.arange(2.0, 42.0))
#: Half-width, in standard deviations of the sharpest Gaussian, of what a trapezoid needs.
_REACH = 9.5


def freezing_scale(T: ArrayLike) -> _Floats:
    """Return s_c = sqrt(2 ln T), the freezing point.

    Parameters
    ----------
    T : array_like
        Numbers of keys, 1 to 1e300.

    Returns
    -------
    ndarray
        Shape of `T`.

    Raises
    ------
    ValueError
        If an entry is not a number of that range.

    Examples
    --------
    >>> round(float(freezing_scale(1024)), 10)
    3.7232974111
    """
    return np.asarray(np.sqrt(2.0 * np.log(real_array("T", T, _COUNT))))


# --- frozen phase ---------------------------------------------------------------------------------


def frozen_power_sum(diffuse: float, q: float) -> float:
    """Return E Y_q of PD(m, 0), Gamma(q - m)/(Gamma(q) Gamma(1 - m)) (ENT-5).

    Parameters
    ----------
    diffuse : float
        1 - m, above 0, at most 1 (a single weight): it keeps its digits close to freezing.
    q : float
        Order, > m and <= 1e4.

    Returns
    -------
    float
        Relative error below 1e-12 for q <= 100, then about q epsilons.

    Raises
    ------
    ValueError
        If an argument is out of its domain.

    Examples
    --------
    >>> round(frozen_power_sum(0.5, 2.0), 14), round(frozen_power_sum(0.25, 3.0), 14)
    (0.5, 0.15625)
    """
    gap = Real(low=0.0, high=1.0, low_open=True).check("diffuse", diffuse)
    order = _ORDER.check("q", q)
    m = 1.0 - gap
    above = order - 1.0 + gap
    if above <= 0.0:
        raise bad_value("q", q, f"a number > m = {m:g}")
    if m == 0.0:
        return 1.0
    # Gamma(m) Gamma(1 - m) = pi/sin(pi m).
    return float(beta(above, m)) * math.sin(math.pi * min(m, gap)) / math.pi


def frozen_entropy(m: float) -> float:
    """Return E H of PD(m, 0), psi(1) - psi(1 - m) (ENT-5), in nats.

    Parameters
    ----------
    m : float
        s_c/s, between 0 and 1.

    Returns
    -------
    float
        Relative error below 1e-14.

    Raises
    ------
    ValueError
        If m is not inside (0, 1).

    Examples
    --------
    >>> round(frozen_entropy(0.5) / math.log(2.0), 12)
    2.0
    """
    m = _SHARE.check("m", m)
    if m < 0.3:
        # sum_k zeta(k + 1) m^k: the difference of digammas would cancel.
        return float(m * np.polynomial.polynomial.polyval(m, _ZETA))
    return float(-np.euler_gamma - digamma(1.0 - m))


# --- below freezing: one spike --------------------------------------------------------------------


class SpikeValues(NamedTuple):
    """Means of a row in which one logit competes with the mean of all others (ENT-6b).

    Attributes
    ----------
    mean_participation : float or ndarray
        T E sigmoid(s g - ln M)^2 with M = T e^(s^2/2).
    log_z_shift : float or ndarray
        T E[ln(1 + e^(s g)/M) - e^(s g)/M], the shift of E ln Z from ln M.
    """

    mean_participation: _Floats
    log_z_shift: _Floats


def single_spike(T: ArrayLike, s: ArrayLike) -> SpikeValues:
    """Return the single-spike values of a row below freezing (ENT-6b).

    Parameters
    ----------
    T : array_like
        Numbers of keys, above 1, up to 1e300.
    s : array_like
        Standard deviations of the logits, 0 <= s < s_c(T), broadcast against `T`.

    Returns
    -------
    SpikeValues
        Arrays of the broadcast shape, relative error below 1e-12.

    Raises
    ------
    ValueError
        If an argument is out of its domain or s >= s_c(T).

    Notes
    -----
    The logarithms of both integrands are concave in g with curvature -1 at least, up to bounded
    factors, and both peak at min(2 s, ln M/s); poles lie pi/s off the real axis. A trapezoid on
    9.5 units around the peak with a step that respects both is at rounding.

    Examples
    --------
    >>> spike = single_spike(1e12, 3.716922)
    >>> f"{spike.mean_participation:.9e} {spike.log_z_shift:.9e}"
    '9.289851977e-07 -4.812031780e-07'
    """
    counts, scales = np.broadcast_arrays(real_array("T", T, _COUNT), real_array("s", s, _STD))
    below = scales < np.sqrt(2.0 * np.log(counts))
    if not below.all():
        where = np.argwhere(~below)[0]
        at = float(scales[tuple(where)])
        raise bad_value("s", at, f"a number < s_c = sqrt(2 ln T) at T = {counts[tuple(where)]:g}")
    log_t, widths = np.log(counts)[..., None], scales[..., None]
    log_m = log_t + 0.5 * widths**2
    step = min(0.5, 0.4 / max(float(scales.max()), 1e-3))
    # Where ln M/s overflows, 2 s is the smaller one.
    saturation = log_m / np.maximum(widths, 1e-6)
    peak = np.minimum(2.0 * widths, saturation)
    g = peak + step * np.arange(-math.ceil(_REACH / step), math.ceil(_REACH / step) + 1)
    x = widths * g - log_m
    gauss = log_t - 0.5 * g * g
    with np.errstate(under="ignore"):
        squares = np.exp(gauss + 2.0 * log_expit(x))
        low = np.exp(np.minimum(x, 0.0))
        small = np.exp(gauss + 2.0 * np.minimum(x, 0.0)) * scaled_log_remainder(low)
        high = np.maximum(x, 0.0)
        large = np.exp(gauss + high) * (1.0 - (high + np.log1p(np.exp(-high))) * np.exp(-high))
    unit = step / math.sqrt(2.0 * math.pi)
    return SpikeValues(
        unit * np.sum(squares, axis=-1), -unit * np.sum(np.where(x < 0.0, small, large), axis=-1)
    )


def laplace_participation(T: float, s: float) -> float:
    """Return the single-spike participation by Laplace's method, 1/sqrt(3) < b < 1 (ENT-6c).

    T phi(g*)/s pi (kappa - 1)/sin(pi (kappa - 1)), g* = ln M/s, kappa = g*/s.

    Parameters
    ----------
    T : float
        Number of keys, above 1, up to 1e300.
    s : float
        Standard deviation of the logits, s_c/sqrt(3) < s < s_c.

    Returns
    -------
    float
        Near rounding, times the condition of g*^2/2 - ln T.

    Raises
    ------
    ValueError
        If an argument is out of its domain.

    Examples
    --------
    >>> f"{laplace_participation(1e12, 5.575383):.9e}"
    '8.867297975e-03'
    """
    log_t = math.log(_COUNT.check("T", T))
    scale = _STD.check("s", s)
    square = scale * scale
    # kappa - 1 = (1 - b^2)/(2 b^2) and 2 - kappa, without a difference of numbers near one.
    below, above = (2.0 * log_t - square), (3.0 * square - 2.0 * log_t)
    if not (below > 0.0 and above > 0.0):
        raise bad_value("s", s, f"s_c/sqrt(3) < s < s_c = {math.sqrt(2.0 * log_t):g}")
    excess = below / (2.0 * square)
    smaller = min(excess, above / (2.0 * square))
    # ln T - g*^2/2 = -(L/s - s/2)^2/2 with L = ln T.
    exponent = -0.5 * (log_t / scale - 0.5 * scale) ** 2
    prefactor = math.pi * excess / math.sin(math.pi * smaller)
    return math.exp(exponent) / (math.sqrt(2.0 * math.pi) * scale) * prefactor


# --- the window around freezing -------------------------------------------------------------------


class WindowValues(NamedTuple):
    """Leading order in the window s_c - s = O(1) (ENT-7a), delta = s_c - s.

    Attributes
    ----------
    mean_log_z : ndarray
        ln T + s^2/2 + ln Phi(delta).
    mean_participation : ndarray
        mills(delta)/s.
    mean_entropy : ndarray
        ln T - s^2/2 + s mills(delta) + ln Phi(delta), in nats.
    heat_capacity_rate : ndarray
        C/s^2 = 1 - mills(delta) (mills(delta) + delta).
    """

    mean_log_z: _Floats
    mean_participation: _Floats
    mean_entropy: _Floats
    heat_capacity_rate: _Floats


def window_of_freezing(T: ArrayLike, s: ArrayLike) -> WindowValues:
    """Return the leading order of a row around freezing, as written, for any s (ENT-7a).

    Parameters
    ----------
    T : array_like
        Numbers of keys, 1 to 1e300.
    s : array_like
        Standard deviations of the logits, > 0, broadcast against `T`.

    Returns
    -------
    WindowValues
        Relative error below 1e-12: beyond s_c the terms of size s^2 are cancelled by hand.

    Raises
    ------
    ValueError
        If an argument is out of its domain.

    Examples
    --------
    >>> window = window_of_freezing(1e12, [7.0, 8.5])
    >>> window.mean_participation.round(8)
    array([0.07767735, 0.18569077])
    """
    positive = Real(low=0.0, high=1e100, low_open=True)
    counts, scales = np.broadcast_arrays(real_array("T", T, _COUNT), real_array("s", s, positive))
    freezing = np.sqrt(2.0 * np.log(counts))
    delta = freezing - scales
    # Frozen: ln Phi(delta) = -delta^2/2 + ln(erfcx/2), and s s_c is what is left of the squares.
    rest = log_scaled_cdf(np.maximum(-delta, 0.0))
    log_cdf = log_ndtr(np.maximum(delta, 0.0))
    diffuse = delta > 0.0
    half = 0.5 * delta * (freezing + scales)
    return WindowValues(
        np.where(diffuse, 0.5 * (freezing**2 + scales**2) + log_cdf, scales * freezing + rest),
        inverse_mills(delta) / scales,
        np.where(
            diffuse,
            half + scales * inverse_mills(delta) + log_cdf,
            scales * mills_excess(delta) + rest,
        ),
        one_minus_mills_slope(delta),
    )
