"""The factors of W_QK that random features use, temperature included."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from qktheory.base.blas import serial_blas
from qktheory.base.errors import bad_value
from qktheory.simulation.realization import Realization

__all__ = ["feature_factors"]

FloatArray = NDArray[np.float64]

#: Singular values below this share of the largest one are rounding errors of zeros.
_RANK = 1e-13


@serial_blas
def feature_factors(realization: Realization) -> tuple[FloatArray, FloatArray]:
    """Return W_Q, W_K with W_Q W_K^T = W_QK/temperature.

    Parameters
    ----------
    realization : Realization
        An experiment with random features and one W.

    Returns
    -------
    W_Q, W_K : ndarray of shape (d, width)
        Balanced: U Sigma^(1/2) and V Sigma^(1/2), without zero singular values. Given: those of
        the matrix model. Query: W/temperature and the identity.

    Raises
    ------
    ValueError
        If given factors are asked for and the matrix model has none.

    Examples
    --------
    >>> from qktheory.simulation.ensemble import Ensemble
    >>> ensemble = Ensemble.from_dict({"d": 2, "T": 4, "matrix": {"W": [[0.0, 2.0], [0.0, 0.0]]},
    ...     "tokens": {"law": "iid"}, "attention": {"normalizer": "random_features"}})
    >>> W_Q, W_K = feature_factors(Realization(ensemble, 0))
    >>> W_Q.shape, bool(np.allclose(W_Q @ W_K.T, [[0.0, 2.0], [0.0, 0.0]]))
    ((2, 1), True)
    """
    features, matrix = realization.ensemble.attention.features, realization.matrix
    assert features is not None
    root = math.sqrt(realization.temperature)
    if features.factors == "given":
        if matrix.W_Q is None or matrix.W_K is None:
            raise bad_value(
                "attention.features.factors",
                "given",
                f"'balanced' or 'query': model {realization.ensemble.matrix.name!r} has no factors",
            )
        return np.asarray(matrix.W_Q / root), np.asarray(matrix.W_K / root)
    if features.factors == "query":
        return np.asarray(matrix.W / realization.temperature), np.eye(matrix.d)
    U, sigma, Vt = np.linalg.svd(matrix.W / realization.temperature)
    kept = np.flatnonzero(sigma > _RANK * sigma[0])
    kept = kept if kept.size else np.array([0])
    scale = np.sqrt(sigma[kept])
    return np.asarray(U[:, kept] * scale), np.asarray(Vt[kept].T * scale)
