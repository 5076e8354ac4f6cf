"""Which experiments have rows of Gaussian logits, of what width: where the chapter's claims apply.

Given the query, the other keys of a row are exchangeable Gaussian; what they have in common cancels
in softmax. Predictions at the mean square of the width are asymptotic: they need a width that
fluctuates little, as it does for many comparable singular values of W.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from qktheory.numerics.iid_row import row_with_self_logit
from qktheory.simulation.query_scales import QueryScales
from qktheory.simulation.realization import Realization
from qktheory.theorems.bao2024.setting import LAST_QUERY, SOFTMAX
from qktheory.theorems.claim import Assumption

__all__ = [
    "GAUSSIAN_ROWS",
    "LogitScale",
    "at_mean_width",
    "beyond",
    "has_own_self_logit",
    "index_only",
    "logit_scale",
    "ratio",
    "ratio_only",
    "row_at_mean_width",
]

#: Nodes of the average over the self-logit.
_NODES = 32


class LogitScale(NamedTuple):
    """Effective logits of a row: those that softmax sees, relative to what all keys share.

    Attributes
    ----------
    s : float
        Root mean square of the logit of a key other than the query.
    self_mean, self_var : float
        Mean and variance of the self-logit; what is not known (W drawn anew) is that of a key.
    """

    s: float
    self_mean: float
    self_var: float


@lru_cache(maxsize=32)
def logit_scale(realization: Realization) -> LogitScale | None:
    """Return the scale of the effective logits of the last row, None where they are not Gaussian.

    Parameters
    ----------
    realization : Realization
        The experiment.

    Returns
    -------
    LogitScale or None
        For iid tokens and equicorrelated ones under a fixed W, and, of Gaussian models of W that
        are drawn for every sample, for these and simplex tokens.
    """
    name = realization.ensemble.tokens.name
    if realization.ensemble.T < 2 or name not in ("iid", "equicorrelated", "simplex"):
        return None
    c = float(getattr(realization.ensemble.tokens, "cosine", 0.0))
    if realization.ensemble.redraws_matrix:
        square = _mean_square_over_maps(realization)
        return None if square is None else _unless_zero(square * (1.0 - c))
    if name == "simplex":
        return None
    if realization.query is not None:
        scales = QueryScales(realization, "query")
        (m,), (square,) = scales.scales(scales.noise(0, 1), 0)
        mean, variance = float(m), 0.0
    else:
        square, mean = realization.eta_F, realization.xi
        variance = realization.eta + realization.eta_F
    # A key is c m + s (common part + sqrt(1 - c) g), the common part of variance c (1 - c).
    own_variance = (1.0 - c) ** 2 * variance + max(c, 0.0) * (1.0 - c) * square
    return _unless_zero((1.0 - c) * square, (1.0 - c) * mean, own_variance)


def _unless_zero(
    square: float, self_mean: float = 0.0, self_var: float | None = None
) -> LogitScale | None:
    if not square > 0.0:
        return None
    return LogitScale(math.sqrt(square), self_mean, square if self_var is None else self_var)


def _mean_square_over_maps(realization: Realization) -> float | None:
    """Return E tr(W Sigma W^T Sigma)/temperature^2 of a Gaussian model of W."""
    ensemble = realization.ensemble
    if ensemble.query is not None:
        return None
    matrix: Any = ensemble.matrix
    sigma = realization.covariance.matrix()
    trace = float(np.trace(sigma))
    if matrix.name in ("ginibre", "gaussian_factors"):
        moment = trace * trace
    elif matrix.name == "goe":
        moment = trace * trace + float(np.sum(sigma * sigma))
    else:
        return None
    return float(matrix.scale) ** 2 * moment / ensemble.d / realization.temperature**2


#: Assumptions of claims about a Gaussian row, to which W may be fixed or not.
GAUSSIAN_ROWS = (
    LAST_QUERY,
    SOFTMAX,
    Assumption(
        "Gaussian rows",
        "given the query, logits are Gaussian and exchangeable: iid or equicorrelated tokens under "
        "any W, simplex tokens under a redrawn Gaussian W",
        lambda realization: logit_scale(realization) is not None,
    ),
)


def _scale(realization: Realization) -> LogitScale:
    found = logit_scale(realization)
    assert found is not None
    return found


def has_own_self_logit(realization: Realization) -> bool:
    """Whether the self-logit may differ in law from the other logits: not for simplex tokens."""
    return realization.ensemble.tokens.name != "simplex"


def at_mean_width(realization: Realization) -> dict[str, float]:
    """Return (T, s) of a row at the root mean square of its width."""
    return {"T": float(realization.ensemble.T), "s": _scale(realization).s}


def ratio(realization: Realization) -> float:
    """Return b = s/s_c at the root mean square of the width."""
    return _scale(realization).s / math.sqrt(2.0 * math.log(realization.ensemble.T))


def ratio_only(realization: Realization) -> dict[str, float]:
    """Return b as the parameters of a claim about it."""
    return {"b": ratio(realization), "q": 2.0}


def index_only(realization: Realization) -> dict[str, float]:
    """Return m = 1/b as the parameters of a claim about it."""
    return {"m": 1.0 / ratio(realization), "q": 2.0}


def beyond(low: float, high: float) -> Callable[[Realization], bool]:
    """Return the condition low <= b < high, b other than 1."""
    return lambda realization: low <= ratio(realization) < high and ratio(realization) != 1.0


@lru_cache(maxsize=8)
def row_at_mean_width(realization: Realization) -> Mapping[str, float]:
    """Return entropy, participation and self-weight of a row at the mean square of its width.

    The self-logit is Gaussian with its own mean and variance, and independent of the others.
    """
    scale, T = _scale(realization), realization.ensemble.T
    nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
    if scale.self_var == 0.0:
        nodes, weights = np.zeros(1), np.ones(1)
    rows = [
        row_with_self_logit(T - 1.0, scale.s, scale.self_mean + math.sqrt(scale.self_var) * z)
        for z in nodes.tolist()
    ]
    means = (weights / weights.sum()) @ np.array(rows)
    return {
        "entropy": float(means[0]),
        "self_weight": float(means[1]),
        "participation": float(means[2]),
    }
