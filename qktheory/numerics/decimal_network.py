"""Forward passes of small attention networks in decimal arithmetic of any precision.

Slow and plain on purpose: tokens, scores and weights as they are written on paper, with enough
digits that nothing is lost. What the pairs of `token_spread` are compared with.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Context, Decimal, Inexact, localcontext
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["decimal_residuals"]

Floats = NDArray[np.float64]

_CONTEXT = Context(Emin=-(10**15), Emax=10**15)
#: Digits that are left of every residual, and those beyond which it counts as 0.
_KEPT = 25
_MOST = 10_000


def _decimals(values: ArrayLike) -> NDArray[Any]:
    array = np.asarray(values, dtype=np.float64)
    flat = np.empty(array.size, dtype=object)
    flat[:] = [Decimal(float(x)) for x in array.ravel()]
    return flat.reshape(array.shape)


def _softmax(scores: NDArray[Any], bias: NDArray[np.float64] | None) -> NDArray[Any]:
    T = len(scores)
    weights = np.empty((T, T), dtype=object)
    for i in range(T):
        for j in range(T):
            added = 0.0 if bias is None else float(bias[i, j])
            masked = math.isinf(added)
            weights[i, j] = Decimal(0) if masked else (scores[i, j] + Decimal(added)).exp()
    return np.asarray(weights / weights.sum(axis=1)[:, None])


def _layer_norm(X: NDArray[Any]) -> NDArray[Any]:
    around = X - (X.sum(axis=1) / X.shape[1])[:, None]
    deviations = [sum(x * x for x in row) / X.shape[1] for row in around]
    return np.asarray(around / np.array([v.sqrt() for v in deviations], dtype=object)[:, None])


def _log10(x: Decimal) -> float:
    """Return log10 of a nonnegative number, of which a float would make 0; -inf of 0."""
    if x == 0:
        return -math.inf
    exponent = x.adjusted()
    return exponent + math.log10(float(x.scaleb(-exponent)))


def _norms(M: NDArray[Any]) -> Decimal:
    sizes = np.abs(M)
    product: Decimal = sizes.sum(axis=0).max() * sizes.sum(axis=1).max()
    return product.sqrt()


def decimal_residuals(
    X: ArrayLike,
    A: Sequence[Floats] | Floats,
    W: Sequence[Floats] | Floats,
    temperature: float = 1.0,
    bias: ArrayLike | None = None,
    skip: bool = False,
    score_bias: ArrayLike | None = None,
    norm: bool = False,
    scale: float = 1.0,
    digits: int = 100,
) -> dict[str, list[float]]:
    """Return log10 of the residuals of layers 0..L of a network.

    Parameters
    ----------
    X : array_like of shape (T, d)
        Tokens, multiplied by `scale`.
    A, W : array_like of shape (L, H, d, d)
        Query-key and value-output maps.
    temperature : float, optional
    bias : array_like of shape (L, d), optional
    skip, norm : bool, optional
        Skip connections, and LayerNorm after every layer.
    score_bias : array_like of shape (T, T), optional
        -inf is a masked entry.
    scale : float, optional
    digits : int, optional
        Of the arithmetic at first; doubled until 25 of them are left of every residual.

    Returns
    -------
    dict
        ``"norm_1inf"``, ``"frobenius"``, ``"diameter_2"`` of tokens less their mean, ``"relative"``
        to norm_1inf of the tokens.

    Raises
    ------
    ArithmeticError
        If a residual is 0, or as good as 0 in ten thousand digits.

    Examples
    --------
    >>> one = np.ones((2, 1, 1, 1))
    >>> np.round(decimal_residuals([[0.5], [-0.5]], one, one)["diameter_2"], 9)
    array([ 0.        , -0.61097812, -2.43502691])
    """
    added = None if score_bias is None else np.asarray(score_bias, dtype=np.float64)
    while digits <= _MOST:
        found = _residuals(X, A, W, temperature, bias, skip, added, norm, scale, digits)
        if min(found["relative"]) > _KEPT - digits:
            return found
        digits *= 2
    raise ArithmeticError(f"a residual is 0, or nothing is left of it in {_MOST} digits")


def _residuals(
    X: ArrayLike,
    A: Sequence[Floats] | Floats,
    W: Sequence[Floats] | Floats,
    temperature: float,
    bias: ArrayLike | None,
    skip: bool,
    added: Floats | None,
    norm: bool,
    scale: float,
    digits: int,
) -> dict[str, list[float]]:
    """Return `decimal_residuals` at so many digits, -inf where nothing is left of a residual."""
    found: dict[str, list[float]] = {
        name: [] for name in ("norm_1inf", "frobenius", "diameter_2", "relative")
    }
    with localcontext(_CONTEXT) as context:
        context.prec = digits
        context.traps[Inexact] = False
        tokens = _decimals(X) * Decimal(scale)
        maps = [(_decimals(a), _decimals(w)) for a, w in zip(A, W, strict=True)]
        shifts = None if bias is None else _decimals(bias)
        _append(found, tokens)
        for layer, (a, w) in enumerate(maps):
            out = tokens * (1 if skip else 0)
            for head_a, head_w in zip(a, w, strict=True):
                scores = tokens.dot(head_a).dot(tokens.T) / Decimal(temperature)
                out = out + _softmax(scores, added).dot(tokens).dot(head_w)
            tokens = out if shifts is None else out + shifts[layer]
            if norm:
                tokens = _layer_norm(tokens)
            _append(found, tokens)
    return found


def _append(found: dict[str, list[float]], tokens: NDArray[Any]) -> None:
    T = len(tokens)
    residual = tokens - tokens.sum(axis=0) / T
    size = _norms(residual)
    found["norm_1inf"].append(_log10(size))
    squares: Decimal = sum((x * x for x in residual.ravel()), Decimal(0))
    found["frobenius"].append(_log10(squares.sqrt()))
    widest = max(
        sum((x * x for x in tokens[i] - tokens[j]), Decimal(0)) for i in range(T) for j in range(i)
    )
    found["diameter_2"].append(_log10(widest.sqrt()))
    found["relative"].append(_log10(size / _norms(tokens)))
