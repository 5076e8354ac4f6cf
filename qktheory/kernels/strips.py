"""Compiled part of the addressed random numbers: blocks of Philox, made into numbers in strips.

`qktheory.kernels.philox` defines what these numbers are and checks the arguments.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qktheory.kernels.elementary import rotate
from qktheory.kernels.lanes import GROUP, philox_group
from qktheory.kernels.policy import (
    elementary,
    float_bits,
    float_from_bits,
    wide_registers,
    wide_vectors,
)

__all__ = ["STRIP", "fill_strips", "philox_blocks", "words_in_a_loop", "words_in_groups"]

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
_SQRT_HALF_BITS = 0x3FE6A09E667F3BCD
_ROUND = 6755399441055744.0  # as in `elementary`
# Blocks made at a time, and the number of blocks of a row below which rows are handled one block
# at a time.
STRIP = 128
_SHORT = 16


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
def _squared_radius(first: Any) -> float:
    """Return -2 log u for the uniform u of a 64-bit word.

    Here and in `_normal_pair` functions of `qktheory.kernels.elementary` are evaluated anew,
    because their last ulp costs a fifth of the time of a normal and the square root halves it
    anyway.
    """
    bits = float_bits(_midpoint(first))
    k = (bits - _SQRT_HALF_BITS) >> 52
    f = float_from_bits(bits - (k << 52)) - 1.0
    s = f / (2.0 + f)
    z = s * s
    p = -2.0 * 0.14796128125578856
    p = p * z - 2.0 * 0.15314033619072379
    p = p * z - 2.0 * 0.18183564950236455
    p = p * z - 2.0 * 0.22222198561980797
    p = p * z - 2.0 * 0.28571428742487454
    p = p * z - 2.0 * 0.3999999999941429
    p = p * z - 2.0 * 0.6666666666666734
    p = p * z - 4.0
    return float(k) * (-2.0 * 0.6931471805599453) + s * p


@elementary
def _normal_pair(squared_radius: float, second: Any) -> tuple[float, float]:
    """Return the two normals of a squared radius and a 64-bit word, within a few ulp."""
    radius = math.sqrt(squared_radius)
    v = _midpoint(second)
    shifted = 4.0 * v + _ROUND
    t = v - 0.25 * (shifted - _ROUND)
    z = t * t
    p = 3.7813660153592576
    p = p * z - 15.093829307505477
    p = p * z + 42.0586855065628
    p = p * z - 76.70585970878403
    p = p * z + 81.60524927596823
    p = p * z - 41.34170224039968
    p = p * z + 6.283185307179586
    sine = p * t * radius
    p = 7.811477260149807
    p = p * z - 26.424316929429754
    p = p * z + 60.2446212466194
    p = p * z - 85.45681710110094
    p = p * z + 64.93939402241355
    p = p * z - 19.739208802178513
    p = p * z + 1.0
    cosine = p * radius
    second_normal, first_normal = rotate(sine, cosine, float_bits(shifted))
    return first_normal, second_normal


@elementary
def words_in_a_loop(
    blocks: Words,
    samples: Words,
    cell: Any,
    experiment: Any,
    k0: Any,
    k1: Any,
    first: Words,
    second: Words,
) -> None:
    """Make the two 64-bit words of each block of a strip."""
    wide_vectors()
    for i in range(STRIP):
        r0, r1, r2, r3 = _philox(blocks[i], samples[i], cell, experiment, k0, k1)
        first[i] = (r0 << _32) | r1
        second[i] = (r2 << _32) | r3


@elementary
def words_in_groups(
    blocks: Words,
    samples: Words,
    cell: Any,
    experiment: Any,
    k0: Any,
    k1: Any,
    first: Words,
    second: Words,
) -> None:
    """Make the same words as `words_in_a_loop`, for CPUs with 512-bit registers."""
    wide_vectors()
    for start in range(0, STRIP, GROUP):
        philox_group(blocks, samples, cell, experiment, k0, k1, first, second, start)


_words = words_in_groups if wide_registers else words_in_a_loop


@elementary
def _number(blocks: Words, samples: Words, block: int, sample: int, per_row: int) -> None:
    """Write the addresses of the blocks of a strip that starts inside the given sample."""
    wide_vectors()
    if per_row < _SHORT:
        for i in range(STRIP):
            blocks[i] = np.uint64(block)
            samples[i] = np.uint64(sample)
            block += 1
            if block == per_row:
                block = 0
                sample += 1
        return
    filled = 0
    while filled < STRIP:
        # Slices, because an index that starts at 0 needs no test for a negative one.
        run = min(STRIP - filled, per_row - block)
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
def fill_strips(
    key_low: int,
    key_high: int,
    experiment: int,
    cell: int,
    first_sample: int,
    normal: bool,
    out: Float,
    rows: int,
    columns: int,
) -> None:
    """Fill a C-contiguous array, given flat, with normals or uniforms.

    All numbers are made in strips of a fixed length that may span rows, either in place or in a
    buffer to be copied: one piece of machine code makes them all, whatever the shape, so their
    bits cannot depend on it.
    """
    wide_vectors()
    blocks = np.empty(STRIP, np.uint64)
    samples = np.empty(STRIP, np.uint64)
    first = np.empty(STRIP, np.uint64)
    second = np.empty(STRIP, np.uint64)
    squared_radii = np.empty(STRIP)
    buffer = np.empty(2 * STRIP)
    c2, c3, k0, k1 = np.uint64(cell), np.uint64(experiment), np.uint64(key_low), np.uint64(key_high)
    per_row = (columns + 1) // 2
    total = rows * per_row
    done = 0
    for start in range(0, total, STRIP):
        filled = min(STRIP, total - start)
        row = start // per_row
        block = start - row * per_row
        _number(blocks, samples, block, first_sample + row, per_row)
        _words(blocks, samples, c2, c3, k0, k1, first, second)
        # Rows of even length follow each other without a number left out.
        in_place = (filled == STRIP) & (columns % 2 == 0)
        strip = out[done : done + 2 * STRIP] if in_place else buffer
        if normal:
            # Two loops, because the division of one and the square root of the other would wait
            # for the same unit of the processor: together they take a quarter longer.
            for i in range(STRIP):
                squared_radii[i] = _squared_radius(first[i])
            for i in range(STRIP):
                strip[2 * i], strip[2 * i + 1] = _normal_pair(squared_radii[i], second[i])
        else:
            for i in range(STRIP):
                strip[2 * i] = _midpoint(first[i])
                strip[2 * i + 1] = _midpoint(second[i])
        done += 2 * STRIP if in_place else _copy(buffer, filled, block, columns, out[done:])


@elementary
def philox_blocks(words: Words, k0: Any, k1: Any, out: Words) -> None:
    """Fill rows of four words with the blocks of rows of four counters."""
    for i in range(words.shape[0]):
        r0, r1, r2, r3 = _philox(words[i, 0], words[i, 1], words[i, 2], words[i, 3], k0, k1)
        out[i, 0] = r0
        out[i, 1] = r1
        out[i, 2] = r2
        out[i, 3] = r3
