"""Experiments that the specifications of this room share."""

from __future__ import annotations

from typing import Any

from qktheory.simulation.ensemble import Ensemble

W3 = [[0.4, 1.0, 0.0], [-0.2, 0.3, 0.5], [0.1, -0.6, 0.2]]
SINGULAR3 = [[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 0.5]]
FULL3 = [[1.2, 0.3, -0.1], [0.3, 0.6, 0.2], [-0.1, 0.2, 0.9]]
#: Narrow factors (2 d_k < d), so that W is never formed to be applied.
W_Q6 = [[0.5], [-0.4], [0.3], [0.2], [0.6], [-0.1]]
W_K6 = [[0.2], [0.7], [-0.3], [0.4], [0.1], [0.5]]

#: name: (tables without T and the law of the tokens, width)
MAPS: dict[str, dict[str, Any]] = {
    "symmetric spectrum, variance 2, temperature 0.7": {
        "d": 4,
        "spectrum": {"law": "semicircle", "xi": 0.3, "eta": 0.2},
        "covariance": 2.0,
        "attention": {"temperature": 0.7},
    },
    "general W, full Sigma": {"d": 3, "matrix": {"W": W3}, "covariance": FULL3},
    "general W, singular Sigma, temperature sqrt d": {
        "d": 3,
        "matrix": {"W": W3},
        "covariance": SINGULAR3,
        "attention": {"temperature": "sqrt_d"},
    },
    "factors, diagonal Sigma": {
        "d": 6,
        "matrix": {"W_Q": W_Q6, "W_K": W_K6},
        "covariance": [1.0, 0.5, 2.0, 0.0, 1.5, 1.0],
    },
    "antisymmetric W, d = 2": {
        "d": 2,
        "matrix": {"W": [[0.0, 1.0], [-1.0, 0.0]]},
        "covariance": 0.3,
        "attention": {"temperature": 2.0, "normalizer": "clipped_linear"},
    },
    "general W, pinned query": {
        "d": 3,
        "matrix": {"W": W3},
        "covariance": FULL3,
        "query": [1.0, -0.5, 0.8],
        "attention": {"temperature": 1.5},
    },
}


def experiment(name: str, law: str, T: int, **attention: Any) -> Ensemble:
    """One of `MAPS` with tokens of a law."""
    table = dict(MAPS[name])
    tokens = {"law": law, "covariance": table.pop("covariance")}
    if "query" in table:
        tokens["query"] = table.pop("query")
    table["attention"] = {**table.get("attention", {}), **attention}
    return Ensemble.from_dict({**table, "T": T, "tokens": tokens})
