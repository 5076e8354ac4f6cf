"""Non-normal W through a real Schur form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from qktheory.base.domains import Parameter, Real
from qktheory.base.errors import bad_value
from qktheory.spectra.matrices.normal import PAIRS_PARAMETER, Normal
from qktheory.spectra.matrix_model import MATRIX_MODELS
from qktheory.spectra.spectrum import SpectrumSpecification

__all__ = ["Schur"]


@MATRIX_MODELS.register("schur")
@dataclass(frozen=True)
class Schur(Normal):
    """W = O (B + N) O^T with prescribed eigenvalues and departure from normality (SPEC-4).

    B is that of the normal model and N, strictly above its blocks, has Frobenius norm
    `departure`: xi and eta are those of the eigenvalues, eta_F = sum |lambda|^2 + departure^2,
    exactly. Do not recompute the eigenvalues of a strongly non-normal W (pitfall of SPEC-4): they
    are carried by the result.

    Parameters
    ----------
    complex_pairs : list of [a, b]
        Eigenvalues a + ib and a - ib; at most d/2 of them.
    departure : float
        Departure from normality in Frobenius norm, >= 0.

    Examples
    --------
    The reference of SPEC-4: xi = 1.2, eta = -4.24, eta_F = 42.24.

    >>> from qktheory.kernels.streams import Stream
    >>> table = {"law": "list", "eigenvalues": [0.5, -1.0, 2.0, 0.1]}
    >>> model = Schur(((0.3, 1.1), (-0.7, 0.4), (0.2, 2.0)), departure=5.0)
    >>> W = model.build(10, SpectrumSpecification.from_dict(table), Stream(1, 0, 0))
    >>> round(W.xi, 12), round(W.eta, 12), round(W.eta_F, 12)
    (1.2, -4.24, 42.24)
    """

    departure: float = 0.0

    name: ClassVar[str] = "schur"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        PAIRS_PARAMETER,
        Parameter("departure", Real(0.0), "departure from normality", default=0.0),
    )

    def departure_from_normality(self, d: int) -> float:
        """Return the parameter."""
        return self.departure

    def check(self, d: int, spectrum: SpectrumSpecification | None) -> None:
        """Raise, beside the checks of all models, where there is no room for the departure."""
        super().check(d, spectrum)
        if self.departure > 0.0 and d - len(self.complex_pairs) < 2:
            raise bad_value(
                "matrix.departure",
                self.departure,
                f"0, since at d = {d} there is one block only, which is always normal",
            )
