"""Checks of the lesson on depth and trainability."""

from __future__ import annotations

import math

import sympy as sp

import qktheory as qk

from . import Unreadable, close, exercise, formula, function, number, same_formula


@exercise("7.1")
def skip_of_48_layers(answer: object) -> str | None:
    """alpha_min of ENT-16a."""
    alpha = number(answer)
    found = qk.evaluate("ENT-16a", cosine_0=0.1, epsilon=0.05, alpha=1.0, L=48)
    if close(alpha, found["alpha_min"], rel=2e-3):
        return None
    if close(alpha, found["alpha_min_approx"], rel=2e-3):
        return "That is the large L approximation; three digits need the closed form."
    if alpha <= 0.0:
        return "The weight of the skip is positive."
    odds = 0.1 / 0.9 * math.exp(48 * math.log1p(alpha**-2))
    rho = odds / (1.0 + odds)
    return f"With your alpha the cosine after 48 layers is {rho:.4f}; it should be just 0.95."


@exercise("7.2")
def weak_branches(answer: object) -> str | None:
    """(1 + sigma_V^2/L^2)^L tends to 1: nothing happens."""
    found = formula(answer, ["rho_0", "sigma_V"])
    rho, sigma = sp.symbols("rho_0 sigma_V", positive=True)
    points = {"rho_0": [0.1, 0.3, 0.8], "sigma_V": [1.0, 0.5, 2.0]}
    if same_formula(found, rho, **points):
        return None
    grown = rho * sp.exp(sigma**2)
    if same_formula(found, grown / (1 - rho + grown), **points):
        return "That is the limit for branches scaled by 1/sqrt(L)."
    return "The odds grow by (1 + sigma_V^2/L^2)^L. Which limit has that?"


@exercise("7.3")
def starved_queries(answer: object) -> str | None:
    """((1 - rho_12)/(1 - rho_0))^2 with odds times 1.25 a layer."""
    ratio = number(answer)
    layers = qk.evaluate("ENT-15d", alpha=2.0, cosine_0=0.1, L=13)["cosine_layers"]
    right = ((1.0 - layers[11]) / 0.9) ** 2
    if close(ratio, right, rel=3e-3):
        return None
    if close(ratio, 1.0 / right, rel=3e-3):
        return "That is the earlier over the later."
    if close(ratio, math.sqrt(right), rel=3e-3):
        return "That is the ratio of the norms; the question is about their squares."
    if close(ratio, ((1.0 - layers[12]) / 0.9) ** 2, rel=3e-3):
        return "Layer 13 sees tokens that have gone through 12 layers."
    return "Odds grow by 1 + 1/4 a layer: find the cosine of the tokens that enter layer 13."


@exercise("7.4")
def one_layer(answer: object) -> str | None:
    """The map of ENT-15a."""
    layer = function(answer, "a function of (cosine, alpha, sigma_V, Y, C)")
    wrong_at_C = False
    for cosine, alpha, sigma_V, Y, C in (
        (0.1, 1.0, 1.0, 0.05, 0.0),
        (0.3, 0.5, 1.5, 0.2, 0.04),
        (0.8, 2.0, 0.7, 0.6, 0.3),
        (0.0, 0.0, 1.0, 0.5, 0.1),
    ):
        value = number(layer(cosine, alpha, sigma_V, Y, C), "a function that returns a number")
        norm = alpha**2 + sigma_V**2 * (cosine + (1.0 - cosine) * Y)
        right = (alpha**2 * cosine + sigma_V**2 * (cosine + (1.0 - cosine) * C)) / norm
        if not close(value, right, rel=1e-8, abs=1e-12):
            if C == 0.0:
                return f"At {(cosine, alpha, sigma_V, Y, C)} it returns {value:.6f}."
            wrong_at_C = True
    if wrong_at_C:
        return "It is right at C = 0, and not where two rows share keys."
    try:
        number(layer(sp.Rational(1, 2), 1, 1, 0, 0))
    except Unreadable as unreadable:
        return str(unreadable)
    return None
