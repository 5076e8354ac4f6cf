"""Paths through a network: one head, or the skip, in every layer (RANK-8)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from qktheory.numerics.scaled_stack import ScaledStack
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
    attention less its common distribution. Tokens that are all equal have no shares.
    """
    skip = networks.rule.network.skip_factor
    sums = networks.states[0].residual.mantissa[:, None]
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
        # Shares have no scale, and sums over many layers would leave the range of floats.
        sums = ScaledStack.of(sums).mantissa
    squares = (sums * sums).sum(axis=(2, 3))
    total = squares.sum(axis=1, keepdims=True)
    return np.asarray(squares / np.where(total == 0.0, np.nan, total))


def _add(
    name: str,
    title: str,
    definition: str,
    compute: Callable[[NetworkPass], Floats],
    linear: bool = False,
) -> None:
    observable = NetworkObservable(
        name=name,
        title=title,
        definition=definition,
        bounds=lambda T: (0.0, 1.0),
        vector=True,
        compute=compute,
        of="length",
        linear=linear,
    )
    OBSERVABLES.add(name, observable)


_add(
    "path_length",
    "share of the paths",
    r"P(k \text{ layers used}),\ \text{a path drawn uniformly}",
    _drawn_lengths,
)
_add(
    "path_residual_share",
    "share of the squared residual",
    r"\|R_k\|_F^2 / \sum_j \|R_j\|_F^2,\ R_k = \Pi \sum_{|p| = k} P_p X_0 W_p",
    _shares,
    linear=True,
)
