"""How a spectrum becomes a matrix: the interface of all models of W."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from qktheory.base.arrays import ArrayDomain, ArrayInput
from qktheory.base.domains import Integer, Parameter, check_parameters
from qktheory.base.errors import unknown_name
from qktheory.base.registry import Registry
from qktheory.kernels.streams import Stream
from qktheory.spectra.qk_matrix import QKMatrix
from qktheory.spectra.spectrum import SpectrumSpecification

__all__ = ["MATRIX_MODELS", "MatrixModel", "matrix_model"]

#: What calls and copies of one W cost, in multiplications (about 0.1 ms).
_CALLS = 1e5


@dataclass(frozen=True)
class MatrixModel(ABC):
    """A model of W = W_QK.

    Attributes
    ----------
    name : str
        Name in specification files.
    parameters : tuple of Parameter
        Own parameters, equal to the dataclass fields.
    needs_spectrum : bool
        Whether a [spectrum] belongs to it; a model that needs none refuses one.
    random : bool
        Whether `build` draws anything; False for a W that is given.
    """

    name: ClassVar[str]
    parameters: ClassVar[tuple[Parameter, ...]] = ()
    needs_spectrum: ClassVar[bool] = True
    random: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Bring every field into canonical form; None stays None."""
        for parameter in self.parameters:
            value = getattr(self, parameter.name)
            if value is not None:
                value = parameter.check(value)
            object.__setattr__(self, parameter.name, value)

    @classmethod
    def from_dict(
        cls, table: Mapping[str, object], base: str | Path | None = None, path: str = "matrix"
    ) -> Self:
        """Build the model from its [matrix] table, with or without the key ``model``.

        Parameters
        ----------
        table : mapping
            Own parameters.
        base : path, optional
            Directory of relative ``"@file.npy"`` paths.
        path : str, optional
            Name of the table, for messages.

        Raises
        ------
        ValueError
            For unknown names (with the nearest known one), missing parameters, bad values.
        """
        given = {key: value for key, value in table.items() if key != "model"}
        for parameter in cls.parameters:
            if isinstance(parameter.domain, ArrayDomain) and parameter.name in given:
                name = parameter.name
                given[name] = ArrayInput.of(f"{path}.{name}", given[name], base)
        owner = f"[{path}] model {cls.name!r}"
        return cls(**check_parameters(cls.parameters, given, owner, f"{path}."))

    def to_dict(self) -> dict[str, Any]:
        """Return the table that `from_dict` reads."""
        out: dict[str, Any] = {"model": self.name}
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, ArrayInput):
                value = value.to_value()
            elif isinstance(value, tuple):
                value = [list(entry) if isinstance(entry, tuple) else entry for entry in value]
            if value is not None:
                out[item.name] = value
        return out

    def fixed_eigenvalues(self, d: int) -> tuple[complex, ...]:
        """Return the eigenvalues of W that the model fixes itself, beside those of the spectrum."""
        return ()

    def number_of_eigenvalues(self, d: int) -> int:
        """Return how many values the spectrum supplies for a W of size `d`."""
        return d - len(self.fixed_eigenvalues(d)) if self.needs_spectrum else 0

    def check(self, d: int, spectrum: SpectrumSpecification | None) -> None:
        """Raise the `ValueError` that `build` would raise for these sizes, without drawing.

        Parameters
        ----------
        d : int
            Size of W.
        spectrum : SpectrumSpecification or None
            The eigenvalues (or singular values), None for models that need no spectrum.
        """
        Integer(1).check("d", d)
        if self.needs_spectrum and spectrum is None:
            raise ValueError(f"[spectrum] is missing: matrix model {self.name!r} needs one")
        if not self.needs_spectrum and spectrum is not None:
            raise ValueError(
                f"[spectrum] is given: matrix model {self.name!r} determines W without one"
            )
        if spectrum is not None:
            self.check_spectrum(d, spectrum)

    def check_spectrum(self, d: int, spectrum: SpectrumSpecification) -> None:
        """Raise if the spectrum cannot supply what the model needs; see `check`."""
        if spectrum.draw == "quantiles":
            spectrum.eigenvalues(d, beside=self.fixed_eigenvalues(d))
        else:
            spectrum.check(d, self.fixed_eigenvalues(d))

    @abstractmethod
    def build(
        self, d: int, spectrum: SpectrumSpecification | None, stream: Stream, sample: int = 0
    ) -> QKMatrix:
        """Return one W.

        Parameters
        ----------
        d : int
            Size of W.
        spectrum : SpectrumSpecification or None
            See `needs_spectrum`.
        stream : Stream
            Source of randomness; the result depends on it and `sample` only.
        sample : int, optional
            Which W of the stream.

        Returns
        -------
        QKMatrix
        """

    def images(
        self,
        d: int,
        spectrum: SpectrumSpecification | None,
        stream: Stream,
        first_sample: int,
        x: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Return x_k W_k with the W of consecutive samples, without keeping them.

        Parameters
        ----------
        d, spectrum, stream
            As in `build`.
        first_sample : int
            Number of the first W.
        x : ndarray of shape (n, m, d)
            The rows that each W is applied to.

        Returns
        -------
        ndarray of shape (n, m, d)
            Entry k depends on x_k and on first_sample + k alone, bit for bit. Models whose W is a
            product of normals override the loop over samples.
        """
        images = [
            self.build(d, spectrum, stream, first_sample + k).apply(rows)
            for k, rows in enumerate(x)
        ]
        return np.stack(images)

    def draw(
        self,
        d: int,
        spectrum: SpectrumSpecification | None,
        stream: Stream,
        first_sample: int,
        n: int,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
        """Return many W as one array.

        Parameters
        ----------
        d, spectrum, stream
            As in `build`.
        first_sample, n : int
            Samples first_sample .. first_sample + n - 1.

        Returns
        -------
        left, right : ndarray of shape (n, d, k)
            W = left right^T, or W = left where `right` is None. Entry k is W number
            first_sample + k of the stream, bit for bit; models whose W is a product of normals
            override the loop over samples.
        """
        drawn = [self.build(d, spectrum, stream, first_sample + k) for k in range(n)]
        first = drawn[0]
        if first.W_Q is not None and first.W_K is not None and 2 * first.W_Q.shape[1] <= d:
            return (
                np.stack([one.W_Q for one in drawn if one.W_Q is not None]),
                np.stack([one.W_K for one in drawn if one.W_K is not None]),
            )
        return np.stack([one.W for one in drawn]), None

    def work(self, d: int) -> float:
        """Return what `build` and W itself cost, in random numbers and multiplications.

        By default that of Haar eigenvectors and two products, and a constant for the calls.
        """
        return _CALLS + 6.0 * float(d) ** 3

    def typical_norm(self, d: int) -> float | None:
        """Return sqrt(E tr W W^T) where it is known without drawing W; None by default."""
        return None

    def prescribed(
        self, d: int, spectrum: SpectrumSpecification | None, stream: Stream, sample: int
    ) -> NDArray[np.float64]:
        """Return the values of the spectrum for one W, in decreasing order, after `check`."""
        self.check(d, spectrum)
        if spectrum is None:
            return np.empty(0)
        return spectrum.eigenvalues(d, stream, sample, self.fixed_eigenvalues(d))


MATRIX_MODELS = Registry[type[MatrixModel]]("matrix model", "qktheory.spectra.matrices")


def matrix_model(
    table: Mapping[str, object], base: str | Path | None = None, path: str = "matrix"
) -> MatrixModel:
    """Return the model of a [matrix] table; ``model`` defaults to "symmetric".

    Examples
    --------
    >>> matrix_model({"model": "schur", "departure": 2}).to_dict()
    {'model': 'schur', 'complex_pairs': [], 'departure': 2.0}
    """
    name = table.get("model", "symmetric")
    if not isinstance(name, str):
        raise unknown_name("matrix model", name, MATRIX_MODELS)
    return MATRIX_MODELS[name].from_dict(table, base, path)
