"""Certificates: what is certified is true, near-equalities and false inequalities never are."""

from __future__ import annotations

import sys
from fractions import Fraction

import mpmath
import pytest
import sympy as sp
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from qktheory.symbolic import balls
from qktheory.symbolic.balls import INSTALL, ball, enclose, hull
from qktheory.symbolic.certificates import certify
from qktheory.symbolic.checks import (
    Certified,
    Expands,
    NonNegative,
    Reduces,
    SameIntegrals,
    Sampled,
)
from qktheory.symbolic.derivation import Step

x, y = sp.symbols("x y", positive=True)
M = x / (1 - sp.exp(-x))


@pytest.mark.parametrize(
    ("inequality", "box"),
    [
        (sp.tanh(x) < x, {x: ("1/100", 50)}),
        (sp.log(1 + x) < x, {x: ("1/1000", 100)}),
        (M - 1 - sp.log(M) < x**2 / 8, {x: ("1/2", 20)}),
        (x * y <= (x**2 + y**2) / 2 + sp.Rational(1, 100), {x: (0, 1), y: (0, 1)}),
        (sp.exp(x) > 1 + x, {x: ("1/10", 3)}),
        (sp.sqrt(x) >= x, {x: ("1/10", "9/10")}),
    ],
)
def test_true_inequalities_are_certified(
    inequality: sp.Rel, box: dict[sp.Symbol, tuple[object, object]]
) -> None:
    found = certify(inequality, box)
    assert found.verdict == "certified"
    assert found.margin >= 0.0


@pytest.mark.parametrize("digits", [3, 6, 12, 25])
def test_near_equalities_that_are_false_are_never_certified(digits: int) -> None:
    """tanh x <= x with the right side too small by 10^-digits at the box's lower end."""
    low = sp.Rational(1, 10)
    with mpmath.workdps(60):
        edge = sp.Rational(mpmath.nstr(mpmath.tanh(mpmath.mpf(1) / 10), 50))
    small = sp.Rational(1, 10**digits)
    for gap, verdict in ((small, "certified"), (-small, "refuted")):
        # The tangent from above touches tanh at the lower end, up to the gap.
        line = edge + gap + (x - low) * (1 - edge**2)
        found = certify(sp.tanh(x) <= line, {x: ("1/10", 1)}, most_pieces=3000)
        assert found.verdict in (verdict, "open")
        assert verdict == "certified" or found.verdict != "certified"


def test_an_equality_inside_the_box_stays_open() -> None:
    assert certify(sp.tanh(x) <= x, {x: (0, 1)}, most_pieces=500).verdict == "open"
    assert certify(sp.tanh(x) < x, {x: (0, 1)}, most_pieces=500).verdict != "certified"


def test_a_refutation_is_a_point_anyone_can_check() -> None:
    found = certify(sp.exp(x) < 1 + x + x**2, {x: (0, 4)})
    assert found.verdict == "refuted"
    assert found.counterexample is not None
    at = found.counterexample[x]
    with mpmath.workdps(40):
        point = mpmath.mpf(at.numerator) / at.denominator
        assert mpmath.exp(point) >= 1 + point + point**2


coefficients = st.integers(-5, 5)


@settings(max_examples=60, deadline=None)
@given(st.lists(coefficients, min_size=2, max_size=5), st.integers(-8, 8), st.integers(1, 40))
def test_no_false_polynomial_inequality_is_certified(
    terms: list[int], shift: int, scale: int
) -> None:
    """p >= c on [0, 1] against exact values at 65 rational points."""
    constant = sp.Rational(shift, scale)
    polynomial = sum(c * x**k for k, c in enumerate(terms)) + sp.Integer(0)
    assume(sp.sympify(polynomial).has(x))
    found = certify(
        sp.GreaterThan(polynomial, constant, evaluate=False), {x: (0, 1)}, most_pieces=400
    )
    points = [sp.Rational(k, 64) for k in range(65)]
    smallest = min(sp.sympify(polynomial).subs(x, p) for p in points)
    if smallest < constant:
        assert found.verdict != "certified"
    if found.verdict == "refuted":
        assert found.counterexample is not None
        at = found.counterexample[x]
        value = sp.sympify(polynomial).subs(x, sp.Rational(at.numerator, at.denominator))
        assert value < constant


@given(st.fractions(0, 3), st.fractions(0, 3), st.fractions(0, 1))
def test_a_ball_holds_every_value_on_its_piece(a: Fraction, b: Fraction, share: Fraction) -> None:
    low, high = min(a, b), max(a, b)
    inside = low + share * (high - low)
    expression = sp.exp(-x) * sp.sqrt(1 + x**2) + sp.log(2 + x) ** 2 / (1 + sp.cosh(x))
    value = enclose(expression)
    assert value({x: hull(low, high)}).contains(value({x: ball(inside)}))


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match="inequality ="):
        certify(sp.Eq(x, 1), {x: (0, 1)})
    with pytest.raises(ValueError, match=r"box = .*ends for y"):
        certify(sp.StrictLessThan(x, y), {x: (0, 1)})
    with pytest.raises(ValueError, match=r"x = 0\.1: expected an exact number"):
        certify(x < 2, {x: (0.1, 1)})
    with pytest.raises(ValueError, match="low <= high"):
        certify(x < 2, {x: (1, 0)})
    with pytest.raises(ValueError, match="exact numbers"):
        certify(x < 1.5 * sp.exp(x), {x: (0, 1)})
    with pytest.raises(ValueError, match="expression ="):
        certify(sp.besselj(0, x) < 2, {x: (0, 1)})


def test_without_flint_nothing_is_certified(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "flint", None)
    balls._flint.cache_clear()
    try:
        check = Certified({x: (1, 2)})
        step = Step(sp.tanh(x), "<=", x, "less than the identity", check)
        assert step.status == INSTALL == "not certified: install qktheory[rigor]"
        assert not check.holds(sp.tanh(x), "<=", x)
        with pytest.raises(ValueError, match=r"install qktheory\[rigor\]"):
            certify(sp.tanh(x) < x, {x: (1, 2)})
    finally:
        monkeypatch.undo()
        balls._flint.cache_clear()
    assert Certified({x: (1, 2)}).status == "certified"


# --- the other checks -----------------------------------------------------------------------------


def test_checks_refuse_what_does_not_hold() -> None:
    assert not Reduces().holds(sp.sin(x), "=", x)
    assert not Reduces().holds(x, "<=", x + 1)
    assert not NonNegative(x - 1).holds(2 * x, ">=", x + 1)  # True only for x >= 1.
    assert not NonNegative(x).holds(2 * x, ">=", x / 2)  # Not the difference.
    assert not NonNegative((x - y) ** 2).holds(x**2 + y**2, ">", 2 * x * y)  # May vanish.
    assert not Expands(x, 4).holds(sp.sin(x), "=", x)
    assert Expands(x, 3).holds(sp.sin(x), "=", x)
    assert not Sampled(4).holds(sp.exp(x), "=", sp.exp(x) + sp.Rational(1, 10**40))
    assert Sampled(4).holds(sp.exp(x), ">=", 1 + x)
    assert not Sampled(8).holds(sp.exp(x), "<=", 1 + x)


@pytest.mark.parametrize("check", [Reduces(), SameIntegrals()], ids=["reduces", "same"])
def test_no_sign_is_taken_for_granted_of_a_sum_or_integral(check: Reduces | SameIntegrals) -> None:
    """The root of a square is the modulus; sums of squares alone are known not to be negative."""
    i, n = sp.symbols("i n", integer=True, positive=True)
    g = sp.Symbol("g", real=True)
    u, f = sp.IndexedBase("u", real=True), sp.Function("f", real=True)
    for unknown in (sp.Sum(u[i], (i, 1, n)), sp.Integral(f(g), (g, 0, 1))):
        assert not check.holds(sp.sqrt(unknown**2), "=", unknown)
        assert check.holds(unknown**2 / unknown, "=", unknown)
    squares = sp.Sum(u[i] ** 2, (i, 1, n))
    assert check.holds(sp.sqrt(squares**2), "=", squares)
