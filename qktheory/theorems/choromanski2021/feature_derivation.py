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
length = sp.Symbol("ell", positive=True)


def gaussian_mean(integrand: sp.Expr) -> sp.Integral:
    """Return E f(g), g ~ N(0, 1), as a SymPy integral."""
    density = sp.exp(-(g**2) / 2) / sp.sqrt(2 * sp.pi)
    return sp.Integral(integrand * density, (g, -sp.oo, sp.oo))


@derives("ZOO-RF-1")
def mean_square_errors(claim: Claim) -> Derivation:
    """Take mean and mean square of one feature along z = x + y or Delta = x - y."""
    first, second, copies = sp.symbols("mu_1 mu_2 m", positive=True)
    along_z, along_difference = (
        Reduces({length: sp.sqrt(s.z2)}),
        Reduces({length: sp.sqrt(s.delta2)}),
    )
    decay, growth = sp.exp(-(length**2) / 2), sp.exp(length**2 / 2)
    mean_cos2 = (1 + sp.exp(-2 * length**2)) / 2
    mean_cosh2 = (1 + sp.exp(2 * length**2)) / 2
    return Derivation(
        claim.id,
        [
            Step(
                gaussian_mean(sp.exp(length * g)),
                "=",
                growth,
                "omega^T z is l g with l = |z| and g ~ N(0, 1); mean of a positive feature",
                Reduces(),
            ),
            Step(
                gaussian_mean(sp.cos(length * g)),
                "=",
                decay,
                "mean of a trigonometric feature, l = |Delta|",
                Reduces(),
            ),
            Step(
                gaussian_mean(sp.cosh(length * g)),
                "=",
                growth,
                "mean of a hyperbolic feature, l = |z|",
                Reduces(),
            ),
            Step(
                sp.exp(s.N / 2) * decay,
                "=",
                own(claim, "kernel"),
                "trigonometric features are unbiased: |Delta|^2 = N - 2 x^T y",
                along_difference,
            ),
            Step(
                sp.exp(-s.N / 2) * growth,
                "=",
                own(claim, "kernel"),
                "positive and hyperbolic features are unbiased: |z|^2 = N + 2 x^T y",
                along_z,
            ),
            Step(
                gaussian_mean(sp.exp(length * g) ** 2),
                "=",
                growth**4,
                "mean square of a positive feature",
                Reduces(),
            ),
            Step(
                gaussian_mean(sp.cos(length * g) ** 2),
                "=",
                mean_cos2,
                "mean square of a trigonometric feature",
                Reduces(),
            ),
            Step(
                gaussian_mean(sp.cosh(length * g) ** 2),
                "=",
                mean_cosh2,
                "mean square of a hyperbolic feature",
                Reduces(),
            ),
            Step(
                (copies * second + copies * (copies - 1) * first**2) / copies**2 - first**2,
                "=",
                (second - first**2) / copies,
                "m independent features of mean mu_1 and mean square mu_2: m equal pairs, "
                "m (m - 1) independent ones",
                Reduces(),
            ),
            Step(
                sp.exp(s.N) * (mean_cos2 - decay**2) / s.m,
                "=",
                own(claim, "mse_trig"),
                "trigonometric features, scaled by e^(N/2)",
                along_difference,
            ),
            Step(
                sp.exp(-s.N) * (growth**4 - growth**2) / s.m,
                "=",
                own(claim, "mse_positive"),
                "positive features, scaled by e^(-N/2)",
                along_z,
            ),
            Step(
                sp.exp(-s.N) * (mean_cosh2 - growth**2) / s.m,
                "=",
                own(claim, "mse_hyperbolic"),
                "hyperbolic features, scaled by e^(-N/2)",
                along_z,
            ),
        ],
        {
            name: own(claim, name)
            for name in ("kernel", "mse_trig", "mse_positive", "mse_hyperbolic")
        },
        uses=("a linear form in N(0, I) is N(0, |z|^2)",),
        complete=True,
    )
