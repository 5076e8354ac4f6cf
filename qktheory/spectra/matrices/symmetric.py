"""Symmetric W with Haar eigenvectors."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from qktheory.kernels.streams import Stream
from qktheory.spectra.haar import haar_orthogonal
from qktheory.spectra.matrix_model import MATRIX_MODELS, MatrixModel
from qktheory.spectra.qk_matrix import QKMatrix, conjugated
from qktheory.spectra.spectrum import SpectrumSpecification
from qktheory.spectra.substreams import substream

__all__ = ["Symmetric"]


@MATRIX_MODELS.register("symmetric")
@dataclass(frozen=True)
class Symmetric(MatrixModel):
    """W = O diag(lambda) O^T with O Haar: eta_F = eta = sum lambda^2 (SPEC-3).

    The result's `core` is lambda: for isotropic tokens W may be replaced by diag(lambda), and the
    O(d^3) eigenvectors are not computed until W is asked for.

    Examples
    --------
    >>> spectrum = SpectrumSpecification.from_dict({"law": "semicircle", "xi": 1.0, "eta": 0.5})
    >>> W = Symmetric().build(8, spectrum, Stream(key=1, experiment=0, cell=0))
    >>> round(W.xi, 12), round(W.eta, 12), W.symmetric
    (1.0, 0.5, True)
    """

    name: ClassVar[str] = "symmetric"

    def build(
        self, d: int, spectrum: SpectrumSpecification | None, stream: Stream, sample: int = 0
    ) -> QKMatrix:
        """Return one W; see `MatrixModel.build`."""
        values = self.prescribed(d, spectrum, stream, sample)
        basis = partial(haar_orthogonal, d, substream(stream, "eigenvectors"), sample)
        return QKMatrix(
            d,
            form=partial(conjugated, values, basis),
            eigenvalues=values,
            core=values,
            symmetric=True,
            rotation_invariant=True,
        )
