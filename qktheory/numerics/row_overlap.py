"""Overlap of two softmax rows whose Gaussian logits are correlated key by key (ENT-14).

Rows a and b have T keys with logits s g_j and s g'_j, corr(g_j, g'_j) = rho. With the common part
s sqrt(rho) x of the two logits of a key given, they are independent, and with

    f(v) = E_y exp(-e^{v + s sqrt(1 - rho) y}),   k(v) = E_y K_{1,0}(v + s sqrt(1 - rho) y),
    Phi_2(u, w) = E_x f(u + s sqrt(rho) x) f(w + s sqrt(rho) x),
    E sum_j A_j B_j = T int int E_x[k k](u, w) Phi_2(u, w)^(T-1) du dw,

every term positive. The functions f and k are tabulated on one lattice, of which the nodes in u, w
and s sqrt(rho) x are parts; 1 - Phi_2 is assembled from 1 - f, so that no digits are lost. Where
s sqrt(rho) is large, u and w - u have grids of their own scales instead.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr

from qktheory.base.domains import Real
from qktheory.numerics.clenshaw_curtis import clenshaw_curtis
from qktheory.numerics.gaussian_row import mean_participation
from qktheory.numerics.gaussian_row_kernels import (
    DEPTH,
    DEVIATIONS,
    STEP_G,
    power_kernel,
    single_averages,
)
from qktheory.numerics.gaussian_row_lattice import freezing_point, row_window

__all__ = ["overlap_integral", "row_overlap"]

Floats = NDArray[np.float64]

#: Step of u and w; the trapezoidal error is e^(-pi^2/step) = 2e-14.
_STEP = 0.3
#: Finer lattices than this for the common part are replaced by a direct evaluation.
_MOST_STRIDE = 12
#: From this scale of the common part on, if also 3 freezing points and not much less than that of
#: the separate parts, u has a grid of its own.
_WIDE_S, _WIDE_FREEZING, _WIDE_COSINE = 8.0, 3.0, 0.25
#: Rules that are compared for the integral over rho, each with the nodes of the one before.
_RULES = (8, 16, 32, 64, 128)
_INTEGRAL_ERROR = 1e-8


def row_overlap(T: float, s: float, cosine: float) -> float:
    """Return E sum_j A_j B_j for two rows whose logits have correlation `cosine` (ENT-14a).

    Parameters
    ----------
    T : float
        Number of keys, 1 <= T <= 1e30.
    s : float
        Standard deviation of the logits, >= 0.
    cosine : float
        Correlation of the two logits of a key, 0 to 1; 0 gives 1/T and 1 gives E Y_2.

    Returns
    -------
    float
        Relative accuracy 1e-12.

    Raises
    ------
    ValueError
        If an argument is out of its domain.

    Examples
    --------
    >>> round(row_overlap(64, 1.0, 0.5), 12), round(row_overlap(1024, 4.0, 0.9), 12)
    (0.02481215245, 0.171043049238)
    """
    keys = Real(low=1.0, high=1e30).check("T", T)
    std = Real(low=0.0, high=1e6).check("s", s)
    rho = Real(low=0.0, high=1.0).check("cosine", cosine)
    if keys == 1.0 or std == 0.0 or rho == 0.0:
        return 1.0 / keys
    if rho == 1.0:
        return float(mean_participation(keys, std))
    return _overlap(keys, std, rho, math.sqrt(1.0 - rho))


def _overlap(T: float, s: float, rho: float, opposite: float) -> float:
    """Return the overlap; `opposite` is sqrt(1 - rho), which may be known more accurately."""
    common, separate = s * math.sqrt(rho), s * opposite
    # A Gaussian smears the edges of all functions where it is wide.
    step = _STEP * max(1.0, separate / (freezing_point(T) + 3.0))
    wide = common >= max(_WIDE_S, _WIDE_FREEZING * freezing_point(T))
    if wide and rho >= _WIDE_COSINE:
        return _by_distance(T, s, common, separate, step)
    return _on_square(T, s, common, separate, step)


def _on_square(T: float, s: float, common: float, separate: float, step: float) -> float:
    """Return the overlap as a sum over u and w of sums over x."""
    low, high, down, up = _window(T, s)
    u = low + step * np.arange(math.ceil((high - low) / step) + 1)
    stride = max(1, math.ceil(step / (STEP_G * common)))
    spacing = STEP_G if stride > _MOST_STRIDE else step / (stride * common)
    x = spacing * np.arange(-math.ceil(down / spacing), math.ceil(up / spacing) + 1)
    if stride > _MOST_STRIDE:
        points = (u[:, None] + common * x).ravel()
    else:
        fine = step / stride
        points = u[0] + common * x[0] + fine * np.arange(stride * (u.size - 1) + x.size)
    _, deficit, (kernel,) = single_averages(points, separate, [power_kernel(1.0)])
    if stride > _MOST_STRIDE:
        d, k = deficit.reshape(u.size, x.size), kernel.reshape(u.size, x.size)
    else:
        d, k = (
            np.lib.stride_tricks.sliding_window_view(values, x.size)[::stride]
            for values in (deficit, kernel)
        )
    weights = spacing * np.exp(math.log(T) - 0.5 * x * x) / math.sqrt(2.0 * math.pi)
    one = d @ weights
    # T (1 - Phi_2); the product is at most the smaller of the first two terms.
    missing = one[:, None] + one - (d * weights) @ d.T
    same = (k * weights) @ k.T
    return step * step * float(np.sum(same * _power(T, missing)))


def _by_distance(T: float, s: float, common: float, separate: float, step: float) -> float:
    """Return the overlap as a sum over u and w - u of integrals over v = u + common x.

    All functions of v have the scale of the separate parts, those of u the scale of s. With
    f' = -k, T (1 - Phi_2) = int (k(v) f(v + d) + f(v) k(v + d)) T P(u + common x > v) dv.
    """
    low, high, _, _ = _window(T, s)
    coarse = _STEP * s / (freezing_point(T) + 3.0)
    u = np.arange(low, high + coarse, coarse)
    reach = DEVIATIONS * separate
    # To the left k falls like e^v, against which the normal law of v grows at most like this.
    growth = (max(abs(low), abs(high)) + DEPTH) / common**2
    count = math.ceil((math.sqrt(2.0) * reach + DEPTH) / step)
    left = count + math.ceil((reach + DEPTH / max(1.0 - growth, 0.25)) / step)
    right = math.ceil((reach + 5.0) / step)
    points = step * np.arange(-left, right + count + 1, dtype=np.float64)
    survival, _, (kernel,) = single_averages(points, separate, [power_kernel(1.0)])
    size = left + right + 1
    v, f, k = points[:size], survival[:size], kernel[:size]
    f_far, k_far = (
        np.lib.stride_tricks.sliding_window_view(values, size) for values in (survival, kernel)
    )
    y = (v[:, None] - u) / common
    beyond = np.exp(math.log(T) + log_ndtr(-y))
    density = np.exp(math.log(T) - 0.5 * y * y) / (math.sqrt(2.0 * math.pi) * common)
    missing = step * (f_far * k + k_far * f) @ beyond
    same = step * (k_far * k) @ density
    # Both signs of w - u.
    twice = np.full(count + 1, 2.0)
    twice[0] = 1.0
    return coarse * step * float(twice @ np.sum(same * _power(T, missing), axis=1))


def _window(T: float, s: float) -> tuple[float, float, float, float]:
    """Return the range of u and the reach of g: that of one row, and what counts beside 1/T."""
    low, high, down, up = row_window(T, s, 2.0)
    if s < freezing_point(T):
        return low - s * s, high, down, up
    deepest = math.sqrt(2.0 * (2.0 * math.log(T) + DEPTH))
    return min(low, -s * deepest - 6.0), high, down, max(up, deepest)


def _power(T: float, missing: Floats) -> Floats:
    """Return Phi_2^(T - 1) from T (1 - Phi_2)."""
    with np.errstate(divide="ignore"):
        log_phi = np.log1p(-np.minimum(missing / T, 1.0))
    return np.asarray(np.exp((T - 1.0) * np.maximum(log_phi, -1e3)))


def overlap_integral(T: float, s: float) -> float:
    """Return s^2 times the integral of the overlap over the cosine, which is Var log Z (ENT-14c).

    Parameters
    ----------
    T : float
        Number of keys, 1 <= T <= 1e30.
    s : float
        Standard deviation of the logits, >= 0.

    Returns
    -------
    float
        Two rules agree to a relative 1e-8; the finer one, which is returned, is nearer to 1e-12.

    Raises
    ------
    ValueError
        If an argument is out of its domain, or the rules do not agree.

    Examples
    --------
    >>> round(overlap_integral(64, 1.0), 12)
    0.025609741494
    """
    keys = Real(low=1.0, high=1e30).check("T", T)
    std = Real(low=0.0, high=1e6).check("s", s)
    return std * std / keys if keys == 1.0 or std == 0.0 else _overlap_integral(keys, std)


# Up to a second: a claim, its wrong twin and its other routes ask for the same one.
@lru_cache(maxsize=256)
def _overlap_integral(keys: float, std: float) -> float:
    # z = sqrt(1 - rho): the overlap changes on the scales 1 and 1/s of z.
    stretch = math.asinh(std)
    known: dict[float, float] = {}

    def integrand(position: float) -> float:
        """Return 2 C z dz/dx at z(x), 0 <= x <= 1; it vanishes at x = 0."""
        if position not in known:
            z = math.sinh(stretch * position) / std
            rho = (1.0 - z) * (1.0 + z)
            overlap = _overlap(keys, std, rho, z) if rho > 1e-15 else 1.0 / keys
            known[position] = 2.0 * overlap * z * stretch * math.cosh(stretch * position) / std
        return known[position]

    before = math.inf
    for intervals in _RULES:
        angles = np.arange(intervals) * (0.5 * math.pi / intervals)
        values = [integrand(math.cos(angle) ** 2) for angle in angles]
        after = std * std * float(0.5 * clenshaw_curtis(intervals)[:-1] @ values)
        if abs(after - before) <= _INTEGRAL_ERROR * after:
            return after
        before = after
    raise ValueError(
        f"s = {std:g}, T = {keys:g}: expected values at which the rules for the cosine agree"
    )
