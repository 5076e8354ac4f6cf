"""How far a matrix is from being normal (SPEC-4)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import schur

from qktheory.base.blas import serial_blas
from qktheory.base.domains import Matrix

__all__ = ["commutator_norm", "departure_squared"]

_Floats = NDArray[np.float64]


@serial_blas
def departure_squared(W: ArrayLike) -> float:
    """Return ||W||_F^2 - sum |lambda|^2, the squared departure from normality.

    Parameters
    ----------
    W : array_like of shape (d, d)
        Any real square matrix.

    Returns
    -------
    float
        The squared norm of the strictly upper part of the Schur form, >= 0. The error of its root
        is a few eps ||W||_F: no difference of large numbers, and no eigenvalues, which are ill
        conditioned exactly where the departure is large.

    Examples
    --------
    >>> round(departure_squared([[1.0, 2.0], [0.0, 3.0]]), 12)
    4.0
    """
    matrix, scale = _scaled(W)
    if len(matrix) == 1:
        return 0.0
    T = schur(matrix, output="real")[0]
    above = np.triu(T, 1)
    # A 2 x 2 block [[a, b], [c, a]] with bc < 0 has |lambda|^2 = a^2 - bc: it departs by (b + c)^2.
    below = np.diagonal(T, -1)
    start = np.flatnonzero(below)
    above[start, start + 1] += below[start]
    return float(np.sum(above**2)) * scale * scale


def commutator_norm(W: ArrayLike) -> float:
    """Return ||W W^T - W^T W||_F, which is 0 exactly for normal W.

    Parameters
    ----------
    W : array_like of shape (d, d)
        Any real square matrix.

    Returns
    -------
    float

    Examples
    --------
    >>> commutator_norm([[1.0, 2.0], [0.0, 3.0]])
    8.0
    """
    matrix, scale = _scaled(W)
    difference = matrix @ matrix.T - matrix.T @ matrix
    return float(np.sqrt(np.sum(difference**2))) * scale * scale


def _scaled(W: ArrayLike) -> tuple[_Floats, float]:
    """Return W divided by a power of two near its largest entry, and that power."""
    matrix = Matrix(square=True).check("W", W)
    largest = float(np.abs(matrix).max())
    scale = 2.0 ** float(np.frexp(largest)[1]) if largest > 0.0 else 1.0
    return matrix / scale, scale
