"""Balanced factors of a given W (SPEC-6)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qktheory.base.blas import serial_blas
from qktheory.base.domains import Integer, Matrix
from qktheory.spectra.qk_matrix import QKMatrix

__all__ = ["factorize"]


@serial_blas
def factorize(W: ArrayLike | QKMatrix, d_k: int, truncate: bool = False) -> QKMatrix:
    """Return factors W_Q, W_K of shape (d, d_k) with W = W_Q W_K^T.

    The factors are balanced, W_Q^T W_Q = W_K^T W_K, and have the least
    ||W_Q||_F^2 + ||W_K||_F^2 = 2 sum of singular values (SPEC-6, nu = 1). Singular vectors of
    equal singular values are not unique, and neither are the factors then.

    Parameters
    ----------
    W : array_like of shape (d, d) or QKMatrix
        The matrix.
    d_k : int
        Width of the factors, >= 1; columns beyond the rank of W are zero.
    truncate : bool, optional
        Accept a rank above d_k and return the best approximation of rank d_k, whose squared
        Frobenius error is the sum of the squared singular values left out.

    Returns
    -------
    QKMatrix
        With factors; `W` of the result is their product.

    Raises
    ------
    ValueError
        If the rank of W (singular values above d eps times the largest) exceeds d_k and
        `truncate` is false.

    Examples
    --------
    >>> W = factorize([[2.0, 0.0], [0.0, 0.0]], 1)
    >>> bool(np.allclose(W.W, [[2.0, 0.0], [0.0, 0.0]]))
    True
    >>> factorize(np.eye(3), 2)
    Traceback (most recent call last):
    ...
    ValueError: d_k = 2: expected at least 3, the rank of W (truncate=True accepts an error of ...)
    """
    matrix = W.W if isinstance(W, QKMatrix) else Matrix(square=True).check("W", W)
    d_k = Integer(1).check("d_k", d_k)
    d = matrix.shape[0]
    u, s, vt = np.linalg.svd(matrix)
    rank = int(np.sum(s > d * np.finfo(np.float64).eps * s[0]))
    if rank > d_k and not truncate:
        error = float(np.sqrt(np.sum(s[d_k:] ** 2)))
        raise ValueError(
            f"d_k = {d_k}: expected at least {rank}, the rank of W (truncate=True accepts an "
            f"error of {error:.6g} in Frobenius norm)"
        )
    kept = min(d_k, rank)
    root = np.sqrt(s[:kept])
    W_Q: NDArray[np.float64] = np.zeros((d, d_k))
    W_K: NDArray[np.float64] = np.zeros((d, d_k))
    W_Q[:, :kept] = u[:, :kept] * root
    W_K[:, :kept] = vt[:kept].T * root
    return QKMatrix(d, W_Q=W_Q, W_K=W_K)
