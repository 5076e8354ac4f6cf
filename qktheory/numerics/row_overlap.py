"""Overlap of two softmax rows whose Gaussian logits are correlated key by key (ENT-14).

Rows a and b have T keys with logits s g_j and s g'_j, corr(g_j, g'_j) = rho. With the common part
s sqrt(rho) x of the two logits of a key given, they are independent, and with

    f(v) = E_y exp(-e^{v + s sqrt(1 - rho) y}),   k(v) = E_y K_{1,0}(v + s sqrt(1 - rho) y),
    Phi_2(u, w) = E_x f(u + s sqrt(rho) x) f(w + s sqrt(rho) x),
    E sum_j A_j B_j = T int int E_x[k k](u, w) Phi_2(u, w)^(T-1) du dw,

every term positive. The functions f and k are tabulated on one lattice, of which the nodes in u, w
and s sqrt(rho) x are parts; 1 - Phi_2 is assembled from 1 - f, so that no digits are lost.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import roots_legendre

from qktheory.base.domains import Real
from qktheory.numerics.gaussian_row import mean_participation
from qktheory.numerics.gaussian_row_kernels import STEP_G, power_kernel, single_averages
from qktheory.numerics.gaussian_row_lattice import freezing_point, row_window

__all__ = ["overlap_integral", "row_overlap"]

Floats = NDArray[np.float64]

#: Step of u and w; the trapezoidal error is e^(-pi^2/step) = 2e-14.
_STEP = 0.3
#: Finer lattices than this for the common part are replaced by a direct evaluation.
_MOST_STRIDE = 12
#: Multiplications beyond which an overlap is refused: some seconds.
_MOST_WORK = 3e10
#: Gauss rules in sqrt(1 - rho) that are compared for the integral over rho.
_RULES = (12, 20, 32, 48)
_INTEGRAL_ERROR = 1e-10


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
        If an argument is out of its domain, or the common and the separate parts of the logits
        have scales so far apart (s large and cosine near 1) that no grid of reasonable size
        serves both.

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
    low, high, down, up = row_window(T, s, 2.0)
    low -= s * s if s < freezing_point(T) else 0.0
    common, separate = s * math.sqrt(rho), s * opposite
    # A Gaussian smears the edges of all functions where it is wide.
    step = _STEP * max(1.0, separate / (freezing_point(T) + 3.0))
    u = low + step * np.arange(math.ceil((high - low) / step) + 1)
    stride = max(1, math.ceil(step / (STEP_G * common)))
    spacing = STEP_G if stride > _MOST_STRIDE else step / (stride * common)
    x = spacing * np.arange(-math.ceil(down / spacing), math.ceil(up / spacing) + 1)
    if not float(u.size) ** 2 * x.size < _MOST_WORK:
        raise ValueError(
            f"s = {s:g}, cosine = {rho:g}: expected logits whose common and separate parts have "
            "less different scales"
        )
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
    with np.errstate(divide="ignore"):
        log_phi = np.log1p(-np.minimum(missing / T, 1.0))
    same = (k * weights) @ k.T
    return step * step * float(np.sum(same * np.exp((T - 1.0) * np.maximum(log_phi, -1e3))))


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
        Relative accuracy 1e-9, the agreement of two Gauss rules in sqrt(1 - cosine).

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
    if keys == 1.0 or std == 0.0:
        return std * std / keys
    before = math.inf
    for size in _RULES:
        nodes, weights = roots_legendre(size)
        z = 0.5 * (1.0 + nodes)
        values = [_overlap(keys, std, (1.0 - x) * (1.0 + x), float(x)) for x in z]
        after = std * std * float(np.sum(weights * z * values))
        if abs(after - before) <= _INTEGRAL_ERROR * after:
            return after
        before = after
    raise ValueError(
        f"s = {s:g}, T = {T:g}: expected values at which the rules for the cosine agree"
    )
