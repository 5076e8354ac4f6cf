"""LOC-8: given the query, the logits of a random walk are a drifted Brownian bridge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp

from qktheory.base.domains import Parameter, RealList
from qktheory.base.errors import bad_value
from qktheory.observables.observable import RowObservable
from qktheory.symbolic.symbols import symbol, vector
from qktheory.theorems.bao2024 import setting as s
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import Expectation, Identity

x = vector("x")
m, s2 = symbol("self_logit"), symbol("s2")
t, i, j = s.t, s.i, s.j

#: Self-logit of the query and variance of its logits with a token N(0, Sigma).
QUERY_SCALES: dict[str, sp.Basic] = {
    "self_logit": sp.Trace(x.T * s.W * x) / s.temperature,
    "s2": sp.Trace(x.T * s.W * s.S * s.W.T * x) / s.temperature**2,
}


def _given_query(
    parameters: Mapping[str, Any], values: Mapping[str, Any]
) -> dict[str, RowObservable]:
    a, b, T = parameters["key"] - 1, parameters["key_2"] - 1, parameters["T"]
    slope = values["self_logit"] / T
    return {
        "mean_logit": s.functional("mean_logit", lambda rows: rows.logits[:, a]),
        "cov_logit": s.functional(
            "cov_logit",
            lambda rows: (
                (rows.logits[:, a] - slope * (a + 1)) * (rows.logits[:, b] - slope * (b + 1))
            ),
        ),
        "s2": s.functional("s2", lambda rows: (rows.logits[:, 0] - slope) ** 2 * (T / (T - 1.0))),
    }


register(
    Claim(
        id="LOC-8a",
        title="bridge reduction given the query",
        statement=(
            "Given x_T = x, w_i = m i/T + s B_i with a discrete Brownian bridge B: mean m i/T, "
            "covariance s^2 (min(i,j) - i j/T), m = x^T W x/temperature, "
            "s^2 = x^T W Sigma W^T x/temperature^2."
        ),
        source=s.extends_bao("exact reduction of one row"),
        standing="derived",
        observable="logit",
        parameters=(s.QUERY, s.W_QK, s.SIGMA, s.TEMPERATURE, s.T, s.KEY, s.KEY_2),
        complete=s.complete_map,
        values={
            **QUERY_SCALES,
            "mean_logit": m * i / t,
            "cov_logit": s2 * (sp.Min(i, j) - i * j / t),
        },
        assumptions=(s.RANDOM_WALK, s.LAST_QUERY),
        cases=(
            {
                "x": [2.0, -1.0],
                "W_QK": [[1.0, 0.0], [2.0, -1.0]],
                "Sigma": [[2.0, 1.0], [1.0, 3.0]],
                "temperature": 2.0,
                "T": 7,
                "key": 2,
                "key_2": 5,
            },
            {
                "x": [0.999, -3.579, -1.551],
                "W_QK": [[-0.256, 0.511, -0.226], [-0.315, -0.93, -0.213], [1.112, 0.424, 1.037]],
                "Sigma": [[2.119, 1.563, 0.486], [1.563, 1.344, 0.2], [0.486, 0.2, 0.347]],
                "temperature": 1.5,
                "T": 6,
                "key": 4,
                "key_2": 3,
            },
            {
                "x": [1.0, 0.5, 0.0],
                "W_QK": [[0.4, 1.0, 0.0], [-0.2, 0.3, 0.5], [0.1, -0.6, 0.2]],
                "Sigma": [[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 0.5]],
                "temperature": 1.7,
                "T": 12,
                "key": 6,
                "key_2": 6,
            },
        ),
        judged_by=(Expectation(s.map_ensemble("random_walk"), _given_query),),
        wrong_twin=WrongTwin("sign of i j/T", {"cov_logit": s2 * (sp.Min(i, j) + i * j / t)}),
    )
)


def _over_queries(
    parameters: Mapping[str, Any], values: Mapping[str, Any]
) -> dict[str, RowObservable]:
    T, mean = parameters["T"], values["mean_self_logit"]
    return {
        "mean_self_logit": s.functional("mean_self_logit", lambda rows: rows.logits[:, -1]),
        "var_self_logit": s.functional(
            "var_self_logit", lambda rows: (rows.logits[:, -1] - mean) ** 2
        ),
        # Given the query, w_1 - w_T/T has mean 0 and variance s^2 (1 - 1/T).
        "mean_s2": s.functional(
            "mean_s2",
            lambda rows: (rows.logits[:, 0] - rows.logits[:, -1] / T) ** 2 * (T / (T - 1.0)),
        ),
    }


register(
    Claim(
        id="LOC-8b",
        title="moments of drift and increment over queries",
        statement="E m = T xi, Var m = T^2 (eta + eta_F), E s^2 = T eta_F for a random walk.",
        source=s.extends_bao("moments of the reduction"),
        standing="derived",
        observable="logit",
        parameters=(s.W_QK, s.SIGMA, s.TEMPERATURE, s.T),
        complete=s.complete_map,
        where=s.TRACES,
        values={
            "mean_self_logit": t * s.xi,
            "var_self_logit": t**2 * (s.eta + s.eta_F),
            "mean_s2": t * s.eta_F,
        },
        assumptions=(s.RANDOM_WALK, s.LAST_QUERY, s.FREE_QUERY),
        cases=(
            {
                "W_QK": [[1.0, 0.0], [2.0, -1.0]],
                "Sigma": [[2.0, 1.0], [1.0, 3.0]],
                "temperature": 2.0,
                "T": 7,
            },
            {
                "W_QK": [[0.4, 1.0, 0.0], [-0.2, 0.3, 0.5], [0.1, -0.6, 0.2]],
                "Sigma": [[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 0.5]],
                "temperature": 1.7,
                "T": 12,
            },
            {"W_QK": [[0.7, 0.2], [0.5, 0.3]], "Sigma": 0.5, "T": 3},
        ),
        judged_by=(Expectation(s.map_ensemble("random_walk"), _over_queries),),
        wrong_twin=WrongTwin("sign of eta in Var m", {"var_self_logit": t**2 * (s.eta_F - s.eta)}),
    )
)

# --- LOC-8c ---------------------------------------------------------------------------------------

G = Parameter("g", RealList(), "whitened query in the eigenbasis, as long as eigenvalues")


def _complete_g(parameters: dict[str, Any]) -> None:
    eigenvalues, g = parameters["eigenvalues"], parameters["g"]
    if eigenvalues.size != g.size:
        raise bad_value("g", g, f"a list of length {eigenvalues.size}, that of eigenvalues")
    if not np.any((eigenvalues != 0.0) & (g != 0.0)):
        raise bad_value("g", g, "a list with g_k mu_k != 0 for some k, so that s2 > 0")


def _in_another_basis(parameters: Mapping[str, Any]) -> dict[str, float]:
    """Form W and the query in a rotated basis and apply LOC-8a's definitions."""
    mu, g, T = (np.asarray(parameters[n]) for n in ("eigenvalues", "g", "T"))
    basis, _ = np.linalg.qr(np.random.default_rng(mu.size).normal(size=(mu.size, mu.size)))
    W = basis @ np.diag(mu) @ basis.T
    query = np.sqrt(T) * basis @ g
    self_logit, image = float(query @ W @ query), W.T @ query
    scale = float(image @ image)
    return {"self_logit": self_logit, "s2": scale, "beta": self_logit / float(np.sqrt(scale * T))}


def _draw_g(rng: np.random.Generator) -> dict[str, Any]:
    # A dominant eigenvalue keeps the self-logit away from cancellation.
    mu = np.append(rng.normal(size=rng.integers(1, 8)), 12.0)
    g = np.append(rng.normal(size=mu.size - 1), 1.0 + rng.random())
    return {"eigenvalues": mu, "g": g, "T": int(rng.integers(1, 500))}


_k, _mu, _g = sp.Symbol("k", integer=True), sp.IndexedBase("mu"), sp.IndexedBase("g")
_d = symbol("d")


def _weighted_sum(power: int, factor: float = 1.0) -> Routine:
    return Routine(
        factor * t * sp.Sum(_mu[_k] ** power * _g[_k] ** 2, (_k, 1, _d)),
        lambda mu, g, T: float(factor * T * np.sum(mu**power * g**2)),
        ("eigenvalues", "g", "T"),
    )


register(
    Claim(
        id="LOC-8c",
        title="drift and increment in the eigenbasis",
        statement=(
            "For symmetric M and x_T = sqrt(T) Sigma^(1/2) g: m = T sum mu_k g_k^2, "
            "s^2 = T sum mu_k^2 g_k^2, beta = m/(s sqrt T)."
        ),
        source=s.extends_bao("reduction for symmetric M"),
        standing="derived",
        observable="logit",
        parameters=(s.EIGENVALUES, G, s.T),
        complete=_complete_g,
        values={
            "self_logit": _weighted_sum(1),
            "s2": _weighted_sum(2),
            "beta": m / sp.sqrt(s2 * t),
        },
        assumptions=(s.RANDOM_WALK, s.LAST_QUERY, s.SYMMETRIC),
        cases=(
            {"eigenvalues": [0.15, 0.15, 0.15, 0.15], "g": [1.0, -0.5, 2.0, 0.25], "T": 12},
            {"eigenvalues": [0.5, -0.2, 0.1], "g": [0.3, 1.2, -0.7], "T": 100},
            {"eigenvalues": [2.0, 0.0], "g": [0.3, 1.2], "T": 1},
        ),
        judged_by=(Identity(_in_another_basis, _draw_g, tolerance=1e-11),),
        wrong_twin=WrongTwin("factor T of s^2 taken as 1.1 T", {"s2": _weighted_sum(2, 1.1)}),
    )
)
