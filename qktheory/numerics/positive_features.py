"""Variants of positive features: fixed norms (ZOO-RF-10) and the least variance (ZOO-RF-11)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from qktheory.base.domains import Integer, Real

__all__ = [
    "LARGEST_SQUARE",
    "QuadraticFeature",
    "best_coefficient",
    "fixed_norm_ratio",
]

#: Largest |x + y|^2 at which the kernel of fixed-norm features is summed.
LARGEST_SQUARE = 1e6

_SIZE = Integer(low=1, high=10**15)
_SQUARE = Real(low=0.0, high=1e150)


def fixed_norm_ratio(d: int, z2: float) -> tuple[float, float]:
    """Return the mean of positive features of norm sqrt(d) over the softmax kernel.

    Parameters
    ----------
    d : int
        Dimension, >= 1.
    z2 : float
        |x + y|^2, up to `LARGEST_SQUARE`.

    Returns
    -------
    ratio, gap : float
        e^(-z2/2) 0F1(; d/2; d z2/4), at most 1, and 1 minus it, both to full relative accuracy.

    Raises
    ------
    ValueError
        For arguments outside their domain.

    Notes
    -----
    ZOO-RF-10. The series of 0F1 is a mean over a Poisson number of mean z2/2 of the product of
    d/(d + 2 j) over j below it.

    Examples
    --------
    >>> [round(x, 9) for x in fixed_norm_ratio(64, 4.0)]
    [0.945247848, 0.054752152]
    """
    d = _SIZE.check("d", d)
    mean = 0.5 * Real(low=0.0, high=LARGEST_SQUARE).check("z2", z2)
    if mean == 0.0:
        return 1.0, 0.0
    count = int(mean + 40.0 * math.sqrt(mean)) + 60
    k = np.arange(1, count)
    log_poisson = np.concatenate([[0.0], np.cumsum(math.log(mean) - np.log(k))]) - mean
    log_product = np.concatenate([[0.0, 0.0], -np.cumsum(np.log1p(2.0 * k[:-1] / d))])
    ratio = float(np.exp(log_poisson + log_product).sum())
    gap = float((np.exp(log_poisson) * -np.expm1(log_product)).sum())
    # Each from the sum that does not cancel; the other one is exact by subtraction.
    return (1.0 - gap, gap) if gap < 0.5 else (ratio, 1.0 - ratio)


@dataclass(frozen=True)
class QuadraticFeature:
    """kappa = (1 - 4 a)^(d/2) e^(2 a |omega|^2 + sqrt(1 - 4 a) omega^T z - N/2), a < 1/8.

    Parameters
    ----------
    d : int
        Dimension.
    z2 : float
        |z|^2 = |x + y|^2.
    one_minus_8a : float
        1 - 8 a > 0.
    """

    d: int
    z2: float
    one_minus_8a: float

    @property
    def _excess(self) -> float:
        """Log of E kappa^2/K^2: d/2 log((1 - 4a)^2/(1 - 8a)) + z2/(1 - 8a)."""
        b = self.one_minus_8a
        # (1 - 4 a)^2/(1 - 8 a) = 1 + (1 - b)^2/(4 b).
        return 0.5 * self.d * math.log1p(0.25 * ((1.0 - b) / b) * (1.0 - b)) + self.z2 / b

    @property
    def second_moment(self) -> float:
        """E kappa^2 e^N (ZOO-RF-11b)."""
        return math.exp(self._excess + self.z2)

    @property
    def variance_ratio(self) -> float | None:
        """Variance over that of the plain positive feature; None at z = 0, where that is 0."""
        if self.z2 == 0.0:
            return None
        excess = self._excess
        return math.exp(excess - self.z2) * (math.expm1(-excess) / math.expm1(-self.z2))


def best_coefficient(d: int, z2: float) -> tuple[float, QuadraticFeature]:
    """Return the coefficient of least variance and its feature.

    Parameters
    ----------
    d : int
        Dimension, >= 1.
    z2 : float
        |x + y|^2 > 0.

    Returns
    -------
    a, feature : float, QuadraticFeature
        a = (1 - 1/rho)/8 < 0, rho the positive root of 2 z2 rho^2 + (2 z2 + d) rho - d = 0
        (ZOO-RF-11a).

    Raises
    ------
    ValueError
        For arguments outside their domain.

    Examples
    --------
    >>> a, feature = best_coefficient(4, 1.0)
    >>> round(a, 7), round(feature.variance_ratio, 6)
    (-0.0975971, 0.620593)
    """
    d, z2 = _SIZE.check("d", d), _SQUARE.check("z2", z2)
    root = math.sqrt((2.0 * z2 + d) ** 2 + 8.0 * d * z2)
    rho = 2.0 * d / (root + 2.0 * z2 + d)
    # 1 - rho, from root - d = (12 d z2 + 4 z2^2)/(root + d).
    rest = ((12.0 * d * z2 + 4.0 * z2**2) / (root + d) + 2.0 * z2) / (root + 2.0 * z2 + d)
    return -0.125 * rest / rho, QuadraticFeature(d, z2, 1.0 / rho)
