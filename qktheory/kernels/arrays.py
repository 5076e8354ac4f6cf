"""The elementary functions applied to arrays of any shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qktheory.base.errors import bad_value
from qktheory.kernels import elementary as scalar
from qktheory.kernels import reference
from qktheory.kernels.policy import elementary, jit_enabled, wide_vectors

__all__ = [
    "erf_array",
    "erfc_array",
    "exp_array",
    "log_array",
    "sincos_array",
    "sincos_turns_array",
]

Float = NDArray[np.float64]


@elementary
def _exp(x: Float, out: Float) -> None:
    wide_vectors()
    for i in range(x.size):
        out[i] = scalar.exp(x[i])


@elementary
def _log(x: Float, out: Float) -> None:
    wide_vectors()
    for i in range(x.size):
        out[i] = scalar.log(x[i])


@elementary
def _erf(x: Float, out: Float) -> None:
    wide_vectors()
    for i in range(x.size):
        out[i] = scalar.erf(x[i])


@elementary
def _erfc(x: Float, out: Float) -> None:
    for i in range(x.size):
        out[i] = scalar.erfc(x[i])


@elementary
def _sincos(x: Float, sine: Float, cosine: Float) -> None:
    for i in range(x.size):
        sine[i], cosine[i] = scalar.sincos(x[i])


@elementary
def _sincos_turns(x: Float, sine: Float, cosine: Float) -> None:
    wide_vectors()
    for i in range(x.size):
        sine[i], cosine[i] = scalar.sincos_turns(x[i])


def _real_array(x: ArrayLike) -> Float:
    array = np.asarray(x)
    if array.dtype.kind not in "iuf":
        raise bad_value("x", x, "real numbers")
    return np.ascontiguousarray(array, dtype=np.float64).reshape(array.shape)


def _apply(kernel: Callable[..., None], twin: Callable[[Float], Any], x: ArrayLike) -> Float:
    array = _real_array(x)
    if not jit_enabled:
        return np.asarray(twin(array))
    out = np.empty_like(array)
    kernel(array.reshape(-1), out.reshape(-1))
    return out


def _apply_pair(
    kernel: Callable[..., None], twin: Callable[[Float], tuple[Float, Float]], x: ArrayLike
) -> tuple[Float, Float]:
    array = _real_array(x)
    if not jit_enabled:
        return twin(array)
    sine, cosine = np.empty_like(array), np.empty_like(array)
    kernel(array.reshape(-1), sine.reshape(-1), cosine.reshape(-1))
    return sine, cosine


def exp_array(x: ArrayLike) -> Float:
    """Return e^x within 1 ulp, subnormal results included.

    Parameters
    ----------
    x : array_like of any shape
        Real numbers; infinities and NaN are allowed.

    Returns
    -------
    ndarray of the shape of x

    Raises
    ------
    ValueError
        If `x` is not real.

    Examples
    --------
    >>> exp_array([0.0, -np.inf])
    array([1., 0.])
    """
    return _apply(_exp, reference.exp, x)


def log_array(x: ArrayLike) -> Float:
    """Return the natural logarithm within 2 ulp; -inf at zero, NaN below.

    Parameters
    ----------
    x : array_like of any shape
        Real numbers.

    Returns
    -------
    ndarray of the shape of x

    Raises
    ------
    ValueError
        If `x` is not real.

    Examples
    --------
    >>> log_array([1.0, 0.0])
    array([  0., -inf])
    """
    return _apply(_log, reference.log, x)


def erf_array(x: ArrayLike) -> Float:
    """Return the error function 2/sqrt(pi) int_0^x exp(-t^2) dt within 4 ulp.

    Parameters
    ----------
    x : array_like of any shape
        Real numbers.

    Returns
    -------
    ndarray of the shape of x

    Raises
    ------
    ValueError
        If `x` is not real.

    Examples
    --------
    >>> erf_array([0.0, np.inf])
    array([0., 1.])
    """
    return _apply(_erf, reference.erf, x)


def erfc_array(x: ArrayLike) -> Float:
    """Return 1 - erf(x) within 6 ulp, without cancellation at large x.

    Parameters
    ----------
    x : array_like of any shape
        Real numbers.

    Returns
    -------
    ndarray of the shape of x

    Raises
    ------
    ValueError
        If `x` is not real.

    Examples
    --------
    >>> erfc_array([0.0, -np.inf])
    array([1., 2.])
    """
    return _apply(_erfc, reference.erfc, x)


def sincos_array(x: ArrayLike) -> tuple[Float, Float]:
    """Return sin(x) and cos(x) within 2 ulp.

    Parameters
    ----------
    x : array_like of any shape
        Angles in radians; infinities give NaN.

    Returns
    -------
    sine, cosine : ndarrays of the shape of x

    Raises
    ------
    ValueError
        If `x` is not real.

    Examples
    --------
    >>> sincos_array([0.0])
    (array([0.]), array([1.]))
    """
    return _apply_pair(_sincos, reference.sincos, x)


def sincos_turns_array(u: ArrayLike) -> tuple[Float, Float]:
    """Return sin(2 pi u) and cos(2 pi u) within 2 ulp.

    Parameters
    ----------
    u : array_like of any shape
        Angles in turns, abs(u) <= 2^40; at multiples of 1/4 the result is exact.

    Returns
    -------
    sine, cosine : ndarrays of the shape of u

    Raises
    ------
    ValueError
        If `u` is not real.

    Examples
    --------
    >>> sincos_turns_array([0.0])
    (array([0.]), array([1.]))
    """
    return _apply_pair(_sincos_turns, reference.sincos_turns, u)
