"""Mean entropy of the softmax of a bridge without drift (LOC-9.5)."""

from __future__ import annotations

import math

import numpy as np

from qktheory.base.domains import Real

__all__ = ["entropy_deficit", "entropy_deficit_large", "entropy_deficit_small"]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(24)
_RANGE = Real(low=0.0, high=1e300)
# exp(-45) ends the integral below the rounding of its value.
_CUT = 45.0


def entropy_deficit(kappa2: float) -> float:
    """Return D(kappa^2) = ln T - E H at drift 0, the integral of LOC-9.5.

    With A = 2 phi^2/kappa^2 and B = (4/kappa^2)(cosh phi - 1) - A >= 0 the integrand is
    exp(-A) (expm1(-B) + 1 - phi/sinh phi) coth(phi/2); both brackets are summed as series for
    small phi, so that small kappa costs no digits. Gauss-Legendre panels cover the support.

    Parameters
    ----------
    kappa2 : float
        kappa^2 = T s2, in [0, 1e300].

    Returns
    -------
    float
        In nats, 0 at kappa^2 = 0; relative error below 1e-12.

    Raises
    ------
    ValueError
        If kappa2 is negative, above 1e300 or not finite.

    Examples
    --------
    >>> round(entropy_deficit(16.0), 12)
    0.496268430129
    """
    k = _RANGE.check("kappa2", kappa2)
    if k < 1e-290:
        return k / 24.0
    # exp(-A) phi/sinh(phi) is the wider of the two terms: 2 phi^2/k + phi = _CUT + ln(2 phi).
    level = _CUT + 5.0
    gaussian = 2.0 * level / (1.0 + math.sqrt(1.0 + 8.0 * level / k))
    plateau = math.acosh(1.0 + 0.25 * _CUT * k) if k > 1e-2 else 0.0
    end = max(gaussian, plateau)
    panels = math.ceil(end / min(1.0, 0.4 * math.sqrt(k)))
    half = 0.5 * end / panels
    phi = (half * (2.0 * np.arange(panels)[:, None] + 1.0 + _NODES)).ravel()
    weights = np.tile(half * _WEIGHTS, panels)
    return math.fsum(weights * _integrand(phi, k))


def _integrand(phi: np.ndarray, k: float) -> np.ndarray:
    square = phi * phi
    small = phi < 1.0
    with np.errstate(over="ignore"):
        sinh = np.sinh(phi)
        excess = np.cosh(phi) - 1.0 - 0.5 * square
        defect = np.where(np.isinf(sinh), 1.0, 1.0 - phi / sinh)
    if small.any():
        s = square[small]
        # phi^4/4! + phi^6/6! + ... and (phi^3/3! + phi^5/5! + ...)/sinh(phi).
        cosh_tail, sinh_tail = np.zeros_like(s), np.zeros_like(s)
        for n in range(10, 1, -1):
            cosh_tail = (1.0 / math.factorial(2 * n) + cosh_tail) * s
            sinh_tail = (1.0 / math.factorial(2 * n - 1) + sinh_tail) * s
        excess[small] = cosh_tail * s
        defect[small] = sinh_tail * phi[small] / sinh[small]
    with np.errstate(over="ignore", under="ignore"):
        gaussian = np.exp(-2.0 * square / k)
        difference = np.expm1(-(4.0 / k) * excess) + defect
    return np.asarray(gaussian * difference / np.tanh(0.5 * phi))


def entropy_deficit_small(kappa2: float) -> float:
    """Return kappa^2/24, the deficit for small kappa (LOC-9.5).

    Parameters
    ----------
    kappa2 : float
        kappa^2 = T s2, >= 0.

    Returns
    -------
    float
        In nats.

    Raises
    ------
    ValueError
        If kappa2 is negative or not finite.

    Examples
    --------
    >>> entropy_deficit_small(12.0)
    0.5
    """
    return Real(low=0.0).check("kappa2", kappa2) / 24.0


def entropy_deficit_large(kappa2: float) -> float:
    """Return ln(kappa^2/2) - 2 - gamma_E, the deficit for large kappa (LOC-9.5).

    Parameters
    ----------
    kappa2 : float
        kappa^2 = T s2, > 0.

    Returns
    -------
    float
        In nats; negative, hence far from the deficit, below kappa^2 = 26.3.

    Raises
    ------
    ValueError
        If kappa2 is not positive and finite.

    Examples
    --------
    >>> round(entropy_deficit_large(100.0), 12)
    1.334807340527
    """
    k = Real(low=0.0, low_open=True).check("kappa2", kappa2)
    return math.log(k) - math.log(2.0) - 2.0 - float(np.euler_gamma)
