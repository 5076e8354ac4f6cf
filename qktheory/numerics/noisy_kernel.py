"""Edge of a linear random kernel plus free noise (RMT-4b).

sqrt(T) (A - J) is a product of Gaussian and query-key matrices of variance s^2 a column, plus free
noise of variance c^2 - s^2 (the Hermite expansion of the exponential kernel).
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from qktheory.base.domains import Choice, Real

__all__ = ["KERNEL_ENSEMBLES", "kernel_edge", "linear_share"]

FloatArray = NDArray[np.float64]

#: Ensembles of W_QK whose squared singular values enter in closed form.
KERNEL_ENSEMBLES = ("equal", "ginibre")
_ENSEMBLE = Choice(KERNEL_ENSEMBLES)
_VARIANCE = Real(low=0.0, high=700.0)
_ASPECT = Real(low=0.0, low_open=True)


def linear_share(s2: float) -> tuple[float, float]:
    """Return p = s2/c2 and 1 - p, c2 = exp(s2) - 1: the shares of the linear part and the noise.

    Parameters
    ----------
    s2 : float
        Variance of a score, 0 <= s2 <= 700.

    Returns
    -------
    (float, float)
        (1, 0) at s2 = 0. Both to rounding.

    Raises
    ------
    ValueError
        If s2 is out of its domain.

    Examples
    --------
    >>> linear_share(1e-9)
    (0.9999999995, 4.9999999...e-10)
    """
    x = _VARIANCE.check("s2", s2)
    if x == 0.0:
        return 1.0, 0.0
    c2 = math.expm1(x)
    if x > 0.5:
        return x / c2, 1.0 - x / c2
    # e^x - 1 - x by its series, without cancellation.
    term = rest = 0.5 * x * x
    k = 2
    while term > 1e-18 * rest:
        k += 1
        term *= x / k
        rest += term
    return x / c2, rest / c2


def kernel_edge(s2: float, d_over_T: float, ensemble: Literal["equal", "ginibre"]) -> float:
    """Return the limit of sqrt(T) times the second singular value of A.

    Parameters
    ----------
    s2 : float
        Variance of an off-diagonal score, 0 <= s2 <= 700.
    d_over_T : float
        delta = d/T > 0.
    ensemble : {"equal", "ginibre"}
        All singular values of W_QK equal, P = 1 + y/delta; or iid Gaussian entries (also a
        symmetric Gaussian W_QK), P = (1 + y/delta)^2.

    Returns
    -------
    float
        min over y > 0 of omega + (c2 - s2)(1 + y)/omega, omega^2 = s2 (1 + y)^2 P(y)/y.

    Raises
    ------
    ValueError
        If an argument is out of its domain.

    Notes
    -----
    In units of c with u^2 = P/y: sqrt(p) (1 + y) u + (1 - p)/(sqrt(p) u), p = s2/c2. For fixed y
    that is at least 2 sqrt((1 + y)(1 - p)), which rises with y: the least minimum is the one of
    smallest y, the edge of the branch that comes from infinity (RMT-4b).

    Examples
    --------
    >>> round(kernel_edge(0.25, 0.25, "ginibre"), 7)
    2.3917657
    """
    share, noise = linear_share(s2)
    delta = _ASPECT.check("d_over_T", d_over_T)
    power = 1.0 if _ENSEMBLE.check("ensemble", ensemble) == "equal" else 2.0
    if share == 1.0 and noise == 0.0:
        return 0.0
    log_delta, half_log_share = math.log(delta), 0.5 * math.log(share)

    def height(t: FloatArray | float) -> FloatArray:
        # In t = log y; log u = (power log(1 + y/delta) - t)/2.
        log_u = 0.5 * (power * np.logaddexp(0.0, t - log_delta) - np.asarray(t))
        rising = np.exp(np.minimum(half_log_share + np.logaddexp(0.0, t) + log_u, 600.0))
        falling = noise * np.exp(np.minimum(-half_log_share - log_u, 600.0))
        return np.asarray(rising + falling)

    low = min(2.0 * half_log_share, log_delta, 0.0) - 6.0
    high = max(log_delta, 0.0) + 6.0
    grid = np.linspace(low, high, int(40.0 * (high - low)) + 1)
    best = int(np.argmin(height(grid)))
    bracket = (grid[max(best - 1, 0)], grid[min(best + 1, grid.size - 1)])
    found = minimize_scalar(
        lambda t: float(height(t)), bounds=bracket, method="bounded", options={"xatol": 1e-9}
    )
    return math.sqrt(math.expm1(s2)) * min(float(found.fun), float(height(grid[best])))
