"""Paths through a network: one head, or the skip, in every layer (RANK-8)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qktheory.observables.network_pass import NetworkPass
from qktheory.observables.observable import OBSERVABLES, NetworkObservable

__all__: list[str] = []

Floats = NDArray[np.float64]


def _drawn_lengths(networks: NetworkPass) -> Floats:
    """Return 1.0 at the length of one path, drawn uniformly among all, shape (n, L + 1)."""
    rule, L = networks.rule.network, len(networks.layers)
    passed_by = 1.0 / (1.0 + rule.heads) if rule.skip_factor != 0.0 else 0.0
    lengths = (networks.turns() >= passed_by).sum(axis=1)
    return np.asarray(lengths[:, None] == np.arange(L + 1), dtype=np.float64)


def _shares(networks: NetworkPass) -> Floats:
    """Return shares in the squared spreads of the sums of all paths of a length, (n, L + 1).

    The common row of a partial sum stays one, so only deviations are carried along, and they meet
    attention less its common distribution.
    """
    skip = networks.rule.network.skip_factor
    sums = networks.states[0].residual.value()[:, None]
    for number, layer in enumerate(networks.layers):
        weights = networks.weights(number)
        images = np.matmul(sums[:, None], weights.value.left[:, :, None])
        images = np.matmul(layer.weights.deviations[:, :, None], images)
        for matrix in weights.after_values():
            images = np.matmul(images, matrix[:, :, None])
        longer = images.sum(axis=1)
        longer -= longer.mean(axis=2, keepdims=True)
        empty = np.zeros_like(sums[:, :1])
        sums = skip * np.concatenate([sums, empty], axis=1)
        sums[:, 1:] += longer
    top = np.abs(sums).max(axis=(1, 2, 3), keepdims=True)
    sums = sums / np.where(top == 0.0, np.nan, top)  # tokens that are all equal have no shares
    squares = (sums * sums).sum(axis=(2, 3))
    return np.asarray(squares / squares.sum(axis=1, keepdims=True))


OBSERVABLES.add(
    "path_length",
    NetworkObservable(
        name="path_length",
        title="share of the paths",
        definition=r"P(k \text{ layers used}),\ \text{a path drawn uniformly}",
        bounds=lambda T: (0.0, 1.0),
        vector=True,
        compute=_drawn_lengths,
        of="length",
    ),
)
OBSERVABLES.add(
    "path_residual_share",
    NetworkObservable(
        name="path_residual_share",
        title="share of the squared residual",
        definition=r"\|R_k\|_F^2 / \sum_j \|R_j\|_F^2,\ R_k = \Pi \sum_{|p| = k} P_p X_0 W_p",
        bounds=lambda T: (0.0, 1.0),
        vector=True,
        compute=_shares,
        of="length",
        linear=True,
    ),
)
