"""Stacks of small matrices as groups of eight whose entries lie beside each other."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from qktheory.base.errors import bad_value
from qktheory.kernels.policy import elementary
from qktheory.kernels.vectors import LANES

__all__ = ["check_finite", "interleave", "not_finite", "real_stack"]

Float = NDArray[np.float64]

#: The largest power of two that entries are multiplied by: its inverse is a normal number too.
_LARGEST_UNIT = 2.0**1020


def real_stack(name: str, matrices: Any, square: bool = False) -> Float:
    """Return a stack of matrices as a C-contiguous, writeable float64 array.

    Parameters
    ----------
    name : str
        Name of the argument, for messages.
    matrices : array_like of shape (n, rows, columns)
        Real numbers.
    square : bool, optional
        Whether rows = columns is asked for.

    Raises
    ------
    ValueError
        For another shape or another kind of number.
    """
    array = np.asarray(matrices)
    if array.dtype.kind not in "iuf":
        raise bad_value(name, f"array of dtype {array.dtype}", "real numbers")
    if array.ndim != 3 or 0 in array.shape[1:] or (square and array.shape[1] != array.shape[2]):
        expected = "shape (n, m, m) with m >= 1" if square else "shape (n, rows, columns), none 0"
        raise bad_value(name, f"array of shape {array.shape}", expected)
    if array.dtype == np.float64 and array.flags.carray:
        return array
    return np.array(array, dtype=np.float64, order="C")


def not_finite(name: str, number: int) -> ValueError:
    """Return the error for a matrix of a stack that has a NaN or an infinity."""
    return bad_value(name, f"matrix {number} with an entry that is not finite", "finite numbers")


def check_finite(name: str, stack: Float) -> None:
    """Raise a `ValueError` that names the first matrix of a stack with a NaN or an infinity."""
    finite = np.isfinite(stack).all(axis=(1, 2))
    if not finite.all():
        raise not_finite(name, int(np.argmin(finite)))


@elementary
def interleave(
    flat: Float,
    first: int,
    count: int,
    rows: int,
    columns: int,
    by_columns: bool,
    width: int,
    scale: Float,
    group: Float,
) -> None:
    """Bring up to eight matrices of a stack to a largest entry of about one, beside each other.

    Matrices below 2^-1020 stay smaller than that, but far from where squares underflow.

    Parameters
    ----------
    flat : ndarray
        The stack, one line.
    first, count : int
        Number of the first matrix and how many there are; lanes beyond stay as they are.
    rows, columns : int
        Shape of each matrix.
    by_columns : bool
        Whether the first index of the group is the column.
    width : int
        Distance of vectors in the group.
    scale : ndarray of shape (8,)
        Becomes the power of two that was divided out; NaN for a matrix with an entry that is not
        finite.
    group : ndarray
        Becomes entry (i, j) of matrix k at 8 (i width + j) + k, or (j, i) by columns.
    """
    size = rows * columns
    for lane in range(count):
        start = (first + lane) * size
        top = 0.0
        doubt = 0.0
        for k in range(size):
            entry = flat[start + k]
            doubt += entry - entry
            top = max(top, abs(entry))
        unit = 1.0
        # Powers of two by repeated doubling: exact, and rare beyond a few steps.
        while top * unit >= 2.0:
            unit *= 0.5
        while 0.0 < top * unit < 0.5 and unit < _LARGEST_UNIT:
            unit *= 2.0
        scale[lane] = 1.0 / unit + doubt
        for i in range(rows):
            for j in range(columns):
                place = j * width + i if by_columns else i * width + j
                group[LANES * place + lane] = flat[start + i * columns + j] * unit
