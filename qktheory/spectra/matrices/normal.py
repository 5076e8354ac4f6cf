"""Normal W with real and complex eigenvalues."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from qktheory.base.domains import Integer, Parameter
from qktheory.base.errors import bad_value
from qktheory.kernels.streams import Stream
from qktheory.spectra.blocks import COMPLEX_PAIRS, Pairs, block_form, pair_eigenvalues
from qktheory.spectra.haar import haar_orthogonal
from qktheory.spectra.matrix_model import MATRIX_MODELS, MatrixModel
from qktheory.spectra.qk_matrix import QKMatrix, conjugated
from qktheory.spectra.spectrum import SpectrumSpecification
from qktheory.spectra.substreams import substream

__all__ = ["Normal"]

PAIRS_PARAMETER = Parameter(
    "complex_pairs", COMPLEX_PAIRS, "eigenvalues a + ib, a - ib given as [a, b]", default=()
)


@MATRIX_MODELS.register("normal")
@dataclass(frozen=True)
class Normal(MatrixModel):
    """W = O B O^T, O Haar, B block diagonal: the spectrum's reals and the given pairs (SPEC-4).

    Targets of the spectrum count the pairs: xi = sum r + 2 sum a, eta = sum r^2 +
    2 sum (a^2 - b^2), and the d - 2p real eigenvalues are mapped to what the pairs leave. W is
    normal, so eta_F = sum |lambda|^2; without pairs it is the symmetric model.

    Parameters
    ----------
    complex_pairs : list of [a, b]
        Eigenvalues a + ib and a - ib; at most d/2 of them.

    Examples
    --------
    >>> spectrum = SpectrumSpecification.from_dict({"law": "uniform", "xi": 2.0, "eta": -1.0})
    >>> W = Normal(((0.3, 1.5),)).build(6, spectrum, Stream(key=1, experiment=0, cell=0))
    >>> round(W.xi, 12), round(W.eta, 12), W.symmetric
    (2.0, -1.0, False)
    """

    complex_pairs: Pairs = ()

    name: ClassVar[str] = "normal"
    parameters: ClassVar[tuple[Parameter, ...]] = (PAIRS_PARAMETER,)

    def fixed_eigenvalues(self, d: int) -> tuple[complex, ...]:
        """Return the complex pairs."""
        if 2 * len(self.complex_pairs) > d:
            raise bad_value(
                "matrix.complex_pairs",
                f"{len(self.complex_pairs)} pairs",
                f"at most d/2 = {d / 2:g} pairs of eigenvalues",
            )
        return pair_eigenvalues(self.complex_pairs)

    def departure_from_normality(self, d: int) -> float:
        """Return ||N||_F of the Schur form, 0 for normal matrices."""
        return 0.0

    def build(
        self, d: int, spectrum: SpectrumSpecification | None, stream: Stream, sample: int = 0
    ) -> QKMatrix:
        """Return one W; see `MatrixModel.build`."""
        real = self.prescribed(d, spectrum, stream, sample)
        departure = self.departure_from_normality(d)
        symmetric = not self.complex_pairs and departure == 0.0
        eigenvalues: NDArray[Any] = real
        core = real
        if not symmetric:
            core = block_form(real, self.complex_pairs, departure, stream, sample)
        if self.complex_pairs:
            eigenvalues = np.concatenate([real, pair_eigenvalues(self.complex_pairs)])
        basis = partial(haar_orthogonal, d, substream(stream, "eigenvectors"), sample)
        return QKMatrix(
            d,
            form=partial(conjugated, core, basis),
            eigenvalues=eigenvalues,
            core=core,
            symmetric=symmetric,
            rotation_invariant=True,
        )

    def number_of_eigenvalues(self, d: int) -> int:
        """Return d - 2p."""
        return Integer(1).check("d", d) - len(self.fixed_eigenvalues(d))
