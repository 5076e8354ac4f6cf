"""Replicator flow of the eigenvalues under the trace penalty with balanced factors (LOC-14d)."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import expit

from qktheory.base.domains import Real, RealList
from qktheory.base.errors import bad_value

__all__ = ["ReplicatorSummary", "replicator_flow", "replicator_summary"]

_Floats = NDArray[np.float64]
_SPECTRUM = RealList(Real(low=0.0))


class ReplicatorSummary(NamedTuple):
    """Constants of the replicator flow at its start (LOC-14d).

    Attributes
    ----------
    trace_multiplier : float
        nu = sum mu^2/sum mu.
    eta_min : float
        Limit of sum mu^2, xi^2 over the number of non-zero eigenvalues.
    trace_leak_rate : float
        d xi/dt = -4 (sum mu^2 - xi^2/d) if nu is replaced by the mean eigenvalue.
    """

    trace_multiplier: float
    eta_min: float
    trace_leak_rate: float


def _spectrum(eigenvalues: ArrayLike) -> _Floats:
    mu = _SPECTRUM.check("eigenvalues", eigenvalues)
    if not mu.any():
        raise bad_value("eigenvalues", eigenvalues, "at least one eigenvalue above 0")
    return mu


def replicator_summary(eigenvalues: ArrayLike) -> ReplicatorSummary:
    """Return multiplier, limit of tr W^2 and rate of the leak of the trace (LOC-14d).

    Parameters
    ----------
    eigenvalues : array_like, shape (d,)
        Eigenvalues >= 0 of W, not all 0; zeros count for d and not for the rank.

    Returns
    -------
    ReplicatorSummary

    Raises
    ------
    ValueError
        If an eigenvalue is negative or not finite, or all are 0.

    Examples
    --------
    >>> replicator_summary([1.0, 1.0, 0.0])
    ReplicatorSummary(trace_multiplier=1.0, eta_min=2.0, trace_leak_rate=-2.666...)
    """
    mu = _spectrum(eigenvalues)
    xi = math.fsum(mu)
    # Deviations from the mean: no cancellation for a nearly flat spectrum.
    deviation = mu - xi / mu.size
    return ReplicatorSummary(
        math.fsum(mu * mu) / xi,
        xi * xi / int(np.count_nonzero(mu)),
        -4.0 * math.fsum(deviation * deviation),
    )


def replicator_flow(eigenvalues: ArrayLike, t: float) -> _Floats:
    """Return mu(t) of the flow d mu_k/dt = -4 mu_k (mu_k - sum mu^2/sum mu) (LOC-14d).

    1/mu_k obeys a linear equation, so mu_k(t) = E mu_k/(1 + G mu_k) with E = e^(4 int nu) and
    dG/dt = 4 E. The conserved sum xi gives E, and integrating dt = dG/(4 E) gives G as the root of

        sum_k ln(1 + G mu_k) = 4 xi t.

    Parameters
    ----------
    eigenvalues : array_like, shape (d,)
        Initial eigenvalues >= 0, not all 0.
    t : float
        Time >= 0.

    Returns
    -------
    ndarray, shape (d,)
        Eigenvalues at time t in the order given; zeros stay 0. Relative error below 1e-12.

    Raises
    ------
    ValueError
        If an eigenvalue is negative or not finite, all are 0, or t < 0.

    Examples
    --------
    >>> replicator_flow([1.2, 0.6, 0.3], 0.25).round(8)
    array([0.94131204, 0.69824229, 0.46044567])
    """
    mu = _spectrum(eigenvalues)
    time = Real(low=0.0).check("t", t)
    top = float(mu.max())
    share = mu / top
    total = math.fsum(share)
    target = 4.0 * time * top * total
    if target == 0.0:
        return np.array(mu)
    alive = share > 0.0
    p = share[alive] / total
    grown = _grown(p, target)
    result = np.zeros_like(mu)
    result[alive] = top * (total * (grown / math.fsum(grown)))
    return result


def _grown(p: _Floats, target: float) -> _Floats:
    """Return numbers proportional to p/(1 + G p) with sum ln(1 + G p) = target, sum p = 1."""
    if math.isinf(target):
        return np.ones_like(p)
    log_p = np.log(p)

    def excess(g: float) -> float:
        return float(np.sum(np.logaddexp(0.0, g + log_p))) - target

    # Concavity of the logarithm below, the product of 1 + G p above.
    low, high = math.log(p.size) + _log_expm1(target / p.size), _log_expm1(target)
    low, high = low - 1e-12 * (1.0 + abs(low)), high + 1e-12 * (1.0 + abs(high))
    g = float(brentq(excess, low, high, xtol=1e-15, rtol=1e-15))
    if g < 600.0:
        return np.asarray(p / (1.0 + math.exp(g) * p))
    return np.asarray(expit(g + log_p))


def _log_expm1(x: float) -> float:
    """Return ln(e^x - 1) for x > 0."""
    return x + math.log(-math.expm1(-x)) if x > 1e-300 else math.log(x)
