"""LOC-2: exact law of a centred logit of a random walk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from qktheory.base.domains import Parameter, Real
from qktheory.numerics.bilinear_form import bilinear_weights, symmetric_bilinear_weights
from qktheory.numerics.quadratic_form import QuadraticForm
from qktheory.observables.observable import RowObservable
from qktheory.symbolic.symbols import matrix, symbol
from qktheory.theorems.bao2024 import setting as s
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import Expectation, Identity

FloatArray = NDArray[np.float64]

TAU = Parameter("tau", Real(typical=(-0.5, 0.5)), "argument of the characteristic function")
tau, d = symbol("tau"), symbol("d")
M = matrix("M")

#: The whitened map of a claim in (W_QK, Sigma, temperature).
MAP = Routine(
    s.S ** sp.Rational(1, 2) * s.W * s.S ** sp.Rational(1, 2) / s.temperature,
    lambda W, sigma, temperature: _root(sigma) @ W @ _root(sigma) / temperature,
    ("W_QK", "Sigma", "temperature"),
)


def _root(sigma: FloatArray) -> FloatArray:
    values, vectors = np.linalg.eigh(sigma)
    return np.asarray((vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T)


#: det(I - i tau gamma (M + M^T) + tau^2 D M^T M)^(-1/2), continuous in tau from 1 at tau = 0.
PHI = sp.Determinant(
    sp.Identity(d) - sp.I * tau * s.gamma * (M + M.T) + tau**2 * s.D * M.T * M
) ** sp.Rational(-1, 2)

#: The law of q_i as that of a weighted sum of independent chi-squares, general and symmetric M.
GENERAL_LAW = Routine(
    PHI,
    lambda M, gamma, r_squared, D: QuadraticForm(bilinear_weights(M, gamma, r_squared, D)),
    ("M", "gamma", "r_squared", "gram_determinant"),
)
SYMMETRIC_LAW = Routine(
    PHI.subs(M.T, M),
    lambda mu, gamma, r_squared, D: QuadraticForm(
        symmetric_bilinear_weights(mu, gamma, r_squared, D)
    ),
    ("eigenvalues", "gamma", "r_squared", "gram_determinant"),
)

PHI_VALUES = {
    "phi_real": Routine(
        sp.re(PHI, evaluate=False),
        lambda law, tau: float(law.characteristic_function(tau).real),
        ("law", "tau"),
    ),
    "phi_imag": Routine(
        sp.im(PHI, evaluate=False),
        lambda law, tau: float(law.characteristic_function(tau).imag),
        ("law", "tau"),
    ),
}

WRONG_D = WrongTwin("constant 1/12 of D taken as 1/11", {"gram_determinant": (s.t**2 - 1) / 11})


def _cosine_and_sine(
    parameters: Mapping[str, Any], values: Mapping[str, Any]
) -> dict[str, RowObservable]:
    key, argument = parameters["key"] - 1, parameters["tau"]
    return {
        "phi_real": s.functional(
            "phi_real", lambda rows: np.cos(argument * rows.centred[:, key]), (-1.0, 1.0)
        ),
        "phi_imag": s.functional(
            "phi_imag", lambda rows: np.sin(argument * rows.centred[:, key]), (-1.0, 1.0)
        ),
    }


register(
    Claim(
        id="LOC-2a",
        title="characteristic function of a centred logit, any W",
        statement=(
            "E exp(i tau q_i) = det(I - i tau gamma (M + M^T) + tau^2 D M^T M)^(-1/2) with "
            "gamma = i - (T+1)/2, D = (T^2-1)/12, the root taken continuously from tau = 0: "
            "factor by factor in the 2d real weights of q_i as a sum of chi-squares."
        ),
        source=s.extends_bao("exact law, any M"),
        standing="derived",
        observable="centred_logit",
        parameters=(s.W_QK, s.SIGMA, s.TEMPERATURE, s.T_AT_LEAST_2, s.KEY, TAU),
        complete=s.complete_map,
        where={"M": MAP, **s.WALK, "law": GENERAL_LAW},
        values=PHI_VALUES,
        assumptions=(s.RANDOM_WALK, s.LAST_QUERY, s.FREE_QUERY, s.AT_LEAST_TWO_TOKENS),
        cases=(
            {
                "W_QK": [[1.0, 0.0], [2.0, -1.0]],
                "Sigma": [[2.0, 1.0], [1.0, 3.0]],
                "temperature": 2.0,
                "T": 7,
                "key": 4,
                "tau": 0.1,
            },
            {
                "W_QK": [[0.4, 1.0, 0.0], [-0.2, 0.3, 0.5], [0.1, -0.6, 0.2]],
                "Sigma": [[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 0.5]],
                "temperature": 1.7,
                "T": 12,
                "key": 11,
                "tau": 0.1,
            },
            {"W_QK": [[0.7, 0.2], [0.5, 0.3]], "Sigma": 0.5, "T": 20, "key": 10, "tau": -0.5},
        ),
        judged_by=(Expectation(s.map_ensemble("random_walk"), _cosine_and_sine),),
        wrong_twin=WRONG_D,
    )
)


def _cumulants_by_rotation(parameters: Mapping[str, Any]) -> dict[str, float]:
    """Cumulants from the weights of a rotated, dense M: no eigenvalue formula is involved."""
    mu = np.asarray(parameters["eigenvalues"])
    basis, _ = np.linalg.qr(np.random.default_rng(mu.size).normal(size=(mu.size, mu.size)))
    T, key = parameters["T"], parameters["key"]
    gamma = key - (T + 1) / 2
    D = (T * T - 1) / 12
    law = QuadraticForm(bilinear_weights(basis @ np.diag(mu) @ basis.T, gamma, gamma**2 + D, D))
    return {"cumulant_3": law.cumulant(3), "cumulant_4": law.cumulant(4)}


def _draw(rng: np.random.Generator) -> dict[str, Any]:
    # Even T keeps gamma, and a dominant eigenvalue tr M^3, away from cancellation.
    T = 2 * int(rng.integers(1, 100))
    return {
        "eigenvalues": np.append(rng.normal(size=rng.integers(1, 8)), 5.0),
        "T": T,
        "key": int(rng.integers(1, T + 1)),
        "tau": 0.1,
    }


def _power_sum(power: int) -> Routine:
    return Routine(
        sp.Trace(M**power), lambda mu: float(np.sum(np.asarray(mu) ** power)), ("eigenvalues",)
    )


trace_3, trace_4 = symbol("trace_3"), symbol("trace_4")
r2, g = s.r_squared, s.gamma

register(
    Claim(
        id="LOC-2b",
        title="characteristic function and cumulants of a centred logit, symmetric M",
        statement=(
            "For symmetric M with eigenvalues mu, q_i is the sum of mu_k (gamma +- r)/2 times "
            "independent chi-squares: E exp(i tau q_i) = prod_k (1 - 2 i tau gamma mu_k + "
            "tau^2 D mu_k^2)^(-1/2), cumulants tr M^3 (6 r^2 gamma + 2 gamma^3) and "
            "6 tr M^4 (r^4 + 6 r^2 gamma^2 + gamma^4)."
        ),
        source=s.extends_bao("exact law, symmetric M"),
        standing="derived",
        observable="centred_logit",
        parameters=(s.EIGENVALUES, s.T_AT_LEAST_2, s.KEY, TAU),
        complete=s.complete_key,
        where={
            **s.WALK,
            "law": SYMMETRIC_LAW,
            "trace_3": _power_sum(3),
            "trace_4": _power_sum(4),
        },
        values={
            **PHI_VALUES,
            "cumulant_3": trace_3 * (6 * r2 * g + 2 * g**3),
            "cumulant_4": 6 * trace_4 * (r2**2 + 6 * r2 * g**2 + g**4),
        },
        assumptions=(
            s.RANDOM_WALK,
            s.LAST_QUERY,
            s.FREE_QUERY,
            s.SYMMETRIC,
            s.AT_LEAST_TWO_TOKENS,
        ),
        cases=(
            {"eigenvalues": [0.5, 0.2, -0.1, 0.05, 0.3], "T": 12, "key": 7, "tau": 0.3},
            {"eigenvalues": [0.15, 0.15, 0.15, 0.15], "T": 12, "key": 12, "tau": 0.5},
            {"eigenvalues": [1.0, -0.4], "T": 5, "key": 1, "tau": -0.4},
        ),
        judged_by=(
            Expectation(s.spectrum_ensemble, _cosine_and_sine),
            Identity(_cumulants_by_rotation, _draw, tolerance=1e-9),
        ),
        wrong_twin=WRONG_D,
    )
)
