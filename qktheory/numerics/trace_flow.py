"""Gradient flows that shrink tr W^2 at fixed trace (LOC-14).

W = W_QK = W_Q W_K^T with factors of shape (d, d_k). The penalty is
tr(W Sigma W Sigma)/temperature^2; flows are taken at Sigma = I, temperature = 1.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.integrate import solve_ivp

from qktheory.base.domains import Choice, Matrix, Real
from qktheory.base.errors import bad_value
from qktheory.numerics.replicator import ReplicatorSummary, replicator_flow, replicator_summary

__all__ = [
    "PenaltyGradients",
    "ReplicatorSummary",
    "direct_flow",
    "integrate_factor_flow",
    "penalty_gradients",
    "replicator_flow",
    "replicator_summary",
    "trace_multiplier",
]

_Floats = NDArray[np.float64]


def _factors(W_Q: ArrayLike, W_K: ArrayLike) -> tuple[_Floats, _Floats]:
    query = Matrix().check("W_Q", W_Q)
    key = Matrix().check("W_K", W_K)
    if query.shape != key.shape:
        raise bad_value("W_K", f"array of shape {key.shape}", f"the shape {query.shape} of W_Q")
    return query, key


class PenaltyGradients(NamedTuple):
    """Values and gradients of the trace penalties (LOC-14a).

    Attributes
    ----------
    penalty, penalty_frobenius : float
        tr(W Sigma W Sigma)/temperature^2 and tr(W Sigma W^T Sigma)/temperature^2.
    grad_W_QK, grad_W_QK_frobenius : ndarray, shape (d, d)
        Their gradients by W_QK.
    grad_W_Q, grad_W_K : ndarray, shape (d, d_k)
        Gradients of the first penalty by the factors.
    grad_trace : ndarray, shape (d, d)
        Gradient of tr(W Sigma)/temperature.
    """

    penalty: float
    grad_W_QK: _Floats
    grad_W_Q: _Floats
    grad_W_K: _Floats
    grad_trace: _Floats
    penalty_frobenius: float
    grad_W_QK_frobenius: _Floats


def penalty_gradients(
    W_Q: ArrayLike,
    W_K: ArrayLike,
    Sigma: ArrayLike | None = None,
    temperature: float = 1.0,
) -> PenaltyGradients:
    """Return the penalties of LOC-14 and their gradients in closed form (LOC-14a).

    Parameters
    ----------
    W_Q, W_K : array_like, shape (d, d_k)
        Factors, W_QK = W_Q W_K^T.
    Sigma : array_like, shape (d, d), optional
        Token covariance, the identity by default.
    temperature : float, optional
        > 0.

    Returns
    -------
    PenaltyGradients

    Raises
    ------
    ValueError
        If shapes do not fit, Sigma is not positive semidefinite or temperature not positive.

    Examples
    --------
    >>> gradients = penalty_gradients([[1.0], [2.0]], [[1.0], [0.5]])
    >>> gradients.penalty, gradients.grad_W_Q.ravel()
    (4.0, array([4., 2.]))
    """
    query, key = _factors(W_Q, W_K)
    d = query.shape[0]
    scale = Real(low=0.0, low_open=True).check("temperature", temperature)
    covariance = np.eye(d)
    if Sigma is not None:
        covariance = Matrix(positive_semidefinite=True).check("Sigma", Sigma)
        if covariance.shape[0] != d:
            raise bad_value("Sigma", f"array of shape {covariance.shape}", f"shape ({d}, {d})")
    W = query @ key.T
    dressed = covariance @ W @ covariance / scale / scale
    gradient = 2.0 * dressed.T
    return PenaltyGradients(
        penalty=float(np.sum(dressed * W.T)),
        grad_W_QK=gradient,
        grad_W_Q=gradient @ key,
        grad_W_K=gradient.T @ query,
        grad_trace=covariance / scale,
        penalty_frobenius=float(np.sum(dressed * W)),
        grad_W_QK_frobenius=2.0 * dressed,
    )


def direct_flow(W: ArrayLike, t: float) -> tuple[_Floats, float]:
    """Return W(t) and tr W(t)^2 of the flow dW/dt = -2 (W^T - (tr W/d) I) (LOC-14b).

    The traceless symmetric part shrinks as e^(-2t), the antisymmetric part grows as e^(2t).

    Parameters
    ----------
    W : array_like, shape (d, d)
        Initial matrix.
    t : float
        Time of either sign.

    Returns
    -------
    W_t : ndarray, shape (d, d)
    trace_square : float
        tr W_t^2; the difference of two squares when W is not symmetric.

    Raises
    ------
    ValueError
        If W is not square, or so much time has passed that the result leaves the floats.

    Examples
    --------
    >>> W_t, trace_square = direct_flow([[1.0, 2.0], [0.0, -1.0]], 0.5)
    >>> W_t.round(6), round(trace_square, 6)
    (array([[ 0.367879,  3.086161],
           [-2.350402, -0.367879]]), -14.236771)
    """
    start = Matrix(square=True).check("W", W)
    time = Real().check("t", t)
    d = start.shape[0]
    trace = float(np.trace(start))
    antisymmetric = 0.5 * (start - start.T)
    symmetric = 0.5 * (start + start.T)
    symmetric[np.diag_indices(d)] -= trace / d
    with np.errstate(over="ignore"):
        shrink, grow = np.exp(-2.0 * time), np.exp(2.0 * time)
    # 0 times an overflow is the 0 of a part that is not there.
    with np.errstate(over="ignore", invalid="ignore"):
        symmetric = np.where(symmetric == 0.0, 0.0, shrink * symmetric)
        antisymmetric = np.where(antisymmetric == 0.0, 0.0, grow * antisymmetric)
        square = trace * trace / d + np.sum(symmetric**2) - np.sum(antisymmetric**2)
    moved = symmetric + antisymmetric
    moved[np.diag_indices(d)] += trace / d
    if not (np.isfinite(moved).all() and np.isfinite(square)):
        raise bad_value("t", t, "a time at which W(t) and its square are still finite")
    return moved, float(square)


def trace_multiplier(W_Q: ArrayLike, W_K: ArrayLike) -> float:
    """Return nu = tr((P + K) W_QK)/tr(P + K), P = W_Q W_Q^T, K = W_K W_K^T (LOC-14c).

    The factor flow of tr W^2 - nu tr W keeps tr W with this multiplier.

    Parameters
    ----------
    W_Q, W_K : array_like, shape (d, d_k)
        Factors, not both 0.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If shapes differ or both factors are 0.

    Examples
    --------
    >>> round(trace_multiplier([[1.0], [0.5], [0.2]], [[1.0], [0.5], [0.2]]), 12)
    1.29
    """
    query, key = _factors(W_Q, W_K)
    if not (query.any() or key.any()):
        raise bad_value("W_Q", W_Q, "a factor other than 0, or W_K other than 0")
    return _multiplier(query, key)


def _multiplier(query: _Floats, key: _Floats) -> float:
    # tr(Q Q^T Q K^T) = <Q^T Q, K^T Q>, small matrices only.
    cross = key.T @ query
    numerator = np.sum((query.T @ query) * cross) + np.sum((key.T @ key) * cross)
    return float(numerator / (np.sum(query * query) + np.sum(key * key)))


def integrate_factor_flow(
    W_Q: ArrayLike,
    W_K: ArrayLike,
    t: float,
    multiplier: str = "projected",
    rtol: float = 1e-12,
) -> tuple[_Floats, _Floats]:
    """Integrate the factor flow dW_Q/dt = -G W_K, dW_K/dt = -G^T W_Q, G = 2 (W^T - nu I) (LOC-14).

    The reference for the closed statements of the chapter: an explicit Runge-Kutta method of
    order 8 with tight tolerances.

    Parameters
    ----------
    W_Q, W_K : array_like, shape (d, d_k)
        Initial factors.
    t : float
        Time >= 0.
    multiplier : {"projected", "mean"}, optional
        nu of `trace_multiplier`, which keeps tr W, or the mean eigenvalue tr W/d, which leaks.
    rtol : float, optional
        Relative tolerance of a step, 1e-13 to 1e-3.

    Returns
    -------
    W_Q_t, W_K_t : ndarray, shape (d, d_k)

    Raises
    ------
    ValueError
        If shapes differ, both factors are 0, t < 0, or the flow runs off to infinity before t.

    Examples
    --------
    >>> root = np.diag(np.sqrt([1.2, 0.6, 0.3]))
    >>> W_Q, W_K = integrate_factor_flow(root, root, 0.25)
    >>> np.diag(W_Q @ W_K.T).round(8)
    array([0.94131204, 0.69824229, 0.46044567])
    """
    query, key = _factors(W_Q, W_K)
    if not (query.any() or key.any()):
        raise bad_value("W_Q", W_Q, "a factor other than 0, or W_K other than 0")
    time = Real(low=0.0).check("t", t)
    kind = Choice(("projected", "mean")).check("multiplier", multiplier)
    rtol = Real(low=1e-13, high=1e-3).check("rtol", rtol)
    if time == 0.0:
        return np.array(query), np.array(key)
    shape, d = query.shape, query.shape[0]

    def velocity(_: float, state: _Floats) -> _Floats:
        q, k = state.reshape(2, *shape)
        nu = _multiplier(q, k) if kind == "projected" else float(np.sum(q * k)) / d
        # -2 (W^T - nu) W_K with W^T = W_K W_Q^T, without the (d, d) product.
        dq = 2.0 * (nu * k - k @ (q.T @ k))
        dk = 2.0 * (nu * q - q @ (k.T @ q))
        return np.concatenate([dq.ravel(), dk.ravel()])

    start = np.concatenate([query.ravel(), key.ravel()])
    size = float(np.abs(start).max())
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        solution = solve_ivp(
            velocity, (0.0, time), start, method="DOP853", rtol=rtol, atol=1e-3 * rtol * size
        )
    end = solution.y[:, -1]
    if not solution.success or not np.isfinite(end).all():
        raise bad_value("t", t, f"a time before the flow leaves the floats ({solution.message})")
    return end[: query.size].reshape(shape), end[query.size :].reshape(shape)
