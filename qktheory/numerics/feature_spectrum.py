"""Mean square error of random features as a function of the QK map (ZOO-RF-6, ZOO-RF-7).

For independent tokens x, y ~ N(0, I) and q = W_Q^T x, k = W_K^T y, the error of one feature is a
sum of exponentials of quadratic forms xi^T M xi, xi = (x, y), each of mean det(I - 2 M)^(-1/2),
infinite unless I - 2 M is positive definite. Terms agree to leading orders where W is small, so
sums are arranged to have no cancellation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "MeanErrors",
    "factor_errors",
    "features_needed",
    "finite_powers",
    "product_singular_values",
    "spectrum_errors",
]

FloatArray = NDArray[np.float64]

#: An I - 2 M whose smallest eigenvalue is below this counts as singular.
_SINGULAR = 1e-13


@dataclass(frozen=True)
class MeanErrors:
    """m times the mean square error over independent standard normal tokens, None if infinite.

    Attributes
    ----------
    positive, hyperbolic, trig : float or None
        Of the kernel e^(q^T k).
    relative : float or None
        Of positive features, over the square of the kernel.
    """

    positive: float | None
    hyperbolic: float | None
    trig: float | None
    relative: float | None


def spectrum_errors(singular_values: FloatArray) -> MeanErrors:
    """Return the mean errors for balanced factors of a W_QK with the given singular values.

    Parameters
    ----------
    singular_values : ndarray of shape (r,)
        Of W_QK (temperature included), >= 0.

    Returns
    -------
    MeanErrors
        ZOO-RF-6a; positive and hyperbolic are finite for sigma_1 < 1/6, relative for
        sigma_1 < 1/4, trig for sigma_1 < 1/2.

    Examples
    --------
    >>> errors = spectrum_errors(np.array([0.2, 0.1]))
    >>> errors.positive, round(errors.trig, 8)
    (None, 0.31273907)
    """
    s = np.asarray(singular_values, dtype=np.float64)
    largest = float(s.max(initial=0.0))
    positive = hyperbolic = trig = relative = None
    if largest < 1.0 / 2.0:
        base = math.exp(_half_log(-4.0 * s**2))
        r = float(np.arctanh(2.0 * s).sum())
        even = 4.0 * math.sinh(0.5 * r) ** 2
        excess = _half_log(-16.0 * s**2 / (1.0 + 2.0 * s) ** 2)
        trig = 0.5 * base * (even + math.exp(-r) * math.expm1(excess))
    if largest < 1.0 / 4.0:
        relative = math.expm1(_half_log(-4.0 * s))
    if largest < 1.0 / 6.0:
        positive = base * math.expm1(_half_log(-4.0 * s / (1.0 - 2.0 * s)))
        excess = _half_log(-16.0 * s**2 / (1.0 - 2.0 * s) ** 2)
        hyperbolic = 0.5 * base * (even + math.exp(r) * math.expm1(excess))
    return MeanErrors(positive, hyperbolic, trig, relative)


def _half_log(x: FloatArray) -> float:
    """Return -1/2 sum log(1 + x)."""
    return -0.5 * float(np.log1p(x).sum())


# --- any factors ----------------------------------------------------------------------------------


def _log1p_rest(x: FloatArray) -> FloatArray:
    """Return log(1 + x) - x without cancellation."""
    near = np.abs(x) < 0.3
    r = np.where(near, x, 0.0)
    r = r / (2.0 + r)
    series = sum(2.0 * r ** (2 * k + 1) / (2 * k + 1) for k in range(1, 12))
    rest = -(x**2) / (2.0 + x) + series
    return np.where(near, rest, np.log1p(np.where(near, 0.0, x)) - x)


@dataclass(frozen=True)
class _Determinant:
    """log det(I - 2 M)^(-1/2), split into the trace of M and what is of second order."""

    trace: float
    rest: float

    @property
    def log(self) -> float:
        return self.trace + self.rest


def _determinant(a: FloatArray, b: FloatArray, c: FloatArray) -> _Determinant | None:
    """Return it for M = [[a, b], [b^T, c]], None unless I - 2 M is positive definite."""
    M = np.block([[a, b], [b.T, c]])
    twice = 2.0 * np.linalg.eigvalsh(M)
    if not np.isfinite(twice).all() or 1.0 - float(twice[-1]) < _SINGULAR:
        return None
    trace = float(np.trace(a)) + float(np.trace(c))
    return _Determinant(trace, -0.5 * float(_log1p_rest(-twice).sum()))


def _second_difference(a: _Determinant, b: _Determinant, c: _Determinant) -> float:
    """Return (e^a - 2 e^b + e^c)/2, where the traces of a and c are opposite and b has none."""
    mean = 0.5 * (a.rest + c.rest) - b.rest
    half = a.trace + 0.5 * (a.rest - c.rest)
    even = math.expm1(mean) * math.cosh(half) + 2.0 * math.sinh(0.5 * half) ** 2
    return math.exp(b.rest) * even


def factor_errors(W_Q: FloatArray, W_K: FloatArray) -> MeanErrors:
    """Return the mean errors for any factors of W_QK = W_Q W_K^T.

    Parameters
    ----------
    W_Q, W_K : ndarray of shape (d, d_k)
        Query and key projections (temperature included).

    Returns
    -------
    MeanErrors
        ZOO-RF-6b; finite if and only if every I - 2 M is positive definite.

    Examples
    --------
    >>> W = np.diag([0.2, 0.1])
    >>> round(factor_errors(W, W).positive, 10) == round(
    ...     spectrum_errors(np.array([0.04, 0.01])).positive, 10)
    True
    """
    W_Q, W_K = np.asarray(W_Q, dtype=np.float64), np.asarray(W_K, dtype=np.float64)
    # Only singular directions of the factors count: orthonormal bases of their columns.
    Q, K = _triangular(W_Q), _triangular(W_K)
    with np.errstate(over="ignore", invalid="ignore"):
        P, W, R = Q @ Q.T, Q @ K.T, K @ K.T
        if not np.isfinite(P).all() or not np.isfinite(R).all() or not np.isfinite(W).all():
            return MeanErrors(None, None, None, None)
        kernel = _determinant(0.0 * P, W, 0.0 * R)
        positive = hyperbolic = trig = relative = None
        square = _determinant(P, 2.0 * W, R)
        if kernel is not None and square is not None:
            positive = math.exp(kernel.log) * math.expm1(square.log - kernel.log)
            opposite = _determinant(-P, 0.0 * W, -R)
            assert opposite is not None
            hyperbolic = _second_difference(square, kernel, opposite)
        norms, mixed = _determinant(P, 0.0 * W, R), _determinant(-P, 2.0 * W, -R)
        if kernel is not None and norms is not None and mixed is not None:
            trig = _second_difference(norms, kernel, mixed)
        sums = _determinant(P, W, R)
        if sums is not None:
            relative = math.expm1(sums.log)
    return MeanErrors(positive, hyperbolic, trig, relative)


def _triangular(W: FloatArray) -> FloatArray:
    """Return R of W = Q R: inner products of columns without the dimension of the tokens."""
    return np.asarray(np.linalg.qr(W, mode="r"), dtype=np.float64)


def product_singular_values(W_Q: FloatArray, W_K: FloatArray) -> FloatArray:
    """Return the singular values of W_Q W_K^T that can differ from 0.

    Parameters
    ----------
    W_Q, W_K : ndarray of shape (d, d_k)

    Returns
    -------
    ndarray
        Decreasing, min(d, d_k) of them.

    Examples
    --------
    >>> product_singular_values(np.array([[2.0], [0.0]]), np.array([[0.0], [3.0]])).tolist()
    [6.0]
    """
    Q, K = _triangular(W_Q), _triangular(W_K)
    return np.asarray(np.linalg.svd(Q @ K.T, compute_uv=False))


def finite_powers(
    W_Q: FloatArray,
    W_K: FloatArray,
    kind: str,
    coefficient: float = 0.0,
    bounded: bool = False,
) -> dict[str, int]:
    """Return how many moments of the squared error of one kernel are finite.

    Parameters
    ----------
    W_Q, W_K : ndarray of shape (d, d_k)
        Factors of W_QK, for independent tokens N(0, I).
    kind : {"positive", "hyperbolic", "trig", "optimal"}
        The feature; its frequencies are drawn with the tokens.
    coefficient : float, optional
        Of the quadratic term of kind ``"optimal"``, <= 0 (ZOO-RF-11).
    bounded : bool, optional
        Whether frequencies have a fixed norm instead of being Gaussian.

    Returns
    -------
    dict
        For ``"kernel_error"`` and ``"kernel_relative_error"``: 0 if the mean is infinite, 1 if
        only the variance is, 2 if neither. The fourth power of a positive feature has exponent
        6 (|q|^2 + |k|^2) + 16 q^T k: balanced factors have a variance up to sigma_1 = 1/28 only,
        a mean up to 1/6 (ZOO-RF-6b).

    Examples
    --------
    >>> finite_powers(np.array([[0.3]]), np.array([[0.3]]), "positive")["kernel_error"]
    1
    """
    Q, K = _triangular(W_Q), _triangular(W_K)
    P, W, R = Q @ Q.T, Q @ K.T, K @ K.T

    def finite(norms: float, logit: float) -> bool:
        """Whether exp(norms (|q|^2 + |k|^2) + 2 logit q^T k) has a mean."""
        return _determinant(norms * P, logit * W, norms * R) is not None

    def powers(relative: bool) -> int:
        """Count p = 2, 4 from the first: moments of |Khat|^p and K^p, or of |Khat/K|^p."""
        count = 0
        for p in (2.0, 4.0):
            shift = 0.5 * p if relative else 0.0
            if kind == "trig":
                good = finite(0.5 * p, -shift)  # |Khat| <= e^(N/2)
            elif bounded:
                good = True  # |Khat| is bounded, and Khat/K <= e^(c |z| - |z|^2/2) as well
            else:
                square = 0.5 * p * p * (1.0 - 4.0 * coefficient) / (1.0 - 4.0 * coefficient * p)
                good = finite(square - 0.5 * p, square - shift)
            if not good or not (relative or finite(0.0, 0.5 * p)):
                break
            count += 1
        return count

    return {"kernel_error": powers(False), "kernel_relative_error": powers(True)}


def features_needed(scaled_error: float | None, error: float) -> int | None:
    """Return how many features bring an error of the form scaled_error/m down to `error`.

    Parameters
    ----------
    scaled_error : float or None
        m times the error; None if it is infinite.
    error : float
        The aim, > 0.

    Returns
    -------
    int or None
        At least 1; None if no number of features is enough.

    Examples
    --------
    >>> features_needed(0.5, 0.01), features_needed(None, 0.01)
    (50, None)
    """
    return None if scaled_error is None else max(1, math.ceil(scaled_error / error))
