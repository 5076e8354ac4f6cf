"""Stacks of arrays with an exponent each: the batched form of `qktheory.numerics.scaled`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qktheory.kernels import normal_forms, times_powers

__all__ = ["NOTHING", "ScaledStack", "shifted", "total"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

#: Exponent of an array of zeros, and of what is too small to have one.
NOTHING = -(2**60)
_SMALLEST = -(2**58)


def shifted(arrays: Floats, digits: Integers) -> Floats:
    """Return arrays[k] 2^digits[k]; what is too small becomes 0, too large inf.

    Parameters
    ----------
    arrays : ndarray of shape (n, ...)
    digits : ndarray of int64, shape (n,)

    Returns
    -------
    ndarray of shape (n, ...)

    Examples
    --------
    >>> shifted(np.array([[3.0], [3.0]]), np.array([-1, -5000])).tolist()
    [[1.5], [0.0]]
    """
    return times_powers(arrays, digits)


@dataclass(frozen=True)
class ScaledStack:
    """The arrays mantissa[k] 2^exponent[k].

    Parameters
    ----------
    mantissa : ndarray of shape (n, ...)
        Largest entry of each between 1/2 and 1 in modulus, or all zero.
    exponent : ndarray of int64, shape (n,)
        `NOTHING` for zeros.

    Examples
    --------
    >>> tiny = ScaledStack.of(np.array([[3.0, 4.0], [0.0, 0.0]]), np.array([-5000, 0]))
    >>> tiny.exponent[0], tiny.zero.tolist(), (tiny + tiny).exponent[0]
    (np.int64(-4997), [False, True], np.int64(-4996))
    """

    mantissa: Floats
    exponent: Integers

    @classmethod
    def of(cls, values: Floats, exponent: Integers | int = 0) -> ScaledStack:
        """Return values[k] 2^exponent[k] in normal form.

        Raises
        ------
        OverflowError
            If an entry is not finite.
        """
        found = normal_forms(values)
        if found is None:
            raise OverflowError("an intermediate result is not a finite number")
        mantissa, shift = found
        total = shift + exponent
        # Of zeros, and of what is too small to have an exponent.
        nothing = total < _SMALLEST
        if nothing.any():
            mantissa[nothing] = 0.0
            total[nothing] = NOTHING
        return cls(mantissa, total)

    @property
    def zero(self) -> NDArray[np.bool_]:
        """Whether all entries of an array are zero, shape (n,)."""
        return np.asarray(self.exponent == NOTHING)

    def at(self, exponent: Integers) -> Floats:
        """Return the arrays in units of 2^exponent[k]."""
        return shifted(self.mantissa, self.exponent - exponent)

    def value(self) -> Floats:
        """Return the arrays as floats.

        Raises
        ------
        OverflowError
            If an entry is too large for a float.
        """
        if (self.exponent > 1023).any():
            raise OverflowError("an intermediate result is too large for a float")
        return self.at(np.zeros_like(self.exponent))

    def log10(self, of_mantissa: Floats) -> Floats:
        """Return log10 of norms, shape (n,), from the norms of the mantissas; -inf for 0."""
        with np.errstate(divide="ignore"):
            logs = np.log10(of_mantissa) + self.exponent * np.log10(2.0)
        return np.asarray(np.where(of_mantissa == 0.0, -np.inf, logs))

    def __add__(self, other: ScaledStack) -> ScaledStack:
        return total((self, other))


def total(terms: Sequence[ScaledStack]) -> ScaledStack:
    """Return the sum of stacks of one shape."""
    top = terms[0].exponent
    for term in terms[1:]:
        top = np.maximum(top, term.exponent)
    values = terms[0].at(top)
    for term in terms[1:]:
        values = values + term.at(top)
    return ScaledStack.of(values, top)
