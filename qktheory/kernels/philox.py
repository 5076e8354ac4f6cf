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

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qktheory.base.domains import Integer
from qktheory.base.errors import bad_value
from qktheory.kernels import reference
from qktheory.kernels.elementary import log_positive, sincos_turns
from qktheory.kernels.policy import elementary, float_from_bits, jit_enabled, wide_vectors

__all__ = ["fill_normals", "fill_uniforms", "philox4x32"]

Float = NDArray[np.float64]
Words = NDArray[np.uint64]

# 32-bit words are kept in 64-bit lanes, whose products are one instruction.
_MULTIPLIER_0 = np.uint64(0xD2511F53)
_MULTIPLIER_1 = np.uint64(0xCD9E8D57)
_WEYL_0 = np.uint64(0x9E3779B9)
_WEYL_1 = np.uint64(0xBB67AE85)
_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)
_12 = np.uint64(12)
_ONE_BITS = np.int64(0x3FF0000000000000)
_BELOW_ONE = 1.0 - 2.0**-53
_STRIP = 128
_SHORT = 16

_KEY = Integer(low=0, high=2**64 - 1)
_WORD = Integer(low=0, high=2**32 - 1)


@elementary
def _philox(c0: Any, c1: Any, c2: Any, c3: Any, k0: Any, k1: Any) -> tuple[Any, Any, Any, Any]:
    """Return the four 32-bit words of one block."""
    for _ in range(10):
        p0 = _MULTIPLIER_0 * (c0 & _LOW)
        p1 = _MULTIPLIER_1 * (c2 & _LOW)
        c0 = (p1 >> _32) ^ c1 ^ k0
        c2 = (p0 >> _32) ^ c3 ^ k1
        c1 = p1 & _LOW
        c3 = p0 & _LOW
        k0 = (k0 + _WEYL_0) & _LOW
        k1 = (k1 + _WEYL_1) & _LOW
    return c0, c1, c2, c3


@elementary
def _midpoint(word: Any) -> float:
    """Return the uniform of (0, 1) given by the upper 52 bits of a word."""
    bits: Any = np.int64(word >> _12) | _ONE_BITS
    return float_from_bits(bits) - _BELOW_ONE


@elementary
def _words(
    blocks: Words,
    samples: Words,
    cell: Any,
    experiment: Any,
    k0: Any,
    k1: Any,
    first: Words,
    second: Words,
) -> None:
    wide_vectors()
    for i in range(_STRIP):
        r0, r1, r2, r3 = _philox(blocks[i], samples[i], cell, experiment, k0, k1)
        first[i] = (r0 << _32) | r1
        second[i] = (r2 << _32) | r3


@elementary
def _number(blocks: Words, samples: Words, block: int, sample: int, per_row: int) -> None:
    """Write the addresses of the blocks of a strip that starts inside the given sample."""
    wide_vectors()
    if per_row < _SHORT:
        for i in range(_STRIP):
            blocks[i] = np.uint64(block)
            samples[i] = np.uint64(sample)
            block += 1
            if block == per_row:
                block = 0
                sample += 1
        return
    filled = 0
    while filled < _STRIP:
        # Slices, because an index that starts at 0 needs no test for a negative one.
        run = min(_STRIP - filled, per_row - block)
        some_blocks = blocks[filled : filled + run]
        some_samples = samples[filled : filled + run]
        for i in range(run):
            some_blocks[i] = np.uint64(block + i)
            some_samples[i] = np.uint64(sample)
        filled += run
        block = 0
        sample += 1


@elementary
def _copy(strip: Float, filled: int, block: int, columns: int, out: Float) -> int:
    """Copy the numbers of a strip that starts at the given block of a row; return how many.

    The last number of a row of odd length is not wanted.
    """
    wide_vectors()
    per_row = (columns + 1) // 2
    done = 0
    if per_row < _SHORT:
        odd = columns % 2 == 1
        for i in range(filled):
            block += 1
            out[done] = strip[2 * i]
            done += 1
            if block == per_row:
                block = 0
                if odd:
                    continue
            out[done] = strip[2 * i + 1]
            done += 1
        return done
    source = 0
    while source < 2 * filled:
        run = min(2 * filled - source, 2 * (per_row - block))
        wanted = min(run, columns - 2 * block)
        origin = strip[source : source + wanted]
        target = out[done : done + wanted]
        for i in range(wanted):
            target[i] = origin[i]
        source += run
        done += wanted
        block = 0
    return done


@elementary
def _fill(
    k0: Any,
    k1: Any,
    experiment: Any,
    cell: Any,
    first_sample: int,
    normal: bool,
    out: Float,
    rows: int,
    columns: int,
) -> None:
    """Fill a C-contiguous array, given flat.

    All numbers are made in strips of a fixed length that may span rows and that are then copied:
    one piece of machine code makes them all, whatever the shape, so their bits cannot depend on it.
    """
    wide_vectors()
    blocks = np.empty(_STRIP, np.uint64)
    samples = np.empty(_STRIP, np.uint64)
    first = np.empty(_STRIP, np.uint64)
    second = np.empty(_STRIP, np.uint64)
    strip = np.empty(2 * _STRIP)
    per_row = (columns + 1) // 2
    total = rows * per_row
    done = 0
    for start in range(0, total, _STRIP):
        filled = min(_STRIP, total - start)
        row = start // per_row
        block = start - row * per_row
        _number(blocks, samples, block, first_sample + row, per_row)
        _words(blocks, samples, cell, experiment, k0, k1, first, second)
        if normal:
            for i in range(_STRIP):
                radius = math.sqrt(-2.0 * log_positive(_midpoint(first[i])))
                sine, cosine = sincos_turns(_midpoint(second[i]))
                strip[2 * i] = radius * cosine
                strip[2 * i + 1] = radius * sine
        else:
            for i in range(_STRIP):
                strip[2 * i] = _midpoint(first[i])
                strip[2 * i + 1] = _midpoint(second[i])
        done += _copy(strip, filled, block, columns, out[done:])


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
        _philox_blocks(words, keys[0], keys[1], out)
    else:
        blocks = reference.philox(
            words[:, 0], words[:, 1], words[:, 2], words[:, 3], keys[0], keys[1]
        )
        out = np.stack(blocks, axis=1)
    return out.astype(np.uint32)


@elementary
def _philox_blocks(words: Words, k0: Any, k1: Any, out: Words) -> None:
    for i in range(words.shape[0]):
        r0, r1, r2, r3 = _philox(words[i, 0], words[i, 1], words[i, 2], words[i, 3], k0, k1)
        out[i, 0] = r0
        out[i, 1] = r1
        out[i, 2] = r2
        out[i, 3] = r3


def _checked_fill(
    key: int, experiment: int, cell: int, first_sample: int, out: Float, normal: bool
) -> None:
    key = _KEY.check("key", key)
    experiment = _WORD.check("experiment", experiment)
    cell = _WORD.check("cell", cell)
    if not isinstance(out, np.ndarray) or out.ndim != 2 or out.dtype != np.float64:
        raise bad_value("out", out, "a float64 array of shape (n, m)")
    if not (out.flags.c_contiguous and out.flags.writeable):
        raise bad_value(
            "out", f"array of strides {out.strides}", "a writeable C-contiguous float64 array"
        )
    rows, columns = out.shape
    first_sample = Integer(low=0, high=2**32 - max(rows, 1)).check("first_sample", first_sample)
    if columns > 2**33:
        raise bad_value("columns of out", columns, "at most 2^33 numbers a sample")
    if out.size == 0:
        return
    if not jit_enabled:
        fill = reference.fill_normals if normal else reference.fill_uniforms
        fill(key, experiment, cell, first_sample, out)
        return
    _fill(
        np.uint64(key & 0xFFFFFFFF),
        np.uint64(key >> 32),
        np.uint64(experiment),
        np.uint64(cell),
        first_sample,
        normal,
        out.reshape(-1),
        rows,
        columns,
    )


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
