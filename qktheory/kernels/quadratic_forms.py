"""Quadratic forms of Gaussian rows in an eigenbasis."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qktheory.base.errors import bad_value
from qktheory.kernels import reference
from qktheory.kernels.layout import in_place
from qktheory.kernels.policy import jit_enabled, reduction, wide_vectors

__all__ = ["quadratic_sums"]

Float = NDArray[np.float64]


@reduction
def _sums(row: Float, eigenvalues: Float) -> tuple[float, float]:
    wide_vectors()
    first = 0.0
    second = 0.0
    for j in range(row.size):
        term = row[j] * row[j] * eigenvalues[j]
        first += term
        second += term * eigenvalues[j]
    return first, second


@reduction
def _quadratic_sums(g: Float, eigenvalues: Float, out: Float) -> None:
    for r in range(g.shape[0]):
        for k in range(eigenvalues.shape[0]):
            out[0, k, r], out[1, k, r] = _sums(g[r], eigenvalues[k])


def quadratic_sums(g: Float, eigenvalues: Float) -> Float:
    """Return sum_j lambda_j g_j^2 and sum_j lambda_j^2 g_j^2 of rows, for one spectrum or many.

    A product with BLAS would do the same, but its bits depend on the number of rows.

    Parameters
    ----------
    g : ndarray of shape (n, d)
        Rows, float64, C-contiguous.
    eigenvalues : ndarray of shape (d,) or (k, d)
        lambda of one spectrum or of k of them, float64, C-contiguous.

    Returns
    -------
    ndarray of shape (2, n) or (2, k, n)

    Raises
    ------
    ValueError
        For arrays of another kind or shape.

    Examples
    --------
    >>> quadratic_sums(np.array([[1.0, 2.0]]), np.array([3.0, -1.0]))
    array([[-1.],
           [13.]])
    """
    in_place("g", g, 2)
    in_place("eigenvalues", eigenvalues, 1 if np.ndim(eigenvalues) < 2 else 2)
    if eigenvalues.shape[-1] != g.shape[1]:
        raise bad_value(
            "eigenvalues",
            f"array of shape {eigenvalues.shape}",
            f"shape ({g.shape[1]},) or (k, {g.shape[1]})",
        )
    out = np.empty((2, *eigenvalues.shape[:-1], len(g)))
    spectra = eigenvalues.reshape(-1, g.shape[1])
    kernel = _quadratic_sums if jit_enabled else reference.quadratic_sums
    kernel(g, spectra, out.reshape(2, len(spectra), len(g)))
    return out
