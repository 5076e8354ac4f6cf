"""Haar-distributed orthogonal matrices, dense and matrix-free (SPEC-1)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qktheory.base.blas import serial_blas
from qktheory.base.domains import Integer
from qktheory.base.errors import bad_value
from qktheory.kernels.streams import Stream

__all__ = ["HaarProduct", "haar_frame", "haar_frames", "haar_orthogonal"]

Array = NDArray[np.float64]


def haar_orthogonal(d: int, stream: Stream, sample: int = 0) -> Array:
    """Return a Haar-distributed orthogonal matrix.

    QR decomposition of a Gaussian matrix with the signs of R's diagonal moved into Q; without
    that fix LAPACK's Q is not Haar (SPEC-1).

    Parameters
    ----------
    d : int
        Size, >= 1.
    stream : Stream
        Source of randomness.
    sample : int, optional
        Which sample of the stream.

    Returns
    -------
    ndarray of shape (d, d)
        Orthogonal to about 1e-15. Cost O(d^3).

    Examples
    --------
    >>> O = haar_orthogonal(4, Stream(key=7, experiment=0, cell=0))
    >>> bool(np.allclose(O.T @ O, np.eye(4), atol=1e-14))
    True
    """
    return haar_frame(d, d, stream, sample)


def haar_frame(d: int, k: int, stream: Stream, sample: int = 0) -> Array:
    """Return the first k columns of a Haar-distributed orthogonal matrix.

    Parameters
    ----------
    d, k : int
        Numbers of rows and columns, 1 <= k <= d.
    stream : Stream
        Source of randomness.
    sample : int, optional
        Which sample of the stream.

    Returns
    -------
    ndarray of shape (d, k)
        Orthonormal columns, uniform on the Stiefel manifold (SPEC-1). Cost O(d k^2).

    Examples
    --------
    >>> haar_frame(5, 2, Stream(key=7, experiment=0, cell=0)).shape
    (5, 2)
    """
    return np.asarray(haar_frames(d, k, stream, sample, 1)[0])


@serial_blas
def haar_frames(d: int, k: int, stream: Stream, first_sample: int, n: int) -> Array:
    """Return the first k columns of n Haar-distributed orthogonal matrices.

    Parameters
    ----------
    d, k : int
        Numbers of rows and columns, 1 <= k <= d.
    stream : Stream
        Source of randomness.
    first_sample, n : int
        Which samples of the stream; each is the frame of `haar_frame` at its address.

    Returns
    -------
    ndarray of shape (n, d, k)
        Orthonormal columns (SPEC-1).

    Examples
    --------
    >>> stream = Stream(key=7, experiment=0, cell=0)
    >>> frames = haar_frames(5, 2, stream, 10, 3)
    >>> bool((frames[2] == haar_frame(5, 2, stream, 12)).all())
    True
    """
    d = Integer(1).check("d", d)
    k = Integer(1, d).check("k", k)
    gaussian = stream.normals(first_sample, n, d * k).reshape(n, d, k)
    q, r = np.linalg.qr(gaussian)
    signs = np.where(np.diagonal(r, axis1=1, axis2=2) < 0.0, -1.0, 1.0)
    return np.asarray(q * signs[:, None, :])


class HaarProduct:
    """A Haar-distributed orthogonal matrix as a product of reflections, never formed (SPEC-1).

    O_n = R_x diag(1, O_(n-1)) with x uniform on the sphere of R^n and R_x a reflection, up to
    sign, whose first column is x. Applying O or its transpose to m vectors costs O(m d^2) and the
    matrix d^2/2 numbers of memory: the route for large d, where the QR of `haar_orthogonal`
    does not pay.

    Parameters
    ----------
    d : int
        Size, >= 1.
    stream : Stream
        Source of randomness. The matrix is not the one of `haar_orthogonal` at that address.
    sample : int, optional
        Which sample of the stream.

    Examples
    --------
    >>> O = HaarProduct(3, Stream(key=7, experiment=0, cell=0))
    >>> y = np.array([1.0, 2.0, 3.0])
    >>> bool(np.allclose(O.apply_transpose(O.apply(y)), y, rtol=1e-14))
    True
    """

    def __init__(self, d: int, stream: Stream, sample: int = 0) -> None:
        self.d = Integer(1).check("d", d)
        # Row n of a triangle, n = 1..d, at offset n (n - 1)/2; n = 1 only supplies a fair sign.
        self._vectors = np.array(stream.normals(sample, 1, self.d * (self.d + 1) // 2)[0])
        self._sign = -1.0 if self._vectors[0] < 0.0 else 1.0
        self._factors = np.empty(self.d + 1)
        self._signs = np.empty(self.d + 1)
        for n in range(2, self.d + 1):
            v = self._vector(n)
            v /= math.sqrt(float(v @ v))
            sign = -1.0 if v[0] < 0.0 else 1.0
            v[0] += sign
            self._signs[n] = sign
            # |x + sign e_1|^2 = 2 (1 + |x_1|), so 2 vv^T/|v|^2 = vv^T/(1 + |x_1|) = vv^T/|v_1|.
            self._factors[n] = 1.0 / abs(v[0])

    def _vector(self, n: int) -> Array:
        """Return the view of the reflection vector of length n."""
        start = n * (n - 1) // 2
        return self._vectors[start : start + n]

    def _columns(self, y: ArrayLike) -> tuple[Array, bool]:
        values = np.array(y, dtype=np.float64)
        if values.ndim not in (1, 2) or values.shape[0] != self.d:
            raise bad_value(
                "y", f"array of shape {values.shape}", f"shape ({self.d},) or ({self.d}, m)"
            )
        return values.reshape(self.d, -1), values.ndim == 1

    def _reflect(self, n: int, block: Array) -> None:
        """Apply R_x of size n to the last n coordinates, in place; R_x is symmetric."""
        v = self._vector(n)
        tail = block[self.d - n :]
        tail -= np.outer(self._factors[n] * v, v @ tail)
        if self._signs[n] > 0.0:
            np.negative(tail, out=tail)

    def apply(self, y: ArrayLike) -> Array:
        """Return O y.

        Parameters
        ----------
        y : array_like of shape (d,) or (d, m)
            One vector, or m of them as columns.

        Returns
        -------
        ndarray of the shape of `y`
        """
        block, flat = self._columns(y)
        block[-1] *= self._sign
        for n in range(2, self.d + 1):
            self._reflect(n, block)
        return block[:, 0] if flat else block

    def apply_transpose(self, y: ArrayLike) -> Array:
        """Return O^T y, for the same arguments as `apply`."""
        block, flat = self._columns(y)
        for n in range(self.d, 1, -1):
            self._reflect(n, block)
        block[-1] *= self._sign
        return block[:, 0] if flat else block

    def to_array(self) -> Array:
        """Return the matrix itself, of shape (d, d)."""
        return self.apply(np.eye(self.d))

    def __repr__(self) -> str:
        return f"HaarProduct(d={self.d})"
