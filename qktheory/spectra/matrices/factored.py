"""Symmetric W of rank d_k with factors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qktheory.base.domains import Integer, Parameter
from qktheory.base.errors import bad_value
from qktheory.kernels.streams import Stream
from qktheory.spectra.haar import haar_frame
from qktheory.spectra.matrix_model import MATRIX_MODELS, MatrixModel
from qktheory.spectra.qk_matrix import QKMatrix
from qktheory.spectra.spectrum import SpectrumSpecification
from qktheory.spectra.substreams import substream

__all__ = ["Factored"]


@MATRIX_MODELS.register("factored")
@dataclass(frozen=True)
class Factored(MatrixModel):
    """Symmetric W = W_Q W_K^T of rank at most d_k, balanced factors, Haar eigenvectors (SPEC-6).

    The spectrum prescribes d_k eigenvalues; the other d - d_k are zero. Targets count all d
    eigenvalues of W, so they are feasible iff eta >= xi^2/d_k. With V the (d, d_k) eigenvectors,
    W_Q = V |lambda|^(1/2) and W_K = V sign(lambda) |lambda|^(1/2).

    Parameters
    ----------
    d_k : int
        Width of the head, 1 <= d_k <= d.

    Examples
    --------
    >>> spectrum = SpectrumSpecification.from_dict({"law": "semicircle", "xi": 1.0, "eta": 0.5})
    >>> W = Factored(d_k=4).build(16, spectrum, Stream(key=1, experiment=0, cell=0))
    >>> W.W_Q.shape, round(W.xi, 12), round(W.eta, 12), int(np.linalg.matrix_rank(W.W))
    ((16, 4), 1.0, 0.5, 4)
    """

    d_k: int

    name: ClassVar[str] = "factored"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("d_k", Integer(1), "width of the head"),
    )

    def fixed_eigenvalues(self, d: int) -> tuple[complex, ...]:
        """Return the d - d_k zeros."""
        if self.d_k > d:
            raise bad_value("matrix.d_k", self.d_k, f"an integer <= d = {d}")
        return (0j,) * (d - self.d_k)

    def build(
        self, d: int, spectrum: SpectrumSpecification | None, stream: Stream, sample: int = 0
    ) -> QKMatrix:
        """Return one W; see `MatrixModel.build`."""
        values = self.prescribed(d, spectrum, stream, sample)
        vectors = haar_frame(d, self.d_k, substream(stream, "eigenvectors"), sample)
        root = np.sqrt(np.abs(values))
        everything = np.sort(np.concatenate([values, np.zeros(d - self.d_k)]))[::-1]
        return QKMatrix(
            d,
            W_Q=vectors * root,
            W_K=vectors * np.copysign(root, values),
            eigenvalues=everything,
            core=everything,
            symmetric=True,
            rotation_invariant=True,
        )
