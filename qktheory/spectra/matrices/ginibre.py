"""W with independent Gaussian entries."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from qktheory.base.domains import Parameter, Real
from qktheory.base.memory import check_memory
from qktheory.kernels.streams import Stream
from qktheory.spectra.matrix_model import MATRIX_MODELS, MatrixModel
from qktheory.spectra.qk_matrix import QKMatrix
from qktheory.spectra.spectrum import SpectrumSpecification
from qktheory.spectra.substreams import substream

__all__ = ["Ginibre"]


@MATRIX_MODELS.register("ginibre")
@dataclass(frozen=True)
class Ginibre(MatrixModel):
    """W = scale G/sqrt(d), G with independent N(0, 1) entries (SPEC-8c).

    E xi = 0, Var xi = E eta = scale^2 and E eta_F = scale^2 d; eigenvalues fill the disc of radius
    `scale` as d grows. It is the limit d_k -> infinity of gaussian_factors.

    Parameters
    ----------
    scale : float
        Radius of the disc, >= 0; 1 by default.

    Examples
    --------
    >>> W = Ginibre(scale=2.0).build(8, None, Stream(key=1, experiment=0, cell=0))
    >>> W.W.shape, W.symmetric
    ((8, 8), False)
    """

    scale: float = 1.0

    name: ClassVar[str] = "ginibre"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("scale", Real(0.0), "factor in front of W", default=1.0),
    )
    needs_spectrum: ClassVar[bool] = False

    def work(self, d: int) -> float:
        """Return d^2 normals, each used once."""
        return 2.0 * float(d) ** 2

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
        """Return x_k W_k, all at once; see `MatrixModel.images`."""
        entries = substream(stream, "entries")
        G = entries.normals(first_sample, len(x), d * d).reshape(-1, d, d)
        return np.asarray(np.matmul(x, G) * (self.scale / d**0.5))

    def draw(
        self,
        d: int,
        spectrum: SpectrumSpecification | None,
        stream: Stream,
        first_sample: int,
        n: int,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
        """Return many W at once; see `MatrixModel.draw`."""
        G = substream(stream, "entries").normals(first_sample, n, d * d)
        G *= self.scale / d**0.5
        return G.reshape(n, d, d), None

    def build(
        self, d: int, spectrum: SpectrumSpecification | None, stream: Stream, sample: int = 0
    ) -> QKMatrix:
        """Return one W; see `MatrixModel.build`."""
        self.check(d, spectrum)
        check_memory(16 * d * d, f"W of shape ({d}, {d})")
        entries = substream(stream, "entries")
        return QKMatrix(
            d,
            form=partial(_form, d, self.scale, entries, sample),
            symmetric=d == 1,
            rotation_invariant=True,
        )


def _form(d: int, scale: float, entries: Stream, sample: int) -> NDArray[np.float64]:
    return np.asarray(entries.normals(sample, 1, d * d)[0].reshape(d, d) * (scale / d**0.5))
