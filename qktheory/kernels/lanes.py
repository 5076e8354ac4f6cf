"""Philox rounds written for vector registers, as LLVM instructions.

The plain loop over blocks that `qktheory.kernels.strips` uses elsewhere leaves two things to gain
with 512-bit registers, about a fifth of the time of a block: a single chain of dependent products
does not fill the pipeline, so four vectors of blocks go through the rounds together, and the upper
half of a product is fetched with a shuffle, because shifts compete with products for one execution
port. Integers only, so the words are the same either way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

__all__ = ["GROUP", "philox_group"]

_LANES = 8
_VECTORS = 4
GROUP = _LANES * _VECTORS

_I32, _I64 = ir.IntType(32), ir.IntType(64)
_VECTOR = ir.VectorType(_I64, _LANES)
_HALVES = ir.VectorType(_I32, 2 * _LANES)
_LOW = 0xFFFFFFFF


def _constant(value: int) -> Any:
    return ir.Constant(_VECTOR, [value] * _LANES)


def _indices(values: list[int]) -> Any:
    return ir.Constant(ir.VectorType(_I32, len(values)), values)


def _repeated(builder: Any, scalar: Any) -> Any:
    undefined = ir.Constant(_VECTOR, ir.Undefined)
    first = builder.insert_element(undefined, scalar, ir.Constant(_I32, 0))
    return builder.shuffle_vector(first, undefined, _indices([0] * _LANES))


def _upper_half(builder: Any, products: Any) -> Any:
    """Return the upper 32 bits of each lane, in both of its halves."""
    halves = builder.bitcast(products, _HALVES)
    odd = _indices([2 * (j // 2) + 1 for j in range(2 * _LANES)])
    upper = builder.shuffle_vector(halves, ir.Constant(_HALVES, ir.Undefined), odd)
    return builder.bitcast(upper, _VECTOR)


def _rounds(builder: Any, states: list[list[Any]], key_0: Any, key_1: Any) -> None:
    """Apply ten rounds to the four counter words of each vector; upper halves end as rubbish."""
    low = _constant(_LOW)
    for _ in range(10):
        round_0, round_1 = _repeated(builder, key_0), _repeated(builder, key_1)
        for state in states:
            c0, c1, c2, c3 = state
            p0 = builder.mul(_constant(0xD2511F53), builder.and_(c0, low))
            p1 = builder.mul(_constant(0xCD9E8D57), builder.and_(c2, low))
            state[0] = builder.xor(builder.xor(_upper_half(builder, p1), c1), round_0)
            state[1] = p1
            state[2] = builder.xor(builder.xor(_upper_half(builder, p0), c3), round_1)
            state[3] = p0
        mask = ir.Constant(_I64, _LOW)
        key_0 = builder.and_(builder.add(key_0, ir.Constant(_I64, 0x9E3779B9)), mask)
        key_1 = builder.and_(builder.add(key_1, ir.Constant(_I64, 0xBB67AE85)), mask)


def _philox_group(
    typing_context: Any,
    blocks: Any,
    samples: Any,
    cell: Any,
    experiment: Any,
    k0: Any,
    k1: Any,
    first: Any,
    second: Any,
    start: Any,
) -> Any:
    """Make the two 64-bit words of `GROUP` blocks, from entry `start` of the arrays on.

    In compiled code only, with one-dimensional contiguous uint64 arrays that are long enough.
    """
    word = types.uint64
    signature = types.void(blocks, samples, word, word, word, word, first, second, types.intp)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        def pointer(argument: int, vector: int) -> Any:
            array = context.make_array(signature.args[argument])(
                context, builder, arguments[argument]
            )
            offset = builder.add(arguments[8], ir.Constant(arguments[8].type, _LANES * vector))
            return builder.bitcast(builder.gep(array.data, [offset]), _VECTOR.as_pointer())

        def load(argument: int, vector: int) -> Any:
            value = builder.load(pointer(argument, vector))
            value.align = 8
            return value

        c2, c3 = _repeated(builder, arguments[2]), _repeated(builder, arguments[3])
        states = [[load(0, v), load(1, v), c2, c3] for v in range(_VECTORS)]
        _rounds(builder, states, arguments[4], arguments[5])
        for v, (r0, r1, r2, r3) in enumerate(states):
            for argument, high, low in ((6, r0, r1), (7, r2, r3)):
                upper = builder.shl(high, _constant(32))
                value = builder.or_(upper, builder.and_(low, _constant(_LOW)))
                builder.store(value, pointer(argument, v)).align = 8
        return context.get_dummy_value()

    return signature, generate


philox_group = cast(Callable[..., None], intrinsic(_philox_group))
