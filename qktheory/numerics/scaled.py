"""Arrays of floats with one exponent of their own: numbers of 1e-2000 are ordinary (RANK-4)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Scaled"]

Floats = NDArray[np.float64]

#: Beyond this many binary digits one summand leaves nothing of the other, nor of itself.
_FAR = 2200


@dataclass(frozen=True)
class Scaled:
    """The array mantissa 2^exponent.

    Parameters
    ----------
    mantissa : ndarray
        Largest entry between 1/2 and 1 in modulus, or all zero.
    exponent : int
        Of any size; 0 if all entries are zero.

    Examples
    --------
    >>> tiny = Scaled.of([3.0, 4.0], -5000)
    >>> tiny.exponent, (tiny + tiny).exponent, round(tiny.log10(0.625), 6)
    (-4997, -4996, -1504.451008)
    """

    mantissa: Floats
    exponent: int

    @classmethod
    def of(cls, values: ArrayLike, exponent: int = 0) -> Scaled:
        """Return values 2^exponent in normal form; refuse what is not finite."""
        array = np.asarray(values, dtype=np.float64)
        largest = float(np.max(np.abs(array), initial=0.0))
        if not math.isfinite(largest):
            raise OverflowError("an intermediate result is not a finite number")
        if largest == 0.0:
            return cls(array, 0)
        shift = math.frexp(largest)[1]
        return cls(_shifted(array, -shift), exponent + shift)

    @property
    def zero(self) -> bool:
        """Whether all entries are zero."""
        return not np.any(self.mantissa)

    def at(self, exponent: int) -> Floats:
        """Return the array in units of 2^exponent; what is too small for a float becomes 0."""
        if self.zero:
            return self.mantissa
        return _shifted(self.mantissa, self.exponent - exponent)

    def value(self) -> Floats:
        """Return the array as floats.

        Raises
        ------
        OverflowError
            If an entry is too large for a float.
        """
        if not self.zero and self.exponent > 1024:
            raise OverflowError(f"an intermediate result is as large as 2^{self.exponent}")
        return self.at(0)

    def log10(self, of_mantissa: float) -> float:
        """Return log10 of a positive norm of the array, from the norm of the mantissa."""
        return math.log10(of_mantissa) + self.exponent * math.log10(2.0)

    def __add__(self, other: Scaled) -> Scaled:
        if self.zero:
            return other
        if other.zero:
            return self
        top = max(self.exponent, other.exponent)
        return Scaled.of(self.at(top) + other.at(top), top)

    def __matmul__(self, matrix: ArrayLike) -> Scaled:
        """Multiply by floats from the right."""
        right = Scaled.of(matrix)
        return Scaled.of(self.mantissa @ right.mantissa, self.exponent + right.exponent)


def _shifted(array: Floats, digits: int) -> Floats:
    """Return array 2^digits."""
    return np.asarray(np.ldexp(array, max(min(digits, _FAR), -_FAR)))
