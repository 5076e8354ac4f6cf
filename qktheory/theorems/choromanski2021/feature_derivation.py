"""How ZOO-RF-1 is known: means of one Gaussian variable, and m independent features."""

from __future__ import annotations

import sympy as sp

from qktheory.symbolic.checks import Reduces
from qktheory.symbolic.derivation import Derivation, Step
from qktheory.theorems.choromanski2021 import setting as s
from qktheory.theorems.claim import Claim
from qktheory.theorems.derivations import derives, own

__all__ = ["gaussian_mean"]

#: A standard normal variable, and the length of the vector in its direction.
g = sp.Symbol("g", real=True)
length = sp.Symbol("ell", real=True)


def gaussian_mean(integrand: sp.Expr) -> sp.Integral:
    """Return E f(g), g ~ N(0, 1), as a SymPy integral."""
    density = sp.exp(-(g**2) / 2) / sp.sqrt(2 * sp.pi)
    return sp.Integral(integrand * density, (g, -sp.oo, sp.oo))


def _growth(factor: int) -> sp.Expr:
    """Return E e^(factor l g)."""
    return sp.exp((factor * length) ** 2 / 2)


def _decay(factor: int) -> sp.Expr:
    """Return E cos(factor l g)."""
    return sp.exp(-((factor * length) ** 2) / 2)


def _moments_of_one_feature() -> list[Step]:
    first, second, copies = sp.symbols("mu_1 mu_2 m", positive=True)
    angle = length * g
    return [
        Step(
            gaussian_mean(sp.exp(angle)),
            "=",
            _growth(1),
            "omega^T z is l g with l = |z| and g ~ N(0, 1): mean of a positive feature, and with "
            "2 l in the place of l its mean square; cosh(l g) has the same mean",
            Reduces(),
        ),
        Step(
            gaussian_mean(sp.cos(angle)),
            "=",
            _decay(1),
            "mean of a trigonometric feature, l = |x - y|",
            Reduces(),
        ),
        Step(
            sp.cos(angle) ** 2,
            "=",
            (1 + sp.cos(2 * angle)) / 2,
            "square of a trigonometric feature: its mean is (1 + e^(-2 l^2))/2",
            Reduces(),
        ),
        Step(
            sp.cosh(angle) ** 2,
            "=",
            (1 + sp.cosh(2 * angle)) / 2,
            "square of a hyperbolic feature: its mean is (1 + e^(2 l^2))/2",
            Reduces(),
        ),
        Step(
            (copies * second + copies * (copies - 1) * first**2) / copies**2 - first**2,
            "=",
            (second - first**2) / copies,
            "variance of the mean of m independent features of mean mu_1 and mean square mu_2",
            Reduces(),
        ),
    ]


@derives("ZOO-RF-1")
def mean_square_errors(claim: Claim) -> Derivation:
    """Take mean and mean square of one feature along z = x + y or x - y."""
    sum_, difference = Reduces({length: sp.sqrt(s.z2)}), Reduces({length: sp.sqrt(s.delta2)})
    kernel = own(claim, "kernel")
    errors = {
        "mse_trig": (sp.exp(s.N) * ((1 + _decay(2)) / 2 - _decay(1) ** 2), difference, "e^(N/2)"),
        "mse_positive": (sp.exp(-s.N) * (_growth(2) - _growth(1) ** 2), sum_, "e^(-N/2)"),
        "mse_hyperbolic": (
            sp.exp(-s.N) * ((1 + _growth(2)) / 2 - _growth(1) ** 2),
            sum_,
            "e^(-N/2)",
        ),
    }
    return Derivation(
        claim.id,
        [
            *_moments_of_one_feature(),
            Step(
                sp.exp(s.N / 2) * _decay(1),
                "=",
                kernel,
                "trigonometric features are unbiased: l^2 = |x - y|^2 = N - 2 x^T y",
                difference,
            ),
            Step(
                sp.exp(-s.N / 2) * _growth(1),
                "=",
                kernel,
                "positive and hyperbolic features are unbiased: l^2 = |x + y|^2 = N + 2 x^T y",
                sum_,
            ),
            *(
                Step(
                    variance / s.m,
                    "=",
                    own(claim, name),
                    f"mean square minus square of the mean, scaled by {scale} squared, over m",
                    check,
                )
                for name, (variance, check, scale) in errors.items()
            ),
        ],
        {"kernel": kernel, **{name: own(claim, name) for name in errors}},
        uses=("a linear form in N(0, I) is N(0, |z|^2)",),
        complete=True,
    )
