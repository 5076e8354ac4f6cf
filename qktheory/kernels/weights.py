"""Softmax weights relative to a shift, and their sums over a row.

On CPUs with 512-bit registers the sums are taken eight keys at a time. `term` makes e^z with a
polynomial of degree 10, on any CPU; there the powers 2^(j/16), j = 0 ... 15, fill two registers, of
which one instruction picks eight, and what is left to the polynomial is so small that degree 6 is
enough: sums over a row take a quarter less time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from llvmlite import ir
from numba.extending import intrinsic
from numpy.typing import NDArray

from qktheory.kernels.policy import (
    elementary,
    float_bits,
    float_from_bits,
    jit_enabled,
    reduction,
    wide_registers,
    wide_vectors,
)
from qktheory.kernels.vectors import (
    EIGHT_DOUBLES,
    LANES,
    below,
    call,
    fused,
    lane_numbers,
    largest_lane,
    load,
    maximum,
    splat,
    sum_of_lanes,
)

__all__ = [
    "CEILING",
    "LOWEST_TERM",
    "row_sums",
    "row_sums_in_groups",
    "row_sums_in_loop",
    "term",
    "weight_sum",
    "weight_sum_in_groups",
    "weight_sum_in_loop",
]

Float = NDArray[np.float64]

LOWEST_TERM = -708.0
"""The lowest shifted logit whose weight counts: 3e-308."""
CEILING = 16.0
"""The highest shifted logit whose weight is right."""

_LN2 = 0.6931471805599453
_LOG2_E = 1.4426950408889634
_ROUND = 6755399441055744.0  # as in `elementary`

_STEPS = 16
# As _ROUND, to multiples of 1/16: the last four bits are j, those above are the exponent.
_ROUND_TO_STEP = _ROUND / _STEPS
_STEP_SHIFT = 48
# Bits of 2^(j/16), less what j adds to the exponent below.
_POWERS = [
    int(np.float64(2.0 ** (j / _STEPS)).view(np.int64)) - (j << _STEP_SHIFT) for j in range(_STEPS)
]
# (e^r - 1)/r from r^5 down to 1, for abs(r) <= log(2)/32: a minimax fit of relative error 1.2e-17.
_QUOTIENT = (
    0.001388859406582567,
    0.008333471921034197,
    0.04166666669325001,
    0.16666666664417962,
    0.49999999999999606,
    1.0,
)


@elementary
def term(y: float) -> float:
    """Return e^y, -708 <= y <= 16, within 3 ulp plus |y| 2^-54 of itself, for sums that contain 1.

    Cheaper than `exp`: one word of log 2 is enough, since its error grows as the term decays, and
    the polynomial has an error of 2e-16. Its parts are evaluated side by side: a chain of ten
    products would wait for each of them.
    """
    shifted = y * _LOG2_E + _ROUND
    r = y - (shifted - _ROUND) * _LN2
    q = r * r
    p = 0.49999999999997286 + 0.16666666666557742 * r
    p = (1.0 + 1.0000000000000064 * r) + p * q
    h = 0.041666666668426014 + 0.008333333384665794 * r
    h = h + (0.001388888849913829 + 0.00019841171384225596 * r) * q
    t = 2.480191768787707e-05 + 2.7639768251354476e-06 * r
    t = t + 2.7488443522901847e-07 * q
    q = q * q
    p = p + q * (h + q * t)
    # Above the floor the exponent stays that of a normal number: adding to it multiplies.
    return float_from_bits(float_bits(p) + (float_bits(shifted) << 52))


def _eight_terms(typing_context: Any, z: Any) -> Any:
    """Return e^z of eight numbers, as accurate as `term`; rubbish above 709 and below -708."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        (z,) = arguments
        integers = ir.VectorType(ir.IntType(64), LANES)

        def number(value: float) -> Any:
            return ir.Constant(z.type, [value] * LANES)

        def fma(a: Any, b: Any, c: Any) -> Any:
            return call(builder, "llvm.fma.v8f64", a, b, c)

        shifted = fma(z, number(_LOG2_E), number(_ROUND_TO_STEP))
        r = fma(builder.fsub(shifted, number(_ROUND_TO_STEP)), number(-_LN2), z)
        steps = builder.bitcast(shifted, integers)
        low, high = (ir.Constant(integers, _POWERS[k : k + LANES]) for k in (0, LANES))
        power = call(builder, "llvm.x86.avx512.vpermi2var.q.512", low, steps, high)
        exponent = builder.shl(steps, ir.Constant(integers, [_STEP_SHIFT] * LANES))
        power = builder.bitcast(builder.add(power, exponent), z.type)
        quotient = number(_QUOTIENT[0])
        for coefficient in _QUOTIENT[1:]:
            quotient = fma(quotient, r, number(coefficient))
        # Not power + power r quotient: near the floor power r is subnormal, which takes a CPU long.
        return builder.fmul(power, fma(quotient, r, number(1.0)))

    return EIGHT_DOUBLES(EIGHT_DOUBLES), generate


eight_terms = cast(Callable[[Any], Any], intrinsic(_eight_terms))


@reduction
def row_sums_in_loop(
    flat: Float, begin: Any, count: Any, shift: float
) -> tuple[float, float, float, float]:
    """Return, for z = w - shift and e = exp(z), the largest e and the sums of e, e^2 and ez.

    A masked key adds 3e-308. Where z exceeds the ceiling, the largest e is e^ceiling.
    """
    wide_vectors()
    largest = 0
    total = 0.0
    squares = 0.0
    first = 0.0
    for j in range(count):
        z = flat[begin + j] - shift
        z = LOWEST_TERM if z < LOWEST_TERM else z
        z = CEILING if z > CEILING else z
        e = term(z)
        # Positive numbers are ordered like their bits.
        largest = max(largest, float_bits(e))
        total += e
        squares += e * e
        first += e * z
    return float_from_bits(largest), total, squares, first


@elementary
def _add(z: Any, sums: tuple[Any, Any, Any, Any]) -> tuple[Any, Any, Any, Any]:
    """Add eight shifted logits to the largest of them and the sums of e, e^2 and ez."""
    e = eight_terms(z)
    return maximum(z, sums[0]), sums[1] + e, fused(e, e, sums[2]), fused(e, z, sums[3])


@elementary
def row_sums_in_groups(
    flat: Float, begin: Any, count: Any, shift: float
) -> tuple[float, float, float, float]:
    """Return what `row_sums_in_loop` does, for CPUs with 512-bit registers."""
    if count < LANES:
        return row_sums_in_loop(flat, begin, count, shift)
    wide_vectors()
    # Signed, because a sum of a signed and an unsigned integer is a float to Numba.
    first_key = np.int64(begin)
    end = first_key + np.int64(count)
    left = np.int64(count) % LANES
    shifts, lowest, zero = splat(shift), splat(LOWEST_TERM), splat(0.0)
    sums = (lowest, zero, zero, zero)
    for j in range(first_key, end - left, LANES):
        # In this order NaN stays, and makes the sums NaN.
        sums = _add(maximum(lowest, load(flat, j) - shifts), sums)
    if left > 0:
        # The last eight keys, of which some have been counted.
        z = maximum(lowest, load(flat, end - LANES) - shifts)
        sums = _add(below(lane_numbers(), splat(float(LANES - left)), lowest, z), sums)
    top = largest_lane(sums[0])
    largest = term(CEILING if top > CEILING else top)
    return largest, sum_of_lanes(sums[1]), sum_of_lanes(sums[2]), sum_of_lanes(sums[3])


@reduction
def weight_sum_in_loop(flat: Float, begin: Any, count: Any, shift: float) -> float:
    """Return the sum of exp(w - shift), shift not below any w; a masked key adds exactly 0."""
    wide_vectors()
    total = 0.0
    for j in range(count):
        z = flat[begin + j] - shift
        total += 0.0 if z < LOWEST_TERM else term(z)
    return total


@elementary
def _weights(z: Any) -> Any:
    """Return eight weights, exactly 0 below the floor."""
    lowest = splat(LOWEST_TERM)
    return below(z, lowest, splat(0.0), eight_terms(maximum(lowest, z)))


@elementary
def weight_sum_in_groups(flat: Float, begin: Any, count: Any, shift: float) -> float:
    """Return what `weight_sum_in_loop` does, for CPUs with 512-bit registers."""
    if count < LANES:
        return weight_sum_in_loop(flat, begin, count, shift)
    wide_vectors()
    first_key = np.int64(begin)
    end = first_key + np.int64(count)
    left = np.int64(count) % LANES
    shifts, total = splat(shift), splat(0.0)
    for j in range(first_key, end - left, LANES):
        total = total + _weights(load(flat, j) - shifts)
    if left > 0:
        e = _weights(load(flat, end - LANES) - shifts)
        total = total + below(lane_numbers(), splat(float(LANES - left)), splat(0.0), e)
    return sum_of_lanes(total)


_in_groups = jit_enabled and wide_registers
row_sums = row_sums_in_groups if _in_groups else row_sums_in_loop
"""Largest weight and sums of a row by whichever of the two suits the CPU."""
weight_sum = weight_sum_in_groups if _in_groups else weight_sum_in_loop
"""Sum of weights by whichever of the two suits the CPU."""
