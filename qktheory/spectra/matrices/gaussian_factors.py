"""W from independent Gaussian query and key matrices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from qktheory.base.domains import Integer, Parameter, Real
from qktheory.base.memory import check_memory
from qktheory.kernels.streams import Stream
from qktheory.spectra.matrix_model import MATRIX_MODELS, MatrixModel
from qktheory.spectra.qk_matrix import QKMatrix
from qktheory.spectra.spectrum import SpectrumSpecification
from qktheory.spectra.substreams import substream

__all__ = ["GaussianFactors"]


@MATRIX_MODELS.register("gaussian_factors")
@dataclass(frozen=True)
class GaussianFactors(MatrixModel):
    """W = scale G_Q G_K^T/sqrt(d d_k) with G_Q, G_K of shape (d, d_k), entries N(0, 1) (SPEC-10).

    E xi = 0, Var xi = E eta = scale^2, E eta_F = scale^2 d. The normalisation is shared evenly
    between the factors W_Q, W_K of the result, so W = W_Q W_K^T as everywhere.

    Parameters
    ----------
    d_k : int
        Width of the head, >= 1; it may exceed d.
    scale : float
        Factor in front, >= 0; 1 by default.

    Examples
    --------
    >>> W = GaussianFactors(d_k=2).build(8, None, Stream(key=1, experiment=0, cell=0))
    >>> W.W_Q.shape, W.W.shape
    ((8, 2), (8, 8))
    """

    d_k: int
    scale: float = 1.0

    name: ClassVar[str] = "gaussian_factors"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("d_k", Integer(1), "width of the head"),
        Parameter("scale", Real(0.0), "factor in front of W", default=1.0),
    )
    needs_spectrum: ClassVar[bool] = False

    def work(self, d: int) -> float:
        """Return 2 d d_k normals, each used once."""
        return 4.0 * d * self.d_k

    def typical_norm(self, d: int) -> float:
        """Return scale sqrt(d) (SPEC-8c, SPEC-10)."""
        return float(self.scale * d**0.5)

    def images(
        self,
        d: int,
        spectrum: SpectrumSpecification | None,
        stream: Stream,
        first_sample: int,
        x: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Return x_k G_Q G_K^T, scaled, without forming W; see `MatrixModel.images`."""
        n, size = len(x), d * self.d_k
        normals = substream(stream, "factors").normals(first_sample, n, 2 * size)
        factors = normals.reshape(n, 2, d, self.d_k)
        heads = np.matmul(x, factors[:, 0]) * (self.scale / float(size) ** 0.5)
        return np.asarray(np.matmul(heads, factors[:, 1].transpose(0, 2, 1)))

    def draw(
        self,
        d: int,
        spectrum: SpectrumSpecification | None,
        stream: Stream,
        first_sample: int,
        n: int,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
        """Return the factors of many W at once, or W itself; see `MatrixModel.draw`."""
        if 2 * self.d_k > d:
            return super().draw(d, spectrum, stream, first_sample, n)
        size = d * self.d_k
        normals = substream(stream, "factors").normals(first_sample, n, 2 * size)
        normals *= self.scale**0.5 / float(size) ** 0.25
        factors = normals.reshape(n, 2, d, self.d_k)
        return factors[:, 0], factors[:, 1]

    def build(
        self, d: int, spectrum: SpectrumSpecification | None, stream: Stream, sample: int = 0
    ) -> QKMatrix:
        """Return one W; see `MatrixModel.build`."""
        self.check(d, spectrum)
        size = d * self.d_k
        check_memory(64 * size, f"W_Q, W_K with matrix.d_k = {self.d_k}")
        normals = substream(stream, "factors").normals(sample, 1, 2 * size)[0]
        factor = self.scale**0.5 / float(size) ** 0.25
        return QKMatrix(
            d,
            W_Q=factor * normals[:size].reshape(d, self.d_k),
            W_K=factor * normals[size:].reshape(d, self.d_k),
            rotation_invariant=True,
        )
