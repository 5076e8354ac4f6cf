"""W with prescribed singular values."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from qktheory.base.errors import bad_value
from qktheory.kernels.streams import Stream
from qktheory.spectra.haar import haar_orthogonal
from qktheory.spectra.matrix_model import MATRIX_MODELS, MatrixModel
from qktheory.spectra.qk_matrix import QKMatrix
from qktheory.spectra.spectrum import SpectrumSpecification
from qktheory.spectra.substreams import substream

__all__ = ["SingularValues"]


@MATRIX_MODELS.register("singular_values")
@dataclass(frozen=True)
class SingularValues(MatrixModel):
    """W = U diag(s) V^T with independent Haar U, V (SPEC-5).

    The values of the [spectrum] are the singular values, all >= 0; (mean, variance) are theirs.
    They fix eta_F = sum s^2 only, E xi = 0 and Var xi = E eta = sum s^2/d, so targets (xi, eta)
    are refused.

    Examples
    --------
    >>> spectrum = SpectrumSpecification.from_dict({"law": "list", "eigenvalues": [2.0, 1.0]})
    >>> W = SingularValues().build(2, spectrum, Stream(key=1, experiment=0, cell=0))
    >>> np.linalg.svd(W.W, compute_uv=False).round(12)
    array([2., 1.])
    """

    name: ClassVar[str] = "singular_values"

    def check_spectrum(self, d: int, spectrum: SpectrumSpecification) -> None:
        """Refuse (xi, eta), and negative singular values where they are known in advance."""
        if spectrum.xi is not None:
            raise ValueError(
                "spectrum.xi and spectrum.eta are traces of W, which singular values do not fix "
                "(SPEC-5): expected the law's own parameters or (mean, variance) of the singular "
                "values; matrix models symmetric, normal and schur take (xi, eta)"
            )
        if spectrum.draw == "quantiles":
            _check_signs(spectrum.eigenvalues(d))
        else:
            spectrum.check(d)

    def build(
        self, d: int, spectrum: SpectrumSpecification | None, stream: Stream, sample: int = 0
    ) -> QKMatrix:
        """Return one W; see `MatrixModel.build`."""
        values = self.prescribed(d, spectrum, stream, sample)
        _check_signs(values)
        left = partial(haar_orthogonal, d, substream(stream, "left vectors"), sample)
        right = partial(haar_orthogonal, d, substream(stream, "right vectors"), sample)
        return QKMatrix(
            d,
            form=partial(_form, values, left, right),
            singular_values=values,
            symmetric=d == 1,
            rotation_invariant=True,
        )


def _check_signs(values: NDArray[np.float64]) -> None:
    if values.min() < 0.0:
        raise bad_value(
            "spectrum",
            f"smallest value {float(values.min()):.6g}",
            "values >= 0, since matrix model 'singular_values' takes them as singular values",
        )


def _form(
    values: NDArray[np.float64],
    left: partial[NDArray[np.float64]],
    right: partial[NDArray[np.float64]],
) -> NDArray[np.float64]:
    return np.asarray((left() * values) @ right().T)
