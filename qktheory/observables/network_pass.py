"""What observables of networks look at: tokens and attention of all layers of many networks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from qktheory.attention.backward import pull_back
from qktheory.attention.forward import LayerRecord, LayerRule, LayerWeights
from qktheory.base.cached import cached_property
from qktheory.kernels import singular_values
from qktheory.numerics.scaled_stack import ScaledStack
from qktheory.numerics.spread_stack import SpreadStack

__all__ = ["NetworkPass"]

FloatArray = NDArray[np.float64]


class NetworkPass:
    """Forward passes of n networks.

    Parameters
    ----------
    states : sequence of SpreadStack
        Tokens after 0, 1, ..., L layers.
    layers : sequence of LayerRecord
        Scores and weights of the layers 1, ..., L.
    rule : LayerRule
        What all layers share.
    weights : callable
        From the number of a layer, from 0, to its weights.
    cotangent : callable
        Returns the (n, T, d) cotangent of the output that gradients start from.
    turns : callable
        Returns (n, L) uniforms, by which a path through each network is drawn.
    """

    def __init__(
        self,
        states: Sequence[SpreadStack],
        layers: Sequence[LayerRecord],
        rule: LayerRule,
        weights: Callable[[int], LayerWeights],
        cotangent: Callable[[], FloatArray],
        turns: Callable[[], FloatArray],
    ) -> None:
        self.states, self.layers, self.rule = states, layers, rule
        self.weights, self.turns = weights, turns
        self._cotangent = cotangent

    def __len__(self) -> int:
        return len(self.states[0].residual.mantissa)

    @property
    def T(self) -> int:
        """Number of tokens."""
        return int(self.states[0].residual.mantissa.shape[1])

    def of_states(self, function: Callable[[SpreadStack], FloatArray]) -> FloatArray:
        """Return a function of the tokens after 0, ..., L layers, shape (n, L + 1)."""
        return np.stack([function(state) for state in self.states], axis=1)

    def of_heads(self, function: Callable[[FloatArray], FloatArray]) -> FloatArray:
        """Return the mean over heads of a function of attention matrices, shape (n, L).

        Parameters
        ----------
        function : callable
            From matrices of shape (m, T, T) to values of shape (m,).
        """
        columns = []
        for P in self.attention:
            n, H, T, _ = P.shape
            columns.append(function(P.reshape(n * H, T, T)).reshape(n, H).mean(axis=1))
        return np.stack(columns, axis=1)

    @cached_property
    def attention(self) -> list[FloatArray]:
        """Weights of each layer, shape (n, H, T, T)."""
        return [layer.weights.weights() for layer in self.layers]

    @cached_property
    def tokens(self) -> list[FloatArray]:
        """Tokens after 0, ..., L layers as mantissas, shape (n, T, d): directions and ranks."""
        return [stack.mantissa for stack in self.token_stacks]

    @cached_property
    def token_stacks(self) -> list[ScaledStack]:
        """Tokens after 0, ..., L layers with their exponents."""
        return [state.tokens() for state in self.states]

    @cached_property
    def singular_values(self) -> FloatArray:
        """Singular values of each layer's attention, decreasing, shape (n, L, H, T)."""
        per_layer = []
        for P in self.attention:
            n, H, T, _ = P.shape
            per_layer.append(singular_values(P.reshape(n * H, T, T)).reshape(n, H, T))
        return np.stack(per_layer, axis=1)

    @cached_property
    def token_singular_values(self) -> FloatArray:
        """Singular values of the tokens over the largest, shape (n, L + 1, min(T, d)).

        Ratios keep their relative accuracy where tokens are nearly equal.
        """
        pairs = zip(self.states, self.tokens, strict=True)
        return np.stack([_singular_ratios(state, X) for state, X in pairs], axis=1)

    def gradients(self) -> FloatArray:
        """Return log10 of the Frobenius norm of d<G, X_L>/dX_l, l = 0..L, shape (n, L + 1)."""
        G = self._cotangent()
        X = [stack.value() for stack in self.token_stacks[:-1]]
        logs, digits = [_log10_size(G)], np.zeros(len(G))
        for layer in range(len(self.layers) - 1, -1, -1):
            # Of unit size before each layer: gradients may grow beyond the range of floats.
            size = np.sqrt((G * G).sum(axis=(1, 2)))
            digits = digits + np.log10(np.where(size == 0.0, 1.0, size))
            G = G / np.where(size == 0.0, 1.0, size)[:, None, None]
            P = self.attention[layer]
            G = pull_back(G, X[layer], self.weights(layer), self.rule, P)
            logs.append(_log10_size(G) + digits)
        return np.stack(logs[::-1], axis=1)


def _log10_size(G: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore"):
        return np.asarray(np.log10(np.sqrt((G * G).sum(axis=(1, 2)))))


def _singular_ratios(state: SpreadStack, X: FloatArray) -> FloatArray:
    """Return s_k/s_1 of tokens, whose mantissas are X, shape (n, min(T, d)).

    X = 1 c^T + R with R centred is U (sqrt(T)|c| e_1, ...) in a basis of the token space that
    starts with the constant vector: its first row holds sqrt(T) c, the others R.
    """
    _, T, d = X.shape
    values = singular_values(X)
    first = values[:, :1]
    if T == 1 or d == 1:
        return np.asarray(values / np.where(first == 0.0, np.nan, first))
    ratios = values / np.where(first == 0.0, np.nan, first)  # tokens that are all zero have none
    close = ratios[:, 1] < 1e-3
    if close.any():
        ratios[close] = _nearly_rank_one(state, close)
    return np.asarray(ratios)


def _nearly_rank_one(state: SpreadStack, chosen: NDArray[np.bool_]) -> FloatArray:
    """Return singular ratios of tokens whose spread is small beside their common row.

    In a basis that starts with the constant vector and with c, X is [[sqrt(T)|c|, 0], [a, S]] with
    R = a c^T/|c| + S. A rotation of the rows brings a into the corner; what is left of S meets the
    corner in fourth order of the ratios only.
    """
    c, R = state.center, state.residual
    row, spread = c.mantissa[chosen], R.mantissa[chosen]
    n, T, d = spread.shape
    square = (row * row).sum(axis=1)[:, None]
    along, S = np.zeros((n, T)), spread
    for _ in range(2):
        more = np.matmul(S, row[..., None])[..., 0] / square
        along, S = along + more, S - more[..., None] * row[:, None]
    scale = np.ldexp(1.0, np.clip(R.exponent - c.exponent, -1100, 1000)[chosen].astype(np.int32))
    a = along * np.sqrt(square) * scale[:, None]
    length = (a * a).sum(axis=1)
    corner = T * square[:, 0] + length
    # 1 - sqrt(1 - |a|^2/corner) of the part of S along a goes into the corner.
    share = length / corner
    lost = share / (1.0 + np.sqrt(1.0 - share)) / np.where(length == 0.0, 1.0, length)
    S = S - (lost[:, None] * a)[..., None] * np.matmul(a[:, None], S)
    small = singular_values(S) * (scale / np.sqrt(corner))[:, None]
    ratios = np.ones((n, min(T, d)))
    ratios[:, 1:] = small[:, : min(T, d) - 1]
    return ratios
