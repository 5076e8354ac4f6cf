"""Real block forms with prescribed real and complex eigenvalues (SPEC-4)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qktheory.base.domains import Real
from qktheory.base.errors import bad_value
from qktheory.kernels.streams import Stream
from qktheory.spectra.substreams import substream

__all__ = ["COMPLEX_PAIRS", "ComplexPairs", "block_form", "pair_eigenvalues"]

Array = NDArray[np.float64]
Pairs = tuple[tuple[float, float], ...]

_NUMBER = Real()


@dataclass(frozen=True)
class ComplexPairs:
    """Domain of lists of [a, b], each standing for the eigenvalues a + ib and a - ib.

    Examples
    --------
    >>> ComplexPairs().check("matrix.complex_pairs", [[0.5, 1]])
    ((0.5, 1.0),)
    """

    def check(self, argument: str, value: object) -> Pairs:
        """Return `value` as a tuple of pairs of floats."""
        if isinstance(value, str | bytes | dict) or not isinstance(value, Iterable):
            raise bad_value(argument, value, self.describe())
        pairs = []
        for index, entry in enumerate(value):
            if isinstance(entry, str | bytes | dict) or not isinstance(entry, Iterable):
                raise bad_value(f"{argument}[{index}]", entry, "a pair [a, b] of numbers")
            numbers = list(entry)
            if len(numbers) != 2:
                raise bad_value(f"{argument}[{index}]", entry, "a pair [a, b] of numbers")
            a, b = (_NUMBER.check(f"{argument}[{index}]", number) for number in numbers)
            pairs.append((a, b))
        return tuple(pairs)

    def describe(self) -> str:
        """Word the domain."""
        return "a list of pairs [a, b] of numbers, for eigenvalues a + ib and a - ib"

    def sample(self, rng: np.random.Generator) -> list[list[float]]:
        """Draw up to two pairs."""
        drawn: list[list[float]] = rng.normal(size=(int(rng.integers(3)), 2)).tolist()
        return drawn


COMPLEX_PAIRS = ComplexPairs()


def pair_eigenvalues(pairs: Pairs) -> tuple[complex, ...]:
    """Return a + ib and a - ib of every pair.

    Examples
    --------
    >>> pair_eigenvalues(((0.5, 1.0),))
    ((0.5+1j), (0.5-1j))
    """
    return tuple(value for a, b in pairs for value in (complex(a, b), complex(a, -b)))


def block_form(
    real: ArrayLike, pairs: Pairs, departure: float, stream: Stream, sample: int = 0
) -> Array:
    """Return B + N: block diagonal B with the eigenvalues, N strictly above the blocks (SPEC-4).

    Parameters
    ----------
    real : array_like of shape (m,)
        Real eigenvalues, blocks of size 1.
    pairs : tuple of (a, b)
        Blocks [[a, b], [-b, a]] with eigenvalues a +- ib. The order of all blocks is shuffled.
    departure : float
        ||N||_F >= 0, the departure from normality; N is Gaussian in direction.
    stream : Stream
        Source of randomness.
    sample : int, optional
        Which sample of the stream.

    Returns
    -------
    ndarray of shape (m + 2 p, m + 2 p)
        With trace sum r + 2 sum a, tr of the square sum r^2 + 2 sum (a^2 - b^2), and squared
        Frobenius norm sum |lambda|^2 + departure^2.

    Raises
    ------
    ValueError
        For a positive departure where there is one block only, hence no room for N.

    Examples
    --------
    >>> block_form([], ((0.5, 2.0),), 0.0, Stream(1, 0, 0))
    array([[ 0.5,  2. ],
           [-2. ,  0.5]])
    """
    values = np.asarray(real, dtype=np.float64)
    count = values.size + len(pairs)
    order = np.argsort(substream(stream, "blocks").uniforms(sample, 1, count)[0], kind="stable")
    sizes = np.where(order < values.size, 1, 2)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    d = int(starts[-1])
    matrix = np.zeros((d, d))
    for block, start in zip(order.tolist(), starts.tolist(), strict=False):
        if block < values.size:
            matrix[start, start] = values[block]
        else:
            a, b = pairs[block - values.size]
            matrix[start : start + 2, start : start + 2] = [[a, b], [-b, a]]
    if departure > 0.0:
        if count < 2:
            raise bad_value(
                "matrix.departure", departure, "0, since a single block is always normal"
            )
        normals = substream(stream, "departure").normals(sample, 1, d * d)[0].reshape(d, d)
        member = np.repeat(np.arange(count), sizes)
        upper = np.where(member[:, None] < member[None, :], normals, 0.0)
        matrix += departure / math.sqrt(math.fsum((upper * upper).ravel())) * upper
    return matrix
