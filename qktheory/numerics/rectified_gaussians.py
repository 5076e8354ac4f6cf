"""E[(X)_+ (Y)_+] of two correlated Gaussians, and kernels of random ReLU attention (ZOO-FU)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, owens_t

from qktheory.numerics.arc_cosine import arc_cosine_kernel
from qktheory.numerics.normal import normal_pdf

__all__ = ["closed_rectified_moment", "rectified_moment", "relu_attention_kernel"]

FloatArray = NDArray[np.float64]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(10)
#: No normal density above this point is a number.
_END = 39.0


def _mean_positive_part(mean: FloatArray, sd: float) -> FloatArray:
    """Return E (Y)_+ of a Gaussian, without cancellation."""
    if sd == 0.0:
        return np.maximum(mean, 0.0)
    x = mean / sd
    with np.errstate(over="ignore", invalid="ignore"):
        plain = x * ndtr(x) + normal_pdf(x)
        # Far below, Phi and phi cancel: sum_k (-1)^k (2k + 1)!!/x^(2k + 2).
        y = np.where(x < -12.0, x, -12.0)
        term, total = 1.0 / y**2, 1.0 / y**2
        for k in range(1, 12):
            term = term * -(2 * k + 1) / y**2
            total = total + term
        tail = normal_pdf(y) * total
    return np.asarray(sd * np.where(x < -12.0, tail, np.where(x > 40.0, x, plain)))


def rectified_moment(
    mu_1: float, mu_2: float, sd_1: float, sd_2: float, correlation: float
) -> float:
    """Return E[(X)_+ (Y)_+] of a bivariate Gaussian.

    Parameters
    ----------
    mu_1, mu_2 : float
        Means.
    sd_1, sd_2 : float
        Standard deviations, >= 0.
    correlation : float
        From -1 to 1.

    Returns
    -------
    float
        To about 1e-13 of itself, tails included: an integral of positive terms over X.

    Notes
    -----
    ZOO-FU-2a; `closed_rectified_moment` is the closed form.

    Examples
    --------
    >>> round(rectified_moment(0.0, 0.0, 2.0, 0.5, 0.6), 12)
    0.338773783883
    """
    if abs(mu_1) * sd_2 > abs(mu_2) * sd_1:  # integrate over the one that is less often cut
        mu_1, mu_2, sd_1, sd_2 = mu_2, mu_1, sd_2, sd_1
    if sd_1 == 0.0 or sd_2 == 0.0:
        parts = (
            float(_mean_positive_part(np.array(mu), sd)) for mu, sd in ((mu_1, sd_1), (mu_2, sd_2))
        )
        return math.prod(parts)
    # In units of both standard deviations: (a + u)_+ E[(b + r u + c g)_+ | u].
    a, b, r = mu_1 / sd_1, mu_2 / sd_2, correlation
    c = math.sqrt((1.0 - r) * (1.0 + r))
    start = max(-a, -_END)
    if start >= _END:
        return 0.0
    edges = np.linspace(start, max(_END, start + 1.0), 500)
    if r != 0.0 and abs(b) < _END * abs(r):
        # The second factor bends at -b/r, on the scale c/|r|.
        around = -b / r + np.linspace(-15.0, 15.0, 61) * max(c, 1e-300) / abs(r)
        edges = np.concatenate([edges, around, [-b / r]])
        edges = np.unique(edges[(edges >= start) & (edges <= _END)])
    half = 0.5 * np.diff(edges)
    u = (0.5 * (edges[1:] + edges[:-1]))[:, None] + half[:, None] * _NODES
    # From the edge itself, where a + u would cancel.
    first = np.maximum(a + u, 0.0)
    values = normal_pdf(u) * first * _mean_positive_part(b + r * u, c)
    return sd_1 * sd_2 * float((half[:, None] * _WEIGHTS * values).sum())


def closed_rectified_moment(
    mu_1: float, mu_2: float, sd_1: float, sd_2: float, correlation: float
) -> float:
    """Return the moment of `rectified_moment` by its closed form, which cancels in tails.

    Parameters
    ----------
    mu_1, mu_2, sd_1, sd_2, correlation
        As there, with sd > 0 and |correlation| < 1.

    Returns
    -------
    float
        s t m_11 + mu_1 t m_01 + mu_2 s m_10 + mu_1 mu_2 L, truncated moments m and the orthant
        probability L, by Owen's function (ZOO-FU-2a).

    Examples
    --------
    >>> round(closed_rectified_moment(0.8, -0.4, 1.3, 0.9, -0.3), 12)
    0.118871008031
    """
    h, k, r = -mu_1 / sd_1, -mu_2 / sd_2, correlation
    c = math.sqrt((1.0 - r) * (1.0 + r))
    up, down = (k - r * h) / c, (h - r * k) / c
    upper = _orthant(h, k, r, c)
    first, second = float(normal_pdf(h) * ndtr(-up)), float(normal_pdf(k) * ndtr(-down))
    joint = math.exp(-0.5 * (h * h - 2.0 * r * h * k + k * k) / c**2) / (2.0 * math.pi * c)
    m_10, m_01 = first + r * second, second + r * first
    m_11 = r * upper + r * h * first + r * k * second + c**2 * joint
    return sd_1 * sd_2 * m_11 + mu_1 * sd_2 * m_01 + mu_2 * sd_1 * m_10 + mu_1 * mu_2 * upper


def _orthant(h: float, k: float, r: float, c: float) -> float:
    """Return P(U > h, V > k), by Owen's T function of the opposite corner."""
    a, b = -h, -k
    if a == 0.0 and b == 0.0:
        return 0.25 + math.asin(r) / (2.0 * math.pi)
    with np.errstate(divide="ignore"):
        ratio_a = math.inf if a == 0.0 else (b - r * a) / (a * c)
        ratio_b = math.inf if b == 0.0 else (a - r * b) / (b * c)
    if a == 0.0:
        ratio_a = math.copysign(math.inf, b)
    if b == 0.0:
        ratio_b = math.copysign(math.inf, a)
    cut = 0.5 if a * b < 0.0 or (a * b == 0.0 and a + b < 0.0) else 0.0
    return float(0.5 * (ndtr(a) + ndtr(b)) - owens_t(a, ratio_a) - owens_t(b, ratio_b) - cut)


def relu_attention_kernel(
    x0: FloatArray, X: FloatArray, x0_prime: FloatArray, X_prime: FloatArray, mu: float = 0.0
) -> float:
    """Return the kernel of attention with random ReLU scores.

    Parameters
    ----------
    x0, x0_prime : ndarray of shape (d,)
        Queries of both inputs.
    X : ndarray of shape (n, d)
        Keys of the first input.
    X_prime : ndarray of shape (n', d)
        Keys of the second one.
    mu : float, optional
        Weights are W = mu I + Z, Z with iid N(0, 1) entries.

    Returns
    -------
    float
        (1/(n n')) sum_ij <x_i, x'_j> E relu(x_0^T W x_i) relu(x'_0^T W x'_j) (ZOO-FU-1, FU-2b).

    Examples
    --------
    >>> one = np.array([1.0, 0.0])
    >>> relu_attention_kernel(one, one[None], one, one[None])
    0.5
    """
    left, right = _norm(x0) * _norms(X), _norm(x0_prime) * _norms(X_prime)
    inner = X @ X_prime.T
    cosines = np.clip(_cosine(x0, x0_prime) * _cosines(X, X_prime), -1.0, 1.0)
    if mu == 0.0:
        means = arc_cosine_kernel(cosines.ravel()).reshape(cosines.shape)
        moments = 0.5 * np.outer(left, right) * means
    else:
        mean_left, mean_right = mu * (X @ x0), mu * (X_prime @ x0_prime)
        moments = np.array(
            [
                [
                    rectified_moment(float(m), float(n), float(s), float(t), float(c))
                    for n, t, c in zip(mean_right, right, row, strict=True)
                ]
                for m, s, row in zip(mean_left, left, cosines, strict=True)
            ]
        )
    return float((inner * moments).mean())


def _norm(x: FloatArray) -> float:
    return float(np.linalg.norm(x))


def _norms(X: FloatArray) -> FloatArray:
    return np.asarray(np.linalg.norm(X, axis=1))


def _unit(X: FloatArray) -> FloatArray:
    norms = np.linalg.norm(X, axis=-1, keepdims=True)
    return np.asarray(X / np.where(norms > 0.0, norms, 1.0))


def _cosine(x: FloatArray, y: FloatArray) -> float:
    return float(_unit(x) @ _unit(y))


def _cosines(X: FloatArray, Y: FloatArray) -> FloatArray:
    return np.asarray(_unit(X) @ _unit(Y).T)
