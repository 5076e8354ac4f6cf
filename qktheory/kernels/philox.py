"""Counter-based random numbers: Philox4x32-10 with an address for every draw.

A draw is a function of (key, experiment, cell, sample, index) and of nothing else, so any split of
a run over threads, processes or machines, and any later extension, gives the same numbers.

Address to counter: the four 32-bit counter words are (block, sample, cell, experiment), the two
key words are the low and the high half of the 64-bit key. Block b of a sample supplies its numbers
2b and 2b + 1. The words (r0, r1, r2, r3) of a block give two uniforms, from the upper 52 bits of
r0 2^32 + r1 and of r2 2^32 + r3, at the midpoints (k + 1/2) / 2^52 of the unit interval (so never
0 or 1), and two normals sqrt(-2 log u) (cos 2 pi v, sin 2 pi v) (Box and Muller 1958).

Reference: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC11
(2011), and its library Random123.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qktheory.base.domains import Integer
from qktheory.base.errors import bad_value
from qktheory.kernels import reference
from qktheory.kernels.policy import jit_enabled
from qktheory.kernels.strips import fill_strips, philox_blocks

__all__ = ["fill_normals", "fill_uniforms", "philox4x32"]

Float = NDArray[np.float64]


def philox4x32(counter: NDArray[np.uint32], key: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Return blocks of the generator, the bijection itself.

    Parameters
    ----------
    counter : ndarray of shape (n, 4)
        Unsigned 32-bit words.
    key : ndarray of shape (2,)
        Unsigned 32-bit words.

    Returns
    -------
    ndarray of shape (n, 4), uint32

    Examples
    --------
    The first known-answer vector of Random123.

    >>> import numpy as np
    >>> block = philox4x32(np.zeros((1, 4), np.uint32), np.zeros(2, np.uint32))
    >>> [f"{word:08x}" for word in block[0]]
    ['6627e8d5', 'e169c58d', 'bc57ac4c', '9b00dbd8']
    """
    words = np.asarray(counter, dtype=np.uint32).astype(np.uint64)
    keys = np.asarray(key, dtype=np.uint32).astype(np.uint64)
    if words.ndim != 2 or words.shape[1] != 4:
        raise bad_value("counter", f"array of shape {words.shape}", "shape (n, 4)")
    if keys.shape != (2,):
        raise bad_value("key", f"array of shape {keys.shape}", "shape (2,)")
    out = np.empty_like(words)
    if jit_enabled:
        philox_blocks(words, keys[0], keys[1], out)
    else:
        blocks = reference.philox(
            words[:, 0], words[:, 1], words[:, 2], words[:, 3], keys[0], keys[1]
        )
        out = np.stack(blocks, axis=1)
    return out.astype(np.uint32)


def _within(name: str, value: int, limit: int) -> int:
    """Return an integer of [0, limit); plain ones, the usual case, without the full check."""
    if type(value) is int and 0 <= value < limit:
        return value
    return int(Integer(low=0, high=limit - 1).check(name, value))


def _checked_fill(
    key: int, experiment: int, cell: int, first_sample: int, out: Float, normal: bool
) -> None:
    key = _within("key", key, 2**64)
    experiment = _within("experiment", experiment, 2**32)
    cell = _within("cell", cell, 2**32)
    if not isinstance(out, np.ndarray) or out.ndim != 2 or out.dtype != np.float64:
        raise bad_value("out", out, "a float64 array of shape (n, m)")
    if not (out.flags.c_contiguous and out.flags.writeable):
        raise bad_value(
            "out", f"array of strides {out.strides}", "a writeable C-contiguous float64 array"
        )
    rows, columns = out.shape
    first_sample = _within("first_sample", first_sample, 2**32 - max(rows, 1) + 1)
    if columns > 2**33:
        raise bad_value("columns of out", columns, "at most 2^33 numbers a sample")
    if out.size == 0:
        return
    if not jit_enabled:
        fill = reference.fill_normals if normal else reference.fill_uniforms
        fill(key, experiment, cell, first_sample, out)
        return
    flat = out.reshape(-1)
    low, high = key & 0xFFFFFFFF, key >> 32
    fill_strips(low, high, experiment, cell, first_sample, normal, flat, rows, columns)


def fill_uniforms(key: int, experiment: int, cell: int, first_sample: int, out: Float) -> None:
    """Fill `out` with uniforms of the open interval (0, 1).

    Parameters
    ----------
    key : int
        64-bit key, 0 <= key < 2^64.
    experiment, cell : int
        Rest of the address, 32 bits each.
    first_sample : int
        Number of the sample that becomes row 0; ``first_sample + n <= 2^32``.
    out : ndarray of shape (n, m)
        Float64, C-contiguous. Element (r, j) depends on (key, experiment, cell,
        first_sample + r, j) only: not on n or m, the batch or the thread.

    Raises
    ------
    ValueError
        If part of the address does not fit into its bits, or `out` is not such an array.

    Notes
    -----
    Normals and uniforms of the same address are made from the same bits; use streams that differ
    in experiment or cell for independent ones.

    Examples
    --------
    >>> import numpy as np
    >>> whole, later = np.empty((5, 3)), np.empty((2, 2))
    >>> fill_uniforms(7, 0, 0, 0, whole)
    >>> fill_uniforms(7, 0, 0, 3, later)
    >>> bool((whole[3:, :2] == later).all())
    True
    """
    _checked_fill(key, experiment, cell, first_sample, out, normal=False)


def fill_normals(key: int, experiment: int, cell: int, first_sample: int, out: Float) -> None:
    """Fill `out` with standard normals.

    Parameters
    ----------
    key : int
        64-bit key, 0 <= key < 2^64.
    experiment, cell : int
        Rest of the address, 32 bits each.
    first_sample : int
        Number of the sample that becomes row 0; ``first_sample + n <= 2^32``.
    out : ndarray of shape (n, m)
        Float64, C-contiguous. Element (r, j) depends on (key, experiment, cell,
        first_sample + r, j) only: not on n or m, the batch or the thread.

    Raises
    ------
    ValueError
        If part of the address does not fit into its bits, or `out` is not such an array.

    Notes
    -----
    Uniforms have 53 bits, so values end at sqrt(2 * 53 log 2) = 8.57; a normal is beyond that with
    probability 1e-17.

    Examples
    --------
    >>> import numpy as np
    >>> out = np.empty((1000, 100))
    >>> fill_normals(7, 0, 0, 0, out)
    >>> bool(abs(out.mean()) < 0.02), bool(abs(out.var() - 1) < 0.03)
    (True, True)
    """
    _checked_fill(key, experiment, cell, first_sample, out, normal=True)
