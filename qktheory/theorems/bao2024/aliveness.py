"""LOC-3: the signal propagation probability rho_i, exact, Gaussian, and how far apart they are."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from qktheory.base.domains import Integer, Parameter, Real
from qktheory.base.errors import bad_value
from qktheory.numerics.bilinear_form import (
    bilinear_weights,
    centred_walk_coefficients,
    symmetric_bilinear_weights,
)
from qktheory.numerics.concentrated import concentrated_probability
from qktheory.numerics.quadratic_form import QuadraticForm
from qktheory.observables.observable import RowObservable
from qktheory.simulation.realization import Realization
from qktheory.spectra.spectrum import SpectrumSpecification
from qktheory.symbolic.functions import NormalInterval
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.bao2024 import setting as s
from qktheory.theorems.bao2024.law import (
    GENERAL_LAW,
    MAP,
    PHI,
    SYMMETRIC_LAW,
    WRONG_D,
    tau,
)
from qktheory.theorems.claim import Claim, Predicts, Routine, WrongTwin, register
from qktheory.theorems.judgements import Asymptotic, Evaluate, Expectation

FloatArray = NDArray[np.float64]

sigma = symbol("sigma")
SIGMA_Q = sp.sqrt(s.eta_F * s.r_squared + s.eta * s.gamma**2)
RHO_GAUSSIAN = NormalInterval((-1 - s.xi * s.gamma) / sigma, (s.t - 1 - s.xi * s.gamma) / sigma)

#: Gil-Pelaez: P(-1 < q < T - 1) from the characteristic function.
RHO_STATEMENT = sp.Integral(
    sp.im(PHI * (sp.exp(sp.I * tau) - sp.exp(-sp.I * tau * (s.t - 1))), evaluate=False)
    / (sp.pi * tau),
    (tau, 0, sp.oo),
)
RHO_EXACT = Routine(
    RHO_STATEMENT, lambda law, T: float(law.probability(-1.0, T - 1.0)), ("law", "T")
)

POWER_SUMS: dict[str, sp.Basic | Routine] = {
    "xi": Routine(sp.Trace(MAP.statement), lambda mu: float(np.sum(mu)), ("eigenvalues",)),
    "eta_F": Routine(
        sp.Trace(MAP.statement**2), lambda mu: float(np.sum(np.square(mu))), ("eigenvalues",)
    ),
    "eta": s.eta_F,
}


def _aliveness(
    parameters: Mapping[str, Any], values: Mapping[str, Any]
) -> dict[str, RowObservable]:
    key = parameters["key"] - 1
    return {"rho_exact": s.functional("rho_exact", lambda rows: rows.alive[:, key], (0.0, 1.0))}


def _complete_variance(parameters: dict[str, Any]) -> None:
    s.complete_key(parameters)
    s.complete_traces(parameters)


def complete_spectrum(parameters: dict[str, Any]) -> None:
    """Demand a key within 1..T and an eigenvalue that is not 0."""
    s.complete_key(parameters)
    if not np.any(parameters["eigenvalues"]):
        raise bad_value("eigenvalues", parameters["eigenvalues"], "at least one that is not 0")


# --- LOC-3a ---------------------------------------------------------------------------------------


def semicircle_spectrum(xi: float, eta: float, d: int) -> np.ndarray:
    """Return semicircle quantiles with sum xi and sum of squares eta exactly (SPEC-7, SPEC-12)."""
    table = {"law": "semicircle", "xi": xi, "eta": eta}
    return SpectrumSpecification.from_dict(table).eigenvalues(d)


def _exact_at_width(
    evaluate: Evaluate, parameters: Mapping[str, Any], size: float
) -> tuple[float, float]:
    mu = semicircle_spectrum(parameters["xi"], parameters["eta"], int(size))
    T, key = parameters["T"], parameters["key"]
    gamma, D = key - (T + 1) / 2, (T * T - 1) / 12
    law = QuadraticForm(symmetric_bilinear_weights(mu, gamma, gamma**2 + D, D))
    return law.probability(-1.0, T - 1.0), float(evaluate(parameters)["rho_gaussian"])


ETA = Parameter("eta", Real(typical=(-0.5, 0.5)), "trace of M^2")
ETA_F = Parameter("eta_F", Real(low=0.0, low_open=True, typical=(0.6, 4.0)), "trace of M M^T, > 0")

register(
    Claim(
        id="LOC-3a",
        title="Gaussian value of the signal propagation probability",
        statement=(
            "As d grows without spikes in the spectrum, rho_i = P(-1 < q_i < T-1) tends to "
            "Phi((T-1-xi gamma)/sigma) - Phi((-1-xi gamma)/sigma), "
            "sigma^2 = eta_F r^2 + eta gamma^2."
        ),
        source=s.extends_bao("Theorem 1 at finite T, any M"),
        standing="corrected",
        observable="rho",
        parameters=(s.XI, ETA_F, ETA, s.T_AT_LEAST_2, s.KEY),
        complete=_complete_variance,
        where={**s.WALK, "sigma": SIGMA_Q},
        values={"rho_gaussian": RHO_GAUSSIAN},
        assumptions=(s.RANDOM_WALK, s.LAST_QUERY, s.FREE_QUERY, s.AT_LEAST_TWO_TOKENS),
        predicts=(Predicts("rho", "rho_gaussian", "asymptotic", s.walk_parameters),),
        cases=(
            {"xi": 1.0, "eta_F": 1.0, "eta": 1.0, "T": 64, "key": 48},
            {"xi": 1.0, "eta_F": 1.0, "eta": 1.0, "T": 64, "key": 8},
            {"xi": -0.5, "eta_F": 0.3, "eta": 0.3, "T": 12, "key": 3},
        ),
        judged_by=(
            Asymptotic("rho_gaussian", "d", (16, 64, 256, 1024), _exact_at_width, rate=0.5),
        ),
        wrong_twin=WrongTwin(
            "sign of the lower end -1",
            {
                "rho_gaussian": NormalInterval(
                    (1 - s.xi * s.gamma) / sigma, (s.t - 1 - s.xi * s.gamma) / sigma
                )
            },
        ),
    )
)

# --- LOC-3b, LOC-3c, LOC-3d -----------------------------------------------------------------------


@lru_cache(maxsize=8)
def _exact_profile(realization: Realization) -> FloatArray:
    """Exact rho_1 .. rho_T of an experiment; kept, because two observables need it."""
    T = realization.ensemble.T
    walk = [centred_walk_coefficients(T, key) for key in range(1, T + 1)]
    mu = realization.eigenvalues
    weights = (
        (symmetric_bilinear_weights(mu, *c) for c in walk)
        if mu is not None
        else (bilinear_weights(realization.M, *c) for c in walk)
    )
    return np.array([QuadraticForm(w).probability(-1.0, T - 1.0) for w in weights])


def _predicts_exactly(symmetric: bool) -> tuple[Predicts, Predicts]:
    """Return the predictions of LOC-3b (symmetric M) or LOC-3c (the rest)."""

    def when(realization: Realization) -> bool:
        return realization.symmetric == symmetric and realization.eta_F > 0.0

    return (
        Predicts(
            "rho", "rho_exact", "exact", compute=lambda r: (_exact_profile(r), 0.0), when=when
        ),
        Predicts(
            "alive_fraction",
            "rho_exact",
            "exact",
            compute=lambda r: (float(_exact_profile(r).mean()), 0.0),
            when=when,
        ),
    )


register(
    Claim(
        id="LOC-3b",
        title="exact signal propagation probability, symmetric M",
        statement=(
            "rho_i = P(-1 < q_i < T-1) for the exact law of LOC-2 with the eigenvalues of a "
            "symmetric M."
        ),
        source=s.extends_bao("exact value of rho_i"),
        standing="derived",
        observable="rho",
        parameters=(s.EIGENVALUES, s.T_AT_LEAST_2, s.KEY),
        complete=complete_spectrum,
        where={**s.WALK, "law": SYMMETRIC_LAW, **POWER_SUMS, "sigma": SIGMA_Q},
        values={"rho_exact": RHO_EXACT, "rho_gaussian": RHO_GAUSSIAN},
        assumptions=(
            s.RANDOM_WALK,
            s.LAST_QUERY,
            s.FREE_QUERY,
            s.SYMMETRIC,
            s.AT_LEAST_TWO_TOKENS,
        ),
        predicts=_predicts_exactly(symmetric=True),
        cases=(
            {"eigenvalues": [0.15, 0.15, 0.15, 0.15], "T": 12, "key": 3},
            {"eigenvalues": [0.5, 0.2, -0.1, 0.05, 0.3], "T": 12, "key": 7},
            {"eigenvalues": [0.5], "T": 12, "key": 4},
            {"eigenvalues": [0.6, -0.5, 0.0, 0.2], "T": 2, "key": 1},
        ),
        judged_by=(Expectation(s.spectrum_ensemble, _aliveness),),
        wrong_twin=WRONG_D,
    )
)

register(
    Claim(
        id="LOC-3c",
        title="exact signal propagation probability, any W",
        statement=(
            "rho_i = P(-1 < q_i < T-1) for the exact law of LOC-2 with any W, covariance and "
            "temperature."
        ),
        source=s.extends_bao("exact value of rho_i, any M"),
        standing="derived",
        observable="rho",
        parameters=(s.W_QK, s.SIGMA, s.TEMPERATURE, s.T_AT_LEAST_2, s.KEY),
        complete=s.complete_map,
        where={
            "M": MAP,
            **s.WALK,
            "law": GENERAL_LAW,
            **s.TRACES,
            "sigma": SIGMA_Q,
        },
        values={"rho_exact": RHO_EXACT, "rho_gaussian": RHO_GAUSSIAN},
        assumptions=(s.RANDOM_WALK, s.LAST_QUERY, s.FREE_QUERY, s.AT_LEAST_TWO_TOKENS),
        predicts=_predicts_exactly(symmetric=False),
        cases=(
            {
                "W_QK": [[0.219, 0.25, -0.186], [0.198, 0.148, -0.052], [0.38, 0.032, 0.191]],
                "temperature": 0.8,
                "T": 12,
                "key": 9,
            },
            {
                "W_QK": [[0.4, 1.0, 0.0], [-0.2, 0.3, 0.5], [0.1, -0.6, 0.2]],
                "Sigma": [[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 0.5]],
                "temperature": 1.7,
                "T": 10,
                "key": 4,
            },
            {
                "W_QK": [[1.0, 0.0], [2.0, -1.0]],
                "Sigma": [[2.0, 1.0], [1.0, 3.0]],
                "temperature": 6.0,
                "T": 7,
                "key": 2,
            },
        ),
        judged_by=(Expectation(s.map_ensemble("random_walk"), _aliveness),),
        wrong_twin=WRONG_D,
    )
)

EIGENVALUE = Parameter("eigenvalue", Real(typical=(0.05, 0.6)), "the one eigenvalue of M, not 0")
MULTIPLICITY = Parameter(
    "multiplicity", Integer(low=1, high=10**7, typical=(1, 20)), "how often it occurs"
)
mu, multiplicity = symbol("eigenvalue"), symbol("multiplicity")
chi = sp.Symbol("chi", positive=True)


def _complete_eigenvalue(parameters: dict[str, Any]) -> None:
    s.complete_key(parameters)
    if parameters["eigenvalue"] == 0.0:
        raise bad_value("eigenvalue", parameters["eigenvalue"], "a number other than 0")


_SCALE = sp.Abs(mu) * sp.sqrt(s.D * chi)
_CHI_SQUARE_DENSITY = (
    chi ** (multiplicity / 2 - 1)
    * sp.exp(-chi / 2)
    / (2 ** (multiplicity / 2) * sp.gamma(multiplicity / 2))
)

register(
    Claim(
        id="LOC-3d",
        title="exact signal propagation probability, concentrated spectrum",
        statement=(
            "For M with one eigenvalue mu of multiplicity n (the other eigenvalues 0), rho_i is "
            "the average over chi ~ chi^2_n of a normal interval with mean mu gamma chi and "
            "variance mu^2 D chi."
        ),
        source=s.extends_bao("concentrated spectrum"),
        standing="derived",
        observable="rho",
        parameters=(EIGENVALUE, MULTIPLICITY, s.T_AT_LEAST_2, s.KEY),
        complete=_complete_eigenvalue,
        where={
            **s.WALK,
            "xi": multiplicity * mu,
            "eta_F": multiplicity * mu**2,
            "eta": s.eta_F,
            "sigma": SIGMA_Q,
        },
        values={
            "rho_exact": Routine(
                sp.Integral(
                    NormalInterval(
                        (-1 - mu * s.gamma * chi) / _SCALE,
                        (s.t - 1 - mu * s.gamma * chi) / _SCALE,
                    )
                    * _CHI_SQUARE_DENSITY,
                    (chi, 0, sp.oo),
                ),
                lambda mu, n, gamma, D, T: concentrated_probability(mu, n, gamma, D, -1.0, T - 1.0),
                ("eigenvalue", "multiplicity", "gamma", "gram_determinant", "T"),
            ),
            "rho_gaussian": RHO_GAUSSIAN,
        },
        assumptions=(
            s.RANDOM_WALK,
            s.LAST_QUERY,
            s.FREE_QUERY,
            s.SYMMETRIC,
            s.AT_LEAST_TWO_TOKENS,
        ),
        cases=(
            {"eigenvalue": 0.15, "multiplicity": 4, "T": 12, "key": 3},
            {"eigenvalue": -0.3, "multiplicity": 2, "T": 8, "key": 7},
            {"eigenvalue": -0.2, "multiplicity": 6, "T": 16, "key": 6},
        ),
        judged_by=(
            Expectation(
                lambda p: s.spectrum_ensemble(
                    {"eigenvalues": [p["eigenvalue"]] * p["multiplicity"] + [0.0], "T": p["T"]}
                ),
                _aliveness,
            ),
        ),
        wrong_twin=WRONG_D,
    )
)
