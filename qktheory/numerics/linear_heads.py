"""Linear attention heads with weight decay as a convex program with a nuclear norm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["ConvexHeads", "convex_heads", "head_map"]

FloatArray = NDArray[np.float64]

_ITERATIONS = 200_000
_POLISHING = 60
#: Relative movement of a proximal step at which Newton's method takes over.
_TOLERANCES = (1e-4, 1e-6, 1e-8, 1e-10, 1e-12)


@dataclass(frozen=True)
class ConvexHeads:
    """Value of the program and its solution Z (d^2, d)."""

    value: float
    Z: FloatArray

    @property
    def rank(self) -> int:
        """Rank of Z: how many heads attain the value."""
        values = np.linalg.svd(self.Z, compute_uv=False)
        return int(np.sum(values > 1e-9 * values[0])) if values[0] > 0.0 else 0

    @property
    def nuclear_norm(self) -> float:
        """Sum of the singular values of Z."""
        return float(np.linalg.svd(self.Z, compute_uv=False).sum())


def head_map(X: FloatArray) -> FloatArray:
    """Return the linear map from vec(Z) to the outputs X_i W_1 X_i^T X_i w_2, Z = vec(W_1) w_2^T.

    Parameters
    ----------
    X : ndarray of shape (N, s, d)
        Sequences.

    Returns
    -------
    ndarray of shape (N s, d^3)

    Examples
    --------
    >>> head_map(np.array([[[2.0], [1.0]]])).tolist()
    [[10.0], [5.0]]
    """
    N, s, d = X.shape
    gram = X.transpose(0, 2, 1) @ X
    return np.asarray(np.einsum("nsa,nbc->nsabc", X, gram).reshape(N * s, d**3))


def convex_heads(X: FloatArray, Y: FloatArray, penalty: float) -> ConvexHeads:
    """Solve min |A vec Z - y|^2/2 + penalty |Z|_*.

    Parameters
    ----------
    X : ndarray of shape (N, s, d)
        Sequences.
    Y : ndarray of shape (N, s)
        Targets.
    penalty : float
        > 0.

    Returns
    -------
    ConvexHeads
        Value and norm to a relative accuracy of about 1e-10.

    Raises
    ------
    ArithmeticError
        If the solver does not converge.

    Notes
    -----
    Accelerated proximal gradient with restarts until the rank stands, then Newton's method for the
    factors U V^T of that rank, whose weight decay (|U|^2 + |V|^2)/2 is the nuclear norm.

    Examples
    --------
    >>> X, Y = np.array([[[1.0]]]), np.array([[2.0]])
    >>> round(convex_heads(X, Y, 0.5).value, 9)
    0.875
    """
    d = X.shape[2]
    A, y = head_map(X), Y.ravel()
    gram, pull = A.T @ A, A.T @ y
    largest = float(np.linalg.eigvalsh(gram)[-1])
    if largest == 0.0 or _norm(pull.reshape(d * d, d)) <= penalty:
        return ConvexHeads(0.5 * float(y @ y), np.zeros((d * d, d)))
    Z = np.zeros((d * d, d))
    for tolerance in _TOLERANCES:
        Z = _proximal(gram, pull, penalty, largest, Z, tolerance)
        polished = _polished(A, y, penalty, Z)
        if _gap(A, y, penalty, polished) <= 1e-12 * 0.5 * float(y @ y):
            Z = polished
            break
    rest = A @ Z.ravel() - y
    nuclear = float(np.linalg.svd(Z, compute_uv=False).sum())
    return ConvexHeads(0.5 * float(rest @ rest) + penalty * nuclear, Z)


def _gap(A: FloatArray, y: FloatArray, penalty: float, Z: FloatArray) -> float:
    """Return how far the value at Z is above a dual one: an upper bound of its error."""
    rest = A @ Z.ravel() - y
    price = rest * min(1.0, penalty / (_norm((A.T @ rest).reshape(Z.shape)) or np.inf))
    nuclear = float(np.linalg.svd(Z, compute_uv=False).sum())
    value = 0.5 * float(rest @ rest) + penalty * nuclear
    return value + 0.5 * float(price @ price) + float(price @ y)


def _norm(M: FloatArray) -> float:
    return float(np.linalg.norm(M, 2))


def _proximal(
    gram: FloatArray,
    pull: FloatArray,
    penalty: float,
    largest: float,
    start: FloatArray,
    tolerance: float,
) -> FloatArray:
    """Return Z where a proximal step moves it by less than the tolerance."""
    Z = ahead = start
    momentum = 1.0
    for _ in range(_ITERATIONS):
        step = ahead.ravel() - (gram @ ahead.ravel() - pull) / largest
        U, s, Vt = np.linalg.svd(step.reshape(start.shape), full_matrices=False)
        new = (U * np.maximum(s - penalty / largest, 0.0)) @ Vt
        change = new - Z
        if np.sum((ahead - new) * change) > 0.0:  # against the step: forget the momentum
            momentum, ahead = 1.0, new
        else:
            following = 0.5 * (1.0 + np.sqrt(1.0 + 4.0 * momentum**2))
            ahead, momentum = new + (momentum - 1.0) / following * change, following
        Z = np.asarray(new)
        if np.abs(change).max() <= tolerance * np.abs(Z).max() and momentum > 1.0:
            return Z
    raise ArithmeticError("the convex program did not converge")


def _factor_jacobian(P: FloatArray, Q: FloatArray) -> FloatArray:
    """Return the map from (dP, dQ), row by row, to vec(dP Q^T + P dQ^T)."""
    d = len(Q)
    return np.concatenate(
        [np.kron(np.eye(d * d), Q), np.einsum("ak,cb->acbk", P, np.eye(d)).reshape(d**3, -1)],
        axis=1,
    )


def _polished(A: FloatArray, y: FloatArray, penalty: float, Z: FloatArray) -> FloatArray:
    """Return Z after Newton steps on its factors, or Z itself if they do not help."""
    gram, pull = A.T @ A, A.T @ y
    U, s, Vt = np.linalg.svd(Z, full_matrices=False)
    r = int(np.sum(s > 1e-9 * s[0])) if s[0] > 0.0 else 0
    if r == 0:
        return Z
    d = Z.shape[1]
    P, Q = U[:, :r] * np.sqrt(s[:r]), Vt[:r].T * np.sqrt(s[:r])
    best, best_size = Z, np.inf
    for _ in range(_POLISHING):
        G = (gram @ (P @ Q.T).ravel() - pull).reshape(d * d, d)
        gradient = np.concatenate([(G @ Q + penalty * P).ravel(), (G.T @ P + penalty * Q).ravel()])
        size = float(np.abs(gradient).max())
        if size >= best_size:
            break
        best, best_size = P @ Q.T, size
        J = _factor_jacobian(P, Q)
        H = J.T @ gram @ J + penalty * np.eye(J.shape[1])
        cross = np.einsum("ac,kl->akcl", G, np.eye(r)).reshape(d * d * r, d * r)
        H[: d * d * r, d * d * r :] += cross
        H[d * d * r :, : d * d * r] += cross.T
        step = np.linalg.lstsq(H, -gradient, rcond=1e-12)[0]
        P = P + step[: d * d * r].reshape(d * d, r)
        Q = Q + step[d * d * r :].reshape(d, r)
    return best
