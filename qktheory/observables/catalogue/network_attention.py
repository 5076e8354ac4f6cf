"""Attention matrices of the layers of a network: contraction, ranks, entropy (RANK-6, 7)."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from qktheory.attention.normalizer import shares
from qktheory.kernels import spectral_radii, widest_l1, widest_range
from qktheory.numerics.scaled_stack import shifted
from qktheory.observables.network_pass import NetworkPass
from qktheory.observables.observable import NetworkObservable, add_network_observable

__all__: list[str] = []

Floats = NDArray[np.float64]


def _per_layer(networks: NetworkPass, function: Callable[[int], Floats]) -> Floats:
    """Return the mean over heads of values of shape (n, H), for each layer."""
    return np.stack([function(k).mean(axis=1) for k in range(len(networks.layers))], axis=1)


def _per_head(stack: Floats, function: Callable[[Floats], Floats]) -> Floats:
    """Return a function of matrices, shape (m, T, T), of a stack of shape (n, H, T, T)."""
    return function(stack.reshape(-1, *stack.shape[2:])).reshape(stack.shape[:2])


def _dobrushin(networks: NetworkPass) -> Floats:
    def of_layer(k: int) -> Floats:
        mixed = networks.layers[k].weights
        return np.minimum(0.5 * _per_head(mixed.deviations, widest_l1), 1.0)

    return _per_layer(networks, of_layer)


def _score_diameter(networks: NetworkPass) -> Floats:
    def of_layer(k: int) -> Floats:
        scores = networks.layers[k].scores
        if scores.bias is None:
            return shifted(_per_head(scores.E, widest_range), scores.exponent)
        return _per_head(shifted(scores.E, scores.exponent) + scores.bias, widest_range)

    return _per_layer(networks, of_layer)


def _spectral_gap(networks: NetworkPass) -> Floats:
    def of_layer(k: int) -> Floats:
        mixed = networks.layers[k].weights
        Z = mixed.deviations
        # In coordinates v_j - v_1 the constant vector drops out: the other eigenvalues of P.
        return 1.0 - _per_head(Z[:, :, 1:, 1:] - Z[:, :, :1, 1:], spectral_radii)

    return _per_layer(networks, of_layer)


def _row_entropy(networks: NetworkPass) -> Floats:
    def of_matrix(P: Floats) -> Floats:
        m, T, _ = P.shape
        share = shares(P.reshape(m * T, T))
        logs = np.log(share, out=np.zeros_like(share), where=share > 0.0)
        return np.asarray(-(share * logs).sum(axis=1).reshape(m, T).mean(axis=1))

    return networks.of_heads(of_matrix)


def _stable_rank(networks: NetworkPass) -> Floats:
    values = networks.singular_values
    rank = (values**2).sum(axis=-1) / values[..., 0] ** 2
    return np.asarray(rank.mean(axis=2))


def _effective_rank(networks: NetworkPass) -> Floats:
    values = networks.singular_values
    share = values / values.sum(axis=-1, keepdims=True)
    logs = np.log(share, out=np.zeros_like(share), where=share > 0.0)
    return np.asarray(np.exp(-(share * logs).sum(axis=-1)).mean(axis=2))


def _add(
    name: str,
    title: str,
    definition: str,
    compute: Callable[[NetworkPass], Floats],
    bounds: Callable[[int], tuple[float, float] | None],
    unmasked: bool = False,
) -> None:
    add_network_observable(
        NetworkObservable(
            name=name,
            title=f"{title}, mean over heads",
            definition=definition,
            bounds=bounds,
            vector=True,
            compute=compute,
            of="layer",
            unmasked=unmasked,
        )
    )


_add(
    "ergodicity_coefficient",
    "ergodicity coefficient",
    r"\tau(P) = \frac12 \max_{i,i'} \|P_i - P_{i'}\|_1",
    _dobrushin,
    lambda T: (0.0, 1.0),
)
_add(
    "score_diameter",
    "Birkhoff diameter of the scores",
    r"\Delta(S) = \max (S_{ij} - S_{i'j} - S_{ij'} + S_{i'j'})",
    _score_diameter,
    lambda T: None,
    unmasked=True,
)
_add(
    "spectral_gap",
    "spectral gap",
    r"1 - |\lambda_2(P)|",
    _spectral_gap,
    lambda T: (-1e-9, 1.0),
)
_add(
    "layer_entropy",
    "row entropy (nats)",
    r"\frac1T \sum_i H(P_i)",
    _row_entropy,
    lambda T: (-1e-12, math.log(T) + 1e-12),
)
_add(
    "layer_stable_rank",
    "stable rank of the attention",
    r"\|P\|_F^2 / \|P\|_2^2",
    _stable_rank,
    lambda T: (1.0 - 1e-12, T * (1.0 + 1e-12)),
)
_add(
    "layer_effective_rank",
    "effective rank of the attention",
    r"\exp(-\sum_k p_k \ln p_k),\ p_k = s_k / \sum_j s_j",
    _effective_rank,
    lambda T: (1.0 - 1e-12, T * (1.0 + 1e-12)),
)
