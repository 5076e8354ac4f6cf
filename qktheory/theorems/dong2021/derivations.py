"""How RANK-2, RANK-5, RANK-7 and RANK-8 are known: the tanh lemma, words, and solvable maps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import mpmath
import sympy as sp

from qktheory.symbolic.checks import Certified, NonNegative, Reduces, Sampled
from qktheory.symbolic.derivation import Derivation, Step
from qktheory.theorems.claim import Claim
from qktheory.theorems.derivations import derives, own
from qktheory.theorems.total_variation import TWO_VALUES, two_value_steps

low, w, x, y, h = sp.symbols("alpha w x y h", positive=True)
m = sp.Symbol("m", real=True)


def _tanh_lemma(oscillation: sp.Expr, bound: sp.Expr) -> list[Step]:
    """Return TV <= tanh(oscillation/4) for two-point likelihood ratios alpha, alpha e^delta."""
    half = sp.exp(oscillation / 2)
    return [
        *two_value_steps("e^(delta/2)"),
        Step(
            (half - 1) / (half + 1),
            "=",
            bound,
            "attained at alpha = e^(-delta/2)",
            Reduces(),
        ),
    ]


def _tanh_below_identity() -> list[Step]:
    return [
        Step(
            sp.Derivative(x - sp.tanh(x), x),
            "=",
            sp.tanh(x) ** 2,
            "x - tanh x is 0 at 0 and increases",
            Reduces(),
        ),
        Step(
            sp.tanh(x),
            "<=",
            x,
            "the same in balls",
            Certified({x: ("1/100", 20)}),
        ),
    ]


def _random_layer(number: int) -> tuple[Any, Any, Any]:
    """Return 4 x 2 residuals, a 2 x 2 score map and a common row, by number.

    Every fifth one is a pair of antipodal tokens with small scores, where Theorem A is attained in
    the limit: a bound that is a little too small fails there.
    """
    if number % 5 == 4:
        size = mpmath.mpf(number) / 200
        antipodal = [[size, 0], [-size, 0], [size, 0], [-size, 0]]
        return mpmath.matrix(antipodal), mpmath.matrix([[1, 0], [0, 0]]), mpmath.matrix([0, 0])

    def entry(k: int) -> Any:
        return 2 * mpmath.frac(mpmath.sqrt(3) * (number + 1) * (k + 1) ** 2) - 1

    size = mpmath.mpf(10) ** (mpmath.mpf(number % 7) / 3 - 1)
    R = mpmath.matrix(4, 2)
    for k in range(8):
        R[k // 2, k % 2] = size * entry(k)
    A = mpmath.matrix(2, 2)
    for k in range(4):
        A[k // 2, k % 2] = entry(20 + k)
    c = mpmath.matrix([entry(30), entry(31)])
    return R, A, c


@derives("RANK-2b")
def tanh_lemma(claim: Claim) -> Derivation:
    """Prove the lemma for two-point ratios, the extremal ones."""
    bound = own(claim, "bound")
    (oscillation,) = bound.free_symbols
    return Derivation(
        claim.id, _tanh_lemma(oscillation, bound), {"bound": bound}, uses=TWO_VALUES, complete=True
    )


@derives("RANK-7c")
def ergodicity(claim: Claim) -> Derivation:
    """Apply the lemma to two rows: their log ratio oscillates by at most Delta(S)."""
    bound = own(claim, "tanh_bound")
    (diameter,) = bound.free_symbols
    return Derivation(
        claim.id,
        _tanh_lemma(diameter, bound),
        {"tanh_bound": bound},
        uses=TWO_VALUES,
        complete=True,
    )


@derives("RANK-2a")
def single_layer(claim: Claim) -> Derivation:
    """Split off the common row exactly, bound Z row by row."""
    T, d = (sp.Symbol(name, integer=True, positive=True) for name in ("T", "d"))
    P, R = sp.MatrixSymbol("P", T, T), sp.MatrixSymbol("R", T, d)
    one, c, q = (sp.MatrixSymbol(n, k, 1) for n, k in (("e", T), ("c", d), ("q", T)))
    first, cubic = own(claim, "bound_a_z_norm_inf"), own(claim, "bound_b_z_norm_inf")
    norms = {str(f.func): f for f in cubic.atoms(sp.core.function.AppliedUndef)}
    norm_z, norm_r, norm = own(claim, "z_norm_inf"), norms["norm_inf"], norms["norm_1inf"]
    (delta,) = (a for a in first.atoms(sp.Symbol) if a.name == "delta")
    (kappa,) = (a for a in cubic.atoms(sp.Symbol) if a.name == "kappa")

    def draw(number: int) -> Mapping[sp.Basic, Any]:
        R_, A_, c_ = _random_layer(number)
        E = R_ * A_ * R_.T
        base = R_ * A_.T * c_
        weights = [mpmath.exp(base[j]) for j in range(4)]
        total = sum(weights)
        weights = [value / total for value in weights]
        Z = mpmath.matrix(4, 2)
        for i in range(4):
            row = [weights[j] * mpmath.exp(E[i, j]) for j in range(4)]
            scale = sum(row)
            for k in range(2):
                Z[i, k] = sum((row[j] / scale - weights[j]) * R_[j, k] for j in range(4))
        rows = [[E[i, j] for j in range(4)] for i in range(4)]

        def row_norm(matrix: Any) -> Any:
            return max(sum(abs(matrix[i, k]) for k in range(2)) for i in range(4))

        columns = max(sum(abs(R_[i, k]) for i in range(4)) for k in range(2))
        return {
            norm_z: row_norm(Z),
            norm_r: row_norm(R_),
            delta: max(max(row) - min(row) for row in rows),
            kappa: max(sum(abs(A_[i, k]) for i in range(2)) for k in range(2)),
            norm: mpmath.sqrt(columns * row_norm(R_)),
        }

    layers = "random layers of 4 tokens, antipodal ones among them"
    return Derivation(
        claim.id,
        [
            Step(
                P * (R + one * c.T),
                "=",
                one * (c + R.T * q).T + (P - one * q.T) * R,
                "the split is exact: P 1 = 1, e the vector of ones, Z = (P - 1 q^T) R",
                Reduces(products={(P, one): one}),
            ),
            *_tanh_lemma(delta, sp.tanh(delta / 4)),
            Step(
                norm_z,
                "<=",
                first,
                "Theorem A (i): row i of Z is TV_i times a difference of two convex combinations",
                Sampled(20, draw=draw, inputs=layers),
            ),
            *_tanh_below_identity(),
            Step(
                norm_z,
                "<=",
                cubic,
                "Theorem B: delta <= 2 kappa norm_1inf(R)^2 and tanh x <= x",
                Sampled(20, draw=draw, inputs=layers),
            ),
        ],
        {"bound_a_z_norm_inf": first, "bound_b_z_norm_inf": cubic},
        uses=TWO_VALUES,
    )


@derives("RANK-5b")
def two_tokens(claim: Claim) -> Derivation:
    """Write the difference of two logistic weights with hyperbolic functions."""
    bound = own(claim, "bound")
    names = {s.name: s for s in bound.free_symbols}
    scale = names["half_gap"] ** 2 * sp.Abs(names["score_gain"])
    denominator = (sp.cosh(h) + sp.cosh(m)) * (sp.cosh(h) + 1)
    return Derivation(
        claim.id,
        [
            Step(
                1 / (1 + sp.exp(-m - h)) - 1 / (1 + sp.exp(-m + h)),
                "=",
                sp.sinh(h) / (sp.cosh(h) + sp.cosh(m)),
                "weights of one token on the other, h = 2 a r^2 and m = 2 a r c",
                Reduces(),
            ),
            Step(
                sp.sinh(h) / (sp.cosh(h) + sp.cosh(m)),
                "<=",
                sp.sinh(h) / (sp.cosh(h) + 1),
                "cosh m = 1 + 2 sinh(m/2)^2",
                NonNegative(2 * sp.sinh(m / 2) ** 2 * sp.sinh(h) / denominator),
            ),
            Step(
                sp.sinh(h) / (sp.cosh(h) + 1),
                "=",
                bound,
                "equality at c = 0",
                Reduces({h: 2 * y, scale: y}),
            ),
        ],
        {"bound": bound},
        complete=True,
    )


@derives("RANK-5c")
def threshold(claim: Claim) -> Derivation:
    """Solve |w| tanh(|a| r^2) = 1."""
    star = own(claim, "r_star")
    names = {s.name: s for s in star.free_symbols}
    gain, value = sp.Symbol("a", positive=True), sp.Symbol("v", positive=True)
    moduli = {sp.Abs(names["score_gain"]): gain, sp.Abs(names["value_gain"]): 1 + value}
    level, fixed = sp.symbols("level r_star", positive=True)
    return Derivation(
        claim.id,
        [
            Step(
                (1 + value) * sp.tanh(gain * fixed**2),
                "=",
                sp.S.One,
                "the gap is mapped to itself at r*, |w| = 1 + v",
                Reduces({fixed: star.subs(moduli)}),
            ),
            Step(
                sp.sqrt(level / gain),
                "=",
                star,
                "level = artanh(1/|w|)",
                Reduces({**moduli, level: sp.atanh(1 / (1 + value))}),
            ),
        ],
        {"r_star": star},
        complete=True,
    )


@derives("RANK-5d")
def slope(claim: Claim) -> Derivation:
    """Differentiate log r' in log r."""
    value = own(claim, "slope")
    (name,) = value.free_symbols
    a, r = sp.symbols("a r", positive=True)
    return Derivation(
        claim.id,
        [
            Step(
                r * sp.Derivative(sp.log(r * sp.tanh(a * r**2)), r),
                "=",
                value,
                "r' = w r tanh(a r^2), y = a r^2",
                Reduces({name: a * r**2}),
            ),
        ],
        {"slope": value},
        complete=True,
    )


@derives("RANK-7d")
def cubic_collapse(claim: Claim) -> Derivation:
    """Iterate D' <= B D^3."""
    closed = own(claim, "log10_diameter_closed")
    names = {s.name: s for s in closed.free_symbols}
    L = names["L"]
    logarithms = sorted(closed.atoms(sp.core.function.AppliedUndef), key=str)
    constant = next(f for f in logarithms if "B" in str(f))
    start = next(f for f in logarithms if f != constant)
    return Derivation(
        claim.id,
        [
            *_tanh_below_identity(),
            Step(sp.Subs(closed, L, 0), "=", start, "no layer", Reduces()),
            Step(
                constant + 3 * closed.subs(L, L - 1),
                "=",
                closed,
                "one more layer cubes the diameter and multiplies by B",
                Reduces(),
            ),
        ],
        {"log10_diameter_closed": closed},
        uses=("RANK-7c",),
    )


@derives("RANK-8a")
def skip(claim: Claim) -> Derivation:
    """Project the layer; the mean row does not come back."""
    upper = own(claim, "upper_bound")
    names = {s.name: s for s in upper.free_symbols}
    T, d = (sp.Symbol(name, integer=True, positive=True) for name in ("T", "d"))
    P, J = sp.MatrixSymbol("P", T, T), sp.MatrixSymbol("J", T, T)
    X, W = sp.MatrixSymbol("X", T, d), sp.MatrixSymbol("W", d, d)
    Pi = sp.Identity(T) - J
    rules = Reduces(symmetric=(J,), products={(P, J): J, (J, J): J})
    growth = sp.Symbol("growth", positive=True)
    return Derivation(
        claim.id,
        [
            Step(Pi * P * Pi, "=", Pi * P, "P maps the constant vector to itself: P J = J", rules),
            Step(
                Pi * (X + P * X * W),
                "=",
                Pi * X + Pi * P * Pi * X * W,
                "so the residual of the layer depends on the residual of its input alone",
                rules,
            ),
            Step(
                names["frobenius"] + growth,
                "=",
                upper,
                "triangle inequality, and the same with a minus sign from below",
                Reduces({growth: names["rate"] * names["frobenius"]}),
            ),
        ],
        {"upper_bound": upper},
        uses=("triangle inequality", "norms of products are at most products of norms"),
    )


@derives("RANK-8c")
def path_lengths(claim: Claim) -> Derivation:
    """Take the mean of the binomial law from its generating function."""
    mean = own(claim, "mean_length")
    names = {s.name: s for s in mean.free_symbols}
    H, L = names["H"], names["L"]
    generating = ((1 + H * x) / (1 + H)) ** L
    return Derivation(
        claim.id,
        [
            Step(
                1 + H * x - (1 + H),
                "=",
                H * (x - 1),
                "each layer is skipped or taken by one of H heads: (1 + H x)^L counts paths",
                Reduces(),
            ),
            Step(
                sp.Subs(sp.Derivative(generating, x), x, 1),
                "=",
                mean,
                "derivative of the normalised generating function at 1",
                Reduces(),
            ),
        ],
        {"mean_length": mean},
        complete=False,
    )
