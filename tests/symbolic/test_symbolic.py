"""Formulas: what is shown is what is evaluated, to all digits of a double."""

from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from qktheory.symbolic.formula import Formula
from qktheory.symbolic.functions import NormalInterval
from qktheory.symbolic.symbols import latex_names, matrix, symbol, vector

T, key, key_2 = symbol("T"), symbol("key"), symbol("key_2")
xi, eta, theta = symbol("xi"), symbol("eta"), symbol("theta")


def exact(expression: sp.Basic, values: dict[str, float], digits: int = 50) -> mp.mpf:
    """The expression at exactly these doubles, to 50 digits."""
    at = {symbol(name): sp.Rational(value) for name, value in values.items()}
    return mp.mpf(str(sp.N(expression.subs(at).doit(), digits)))


SCALARS = {
    "polynomial": (2 * T**2 - 6 * T * key + 3 * T + 6 * key**2 - 6 * key + 1) / (6 * T),
    "minimum": T * sp.Min(key, key_2) * eta + key * key_2 * xi,
    "power": (2 * sp.pi * eta * (theta + 1)) ** sp.Rational(-1, 2),
    "logistic": 1 / (1 + sp.exp(-(xi - sp.log(T)))),
    "absolute value": sp.Min(sp.Rational(1, 2), 1 / sp.Abs(xi)),
    "piecewise": sp.Piecewise((sp.Abs(xi), sp.Ne(xi, 0)), (eta, True)),
    "interval": NormalInterval(-xi / sp.sqrt(eta), (1 - xi) / sp.sqrt(eta)),
}


@pytest.mark.parametrize("name", SCALARS)
@given(
    T_=st.integers(1, 500),
    key_=st.integers(1, 500),
    xi_=st.floats(-20.0, 20.0).filter(lambda x: x == 0 or abs(x) > 1e-3),
    eta_=st.floats(0.05, 9.0),
    theta_=st.floats(0.0, 1.0),
)
@settings(max_examples=30, deadline=None)
def test_closed_forms_agree_with_fifty_digits(
    name: str, T_: int, key_: int, xi_: float, eta_: float, theta_: float
) -> None:
    if name == "absolute value" and xi_ == 0:
        return
    values = {"T": T_, "key": key_, "key_2": T_, "xi": xi_, "eta": eta_, "theta": theta_}
    found = Formula(SCALARS[name])(values)
    want = exact(SCALARS[name], values)
    # An interval far out in a tail at x has the condition number x^2.
    size = 1.0 + (xi_**2 / eta_ if name == "interval" else abs(xi_))
    terms = abs(T_ * T_ * eta_) + abs(key_ * T_ * xi_) if name == "minimum" else abs(want)
    terms = max(terms, T_ + key_) if name == "polynomial" else terms
    # Below the normal range of doubles there are no relative accuracies.
    assert abs(found - want) <= 1e-14 * size * terms + 1e-300


@given(low=st.floats(-40.0, 40.0), width=st.floats(1e-6, 40.0))
@settings(max_examples=200, deadline=None)
def test_intervals_of_the_normal_law_keep_relative_accuracy(low: float, width: float) -> None:
    """Tails down to the smallest double; condition number of the end nearest to 0: x^2."""
    high = low + width
    low_, high_ = symbol("low"), symbol("high")
    found = Formula(NormalInterval(low_, high_))({"low": low, "high": high})
    with mp.workdps(60):
        a, b = mp.mpf(low), mp.mpf(high)
        want = (mp.erfc(a / mp.sqrt(2)) - mp.erfc(b / mp.sqrt(2))) / 2
        if a < 0:
            want = (mp.erfc(-b / mp.sqrt(2)) - mp.erfc(-a / mp.sqrt(2))) / 2
        if want < mp.mpf("1e-300"):
            assert found <= 1.1e-300
            return
        nearest = 0.0 if low < 0 < high else min(abs(low), abs(high))
        assert abs(found - want) <= 1e-14 * (1 + nearest**2) * want
        if nearest > 9.0:  # the wrong twin, a difference of two values near 1, is 0 or noise
            naive = float(mp.ncdf(b)) - float(mp.ncdf(a)) if low > 0 else None
            assert naive is None or abs(naive - want) > 0.5 * want


def test_the_interval_is_a_sympy_function() -> None:
    x = sp.Symbol("x", real=True)
    assert NormalInterval(-sp.oo, 0).doit() == sp.Rational(1, 2)
    assert NormalInterval(-sp.oo, sp.oo).doit() == 1
    density = sp.exp(-(x**2) / 2) / sp.sqrt(2 * sp.pi)
    assert sp.simplify(sp.diff(NormalInterval(0, x), x) - density) == 0
    assert sp.simplify(sp.diff(NormalInterval(x, 3), x) + density) == 0
    assert sp.latex(NormalInterval(0, x)) == r"\left[\Phi\left(x\right)-\Phi\left(0\right)\right]"
    assert sp.latex(NormalInterval(0, x) ** 2).endswith(r"\right]^{2}")
    assert NormalInterval(9, sp.oo).evalf(30) == sp.N(sp.erfc(9 / sp.sqrt(2)) / 2, 30)


def test_minima_of_large_integers_are_exact() -> None:
    """10^30 + 1 is no double; the wrong twin goes through NumPy."""
    formula = Formula(sp.Min(key, key_2) - T)
    big = 10**30
    assert formula({"key": big + 1, "key_2": big + 7, "T": big}) == 1
    assert float(np.minimum(float(big + 1), float(big + 7)) - big) == 0.0
    keys = np.arange(1, 5)
    np.testing.assert_array_equal(formula({"key": keys, "key_2": 3, "T": 0}), [1, 2, 3, 3])


def test_polynomials_in_sizes_are_exact_for_huge_sizes() -> None:
    formula = Formula(6 * key**2 - T * key)
    assert formula({"T": 6 * 10**15 - 1, "key": 10**15}) == 10**15


def test_traces_of_matrices() -> None:
    W, S = matrix("W_QK"), matrix("Sigma")
    rng = np.random.default_rng(0)
    w, s = rng.normal(size=(2, 4, 4))
    formula = Formula(sp.Trace(W * S * W.T * S) / symbol("temperature") ** 2)
    found = formula({"W_QK": w, "Sigma": s, "temperature": 2.0})
    assert found == pytest.approx(np.trace(w @ s @ w.T @ s) / 4.0, rel=1e-13)
    x = vector("x")
    quadratic = Formula(sp.Trace(x.T * W * x))
    assert quadratic({"x": w[:, :1], "W_QK": s}) == pytest.approx(
        float((w[:, :1].T @ s @ w[:, :1])[0, 0]), rel=1e-13
    )
    assert formula.arguments == ("Sigma", "W_QK", "temperature")


def test_one_name_is_one_symbol() -> None:
    assert symbol("xi") is symbol("xi")
    assert matrix("M") is matrix("M")
    assert symbol("anything").is_real
    assert symbol("T").is_integer
    assert symbol("temperature").is_positive
    with pytest.raises(KeyError, match="xi"):
        Formula(symbol("xi"))({})


def test_formulas_broadcast() -> None:
    formula = Formula(NormalInterval(-xi * theta, 1 - theta))
    positions = np.linspace(0.0, 1.0, 5)
    at_once = formula({"xi": 2.0, "theta": positions})
    one_by_one = [formula({"xi": 2.0, "theta": float(p)}) for p in positions]
    np.testing.assert_allclose(at_once, one_by_one, rtol=1e-15)


def test_latex_uses_the_letters_of_the_theory() -> None:
    expression = symbol("eta_F") * symbol("xi") + sp.Trace(matrix("Sigma"))
    text = sp.latex(expression, symbol_names=latex_names(expression))
    assert r"\eta_F" in text
    assert r"\Sigma" in text
