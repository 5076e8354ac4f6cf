"""Value and output maps of heads: a matrix model with its spectrum, drawn many at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qktheory.base.errors import bad_value
from qktheory.kernels.streams import Stream
from qktheory.spectra.matrix_model import MatrixModel, matrix_model
from qktheory.spectra.spectrum import SpectrumSpecification

__all__ = ["DrawnMaps", "HeadMap"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class DrawnMaps:
    """Matrices W = left right^T of a stack, or W = left.

    Parameters
    ----------
    left : ndarray of shape (..., d, k)
        Matrices, or their left factors.
    right : ndarray of shape (..., d, k) or None
        Right factors, if the matrices have narrow ones.
    """

    left: Floats
    right: Floats | None = None

    def reshape(self, *shape: int) -> DrawnMaps:
        """Return the same matrices in a stack of another shape."""
        left = self.left.reshape(*shape, *self.left.shape[-2:])
        right = None if self.right is None else self.right.reshape(*shape, *self.right.shape[-2:])
        return DrawnMaps(left, right)


@dataclass(frozen=True)
class HeadMap:
    """A matrix model and the spectrum that it takes.

    Parameters
    ----------
    model : MatrixModel
        How the map is made.
    spectrum : SpectrumSpecification or None
        Where the model prescribes one.

    Examples
    --------
    >>> table = {"model": "symmetric", "spectrum": {"law": "semicircle", "xi": 0.0, "eta": 1.0}}
    >>> HeadMap.from_dict(table).to_dict()["spectrum"]["eta"]
    1.0
    """

    model: MatrixModel
    spectrum: SpectrumSpecification | None = None

    @classmethod
    def from_dict(
        cls, table: Mapping[str, Any], folder: Path | None = None, path: str = "network.value"
    ) -> HeadMap:
        """Build from a table like [matrix], with the [spectrum] as its key ``spectrum``."""
        rest = dict(table)
        spectrum = rest.pop("spectrum", None)
        if spectrum is not None and not isinstance(spectrum, Mapping):
            raise bad_value(f"{path}.spectrum", spectrum, "a table")
        if {"W", "W_Q", "W_K"} & set(rest):
            rest.setdefault("model", "data")
        return cls(
            matrix_model(rest, folder, path),
            None
            if spectrum is None
            else SpectrumSpecification.from_dict(spectrum, f"{path}.spectrum"),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the table that `from_dict` reads."""
        table = self.model.to_dict()
        if self.spectrum is not None:
            table["spectrum"] = self.spectrum.to_dict()
        return table

    def check(self, d: int) -> None:
        """Raise a `ValueError` if the map cannot have width d."""
        self.model.check(d, self.spectrum)

    def draw(self, d: int, stream: Stream, first: int, n: int) -> DrawnMaps:
        """Return n consecutive maps of a stream.

        Parameters
        ----------
        d : int
            Width.
        stream : Stream
            Source of randomness.
        first, n : int
            Maps first .. first + n - 1; each depends on the stream and its own number only.

        Returns
        -------
        DrawnMaps
            A stack of n, or of 1 if the model draws nothing.
        """
        if not self.model.random:
            first, n = 0, 1
        left, right = self.model.draw(d, self.spectrum, stream, first, n)
        return DrawnMaps(left, right)
