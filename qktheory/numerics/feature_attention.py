"""One row of attention by random features: the estimate and its error (ZOO-RF-5, ZOO-RF-9)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp, softmax

from qktheory.numerics.random_features import FeatureKind

__all__ = ["EstimatedRow", "RowError", "estimated_row", "feature_log_weights", "row_error"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class RowError:
    """Error of one normalised row with m iid features, to leading order in 1/m.

    Attributes
    ----------
    variance, bias : ndarray of shape (n,)
        m times the variance and the bias of every weight.
    """

    variance: FloatArray
    bias: FloatArray

    @property
    def mse(self) -> float:
        """M times the mean square error of the row: the sum of the variances."""
        return float(self.variance.sum())


def row_error(q: FloatArray, K: FloatArray, kind: FeatureKind) -> RowError:
    """Return variance and bias of a row of random-feature attention by the delta method.

    Parameters
    ----------
    q : ndarray of shape (d,)
        The query, logits being K q.
    K : ndarray of shape (n, d)
        The keys.
    kind : {"trig", "positive", "hyperbolic"}
        The features, with independent Gaussian frequencies.

    Returns
    -------
    RowError
        With C the covariance of the relative features, A_j^2 (e_j - A)^T C (e_j - A) and
        A_j (A^T C A - (C A)_j) (ZOO-RF-5).

    Examples
    --------
    >>> error = row_error(np.array([0.3, -0.2]), np.array([[0.5, 0.1], [0.0, 1.0]]), "trig")
    >>> round(error.mse, 10), round(abs(float(error.bias.sum())), 15)
    (0.1580870803, 0.0)
    """
    A = softmax(K @ q)
    C = _relative_covariance(q, K, kind)
    # e_j - A sums to zero: 1 - A_j without cancellation, and any constant may leave C, so that
    # equal keys have no error at all.
    others = np.ones((len(A), len(A))) - np.eye(len(A))
    V = np.diag(others @ A) - others * A
    C = C - C[0, 0]
    return RowError(A**2 * np.sum((V @ C) * V, axis=1), -A * (V @ (C @ A)))


def _relative_covariance(q: FloatArray, K: FloatArray, kind: FeatureKind) -> FloatArray:
    """Return the covariances of one feature over its mean, for all pairs of keys."""
    plus, minus = q + K, q - K
    if kind == "trig":
        return np.asarray(2.0 * np.sinh(0.5 * (minus @ minus.T)) ** 2)
    inner = plus @ plus.T
    return np.asarray(np.expm1(inner) if kind == "positive" else 2.0 * np.sinh(0.5 * inner) ** 2)


@dataclass(frozen=True)
class EstimatedRow:
    """A row of random-feature attention at given frequencies.

    Attributes
    ----------
    denominator : float
        Sum of the estimated kernels, inf beyond double precision.
    attention : ndarray of shape (n,) or None
        Estimated kernels over their sum; None if the sum is 0.
    """

    denominator: float
    attention: FloatArray | None


def feature_log_weights(
    q: FloatArray, K: FloatArray, Omega: FloatArray, kind: FeatureKind
) -> tuple[FloatArray, FloatArray]:
    """Return logarithms and signs of the estimated kernels of one query with n keys.

    Parameters
    ----------
    q : ndarray of shape (d,)
    K : ndarray of shape (n, d)
    Omega : ndarray of shape (m, d)
        Frequencies.
    kind : {"trig", "positive", "hyperbolic"}

    Returns
    -------
    logs, signs : ndarray of shape (n,)
        log|Khat(q, k_j)| (-inf for 0) and the sign of Khat.

    Examples
    --------
    >>> logs, signs = feature_log_weights(
    ...     np.zeros(2), np.zeros((1, 2)), np.ones((3, 2)), "positive")
    >>> float(abs(logs[0])) < 1e-15, float(signs[0])
    (True, 1.0)
    """
    half = 0.5 * (q @ q + np.einsum("nd,nd->n", K, K))
    if kind == "trig":
        mean = np.cos(Omega @ (q - K).T).mean(axis=0)
        with np.errstate(divide="ignore"):
            return half + np.log(np.abs(mean)), np.sign(mean)
    exponents = Omega @ (q + K).T
    if kind == "hyperbolic":
        exponents = np.concatenate([exponents, -exponents])
    logs = logsumexp(exponents, axis=0) - math.log(len(exponents)) - half
    return np.asarray(logs), np.ones(len(K))


def estimated_row(
    q: FloatArray, K: FloatArray, Omega: FloatArray, kind: FeatureKind
) -> EstimatedRow:
    """Return one row of random-feature attention.

    Parameters
    ----------
    q, K, Omega, kind
        As in `feature_log_weights`.

    Returns
    -------
    EstimatedRow
        Trigonometric weights may be negative, and so may their sum (ZOO-RF-9).

    Examples
    --------
    >>> row = estimated_row(np.array([3.0, 0.0]), np.array([[-2.0, 1.0], [0.0, -3.0]]),
    ...                     np.array([[0.6, 0.2]]), "trig")
    >>> round(row.denominator, 6)
    -7008.435426
    """
    logs, signs = feature_log_weights(q, K, Omega, kind)
    top = float(logs.max())
    if top == -math.inf:
        return EstimatedRow(0.0, None)
    weights = signs * np.exp(logs - top)
    total = float(weights.sum())
    with np.errstate(over="ignore"):
        denominator = float(np.exp(np.float64(top)) * total)
    return EstimatedRow(denominator, weights / total if total != 0.0 else None)
