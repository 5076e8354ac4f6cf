"""Eight numbers at a time as values of compiled code: vectors of LLVM, not loops to be vectorised.

Kernels on stacks of small matrices put entry (i, j) of eight matrices beside each other and do to
all eight what the algorithm does to one. A loop over eight lanes leaves it to the compiler to prove
that arrays do not overlap, which it cannot; values of this type need no proof. The operations of a
lane do not depend on the other lanes: the same matrix gives the same bits in every lane.

In compiled code only: ``load`` and ``store`` take a one-dimensional contiguous array and an offset,
``gather(a, j, s)`` takes its entries j, j + s, ..., j + 7 s, and ``broadcast(a, j)`` entry j to all
lanes; ``splat(x)`` is a number in all lanes, ``lane_numbers()`` is 0.0 ... 7.0; ``+ - * /`` and
unary ``-`` act lane by lane (products and sums may be fused), and ``fused(a, b, c)`` is a b + c,
rounded once; ``below(a, b, x, y)`` is x where a < b and y elsewhere, ``any_below(a, b)`` whether
a < b anywhere; ``maximum(a, b)`` and ``minimum(a, b)`` are b where a or b is NaN; ``sum_of_lanes``
and ``largest_lane`` are numbers.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, cast

import numba.extending
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing import templates
from numba.core.typing.templates import AbstractTemplate
from numba.extending import intrinsic

__all__ = [
    "EIGHT_DOUBLES",
    "LANES",
    "absolute",
    "any_below",
    "below",
    "broadcast",
    "call",
    "fused",
    "gather",
    "lane_numbers",
    "largest_lane",
    "load",
    "maximum",
    "minimum",
    "root",
    "splat",
    "store",
    "sum_of_lanes",
]

# Numba declares no types for what extends it.
_cgutils: Any = cgutils
_templates: Any = templates
_extending: Any = numba.extending

LANES = 8
_VECTOR = ir.VectorType(ir.DoubleType(), LANES)
_FLAGS = ("contract",)


class _Lanes(types.Type):
    """Numba's type of eight doubles."""

    def __init__(self) -> None:
        super().__init__(name="EightDoubles")


EIGHT_DOUBLES = _Lanes()
"""Numba's type of these values, for intrinsics of other files."""


def _lanes_model(manager: Any, numba_type: Any) -> Any:
    """Return how a value lies in memory: as the vector itself."""
    return _extending.models.PrimitiveModel(manager, numba_type, _VECTOR)


_extending.register_model(_Lanes)(_lanes_model)


def _define(symbol: Any, method: str, arity: int) -> None:
    """Give an operator of Python to the type."""

    class Template(AbstractTemplate):
        def generic(self, args: Any, kws: Any) -> Any:
            return (
                _templates.signature(EIGHT_DOUBLES, *args)
                if args == (EIGHT_DOUBLES,) * arity
                else None
            )

    _templates.infer_global(symbol)(Template)

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return getattr(builder, method)(*args, flags=_FLAGS)

    _extending.lower_builtin(symbol, *(_Lanes,) * arity)(lower)


for _symbol, _method in (
    (operator.add, "fadd"),
    (operator.sub, "fsub"),
    (operator.mul, "fmul"),
    (operator.truediv, "fdiv"),
):
    _define(_symbol, _method, 2)
_define(operator.neg, "fneg", 1)


def call(builder: Any, name: str, *arguments: Any) -> Any:
    """Call an instruction of LLVM that gives a value of its arguments' type."""
    kind = arguments[0].type
    function = ir.FunctionType(kind, [kind] * len(arguments))
    return builder.call(_cgutils.get_or_insert_function(builder.module, function, name), arguments)


def _address(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    array = context.make_array(sig.args[0])(context, builder, args[0])
    return builder.bitcast(builder.gep(array.data, [args[1]]), _VECTOR.as_pointer())


def _load(typing_context: Any, array: Any, offset: Any) -> Any:
    """Return entries offset .. offset + 7 of an array."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        value = builder.load(_address(context, builder, sig, args))
        value.align = 8
        return value

    return EIGHT_DOUBLES(array, types.intp), generate


def _store(typing_context: Any, array: Any, offset: Any, value: Any) -> Any:
    """Write entries offset .. offset + 7 of an array."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        builder.store(args[2], _address(context, builder, sig, args)).align = 8
        return context.get_dummy_value()

    return types.void(array, types.intp, EIGHT_DOUBLES), generate


def _broadcast(typing_context: Any, array: Any, offset: Any) -> Any:
    """Return one entry of an array in all lanes."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        return _in_all_lanes(builder, builder.load(builder.gep(data, [args[1]])))

    return EIGHT_DOUBLES(array, types.intp), generate


def _gather(typing_context: Any, array: Any, offset: Any, step: Any) -> Any:
    """Return the entries offset, offset + step, ..., offset + 7 step of an array."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        place, vector = args[1], ir.Constant(_VECTOR, ir.Undefined)
        for lane in range(LANES):
            entry = builder.load(builder.gep(data, [place]))
            vector = builder.insert_element(vector, entry, ir.Constant(ir.IntType(32), lane))
            place = builder.add(place, args[2])
        return vector

    return EIGHT_DOUBLES(array, types.intp, types.intp), generate


def _in_all_lanes(builder: Any, number: Any) -> Any:
    undefined = ir.Constant(_VECTOR, ir.Undefined)
    first = builder.insert_element(undefined, number, ir.Constant(ir.IntType(32), 0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    return builder.shuffle_vector(first, undefined, zeros)


def _splat(typing_context: Any, number: Any) -> Any:
    """Return one number in all lanes."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _in_all_lanes(builder, args[0])

    return EIGHT_DOUBLES(types.float64), generate


def _lane_numbers(typing_context: Any) -> Any:
    """Return 0.0, 1.0, ... 7.0."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return ir.Constant(_VECTOR, [float(lane) for lane in range(LANES)])

    return EIGHT_DOUBLES(), generate


def _below(typing_context: Any, a: Any, b: Any, x: Any, y: Any) -> Any:
    """Return x where a < b, y elsewhere."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.select(builder.fcmp_ordered("<", args[0], args[1]), args[2], args[3])

    return EIGHT_DOUBLES(EIGHT_DOUBLES, EIGHT_DOUBLES, EIGHT_DOUBLES, EIGHT_DOUBLES), generate


def _any_below(typing_context: Any, a: Any, b: Any) -> Any:
    """Return whether a < b in any lane."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        bits = builder.bitcast(builder.fcmp_ordered("<", *args), ir.IntType(LANES))
        return builder.icmp_unsigned("!=", bits, ir.Constant(ir.IntType(LANES), 0))

    return types.boolean(EIGHT_DOUBLES, EIGHT_DOUBLES), generate


def _fused(typing_context: Any, a: Any, b: Any, c: Any) -> Any:
    """Return a b + c, rounded once."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return call(builder, "llvm.fma.v8f64", *args)

    return EIGHT_DOUBLES(EIGHT_DOUBLES, EIGHT_DOUBLES, EIGHT_DOUBLES), generate


def _folded(merge: Callable[[Any, Any, Any], Any]) -> Any:
    """Merge the halves of a vector until one number is left: the same tree for every row."""

    def build(typing_context: Any, a: Any) -> Any:
        def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            (value,) = args
            for step in (4, 2, 1):
                indices = [(lane + step) % LANES for lane in range(LANES)]
                order = ir.Constant(ir.VectorType(ir.IntType(32), LANES), indices)
                value = merge(builder, value, builder.shuffle_vector(value, value, order))
            return builder.extract_element(value, ir.Constant(ir.IntType(32), 0))

        return types.float64(EIGHT_DOUBLES), generate

    return build


def _added(builder: Any, a: Any, b: Any) -> Any:
    return builder.fadd(a, b)


def _larger(builder: Any, a: Any, b: Any) -> Any:
    return builder.select(builder.fcmp_ordered(">", a, b), a, b)


def _extreme(sign: str) -> Any:
    def build(typing_context: Any, a: Any, b: Any) -> Any:
        def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            return builder.select(builder.fcmp_ordered(sign, *args), args[0], args[1])

        return EIGHT_DOUBLES(EIGHT_DOUBLES, EIGHT_DOUBLES), generate

    return build


def _unary(name: str) -> Any:
    def build(typing_context: Any, a: Any) -> Any:
        def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            return call(builder, name, *args)

        return EIGHT_DOUBLES(EIGHT_DOUBLES), generate

    return build


load = cast(Callable[..., Any], intrinsic(_load))
store = cast(Callable[..., None], intrinsic(_store))
broadcast = cast(Callable[[Any, Any], Any], intrinsic(_broadcast))
gather = cast(Callable[[Any, Any, Any], Any], intrinsic(_gather))
lane_numbers = cast(Callable[[], Any], intrinsic(_lane_numbers))
splat = cast(Callable[[float], Any], intrinsic(_splat))
below = cast(Callable[..., Any], intrinsic(_below))
any_below = cast(Callable[..., bool], intrinsic(_any_below))
maximum = cast(Callable[..., Any], intrinsic(_extreme(">")))
minimum = cast(Callable[..., Any], intrinsic(_extreme("<")))
fused = cast(Callable[[Any, Any, Any], Any], intrinsic(_fused))
sum_of_lanes = cast(
    Callable[[Any], float], intrinsic(_folded(lambda builder, a, b: builder.fadd(a, b)))
)
largest_lane = cast(Callable[[Any], float], intrinsic(_folded(_larger)))
absolute = cast(Callable[..., Any], intrinsic(_unary("llvm.fabs.v8f64")))
root = cast(Callable[..., Any], intrinsic(_unary("llvm.sqrt.v8f64")))
