"""Ranks and cosines of the tokens of a network, layer by layer (RMT-6, RMT-8)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from qktheory.observables.network_pass import NetworkPass
from qktheory.observables.observable import NetworkObservable, add_network_observable

__all__: list[str] = []

Floats = NDArray[np.float64]


def _excess(power: int) -> Callable[[NetworkPass], Floats]:
    return lambda networks: (networks.token_singular_values[..., 1:] ** power).sum(axis=-1)


def _log10_excess(power: int) -> Callable[[NetworkPass], Floats]:
    def compute(networks: NetworkPass) -> Floats:
        with np.errstate(divide="ignore"):
            return np.asarray(np.log10(_excess(power)(networks)))

    return compute


def _effective_rank(networks: NetworkPass) -> Floats:
    values = networks.token_singular_values
    share = values / values.sum(axis=-1, keepdims=True)
    log_share = np.log(share, out=np.zeros_like(share), where=share > 0.0)
    return np.asarray(np.exp(-(share * log_share).sum(axis=-1)))


def _mean_cosine(networks: NetworkPass) -> Floats:
    columns = []
    for X in networks.tokens:
        T = X.shape[1]
        lengths = np.sqrt((X * X).sum(axis=2, keepdims=True))
        if not lengths.all():
            raise ArithmeticError("a token is zero and has no cosine")
        directions = X / lengths
        total = directions.sum(axis=1)
        columns.append(((total * total).sum(axis=1) - T) / (T * (T - 1.0)))
    return np.stack(columns, axis=1)


def _add(
    name: str,
    title: str,
    definition: str,
    compute: Callable[[NetworkPass], Floats],
    bounds: Callable[[int], tuple[float, float] | None],
) -> None:
    add_network_observable(
        NetworkObservable(
            name=name,
            title=title,
            definition=definition,
            bounds=bounds,
            vector=True,
            compute=compute,
        )
    )


def _rank_range(T: int) -> tuple[float, float]:
    # A bound is a promise about rounded numbers too.
    return 1.0, T * (1.0 + 1e-12)


_add(
    "token_stable_rank",
    "stable rank of the tokens",
    r"\|X_l\|_F^2 / \|X_l\|_2^2",
    lambda networks: 1.0 + _excess(2)(networks),
    _rank_range,
)
_add(
    "gram_stable_rank",
    "stable rank of the Gram matrix",
    r"\|X_l X_l^T\|_F^2 / \|X_l X_l^T\|_2^2",
    lambda networks: 1.0 + _excess(4)(networks),
    _rank_range,
)
_add(
    "log10_token_stable_rank_excess",
    r"$\log_{10}$ (stable rank of the tokens $-$ 1)",
    r"\log_{10} \sum_{k > 1} s_k^2 / s_1^2",
    _log10_excess(2),
    lambda T: None,
)
_add(
    "log10_gram_stable_rank_excess",
    r"$\log_{10}$ (stable rank of the Gram matrix $-$ 1)",
    r"\log_{10} \sum_{k > 1} s_k^4 / s_1^4",
    _log10_excess(4),
    lambda T: None,
)
_add(
    "token_effective_rank",
    "effective rank of the tokens",
    r"\exp(-\sum_k p_k \ln p_k),\ p_k = s_k / \sum_j s_j",
    _effective_rank,
    _rank_range,
)
_add(
    "mean_cosine",
    "mean cosine of two tokens",
    r"\frac{1}{T(T-1)} \sum_{i \ne j} \cos(x_i, x_j)",
    _mean_cosine,
    lambda T: (-1.0 / (T - 1.0) - 1e-12, 1.0 + 1e-12) if T > 1 else None,
)
