"""Moments of one Gaussian row as integrals over its lattice (ENT-1, ENT-3).

With T logits, phi(u) = E exp(-e^{u + s g}) and Psi_{q,p}(u) = E K_{q,p}(u + s g), the moments below
are written as integrals of positive terms wherever that is possible, so that they keep their
relative accuracy where the entropy, 1 - Y_2 or a variance is tiny. C is the kernel with
C' = -(gamma_E + v) K_{1,0}, see `entropy_kernel`:

    E H          = T (T - 1) int E[C] Psi_{1,0} phi^{T-2} du        (ENT-1, by parts)
    1 - E Y_2    = T (T - 1) int Psi_{1,0}^2 phi^{T-2} du           (pairs of distinct keys)
    E log Z      = E H + s^2 (1 - E Y_2)                            (Gaussian integration by parts)
    E Var_A(l)   = T (T - 1) int (Psi_{1,0} Psi_{1,2} - Psi_{1,1}^2) phi^{T-2} du
    Var log Z    = int int phi(u)^T phi(w)^T ((1 + c)^T - 1) du dw,
                   c = Cov(exp(-e^{u + s g}), exp(-e^{w + s g}))/(phi(u) phi(w)) >= 0.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln

from qktheory.numerics.gaussian_row_kernels import entropy_kernel, power_kernel
from qktheory.numerics.gaussian_row_lattice import RowLattice

__all__ = [
    "diffuse_participation",
    "entropy_mean",
    "entropy_variance",
    "heat_capacity_mean",
    "log_partition_variance",
    "pair_weight",
    "participation_mean",
    "participation_product_mean",
]

Floats = NDArray[np.float64]

#: ln T from which kernels may underflow and the leading order of ENT-4 may be exact instead.
_LARGE_LOG_T = 100.0
#: Var log Z below which the difference of two moments loses too many digits.
_SMALL_VARIANCE = 0.02
_EULER, _ZETA_2 = float(np.euler_gamma), math.pi**2 / 6.0


def entropy_mean(lattice: RowLattice) -> float:
    """Return E H of the row.

    Parameters
    ----------
    lattice : RowLattice

    Returns
    -------
    float
        Relative accuracy 1e-13.

    Examples
    --------
    >>> round(entropy_mean(RowLattice.build(1024.0, 1.0)), 12)
    6.433270485201
    """
    first = lattice.average(power_kernel(1.0))
    second = lattice.average(entropy_kernel)
    return (1.0 - 1.0 / lattice.n) * lattice.integral(first * second * lattice.power(2.0))


def pair_weight(lattice: RowLattice) -> float:
    """Return 1 - E Y_2, the mean of the sum of A_j A_k over distinct keys.

    Parameters
    ----------
    lattice : RowLattice

    Returns
    -------
    float
        Relative accuracy 1e-13.

    Examples
    --------
    >>> round(pair_weight(RowLattice.build(2.0, 1.0)), 12)
    0.363161846032
    """
    first = lattice.average(power_kernel(1.0))
    return (1.0 - 1.0 / lattice.n) * lattice.integral(first**2 * lattice.power(2.0))


def participation_mean(lattice: RowLattice, q: float) -> float:
    """Return E Y_q.

    Parameters
    ----------
    lattice : RowLattice
        Of order q at least.
    q : float
        Order, >= 1.

    Returns
    -------
    float
        Relative accuracy 1e-13; 0 below the range of doubles.

    Examples
    --------
    >>> round(participation_mean(RowLattice.build(2.0, 1.0, 3.0), 3.0), 10)
    0.455257231
    """
    diffuse = diffuse_participation(lattice.n, lattice.s, q)
    if diffuse is not None:
        return diffuse
    return lattice.integral(lattice.average(power_kernel(q)) * lattice.power(1.0))


def diffuse_participation(T: float, s: float, q: float) -> float | None:
    """Return T^(1-q) e^{q (q-1) s^2/2} where all corrections are below rounding, else None.

    Parameters
    ----------
    T : float
        Number of keys.
    s : float
        Standard deviation of the logits.
    q : float
        Order.

    Returns
    -------
    float or None

    Examples
    --------
    >>> diffuse_participation(1e120, 0.0, 2.0), diffuse_participation(100.0, 1.0, 2.0)
    (1...e-120, None)
    """
    log_t = math.log(T)
    if log_t < _LARGE_LOG_T or 2.0 * math.log(q) + q * s * s - log_t > -39.0:
        return None
    # The weight of the tilted g whose logit alone exceeds log Z.
    if s > 0.0 and (log_t + 0.5 * s * s) / s - q * s < 9.0:
        return None
    return math.exp((1.0 - q) * log_t + 0.5 * q * (q - 1.0) * s * s)


def participation_product_mean(lattice: RowLattice, a: float, b: float) -> float:
    """Return E[Y_a Y_b] (ENT-3): equal keys and pairs of distinct ones.

    Parameters
    ----------
    lattice : RowLattice
        Of order a + b at least.
    a, b : float
        Orders, >= 1.

    Returns
    -------
    float
        Relative accuracy 1e-12.

    Examples
    --------
    >>> round(participation_product_mean(RowLattice.build(16.0, 2.0, 5.0), 2.0, 3.0), 12)
    0.081486753231
    """
    one, other = (diffuse_participation(lattice.n, lattice.s, 2.0 * q) for q in (a, b))
    if one is not None and other is not None:
        log_product = sum(
            (1.0 - q) * math.log(lattice.n) + 0.5 * q * (q - 1.0) * lattice.s**2 for q in (a, b)
        )
        return math.exp(log_product)
    pairs = lattice.average(power_kernel(a)) * lattice.average(power_kernel(b))
    share = (1.0 - 1.0 / lattice.n) * math.exp(betaln(a, b))
    distinct = share * lattice.integral(pairs * lattice.power(2.0))
    return participation_mean(lattice, a + b) + distinct


def heat_capacity_mean(lattice: RowLattice) -> float:
    """Return E Var_A(l), the mean of the variance of the logits under the weights (ENT-3).

    Parameters
    ----------
    lattice : RowLattice

    Returns
    -------
    float
        Relative accuracy 1e-12.

    Examples
    --------
    >>> round(heat_capacity_mean(RowLattice.build(1024.0, 2.0)), 10)
    3.3828736019
    """
    if lattice.s < 1.0:
        # The weights tilt g by s and leave its variance at one, whatever u is.
        kernel, unit = power_kernel(1.0), lattice.s**2
        zeroth, first, second = (lattice.average(kernel, p) for p in (0, 1, 2))
    else:
        unit = 1.0
        zeroth, first, second = (lattice.average(power_kernel(1.0, p)) for p in (0, 1, 2))
    spread = (zeroth * second - first**2) * lattice.power(2.0)
    return (1.0 - 1.0 / lattice.n) * unit * lattice.integral(spread)


def entropy_variance(lattice: RowLattice) -> float:
    """Return Var H by the two integrals of ENT-3.

    Parameters
    ----------
    lattice : RowLattice
        Of order 4 at least.

    Returns
    -------
    float
        Absolute accuracy 1e-13 (1 + E H).

    Examples
    --------
    >>> round(entropy_variance(RowLattice.build(2.0, 1.0, 4.0)), 10)
    0.0233599848
    """
    centre = -entropy_mean(lattice)
    g1 = -(1.0 - _EULER)
    g2 = g1 * g1 - (_ZETA_2 - 1.0)
    k0, k1 = (lattice.average(power_kernel(1.0, p, centre)) for p in (0, 1))
    p0, p1, p2 = (lattice.average(power_kernel(2.0, p, centre)) for p in (0, 1, 2))
    same = lattice.integral((g2 * p0 + 2.0 * g1 * p1 + p2) * lattice.power(1.0))
    pairs = (g2 * k0 * k0 + 2.0 * g1 * k0 * k1 + k1 * k1) * lattice.power(2.0)
    return max(same + (1.0 - 1.0 / lattice.n) * lattice.integral(pairs), 0.0)


def log_partition_variance(lattice: RowLattice) -> float:
    """Return Var log Z, as a difference of moments or, where it is small, as a double integral.

    Parameters
    ----------
    lattice : RowLattice

    Returns
    -------
    float
        Relative accuracy 1e-11.

    Examples
    --------
    >>> round(log_partition_variance(RowLattice.build(1024.0, 2.0)), 12)
    0.034764698837
    >>> f"{log_partition_variance(RowLattice.build(1e12, 0.5)):.9e}"
    '2.840254167e-13'
    """
    variance = _variance_by_moments(lattice)
    if variance > _SMALL_VARIANCE or lattice.mode == "wide":
        return variance
    return _variance_by_covariances(lattice)


def _variance_by_moments(lattice: RowLattice) -> float:
    """Return Var log Z from V = log(E/Z), E exponential, whose survival function is phi^T."""
    u, du = lattice.u, lattice.du
    step = float(du[0])
    # The reference c + width log E has the same tails; its moments are known.
    width = max(1.0, 5.0 * step)
    survival = lattice.power(0.0)
    c = float(np.interp(math.exp(-_EULER), survival[::-1], u[::-1]))
    before = u[0] - step * np.arange(1, max(0, math.ceil((u[0] - c + 42.0 * width) / step)) + 1)
    after = u[-1] + step * np.arange(1, max(0, math.ceil((c + 4.0 * width - u[-1]) / step)) + 1)
    x = np.concatenate([before, u, after]) - c
    ones, zeros = np.ones(before.size), np.zeros(after.size)
    difference = step * (
        np.concatenate([ones, survival, zeros]) - np.exp(-np.exp(np.minimum(x / width, 7.0)))
    )
    shift, second = float(np.sum(difference)), float(np.sum(2.0 * x * difference))
    reference = width * width * (_EULER**2 + _ZETA_2)
    return reference + second - (shift - width * _EULER) ** 2 - _ZETA_2


def _variance_by_covariances(lattice: RowLattice) -> float:
    """Return Var log Z as the double integral over the covariances, all of them positive."""
    seen = lattice.exponent < 100.0
    exponent, du, n = lattice.exponent[seen], lattice.du[seen], lattice.n
    centred, weights = _centred(lattice, seen), lattice.nodes[1]
    mean = centred @ weights
    covariance = (centred * weights) @ centred.T - np.outer(mean, mean) / n
    relative = np.exp((exponent[:, None] + exponent) / n) * np.maximum(covariance, 0.0)
    measure = du * np.exp(-exponent)
    # c = relative/n may underflow where n c does not.
    growth = np.where(relative < 1e-16 * n, relative, n * np.log1p(relative / n))
    return float(measure @ np.expm1(growth) @ measure)


def _centred(lattice: RowLattice, seen: NDArray[np.bool_]) -> Floats:
    """Return exp(-e^{u + s g}) up to a function of u, without loss of digits for small s."""
    u, g = lattice.u[seen], lattice.nodes[0]
    if lattice.mode == "shared":
        deficits = -np.expm1(-np.exp(np.minimum(lattice.points, 7.0)))
        windows = np.lib.stride_tricks.sliding_window_view(deficits, g.size)
        return np.asarray(windows[:: lattice.stride][seen])
    t = np.exp(u)[:, None]
    change = t * np.expm1(lattice.s * g)
    return np.asarray(
        np.sign(change) * np.exp(-t - np.minimum(change, 0.0)) * np.expm1(-np.abs(change))
    )
