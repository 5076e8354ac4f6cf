"""Kernels of the integrals for a Gaussian row, and their averages over one logit (ENT-1, ENT-2)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import exp1, gammaln, ndtr

from qktheory.numerics.normal import normal_pdf

__all__ = [
    "DEPTH",
    "DEVIATIONS",
    "STEP",
    "STEP_G",
    "Kernel",
    "deficit_kernel",
    "entropy_kernel",
    "power_kernel",
    "single_averages",
    "survival_kernel",
]

Floats = NDArray[np.float64]
Kernel = Callable[[Floats], Floats]

#: Step of u. exp(-e^u) is analytic for |Im u| < pi/2: the trapezoidal error is e^(-pi^2/step).
STEP = 0.2
#: Step of g where it does not follow from the step of u: error e^(-2 pi^2/step^2).
STEP_G = 0.5
#: Exponent at which a tail counts as nothing, and the deviation of g with that tail.
DEPTH, DEVIATIONS = 45.0, 9.5
#: Coefficients of Ein(x) = x - x^2/4 + ..., highest power first.
_EIN = tuple((-1.0) ** (k + 1) / (k * math.factorial(k)) for k in range(18, 0, -1))
#: Nodes of u that are averaged at a time.
_BLOCK = 1 << 12


def power_kernel(q: float, p: int = 0, centre: float = 0.0) -> Kernel:
    """Return v -> (v - centre)^p e^{q v} exp(-e^v)/Gamma(q), the kernel K_{q,p} of ENT-1.

    Parameters
    ----------
    q : float
        Order, > 0.
    p : int, optional
        Power of v, >= 0.
    centre : float, optional
        Origin of that power.

    Returns
    -------
    callable

    Examples
    --------
    >>> power_kernel(1.0)(np.array([0.0])).round(8)
    array([0.36787944])
    """
    normaliser = float(gammaln(q))

    def kernel(v: Floats) -> Floats:
        value = np.exp(q * v - np.exp(np.minimum(v, 700.0)) - normaliser)
        return value * (v - centre) ** p if p else value

    return kernel


def entropy_kernel(v: Floats) -> Floats:
    """Return C(v) = (gamma_E + v) exp(-e^v) + E_1(e^v), positive.

    Its derivative is -(gamma_E + v) e^v exp(-e^v), the kernel of the entropy in ENT-1, so that a
    partial integration turns the entropy into an integral of positive terms.

    Parameters
    ----------
    v : ndarray
        Points.

    Returns
    -------
    ndarray
        Relative accuracy of a few epsilons.

    Examples
    --------
    >>> entropy_kernel(np.array([-40.0, 0.0])) > 0.0
    array([ True,  True])
    """
    out = np.empty_like(v)
    left = v < -np.euler_gamma
    x = np.exp(v[left])
    # E_1(x) = -gamma_E - ln x + Ein(x), and no term of what remains is negative.
    out[left] = (np.euler_gamma + v[left]) * np.expm1(-x) + x * np.polyval(_EIN, x)
    right = v[~left]
    y = np.exp(np.minimum(right, 7.0))
    out[~left] = (np.euler_gamma + right) * np.exp(-y) + exp1(y)
    return out


def survival_kernel(v: Floats) -> Floats:
    """Return exp(-e^v), without overflow."""
    return np.exp(-np.exp(np.minimum(v, 7.0)))


def deficit_kernel(v: Floats) -> Floats:
    """Return 1 - exp(-e^v), relatively accurate."""
    return -np.expm1(-np.exp(np.minimum(v, 7.0)))


def single_averages(
    u: Floats, std: float, kernels: Sequence[Kernel]
) -> tuple[Floats, Floats, list[Floats]]:
    """Return E exp(-e^v), its complement and E f(v), v = u + std g, f vanishing at both ends.

    Parameters
    ----------
    u : ndarray, shape (N,)
        Any nodes.
    std : float
        Standard deviation, > 0.
    kernels : sequence of callable
        The functions f.

    Returns
    -------
    survival, deficit : ndarray, shape (N,)
    averages : list of ndarray, shape (N,)

    Examples
    --------
    >>> survival, deficit, _ = single_averages(np.array([0.0]), 1e-9, [])
    >>> survival.round(8)
    array([0.36787944])
    """
    if std < 2.0:
        step = min(STEP_G, STEP / std)
        last = math.ceil(DEVIATIONS / step)
        g = step * np.arange(-last, last + 1)
        weights = step * normal_pdf(g)
        all_kernels = (survival_kernel, deficit_kernel, *kernels)
        table = np.empty((len(all_kernels), u.size))
        for first in range(0, u.size, _BLOCK):
            block = slice(first, first + _BLOCK)
            v = u[block, None] + std * g
            table[:, block] = [kernel(v) @ weights for kernel in all_kernels]
        return table[0], table[1], list(table[2:])
    # The normal law grows to the left at most like this, against e^v of the kernels.
    growth = (DEVIATIONS + 6.0) / std
    v = np.arange(-DEPTH / max(1.0 - growth, 0.25), 8.0, STEP)
    slope = STEP * power_kernel(1.0)(v)
    columns = np.stack([kernel(v) for kernel in kernels], axis=1) if kernels else v[:, None][:, :0]
    survival, deficit = np.empty(u.size), np.empty(u.size)
    averages = np.empty((u.size, len(kernels)))
    for first in range(0, u.size, _BLOCK):
        block = slice(first, first + _BLOCK)
        y = (v - u[block, None]) / std
        survival[block], deficit[block] = ndtr(y) @ slope, ndtr(-y) @ slope
        averages[block] = (STEP / std) * normal_pdf(y) @ columns
    return survival, deficit, list(averages.T)
