"""The setting of Bao, Hataya and Karakida (2024), shared by the claims of this package.

Tokens are a Gaussian random walk x_t = z_1 + ... + z_t with steps N(0, Sigma), or iid N(0, Sigma);
the query is the last token. w_i = x_T^T W x_i / temperature, q_i = w_i minus its mean over keys.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from qktheory.base.arrays import covariance_array
from qktheory.base.domains import Integer, Matrix, Parameter, Real, RealList
from qktheory.base.errors import bad_value
from qktheory.observables.draws import Rows
from qktheory.observables.observable import RowObservable
from qktheory.simulation.ensemble import Ensemble
from qktheory.simulation.realization import Realization
from qktheory.symbolic.symbols import matrix, symbol
from qktheory.theorems.claim import Assumption, Source
from qktheory.theorems.papers import cite

FloatArray = NDArray[np.float64]

BAO_2024 = cite("bao2024")


def extends_bao(what: str) -> Source:
    """Return the paper as the setting of a result that goes beyond it."""
    return cite("bao2024", what)


# --- parameters -----------------------------------------------------------------------------------

T = Parameter("T", Integer(low=1, high=10**15, typical=(1, 40)), "number of tokens")
T_AT_LEAST_2 = Parameter("T", Integer(low=2, high=10**15, typical=(2, 40)), "number of tokens")
KEY = Parameter("key", Integer(low=1, typical=(1, 2)), "position of the key, 1..T")
KEY_2 = Parameter("key_2", Integer(low=1, typical=(1, 2)), "position of a second key, 1..T")
#: Entries of M and eigenvalues: their fourth powers, as in cumulants, are far from overflow.
_LARGEST = 1e70
W_QK = Parameter("W_QK", Matrix(square=True), "query-key matrix, (d, d)")


class _CovarianceOrNone:
    """Covariances as a number, a diagonal or a matrix; the size is that of W_QK."""

    def check(self, argument: str, value: object) -> FloatArray:
        return covariance_array(argument, value)

    def describe(self) -> str:
        return "a number >= 0, a list of them (diagonal) or a positive semidefinite matrix"

    def sample(self, rng: np.random.Generator) -> float:
        return float(rng.choice([0.0, 0.5, 1.0, 2.0]))


SIGMA = Parameter(
    "Sigma", _CovarianceOrNone(), "token covariance, the identity by default", default=None
)
TEMPERATURE = Parameter(
    "temperature",
    Real(low=0.0, low_open=True, typical=(0.3, 3.0)),
    "divisor of the scores",
    default=1.0,
)
EIGENVALUES = Parameter(
    "eigenvalues",
    RealList(Real(-_LARGEST, _LARGEST, low_open=True, high_open=True)),
    "spectrum of a symmetric M, with repetitions",
)
XI = Parameter("xi", Real(typical=(-3.0, 3.0)), "trace of M")
ETA = Parameter("eta", Real(low=0.0, low_open=True, typical=(0.05, 5.0)), "trace of M^2")
THETA = Parameter("theta", Real(low=0.0, high=1.0), "relative position key/T")
QUERY = Parameter("x", RealList(), "query token, (d,)")


def complete_key(parameters: dict[str, Any]) -> None:
    """Demand keys within 1..T."""
    for name in ("key", "key_2"):
        if name in parameters and parameters[name] > parameters["T"]:
            raise bad_value(name, parameters[name], f"an integer <= T = {parameters['T']}")


def complete_traces(parameters: dict[str, Any]) -> None:
    """Demand |eta| <= eta_F, which holds for the traces of every matrix."""
    if abs(parameters["eta"]) > parameters["eta_F"] * (1.0 + 1e-12):
        raise bad_value("eta", parameters["eta"], f"|eta| <= eta_F = {parameters['eta_F']}")


def complete_map(parameters: dict[str, Any]) -> None:
    """Give Sigma and x the size of W_QK, as matrix and column, and demand keys within 1..T."""
    complete_key(parameters)
    d = parameters["W_QK"].shape[0]
    sigma = parameters["Sigma"]
    sigma = np.array(1.0) if sigma is None else sigma
    if sigma.ndim and sigma.shape[0] != d:
        raise bad_value("Sigma", f"array of shape {sigma.shape}", f"size d = {d}, that of W_QK")
    parameters["Sigma"] = sigma if sigma.ndim == 2 else np.diag(np.broadcast_to(sigma, (d,)))
    parameters["d"] = d
    scale = float(np.abs(parameters["W_QK"]).max()) * float(np.abs(parameters["Sigma"]).max())
    if not scale / parameters["temperature"] <= _LARGEST:
        raise ValueError(
            f"W_QK Sigma/temperature reaches {scale / parameters['temperature']:g}: "
            f"expected entries of at most {_LARGEST:g}"
        )
    if "x" in parameters:
        if parameters["x"].size != d:
            raise bad_value("x", parameters["x"], f"a list of length d = {d}, that of W_QK")
        parameters["x"] = parameters["x"].reshape(d, 1)


# --- symbols --------------------------------------------------------------------------------------

t, i, j = symbol("T"), symbol("key"), symbol("key_2")
xi, eta, eta_F = symbol("xi"), symbol("eta"), symbol("eta_F")
temperature = symbol("temperature")
gamma, D, r_squared = symbol("gamma"), symbol("gram_determinant"), symbol("r_squared")
W, S = matrix("W_QK"), matrix("Sigma")

#: Traces of M = Sigma^(1/2) W Sigma^(1/2) / temperature without a root of Sigma.
TRACES: dict[str, sp.Basic] = {
    "xi": sp.Trace(W * S) / temperature,
    "eta": sp.Trace(W * S * W * S) / temperature**2,
    "eta_F": sp.Trace(W * S * W.T * S) / temperature**2,
}

#: gamma_i = 1.c^(i), D = r^2 - gamma^2 and r^2 = T |c^(i)|^2 of LOC-1 and LOC-2.
WALK: dict[str, sp.Basic] = {
    "gamma": i - (t + 1) / 2,
    "gram_determinant": (t**2 - 1) / 12,
    "r_squared": gamma**2 + D,
}


# --- assumptions ----------------------------------------------------------------------------------


def _tokens(name: str, text: str) -> Assumption:
    return Assumption(f"{name} tokens", text, lambda r: r.ensemble.tokens.name == name)


RANDOM_WALK = _tokens("random_walk", "tokens are a Gaussian random walk")
IID = _tokens("iid", "tokens are iid Gaussian")
LAST_QUERY = Assumption(
    "last query", "observables are those of the last token", lambda r: _sees_all(r.ensemble)
)
FREE_QUERY = Assumption(
    "free query", "the query is drawn, not pinned", lambda r: r.ensemble.query is None
)
SYMMETRIC = Assumption(
    "symmetric M", "Sigma^(1/2) W Sigma^(1/2) is symmetric", lambda r: r.symmetric
)
SOFTMAX = Assumption(
    "softmax", "weights are a softmax", lambda r: r.ensemble.attention.normalizer == "softmax"
)
AT_LEAST_TWO_TOKENS = Assumption(
    "T >= 2", "there are at least two tokens", lambda r: r.ensemble.T >= 2
)


def _sees_all(ensemble: Ensemble) -> bool:
    """Return whether the row is that of the last token (which a causal mask leaves whole)."""
    return ensemble.attention.query == "last"


# --- experiments ----------------------------------------------------------------------------------


def map_ensemble(law: str) -> Callable[[Mapping[str, Any]], Ensemble]:
    """Return the map from (W_QK, Sigma, temperature, T, and x if pinned) to its Ensemble."""

    def build(parameters: Mapping[str, Any]) -> Ensemble:
        tokens: dict[str, Any] = {"law": law, "covariance": parameters["Sigma"]}
        if "x" in parameters:
            tokens["query"] = parameters["x"].ravel()
        return Ensemble.from_dict(
            {
                "d": parameters["W_QK"].shape[0],
                "T": parameters["T"],
                "matrix": {"W": parameters["W_QK"]},
                "tokens": tokens,
                "attention": {"temperature": parameters["temperature"]},
            }
        )

    return build


def spectrum_ensemble(parameters: Mapping[str, Any]) -> Ensemble:
    """Return a random walk whose M has the given eigenvalues, with Sigma and temperature not 1."""
    variance, divisor = 2.0, 1.5
    eigenvalues = np.asarray(parameters["eigenvalues"]) * (divisor / variance)
    return Ensemble.from_dict(
        {
            "d": eigenvalues.size,
            "T": parameters["T"],
            "spectrum": {"law": "list", "eigenvalues": eigenvalues.tolist()},
            "tokens": {"law": "random_walk", "covariance": variance},
            "attention": {"temperature": divisor},
        }
    )


def functional(
    name: str,
    compute: Callable[[Rows], FloatArray],
    bounds: tuple[float, float] | None = None,
) -> RowObservable:
    """Return an observable of a claim's own: a functional of the rows with its range."""
    return RowObservable(
        name=name, title=name, definition=name, bounds=lambda T: bounds, compute=compute
    )


def walk_parameters(realization: Realization) -> dict[str, Any]:
    """Return xi, eta, eta_F and T of an experiment."""
    return {
        "xi": realization.xi,
        "eta": realization.eta,
        "eta_F": realization.eta_F,
        "T": realization.ensemble.T,
    }
