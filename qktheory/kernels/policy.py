"""The two compile policies of the package, and the instructions Numba does not offer.

Every Numba function of the package is made by one of two decorators.

`elementary`
    May contract a product and a sum to one fused operation, and nothing else: a result depends on
    the arguments only, never on the width of a vector or the shape of a batch. For elementary
    functions, random numbers, compensated sums, and everything whose values are stored.
`reduction`
    May also reorder sums, ignore the sign of zero and multiply by reciprocals, which is what lets
    a sum over a row run in vector registers. Contains no error-free transformation. Bits are the
    same for the same row on one CPU type.

Neither assumes the absence of NaN and infinities (masked logits are -inf). Both divide as IEEE
754 says instead of raising (a branch to an exception would stop vectorisation), release the GIL,
run on one thread, compile at the first call and keep the result on disk (`qktheory.kernels.cache`).
`elementary` functions are inlined by LLVM and not by Numba, so that inside a reduction they keep
their own flags: an exponential inlined by Numba into a reduction is off by hundreds of ulp.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import llvmlite.binding as llvm
import numba
from llvmlite import ir
from numba import types
from numba.core import config
from numba.extending import intrinsic

from qktheory.kernels.cache import SourceHashCache

__all__ = [
    "elementary",
    "float_bits",
    "float_from_bits",
    "fused",
    "jit_enabled",
    "reduction",
    "wide_registers",
    "wide_vectors",
]

jit_enabled: bool = not getattr(config, "DISABLE_JIT", 0)
"""False under ``NUMBA_DISABLE_JIT=1``; public functions then run their NumPy twins."""


def _has_wide_registers() -> bool:
    # Users may tell Numba to compile for less than the CPU they have, for a cluster of many kinds.
    asked: str | None = getattr(config, "CPU_FEATURES", None)
    if asked is not None:
        return "+avx512f" in asked.split(",")
    return bool(llvm.get_host_cpu_features().get("avx512f", False))


wide_registers: bool = _has_wide_registers()
"""Whether code is compiled for a CPU with 512-bit registers."""

Function = TypeVar("Function", bound=Callable[..., Any])

_ELEMENTARY_FLAGS = {"contract"}
_REDUCTION_FLAGS = {"reassoc", "contract", "nsz", "arcp"}


def _compiled(function: Function, flags: set[str], *, inline: bool) -> Function:
    if not jit_enabled:
        return function
    dispatcher: Any = numba.njit(
        fastmath=flags, error_model="numpy", nogil=True, forceinline=inline
    )(function)
    dispatcher._cache = SourceHashCache(function)
    return cast(Function, dispatcher)


def elementary(function: Function) -> Function:
    """Compile a function whose value may not depend on its surroundings.

    Parameters
    ----------
    function : callable
        Written in the subset of Python that Numba compiles.

    Returns
    -------
    callable
        The compiled function; under ``NUMBA_DISABLE_JIT=1`` the argument itself.

    Examples
    --------
    >>> @elementary
    ... def double(x):
    ...     return 2.0 * x
    >>> double(1.5)
    3.0
    """
    return _compiled(function, _ELEMENTARY_FLAGS, inline=True)


def reduction(function: Function) -> Function:
    """Compile a function whose sums may be reordered.

    Parameters
    ----------
    function : callable
        Written in the subset of Python that Numba compiles.

    Returns
    -------
    callable
        The compiled function; under ``NUMBA_DISABLE_JIT=1`` the argument itself.

    Examples
    --------
    >>> import numpy as np
    >>> @reduction
    ... def total(x):
    ...     result = 0.0
    ...     for entry in x:
    ...         result += entry
    ...     return result
    >>> float(total(np.ones(10)))
    10.0
    """
    return _compiled(function, _REDUCTION_FLAGS, inline=False)


def _float_bits(typing_context: Any, value: Any) -> Any:
    """Return the 64 bits of a float as a signed integer (in compiled code only)."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.IntType(64))

    return types.int64(types.float64), generate


def _float_from_bits(typing_context: Any, value: Any) -> Any:
    """Return the float that has the 64 bits of a signed integer (in compiled code only)."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.DoubleType())

    return types.float64(types.int64), generate


def _fused(typing_context: Any, a: Any, b: Any, c: Any) -> Any:
    """Return a b + c, rounded once (in compiled code only).

    For the sum of two products. The compiler contracts one of them, and not always the same one: a
    loop over two arrays is compiled twice, for arrays that may overlap too.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.fma(*arguments)

    return types.float64(types.float64, types.float64, types.float64), generate


def _wide_vectors(typing_context: Any) -> Any:
    """Let the calling function use 512-bit registers where the CPU has them.

    LLVM prefers 256 bits on Intel because of the lower clock of the first such CPUs; the kernels
    that call this run 1.4 to 1.5 times faster with 512. No effect on other CPUs.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        # `AttributeSet.add` knows only attributes without a value; the attributes are printed
        # verbatim, so the underlying set takes this one.
        set.add(builder.function.attributes, '"prefer-vector-width"="512"')
        return context.get_dummy_value()

    return types.void(), generate


float_bits = cast(Callable[[float], int], intrinsic(_float_bits))
float_from_bits = cast(Callable[[int], float], intrinsic(_float_from_bits))
fused = cast(Callable[[float, float, float], float], intrinsic(_fused))
wide_vectors = cast(Callable[[], None], intrinsic(_wide_vectors))
