"""Random features of the softmax kernel: mean square errors for one pair of vectors (ZOO-RF-1, 4).

For x, y and z = x + y, delta = x - y, N = |x|^2 + |y|^2, one feature of frequency omega ~ N(0, I)
is e^(N/2) cos omega^T delta (trigonometric), e^(-N/2) e^(omega^T z) (positive) or
e^(-N/2) cosh omega^T z (hyperbolic); each has mean e^(x^T y).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.optimize import brentq

from qktheory.base.domains import Real

__all__ = ["FEATURE_KINDS", "FeatureKind", "Pair", "crossover_angle"]

FeatureKind = Literal["trig", "positive", "hyperbolic"]

#: The three features, in the order of the tables.
FEATURE_KINDS: tuple[FeatureKind, ...] = ("positive", "hyperbolic", "trig")

_NORM = Real(low=0.0, high=1e150)
_COSINE = Real(-1.0, 1.0)
_RADIUS2 = Real(low=0.0, low_open=True)


@dataclass(frozen=True)
class Pair:
    """Two vectors up to rotation.

    Parameters
    ----------
    norm_x, norm_y : float
        Their norms, >= 0.
    cosine : float
        Cosine of the angle between them.

    Examples
    --------
    >>> pair = Pair(0.7, 0.7, 0.3)
    >>> round(pair.mse("trig") / 4, 6), round(pair.mse("positive") / 4, 6)
    (0.082074, 0.863815)
    """

    norm_x: float
    norm_y: float
    cosine: float

    def __post_init__(self) -> None:
        for name, domain in (("norm_x", _NORM), ("norm_y", _NORM), ("cosine", _COSINE)):
            object.__setattr__(self, name, domain.check(name, getattr(self, name)))

    @property
    def logit(self) -> float:
        """x^T y."""
        return self.norm_x * self.norm_y * self.cosine

    @property
    def squares(self) -> float:
        """N = |x|^2 + |y|^2."""
        return self.norm_x**2 + self.norm_y**2

    @property
    def sum2(self) -> float:
        """|x + y|^2, without cancellation."""
        return (self.norm_x - self.norm_y) ** 2 + 2.0 * self.norm_x * self.norm_y * (
            1.0 + self.cosine
        )

    @property
    def difference2(self) -> float:
        """|x - y|^2, without cancellation."""
        return (self.norm_x - self.norm_y) ** 2 + 2.0 * self.norm_x * self.norm_y * (
            1.0 - self.cosine
        )

    def log_mse(self, kind: FeatureKind) -> float:
        """Return the logarithm of `mse`, -inf where the feature is exact."""
        if kind == "trig":
            return self.squares - math.log(2.0) + 2.0 * _log_one_minus_exp(self.difference2)
        rest = _log_one_minus_exp(self.sum2)
        positive = 2.0 * self.logit + self.sum2 + rest
        return positive if kind == "positive" else positive - math.log(2.0) + rest

    def mse(self, kind: FeatureKind) -> float:
        """Return the variance of one feature, m times the mean square error of m independent ones.

        Parameters
        ----------
        kind : {"trig", "positive", "hyperbolic"}

        Returns
        -------
        float
            e^N (1 - e^(-|x-y|^2))^2/2, K^2 e^(|z|^2) (1 - e^(-|z|^2)) or half of the latter times
            1 - e^(-|z|^2), K = e^(x^T y) (ZOO-RF-1).

        Raises
        ------
        OverflowError
            If it is not a number in double precision.
        """
        return math.exp(self.log_mse(kind))

    def rmse_ratio(self) -> float | None:
        """Return the root mean square error of trigonometric over hyperbolic features.

        Returns
        -------
        float or None
            (e^N - e^(2 x^T y))/(e^(N + 2 x^T y) - 1), below 1 if and only if x^T y > 0 (ZOO-RF-4a);
            None at x = -y, where hyperbolic features are exact.
        """
        if self.sum2 == 0.0:
            return None
        return math.exp(-2.0 * self.logit) * (
            math.expm1(-self.difference2) / math.expm1(-self.sum2)
        )


def _log_one_minus_exp(x: float) -> float:
    """Return log(1 - e^(-x)) for x >= 0."""
    if x == 0.0:
        return -math.inf
    return math.log(-math.expm1(-x)) if x < 0.7 else math.log1p(-math.exp(-x))


def crossover_angle(radius2: float) -> float:
    """Return the angle at which trigonometric and positive features have the same error.

    Parameters
    ----------
    radius2 : float
        |x|^2 = |y|^2 > 0.

    Returns
    -------
    float
        In radians, from pi (small vectors) to pi/2 (large ones); positive features are better
        beyond it (ZOO-RF-4b).

    Raises
    ------
    ValueError
        If `radius2` is not a positive number.

    Examples
    --------
    >>> round(crossover_angle(1.0), 8)
    1.74262745
    """
    r = _RADIUS2.check("radius2", radius2)

    def excess(angle: float) -> float:
        """Return log(MSE_trig/MSE_positive) without forming either."""
        half = 0.5 * angle
        near, far = 4.0 * (r * math.sin(half) ** 2), 4.0 * (r * math.cos(half) ** 2)
        gap = 2.0 * _log_one_minus_exp(near) - _log_one_minus_exp(far)
        with np.errstate(over="ignore"):
            return gap - math.log(2.0) - float(np.float64(4.0 * math.cos(angle)) * r)

    return float(brentq(excess, 1e-300, math.pi, xtol=1e-15, rtol=1e-14, maxiter=500))
