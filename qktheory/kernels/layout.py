"""Checks and memory layout of the arrays that kernels take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qktheory.base.errors import bad_value
from qktheory.kernels.policy import jit_enabled

__all__ = ["destination", "flat_rows", "in_place", "per_row", "real_rows", "run_on_rows"]

Float = NDArray[np.float64]


def real_rows(name: str, values: ArrayLike, symbol: str = "T") -> Float:
    """Return a non-empty matrix of real numbers as float64 rows of adjacent entries.

    Parameters
    ----------
    name : str
        Name of the argument, for messages.
    values : array_like of shape (n, T), T >= 1
        Real numbers; n may be 0. Copied only if the dtype or the layout demands it (rows may be a
        slice of longer rows) or if the memory is read-only, which to Numba is another type: it
        would compile another version of a kernel, with sums in another order.
    symbol : str, optional
        What the length of a row is called, for messages.

    Returns
    -------
    ndarray of shape (n, T)

    Raises
    ------
    ValueError
        For another shape or another kind of number.
    """
    array = np.asarray(values)
    if array.dtype.kind not in "iuf":
        raise bad_value(name, f"array of dtype {array.dtype}", "real numbers")
    if array.ndim != 2 or array.shape[1] < 1:
        raise bad_value(
            name, f"array of shape {array.shape}", f"shape (n, {symbol}) with {symbol} >= 1"
        )
    if array.dtype != np.float64 or array.dtype.byteorder not in "=|":
        return array.astype(np.float64, order="C")
    rows, length = array.shape
    stride = array.strides[0]
    adjacent = (length == 1 or array.strides[1] == 8) and array.flags.aligned
    if rows > 1 and not (adjacent and stride % 8 == 0 and stride >= 8 * length):
        return np.ascontiguousarray(array)
    if rows <= 1 and not adjacent:
        return np.ascontiguousarray(array)
    return array if array.flags.writeable else array.copy()


def flat_rows(array: Float) -> tuple[Float, int]:
    """Return the memory of `real_rows` as one line, and the distance from row to row in it.

    One layout means one compiled version of every kernel, and one that runs in vector registers.
    """
    if array.flags.c_contiguous:
        return array.reshape(-1), array.shape[1]
    rows, length = array.shape
    stride = array.strides[0] // 8
    span = (rows - 1) * stride + length
    return np.lib.stride_tricks.as_strided(array, (span,), (8,)), stride


def destination(name: str, out: Float | None, shape: tuple[int, ...]) -> Float:
    """Return `out` after checking it, or a new array.

    Raises
    ------
    ValueError
        If `out` is not a writeable C-contiguous float64 array of that shape.
    """
    if out is None:
        return np.empty(shape)
    in_place(name, out, len(shape))
    if out.shape != shape:
        raise bad_value(name, f"array of shape {out.shape}", f"shape {shape}")
    return out


def in_place(name: str, array: Any, dimensions: int) -> None:
    """Raise unless `array` can be overwritten by a kernel.

    Raises
    ------
    ValueError
        If it is not a writeable C-contiguous float64 array of so many dimensions.
    """
    expected = f"a writeable C-contiguous float64 array of {dimensions} dimensions"
    if not isinstance(array, np.ndarray):
        raise bad_value(name, array, expected)
    good = array.dtype == np.float64 and array.ndim == dimensions and array.flags.carray
    if not good:
        raise bad_value(
            name,
            f"array of dtype {array.dtype}, shape {array.shape}, strides {array.strides}",
            expected,
        )


def per_row(name: str, values: ArrayLike, rows: int, *, nonnegative: bool = False) -> Float:
    """Return one finite number for each row from a number or a list of them.

    Raises
    ------
    ValueError
        For another length, or an entry that is not finite (or is negative, where that is barred).
    """
    array = np.asarray(values)
    expected = f"a {'nonnegative ' if nonnegative else ''}finite number or {rows} of them"
    if array.dtype.kind not in "iuf" or array.shape not in ((), (1,), (rows,)):
        raise bad_value(name, values, expected)
    numbers = np.ascontiguousarray(array, dtype=np.float64)
    if numbers.shape != (rows,):
        numbers = np.full(rows, numbers.item())
    bad = ~np.isfinite(numbers)
    if nonnegative:
        bad |= numbers < 0.0
    if bad.any():
        raise bad_value(name, float(numbers[int(np.argmax(bad))]), expected)
    return numbers


def run_on_rows(
    kernel: Callable[..., int],
    twin: Callable[[Float, Float], int],
    logits: ArrayLike,
    out: Float | None,
    columns: int | None = None,
) -> Float:
    """Run a kernel or its twin over checked rows of logits and word its complaint.

    Parameters
    ----------
    kernel : callable
        Called with (memory, rows, length, stride, out); returns the first bad row, or -1.
    twin : callable
        Called with (rows, out) where nothing is compiled.
    logits : array_like of shape (n, T)
        Finite, or -inf for masked keys.
    out : ndarray, optional
        To be filled and returned.
    columns : int, optional
        Of the result, T by default.

    Raises
    ------
    ValueError
        For a row that is entirely -inf or has a NaN or +inf, or arrays of the wrong kind.
    """
    array = real_rows("logits", logits)
    rows, length = array.shape
    result = destination("out", out, (rows, length if columns is None else columns))
    if jit_enabled:
        flat, stride = flat_rows(array)
        bad = kernel(flat, rows, length, stride, result)
    else:
        bad = twin(array, result)
    if bad >= 0:
        row = array[bad]
        if np.isnan(row).any():
            found = "has a NaN"
        elif (row == np.inf).any():
            found = "has the entry inf"
        elif (row == -np.inf).all():
            found = "is entirely -inf"
        else:
            found = "overflows when summed"
        raise ValueError(
            f"logits: row {bad} {found}; expected finite numbers, or -inf for masked keys with at "
            "least one key unmasked"
        )
    return result
