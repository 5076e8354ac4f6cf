"""One realisation of W = W_QK, with whatever is known about it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qktheory.base.blas import serial_blas
from qktheory.base.cached import cached_property
from qktheory.base.errors import bad_value

__all__ = ["QKMatrix", "conjugated"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class QKMatrix:
    """W = W_QK acting as x_i^T W x_j (i query, j key), dense or through factors W_Q W_K^T.

    W is formed on first access only, so a simulator that needs no more than the eigenvalues, or
    the factors, never pays for it.

    Parameters
    ----------
    d : int
        Size of W.
    form : callable, optional
        Forms W; not needed when factors are given. Picklable.
    W_Q, W_K : ndarray of shape (d, d_k), optional
        Factors; both or none.
    eigenvalues : ndarray of shape (d,), optional
        The prescribed eigenvalues: real, or complex with both members of each pair.
    singular_values : ndarray of shape (d,), optional
        The prescribed singular values.
    core : ndarray of shape (d,) or (d, d), optional
        W_0 with W = O W_0 O^T for an orthogonal O; of one dimension if W_0 is diagonal. For
        tokens whose law does not change under rotations, W_0 may stand in for W.
    symmetric : bool
        Whether W = W^T.
    rotation_invariant : bool
        Whether the law of W is invariant under W -> O W O^T (Haar eigenvectors and the like).

    Examples
    --------
    >>> W = QKMatrix(2, W_Q=np.array([[1.0], [2.0]]), W_K=np.array([[0.0], [1.0]]))
    >>> W.W
    array([[0., 1.],
           [0., 2.]])
    >>> W.xi, W.eta, W.eta_F
    (2.0, 4.0, 5.0)
    """

    d: int
    form: Callable[[], Array] | None = None
    W_Q: Array | None = None
    W_K: Array | None = None
    eigenvalues: NDArray[Any] | None = None
    singular_values: Array | None = None
    core: Array | None = None
    symmetric: bool = False
    rotation_invariant: bool = False

    def __post_init__(self) -> None:
        """Check that the matrix is given in one way and that shapes agree."""
        if (self.W_Q is None) != (self.W_K is None):
            raise ValueError("W_Q and W_K must be given together")
        if self.W_Q is None and self.form is None:
            raise ValueError("QKMatrix needs factors or a function that forms W")
        if self.W_Q is not None and self.W_K is not None:
            shapes = (self.W_Q.shape, self.W_K.shape)
            if shapes[0] != shapes[1] or self.W_Q.ndim != 2 or self.W_Q.shape[0] != self.d:
                raise bad_value(
                    "(W_Q, W_K)", f"arrays of shapes {shapes}", f"both of shape ({self.d}, d_k)"
                )
        for array in (self.W_Q, self.W_K, self.eigenvalues, self.singular_values, self.core):
            if array is not None:
                array.setflags(write=False)

    @classmethod
    def of(cls, W: ArrayLike) -> QKMatrix:
        """Wrap a given square matrix; symmetric if equal to its transpose to 1e-12 of its scale."""
        array = np.array(W, dtype=np.float64)
        if array.ndim != 2 or array.shape[0] != array.shape[1]:
            raise bad_value("W", f"array of shape {array.shape}", "a square matrix")
        scale = float(np.abs(array).max())
        symmetric = bool(np.abs(array - array.T).max() <= 1e-12 * scale)
        return cls(array.shape[0], form=partial(np.asarray, array), symmetric=symmetric)

    @property
    def d_k(self) -> int | None:
        """Width of the factors, None if there are none."""
        return None if self.W_Q is None else int(self.W_Q.shape[1])

    @cached_property
    @serial_blas
    def W(self) -> Array:
        """The matrix itself, of shape (d, d), read-only."""
        if self.W_Q is not None and self.W_K is not None:
            matrix = self.W_Q @ self.W_K.T
            if self.symmetric:
                matrix = 0.5 * (matrix + matrix.T)
        else:
            assert self.form is not None
            matrix = self.form()
        if matrix.shape != (self.d, self.d):
            raise bad_value("W", f"array of shape {matrix.shape}", f"shape ({self.d}, {self.d})")
        matrix.setflags(write=False)
        return matrix

    def apply(self, x: ArrayLike) -> Array:
        """Return x W for tokens as rows.

        Parameters
        ----------
        x : array_like of shape (..., d)

        Returns
        -------
        ndarray of shape (..., d)
            Through the factors, at O(d d_k) a token, where they are narrower than d/2.
        """
        rows = self._rows(x)
        if self.W_Q is not None and self.W_K is not None and 2 * self.W_Q.shape[1] < self.d:
            return np.asarray((rows @ self.W_Q) @ self.W_K.T)
        return np.asarray(rows @ self.W)

    def apply_transpose(self, x: ArrayLike) -> Array:
        """Return x W^T, for the same arguments as `apply`."""
        rows = self._rows(x)
        if self.W_Q is not None and self.W_K is not None and 2 * self.W_Q.shape[1] < self.d:
            return np.asarray((rows @ self.W_K) @ self.W_Q.T)
        return np.asarray(rows @ self.W.T)

    def queries(self, x: ArrayLike) -> Array:
        """Return rows q with q_i . k_j = x_i^T W y_j for the rows k of `keys`.

        Parameters
        ----------
        x : array_like of shape (..., d)

        Returns
        -------
        ndarray of shape (..., d_k) or (..., d)
            x W_Q where there are factors narrower than W, x W elsewhere.

        Examples
        --------
        >>> W = QKMatrix(2, W_Q=np.array([[1.0], [2.0]]), W_K=np.array([[0.0], [1.0]]))
        >>> W.queries([[1.0, 1.0]]), W.keys([[5.0, 7.0]])
        (array([[3.]]), array([[7.]]))
        """
        if self._narrow and self.W_Q is not None:
            return np.asarray(self._rows(x) @ self.W_Q)
        return np.asarray(self._rows(x) @ self.W)

    def keys(self, y: ArrayLike) -> Array:
        """Return y W_K where there are factors narrower than W, y elsewhere; see `queries`."""
        if self._narrow and self.W_K is not None:
            return np.asarray(self._rows(y) @ self.W_K)
        return self._rows(y)

    @property
    def _narrow(self) -> bool:
        return self.d_k is not None and self.d_k < self.d

    def _rows(self, x: ArrayLike) -> Array:
        rows = np.asarray(x, dtype=np.float64)
        if rows.ndim == 0 or rows.shape[-1] != self.d:
            raise bad_value("x", f"array of shape {rows.shape}", f"rows of length {self.d}")
        return rows

    @cached_property
    @serial_blas
    def _traces(self) -> tuple[float, float, float]:
        """(tr W, tr W^2, tr W W^T) by the cheapest exact route (SPEC-4, SPEC-6)."""
        if self.core is not None and self.core.ndim == 1:
            square = math.fsum(self.core**2)
            return math.fsum(self.core), square, square
        if self.core is None and self.W_Q is not None and self.W_K is not None:
            small = self.W_K.T @ self.W_Q
            gram = (self.W_Q.T @ self.W_Q) * (self.W_K.T @ self.W_K)
            return float(np.trace(small)), float(np.sum(small * small.T)), float(gram.sum())
        matrix = self.core if self.core is not None else self.W
        # Sums of products and not products of matrices: O(d^2).
        eta = math.fsum((matrix * matrix.T).ravel())
        eta_F = eta if self.symmetric else math.fsum((matrix * matrix).ravel())
        return math.fsum(np.diagonal(matrix)), eta, eta_F

    @property
    def xi(self) -> float:
        """Trace tr W."""
        return self._traces[0]

    @property
    def eta(self) -> float:
        """Trace tr W^2."""
        return self._traces[1]

    @property
    def eta_F(self) -> float:
        """Trace tr W W^T = ||W||_F^2."""
        return self._traces[2]

    def __repr__(self) -> str:
        kind = "symmetric " if self.symmetric else ""
        rank = "" if self.d_k is None else f", d_k={self.d_k}"
        return f"<{kind}QKMatrix d={self.d}{rank}>"


@serial_blas
def conjugated(core: Array, basis: Callable[[], Array]) -> Array:
    """Return O W_0 O^T.

    Parameters
    ----------
    core : ndarray of shape (d,) or (d, d)
        W_0, of one dimension if diagonal.
    basis : callable
        Returns O of shape (d, d); not called if W_0 is a multiple of the identity.

    Returns
    -------
    ndarray of shape (d, d)
        Symmetric to the last bit for a diagonal core.

    Examples
    --------
    >>> conjugated(np.array([2.0, 2.0]), lambda: np.zeros((0, 0)))
    array([[2., 0.],
           [0., 2.]])
    """
    if core.ndim == 1:
        if (core == core[0]).all():
            return np.diag(core)
        O = basis()
        product = (O * core) @ O.T
        return np.asarray(0.5 * (product + product.T))
    O = basis()
    return np.asarray(O @ core @ O.T)
