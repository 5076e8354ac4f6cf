"""Vector-Jacobian products of layers of softmax attention, many networks at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from qktheory.attention.forward import LayerRule, LayerWeights

__all__ = ["pull_back"]

Floats = NDArray[np.float64]


def _transposed(M: Floats) -> Floats:
    return np.asarray(M.swapaxes(-1, -2))


def _centred(X: Floats) -> Floats:
    return np.asarray(X - X.mean(axis=-1, keepdims=True))


def _layer_norm(X: Floats, norm_eps: float) -> tuple[Floats, Floats]:
    """Return LN(X) and the deviations it divides by, shape (n, T, 1)."""
    around = _centred(X)
    deviations = np.sqrt((around * around).mean(axis=-1, keepdims=True) + norm_eps)
    return around / deviations, deviations


def _through_layer_norm(G: Floats, Y: Floats, deviations: Floats) -> Floats:
    """Pull a cotangent back through Y = LN(X)."""
    radial = (G * Y).mean(axis=-1, keepdims=True)
    return _centred((G - Y * radial) / deviations)


def _through_mlp(G: Floats, X: Floats, mlp: tuple[Floats, Floats], activation: str) -> Floats:
    M_in, M_out = mlp
    hidden = np.matmul(X, M_in)
    if activation == "relu":
        slope = (hidden > 0.0).astype(np.float64)
    else:
        density = np.exp(-0.5 * np.minimum(hidden * hidden, 1400.0)) / np.sqrt(2.0 * np.pi)
        slope = ndtr(hidden) + hidden * density
    return np.asarray(np.matmul(np.matmul(G, _transposed(M_out)) * slope, _transposed(M_in)))


def _summed(images: list[Floats], maps: list[Floats]) -> Floats:
    """Return the sum over heads and terms of images (n, H, T, k) times maps (n, H, d, k)^T.

    One product a network: head by head, sums of (T, d) arrays would cost more than the products.
    """
    heads = max(stack.shape[1] for stack in (*images, *maps))
    width = heads * sum(M.shape[3] for M in maps)
    rows, columns = _beside(images, heads), _beside(maps, heads)
    return np.asarray(
        np.matmul(
            rows.reshape(*rows.shape[:2], width),
            _transposed(columns.reshape(*columns.shape[:2], width)),
        )
    )


def _beside(stacks: list[Floats], heads: int) -> Floats:
    """Return stacks of shape (n, H, m, k) in one array of shape (n, m, heads, sum of k)."""
    n, m = max(len(stack) for stack in stacks), stacks[0].shape[2]
    joined = np.empty((n, m, heads, sum(stack.shape[3] for stack in stacks)))
    begin = 0
    for stack in stacks:
        end = begin + stack.shape[3]
        joined[..., begin:end] = stack.swapaxes(1, 2)
        begin = end
    return joined


def _through_attention(
    G: Floats, X: Floats, weights: LayerWeights, rule: LayerRule, P: Floats
) -> Floats:
    """Pull a cotangent back through sum_h P_h X W_h, P_h the softmax of scores of X."""
    of_values = G[:, None]
    for matrix in reversed(weights.after_values()):
        of_values = np.matmul(of_values, _transposed(matrix))
    tokens, maps = X[:, None], weights.query_key
    V = np.matmul(tokens, weights.value.left)
    of_P = np.matmul(of_values, _transposed(V))
    of_S = P * (of_P - np.einsum("...k,...k->...", P, of_P)[..., None])
    of_S /= rule.temperature
    keys = tokens if maps.right is None else np.matmul(tokens, maps.right)
    images = [np.matmul(_transposed(P), of_values), np.matmul(of_S, keys)]
    backs = [weights.value.left, maps.left]
    queries = np.matmul(_transposed(of_S), np.matmul(tokens, maps.left))
    if maps.right is None:
        total = _summed(images, backs) + queries.sum(axis=1)
    else:
        total = _summed([*images, queries], [*backs, maps.right])
    if rule.network.query_bias is not None:
        of_keys = of_S.sum(axis=(1, 2))
        total = total + of_keys[..., None] * rule.network.query_bias.values
    return np.asarray(total)


def pull_back(G: Floats, X: Floats, weights: LayerWeights, rule: LayerRule, P: Floats) -> Floats:
    """Return the gradient of <G, f(X)> in X, f a layer with a softmax.

    Parameters
    ----------
    G : ndarray of shape (n, T, d)
        Cotangent of the tokens after the layer.
    X : ndarray of shape (n, T, d)
        Tokens before it.
    weights, rule
        As `qktheory.attention.forward.layer_step` took them.
    P : ndarray of shape (n, H, T, T)
        Its attention weights.

    Returns
    -------
    ndarray of shape (n, T, d)
        Exact but for rounding: the derivative through scores, LayerNorm and MLP is included.

    Notes
    -----
    dS = P (dP - <dP>_P) row by row; LayerNorm removes from a cotangent its mean and its part
    along the normalised token.
    """
    network = rule.network
    pre, post = network.layer_norm == "pre", network.layer_norm == "post"
    eps = network.norm_eps
    seen, spread = _layer_norm(X, eps) if pre else (X, None)
    after, after_spread = X, None
    if post or weights.mlp is not None:
        # The forward pass up to the MLP, whose cotangent comes first.
        middle = np.matmul(P, np.matmul(seen[:, None], weights.value.left))
        for matrix in weights.after_values():
            middle = np.matmul(middle, matrix)
        after = middle.sum(axis=1) + network.skip_factor * X
        if network.value_bias is not None:
            after = after + network.value_bias.values
    if post:
        after, after_spread = _layer_norm(after, eps)
    if weights.mlp is not None:
        assert network.mlp is not None
        inner, inner_spread = _layer_norm(after, eps) if pre else (after, None)
        if post:
            out = _mlp(inner, weights.mlp, network.mlp.activation)
            out = out + after if rule.mlp_skip else out
            Y, deviations = _layer_norm(out, eps)
            G = _through_layer_norm(G, Y, deviations)
        branch = _through_mlp(G, inner, weights.mlp, network.mlp.activation)
        if inner_spread is not None:
            branch = _through_layer_norm(branch, inner, inner_spread)
        G = branch + G if rule.mlp_skip else branch
    if after_spread is not None:
        G = _through_layer_norm(G, after, after_spread)
    back = _through_attention(G, seen, weights, rule, P)
    if spread is not None:
        back = _through_layer_norm(back, seen, spread)
    return np.asarray(back + network.skip_factor * G)


def _mlp(X: Floats, mlp: tuple[Floats, Floats], activation: str) -> Floats:
    hidden = np.matmul(X, mlp[0])
    active = np.maximum(hidden, 0.0) if activation == "relu" else hidden * ndtr(hidden)
    return np.asarray(np.matmul(active, mlp[1]))
