"""Token covariances: multiples of the identity, diagonals and matrices, singular ones too."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qktheory.base.arrays import ArrayInput, covariance_array
from qktheory.base.blas import serial_blas
from qktheory.base.cached import cached_property
from qktheory.base.domains import Integer
from qktheory.base.errors import bad_value

__all__ = ["Covariance", "CovarianceDomain"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Covariance:
    """A positive semidefinite covariance Sigma of tokens of width d.

    Parameters
    ----------
    values : ndarray of 0, 1 or 2 dimensions
        Multiple of the identity, diagonal, or the matrix; use `Covariance.of` for user input.
    d : int
        Width of the tokens.

    Examples
    --------
    >>> sigma = Covariance.of([4.0, 1.0], 2)
    >>> sigma.apply_root([[1.0, 1.0]])
    array([[2., 1.]])
    >>> sigma.trace_with([[1.0, 5.0], [5.0, 2.0]])
    6.0
    """

    values: Array
    d: int

    @classmethod
    def of(
        cls, value: object, d: int, argument: str = "covariance", base: str | Path | None = None
    ) -> Covariance:
        """Read a covariance.

        Parameters
        ----------
        value : float, list, matrix, ``"@file.npy"``, Covariance or None
            Multiple of the identity (None: the identity), diagonal, or full matrix.
        d : int
            Width of the tokens.
        argument : str, optional
            Name for messages.
        base : path, optional
            Directory of relative paths.

        Raises
        ------
        ValueError
            If it is not positive semidefinite, or a diagonal or matrix has not size d.
        """
        d = Integer(1).check("d", d)
        array = covariance_array(
            argument, value.values if isinstance(value, Covariance) else value, base
        )
        if array.ndim and array.shape[0] != d:
            raise bad_value(argument, f"array of shape {array.shape}", f"a number, or size d = {d}")
        return cls(array, d)

    @cached_property
    def is_isotropic(self) -> bool:
        """Whether Sigma is a multiple of the identity, however it was given."""
        if self.values.ndim == 0:
            return True
        diagonal = np.diagonal(self.values) if self.values.ndim == 2 else self.values
        if not (diagonal == diagonal[0]).all():
            return False
        return self.values.ndim == 1 or not (self.values - np.diag(diagonal)).any()

    @property
    def is_identity(self) -> bool:
        """Whether Sigma = I."""
        return self.is_isotropic and float(self.values.ravel()[0]) == 1.0

    def matrix(self) -> Array:
        """Return Sigma of shape (d, d)."""
        if self.values.ndim == 2:
            return np.array(self.values)
        return np.diag(np.broadcast_to(self.values, self.d).astype(np.float64))

    @cached_property
    @serial_blas
    def _root(self) -> Array:
        """The root in the shape of `values`."""
        if self.values.ndim < 2:
            return np.sqrt(self.values)
        eigenvalues, vectors = np.linalg.eigh(self.values)
        root = (vectors * np.sqrt(np.maximum(eigenvalues, 0.0))) @ vectors.T
        return np.asarray(0.5 * (root + root.T))

    def root(self) -> Array:
        """Return the symmetric root R of shape (d, d), R R^T = Sigma, for singular Sigma too."""
        if self.values.ndim == 2:
            return np.array(self._root)
        return np.diag(np.broadcast_to(self._root, self.d).astype(np.float64))

    def apply_root(self, z: ArrayLike) -> Array:
        """Return z R^T: rows of covariance Sigma from rows of covariance I.

        Parameters
        ----------
        z : array_like of shape (..., d)

        Returns
        -------
        ndarray of shape (..., d)
            O(d) a row for multiples of the identity and diagonals, O(d^2) else. In a stack of
            matrices (n, T, d) each one gives the same bits whatever n is.
        """
        rows = np.asarray(z, dtype=np.float64)
        if rows.ndim == 0 or rows.shape[-1] != self.d:
            raise bad_value("z", f"array of shape {rows.shape}", f"rows of length d = {self.d}")
        if self.is_identity:
            return rows
        if self.values.ndim < 2:
            return np.asarray(rows * self._root)
        return np.asarray(rows @ self._root)

    def trace_with(self, W: ArrayLike) -> float:
        """Return tr(W Sigma)."""
        matrix = np.asarray(W, dtype=np.float64)
        if matrix.shape != (self.d, self.d):
            raise bad_value("W", f"array of shape {matrix.shape}", f"shape ({self.d}, {self.d})")
        if self.values.ndim == 2:
            return float(np.sum(matrix * self.values.T))
        return float(np.sum(np.diagonal(matrix) * self.values))

    def trace(self) -> float:
        """Return tr Sigma, the mean squared norm of a token."""
        if self.values.ndim == 2:
            return float(np.trace(self.values))
        return float(np.sum(np.broadcast_to(self.values, self.d)))

    def to_value(self) -> Any:
        """Return the number, list or rows that `of` reads."""
        return self.values.tolist()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Covariance):
            return NotImplemented
        return self.d == other.d and np.array_equal(self.matrix(), other.matrix())

    def __hash__(self) -> int:
        return hash((self.d, self.matrix().tobytes()))


@dataclass(frozen=True)
class CovarianceDomain:
    """Domain of covariance parameters: number, diagonal or matrix, positive semidefinite."""

    def check(self, argument: str, value: object) -> ArrayInput:
        """Return `value` as an `ArrayInput` of 0, 1 or 2 dimensions."""
        given = ArrayInput.of(argument, value, ndim=(0, 1, 2))
        covariance_array(argument, given)
        return given

    def describe(self) -> str:
        """Word the domain."""
        return "a number >= 0, a list of them (diagonal) or a positive semidefinite matrix"

    def sample(self, rng: np.random.Generator) -> object:
        """Draw a number, a diagonal or a matrix; singular ones come up."""
        size = int(rng.integers(1, 5))
        kind = int(rng.integers(3))
        if kind == 0:
            return float(rng.choice([0.0, 0.5, 1.0, 2.0]))
        if kind == 1:
            diagonal: list[float] = rng.choice([0.0, 0.5, 1.0, 2.0], size=size).tolist()
            return diagonal
        half = rng.normal(size=(size, int(rng.integers(1, size + 1))))
        rows: list[list[float]] = (half @ half.T).tolist()
        return rows
