"""Attention sinks and massive activations (Sun, Canziani, LeCun and Zhu 2026).

Their null model, causal attention of exchangeable keys, is ZOO-SINK-1a: a sink score of H_T/T, with
H_T the harmonic number, is no sink.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qktheory.observables.draws import Matrices
from qktheory.observables.network_pass import NetworkPass
from qktheory.observables.observable import (
    OBSERVABLES,
    MatrixObservable,
    NetworkObservable,
    add_network_observable,
)

__all__ = ["SINK_THRESHOLD"]

Floats = NDArray[np.float64]

#: Sink score above which a head counts as a sink, the usual choice.
SINK_THRESHOLD = 0.3
_ROUNDING = 1.0 + 1e-12


def _scores(P: Floats) -> Floats:
    """Return the mean weight of the first key over all queries, shape (m,)."""
    return np.asarray(P[:, :, 0].mean(axis=1))


def _sinks(P: Floats) -> Floats:
    return np.asarray(_scores(P) > SINK_THRESHOLD, dtype=np.float64)


def _of_matrices(matrices: Matrices) -> Floats:
    return _scores(matrices.weights)


def _spike_ratio(networks: NetworkPass) -> Floats:
    columns = []
    for X in networks.tokens:
        sizes = np.abs(X).reshape(len(X), -1)
        middle = np.median(sizes, axis=1)
        if not middle.all():
            raise ArithmeticError("half of the entries of the tokens are zero: no spike ratio")
        columns.append(sizes.max(axis=1) / middle)
    return np.stack(columns, axis=1)


_SCORE = r"\frac{1}{T} \sum_i A_{i1}"
_RATE = rf"\mathbf{{1}}\{{\frac{{1}}{{T}} \sum_i A_{{i1}} > {SINK_THRESHOLD}\}}"

OBSERVABLES.add(
    "sink_score",
    MatrixObservable(
        name="sink_score",
        title="sink score: mean weight of the first key",
        definition=_SCORE,
        bounds=lambda T: (0.0, _ROUNDING),
        compute=_of_matrices,
    ),
)
OBSERVABLES.add(
    "sink_rate",
    MatrixObservable(
        name="sink_rate",
        title=f"sink rate: share of heads with a sink score above {SINK_THRESHOLD}",
        definition=_RATE,
        bounds=lambda T: (0.0, 1.0),
        compute=lambda matrices: _sinks(matrices.weights),
    ),
)
add_network_observable(
    NetworkObservable(
        name="layer_sink_score",
        title="sink score, mean over heads",
        definition=_SCORE,
        bounds=lambda T: (0.0, _ROUNDING),
        vector=True,
        compute=lambda networks: networks.of_heads(_scores),
        of="layer",
    )
)
add_network_observable(
    NetworkObservable(
        name="layer_sink_rate",
        title=f"share of heads with a sink score above {SINK_THRESHOLD}",
        definition=_RATE,
        bounds=lambda T: (0.0, 1.0),
        vector=True,
        compute=lambda networks: networks.of_heads(_sinks),
        of="layer",
    )
)
add_network_observable(
    NetworkObservable(
        name="spike_ratio",
        title="spike ratio: largest over median size of an entry of the tokens",
        definition=r"\max |X_l| / \mathrm{median} |X_l|",
        bounds=lambda T: None,
        vector=True,
        compute=_spike_ratio,
    )
)
