"""Checks of the lesson on localization."""

from __future__ import annotations

import math

import qktheory as qk

from . import close, exercise, number


@exercise("3.1")
def antisymmetric_at_the_end(answer: object) -> str | None:
    """eta_F/3 + eta/4 at eta = -eta_F = -6."""
    value = number(answer)
    limit = {
        sign: qk.evaluate("LOC-1b", eta_F=6.0, eta=6.0 * sign, theta=1.0)["var_limit"]
        for sign in (-1, 0, 1)
    }
    if close(value, limit[-1]):
        return None
    if close(value, limit[1]):
        return "That is a symmetric W. What is tr W^2 if the transpose of W is -W?"
    if close(value, limit[0]):
        return "tr W^2 is not zero: it is the trace of -W W^T."
    return "Evaluate limit_variance at theta = 1; eta follows from eta_F by antisymmetry."


@exercise("3.2")
def centre_over_edge(answer: object) -> str | None:
    """Ratio of the prefactors v^(-1/2)."""
    value = number(answer)
    right = qk.evaluate("LOC-4e")["center_to_edge_ratio"]
    if close(value, right, rel=1e-3):
        return None
    if close(value, right**2, rel=1e-3):
        return "That is the ratio of the variances. Is rho inverse to a variance or to its root?"
    if close(value, 1 / right, rel=1e-3):
        return "Upside down: where is the variance smaller?"
    return "For large eta, rho is the width of the alive interval times the density at 0."


@exercise("3.3")
def widest_contrast_on_the_axis(answer: object) -> str | None:
    """72/(7 log 7)."""
    value = number(answer)
    right = qk.evaluate("LOC-4e")["eta_star"]
    if close(value, right, rel=1e-6):
        return None
    if close(value, right, rel=1e-2):
        return "Close. Differentiate instead of scanning: the equation is solved by a logarithm."
    if value <= 0.0:
        return "eta is a sum of squares."
    slope = "rises" if value < right else "falls"
    return (
        f"At this eta the contrast {slope} with eta. With a = 1/sqrt(eta v) at the middle and at "
        "the end, set the derivative of Phi(a_mid) - Phi(a_end) in eta to zero."
    )


@exercise("3.4")
def inside_the_lens(answer: object) -> str | None:
    """2 < xi < tip of the lens."""
    xi = abs(number(answer, "a number, the trace xi"))
    tip = qk.evaluate("LOC-6f")["xi_tip"]
    if 2.0 < xi < tip:
        return None
    if xi <= 2.0:
        return "Up to xi = 2 the late phase reaches down to eta = 0: L comes first."
    if math.isclose(xi, tip, rel_tol=1e-2):
        return "A little too far: here no eta is late."
    return "The lens is narrow: it ends less than one percent beyond xi = 2."
