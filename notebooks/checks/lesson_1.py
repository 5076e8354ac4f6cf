"""Checks of the lesson on softmax rows as a random energy model."""

from __future__ import annotations

import math

import sympy as sp

import qktheory as qk

from . import close, exercise, formula, number, same_formula


@exercise("1.1")
def half_of_the_entropy_in_the_limit(answer: object) -> str | None:
    """Width at which E H = log T/2 in the limit, T = 4096: 1 - b^2 = 1/2."""
    s = number(answer, "a number, the width s")
    s_c = qk.evaluate("ENT-0b", T=4096, s=1.0)["s_c"]
    right = s_c * math.sqrt(0.5)
    if close(s, right, rel=2e-3):
        return None
    if close(s, math.sqrt(0.5), rel=2e-3):
        return "That is b. The question is about s = b s_c."
    if close(s, s_c / 2, rel=2e-3):
        return "The entropy falls like 1 - b^2, not like 1 - b."
    return "Set the entropy rate of the diffuse phase to 1/2 and solve for b; then s = b s_c."


@exercise("1.2")
def half_of_the_entropy_exactly(answer: object) -> str | None:
    """Root of E H(4096, s) = log(4096)/2 by ENT-1."""
    s = number(answer, "a number, the width s")
    if not 0.0 < s < 100.0:
        return "s is a standard deviation, of the order of s_c = 4.08."
    rate = qk.evaluate("ENT-1", T=4096, s=s)["mean_entropy"] / math.log(4096)
    if abs(rate - 0.5) < 5e-4:
        return None
    side = "more" if rate > 0.5 else "less"
    return f"At this s {side} than half of log T is left: {rate:.3f} of it."


@exercise("1.3")
def exponent_of_the_typical_participation(answer: object) -> str | None:
    """Typical exponent of Y_2 for 1/2 < b < 1: 2 (1 + b^2) - (exponent at x = 1 and width 2 b)."""
    eta = formula(answer, ["b"])
    b = sp.Symbol("b")
    points = [0.55, 0.7, 0.9]
    if same_formula(eta, 2 * (1 - b) ** 2, b=points):
        return None
    if same_formula(eta, -2 * (1 - b) ** 2, b=points):
        return "The sign: Y_2 is T to the power minus eta, and eta is positive."
    if same_formula(eta, 1 - 2 * b**2, b=points):
        return "That holds up to b = 1/2. Beyond it, is there a logit where the numerator peaks?"
    if same_formula(eta, ((1 - b**2) / (2 * b)) ** 2, b=points):
        return "That is the exponent of the mean. A typical row has no logit beyond x = 1."
    return (
        "The numerator has the width 2 b > 1: it is frozen, with exponent 2 (2 b). "
        "The denominator is Z^2 with b < 1. Subtract."
    )


@exercise("1.4")
def gain_at_which_a_head_freezes(answer: object) -> str | None:
    """E s^2 = tr(W W^T)/d averaged: c^2; so c is the boundary itself."""
    c = number(answer, "a number, the gain c")
    half = qk.evaluate("ENT-8a", T=1024)["s_half_capacity"]
    if close(abs(c), half, rel=3e-3) and c > 0:
        return None
    if close(c, qk.evaluate("ENT-0b", T=1024, s=1.0)["s_c"], rel=3e-3):
        return "That is s_c, the limit; the boundary at T = 1024 comes earlier."
    if close(c * 8, half, rel=3e-3) or close(c / 8, half, rel=3e-3):
        return "Off by sqrt(d): E tr(W W^T) = d c^2, and the temperature is sqrt(d)."
    if close(c * c, half, rel=3e-3) or close(c, half * half, rel=3e-3):
        return "Off by a square: s^2 is proportional to c^2."
    return "Given W, the mean of s^2 is tr(W W^T)/d for this temperature. What is its mean over W?"
