"""The trace calculus against sums over entries, and the moments of the chapters it derives."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from itertools import product
from math import prod

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import qktheory as qk
from qktheory.symbolic import (
    Form,
    HaarMean,
    canonical,
    correlated,
    cumulant,
    expectation,
    haar_coefficients,
    haar_mean,
    haar_moment,
    independent,
    matrix,
    symbol,
)
from qktheory.symbolic.formula import Formula
from qktheory.symbolic.wick import pairings
from qktheory.symbolic.words import canonical_word, reversed_word
from qktheory.theorems.bao2024.moments import C_NORM_SQUARED
from qktheory.theorems.claim import CLAIMS

W, V, SIGMA, M = matrix("W_QK"), matrix("V"), matrix("Sigma"), matrix("M")
d = symbol("d")
ONE = sp.Identity(d)


def zero(expression: sp.Expr, **options: object) -> bool:
    return canonical(expression, **options) == 0  # type: ignore[arg-type]


# --- words ----------------------------------------------------------------------------------------

letters = st.tuples(st.sampled_from([W, V, SIGMA]), st.booleans())


@given(st.lists(letters, min_size=1, max_size=6), st.integers(0, 5))
def test_a_trace_has_one_spelling(word: list[tuple[sp.MatrixSymbol, bool]], turn: int) -> None:
    spelled = canonical_word(tuple(word))
    turned = tuple(word[turn % len(word) :] + word[: turn % len(word)])
    assert canonical_word(turned) == spelled
    assert canonical_word(reversed_word(turned)) == spelled


@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [
        (W * V, V * W, True),
        (W * V, W.T * V.T, True),
        (W * V, W * V.T, False),
        (W * SIGMA * W, SIGMA * W.T * W.T, True),
        (W * W * V, W * V * W.T, False),
        ((W + W.T) * (W - W.T), sp.ZeroMatrix(d, d), True),
        ((W + V) ** 2, W**2 + V**2, False),
        (W * V * M, V * W * M, False),
    ],
)
def test_traces_are_equal_where_they_are(
    left: sp.MatrixExpr, right: sp.MatrixExpr, equal: bool
) -> None:
    difference = canonical(sp.Trace(left)) - canonical(sp.Trace(right).doit())
    assert (difference == 0) is equal


def test_projections_simplify_by_their_products() -> None:
    P, J = matrix("P"), matrix("J")
    rules = {(P, P): P, (J, J): J, (P, J): sp.ZeroMatrix(d, d), (J, P): sp.ZeroMatrix(d, d)}
    found = canonical(sp.Trace((P * (2 * ONE + 3 * J)) ** 2), products=rules)
    assert found == 4 * sp.Trace(P)


@pytest.mark.parametrize("bad", [W.I * V, W ** symbol("k"), sp.HadamardProduct(W, W)])
def test_what_is_no_word_is_refused(bad: sp.MatrixExpr) -> None:
    with pytest.raises(ValueError, match="matrix ="):
        canonical(sp.Trace(bad * W))


# --- Wick sums against moments of entries ---------------------------------------------------------

MATRICES = {"W_QK": np.array([[1.0, 2.0], [-1.0, 3.0]]), "V": np.array([[0.0, 1.0], [2.0, -1.0]])}
COVARIANCE = np.array([[2.0, 1.0], [1.0, 3.0]])
ROOT = np.linalg.cholesky(COVARIANCE)


def entrywise(forms: list[tuple[int, str, int]]) -> float:
    """Mean of a product of forms by expanding into monomials of standard normals."""
    polynomial: dict[tuple[int, ...], float] = {(0,) * 6: 1.0}
    for a, name, b in forms:
        whitened = ROOT.T @ MATRICES[name] @ ROOT
        longer: dict[tuple[int, ...], float] = defaultdict(float)
        for powers, value in polynomial.items():
            for i, j in product(range(2), repeat=2):
                raised = list(powers)
                raised[2 * a + i] += 1
                raised[2 * b + j] += 1
                longer[tuple(raised)] += value * whitened[i, j]
        polynomial = longer
    odd = {0: 1.0, 2: 1.0, 4: 3.0, 6: 15.0, 8: 105.0, 10: 945.0}
    return sum(v * prod(odd.get(p, 0.0) for p in powers) for powers, v in polynomial.items())


def value(expression: sp.Expr) -> float:
    return float(Formula(expression)({**MATRICES, "Sigma": COVARIANCE, "d": 2}))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.sampled_from(["W_QK", "V"]), st.integers(0, 2)),
        min_size=1,
        max_size=4,
    )
)
def test_means_of_products_are_sums_over_entries(forms: list[tuple[int, str, int]]) -> None:
    vectors = independent("x y z", SIGMA)
    found = expectation(sp.Mul(*(Form(vectors[a], matrix(m), vectors[b]) for a, m, b in forms)))
    assert value(found) == pytest.approx(entrywise(forms), rel=1e-11, abs=1e-9)


def test_cumulants_are_those_of_the_moments() -> None:
    (x,) = independent("x", SIGMA)
    form = Form(x, W, x)
    m = [expectation(form**k) for k in range(5)]
    k3 = m[3] - 3 * m[2] * m[1] + 2 * m[1] ** 3
    k4 = m[4] - 4 * m[3] * m[1] - 3 * m[2] ** 2 + 12 * m[2] * m[1] ** 2 - 6 * m[1] ** 4
    assert zero(cumulant(form, form, form) - k3)
    assert zero(cumulant(*[form] * 4) - k4)
    # SPEC-13a: 2^(k-1) (k-1)! tr (S Sigma)^k.
    symmetric = (W + W.T) / 2
    for k in (1, 2, 3, 4, 5):
        closed = 2 ** (k - 1) * sp.factorial(k - 1) * sp.Trace((symmetric * SIGMA) ** k)
        assert zero(cumulant(*[form] * k) - closed)


def test_bad_input_is_named() -> None:
    x, y = independent("x y", SIGMA)
    with pytest.raises(ValueError, match="M ="):
        Form(x, sp.MatrixSymbol("R", 2, 2), y)
    with pytest.raises(ValueError, match="vectors made by"):
        Form(sp.Symbol("x"), W, y)
    with pytest.raises(ValueError, match="gram ="):
        correlated("u v", [[1, 2], [3, 4]], SIGMA)
    with pytest.raises(ValueError, match="covariance ="):
        independent("x", sp.Symbol("s"))
    with pytest.raises(ValueError, match="polynomial in forms"):
        expectation(sp.exp(Form(x, W, y)))
    with pytest.raises(ValueError, match="at most 7"):
        expectation(Form(x, W, y) ** 8)
    with pytest.raises(ValueError, match="forms ="):
        cumulant()


# --- what the chapters state ----------------------------------------------------------------------


def values_of(claim: str) -> dict[str, sp.Expr]:
    return dict(CLAIMS[claim].values)  # type: ignore[arg-type]


def test_moments_of_a_random_walk() -> None:
    """LOC-1: gram of u = sum c_s z_s, v = sum z_s; c(i).c(j) and gamma are sums over s."""
    T, i, j, s = symbol("T"), symbol("key"), symbol("key_2"), sp.Symbol("s", integer=True)
    tail = -(T - s + 1) / T
    # With i <= j: c(i) is 1 + tail up to i, tail after it.
    gamma = sp.summation(sp.S.One, (s, 1, i)) + sp.summation(tail, (s, 1, T))
    dot = (
        sp.summation((1 + tail) ** 2, (s, 1, i))
        + sp.summation(tail * (1 + tail), (s, i + 1, j))
        + sp.summation(tail**2, (s, j + 1, T))
    )
    claimed = values_of("LOC-1a")
    assert sp.simplify(gamma - claimed["gamma"]) == 0
    assert sp.simplify(dot - claimed["c_dot"].subs(sp.Min(i, j), i)) == 0
    assert sp.simplify(dot.subs(j, i) - C_NORM_SQUARED) == 0
    gi, gj, cij, ci = (sp.Symbol(n) for n in ("gamma", "gamma_2", "c_dot", "c_norm_squared"))
    a, b, v = correlated("a b v", [[ci, cij, gi], [cij, ci, gj], [gi, gj, T]], SIGMA)
    xi, eta, eta_F = (
        sp.Trace(W * SIGMA),
        sp.Trace((W * SIGMA) ** 2),
        sp.Trace(W * SIGMA * W.T * SIGMA),
    )
    assert zero(expectation(Form(a, W, v)) - gi * xi)
    assert zero(cumulant(Form(a, W, v), Form(b, W, v)) - T * cij * eta_F - gi * gj * eta)
    assert zero(cumulant(Form(a, W, v), Form(a, W, v)) - T * ci * eta_F - gi**2 * eta)
    x, y, q = correlated("x y q", [[i, i, i], [i, j, j], [i, j, T]], SIGMA)
    assert zero(expectation(Form(x, W, q)) - i * xi)
    assert zero(cumulant(Form(x, W, q), Form(y, W, q)) - T * i * eta_F - i * j * eta)


def test_cumulants_of_a_centred_logit() -> None:
    """LOC-2, symmetric M: u has length r^2/T, so that r^2 = T |c|^2."""
    T, g, r2 = symbol("T"), symbol("gamma"), symbol("r_squared")
    u, v = correlated("u v", [[r2 / T, g], [g, T]], ONE)
    form = Form(u, M, v)
    third = sp.Trace(M**3) * (6 * r2 * g + 2 * g**3)
    fourth = 6 * sp.Trace(M**4) * (r2**2 + 6 * r2 * g**2 + g**4)
    assert zero(cumulant(*[form] * 3) - third, symmetric=[M])
    assert zero(cumulant(*[form] * 4) - fourth, symmetric=[M])
    assert not zero(cumulant(*[form] * 3) - third)  # not for a general M
    for name, expression in (("cumulant_3", third), ("cumulant_4", fourth)):
        claimed = values_of("LOC-2b")[name].subs(
            {symbol("trace_3"): sp.Trace(M**3), symbol("trace_4"): sp.Trace(M**4)}
        )
        assert zero(claimed - expression)


def test_fourth_order_in_quadratic_forms_has_105_terms() -> None:
    """SPEC-13: 1 + 12 + 12 + 32 + 48 pairings of four quadratic forms."""
    A = [matrix(f"A_{k}") for k in range(4)]
    (x,) = independent("x", ONE)
    found = expectation(sp.Mul(*(Form(x, a, x) for a in A)))
    S = [(a + a.T) / 2 for a in A]
    t = [sp.Trace(a) for a in A]

    def tr(*k: int) -> sp.Expr:
        return sp.Trace(sp.MatMul(*(S[n] for n in k)))

    closed = (
        prod(t)
        + 2 * sum(tr(i, j) * t[k] * t[m] for i, j, k, m in _pairs_and_rest())
        + 4 * (tr(0, 1) * tr(2, 3) + tr(0, 2) * tr(1, 3) + tr(0, 3) * tr(1, 2))
        + 8 * sum(tr(*[n for n in range(4) if n != m]) * t[m] for m in range(4))
        + 16 * (tr(0, 1, 2, 3) + tr(0, 1, 3, 2) + tr(0, 2, 1, 3))
    )
    assert zero(found - closed)
    ones = found.xreplace(dict.fromkeys(found.atoms(sp.Trace), sp.S.One))
    assert ones == 105 == len(list(pairings(range(8))))
    assert not zero(found - closed - tr(0, 1) * tr(2, 3) / 10)


def _pairs_and_rest() -> list[tuple[int, int, int, int]]:
    every = range(4)
    return [
        (i, j, *(n for n in every if n not in (i, j)))  # type: ignore[misc]
        for i in every
        for j in every
        if i < j
    ]


def test_fourth_order_in_bilinear_forms_has_nine_terms() -> None:
    A = [matrix(f"A_{k}") for k in range(4)]
    x, y = independent("x y", ONE)
    found = expectation(sp.Mul(*(Form(x, a, y) for a in A)))
    closed = sp.S.Zero
    for i, j, k, m in ((0, 1, 2, 3), (0, 2, 1, 3), (0, 3, 1, 2)):
        closed += sp.Trace(A[i] * A[j].T) * sp.Trace(A[k] * A[m].T)
        closed += sp.Trace(A[i] * A[k].T * A[j] * A[m].T)
        closed += sp.Trace(A[i] * A[m].T * A[j] * A[k].T)
    assert zero(found - closed)


def test_moments_of_spec_13b() -> None:
    x, y, z = independent("x y z", SIGMA)
    xy, yx = Form(x, W, y), Form(y, W, x)
    found = {
        "variance": xy**2,
        "moment_4": xy**4,
        "mean_forward_backward": xy * yx,
        "mean_three_cycle": xy * Form(y, W, z) * Form(z, W, x),
        "mean_mixed": Form(x, W, x) * xy * yx,
    }
    claimed = values_of("SPEC-13b")
    known = {symbol("variance"): claimed["variance"]}
    for name, expression in found.items():
        assert zero(expectation(expression) - claimed[name].subs(known)), name


def test_variance_of_the_logit_variance() -> None:
    """ENT-11: s^2 = x^T W Sigma W^T x/temperature^2 given the query."""
    (x,) = independent("x", SIGMA)
    form = Form(x, W * SIGMA * W.T, x)
    claimed = values_of("ENT-11a")
    assert zero(expectation(form) - claimed["mean_s2"] * symbol("temperature") ** 2)
    if isinstance(claimed["var_s2"], sp.Expr):
        assert zero(cumulant(form, form) - claimed["var_s2"] * symbol("temperature") ** 4)
    assert zero(cumulant(form, form) - 2 * sp.Trace((W * SIGMA * W.T * SIGMA) ** 2))


def test_relative_variance_for_iid_entries_of_w() -> None:
    """ENT-11 table: E (s^2/c^2)^2 - 1 = (1 + 2/d)^2 - 1 for W with iid N(0, c^2/d) entries."""
    x, v, w = independent("x v w", ONE)
    a, b = Form(x, ONE, v) ** 2, Form(x, ONE, w) ** 2
    second = d * expectation(a * a) + d * (d - 1) * expectation(a * b)
    first = d * expectation(a)
    assert sp.simplify(second / first**2 - (1 + 2 / d) ** 2) == 0


def test_norm_of_the_token_covariance() -> None:
    """RMT-9: columns of X are d iid vectors of length T with covariance (1 - rho) I + rho T J."""
    T, rho = symbol("T"), symbol("cosine")
    P, J, G = (sp.MatrixSymbol(name, T, T) for name in ("P", "J", "G"))
    u, v = independent("u v", G)
    square = d * expectation(Form(u, P, u) ** 2) + d * (d - 1) * expectation(Form(u, P, v) ** 2)
    nothing = sp.ZeroMatrix(T, T)
    rules = {(P, P): P, (J, J): J, (P, J): nothing, (J, P): nothing}
    inserted = square.subs(G, (1 - rho) * sp.Identity(T) + rho * T * J)
    found = canonical(inserted, [P, J], rules).subs(sp.Trace(P), T - 1) / T**2
    claimed = (1 - rho) ** 2 * (T - 1) * d * (T + d) / T**2
    assert sp.simplify(found - claimed) == 0
    # E over W_V, W_K of ||W_V^T C W_K||^2: d_v d_k forms in columns of variance sigma^2/d.
    C = matrix("C")
    (a,) = independent("a", symbol("sigma_V") ** 2 / d * ONE)
    (b,) = independent("b", symbol("sigma_K") ** 2 / d * ONE)
    norm = expectation(Form(a, C, b) ** 2)
    scale = symbol("sigma_V") ** 2 * symbol("sigma_K") ** 2 / d**2
    assert zero(norm - scale * sp.Trace(C * C.T))


# --- Haar averages --------------------------------------------------------------------------------


def test_haar_moments_of_the_chapter() -> None:
    """SPEC-2: the four moments at d = 3 and as functions of d."""
    D = d * (d - 1) * (d + 2)
    closed = {
        ((0, 0, 0, 0), (0, 0, 0, 0)): 3 / (d * (d + 2)),
        ((0, 0, 0, 0), (0, 0, 1, 1)): 1 / (d * (d + 2)),
        ((0, 0, 1, 1), (0, 0, 1, 1)): (d + 1) / D,
        ((0, 0, 1, 1), (0, 1, 0, 1)): -1 / D,
    }
    for (rows, columns), formula in closed.items():
        assert sp.simplify(haar_moment(rows, columns, d) - formula) == 0
    assert haar_moment((0, 0, 1), (0, 0, 1), d) == 0


def test_haar_rows_have_length_one_at_every_order() -> None:
    """sum_j O_1j^2 = 1 to the powers 2, 3 and 4: checks the Weingarten function of each order."""
    for n in (2, 3, 4):
        total = sp.S.Zero
        for partition in _set_partitions(n):
            columns = [c for c in partition for _ in range(2)]
            free = sp.prod([d - k for k in range(len(set(partition)))])
            total += free * haar_moment([0] * (2 * n), columns, d)
        assert sp.simplify(total - 1) == 0


def _set_partitions(n: int) -> list[tuple[int, ...]]:
    found: list[tuple[int, ...]] = [()]
    for _ in range(n):
        found = [(*p, k) for p in found for k in range(max(p, default=-1) + 2)]
    return found


def test_second_moments_of_a_rotated_matrix() -> None:
    """SPEC-2c, and E W M W = c_0 M + c_1 M^T + c_2 tr(M) I."""
    claimed = values_of("SPEC-2c")
    traces = {
        symbol("xi"): sp.Trace(W),
        symbol("eta"): sp.Trace(W * W),
        symbol("eta_F"): sp.Trace(W * W.T),
    }
    coefficients = haar_coefficients(W)
    for k, found in enumerate(coefficients):
        difference = found - claimed[f"coef_{k}"].subs(traces)
        assert sp.simplify(canonical(difference)) == 0
    c_0, c_1, c_2 = coefficients
    mean = haar_mean(sp.Trace(W * M * W * V), W)
    closed = c_0 * sp.Trace(M * V) + c_1 * sp.Trace(M.T * V) + c_2 * sp.Trace(M) * sp.Trace(V)
    assert sp.simplify(canonical(mean - closed)) == 0
    assert sp.simplify(haar_mean(sp.Trace(W), W) - sp.Trace(W)) == 0
    assert sp.simplify(HaarMean(sp.Trace(W * W), W).doit() - sp.Trace(W**2)) == 0


def test_haar_means_of_invariants_are_the_invariants() -> None:
    """Traces of words in W alone do not depend on O: the 15 x 15 sum of order 3 must collapse."""
    for word in (W * W * W.T, W**3):
        assert sp.simplify(canonical(haar_mean(sp.Trace(word), W) - sp.Trace(word))) == 0
    with pytest.raises(ValueError, match="at most 4 times"):
        haar_mean(sp.Trace(W**4 * M * W), W)


def test_rational_values_of_the_chapter() -> None:
    values = {"d": 4, "xi": 1, "eta_F": 5, "eta": 2}
    expected = [Fraction(-1, 36), Fraction(11, 36), Fraction(1, 18)]
    names = {sp.Trace(W): "xi", sp.Trace(W * W): "eta", canonical(sp.Trace(W * W.T)): "eta_F"}
    for found, fraction in zip(haar_coefficients(W), expected, strict=True):
        known = {t: sp.Integer(values[name]) for t, name in names.items()}
        number = canonical(found).xreplace(known).subs(d, 4)
        assert sp.nsimplify(number) == sp.Rational(fraction.numerator, fraction.denominator)


def test_the_calculus_is_on_the_surface() -> None:
    assert qk.symbolic.expectation is expectation
