"""Checks of the lesson on random matrices of attention."""

from __future__ import annotations

import numpy as np
import sympy as sp
from scipy.optimize import brentq

import qktheory as qk

from . import close, exercise, formula, number, numbers, same_formula

_POINTS = [0.3, 0.8, 1.1]


@exercise("6.1")
def third_central_moment(answer: object) -> str | None:
    """E w^3 - 3 E w^2 + 2 with E w^k = e^(s^2 k (k-1)/2)."""
    found = formula(answer, ["s"])
    s = sp.Symbol("s", positive=True)
    right = sp.exp(3 * s**2) - 3 * sp.exp(s**2) + 2
    if same_formula(found, right, s=_POINTS):
        return None
    if same_formula(found, sp.exp(3 * s**2), s=_POINTS):
        return "That is E w^3, about zero. About the mean, expand (w - 1)^3."
    return "Expand (w - 1)^3 and use E w^k = exp(s^2 k (k - 1)/2) for k = 1, 2, 3."


def _lambda2(s2: float) -> float:
    return float(qk.evaluate("RMT-2", T=100, s2=s2)["lambda2_modulus"])


@exercise("6.2")
def width_of_a_radius(answer: object) -> str | None:
    """c_T^2 = 1 at T = 100, by the exact integral."""
    s2 = number(answer)
    right = brentq(lambda one: _lambda2(one) - 0.1, 0.1, 2.0, xtol=1e-10)
    if close(s2, right, rel=2e-3):
        return None
    if close(s2, np.log(2.0), rel=2e-3):
        return "That is c = 1. At T = 100 the exact c_T is smaller; solve RMT-2 numerically."
    if close(s2**2, right, rel=2e-3) or close(s2, np.sqrt(right), rel=2e-3):
        return "Is that s, or s^2?"
    if 0.0 < s2 < 5.0:
        return f"At your s^2 the modulus is {_lambda2(s2):.4f}."
    return "|lambda_2| = c_T/sqrt(T): which c_T makes it 0.1?"


@exercise("6.3")
def five_moduli(answer: object) -> str | None:
    """W Sigma has the eigenvalues 1/2 and -0.4: 1, 1/2, 0.4, 1/4, 0.2."""
    found = numbers(answer, 5, "a list of five numbers")
    claimed = qk.evaluate("RMT-4a", W_QK=np.diag([0.125, -0.4]), Sigma=np.diag([4.0, 1.0]), count=5)
    right = np.array(claimed["attention_eigenvalue_moduli"])
    if close(found, right, rel=1e-3):
        return None
    if close(np.sort(np.abs(found))[::-1], right, rel=1e-3):
        return "These are the five; moduli are positive, and the largest comes first."
    if not close(found[0], 1.0):
        return "One eigenvalue is the same for every attention matrix."
    if not close(found[1], 0.5, rel=1e-3):
        return "The covariance of the tokens matters: look at the eigenvalues of W Sigma."
    return "Products of powers: of which degree is the fourth largest?"


@exercise("6.4")
def twice_iid(answer: object) -> str | None:
    """c^2 + s^2/delta = 4 c^2 at delta = s^2/(3 c^2)."""
    found = formula(answer, ["s2"])
    s2 = sp.Symbol("s2", positive=True)
    right = s2 / (3 * (sp.exp(s2) - 1))
    if same_formula(found, right, s2=_POINTS):
        return None
    if same_formula(found, 3 * right, s2=_POINTS):
        return "There c^2 + s^2 T/d is twice c^2, and the modulus is its root."
    if same_formula(1 / found, right, s2=_POINTS):
        return "That is T/d."
    return "Solve c^2 + s^2 T/d = 4 c^2 for d/T, with c^2 = e^(s^2) - 1."
