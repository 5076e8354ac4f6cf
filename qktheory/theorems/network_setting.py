"""Which networks are the settings that claims about signals at initialisation speak of."""

from __future__ import annotations

from typing import Any

import numpy as np

from qktheory.attention.network import Network
from qktheory.simulation.realization import Realization
from qktheory.spectra.matrices.gaussian_factors import GaussianFactors
from qktheory.spectra.matrices.ginibre import Ginibre
from qktheory.spectra.matrices.goe import GOE
from qktheory.tokens.laws.fixed import Fixed
from qktheory.tokens.laws.iid import Iid

__all__ = [
    "attention_alone",
    "iid_scores",
    "is_iid_scores",
    "is_uniform_with_skip",
    "uniform_with_skip",
]


def attention_alone(realization: Realization) -> Network | None:
    """Return the network if its layers are softmax attention of all keys, without biases.

    Skip connections are allowed; LayerNorm, MLP, output maps, masks and biases are not.
    """
    ensemble = realization.ensemble
    network = ensemble.network
    if network is None or network.layer_norm != "none":
        return None
    extras = (network.mlp, network.output)
    biases = (network.query_bias, network.key_bias, network.value_bias)
    if any(part is not None for part in (*extras, *biases)):
        return None
    mask = ensemble.attention.mask
    if ensemble.attention.normalizer != "softmax" or network.biased(mask):
        return None
    return network


def iid_scores(realization: Realization) -> dict[str, Any]:
    """Return T, d and the variance s2 of the scores of orthogonal tokens under a Ginibre map."""
    ensemble = realization.ensemble
    tokens, matrix = ensemble.tokens, ensemble.matrix
    assert isinstance(tokens, Fixed)
    assert isinstance(matrix, Ginibre)
    square = float(np.sum(tokens.X.values[0] ** 2))
    s2 = (matrix.scale * square / realization.temperature) ** 2 / ensemble.d
    return {"T": ensemble.T, "d": ensemble.d, "s2": s2}


def is_iid_scores(realization: Realization) -> bool:
    """Return whether a single layer has independent scores of one variance.

    Tokens are given, orthogonal and of one length; the query-key map has independent entries.
    """
    ensemble = realization.ensemble
    network = attention_alone(realization)
    if network is None or network.depth != 1 or not isinstance(ensemble.matrix, Ginibre):
        return False
    if not isinstance(ensemble.tokens, Fixed):
        return False
    X = ensemble.tokens.X.values
    gram = X @ X.T
    unit = gram[0, 0] * np.eye(len(X))
    if not (gram[0, 0] > 0.0 and np.abs(gram - unit).max() <= 1e-12 * gram[0, 0]):
        return False
    # Uniform attention has no spectrum to speak of, and rows of one key each no limit.
    return 0.0 < float(iid_scores(realization)["s2"]) <= 100.0


def uniform_with_skip(realization: Realization) -> dict[str, Any]:
    """Return the parameters of RMT-8a: cosines at the start, gain of the branch, layers."""
    ensemble = realization.ensemble
    network = ensemble.network
    assert network is not None
    value = network.value.model
    assert isinstance(value, Ginibre | GaussianFactors)
    gain = network.heads * (value.scale / network.skip_factor) ** 2
    layers = list(range(network.depth + 1))
    return {"T": ensemble.T, "cosine_0": 0.0, "gain": gain, "layers": layers}


def is_uniform_with_skip(realization: Realization) -> bool:
    """Return whether attention is uniform, between skips, on isotropic independent tokens.

    Query-key maps are zero, value maps Gaussian and fresh in every layer.
    """
    ensemble = realization.ensemble
    network = attention_alone(realization)
    if network is None or network.skip_factor == 0.0 or network.weights == "shared":
        return False
    if not isinstance(network.value.model, Ginibre | GaussianFactors):
        return False
    matrix = ensemble.matrix
    if not isinstance(matrix, Ginibre | GaussianFactors | GOE) or matrix.scale != 0.0:
        return False
    if not isinstance(ensemble.tokens, Iid):
        return False
    return realization.covariance.is_isotropic
