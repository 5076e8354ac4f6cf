"""How ENT-1, ENT-3c and ENT-4 are known: Laplace transforms, Jensen, and the delta method."""

from __future__ import annotations

from collections.abc import Mapping

import sympy as sp

from qktheory.symbolic.checks import Reduces, SameIntegrals
from qktheory.symbolic.derivation import Derivation, Step
from qktheory.theorems.claim import Claim
from qktheory.theorems.derivations import derives, own

A, R, z, q, x = sp.symbols("A R z q x", positive=True)
g, logit = sp.symbols("g l", real=True)


def _names(expression: sp.Basic) -> dict[str, sp.Symbol]:
    return {s.name: s for s in expression.free_symbols}


@derives("ENT-1")
def laplace_means(claim: Claim) -> Derivation:
    """Write powers of Z as integrals of e^(-tZ), which factorise over the keys."""
    power_sums, entropy = own(claim, "mean_y_q"), own(claim, "mean_entropy")
    order = _names(power_sums)["q"]
    outer = next(i for i in power_sums.atoms(sp.Integral) if i.function.has(sp.Integral))
    T = _names(power_sums)["T"]
    differentiated = sp.Integral(
        sp.Mul(
            *(
                sp.Integral(sp.Subs(sp.Derivative(f.function, order), order, 1), *f.limits)
                if isinstance(f, sp.Integral) and f.has(order)
                else f
                for f in sp.Mul.make_args(outer.function)
            )
        ),
        *outer.limits,
    )
    f = sp.Function("f")
    return Derivation(
        claim.id,
        [
            Step(
                sp.Integral(x ** (q - 1) * sp.exp(-x * z), (x, 0, sp.oo)) / sp.gamma(q),
                "=",
                z**-q,
                "Z^-q as an integral of e^(-tZ); its mean factorises over iid keys, t = e^u",
                Reduces(),
            ),
            Step(
                sp.Integral(sp.exp(-x * z), (x, 0, sp.oo)),
                "=",
                1 / z,
                "Frullani: the integral of (e^-t - e^-tz)/t is log z, by its derivative in z and "
                "its value 0 at z = 1",
                Reduces(),
            ),
            Step(
                -sp.Subs(sp.Derivative(A**q, q), q, 1),
                "=",
                -A * sp.log(A),
                "the entropy is minus the derivative of the power sum in its order at 1",
                Reduces(),
            ),
            Step(
                sp.Subs(sp.Derivative(1 / sp.gamma(q), q), q, 1),
                "=",
                sp.EulerGamma,
                "differentiating 1/Gamma(q), with E Y_1 = 1",
                Reduces(),
            ),
            Step(
                sp.Derivative(sp.exp(-(g**2) / 2) * f(g), g),
                "=",
                sp.exp(-(g**2) / 2) * (sp.Derivative(f(g), g) - g * f(g)),
                "Gaussian integration by parts, E g f = E f': E H = E log Z - s^2 (1 - E Y_2)",
                Reduces(),
            ),
            Step(
                -sp.EulerGamma - T * differentiated,
                "=",
                entropy,
                "minus the derivative of E Y_q at q = 1: e^(qv) brings down v",
                SameIntegrals(),
            ),
        ],
        {"mean_entropy": entropy},
    )


@derives("ENT-3c")
def sandwich(claim: Claim) -> Derivation:
    """Bound E log Z by Jensen, and the slope of the entropy by its heat capacity."""
    upper, lower = own(claim, "entropy_upper"), own(claim, "entropy_lower")
    names = _names(upper) | _names(lower)
    T, s, Y = names["T"], names["s"], names["mean_participation"]
    scale = sp.Symbol("u", positive=True)
    weights = sp.symbols("p_1:5", positive=True)
    logits = sp.symbols("l_1:5", real=True)
    keys = range(4)
    pairs = sum(
        weights[i] * weights[j] * (weights[i] - weights[j]) * (logits[i] - logits[j])
        for i in keys
        for j in keys
    )
    mean = sum(p * value for p, value in zip(weights, logits, strict=True))
    squares = sum(p**2 for p in weights)
    covariance = sum(p**2 * value for p, value in zip(weights, logits, strict=True))
    weight = sp.exp(logit) / (sp.exp(logit) + R)
    return Derivation(
        claim.id,
        [
            Step(
                s * g - g**2 / 2,
                "=",
                s**2 / 2 - (g - s) ** 2 / 2,
                "complete the square: E e^(sg) = e^(s^2/2), so E log Z <= log E Z = log T + s^2/2",
                Reduces(),
            ),
            Step(
                sp.Derivative(weight, logit),
                "=",
                weight * (1 - weight),
                "E sum A_j l_j = s^2 (1 - E Y_2) by integration by parts",
                Reduces(),
            ),
            Step(
                sp.log(T) + s**2 / 2 - s**2 * (1 - Y),
                "=",
                upper,
                "E H = E log Z - E sum A_j l_j",
                Reduces({names["entropy_lower"]: lower}),
            ),
            Step(
                pairs,
                "=",
                2 * (covariance - squares * mean),
                "dY_2/d log s = 2 Cov_A(A, l), a sum over pairs of numbers >= 0 since A increases "
                "in l (written for four keys): so E (heat capacity) <= s^2",
                Reduces({weights[3]: 1 - weights[0] - weights[1] - weights[2]}),
            ),
            Step(
                sp.log(T) - sp.Integral(scale, (scale, 0, s)),
                "=",
                lower,
                "dE H/ds = -E (heat capacity)/s >= -s, from log T at s = 0",
                Reduces(),
            ),
        ],
        {"entropy_upper": upper, "entropy_lower": lower},
        uses=("Jensen's inequality",),
    )


def _delta_mean(
    function: sp.Expr,
    means: Mapping[sp.Symbol, sp.Expr],
    covariance: Mapping[tuple[sp.Symbol, sp.Symbol], sp.Expr],
) -> sp.Expr:
    """Return the second-order Taylor mean of a function of sample means, times their number."""
    total = sp.S.Zero
    for (a, b), value in covariance.items():
        weight = sp.Rational(1, 2) if a == b else sp.S.One
        total += weight * sp.diff(function, a, b).subs(means) * value
    return total


def _delta_variance(
    function: sp.Expr,
    means: Mapping[sp.Symbol, sp.Expr],
    covariance: Mapping[tuple[sp.Symbol, sp.Symbol], sp.Expr],
) -> sp.Expr:
    """Return the first-order variance of a function of sample means, times their number."""
    total = sp.S.Zero
    for (a, b), value in covariance.items():
        weight = 1 if a == b else 2
        total += weight * (sp.diff(function, a) * sp.diff(function, b)).subs(means) * value
    return total


@derives("ENT-4")
def fixed_scale(claim: Claim) -> Derivation:
    """Expand about the means of e^l, e^(2l) and l e^l over the keys."""
    first = own(claim, "mean_log_z_series")
    names = _names(first)
    T, s = names["T"], names["s"]
    a, b, c = sp.symbols("a b c", positive=True)
    k = sp.Symbol("k", positive=True)
    generating = sp.exp(k**2 * s**2 / 2)

    def moment(power: int, order: int) -> sp.Expr:
        """E l^order e^(power l): derivatives of the generating function."""
        return sp.diff(generating, k, order).subs(k, power) if order else generating.subs(k, power)

    kinds = {a: (1, 0), b: (2, 0), c: (1, 1)}
    means = {v: moment(*kind) for v, kind in kinds.items()}
    covariance = {
        (u, v): moment(kinds[u][0] + kinds[v][0], kinds[u][1] + kinds[v][1]) - means[u] * means[v]
        for u, v in ((a, a), (a, b), (b, b), (a, c), (c, c))
    }
    log_z, square, entropy = sp.log(a), b / a**2, sp.log(a) - c / a
    given = {
        names_: own(claim, names_.name)
        for name in claim.values
        for names_ in own(claim, name).free_symbols
        if names_.name in claim.where
    }
    check = Reduces(given)

    def of(function: sp.Expr) -> sp.Expr:
        return _delta_mean(function, means, covariance) / T

    lines = {
        "mean_log_z_series": (sp.log(T) + s**2 / 2 + of(log_z), "log Z = log T + log a"),
        "mean_participation_series": (
            (square.subs(means) + of(square)) / T,
            "T Y_2 = b/a^2",
        ),
        "mean_entropy_series": (
            sp.log(T) + sp.expand(entropy.subs(means)) + of(entropy),
            "H = log T + log a - c/a",
        ),
        "var_log_z_series": (_delta_variance(log_z, means, covariance) / T, "first order"),
        "mean_entropy_small_s": (
            sp.log(T) - (s**2 - s**2 / T) / 2,
            "small s: the deficit is half the mean variance of the logits about their own mean",
        ),
        "var_entropy_series": (_delta_variance(entropy, means, covariance) / T, "first order"),
    }
    about = "Taylor mean about a = E e^l, b = E e^(2l), c = E l e^l"
    return Derivation(
        claim.id,
        [
            Step(lhs, "=", own(claim, name), f"{about}: {reason}", check)
            for name, (lhs, reason) in lines.items()
        ],
        {name: own(claim, name) for name in lines},
        uses=("delta method",),
    )
