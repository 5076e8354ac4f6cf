"""The three traces that govern Gaussian logits (LOC-1)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qktheory.base.arrays import covariance_array
from qktheory.base.blas import serial_blas
from qktheory.base.domains import Matrix, Real
from qktheory.base.errors import bad_value
from qktheory.spectra.qk_matrix import QKMatrix

__all__ = ["Invariants", "invariants"]

Array = NDArray[np.float64]


class Invariants(NamedTuple):
    """Traces tr M, tr M^2 and tr M M^T of M = Sigma^(1/2) W Sigma^(1/2)/temperature."""

    xi: float
    eta: float
    eta_F: float


@serial_blas
def invariants(
    W: ArrayLike | QKMatrix, Sigma: object = None, temperature: float = 1.0
) -> Invariants:
    """Return xi, eta and eta_F of M = Sigma^(1/2) W Sigma^(1/2)/temperature (LOC-1).

    No root of Sigma is taken: xi = tr(W Sigma), eta = tr((W Sigma)^2) and
    eta_F = tr(W Sigma W^T Sigma), divided by the temperature and its square, so any positive
    semidefinite Sigma will do, singular ones included.

    Parameters
    ----------
    W : array_like of shape (d, d) or QKMatrix
        Query-key matrix; factors of a `QKMatrix` are used where they are cheaper.
    Sigma : float, list, matrix or None
        Token covariance: multiple of the identity (None: the identity), diagonal, matrix.
    temperature : float
        Divides the logits, > 0.

    Returns
    -------
    Invariants
        Dimensionless; eta = eta_F for symmetric W, |eta| <= eta_F always.

    Raises
    ------
    ValueError
        For a W that is not square, a Sigma that is not positive semidefinite or of another size,
        or a temperature that is not positive.

    Examples
    --------
    The reference of LOC-1.

    >>> invariants([[1, 2], [0, -1]], [[2, 1], [1, 3]], 2.0)
    Invariants(xi=0.5, eta=2.75, eta_F=7.75)
    """
    matrix = W if isinstance(W, QKMatrix) else QKMatrix.of(Matrix(square=True).check("W", W))
    sigma = covariance_array("Sigma", Sigma)
    temperature = Real(0.0, low_open=True).check("temperature", temperature)
    if sigma.ndim and sigma.shape[0] != matrix.d:
        raise bad_value("Sigma", f"array of shape {sigma.shape}", f"size d = {matrix.d}")
    if sigma.ndim == 0:
        scale = float(sigma) / temperature
        xi, eta, eta_F = matrix.xi, matrix.eta, matrix.eta_F
        return Invariants(scale * xi, scale**2 * eta, scale**2 * eta_F)
    W_Q, W_K = matrix.W_Q, matrix.W_K
    if W_Q is not None and W_K is not None and 2 * W_Q.shape[1] < matrix.d:
        left, right = _times(sigma, W_Q), _times(sigma, W_K)
        small = W_K.T @ left
        xi = float(np.trace(small))
        eta = float(np.sum(small * small.T))
        eta_F = float(np.sum((W_Q.T @ left) * (W_K.T @ right)))
    else:
        forward = _times(sigma, matrix.W.T).T
        backward = _times(sigma, matrix.W).T
        xi = float(np.trace(forward))
        eta = float(np.sum(forward * forward.T))
        # forward = W Sigma and backward = W^T Sigma.
        eta_F = eta if matrix.symmetric else float(np.sum(forward * backward.T))
    return Invariants(xi / temperature, eta / temperature**2, eta_F / temperature**2)


def _times(sigma: Array, columns: Array) -> Array:
    """Return Sigma times a matrix, Sigma of one or two dimensions."""
    return sigma[:, None] * columns if sigma.ndim == 1 else np.asarray(sigma @ columns)
