"""Stacks of arrays times powers of two, one pass over memory."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from qktheory.base.errors import bad_value
from qktheory.kernels import reference
from qktheory.kernels.policy import elementary, float_bits, jit_enabled, wide_vectors

__all__ = ["NO_DIGITS", "normal_forms", "times_powers"]

Float = NDArray[np.float64]
Integers = NDArray[np.int64]

#: Exponent of an array of zeros.
NO_DIGITS = -(2**61)
_MAGNITUDE = 0x7FFFFFFFFFFFFFFF
_INFINITY = 0x7FF0000000000000
#: Beyond this many binary digits nothing is left of a number of moderate size.
_FAR = 2000


@elementary
def _fill_powers(flat: Float, at: int, size: int, digits: int, out: Float) -> None:
    """Write size entries times 2^digits; in two steps, each a normal power of two."""
    wide_vectors()
    near = min(max(digits, -_FAR), _FAR)
    half = near // 2
    a, b = math.ldexp(1.0, half), math.ldexp(1.0, near - half)
    for j in range(at, at + size):
        out[j] = flat[j] * a * b


@elementary
def _times_powers(flat: Float, size: int, digits: Integers, out: Float) -> None:
    for k in range(digits.size):
        _fill_powers(flat, k * size, size, digits[k], out)


@elementary
def _largest_bits(flat: Float, at: int, size: int) -> int:
    """Return the largest modulus as its bits, which are ordered like it, NaN above all."""
    wide_vectors()
    largest = 0
    for j in range(at, at + size):
        largest = max(largest, float_bits(flat[j]) & _MAGNITUDE)
    return largest


@elementary
def _normal_forms(flat: Float, size: int, out: Float, digits: Integers) -> int:
    for k in range(digits.size):
        largest = _largest_bits(flat, k * size, size)
        if largest >= _INFINITY:
            return k
        # Exponents of normal numbers are in the bits; below 2^-1022 leading zeros count too.
        exponent = (largest >> 52) - 1022
        if largest >> 52 == 0:
            exponent = -1074
            while largest > 0:
                largest >>= 1
                exponent += 1
        digits[k] = NO_DIGITS if exponent == -1074 else exponent
        _fill_powers(flat, k * size, size, -exponent, out)
    return -1


def _line(arrays: Float) -> Float:
    """Return arrays as one line of writeable memory: one layout, one compiled version."""
    if arrays.dtype != np.float64 or not arrays.flags.carray:
        arrays = np.array(arrays, dtype=np.float64, order="C")
    return arrays.reshape(-1)


def times_powers(arrays: Float, digits: Integers) -> Float:
    """Return arrays[k] 2^digits[k]; what is too small becomes 0, too large inf.

    Parameters
    ----------
    arrays : ndarray of shape (n, ...)
        float64.
    digits : ndarray of int64, shape (n,)

    Returns
    -------
    ndarray of shape (n, ...)

    Raises
    ------
    ValueError
        If `digits` does not have one entry an array.

    Examples
    --------
    >>> times_powers(np.array([[3.0], [3.0]]), np.array([-1, -5000])).tolist()
    [[1.5], [0.0]]
    """
    if digits.shape != arrays.shape[:1]:
        raise bad_value("digits", f"array of shape {digits.shape}", f"shape {arrays.shape[:1]}")
    if not jit_enabled:
        return reference.times_powers(arrays, digits)
    flat = _line(arrays)
    out = np.empty(arrays.shape)
    size = flat.size // max(1, len(digits))
    _times_powers(flat, size, np.ascontiguousarray(digits), out.reshape(-1))
    return out


def normal_forms(arrays: Float) -> tuple[Float, Integers] | None:
    """Return mantissas and binary exponents of arrays; None if an entry is not finite.

    Parameters
    ----------
    arrays : ndarray of shape (n, ...)
        float64.

    Returns
    -------
    mantissas : ndarray of shape (n, ...)
        Largest entry of each between 1/2 and 1 in modulus, or all zero.
    exponents : ndarray of int64, shape (n,)
        `NO_DIGITS` for zeros.

    Examples
    --------
    >>> mantissas, exponents = normal_forms(np.array([[3.0, 4.0], [0.0, 0.0]]))
    >>> mantissas.tolist(), int(exponents[0]), int(exponents[1]) == NO_DIGITS
    ([[0.375, 0.5], [0.0, 0.0]], 3, True)
    """
    if not jit_enabled:
        return reference.normal_forms(arrays)
    flat = _line(arrays)
    out, digits = np.empty(arrays.shape), np.empty(len(arrays), np.int64)
    size = flat.size // max(1, len(arrays))
    if _normal_forms(flat, size, out.reshape(-1), digits) >= 0:
        return None
    return out, digits
