"""LOC-3e, LOC-3f: how far the law of a centred logit is from the Gaussian."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp

from qktheory.base.domains import Integer, Parameter
from qktheory.base.errors import bad_value
from qktheory.numerics.bilinear_form import symmetric_bilinear_weights
from qktheory.numerics.quadratic_form import QuadraticForm
from qktheory.symbolic.functions import NormalInterval
from qktheory.symbolic.symbols import symbol
from qktheory.theorems.bao2024 import setting as s
from qktheory.theorems.bao2024.aliveness import (
    POWER_SUMS,
    RHO_GAUSSIAN,
    RHO_STATEMENT,
    SIGMA_Q,
    complete_spectrum,
    semicircle_spectrum,
    sigma,
)
from qktheory.theorems.bao2024.law import SYMMETRIC_LAW
from qktheory.theorems.claim import Claim, Routine, WrongTwin, register
from qktheory.theorems.judgements import Asymptotic, Evaluate

theta = symbol("theta")
k3, k4 = symbol("cumulant_3"), symbol("cumulant_4")
x = sp.Symbol("x", real=True)
_CDF = sp.Function("F")(x)

#: c = max |x^3 - 3x| phi(x), attained at x^2 = 3 - sqrt 6.
_EDGEWORTH = (3 * x - x**3).subs(x, sp.sqrt(3 - sp.sqrt(6))) * (
    sp.exp(-(3 - sp.sqrt(6)) / 2) / sp.sqrt(2 * sp.pi)
)

_LIMIT_WALK: dict[str, sp.Basic] = {
    "gamma": theta - sp.Rational(1, 2),
    "gram_determinant": sp.Rational(1, 12),
    "r_squared": s.gamma**2 + s.D,
}


def _standard_cumulant(order: int) -> Routine:
    def compute(law: QuadraticForm) -> float:
        value = law.cumulant(order) / law.variance ** (order / 2)
        # An odd-symmetric spectrum has a third cumulant of rounding size only.
        return 0.0 if order == 3 and abs(value) <= 1e-12 else float(value)

    n = sp.Symbol("n")
    return Routine(sp.Function("kappa")(n) / sigma**n, compute, ("law",))


def _concentrated_distance(
    evaluate: Evaluate, parameters: Mapping[str, Any], size: float
) -> tuple[float, float]:
    """Repeat the spectrum of the case until it has `size` eigenvalues."""
    base = np.asarray(parameters["eigenvalues"])
    values = evaluate({**parameters, "eigenvalues": np.resize(base, int(size))})
    return float(values["kolmogorov_distance"]), float(values["kolmogorov_leading"])


register(
    Claim(
        id="LOC-3e",
        title="Kolmogorov distance of a centred logit to the Gaussian",
        statement=(
            "As the spectrum fills without spikes, sup_x |F(x) - Phi(x)| of the standardised q_i "
            "is asymptotically |kappa_3|/(6 sqrt(2 pi)), and 0.5506 kappa_4/24 if the third "
            "standardised cumulant vanishes (T -> infinity, i = theta T)."
        ),
        source=s.extends_bao("error of the Gaussian approximation"),
        standing="derived",
        observable="centred_logit",
        parameters=(s.EIGENVALUES, s.THETA),
        complete=lambda p: complete_spectrum({**p, "T": 2}),
        where={
            **_LIMIT_WALK,
            "law": SYMMETRIC_LAW,
            "cumulant_3": _standard_cumulant(3),
            "cumulant_4": _standard_cumulant(4),
        },
        values={
            "kolmogorov_distance": Routine(
                sp.Function("sup")(sp.Abs(_CDF - NormalInterval(-sp.oo, x))),
                lambda law: float(law.kolmogorov_distance_to_normal()),
                ("law",),
            ),
            "kolmogorov_leading": sp.Piecewise(
                (sp.Abs(k3) / (6 * sp.sqrt(2 * sp.pi)), sp.Ne(k3, 0)),
                (_EDGEWORTH * k4 / 24, True),
            ),
        },
        cases=(
            {"eigenvalues": [1.0], "theta": 0.5},
            {"eigenvalues": [1.0], "theta": 0.9},
            {"eigenvalues": [1.0, -1.0], "theta": 0.9},
        ),
        judged_by=(
            Asymptotic("kolmogorov_leading", "d", (32, 128, 512), _concentrated_distance, rate=0.5),
        ),
        wrong_twin=WrongTwin(
            "constant 6 taken as 5.6",
            {
                "kolmogorov_leading": sp.Piecewise(
                    (sp.Abs(k3) / (sp.Rational(56, 10) * sp.sqrt(2 * sp.pi)), sp.Ne(k3, 0)),
                    (_EDGEWORTH * k4 / 24, True),
                )
            },
        ),
    )
)


class _Keys:
    """Non-empty lists of key positions."""

    def check(self, argument: str, value: object) -> np.ndarray:
        entries = value.tolist() if isinstance(value, np.ndarray) else value
        if not isinstance(entries, list | tuple) or not entries:
            raise bad_value(argument, value, self.describe())
        return np.array([Integer(low=1).check(argument, key) for key in entries])

    def describe(self) -> str:
        return "a non-empty list of integers >= 1"

    def sample(self, rng: np.random.Generator) -> list[int]:
        return [1, 2]


KEYS = Parameter("keys", _Keys(), "positions of keys, 1..T")


def _complete_keys(parameters: dict[str, Any]) -> None:
    keys = parameters["keys"]
    if keys.max() > parameters["T"]:
        raise bad_value("keys", keys.tolist(), f"integers <= T = {parameters['T']}")
    complete_spectrum({**parameters, "key": 1})
    # The formulas of LOC-3a broadcast over keys.
    parameters["key"] = keys


def _exact_at_keys(mu: np.ndarray, gamma: np.ndarray, D: float, T: int) -> np.ndarray:
    return np.array(
        [
            QuadraticForm(symmetric_bilinear_weights(mu, g, g * g + D, D)).probability(
                -1.0, T - 1.0
            )
            for g in gamma
        ]
    )


rho_exact, rho_gaussian = symbol("rho_exact"), symbol("rho_gaussian")


def _error_at_width(
    evaluate: Evaluate, parameters: Mapping[str, Any], size: float
) -> tuple[float, float]:
    base = np.asarray(parameters["eigenvalues"])
    mu = semicircle_spectrum(float(base.sum()), float(np.sum(base**2)), int(size))
    return float(evaluate({**parameters, "eigenvalues": mu})["max_abs_error"]), 0.0


register(
    Claim(
        id="LOC-3f",
        title="largest error of the Gaussian rho over keys",
        statement=(
            "max_i |rho_i - rho_i^G| tends to 0 as a semicircle spectrum with fixed (xi, eta) "
            "fills, at least like d^(-1/2)."
        ),
        source=s.extends_bao("error of the Gaussian approximation"),
        standing="derived",
        observable="rho",
        parameters=(s.EIGENVALUES, s.T_AT_LEAST_2, KEYS),
        complete=_complete_keys,
        where={
            **s.WALK,
            **POWER_SUMS,
            "sigma": SIGMA_Q,
            "rho_gaussian": RHO_GAUSSIAN,
            "rho_exact": Routine(
                RHO_STATEMENT, _exact_at_keys, ("eigenvalues", "gamma", "gram_determinant", "T")
            ),
        },
        values={
            "max_abs_error": Routine(
                sp.Function("max")(sp.Abs(rho_exact - rho_gaussian)),
                lambda exact, gaussian: float(np.max(np.abs(exact - gaussian))),
                ("rho_exact", "rho_gaussian"),
            )
        },
        cases=(
            {"eigenvalues": [1.2, -0.2], "T": 64, "keys": [1, 16, 32, 48, 64]},
            {"eigenvalues": [1.0, -1.0], "T": 64, "keys": [1, 16, 32, 48, 64]},
            {"eigenvalues": [0.5, 0.25], "T": 12, "keys": [1, 3, 6, 9, 12]},
        ),
        judged_by=(
            Asymptotic("max_abs_error", "d", (16, 64, 256, 1024), _error_at_width, rate=0.5),
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
