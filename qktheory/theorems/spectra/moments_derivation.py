"""How SPEC-2, SPEC-7 and SPEC-13 are known: Weingarten sums, words, Wick pairings."""

from __future__ import annotations

import sympy as sp

from qktheory.symbolic.checks import Reduces
from qktheory.symbolic.derivation import Derivation, Step
from qktheory.symbolic.symbols import matrix, symbol
from qktheory.symbolic.weingarten import HaarCoefficient, HaarMean, HaarMoment
from qktheory.symbolic.wick import Covariance, Form, JointCumulant, Mean, independent
from qktheory.theorems.claim import Claim
from qktheory.theorems.derivations import derives, own

d, W, SIGMA = symbol("d"), matrix("W_QK"), matrix("Sigma")
ONE = sp.Identity(d)
TRACES = {
    symbol("xi"): sp.Trace(W),
    symbol("eta"): sp.Trace(W * W),
    symbol("eta_F"): sp.Trace(W * W.T),
}
ISSERLIS = ("Isserlis' theorem",)
INVARIANCE = ("the mean over the Haar measure is invariant under O(d) on both sides",)


@derives("SPEC-2a")
def fourth_moments(claim: Claim) -> Derivation:
    """Sum the Weingarten function over the pairings that the indices allow."""
    entries = {
        "mean_o11_4": ((0, 0, 0, 0), (0, 0, 0, 0)),
        "mean_o11_2_o12_2": ((0, 0, 0, 0), (0, 0, 1, 1)),
        "mean_o11_2_o22_2": ((0, 0, 1, 1), (0, 0, 1, 1)),
        "mean_o11_o12_o21_o22": ((0, 0, 1, 1), (0, 1, 0, 1)),
    }
    reason = "inverse of the Gram matrix d^loops of pairings, summed over pairings of both indices"
    return Derivation(
        claim.id,
        [
            Step(HaarMoment(rows, columns, d), "=", own(claim, name), reason, Reduces())
            for name, (rows, columns) in entries.items()
        ],
        {name: own(claim, name) for name in entries},
        uses=INVARIANCE,
        complete=True,
    )


@derives("SPEC-2c")
def rotated_matrix(claim: Claim) -> Derivation:
    """Average O W_0 O^T once and twice."""
    N, M = matrix("N"), matrix("M")
    names = ("coef_0", "coef_1", "coef_2")
    pairs = sp.Trace(M * N), sp.Trace(M.T * N), sp.Trace(M) * sp.Trace(N)
    total = sum(own(claim, name) * pair for name, pair in zip(names, pairs, strict=True))
    return Derivation(
        claim.id,
        [
            Step(
                HaarMean(sp.Trace(W * N), W) / sp.Trace(N),
                "=",
                own(claim, "mean_diagonal"),
                "E tr(W N) = (xi/d) tr N for every N",
                Reduces(TRACES),
            ),
            Step(
                HaarMean(sp.Trace(W * M * W * N), W),
                "=",
                total,
                "E W M W = c_0 M + c_1 M^T + c_2 tr(M) I, against every N",
                Reduces(TRACES),
            ),
            *(
                Step(
                    HaarCoefficient(W, k),
                    "=",
                    own(claim, name),
                    "sum over pairings of the inner indices, Weingarten function of d",
                    Reduces(TRACES),
                )
                for k, name in enumerate(names)
            ),
        ],
        {name: own(claim, name) for name in ("mean_diagonal", *names)},
        uses=INVARIANCE,
        complete=True,
    )


@derives("SPEC-7a")
def exact_targets(claim: Claim) -> Derivation:
    """Sum the affine image of a shape, and its squares."""
    xi, eta = symbol("xi"), symbol("eta")
    scale, spread, v, v_0, square = sp.symbols("a u_i v v_0 sum_u2", positive=True)
    eigenvalues = own(claim, "eigenvalues")
    squares = next(s for s in eigenvalues.atoms(sp.Sum) if s.function.is_Pow)
    deviation = squares.function.base
    return Derivation(
        claim.id,
        [
            Step(
                d * (xi / d) ** 2 + scale**2 * square,
                "=",
                eta,
                "sum of squares of xi/d + a u_i where the u_i have sum 0 and a^2 = v/v_0",
                Reduces({scale: sp.sqrt((eta / d - xi**2 / d**2) / v_0)} | {square: d * v_0}),
            ),
            Step(
                xi / d + sp.sqrt(v / v_0) * spread,
                "=",
                eigenvalues,
                "v = eta/d - xi^2/d^2 and v_0 the population variance of the shape",
                Reduces({v: eta / d - xi**2 / d**2, v_0: squares / d, spread: deviation}),
            ),
        ],
        {"eigenvalues": eigenvalues},
        complete=True,
    )


@derives("SPEC-7b")
def feasible(claim: Claim) -> Derivation:
    """Write each margin as the squared norm of a matrix."""
    L = matrix("L")
    centred = (W + W.T) / 2 - sp.Trace(W) / d * ONE
    real = {symbol("xi"): sp.Trace(L), symbol("eta"): sp.Trace(L * L)}
    difference = W - W.T
    return Derivation(
        claim.id,
        [
            Step(
                sp.Trace((L - sp.Trace(L) / d * ONE) ** 2),
                "=",
                own(claim, "margin_real"),
                "L = diag(real eigenvalues): a sum of squares, 0 only for equal eigenvalues",
                Reduces(real, symmetric=(L,)),
            ),
            Step(
                sp.Trace(difference * difference.T) / 2,
                "=",
                own(claim, "margin_antisymmetric"),
                "the norm of the antisymmetric part, any number >= 0 for d >= 2",
                Reduces(TRACES),
            ),
            Step(
                sp.Trace(centred * centred.T),
                "=",
                own(claim, "margin_symmetric"),
                "the norm of the traceless symmetric part, any number >= 0 for d >= 2",
                Reduces(TRACES),
            ),
        ],
        {
            name: own(claim, name)
            for name in ("margin_real", "margin_antisymmetric", "margin_symmetric")
        },
        complete=True,
    )


@derives("SPEC-7d")
def parts(claim: Claim) -> Derivation:
    """Compare words of the symmetric and the antisymmetric part."""
    eta, eta_F = own(claim, "eta"), own(claim, "eta_F")
    names = ("antisymmetric_norm_squared", "symmetric_norm_squared")
    return Derivation(
        claim.id,
        [
            Step((eta_F - eta) / 2, "=", own(claim, names[0]), "words of W and W^T", Reduces()),
            Step((eta_F + eta) / 2, "=", own(claim, names[1]), "words of W and W^T", Reduces()),
        ],
        {name: own(claim, name) for name in names},
        complete=True,
    )


@derives("SPEC-13a")
def quadratic_form(claim: Claim) -> Derivation:
    """Count pairings of x^T W x."""
    (x,) = independent("x", SIGMA)
    (g,) = independent("g", ONE)
    form, plain = Form(x, W, x), Form(g, W, g)
    symmetric = (W + W.T) / 2
    return Derivation(
        claim.id,
        [
            Step(Mean(form), "=", own(claim, "mean"), "one pairing", Reduces()),
            *(
                Step(
                    JointCumulant(*[form] * k),
                    "=",
                    2 ** (k - 1) * sp.factorial(k - 1) * sp.Trace((symmetric * SIGMA) ** k),
                    f"the {2 ** (k - 1) * sp.factorial(k - 1)} connected pairings of order {k}",
                    Reduces(),
                )
                for k in (3, 4, 5)
            ),
            Step(
                d / (d + 2) * Mean(plain**2) - Mean(plain) ** 2,
                "=",
                own(claim, "sphere_variance"),
                "on the sphere |x|^2 = d second moments shrink by d^2/(d (d + 2)), at Sigma = I",
                Reduces(),
            ),
            Step(
                Covariance(form, form),
                "=",
                own(claim, "variance"),
                "two connected pairings",
                Reduces(),
            ),
        ],
        {name: own(claim, name) for name in ("mean", "sphere_variance", "variance")},
        uses=(*ISSERLIS, "length and direction of a Gaussian vector are independent"),
    )


@derives("SPEC-13b")
def bilinear_form(claim: Claim) -> Derivation:
    """Average products of forms in up to three vectors."""
    x, y, z = independent("x y z", SIGMA)
    xy, yx = Form(x, W, y), Form(y, W, x)
    products = {
        "variance": xy**2,
        "moment_4": xy**4,
        "mean_forward_backward": xy * yx,
        "mean_three_cycle": xy * Form(y, W, z) * Form(z, W, x),
        "mean_mixed": Form(x, W, x) * xy * yx,
    }
    given = {symbol("variance"): own(claim, "variance")}
    return Derivation(
        claim.id,
        [
            Step(Mean(product), "=", own(claim, name), "sum over pairings", Reduces(given))
            for name, product in products.items()
        ],
        {name: own(claim, name) for name in products},
        uses=ISSERLIS,
        complete=True,
    )


@derives("SPEC-13c")
def four_forms(claim: Claim) -> Derivation:
    """Sum 105 and 9 pairings of four forms."""
    x, y = independent("x y", ONE)
    A = [matrix(f"A_{k}") for k in (1, 2, 3, 4)]
    size = own(claim, "covariance_12").atoms(sp.MatrixSymbol)
    named = {m.name: m for m in size | own(claim, "mean_product_bilinear").atoms(sp.MatrixSymbol)}
    A = [named.get(a.name, a) for a in A]
    product = own(claim, "mean_product_quadratic")
    symmetric = {
        m: (A[int(m.name[-1]) - 1] + A[int(m.name[-1]) - 1].T) / 2
        for m in product.atoms(sp.MatrixSymbol)
        if m.name.startswith("S_")
    }
    return Derivation(
        claim.id,
        [
            Step(
                Covariance(Form(x, A[0], x), Form(x, A[1], x)),
                "=",
                own(claim, "covariance_12"),
                "two connected pairings",
                Reduces(),
            ),
            Step(
                Mean(sp.Mul(*(Form(x, a, y) for a in A))),
                "=",
                own(claim, "mean_product_bilinear"),
                "nine pairings: three of the copies of x, three of those of y",
                Reduces(),
            ),
            Step(
                Mean(sp.Mul(*(Form(x, a, x) for a in A))),
                "=",
                product,
                "all 105 pairings, S_i the symmetric part of A_i",
                Reduces(symmetric),
            ),
        ],
        {
            name: own(claim, name)
            for name in ("covariance_12", "mean_product_bilinear", "mean_product_quadratic")
        },
        uses=ISSERLIS,
        complete=True,
    )
