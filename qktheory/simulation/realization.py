"""An Ensemble with its seed: the QK map that was drawn, and the streams of everything else."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qktheory.base.blas import serial_blas
from qktheory.base.cached import cached_property
from qktheory.base.memory import check_memory
from qktheory.kernels import Stream, experiment_id, seed_key
from qktheory.simulation.ensemble import Ensemble
from qktheory.spectra.qk_matrix import QKMatrix
from qktheory.tokens.covariance import Covariance

__all__ = ["Realization"]

FloatArray = NDArray[np.float64]

_LARGEST_LOGIT = 1e140
#: Peak memory while W is made from its eigenvectors.
_BYTES_PER_ENTRY = 24


class Realization:
    """An Ensemble with a seed: its QK map, unless every sample has its own, and all streams.

    Parameters
    ----------
    ensemble : Ensemble
        The experiment.
    seed : int, numpy.random.Generator or None
        Seed, >= 0; a Generator supplies one key; None takes fresh entropy. See `key`.
    cell : int, optional
        Number of the experiment within a larger one (a case, a cell of a sweep); cells are
        independent.

    Examples
    --------
    >>> ensemble = Ensemble.from_dict({"d": 4, "T": 8, "spectrum": {"law": "point", "xi": 1.0,
    ...                                "eta": 0.25}, "tokens": {"law": "iid", "covariance": 2.0}})
    >>> realization = Realization(ensemble, seed=0)
    >>> round(realization.xi, 12), round(realization.eta, 12)
    (2.0, 1.0)
    """

    def __init__(
        self, ensemble: Ensemble, seed: int | np.random.Generator | None, cell: int = 0
    ) -> None:
        self.ensemble = ensemble
        self.key = seed_key(seed)
        self.cell = cell

    @classmethod
    def from_key(cls, ensemble: Ensemble, key: int, cell: int) -> Realization:
        """Realise with a key that `seed_key` has made already."""
        realization = cls(ensemble, 0, cell)
        realization.key = key
        return realization

    def stream(self, label: str) -> Stream:
        """Return the random numbers of one purpose (``"matrix"``, ``"tokens"``)."""
        return Stream(self.key, experiment_id(label), self.cell)

    @cached_property
    def matrix(self) -> QKMatrix:
        """The QK map that is held fixed; a `ValueError` if every sample has its own."""
        if self.ensemble.redraws_matrix:
            raise ValueError(
                "matrix.draw = 'every_sample': there is no single W, nor its traces or "
                "eigenvalues; expected 'once', or the W of a sample (matrix_of)"
            )
        return self._draw_matrix(0)

    def matrix_of(self, sample: int) -> QKMatrix:
        """Return the QK map of a sample: the fixed one, or that sample's own."""
        return self._draw_matrix(sample) if self.ensemble.redraws_matrix else self.matrix

    def images(self, x: FloatArray, first_sample: int) -> FloatArray:
        """Return x_k W with the W of consecutive samples.

        Parameters
        ----------
        x : ndarray of shape (n, m, d)
            Rows, m for each sample.
        first_sample : int
            Number of the first sample.

        Returns
        -------
        ndarray of shape (n, m, d)
        """
        ensemble = self.ensemble
        if not ensemble.redraws_matrix:
            return self.matrix.apply(x)
        stream = self.stream("matrix")
        return ensemble.matrix.images(ensemble.d, ensemble.spectrum, stream, first_sample, x)

    def _draw_matrix(self, sample: int) -> QKMatrix:
        ensemble = self.ensemble
        return ensemble.matrix.build(ensemble.d, ensemble.spectrum, self.stream("matrix"), sample)

    def tokens(self, first_sample: int, n: int) -> FloatArray:
        """Return the tokens of n samples, shape (n, T, d), the last one pinned if it is."""
        ensemble = self.ensemble
        X = ensemble.tokens.draw(self.stream("tokens"), first_sample, n, ensemble.T, ensemble.d)
        return X if self.query is None else ensemble.tokens.pin_last(X, self.query)

    @cached_property
    def temperature(self) -> float:
        """Divisor of the scores, as a number."""
        return self.ensemble.attention.scale(self.ensemble.d)

    def check_scale(self) -> None:
        """Raise a `ValueError` if the logits would leave the range of double precision.

        Where W is drawn for every sample, its mean square norm speaks for all, or if that is not
        known the W of the first sample.
        """
        variance = float(self.covariance.values.max())
        if self.query is not None:
            largest = float(np.abs(self.query).max())
            variance = max(variance, largest * largest)
        with np.errstate(over="ignore", invalid="ignore"):
            root = self._norm()
            # s^2, the square of a logit, is formed too.
            size = np.float64(root) * variance * self.ensemble.T / self.temperature
        if not size < _LARGEST_LOGIT:
            raise ValueError(
                f"attention.temperature = {self.temperature:g}: expected one that keeps logits "
                f"below {_LARGEST_LOGIT:g}, those of this W and covariance reach {size:.3g}"
            )

    def _norm(self) -> float:
        """Return the Frobenius norm of W, or a typical one where W is drawn again and again."""
        if self.ensemble.redraws_matrix:
            typical = self.ensemble.matrix.typical_norm(self.ensemble.d)
            if typical is not None:
                return typical
        matrix = self.matrix_of(0)
        try:
            return math.sqrt(matrix.eta_F)
        except (OverflowError, ValueError):  # Entries so large that a sum has no value.
            return math.inf

    @cached_property
    def query(self) -> FloatArray | None:
        """The pinned query token, shape (d,), or None."""
        query = self.ensemble.query
        return None if query is None else np.asarray(query, dtype=np.float64)

    @cached_property
    def covariance(self) -> Covariance:
        """Token covariance Sigma; the identity for fixed tokens, which have no law."""
        return self.ensemble.tokens.sigma(self.ensemble.d)

    @cached_property
    @serial_blas
    def M(self) -> FloatArray:
        """Whitened map R W R / temperature, R the symmetric root of Sigma, shape (d, d) (LOC-1)."""
        self._check_dense()
        half = self.covariance.apply_root(self.matrix.W)
        return self.covariance.apply_root(half.T).T / self.temperature

    def _check_dense(self) -> None:
        """Raise a `ValueError` if W does not fit into memory with what it is made from."""
        d = self.ensemble.d
        check_memory(_BYTES_PER_ENTRY * d * d, f"W of shape ({d}, {d})")

    @cached_property
    def symmetric(self) -> bool:
        """Whether M is symmetric, that is W is (on the range of Sigma)."""
        if self.matrix.symmetric:
            return True
        return bool(np.allclose(self.M, self.M.T, rtol=0.0, atol=1e-13 * np.abs(self.M).max()))

    @cached_property
    @serial_blas
    def eigenvalues(self) -> FloatArray | None:
        """Eigenvalues of M if it is symmetric, shape (d,), else None."""
        if not self.symmetric:
            return None
        prescribed = self.matrix.eigenvalues
        if self.covariance.is_isotropic and prescribed is not None:
            # Exact; an eigenvalue solver would add rounding errors.
            variance = float(self.covariance.values.ravel()[0])
            return np.asarray(prescribed.real * variance / self.temperature)
        return np.asarray(np.linalg.eigvalsh((self.M + self.M.T) / 2.0))

    @cached_property
    def _traces(self) -> tuple[float, float, float]:
        # Entries beyond all sense give inf, which `check_scale` refuses before anything is drawn.
        with np.errstate(over="ignore"):
            return self._sums()

    def _sums(self) -> tuple[float, float, float]:
        eigenvalues = self.eigenvalues
        if eigenvalues is not None:
            square = float(np.sum(eigenvalues**2))
            return float(eigenvalues.sum()), square, square
        M = self.M
        return float(np.trace(M)), float(np.sum(M * M.T)), float(np.sum(M * M))

    @property
    def xi(self) -> float:
        """Trace of M."""
        return self._traces[0]

    @property
    def eta(self) -> float:
        """Trace of M^2."""
        return self._traces[1]

    @property
    def eta_F(self) -> float:
        """Trace of M M^T."""
        return self._traces[2]

    @cached_property
    def map_parameters(self) -> dict[str, Any]:
        """W_QK, Sigma, temperature and T under the names that claims use."""
        self._check_dense()
        return {
            "W_QK": self.matrix.W,
            "Sigma": self.covariance.matrix(),
            "temperature": self.temperature,
            "T": self.ensemble.T,
        }
