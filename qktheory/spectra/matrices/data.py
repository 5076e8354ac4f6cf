"""A given W, or given factors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from qktheory.base.arrays import ArrayDomain, ArrayInput
from qktheory.base.domains import Parameter
from qktheory.base.errors import bad_value
from qktheory.kernels.streams import Stream
from qktheory.spectra.matrix_model import MATRIX_MODELS, MatrixModel
from qktheory.spectra.qk_matrix import QKMatrix
from qktheory.spectra.spectrum import SpectrumSpecification

__all__ = ["Data"]


@MATRIX_MODELS.register("data")
@dataclass(frozen=True)
class Data(MatrixModel):
    """W as it is given, or W = W_Q W_K^T from given factors.

    Parameters
    ----------
    W : matrix or "@file.npy", optional
        The matrix, of shape (d, d).
    W_Q, W_K : matrix or "@file.npy", optional
        Factors of shape (d, d_k) acting on rows; both, and no W.

    Examples
    --------
    >>> model = Data.from_dict({"W": [[1.0, 2.0], [0.0, -1.0]]})
    >>> W = model.build(2, None, Stream(key=1, experiment=0, cell=0))
    >>> W.xi, W.eta, W.eta_F
    (0.0, 2.0, 6.0)
    """

    W: ArrayInput | None = None
    W_Q: ArrayInput | None = None
    W_K: ArrayInput | None = None

    name: ClassVar[str] = "data"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("W", ArrayDomain((2,), "a matrix of shape (d, d)"), "the matrix", default=None),
        Parameter(
            "W_Q", ArrayDomain((2,), "a matrix of shape (d, d_k)"), "query factor", default=None
        ),
        Parameter(
            "W_K", ArrayDomain((2,), "a matrix of shape (d, d_k)"), "key factor", default=None
        ),
    )
    needs_spectrum: ClassVar[bool] = False
    random: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Check that there is one description of W, with fitting shapes."""
        super().__post_init__()
        given = [n for n in ("W", "W_Q", "W_K") if getattr(self, n) is not None]
        if given not in (["W"], ["W_Q", "W_K"]):
            raise ValueError(
                f"[matrix] model 'data' has {', '.join(given) or 'no array'}: expected either W, "
                "or W_Q and W_K"
            )
        if self.W is not None and self.W.values.shape[0] != self.W.values.shape[1]:
            raise bad_value("matrix.W", f"array of shape {self.W.values.shape}", "a square matrix")
        if self.W_Q is not None and self.W_K is not None:
            shapes = self.W_Q.values.shape, self.W_K.values.shape
            if shapes[0] != shapes[1]:
                raise bad_value(
                    "matrix.W_K", f"array of shape {shapes[1]}", f"the shape of W_Q, {shapes[0]}"
                )

    @property
    def d(self) -> int:
        """Size of W."""
        array = self.W if self.W is not None else self.W_Q
        assert array is not None
        return int(array.values.shape[0])

    def check(self, d: int, spectrum: SpectrumSpecification | None) -> None:
        """Raise if `d` is not the size of the data, or a spectrum is given."""
        super().check(d, spectrum)
        if d != self.d:
            raise bad_value("d", d, f"{self.d}, the size of the given matrix")

    def build(
        self, d: int, spectrum: SpectrumSpecification | None, stream: Stream, sample: int = 0
    ) -> QKMatrix:
        """Return the given matrix; nothing is drawn."""
        self.check(d, spectrum)
        if self.W is not None:
            return QKMatrix.of(self.W.values)
        assert self.W_Q is not None
        assert self.W_K is not None
        return QKMatrix(d, W_Q=self.W_Q.values, W_K=self.W_K.values)
