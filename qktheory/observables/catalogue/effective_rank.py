"""Effective rank of the attention matrix (Roy and Vetterli 2007)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qktheory.observables.draws import Matrices
from qktheory.observables.observable import OBSERVABLES, MatrixObservable


def _effective_rank(matrices: Matrices) -> NDArray[np.float64]:
    values = matrices.singular_values
    share = values / values.sum(axis=1, keepdims=True)
    log_share = np.log(share, out=np.zeros_like(share), where=share > 0.0)
    return np.asarray(np.exp(-(share * log_share).sum(axis=1)))


OBSERVABLES.add(
    "effective_rank",
    MatrixObservable(
        name="effective_rank",
        title="effective rank of A",
        definition=r"\exp(-\sum_k p_k \ln p_k),\ p_k = \sigma_k / \sum_l \sigma_l",
        bounds=lambda T: (1.0, float(T)),
        compute=_effective_rank,
    ),
)
