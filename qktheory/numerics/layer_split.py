"""One attention layer around a common row: P X = 1 (c + R^T q)^T + Z R exactly (RANK-2, 4)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import pdist

from qktheory.base.cached import cached_property
from qktheory.base.memory import check_memory
from qktheory.numerics.ergodicity import softmax
from qktheory.numerics.matrix_norms import centred, norm_1, norm_1inf, oscillation
from qktheory.numerics.softmax_split import log_distribution, log_ratios, softmax_deviation

__all__ = ["LayerSplit", "cubic_factor", "exp_remainder"]

Floats = NDArray[np.float64]


def exp_remainder(x: Floats) -> Floats:
    """Return e^x - 1 - x with relative accuracy.

    Parameters
    ----------
    x : ndarray

    Returns
    -------
    ndarray

    Examples
    --------
    >>> exp_remainder(np.array([1e-9, 0.1]))
    array([5.00000000e-19, 5.17091808e-03])
    """
    x = np.asarray(x, dtype=np.float64)
    near = np.clip(x, -0.5, 0.5)
    series = np.zeros_like(near)
    for k in range(16, 1, -1):  # sum of x^k/k! by Horner's rule
        series = near / k * (1.0 + series) if k > 2 else near * near / 2.0 * (1.0 + series)
    return np.asarray(np.where(np.abs(x) <= 0.5, series, np.expm1(x) - x))


def cubic_factor(T: float, gamma: float, delta: float) -> float:
    """Return G = min(T, gamma, e^delta) of the cubic bound.

    Parameters
    ----------
    T, gamma, delta : float
        Number of tokens, ratio of oscillations (>= 1) and largest row oscillation (>= 0).

    Returns
    -------
    float

    Examples
    --------
    >>> cubic_factor(32, 100.0, 5000.0)
    32.0
    """
    return float(min(T, gamma, math.exp(min(delta, 700.0))))


class LayerSplit:
    """One head on tokens X = 1 c^T + R.

    Parameters
    ----------
    X : array_like of shape (T, d)
    A : array_like of shape (d, d)
        Query-key map.
    temperature : float
        Scores are x_i^T A x_j / temperature.
    reference : array_like of shape (d,), optional
        The common row c; the column means by default.

    Raises
    ------
    OverflowError
        If scores are beyond double precision.

    Examples
    --------
    >>> pair = LayerSplit([[0.5], [-0.5]], [[1.0]], 1.0)
    >>> pair.delta, pair.gamma, pair.deviation.round(6).tolist()
    (0.5, 1.0, [[0.122459], [-0.122459]])
    """

    def __init__(
        self, X: ArrayLike, A: ArrayLike, temperature: float, reference: ArrayLike | None = None
    ) -> None:
        self.X = np.asarray(X, dtype=np.float64)
        self.A = np.asarray(A, dtype=np.float64)
        self.temperature = temperature
        T = self.X.shape[0]
        check_memory(48 * T * T, f"the attention of {T} tokens")
        if reference is None:
            #: R = X - 1 c^T, shape (T, d).
            self.R = centred(self.X)
            self.c = self.X[0] - self.R[0]
        else:
            self.c = np.asarray(reference, dtype=np.float64)
            self.R = np.asarray(self.X - self.c)
        with np.errstate(over="ignore", invalid="ignore"):
            u = self.R @ (self.c @ self.A) / temperature
            self._u = u - u.max()
            if not np.isfinite(self._u).all():
                raise OverflowError("scores are beyond double precision")
            self.log_q = log_distribution(self._u)
            self._hub = int(np.argmax(self.log_q))
            #: Tokens relative to the one that attracts most; rows of Z sum to zero.
            self.D = self.R - self.R[self._hub]
            self.E = self.R @ self.A @ self.D.T / temperature
        if not np.isfinite(self.E).all():
            raise OverflowError("scores are beyond double precision")
        self.E_centred, self.Z, _ = softmax_deviation(self.log_q, self.E)

    @property
    def q(self) -> Floats:
        """The base distribution softmax(R A^T c / temperature), shape (T,)."""
        return np.asarray(np.exp(self.log_q))

    @cached_property
    def attention(self) -> Floats:
        """P, shape (T, T)."""
        return softmax(self.log_q + self.E)

    @cached_property
    def deviation(self) -> Floats:
        """Z R, the deviation of P X from its common row, shape (T, d)."""
        return np.asarray(self.Z @ self.D)

    @cached_property
    def row_oscillations(self) -> Floats:
        """delta_i = max_j E_ij - min_j E_ij, shape (T,)."""
        return oscillation(self.E, axis=1)

    @property
    def delta(self) -> float:
        """Largest row oscillation."""
        return float(self.row_oscillations.max())

    @property
    def kappa(self) -> float:
        """norm_1(A)/temperature."""
        return norm_1(self.A) / self.temperature

    @cached_property
    def m_total(self) -> float:
        """M = max over j, j' of sum_i |E_ij - E_ij'|."""
        return float(np.max(pdist(self.E.T, "cityblock"), initial=0.0))

    @property
    def gamma(self) -> float:
        """sum_i delta_i / M, 1 if M = 0."""
        if self.m_total == 0.0:
            return 1.0
        return max(1.0, float(self.row_oscillations.sum()) / self.m_total)

    @property
    def g_factor(self) -> float:
        """G = min(T, gamma, e^delta)."""
        return cubic_factor(len(self.X), self.gamma, self.delta)

    @property
    def common_row(self) -> Floats:
        """C + R^T q, shape (d,)."""
        return np.asarray(self.c + self.R[self._hub] + self.q @ self.D)

    @property
    def residual_norm(self) -> float:
        """norm_1inf(R)."""
        return norm_1inf(self.R)

    @cached_property
    def _around_mean(self) -> Floats:
        """Tokens less their q-mean, shape (T, d)."""
        return np.asarray(self.D - self.q @ self.D)

    @property
    def covariance(self) -> Floats:
        """Cov_q(R), shape (d, d)."""
        return np.asarray((self._around_mean.T * self.q) @ self._around_mean)

    @property
    def leading(self) -> Floats:
        """Pi R A Cov_q(R)/temperature, the cubic part of Pi P X, shape (T, d)."""
        return centred(self.R @ self.A @ self.covariance / self.temperature)

    @property
    def beyond_leading(self) -> Floats:
        """Pi P X less `leading`, without subtracting them, shape (T, d)."""
        x = log_ratios(self.log_q, self.E_centred)
        # q (e^x - 1) = q (x + remainder), and what x has beside E drops out: q-means vanish.
        return centred((self.q * exp_remainder(x)) @ self._around_mean)
