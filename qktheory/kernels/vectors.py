"""Eight numbers at a time as values of compiled code: vectors of LLVM, not loops to be vectorised.

Kernels on stacks of small matrices put entry (i, j) of eight matrices beside each other and do to
all eight what the algorithm does to one. A loop over eight lanes leaves it to the compiler to prove
that arrays do not overlap, which it cannot; values of this type need no proof. The operations of a
lane do not depend on the other lanes: the same matrix gives the same bits in every lane.

In compiled code only: ``load`` and ``store`` take a one-dimensional contiguous array and an offset,
``splat`` a number; ``+ - * /`` and unary ``-`` act lane by lane (products and sums may be fused);
``below(a, b, x, y)`` is x where a < b and y elsewhere, ``any_below(a, b)`` whether a < b anywhere.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, cast

import numba.extending
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.core.typing import templates
from numba.core.typing.templates import AbstractTemplate
from numba.extending import intrinsic, models

__all__ = [
    "LANES",
    "absolute",
    "any_below",
    "below",
    "load",
    "maximum",
    "minimum",
    "root",
    "splat",
    "store",
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


_LANES = _Lanes()


class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, fe_type: Any) -> None:
        super().__init__(manager, fe_type, _VECTOR)  # type: ignore[no-untyped-call]


_extending.register_model(_Lanes)(_LanesModel)


def _define(symbol: Any, method: str, arity: int) -> None:
    """Give an operator of Python to the type."""

    class Template(AbstractTemplate):
        def generic(self, args: Any, kws: Any) -> Any:
            return _templates.signature(_LANES, *args) if args == (_LANES,) * arity else None

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


def _address(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    array = context.make_array(sig.args[0])(context, builder, args[0])
    return builder.bitcast(builder.gep(array.data, [args[1]]), _VECTOR.as_pointer())


def _load(typing_context: Any, array: Any, offset: Any) -> Any:
    """Return entries offset .. offset + 7 of an array."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        value = builder.load(_address(context, builder, sig, args))
        value.align = 8
        return value

    return _LANES(array, types.intp), generate


def _store(typing_context: Any, array: Any, offset: Any, value: Any) -> Any:
    """Write entries offset .. offset + 7 of an array."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        builder.store(args[2], _address(context, builder, sig, args)).align = 8
        return context.get_dummy_value()

    return types.void(array, types.intp, _LANES), generate


def _splat(typing_context: Any, number: Any) -> Any:
    """Return one number in all lanes."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        undefined = ir.Constant(_VECTOR, ir.Undefined)
        first = builder.insert_element(undefined, args[0], ir.Constant(ir.IntType(32), 0))
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        return builder.shuffle_vector(first, undefined, zeros)

    return _LANES(types.float64), generate


def _below(typing_context: Any, a: Any, b: Any, x: Any, y: Any) -> Any:
    """Return x where a < b, y elsewhere."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.select(builder.fcmp_ordered("<", args[0], args[1]), args[2], args[3])

    return _LANES(_LANES, _LANES, _LANES, _LANES), generate


def _any_below(typing_context: Any, a: Any, b: Any) -> Any:
    """Return whether a < b in any lane."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        bits = builder.bitcast(builder.fcmp_ordered("<", *args), ir.IntType(LANES))
        return builder.icmp_unsigned("!=", bits, ir.Constant(ir.IntType(LANES), 0))

    return types.boolean(_LANES, _LANES), generate


def _extreme(sign: str) -> Any:
    def build(typing_context: Any, a: Any, b: Any) -> Any:
        def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            return builder.select(builder.fcmp_ordered(sign, *args), args[0], args[1])

        return _LANES(_LANES, _LANES), generate

    return build


def _unary(name: str) -> Any:
    def build(typing_context: Any, a: Any) -> Any:
        def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            kind = ir.FunctionType(_VECTOR, [_VECTOR])
            return builder.call(_cgutils.get_or_insert_function(builder.module, kind, name), args)

        return _LANES(_LANES), generate

    return build


load = cast(Callable[..., Any], intrinsic(_load))
store = cast(Callable[..., None], intrinsic(_store))
splat = cast(Callable[[float], Any], intrinsic(_splat))
below = cast(Callable[..., Any], intrinsic(_below))
any_below = cast(Callable[..., bool], intrinsic(_any_below))
maximum = cast(Callable[..., Any], intrinsic(_extreme(">")))
minimum = cast(Callable[..., Any], intrinsic(_extreme("<")))
absolute = cast(Callable[..., Any], intrinsic(_unary("llvm.fabs.v8f64")))
root = cast(Callable[..., Any], intrinsic(_unary("llvm.sqrt.v8f64")))
