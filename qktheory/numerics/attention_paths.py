"""Paths through an attention network: one head, or a skip, in every layer (RANK-8)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qktheory.base.memory import check_memory
from qktheory.numerics.layer_split import LayerSplit
from qktheory.numerics.matrix_norms import centred, frobenius_norm
from qktheory.numerics.token_spread import TokenSpread, attention_layer

__all__ = ["PathDecomposition", "log_binomial_weight", "path_counts", "path_decomposition"]

Floats = NDArray[np.float64]

#: Basis matrices that are sent through the network at a time take about this many floats.
_BLOCK = 1 << 21


def path_counts(L: int, H: int, skip: bool) -> list[float]:
    """Return how many paths use k = 0..L layers.

    Parameters
    ----------
    L, H : int
        Layers and heads.
    skip : bool
        Whether a path may pass a layer by.

    Returns
    -------
    list of float
        Binomial(L, k) H^k, or H^L at k = L alone.

    Raises
    ------
    OverflowError
        For more than 1e308 paths.

    Examples
    --------
    >>> path_counts(3, 2, True), path_counts(3, 2, False)
    ([1.0, 6.0, 12.0, 8.0], [0.0, 0.0, 0.0, 8.0])
    """
    if not skip:
        return [*([0.0] * L), float(H**L)]
    return [float(math.comb(L, k) * H**k) for k in range(L + 1)]


def _deviance(x: float, mean: float) -> float:
    """Return x log(x/mean) + mean - x with relative accuracy."""
    if x == 0.0:
        return mean
    t = (x - mean) / mean
    if abs(t) > 0.1:
        return x * math.log(x / mean) + mean - x
    # (1 + t) log(1 + t) - t = sum of (-t)^k / (k (k - 1))
    return mean * math.fsum((-t) ** k / (k * (k - 1)) for k in range(2, 22))


def _stirling_error(n: float) -> float:
    """Return log n! - log(sqrt(2 pi n) (n/e)^n)."""
    if n == 0.0:
        return 0.0
    if n < 16.0:
        return math.lgamma(n + 1.0) - (n + 0.5) * math.log(n) + n - 0.5 * math.log(2.0 * math.pi)
    s = 1.0 / (n * n)
    return (1.0 / 12 - s * (1.0 / 360 - s * (1.0 / 1260 - s * (1.0 / 1680 - s / 1188)))) / n


def log_binomial_weight(L: int, H: int, k: int) -> float:
    """Return the natural logarithm of the share of paths that use k layers.

    Parameters
    ----------
    L, H, k : int
        Layers, heads, and 0 <= k <= L.

    Returns
    -------
    float
        log of Binomial(L, k) H^k/(1 + H)^L, without cancellation (Loader's form).

    Examples
    --------
    >>> round(math.exp(log_binomial_weight(12, 12, 12)), 10)
    0.3826967067
    """
    if k == 0:
        return -L * math.log1p(H)
    if k == L:
        return -L * math.log1p(1.0 / H)
    p, rest = H / (1.0 + H), 1.0 / (1.0 + H)
    return (
        _stirling_error(L)
        - _stirling_error(k)
        - _stirling_error(L - k)
        - _deviance(k, L * p)
        - _deviance(L - k, L * rest)
        + 0.5 * (math.log(L / k) - math.log(2.0 * math.pi * (L - k)))
    )


@dataclass(frozen=True)
class PathDecomposition:
    """The output of a network as a sum over paths.

    Parameters
    ----------
    x_out : ndarray of shape (T, d)
        X_L.
    bias_total : ndarray of shape (d,)
        What the biases add to every token.
    frobenius_by_length : list of float
        Frobenius norm of the column-centred sum of the paths of each length, 0 where there is none.
    frobenius_out : float
        That of X_L.
    kronecker_trace : float
        Sum over paths of tr(P_path) tr(W_path).
    ascending_order_error : float
        Largest deviation from X_L if P is multiplied in ascending order of the layers.
    """

    x_out: Floats
    bias_total: Floats
    frobenius_by_length: list[float]
    frobenius_out: float
    kronecker_trace: float
    ascending_order_error: float


def path_decomposition(
    X: ArrayLike,
    A: Sequence[Floats] | Floats,
    W: Sequence[Floats] | Floats,
    temperature: float,
    bias: Floats,
    skip: bool,
) -> PathDecomposition:
    """Decompose the output of a network into paths, without enumerating them.

    Paths of one length are summed layer by layer; trace and order error come from the layers as
    linear maps of T x d matrices, applied to blocks of basis matrices.

    Parameters
    ----------
    X : array_like of shape (T, d)
    A, W : array_like of shape (L, H, d, d)
        Query-key and value-output maps.
    temperature : float
    bias : ndarray of shape (L, d)
    skip : bool

    Returns
    -------
    PathDecomposition

    Raises
    ------
    ValueError
        If the attention of all layers does not fit into memory.

    Examples
    --------
    >>> one = np.ones((1, 1, 1, 1))
    >>> found = path_decomposition([[1.0], [-1.0]], one, 0.5 * one, 1.0, np.zeros((1, 1)), True)
    >>> np.round(found.frobenius_by_length, 8)
    array([1.41421356, 0.53852839])
    """
    X = np.asarray(X, dtype=np.float64)
    T, d = X.shape
    L, H = len(A), len(A[0]) if len(A) else 0
    check_memory(16 * L * H * T * T, f"the attention of {L} layers of {H} heads on {T} tokens")
    tokens, total = TokenSpread.of(X), np.zeros(d)
    path_counts(L, H, skip)  # more paths than a float can count are refused before any work
    by_length = np.zeros((L + 1 if skip else 1, T, d))
    by_length[0] = centred(X)
    layers: list[list[tuple[Floats, Floats]]] = []
    for a, w, b in zip(A, W, bias, strict=True):
        current = tokens.tokens().value()
        heads = [LayerSplit(current, one, temperature) for one in a]
        layers.append([(head.attention, v) for head, v in zip(heads, w, strict=True)])
        if skip:
            # The common row of a partial sum stays one; the rest meets P less its own common row.
            longer = sum(head.Z @ by_length[:-1] @ v for head, v in zip(heads, w, strict=True))
            by_length[1:] += longer - np.mean(longer, axis=1, keepdims=True)
        total = b + (total if skip else 0.0) + sum(total @ value for value in w)
        tokens = attention_layer(tokens, a, w, temperature, b, skip)
    x_out = tokens.tokens().value()
    out = 0.0 if tokens.collapsed else 10.0 ** tokens.log10_frobenius()
    lengths = [frobenius_norm(one) for one in by_length]
    trace, ascending = _by_basis(X, layers, skip)
    return PathDecomposition(
        x_out,
        np.asarray(total),
        lengths if skip or L == 0 else [*([0.0] * L), out],
        out,
        trace,
        float(np.abs(ascending + total - x_out).max()),
    )


def _by_basis(
    X: Floats, layers: list[list[tuple[Floats, Floats]]], skip: bool
) -> tuple[float, Floats]:
    """Return the Kronecker trace and the sum over paths with P in ascending order."""
    T, d = X.shape
    trace, ascending = 0.0, np.zeros((T, d))
    block = max(1, _BLOCK // (T * d))
    for first in range(0, T * d, block):
        numbers = np.arange(first, min(first + block, T * d))
        j, k = numbers // d, numbers % d
        basis = np.zeros((len(numbers), T, d))
        basis[np.arange(len(numbers)), j, k] = 1.0
        forward: Floats = basis
        backward: Floats = basis
        for heads in layers:
            through = sum(P @ forward @ W for P, W in heads)
            forward = np.asarray(forward + through if skip else through)
        for heads in reversed(layers):
            through = sum(P @ backward @ W.T for P, W in heads)
            backward = np.asarray(backward + through if skip else through)
        trace += float(forward[np.arange(len(numbers)), j, k].sum())
        # backward[(j, k)][i, m] is the sum over paths of P_ij W_mk.
        weighted = np.einsum("nim,nm->ni", backward, X[j])
        np.add.at(ascending.T, k, weighted)
    return trace, ascending
